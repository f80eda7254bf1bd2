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
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from proxy.review.entry import Entry
from proxy.review.judge import Judge
from proxy.review.spelling import BARRIER, NOISE, SYMBOLS, EvasionJudge, Letter, code_of, spell
from proxy.review.tables import Kind, Tables
from proxy.review.terms import MAX_FOLDED, Term, edges
from proxy.review.views import LONG, LongFold, Reader, SafeView, several
from proxy.review.window import Original, Window

__all__ = ["EvasionReader", "EvasionSight"]

MAX_RUN = 16
# Letters that differ from the next one, or one character that needs a look.
_TOKEN = re.compile(r"(?:([^\x00\n@$!])(?!\1))+|.", re.DOTALL)

# In an entry: more than letters that differ from their neighbours.
_PECULIAR = re.compile(r"[\x00\n@$!]|(.)\1", re.DOTALL)


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
        read = "".join(code_of(c, kinds[ord(c)]) for c in safe)
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
        if raw in SYMBOLS:
            code = SYMBOLS[raw][self._view.is_spaceless(self._previous)]
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
        if not any(symbol in codes for symbol in SYMBOLS):
            return codes

        def read(match: re.Match[str]) -> str:
            at = match.start()
            return SYMBOLS[match[0]][self.is_spaceless(codes[at - 1] if at else previous)]

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
