"""Entries as they are kept: JSON Lines, in the order of their ids, of which each is read when somebody asks for it.

A line is the row of an entry with its fields in order (`line_of`): equal entries have equal lines, which is how a hundred
thousand of them are compared without making one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import lt
from typing import Any, NamedTuple, overload

import numpy as np
import orjson

from proxy.review.checks import SOURCES, EntryError
from proxy.review.columns import Columns, shape_key
from proxy.review.entry import Entry
from proxy.review.interchange import read_jsonl

__all__ = ["Difference", "StoredEntries", "columns_of", "difference", "line_of", "lines_of"]

_AT_ONCE = 4096  # lines: their rows are objects for a moment
_KEPT = 1 << 10  # entries that were asked for
_FREE = frozenset(("reason", "legal_basis", "author", "reviewer", "version", "source"))
_SOURCE = {"type", "ref", "date"}


class StoredEntries(Sequence[Entry]):
    """The entries of lines that are known to be good, or that `columns_of` is to check."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        ends = np.flatnonzero(np.frombuffer(raw, np.uint8) == ord("\n")) + 1
        self._starts = np.concatenate([np.zeros(1, np.int64), ends])
        if len(raw) != self._starts[-1]:
            raise ValueError("the last entry has no end of line")
        self._known: dict[int, Entry] = {}

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, at: int) -> Entry: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Entry]: ...
    def __getitem__(self, at: int | slice) -> Entry | Sequence[Entry]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        if not -len(self) <= at < len(self):
            raise IndexError(at)
        at %= len(self)
        entry = self._known.get(at)
        if entry is None:
            entry = Entry.of_checked_row(orjson.loads(self.raw[self._starts[at] : self._starts[at + 1]]))
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[at] = entry
        return entry

    def lines(self, start: int, end: int) -> bytes:
        """The bytes of some of them."""
        return self.raw[self._starts[start] : self._starts[end]]

    def numbers(self) -> dict[str, int]:
        """The number of the revision that each is, by id, in their order. ValueError for lines that are no entries."""
        rows = (row for start in range(0, len(self), _AT_ONCE) for row in self._rows(start))
        return {row["id"]: row.get("version", 1) for row in rows}

    def _rows(self, start: int) -> list[Any]:
        lines = self.lines(start, min(start + _AT_ONCE, len(self)))
        rows: list[Any] = orjson.loads(b"[" + lines[:-1].replace(b"\n", b",") + b"]")
        return rows


class Difference(NamedTuple):
    """The ids, sorted, of entries that others have and these had not, that say something else now, and that are gone."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def difference(before: StoredEntries, after: StoredEntries) -> Difference:
    """What distinguishes two libraries. ValueError for lines that are no entries."""
    old, new = set(before.raw.split(b"\n")), set(after.raw.split(b"\n"))
    gone, come = _by_id(old - new), _by_id(new - old)
    both = gone.keys() & come.keys()
    # Earlier releases wrote their lines with the fields in another order.
    changed = [one for one in both if line_of(gone[one]) != line_of(come[one])]
    return Difference(
        tuple(sorted(come.keys() - both)), tuple(sorted(changed)), tuple(sorted(gone.keys() - both))
    )


def _by_id(lines: Iterable[bytes]) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in map(orjson.loads, lines)}


def line_of(row: Mapping[str, Any]) -> bytes:
    """The line of an entry, of its row (`Entry.to_row`)."""
    return orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def lines_of(entries: Iterable[Entry]) -> bytes:
    """The lines of entries."""
    return b"".join(line_of(entry.to_row()) for entry in entries)


def columns_of(entries: StoredEntries) -> Columns:
    """The columns of stored entries, each checked as if it had been read. EntryError for the first that is not good.

    What differs between most entries is looked at by itself; all the rest is checked once for all that have it alike.
    """
    known: dict[bytes, int] = {}
    shapes: list[Entry] = []
    numbers: dict[tuple[Any, ...], int] = {}
    patterns: list[str] = []
    shape: list[int] = []
    before = ""
    for start in range(0, len(entries), _AT_ONCE):
        end = min(start + _AT_ONCE, len(entries))
        try:
            rows = entries._rows(start)
        except ValueError:
            rows = []
        if len(rows) != end - start:
            raise _told(entries)
        taken = _taken(rows)
        if taken is None or not all(map(lt, [before, *taken.ids], taken.ids)):
            raise _told(entries)
        before = taken.ids[-1]
        patterns += taken.patterns
        for at, key in enumerate(taken.rest, start):
            number = known.get(key)
            if number is None:
                try:
                    entry = Entry.from_row(orjson.loads(entries.lines(at, at + 1)))
                except EntryError as error:
                    raise error.at(f"line {at + 1}") from None
                number = numbers.setdefault(shape_key(entry), len(shapes))
                if number == len(shapes):
                    shapes.append(entry)
                known[key] = number
            shape.append(number)
    return Columns(entries, np.arange(len(shape)), patterns, shapes, np.array(shape, np.int64))


class _Taken(NamedTuple):
    """The ids and the patterns of rows, and what is left of each."""

    ids: Sequence[str]
    patterns: Sequence[str]
    rest: Iterable[bytes]


def _taken(rows: Sequence[Any]) -> _Taken | None:
    """Rows without their ids, their patterns and all else that may be any string; None if one of these is none."""
    if set(map(type, rows)) != {dict}:
        return None
    ids, patterns = [row.pop("id", "") for row in rows], [row.pop("pattern", "") for row in rows]
    if set(map(type, ids)) | set(map(type, patterns)) != {str} or "" in ids or "" in patterns:
        return None
    if not all(_FREE.isdisjoint(row) or _take_free(row) for row in rows):
        return None
    return _Taken(ids, patterns, map(orjson.dumps, rows))


def _take_free(row: dict[str, Any]) -> bool:
    """Take out of a row what may be any string, its version and its source; False if one of them is not good."""
    version, source = row.pop("version", 1), row.pop("source", None)
    if not all(type(row.pop(name, "")) is str for name in _FREE):
        return False
    return (type(version) is int and version >= 1) and (
        source is None
        or (
            type(source) is dict
            and source.keys() <= _SOURCE
            and all(type(value) is str for value in source.values())
            and source.get("type", SOURCES[-1]) in SOURCES
        )
    )


def _told(entries: StoredEntries) -> EntryError:
    """What is wrong with them, as whoever reads a file is told."""
    problems = read_jsonl(entries.raw.decode("utf-8", "replace")).problems
    return problems[0] if problems else EntryError("id", "the entries are not in the order of their ids")
