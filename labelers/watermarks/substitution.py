"""A mark in the choice between words that can stand for each other: for upstreams that can do nothing but answer.

Strategy. A finished clause is searched for words of a curated table of pairs (`pairs_zh`, `pairs_en`). Which word of the
pair should stand there is a coin that the key tosses for the unit before it and the pair; the writer puts that
word, the reader counts how often the word fits the coin. In a text written without the key each distinct
(unit, pair) fits with probability one half, so the count is binomial; a marked text fits nearly always. Twenty
such places make a million to one.

Writer and reader find the same places by the same code: running text only (`labelers.prose`), no quotation,
clause by clause. A clause in which a substitution would hide or make another place is left as it was. Review
must see the words that go out, so this stands before it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np

from labelers.prose import Prose
from labelers.provenance import KeyRing, Provenance
from labelers.transform import TextTransform
from labelers.watermarks import pairs_en, pairs_zh
from labelers.watermarks.units import Prf, epoch_prf, read_units

__all__ = [
    "CLAUSE_MAX",
    "Place",
    "Substitution",
    "SubstitutionTransform",
    "binomial_tail",
    "count_fits",
    "read_places",
    "table",
]

Body = TypeVar("Body")

CLAUSE_MAX = 160  # characters; a longer stretch without punctuation is cut
_END = re.compile(r"[，。！？；：、,.!?;:\n]")
_SPACE = re.compile(r"\s")
_CONTEXT = 48
_DOMAIN = 0x5375627374697475  # keeps these coins apart from the scores of grams
_OPENING, _CLOSING = "“‘「『《〈【", "”’」』》〉】"
_LETTER = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True)
class _Member:
    """One word of a pair and where it must not be touched."""

    pair: int
    side: int
    not_after: re.Pattern[str] | None
    not_before: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class _Table:
    words: tuple[tuple[str, str], ...]
    members: dict[str, _Member]
    pattern: re.Pattern[str]


@lru_cache(maxsize=1)
def table() -> _Table:
    """All pairs, compiled once. ValueError: a word that stands in two of them."""
    words: list[tuple[str, str]] = []
    members: dict[str, _Member] = {}
    for line in (*pairs_zh.PAIRS.splitlines(), *pairs_en.PAIRS.splitlines()):
        both = []
        for side, said in enumerate(line.split(" = ")):
            word, *guards = (part.strip() for part in said.split(" ; "))
            before = "|".join(guard[2:] for guard in guards if guard.startswith("L:"))
            after = "|".join(guard[2:] for guard in guards if guard.startswith("R:"))
            if word in members:
                raise ValueError(f"{word!r} stands in two pairs")
            members[word] = _Member(
                len(words),
                side,
                re.compile(rf"(?:{before})\s?\Z", re.IGNORECASE) if before else None,
                re.compile(after, re.IGNORECASE) if after else None,
            )
            both.append(word)
        words.append((both[0], both[1]))
    either = "|".join(
        re.escape(word) for word in sorted(members, key=len, reverse=True) if not word.isascii()
    )
    latin = "|".join(_spelt(word) for word in sorted(members, key=len, reverse=True) if word.isascii())
    pattern = re.compile(rf"{either}|(?<![\w'’-])(?:{latin})(?![\w’-]|'[A-Za-z])")
    return _Table(tuple(words), members, pattern)


def _spelt(word: str) -> str:
    """An English word as it may stand: at the start of a sentence with a capital, with either apostrophe."""
    first = f"[{word[0].upper()}{word[0].lower()}]" if word[0] != "I" else "I"
    return first + re.escape(word[1:]).replace("'", "['’]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pair stands, [start, end), with which of its words (`side`), and the hash of the unit before it."""

    start: int
    end: int
    pair: int
    side: int
    unit: int = 0


class _Places:
    """Finds the places of one text, clause by clause; positions are within the clause."""

    def __init__(self) -> None:
        self._prose = Prose()
        self._quoted = 0
        self._straight = False

    def clause(self, text: str, before: str) -> list[Place]:
        """The places of the next clause. `before`: the end of the text that stands before it."""
        kept = len(self._prose.text)
        spans = self._prose.feed(text)
        open_spans = [(max(0, start - kept), end - kept) for start, end in spans if end > kept]
        self._prose.trim()
        quoted = self._quotes(text)
        return [
            place
            for place in _in_clause(text, before)
            if any(start <= place.start and place.end <= end for start, end in open_spans)
            and not any(start < place.end and place.start < end for start, end in quoted)
        ]

    def _quotes(self, text: str) -> list[tuple[int, int]]:
        """The quoted stretches of the clause."""
        found, start = [], 0 if self._quoted or self._straight else -1
        for at, char in enumerate(text):
            if char in _OPENING:
                self._quoted += 1
            elif char in _CLOSING:
                self._quoted = max(0, self._quoted - 1) if char != "’" else self._quoted
            elif char == '"':
                self._straight = not self._straight
            elif char == "\n":
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


def _in_clause(text: str, before: str) -> Iterator[Place]:
    known = table()
    for match in known.pattern.finditer(text):
        word = match[0].replace("’", "'")
        member = known.members.get(word) or known.members[word[0].lower() + word[1:]]
        left = (before + text[: match.start()])[-_CONTEXT:]
        if member.not_after and member.not_after.search(left):
            continue
        if member.not_before and member.not_before.match(text, match.end()):
            continue
        if _clashes(known.words[member.pair], left):
            continue
        yield Place(match.start(), match.end(), member.pair, member.side)


def _clashes(words: tuple[str, str], left: str) -> bool:
    """Whether the article before would not fit the other word."""
    last = left.rstrip()[-3:].lower()
    if not words[0].isascii() or not (last.endswith((" a", " an")) or last in ("a", "an")):
        return False
    return (words[0][0] in "aeiou") != (words[1][0] in "aeiou")


def _cut(text: str, start: int = 0) -> int:
    """Where the clause that begins at `start` ends; -1 if that is not seen yet."""
    end = _END.search(text, start, start + CLAUSE_MAX)
    if end:
        return end.end()
    if len(text) - start < CLAUSE_MAX:
        return -1
    space = _SPACE.search(text, start + CLAUSE_MAX // 2, start + CLAUSE_MAX)
    return space.end() if space else start + CLAUSE_MAX


def _coins(prf: Prf, units: Sequence[int], pairs: Sequence[int]) -> list[int]:
    """The side that the key wants for each pair behind each unit."""
    blocks = np.array(
        [[unit ^ _DOMAIN, pair + 1] for unit, pair in zip(units, pairs, strict=True)], np.uint64
    )
    return [int(bits) & 1 for bits in prf.bits(blocks.reshape(-1, 2))[:, 0]]


def _last_unit(left: str) -> int:
    units = read_units(left[-_CONTEXT:]).hashes
    return int(units[-1]) if len(units) else 0


class SubstitutionTransform:
    """Marks one text. A clause is held back until it ends."""

    def __init__(self, prf: Prf) -> None:
        self._prf = prf
        self._places = _Places()
        self._held = ""
        self._before = ""

    def feed(self, text: str) -> str:
        self._held += text
        out, start = [], 0
        while (end := _cut(self._held, start)) >= 0:
            out.append(self._clause(self._held[start:end]))
            start = end
        self._held = self._held[start:]
        return "".join(out)

    def flush(self) -> str:
        last, self._held = self._held, ""
        return self._clause(last) if last else ""

    def _clause(self, text: str) -> str:
        found = self._places.clause(text, self._before)
        chosen = self._chosen(text, found) if found else text
        self._before = (self._before + chosen)[-_CONTEXT:]
        return chosen

    def _chosen(self, text: str, found: Sequence[Place]) -> str:
        words = table().words
        out, at = self._before, 0
        expected = []
        for place in found:
            out += text[at : place.start]
            (side,) = _coins(self._prf, [_last_unit(out)], [place.pair])
            expected.append((place.pair, side))
            said = text[place.start : place.end]
            if side != place.side:
                other = words[place.pair][side]
                said = (
                    other[0].upper() + other[1:] if said[0].isupper() and not said[1:2].isupper() else other
                )
            out += said
            at = place.end
        chosen = out[len(self._before) :] + text[at:]
        wanted = set(expected)
        seen = {(p.pair, p.side) for p in _in_clause(chosen, self._before)}
        others = {(p.pair, p.side) for p in _in_clause(text, self._before)} - {
            (p.pair, p.side) for p in found
        }
        return chosen if seen - others == wanted else text


def read_places(text: str) -> list[Place]:
    """The distinct places of a text: each pair once behind each unit."""
    units = read_units(text)
    finder, before, start = _Places(), "", 0
    found: dict[tuple[int, int], Place] = {}
    while start < len(text):
        end = _cut(text, start)
        end = len(text) if end < 0 else end
        clause = text[start:end]
        for place in finder.clause(clause, before):
            at = int(np.searchsorted(units.ends, start + place.start, "right"))
            unit = int(units.hashes[at - 1]) if at else 0
            here = Place(start + place.start, start + place.end, place.pair, place.side, unit)
            found.setdefault((unit, place.pair), here)
        before = (before + clause)[-_CONTEXT:]
        start = end
    return list(found.values())


def count_fits(prf: Prf, found: Sequence[Place]) -> int:
    """How many of the places hold the word that the key wants there."""
    wanted = _coins(prf, [place.unit for place in found], [place.pair for place in found])
    return sum(side == place.side for side, place in zip(wanted, found, strict=True))


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
