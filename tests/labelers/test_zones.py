"""No grain in any protected zone, by a Markdown parser that is not ours; `bench/renderings.py` tries ten thousand."""

from __future__ import annotations

import random

import pytest

from labelers.provenance import KeyRing, Provenance
from labelers.watermarks.carrier import PROFILES, CarrierScheme
from labelers.watermarks.carrier_codec import GRAIN_RUN
from tests.labelers.documents import document, text_of
from tests.labelers.zones import misplaced

KEYS = KeyRing(b"m" * 32, producers=["tester"])
STREAMING = sorted(name for name, profile in PROFILES.items() if profile.least)
GRAIN = "\ufe03" + "\ufe00" * 12


@pytest.mark.parametrize("script", ["zh", "en", "mixed"])
def test_no_grain_stands_where_a_markdown_parser_sees_something_protected(script: str) -> None:
    placed = 0
    for seed in range(400):
        text = text_of(document(random.Random(f"z{seed}"), script))
        transform = CarrierScheme(KEYS, STREAMING[seed % len(STREAMING)], second=seed % 5 == 4).new_transform(
            Provenance("tester", seed)
        )
        marked = transform.feed(text) + transform.flush()
        placed += len(GRAIN_RUN.findall(marked))
        assert misplaced(marked) == []
    assert placed > 4_000


@pytest.mark.parametrize(
    "text",
    [
        f"a `co{GRAIN}de` b",
        f"```\nco{GRAIN}de\n```",
        f"# Head{GRAIN}ing",
        f"[te{GRAIN}xt](https://a.b/c)",
        f"[text](https://a.b/{GRAIN}c)",
        f"<b ti{GRAIN}tle='x'>y</b>",
        f"| a | b{GRAIN} |\n|---|---|\n| c | d |",
        f"    inden{GRAIN}ted",
        f"see https://exa{GRAIN}mple.com/x now",
        f"write to some{GRAIN}one@example.com now",
        f"line\n{GRAIN}start",
    ],
)
def test_the_oracle_sees_a_grain_in_each_protected_zone(text: str) -> None:
    assert misplaced(text)


def test_the_oracle_lets_grains_in_running_text_be() -> None:
    assert (
        misplaced(f"- item{GRAIN} one, **bo{GRAIN}ld**\n\n> quote,{GRAIN} https://a.b/c and\nmore{GRAIN}")
        == []
    )
