"""One client connection of HTTP/1.1: bytes written as given, answers parsed by llhttp (through httptools).

Strategy. The parser does the grammar; this class adds what decides between an answer and half an answer:

- How a body ends. With a length or in chunks, only the parser may end it. Else the closing of the connection
  does, but only a clean one: a reset never passes for an end (RFC 9112, 6.3 and 8).
- Bounds. The transport is paused above `HIGH_WATER` undelivered bytes. Bytes that bring no body (headers,
  trailers, chunk extensions, interim answers) may not exceed `MAX_HEAD` in a row.
- Reuse. Only after a whole answer, with nothing behind it, our request fully written, and keep-alive agreed.
- `received` tells a connection that was dead already from one that died answering.

Time is not watched here, except for `waiting_since`: see exchange.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import httptools

from proxy.upstreams.upstream import ErrorKind, UpstreamError

__all__ = ["HIGH_WATER", "MAX_HEAD", "Connection"]

HIGH_WATER = 128 * 1024
MAX_HEAD = 64 * 1024


class Connection(asyncio.Protocol):
    """One connection, one exchange at a time: `send`, `head`, `read` until it returns b"".

    `where` is put before messages. `on_lost` is called once, when the connection is gone.
    """

    def __init__(self, where: str, on_lost: Callable[[Connection], None]) -> None:
        self._where = where
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._full = False
        self._lost = False
        self.reused = False
        self.idle_since = 0.0
        # When the reader began to wait; None while it is busy elsewhere.
        self.waiting_since: float | None = None
        # Between exchanges nothing is expected: as after an answer.
        self.done = True
        self._expecting = False

    # What an exchange calls.

    def send(self, request: bytes) -> None:
        """Write a whole request and expect its answer."""
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.head_done = self.done = self.received = False
        self._expecting = True
        self._interim = self._sized = self._surplus = self._paused = self._keep_alive = False
        self._error: UpstreamError | None = None
        self._pieces: list[bytes] = []
        self._buffered = self._without_body = self._head_size = 0
        self._parser = httptools.HttpResponseParser(self)
        if self._lost:
            self._error = self._reset()
        else:
            self._transport.write(request)

    async def write(self, data: bytes) -> None:
        """More of a request's body; waits while the server takes no more. A lost connection shows in `head`."""
        if self._lost:
            return
        self._transport.write(data)
        while self._full and not self._lost:
            self._writable = self._loop.create_future()
            await self._writable

    async def head(self) -> None:
        """Wait for the answer's status and headers. Raises UpstreamError."""
        while not self.head_done:
            if self._error is not None:
                raise self._error
            await self._wait()

    async def read(self) -> bytes:
        """What has come of the body, at least one byte; b"" at its end. Raises UpstreamError."""
        while not self._pieces:
            if self._error is not None:
                raise self._error
            if self.done:
                return b""
            await self._wait()
        pieces, self._pieces = self._pieces, []
        self._buffered = 0
        if self._paused and not self._lost:
            self._paused = False
            self._transport.resume_reading()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def fail(self, error: UpstreamError) -> None:
        """End the exchange with an error, after what is buffered; the connection is closed."""
        if self._error is None and not self.done:
            self._error = error
        self.abort()
        self._wake()

    def abort(self) -> None:
        """Close now, whatever is unsent or unread."""
        if not self._lost:
            self._transport.abort()

    def release(self) -> bool:
        """End the exchange; whether the connection may serve another one."""
        self._expecting = False
        self.reused = True
        return (
            self.done
            and not (self._lost or self._surplus or self._transport.is_closing())
            and self._error is None
            and self._keep_alive
            and self._transport.get_write_buffer_size() == 0
        )

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if not self._expecting:
            # Nobody asked: typically a 408 before an idle connection is closed.
            self.abort()
            return
        self.received = True
        self._without_body += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail("protocol", "switched protocols, unasked")
        except httptools.HttpParserError as error:
            # Bytes behind a whole answer spoil the connection, not the answer.
            self._surplus = True
            if not self.done:
                self._fail("protocol", f"not a valid HTTP answer ({error})")
        if self._without_body > MAX_HEAD and not self.done:
            self._fail("too_large", f"more than {MAX_HEAD} bytes of headers")
        if self._buffered > HIGH_WATER and not self._paused and not self._lost:
            self._paused = True
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = True
        self.resume_writing()
        if self._expecting and not self.done and self._error is None:
            if self.head_done and not self._sized and error is None:
                self.done = True
            else:
                self._error = self._reset()
        self._wake()
        self._on_lost(self)

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._surplus = self.done

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.head_done:
            return  # a trailer
        self._head_size += len(name) + len(value) + 4
        if self._head_size > MAX_HEAD:
            self._fail("too_large", f"more than {MAX_HEAD} bytes of headers")
            return
        self.headers.append((name.decode("latin-1").lower(), value.decode("latin-1").strip()))

    def on_headers_complete(self) -> None:
        if self.done or self._error is not None:
            return
        self.status = self._parser.get_status_code()
        self._interim = 100 <= self.status < 200
        if self._interim:
            self.headers.clear()
            return
        for name, value in self.headers:
            if name == "transfer-encoding":
                self._sized = True
                if value.lower() != "chunked":
                    self._fail("protocol", f"transfer-encoding {value!r}")
                    return
            elif name == "content-length":
                self._sized = True
        # After the message the parser has forgotten it.
        self._keep_alive = self._parser.should_keep_alive()
        self.head_done = True
        self._without_body = 0
        self._wake()

    def on_body(self, body: bytes) -> None:
        if self.done:
            return
        self._pieces.append(body)
        self._buffered += len(body)
        self._without_body = 0
        self._wake()

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
            return
        self.done = True
        self._wake()

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        if self.waiting_since is None:
            self.waiting_since = self._loop.time()
        try:
            await self._waiter
        finally:
            self._waiter = None
            if self.head_done:
                self.waiting_since = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, kind: ErrorKind, what: str) -> None:
        self.fail(UpstreamError(kind, f"{self._where}: {what}"))

    def _reset(self) -> UpstreamError:
        when = "within its answer" if self.received else "before it answered"
        message = f"{self._where}: closed the connection {when}"
        return UpstreamError("reset", message, retryable=not self.received)
