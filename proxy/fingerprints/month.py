"""One month of fingerprints in one SQLite file: small inserts, sorted segments behind them.

Strategy. A row per value would touch a hundred pages an answer. So an answer comes in as one row (its values
as a blob, table `fresh`), and whenever a thousand have come they are turned into a *segment*: all pairs of
value and answer, sorted by value, cut into buckets by the top bits of the value, a row a bucket. Eight
segments of one size are merged into one of the next, bucket by bucket, so that memory stays small and a
look-up reads one row a value and segment. A new segment counts only once it is whole: what a crash left is
swept away by the next merge.

Several processes write to one file. Each adds its own answers; whoever gets the lock of the file merges.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from detectors.sketch import Numbers, Values
from proxy.fingerprints.store import Fingerprint

__all__ = ["FRESH", "Month"]

FRESH = 1024  # answers that make a segment
_FANOUT = 8
_LEVELS = 3  # the largest segments, of FRESH * 8**3 answers, are merged no more
_BITS = (8, 10, 12, 14)  # of a value that name its bucket, by level
_COMMON = 2000  # more answers of one segment than this are counted, not listed
_ROWS_A_QUERY = 500
_BUSY_SECONDS = 30.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (id INTEGER PRIMARY KEY, content_number INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS answers_by_number ON answers (content_number);
CREATE TABLE IF NOT EXISTS fresh (id INTEGER PRIMARY KEY, value_list BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS segments (id INTEGER PRIMARY KEY, level INTEGER NOT NULL, whole INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS buckets (id INTEGER PRIMARY KEY, value_list BLOB NOT NULL, answer_list BLOB NOT NULL);
"""


class Month:
    """The file at `path`, made if it is not there. Use it from one thread at a time.

    Answers are named by small numbers, 1, 2, …, which stay.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
        self._connection.isolation_level = None
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)

    def add(self, fingerprints: Sequence[Fingerprint]) -> None:
        with self._transaction() as run:
            (last,) = run.execute("SELECT coalesce(max(id), 0) FROM answers").fetchone()
            numbered = list(enumerate(fingerprints, last + 1))
            # SQLite's integers are signed.
            rows = [(at, one.content_number - (1 << 63)) for at, one in numbered]
            run.executemany("INSERT INTO answers VALUES (?, ?)", rows)
            values = [(at, one.values.astype("<u4").tobytes()) for at, one in numbered]
            run.executemany("INSERT INTO fresh VALUES (?, ?)", values)

    def count(self) -> int:
        (count,) = self._connection.execute("SELECT coalesce(max(id), 0) FROM answers").fetchone()
        return int(count)

    def content_numbers(self) -> list[int]:
        rows = self._connection.execute("SELECT content_number FROM answers")
        return [number + (1 << 63) for (number,) in rows]

    def content_number(self, answer: int) -> int:
        """Raises LookupError for an answer that is not there."""
        row = self._connection.execute(
            "SELECT content_number FROM answers WHERE id = ?", (answer,)
        ).fetchone()
        if row is None:
            raise LookupError(f"no answer {answer} in {self._path.name}")
        return int(row[0]) + (1 << 63)

    def holds(self, content_number: int, values: Values) -> npt.NDArray[np.bool_] | None:
        """Which of these values the answer of this number holds; None: there is no such answer here."""
        held = np.zeros(values.size, np.bool_)
        run = self._connection
        run.execute("BEGIN")  # a merge may commit between two reads
        try:
            number = (content_number - (1 << 63),)
            ids = [row[0] for row in run.execute("SELECT id FROM answers WHERE content_number = ?", number)]
            for answer in ids:
                fresh = run.execute("SELECT value_list FROM fresh WHERE id = ?", (answer,)).fetchone()
                if fresh is not None:
                    held |= np.isin(values, np.frombuffer(fresh[0], "<u4"))
            for segment, level in run.execute("SELECT id, level FROM segments WHERE whole").fetchall():
                for place, answers in self._found_in(segment, _BITS[level], values):
                    held[place] |= bool(np.isin(ids, answers).any())
        finally:
            run.execute("COMMIT")
        return held if ids else None

    def lookup(self, values: Values) -> tuple[Numbers, Numbers, Numbers]:
        """How many answers hold each value; then pairs: the place of a value, an answer that holds it."""
        frequency = np.zeros(values.size, np.int64)
        asked: list[Numbers] = []
        answers: list[Numbers] = []
        run = self._connection
        run.execute("BEGIN")  # a merge may commit between two reads
        try:
            segments = run.execute("SELECT id, level FROM segments WHERE whole").fetchall()
            for segment, level in segments:
                for place, holders in self._found_in(segment, _BITS[level], values):
                    frequency[place] += holders.size
                    if holders.size <= _COMMON:
                        asked.append(np.full(holders.size, place, np.int64))
                        answers.append(holders.astype(np.int64))
            fresh = run.execute("SELECT id, value_list FROM fresh").fetchall()
        finally:
            run.execute("COMMIT")
        if fresh:
            held, owners = _pairs(fresh)
            order = np.argsort(values, kind="stable")
            left = np.searchsorted(values, held, sorter=order)
            right = np.searchsorted(values, held, side="right", sorter=order)
            for at in np.flatnonzero(right > left):
                places = order[left[at] : right[at]].astype(np.int64)
                frequency[places] += 1
                asked.append(places)
                answers.append(np.full(places.size, owners[at], np.int64))
        empty = [np.zeros(0, np.int64)]
        return frequency, np.concatenate(asked or empty), np.concatenate(answers or empty)

    def _found_in(self, segment: int, bits: int, values: Values) -> Iterator[tuple[int, Values]]:
        """The place of each value that somebody in this segment holds, and who."""
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        names, first = np.unique(ordered >> np.uint32(32 - bits), return_index=True)
        ends = np.append(first[1:], values.size)
        place_of = {_row(segment, int(name)): at for at, name in enumerate(names.tolist())}
        rows = list(place_of)
        for start in range(0, len(rows), _ROWS_A_QUERY):
            some = rows[start : start + _ROWS_A_QUERY]
            marks = ",".join("?" * len(some))
            query = f"SELECT id, value_list, answer_list FROM buckets WHERE id IN ({marks})"  # noqa: S608 - only marks
            for row, value_list, answer_list in self._connection.execute(query, some):
                at = place_of[row]
                here = ordered[first[at] : ends[at]]
                held = np.frombuffer(value_list, "<u4")
                low, high = held.searchsorted(here), held.searchsorted(here, "right")
                for which in (high > low).nonzero()[0].tolist():
                    place, a, b = int(order[first[at] + which]), int(low[which]), int(high[which])
                    yield place, np.frombuffer(answer_list, "<u4")[a:b]

    def merge(self) -> bool:
        """Does the merging that is due, unless another process does. True: something was merged."""
        with self._file_lock() as mine:
            if not mine:
                return False
            done = False
            while self._gather() or self._merge_level():
                done = True
            return done

    def _gather(self, least: int = 0) -> bool:
        """The fresh answers become a segment of the lowest level, once they are enough (`least`, else `FRESH`)."""
        fresh = self._connection.execute(
            "SELECT id, value_list FROM fresh ORDER BY id LIMIT ?", (FRESH,)
        ).fetchall()
        if len(fresh) < (least or FRESH):
            return False
        held, owners = _pairs(fresh)
        order = np.lexsort((owners, held))
        with self._transaction():
            segment = self._new_segment(0)
            self._write(segment, 0, held[order], owners[order])
            self._connection.execute("UPDATE segments SET whole = 1 WHERE id = ?", (segment,))
            self._connection.execute("DELETE FROM fresh WHERE id <= ?", (fresh[-1][0],))
        return True

    def _merge_level(self) -> bool:
        """Eight segments of one level become one of the next."""
        for level in range(_LEVELS):
            rows = self._connection.execute(
                "SELECT id, level FROM segments WHERE whole AND level = ? ORDER BY id LIMIT ?",
                (level, _FANOUT),
            ).fetchall()
            if len(rows) == _FANOUT:
                self._merge(rows, level + 1)
                return True
        return False

    def compact(self) -> bool:
        """Makes one segment of all, once nothing more is added: a look-up then reads one row a value.

        True: it did; False: it was so already, or another process merges.
        """
        with self._file_lock() as mine:
            if not mine:
                return False
            while self._gather(least=1):
                pass
            rows = self._connection.execute(
                "SELECT id, level FROM segments WHERE whole ORDER BY id"
            ).fetchall()
            if len(rows) > 1:
                self._merge(rows, _LEVELS)
            (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
            (pages,) = self._connection.execute("PRAGMA page_count").fetchone()
            if free > pages // 10:
                # Somebody reads: the free pages stay until the next time.
                with suppress(sqlite3.OperationalError):
                    self._connection.execute("VACUUM")
            return len(rows) > 1

    def _merge(self, old: Sequence[tuple[int, int]], level: int) -> None:
        """`old`: id and level of each. Values are gone through in 256 steps, so little is in memory at a time."""
        with self._transaction() as run:
            for (broken,) in run.execute("SELECT id FROM segments WHERE NOT whole").fetchall():
                self._forget(broken)
            target = self._new_segment(level)
        for step in range(1 << _BITS[0]):
            with self._transaction():
                self._merge_step(target, level, old, step)
        with self._transaction() as run:
            run.execute("UPDATE segments SET whole = 1 WHERE id = ?", (target,))
            for segment, _ in old:
                self._forget(segment)

    def _merge_step(self, target: int, level: int, old: Sequence[tuple[int, int]], step: int) -> None:
        rows: list[tuple[bytes, bytes]] = []
        for segment, its_level in old:
            finer = _BITS[its_level] - _BITS[0]
            bounds = (_row(segment, step << finer), _row(segment, step + 1 << finer))
            rows += self._connection.execute(
                "SELECT value_list, answer_list FROM buckets WHERE id >= ? AND id < ?", bounds
            )
        if rows:
            held = np.concatenate([np.frombuffer(row[0], "<u4") for row in rows])
            owners = np.concatenate([np.frombuffer(row[1], "<u4") for row in rows])
            order = np.lexsort((owners, held))
            self._write(target, level, held[order], owners[order])

    def _write(self, segment: int, level: int, held: Values, owners: Values) -> None:
        """The buckets of pairs that are sorted by value."""
        names = held >> np.uint32(32 - _BITS[level])
        first = np.flatnonzero(np.append(True, names[1:] != names[:-1]))
        ends = np.append(first[1:], names.size)
        rows = [
            (
                _row(segment, int(names[start])),
                held[start:end].astype("<u4").tobytes(),
                owners[start:end].astype("<u4").tobytes(),
            )
            for start, end in zip(first.tolist(), ends.tolist(), strict=True)
        ]
        self._connection.executemany("INSERT INTO buckets VALUES (?, ?, ?)", rows)

    def _new_segment(self, level: int) -> int:
        cursor = self._connection.execute("INSERT INTO segments (level, whole) VALUES (?, 0)", (level,))
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _forget(self, segment: int) -> None:
        bounds = (_row(segment, 0), _row(segment + 1, 0))
        self._connection.execute("DELETE FROM buckets WHERE id >= ? AND id < ?", bounds)
        self._connection.execute("DELETE FROM segments WHERE id = ?", (segment,))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextmanager
    def _file_lock(self) -> Iterator[bool]:
        descriptor = os.open(f"{self._path}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield True
        except BlockingIOError:
            yield False
        finally:
            os.close(descriptor)

    def close(self) -> None:
        self._connection.close()


def _row(segment: int, bucket: int) -> int:
    return segment << 16 | bucket


def _pairs(fresh: Sequence[tuple[int, bytes]]) -> tuple[Values, Values]:
    """The values of these answers, and whose each is."""
    held = np.frombuffer(b"".join(values for _, values in fresh), "<u4")
    sizes = [len(values) // 4 for _, values in fresh]
    return held, np.repeat(np.array([answer for answer, _ in fresh], np.uint32), sizes)
