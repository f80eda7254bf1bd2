"""The table of views: how each reads a text, spells an entry, and judges a match."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from proxy.review.entry import Entry, EntryError
from proxy.review.evasion import EvasionSight
from proxy.review.judge import Judge, PlainJudge
from proxy.review.pinyin import FIRST, PinyinSight, syllables
from proxy.review.reading import PlainReading, Reading
from proxy.review.tables import Tables
from proxy.review.terms import Edge, Term, edges
from proxy.review.views import RawView, View, safe_view

__all__ = ["PlainSight", "Sight", "sights_of"]


class Sight(Protocol):
    """A view with everything that scanning needs."""

    @property
    def name(self) -> str: ...

    def reading(self) -> Reading:
        """How it reads a text."""
        ...

    def judge(self) -> Judge:
        """What decides over the matches."""
        ...

    def terms(self, entry: Entry) -> Iterable[Term]:
        """The spellings of an entry to look for; none if the view has no use for it."""
        ...


class PlainSight:
    """A view that maps each code point by itself and keeps every letter."""

    def __init__(self, view: View, tables: Tables) -> None:
        self.name, self._view, self._tables = view.name, view, tables

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

    def _initials(self, entry: Entry, folded: str) -> str:
        """The first Latin letters of a word's syllables."""
        sound = syllables(self._tables)
        letters = [sound.names[ord(sound.of[c]) - FIRST][0] for c in folded if c in sound.of]
        if len(letters) < 2 or len(letters) < sum(1 for c in folded if not c.isspace()):
            raise EntryError("folds", "initials are for entries of at least two Han characters", entry.id)
        return "".join(letters)


def sights_of(tables: Tables, entries: Sequence[Entry]) -> list[Sight]:
    """The views in the order in which they are consulted, fit for these entries."""
    safe = safe_view(tables)
    return [
        PlainSight(RawView(), tables),
        PlainSight(safe, tables),
        EvasionSight(safe, tables, entries),
        PinyinSight(safe, tables, entries),
    ]
