"""Matchers against a naive search, and live prefixes against the definition."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ahocorasick_rs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.review.columns import acting
from proxy.review.entry import Direction
from proxy.review.flat import Flat
from proxy.review.matcher import DaachorseMatcher, LivePrefixes, Matcher
from proxy.review.trie import trie_of

PATTERNS = st.lists(st.text("甲乙a", min_size=1, max_size=4), min_size=1, max_size=6, unique=True)
TEXT = st.text("甲乙a", max_size=20)


class RustMatcher:
    """The second engine: the same contract."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._automaton = ahocorasick_rs.AhoCorasick(list(patterns))

    def find(self, text: str) -> Sequence[tuple[int, int, int]]:
        hits = self._automaton.find_matches_as_indexes(text, overlapping=True)
        return [(start, end, index) for index, start, end in hits]


@pytest.mark.parametrize("engine", [DaachorseMatcher, RustMatcher])
@given(patterns=PATTERNS, text=TEXT)
def test_every_occurrence_is_found(
    engine: Callable[[Sequence[str]], Matcher], patterns: list[str], text: str
) -> None:
    expected = {
        (start, start + len(pattern), index)
        for index, pattern in enumerate(patterns)
        for start in range(len(text))
        if text.startswith(pattern, start)
    }
    found = list(engine(patterns).find(text))
    assert set(found) == expected
    assert len(found) == len(expected)
    assert [end for _, end, _ in found] == sorted(end for _, end, _ in found)


def prefixes_of(free: list[str], bounded: list[str]) -> LivePrefixes:
    """Of words that act on output alone, some of them bound to the start of a word."""
    flags = [
        acting(Direction.OUTPUT, holds=False, bounded=n >= len(free)) for n in range(len(free + bounded))
    ]
    whole = np.zeros(len(flags), np.bool_)
    trie = trie_of(Flat.of([*free, *bounded]), np.arange(len(flags)), np.array(flags, np.uint8), whole)
    assert not LivePrefixes(trie, Direction.INPUT, holds=False).any
    return LivePrefixes(trie, Direction.OUTPUT, holds=False)


@given(PATTERNS, PATTERNS, TEXT, st.integers(0, 5), st.sets(st.integers(0, 20)))
def test_the_longest_live_suffix_is_found(
    free: list[str], bounded: list[str], text: str, begin: int, words: set[int]
) -> None:
    def live(start: int) -> bool:
        rest = text[start:]
        starts = [p for p in free if p.startswith(rest) and p != rest]
        starts += [p for p in bounded if p.startswith(rest) and p != rest and start in words]
        return bool(starts)

    expected = next((start for start in range(min(begin, len(text)), len(text)) if live(start)), len(text))
    at_word_start = [index in words for index in range(len(text))]
    assert prefixes_of(free, bounded).start(text, begin, at_word_start) == expected


@given(PATTERNS, PATTERNS, st.text("甲乙a", min_size=1, max_size=5))
def test_what_may_follow_is_known(free: list[str], bounded: list[str], text: str) -> None:
    suffixes = [text[begin:] for begin in range(len(text))]
    expected = {
        pattern[len(suffix)]
        for pattern in (*free, *bounded)
        for suffix in suffixes
        if pattern.startswith(suffix) and pattern != suffix
    }
    prefixes = prefixes_of(free, bounded)
    assert prefixes.following(text) == expected
    prefixes.forget()
    assert prefixes.following(text) == expected


def test_without_patterns_nothing_is_live() -> None:
    prefixes = prefixes_of([], [])
    assert prefixes.start("甲乙", 0, [True, True]) == 2
    assert not prefixes.any
