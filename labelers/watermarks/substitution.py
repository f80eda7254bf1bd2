"""A mark in the choice between words that can stand for each other: for upstreams that can do nothing but answer.

Strategy. A finished clause is searched for words of a curated table of pairs (`pairs`). Which word of the
pair should stand there is a coin that the key tosses for the unit before it and the pair; the writer puts that
word, the reader counts how often the word fits the coin. In a text written without the key each distinct
(unit, pair) fits with probability one half, so the count is binomial; a marked text fits nearly always. Twenty
such places make a million to one.

Spacing and commas that may stand or not (`marks`) are tossed for in the same way. They are a weaker channel: an editor
or a formatter makes them all alike, so the reader counts them only beside the words.

Writer and reader find the same places by the same code: running text only (`labelers.prose`), no quotation,
clause by clause. A change that would hide or make another place is not made. Review
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
from labelers.watermarks.marks import Mark, ends_clause, marks_in
from labelers.watermarks.pairs import CONTEXT, Word, table, words_in
from labelers.watermarks.units import Prf, epoch_prf, read_units

__all__ = [
    "CLAUSE_MAX",
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

CLAUSE_MAX = 160  # characters; a longer stretch without punctuation is cut
_END = re.compile(r"[，。！？；：、,.!?;:\n]")
_SPACE = re.compile(r"\s")
DOMAIN = 0x5375627374697475  # keeps these coins apart from the scores of grams
_MARK = 0x50756E6374756174  # and those of marks apart from those of words
_OPENING, _CLOSING = "“‘「『《〈【", "”’」』》〉】"
_QUOTE = re.compile(f'["\n{_OPENING}{_CLOSING}]')


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


class _Places:
    """Finds the words of one text that may be chosen, clause by clause; positions are within the clause."""

    def __init__(self) -> None:
        self._prose = Prose()
        self._quoted = 0
        self._straight = False

    def clause(self, text: str, before: str) -> tuple[list[Word], list[Word], int]:
        """Of the next clause the words that fit, those of them that stand in running text outside quotations, and from
        where on all of the clause does; behind its end if it does not.

        `before`: the end of the text that stands before it.
        """
        kept = len(self._prose.text)
        spans = self._prose.feed(text)
        quoted = self._quotes(text)
        self._prose.trim()
        fitting = words_in(text, before)
        open_spans = [(start - kept, end - kept) for start, end in spans if end > kept]
        if len(open_spans) == 1 and not quoted:
            first, last = open_spans[0]
            if last >= len(text.rstrip()):
                return fitting, [word for word in fitting if word.start >= first], first
        found = [
            word
            for word in fitting
            if any(start <= word.start and word.end <= end for start, end in open_spans)
            and not any(start < word.end and word.start < end for start, end in quoted)
        ]
        return fitting, found, len(text)

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


def _cut(text: str, start: int = 0, seen: int = 0, *, final: bool = False) -> tuple[int, int]:
    """Where the clause that begins at `start` ends, -1 if that is not seen yet; and how far there is no end for sure.

    Up to `seen` there is none. `final`: the text is complete.
    """
    at = max(start, seen)
    while found := _END.search(text, at, start + CLAUSE_MAX):
        at = found.end()
        ends = ends_clause(text, start, at)
        if ends is None and not final:
            return -1, found.start()
        if ends is not False:
            return at, at
    if len(text) - start < CLAUSE_MAX:
        return -1, len(text)
    space = _SPACE.search(text, start + CLAUSE_MAX // 2, start + CLAUSE_MAX)
    end = space.end() if space else start + CLAUSE_MAX
    return end, end


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


class SubstitutionTransform:
    """Marks one text. A clause is held back until it ends."""

    def __init__(self, prf: Prf) -> None:
        self._coin = prf.coins()
        self._places = _Places()
        self._held = ""
        self._seen = 0  # how far no clause ends in what is held
        self._before = ""

    def feed(self, text: str) -> str:
        known = self._seen == len(self._held)
        held = self._held = self._held + text
        if known and len(held) < CLAUSE_MAX and _END.search(text) is None:
            self._seen = len(held)
            return ""
        return self._clauses(held, final=False)

    def flush(self) -> str:
        out = self._clauses(self._held, final=True)
        last, self._held = self._held, ""
        return out + self._clause(last) if last else out

    def _clauses(self, held: str, *, final: bool) -> str:
        out, start = [], 0
        end, seen = _cut(held, 0, self._seen, final=final)
        while end >= 0:
            out.append(self._clause(held[start:end]))
            start = end
            end, seen = _cut(held, start, final=final)
        self._held, self._seen = held[start:], seen - start
        return "".join(out)

    def _clause(self, text: str) -> str:
        before = self._before
        fitting, found, opened = self._places.clause(text, before)
        last = len(text)
        if found:
            text = self._chosen(text, fitting, found)
        if opened < last and (marks := marks_in(text, before)):
            text = self._spaced(text, marks, opened)
        self._before = (before + text)[-CONTEXT:]
        return text

    def _spaced(self, text: str, marks: Sequence[Mark], opened: int) -> str:
        """The clause with the spacing and punctuation that the key wants; all else that can be chosen in it stays."""
        before = self._before
        words = [word[2:] for word in words_in(text, before)]
        for at in range(len(marks)):
            mark = marks[at]
            unit, name = _named(mark, text, before)
            if mark.start < opened or self._coin(unit ^ DOMAIN, name) == mark.side:
                continue
            changed = text[: mark.start] + mark.other + text[mark.end :]
            wanted = [one[2:4] for one in marks]
            wanted[at] = (mark.kind, 1 - mark.side)
            again = marks_in(changed, before)
            if [one[2:4] for one in again] == wanted and [
                word[2:] for word in words_in(changed, before)
            ] == words:
                text, marks = changed, again
        return text

    def _chosen(self, text: str, fitting: Sequence[Word], found: Sequence[Word]) -> str:
        """The clause with the words that the key wants. Whatever fits must go on fitting, else one change is left out."""
        sides = [(word.pair, word.side) for word in fitting]
        left_out: set[Word] = set()
        while True:
            changed, wanted = text, sides.copy()
            moved, last = 0, None
            for word in found:
                start, end = word.start + moved, word.end + moved
                pair = table().pairs[word.pair]
                before = (self._before + changed[:start])[-CONTEXT:]
                side = self._coin(last_unit(before) ^ DOMAIN, pair.name)
                if side == word.side or word in left_out:
                    continue
                said, other = changed[start:end], pair.words[side]
                if said[0].isupper() and not said[1:2].isupper():
                    other = other[0].upper() + other[1:]
                changed = changed[:start] + other + changed[end:]
                moved += len(other) - (end - start)
                wanted[fitting.index(word)] = (word.pair, side)
                last = word
            if last is None or [one[2:] for one in words_in(changed, self._before)] == wanted:
                return changed
            left_out.add(last)


def _named(mark: Mark, text: str, before: str) -> tuple[int, int]:
    """The unit before a mark, and the number that stands for the mark."""
    unit = last_unit((before + text[: mark.start])[-CONTEXT:])
    return unit, (_MARK + mark.kind) ^ (last_unit(text[mark.start : mark.end]) if mark.kind == 0 else 0)


def read_places(text: str) -> list[Place]:
    """The distinct places of a text: each pair and each mark once behind each unit."""
    pairs = table().pairs
    finder, before, start = _Places(), "", 0
    found: dict[tuple[int, int], Place] = {}
    while start < len(text):
        end, _ = _cut(text, start, final=True)
        end = len(text) if end < 0 else end
        clause = text[start:end]
        _, words, opened = finder.clause(clause, before)
        for word in words:
            unit, name = last_unit((before + clause[: word.start])[-CONTEXT:]), pairs[word.pair].name
            here = Place(start + word.start, start + word.end, word.side, unit, name)
            found.setdefault((unit, name), here)
        for mark in marks_in(clause, before) if opened < len(clause) else ():
            if mark.start < opened:
                continue
            unit, name = _named(mark, clause, before)
            here = Place(start + mark.start, start + mark.end, mark.side, unit, name, weak=True)
            found.setdefault((unit, name), here)
        before = (before + clause)[-CONTEXT:]
        start = end
    return list(found.values())


def count_fits(prf: Prf, found: Sequence[Place]) -> int:
    """How many of the places hold the word that the key wants there."""
    coin = prf.coins()
    return sum(coin(place.unit ^ DOMAIN, place.name) == place.side for place in found)


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
