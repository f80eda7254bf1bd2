"""The index of issued marks: which answers of ours a few grains may belong to.

Each grain but the first of an answer holds bits that no other answer has, so one of them is enough to find it. The
index keeps a 32-bit value of each, with the content number, in the same files by month as fingerprints are kept; what
a look-up finds is marked again, as the writer marked it, and compared, so that no value that two grains share misleads.

Where nothing was indexed the numbers that the records name can be tried one by one: about ten microseconds a number
and key epoch, fine for a command, too much for a public page.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from detectors.carrier_search import Fragment
from detectors.fingerprint import Index
from detectors.sketch import Values
from labelers.provenance import KeyRing, Provenance
from labelers.watermarks.carrier_codec import grain_heads, head_of

__all__ = ["IssuedMarks", "MarkValues", "indexed_numbers"]

_MOST_ANSWERS = 64  # looked at closely, those with most grains in common
_40_BITS = (1 << 40) - 1


def _value(head: str) -> int:
    return zlib.crc32(head.encode("utf-16-be"))


class MarkValues:
    """What is kept of an answer's mark: a value of each of its grains but the first. `keys` must sign what is noted."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def values_of(self, noted: Sequence[Provenance]) -> list[Values]:
        """Of each the distinct values, ascending."""
        return [
            np.array(sorted({_value(head) for head in grain_heads(self._keys.signed(one))[1:]}), np.uint32)
            for one in noted
        ]


def indexed_numbers(index: Index) -> Callable[[Fragment], Iterable[int]]:
    """The content numbers whose marks may hold any of these grains, those that share most first.

    OSError: the index cannot be read.
    """

    def numbers(grains: Fragment) -> list[int]:
        values = np.array(sorted({_value(head_of(*grain)) for grain in grains}), np.uint32)
        hits = index.lookup(values)
        answers, shared = np.unique(hits.answers, return_counts=True)
        most = np.argsort(-shared, kind="stable")[:_MOST_ANSWERS]
        return [index.content_number(answer) for answer in answers[most].tolist()]

    return numbers


class IssuedMarks:
    """A `Lookup` for `detectors.carrier`.

    `numbers` gives the content numbers to try: those that the index names, or all that were issued. `producers`: the
    names that may stand in a mark.
    """

    def __init__(
        self, keys: KeyRing, producers: Sequence[str], numbers: Callable[[Fragment], Iterable[int]]
    ) -> None:
        self._keys = keys
        self._producers = tuple(producers)
        self._numbers = numbers

    def __call__(self, grains: Fragment) -> list[Provenance]:
        """The answers that hold any of these (index, chunk), by whichever key and producer, in the order of `numbers`.

        A grain of chunk 1 says neither by which key nor by whom, so one answer may come several times.
        """
        # Chunk 0 is the same for all answers of weeks.
        telling = [(index, chunk) for index, chunk in grains if index]
        return [one for one in self._candidates(telling) if self._holds(one, telling)]

    def _holds(self, provenance: Provenance, grains: Fragment) -> bool:
        heads = grain_heads(self._keys.signed(provenance))
        return any(heads[index] == head_of(index, chunk) for index, chunk in grains)

    def _candidates(self, grains: Fragment) -> Iterator[Provenance]:
        if not grains:
            return
        # A grain of chunk 1 or 2 holds bits of the content number itself: nearly all others fall out by comparing integers.
        middles = {_number(chunk) for index, chunk in grains if index == 1}
        ends = {_number(chunk) >> 24 for index, chunk in grains if index == 2}
        others = any(index > 2 for index, _ in grains)
        for number in dict.fromkeys(self._numbers(grains)):
            if others or number >> 16 & _40_BITS in middles or number & 0xFFFF in ends:
                for producer in self._producers:
                    for kid in self._keys.kids():
                        yield Provenance(producer, number, key_id=kid)


def _number(chunk: bytes) -> int:
    value = 0
    for nibble in chunk:
        value = value << 4 | nibble
    return value
