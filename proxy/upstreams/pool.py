"""The connections to one origin: a bounded number, kept alive between exchanges, the last used first."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from contextlib import suppress

from proxy.upstreams.connection import Connection
from proxy.upstreams.upstream import UpstreamError

__all__ = ["IDLE_LIMIT", "Pool"]

# Seconds that an unused connection is trusted; shorter than what common servers and balancers allow.
IDLE_LIMIT = 30.0
CLOSE_LIMIT = 1.0


class Pool:
    """Connections to `host`:`port`, over TLS where a context is given; `limit` of them at most, the rest wait.

    `connect_limit` in seconds covers the wait for a free one, name resolution, TCP and TLS.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        where: str,
        limit: int,
        connect_limit: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host, self._port, self._tls = host, port, tls
        self._where = where
        self._limit = limit
        self._connect_limit = connect_limit
        self._slots = asyncio.Semaphore(limit)
        self._idle: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self._gone = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def acquire(self, *, fresh: bool = False) -> Connection:
        """A connection of one's own, until `release`; `fresh`: never a used one. Raises UpstreamError."""
        if self._slots.locked() or fresh or not self._idle:
            return await self._connect(fresh)
        await self._slots.acquire()
        return self._idle_one() or await self._connected()

    def release(self, connection: Connection) -> None:
        """Take it back: kept if it can serve again, else closed at once."""
        if connection.release():
            connection.idle_since = self._loop.time()
            self._idle.append(connection)
            while self._idle and self._expired(self._idle[0]):
                self._idle.popleft().abort()
        else:
            connection.abort()
        self._slots.release()

    async def close(self) -> None:
        """Close all, also those in use, and wait until they are gone."""
        for connection in list(self._all):
            connection.fail(UpstreamError("reset", f"{self._where}: closed by us"))
        if self._all:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_LIMIT):
                    await self._gone.wait()

    async def _connect(self, fresh: bool) -> Connection:
        waiting = True
        try:
            async with asyncio.timeout(self._connect_limit):
                await self._slots.acquire()
                waiting = False
                return (None if fresh else self._idle_one()) or await self._connected()
        except TimeoutError:
            what = f"none of {self._limit} connections came free" if waiting else "no connection"
            message = f"{self._where}: {what} within {self._connect_limit:g} s"
            raise UpstreamError("timeout_connect", message, retryable=True) from None

    async def _connected(self) -> Connection:
        """A new connection; the slot is given back if it fails."""
        try:
            _, connection = await self._loop.create_connection(
                lambda: Connection(self._where, self._lost), self._host, self._port, ssl=self._tls
            )
        except (OSError, ssl.SSLError) as error:
            self._slots.release()
            raise UpstreamError(
                "connect", f"{self._where}: cannot connect: {error}", retryable=True
            ) from error
        except BaseException:
            self._slots.release()
            raise
        self._all.add(connection)
        self._gone.clear()
        return connection

    def _idle_one(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not self._expired(connection):
                return connection
            connection.abort()
        return None

    def _expired(self, connection: Connection) -> bool:
        return self._loop.time() - connection.idle_since > IDLE_LIMIT

    def _lost(self, connection: Connection) -> None:
        self._all.discard(connection)
        if not self._all:
            self._gone.set()
        with suppress(ValueError):
            self._idle.remove(connection)
