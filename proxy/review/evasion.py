"""The evasion view: letters alone, whatever stands between them, however often they are repeated.

Reading is coarse: symbols and spaces vanish, digits that stand for letters become them, a run of one letter
is one letter (letters of a spaced script that stand apart stay two, else the end of a word would join the
next). So a match here is only a suspicion, and `EvasionJudge` spells it out again on the original text:
every letter of the entry in its order, each run at least as long as the entry's own, no more than `gap`
symbols between two letters, no end of a sentence inside, and words only where words stand. Two bounds keep
what may wait short: a run of symbols or of one letter beyond what any entry allows reads as a barrier that
nothing matches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import cast

import numpy as np
from numpy.typing import NDArray

from proxy.review.entry import Entry
from proxy.review.judge import Judge, Verdict, allowed
from proxy.review.tables import Kind, Tables
from proxy.review.terms import MAX_FOLDED, Edge, Term, edges
from proxy.review.views import LONG, LongFold, Reader, SafeView, several
from proxy.review.window import Original, Window

__all__ = ["BARRIER", "EvasionJudge", "EvasionReader", "EvasionSight", "Letter", "is_sentence_end", "spell"]

BARRIER = "\n"
NOISE = "\x00"
MAX_RUN = 16
# Characters that end a sentence or a clause; a name spread over two of them is none.
_SENTENCE_ENDS = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029。?;,:\u0964\u06d4\u060c")
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
_SYMBOLS: Mapping[str, tuple[str, str]] = {
    "@": ("a", NOISE), "$": ("s", NOISE), "!": ("i", BARRIER)
}  # fmt: skip
_STANDS_FOR: Mapping[str, frozenset[str]] = {
    "0": frozenset("o"), "1": frozenset("il"), "3": frozenset("e"), "4": frozenset("a"), "5": frozenset("s"),
    "7": frozenset("t"), "8": frozenset("b"), "9": frozenset("g"), "@": frozenset("a"), "$": frozenset("s"),
    "!": frozenset("il"),
}  # fmt: skip
# Letters that differ from the next one, or one character that needs a look.
_TOKEN = re.compile(r"(?:([^\x00\n@$!])(?!\1))+|.", re.DOTALL)

# In an entry: more than letters that differ from their neighbours.
_PECULIAR = re.compile(r"[\x00\n@$!]|(.)\1", re.DOTALL)


def is_sentence_end(character: str) -> bool:
    """Whether a character of the safe view ends a sentence."""
    return character in _SENTENCE_ENDS or character == "!"


def _code(character: str, kind: int) -> str:
    """How one character of the safe view reads here."""
    if character in _SYMBOLS:
        return character
    if character in _SENTENCE_ENDS:
        return BARRIER
    return NOISE if kind == Kind.OTHER else _LEET.get(character, character)


@lru_cache(maxsize=2)
def _fold_table(tables: Tables) -> tuple[dict[int, int | str | None], LongFold, frozenset[str]]:
    """The fold of the safe view followed by `_code`, for every code point that it changes."""
    kinds, fold = tables.kinds, dict(tables.fold)
    # Symbols beyond the second plane are unassigned or removed already.
    for code in range(0x10000, 0x20000):
        if kinds[code] == Kind.OTHER:
            fold.setdefault(code, code)
    for code, to in fold.items():
        if to is None:
            continue
        safe = chr(to) if isinstance(to, int) else to
        read = "".join(_code(c, kinds[ord(c)]) for c in safe)
        fold[code] = ord(read) if len(read) == 1 else read or None
    fold[0xFF01] = ord(BARRIER)  # the wide exclamation mark never is an i
    return fold, LongFold(fold), several(fold)


class EvasionReader:
    """Reads one stream. What it adds in total does not depend on the pieces; long ones take a quicker way."""

    __slots__ = ("_last", "_late", "_noise", "_previous", "_reach", "_run", "_starts", "_view")

    def __init__(self, view: EvasionSight) -> None:
        self._view, self._reach = view, view.reach
        self._last, self._run, self._noise = BARRIER, 1, 0
        self._previous = " "  # the last code read, noise and all
        self._starts: Sequence[int] = ()
        # For a long piece: starts of its head, the rest and its place, and the codes that were kept of it.
        self._late: tuple[list[int], str, int, NDArray[np.int64]] | None = None

    def read(self, piece: str, at: int) -> str:
        self._late = None
        if len(piece) >= LONG:
            return self._read_long(piece, at)
        folded, self._starts = self._walk(piece, at)
        return folded

    def finish(self) -> str:
        self._starts, self._late = (), None
        return ""

    def unread(self) -> int | None:
        return None

    def starts(self) -> Sequence[int]:
        if self._late is not None:
            head, rest, at, places = self._late
            origins = self._view.long.origins(rest)
            self._starts = cast(
                "Sequence[int]", np.concatenate((np.array(head, np.int64), origins[places] + at))
            )
            self._late = None
        return self._starts

    def seen(self) -> Sequence[int]:
        return self.starts()

    def _walk(self, piece: str, at: int) -> tuple[str, list[int]]:
        """The definition: one character after the other, letters without a peculiarity together."""
        view = self._view
        codes = piece.translate(view.table)
        places: Sequence[int] = range(at, at + len(piece))
        if len(codes) != len(piece) or not view.several.isdisjoint(piece):
            places = [place for place, c in enumerate(piece, at) for _ in c.translate(view.table)]
        folded: list[str] = []
        starts: list[int] = []
        for match in _TOKEN.finditer(codes):
            token, (begin, end) = match[0], match.span()
            if match[1] is None or token[0] == self._last:
                code = self._step(token[0])
                if code:
                    folded.append(code)
                    starts.append(places[begin])
                token, begin = token[1:], begin + 1
            if token:
                folded.append(token)
                starts += places[begin:end]
                self._last = self._previous = token[-1]
                self._run, self._noise = 1, 0
        return "".join(folded), starts

    def _step(self, raw: str) -> str:
        """One code, at most one character to add."""
        code = raw
        if raw in _SYMBOLS:
            code = _SYMBOLS[raw][self._view.is_spaceless(self._previous)]
        self._previous = raw
        if code == NOISE:
            self._noise += 1
            if self._noise != self._reach + 1:
                return ""
            code = BARRIER
        elif code == self._last and code != BARRIER and not (self._noise and self._view.is_word(code)):
            self._run, self._noise = self._run + 1, 0
            if self._run <= MAX_RUN:
                return ""
            code = BARRIER
        repeated = code == BARRIER and self._last == BARRIER
        if raw != NOISE:
            self._noise = 0
        self._last, self._run = code, 1
        return "" if repeated else code

    def _read_long(self, piece: str, at: int) -> str:
        """The same by array operations, after a few characters that lead to a simple state."""
        head, folded = 0, ""
        starts: list[int] = []
        while head < len(piece) and (head == 0 or self._noise or self._run > 1 or self._last == BARRIER):
            one = self._walk(piece[head : head + 1], at + head)
            folded, starts = folded + one[0], starts + one[1]
            head += 1
        rest = piece[head:]
        places = self._by_arrays(self._view.long.fold(rest)) if rest else None
        if places is None:
            one = self._walk(rest, at + head)
            self._starts = starts + one[1]
            return folded + one[0]
        self._late = (starts, rest, at + head, places[1])
        return folded + places[0]

    def _by_arrays(self, codes: str) -> tuple[str, NDArray[np.int64]] | None:
        """`_walk` over codes from a state without noise and with a run of one: what it adds, and from which
        codes.

        None where it has to be walked.
        """
        codes = self._view.without_symbols(self._previous, codes)
        array = np.frombuffer((self._last + codes).encode("utf-32-le"), dtype=np.uint32)
        kept = np.flatnonzero(array)
        values = array[kept]
        gaps = np.diff(kept) - 1
        far = gaps > self._reach
        again = (gaps > 0) & (self._view.kinds[values[1:]] == Kind.WORD)
        fresh = np.flatnonzero(np.concatenate(([True], (values[1:] != values[:-1]) | far | again)))
        runs = np.diff(np.append(fresh, len(values)))
        letters, places = values[fresh], kept[fresh] - 1
        barrier = letters == ord(BARRIER)
        trailing = len(array) - 1 - int(kept[-1])
        if np.any((runs > MAX_RUN) & ~barrier) or trailing > self._reach:
            return None
        # A barrier stands between two letters that are too far apart, unless one of them is one.
        apart = np.flatnonzero(far[fresh[1:] - 1] & ~barrier[1:] & ~barrier[:-1]) + 1
        letters, places = np.insert(letters, apart, ord(BARRIER)), np.insert(places, apart, places[apart])
        same = (letters[1:] == letters[:-1]) & (letters[1:] == ord(BARRIER))
        once = np.concatenate(([False], ~same))
        letters, places = letters[once], places[once]
        self._last, self._noise = chr(int(values[-1])), trailing
        self._run = 1 if self._last == BARRIER else int(runs[-1])
        self._previous = codes[-1] if codes else self._previous
        return letters.astype(np.uint32).tobytes().decode("utf-32-le"), places


class EvasionSight:
    """The evasion view, fit for a set of entries: `reach` is the longest gap that any of them allows."""

    name = "evasion"

    def __init__(self, safe: SafeView, tables: Tables, entries: Iterable[Entry]) -> None:
        self._safe, self.tables = safe, tables
        self.table, self.long, self.several = _fold_table(tables)
        self.kinds = np.frombuffer(tables.kinds, dtype=np.uint8)
        self.reach = max(
            (self._widest_gap(entry) for entry in entries if "evasion" in entry.views), default=3
        )

    def _widest_gap(self, entry: Entry) -> int:
        spelling = self._safe.fold(entry.pattern)
        if not _PECULIAR.search(spelling.translate(self.table)):
            return entry.gap
        own = max((letter.gap for letter in spell(spelling, self.tables)), default=0)
        return entry.gap + own

    def reader(self) -> Reader:
        return EvasionReader(self)

    def judge(self, window: Window, original: Original) -> Judge:
        return EvasionJudge(self._safe, self.tables, window, original)

    def is_word(self, code: str) -> bool:
        """Whether a code is a letter of a script with spaces, so that two that stand apart are two."""
        return self.tables.kinds[ord(code)] == Kind.WORD

    def is_spaceless(self, code: str) -> bool:
        """Whether a code is a letter of a script without spaces, so that a symbol after it is no letter."""
        return self.tables.kinds[ord(code)] in (Kind.HAN, Kind.UNSPACED, Kind.MARK)

    def without_symbols(self, previous: str, codes: str) -> str:
        """The codes with every symbol read as what it is beside its neighbour."""
        if not any(symbol in codes for symbol in _SYMBOLS):
            return codes

        def read(match: re.Match[str]) -> str:
            at = match.start()
            return _SYMBOLS[match[0]][self.is_spaceless(codes[at - 1] if at else previous)]

        return re.sub(r"[@$!]", read, codes)

    def fold(self, text: str) -> str:
        """A whole text as this view reads it."""
        return EvasionReader(self).read(text, 0)

    def terms(self, entry: Entry) -> Iterable[Term]:
        spelling = self._safe.fold(entry.pattern)
        phrases = dict.fromkeys(self.fold(phrase) for phrase in entry.exceptions)
        seen: set[str] = set()
        variants = self.tables.split_variants(spelling) if len(spelling) < MAX_FOLDED else []
        for variant in (spelling, *variants):
            codes = variant.translate(self.table)
            if _PECULIAR.search(codes):
                letters = spell(variant, self.tables)
                ends = letters[0].own + letters[-1].own if letters else ""
                # One letter, however often, says too little.
                ways = [_collapsed(letters), self._expanded(letters)] if len(letters) > 1 else []
            else:
                ends, ways = variant, [codes] if len(codes) > 1 else []
            for folded in ways:
                if folded not in seen:
                    seen.add(folded)
                    left, right = edges(entry, ends, self.tables)
                    yield Term(entry, folded, variant, left, right, tuple(p for p in phrases if folded in p))

    def _expanded(self, letters: Sequence[Letter]) -> str:
        """How a word with a double letter reads when its letters stand apart."""
        word = Kind.WORD
        return "".join(
            letter.code * (letter.count if self.tables.kind(letter.code) == word else 1) for letter in letters
        )


def _collapsed(letters: Sequence[Letter]) -> str:
    return "".join(letter.code for letter in letters)


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
        code = _code(character, tables.kinds[ord(character)])
        if code in (NOISE, BARRIER) or code in _SYMBOLS:
            gap += 1
        else:
            kept.append((code, character, gap if kept else 0))
            gap = 0
    letters = []
    for code, group in groupby(kept, key=lambda item: item[0]):
        run = list(group)
        written = frozenset(character for _, character, _ in run)
        stand_ins = {sign for sign, letters_ in _STANDS_FOR.items() if written & letters_}
        letters.append(Letter(code, run[0][1], written | stand_ins, len(run), run[0][2]))
    return tuple(letters)


class EvasionJudge:
    """Spells a suspicion out on the original text."""

    __slots__ = ("_kinds", "_original", "_safe", "_tables", "_window")

    def __init__(self, safe: SafeView, tables: Tables, window: Window, original: Original) -> None:
        self._safe, self._tables, self._window, self._original = safe, tables, window, original
        self._kinds = tables.kinds

    def at_word_start(self, index: int) -> bool:
        return self.starts_word(self._window.start(index))

    def needs(self, start: int) -> int:
        """One visible character before the match."""
        original = self._original
        place = start - 1
        while place > original.base and not self._safe.fold(original.slice(place, place + 1)):
            place -= 1
        return max(place, 0)

    def starts_word(self, place: int) -> bool:
        """Whether no letter of a spaced script stands before this code point of the original."""
        before = self.needs(place)
        text = self._safe.fold(self._original.slice(before, place))
        return not text or self._kinds[ord(text[-1])] != Kind.WORD

    def verdict(self, term: Term, start: int, end: int, span: tuple[int, int], ended: bool) -> Verdict:
        covered = False
        if term.exceptions:
            base = self._window.base
            found = allowed(self._window, term, start - base, end - base, ended)
            if found is None:
                return None
            covered = found
        return False if covered else self._spelled(term, span[0], ended)

    def _spelled(self, term: Term, place: int, ended: bool) -> Verdict:
        """Follow the letters of the term through the original text from `place` on."""
        letters = spell(term.spelling, self._tables)
        walk = _Walk(letters, term)
        for offset, character in enumerate(self._original.characters(place)):
            for safe in self._safe.fold(character):
                verdict = walk.step(safe, self._kinds[ord(safe)], place + offset + 1)
                if verdict is not None:
                    return verdict
        return walk.at_end() if ended else None


class _Walk:
    """Progress through the letters of one term."""

    __slots__ = ("_at", "_count", "_end", "_gap", "_letters", "_space", "_spaced", "_term", "_tight")

    def __init__(self, letters: tuple[Letter, ...], term: Term) -> None:
        self._letters, self._term = letters, term
        self._at, self._count, self._gap = -1, 0, 0
        self._end = 0  # where the match ends; 0 until it is complete
        self._space = False  # there is white space in the present gap
        self._spaced = self._tight = False  # letters of one word stood apart by spaces; stood together

    def step(self, safe: str, kind: int, after: int) -> Verdict:
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
            self._at, self._count = self._at + 1, 0
            return self._take(kind, after, own_gap=letter is None or following.gap > 0)
        if kind != Kind.OTHER or safe in _SENTENCE_ENDS:
            return False
        self._gap += 1
        self._space = self._space or safe.isspace()
        limit = self._term.entry.gap + (following.gap if following is not None else 0)
        return False if self._gap > limit else None

    def _take(self, kind: int, after: int, own_gap: bool) -> Verdict:
        """A letter: count it, and note how it stands to the one before."""
        if kind == Kind.WORD and not own_gap:
            self._spaced = self._spaced or self._space
            self._tight = self._tight or self._gap == 0
        self._gap, self._space, self._count = 0, False, self._count + 1
        if self._end:
            self._end = after
        elif self._at == len(self._letters) - 1 and self._count >= self._letters[self._at].count:
            # A word that is spaced out is spaced out everywhere; else two words are taken for one.
            if self._spaced and self._tight:
                return False
            self._end = after
        return self._end if self._end and self._term.right == Edge.FREE else None

    def at_end(self) -> Verdict:
        """The text has ended here."""
        return self._end or False
