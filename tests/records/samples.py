"""Records, keys and folders as the tests of this room use them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.records.chain import Writer
from proxy.records.chain_writer import ChainWriter, Entry
from proxy.records.crypto import RecordCipher
from proxy.records.record import Record

NOW = "2026-05-04T03:02:01.000Z"


@dataclass(frozen=True)
class Keys:
    """A key source without a file; another `secret` is another installation."""

    secret: str = "test"
    current: int = 1

    def derive(self, info: str) -> bytes:
        return hashlib.sha256(f"{self.secret}|{info}".encode()).digest()


def record(
    number: int,
    status: str = "accepted",
    *,
    kind: str = "request",
    created: str = NOW,
    fields: Mapping[str, Any] | None = None,
    secret: Mapping[str, Any] | None = None,
) -> Record:
    return Record(kind, f"req-{number}", f"cid-{number}", status, created, "lib-1", fields or {}, secret)


def event(kind: str, created: str = NOW, **fields: Any) -> Record:
    return Record(kind, "", "", "", created, "", fields)


def started(folder: Path, name: str = "w", now: str = NOW, retention_days: int = 200) -> ChainWriter:
    """A chain writer that has introduced itself."""
    writer = ChainWriter(
        folder, RecordCipher(Keys()), Writer("boot", 1, 2, name), lambda: now, retention_days
    )
    writer.start()
    return writer


def write(writer: ChainWriter, *records: Record) -> None:
    errors = writer.write([Entry.of(item) for item in records])
    assert errors == [None] * len(records)
