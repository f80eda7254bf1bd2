"""The syllables of Mandarin without tones: what of a text sounds like which, and how a word in pinyin divides."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from itertools import groupby, islice, product

import numpy as np

from proxy.review.entry import Entry
from proxy.review.spelling import BARRIER, NOISE, is_sentence_end
from proxy.review.tables import Kind, Tables
from proxy.review.views import SEVERAL, safe_view

__all__ = ["FIRST", "MAX_READINGS", "MAX_RUN", "MIN_BLOCK", "MIN_FLAG", "Syllables", "once", "syllables"]

MIN_BLOCK, MIN_FLAG = 4, 3
FIRST = 0xE000  # the private-use code point of the first syllable
MAX_READINGS = 8  # spellings of one entry
MAX_RUN = 16  # characters of one sound that may follow each other
_MAX_WORD = 36  # letters: nobody writes more syllables in one word


class Syllables:
    """The syllables of Mandarin without tones, and what of a text sounds like which."""

    def __init__(self, tables: Tables) -> None:
        self.names = tuple(tables.syllables)
        self.codes = {name: chr(FIRST + index) for index, name in enumerate(self.names)}
        self._beginnings = {name[:length] for name in self.names for length in range(1, len(name) + 1)}
        self._goes_on: dict[str, str] = {}  # what comes next in syllables that begin so
        for beginning in self._beginnings:
            rest = beginning[:-1]
            self._goes_on[rest] = self._goes_on.get(rest, "") + beginning[-1]
        self.of = {c: self.codes[name] for name, characters in tables.syllables.items() for c in characters}
        self._first = {code: ord(c) for c, code in reversed(self.of.items())}
        self._also, self._kinds, self._folds = tables.also, tables.kinds, safe_view(tables).lookup()
        self.divide = lru_cache(maxsize=65536)(self._divide)

    def read(self, safe: str) -> str:
        """How one character of the safe view reads: a syllable, a Latin letter, a symbol or a barrier."""
        if safe in self.of or "a" <= safe <= "z":
            return self.of.get(safe, safe)
        return NOISE if self._kinds[ord(safe)] == Kind.OTHER and not is_sentence_end(safe) else BARRIER

    @cached_property
    def alike(self) -> dict[int, int]:
        """For every code point of the BMP one that sounds the same: the first of its syllable."""
        heard = np.zeros(0x110000, np.uint32)
        heard[list(map(ord, self.of))] = [self._first[code] for code in self.of.values()]
        folds = self._folds[:0x10000]
        spoken = np.where(folds == SEVERAL, 0, heard.take(folds, mode="clip"))
        return dict(enumerate(np.where(spoken, spoken, np.arange(0x10000)).tolist()))

    def _divide(self, word: str) -> tuple[str, ...] | None:
        """A word in the fewest syllables, the longest first; () if it may still become one; None if never."""
        best: list[tuple[str, ...] | None] = [(), *[None] * len(word)]
        growing, beginnings, codes = False, self._beginnings, self.codes
        for start in range(len(word)):
            before = best[start]
            if before is None:
                continue
            end = start + 1
            while end <= len(word) and word[start:end] in beginnings:
                end += 1
            growing = growing or end > len(word)
            for stop in range(end - 1, start, -1):
                reached = best[stop]
                if (reached is None or len(reached) > len(before) + 1) and word[start:stop] in codes:
                    best[stop] = (*before, word[start:stop])
        whole = best[len(word)]
        return whole if whole else () if growing else None

    def unsure_before(self, name: str) -> set[str]:
        """The letters before which a syllable in a word may divide within it, or behind the letter."""
        rests = [name, *(name[cut:] for cut in range(1, len(name)) if self.divide(name[:cut]))]
        return {letter for rest in rests for letter in self._goes_on.get(rest, "")}

    def may_grow(self, word: str) -> bool:
        """Whether a word that goes on may still divide into syllables."""
        return len(word) <= _MAX_WORD and self.divide(word) is not None

    def spellings(self, entry: Entry, safe: str) -> list[str]:
        """How an entry may sound, as codes; none where it is not all Han, or for kind pinyin not pinyin.

        The last may be how it divides when it is written as one word: xi an is read as xian.
        """
        ways = self.ways(entry, safe)
        if ways and entry.kind != "pinyin":
            joined = self.divide("".join(self.names[ord(code) - FIRST] for code in ways[0])) or ()
            ways.append("".join(self.codes[name] for name in joined))
        return list(dict.fromkeys(ways))

    def ways(self, entry: Entry, safe: str) -> list[str]:
        """The same, each character by itself."""
        if entry.kind == "pinyin":
            words = [self.divide(word) for word in re.findall("[a-z]+", safe)]
            names = [name for word in words if word for name in word]
            return ["".join(self.codes[name] for name in names)] if all(words) else []
        han = [c for c in safe if c in self.of]
        if not han or len(han) != sum(1 for c in safe if not c.isspace()):
            return []
        each = [(self.of[c], *(self.codes[name] for name in self._also.get(c, ()))) for c in han]
        return ["".join(way) for way in islice(product(*each), MAX_READINGS)]


def once(spelling: str) -> str:
    """Each sound of a run once."""
    return "".join(code for code, _ in groupby(spelling))


@lru_cache(maxsize=2)
def syllables(tables: Tables) -> Syllables:
    """The syllables of these tables."""
    return Syllables(tables)
