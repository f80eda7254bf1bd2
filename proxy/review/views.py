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

from proxy.review.flat import Flat, codes_of, text_of
from proxy.review.tables import Tables

__all__ = [
    "SEVERAL",
    "RawView",
    "SafeView",
    "View",
    "safe_view",
]

# Below this length str.translate is quicker than a round trip through numpy (bench/review.py).
LONG = 64
SEVERAL = 0x110000  # marks a code point that does not become exactly one code point
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


class View(Protocol):
    """One way of reading a text."""

    name: str

    def fold(self, text: str) -> str:
        """The text as this view reads it. fold(a + b) == fold(a) + fold(b); fold(fold(a)) == fold(a)."""
        ...

    def fold_all(self, texts: Flat) -> Flat:
        """The same of many texts at once; they hold no lone surrogate."""
        ...


class RawView:
    """The text as it stands, case and all; only lone surrogates are replaced."""

    name = "raw"

    def fold(self, text: str) -> str:
        return text if text.isascii() else text.translate(_SURROGATES)

    def fold_all(self, texts: Flat) -> Flat:
        return texts


class LongFold:
    """A fold of single code points as an array over all of them: quick for long texts."""

    def __init__(self, table: Mapping[int, int | str | None]) -> None:
        self._table = table
        self._array: NDArray[np.uint32] | None = None

    def fold(self, text: str) -> str:
        mapped = self.lookup()[codes_of(text)]
        special = np.flatnonzero(mapped == SEVERAL).tolist()
        mapped[special] = 0
        plain = text_of(mapped)
        if not special:
            return plain
        parts, start = [], 0
        for index in special:
            parts += [plain[start:index], text[index].translate(self._table)]
            start = index + 1
        return "".join([*parts, plain[start:]])

    def fold_all(self, texts: Flat) -> Flat:
        """The fold of many texts."""
        mapped = self.lookup()[texts.codes]
        special = np.flatnonzero(mapped == SEVERAL)
        if not len(special):
            return Flat(mapped, texts.starts)
        folded = [chr(code).translate(self._table) for code in texts.codes[special].tolist()]
        lengths = np.ones(len(mapped), np.int64)
        lengths[special] = list(map(len, folded))
        places = np.zeros(len(mapped) + 1, np.int64)
        np.cumsum(lengths, out=places[1:])
        codes = np.zeros(int(places[-1]), np.uint32)
        plain = mapped != SEVERAL
        codes[places[:-1][plain]] = mapped[plain]
        within = Flat.of(folded)
        codes[
            np.arange(len(within.codes)) + np.repeat(places[special] - within.starts[:-1], within.lengths)
        ] = within.codes
        return Flat(codes, places[texts.starts])

    def lookup(self) -> NDArray[np.uint32]:
        """What each code point becomes, SEVERAL where it is not exactly one. Made on the first long text."""
        if self._array is None:
            array = np.arange(0x110000, dtype=np.uint32)
            for code, to in self._table.items():
                if isinstance(to, int):
                    array[code] = to
                else:
                    array[code] = ord(to) if to is not None and len(to) == 1 else SEVERAL
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
        self.fold_all, self.lookup = self._long.fold_all, self._long.lookup

    def fold(self, text: str) -> str:
        return text.translate(self._fold) if len(text) < LONG else self._long.fold(text)


@lru_cache(maxsize=2)
def safe_view(tables: Tables) -> SafeView:
    """The safe view over these tables."""
    return SafeView(tables)
