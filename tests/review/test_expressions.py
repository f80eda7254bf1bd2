"""Entries of kind regex over a stream, against a slow search, at every cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.review.entry import Action, Direction, Entry
from proxy.review.library import Library
from proxy.review.patterns import Pattern
from proxy.review.tables import Kind, builtin_tables
from proxy.review.views import safe_view
from tests.review.test_reviewer import cuts, run

TABLES = builtin_tables()
FOLD = safe_view(TABLES).fold


def regex(pattern: str, action: str = "block", **fields: object) -> Entry:
    return Entry.from_row(
        {"pattern": pattern, "kind": "regex", "category": "A.4.f", "action": action, **fields}
    )


FOUND = [
    # entries, text, released, what was found
    ([regex("1[3-9]\\d{9}", "mask")], "电话13800001111。", "电话＊＊＊＊＊＊＊＊＊＊＊。", ["13800001111"]),
    ([regex("1[3-9]\\d{9}")], "号138000011112", "号138000011112", []),  # one digit too many
    ([regex("1[3-9]\\d{9}", boundary="none")], "号138000011112", "号", ["13800001111"]),
    ([regex("甲.{0,3}乙")], "丙甲一二乙丁", "丙", ["甲一二乙"]),
    ([regex("甲.{0,3}乙")], "丙甲一二三四乙丁", "丙甲一二三四乙丁", []),
    ([regex("\\d{2,4}", "mask")], "12345 12", "12345 ＊＊", ["12"]),
    ([regex("ab?", "mask", boundary="none")], "aab", "＊＊＊", ["a", "ab"]),
    ([regex("甲+", "mask", scope="input")], "甲甲", "甲甲", []),
    ([regex("\\d{17}[\\dX]", regex={"validator": "id_card"})], "证11010519491231002X。", "证", ["11010519491231002X"]),
    ([regex("\\d{17}[\\dX]", regex={"validator": "id_card"})], "证110105194912310021。", "证110105194912310021。", []),
    ([regex("黃\\d", exceptions=["黄1号"])], "黄1号黄1", "黄1号", ["黄1"]),
    ([regex("(甲|乙){2,3}丁?", "mask", exceptions=["甲一乙丙丁"])], "甲1丙丁甲乙丁", "甲1丙丁＊＊＊", ["甲乙丁"]),
    ([regex("ｘ\\d")], "X１", "", ["X１"]),
    ([regex("A\\d", views=["raw"])], "a1A1", "a1A1", []),
    ([regex("A\\d", views=["raw"])], "a1 A1", "a1 ", ["A1"]),
    ([regex("\\d{3}", "flag")], "123 4", "123 4", ["123"]),
    ([Entry("甲乙丙", "A.1.a", folds=("filler",), gap=2)], "丁甲的了乙么丙", "丁", ["甲的了乙么丙"]),
    ([Entry("甲乙丙", "A.1.a", folds=("filler",), gap=2)], "甲的了么乙丙", "甲的了么乙丙", []),
    ([Entry("甲乙丙", "A.1.a", folds=("filler",), gap=2)], "甲。乙丙", "甲。乙丙", []),
    ([regex("fi!", boundary="none")], "ﬁ!", "", ["ﬁ!"]),
    ([regex("甲.{0,6}乙|丙丁", "mask")], "甲丙子", "甲丙子", []),  # the later one is over before the first
    ([regex("甲.{0,6}乙|丙丁", "mask")], "甲丙丁", "甲＊＊", ["丙丁"]),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "text", "released", "found"), FOUND)
def test_worked_examples_hold_at_every_cut(
    entries: list[Entry], text: str, released: str, found: list[str]
) -> None:
    library = Library.compile(entries)
    for pieces in cuts(text):
        got, reviewer = run(library, pieces)
        assert (got, [f.text for f in reviewer.findings]) == (released, found)


def slow_hits(pattern: str, text: str) -> list[tuple[int, int]]:
    """The longest match from each place, none within another; no word cut in two."""
    of, hits, covered = Pattern(pattern, FOLD, ignore_case=True), [], 0
    word = [TABLES.kind(c) == Kind.WORD for c in text]
    for start in range(len(text)):
        if start < covered or (word[start] and start and word[start - 1]):
            continue
        for end in range(len(text), start, -1):
            split = word[end - 1] and end < len(text) and word[end]
            if of.matches(text[start:end]) and not split:
                hits.append((start, end))
                covered = end
                break
    return hits


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["ab?c?", "甲.{0,2}乙", "(?:a|甲)[ab]{0,3}", "[ab]{2}", "a甲|甲a", "\\d{1,3}甲?"]),
    st.sampled_from(["mask", "flag", "replace", "block"]),
    st.lists(st.text("abc甲乙1 ", max_size=4), max_size=8),
)
def test_any_cut_agrees_with_a_slow_search(pattern: str, action: str, pieces: list[str]) -> None:
    library = Library.compile([regex(pattern, action)])
    text = "".join(pieces)
    expected = slow_hits(pattern, text)
    whole, first = run(library, [text])
    if action != "block":
        assert sorted((f.start, f.end) for f in first.findings) == expected
    else:
        assert (first.blocked is not None) == bool(expected)
    for way in (pieces, list(text)):
        released, reviewer = run(library, way)
        assert (released, reviewer.findings) == (whole, first.findings)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_all_kinds_together_do_not_depend_on_the_pieces(data: st.DataObject) -> None:
    actions = st.sampled_from(["block", "replace", "mask", "flag"])
    kinds = [
        {"pattern": "甲乙丙", "folds": ["filler", "reversed"], "gap": 2},
        {"pattern": "甲.{0,2}丁", "kind": "regex"},
        {"pattern": "乙丙丁", "views": ["safe", "evasion", "pinyin"], "exceptions": ["乙丙丁戊"]},
        {"kind": "combination", "combination": {"all": ["甲", "丁丁"], "none": ["戊"]}},
        {"kind": "combination", "combination": {"all": ["乙"], "any": ["丙", "甲"], "within": 4}},
        {"kind": "combination", "combination": {"all": ["丙", "丁"], "none": ["戊"], "hold": "sentence"}},
        {"pattern": "甲乙丙丁戊", "kind": "similar-text", "threshold": 0.5},
    ]
    chosen = data.draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4, unique_by=str))
    library = Library.compile(
        Entry.from_row({"category": "A.1.a", "action": data.draw(actions), **row}) for row in chosen
    )
    pieces = data.draw(st.lists(st.text("甲乙丙丁戊。 -.", max_size=5), max_size=10))
    text = "".join(pieces)
    whole, first = run(library, [text])
    for way in (pieces, list(text)):
        released, reviewer = run(library, way)
        assert (released, reviewer.findings, reviewer.blocked) == (whole, first.findings, first.blocked)
        assert all(f.text == text[f.start : f.end] for f in reviewer.findings)


def test_only_what_may_match_waits() -> None:
    reviewer = Library.compile([regex("1[3-9]\\d{9}")]).reviewer(Direction.OUTPUT)
    assert [reviewer.feed(c) for c in "a1 12 13"] == ["a", "1", " ", "", "12", " ", "", ""]
    assert reviewer.held == 2


def test_flags_never_delay() -> None:
    reviewer = Library.compile([regex("1[3-9]\\d{9}", "flag")]).reviewer(Direction.OUTPUT)
    assert [reviewer.feed(c) for c in "13800001111。"] == list("13800001111。")
    assert [f.action for f in reviewer.findings] == [Action.FLAG]
