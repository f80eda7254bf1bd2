"""What the commands of the key file do."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labelers.provenance import content_number
from labelers.reserved_code import public_key
from labelers.sm2 import Sm2Error
from labelers.watermarks.engine import engine_key
from proxy.commands.library import acting, open_desk
from proxy.commands.records import append_record
from proxy.governance.people import Actor
from proxy.house import Clock, iso_time
from proxy.keys import KeyFile
from proxy.records.record import Record
from proxy.settings import Settings
from proxy.shared_keys import share
from proxy.signature import signing_key
from proxy.worker import key_file, key_ring

__all__ = [
    "engine_keys",
    "leak_key",
    "list_keys",
    "new_keys",
    "public_signing_key",
    "rotate_keys",
    "share_keys",
]


def new_keys(settings: Settings) -> KeyFile:
    """Raises FileExistsError: a second master would make every mark so far unverifiable."""
    if settings.keys.file.exists():
        raise FileExistsError(
            f"{settings.keys.file} exists already; a new master key would leave every mark made so far unverifiable. "
            "To change keys: inkseal keys rotate"
        )
    return key_file(settings)


def rotate_keys(settings: Settings, operator: str, reason: str) -> KeyFile:
    """Recorded once it is done. Raises OSError, ValueError, ProcedureError for who may not, RecordError."""
    keys, actor = KeyFile.load(settings.keys.file, settings.keys.command), _keeper(settings, operator)
    now = iso_time(Clock().now_ms())
    made = keys.rotate(now=now)
    _record(settings, made, "rotate", actor, reason, now, {"epoch": made.current})
    return made


def leak_key(settings: Settings, kid: int, not_after: str, operator: str, reason: str) -> KeyFile:
    """`not_after`: "", a content id, or a time (ISO 8601): all content ids of up to then. Raises as above.

    What a leaked key vouches for ends first and is recorded then: trust is not kept because a disk is full.
    """
    keys, actor = KeyFile.load(settings.keys.file, settings.keys.command), _keeper(settings, operator)
    upto, now = _content_id(not_after), iso_time(Clock().now_ms())
    made = keys.leak(kid, not_after=upto, now=now)
    fields = {"epoch": kid, "not_after": upto, "signs_now": made.current}
    _record(settings, made, "leak", actor, reason, now, fields)
    return made


def _keeper(settings: Settings, name: str) -> Actor:
    """Once there are operators, one of them with the role for it; else whoever runs the command."""
    actor = acting(open_desk(settings), name)
    actor.must_be(("admin",), "change or share keys")
    return actor


def _record(
    settings: Settings,
    keys: KeyFile,
    event: str,
    actor: Actor,
    reason: str,
    now: str,
    fields: Mapping[str, Any],
) -> None:
    if not settings.records.enabled:
        return
    said = {"event": event, "operator": actor.name, "authenticated": actor.how, "reason": reason, **fields}
    asyncio.run(append_record(settings, keys, Record("keys", "", "", "", now, "", said)))


def _content_id(told: str) -> str:
    told = told.strip()
    if not told or re.fullmatch(r"[0-9A-Fa-f]{16}", told):
        return told.lower()
    try:
        time = datetime.fromisoformat(told)
    except ValueError:
        raise ValueError(
            f"--not-after: {told!r} is neither a content id (16 hex digits) nor a time like 2026-11-27T08:00:00+08:00"
        ) from None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return f"{content_number(int(time.timestamp() * 1000), (1 << 24) - 1):016x}"


def engine_keys(settings: Settings, kid: int | None) -> str:
    """The key of an epoch for engines' plug-ins, in hex. Raises ValueError: there is no such epoch."""
    keys = KeyFile.load(settings.keys.file, settings.keys.command)
    wanted = keys.current if kid is None else kid
    if wanted not in [epoch.kid for epoch in keys.epochs]:
        raise ValueError(f"there is no key epoch {wanted}; inkseal keys list shows them")
    return engine_key(key_ring(keys, settings.provider.names()), wanted).hex()


def share_keys(settings: Settings, kids: Sequence[int], out: Path, operator: str, reason: str) -> None:
    """Writes the keys of these epochs for another provider, once that is recorded: no key leaves unrecorded.

    Raises FileExistsError, ValueError, ProcedureError for who may not, RecordError.
    """
    keys, actor = KeyFile.load(settings.keys.file, settings.keys.command), _keeper(settings, operator)
    content = share(keys, kids, settings.provider.names())
    if out.exists():
        raise FileExistsError(f"{out} exists already; name another file, or remove it")
    fields = {"epochs": list(kids), "file": out.name, "sha256": hashlib.sha256(content).hexdigest()}
    _record(settings, keys, "share", actor, reason, iso_time(Clock().now_ms()), fields)
    with os.fdopen(os.open(out, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
        stream.write(content)


def list_keys(settings: Settings) -> list[dict[str, Any]]:
    return [epoch.to_json() for epoch in KeyFile.load(settings.keys.file, settings.keys.command).epochs]


def public_signing_key(settings: Settings) -> str:
    """What others pin to us: SubjectPublicKeyInfo in hex. Raises OSError or ValueError."""
    try:
        return public_key(signing_key(KeyFile.load(settings.keys.file, settings.keys.command)))
    except Sm2Error as error:
        raise ValueError(str(error)) from error
