"""Where records go: the contract that every backend keeps, and the one place that chooses a backend."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from proxy.records.chain import Writer
from proxy.records.crypto import KeySource
from proxy.records.record import Query, Record, RecordError, StoredRecord
from proxy.records.sqlite import SqliteStore

__all__ = [
    "DURABILITIES",
    "NullStore",
    "Query",
    "Record",
    "RecordError",
    "RecordStore",
    "StoredRecord",
    "open_store",
    "utc_now",
]

DURABILITIES = ("strict", "group", "relaxed")


class RecordStore(Protocol):
    """The log 日志 of this process; several processes may share one place."""

    @property
    def queued(self) -> int:
        """Records that wait for the disk."""
        ...

    async def open(self) -> None:
        """Start writing; what a dead process left open is closed as "aborted" before this returns."""
        ...

    async def append(self, record: Record) -> None:
        """Return when the record is durable by the mode; RecordError when it could not be kept.

        Cancelling the wait does not take the record back. ValueError or TypeError: it is no record.
        """
        ...

    def read(self, query: Query) -> AsyncIterator[StoredRecord]:
        """The committed records of all processes that fit, in order of time."""
        ...

    async def ready(self) -> bool:
        """Whether a record could be kept now; after a failure this tries."""
        ...

    async def expire(self) -> list[str]:
        """Remove what is older than the retention 留存; the names of the files that went. Call it daily."""
        ...

    async def close(self) -> None:
        """Commit what is queued and stop; a second call does nothing."""
        ...


class NullStore:
    """Keeps nothing: `records.enabled: false`, for benchmarks on loopback."""

    queued = 0

    async def open(self) -> None:
        return None

    async def append(self, record: Record) -> None:
        return None

    async def read(self, query: Query) -> AsyncIterator[StoredRecord]:
        return
        yield  # what makes it an iterator

    async def ready(self) -> bool:
        return True

    async def expire(self) -> list[str]:
        return []

    async def close(self) -> None:
        return None


def utc_now() -> str:
    """ISO-8601 UTC with milliseconds, as records are dated."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def open_store(
    url: str,
    *,
    keys: KeySource,
    durability: str = "group",
    retention_days: int = 200,
    writer: Writer | None = None,
    clock: Callable[[], str] = utc_now,
    max_queued: int = 10_000,
) -> RecordStore:
    """The store that `url` names, not yet open. `sqlite:///./data/records`: a folder of monthly files.

    `writer` defaults to this process; `clock` dates the store's own events only. ValueError for anything
    unknown.
    """
    if durability not in DURABILITIES:
        raise ValueError(f"records.durability is one of {', '.join(DURABILITIES)}, not {durability!r}")
    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator or not path:
        raise ValueError(f"records.url must look like sqlite:///./data/records, not {url!r}")
    return SqliteStore(
        Path(path),
        keys=keys,
        durability=durability,
        retention_days=retention_days,
        writer=writer,
        clock=clock,
        max_queued=max_queued,
    )
