"""The state of the procedure in one SQLite file beside the records."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from proxy.governance.people import Operator
from proxy.governance.revision import Revision, seal
from proxy.governance.store import (
    Event,
    Gathering,
    Kept,
    Ledger,
    Search,
    TamperedError,
    UnavailableError,
    VersionRow,
)

__all__ = ["SqliteGovernance", "SqliteLedger"]

_BUSY_SECONDS = 60.0  # as long as another one takes to bring in a million entries
_PAGE = 500
_CACHE_KB = 64 * 1024  # for the indexes while a million entries come in

_SCHEMA = """
CREATE TABLE IF NOT EXISTS operators (name TEXT PRIMARY KEY, data TEXT NOT NULL, mac BLOB NOT NULL)
  STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS revisions (
  id TEXT NOT NULL, number INTEGER NOT NULL, status TEXT NOT NULL, meaning TEXT NOT NULL,
  category TEXT NOT NULL, source TEXT NOT NULL, author TEXT NOT NULL, origin TEXT NOT NULL,
  pattern TEXT NOT NULL, due TEXT NOT NULL, dated INTEGER NOT NULL, data TEXT NOT NULL, mac BLOB NOT NULL,
  PRIMARY KEY (id, number)
) STRICT;  -- in the order of arrival: ids are random, and rows are long
CREATE INDEX IF NOT EXISTS revisions_meaning ON revisions (meaning) WHERE status NOT IN ('retired', 'rejected');
CREATE INDEX IF NOT EXISTS revisions_status ON revisions (status, category);
CREATE INDEX IF NOT EXISTS revisions_origin ON revisions (origin) WHERE origin <> '';
CREATE INDEX IF NOT EXISTS revisions_due ON revisions (due) WHERE due <> '';
CREATE INDEX IF NOT EXISTS revisions_dated ON revisions (status) WHERE dated = 1;
CREATE TABLE IF NOT EXISTS events (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at TEXT NOT NULL, action TEXT NOT NULL, actor TEXT NOT NULL,
  how TEXT NOT NULL, reason TEXT NOT NULL, fields TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS event_entries (
  entry TEXT NOT NULL, event INTEGER NOT NULL, PRIMARY KEY (entry, event)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions (
  seq INTEGER PRIMARY KEY, version TEXT NOT NULL UNIQUE, at TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL,
  state TEXT NOT NULL, entries INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL, mac BLOB NOT NULL)
  STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
"""
_GATHERED = """
CREATE TEMP TABLE gathered (
  id TEXT NOT NULL, number INTEGER NOT NULL, status TEXT NOT NULL, meaning TEXT NOT NULL,
  category TEXT NOT NULL, source TEXT NOT NULL, author TEXT NOT NULL, origin TEXT NOT NULL,
  pattern TEXT NOT NULL, due TEXT NOT NULL, dated INTEGER NOT NULL, data TEXT NOT NULL, mac BLOB NOT NULL,
  PRIMARY KEY (id, number)
) STRICT;
CREATE INDEX temp.gathered_meaning ON gathered (meaning);
CREATE TEMP VIEW revisions AS SELECT * FROM gathered UNION ALL SELECT * FROM main.revisions;
"""
# One that came since, of the same name or with the same meaning. Both are looked up by index.
_TAKEN = """
SELECT g.id FROM gathered g WHERE EXISTS (SELECT 1 FROM revisions r WHERE r.id = g.id AND r.number >= g.number)
  OR EXISTS (SELECT 1 FROM revisions r WHERE r.meaning = g.meaning AND r.id <> g.id
             AND r.status NOT IN ('retired', 'rejected')) LIMIT 1
"""


class SqliteGovernance:
    """A GovernanceStore on SQLite. Each transaction has a connection of its own, so any thread may ask."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._path, self._key = path, key

    @contextmanager
    def changing(self) -> Iterator[Ledger]:
        with self._begun("BEGIN IMMEDIATE") as connection:
            yield SqliteLedger(connection, self._key)

    @contextmanager
    def reading(self) -> Iterator[Ledger]:
        with self._begun("BEGIN") as connection:
            yield SqliteLedger(connection, self._key)

    @contextmanager
    def gathering(self) -> Iterator[Gathering]:
        with self._connected() as connection:
            yield SqliteGathering(connection, self._key)

    @contextmanager
    def _begun(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._connected() as connection, _transaction(connection, begin):
            yield connection

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(self._connect()) as connection:
                yield connection
        except sqlite3.Error as error:
            busy = "another process keeps it busy; try again" if "locked" in str(error) else str(error)
            raise UnavailableError(f"the governance database {self._path} cannot be used: {busy}") from error

    def _connect(self) -> sqlite3.Connection:
        existed = self._path.exists()
        if not existed:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            if not connection.execute("PRAGMA user_version").fetchone()[0]:
                self._path.chmod(0o600)
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(_SCHEMA)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # a failure may have taken it back already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


class SqliteGathering:
    """Many revisions on their way: in a table of this connection alone, which reading sees beside the others."""

    def __init__(self, connection: sqlite3.Connection, key: bytes) -> None:
        self._connection, self._key = connection, key
        connection.executescript(_GATHERED)
        connection.execute("BEGIN")  # one moment for all that is read; what is written is nobody else's
        self._seen = SqliteLedger(connection, key).last_event()
        self.ledger: Ledger = SqliteLedger(connection, key, "gathered")

    @contextmanager
    def handing_in(self) -> Iterator[Ledger]:
        connection, ledger = self._connection, SqliteLedger(self._connection, self._key)
        connection.execute("DROP VIEW temp.revisions")
        connection.execute("COMMIT")
        with _transaction(connection, "BEGIN IMMEDIATE"):
            if ledger.last_event() != self._seen:
                taken = connection.execute(_TAKEN).fetchone()
                if taken is not None:
                    raise UnavailableError(
                        f"entry {taken[0]} was changed by somebody else while these were read; nothing was brought in, "
                        "try again"
                    )
            connection.execute("INSERT INTO revisions SELECT * FROM gathered")
            yield ledger


class SqliteLedger:
    """One transaction. `into`: the table that revisions are put into."""

    def __init__(self, connection: sqlite3.Connection, key: bytes, into: str = "revisions") -> None:
        self._connection, self._key, self._into = connection, key, into

    def _sealed(self, kind: str, data: str) -> tuple[str, bytes]:
        return data, seal(self._key, kind, data)

    def _opened(self, kind: str, name: str, data: str, mac: bytes) -> Any:
        self._check(kind, name, data, mac)
        return orjson.loads(data)

    def _check(self, kind: str, name: str, data: str, mac: bytes) -> None:
        if not hmac.compare_digest(mac, seal(self._key, kind, data)):
            raise TamperedError(
                f"{name} in the governance database is not what the procedure wrote: somebody changed it, or the "
                "key file is another one. Restore the database; the records tell what was done"
            )

    def operators(self) -> list[Operator]:
        rows = self._connection.execute("SELECT name, data, mac FROM operators ORDER BY name")
        found = []
        for name, data, mac in rows:
            value = self._opened("operator", f"operator {name}", data, mac)
            if value["name"] != name:
                raise TamperedError(f"operator {name} in the governance database was renamed")
            found.append(Operator(**{**value, "roles": tuple(value["roles"])}))
        return found

    def put_operator(self, operator: Operator) -> None:
        data, mac = self._sealed("operator", _dumps(asdict(operator)))
        self._connection.execute(
            "INSERT OR REPLACE INTO operators VALUES (?, ?, ?)", (operator.name, data, mac)
        )

    def get(self, entry_id: str, number: int | None = None) -> Revision | None:
        if number is None:
            return self._one("id = ? ORDER BY number DESC LIMIT 1", (entry_id,))
        return self._one("id = ? AND number = ?", (entry_id, number))

    def in_force(self, entry_id: str) -> Revision | None:
        return self._one(
            "id = ? AND status IN ('published', 'suspended') ORDER BY status, number DESC LIMIT 1",
            (entry_id,),
        )

    def equal(self, meaning: str, other_than: str) -> Revision | None:
        return self._one(
            "meaning = ? AND id <> ? AND status NOT IN ('retired', 'rejected') LIMIT 1", (meaning, other_than)
        )

    def _one(self, condition: str, values: Sequence[Any]) -> Revision | None:
        statement = f"SELECT {_COLUMNS} FROM revisions WHERE {condition}"  # noqa: S608 - constants
        row = self._connection.execute(statement, values).fetchone()
        return self._revision(row) if row is not None else None

    def _revision(self, row: tuple[Any, ...]) -> Revision:
        entry_id, number, status, data, mac = row
        revision = Revision.from_data(self._opened("revision", f"entry {entry_id}", data, mac))
        if (revision.id, revision.number, revision.status) != (entry_id, number, status):
            raise TamperedError(
                f"entry {entry_id} in the governance database was moved or given another status"
            )
        return revision

    def within(self, text: str) -> Iterator[Revision]:
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM revisions WHERE status = 'published' AND instr(lower(?), lower(pattern)) > 0",  # noqa: S608 - constants
            (text,),
        )
        yield from map(self._revision, rows)

    def find(self, search: Search) -> Iterator[Revision]:
        where, values = _conditions(search)
        limit = -1 if search.limit is None else search.limit
        order = "rowid" if search.oldest_first else "id, number DESC"  # each change writes the row anew
        statement = f"SELECT {_COLUMNS} FROM revisions{where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608 - no value in it
        cursor = self._connection.execute(statement, [*values, limit, search.offset])
        while page := cursor.fetchmany(_PAGE):
            yield from map(self._revision, page)

    def count(self, search: Search) -> int:
        where, values = _conditions(search)
        row = self._connection.execute(f"SELECT COUNT(*) FROM revisions{where}", values).fetchone()  # noqa: S608 - no value in it
        return int(row[0])

    def kept(self, status: str) -> Iterator[Kept]:
        cursor = self._connection.execute(
            f"SELECT id, number, data, mac FROM revisions{_IN_ORDER}",  # noqa: S608 - a constant
            (status,),
        )
        while page := cursor.fetchmany(_PAGE):
            for entry_id, number, data, mac in page:
                self._check("revision", f"entry {entry_id}", data, mac)
                yield Kept(entry_id, number, data, mac)

    def numbers(self, status: str) -> dict[str, int]:
        rows = self._connection.execute(
            "SELECT id, number FROM revisions WHERE status = ? ORDER BY id, number", (status,)
        )
        return dict(rows.fetchall())

    def seals(self, status: str) -> bytes:
        rows = self._connection.execute(
            f"SELECT mac FROM revisions{_IN_ORDER}",  # noqa: S608 - a constant
            (status,),
        )
        return hashlib.sha256(b"".join(mac for (mac,) in rows)).digest()

    def put(self, revision: Revision, meaning: str) -> bytes:
        entry = revision.entry
        data, mac = self._sealed("revision", _dumps(revision.to_data()))
        self._connection.execute(
            f"INSERT OR REPLACE INTO {self._into} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - one of two names
            (
                revision.id,
                revision.number,
                revision.status,
                meaning,
                entry.category,
                entry.source.type,
                entry.author,
                revision.origin,
                entry.pattern,
                revision.due,
                int(bool(revision.emergency_until or entry.review_due)),
                data,
                mac,
            ),
        )
        return mac

    def tally(self) -> dict[tuple[str, str], int]:
        rows = self._connection.execute("SELECT status, category, COUNT(*) FROM revisions GROUP BY 1, 2")
        return {(status, category): count for status, category, count in rows}

    def note(self, event: Event) -> None:
        cursor = self._connection.execute(
            "INSERT INTO events (id, at, action, actor, how, reason, fields) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (event.id, event.at, event.action, event.actor, event.how, event.reason, _dumps(event.fields)),
        )
        self._connection.executemany(
            "INSERT OR IGNORE INTO event_entries VALUES (?, ?)",
            [(entry, cursor.lastrowid) for entry in event.entries],
        )

    def history(self, entry_id: str, limit: int = 100) -> list[Event]:
        rows = self._connection.execute(
            "SELECT id, at, action, actor, how, reason, fields FROM events WHERE seq IN"
            " (SELECT event FROM event_entries WHERE entry = ?)"
            " OR id IN (SELECT origin FROM revisions WHERE id = ?) ORDER BY seq DESC LIMIT ?",
            (entry_id, entry_id, limit),
        )
        return [
            Event(id_, at, action, actor, how, reason, (entry_id,), orjson.loads(fields))
            for id_, at, action, actor, how, reason, fields in rows
        ]

    def event_times(self) -> dict[str, str]:
        return dict(self._connection.execute("SELECT id, at FROM events ORDER BY seq").fetchall())

    def last_event(self) -> str:
        row = self._connection.execute("SELECT id FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        return row[0] if row is not None else ""

    def versions(self, limit: int = 100) -> list[VersionRow]:
        rows = self._connection.execute(
            "SELECT version, at, actor, reason, state, entries FROM versions ORDER BY at DESC, seq DESC LIMIT ?",
            (limit,),
        )
        return [VersionRow(*row) for row in rows]

    def put_version(self, row: VersionRow) -> None:
        self._connection.execute(
            "INSERT INTO versions (version, at, actor, reason, state, entries) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (version) DO UPDATE SET at = excluded.at, actor = excluded.actor,"
            " reason = excluded.reason, state = excluded.state, entries = excluded.entries",
            (row.version, row.at, row.actor, row.reason, row.state, row.entries),
        )

    def fact(self, name: str) -> Any:
        row = self._connection.execute("SELECT value, mac FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else self._opened(f"fact {name}", name, *row)

    def put_fact(self, name: str, value: Any) -> None:
        data, mac = self._sealed(f"fact {name}", _dumps(value))
        self._connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", (name, data, mac))


_COLUMNS = "id, number, status, data, mac"
_IN_ORDER = " WHERE status = ? ORDER BY category, rowid"  # the order of an index: nothing is sorted


def _conditions(search: Search) -> tuple[str, list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    for column in ("category", "source", "author", "origin"):
        value = getattr(search, column)
        if value:
            extra = " AND origin <> ''" if column == "origin" else ""
            conditions.append(f"{column} = ?{extra}")
            values.append(value)
    for column, options in (("status", search.status), ("id", search.ids)):
        if options:
            # One parameter for any number of values.
            conditions.append(f"{column} IN (SELECT value FROM json_each(?))")  # noqa: S608 - column names
            values.append(_dumps(list(options)))
    if search.dated:
        conditions.append("dated = 1")
    if search.due_by:
        conditions.append("due <> '' AND due <= ?")
        values.append(search.due_by)
    if search.text:
        conditions.append("instr(pattern, ?) > 0")
        values.append(search.text)
    return (" WHERE " + " AND ".join(conditions) if conditions else ""), values


def _dumps(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode("utf-8")
