"""Words by their hashes: where in a long text one of them very likely stands, told by arrays.

Hardly anywhere do three letters of a text begin a word (one place in two thousand, one in two hundred where they are
syllables), and one look-up by hash tells that of thousands of places at once. What is left is compared with the hashes
of whole words, as Karp and Rabin (1987) do it with one word. A hash may be that of another text too, so what is found
is a suspicion; a word that is there is always found.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from proxy.review.flat import Codes, Flat, Numbers, distinct

__all__ = [
    "BEGINNING",
    "NO_SPANS",
    "Flags",
    "HashedWords",
    "Hashes",
    "Pairs",
    "Starts",
    "hashes_of",
    "mixed",
    "spans",
]

Bytes = NDArray[np.uint8]
Hashes = NDArray[np.uint64]

_FEWEST, _MOST = 12, 23  # bits of a hash that count
_SPARSE = 64  # flags for each hash, at least
_AT_ONCE = 1 << 18  # letters that are hashed at once
_FACTORS = (np.uint32(0x9E3779B1), np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35))
BEGINNING = len(_FACTORS)  # letters by which it is told that a word may begin
_HALF, _SEVEN, _LAST, _ONE = np.uint64(32), np.uint32(7), np.uint8(7), np.uint8(1)
_NOWHERE = np.zeros(0, np.int64)
NO_SPANS = _NOWHERE.reshape(-1, 2)
_TABLES = ("pairs", "twos", "threes", "again", "ends")


class Flags:
    """Which hashes there are: a flag for each that there may be, eight in a byte."""

    def __init__(self, flags: Bytes) -> None:
        """ValueError for so many that they are of no hashes."""
        bits = len(flags).bit_length() + 2
        if flags.dtype != np.uint8 or len(flags) << 3 != 1 << bits or not _FEWEST <= bits <= _MOST:
            raise ValueError("the hashes of words are not as they were compiled")
        self.flags, self._shift = flags, np.uint32(35 - bits)

    @classmethod
    def of(cls, hashes: Codes) -> Flags:
        """Those of these hashes."""
        bits = min(max((len(hashes) * _SPARSE).bit_length(), _FEWEST), _MOST)
        flags = np.zeros((1 << (bits - 3), 8), np.bool_)
        flags[hashes >> np.uint32(35 - bits), hashes & _SEVEN] = True
        return cls(np.packbits(flags, bitorder="little"))

    def places(self, hashes: Codes) -> Numbers:
        """Which of the hashes are among them, now and then one that is not."""
        flags = self.flags.take(hashes >> self._shift, mode="clip")
        bits = hashes.astype(np.uint8)
        bits &= _LAST
        flags >>= bits
        flags &= _ONE
        found: Numbers = flags.view(np.bool_).nonzero()[0]
        return found


class Pairs(NamedTuple):
    """Where two letters stand, in order, and their hashes."""

    places: Numbers
    hashes: Codes


class Starts(NamedTuple):
    """Where words begin, in order: `more` those of three letters and more, `two` those of two elsewhere."""

    two: Numbers
    more: Numbers


class HashedWords:
    """`ones`: words of one letter; `lengths` that words have; `wholes`: their hashes, in order.

    `tables`: the pairs of letters that are looked for first (none where words of three letters are the shortest); how
    words begin, those of two letters, those of more, and the latter by another hash; how words end, the upper halves
    of `wholes`.
    """

    def __init__(
        self, ones: Codes, lengths: Numbers, wholes: Hashes, tables: tuple[Flags, Flags, Flags, Flags, Flags]
    ) -> None:
        self.ones, self._lengths, self._wholes, self._tables = ones, lengths, wholes, tables
        self.longest = int(lengths.max(initial=1))
        self._several = lengths[lengths > 1]
        self._by_pairs = bool(tables[0].flags.any())

    @classmethod
    def of(cls, words: Flat, besides: Codes | None = None, begun: Flat | None = None) -> HashedWords:
        """Words of one letter at least; one may be among them twice. `besides`: hashes of pairs that `pairs` tells too;
        `begun`: words of three letters and more that only `starts` tells.
        """
        codes, lengths, starts = words.codes, words.lengths, words.starts[:-1]
        known, wholes = distinct(lengths), distinct(hashes_of(words))
        two, more = starts[lengths == 2], starts[lengths >= BEGINNING]
        letters = [codes[more + at] for at in range(BEGINNING)]
        if begun is not None:
            others = begun.starts[:-1]
            letters = [np.append(one, begun.codes[others + at]) for at, one in enumerate(letters)]
        twos, pairs = mixed(codes[two], codes[two + 1]), np.zeros(0, np.uint32)
        if len(two) or besides is not None:
            pairs = np.concatenate([twos, mixed(*letters[:2]), pairs if besides is None else besides])
        hashes = pairs, twos, mixed(*letters), mixed(*reversed(letters)), _upper(wholes)
        first, one, other, third, last = (Flags.of(distinct(some)) for some in hashes)
        ones = distinct(codes[starts[lengths == 1]])
        return cls(ones, known, wholes, (first, one, other, third, last))

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """What it takes to have them again."""
        return {
            f"{name}.ones": self.ones,
            f"{name}.lengths": self._lengths,
            f"{name}.wholes": self._wholes,
            **{f"{name}.{field}": table.flags for field, table in zip(_TABLES, self._tables, strict=True)},
        }

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> HashedWords:
        """The words that `arrays` gave. KeyError, ValueError for others."""
        first, one, other, third, last = (Flags(arrays[f"{name}.{field}"]) for field in _TABLES)
        ones, wholes = arrays[f"{name}.ones"], arrays[f"{name}.wholes"]
        lengths = arrays[f"{name}.lengths"]
        kinds = ones.dtype == np.uint32, lengths.dtype == np.int64, wholes.dtype == np.uint64
        if not all(kinds) or (lengths < 1).any():
            raise ValueError("the hashes of words are not as they were compiled")
        return cls(ones, lengths, wholes, (first, one, other, third, last))

    def find(self, codes: Codes, starts: Numbers | None = None) -> Numbers:
        """(start, end) of what very likely is a word, in no order; [n, 2]. `starts`: where words of two letters and more
        may, each place once.
        """
        found = self._wholes_at(codes, np.concatenate(self.starts(codes)) if starts is None else starts)
        if len(self.ones):
            alone = codes == self.ones[0] if len(self.ones) == 1 else np.isin(codes, self.ones)
            if alone.any():
                places = alone.nonzero()[0]
                found.append(spans(places, places + 1))
        return found[0] if len(found) == 1 else np.concatenate(found or [NO_SPANS])

    def pairs(self, codes: Codes) -> Pairs:
        """Where a text has two letters that are looked for first."""
        hashes = mixed(codes[:-1], codes[1:])
        places = self._tables[0].places(hashes)
        return Pairs(places, hashes.take(places))

    def starts(self, codes: Codes, pairs: Pairs | None = None) -> Starts:
        """Where words of two letters and more very likely begin. `pairs`: what `pairs` says."""
        _, twos, threes, again, _ = self._tables
        if not self._by_pairs:
            hashes = mixed(codes[:-2], codes[1:-1], codes[2:])
            likely = threes.places(hashes)
            return Starts(_NOWHERE, likely[again.places(_backwards(codes, likely))])
        places, hashes = self.pairs(codes) if pairs is None else pairs
        likely = threes.places(hashes + codes.take(places + 2, mode="clip") * _FACTORS[2])
        if len(likely):
            likely = likely[again.places(_backwards(codes, places[likely]))]
        two = np.zeros(len(places), np.bool_)
        two[twos.places(hashes)] = True
        two[likely] = False
        return Starts(places[two], places[likely])

    def _wholes_at(self, codes: Codes, starts: Numbers) -> list[Numbers]:
        """The words of two letters and more that start at these places, in parts of [n, 2]."""
        lengths, ends = self._several, self._tables[-1]
        width = self.longest
        weights, places = _weights(width), np.arange(width)
        found: list[Numbers] = []
        step = max(1, _AT_ONCE // width)
        for at in range(0, len(starts), step):
            some = starts[at : at + step]
            weighed = codes.take(some[:, None] + places, mode="clip") * weights
            hashes = weighed.cumsum(axis=1)[:, lengths - 1].reshape(-1)
            likely = ends.places(_upper(hashes))
            hashes = hashes[likely]
            known = likely[self._wholes.take(self._wholes.searchsorted(hashes), mode="clip") == hashes]
            rows, which = np.divmod(known, len(lengths))
            hits = spans(some[rows], some[rows] + lengths[which])
            found.append(hits[hits[:, 1] <= len(codes)])
        return found


def spans(starts: Numbers, ends: Numbers) -> Numbers:
    """(start, end) of each; [n, 2]."""
    found = np.empty((len(starts), 2), np.int64)
    found[:, 0], found[:, 1] = starts, ends
    return found


def _backwards(codes: Codes, places: Numbers) -> Codes:
    """The other hash of the letters at some places and the two behind each."""
    return mixed(*(codes.take(places + at, mode="clip") for at in (2, 1, 0)))


def hashes_of(words: Flat) -> Hashes:
    """The hash of each of some words of one letter at least."""
    starts, lengths = words.starts[:-1], words.lengths
    places = np.arange(len(words.codes)) - np.repeat(starts, lengths)
    weighed = words.codes * _weights(int(lengths.max(initial=0)))[places]
    return np.add.reduceat(weighed, starts) if len(starts) else np.zeros(0, np.uint64)


def mixed(*letters: Codes) -> Codes:
    """The hash of two or three letters, of many at once."""
    hashes = letters[0] * _FACTORS[0]
    for letter, factor in zip(letters[1:], _FACTORS[1:], strict=False):
        hashes += letter * factor
    return hashes


def _upper(hashes: Hashes) -> Codes:
    """The upper halves."""
    return (hashes >> _HALF).astype(np.uint32)


@lru_cache(maxsize=64)
def _weights(length: int) -> Hashes:
    """What the letters of a text are multiplied with for its hash: odd numbers without order (splitmix64)."""
    numbers = np.arange(1, length + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * np.uint64(factor)
    return (numbers ^ (numbers >> np.uint64(31))) | np.uint64(1)
