"""Others' invisible marks are named, and ours or natural text never is."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from detectors.detection import Outcome
from detectors.foreign import FOREIGN_MARKS, ForeignDetector, selector_bytes
from labelers.provenance import KeyRing, Provenance
from labelers.watermarks.carrier import CarrierScheme, strip_own
from tests.labelers.documents import document, text_of


def selectors(data: bytes) -> str:
    return "".join(chr(0xFE00 + byte) if byte < 16 else chr(0xE0100 + byte - 16) for byte in data)


C2PA = "\ufeff" + selectors(b"C2PATXT\0\x01" + (40).to_bytes(4, "big") + bytes(range(40)))
BLOB = selectors(bytes(range(20, 60)))
MARKS = [
    (f"正文在这里。{C2PA}", "C2PA text manifest (A.8)"),
    (f"T{BLOB}he text", "variation-selector blob"),
    (f"a{selectors(bytes([3] * 40))}b", "variation-selector blob"),
    ("words \u200b\u034f\u2060\u200bmore", "Microsoft four-character mark"),
    ("words\u200c\u200d\u2061\u2062\u200c\u200c\u2063\u2064\u200d more", "zero-width run"),
    ("words\u200b\u200c\u200b\u200b\u200c\u200c\u200b\u200c", "zero-width run"),
    ("words\U000e0041\U000e0049 more", "TAG characters"),
]


@pytest.mark.parametrize(("text", "technique"), MARKS)
def test_a_foreign_mark_is_named_where_it_stands(text: str, technique: str) -> None:
    found = ForeignDetector().detect(text)
    assert (found.outcome, found.technique, found.num_units_scored) == (Outcome.INCONCLUSIVE, technique, 1)
    ((start, end),) = found.spans
    assert text[start:end].strip() and not text[start:end].isascii()
    assert FOREIGN_MARKS[technique](text) == ((start, end),)
    assert all(ord(char) > 0x200A or ord(char) == 0x34F for char in text[start:end])


@pytest.mark.parametrize(("text", "technique"), MARKS)
def test_a_foreign_mark_is_never_stripped(text: str, technique: str) -> None:
    assert strip_own(text) == text


# Texts of ours that other systems marked, by package and version, with keys made for this alone.
MADE = json.loads((Path(__file__).parent / "foreign.json").read_text())


@pytest.mark.parametrize("made", MADE, ids=[made["maker"] for made in MADE])
def test_what_the_real_makers_write_is_named_and_never_stripped(made: dict[str, str]) -> None:
    text = made["text"]
    found = ForeignDetector().detect(text)
    assert (found.outcome, found.technique) == (Outcome.INCONCLUSIVE, made["technique"])
    rest = "".join(char for at, char in enumerate(text) if not any(a <= at < b for a, b in found.spans))
    if "glyphmark" in made["maker"]:  # which strews characters without a message between its packets
        rest = "".join(filter(str.isascii, rest))
    assert rest.startswith("The garden opens early and many people come to walk along the river.")
    assert strip_own(text) == text


def test_several_marks_are_named_together() -> None:
    found = ForeignDetector().detect("".join(text for text, _ in MARKS))
    assert found.technique == ", ".join(FOREIGN_MARKS)
    assert found.num_units_scored == len(MARKS)
    assert list(found.spans) == sorted(found.spans)


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "中文，没有标记。",
        "❤️ 👩‍👩‍👧‍👦 🏳️‍🌈 葛\U000e0100城市",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f flag of England",
        "می‌خواهم क्‍ष\u200bword",
        "\ufeffa text with a byte order mark",
    ],
)
def test_natural_text_bears_no_foreign_mark(text: str) -> None:
    found = ForeignDetector().detect(text)
    assert (found.outcome, found.spans, found.num_units_scored) == (Outcome.ABSENT, (), 0)


def test_our_own_grains_are_not_foreign_whole_or_damaged() -> None:
    scheme = CarrierScheme(KeyRing(b"m" * 32))
    transform = scheme.new_transform(Provenance("x", 5))
    marked = transform.feed(text_of(document(random.Random(3)))) + transform.flush()
    assert ForeignDetector().detect(marked).outcome is Outcome.ABSENT
    rng = random.Random(4)
    damaged = "".join(char for char in marked if rng.random() > 0.1)
    assert ForeignDetector().detect(damaged).outcome is Outcome.ABSENT


def test_selectors_are_read_as_bytes() -> None:
    assert selector_bytes(selectors(bytes(range(256)))) == bytes(range(256))
