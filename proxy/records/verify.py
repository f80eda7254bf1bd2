"""Is the log whole and unchanged? Every chain recomputed over all files, every head compared.

Three things are checked against each other, and each finds what the others cannot:
- the rows: an edited row does not give its hash, a missing or moved one breaks the sequence or the link;
- the heads (signed, in each file, and in the head files): a cut tail, a lost file, rows that were rewritten
  together with their hashes by somebody without the key;
- what rows say of other chains (witnessed heads, anchors of removed files) and the head that an operator
  noted: whole chains that are gone, and a folder replaced by an older copy of itself.

Rows stream through in the order of chain and sequence, merged over the files; nothing big is held.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from proxy.records.chain import (
    Head,
    NotedHead,
    format_heads,
    genesis,
    heads_from_json,
    link,
    parse_heads,
    sign_head,
)
from proxy.records.chain import tips as unwitnessed
from proxy.records.crypto import KeySource, RecordCipher
from proxy.records.heads import SignedHead, read_head_files, signed_heads, snapshot
from proxy.records.monthly import COLUMNS, connect_read_only, month_files
from proxy.records.record import ABORTED, ACCEPTED, CLOSING, Record, canonical_row, decode_json

__all__ = ["Fault", "VerifyReport", "verify"]

MAX_FAULTS = 1000
_PROGRESS_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: in which file, at which row of which chain, for which request, where known."""

    message: str
    file: str = ""
    writer: str = ""
    seq: int = 0
    request_id: str = ""

    def __str__(self) -> str:
        place = [
            self.file,
            f"chain {self.writer}" if self.writer else "",
            f"row {self.seq}" if self.seq else "",
        ]
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{', '.join(filter(None, place))}{request}: {self.message}"


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """`signatures`: whether the keys were there to check heads; `unclosed` counts requests without an end.

    `head` is the string to note down now. At most 1000 faults are told.
    """

    files: int
    chains: int
    rows: int
    unclosed: int
    signatures: bool
    head: str
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        return not self.faults


def verify(
    folder: Path,
    against: str | None = None,
    keys: KeySource | None = None,
    progress: Callable[[int], None] | None = None,
) -> VerifyReport:
    """Check the records in `folder`; `against` is a head noted earlier (ValueError when it is none).

    Without `keys` the signatures of heads are left out. `progress` is told the number of rows now and then.
    """
    noted = () if against is None else parse_heads(against)
    if not folder.is_dir():
        raise FileNotFoundError(f"there are no records in {folder}")
    head_files = read_head_files(folder)  # before the rows: rows may only be ahead of them
    try:
        with snapshot(folder) as connections:
            check = _Check(connections, None if keys is None else RecordCipher(keys).head_key, progress)
            check.chains()
            check.heads()
            check.head_files(head_files)
            check.references()
            check.noted(noted)
            return check.report()
    except sqlite3.DatabaseError as error:
        files = [path.name for path in month_files(folder).values() if not _is_sound(path)]
        fault = Fault(f"a file cannot be read as a database: {error}", ", ".join(files))
        return VerifyReport(0, 0, 0, 0, keys is not None, "", (fault,))


@dataclass(slots=True)
class _Check:
    """What one reading of all rows gives, and the comparisons that follow it."""

    connections: dict[str, sqlite3.Connection]
    head_key: bytes | None
    progress: Callable[[int], None] | None
    found: list[Fault] = field(default_factory=list)
    rows: int = 0
    first: dict[str, tuple[str, int, bytes]] = field(default_factory=dict)  # writer -> month, seq, prev
    last: dict[str, Head] = field(default_factory=dict)
    ends: dict[tuple[str, str], Head] = field(default_factory=dict)  # month, writer -> last row there
    witnessed: list[tuple[Head, Fault]] = field(default_factory=list)  # and where it says so
    anchors: list[Head] = field(default_factory=list)
    open_requests: set[str] = field(default_factory=set)
    aborted: set[str] = field(default_factory=set)

    def chains(self) -> None:
        """Read every row once."""
        streams = [_rows(month, connection) for month, connection in self.connections.items()]
        for writer, rows in groupby(merge(*streams, key=itemgetter(1, 2)), key=itemgetter(1)):
            self._chain(writer, rows)

    def _chain(self, writer: str, rows: Iterable[tuple[Any, ...]]) -> None:
        before: tuple[str, Head] | None = None
        for month, _, seq, *columns in rows:
            kind, request_id, content_id, status, created, library_version, fields, sealed, prev, digest = (
                columns
            )
            place = Fault("", _name(month), writer, seq, request_id)
            record = Record(kind, request_id, content_id, status, created, library_version, {})
            if link(prev, canonical_row(writer, seq, record, fields.encode(), sealed)) != digest:
                self._fault(place, "the row was changed: it does not give its hash")
            elif kind in ("writer", "retention"):
                self._note_heads(kind, fields, place)
            if not created.startswith(f"{month[:4]}-{month[4:]}-"):
                self._fault(place, f"the row is of {created} and stands in the wrong file")
            if before is None:
                self.first[writer] = (month, seq, prev)
            else:
                self._compare(place, month, seq, prev, *before)
            before = month, Head(writer, seq, digest)
            self.ends[month, writer] = self.last[writer] = before[1]
            self._count(request_id, status)

    def _compare(
        self, place: Fault, month: str, seq: int, prev: bytes, month_before: str, before: Head
    ) -> None:
        if seq == before.seq:
            self._fault(place, "the row stands twice")
        elif seq > before.seq + 1:
            absent = [m for m in _months_between(month_before, month) if m not in self.connections]
            files = f"; {', '.join(map(_name, absent))} does not exist" if absent else ""
            self._fault(place, f"before it, {_missing_rows(before.seq + 1, seq - 1)}{files}")
        elif prev != before.hash:
            self._fault(place, "the row does not follow the row before it: one of the two was replaced")

    def _note_heads(self, kind: str, fields: str, place: Fault) -> None:
        try:
            heads = heads_from_json(decode_json(fields)["heads"])
        except (KeyError, TypeError, ValueError, AttributeError):
            self._fault(place, f"the event {kind!r} names no heads")
            return
        if kind == "retention":
            self.anchors += heads
        else:
            self.witnessed += [(head, place) for head in heads]

    def _count(self, request_id: str, status: str) -> None:
        self.rows += 1
        if self.progress is not None and self.rows % _PROGRESS_ROWS == 0:
            self.progress(self.rows)
        if status == ACCEPTED:
            self.open_requests.add(request_id)
        elif status in CLOSING:
            self.open_requests.discard(request_id)
            if status == ABORTED:
                # It may stand in another chain, which comes earlier in this reading.
                self.aborted.add(request_id)

    def heads(self) -> None:
        """The head that each file holds of each chain, against its rows."""
        unheaded = dict(self.ends)
        for month, connection in self.connections.items():
            for signed in signed_heads(connection, month):
                head = signed.head
                place = Fault("", _name(month), head.writer, head.seq)
                self._signature(signed, place)
                end = unheaded.pop((month, head.writer), None)
                if end is None:
                    self._fault(place, "the file holds the head of a chain and none of its rows")
                elif end.seq < head.seq:
                    self._fault(place, f"at the end, {_missing_rows(end.seq + 1, head.seq)}")
                elif end.seq > head.seq:
                    self._fault(place, f"the chain goes on to row {end.seq} without a signed head")
                elif end.hash != head.hash:
                    self._fault(place, "the last row is not the one that the head names")
        for (month, writer), end in unheaded.items():
            self._fault(Fault("", _name(month), writer, end.seq), "the file holds no head of this chain")

    def head_files(self, noted: dict[str, SignedHead | None]) -> None:
        """The head files, which are written after each commit, against the rows."""
        for writer, signed in noted.items():
            place = Fault("", f"heads/{writer}", writer)
            if signed is None:
                self._fault(place, "the head file cannot be read")
                continue
            self._signature(signed, place)
            problem = self._missing(writer, signed.head.seq, signed.head.hash.hex())
            if problem is not None:
                absent = "" if signed.month in self.connections else f"; {_name(signed.month)} does not exist"
                self._fault(place, f"{problem}{absent}")
        for writer in self.last:
            if writer not in noted:
                self._fault(Fault("", f"heads/{writer}", writer), "the head file is missing")

    def _signature(self, signed: SignedHead, place: Fault) -> None:
        if self.head_key is not None and not hmac.compare_digest(
            signed.mac, sign_head(self.head_key, signed.head, signed.month)
        ):
            self._fault(place, "the head is not signed with these keys: it was rewritten")

    def references(self) -> None:
        """Where chains begin, and what chains say of each other."""
        anchors = {(anchor.writer, anchor.seq, anchor.hash) for anchor in self.anchors}
        for writer, (month, seq, prev) in self.first.items():
            place = Fault("", _name(month), writer, seq)
            if seq == 1:
                if prev != genesis(writer):
                    self._fault(place, "the first row does not begin its chain")
            elif (writer, seq - 1, prev) not in anchors:
                self._fault(place, f"{_missing_rows(1, seq - 1)}, and no retention event tells of it")
        for head, place in self.witnessed:
            problem = self._missing(head.writer, head.seq, head.hash.hex())
            if problem is not None:
                self._fault(place, f"this row saw chain {head.writer} up to row {head.seq}, but {problem}")

    def noted(self, heads: Iterable[NotedHead]) -> None:
        """A head that an operator noted earlier, against the rows."""
        for head in heads:
            problem = self._missing(head.writer, head.seq, head.hash_start)
            if problem is not None:
                place = Fault("", "", head.writer, head.seq)
                self._fault(place, f"the noted head is not in these records: {problem}")

    def _missing(self, writer: str, seq: int, hash_start: str) -> str | None:
        """What speaks against the chain having this row; None when it has, or had before retention."""
        statement = "SELECT hash FROM records WHERE writer = ? AND seq = ?"
        for connection in self.connections.values():
            row = connection.execute(statement, (writer, seq)).fetchone()
            if row is not None:
                return None if row[0].hex().startswith(hash_start) else f"row {seq} is another one now"
        if any(anchor.writer == writer and anchor.seq >= seq for anchor in self.anchors):
            return None
        last = self.last.get(writer)
        if last is None:
            return "the whole chain is missing"
        return _missing_rows(min(last.seq + 1, seq), seq)

    def _fault(self, place: Fault, message: str) -> None:
        self.found.append(Fault(message, place.file, place.writer, place.seq, place.request_id))

    def report(self) -> VerifyReport:
        heads = unwitnessed(self.last, (head for head, _ in self.witnessed))
        return VerifyReport(
            files=len(self.connections),
            chains=len(self.last),
            rows=self.rows,
            unclosed=len(self.open_requests - self.aborted),
            signatures=self.head_key is not None,
            head=format_heads(heads),
            faults=tuple(self.found[:MAX_FAULTS]),
        )


def _rows(month: str, connection: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    for row in connection.execute(f"SELECT {COLUMNS} FROM records ORDER BY writer, seq"):  # noqa: S608 - constants
        yield (month, *row)


def _name(month: str) -> str:
    return f"records-{month}.sqlite"


def _missing_rows(first: int, last: int) -> str:
    return f"row {first} is missing" if first == last else f"rows {first} to {last} are missing"


def _months_between(first: str, last: str) -> list[str]:
    """The months (YYYYMM) strictly between two others."""
    start, end = (int(month[:4]) * 12 + int(month[4:]) - 1 for month in (first, last))
    return [f"{number // 12:04d}{number % 12 + 1:02d}" for number in range(start + 1, end)]


def _is_sound(path: Path) -> bool:
    try:
        with closing(connect_read_only(path)) as connection:
            return bool(connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok")
    except sqlite3.DatabaseError:
        return False
