"""Readings: how a view reads one text, code point by code point, as a state that forgets nothing it needs.

A reading takes what one code point folds to and emits codes, the letters in which terms are written. What it
must remember (a symbol run, a Latin word that has not ended) is its mode, a value that can be compared, so that
`proxy.review.machine` can remember what follows from it. Places are counted backwards from the end of the text
so far: the last code point is one back, whatever stands before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from proxy.review.tables import Kind, Tables
from proxy.review.views import View

__all__ = [
    "AGE",
    "HERE",
    "MAX_KNOWN",
    "Emitted",
    "PlainReading",
    "Reading",
    "Transcript",
    "back_of",
    "sub_of",
]

Mode = Any  # hashable, the reading's own

MAX_KNOWN = 1 << 13  # code points of which a reading remembers what they are read as

# A place is the distance to the end, times AGE, less the index within what the code point folds to.
AGE = 32
HERE = AGE


def back_of(place: int) -> int:
    """How many code points before the end the place is."""
    return -(-place // AGE)


def sub_of(place: int) -> int:
    """Which of the characters that its code point folds to."""
    return -place % AGE


class Emitted(NamedTuple):
    """One code: where it comes from, and whether a word may begin with it."""

    code: str
    place: int
    at_word_start: bool


class Reading(Protocol):
    """A view reading a text. `last` is the code that was emitted before, "" for none that matters.

    `alike`: a `str.translate` table from code points to ones that read the same, so that fewer are to be
    remembered; None where that is not worth its time.
    """

    start: Mode
    alike: dict[int, int] | None

    @property
    def codes(self) -> Callable[[str], Sequence[tuple[str, int]]]:
        """What one code point is read as, each with its `Kind`; nothing if the view does not see it."""
        ...

    def take(self, mode: Mode, last: str, code: str, kind: int, place: int) -> tuple[Mode, Sequence[Emitted]]:
        """Read one of them."""
        ...

    def simple(self, character: str) -> str:
        """The one code of a code point that is emitted at once, alike after everything but itself; "" for others."""
        ...

    def settled(self, mode: Mode) -> bool:
        """Whether a simple code point is alike in this mode and in what is left of it at rest."""
        ...

    def close(self, mode: Mode) -> Sequence[Emitted]:
        """What the end of the text adds."""
        ...

    def age(self, mode: Mode) -> Mode:
        """The mode one code point later."""
        ...

    def rest(self, mode: Mode) -> Mode:
        """What of the mode can matter where no code that was emitted does."""
        ...

    def waiting(self, mode: Mode) -> int:
        """How far back the text begins that was taken and not emitted yet; 0 if all was."""
        ...


class PlainReading:
    """Each code point by itself; the mode is whether a word may begin here."""

    start: Mode = True
    alike: dict[int, int] | None = None

    def __init__(self, view: View, tables: Tables) -> None:
        self._fold, self._kind = view.fold, tables.kind
        self.codes = lru_cache(MAX_KNOWN)(self._codes)

    def _codes(self, character: str) -> Sequence[tuple[str, int]]:
        return [(code, self._kind(code)) for code in self._fold(character)]

    def take(self, mode: Mode, last: str, code: str, kind: int, place: int) -> tuple[Mode, Sequence[Emitted]]:
        word = kind == Kind.WORD
        return not word, (Emitted(code, place, word and mode),)

    def simple(self, character: str) -> str:
        codes = self._fold(character)
        return codes if len(codes) == 1 else ""

    def settled(self, mode: Mode) -> bool:
        return True

    def close(self, mode: Mode) -> Sequence[Emitted]:
        return ()

    def age(self, mode: Mode) -> Mode:
        return mode

    def rest(self, mode: Mode) -> Mode:
        return mode

    def waiting(self, mode: Mode) -> int:
        return 0


class Transcript:
    """A text as a reading writes it down: `text`, and for each code where it comes from.

    `origins`: code points times AGE, plus the index within what the code point folds to; `known`: after how many
    code points it was; `words`: whether a word may begin with it.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading, self._mode = reading, reading.start
        self.text = ""
        self.origins: list[int] = []
        self.known: list[int] = []
        self.words: list[bool] = []

    def read(self, characters: Iterable[str], at: int = 0) -> None:
        """Take characters; the first is code point `at`."""
        age, codes, take = self._reading.age, self._reading.codes, self._reading.take
        mode, last = self._mode, self.text[-1:]
        for end, character in enumerate(characters, at + 1):
            mode = age(mode)
            place = HERE
            for code, kind in codes(character):
                mode, emitted = take(mode, last, code, kind, place)
                place -= 1
                if emitted:
                    self._write(emitted, end)
                    last = emitted[-1][0]
        self._mode = mode

    def finish(self, end: int) -> None:
        """The text has ended, at code point `end`."""
        self._write(self._reading.close(self._mode), end)

    def _write(self, emitted: Iterable[Emitted], end: int) -> None:
        for code, place, at_word_start in emitted:
            self.text += code
            self.origins.append(end * AGE - place)
            self.known.append(end)
            self.words.append(at_word_start)
