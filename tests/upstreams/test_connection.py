"""Answers in exact bytes, over a real connection: every framing, and every way to be broken."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.upstreams.connection import HIGH_WATER, MAX_HEAD, Connection
from proxy.upstreams.upstream import UpstreamError
from tests.upstreams.raw_server import CHUNKED, Visit, answering, ask, chunk, head, post, serve, upstream_at

raw_deflate = zlib.compressobj(wbits=-15)
RAW_DEFLATE = raw_deflate.compress(b"hello") + raw_deflate.flush()

ANSWERS = {
    "content-length": (head(length=5) + b"hello", b"hello"),
    "chunked": (CHUNKED + chunk(b"hel") + chunk(b"lo") + b"0\r\n\r\n", b"hello"),
    "chunked with extensions and trailers": (CHUNKED + b"5;x=y\r\nhello\r\n0\r\nx-t: 1\r\n\r\n", b"hello"),
    "close-delimited": (head() + b"hello", b"hello"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nhello", b"hello"),
    "HTTP/1.0 with length": (b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", b"hello"),
    "connection: close": (head("200 OK", "connection: close", length=5) + b"hello", b"hello"),
    "100 before": (b"HTTP/1.1 100 Continue\r\n\r\n" + head(length=5) + b"hello", b"hello"),
    "103 before": (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + head(length=5) + b"hello", b"hello"),
    "no content": (head("204 No Content"), b""),
    "empty": (head(length=0), b""),
    "empty gzip": (head("200 OK", "content-encoding: gzip", length=0), b""),
    "gzip": (head("200 OK", "content-encoding: gzip") + gzip.compress(b"hello"), b"hello"),
    "deflate": (head("200 OK", "content-encoding: deflate") + zlib.compress(b"hello"), b"hello"),
    "raw deflate": (head("200 OK", "content-encoding: deflate") + RAW_DEFLATE, b"hello"),
    "identity": (head("200 OK", "content-encoding: identity", length=5) + b"hello", b"hello"),
}


@pytest.mark.parametrize("case", ANSWERS)
async def test_every_framing_of_a_body_is_read_to_its_end(case: str) -> None:
    data, expected = ANSWERS[case]
    async with serve(answering(data)) as server, upstream_at(server) as upstream:
        status, headers, body = await ask(upstream)
    assert status == (204 if case == "no content" else 200)
    assert body == expected
    assert "content-encoding" not in headers
    assert "transfer-encoding" not in headers


@pytest.mark.parametrize("case", ANSWERS)
async def test_an_answer_that_comes_byte_by_byte_reads_the_same(case: str) -> None:
    data, expected = ANSWERS[case]

    async def handler(visit: Visit) -> None:
        await visit.request()
        for i in range(len(data)):
            await visit.send(data[i : i + 1])
            await asyncio.sleep(0)

    async with serve(handler) as server, upstream_at(server) as upstream:
        assert (await ask(upstream))[2] == expected


# What the upstream does, what the error's kind is, whether another upstream may be asked.
FAILURES: dict[str, tuple[Any, str, bool]] = {
    "closes before headers": (answering(b""), "reset", True),
    "resets before headers": (answering(b"", then="reset"), "reset", True),
    "closes within headers": (answering(b"HTTP/1.1 200 OK\r\ncontent-le"), "reset", False),
    "resets within headers": (answering(b"HTTP/1.1 200 OK\r\ncontent-le", then="reset"), "reset", False),
    "closes within a sized body": (answering(head(length=10) + b"hello"), "reset", False),
    "resets within a sized body": (answering(head(length=10) + b"hello", then="reset"), "reset", False),
    "closes within a chunk": (answering(CHUNKED + b"a\r\nhello"), "reset", False),
    "closes between chunks": (answering(CHUNKED + chunk(b"hello")), "reset", False),
    "resets between chunks": (answering(CHUNKED + chunk(b"hello"), then="reset"), "reset", False),
    "resets a close-delimited body": (answering(head() + b"hello", then="reset"), "reset", False),
    "garbage instead of headers": (answering(b"\x16\x03\x01garbage\r\n\r\n", then="hold"), "protocol", False),
    "not HTTP": (answering(b"SSH-2.0-OpenSSH_9.2\r\n", then="hold"), "protocol", False),
    "garbage instead of a chunk": (answering(CHUNKED + b"zz\r\nhello\r\n", then="hold"), "protocol", False),
    "garbage after a chunk": (
        answering(CHUNKED + chunk(b"hello") + b"nonsense\r\n", then="hold"),
        "protocol",
        False,
    ),
    "two lengths": (
        answering(head("200 OK", "content-length: 5", length=6) + b"hello!", then="hold"),
        "protocol",
        False,
    ),
    "negative length": (answering(head("200 OK", "content-length: -1"), then="hold"), "protocol", False),
    "a long header line": (answering(head("200 OK", "x: " + "y" * 70_000), then="hold"), "too_large", False),
    "many headers": (answering(head("200 OK", *["x: y"] * 20_000), then="hold"), "too_large", False),
    "endless headers": (
        answering(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 50_000, then="hold"),
        "too_large",
        False,
    ),
    "endless trailers": (
        answering(CHUNKED + b"0\r\n" + b"x: y\r\n" * 50_000, then="hold"),
        "too_large",
        False,
    ),
    "endless chunk extension": (answering(CHUNKED + b"5;" + b"x" * 200_000, then="hold"), "too_large", False),
    "endless interim answers": (
        answering(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10_000, then="hold"),
        "too_large",
        False,
    ),
    "an upgrade": (
        answering(head("101 Switching Protocols", "upgrade: x", "connection: upgrade")),
        "protocol",
        False,
    ),
    "a coding other than chunked": (
        answering(head("200 OK", "transfer-encoding: gzip") + b"x"),
        "protocol",
        False,
    ),
    "length and chunked": (
        answering(
            head("200 OK", "transfer-encoding: chunked", length=3) + b"3\r\nabc\r\n0\r\n\r\n", then="hold"
        ),
        "protocol",
        False,
    ),
    "unknown compression": (
        answering(head("200 OK", "content-encoding: zstd") + b"x", then="hold"),
        "protocol",
        False,
    ),
    "damaged gzip": (
        answering(head("200 OK", "content-encoding: gzip") + b"hello", then="hold"),
        "protocol",
        False,
    ),
    "cut gzip": (
        answering(head("200 OK", "content-encoding: gzip", length=12) + gzip.compress(b"hello")[:12]),
        "protocol",
        False,
    ),
}


@pytest.mark.parametrize("case", FAILURES)
async def test_a_broken_answer_is_an_error_of_its_kind_and_never_a_short_body(case: str) -> None:
    handler, kind, retryable = FAILURES[case]
    async with serve(handler) as server, upstream_at(server) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await asyncio.wait_for(ask(upstream), 3)
    assert caught.value.kind == kind
    assert caught.value.retryable is retryable
    assert "main" in caught.value.message
    assert "sk-upstream" not in caught.value.message


class FakeTransport(asyncio.Transport):
    """Remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.paused = self.aborted = False
        self.written = b""
        self.unsent = 0

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def get_write_buffer_size(self) -> int:
        return self.unsent


def connected() -> tuple[Connection, FakeTransport]:
    connection, transport = Connection("upstream 'main'", lambda _: None), FakeTransport()
    connection.connection_made(transport)
    return connection, transport


@given(st.sampled_from(sorted(ANSWERS)), st.lists(st.integers(1, 200), max_size=20))
def test_any_split_of_an_answer_reads_the_same(case: str, cuts: list[int]) -> None:
    async def play() -> tuple[int, list[tuple[str, str]], bytes]:
        connection, _ = connected()
        connection.send(b"request")
        data = ANSWERS[case][0]
        for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True):
            if data[start:end]:
                connection.data_received(data[start:end])
        connection.connection_lost(None)
        await connection.head()
        body = b""
        while piece := await connection.read():
            body += piece
        return connection.status, connection.headers, body

    async def whole() -> tuple[int, list[tuple[str, str]], bytes]:
        cuts.clear()
        return await play()

    split = asyncio.run(play())
    assert split == asyncio.run(whole())


@given(st.binary(max_size=300), st.booleans())
def test_only_our_own_error_comes_out_of_any_bytes(data: bytes, with_head: bool) -> None:
    async def play() -> None:
        connection, _ = connected()
        connection.send(b"request")
        connection.data_received((CHUNKED if with_head else b"HTTP/1.1 ") + data)
        connection.connection_lost(None)
        with suppress(UpstreamError):
            await connection.head()
            while await connection.read():
                pass

    asyncio.run(play())


async def test_reading_stops_while_nobody_takes_the_body_and_goes_on_when_it_is_taken() -> None:
    connection, transport = connected()
    connection.send(b"request")
    connection.data_received(head())
    for _ in range(HIGH_WATER // 1000 + 1):
        connection.data_received(b"x" * 1000)
    assert transport.paused
    assert len(await connection.read()) > HIGH_WATER
    assert not transport.paused


async def test_headers_just_within_the_bound_are_taken() -> None:
    value = "y" * (MAX_HEAD - 1000)
    async with (
        serve(answering(head("200 OK", f"x: {value}", length=0))) as server,
        upstream_at(server) as upstream,
    ):
        assert (await ask(upstream))[1]["x"] == value


async def test_bytes_that_nobody_asked_for_close_an_idle_connection() -> None:
    connection, transport = connected()
    connection.data_received(head("408 Request Timeout"))
    assert transport.aborted


@pytest.mark.parametrize(
    ("data", "unsent", "reusable"),
    [
        (head(length=2) + b"ok", 0, True),
        (CHUNKED + b"0\r\n\r\n", 0, True),
        (head("204 No Content"), 0, True),
        (head("304 Not Modified"), 0, True),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n", 0, True),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", 0, False),
        (head("200 OK", "connection: close", length=0), 0, False),
        (head("200 OK", "connection: close", length=0) + b"behind", 0, False),
        (head(length=2) + b"o", 0, False),
        (head(length=2) + b"okHTTP/1.1 200 OK\r\n", 0, False),
        (head(length=2) + b"ok" + head(length=3) + b"not", 0, False),
        (head(length=2) + b"okgarbage", 0, False),
        (head(length=2) + b"ok", 1, False),
    ],
)
async def test_a_connection_is_reused_only_after_a_whole_answer_with_nothing_around_it(
    data: bytes, unsent: int, reusable: bool
) -> None:
    connection, transport = connected()
    connection.send(b"request")
    connection.data_received(data)
    transport.unsent = unsent
    assert connection.release() is reusable


async def test_what_stands_behind_a_whole_answer_does_not_reach_its_body() -> None:
    connection, _ = connected()
    connection.send(b"request")
    connection.data_received(head(length=2) + b"ok" + head("500 No", "x: y", length=3) + b"not")
    await connection.head()
    assert (connection.status, await connection.read(), await connection.read()) == (200, b"ok", b"")
    assert connection.headers == [("content-length", "2")]


async def test_a_request_on_a_lost_connection_is_a_reset_before_any_byte() -> None:
    connection, _ = connected()
    connection.connection_lost(None)
    connection.send(b"request")
    with pytest.raises(UpstreamError, match="before it answered") as caught:
        await connection.head()
    assert caught.value.retryable
    connection.abort()


async def test_what_came_before_an_error_is_read_first() -> None:
    connection, _ = connected()
    connection.send(b"request")
    connection.data_received(CHUNKED + chunk(b"hello"))
    connection.fail(UpstreamError("timeout_idle", "silent"))
    connection.fail(UpstreamError("reset", "the first error counts"))
    await connection.head()
    assert await connection.read() == b"hello"
    with pytest.raises(UpstreamError, match="silent"):
        await connection.read()


async def test_a_large_frame_passes_whole() -> None:
    frame = b"data: " + b"x" * 2**23 + b"\n\n"
    async with (
        serve(answering(CHUNKED + chunk(frame) + b"0\r\n\r\n")) as server,
        upstream_at(server) as upstream,
    ):
        assert (await ask(upstream))[2] == frame


async def test_a_slow_reader_holds_the_upstream_back() -> None:
    sent = 0
    blocked = asyncio.Event()

    async def handler(visit: Visit) -> None:
        nonlocal sent
        await visit.request()
        await visit.send(head())
        try:
            while True:
                async with asyncio.timeout(0.5):
                    await visit.send(b"x" * 65536)
                sent += 65536
        except TimeoutError:
            blocked.set()
        await visit.left()

    async with serve(handler) as server, upstream_at(server) as upstream, upstream.open(post()) as response:
        assert len(await anext(response.body)) <= HIGH_WATER * 4
        await asyncio.wait_for(blocked.wait(), 20)
    # What lies in the two kernel buffers on the way is not ours to bound.
    assert sent < 2**25
