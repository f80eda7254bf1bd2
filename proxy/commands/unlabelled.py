"""What the commands of the register of unlabelled content do."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import asdict

from proxy.commands.library import acting, open_desk
from proxy.commands.records import append_record
from proxy.governance.unlabelled import GRANTERS, Grant, RegisterError, event_of, faults_of, new_grant
from proxy.house import Clock, iso_time
from proxy.keys import KeyFile
from proxy.records.record import Query, Record, RecordError
from proxy.records.store import open_store
from proxy.settings import Settings
from proxy.worker import unlabelled_register

__all__ = ["as_json", "faults", "grant", "grants", "revoke"]


def grant(settings: Settings, said: Mapping[str, str]) -> dict[str, str]:
    """Record a grant, then let it count. Raises OSError, ValueError for what is missing, ProcedureError for who may not."""
    said = {**said, "granted_by": _granter(settings, said["granted_by"])}
    now = iso_time(Clock().now_ms())
    if said["tenant"] not in {tenant.name for tenant in settings.tenants}:
        raise ValueError(f"there is no tenant {said['tenant']!r}; known: {_names(settings)}")
    made = new_grant("u-" + secrets.token_hex(6), said, now)
    keys = KeyFile.load(settings.keys.file, settings.keys.command)
    _record(settings, keys, made, "grant", now)
    try:
        unlabelled_register(settings, keys).add(made)
    except RegisterError as error:
        raise ValueError(str(error)) from error
    return as_json(made, now)


def revoke(settings: Settings, identifier: str, operator: str, reason: str) -> dict[str, str]:
    """End a grant, then record it. Raises OSError, ValueError where there is none to end, ProcedureError for who may not."""
    operator = _granter(settings, operator)
    now = iso_time(Clock().now_ms())
    keys = KeyFile.load(settings.keys.file, settings.keys.command)
    try:
        ended = unlabelled_register(settings, keys).revoke(identifier, by=operator, reason=reason, now=now)
    except (LookupError, RegisterError) as error:
        raise ValueError(str(error)) from error
    _record(settings, keys, ended, "revoke", now)
    return as_json(ended, now)


def grants(settings: Settings) -> list[dict[str, str]]:
    """Raises OSError, ValueError for a register that was tampered with."""
    now = iso_time(Clock().now_ms())
    try:
        listed = unlabelled_register(settings, KeyFile.load(settings.keys.file, settings.keys.command)).all()
    except RegisterError as error:
        raise ValueError(str(error)) from error
    return [as_json(one, now) for one in listed]


def faults(settings: Settings) -> list[str]:
    """Where the register says other than the records do; grants older than the records are kept are not told."""
    keys = KeyFile.load(settings.keys.file, settings.keys.command)
    store = open_store(settings.records.url, keys=keys, retention_days=settings.records.retention_days)

    async def recorded() -> tuple[list[Record], str]:
        events = [stored.record async for stored in store.read(Query(kind="unlabelled"))]
        first = [stored.record.created async for stored in store.read(Query(limit=1))]
        return events, first[0] if first else ""

    events, since = asyncio.run(recorded())
    return list(faults_of(unlabelled_register(settings, keys).all(), events, since).values())


def as_json(grant: Grant, now: str) -> dict[str, str]:
    return {**asdict(grant), "state": grant.state(now)}


def _granter(settings: Settings, name: str) -> str:
    """Once there are operators, one of them with the role for it; else whoever runs the command."""
    actor = acting(open_desk(settings), name)
    actor.must_be(GRANTERS, "grant or revoke content without a label")
    return actor.name


def _record(settings: Settings, keys: KeyFile, made: Grant, event: str, now: str) -> None:
    if not settings.records.enabled:
        raise ValueError("records are off (records.enabled): a grant that is not recorded cannot count")
    try:
        asyncio.run(append_record(settings, keys, event_of(made, event, now)))
    except RecordError as error:
        raise ValueError(f"{event} {made.id} could not be recorded: {error}") from error


def _names(settings: Settings) -> str:
    return ", ".join(tenant.name for tenant in settings.tenants) or "none"
