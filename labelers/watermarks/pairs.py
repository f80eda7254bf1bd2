"""The table of pairs as it is read: which words can stand for each other, and where.

A line of `pairs_zh` or `pairs_en` is `a ; guards = b ; guards || guards of both ~ an example that holds a`. A guard is
a regular expression with what it says in front: `L:` must not stand before the word, `R:` must not follow it,
`L+:` must stand before it, `R+:` must follow it. What follows is seen to the end of the clause, what is before for 48
characters. One space between a word and what a guard names makes no difference.

Strategy. Han words are looked up by two characters, words of letters found by one trie; the longest counts. Most guards are plain lists
of words and need no regular expression. A pair is known by a hash of its words, so that a longer table reads old marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from labelers.watermarks import pairs_en, pairs_zh

__all__ = ["CONTEXT", "Member", "Pair", "Table", "Word", "table", "words_in"]

CONTEXT = 48  # characters before a word that its guards see
_PLAIN = re.compile(r"[^\x00-\x7f]+(?:\|[^\x00-\x7f]+)*")
_LETTER = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True)
class _Guard:
    """What stands beside a word: plain words where they are enough, else a regular expression."""

    plain: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None

    def before(self, left: str) -> bool:
        if self.pattern is not None:
            return self.pattern.search(left) is not None
        return (left[:-1] if left[-1:].isspace() else left).endswith(self.plain)

    def after(self, text: str, at: int) -> bool:
        if self.pattern is not None:
            return self.pattern.match(text, at) is not None
        return text.startswith(self.plain, at + text[at : at + 1].isspace())


@dataclass(frozen=True, slots=True)
class Member:
    """One word of a pair and where it may stand."""

    pair: int
    side: int
    not_before: _Guard | None
    must_before: _Guard | None
    not_after: _Guard | None
    must_after: _Guard | None

    def fits(self, left: str, text: str, end: int) -> bool:
        """Whether the word may be chosen between `left` and what follows `end`."""
        if self.not_after is not None and self.not_after.after(text, end):
            return False
        if self.must_after is not None and not self.must_after.after(text, end):
            return False
        if self.not_before is not None and self.not_before.before(left):
            return False
        return self.must_before is None or self.must_before.before(left)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two words. `name`: 64 bits that no other pair has. `example`: a sentence with the first of them."""

    words: tuple[str, str]
    name: int
    example: str


@dataclass(frozen=True, slots=True)
class Table:
    pairs: tuple[Pair, ...]
    members: dict[str, Member]
    han: dict[str, tuple[str, ...]]  # by their first two characters, the longest first
    single: frozenset[str]
    first: re.Pattern[str]  # a character that a Han word begins with
    latin: re.Pattern[str]


class Word(NamedTuple):
    """A word of the table where it may be chosen, [start, end) in its clause."""

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
        both = []
        for side, half in enumerate(said.split(" = ")):
            word, *guards = (part.strip() for part in half.split(" ; "))
            if word in members:
                raise ValueError(f"{word!r} stands in two pairs")
            guards += shared.split(" ; ")
            members[word] = _member(word, len(pairs), side, guards)
            both.append(word)
        name = int.from_bytes(blake2b(" = ".join(both).encode(), digest_size=8).digest(), "little")
        pairs.append(Pair((both[0], both[1]), name, example.strip()))
    han: dict[str, tuple[str, ...]] = {}
    for word in sorted(members, key=len, reverse=True):
        if not word.isascii() and len(word) > 1:
            han[word[:2]] = (*han.get(word[:2], ()), word)
    single = frozenset(word for word in members if len(word) == 1)
    first = re.compile(f"[{''.join({word[0] for word in members if not word.isascii()})}]")
    latin = _trie(word for word in members if word.isascii())
    pattern = re.compile(rf"(?<![\w'’-])(?:{latin})(?![\w’-]|'[A-Za-z])")
    return Table(tuple(pairs), members, han, single, first, pattern)


def _member(word: str, pair: int, side: int, guards: Sequence[str]) -> Member:
    beside = "" if word.isascii() else r"\s?"

    def of(mark: str) -> _Guard | None:
        said = [guard[len(mark) :] for guard in guards if guard.startswith(mark)]
        if not said:
            return None
        if all(map(_PLAIN.fullmatch, said)):
            return _Guard(tuple("|".join(said).split("|")))
        either = "|".join(said)
        before = mark[0] == "L"
        return _Guard(
            (), re.compile(rf"(?:{either})\s?\Z" if before else rf"{beside}(?:{either})", re.IGNORECASE)
        )

    return Member(pair, side, of("L:"), of("L+:"), of("R:"), of("R+:"))


def _trie(words: Iterable[str]) -> str:
    """A regular expression that finds the longest of the words; their first letters also as capitals."""
    starts: dict[str, list[str]] = {}
    for word in words:
        starts.setdefault(word[0], []).append(word[1:])
    return "|".join(
        (f"[{first.upper()}{first}]" if first.islower() else re.escape(first)) + _rest(rests)
        for first, rests in starts.items()
    )


def _rest(words: Sequence[str]) -> str:
    following: dict[str, list[str]] = {}
    for word in words:
        if word:
            following.setdefault(word[0], []).append(word[1:])
    if not following:
        return ""
    each = [
        ("['’]" if first == "'" else re.escape(first)) + _rest(rests) for first, rests in following.items()
    ]
    if "" in words:
        return f"(?:{'|'.join(each)})?"
    return each[0] if len(each) == 1 else f"(?:{'|'.join(each)})"


def words_in(text: str, before: str) -> list[Word]:
    """The words of one clause that may be chosen. `before`: the end of the text that stands before it."""
    return list(_words(table(), text, before))


def _words(known: Table, text: str, before: str) -> Iterator[Word]:
    members = known.members
    for start, end, word in _matches(known, text):
        member = members.get(word)
        if member is None:
            word = word.replace("’", "'")
            member = members.get(word) or members[word[0].lower() + word[1:]]
        left = text[start - CONTEXT : start] if start >= CONTEXT else (before + text[:start])[-CONTEXT:]
        if member.fits(left, text, end) and not _clashes(known.pairs[member.pair].words, left):
            yield Word(start, end, member.pair, member.side)


def _matches(known: Table, text: str) -> list[tuple[int, int, str]]:
    """Every word of the table in a clause, whatever stands beside it; where two overlap, the first and longest."""
    found = [] if text.isascii() else _han_matches(known, text)
    if _LETTER.search(text):
        latin = [(match.start(), match.end(), match[0]) for match in known.latin.finditer(text)]
        found = sorted(found + latin) if found and latin else found or latin
    return found


def _han_matches(known: Table, text: str) -> list[tuple[int, int, str]]:
    found = []
    search, at = known.first.search, 0
    while match := search(text, at):
        at = match.start()
        for word in known.han.get(text[at : at + 2], ()):
            if text.startswith(word, at):
                break
        else:
            word = text[at]
            if word not in known.single:
                at += 1
                continue
        found.append((at, at + len(word), word))
        at += len(word)
    return found


def _clashes(words: tuple[str, str], left: str) -> bool:
    """Whether the article before would not fit the other word."""
    if not words[0].isascii() or (words[0][0] in "aeiou") == (words[1][0] in "aeiou"):
        return False
    last = left.rstrip()[-3:].lower()
    return last.endswith((" a", " an")) or last in ("a", "an")
