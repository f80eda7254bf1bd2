"""A file as a whole: what is said of its implicit label, its visible one and its text."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from detectors import files
from detectors.panel import Panel
from labelers.provenance import KeyRing, Provenance
from labelers.watermarks import SCHEMES
from tests.labelers.files import samples as s

RING = KeyRing(b"k" * 32, producers=("UNSET",))
PROSE = "".join(
    f"这是第{n}段，春江潮水连海平，海上明月共潮生，何处春江无月明。" for n in "一二三四五六七八九十"
)


def test_a_file_that_keeps_the_rules_is_compliant() -> None:
    reading = files.read(s.docx(s.BARE), "a.docx")
    assert (reading.verdict, reading.format) == ("compliant", "docx")
    assert reading.fields == s.FIELDS
    assert reading.explicit == (s.VISIBLE,)
    assert reading.problems == () == reading.notes
    assert reading.text == f"{s.VISIBLE}\n{s.PROSE}"


def test_a_second_implicit_label_breaks_the_clause_on_overwriting() -> None:
    matter = f"---\nAIGC: {s.BARE}\n---\n"
    reading = files.read((matter * 2 + "x").encode(), "a.md")
    assert reading.verdict == "non_compliant"
    assert reading.problems == (
        "GB 45438-2025 §6.1 c): 2 implicit labels, where one may stand (front matter, AIGC, front matter 2, AIGC)",
    )


def test_a_label_that_says_nothing_is_non_compliant_with_its_clause() -> None:
    reading = files.read(s.docx(json.dumps(s.FIELDS | {"Label": "AIGC"})), "a.docx")
    assert reading.verdict == "non_compliant"
    assert reading.problems == ("GB 45438-2025 Annex E: Label is 'AIGC', not 1, 2 or 3",)


def test_a_file_without_label_and_one_that_cannot_be_read_are_told_apart() -> None:
    without = files.read(s.docx(), "a.docx")
    assert (without.verdict, without.fields, without.explicit) == ("not_found", {}, (s.VISIBLE,))
    unreadable = files.read(b"x", "a.docx")
    assert (unreadable.verdict, unreadable.reason) == (
        "unreadable",
        "the file is called .docx, but its bytes are no docx",
    )


@pytest.mark.parametrize(
    "line",
    ["**【本内容由AI生成】**", "> 【本内容由AI生成】", "> > *【本内容由AI生成】*", "`【本内容由AI生成】`"],
)
def test_a_visible_label_counts_whatever_its_emphasis(line: str) -> None:
    assert files.read(f"{line}\n\n甲".encode(), "a.md").explicit == (s.VISIBLE,)


def test_the_reading_as_json_holds_all_but_the_text() -> None:
    core = f"<c><description>{s.WRAPPED}</description></c>"
    shown = files.read(s.docx(**{"docProps/core.xml": core}), "a.docx").to_json()
    assert json.loads(json.dumps(shown)) == {
        "format": "docx",
        "verdict": "compliant",
        "labels": [
            {
                "place": "docProps/core.xml, description",
                "own_place": False,
                "raw": s.WRAPPED,
                "fields": s.FIELDS,
                "problems": [],
                "notes": [],
            }
        ],
        "explicit": [s.VISIBLE],
        "problems": [],
        "notes": ["the label stands in docProps/core.xml, description, where nobody looks for it"],
        "reason": "",
    }
    reading = files.read(s.docx(s.BARE), "a.docx")
    assert files.FileReading.from_json(reading.to_json() | {"text": reading.text}) == reading


@pytest.mark.parametrize(
    ("value", "verdict", "label"),
    [
        (s.BARE, "confirmed", "1"),
        (json.dumps(s.FIELDS | {"Label": "2"}), "possible", "2"),
        (json.dumps(s.FIELDS | {"Label": "3"}), "suspected", "3"),
        (json.dumps(s.FIELDS | {"Label": "AIGC"}), "suspected", "3"),
    ],
)
def test_metadata_decides_the_statutory_label(value: str, verdict: str, label: str) -> None:
    report = files.examine(files.read(s.docx(value), "a.docx"), Panel(RING))
    shown = report.to_json()
    assert (shown["verdict"], shown["statutory"]["label"]) == (verdict, label)
    assert shown["detections"][0]["detector"] == "metadata"


def test_a_carrier_in_the_text_of_a_file_is_verified() -> None:
    transform = SCHEMES["carrier"](RING, "default").new_transform(Provenance("UNSET", 5 << 24))
    marked = transform.feed(PROSE) + transform.flush()
    body = f"<w:p><w:r><w:t>{marked}</w:t></w:r></w:p>"
    report = files.examine(files.read(s.docx(body=body), "a.docx"), Panel(RING))
    assert report.verdict == "confirmed"
    assert {d.detector: str(d.outcome) for d in report.detections} == {
        "carrier": "present",
        "metadata": "absent",
        "explicit": "absent",
        "foreign": "absent",
        "statistical": "absent",
    }


def test_a_declaration_counts_where_nothing_is_found() -> None:
    plain = s.docx(body="<w:p><w:r><w:t>x</w:t></w:r></w:p>")
    assert files.examine(files.read(plain, "a.docx"), Panel(RING), declared=True).verdict == "possible"
    assert files.examine(files.read(plain, "a.docx"), Panel(RING)).verdict == "not_found"


def test_the_example_in_the_docs_runs() -> None:
    page = (Path(__file__).parents[2] / "docs/files.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(code, {})
