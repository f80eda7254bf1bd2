"""A loopback server that writes exact bytes, for everything that a well-behaved server would not do."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from proxy.upstreams.openai_compatible import OpenAICompatible
from proxy.upstreams.upstream import UpstreamRequest, UpstreamResponse

__all__ = [
    "CHUNKED",
    "Limits",
    "Server",
    "Settings",
    "Visit",
    "answering",
    "ask",
    "chunk",
    "head",
    "post",
    "read",
    "serve",
    "upstream_at",
]


@dataclass(frozen=True)
class Limits:
    connect: float = 5.0
    first_byte: float = 5.0
    idle: float = 5.0
    total: float = 20.0


@dataclass(frozen=True)
class Settings:
    name: str = "main"
    kind: str = "openai_compatible"
    base_url: str = "http://127.0.0.1:9/v1"
    api_key: str = "sk-upstream"
    models: Sequence[str] = ("*",)
    timeouts: Limits = Limits()
    max_connections: int = 8
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Visit:
    """One connection as the server sees it; a handler plays it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    asked: asyncio.Event
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def request(self) -> tuple[str, dict[str, str], bytes]:
        """The next request: its line, its headers by lower-case name, its body."""
        raw = await self.reader.readuntil(b"\r\n\r\n")
        line, *fields = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in fields)}
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append((line, headers, body))
        self.asked.set()
        return self.requests[-1]

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def left(self) -> None:
        """Wait until the client closed the connection."""
        try:
            while await self.reader.read(65536):
                pass
        except OSError:
            pass
        self.gone.set()

    def reset(self) -> None:
        """End with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@dataclass
class Server:
    port: int
    visits: list[Visit]
    asked: asyncio.Event  # set when any request has come

    def url(self, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}/v1"


@asynccontextmanager
async def serve(
    handler: Callable[[Visit], Awaitable[None]], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """Run `handler` for each connection; it is closed when the handler returns."""
    visits: list[Visit] = []
    asked = asyncio.Event()
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        visit = Visit(reader, writer, len(visits), asked)
        visits.append(visit)
        try:
            await handler(visit)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()
            tasks.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls, limit=2**20)
    try:
        yield Server(server.sockets[0].getsockname()[1], visits, asked)
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(list(tasks), timeout=2)


def head(status: str = "200 OK", *fields: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", *fields]
    if length is not None:
        lines.append(f"content-length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def post(body: bytes = b"{}", path: str = "/chat/completions", **headers: str) -> UpstreamRequest:
    pairs = [("content-type", "application/json"), *((k.replace("_", "-"), v) for k, v in headers.items())]
    return UpstreamRequest("POST", path, pairs, body)


CHUNKED = head("200 OK", "transfer-encoding: chunked", "content-type: text/event-stream")


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def answering(data: bytes, *, then: str = "close") -> Callable[[Visit], Awaitable[None]]:
    """A handler that answers each request with these bytes, then closes, resets, keeps or holds the connection."""

    async def handler(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.send(data)
            if then == "reset":
                await asyncio.sleep(0.05)
                visit.reset()
                return
            if then == "hold":
                await visit.left()
                return
            if then == "close":
                return

    return handler


@asynccontextmanager
async def upstream_at(
    server: Server, *, scheme: str = "http", tls: ssl.SSLContext | None = None, **settings: Any
) -> AsyncIterator[OpenAICompatible]:
    """A started upstream for that server, closed at the end."""
    settings.setdefault("base_url", server.url(scheme))
    upstream = OpenAICompatible(Settings(**settings), tls=tls)
    await upstream.start()
    try:
        yield upstream
    finally:
        await upstream.close()


async def read(response: UpstreamResponse) -> bytes:
    return b"".join([piece async for piece in response.body])


async def ask(upstream: OpenAICompatible, **options: Any) -> tuple[int, dict[str, str], bytes]:
    async with upstream.open(post(**options)) as response:
        return response.status, dict(response.headers), await read(response)
