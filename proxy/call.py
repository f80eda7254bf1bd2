"""One request as it came in, the way back, and the watch that stops the work when the client leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from proxy.policy import Rules

__all__ = ["Call", "Message", "Presence", "Receive", "Reply"]

# Of ASGI.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


@dataclass(frozen=True, slots=True)
class Call:
    """What came in: header names in lower case, the body read whole."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    rules: Rules
    request_id: str


class Reply(Protocol):
    """The way back to the client; `app` makes it from ASGI."""

    started: bool

    async def start(self, status: int, headers: Sequence[tuple[str, str]]) -> None: ...

    async def send(self, data: bytes, *, more: bool = True) -> None: ...

    async def gone(self) -> None:
        """Returns once the client has left."""
        ...


class Presence:
    """Cancels the task that serves a client once the client has left; `left` tells why it was cancelled.

    `beat` is called every `every` seconds until then.
    """

    def __init__(self, reply: Reply, every: float, beat: Callable[[], Awaitable[None]]) -> None:
        self._reply = reply
        self._every = every
        self._beat = beat
        self.left = False
        self.settled = False
        """The answer is as good as sent: a client that leaves now has got it."""

    def watch(self, pump: asyncio.Task[Any]) -> asyncio.Task[None]:
        """Watches over `pump`. The caller cancels the returned task at the end."""

        async def watching() -> None:
            gone = asyncio.ensure_future(self._reply.gone())
            try:
                while not (await asyncio.wait({gone}, timeout=self._every))[0]:
                    await self._beat()
                if not self.settled:
                    self.left = True
                    pump.cancel()
            finally:
                gone.cancel()

        return asyncio.create_task(watching())
