"""One request and its answer over a pool of connections: time limits, one retry, decoding, cancelling by leaving."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from types import TracebackType

from proxy.upstreams.connection import Connection
from proxy.upstreams.decoding import Decoder, DecodingError, TooLargeError, new_decoder
from proxy.upstreams.pool import Pool
from proxy.upstreams.upstream import ErrorKind, TimeLimits, UpstreamError, UpstreamResponse

__all__ = ["Exchange", "Upload"]

# They describe the connection and the coding, which end here (RFC 9110, 7.6.1).
FRAMING_HEADERS = frozenset(("connection", "keep-alive", "transfer-encoding", "content-encoding"))
DECODED_HEADERS = FRAMING_HEADERS | {"content-length"}


@dataclass(frozen=True, slots=True)
class Upload:
    """The body of a request that comes in pieces. `chunked`: its length is not known beforehand."""

    pieces: AsyncIterator[bytes]
    chunked: bool


class Exchange:
    """The context manager that `open` returns.

    `request` is the message as it goes over the wire, whole but for the body of an `upload`.
    """

    def __init__(
        self, pool: Pool, request: bytes, limits: TimeLimits, where: str, upload: Upload | None = None
    ) -> None:
        self._pool = pool
        self._request = request
        self._limits = limits
        self._where = where
        self._upload = upload
        self._uploading: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._watch: _Watch | None = None

    async def __aenter__(self) -> UpstreamResponse:
        deadline = asyncio.get_running_loop().time() + self._limits.total
        try:
            connection = await self._answered(deadline)
            encoding = next((value for name, value in connection.headers if name == "content-encoding"), "")
            decoder = new_decoder(encoding)
        except DecodingError as error:
            self._leave()
            raise UpstreamError("protocol", f"{self._where}: {error}") from error
        except BaseException:
            self._leave()
            raise
        dropped = FRAMING_HEADERS if decoder is None else DECODED_HEADERS
        headers = [pair for pair in connection.headers if pair[0] not in dropped]
        body = _Body(connection) if decoder is None else _DecodedBody(connection, decoder, self._where)
        return UpstreamResponse(connection.status, headers, body)

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
        if self._uploading is not None and self._connection is not None:
            if not self._uploading.done():
                # Half a request spoils the connection, whatever was answered to it.
                self._uploading.cancel()
                self._connection.abort()
            self._uploading = None
        if self._connection is not None:
            self._pool.release(self._connection)
            self._connection = None

    async def _answered(self, deadline: float) -> Connection:
        """A connection whose answer's headers have come.

        A reused connection that dies before any byte of an answer was most likely closed by the server while it
        was idle: the request is sent once more, on a fresh one, so that a second death is real.
        """
        connection = self._connection = await self._pool.acquire(fresh=self._upload is not None)
        try:
            return await self._send(connection, deadline)
        except UpstreamError as error:
            if not connection.reused or error.kind != "reset" or connection.received:
                raise
        self._leave()
        connection = self._connection = await self._pool.acquire(fresh=True)
        return await self._send(connection, deadline)

    async def _send(self, connection: Connection, deadline: float) -> Connection:
        connection.send(self._request)
        self._watch = _Watch(connection, self._limits, deadline, self._where)
        if self._upload is not None:
            self._uploading = asyncio.create_task(self._send_pieces(connection, self._upload))
        await connection.head()
        return connection

    async def _send_pieces(self, connection: Connection, upload: Upload) -> None:
        """Beside the wait for the answer, which may come before the body has ended."""
        try:
            while True:
                # The server is not to blame for the time that the pieces take to come.
                connection.waiting_since = None
                data = await anext(upload.pieces, None)
                connection.waiting_since = asyncio.get_running_loop().time()
                if data is None:
                    break
                if data:
                    await connection.write(b"%x\r\n%s\r\n" % (len(data), data) if upload.chunked else data)
            if upload.chunked:
                await connection.write(b"0\r\n\r\n")
        except Exception as error:
            connection.fail(
                UpstreamError("reset", f"{self._where}: the body of the request broke off: {error}")
            )


class _Watch:
    """The time limits after the connection, with one timer: it looks when it is due, and rearms for the rest.

    So a chunk costs no timer, and a slow reader is not taken for a silent upstream.
    """

    __slots__ = ("_connection", "_deadline", "_limits", "_loop", "_timer", "_where")

    def __init__(self, connection: Connection, limits: TimeLimits, deadline: float, where: str) -> None:
        self._connection = connection
        self._limits = limits
        self._deadline = deadline
        self._where = where
        self._loop = asyncio.get_running_loop()
        due = min(self._loop.time() + min(limits.first_byte, limits.idle), deadline)
        self._timer = self._loop.call_at(due, self._look)

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        connection, limits, now = self._connection, self._limits, self._loop.time()
        silence = limits.idle if connection.head_done else limits.first_byte
        since = now if connection.waiting_since is None else connection.waiting_since
        if now >= self._deadline:
            self._fail("timeout_total", f"the answer took longer than {limits.total:g} s")
        elif now - since < silence:
            self._timer = self._loop.call_at(min(since + silence, self._deadline), self._look)
        elif connection.head_done:
            self._fail("timeout_idle", f"silent for {silence:g} s within the answer")
        else:
            self._fail("timeout_first_byte", f"no answer within {silence:g} s")

    def _fail(self, kind: ErrorKind, what: str) -> None:
        retryable = not self._connection.received
        self._connection.fail(UpstreamError(kind, f"{self._where}: {what}", retryable=retryable))


class _Body(AsyncIterator[bytes]):
    """The body as it comes. Not a generator: it may be left anywhere without being closed."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def __anext__(self) -> bytes:
        data = await self._connection.read()
        if data:
            return data
        raise StopAsyncIteration


class _DecodedBody(AsyncIterator[bytes]):
    """The body without its content-encoding."""

    __slots__ = ("_connection", "_decoder", "_pieces", "_received", "_where")

    def __init__(self, connection: Connection, decoder: Decoder, where: str) -> None:
        self._connection = connection
        self._decoder = decoder
        self._pieces: Iterator[bytes] = iter(())
        self._received = False
        self._where = where

    async def __anext__(self) -> bytes:
        try:
            while True:
                piece = next(self._pieces, None)
                if piece is not None:
                    return piece
                data = await self._connection.read()
                if not data:
                    break
                self._received = True
                self._pieces = self._decoder.feed(data)
            if self._received:
                self._decoder.finish()
        except DecodingError as error:
            kind: ErrorKind = "too_large" if isinstance(error, TooLargeError) else "protocol"
            raise UpstreamError(kind, f"{self._where}: {error}") from error
        raise StopAsyncIteration
