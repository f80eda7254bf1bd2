"""Puts a desk of the procedure together, for the command line and for a server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from proxy.governance.desk import Desk, Recorder
from proxy.governance.dry_run import DryRun
from proxy.governance.names import Names
from proxy.governance.people import ProcedureError
from proxy.governance.store import (
    TamperedError,
    UnavailableError,
    governance_exists,
    open_governance,
)
from proxy.house import Clock, House, iso_time
from proxy.keys import KeyFile
from proxy.records.crypto import RecordCipher
from proxy.records.monthly import read_records
from proxy.records.record import ACCEPTED, CLOSED, Query, Record, StoredRecord
from proxy.records.store import open_store
from proxy.review.pointers import Rollout
from proxy.settings import Settings
from proxy.wire import ENDPOINTS

__all__ = [
    "answers",
    "desk_of",
    "last_in_force",
    "names_in",
    "now_iso",
    "one_time_recorder",
    "server_recorder",
    "trial_of",
]

log = logging.getLogger("inkseal")

MAX_TRAFFIC = 500_000  # characters of recent answers in a dry run
RECORD_SECONDS = 30.0


def desk_of(settings: Settings, keys: KeyFile, recorder: Recorder) -> Desk:
    """A desk on the library of these settings; what was published before comes under the procedure first."""
    desk = Desk(
        open_governance(settings.records.url, keys.derive("inkseal|governance|1")),
        settings.review.library,
        keys.derive("inkseal|library|1"),
        settings.library,
        recorder,
        now_iso,
        DryRun(_traffic(settings, keys)),
        names_in(settings),
    )
    desk.adopt()
    return desk


def names_in(settings: Settings) -> Names:
    """What entries may be limited to, as these settings have it."""
    return Names(
        tuple(ENDPOINTS),
        tuple((tenant.name, tuple(tenant.models)) for tenant in settings.tenants),
        tuple(dict.fromkeys(model for upstream in settings.upstreams for model in upstream.models)),
    )


def last_in_force(settings: Settings, keys: KeyFile) -> dict[str, Any]:
    """What the procedure put in force last: `version`, and the serials of its pointers; {} before it has begun."""
    if not governance_exists(settings.records.url):
        return {}
    store = open_governance(settings.records.url, keys.derive("inkseal|governance|1"))
    try:
        with store.reading() as ledger:
            return ledger.fact("pointers") or {}
    except (TamperedError, UnavailableError) as error:
        log.error("what the procedure put in force last cannot be read: %s", error)
        return {}


def trial_of(
    settings: Settings, state: str, percent: float = 0, tenants: Sequence[str] = ()
) -> Rollout | None:
    """The trial that `state` ("live", "shadow", "canary") means, None for "live"; its version is filled in later.

    ProcedureError for a trial of nobody, or of a tenant that is not there.
    """
    if state != "canary":
        if percent or tenants:
            raise ProcedureError("invalid_step", "a percentage and tenants belong to a canary", 400)
        return Rollout("", state) if state == "shadow" else None
    if not percent and not tenants:
        raise ProcedureError("invalid_step", "a canary is for some percent of the users, or for tenants", 400)
    known = [tenant.name for tenant in settings.tenants]
    for name in tenants:
        if name not in known:
            raise ProcedureError(
                "invalid_step",
                f"there is no tenant {name}; the tenants are {', '.join(known) or 'none'}",
                400,
            )
    return Rollout("", "canary", percent, tuple(tenants))


def now_iso() -> str:
    """ISO 8601 UTC with milliseconds."""
    return iso_time(Clock().now_ms())


def one_time_recorder(settings: Settings, keys: KeyFile) -> Recorder:
    """For a command: opens the records for each event and closes them."""

    async def append(records: Sequence[Record]) -> None:
        store = open_store(settings.records.url, keys=keys, retention_days=settings.records.retention_days)
        await store.open()
        try:
            for record in records:
                await store.append(record)
        finally:
            await store.close()

    def record(records: Sequence[Record]) -> None:
        if settings.records.enabled:
            asyncio.run(append(records))

    return record


def server_recorder(house: House, loop: asyncio.AbstractEventLoop) -> Recorder:
    """For a thread of a server: the records of its event loop."""

    async def append(records: Sequence[Record]) -> None:
        for record in records:
            await house.records.append(record)

    def record(records: Sequence[Record]) -> None:
        asyncio.run_coroutine_threadsafe(append(records), loop).result(RECORD_SECONDS)

    return record


def answers(
    settings: Settings, keys: KeyFile, since: str | None = None, limit: int = 1000
) -> Iterator[tuple[Record, dict[str, Any]]]:
    """Recent closed requests of which texts or findings are kept, newest first, with these in clear.

    The fields of the record are those of both records of the request: tenant, model and endpoint stand in the first.
    """
    folder = Path(settings.records.url.removeprefix("sqlite:///"))
    if not folder.is_dir():
        return
    cipher = RecordCipher(keys)
    query = Query(kind="request", since=since, newest_first=True, limit=10 * limit)
    waiting: dict[str, StoredRecord] = {}
    for stored in read_records(folder, query):
        name = stored.record.request_id
        if stored.record.status != ACCEPTED:
            if stored.sealed is not None:
                waiting[name] = stored
            continue
        closing = waiting.pop(name, None)
        if closing is not None:
            fields = {**stored.record.fields, **closing.record.fields}
            yield replace(closing.record, fields=fields), cipher.unseal(closing.sealed or b"", name)
            limit -= 1
            if limit <= 0:
                return
    for name, closing in waiting.items():  # accepted before `since`
        yield closing.record, cipher.unseal(closing.sealed or b"", name)


def _traffic(settings: Settings, keys: KeyFile) -> Iterator[str]:
    """Texts of recent answers in which nothing was found, where texts are kept."""
    if settings.records.store_text != "all":
        return
    size = 0
    for record, secret in answers(settings, keys):
        if record.status == CLOSED and not secret.get("findings"):
            for text in secret.get("outputs", ()):
                yield text
                size += len(text)
            if size > MAX_TRAFFIC:
                return
