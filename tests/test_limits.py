"""Limits of a tenant: what a minute holds, who waits how long, and that nothing is lost or won by asking often."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import ApiError
from proxy.limits import Bucket, Gate
from proxy.upstreams import replies
from proxy.upstreams.replies import STALL, Reply
from proxy.upstreams.scripted import Scripted
from tests.helpers import serving

ASK: list[Any] = [{"role": "user", "content": "hello, who are you?"}]


def refused(gate: Gate, now: float) -> ApiError:
    with pytest.raises(ApiError) as caught:
        gate.enter(now)
    assert (caught.value.status, caught.value.code) == (429, "rate_limit_exceeded")
    return caught.value


def test_no_limit_never_refuses() -> None:
    gate = Gate(now=0)
    for _ in range(1000):
        gate.enter(0)
        gate.spend(10**9, 0)
        gate.begin_stream()
    assert not gate.counts_tokens


def test_requests_beyond_the_minute_wait_until_one_has_grown_again() -> None:
    gate = Gate(requests_per_minute=3, now=100)
    for _ in range(3):
        gate.enter(100)
    error = refused(gate, 100)
    assert (error.type, error.headers) == ("requests", (("retry-after", "20"),))
    assert "3 requests a minute" in str(error)
    assert refused(gate, 105).headers == (("retry-after", "15"),)
    gate.enter(120)
    refused(gate, 120)


def test_an_idle_hour_saves_up_one_minute_only() -> None:
    gate = Gate(requests_per_minute=2, now=0)
    for _ in range(2):
        gate.enter(3600)
    refused(gate, 3600)


def test_tokens_are_owed_and_paid_back() -> None:
    gate = Gate(tokens_per_minute=600, requests_per_minute=100, now=0)
    assert gate.counts_tokens
    gate.enter(0)
    gate.spend(1199, 0)
    error = refused(gate, 0)
    assert (error.type, error.headers) == ("tokens", (("retry-after", "60"),))
    assert "600 tokens a minute" in str(error)
    refused(gate, 59)
    gate.enter(60)


def test_a_refused_request_is_not_counted() -> None:
    gate = Gate(tokens_per_minute=60, requests_per_minute=1, now=0)
    gate.spend(60, 0)
    for _ in range(5):
        refused(gate, 0)
    gate.enter(1)


def test_streams_are_counted_while_they_last() -> None:
    gate = Gate(concurrent_streams=2, now=0)
    gate.begin_stream()
    gate.begin_stream()
    with pytest.raises(ApiError, match=r"2 concurrent stream\(s\)") as caught:
        gate.begin_stream()
    assert (caught.value.status, caught.value.type) == (429, "requests")
    assert caught.value.headers == (("retry-after", "1"),)
    gate.end_stream()
    gate.begin_stream()


@given(
    st.integers(1, 100),
    st.lists(st.tuples(st.floats(0, 30), st.integers(0, 50)), max_size=30),
)
def test_a_bucket_gives_no_more_than_a_full_one_and_what_has_grown_since(
    per_minute: int, steps: list[tuple[float, int]]
) -> None:
    bucket, now, taken = Bucket(per_minute, 0), 0.0, 0
    for pause, amount in steps:
        now += pause
        if bucket.wait(amount, now) == 0:
            bucket.take(amount, now)
            taken += amount
    assert taken <= per_minute * (1 + now / 60) + 1e-6
    later = now + bucket.wait(per_minute, now)
    assert bucket.wait(per_minute, later + 1e-6) == 0


TENANTS = [
    {"name": "few", "key": "few", "limits": {"requests_per_minute": 2}},
    {"name": "short", "key": "short", "limits": {"tokens_per_minute": 10}},
    {"name": "narrow", "key": "narrow", "limits": {"concurrent_streams": 1}},
    {"name": "free", "key": "free"},
]


async def test_a_tenant_over_its_limit_gets_429_and_the_others_are_served(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer(["ok"]), tenants=TENANTS, key="few") as run:
        for _ in range(2):
            await run.client.chat.completions.create(model="m", messages=ASK)
        with pytest.raises(openai.RateLimitError) as caught:
            await run.client.chat.completions.create(model="m", messages=ASK)
        error = caught.value
        assert (error.type, error.code, error.param) == ("requests", "rate_limit_exceeded", None)
        assert 1 <= int(error.response.headers["retry-after"]) <= 30
        assert error.response.headers["x-request-id"].startswith("req_")
        free = run.client.with_options(api_key="free")
        for _ in range(5):
            await free.chat.completions.create(model="m", messages=ASK)


@pytest.mark.parametrize("stream", [False, True])
async def test_tokens_are_counted_also_where_the_upstream_does_not(tmp_path: Path, stream: bool) -> None:
    async with serving(tmp_path, Scripted.answer(["ok"] * 40), tenants=TENANTS, key="short") as run:
        answer = await run.client.chat.completions.create(model="m", messages=ASK, stream=stream)
        if stream:
            async for _ in answer:
                pass
        with pytest.raises(openai.RateLimitError) as caught:
            await run.client.chat.completions.create(model="m", messages=ASK)
        assert caught.value.type == "tokens"
        # Two characters of text for each of 40 deltas, and about a hundred bytes of request; or 47 as counted.
        assert 60 < int(caught.value.response.headers["retry-after"]) < 600


async def test_an_upstream_that_refuses_costs_no_tokens(tmp_path: Path) -> None:
    upstream = Scripted(replies.json({"error": {"message": "no"}}, status=400))
    async with serving(tmp_path, upstream, tenants=TENANTS, key="short") as run:
        for _ in range(3):
            with pytest.raises(openai.BadRequestError):
                await run.client.chat.completions.create(model="m", messages=ASK)


async def test_streams_at_a_time_are_bounded_and_freed_however_they_end(tmp_path: Path) -> None:
    gate = asyncio.Event()
    frames = replies.sse(["ok"]).steps
    stalled = Reply([frames[0], frames[1], gate, *frames[2:]], 200, replies.SSE_HEADERS)
    never = Reply([frames[0], STALL], 200, replies.SSE_HEADERS)
    upstream = Scripted([stalled, never, replies.sse(["ok"])])
    async with serving(tmp_path, upstream, tenants=TENANTS, key="narrow") as run:
        first = await run.client.chat.completions.create(model="m", messages=ASK, stream=True)
        with pytest.raises(openai.RateLimitError, match="1 concurrent stream"):
            await run.client.chat.completions.create(model="m", messages=ASK, stream=True)
        gate.set()
        async for _ in first:
            pass
        second = await run.client.chat.completions.create(model="m", messages=ASK, stream=True)
        await second.close()
        for _ in range(100):
            if not run.house.live:
                break
            await asyncio.sleep(0.01)
        third = await run.client.chat.completions.create(model="m", messages=ASK, stream=True)
        assert [chunk async for chunk in third][-1].choices[0].finish_reason == "stop"
