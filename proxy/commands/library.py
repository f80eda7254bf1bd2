"""What the commands of the feature library do."""

from __future__ import annotations

import asyncio
from pathlib import Path

from proxy.commands.records import append_record
from proxy.house import Clock, iso_time
from proxy.records.record import Record
from proxy.review.interchange import parse_refusals
from proxy.review.store import PublishReport, import_and_publish
from proxy.settings import Settings
from proxy.worker import key_file, library_key

__all__ = ["bootstrap_library"]


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
        asyncio.run(append_record(settings, keys, event))
    return report
