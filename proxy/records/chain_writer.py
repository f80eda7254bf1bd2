"""The chain of this process, written row by row into the monthly files. Blocking; one thread uses it.

Rows are sealed and hashed here, in the order in which they came. Seq and hash advance only after a commit, so
a failed batch leaves no gap; after a failure the files are opened anew and the head is read back from them,
because a commit that reported an error may have happened all the same.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

from proxy.records.chain import Head, Writer, genesis, heads_to_json, link, sign_head, tips
from proxy.records.crypto import RecordCipher
from proxy.records.heads import FolderLock, HeadFile, SignedHead, latest_heads, referenced_heads, snapshot
from proxy.records.monthly import MAX_BATCH, MonthFile
from proxy.records.record import Record, RecordError, canonical_row, content_ids, encode_json, month_of
from proxy.records.retention import Removal, plan_removal, remove
from proxy.records.sweeper import find_leftovers

__all__ = ["ChainWriter", "Entry"]

_OPEN_FILES = 2  # the month that ends and the one that begins
_log = logging.getLogger("inkseal.records")


@dataclass(slots=True)
class Entry:
    """A record on its way: `fields` and `secret` as JSON bytes, `month` YYYYMM."""

    record: Record
    month: str
    fields: bytes
    secret: bytes | None

    @classmethod
    def of(cls, record: Record) -> Entry:
        """ValueError or TypeError when the record cannot be written."""
        secret = None if record.secret is None else encode_json(record.secret)
        return cls(record, month_of(record.created), encode_json(record.fields), secret)


class ChainWriter:
    """Appends to one chain. `write` reports errors entry by entry, everything else raises RecordError."""

    def __init__(
        self,
        folder: Path,
        cipher: RecordCipher,
        writer: Writer,
        clock: Callable[[], str],
        retention_days: int,
    ) -> None:
        self._folder = folder
        self._cipher = cipher
        self._writer = writer
        self._clock = clock
        self._retention_days = retention_days
        self._head = Head(writer.id, 0, genesis(writer.id))
        self._files: dict[str, MonthFile] = {}
        self._lock = FolderLock(folder)
        self._head_file: HeadFile | None = None

    def start(self) -> None:
        """Begin the chain: witness the others, close what the dead left open, remove what is too old."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._lock:
                self._head_file = HeadFile(self._folder, self._writer.id)
                now = self._clock()
                self._event("writer", now, self._introduction())
                leftovers = find_leftovers(self._folder, now)
                self._must_write(leftovers.aborted)
                for month, request_ids in leftovers.pending.items():
                    self._file(month).forget_pending(request_ids)
                removal = self.plan_removal()
                if removal is not None:
                    remove(self._folder, removal)
        except Exception as error:  # also whatever a damaged file makes of the rows in it
            self.close()
            raise RecordError(f"the records in {self._folder} cannot be opened: {error}") from error

    def _introduction(self) -> dict[str, Any]:
        with snapshot(self._folder) as connections:
            witnessed = [named for c in connections.values() for named in referenced_heads(c, "writer")]
            heads = tips(latest_heads(connections), witnessed)
        writer = self._writer
        identity = {
            "boot_id": writer.boot_id,
            "pid": writer.pid,
            "started": writer.started,
            "nonce": writer.nonce,
        }
        return {**identity, "heads": heads_to_json(heads)}

    def plan_removal(self) -> Removal | None:
        """Note the anchors of what is too old; the caller then removes it with `retention.remove`."""
        with self._lock:
            now = self._clock()
            removal = plan_removal(self._folder, now, self._retention_days)
            if removal is not None:
                names = [f"records-{month}.sqlite" for month in removal.months]
                self._event("retention", now, {"removed": names, "heads": heads_to_json(removal.anchors)})
            return removal

    def _event(self, kind: str, now: str, fields: dict[str, Any]) -> None:
        self._must_write([Record(kind, "", "", "", now, "", fields)])

    def _must_write(self, records: Sequence[Record]) -> None:
        for error in self.write([Entry.of(record) for record in records]):
            if error is not None:
                raise error

    def write(self, entries: Sequence[Entry]) -> list[Exception | None]:
        """Commit the entries in order; returns what went wrong with each, or None.

        RecordError: the store failed, and all later entries with it. Anything else: this entry is no record.
        """
        errors: list[Exception | None] = []
        failure: RecordError | None = None
        for month, same_month in groupby(entries, key=lambda entry: entry.month):
            run = list(same_month)
            for start in range(0, len(run), MAX_BATCH):
                batch = run[start : start + MAX_BATCH]
                if failure is None:
                    try:
                        errors += self._commit(month, batch)
                        continue
                    except (sqlite3.Error, OSError) as error:
                        failure = RecordError(f"the records cannot be written: {error}")
                        failure.__cause__ = error
                        self._close_files()
                errors += [failure] * len(batch)
        return errors

    def _commit(self, month: str, batch: Sequence[Entry]) -> list[Exception | None]:
        month_file = self._file(month)
        rows: list[list[Any]] = []
        errors: list[Exception | None] = []
        at = self._head
        for entry in batch:
            try:
                row, at = self._row(entry, at)
            except Exception as error:
                errors.append(error)
            else:
                rows.append(row)
                errors.append(None)
        if rows:
            signed = SignedHead(at, month, sign_head(self._cipher.head_key, at, month))
            rows[-1][-1] = signed.mac
            month_file.insert(rows)
            self._head = at
            self._note_head(signed)
        return errors

    def _row(self, entry: Entry, before: Head) -> tuple[list[Any], Head]:
        record, seq = entry.record, before.seq + 1
        sealed = None if entry.secret is None else self._cipher.seal(entry.secret, record.request_id)
        digest = link(before.hash, canonical_row(before.writer, seq, record, entry.fields, sealed))
        more = [identifier for identifier in content_ids(record) if identifier != record.content_id]
        row = [
            before.writer,
            seq,
            record.kind,
            record.request_id,
            record.content_id,
            record.status,
            record.created,
            record.library_version,
            entry.fields.decode(),
            sealed,
            before.hash,
            digest,
            orjson.dumps(more).decode() if more else None,
            None,
        ]
        return row, Head(before.writer, seq, digest)

    def _note_head(self, signed: SignedHead) -> None:
        try:
            if self._head_file is not None:
                self._head_file.write(signed)
        except OSError as error:
            # The rows are committed and their head is signed in the database: no reason to refuse them.
            _log.warning("the head file of writer %s cannot be written: %s", self._writer.id, error)

    def _file(self, month: str) -> MonthFile:
        month_file = self._files.get(month)
        if month_file is None:
            with self._lock:
                month_file = MonthFile(self._folder, month, self._writer)
            self._files[month] = month_file
            stored = month_file.head(self._writer.id)
            if stored is not None and stored.seq > self._head.seq:
                self._head = stored
            while len(self._files) > _OPEN_FILES:
                self._files.pop(next(iter(self._files))).close()
        return month_file

    def ready(self) -> bool:
        """Whether a row could be committed now."""
        try:
            self._file(month_of(self._clock())).try_write()
        except (sqlite3.Error, OSError):
            self._close_files()
            return False
        return True

    def _close_files(self) -> None:
        while self._files:
            self._files.popitem()[1].close()

    def close(self) -> None:
        """Close the files and leave: from here on this writer counts as gone."""
        self._close_files()
        if self._head_file is not None:
            self._head_file.close()
            self._head_file = None
