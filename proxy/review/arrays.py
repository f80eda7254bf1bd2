"""Named arrays of numbers in one file, which are used where they stand: whoever reads it copies nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["pack", "unpack"]

_ALIGNED = 16
_TYPES = ("|u1", "<u4", "<u8", "<i8")


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The bytes of arrays of uint8, uint32, uint64 and int64, one dimension each."""
    places: dict[str, tuple[str, int, int]] = {}
    parts, at = [], 0
    for name, numbers in arrays.items():
        assert numbers.dtype.str in _TYPES
        assert numbers.ndim == 1
        places[name] = numbers.dtype.str, at, len(numbers)
        raw = numbers.tobytes()
        parts += [raw, bytes(-len(raw) % _ALIGNED)]
        at += len(raw) + len(parts[-1])
    head = json.dumps(places).encode("ascii") + b"\n"
    return b"".join([head.rjust(len(head) + -len(head) % _ALIGNED), *parts])


def unpack(raw: bytes) -> dict[str, NDArray[Any]]:
    """The arrays, not to be written to, in these very bytes. ValueError for bytes that `pack` did not make."""
    head = raw.find(b"\n") + 1
    places = json.loads(raw[:head])
    if type(places) is not dict:
        raise ValueError("there are no arrays in it")
    arrays: dict[str, NDArray[Any]] = {}
    for name, (kind, at, length) in places.items():
        if kind not in _TYPES or at < 0:
            raise ValueError(f"{name} is no array of numbers")
        arrays[name] = np.frombuffer(raw, kind, length, head + at)
    return arrays
