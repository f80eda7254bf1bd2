"""No blocked word reaches a client, wherever deltas, frames or bytes are cut: every entry of a 200-entry library."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.policy import Plan
from proxy.review.entry import Action, Entry
from proxy.review.interchange import read_entries
from proxy.review.library import Library
from proxy.upstreams import replies
from tests.helpers import REFUSALS
from tests.wire.plans import NUMBERS, plan, rules, said

SAMPLE = Path(__file__).parents[2] / "config/library/sample.jsonl"
ENTRIES = read_entries(SAMPLE.read_bytes(), SAMPLE.name).entries
KEYWORDS = [entry for entry in ENTRIES if entry.kind == "keyword"]
LIBRARY = Library.compile(ENTRIES, REFUSALS)
RULES = rules(carrier=True)


def decided() -> Plan:
    return replace(
        plan(of=RULES), locale="zh", library=LIBRARY, content_numbers=NUMBERS[:1], skipped="", carrier=True
    )


def stream(texts: list[str]) -> bytes:
    return b"".join(step for step in replies.sse(texts).steps if isinstance(step, bytes))


def without_grains(text: str) -> str:
    return "".join(c for c in text if not "\ufe00" <= c <= "\ufe0f")


def surrounded(entry: Entry) -> str:
    return f"前面说了一句话，{entry.pattern} 后面还有一句话。"


def test_the_library_is_large_enough_to_mean_something() -> None:
    assert len(KEYWORDS) >= 200
    assert sum(entry.action_for("output").holds for entry in KEYWORDS) >= 150


@pytest.mark.parametrize("entry", KEYWORDS, ids=lambda entry: entry.pattern)
def test_no_split_leaks_the_word_or_changes_the_answer(entry: Entry) -> None:
    text = surrounded(entry)
    whole = said(stream([text]), decided())
    holds = entry.action_for("output").holds
    assert (entry.pattern in without_grains(whole)) is not holds
    if entry.action_for("output") is Action.BLOCK:
        assert "换个话题吧。" in whole or "Let us talk" in whole
    ways = [[text[:at], text[at:]] for at in range(1, len(text))]
    ways.append(list(text))
    chance = random.Random(entry.pattern)
    for _ in range(8):
        cuts = sorted(chance.sample(range(1, len(text)), chance.randint(1, 6)))
        ways.append([text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)])
    for way in ways:
        assert said(stream(way), decided()) == whole
    raw = stream(list(text))
    assert said(raw, decided(), [raw[at : at + 1] for at in range(len(raw))]) == whole
    pieces = []
    at = 0
    while at < len(raw):
        step = chance.randint(1, 200)
        pieces.append(raw[at : at + step])
        at += step
    assert said(raw, decided(), pieces) == whole
