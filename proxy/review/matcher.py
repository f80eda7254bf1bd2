"""Finding many patterns at once, and knowing what may still become one.

`Matcher` reports every occurrence, overlapping ones too. `LivePrefixes` answers the one question a stream
asks: from where on could the text still grow into a pattern? Prefixes are prefix-closed: text that was let
go started no pattern then and starts none later, so only the suffixes of what is still in hand are tested.
The patterns lie sorted, and a text is the prefix of one exactly if it begins the first pattern that sorts
after it; a dictionary from first letters to ranges answers most questions without a search.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Protocol

from daachorse import CharwiseDoubleArrayAhoCorasick

__all__ = ["DaachorseMatcher", "LivePrefixes", "Matcher"]


class Matcher(Protocol):
    """All occurrences of fixed patterns."""

    def find(self, text: str) -> Sequence[tuple[int, int, int]]:
        """(start, end, index of the pattern) of each occurrence, in order of their ends."""
        ...


class DaachorseMatcher:
    """A double-array automaton over code points; it can be kept as bytes.

    `patterns` are distinct and not empty. ValueError from `load` for bytes that are no automaton.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._automaton = CharwiseDoubleArrayAhoCorasick(list(patterns))
        self.find: Callable[[str], Sequence[tuple[int, int, int]]] = self._automaton.find_overlapping

    @classmethod
    def load(cls, raw: bytes) -> DaachorseMatcher:
        matcher = cls.__new__(cls)
        matcher._automaton = CharwiseDoubleArrayAhoCorasick.deserialize(raw)
        matcher.find = matcher._automaton.find_overlapping
        return matcher

    def to_bytes(self) -> bytes:
        return self._automaton.serialize()


class LivePrefixes:
    """The proper prefixes of some patterns. `bounded` ones count only at the start of a word."""

    __slots__ = ("_bounded", "_bounded_ranges", "_following", "_free", "_free_ranges", "longest")

    def __init__(self, free: Iterable[str], bounded: Iterable[str] = ()) -> None:
        self._free, self._free_ranges = _sorted_ranges(free)
        self._bounded, self._bounded_ranges = _sorted_ranges(bounded)
        self._following: dict[str, frozenset[str]] = {}
        self.longest = max(map(len, (*self._free, *self._bounded)), default=0)

    def start(self, text: str, begin: int, at_word_start: Callable[[int], bool]) -> int:
        """Where, not before `begin`, the longest live suffix of `text` starts; len(text) if none does."""
        length = len(text)
        if not self.longest:
            return length
        free, bounded = self._free_ranges, self._bounded_ranges
        for index in range(max(begin, length - self.longest + 1), length):
            within = free.get(text[index])
            if within is not None and _begins(self._free, within, text[index:]):
                return index
            within = bounded.get(text[index])
            if within is not None and at_word_start(index) and _begins(self._bounded, within, text[index:]):
                return index
        return length

    def following(self, text: str) -> frozenset[str]:
        """What may come after `text` or a suffix of it in a pattern that begins so."""
        found = self._following.get(text)
        if found is None:
            found = self._after(text)
            if len(text) > 1:
                found |= self.following(text[1:])
            self._following[text] = found
        return found

    def _after(self, begun: str) -> frozenset[str]:
        found: set[str] = set()
        length = len(begun)
        for ordered, ranges in ((self._free, self._free_ranges), (self._bounded, self._bounded_ranges)):
            start, end = ranges.get(begun[0], (0, 0))
            for at in range(bisect_right(ordered, begun, start, end), end):
                pattern = ordered[at]
                if not pattern.startswith(begun):
                    break
                found.add(pattern[length])
        return frozenset(found)

    def forget(self) -> None:
        """Drop what `following` remembers."""
        self._following.clear()


def _sorted_ranges(patterns: Iterable[str]) -> tuple[list[str], dict[str, tuple[int, int]]]:
    """Patterns that have a proper prefix, sorted, and for each first letter the range they fill."""
    ordered = sorted({pattern for pattern in patterns if len(pattern) > 1})
    ranges, start = {}, 0
    for first, group in groupby(ordered, key=lambda pattern: pattern[0]):
        end = start + sum(1 for _ in group)
        ranges[first] = (start, end)
        start = end
    return ordered, ranges


def _begins(ordered: list[str], within: tuple[int, int], text: str) -> bool:
    if len(text) == 1:
        return True
    index = bisect_right(ordered, text, within[0], within[1])
    return index < within[1] and ordered[index].startswith(text)
