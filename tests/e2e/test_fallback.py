"""Several upstreams of one model: the next is asked only before anything came, and the record tells who was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from proxy import fallback
from proxy.fallback import Resting, retry_after
from proxy.upstreams import UpstreamError, UpstreamResponse, replies
from proxy.upstreams.replies import Reply
from proxy.upstreams.scripted import Scripted
from tests.helpers import Running, serving

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "你好"}]}
GOOD = "好。"
NOTHING = Reply(before=[UpstreamError("connect", "refused", retryable=True)])


def failing(status: int, retry_after: str = "7") -> Reply:
    error = {"error": {"message": f"status {status}", "type": "t", "param": None, "code": "c"}}
    return replies.json(error, status=status, headers=[("retry-after", retry_after)])


@asynccontextmanager
async def behind(
    folder: Path, *upstreams: Scripted, models: Sequence[Sequence[str]] = ()
) -> AsyncIterator[Running]:
    """A proxy with these upstreams in this order; each serves every model unless `models` says otherwise."""
    served = models or [["*"]] * len(upstreams)
    entries = [
        {"name": upstream.name, "kind": "scripted", "models": list(names)}
        for upstream, names in zip(upstreams, served, strict=True)
    ]
    async with serving(folder, upstreams=entries) as run:
        settings = [entry for entry, _ in run.house.upstreams]
        run.house.upstreams = list(zip(settings, upstreams, strict=True))
        yield run


def good(name: str = "second") -> Scripted:
    return Scripted(lambda request: replies.answer(request, [GOOD]), name=name)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("first", "tried"),
    [
        (NOTHING, {"error": "connect"}),
        (Reply(before=[UpstreamError("timeout_first_byte", "slow", retryable=True)]), {"error": "timeout_first_byte"}),
        *((failing(status), {"status": status}) for status in (429, 500, 502, 503, 504)),
    ],
)  # fmt: skip
async def test_the_next_upstream_is_asked_when_the_first_gave_no_answer(
    tmp_path: Path, first: Reply, tried: dict[str, Any], stream: bool
) -> None:
    one, two = Scripted(first, name="first"), good()
    async with behind(tmp_path, one, two) as run:
        response = await run.http.post("/v1/chat/completions", json={**ASK, "stream": stream})
        assert response.status_code == 200
        assert GOOD in response.text
        assert "retry-after" not in response.headers
        assert [len(one.requests), len(two.requests)] == [1, 1]
        assert one.requests[0].body == two.requests[0].body
        assert one.played[0].closed_at is not None
        fields = (await run.last()).record.fields
        assert fields["attempts"] == [{"upstream": "first", **tried}, {"upstream": "second", "status": 200}]
        assert fields["upstream"] == "second"


@pytest.mark.parametrize(
    ("first", "status"),
    [
        (Reply(before=[UpstreamError("reset", "within the headers")]), 502),
        (failing(400), 400),
        (failing(404), 404),
        (failing(401), 502),
        (Reply([b'{"choices":', UpstreamError("reset", "gone")]), 502),
        (Reply([b"<html>"]), 502),
    ],
)
async def test_what_another_upstream_may_not_repeat_is_not_repeated(
    tmp_path: Path, first: Reply, status: int
) -> None:
    one, two = Scripted(first, name="first"), good()
    async with behind(tmp_path, one, two) as run:
        response = await run.http.post("/v1/chat/completions", json=ASK)
        assert response.status_code == status
        assert two.requests == []


async def test_a_stream_that_breaks_off_is_not_begun_again(tmp_path: Path) -> None:
    chunks = replies.sse([GOOD], finish=None, done=False).steps
    one = Scripted(Reply([*chunks, UpstreamError("reset", "gone", retryable=True)], 200, replies.SSE_HEADERS))
    two = good()
    async with behind(tmp_path, one, two) as run:
        response = await run.http.post("/v1/chat/completions", json={**ASK, "stream": True})
        assert response.text.count(GOOD) == 1
        assert '"error"' in response.text
        assert two.requests == []


async def test_when_all_fail_the_last_ones_words_and_its_retry_after_reach_the_client(tmp_path: Path) -> None:
    one, two, three = Scripted(failing(429, "1")), Scripted(NOTHING), Scripted(failing(503, "33"))
    one.name, two.name, three.name = "a", "b", "c"
    async with behind(tmp_path, one, two, three) as run:
        with pytest.raises(openai.InternalServerError) as caught:
            await run.client.chat.completions.create(**ASK)
        assert caught.value.response.headers["retry-after"] == "33"
        assert "status 503" in str(caught.value)
        fields = (await run.last()).record.fields
        assert fields["attempts"] == [
            {"upstream": "a", "status": 429},
            {"upstream": "b", "error": "connect"},
            {"upstream": "c", "status": 503},
        ]
        run.house.upstreams = list(run.house.upstreams)[:2]
        run.house.resting = Resting()
        response = await run.http.post("/v1/chat/completions", json=ASK)
        assert (response.status_code, response.json()["error"]["code"]) == (502, "upstream_error")


async def test_a_model_that_is_named_does_not_go_to_an_upstream_that_takes_anything(tmp_path: Path) -> None:
    one, two, three = Scripted(failing(503), name="named"), good("any"), good("also named")
    async with behind(tmp_path, one, two, three, models=[["m"], ["*"], ["m", "x"]]) as run:
        assert (await run.http.post("/v1/chat/completions", json=ASK)).status_code == 200
        assert (two.requests, len(three.requests)) == ([], 1)
        assert (await run.http.post("/v1/chat/completions", json={**ASK, "model": "y"})).status_code == 200
        assert len(two.requests) == 1


async def test_embeddings_fall_back_too(tmp_path: Path) -> None:
    one, two = Scripted(NOTHING, name="first"), Scripted.reply([b'{"data":[]}'])
    async with behind(tmp_path, one, two) as run:
        response = await run.http.post("/v1/embeddings", json={"model": "e", "input": "x"})
        assert response.content == b'{"data":[]}'
        assert len((await run.last()).record.fields["attempts"]) == 2


async def test_an_upstream_that_asks_to_be_left_alone_is_asked_last_until_then(tmp_path: Path) -> None:
    one, two = Scripted([failing(429, "30"), replies.chat(["x"])], name="first"), good()
    async with behind(tmp_path, one, two) as run:
        for _ in range(3):
            assert (await run.http.post("/v1/chat/completions", json=ASK)).status_code == 200
        assert [len(one.requests), len(two.requests)] == [1, 3]
        run.house.resting = Resting()
        await run.http.post("/v1/chat/completions", json=ASK)
        assert len(one.requests) == 2


@pytest.mark.parametrize(
    ("failure", "asked"),
    [
        (NOTHING, 3),
        (failing(503, "0"), 3),
        (failing(500, "soon"), 3),
        (failing(429, "30"), 1),
        (failing(400), 1),
    ],
)
async def test_the_same_upstream_is_asked_again_as_often_as_its_settings_say(
    tmp_path: Path, failure: Reply, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallback, "FIRST_WAIT", 0.01)
    one = Scripted([failure, failure, replies.chat([GOOD])], name="only")
    entry = {"name": "only", "kind": "scripted", "retries": 2}
    async with serving(tmp_path, upstreams=[entry]) as run:
        run.house.upstreams = [(run.house.upstreams[0][0], one)]
        response = await run.http.post("/v1/chat/completions", json=ASK)
        assert len(one.requests) == asked
        assert (response.status_code == 200) is (asked == 3)
        assert len((await run.last()).record.fields["attempts"]) == asked


async def test_a_failure_that_may_have_been_an_answer_is_not_asked_for_again(tmp_path: Path) -> None:
    one = Scripted(Reply(before=[UpstreamError("reset", "within the headers")]), name="only")
    async with serving(tmp_path, upstreams=[{"name": "only", "kind": "scripted", "retries": 2}]) as run:
        run.house.upstreams = [(run.house.upstreams[0][0], one)]
        assert (await run.http.post("/v1/chat/completions", json=ASK)).status_code == 502
        assert len(one.requests) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "1.5"}, 1.5),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        for piece in ():
            yield piece

    assert retry_after(UpstreamResponse(429, list(headers.items()), nothing())) == seconds
