"""Retention 留存: whole monthly files go when all of their records are old enough.

A chain that continues after a removed file would look cut. So before anything is removed, an event of kind
"retention" notes the last removed head of every chain that the remaining records still continue or mention:
the anchor from which `verify` starts. Such notes are carried over when the file that holds them goes itself.
"""

from __future__ import annotations

import calendar
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from proxy.records.chain import Head
from proxy.records.heads import (
    is_gone,
    latest_heads,
    read_head_files,
    referenced_heads,
    remove_head_files,
    snapshot,
)

__all__ = ["Removal", "expired_months", "plan_removal", "remove"]


@dataclass(frozen=True, slots=True)
class Removal:
    """The months (YYYYMM) that go, the heads to note as anchors, and the writers of whom nothing is left."""

    months: list[str]
    anchors: list[Head]
    writers: list[str]


def expired_months(months: Iterable[str], now: str, retention_days: int) -> list[str]:
    """The months (YYYYMM) whose last day ended at least `retention_days` before `now` (ISO-8601 UTC)."""
    limit = datetime.fromisoformat(now) - timedelta(days=retention_days)
    return [month for month in months if _end(month) <= limit]


def _end(month: str) -> datetime:
    year, number = int(month[:4]), int(month[4:])
    last_day = datetime(year, number, calendar.monthrange(year, number)[1], tzinfo=UTC)
    return last_day + timedelta(days=1)


def plan_removal(folder: Path, now: str, retention_days: int) -> Removal | None:
    """What may go now; None when nothing may. Reads only; the caller holds the folder lock."""
    with snapshot(folder) as connections:
        months = expired_months(connections, now, retention_days)
        if not months:
            return None
        old = {month: connection for month, connection in connections.items() if month in months}
        kept = {month: connection for month, connection in connections.items() if month not in months}
        anchors = _removed_heads(old)
        alive = {writer for writer in anchors if not is_gone(folder, writer)}
        surviving = set(latest_heads(kept)) | alive
        mentioned = {head.writer for c in kept.values() for head in referenced_heads(c, "writer")}
        needed = [anchors[writer] for writer in sorted(anchors) if writer in surviving | mentioned]
        left_over = [
            writer for writer in read_head_files(folder) if writer in anchors and writer not in surviving
        ]
        return Removal(months, needed, left_over)


def _removed_heads(old: Mapping[str, sqlite3.Connection]) -> dict[str, Head]:
    """The last head of each chain in the files that go, or the anchor noted there for an earlier file."""
    heads = latest_heads(dict(old))
    for connection in old.values():
        for anchor in referenced_heads(connection, "retention"):
            if anchor.writer not in heads or anchor.seq > heads[anchor.writer].seq:
                heads[anchor.writer] = anchor
    return heads


def remove(folder: Path, removal: Removal) -> list[str]:
    """Delete the files, after the event was recorded; returns their names."""
    names = [f"records-{month}.sqlite" for month in removal.months]
    for name in names:
        # The database last: what a crash leaves is then still a database, and goes next time.
        for part in (f"{name}-wal", f"{name}-shm", name):
            (folder / part).unlink(missing_ok=True)
    remove_head_files(folder, removal.writers)
    return names
