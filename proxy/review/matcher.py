"""Finding many patterns at once, and knowing what may still become one.

`Matcher` reports every occurrence, overlapping ones too. `LivePrefixes` answers the one question a stream
asks: from where on could the text still grow into a pattern? Prefixes are prefix-closed: text that was let
go started no pattern then and starts none later, so only the suffixes of what is still in hand are tested.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from daachorse import CharwiseDoubleArrayAhoCorasick

from proxy.review.columns import acting
from proxy.review.entry import Direction
from proxy.review.trie import Spellings

__all__ = ["DaachorseMatcher", "LivePrefixes", "Matcher"]


class Matcher(Protocol):
    """All occurrences of fixed patterns."""

    def find(self, text: str) -> Sequence[tuple[int, int, int]]:
        """(start, end, index of the pattern) of each occurrence, in order of their ends."""
        ...


class DaachorseMatcher:
    """A double-array automaton over code points. `patterns` are distinct and not empty."""

    def __init__(self, patterns: Sequence[str]) -> None:
        automaton = CharwiseDoubleArrayAhoCorasick(list(patterns))
        self.find: Callable[[str], Sequence[tuple[int, int, int]]] = automaton.find_overlapping


class LivePrefixes:
    """The proper prefixes of the words that act in one direction, or of those that delay text there.

    Words that are bound to the start of a word count only there: `free` is the flag of the others, `any_of` of both.
    """

    __slots__ = ("_following", "_words", "any", "any_of", "free")

    def __init__(self, words: Spellings, direction: Direction, *, holds: bool) -> None:
        self._words = words
        self.free = acting(direction, holds=holds, bounded=False)
        self.any_of = self.free | acting(direction, holds=holds, bounded=True)
        self._following: dict[str, frozenset[str]] = {}
        self.any = bool(words.every & self.any_of)

    def start(self, text: str, begin: int, at_word_start: Sequence[bool]) -> int:
        """Where, not before `begin`, the longest live suffix of `text` starts; len(text) if none does."""
        look = self._words.look
        for index in range(begin, len(text)):
            if look(text[index:]) & (self.any_of if at_word_start[index] else self.free):
                return index
        return len(text)

    def following(self, text: str) -> frozenset[str]:
        """What may come after `text` or a suffix of it in a word that begins so, whatever it does."""
        found = self._following.get(text)
        if found is None:
            found = frozenset(self._words.following(text))
            if len(text) > 1:
                found |= self.following(text[1:])
            self._following[text] = found
        return found

    def forget(self) -> None:
        """Drop what `following` remembers."""
        self._following.clear()
