"""The candidates behind one interface: POST a body, iterate over the answer's pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["CLIENTS", "Client"]

HEADERS = {"content-type": "application/json", "authorization": "Bearer sk-x", "accept-encoding": "identity"}
CONNECTIONS = 200


class Client(Protocol):
    async def start(self) -> None: ...
    async def close(self) -> None: ...
    def post(self, body: bytes) -> AbstractAsyncContextManager[tuple[int, AsyncIterator[bytes]]]: ...


class Httpx:
    """httpx and httpx2: the same interface, two libraries."""

    def __init__(self, url: str, library: str) -> None:
        self._url = url
        self._library = __import__(library)

    async def start(self) -> None:
        limits = self._library.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        self._client = self._library.AsyncClient(limits=limits, timeout=60, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    @asynccontextmanager
    async def post(self, body: bytes) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        async with self._client.stream("POST", self._url, content=body, headers=HEADERS) as response:
            yield response.status_code, response.aiter_raw()


class Aiohttp:
    def __init__(self, url: str) -> None:
        self._url = url

    async def start(self) -> None:
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=600, sock_connect=5),
            auto_decompress=False,
        )

    async def close(self) -> None:
        await self._session.close()

    @asynccontextmanager
    async def post(self, body: bytes) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        async with self._session.post(self._url, data=body, headers=HEADERS) as response:
            yield response.status, response.content.iter_any()


class AiohttpWithLimits(Aiohttp):
    """What the data path needs on top: first-byte, idle and total limits told apart, and whether the connection
    was a reused one (only tracing tells), so that a stale one can be retried."""

    async def start(self) -> None:
        import aiohttp

        async def reused(_session: Any, context: Any, _params: Any) -> None:
            context.trace_request_ctx["reused"] = True

        trace = aiohttp.TraceConfig()
        trace.on_connection_reuseconn.append(reused)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, connect=5, sock_connect=5),
            auto_decompress=False,
            trace_configs=[trace],
        )

    @asynccontextmanager
    async def post(self, body: bytes) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        loop = asyncio.get_running_loop()
        waiting_since: list[float | None] = [None]
        async with asyncio.timeout(60):
            response = await self._session.post(
                self._url,
                data=body,
                headers=HEADERS,
                allow_redirects=False,
                trace_request_ctx={"reused": False},
            )

        async def pieces() -> AsyncIterator[bytes]:
            while True:
                waiting_since[0] = loop.time()
                piece = await response.content.readany()
                waiting_since[0] = None
                if not piece:
                    return
                yield piece

        def look() -> None:
            nonlocal timer
            since = waiting_since[0]
            if since is not None and loop.time() - since > 60:
                response.close()
            timer = loop.call_later(60, look)

        timer = loop.call_later(60, look)
        try:
            yield response.status, pieces()
        finally:
            timer.cancel()
            response.close()


@dataclass(frozen=True)
class _Limits:
    connect: float = 5
    first_byte: float = 60
    idle: float = 60
    total: float = 600


class OurUpstream:
    """proxy/upstreams/openai_compatible.py as it is served: four time limits, stale connections, decoding."""

    def __init__(self, url: str) -> None:
        from proxy.upstreams.openai_compatible import OpenAICompatible

        @dataclass(frozen=True)
        class Settings:
            name: str = "mock"
            kind: str = "openai_compatible"
            base_url: str = url.removesuffix("/chat/completions")
            api_key: str = "sk-x"
            models: tuple[str, ...] = ("*",)
            timeouts: _Limits = _Limits()
            max_connections: int = CONNECTIONS
            headers: Any = ()

        self._upstream = OpenAICompatible(Settings(headers={}))

    async def start(self) -> None:
        await self._upstream.start()

    async def close(self) -> None:
        await self._upstream.close()

    @asynccontextmanager
    async def post(self, body: bytes) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        from proxy.upstreams.upstream import UpstreamRequest

        request = UpstreamRequest("POST", "/chat/completions", [("content-type", "application/json")], body)
        async with self._upstream.open(request) as response:
            yield response.status, response.body


class _BareConnection(asyncio.Protocol):
    """The least that works on httptools: no limits of any kind, no TLS, no stale connections, no back pressure."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.waiter: asyncio.Future[None] | None = None
        self.head = self.done = self.lost = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, data: bytes) -> None:
        import httptools

        self.parser = httptools.HttpResponseParser(self)
        self.head = self.done = False
        self.transport.write(data)

    def on_headers_complete(self) -> None:
        self.head = True

    def on_body(self, body: bytes) -> None:
        self.pieces.append(body)

    def on_message_complete(self) -> None:
        self.done = True

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        self._wake()

    async def wait(self) -> None:
        if self.lost:
            raise ConnectionResetError
        self.waiter = asyncio.get_running_loop().create_future()
        await self.waiter

    async def body(self) -> AsyncIterator[bytes]:
        while True:
            if self.pieces:
                data = b"".join(self.pieces)
                self.pieces.clear()
                yield data
            elif self.done:
                return
            else:
                await self.wait()

    def _wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)


class BareHttptools:
    def __init__(self, url: str) -> None:
        authority, _, self._path = url.removeprefix("http://").partition("/")
        self._host, _, port = authority.partition(":")
        self._port = int(port)
        self._idle: list[_BareConnection] = []

    async def start(self) -> None:
        fields = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
        self._head = f"POST /{self._path} HTTP/1.1\r\nhost: {self._host}:{self._port}\r\n{fields}".encode()

    async def close(self) -> None:
        for connection in self._idle:
            connection.transport.abort()

    @asynccontextmanager
    async def post(self, body: bytes) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        if self._idle:
            connection = self._idle.pop()
        else:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(_BareConnection, self._host, self._port)
        try:
            connection.send(b"%scontent-length: %d\r\n\r\n%s" % (self._head, len(body), body))
            while not connection.head:
                await connection.wait()
            yield connection.parser.get_status_code(), connection.body()
        finally:
            if connection.done:
                self._idle.append(connection)
            else:
                connection.transport.abort()


CLIENTS: dict[str, Callable[[str], Client]] = {
    "httptools, bare": BareHttptools,
    "httptools, hardened (ours)": OurUpstream,
    "aiohttp, bare": Aiohttp,
    "aiohttp, with limits": AiohttpWithLimits,
    "httpx2": lambda url: Httpx(url, "httpx2"),
    "httpx": lambda url: Httpx(url, "httpx"),
}
