"""What the commands do, apart from reading their arguments and printing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from detectors.detection import Outcome
from detectors.panel import Panel
from detectors.verdict import Report
from proxy.house import Clock, iso_time
from proxy.keys import KeyFile
from proxy.records.crypto import RecordCipher
from proxy.records.export import csv_lines, jsonl_lines, row, write_parquet
from proxy.records.record import Query, Record, StoredRecord
from proxy.records.store import open_store
from proxy.records.verify import VerifyReport, verify
from proxy.review.interchange import parse_refusals
from proxy.review.store import PublishReport, import_and_publish, live_version
from proxy.serve import notices
from proxy.settings import Settings
from proxy.worker import key_file, key_ring, library_key

__all__ = [
    "bootstrap_library",
    "examine",
    "explain",
    "export_records",
    "list_keys",
    "new_keys",
    "records_folder",
    "report_json",
    "report_lines",
    "rotate_keys",
    "search_records",
    "show",
    "verify_records",
]


def explain(settings: Settings) -> list[str]:
    """The settings in sentences, for `inkseal check-config`."""
    server = settings.server
    lines = [
        f"fine: would serve http://{server.host}:{server.port} with {server.workers} worker(s), profile {settings.profile}"
    ]
    for upstream in settings.upstreams:
        where = upstream.base_url or "embedded" if upstream.kind != "scripted" else "scripted answers"
        lines.append(
            f"upstream {upstream.name}: {upstream.kind}, {where}, models {', '.join(upstream.models)}"
        )
    labels = settings.labels
    lines.append(
        f"labels: mode {labels.mode}, positions {', '.join(labels.positions)}, metadata {'on' if labels.metadata else 'off'}"
    )
    carrier = settings.watermarks.carrier
    lines.append(f"watermark: carrier {carrier.profile if carrier.enabled else 'off'}")
    lines.append(
        f"feature library: {live_version(settings.review.library) or 'none published'} in {settings.review.library}"
    )
    records = settings.records
    lines.append(
        f"records: {records.url}, durability {records.durability}, kept {records.retention_days} days, texts {records.store_text}"
        if records.enabled
        else "records: off"
    )
    lines.append(f"tenants: {', '.join(tenant.name for tenant in settings.tenants) or 'none'}")
    if settings.endpoints.relay:
        lines.append(f"relayed unreviewed, on the operator's word: {', '.join(settings.endpoints.relay)}")
    return lines + [f"note: {notice}" for notice in notices(settings)]


def examine(settings: Settings, text: str, *, declared: bool) -> Report:
    """Reads every mark in `text`. Raises FileNotFoundError or ValueError for keys that are not there."""
    if not settings.keys.file.exists():
        raise FileNotFoundError(
            f"there is no key file {settings.keys.file}: marks can be verified only with the keys they were made with; "
            "run this where the proxy runs, or name its settings with --config"
        )
    keys = KeyFile.load(settings.keys.file)
    sections = [settings.labels, *(settings.for_tenant(tenant)[0] for tenant in settings.tenants)]
    labels = tuple(dict.fromkeys(label for section in sections for label in section.own()))
    return Panel(key_ring(keys, settings.provider.code), labels).examine(text, declared=declared)


_COLOURS = {"confirmed": "red", "possible": "yellow", "suspected": "yellow", "not_found": "green"}


def show(report: Report) -> None:
    """The report for a person at a terminal."""
    click.secho(report.verdict.replace("_", " "), fg=_COLOURS[report.verdict], bold=True)
    for found in report.detections:
        mark = "-" if found.outcome is Outcome.ABSENT else "*"
        click.echo(f"{mark} {found.detector}: {found.outcome} - {found.technique}")
        if found.detail:
            click.echo(f"    {found.detail}")
        for key, value in (found.provenance or {}).items():
            click.echo(f"    {key}: {value}")
        if found.spans:
            shown = ", ".join(f"{start}-{end}" for start, end in found.spans[:8])
            more = f" and {len(found.spans) - 8} more" if len(found.spans) > 8 else ""
            click.echo(f"    characters {shown}{more}")
    click.echo(report.to_json()["notice"])


def bootstrap_library(
    settings: Settings, file: Path, refusals: Path | None, operator: str, reason: str
) -> PublishReport:
    """The first live version of an empty library, recorded. Raises LibraryError, ValueError, OSError."""
    said = parse_refusals(refusals.read_bytes()) if refusals is not None else None
    keys = key_file(settings)
    now = iso_time(Clock().now_ms())
    report = import_and_publish(
        settings.review.library,
        file.read_bytes(),
        file.name,
        author=operator,
        reason=reason,
        now=now,
        refusals=said,
        key=library_key(keys),
    )
    if settings.records.enabled:
        event = Record(
            kind="library",
            request_id="",
            content_id="",
            status="",
            created=now,
            library_version=report.version,
            fields={
                "event": "bootstrap",
                "operator": operator,
                "reason": reason,
                "file": file.name,
                "entries": report.entries,
                "remarks": [f"{remark.entry_id}: {remark.text}" for remark in report.remarks],
            },
        )
        asyncio.run(_append(settings, keys, event))
    return report


async def _append(settings: Settings, keys: KeyFile, record: Record) -> None:
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
    keys = KeyFile.load(settings.keys.file) if settings.keys.file.exists() else None
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
    keys = KeyFile.load(settings.keys.file)
    cipher = RecordCipher(keys) if decrypt else None
    stored = _read(settings, keys, Query(since=since, until=until))
    if kind == "parquet":
        if output is None:
            raise ValueError("parquet is a binary format: name a file with -o")
        write_parquet(stored, output, cipher)
        return ()
    return (jsonl_lines if kind == "jsonl" else csv_lines)(stored, cipher)


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


def search_records(
    settings: Settings,
    *,
    request_id: str | None,
    content_id: str | None,
    status: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    decrypt: bool,
) -> list[dict[str, Any]]:
    """The newest records that fit. Raises FileNotFoundError, ValueError."""
    if not records_folder(settings).is_dir():
        raise FileNotFoundError(f"there are no records in {records_folder(settings)}")
    keys = KeyFile.load(settings.keys.file)
    query = Query(
        request_id=request_id,
        content_id=content_id,
        status=status,
        since=since,
        until=until,
        limit=limit,
        newest_first=True,
    )
    cipher = RecordCipher(keys) if decrypt else None
    return [row(stored, cipher) for stored in _read(settings, keys, query)]


def new_keys(settings: Settings) -> KeyFile:
    """Raises FileExistsError: a second master would make every mark so far unverifiable."""
    if settings.keys.file.exists():
        raise FileExistsError(
            f"{settings.keys.file} exists already; a new master key would leave every mark made so far unverifiable. "
            "To change keys: inkseal keys rotate"
        )
    return key_file(settings)


def rotate_keys(settings: Settings) -> KeyFile:
    return KeyFile.load(settings.keys.file).rotate(now=iso_time(Clock().now_ms()))


def list_keys(settings: Settings) -> list[dict[str, Any]]:
    return [asdict(epoch) for epoch in KeyFile.load(settings.keys.file).epochs]


async def _next(records: AsyncIterator[StoredRecord]) -> StoredRecord:
    return await anext(records)
