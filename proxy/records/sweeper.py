"""Requests that a dead process left open: found at the start of the next writer, closed as "aborted".

A killed server cannot close what it had accepted. Its "accepted" rows are durable, and the lock on its head
file is gone with it. The caller holds the folder lock, so of several workers that start at once one sweeps
and the others find nothing left.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from proxy.records.heads import is_gone, snapshot
from proxy.records.monthly import COLUMNS, row_to_stored
from proxy.records.record import ABORTED, Record, StoredRecord

__all__ = ["Leftovers", "find_leftovers"]


@dataclass(frozen=True, slots=True)
class Leftovers:
    """`aborted` records to append, and by month the request ids to drop from the list of open ones."""

    aborted: list[Record]
    pending: dict[str, list[str]]


def find_leftovers(folder: Path, now: str) -> Leftovers:
    """The open requests of writers that are gone; `now` dates the closing records."""
    aborted: list[Record] = []
    pending: dict[str, list[str]] = {}
    with snapshot(folder) as connections:
        for month, connection in connections.items():
            later = [other for name, other in connections.items() if name >= month]
            for accepted in _open_requests(folder, connection):
                request_id = accepted.record.request_id
                pending.setdefault(month, []).append(request_id)
                if not any(_is_closed(other, request_id) for other in later):
                    aborted.append(_closing_record(accepted, now))
    return Leftovers(aborted, pending)


def _open_requests(folder: Path, connection: sqlite3.Connection) -> Iterator[StoredRecord]:
    writers = [row[0] for row in connection.execute("SELECT DISTINCT writer FROM pending")]
    gone = {writer for writer in writers if is_gone(folder, writer)}
    statement = (
        f"SELECT {COLUMNS} FROM records WHERE status = 'accepted' AND request_id <> ''"  # noqa: S608 - constants
        " AND request_id IN (SELECT request_id FROM pending) ORDER BY id"
    )
    for row in connection.execute(statement):
        if row[0] in gone:
            yield row_to_stored(row)


def _is_closed(connection: sqlite3.Connection, request_id: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM records WHERE request_id = ? AND request_id <> ''"
        " AND status IN ('closed', 'blocked', 'aborted') LIMIT 1",
        (request_id,),
    )
    return found.fetchone() is not None


def _closing_record(accepted: StoredRecord, now: str) -> Record:
    record = accepted.record
    reason = {"reason": "writer gone", "writer": accepted.writer}
    return Record(
        record.kind, record.request_id, record.content_id, ABORTED, now, record.library_version, reason
    )
