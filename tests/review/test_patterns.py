"""Expressions of entries: matched as RE2 says, and known by every beginning of a match."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.review.entry import EntryError
from proxy.review.patterns import Pattern
from proxy.review.tables import builtin_tables
from proxy.review.views import safe_view

SAFE = safe_view(builtin_tables())


def expressions() -> st.SearchStrategy[str]:
    leaves = st.sampled_from(["a", "b", "甲", ".", "[ab]", "[^a]", r"\d", "(?:)"])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map("".join),
            st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
            st.tuples(inner, st.integers(0, 2), st.integers(0, 2)).map(
                lambda t: f"(?:{t[0]}){{{t[1]},{t[1] + t[2]}}}"
            ),
            inner.map(lambda one: f"({one})?"),
            inner.map(lambda one: f"(?:{one})*"),
        ),
        max_leaves=6,
    )


@settings(max_examples=300, deadline=None)
@given(expressions(), st.lists(st.text("ab甲1\n", max_size=6), min_size=5, max_size=20))
def test_beginnings_of_matches_are_known_and_matches_are_those_of_a_plain_engine(
    source: str, texts: list[str]
) -> None:
    try:
        pattern = Pattern(source, SAFE.fold, ignore_case=True)
    except EntryError:
        assert re.fullmatch(source, "")
        return
    plain = re.compile(source, re.IGNORECASE)
    for text in texts:
        matches = plain.fullmatch(text) is not None
        assert pattern.matches(text) == matches
        lengths = [end for end in range(len(text) + 1) if plain.fullmatch(text, 0, end)]
        assert pattern.longest(text) == max(lengths, default=0)
        for end in lengths:
            assert all(pattern.may_become(text[:begun]) for begun in range(end + 1))


@pytest.mark.parametrize(
    ("source", "text", "over"),
    [("1[3-9]\\d{2}", "138", "12"), ("甲.{0,2}乙", "甲xx", "甲xxx"), ("a{2}b", "aa", "aaa"), ("(?:a|bc)d", "b", "bd"),
     ("ab{0}c", "a", "ab")],
)  # fmt: skip
def test_what_cannot_become_a_match_is_known_at_once(source: str, text: str, over: str) -> None:
    pattern = Pattern(source, SAFE.fold, ignore_case=True)
    assert pattern.may_become(text)
    assert not pattern.may_become(over)


READ = [
    ("黃", "黄", True), ("ß", "ss", True), ("[黃x]", "黄", True), ("[^黃]", "黄", False), (r"\p{Han}+", "汉字", True),
    (r"[\p{Han}\d]{2}", "汉1", True), (r"\PL", "1", True), (r"\x{7532}", "甲", True), ("A", "a", True),
    ("(?s)a.b", "a\nb", True), ("a.b", "a\nb", False), ("(?i:a)b", "ab", True), (r"\w\s\D\S\W", "a bc-", True),
    ("[^a]", "b", True), ("a.", "a甲", True), ("(?:a|b)+", "abab", True), ("[[a]", "[", True),
]  # fmt: skip


@pytest.mark.parametrize(("source", "text", "matches"), READ)
def test_an_expression_reads_in_the_letters_of_its_view(source: str, text: str, matches: bool) -> None:
    assert Pattern(source, SAFE.fold, ignore_case=True).matches(text) is matches


def test_the_raw_view_minds_case_unless_told() -> None:
    assert not Pattern("A", str, ignore_case=False).matches("a")
    assert Pattern("(?i)A", str, ignore_case=False).matches("a")
    assert Pattern("(?i:A)b", str, ignore_case=False).matches("ab")
    assert not Pattern("(?i)x(?-i:A)", str, ignore_case=False).matches("xa")
    assert Pattern("(?s:.)x", str, ignore_case=False).matches("\nx")


@pytest.mark.parametrize(
    ("source", "narrowest", "widest"), [("ab?", 1, 2), ("a+", 1, None), ("(?:ab|c){2}", 2, 4)]
)
def test_widths_are_known(source: str, narrowest: int, widest: int | None) -> None:
    pattern = Pattern(source, SAFE.fold, ignore_case=True)
    assert (pattern.narrowest, pattern.widest) == (narrowest, widest)


REFUSED = [
    ("(", "RE2 syntax"), ("a(?=b)", "RE2 syntax"), (r"(a)\1", "RE2 syntax"), ("^a", "anchor"), (r"a\b", "anchor"),
    ("[[:alpha:]]", "POSIX"), ("a*", "empty text"), ("", "empty text"), (r"a\z", "taken apart"), ("a{2}+", "RE2 syntax"),
    (r"(?:\p{L}b){200}(?:\p{L}b){200}", "repeats"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "advice"), REFUSED)
def test_what_cannot_be_matched_in_a_stream_is_refused_with_advice(source: str, advice: str) -> None:
    with pytest.raises(EntryError, match=advice):
        Pattern(source, SAFE.fold, ignore_case=True)
