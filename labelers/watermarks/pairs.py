"""The table of pairs as it is read: which words can stand for each other, and where.

A line of `pairs_zh` or `pairs_en` is `a ; guards = b ; guards || guards of both ~ an example that holds a`. A guard is
a regular expression with what it says in front: `L:` must not stand before the word, `R:` must not follow it,
`L+:` must stand before it, `R+:` must follow it. What follows is seen to the end of the clause, what is before for 48
characters. One space between a word and what a guard names makes no difference.

Strategy. Han words are looked up by two characters, words of letters found by one trie; the longest counts. Where a Han word may
begin is asked of a regular expression in a clause, and of arrays in a whole answer. Most guards are plain lists of words and
need no regular expression. A pair is known by a hash of its words, so that a longer table reads old marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from labelers.watermarks import pairs_en, pairs_zh

__all__ = [
    "CONTEXT",
    "Match",
    "Member",
    "Pair",
    "Table",
    "Word",
    "table",
    "words_between",
    "words_in",
]

CONTEXT = 48  # characters before a word that its guards see
_LONG = 80  # characters from which on arrays are quicker than a regular expression
_CELLS = 1 << 16
_PLAIN = re.compile(r"[^\x00-\x7f]+(?:\|[^\x00-\x7f]+)*")
_WORDS = re.compile(r"\\b(?:\(\?:)?([\w' |-]+)\)?")
_LETTER = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True)
class _Guard:
    """What stands beside a word: plain words where they are enough, else a regular expression.

    `endings`: small letters of which some end what the expression finds before a word; none where that is not known.
    """

    plain: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    endings: tuple[str, ...] = ()

    def before(self, text: str, start: int) -> bool:
        first = start - CONTEXT if start > CONTEXT else 0
        last = start - text[start - 1 : start].isspace()
        if self.pattern is None:
            return text.endswith(self.plain, first, last)
        if self.endings and not text[first:last].lower().endswith(self.endings):
            return False
        return self.pattern.search(text, first, start) is not None

    def after(self, text: str, at: int, end: int) -> bool:
        if self.pattern is not None:
            return self.pattern.match(text, at, end) is not None
        return text.startswith(self.plain, at + text[at : at + 1].isspace(), end)


@dataclass(frozen=True, slots=True)
class Member:
    """One word of a pair and where it may stand. `article`: the other word takes another one, "a" or "an"."""

    pair: int
    side: int
    article: bool
    not_before: _Guard | None
    must_before: _Guard | None
    not_after: _Guard | None
    must_after: _Guard | None

    def followed(self, text: str, end: int, stop: int) -> bool:
        """Whether what follows `end` lets the word be chosen, in a clause that ends at `stop`."""
        if self.must_after is not None and not self.must_after.after(text, end, stop):
            return False
        return self.not_after is None or not self.not_after.after(text, end, stop)

    def preceded(self, text: str, start: int) -> bool:
        """Whether what stands before `start` lets the word be chosen."""
        if self.must_before is not None and not self.must_before.before(text, start):
            return False
        if self.not_before is not None and self.not_before.before(text, start):
            return False
        return not (self.article and _ARTICLE.search(text, max(0, start - CONTEXT), start))


_ARTICLE = re.compile(r"(?<![\w'’-])an?\s+\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two words. `name`: 64 bits that no other pair has. `example`: a sentence with the first of them."""

    words: tuple[str, str]
    name: int
    example: str


Match: TypeAlias = tuple[int, int, Member]  # a word at [start, end) of a text, whatever stands beside it


@dataclass(frozen=True, slots=True)
class Table:
    pairs: tuple[Pair, ...]
    members: dict[str, Member]
    han: dict[str, tuple[tuple[str, Member], ...]]  # by their first two characters, the longest first
    single: dict[str, Member]
    first: re.Pattern[str]  # a character that a Han word begins with
    cells: npt.NDArray[np.bool_]  # of two characters: whether a Han word may begin with them
    alone: npt.NDArray[np.bool_]  # of one: whether it is a word
    latin: re.Pattern[str]

    def matches(self, text: str, start: int, end: int) -> list[Match]:
        """The words between `start` and `end`; where two overlap, the first and longest."""
        part = text[start:end]
        found = [] if part.isascii() else self._han(part, start)
        if _LETTER.search(part) is not None:
            latin = [
                (one.start(), one.end(), self._member(one[0]))
                for one in self.latin.finditer(text, start, end)
            ]
            found = sorted(found + latin, key=_place) if found and latin else found or latin
        return found

    def _member(self, word: str) -> Member:
        member = self.members.get(word)
        if member is None:
            word = word.replace("’", "'")
            member = self.members.get(word) or self.members[word[0].lower() + word[1:]]
        return member

    def _han(self, text: str, at: int) -> list[Match]:
        found, free = [], 0
        han, single = self.han, self.single
        for start in self._starts(text):
            if start < free:
                continue
            for word, member in han.get(text[start : start + 2], ()):
                if text.startswith(word, start):
                    free = start + len(word)
                    found.append((at + start, at + free, member))
                    break
            else:
                if (alone := single.get(text[start])) is not None:
                    free = start + 1
                    found.append((at + start, at + free, alone))
        return found

    def _starts(self, text: str) -> Iterable[int]:
        """Where Han words may begin, and perhaps elsewhere."""
        if len(text) < _LONG:
            return [one.start() for one in self.first.finditer(text)]
        codes = np.frombuffer((text + " ").encode("utf-16-le", "surrogatepass"), np.uint16)
        if len(codes) != len(text) + 1:
            return [one.start() for one in self.first.finditer(text)]
        may = self.cells.take(_cells(codes[:-1], codes[1:]))
        may |= self.alone.take(codes[:-1])
        starts: list[int] = may.nonzero()[0].tolist()
        return starts


def _cells(first: npt.NDArray[np.uint16], second: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    return first * np.uint16(31) + second


def _place(match: Match) -> int:
    return match[0]


class Word(NamedTuple):
    """A word of the table where it may be chosen, [start, end) in its text."""

    start: int
    end: int
    pair: int
    side: int


@lru_cache(maxsize=1)
def table() -> Table:
    """All pairs, compiled once. ValueError: a word that stands in two of them, or "||" twice."""
    pairs: list[Pair] = []
    members: dict[str, Member] = {}
    for line in (*pairs_zh.PAIRS.splitlines(), *pairs_en.PAIRS.splitlines()):
        said, _, example = line.partition(" ~ ")
        said, _, shared = said.partition(" || ")
        if "||" in shared:
            raise ValueError(f"an empty alternative in {line!r}")
        halves = [[part.strip() for part in half.split(" ; ")] for half in said.split(" = ")]
        words = halves[0][0], halves[1][0]
        article = words[0].isascii() and (words[0][0] in _VOWELS) != (words[1][0] in _VOWELS)
        for side, (word, *guards) in enumerate(halves):
            if word in members:
                raise ValueError(f"{word!r} stands in two pairs")
            members[word] = _member(word, len(pairs), side, article, [*guards, *shared.split(" ; ")])
        name = int.from_bytes(blake2b(" = ".join(words).encode(), digest_size=8).digest(), "little")
        pairs.append(Pair(words, name, example.strip()))
    return Table(tuple(pairs), members, *_han_index(members), _latin_pattern(members))


_VOWELS = "aeiou"


def _han_index(
    members: dict[str, Member],
) -> tuple[
    dict[str, tuple[tuple[str, Member], ...]],
    dict[str, Member],
    re.Pattern[str],
    npt.NDArray[np.bool_],
    npt.NDArray[np.bool_],
]:
    """What a `Table` looks Han words up by: `han`, `single`, `first`, `cells` and `alone`."""
    han: dict[str, tuple[tuple[str, Member], ...]] = {}
    cells, alone = np.zeros(_CELLS, bool), np.zeros(_CELLS, bool)
    words = sorted((word for word in members if not word.isascii()), key=len, reverse=True)
    for word in words:
        codes = np.array([ord(char) for char in word], np.uint16)
        if len(word) == 1:
            alone[codes] = True
        else:
            han[word[:2]] = (*han.get(word[:2], ()), (word, members[word]))
            cells[_cells(codes[:1], codes[1:2])] = True
    first = re.compile(f"[{''.join(sorted({word[0] for word in words}))}]")
    return han, {word: members[word] for word in words if len(word) == 1}, first, cells, alone


def _member(word: str, pair: int, side: int, article: bool, guards: Sequence[str]) -> Member:
    beside = "" if word.isascii() else r"\s?"

    def of(mark: str) -> _Guard | None:
        said = [guard[len(mark) :] for guard in guards if guard.startswith(mark)]
        if not said:
            return None
        if all(map(_PLAIN.fullmatch, said)):
            plain = "|".join(said)
            return _Guard(tuple(dict.fromkeys([*plain.split("|"), *plain.translate(_ASCII).split("|")])))
        either = "|".join(said if word.isascii() else map(_with_ascii, said))
        if mark[0] == "R":
            return _Guard((), re.compile(rf"{beside}(?:{either})", re.IGNORECASE))
        pattern = re.compile(rf"(?:{either})\s?\Z", re.IGNORECASE)
        endings = [_WORDS.fullmatch(guard) for guard in said]
        if None in endings:
            return _Guard((), pattern)
        words = "|".join(one[1] for one in endings if one is not None).lower().split("|")
        return _Guard((), pattern, tuple(words))

    return Member(pair, side, article, of("L:"), of("L+:"), of("R:"), of("R+:"))


_ASCII = str.maketrans("，。！？；：（", ",.!?;:(")


def _with_ascii(guard: str) -> str:
    """The guard for Chinese with the punctuation of ASCII too, and with wide digits."""
    guard = guard.replace("0-9０-９", "0-9").replace("0-9", "0-9０-９")
    out, inside = "", False
    for at, char in enumerate(guard):
        if char in "[]" and guard[at - 1 : at] != "\\":
            inside = char == "["
        both = char if (other := char.translate(_ASCII)) == char else char + other
        out += both if inside or len(both) == 1 else f"[{both}]"
    return out


def _latin_pattern(members: Iterable[str]) -> re.Pattern[str]:
    """A regular expression that finds the longest of the words of letters; their first letters also as capitals."""
    starts: dict[str, list[str]] = {}
    for word in members:
        if word.isascii():
            starts.setdefault(word[0], []).append(word[1:])
    either = "|".join(
        (f"[{first.upper()}{first}]" if first.islower() else re.escape(first)) + _rest(rests, first)
        for first, rests in starts.items()
    )
    return re.compile(rf"(?<![\w'’-])(?:{either})")


_WHOLE = r"(?![\w’-]|'[A-Za-z])"  # a comma ends a word whatever comes


def _rest(words: Sequence[str], last: str) -> str:
    """How words go on after their common beginning, which ends with `last`."""
    following: dict[str, list[str]] = {}
    for word in words:
        if word:
            following.setdefault(word[0], []).append(word[1:])
    each = [
        ("['’]" if first == "'" else re.escape(first)) + _rest(rests, first)
        for first, rests in following.items()
    ]
    if "" in words:
        each.append("" if last == "," else _WHOLE)
    return each[0] if len(each) == 1 else f"(?:{'|'.join(each)})"


def words_in(text: str, before: str) -> list[Word]:
    """The words of one clause that may be chosen. `before`: the end of the text that stands before it."""
    at = len(before)
    return [
        Word(word.start - at, word.end - at, word.pair, word.side)
        for word in words_between(before + text, at, at + len(text))
    ]


def words_between(text: str, start: int, end: int) -> list[Word]:
    """The words that may be chosen of the clause that stands between `start` and `end` of a text."""
    return [
        Word(first, last, member.pair, member.side)
        for first, last, member in table().matches(text, start, end)
        if member.followed(text, last, end) and member.preceded(text, first)
    ]
