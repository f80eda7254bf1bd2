"""The streaming reviewer against a slow oracle, at every cut."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.review.entry import Action, Direction, Entry
from proxy.review.interchange import read_jsonl
from proxy.review.library import Library
from proxy.review.reviewer import Finding, Reviewer
from proxy.review.tables import builtin_tables
from tests.review import oracle

NOTHING = Library.compile(())

SAMPLE = read_jsonl((Path(__file__).parents[2] / "config/library/sample.jsonl").read_text("utf-8")).entries
SAMPLE_LIBRARY = Library.compile(SAMPLE)
OUT = Direction.OUTPUT


def run(library: Library, pieces: Sequence[str], direction: Direction = OUT) -> tuple[str, Reviewer]:
    reviewer = library.reviewer(direction)
    released = "".join([*[reviewer.feed(piece) for piece in pieces], reviewer.flush()])
    assert reviewer.held == 0
    return released, reviewer


def cuts(text: str, seed: int = 0) -> list[list[str]]:
    """The text whole, one character at a time, cut once anywhere, and cut at random."""
    ways = [[text], list(text), *([text[:i], text[i:]] for i in range(len(text) + 1))]
    chance = random.Random(seed)
    for _ in range(3):
        at, pieces = 0, []
        while at < len(text):
            step = chance.randint(1, 5)
            pieces.append(text[at : at + step])
            at += step
        ways.append(pieces)
    return ways


def fold(text: str) -> str:
    return text.translate(builtin_tables().fold)


def spans(findings: Sequence[Finding]) -> list[tuple[int, int, str]]:
    return [(f.start, f.end, f.entry_id) for f in findings]


@pytest.mark.parametrize("entry", SAMPLE, ids=lambda entry: entry.id)
def test_no_cut_of_the_text_leaks_a_keyword_of_the_sample_library(entry: Entry) -> None:
    text = f"前面的文字，before {entry.pattern} 后面的文字，after."
    whole, first = run(SAMPLE_LIBRARY, [text])
    action = entry.action_for(OUT)
    assert any(f.entry_id == entry.id for f in first.findings)
    if action in (Action.BLOCK, Action.REPLACE, Action.MASK):
        assert fold(entry.pattern) not in fold(whole)
    for pieces in cuts(text, seed=len(entry.pattern)):
        released, reviewer = run(SAMPLE_LIBRARY, pieces)
        assert released == whole
        assert reviewer.findings == first.findings
        assert reviewer.blocked == first.blocked


@pytest.mark.parametrize("entry", SAMPLE[::7], ids=lambda entry: entry.id)
def test_nothing_released_on_the_way_holds_the_start_of_a_block(entry: Entry) -> None:
    if entry.action_for(OUT) is not Action.BLOCK:
        pytest.skip("does not block")
    text = "前文，" + entry.pattern + "。后文"
    reviewer = SAMPLE_LIBRARY.reviewer(OUT)
    released = "".join(reviewer.feed(character) for character in text) + reviewer.flush()
    assert released == "前文，"


ACTIONS = st.fixed_dictionaries({"output": st.sampled_from([str(a) for a in Action])})


def libraries(alphabet: str) -> st.SearchStrategy[list[Entry]]:
    words = st.text(alphabet, min_size=1, max_size=4).filter(lambda w: fold(w).strip() != "")

    def entry(pattern: str, action: dict[str, str], around: list[tuple[str, str]], boundary: str) -> Entry:
        phrases = tuple(before + pattern + after for before, after in around)
        return Entry(
            pattern, "A.1.a", action={Direction(k): Action(v) for k, v in action.items()},
            exceptions=phrases, boundary=boundary, views=("safe",),
        )  # fmt: skip

    side = st.text(alphabet, max_size=2)
    entries = st.builds(
        entry, words, ACTIONS, st.lists(st.tuples(side, side), max_size=2), st.sampled_from(["auto", "none"])
    )
    return st.lists(entries, min_size=1, max_size=5, unique_by=lambda e: e.id)


ALPHABETS = {
    "overlaps": "甲乙",
    "words": "ab ",
    "words and marks": "aÀ\u0301\u200bか\u3099 ",
    "expansions": "ﬁfiß s…。.",
    "syllables": "가각\u1100\u1161\u11a8",
}


@pytest.mark.parametrize("name", ALPHABETS)
@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_any_library_and_any_cut_agree_with_the_oracle(name: str, data: st.DataObject) -> None:
    alphabet = ALPHABETS[name]
    entries = data.draw(libraries(alphabet))
    pieces = data.draw(st.lists(st.text(alphabet, max_size=4), max_size=10))
    text = "".join(pieces)
    library = Library.compile(entries)
    expected, blocking, hits = oracle.review(entries, OUT, text)
    for way in (pieces, [text], list(text)):
        released, reviewer = run(library, way)
        assert released == expected
        assert spans(reviewer.findings) == [(s, e, entry.id) for s, e, entry, _ in hits]
        assert (reviewer.blocked is None) == (blocking is None)
        if reviewer.blocked and blocking:
            assert (reviewer.blocked.start, reviewer.blocked.end) == blocking[:2]
        assert all(f.text == text[f.start : f.end] for f in reviewer.findings)


def keyword(pattern: str, action: str = "block", **fields: object) -> Entry:
    return Entry.from_row({"pattern": pattern, "category": "A.1.a", "action": action, **fields})


WAYS = [
    # entries, text, released, what was found
    ([keyword("甲乙")], "丙甲乙丁", "丙", ["甲乙"]),
    ([keyword("甲乙", exceptions=["丙甲乙"])], "丙甲乙丁", "丙甲乙丁", []),
    ([keyword("甲乙", exceptions=["甲乙丙"])], "甲乙丙甲乙", "甲乙丙", ["甲乙"]),
    ([keyword("cat")], "category cat-like", "category ", ["cat"]),
    ([keyword("cat")], "concat 猫cat猫", "concat 猫", ["cat"]),
    ([keyword("cat", boundary="none")], "category", "", ["cat"]),
    ([keyword("かき")], "かぎ かき", "かぎ ", ["かき"]),
    ([keyword("甲乙", "mask")], "丙甲乙丁", "丙＊＊丁", ["甲乙"]),
    ([keyword("甲乙", "replace")], "丙甲乙丁", "丙[…]丁", ["甲乙"]),
    ([keyword("甲乙", "replace", replacement="好")], "丙甲乙丁", "丙好丁", ["甲乙"]),
    ([keyword("甲乙", "flag")], "丙甲乙丁", "丙甲乙丁", ["甲乙"]),
    (
        [keyword("甲", "mask"), keyword("甲乙丙", "replace", replacement="R")],
        "甲乙丙甲乙",
        "R＊乙",
        ["甲", "甲乙丙", "甲"],
    ),
    ([keyword("甲乙", "replace", replacement="R"), keyword("乙丙")], "甲乙丙", "R", ["甲乙", "乙丙"]),
    ([keyword("甲乙丙丁", "mask"), keyword("乙丙")], "甲乙丙丁", "甲", ["乙丙"]),
    ([keyword("sexy")], "ＳＥ\u200bｘУ", "", ["ＳＥ\u200bｘУ"]),
    ([keyword("café")], "un cafe\u0301!", "un ", ["cafe"]),
    ([keyword("繁體")], "繁体", "", ["繁体"]),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "text", "released", "found"), WAYS)
def test_worked_examples_hold_at_every_cut(
    entries: list[Entry], text: str, released: str, found: list[str]
) -> None:
    library = Library.compile(entries)
    for pieces in cuts(text):
        got, reviewer = run(library, pieces)
        assert (got, [f.text for f in reviewer.findings]) == (released, found)


def test_ordinary_text_is_not_held() -> None:
    reviewer = SAMPLE_LIBRARY.reviewer(OUT)
    for character in "今天天气很好，我们去公园。Every word goes out at once?":
        assert reviewer.feed(character) == character


def test_flag_and_log_entries_never_delay() -> None:
    library = Library.compile([keyword("甲乙丙", "flag"), keyword("乙丙丁", "log")])
    reviewer = library.reviewer(OUT)
    assert [reviewer.feed(c) for c in "甲乙丙丁"] == list("甲乙丙丁")
    reviewer.flush()
    assert [f.text for f in reviewer.findings] == ["甲乙丙", "乙丙丁"]


def test_an_entry_that_is_scoped_to_input_is_silent_on_output() -> None:
    library = Library.compile([keyword("甲乙", scope="input")])
    assert run(library, ["甲乙"])[0] == "甲乙"
    assert run(library, ["甲乙"], Direction.INPUT)[0] == ""


def test_after_a_block_nothing_comes_any_more() -> None:
    reviewer = Library.compile([keyword("甲乙")]).reviewer(OUT)
    assert reviewer.feed("丙甲乙丁") == "丙"
    assert (reviewer.feed("戊"), reviewer.flush(), reviewer.held) == ("", "", 0)
    assert reviewer.reviewed == 4


def test_held_counts_what_waits_and_reviewed_what_was_seen() -> None:
    reviewer = Library.compile([keyword("甲乙丙")]).reviewer(OUT)
    assert reviewer.feed("丁甲乙") == "丁"
    assert (reviewer.held, reviewer.reviewed) == (2, 3)
    assert reviewer.feed("丁") == "甲乙丁"
    assert reviewer.held == 0


def test_an_empty_library_lets_everything_pass() -> None:
    released, reviewer = run(NOTHING, ["甲", "", "乙"])
    assert (released, reviewer.findings, reviewer.blocked) == ("甲乙", [], None)


def test_a_lone_surrogate_is_reviewed_like_any_character() -> None:
    library = Library.compile([keyword("甲乙"), keyword("丙", views=["raw"])])
    assert run(library, ["\ud800丁"])[0] == "\ud800丁"
    assert run(library, ["\ud800甲", "乙"])[0] == "\ud800"
