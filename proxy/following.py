"""What a worker does for the feature library while it serves: follows what is published, and keeps its dates."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any

from proxy.desks import desk_of, server_recorder
from proxy.governance.due import notify
from proxy.governance.people import ProcedureError
from proxy.governance.release import republish_due
from proxy.governance.store import TamperedError, UnavailableError
from proxy.governance.webhook import post
from proxy.governance.workers import Heartbeat, heartbeats
from proxy.house import House
from proxy.keys import KeyFile
from proxy.records.record import RecordError
from proxy.review.failures import LibraryError
from proxy.review.store import load_version

__all__ = ["follow_library", "keep_library", "tell_version", "told", "workers"]

POLL_SECONDS = 0.05  # two small reads
BEAT_SECONDS = 2.0
KEEP_SECONDS = 60.0
log = logging.getLogger("inkseal")


async def follow_library(house: House) -> None:
    """Swaps the library when another version goes live or on trial; a stream under way keeps its own."""
    library = house.library
    while True:
        try:
            await _catch_up(house)
            library.failure = ""
        except (LibraryError, OSError) as error:
            # The library that was checked when it was loaded goes on serving.
            if str(error) != library.failure:
                log.error("the feature library cannot be loaded, the one before stays: %s", error)
            library.failure = str(error)
        await asyncio.sleep(POLL_SECONDS)


async def tell_version(house: House) -> None:
    """The heartbeat: every few seconds, also while a library is being loaded, and at once when it has changed."""
    heartbeat = Heartbeat(house.settings.review.library, house.worker)
    library, beaten, before = house.library, float("-inf"), None
    try:
        while True:
            now = house.clock.monotonic()
            state = (library.current, library.candidate, library.trial, library.failure)
            if state != before or now - beaten >= BEAT_SECONDS:
                beaten, before = now, state
                try:
                    await asyncio.to_thread(heartbeat.beat, told(house))
                except OSError as error:
                    log.warning("the heartbeat of this worker cannot be written: %s", error)
            await asyncio.sleep(POLL_SECONDS)
    finally:
        heartbeat.stop()


async def _catch_up(house: House) -> None:
    """LibraryError, OSError: what is published cannot be loaded."""
    folder, library = house.settings.review.library, house.library
    current, pointers = library.current, library.pointers
    live = pointers.live()
    if live != (current.version if current is not None else None):
        assert live is not None  # taken away is refused
        library.current = await asyncio.to_thread(load_version, folder, live, house.library_key)
        library.loaded_ms = house.clock.now_ms()
    trial = pointers.trial()
    if trial != library.trial:
        candidate = library.candidate
        if trial is None:
            candidate = None
        elif candidate is None or candidate.version != trial.version:
            candidate = await asyncio.to_thread(load_version, folder, trial.version, house.library_key)
        library.candidate, library.trial = candidate, trial


def told(house: House) -> dict[str, Any]:
    """The heartbeat of this worker."""
    library = house.library
    return {
        "worker": house.worker,
        "pid": os.getpid(),
        "seen_ms": house.clock.now_ms(),
        "version": library.current.version if library.current is not None else None,
        "loaded_ms": library.loaded_ms,
        "trial": library.candidate.version if library.candidate is not None else None,
        "trial_state": library.trial.state if library.trial is not None else None,
        "failure": library.failure,
        "metrics": house.metrics.told(house.live, house.records.queued, house.fingerprints.dropped),
    }


def workers(house: House) -> list[dict[str, Any]]:
    """What all live workers told last, this one as it is now."""
    now = house.clock.now_ms()
    others = [one for one in heartbeats(house.settings.review.library, now) if one["worker"] != house.worker]
    return sorted([told(house) | {"age_seconds": 0.0}, *others], key=lambda one: str(one["worker"]))


async def keep_library(house: House) -> None:
    """Once a minute: publishes what time brought or ended, and tells who waits for what."""
    loop = asyncio.get_running_loop()
    settings = house.settings
    keys = KeyFile.load(settings.keys.file, settings.keys.command)

    def work() -> None:
        desk = desk_of(settings, keys, server_recorder(house, loop))
        done = republish_due(desk)
        if done is not None:
            log.info("version %s is in force: dates of effect and expiry", done.version[:12])
        notify(desk, post)

    while True:
        await asyncio.sleep(KEEP_SECONDS)
        try:
            await asyncio.to_thread(work)
        except (
            ProcedureError, TamperedError, UnavailableError, LibraryError, RecordError, OSError
        ) as error:  # fmt: skip
            log.error("the dates of the feature library cannot be kept: %s", error)
