"""What is recorded of one request or event, and the bytes of it that are hashed. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

__all__ = [
    "ABORTED",
    "ACCEPTED",
    "BLOCKED",
    "CLOSED",
    "CLOSING",
    "Query",
    "Record",
    "RecordError",
    "StoredRecord",
    "canonical_row",
    "content_ids",
    "decode_json",
    "encode_json",
    "month_of",
    "utc_time",
]

ACCEPTED = "accepted"
CLOSED = "closed"
BLOCKED = "blocked"
ABORTED = "aborted"
CLOSING = frozenset({CLOSED, BLOCKED, ABORTED})

_CREATED = re.compile(r"(\d{4})-(0[1-9]|1[0-2])-\d{2}T.*Z")


class RecordError(Exception):
    """The record could not be kept. Nothing unrecorded goes out: the request is refused with this status."""

    status = 503


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the log 日志, as whoever decides made it: the store adds place and hash, never ids or times.

    `kind` "request", "library", "operator" …; `status` "accepted", then "closed", "blocked" or "aborted",
    "" for events; `created` ISO-8601 UTC with milliseconds and Z. `fields` is JSON-able; its `content_ids`
    (a list) makes the record findable by every content id of the answer. `secret` is kept encrypted.
    """

    kind: str
    request_id: str
    content_id: str
    status: str
    created: str
    library_version: str
    fields: Mapping[str, Any]
    secret: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record and its place: row `seq` (1, 2, …) of the chain of `writer`; `sealed`: the encrypted `secret`.

    `prev` and `hash` are 32 bytes; `record.secret` is None until somebody with the keys opens it.
    """

    record: Record
    writer: str
    seq: int
    prev: bytes
    hash: bytes
    sealed: bytes | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """Which records to read; None means any. `since` is inclusive, `until` exclusive (ISO-8601 UTC).

    Oldest first, or `newest_first`; `limit` counts rows. `content_id_end`: the last digits of a content id, as the message
    of a statistical mark tells them; looked for by a scan.
    """

    request_id: str | None = None
    content_id: str | None = None
    content_id_end: str | None = None
    kind: str | None = None
    status: str | None = None
    since: str | None = None
    until: str | None = None
    limit: int | None = None
    newest_first: bool = False


def month_of(created: str) -> str:
    """YYYYMM of an ISO-8601 UTC time; ValueError for anything else."""
    match = _CREATED.fullmatch(created)
    if match is None:
        raise ValueError(f"not an ISO-8601 UTC time: {created!r}")
    return match[1] + match[2]


def utc_time(text: str) -> str:
    """A date (its first moment) or a time, as ISO 8601 UTC with milliseconds. ValueError for anything else."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"{text!r} is no date or time like 2026-12-31 or 2026-12-31T08:00:00+08:00"
        ) from None
    moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode_json(value: Mapping[str, Any]) -> bytes:
    """Compact UTF-8 JSON with sorted keys; TypeError or ValueError when `value` cannot be written as JSON."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        # What a client may send and orjson refuses: lone surrogates, integers above 64 bits.
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def decode_json(text: bytes | str) -> Any:
    """Read what `encode_json` wrote."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # a lone surrogate, see above
        return json.loads(text)


def content_ids(record: Record) -> list[str]:
    """Every content id that the record is found by: its own and those of `fields["content_ids"]`."""
    named = record.fields.get("content_ids", ())
    return [identifier for identifier in dict.fromkeys((record.content_id, *named)) if identifier]


def canonical_row(writer: str, seq: int, record: Record, fields: bytes, sealed: bytes | None) -> bytes:
    """The bytes of a row that its hash covers: a JSON object with sorted keys, without white space.

    `fields` goes in as the very bytes that are stored, so no number is ever written twice; `sealed` as its
    SHA-256, so that a sealed text may be erased one day without breaking the proof of the rest.
    """
    return orjson.dumps(
        {
            "content_id": record.content_id,
            "created": record.created,
            "fields": orjson.Fragment(fields),
            "kind": record.kind,
            "library_version": record.library_version,
            "request_id": record.request_id,
            "sealed": None if sealed is None else hashlib.sha256(sealed).hexdigest(),
            "seq": seq,
            "status": record.status,
            "writer": writer,
        }
    )
