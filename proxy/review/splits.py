"""Characters written as two, in a long text: 女子 for 好.

A text has few such pairs, and an entry may have several characters that are written so. So the sieve does not look for
every entry in every way, but for entries around every pair, read as the character that it may stand for.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from proxy.review.flat import Codes, Numbers
from proxy.review.hashed import Flags, HashedWords, mixed
from proxy.review.tables import Tables

__all__ = ["Splits"]

_BITS = 21
_STOP = 10


class _Pairs(NamedTuple):
    """`maybe`: the hashes of the pairs; the pairs as sorted numbers, and for each what it may stand for."""

    maybe: Flags
    keys: Numbers
    wholes: Codes  # a line each, 0 for none


class Splits:
    """`longest`: code points of the longest word that is looked for."""

    def __init__(self, tables: Tables, longest: int) -> None:
        self._pairs, self.longest = _pairs(tables), longest

    def find(self, codes: Codes, words: HashedWords) -> list[tuple[int, int]]:
        """Where in a shadow one of the words may stand with a pair in it: (start, end), in no order."""
        pairs, reach = self._pairs, self.longest - 1
        at = pairs.maybe.places(mixed(codes[:-1], codes[1:]))
        keys = (codes[at].astype(np.int64) << _BITS) | codes[at + 1]
        known = np.minimum(pairs.keys.searchsorted(keys), len(pairs.keys) - 1)
        fits = (pairs.keys[known] == keys).nonzero()[0]
        if not len(fits):
            return []
        # A line for each: what stands before it, the character that it may stand for, what stands behind it.
        wholes = pairs.wholes[known[fits]]
        which, way = wholes.nonzero()
        places = at[fits][which]
        around = np.full(len(codes) + 2 * reach, _STOP, np.uint32)
        around[reach : reach + len(codes)] = codes
        width = 2 * reach + 2
        lines = np.full((len(places), width), _STOP, np.uint32)
        before = places[:, None] + np.arange(reach)
        lines[:, :reach] = around.take(before)
        lines[:, reach] = wholes[which, way]
        lines[:, reach + 1 : -1] = around.take(before + reach + 2)
        found: list[tuple[int, int]] = []
        for start, end in words.find(lines.reshape(-1)):
            line, begins = divmod(start, width)
            if begins <= reach < begins + end - start:
                first = int(places[line]) + begins - reach
                found.append((first, first + end - start + 1))
        return found


@lru_cache(maxsize=2)
def _pairs(tables: Tables) -> _Pairs:
    wholes: dict[int, list[int]] = {}
    for character, ways in tables.splits.items():
        for parts in ways:
            key = (ord(parts[0]) << _BITS) | ord(parts[1])
            wholes.setdefault(key, []).append(ord(character))
    keys = np.array(sorted(wholes), np.int64)
    table = np.zeros((len(keys), max(map(len, wholes.values()), default=1)), np.uint32)
    for row, key in enumerate(keys.tolist()):
        table[row, : len(wholes[key])] = wholes[key]
    first, second = keys >> _BITS, keys & ((1 << _BITS) - 1)
    return _Pairs(Flags.of(mixed(first.astype(np.uint32), second.astype(np.uint32))), keys, table)
