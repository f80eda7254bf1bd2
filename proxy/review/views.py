"""Views: the folds under which entries and text are compared.

A fold maps each code point by itself to a string, often to itself, sometimes to nothing. So the fold of a
text is the fold of its pieces joined, and nothing is ever held because of folding.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from proxy.review.tables import Tables

__all__ = [
    "RawView",
    "SafeView",
    "View",
    "safe_view",
]

# Below this length str.translate is quicker than a round trip through numpy (bench/review.py).
LONG = 64
_SEVERAL = 0x110000  # marks a code point that does not become exactly one code point
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


class View(Protocol):
    """One way of reading a text."""

    name: str

    def fold(self, text: str) -> str:
        """The text as this view reads it. fold(a + b) == fold(a) + fold(b); fold(fold(a)) == fold(a)."""
        ...


class RawView:
    """The text as it stands, case and all; only lone surrogates are replaced."""

    name = "raw"

    def fold(self, text: str) -> str:
        return text if text.isascii() else text.translate(_SURROGATES)


class LongFold:
    """A fold of single code points as an array over all of them: quick for long texts."""

    def __init__(self, table: Mapping[int, int | str | None]) -> None:
        self._table = table
        self._array: NDArray[np.uint32] | None = None

    def fold(self, text: str) -> str:
        codes = _codes(text)
        mapped = self._lookup()[codes]
        special = np.flatnonzero(mapped == _SEVERAL).tolist()
        mapped[special] = 0
        plain = mapped.tobytes().decode("utf-32-le")
        if not special:
            return plain
        parts, start = [], 0
        for index in special:
            parts += [plain[start:index], text[index].translate(self._table)]
            start = index + 1
        return "".join([*parts, plain[start:]])

    def _lookup(self) -> NDArray[np.uint32]:
        """Made on the first long text."""
        if self._array is None:
            array = np.arange(0x110000, dtype=np.uint32)
            for code, to in self._table.items():
                if isinstance(to, int):
                    array[code] = to
                else:
                    array[code] = ord(to) if to is not None and len(to) == 1 else _SEVERAL
            self._array = array
        return self._array


class SafeView:
    """Compatibility forms, case, traditional characters, look-alikes, marks and invisible ones folded away.

    Letters are fully decomposed, so canonically equivalent texts fold alike wherever they were cut.
    """

    name = "safe"

    def __init__(self, tables: Tables) -> None:
        self._fold = tables.fold
        self._long = LongFold(tables.fold)

    def fold(self, text: str) -> str:
        return text.translate(self._fold) if len(text) < LONG else self._long.fold(text)


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


@lru_cache(maxsize=2)
def safe_view(tables: Tables) -> SafeView:
    """The safe view over these tables."""
    return SafeView(tables)
