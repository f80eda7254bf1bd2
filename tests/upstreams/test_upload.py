"""Requests whose body comes in pieces: sent as they come, at the server's pace, never half a request for a whole one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest

from proxy.upstreams.upstream import UpstreamError, UpstreamRequest
from tests.upstreams.raw_server import Limits, Visit, head, read, serve, upstream_at

OK = head(length=2) + b"ok"


async def given(pieces: Iterable[bytes | asyncio.Event | Exception]) -> AsyncIterator[bytes]:
    for piece in pieces:
        if isinstance(piece, Exception):
            raise piece
        if isinstance(piece, asyncio.Event):
            await piece.wait()
        else:
            yield piece


def upload(*pieces: bytes | asyncio.Event | Exception, length: int | None = None) -> UpstreamRequest:
    return UpstreamRequest("POST", "/files", [("content-type", "x/y")], b"", given(pieces), length)


async def head_of(visit: Visit) -> str:
    return (await visit.reader.readuntil(b"\r\n\r\n")).decode().lower()


async def test_a_body_of_known_length_goes_out_as_it_comes() -> None:
    got = asyncio.Event()

    async def handler(visit: Visit) -> None:
        assert "content-length: 6" in await head_of(visit)
        assert await visit.reader.readexactly(3) == b"abc"
        got.set()
        assert await visit.reader.readexactly(3) == b"def"
        await visit.send(OK)

    request = upload(b"abc", b"", got, b"def", length=6)
    async with (
        serve(handler) as server,
        upstream_at(server) as upstream,
        upstream.open(request) as response,
    ):
        assert await read(response) == b"ok"


async def test_a_body_of_unknown_length_is_chunked() -> None:
    async def handler(visit: Visit) -> None:
        assert "transfer-encoding: chunked" in await head_of(visit)
        assert await visit.reader.readuntil(b"0\r\n\r\n") == b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"
        await visit.send(OK)

    async with (
        serve(handler) as server,
        upstream_at(server) as upstream,
        upstream.open(upload(b"abc", b"d")) as response,
    ):
        assert await read(response) == b"ok"


async def test_a_large_body_waits_for_a_slow_server() -> None:
    sent = 0
    size, count = 256 * 1024, 64

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(count):
            sent += 1
            yield b"x" * size

    async def handler(visit: Visit) -> None:
        await head_of(visit)
        await asyncio.sleep(0.2)
        assert sent < count
        await visit.reader.readexactly(size * count)
        await visit.send(OK)

    async with serve(handler) as server, upstream_at(server) as upstream:
        request = UpstreamRequest("POST", "/files", (), b"", pieces(), size * count)
        async with upstream.open(request) as response:
            assert await read(response) == b"ok"
    assert sent == count


async def test_an_answer_before_the_end_of_the_body_is_read_and_the_connection_not_used_again() -> None:
    async def handler(visit: Visit) -> None:
        await head_of(visit)
        await visit.send(head("413 Too Large", length=2) + b"no")
        await visit.left()

    async with serve(handler) as server, upstream_at(server) as upstream:
        async with upstream.open(upload(b"abc", asyncio.Event(), length=9)) as response:
            assert (response.status, await read(response)) == (413, b"no")
        await asyncio.wait_for(server.visits[0].gone.wait(), 2)


async def test_a_body_that_breaks_off_ends_the_request() -> None:
    async def handler(visit: Visit) -> None:
        await head_of(visit)
        await visit.left()

    async with serve(handler) as server, upstream_at(server) as upstream:
        with pytest.raises(UpstreamError, match="broke off: gone"):
            async with upstream.open(upload(b"abc", ConnectionError("gone"), length=9)):
                pass
        await asyncio.wait_for(server.visits[0].gone.wait(), 2)


async def test_a_server_that_goes_away_meanwhile_is_a_reset() -> None:
    async def handler(visit: Visit) -> None:
        await head_of(visit)
        visit.reset()

    async with serve(handler) as server, upstream_at(server) as upstream:
        with pytest.raises(UpstreamError) as caught:
            async with upstream.open(upload(*[b"x" * 65536] * 400)):
                pass
    assert caught.value.kind == "reset"


async def test_the_time_that_the_pieces_take_is_not_the_servers() -> None:
    gate = asyncio.Event()

    async def handler(visit: Visit) -> None:
        await head_of(visit)
        await visit.reader.readexactly(2)
        await visit.left()

    async with serve(handler) as server, upstream_at(server, timeouts=Limits(first_byte=0.1)) as upstream:
        asyncio.get_running_loop().call_later(0.4, gate.set)
        started = asyncio.get_running_loop().time()
        with pytest.raises(UpstreamError) as caught:
            async with upstream.open(upload(b"a", gate, b"b", length=2)):
                pass
    assert caught.value.kind == "timeout_first_byte"
    assert asyncio.get_running_loop().time() - started >= 0.4
