"""One month of records in one SQLite file: its name, its tables, what is written and how it is found again.

A whole batch goes in as ONE statement, which is also the transaction and its fsync. The writer thread
gives up the interpreter lock at every SQLite call and may wait the switch interval (5 ms) to win it back from
a busy event loop, so the number of calls is what a commit costs under load (bench/records.py). A temporary
view takes the rows and its trigger spreads them over the tables; the stored schema stays free of triggers.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from proxy.records.chain import Head, Writer
from proxy.records.record import Query, Record, StoredRecord, decode_json

__all__ = [
    "COLUMNS",
    "MAX_BATCH",
    "MonthFile",
    "connect",
    "connect_read_only",
    "month_files",
    "read_records",
    "row_to_stored",
]

MAX_BATCH = 256
BUSY_SECONDS = 5.0
COLUMNS = (
    "writer, seq, kind, request_id, content_id, status, created, library_version, fields, sealed, prev, hash"
)
_NAME = re.compile(r"records-(\d{6})\.sqlite")
_PAGE = 200

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
  id INTEGER PRIMARY KEY,
  writer TEXT NOT NULL, seq INTEGER NOT NULL,
  kind TEXT NOT NULL, request_id TEXT NOT NULL, content_id TEXT NOT NULL, status TEXT NOT NULL,
  created TEXT NOT NULL, library_version TEXT NOT NULL,
  fields TEXT NOT NULL, sealed BLOB,
  prev BLOB NOT NULL, hash BLOB NOT NULL,
  UNIQUE (writer, seq)
) STRICT;
CREATE INDEX IF NOT EXISTS records_request ON records (request_id) WHERE request_id <> '';
CREATE INDEX IF NOT EXISTS records_content ON records (content_id) WHERE content_id <> '';
CREATE INDEX IF NOT EXISTS records_created ON records (created);
-- Requests are most of the rows; the index is for the events among them.
CREATE INDEX IF NOT EXISTS records_kind ON records (kind) WHERE kind <> 'request';
-- Further content ids of a record (several choices of one answer).
CREATE TABLE IF NOT EXISTS content_ids (
  content_id TEXT NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (content_id, record)
) STRICT, WITHOUT ROWID;
-- Requests that are accepted and not closed in this file: what a sweep looks at instead of all rows.
CREATE TABLE IF NOT EXISTS pending (
  request_id TEXT PRIMARY KEY, writer TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS writers (
  id TEXT PRIMARY KEY, boot_id TEXT NOT NULL, pid INTEGER NOT NULL, started INTEGER NOT NULL,
  seq INTEGER NOT NULL, hash BLOB NOT NULL, mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
"""

_INTAKE = f"""
CREATE TEMP VIEW intake ({COLUMNS}, more_ids, mac) AS
  SELECT {", ".join(["NULL"] * 14)};
CREATE TEMP TRIGGER intake_row INSTEAD OF INSERT ON intake BEGIN
  INSERT INTO records ({COLUMNS}) VALUES (
    new.writer, new.seq, new.kind, new.request_id, new.content_id, new.status, new.created,
    new.library_version, new.fields, new.sealed, new.prev, new.hash);
  INSERT OR IGNORE INTO content_ids
    SELECT value, last_insert_rowid() FROM json_each(new.more_ids) WHERE new.more_ids IS NOT NULL;
  INSERT OR IGNORE INTO pending SELECT new.request_id, new.writer WHERE new.status = 'accepted';
  DELETE FROM pending WHERE request_id = new.request_id AND new.status IN ('closed', 'blocked', 'aborted');
  UPDATE writers SET seq = new.seq, hash = new.hash, mac = new.mac
    WHERE id = new.writer AND new.mac IS NOT NULL;
END;
"""  # noqa: S608 - constants only


@cache
def _insert(num_rows: int) -> str:
    row = f"({','.join('?' * 14)})"
    return f"INSERT INTO intake VALUES {','.join([row] * num_rows)}"  # noqa: S608 - placeholders only


class MonthFile:
    """The file of one month, open for the writer thread of one process."""

    def __init__(self, folder: Path, month: str, writer: Writer) -> None:
        """Open or make the file and enter the writer in it. The caller holds the folder lock."""
        self.month = month
        self._connection = connect(folder / f"records-{month}.sqlite")
        try:
            self._connection.executescript(_SCHEMA + _INTAKE)
            self._connection.execute(
                "INSERT OR IGNORE INTO writers VALUES (?, ?, ?, ?, 0, x'', x'')",
                (writer.id, writer.boot_id, writer.pid, writer.started),
            )
        except BaseException:
            self._connection.close()
            raise

    def insert(self, rows: Sequence[Sequence[Any]]) -> None:
        """Commit up to MAX_BATCH rows: COLUMNS, then further content ids (JSON or None), then the head's mac.

        The mac stands on the last row only; that row becomes the writer's head in the same transaction.
        """
        self._connection.execute(_insert(len(rows)), [value for row in rows for value in row])

    def head(self, writer: str) -> Head | None:
        """The writer's last row in this file, None before the first."""
        seq, digest = self._connection.execute(
            "SELECT seq, hash FROM writers WHERE id = ?", (writer,)
        ).fetchone()
        return Head(writer, seq, digest) if seq else None

    def forget_pending(self, request_ids: Sequence[str]) -> None:
        """Drop requests that a later file closed from the list of open ones."""
        with closing(self._connection.cursor()) as cursor:
            for request_id in request_ids:
                cursor.execute("DELETE FROM pending WHERE request_id = ?", (request_id,))

    def try_write(self) -> None:
        """Write something and take it back: fails the way a commit would. Close the file when it did."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("CREATE TABLE probe AS SELECT zeroblob(16384) AS space")
        self._connection.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()


def connect(path: Path) -> sqlite3.Connection:
    """A connection that commits durably: WAL, fsync at every commit, one statement one transaction."""
    existed = path.exists()
    connection = sqlite3.connect(
        path,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        cached_statements=2 * MAX_BATCH,
        check_same_thread=False,
    )
    try:
        if not existed:
            path.chmod(0o600)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_read_only(path: Path) -> sqlite3.Connection:
    """A connection for reading, also of a copy on a medium that cannot be written."""
    uri = path.absolute().as_uri()
    # check_same_thread: pages of one reading may come from different pool threads, one after the other.
    connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema").close()
    except sqlite3.OperationalError:
        connection.close()
        if path.with_name(path.name + "-wal").exists():
            raise
        # A WAL database cannot be opened read-only where its index cannot be made, except as immutable.
        connection = sqlite3.connect(
            f"{uri}?mode=ro&immutable=1", uri=True, isolation_level=None, check_same_thread=False
        )
    return connection


def month_files(folder: Path) -> dict[str, Path]:
    """The monthly files by month (YYYYMM), oldest first."""
    found = {
        match[1]: path for path in folder.glob("records-*.sqlite") if (match := _NAME.fullmatch(path.name))
    }
    return dict(sorted(found.items()))


def row_to_stored(row: Sequence[Any]) -> StoredRecord:
    """A row of COLUMNS as a value."""
    (
        writer,
        seq,
        kind,
        request_id,
        content_id,
        status,
        created,
        library_version,
        fields,
        sealed,
        prev,
        digest,
    ) = row
    record = Record(kind, request_id, content_id, status, created, library_version, decode_json(fields))
    return StoredRecord(record, writer, seq, prev, digest, sealed)


def read_records(folder: Path, query: Query) -> Generator[StoredRecord, None, None]:
    """The committed records that fit, in order of time, over all months. No store need be open."""
    files = month_files(folder)
    since, until = _month_bound(query.since), _month_bound(query.until)
    months = [m for m in files if (since is None or m >= since) and (until is None or m <= until)]
    statement, values = _select(query)
    left = query.limit
    for month in reversed(months) if query.newest_first else months:
        with closing(connect_read_only(files[month])) as connection:
            if not connection.execute("PRAGMA user_version").fetchone()[0]:
                continue  # just being made by a writer
            cursor = connection.execute(statement, [*values, -1 if left is None else left])
            while page := cursor.fetchmany(_PAGE):
                yield from map(row_to_stored, page)
                left = None if left is None else left - len(page)
        if left == 0:
            return


def _month_bound(time: str | None) -> str | None:
    return None if time is None else time[:7].replace("-", "")


def _select(query: Query) -> tuple[str, list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    for column in ("request_id", "kind", "status"):
        value = getattr(query, column)
        if value is not None:
            # The partial indexes are used only where the statement itself rules the left-out value out.
            usable = " AND request_id <> ''" if column == "request_id" and value else ""
            usable = " AND kind <> 'request'" if column == "kind" and value != "request" else usable
            conditions.append(f"{column} = ?{usable}")
            values.append(value)
    if query.content_id is not None:
        conditions.append(
            "id IN (SELECT id FROM records WHERE content_id = ? AND content_id <> ''"
            " UNION SELECT record FROM content_ids WHERE content_id = ?)"
        )
        values += [query.content_id, query.content_id]
    if query.content_id_end is not None:
        conditions.append(
            "id IN (SELECT id FROM records WHERE content_id <> '' AND substr(content_id, ?) = ?"
            " UNION SELECT record FROM content_ids WHERE substr(content_id, ?) = ?)"
        )
        values += [-len(query.content_id_end), query.content_id_end] * 2
    for bound, sign in ((query.since, ">="), (query.until, "<")):
        if bound is not None:
            conditions.append(f"created {sign} ?")
            values.append(bound)
    where = " WHERE " + " AND ".join(conditions) if conditions else ""
    way = "DESC" if query.newest_first else "ASC"
    order = f"created {way}, writer {way}, seq {way}"
    return f"SELECT {COLUMNS} FROM records{where} ORDER BY {order} LIMIT ?", values  # noqa: S608 - no value in it
