"""A mark in the choice between words that can stand for each other: for upstreams that can do nothing but answer.

Strategy. A finished clause is searched for words of a curated table of pairs (`pairs`). Which word of the
pair should stand there is a coin that the key tosses for the unit before it and the pair; the writer puts that
word, the reader counts how often the word fits the coin. In a text written without the key each distinct
(unit, pair) fits with probability one half, so the count is binomial; a marked text fits nearly always. Twenty
such places make a million to one.

Writer and reader find the same places by the same code: running text only (`labelers.prose`), no quotation,
clause by clause. A substitution that would hide or make another place is not made. Review
must see the words that go out, so this stands before it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from labelers.prose import Prose
from labelers.provenance import KeyRing, Provenance
from labelers.transform import TextTransform
from labelers.watermarks.pairs import CONTEXT, Word, table, words_in
from labelers.watermarks.units import Prf, epoch_prf, read_units

__all__ = [
    "CLAUSE_MAX",
    "Place",
    "Substitution",
    "SubstitutionTransform",
    "binomial_tail",
    "count_fits",
    "read_places",
]

Body = TypeVar("Body")

CLAUSE_MAX = 160  # characters; a longer stretch without punctuation is cut
_END = re.compile(r"[，。！？；：、,.!?;:\n]")
_SPACE = re.compile(r"\s")
_DOMAIN = 0x5375627374697475  # keeps these coins apart from the scores of grams
_OPENING, _CLOSING = "“‘「『《〈【", "”’」』》〉】"
_QUOTE = re.compile(f'["\n{_OPENING}{_CLOSING}]')


@dataclass(frozen=True, slots=True)
class Place:
    """Where a choice was made, [start, end), which way (`side`), and the two numbers that its coin is tossed for."""

    start: int
    end: int
    side: int
    unit: int
    name: int


class _Places:
    """Finds the words of one text that may be chosen, clause by clause; positions are within the clause."""

    def __init__(self) -> None:
        self._prose = Prose()
        self._quoted = 0
        self._straight = False

    def clause(self, text: str, before: str) -> tuple[list[Word], list[Word]]:
        """Of the next clause the words that fit, and those of them that stand in running text outside quotations.

        `before`: the end of the text that stands before it.
        """
        kept = len(self._prose.text)
        spans = self._prose.feed(text)
        quoted = self._quotes(text)
        self._prose.trim()
        fitting = words_in(text, before)
        if not fitting:
            return fitting, fitting
        open_spans = [(start - kept, end - kept) for start, end in spans if end > kept]
        return fitting, [
            word
            for word in fitting
            if any(start <= word.start and word.end <= end for start, end in open_spans)
            and not any(start < word.end and word.start < end for start, end in quoted)
        ]

    def _quotes(self, text: str) -> list[tuple[int, int]]:
        """The quoted stretches of the clause."""
        found: list[tuple[int, int]] = []
        start = 0 if self._quoted or self._straight else -1
        for match in _QUOTE.finditer(text):
            at, char = match.start(), match[0]
            if char in _OPENING:
                self._quoted += 1
            elif char in _CLOSING:
                self._quoted = max(0, self._quoted - 1) if char != "’" else self._quoted
            elif char == '"':
                self._straight = not self._straight
            else:
                self._quoted, self._straight = 0, False
            inside = bool(self._quoted or self._straight)
            if inside and start < 0:
                start = at
            elif not inside and start >= 0:
                found.append((start, at + 1))
                start = -1
        if start >= 0:
            found.append((start, len(text)))
        return found


def _cut(text: str, start: int = 0, seen: int = 0) -> int:
    """Where the clause that begins at `start` ends; -1 if that is not seen yet. Up to `seen` there is no end."""
    end = _END.search(text, max(start, seen), start + CLAUSE_MAX)
    if end:
        return end.end()
    if len(text) - start < CLAUSE_MAX:
        return -1
    space = _SPACE.search(text, start + CLAUSE_MAX // 2, start + CLAUSE_MAX)
    return space.end() if space else start + CLAUSE_MAX


@lru_cache(maxsize=1 << 14)
def _unit(word: str) -> int:
    hashes = read_units(word).hashes
    return int(hashes[-1]) if len(hashes) else 0


def last_unit(left: str) -> int:
    """The hash of the last unit of a text, 0 if it has none: of a Han character, or of a word of letters."""
    at = len(left)
    while at and not left[at - 1].isalpha():
        at -= 1
    start = at - 1
    if start < 0:
        return 0
    if left[start] < "\u2e80":
        while start and left[start - 1].isalpha() and left[start - 1] < "\u2e80":
            start -= 1
    return _unit(left[start:at])


def _coin(prf: Prf, unit: int, name: int) -> int:
    """The side that the key wants for a pair behind a unit."""
    return prf.coin(unit ^ _DOMAIN, name)


class SubstitutionTransform:
    """Marks one text. A clause is held back until it ends."""

    def __init__(self, prf: Prf) -> None:
        self._prf = prf
        self._places = _Places()
        self._held = ""
        self._before = ""

    def feed(self, text: str) -> str:
        seen = len(self._held)
        held = self._held = self._held + text
        if (end := _cut(held, 0, seen)) < 0:
            return ""
        out, start = [], 0
        while end >= 0:
            out.append(self._clause(held[start:end]))
            start = end
            end = _cut(held, start)
        self._held = held[start:]
        return "".join(out)

    def flush(self) -> str:
        last, self._held = self._held, ""
        return self._clause(last) if last else ""

    def _clause(self, text: str) -> str:
        fitting, found = self._places.clause(text, self._before)
        if found:
            text = self._chosen(text, fitting, found)
        self._before = (self._before + text)[-CONTEXT:]
        return text

    def _chosen(self, text: str, fitting: Sequence[Word], found: Sequence[Word]) -> str:
        """The clause with the words that the key wants, from left to right; all that fits must go on fitting."""
        pairs, before = table().pairs, self._before
        sides = [(word.pair, word.side) for word in fitting]
        moved = 0
        for word in found:
            start, end = word.start + moved, word.end + moved
            pair = pairs[word.pair]
            side = _coin(self._prf, last_unit((before + text[:start])[-CONTEXT:]), pair.name)
            if side == word.side:
                continue
            said, other = text[start:end], pair.words[side]
            if said[0].isupper() and not said[1:2].isupper():
                other = other[0].upper() + other[1:]
            changed = text[:start] + other + text[end:]
            at = next(at for at, one in enumerate(fitting) if one is word)
            wanted = [*sides[:at], (word.pair, side), *sides[at + 1 :]]
            if [(one.pair, one.side) for one in words_in(changed, before)] == wanted:
                text, sides = changed, wanted
                moved += len(other) - (end - start)
        return text


def read_places(text: str) -> list[Place]:
    """The distinct places of a text: each pair once behind each unit."""
    pairs = table().pairs
    finder, before, start = _Places(), "", 0
    found: dict[tuple[int, int], Place] = {}
    while start < len(text):
        end = _cut(text, start)
        end = len(text) if end < 0 else end
        clause = text[start:end]
        for word in finder.clause(clause, before)[1]:
            unit, name = last_unit((before + clause[: word.start])[-CONTEXT:]), pairs[word.pair].name
            here = Place(start + word.start, start + word.end, word.side, unit, name)
            found.setdefault((unit, name), here)
        before = (before + clause)[-CONTEXT:]
        start = end
    return list(found.values())


def count_fits(prf: Prf, found: Sequence[Place]) -> int:
    """How many of the places hold the word that the key wants there."""
    return sum(_coin(prf, place.unit, place.name) == place.side for place in found)


def binomial_tail(fits: int, of: int) -> float:
    """log10 P(at least `fits` of `of` fair coins): the reader's p-value, exactly."""
    ways = sum(math.comb(of, k) for k in range(fits, of + 1))
    return min(0.0, (math.log2(ways) - of) * math.log10(2)) if ways else -math.inf


class Substitution:
    """The scheme."""

    name = "substitution"

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def mark_request(self, body: Body) -> Body:
        """The request as it is."""
        return body

    def new_transform(self, provenance: Provenance) -> TextTransform:
        """A transform that marks one text. It stands before review."""
        return SubstitutionTransform(epoch_prf(self._keys, provenance.key_id))
