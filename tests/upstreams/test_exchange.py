"""One request over the wire: time limits, the stale connection, decoding, cancelling by leaving."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import uvloop

from proxy.upstreams import decoding
from proxy.upstreams.upstream import UpstreamError
from tests.upstreams.raw_server import (
    CHUNKED,
    Limits,
    Visit,
    answering,
    ask,
    chunk,
    head,
    post,
    serve,
    upstream_at,
)

OK = head(length=2) + b"ok"


def after(data: bytes) -> Any:
    """A handler that sends this and falls silent."""
    return answering(data, then="hold")


@pytest.mark.parametrize(
    ("data", "limits", "kind", "retryable"),
    [
        (b"", Limits(first_byte=0.1), "timeout_first_byte", True),
        (b"", Limits(first_byte=0.1, idle=0.01), "timeout_first_byte", True),
        (b"HTTP/1.1 200 OK\r\n", Limits(first_byte=0.1), "timeout_first_byte", False),
        (b"HTTP/1.1 103 Hints\r\n\r\n", Limits(first_byte=0.1), "timeout_first_byte", False),
        (CHUNKED, Limits(idle=0.1), "timeout_idle", False),
        (CHUNKED + chunk(b"x"), Limits(idle=0.1), "timeout_idle", False),
        (CHUNKED + chunk(b"x"), Limits(idle=0.1, first_byte=0.01), "timeout_idle", False),
        (b"", Limits(total=0.1), "timeout_total", True),
        (CHUNKED + chunk(b"x"), Limits(total=0.1), "timeout_total", False),
    ],
)
async def test_silence_ends_at_its_limit(data: bytes, limits: Limits, kind: str, retryable: bool) -> None:
    async with serve(after(data)) as server, upstream_at(server, timeouts=limits) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await ask(upstream)
        await asyncio.wait_for(server.visits[0].gone.wait(), 5)
    assert (caught.value.kind, caught.value.retryable, caught.value.status) == (kind, retryable, 504)


async def test_a_dripping_answer_meets_the_total_limit() -> None:
    async def handler(visit: Visit) -> None:
        await visit.request()
        await visit.send(CHUNKED)
        while True:
            await visit.send(chunk(b"x"))
            await asyncio.sleep(0.02)

    async with (
        serve(handler) as server,
        upstream_at(server, timeouts=Limits(idle=0.2, total=0.5)) as upstream,
    ):
        with pytest.raises(UpstreamError) as caught:
            await ask(upstream)
    assert caught.value.kind == "timeout_total"


async def test_a_reader_that_is_busy_elsewhere_is_not_a_silent_upstream() -> None:
    async with (
        serve(after(CHUNKED + chunk(b"x"))) as server,
        upstream_at(server, timeouts=Limits(idle=0.05)) as upstream,
        upstream.open(post()) as response,
    ):
        assert await anext(response.body) == b"x"
        await asyncio.sleep(0.3)
        assert not server.visits[0].gone.is_set()
        with pytest.raises(UpstreamError) as caught:
            await anext(response.body)
        assert caught.value.kind == "timeout_idle"


async def test_the_total_limit_closes_the_connection_of_a_reader_that_never_comes_back() -> None:
    async with (
        serve(after(CHUNKED + chunk(b"x"))) as server,
        upstream_at(server, timeouts=Limits(total=0.1)) as upstream,
        upstream.open(post()) as response,
    ):
        await asyncio.wait_for(server.visits[0].gone.wait(), 5)
        assert await anext(response.body) == b"x"
        with pytest.raises(UpstreamError, match=r"longer than 0\.1 s"):
            await anext(response.body)


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\n"])
async def test_a_cancelled_wait_for_the_first_byte_closes_the_connection(data: bytes) -> None:
    async with serve(after(data)) as server, upstream_at(server) as upstream:
        task = asyncio.create_task(ask(upstream))
        await server.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.visits[0].gone.wait(), 5)


async def test_leaving_within_the_body_closes_the_connection_while_the_upstream_is_still_talking() -> None:
    async with serve(after(CHUNKED + chunk(b"x"))) as server, upstream_at(server) as upstream:
        async with upstream.open(post()) as response:
            await anext(response.body)
        await asyncio.wait_for(server.visits[0].gone.wait(), 5)


async def test_leaving_with_most_of_the_request_unsent_closes_the_connection() -> None:
    seen, left, gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handler(visit: Visit) -> None:
        await visit.reader.readuntil(b"\r\n\r\n")
        seen.set()
        await left.wait()
        await visit.left()
        gone.set()

    async with serve(handler) as server, upstream_at(server) as upstream:
        task = asyncio.create_task(ask(upstream, body=b"x" * 2**25))
        await seen.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        left.set()
        await asyncio.wait_for(gone.wait(), 10)


async def test_an_error_in_the_block_closes_the_connection_and_comes_through() -> None:
    async with serve(after(CHUNKED)) as server, upstream_at(server) as upstream:
        with pytest.raises(ZeroDivisionError):
            async with upstream.open(post()):
                raise ZeroDivisionError
        await asyncio.wait_for(server.visits[0].gone.wait(), 5)


def stale(how: str, *, first: int = 1) -> Any:
    """Connections before number `first` answer once and die at the second request; later ones follow `how`."""

    async def handler(visit: Visit) -> None:
        if visit.number < first:
            await visit.request()
            await visit.send(OK)
            await visit.request()
            if how == "partial":
                await visit.send(b"HTTP/1.1 2")
            if how == "reset":
                visit.reset()
            return
        await visit.request()
        if how != "dies again":
            await visit.send(OK)
            await visit.left()

    return handler


@pytest.mark.parametrize("how", ["closes", "reset"])
async def test_a_reused_connection_that_dies_silently_is_replaced_by_a_fresh_one(how: str) -> None:
    async with serve(stale(how)) as server, upstream_at(server) as upstream:
        assert (await ask(upstream, body=b"1"))[2] == b"ok"
        assert (await ask(upstream, body=b"2"))[2] == b"ok"
        assert [len(visit.requests) for visit in server.visits] == [2, 1]
        assert server.visits[1].requests == [server.visits[0].requests[1]]


async def test_the_retry_takes_no_other_idle_connection() -> None:
    async with serve(stale("closes", first=2)) as server, upstream_at(server) as upstream:
        async with upstream.open(post()) as one, upstream.open(post()) as two:
            for response in (one, two):
                assert [piece async for piece in response.body] == [b"ok"]
        assert (await ask(upstream))[2] == b"ok"
        assert sorted(len(visit.requests) for visit in server.visits) == [1, 1, 2]


async def test_the_second_death_is_told() -> None:
    async with serve(stale("dies again")) as server, upstream_at(server) as upstream:
        await ask(upstream)
        with pytest.raises(UpstreamError) as caught:
            await ask(upstream)
        assert (caught.value.kind, caught.value.retryable) == ("reset", True)
        assert [len(visit.requests) for visit in server.visits] == [2, 1]


async def test_a_reused_connection_that_dies_answering_is_not_retried() -> None:
    async with serve(stale("partial")) as server, upstream_at(server) as upstream:
        await ask(upstream)
        with pytest.raises(UpstreamError) as caught:
            await ask(upstream)
        assert (caught.value.kind, caught.value.retryable) == ("reset", False)
        assert len(server.visits) == 1


async def test_a_fresh_connection_that_dies_is_not_retried() -> None:
    async with serve(answering(b"")) as server, upstream_at(server) as upstream:
        with pytest.raises(UpstreamError):
            await ask(upstream)
        assert len(server.visits) == 1


async def test_a_bomb_comes_in_bounded_pieces_and_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding.Inflate.__init__, "__kwdefaults__", {"limit": 2**20})
    bomb = gzip.compress(bytes(2**24))
    data = head("200 OK", "content-encoding: gzip", length=len(bomb)) + bomb
    sizes: list[int] = []

    async def take(body: AsyncIterator[bytes]) -> None:
        async for piece in body:
            sizes.append(len(piece))

    async with (
        serve(after(data)) as server,
        upstream_at(server) as upstream,
        upstream.open(post()) as response,
    ):
        with pytest.raises(UpstreamError) as caught:
            await take(response.body)
    assert caught.value.kind == "too_large"
    assert sum(sizes) == 2**20
    assert max(sizes) <= decoding.PIECE


async def test_a_decoded_answer_loses_the_length_and_keeps_the_other_headers() -> None:
    packed = gzip.compress(b"hello")
    data = head("200 OK", "content-encoding: gzip", "x-request-id: 1", length=len(packed)) + packed
    async with serve(after(data)) as server, upstream_at(server) as upstream:
        assert await ask(upstream) == (200, {"x-request-id": "1"}, b"hello")


async def test_an_undecoded_answer_keeps_its_length_and_loses_what_describes_the_connection() -> None:
    data = (
        head("200 OK", "Connection: keep-alive", "Keep-Alive: timeout=5", "X-A: 1", "X-A: 2", length=2)
        + b"ok"
    )
    async with (
        serve(after(data)) as server,
        upstream_at(server) as upstream,
        upstream.open(post()) as response,
    ):
        assert response.headers == [("x-a", "1"), ("x-a", "2"), ("content-length", "2")]


@pytest.mark.parametrize(
    "test",
    [
        test_a_dripping_answer_meets_the_total_limit,
        test_a_reader_that_is_busy_elsewhere_is_not_a_silent_upstream,
        test_the_total_limit_closes_the_connection_of_a_reader_that_never_comes_back,
        test_leaving_within_the_body_closes_the_connection_while_the_upstream_is_still_talking,
        test_leaving_with_most_of_the_request_unsent_closes_the_connection,
        test_an_error_in_the_block_closes_the_connection_and_comes_through,
        test_the_retry_takes_no_other_idle_connection,
        test_the_second_death_is_told,
        test_a_reused_connection_that_dies_answering_is_not_retried,
        test_a_fresh_connection_that_dies_is_not_retried,
        test_a_decoded_answer_loses_the_length_and_keeps_the_other_headers,
        test_an_undecoded_answer_keeps_its_length_and_loses_what_describes_the_connection,
    ],
)
def test_it_is_the_same_on_uvloop_as_served(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    uvloop.run(test())
