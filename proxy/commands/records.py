"""What the commands of the records do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from proxy.keys import KeyFile
from proxy.records.crypto import RecordCipher
from proxy.records.export import csv_lines, jsonl_lines, row, write_parquet
from proxy.records.record import CLOSING, Query, Record, StoredRecord, content_ids, utc_time
from proxy.records.store import open_store
from proxy.records.verify import VerifyReport, verify
from proxy.settings import Settings

__all__ = [
    "append_record",
    "export_records",
    "issued_numbers",
    "records_folder",
    "report_json",
    "report_lines",
    "search_records",
    "verify_records",
]

MAX_ISSUED = 100_000  # answers among which the mark of a fragment is looked for


async def append_record(settings: Settings, keys: KeyFile, record: Record) -> None:
    """One more record, for a command that changes something."""
    store = open_store(settings.records.url, keys=keys, retention_days=settings.records.retention_days)
    await store.open()
    try:
        await store.append(record)
    finally:
        await store.close()


def records_folder(settings: Settings) -> Path:
    return Path(settings.records.url.removeprefix("sqlite:///"))


def verify_records(settings: Settings, against: str | None) -> VerifyReport:
    """Raises FileNotFoundError where there are no records, ValueError for a head that is none."""
    keys = KeyFile.load(settings.keys.file, settings.keys.command) if settings.keys.file.exists() else None
    return verify(records_folder(settings), against, keys)


def report_json(report: VerifyReport) -> dict[str, Any]:
    return {"ok": report.ok, **asdict(report)}


def report_lines(report: VerifyReport) -> Iterator[str]:
    yield f"{report.rows} rows in {report.chains} chains and {report.files} files, {report.unclosed} requests still open"
    if not report.signatures:
        yield "note: without the key file the signatures of the heads were not checked"
    for fault in report.faults:
        yield f"FAULT {fault}"
    yield "whole and unchanged" if report.ok else f"{len(report.faults)} fault(s)"
    if report.head:
        yield f"head, to note down for --against: {report.head}"


def export_records(
    settings: Settings, kind: str, output: Path | None, *, since: str | None, until: str | None, decrypt: bool
) -> Iterable[str]:
    """The lines to write; Parquet is written here and gives none. Raises ValueError, OSError, ImportError."""
    if not records_folder(settings).is_dir():
        raise FileNotFoundError(f"there are no records in {records_folder(settings)}")
    keys = KeyFile.load(settings.keys.file, settings.keys.command)
    cipher = RecordCipher(keys) if decrypt else None
    stored = _read(settings, keys, Query(since=_bound("since", since), until=_bound("until", until)))
    if kind == "parquet":
        if output is None:
            raise ValueError("parquet is a binary format: name a file with -o")
        write_parquet(stored, output, cipher)
        return ()
    return (jsonl_lines if kind == "jsonl" else csv_lines)(stored, cipher)


def search_records(
    settings: Settings,
    *,
    request_id: str | None,
    content_id: str | None,
    content_id_end: str | None,
    status: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    decrypt: bool,
    kind: str | None = None,
) -> list[dict[str, Any]]:
    """The newest records that fit. Raises FileNotFoundError, ValueError."""
    if content_id_end is not None and not re.fullmatch("[0-9a-fA-F]{4,16}", content_id_end):
        raise ValueError(f"--content-id-end: {content_id_end!r} is not 4 to 16 hex digits")
    if not records_folder(settings).is_dir():
        raise FileNotFoundError(f"there are no records in {records_folder(settings)}")
    keys = KeyFile.load(settings.keys.file, settings.keys.command)
    query = Query(
        kind=kind,
        request_id=request_id,
        content_id=content_id,
        content_id_end=content_id_end and content_id_end.lower(),
        status=status,
        since=_bound("since", since),
        until=_bound("until", until),
        limit=limit,
        newest_first=True,
    )
    cipher = RecordCipher(keys) if decrypt else None
    return [row(stored, cipher) for stored in _read(settings, keys, query)]


def _bound(name: str, time: str | None) -> str | None:
    try:
        return utc_time(time) if time is not None else None
    except ValueError as error:
        raise ValueError(f"--{name}: {error}") from None


def issued_numbers(settings: Settings, keys: KeyFile) -> Iterator[int]:
    """The content numbers of the newest answers, of `MAX_ISSUED` at most. None where there are no records."""
    if not settings.records.enabled or not records_folder(settings).is_dir():
        return
    for stored in _read(settings, keys, Query(kind="request", limit=MAX_ISSUED, newest_first=True)):
        if stored.record.status in CLOSING:
            yield from (
                int(one, 16) for one in content_ids(stored.record) if re.fullmatch("[0-9a-f]{16}", one)
            )


def _read(settings: Settings, keys: KeyFile, query: Query) -> Iterator[StoredRecord]:
    """The stored records, a page at a time, for code that does not wait for anything."""
    store = open_store(settings.records.url, keys=keys, retention_days=settings.records.retention_days)
    records: AsyncIterator[StoredRecord] = store.read(query)
    with asyncio.Runner() as runner:
        while True:
            try:
                yield runner.run(_next(records))
            except StopAsyncIteration:
                return


async def _next(records: AsyncIterator[StoredRecord]) -> StoredRecord:
    return await anext(records)
