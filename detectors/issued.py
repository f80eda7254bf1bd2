"""The index of issued marks: which answer of ours a single grain belongs to, from the numbers that were issued.

Nothing is stored for it. A grain of chunk 1 or 2 holds bits of the content number itself, so nearly all numbers fall
out by comparing integers; for the others the mark of each number is made again, as the writer made it, and compared.
That takes about ten microseconds a number and key epoch: fine for a command, too much for a public page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from labelers.provenance import KeyRing, Provenance
from labelers.watermarks.carrier_codec import grain_heads, head_of

__all__ = ["IssuedMarks"]

_40_BITS = (1 << 40) - 1


class IssuedMarks:
    """A `Lookup` for `detectors.carrier`.

    `numbers` gives the issued content numbers, the likeliest first. `producers`: the names that may stand in a mark.
    Grains that fit several answers name none of them.
    """

    def __init__(self, keys: KeyRing, producers: Sequence[str], numbers: Callable[[], Iterable[int]]) -> None:
        self._keys = keys
        self._producers = tuple(producers)
        self._numbers = numbers

    def __call__(self, grains: Sequence[tuple[int, bytes]]) -> Provenance | None:
        """The one answer that most of these (index, chunk) belong to; None: none, or several alike."""
        # Chunk 0 is the same for all answers of weeks.
        telling = [(index, chunk) for index, chunk in grains if index]
        found: list[tuple[int, Provenance]] = []
        for provenance, heads in self._candidates(telling):
            fitting = sum(heads[index] == head_of(index, chunk) for index, chunk in telling)
            if fitting:
                found.append((fitting, provenance))
        most = max((count for count, _ in found), default=0)
        best = [provenance for count, provenance in found if count == most]
        if len({provenance.content_number for provenance in best}) != 1:
            return None
        # A grain of chunk 1 does not say by which key: then the newest is the likeliest.
        return max(best, key=lambda provenance: provenance.key_id)

    def _candidates(self, grains: list[tuple[int, bytes]]) -> Iterator[tuple[Provenance, tuple[str, ...]]]:
        if not grains:
            return
        middles = {_value(chunk) for index, chunk in grains if index == 1}
        ends = {_value(chunk) >> 24 for index, chunk in grains if index == 2}
        others = any(index > 2 for index, _ in grains)
        for number in self._numbers():
            if not others and number >> 16 & _40_BITS not in middles and number & 0xFFFF not in ends:
                continue
            for producer in self._producers:
                for kid in self._keys.kids():
                    provenance = Provenance(producer, number, key_id=kid)
                    yield provenance, grain_heads(self._keys.signed(provenance))


def _value(chunk: bytes) -> int:
    value = 0
    for nibble in chunk:
        value = value << 4 | nibble
    return value
