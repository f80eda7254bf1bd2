"""A version on trial in the shadow: it reads what was said, after it was said, and only its findings are recorded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.records.record import Record, RecordError
from proxy.review.entry import Direction
from proxy.review.library import Library
from proxy.review.reviewer import Finding
from proxy.review.scope import Passage

if TYPE_CHECKING:
    from proxy.house import House

__all__ = ["Said", "Shadow"]

MAX_WAITING = 1000
log = logging.getLogger("inkseal")


@dataclass(frozen=True, slots=True)
class Said:
    """One exchange that is over: its texts and where they stood, and which entries the live version found in it."""

    request_id: str
    library_version: str
    texts: Sequence[Passage]
    found: frozenset[tuple[Direction, str]]


class Shadow:
    """A queue that an exchange puts itself into when it is over; when it is full, that is counted."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[Library, Said]] = asyncio.Queue(MAX_WAITING)

    def offer(self, library: Library, said: Said) -> bool:
        """Whether there was room."""
        try:
            self._queue.put_nowait((library, said))
        except asyncio.QueueFull:
            return False
        return True

    async def run(self, house: House) -> None:
        """Reviews what comes, in a thread; as long as the worker lives."""
        while True:
            library, said = await self._queue.get()
            findings = await asyncio.to_thread(_review, library, said)
            if findings:
                await _record(house, library, said, findings)
            house.metrics.shadowed += 1


async def _record(
    house: House, library: Library, said: Said, findings: Sequence[tuple[Passage, Finding]]
) -> None:
    from proxy.house import iso_time

    fields = {
        "version": library.version,
        "findings": [
            {
                "direction": str(passage.scope.direction),
                "entry": finding.entry_id,
                "category": finding.category,
                "action": str(finding.action),
                "view": finding.view,
                "part": passage.part,
                "start": finding.start,
                "end": finding.end,
                "new": (passage.scope.direction, finding.entry_id) not in said.found,
            }
            for passage, finding in findings
        ],
    }
    now = iso_time(house.clock.now_ms())
    try:
        await house.records.append(
            Record("shadow", said.request_id, "", "", now, said.library_version, fields)
        )
    except RecordError as error:
        log.warning("a finding of the version on trial could not be recorded: %s", error)


def _review(library: Library, said: Said) -> list[tuple[Passage, Finding]]:
    return [(passage, finding) for passage in said.texts for finding in library.review_passage(passage)]
