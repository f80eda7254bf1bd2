"""The table of views: how each reads a text, spells an entry, and judges a match."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from proxy.review.columns import Columns
from proxy.review.entry import Entry, EntryError
from proxy.review.evasion import EvasionSight
from proxy.review.judge import Judge, PlainJudge
from proxy.review.pinyin import PinyinSight
from proxy.review.reading import PlainReading, Reading
from proxy.review.syllables import FIRST, syllables
from proxy.review.tables import Tables
from proxy.review.terms import Edge, Term, edges
from proxy.review.views import RawView, View, safe_view
from proxy.review.wholesale import Words, plain_words

__all__ = ["DEFAULT_REACH", "PlainSight", "Sight", "sight_of"]

DEFAULT_REACH = 3


class Sight(Protocol):
    """A view with everything that scanning needs."""

    @property
    def name(self) -> str: ...

    @property
    def reach(self) -> int:
        """How many symbols may stand between two letters of an entry."""
        ...

    def reading(self) -> Reading:
        """How it reads a text."""
        ...

    def judge(self) -> Judge:
        """What decides over the matches."""
        ...

    def terms(self, entry: Entry) -> Iterable[Term]:
        """The spellings of an entry to look for; none if the view has no use for it."""
        ...

    def term(self, entry: Entry, folded: str) -> Term | None:
        """The one of them that is spelled so, None if none is."""
        ...

    def words(self, columns: Columns) -> Words:
        """The same of many entries at once, as words; `slow` are those that `terms` has to be asked for."""
        ...


class PlainSight:
    """A view that maps each code point by itself and keeps every letter."""

    def __init__(self, view: View, tables: Tables) -> None:
        self.name, self._view, self._tables = view.name, view, tables
        self.reach = 0

    def reading(self) -> Reading:
        return PlainReading(self._view, self._tables)

    def judge(self) -> Judge:
        return PlainJudge(self._view, self._tables)

    def terms(self, entry: Entry) -> Iterable[Term]:
        folded = self._view.fold(entry.pattern)
        if not folded:
            return [Term(entry, "", "", False, Edge.FREE, ())]
        phrases = dict.fromkeys(self._view.fold(phrase) for phrase in entry.exceptions)
        spellings = [folded]
        if "reversed" in entry.folds:
            spellings.append(folded[::-1])
        if "initials" in entry.folds and self.name == "safe":
            spellings.append(self._initials(entry, folded))
        return [
            Term(entry, one, one, *edges(entry, one, self._tables), tuple(p for p in phrases if one in p))
            for one in dict.fromkeys(spellings)
        ]

    def term(self, entry: Entry, folded: str) -> Term:
        return next(term for term in self.terms(entry) if term.folded == folded)

    def words(self, columns: Columns) -> Words:
        return plain_words(self._view.fold_all(columns.flat), columns, self._tables)

    def _initials(self, entry: Entry, folded: str) -> str:
        """The first Latin letters of a word's syllables."""
        sound = syllables(self._tables)
        letters = [sound.names[ord(sound.of[c]) - FIRST][0] for c in folded if c in sound.of]
        if len(letters) < 2 or len(letters) < sum(1 for c in folded if not c.isspace()):
            raise EntryError("folds", "initials are for entries of at least two Han characters", entry.id)
        return "".join(letters)


def sight_of(name: str, tables: Tables, reach: int = DEFAULT_REACH) -> Sight:
    """A view, fit for entries that allow so many symbols between two of their letters."""
    safe = safe_view(tables)
    if name == "evasion":
        return EvasionSight(safe, tables, reach)
    if name == "pinyin":
        return PinyinSight(safe, tables, reach)
    return PlainSight(safe if name == "safe" else RawView(), tables)
