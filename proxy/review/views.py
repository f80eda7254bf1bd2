"""Views: the folds under which entries and text are compared.

A fold maps each code point by itself to a string, often to itself, sometimes to nothing. So the fold of a
text is the fold of its pieces joined, and nothing is ever held because of folding. `origins` leads back
from a folded index to the code point it came from; it is worked out only where something was found or must
wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from proxy.review.tables import Tables, builtin_tables

__all__ = [
    "Folded",
    "LongFold",
    "PlainReader",
    "RawView",
    "Reader",
    "SafeView",
    "View",
    "fold",
    "safe_view",
    "several",
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

    def origins(self, text: str, folded: str) -> Sequence[int]:
        """For each code point of `folded` (== fold(text)) the index in `text` that it came from."""
        ...


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text; `origins[i]` is the code point of the original from which folded code point i comes."""

    text: str
    origins: Sequence[int]


class RawView:
    """The text as it stands, case and all; only lone surrogates are replaced."""

    name = "raw"

    def fold(self, text: str) -> str:
        return text if text.isascii() else text.translate(_SURROGATES)

    def origins(self, text: str, folded: str) -> Sequence[int]:
        return range(len(text))


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

    def origins(self, text: str) -> NDArray[np.int64]:
        codes = _codes(text)
        widths = np.ones(len(codes), np.int64)
        for index in np.flatnonzero(self._lookup()[codes] == _SEVERAL).tolist():
            widths[index] = len(text[index].translate(self._table))
        return np.repeat(np.arange(len(codes)), widths)

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
        self._several = frozenset(
            chr(code)
            for code, to in tables.fold.items()
            if to is None or (isinstance(to, str) and len(to) > 1)
        )

    def fold(self, text: str) -> str:
        return text.translate(self._fold) if len(text) < LONG else self._long.fold(text)

    def origins(self, text: str, folded: str) -> Sequence[int]:
        if len(text) == len(folded) and self._several.isdisjoint(text):
            return range(len(text))
        if len(text) < LONG:
            table = self._fold
            return [i for i, c in enumerate(text) for _ in c.translate(table)]
        return cast("Sequence[int]", self._long.origins(text))


def several(table: Mapping[int, int | str | None]) -> frozenset[str]:
    """The characters that a fold makes nothing or more than one of."""
    return frozenset(
        chr(c) for c, to in table.items() if to is None or (isinstance(to, str) and len(to) != 1)
    )


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


class Reader(Protocol):
    """A view reading one stream, piece by piece."""

    def read(self, piece: str, at: int) -> str:
        """What the next piece, which begins at code point `at`, adds to the folded text."""
        ...

    def finish(self) -> str:
        """What the end of the text adds."""
        ...

    def starts(self) -> Sequence[int]:
        """The original code point of each character that the last call added."""
        ...

    def seen(self) -> Sequence[int]:
        """The original code point at which each of them became known."""
        ...

    def unread(self) -> int | None:
        """Where the text begins that was taken and not read yet, None if all was."""
        ...


class PlainReader:
    """Reads with a view that folds each code point by itself."""

    __slots__ = ("_at", "_folded", "_piece", "_starts", "_view")

    def __init__(self, view: View) -> None:
        self._view = view
        self._piece, self._folded, self._at = "", "", 0
        self._starts: Sequence[int] | None = None

    def read(self, piece: str, at: int) -> str:
        self._piece, self._at, self._starts = piece, at, None
        self._folded = self._view.fold(piece)
        return self._folded

    def finish(self) -> str:
        return ""

    def starts(self) -> Sequence[int]:
        if self._starts is None:
            at, origins = self._at, self._view.origins(self._piece, self._folded)
            if isinstance(origins, range):
                self._starts = range(at, at + len(origins))
            elif isinstance(origins, list):
                self._starts = [at + origin for origin in origins]
            else:
                self._starts = cast("Sequence[int]", np.asarray(origins) + at)
        return self._starts

    def seen(self) -> Sequence[int]:
        return self.starts()

    def unread(self) -> int | None:
        return None


@lru_cache(maxsize=2)
def safe_view(tables: Tables) -> SafeView:
    """The safe view over these tables."""
    return SafeView(tables)


def fold(text: str) -> Folded:
    """A text as the safe view of this release reads it, with the way back."""
    view = safe_view(builtin_tables())
    folded = view.fold(text)
    return Folded(folded, view.origins(text, folded))
