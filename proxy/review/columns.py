"""Many entries as columns: what they match, and in what else they differ, which is little.

A library of 100,000 entries has a handful of ways in which its entries are to be looked for: a shape is all of an
entry that compiling looks at, but for its pattern. So each question is asked once a shape, not once an entry.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from proxy.review.categories import CATEGORIES
from proxy.review.entry import Direction, Entry
from proxy.review.flat import Flat, Numbers
from proxy.review.scope import Condition

__all__ = ["Bools", "Columns", "GrowingColumns", "acting", "chained", "shape_key"]

Bools = NDArray[np.bool_]

_SHAPE = (
    "kind", "views", "boundary", "gap", "folds", "scope", "exceptions", "category", "roles", "tenants", "models",
    "endpoints", "effective_from", "expires",
)  # fmt: skip
_shape_of = attrgetter(*_SHAPE)

# Flags of a word in a trie: it acts in a direction, it delays there; at the start of a word only, or anywhere.
_SHIFT = {Direction.INPUT: 0, Direction.OUTPUT: 4}
_HOLDS = 2


def acting(direction: Direction, *, holds: bool, bounded: bool) -> int:
    """The flag of words that act in a direction (that delay there), from the start of a word on or anywhere."""
    return 1 << (_SHIFT[direction] + _HOLDS * holds + bounded)


@dataclass(frozen=True)
class Columns:
    """`entries` of which those in `rows` are meant; a pattern and a shape (number of a representative) for each."""

    entries: Sequence[Entry]
    rows: Numbers
    patterns: Sequence[str]
    shapes: Sequence[Entry]
    shape: Numbers

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Columns:
        """The columns of checked entries."""
        growing = GrowingColumns()
        for entry in entries:
            growing.add(entry)
        return growing.columns(entries)

    def where(self, wanted: Callable[[Entry], bool]) -> Columns:
        """Those whose shape is wanted."""
        return self.at(np.flatnonzero(self.each(wanted, np.bool_)))

    def at(self, places: Numbers) -> Columns:
        """Those at some places, which are in order."""
        if len(places) == len(self):
            return self
        patterns = [self.patterns[place] for place in places.tolist()]
        return Columns(self.entries, self.rows[places], patterns, self.shapes, self.shape[places])

    def each(self, of: Callable[[Entry], int], kind: type[Any]) -> NDArray[Any]:
        """A number for each, by its shape."""
        return np.array([of(shape) for shape in self.shapes], kind)[self.shape]

    @cached_property
    def used(self) -> list[Entry]:
        """The shapes that occur."""
        return [self.shapes[number] for number in np.flatnonzero(np.bincount(self.shape)).tolist()]

    @cached_property
    def flat(self) -> Flat:
        """The patterns."""
        return Flat.of(self.patterns)

    def with_more(self, more: Sequence[Entry]) -> Columns:
        """These, and entries behind all of `entries`."""
        if not more:
            return self
        others = Columns.of(more)
        return Columns(
            chained(self.entries, more),
            np.concatenate([self.rows, others.rows + len(self.entries)]),
            [*self.patterns, *others.patterns],
            [*self.shapes, *others.shapes],
            np.concatenate([self.shape, others.shape + len(self.shapes)]),
        )

    def entry(self, place: int) -> Entry:
        """The entry at a place as far as it is compiled: its pattern and its shape, under another id."""
        return self.shapes[int(self.shape[place])].with_pattern(self.patterns[place])

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Entry]:
        return (self.entries[row] for row in self.rows.tolist())

    def conditions(self) -> dict[Condition, Numbers]:
        """The rows of those that are limited, by what limits them."""
        found: dict[Condition, list[int]] = {}
        for number, entry in enumerate(self.shapes):
            condition = Condition.of(entry)
            if condition is not None:
                found.setdefault(condition, []).append(number)
        return {condition: self.rows[np.isin(self.shape, numbers)] for condition, numbers in found.items()}

    def risks(self) -> dict[str, int]:
        """How many there are of each risk."""
        counts = dict.fromkeys(CATEGORIES, 0)
        for entry, many in zip(self.shapes, np.bincount(self.shape, minlength=len(self.shapes)), strict=True):
            counts[entry.category] += int(many)
        return counts

    def flags(self, places: Numbers, left: Bools, weak: Bools) -> NDArray[np.uint8]:
        """The flags of words, each of the entry at a place. `left`: bound to the start of a word; `weak`: too weak
        a sign to delay.
        """
        found = np.zeros(len(places), np.uint8)
        for direction in Direction:
            actions = [entry.action_for(direction) for entry in self.shapes]
            acts = np.array([action is not None for action in actions], np.bool_)
            holds = np.array([action is not None and action.holds for action in actions], np.bool_)
            for bounded in (False, True):
                here = left == bounded
                found[here & acts[self.shape][places]] |= acting(direction, holds=False, bounded=bounded)
                found[here & holds[self.shape][places] & ~weak] |= acting(
                    direction, holds=True, bounded=bounded
                )
        return found


class GrowingColumns:
    """Columns of checked entries that come one by one, and need not be kept."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], int] = {}
        self._patterns: list[str] = []
        self._shapes: list[Entry] = []
        self._shape = array("I")

    def __len__(self) -> int:
        return len(self._patterns)

    def add(self, entry: Entry) -> None:
        number = self._known.setdefault(shape_key(entry), len(self._shapes))
        if number == len(self._shapes):
            self._shapes.append(entry)
        self._patterns.append(entry.pattern)
        self._shape.append(number)

    def columns(self, entries: Sequence[Entry] = ()) -> Columns:
        """The columns so far; without `entries` nobody may ask for one."""
        shape = np.array(self._shape, np.int64)
        return Columns(entries, np.arange(len(shape)), self._patterns, self._shapes, shape)


class _Chain(Sequence[Entry]):
    """Entries, and more behind them."""

    def __init__(self, entries: Sequence[Entry], more: Sequence[Entry]) -> None:
        self._entries, self._more, self._length = entries, more, len(entries)

    def __len__(self) -> int:
        return self._length + len(self._more)

    @overload
    def __getitem__(self, at: int) -> Entry: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Entry]: ...
    def __getitem__(self, at: int | slice) -> Entry | Sequence[Entry]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        return self._entries[at] if at < self._length else self._more[at - self._length]


def chained(entries: Sequence[Entry], more: Sequence[Entry]) -> Sequence[Entry]:
    """Entries, and more behind them."""
    return _Chain(entries, more) if more else entries


def shape_key(entry: Entry) -> tuple[Any, ...]:
    """Equal for entries of one shape."""
    key = (id(entry.action), *_shape_of(entry))
    if list in map(type, key):
        key = tuple(tuple(value) if type(value) is list else value for value in key)
    return key
