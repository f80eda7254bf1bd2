"""An index in a folder of monthly SQLite files; a month goes when all of it is past the retention."""

from __future__ import annotations

import calendar
import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from detectors.fingerprint import Hits
from detectors.sketch import Values
from labelers.provenance import Provenance
from proxy.fingerprints.month import Month
from proxy.fingerprints.store import Fingerprint, hits_of

__all__ = ["SqliteFingerprints"]

_SHIFT = 32  # an answer's name is its month above, its number within the month below


class SqliteFingerprints:
    """A FingerprintStore. The folder is made at the first `add`; without it nothing is found.

    `what` is kept there: the files are called by it.
    """

    def __init__(self, folder: Path, retention_days: int, what: str = "fingerprints") -> None:
        self._folder = folder
        self._what = what
        self._name = re.compile(rf"{what}-(\d{{4}})(\d{{2}})\.sqlite")
        self._retention = timedelta(days=retention_days)
        self._lock = threading.Lock()
        self._open: dict[int, Month] = {}
        self._writing: dict[int, Month] = {}

    def add(self, fingerprints: Sequence[Fingerprint]) -> None:
        if not fingerprints:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for month, group in groupby(sorted(fingerprints, key=_month), key=_month):
                file = self._writing.get(month)
                if file is None:
                    file = self._writing[month] = Month(self._path(month))
                    self._path(month).chmod(0o600)
                file.add(list(group))
                file.merge()
        except sqlite3.Error as error:
            raise OSError(f"{self._what} cannot be kept in {self._folder}: {error}") from error

    def count(self) -> int:
        with self._months() as months:
            return sum(month.count() for month in months.values())

    def content_numbers(self) -> list[int]:
        with self._months() as months:
            return [number for month in months.values() for number in month.content_numbers()]

    def lookup(self, values: Values) -> Hits:
        total = 0
        frequency = np.zeros(values.size, np.int64)
        asked, answers = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        with self._months() as months:
            for name, month in months.items():
                total += month.count()
                held, places, numbers = month.lookup(values)
                frequency += held
                asked.append(places)
                answers.append(numbers | name << _SHIFT)
        return hits_of(total, frequency, np.concatenate(asked), np.concatenate(answers))

    def content_number(self, answer: int) -> int:
        with self._months() as months:
            return months[answer >> _SHIFT].content_number(answer & ((1 << _SHIFT) - 1))

    def holds(self, content_number: int, values: Values) -> npt.NDArray[np.bool_] | None:
        with self._months() as months:
            month = months.get(_month_of(content_number))
            return month.holds(content_number, values) if month is not None else None

    def expire(self, now_ms: int) -> list[str]:
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        limit = now - self._retention
        gone = []
        for name in self._names():
            if name < now.year * 100 + now.month:
                self._compact(name)
            year, number = divmod(name, 100)
            days = calendar.monthrange(year, number)[1]
            if datetime(year, number, 1, tzinfo=UTC) + timedelta(days=days) <= limit:
                path = self._path(name)
                for part in (".lock", "-wal", "-shm", ""):
                    Path(f"{path}{part}").unlink(missing_ok=True)
                gone.append(path.name)
        return gone

    def _compact(self, name: int) -> None:
        month = Month(self._path(name))
        try:
            month.compact()
        finally:
            month.close()

    def close(self) -> None:
        with self._lock:
            for month in (*self._open.values(), *self._writing.values()):
                month.close()
            self._open.clear()
            self._writing.clear()

    @contextmanager
    def _months(self) -> Iterator[dict[int, Month]]:
        """The months that are there, for this thread alone."""
        with self._lock:
            try:
                names = self._names()
                for name in [name for name in self._open if name not in names]:
                    self._open.pop(name).close()
                for name in names:
                    if name not in self._open:
                        self._open[name] = Month(self._path(name))
                yield self._open
            except sqlite3.Error as error:
                raise OSError(f"{self._what} in {self._folder} cannot be read: {error}") from error

    def _names(self) -> list[int]:
        if not self._folder.is_dir():
            return []
        matches = filter(None, (self._name.fullmatch(path.name) for path in self._folder.iterdir()))
        return sorted(int(match[1] + match[2]) for match in matches)

    def _path(self, month: int) -> Path:
        return self._folder / f"{self._what}-{month}.sqlite"


def _month(fingerprint: Fingerprint) -> int:
    return _month_of(fingerprint.content_number)


def _month_of(content_number: int) -> int:
    created = datetime.fromtimestamp(Provenance("", content_number).created_ms / 1000, UTC)
    return created.year * 100 + created.month
