"""The evasion view: letters alone, whatever stands between them, however often they are repeated.

Reading is coarse: symbols and spaces vanish, digits that stand for letters become them, a run of one letter
is one letter (of a spaced script only letters that stand alone: else the end of a word would join the next). So a match here is only a suspicion, and `EvasionJudge` spells it out again on the original text:
every letter of the entry in its order, each run at least as long as the entry's own, no more than `gap`
symbols between two letters, no end of a sentence inside, and words only where words stand. Two bounds keep
what may wait short: a run of symbols or of one letter beyond what any entry allows reads as a barrier that
nothing matches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from proxy.review.columns import Columns
from proxy.review.entry import Entry
from proxy.review.judge import Judge
from proxy.review.reading import MAX_KNOWN, Emitted, Mode, Reading, Transcript
from proxy.review.spelling import (
    BARRIER,
    MIN_SPLIT,
    NOISE,
    SYMBOLS,
    EvasionJudge,
    Letter,
    code_of,
    codes_table,
    spell,
)
from proxy.review.tables import Kind, Tables
from proxy.review.terms import MAX_FOLDED, Term, edges
from proxy.review.views import SafeView
from proxy.review.wholesale import Words, evasion_words

__all__ = ["EvasionReading", "EvasionSight"]

MAX_RUN = 16
# In an entry: more than letters that differ from their neighbours.
_PECULIAR = re.compile(r"[\x00\n@$!]|(.)\1", re.DOTALL)
_PECULIAR_CODES = frozenset((NOISE, *SYMBOLS))
_SPACELESS = (Kind.HAN, Kind.UNSPACED, Kind.MARK)


class EvasionReading:
    """The mode: the kind of the last visible character, how many symbols and how many of one letter came last,
    whether that letter is of a spaced script and stands behind none of another.

    `reach`: how many symbols may stand between two letters of any entry.
    """

    start: Mode = (Kind.OTHER, 0, 1, False)
    alike: dict[int, int] | None = None

    def __init__(self, safe: SafeView, tables: Tables, reach: int) -> None:
        self._fold, self._kinds, self._reach = safe.fold, tables.kinds, reach
        self.codes = lru_cache(MAX_KNOWN)(self._codes)

    def _codes(self, character: str) -> Sequence[tuple[str, int]]:
        if character == "\uff01":
            return [(BARRIER, Kind.OTHER)]  # the wide exclamation mark never is an i
        kinds = self._kinds
        return [(code_of(safe, kinds[ord(safe)]), kinds[ord(safe)]) for safe in self._fold(character)]

    def take(self, mode: Mode, last: str, code: str, kind: int, place: int) -> tuple[Mode, Sequence[Emitted]]:
        before, noise, run, alone = mode
        if code in SYMBOLS:
            code = SYMBOLS[code][before in _SPACELESS]
        if code == NOISE:
            far = noise == self._reach
            return (kind, min(noise, self._reach) + 1, run, alone), _barrier(last, place) if far else ()
        word = code != BARRIER and self._kinds[ord(code)] == Kind.WORD
        if code == last and code != BARRIER and (alone or not (noise and word)):
            over = run == MAX_RUN
            return (kind, 0, 1 if over else run + 1, alone), _barrier(last, place) if over else ()
        if code == BARRIER:
            return (kind, 0, 1, False), _barrier(last, place)
        opens = word and before != Kind.WORD
        return (kind, 0, 1, opens), (Emitted(code, place, opens),)

    def simple(self, character: str) -> str:
        codes = self.codes(character)
        return codes[0][0] if len(codes) == 1 and codes[0][0] not in _PECULIAR_CODES else ""

    def settled(self, mode: Mode) -> bool:
        return True

    def close(self, mode: Mode) -> Sequence[Emitted]:
        return ()

    def age(self, mode: Mode) -> Mode:
        return mode

    def rest(self, mode: Mode) -> Mode:
        kind = mode[0]
        return (Kind.HAN if kind in _SPACELESS else kind), 0, 1, False

    def waiting(self, mode: Mode) -> int:
        return 0


def _barrier(last: str, place: int) -> Sequence[Emitted]:
    return () if last == BARRIER else (Emitted(BARRIER, place, False),)


class EvasionSight:
    """The evasion view, fit for a set of entries: `reach` is the longest gap that any of them allows."""

    name = "evasion"

    def __init__(self, safe: SafeView, tables: Tables, reach: int) -> None:
        self._safe, self.tables, self.reach = safe, tables, reach
        self._table = codes_table(tables)

    def reading(self) -> Reading:
        return EvasionReading(self._safe, self.tables, self.reach)

    def judge(self) -> Judge:
        return EvasionJudge(self._safe, self.tables, self.reading())

    def fold(self, text: str) -> str:
        """A whole text as this view reads it."""
        script = Transcript(self.reading())
        script.read(text)
        return script.text

    def terms(self, entry: Entry) -> Iterable[Term]:
        spelling = self._safe.fold(entry.pattern)
        phrases = dict.fromkeys(self.fold(phrase) for phrase in entry.exceptions)
        seen: set[str] = set()
        for variant in self._variants(entry, spelling):
            codes = variant.translate(self._table)
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

    def _variants(self, entry: Entry, spelling: str) -> Iterator[str]:
        yield spelling
        # Two characters with one of them split are too often ordinary words (他好, 他女子): for entries that ask.
        if len(spelling) < MAX_FOLDED and (len(spelling) >= MIN_SPLIT or "split" in entry.folds):
            yield from self.tables.split_variants(spelling)
        if "reversed" in entry.folds:
            yield spelling[::-1]

    def term(self, entry: Entry, folded: str) -> Term | None:
        return next((term for term in self.terms(entry) if term.folded == folded), None)

    def words(self, columns: Columns) -> Words:
        return evasion_words(self._safe.fold_all(columns.flat), columns, self.tables)

    def _expanded(self, letters: Sequence[Letter]) -> str:
        """How a word with a double letter reads when its letters stand apart."""
        word = Kind.WORD
        return "".join(
            letter.code * (letter.count if self.tables.kind(letter.code) == word else 1) for letter in letters
        )


def _collapsed(letters: Sequence[Letter]) -> str:
    return "".join(letter.code for letter in letters)
