"""Which terms cast a shadow that is not simply one of them, kept as bytes: a row is read when a text has its shadow.

A library may have such a row for each word with a doubled letter and each way to write one. As objects a hundred
thousand of them would be hundreds of megabytes in each worker, and making them would keep its streams waiting.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

import numpy as np
import orjson
from numpy.typing import NDArray

from proxy.review.flat import Codes, Numbers

__all__ = ["CastBy", "Casters"]

CastBy = Mapping[str, Sequence[str]]

_KEPT = 1 << 12  # rows that texts had
_SPARSE = 8  # flags for each row, at least


class Casters:
    """By shadow the folded terms that cast it, and for each the ways to write it.

    `checks`: the checksums of the shadows, in order; `ends`: where each row ends in `rows`, JSON of the shadow and its
    terms.
    """

    def __init__(self, checks: Codes, ends: Numbers, rows: NDArray[np.uint8]) -> None:
        """ValueError for arrays that are not as `arrays` gave them."""
        kinds = checks.dtype == np.uint32, ends.dtype == np.int64, rows.dtype == np.uint8
        starts = np.concatenate([np.zeros(1, np.int64), ends])
        if not all(kinds) or len(checks) != len(ends) or int(starts[-1]) != len(rows):
            raise ValueError("the shadows of terms are not as they were compiled")
        if (checks[1:] < checks[:-1]).any() or (starts[1:] <= starts[:-1]).any():
            raise ValueError("the shadows of terms are not in order")
        self._checks, self._starts, self._rows = checks.data, starts.data, rows.data
        bits = max(8, (len(checks) * _SPARSE).bit_length())
        self._shift = 32 - min(bits, 32)
        flags = np.zeros(1 << (32 - self._shift), np.bool_)
        flags[checks >> np.uint32(self._shift)] = True
        self._flags = flags.tobytes()
        self._known: dict[str, CastBy | None] = {}

    @classmethod
    def of(cls, by_shadow: Mapping[str, CastBy]) -> Casters:
        """All of a library."""
        ordered = sorted((_check(shadow), shadow) for shadow in by_shadow)
        rows = [orjson.dumps([shadow, by_shadow[shadow]]) for _, shadow in ordered]
        checks = np.array([check for check, _ in ordered], np.uint32)
        ends = np.fromiter(map(len, rows), np.int64, len(rows)).cumsum()
        return cls(checks, ends, np.frombuffer(b"".join(rows), np.uint8))

    def get(self, shadow: str) -> CastBy | None:
        """The terms that cast a shadow; None for one that is cast by itself alone."""
        check = _check(shadow)
        if not self._flags[check >> self._shift]:
            return None
        if shadow not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[shadow] = self._read(shadow, check)
        return self._known[shadow]

    def _read(self, shadow: str, check: int) -> CastBy | None:
        checks, starts = self._checks, self._starts
        for at in range(bisect_left(checks, check), len(checks)):
            if checks[at] != check:
                break
            found, by = orjson.loads(self._rows[starts[at] : starts[at + 1]])
            if found == shadow:
                cast_by: CastBy = by
                return cast_by
        return None

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """What it takes to have them again."""
        return {
            f"{name}.checks": np.asarray(self._checks),
            f"{name}.row_ends": np.asarray(self._starts)[1:],
            f"{name}.rows": np.asarray(self._rows),
        }

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> Casters:
        """Those that `arrays` gave. KeyError, ValueError for others."""
        return cls(arrays[f"{name}.checks"], arrays[f"{name}.row_ends"], arrays[f"{name}.rows"])


def _check(shadow: str) -> int:
    return crc32(shadow.encode("utf-8", "surrogatepass"))
