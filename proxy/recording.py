"""The two records of one request: "accepted" before anything is forwarded, and the closing one, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.house import House, iso_time
from proxy.records.record import ACCEPTED, Record

__all__ = ["Recording"]


@dataclass(slots=True)
class Recording:
    """Both carry the request id, by which readers pair them."""

    house: House
    request_id: str
    content_id: str = ""
    library_version: str = ""
    accepted: bool = False
    closing: bool = False

    async def accept(self, fields: Mapping[str, Any], now: int) -> None:
        """Returns when it is durable. `now`: Unix milliseconds. Raises RecordError."""
        self.accepted = True
        await self._append(ACCEPTED, fields, None, now)

    @property
    def open(self) -> bool:
        """The closing record is due and nobody writes it yet."""
        return self.accepted and not self.closing

    async def close(self, status: str, fields: Mapping[str, Any], secret: Mapping[str, Any] | None) -> None:
        """Writes the closing record, once. Not given up when the task is cancelled meanwhile."""
        if not self.open:
            return
        self.closing = True
        await asyncio.shield(self._append(status, fields, secret, self.house.clock.now_ms()))

    async def _append(
        self, status: str, fields: Mapping[str, Any], secret: Mapping[str, Any] | None, now: int
    ) -> None:
        await self.house.records.append(
            Record(
                kind="request",
                request_id=self.request_id,
                content_id=self.content_id,
                status=status,
                created=iso_time(now),
                library_version=self.library_version,
                fields=fields,
                secret=secret,
            )
        )
