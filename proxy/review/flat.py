"""Many texts as one array, so that what is done to every letter of all of them is done at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Codes", "Flat", "Numbers", "among", "codes_of", "differing", "distinct", "text_of"]

Codes = NDArray[np.uint32]
Numbers = NDArray[np.int64]
_Number = TypeVar("_Number", bound=np.integer[Any])


class Flat(NamedTuple):
    """The code points of n texts one after the other; text i is codes[starts[i] : starts[i + 1]]."""

    codes: Codes
    starts: Numbers

    @classmethod
    def of(cls, texts: Sequence[str]) -> Flat:
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        return cls(codes_of("".join(texts)), _starts(lengths))

    @classmethod
    def of_lengths(cls, codes: Codes, lengths: Numbers) -> Flat:
        return cls(codes, _starts(lengths))

    @classmethod
    def joined(cls, parts: Sequence[Flat]) -> Flat:
        """The texts of all parts, in their order."""
        lengths = [part.lengths for part in parts]
        return cls.of_lengths(
            np.concatenate([part.codes for part in parts] or [np.zeros(0, np.uint32)]),
            np.concatenate(lengths or [np.zeros(0, np.int64)]),
        )

    def equal(self, other: Flat) -> NDArray[np.bool_]:
        """Which texts are the same in as many others."""
        if self.codes is other.codes and self.starts is other.starts:
            return np.ones(len(self.starts) - 1, np.bool_)
        lengths, lengths_there = self.lengths, other.lengths
        found: NDArray[np.bool_] = lengths == lengths_there
        one, two = self.codes, other.codes
        if not found.all():
            one, two = one[np.repeat(found, lengths)], two[np.repeat(found, lengths_there)]
        differ = np.flatnonzero(one != two)
        some = np.flatnonzero(found)
        found[some[lengths[some].cumsum().searchsorted(differ, "right")]] = False
        return found

    @property
    def lengths(self) -> Numbers:
        return np.diff(self.starts)

    def rows(self) -> Numbers:
        """For each code point, which text it is of."""
        return np.repeat(np.arange(len(self.starts) - 1), self.lengths)

    def take(self, rows: Numbers) -> Flat:
        """Some of the texts, in the order asked for."""
        if np.array_equal(rows, np.arange(len(self.starts) - 1)):
            return self
        lengths = self.lengths[rows]
        starts = _starts(lengths)
        places = np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], lengths)
        return Flat(self.codes[places], starts)

    def where(self, kept: NDArray[np.bool_]) -> Flat:
        """The texts without the code points that are not kept."""
        if kept.all():
            return self
        before = np.zeros(len(kept) + 1, np.int64)
        np.cumsum(kept, out=before[1:])
        return Flat(self.codes[kept], before[self.starts])

    def texts(self) -> list[str]:
        text, starts = text_of(self.codes), self.starts.tolist()
        return [text[start:end] for start, end in pairwise(starts)]


def differing(numbers: NDArray[Any]) -> NDArray[np.bool_]:
    """Which numbers are other than the one before."""
    found = np.ones(len(numbers), np.bool_)
    np.not_equal(numbers[1:], numbers[:-1], out=found[1:])
    return found


def distinct(numbers: NDArray[_Number]) -> NDArray[_Number]:
    """The numbers that there are, in order: np.unique, which takes twenty times as long (numpy 2.4 hashes first)."""
    ordered = np.sort(numbers)
    return ordered[differing(ordered)]


def among(numbers: NDArray[_Number], known: NDArray[_Number]) -> NDArray[np.bool_]:
    """Which of the numbers are known ones: np.isin, by looking up instead of sorting both, and without numpy.ma, which
    takes longer to import.
    """
    if not len(known):
        return np.zeros(len(numbers), np.bool_)
    ordered = np.sort(known)
    found: NDArray[np.bool_] = ordered.take(ordered.searchsorted(numbers), mode="clip") == numbers
    return found


def codes_of(text: str) -> Codes:
    """The code points of a text; lone surrogates too."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def text_of(codes: Codes) -> str:
    """The text of code points."""
    return codes.tobytes().decode("utf-32-le", "surrogatepass")


def _starts(lengths: Numbers) -> Numbers:
    starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts
