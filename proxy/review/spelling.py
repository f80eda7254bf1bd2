"""How entries are spelled in the evasion view, and whether a text spells one out.

A code is what a character of the safe view reads as: itself, the letter that a digit stands for, noise, or a
barrier. `EvasionJudge` follows the letters of an entry through the original text behind a match of codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import numpy as np

from proxy.review.flat import text_of
from proxy.review.judge import Match, Span, Verdict, transcribed
from proxy.review.ordinary import AROUND, Ordinary, is_ordinary_apart
from proxy.review.original import Original
from proxy.review.reading import Reading
from proxy.review.tables import Kind, Tables
from proxy.review.terms import Edge, Term
from proxy.review.views import SafeView

__all__ = [
    "BARRIER",
    "LIST_MARKS",
    "MAX_AROUND",
    "MIN_SPLIT",
    "NOISE",
    "SENTENCE_ENDS",
    "SYMBOLS",
    "EvasionJudge",
    "Letter",
    "code_of",
    "codes_table",
    "is_sentence_end",
    "spell",
]

BARRIER = "\n"
NOISE = "\x00"
MAX_AROUND = 12  # characters of one that a sieve looks for around a pair of characters that may be one
MIN_SPLIT = 3  # characters of an entry that is also looked for with one of them written as two
# Characters that end a sentence or a clause; a name spread over two of them is none.
SENTENCE_ENDS = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029。?;,:\u0964\u06d4\u060c")
# What is written for a letter. A letter and all its stand-ins read as one class.
_LEET: Mapping[str, str] = {
    "0": "o",
    "1": "i",
    "l": "i",
    "3": "e",
    "4": "a",
    "5": "s",
    "7": "t",
    "8": "b",
    "9": "g",
}
# Symbols that are letters only beside Latin: after Han they are noise (@, $) or the end of a sentence (!).
SYMBOLS: Mapping[str, tuple[str, str]] = {
    "@": ("a", NOISE), "$": ("s", NOISE), "!": ("i", BARRIER)
}  # fmt: skip
# Marks of lists and the ends of brackets and quotations: ordinary text has them between any two words.
LIST_MARKS = frozenset("、)]}】》〉」』〕”")
_MIN_TWINS = 6  # letters of a word from which on i and l may be written for each other: fail is not fall
_STANDS_FOR: Mapping[str, frozenset[str]] = {
    "0": frozenset("o"), "1": frozenset("il"), "3": frozenset("e"), "4": frozenset("a"), "5": frozenset("s"),
    "7": frozenset("t"), "8": frozenset("b"), "9": frozenset("g"), "@": frozenset("a"), "$": frozenset("s"),
    "!": frozenset("il"),
}  # fmt: skip


def is_sentence_end(character: str) -> bool:
    """Whether a character of the safe view ends a sentence."""
    return character in SENTENCE_ENDS or character == "!"


def code_of(character: str, kind: int) -> str:
    """How one character of the safe view reads here."""
    if character in SYMBOLS:
        return character
    if character in SENTENCE_ENDS:
        return BARRIER
    return NOISE if kind == Kind.OTHER else _LEET.get(character, character)


@lru_cache(maxsize=2)
def codes_table(tables: Tables) -> str:
    """How every character of the first two planes that the safe view knows reads: a table for `str.translate`."""
    table = np.arange(0x20000, dtype=np.uint32)
    table[np.frombuffer(tables.kinds, np.uint8, len(table)) == Kind.OTHER] = ord(NOISE)
    for character in (*SENTENCE_ENDS, *SYMBOLS, *_LEET):
        table[ord(character)] = ord(code_of(character, tables.kinds[ord(character)]))
    return text_of(table)


@dataclass(frozen=True, slots=True)
class Letter:
    """One run of an entry.

    `code`: how it reads; `own`: a character of it; `allowed`: what it may be written with; `count`: how
    often at least; `gap`: how many symbols the entry itself has before it.
    """

    code: str
    own: str
    allowed: frozenset[str]
    count: int
    gap: int


@lru_cache(maxsize=1024)
def spell(spelling: str, tables: Tables) -> tuple[Letter, ...]:
    """The letters of an entry, from its safe fold."""
    kept: list[tuple[str, str, int]] = []
    gap = 0
    for character in spelling:
        code = code_of(character, tables.kinds[ord(character)])
        if code in (NOISE, BARRIER) or code in SYMBOLS:
            gap += 1
        else:
            kept.append((code, character, gap if kept else 0))
            gap = 0
    twins = frozenset("il") if len(kept) >= _MIN_TWINS else frozenset()
    letters = []
    for code, group in groupby(kept, key=lambda item: item[0]):
        run = list(group)
        written = frozenset(character for _, character, _ in run)
        stand_ins = {sign for sign, letters_ in _STANDS_FOR.items() if written & letters_}
        if written & twins:
            stand_ins |= twins
        letters.append(Letter(code, run[0][1], written | stand_ins, len(run), run[0][2]))
    return tuple(letters)


class EvasionJudge:
    """Spells a suspicion out on the original text. Two words of the language side by side are weak: 变量（参见 for 量参."""

    context = AROUND

    def __init__(self, safe: SafeView, tables: Tables, reading: Reading) -> None:
        self._safe, self._tables, self._reading = safe, tables, reading
        self._kinds, self._ordinary = tables.kinds, Ordinary(safe, tables)

    def verdict(self, match: Match, original: Original, ended: bool) -> Verdict:
        if match.term.exceptions:
            covered = transcribed(self._reading, match, original, ended)
            if covered is not False:
                return None if covered is None else False
        end = self._spelled(match.term, match.start, original, ended)
        if end is None or end is False:
            return end
        weak = self._is_ordinary(match, int(end), original, ended)
        return end if weak is False else weak and Span(match.start, int(end), weak)

    def _is_ordinary(self, match: Match, end: int, original: Original, ended: bool) -> bool | None:
        """Whether what is set apart are two words that belong together with others."""
        if match.term.left or "words" in match.term.entry.folds:
            return False
        beside = self._ordinary.beside(original, match.start, end, ended)
        gap = self._ordinary.parted(beside)
        many = sum(letter.count for letter in spell(match.term.spelling, self._tables))
        if gap is None or end - match.start - (gap[1] - gap[0]) != many:
            return False
        return is_ordinary_apart(beside, *gap, self._ordinary.common)

    def _spelled(self, term: Term, place: int, original: Original, ended: bool) -> int | bool | None:
        """Follow the letters of the term through the original text from `place` on."""
        letters = spell(term.spelling, self._tables)
        walk = _Walk(letters, term)
        for offset, character in enumerate(original.characters(place)):
            for safe in self._safe.fold(character):
                verdict = walk.step(safe, self._kinds[ord(safe)], place + offset + 1)
                if verdict is not None:
                    return verdict
        return walk.at_end() if ended else None


class _Walk:
    """Progress through the letters of one term."""

    __slots__ = (
        "_at",
        "_between",
        "_count",
        "_end",
        "_joined",
        "_letters",
        "_listed",
        "_parted",
        "_spaced",
        "_term",
        "_tight",
    )

    def __init__(self, letters: tuple[Letter, ...], term: Term) -> None:
        self._letters, self._term = letters, term
        self._at, self._count, self._between = -1, 0, ""
        self._end = 0  # where the match ends; 0 until it is complete
        self._spaced = self._tight = False  # letters of one word stood apart by spaces; stood together
        self._listed = self._joined = False  # letters stood apart by marks of lists alone; stood together
        self._parted = 0  # how often letters might have stood apart

    def step(self, safe: str, kind: int, after: int) -> int | bool | None:
        """Take one character of the safe view, that ends at `after`; None: go on."""
        letters = self._letters
        letter = letters[self._at] if self._at >= 0 else None
        if letter is not None and safe in letter.allowed:
            return self._take(kind, after, own_gap=False)
        if self._end:
            return False if self._term.right.forbids(kind) else self._end
        following = letters[self._at + 1] if self._at + 1 < len(letters) else None
        if (
            following is not None
            and safe in following.allowed
            and (letter is None or self._count >= letter.count)
        ):
            own_gap = letter is None or following.gap > 0
            if not own_gap:
                marks = "".join(self._between.split())
                self._listed = self._listed or (marks != "" and LIST_MARKS.issuperset(marks))
                self._joined = self._joined or not self._between
                self._parted += 1
            self._at, self._count = self._at + 1, 0
            return self._take(kind, after, own_gap)
        if kind != Kind.OTHER or safe in SENTENCE_ENDS:
            return False
        self._between += safe
        limit = self._term.entry.gap + (following.gap if following is not None else 0)
        return False if len(self._between) > limit else None

    def _take(self, kind: int, after: int, own_gap: bool) -> int | bool | None:
        """A letter: count it, and note how it stands to the one before."""
        # The first letter, if it stands there more than once, may be another word before it.
        again = self._at == 0 and self._count >= self._letters[0].count
        if kind == Kind.WORD and not own_gap and not again:
            self._spaced = self._spaced or any(map(str.isspace, self._between))
            self._tight = self._tight or not self._between
        self._between, self._count = "", self._count + 1
        if self._end:
            self._end = after
        elif self._at == len(self._letters) - 1 and self._count >= self._letters[self._at].count:
            # What is set apart is set apart everywhere; else two words are taken for one, or two items of a list.
            if (self._spaced and self._tight) or (self._listed and (self._joined or self._parted < 2)):
                return False
            self._end = after
        return self._end if self._end and self._term.right == Edge.FREE else None

    def at_end(self) -> int | bool | None:
        """The text has ended here."""
        return self._end or False
