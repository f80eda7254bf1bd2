"""The scripted upstream plays what is written and remembers what it saw."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from proxy.upstreams import replies
from proxy.upstreams.replies import STALL
from proxy.upstreams.scripted import Scripted
from proxy.upstreams.upstream import UpstreamError, UpstreamRequest
from tests.upstreams.raw_server import Settings, post


async def play(
    upstream: Scripted, request: UpstreamRequest | None = None
) -> tuple[int, dict[str, str], bytes]:
    async with upstream.open(request or post()) as response:
        return response.status, dict(response.headers), b"".join([piece async for piece in response.body])


async def test_exact_bytes_status_and_headers_are_played() -> None:
    upstream = Scripted.reply([b"a", 0.0, b"b"], status=418, headers=[("x-a", "1")], before=[0])
    assert await play(upstream) == (418, {"x-a": "1"}, b"ab")
    assert upstream.requests == [post()]
    assert upstream.played[0].finished
    assert upstream.cancelled == []


async def test_replies_come_in_turn_and_the_last_one_repeats() -> None:
    upstream = Scripted([replies.json({"n": 1}, status=500), replies.json({"n": 2})])
    assert [(await play(upstream))[::2] for _ in range(3)] == [
        (500, b'{"n":1}'),
        (200, b'{"n":2}'),
        (200, b'{"n":2}'),
    ]


async def test_json_is_played_with_its_type() -> None:
    headers = {"content-type": "application/json", "retry-after": "1"}
    upstream = Scripted.json({"a": "文"}, status=429, headers=[("retry-after", "1")])
    assert await play(upstream) == (429, headers, '{"a":"文"}'.encode())


async def test_sse_is_played_as_an_event_stream() -> None:
    status, headers, body = await play(Scripted.sse(["你", "好"], usage=True))
    assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("streamed", [True, False])
async def test_an_answer_is_streamed_if_the_request_asks_for_it(streamed: bool) -> None:
    body = orjson.dumps({"model": "m", "stream": streamed})
    _, headers, answer = await play(Scripted.answer(["你", "好"], finish="length"), post(body))
    assert headers["content-type"].startswith("text/event-stream" if streamed else "application/json")
    assert b'"finish_reason":"length"' in answer


async def test_leaving_early_is_remembered_with_its_time() -> None:
    upstream = Scripted.reply([b"a", STALL])
    async with upstream.open(post()) as response:
        assert await anext(response.body) == b"a"
        assert upstream.cancelled == []
    [played] = upstream.cancelled
    await played.closed()
    assert played.closed_at is not None
    assert played.closed_at >= played.opened_at


async def test_a_cancelled_wait_for_the_headers_is_remembered() -> None:
    upstream = Scripted.reply([b"never"], before=[STALL])
    task = asyncio.create_task(play(upstream))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert upstream.cancelled == upstream.played


async def test_a_gate_holds_the_reply_until_it_is_opened() -> None:
    gate = asyncio.Event()
    upstream = Scripted.reply([b"a", gate, b"b"])
    async with upstream.open(post()) as response:
        assert await anext(response.body) == b"a"
        asyncio.get_running_loop().call_later(0.01, gate.set)
        assert await anext(response.body) == b"b"


@pytest.mark.parametrize(
    "options", [{"before": [UpstreamError("reset", "x")]}, {"chunks": [b"a", UpstreamError("reset", "x")]}]
)
async def test_an_error_is_raised_where_it_stands_and_is_no_cancelling(options: dict[str, Any]) -> None:
    upstream = Scripted.reply(**options)
    with pytest.raises(UpstreamError, match="x"):
        await play(upstream)
    assert upstream.cancelled == []


async def test_failing_gives_no_answer_at_all() -> None:
    with pytest.raises(UpstreamError) as caught:
        await play(Scripted.failing(UpstreamError("connect", "refused", retryable=True)))
    assert caught.value.retryable


async def test_bytes_before_the_headers_are_a_mistake_of_the_test() -> None:
    with pytest.raises(TypeError):
        await play(Scripted.reply(before=[b"x"]))


async def test_by_settings_it_answers_chats_and_lists_its_models() -> None:
    upstream = Scripted.from_settings(Settings(name="s", models=["m-1", "gpt-*"]))
    assert upstream.name == "s"
    _, _, body = await play(upstream, UpstreamRequest("GET", "/models", (), b""))
    assert [entry["id"] for entry in orjson.loads(body)["data"]] == ["m-1"]
    first = await play(upstream)
    assert first == await play(upstream)
    assert "固定的" in first[2].decode()
    _, _, body = await play(Scripted.from_settings(Settings()), UpstreamRequest("GET", "/models", (), b""))
    assert [entry["id"] for entry in orjson.loads(body)["data"]] == ["scripted"]


async def test_it_starts_closes_and_is_ready_as_told() -> None:
    upstream = Scripted.json({})
    await upstream.start()
    assert upstream.started
    assert await upstream.ready()
    upstream.is_ready = False
    assert not await upstream.ready()
    await upstream.close()
    assert not upstream.started
