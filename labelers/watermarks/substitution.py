"""A mark in the choice between words that can stand for each other: for upstreams that can do nothing but answer.

Strategy. A finished clause is searched for words of a curated table of pairs (`pairs`). Which word of the
pair should stand there is a coin that the key tosses for the unit before it and the pair; the writer puts that
word, the reader counts how often the word fits the coin. In a text written without the key each distinct
(unit, pair) fits with probability one half, so the count is binomial; a marked text fits nearly always. Twenty
such places make a million to one.

Spacing and commas that may stand or not (`marks`) are tossed for in the same way. They are a weaker channel: an editor
or a formatter makes them all alike, so the reader counts them only beside the words.

Writer and reader find the same places by the same code (`clauses`): running text only (`labelers.prose`), no quotation,
clause by clause. A change that would hide or make another place is not made. Review
must see the words that go out, so this stands before it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias, TypeVar

from labelers.provenance import KeyRing, Provenance
from labelers.transform import TextTransform
from labelers.watermarks.clauses import AT_ONCE, CLAUSE_MAX, END, Clause, Clauses, clause_ends
from labelers.watermarks.marks import Mark, marks_in
from labelers.watermarks.pairs import CONTEXT, Match, Member, table
from labelers.watermarks.units import Prf, epoch_prf, read_units

__all__ = [
    "DOMAIN",
    "Place",
    "Substitution",
    "SubstitutionTransform",
    "binomial_tail",
    "count_fits",
    "last_unit",
    "read_places",
]

Body = TypeVar("Body")
Coin: TypeAlias = Callable[[int, int], int]

BEFORE = CONTEXT + 1  # characters kept of what is done: what guards see, and what stands before that
DOMAIN = 0x5375627374697475  # keeps these coins apart from the scores of grams
_MARK = 0x50756E6374756174  # and those of marks apart from those of words


@dataclass(frozen=True, slots=True)
class Place:
    """Where a choice was made, [start, end), which way (`side`), and the two numbers that its coin is tossed for.

    `weak`: one of spacing or punctuation.
    """

    start: int
    end: int
    side: int
    unit: int
    name: int
    weak: bool = False


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


def unit_before(text: str, at: int) -> int:
    """The hash of the last unit before `at`, 0 if the characters that guards see hold none."""
    left = text[at - 1 : at]
    if "\u4e00" <= left < "\u9fa6":  # most
        return _unit(left)
    return last_unit(text[max(0, at - CONTEXT) : at])


class SubstitutionTransform:
    """Marks one text. A clause is held back until it ends."""

    def __init__(self, coin: Coin) -> None:
        self._coin = coin
        self._clauses = Clauses()
        self._held = ""
        self._seen = 0  # how far no clause ends in what is held
        self._before = ""

    def feed(self, text: str) -> str:
        known = self._seen == len(self._held)
        held = self._held = self._held + text
        if known and len(held) < CLAUSE_MAX and END.search(text) is None:
            self._seen = len(held)
            return ""
        return self._complete(held, final=False)

    def flush(self) -> str:
        out = self._complete(self._held, final=True)
        last, self._held = self._held, ""
        return out + self._block(last, [len(last)]) if last else out

    def _complete(self, held: str, *, final: bool) -> str:
        """All clauses of what is held that are complete; the rest goes on being held."""
        out, start = "", 0
        seen, more = self._seen, bool(held)
        while more:
            ends, more, seen = clause_ends(held, start, seen, final=final)
            for at in range(0, len(ends), AT_ONCE):
                some = ends[at : at + AT_ONCE]
                out += self._block(held[start : some[-1]], [end - start for end in some])
                start = some[-1]
        self._held, self._seen = held[start:], seen - start
        return out

    def _block(self, block: str, ends: Sequence[int]) -> str:
        text, first = self._before + block, len(self._before)
        moved = 0  # how far the choices so far have moved what follows
        clauses = self._clauses
        for clause in clauses.of(self._before, block, ends):
            start, end = clause.start + first + moved, clause.end + first + moved
            if fitting := _fitting(clause, text, moved):
                by = first + moved
                free = [clauses.in_prose(one[0] - by, one[1] - by) for one in fitting]
                text, end = self._chosen(text, start, end, fitting, free)
            if clause.may_mark and (opened := clauses.opened(clause, block)) < clause.end:
                text, end = self._spaced(text, start, end, opened - clause.start)
            moved = end - first - clause.end
        self._before = text[-BEFORE:]
        return text[first:]

    def _spaced(self, text: str, start: int, end: int, opened: int) -> tuple[str, int]:
        """The text with the spacing and punctuation that the key wants in a clause, and where that ends now.

        All else that can be chosen in the clause stays. `opened`: from where on it is running text.
        """
        before, clause = text[max(0, start - CONTEXT) : start], text[start:end]
        marks = marks_in(clause, before)
        words = _words(before, clause) if marks else []
        for at in range(len(marks)):
            mark = marks[at]
            unit, name = _named(mark, clause, before)
            if mark.start < opened or self._coin(unit ^ DOMAIN, name) == mark.side:
                continue
            changed = clause[: mark.start] + mark.other + clause[mark.end :]
            wanted = [one[2:4] for one in marks]
            wanted[at] = (mark.kind, 1 - mark.side)
            again = marks_in(changed, before)
            if [one[2:4] for one in again] == wanted and _words(before, changed) == words:
                clause, marks = changed, again
        return text[:start] + clause + text[end:], start + len(clause)

    def _chosen(
        self, text: str, start: int, end: int, fitting: Sequence[Match], free: Sequence[bool]
    ) -> tuple[str, int]:
        """The text with the words that the key wants in a clause, and where that ends now.

        Whatever fits must go on fitting, else one change is left out. `free`: which of the words may be changed.
        """
        known = table()
        left_out: set[int] = set()
        while True:
            changed, moved, last = text, 0, -1
            wanted = [match[2] for match in fitting]
            for which, (first, after, member) in enumerate(fitting):
                if not free[which] or which in left_out:
                    continue
                at = first + moved
                if self._coin(unit_before(changed, at) ^ DOMAIN, member.name) == member.side:
                    continue
                other = member.other
                if changed[at].isupper() and not changed[at + 1 : at + 2].isupper():
                    other = other[0].upper() + other[1:]
                changed = changed[:at] + other + changed[after + moved :]
                moved += len(other) - (after - first)
                wanted[which] = known.pairs[member.pair].members[1 - member.side]
                last = which
            if last < 0:
                return text, end
            if [match[2] for match in known.fitting(changed, start, end + moved)] == wanted:
                return changed, end + moved
            left_out.add(last)


def _fitting(clause: Clause, text: str, moved: int) -> list[Match]:
    """The words of a clause that may be chosen. They stand `moved` to the right of where they were found."""
    return [
        (start + moved, end + moved, member)
        for start, end, member in clause.matches
        if member.preceded(text, start + moved)
    ]


def _words(before: str, clause: str) -> list[Member]:
    """What may be chosen in a clause behind `before`."""
    at = len(before)
    return [match[2] for match in table().fitting(before + clause, at, at + len(clause))]


def _named(mark: Mark, text: str, before: str) -> tuple[int, int]:
    """The unit before a mark, and the number that stands for the mark."""
    unit = last_unit((before + text[: mark.start])[-CONTEXT:])
    return unit, (_MARK + mark.kind) ^ (last_unit(text[mark.start : mark.end]) if mark.kind == 0 else 0)


def read_places(text: str) -> list[Place]:
    """The distinct places of a text: each pair and each mark once behind each unit."""
    clauses, start, seen, more = Clauses(), 0, 0, True
    found: dict[tuple[int, int], Place] = {}
    while more:
        ends, more, seen = clause_ends(text, start, seen, final=True)
        if not more and (ends[-1] if ends else start) < len(text):
            ends.append(len(text))
        for at in range(0, len(ends), AT_ONCE):
            some = ends[at : at + AT_ONCE]
            before = text[max(0, start - BEFORE) : start]
            for place in _places(clauses, before, text[start : some[-1]], [end - start for end in some]):
                here = replace(place, start=start + place.start, end=start + place.end)
                found.setdefault((place.unit, place.name), here)
            start = some[-1]
    return list(found.values())


def _places(clauses: Clauses, before: str, block: str, ends: Sequence[int]) -> Iterator[Place]:
    """The places of a block; positions are within it."""
    text, first = before + block, len(before)
    for clause in clauses.of(before, block, ends):
        start, end = clause.start + first, clause.end + first
        for begin, behind, member in _fitting(clause, text, 0):
            at, last = begin - first, behind - first
            if clauses.in_prose(at, last):
                yield Place(at, last, member.side, unit_before(text, begin), member.name)
        opened = clauses.opened(clause, block) if clause.may_mark else clause.end
        if opened == clause.end:
            continue
        left, said = text[max(0, start - CONTEXT) : start], text[start:end]
        for mark in marks_in(said, left):
            if clause.start + mark.start >= opened:
                unit, name = _named(mark, said, left)
                at = clause.start + mark.start
                yield Place(at, clause.start + mark.end, mark.side, unit, name, weak=True)


def count_fits(prf: Prf, found: Sequence[Place]) -> int:
    """How many of the places hold the word that the key wants there."""
    coin = prf.coins()
    return sum(coin(place.unit ^ DOMAIN, place.name) == place.side for place in found)


def binomial_tail(fits: int, of: int) -> float:
    """log10 P(at least `fits` of `of` fair coins): the reader's p-value, exactly."""
    ways = sum(math.comb(of, k) for k in range(fits, of + 1))
    return min(0.0, (math.log2(ways) - of) * math.log10(2)) if ways else -math.inf


class Substitution:
    """The scheme. Not for several threads at once."""

    name = "substitution"

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        self._coins: dict[int, Coin] = {}  # making one costs as much as marking a short answer

    def mark_request(self, body: Body) -> Body:
        """The request as it is."""
        return body

    def new_transform(self, provenance: Provenance) -> TextTransform:
        """A transform that marks one text. It stands before review."""
        kid = provenance.key_id
        if kid not in self._coins:
            self._coins[kid] = epoch_prf(self._keys, kid).coins()
        return SubstitutionTransform(self._coins[kid])
