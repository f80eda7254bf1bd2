"""Endpoints whose input alone is reviewed: what goes in is seen, what comes back is the upstream's to the byte."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from proxy.records.record import Record
from proxy.tokens import encoding_for
from proxy.upstreams import UpstreamError, replies
from proxy.upstreams.replies import STALL, Reply
from proxy.upstreams.scripted import Scripted
from tests.helpers import keyword, serving

SECRET = "违禁甲乙丙"
VECTOR = b'{ "object":"list","model":"e", "data":[{"object":"embedding","index":0,"embedding":[0.10, 2e-3]}],"usage":{"prompt_tokens":1,"total_tokens":1}}'
PICTURE = bytes(range(256)) * 40


def answering(body: bytes, kind: str = "application/json", cut: int = 40) -> Scripted:
    steps = [body[at : at + cut] for at in range(0, len(body), cut)]
    headers = [("content-type", kind), ("content-length", str(len(body))), ("x-request-id", "up-1")]
    return Scripted.reply(steps, headers=headers)


async def test_embeddings_come_back_byte_for_byte_and_are_recorded(tmp_path: Path) -> None:
    upstream = answering(VECTOR)
    async with serving(tmp_path, upstream) as run:
        raw = await run.client.embeddings.with_raw_response.create(
            model="e", input="你好", encoding_format="float"
        )
        assert raw.http_response.content == VECTOR
        assert raw.parse().data[0].embedding == [0.1, 0.002]
        assert raw.headers["x-upstream-request-id"] == "up-1"
        assert "x-aigc" not in raw.headers
        assert upstream.requests[0].path == "/embeddings"
        accepted, closed = (stored.record for stored in await run.records(kind="request"))
        assert (accepted.status, closed.status) == ("accepted", "closed")
        assert closed.fields["reviewed"] == {"input": True, "output": True}
        assert (closed.content_id, closed.fields["content_ids"]) == ("", [])


@pytest.mark.parametrize("value", [SECRET, ["好", f"说{SECRET}"], "tokens", "token lists"])
async def test_a_blocked_input_is_always_an_error(tmp_path: Path, value: Any) -> None:
    model = "text-embedding-3-small"
    if isinstance(value, str) and value.startswith("token"):
        tokens = encoding_for(model).encode(SECRET)
        value = tokens if value == "tokens" else [[1], tokens]
    upstream = answering(VECTOR)
    async with serving(tmp_path, upstream, [keyword(SECRET)]) as run:
        with pytest.raises(openai.BadRequestError) as caught:
            await run.client.with_options(max_retries=2).embeddings.create(model=model, input=value)
        assert (caught.value.code, caught.value.param) == ("content_filter", "input")
        assert caught.value.response.headers["x-should-retry"] == "false"
        assert upstream.requests == []
        assert (await run.last()).record.status == "blocked"


async def test_token_ids_of_an_unknown_model_are_refused(tmp_path: Path) -> None:
    upstream = answering(VECTOR)
    async with serving(tmp_path, upstream) as run:
        with pytest.raises(openai.BadRequestError) as caught:
            await run.client.embeddings.create(model="e", input=[1, 2])
        assert caught.value.code == "unsupported_token_input"
        assert upstream.requests == []


async def test_moderations_are_reviewed_and_relayed_with_and_without_a_model(tmp_path: Path) -> None:
    upstream = answering(b'{"id":"m","model":"x","results":[]}')
    async with serving(tmp_path, upstream, [keyword(SECRET)]) as run:
        assert (await run.client.moderations.create(input="你好")).id == "m"
        assert (await run.last()).record.fields["model"] == "omni-moderation-latest"
        parts: Any = [{"type": "text", "text": "违禁甲"}, {"type": "text", "text": "乙丙"}]
        with pytest.raises(openai.BadRequestError, match="content review"):
            await run.client.moderations.create(model="x", input=parts)
        assert len(upstream.requests) == 1


@pytest.mark.parametrize("path", ["images/generations", "images/edits", "images/variations", "audio/speech"])
async def test_images_and_sound_are_closed_in_profile_cn_unless_listed(tmp_path: Path, path: str) -> None:
    upstream = answering(PICTURE, "image/png")
    body = {"model": "i", "prompt": "x", "input": "x"}
    async with serving(tmp_path, upstream) as run:
        response = await run.http.post(f"/v1/{path}", json=body)
        assert (response.status_code, response.json()["error"]["code"]) == (404, "endpoint_not_covered")
        assert "endpoints.relay" in response.json()["error"]["message"]
        assert upstream.requests == []
    (tmp_path / "listed").mkdir()
    listed = {"relay": [f"/v1/{path}"]}
    async with serving(tmp_path / "listed", upstream, [keyword(SECRET)], endpoints=listed) as run:
        assert (await run.http.post(f"/v1/{path}", json=body)).content == PICTURE
        blocked = await run.http.post(f"/v1/{path}", json={**body, "prompt": SECRET})
        assert (blocked.status_code, blocked.json()["error"]["code"]) == (400, "content_filter")
        assert len(upstream.requests) == 1


async def test_in_profile_eu_speech_is_relayed_as_it_comes(tmp_path: Path) -> None:
    upstream = answering(PICTURE, "audio/mpeg")
    async with serving(tmp_path, upstream, [keyword(SECRET)], profile="eu") as run:
        sound = await run.client.audio.speech.create(model="tts", voice="alloy", input="你好")
        assert sound.content == PICTURE
        assert sound.response.headers["content-type"] == "audio/mpeg"
        with pytest.raises(openai.BadRequestError):
            await run.client.audio.speech.create(
                model="tts", voice="alloy", input="好", instructions=f"像{SECRET}"
            )


async def test_the_prompt_of_a_form_is_reviewed_and_the_form_forwarded_as_it_came(tmp_path: Path) -> None:
    upstream = answering(b'{"created":1,"data":[{"b64_json":"AAAA"}]}')
    async with serving(tmp_path, upstream, [keyword(SECRET)], profile="eu") as run:
        answer = await run.client.images.edit(model="i", image=("a.png", PICTURE), prompt="画春江")
        assert answer.data is not None
        assert answer.data[0].b64_json == "AAAA"
        assert PICTURE in upstream.requests[0].body
        assert dict(upstream.requests[0].headers)["content-type"].startswith("multipart/form-data; boundary=")
        for image, prompt in ((PICTURE, f"画{SECRET}"), (SECRET.encode(), "画春江")):
            with pytest.raises(openai.BadRequestError) as caught:
                await run.client.images.edit(model="i", image=("a.png", image), prompt=prompt)
            assert caught.value.code == "content_filter"
        assert len(upstream.requests) == 1
        for kind, code in (("multipart/form-data", "invalid_form"), ("text/plain", "invalid_json")):
            broken = await run.http.post("/v1/images/edits", content=b"x", headers={"content-type": kind})
            assert (broken.status_code, broken.json()["error"]["code"]) == (400, code)


@pytest.mark.parametrize("path", ["embeddings", "images/generations"])
async def test_a_request_without_a_model_is_refused_where_there_is_no_usual_one(
    tmp_path: Path, path: str
) -> None:
    upstream = answering(VECTOR)
    async with serving(tmp_path, upstream, profile="eu") as run:
        response = await run.http.post(f"/v1/{path}", json={"input": "x", "prompt": "x"})
        assert response.status_code == (400 if path == "embeddings" else 200)
        assert (await run.http.post(f"/v1/{path}", json={"model": 3})).json()["error"]["param"] == "model"
        assert (await run.http.get(f"/v1/{path}")).status_code == 405


@pytest.mark.parametrize("waiting", [0, 1000], ids=["large", "small"])
async def test_the_record_is_durable_before_the_last_byte_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waiting: int
) -> None:
    async with serving(tmp_path, answering(VECTOR)) as run:
        append, gate, seen = run.house.records.append, asyncio.Event(), bytearray()

        async def slow(record: Record) -> None:
            if record.status == "closed":
                await gate.wait()
            await append(record)

        monkeypatch.setattr(run.house.records, "append", slow)
        monkeypatch.setattr("proxy.answering.MAX_WAITING", waiting)
        body = {"model": "e", "input": "x"}

        async def read() -> None:
            async with run.http.stream("POST", "/v1/embeddings", json=body) as response:
                async for data in response.aiter_raw():
                    seen.extend(data)

        task = asyncio.create_task(read())
        await asyncio.sleep(0.3)
        assert (len(seen) > 0) is (waiting == 0)
        assert len(seen) < len(VECTOR)
        gate.set()
        await task
        assert seen == VECTOR


@pytest.mark.parametrize("waiting", [0, 1000], ids=["large", "small"])
async def test_an_answer_that_is_cut_is_an_error_or_looks_cut_and_is_recorded_as_aborted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waiting: int
) -> None:
    upstream = Scripted.reply([VECTOR[:50], VECTOR[50:90], UpstreamError("reset", "gone")])
    monkeypatch.setattr("proxy.answering.MAX_WAITING", waiting)
    async with serving(tmp_path, upstream) as run:
        if waiting:
            answer = await run.http.post("/v1/embeddings", json={"model": "e", "input": "x"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_error")
        else:
            with pytest.raises(httpx.RemoteProtocolError):
                await run.http.post("/v1/embeddings", json={"model": "e", "input": "x"})
        record = (await run.last()).record
        assert record.status == "aborted"
        assert record.fields["reason"].startswith("upstream: reset")


async def test_an_error_of_the_upstream_is_told(tmp_path: Path) -> None:
    error = {"error": {"message": "too long", "type": "t", "param": "input", "code": "long"}}
    async with serving(tmp_path, Scripted(replies.json(error, status=400))) as run:
        with pytest.raises(openai.BadRequestError, match="too long"):
            await run.client.embeddings.create(model="e", input="x")


async def test_a_client_that_leaves_cancels_the_model(tmp_path: Path) -> None:
    upstream = Scripted(Reply([VECTOR[:50], VECTOR[50:90], STALL]))
    async with serving(tmp_path, upstream) as run:
        async with httpx.AsyncClient(base_url=run.url) as http:
            asked = http.post("/v1/embeddings", json={"model": "e", "input": "x"})
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asked, 0.3)
        await asyncio.wait_for(upstream.played[0].closed(), 2)
        assert upstream.played[0].cancelled
        for _ in range(100):
            if await run.records(status="aborted"):
                break
            await asyncio.sleep(0.01)
        assert (await run.last()).record.fields["reason"] == "the client left"


async def test_events_of_a_picture_in_the_making_are_not_kept_back(tmp_path: Path) -> None:
    gate = asyncio.Event()
    first, last = b'event: a\ndata: {"b64_json":"AA"}\n\n', b'event: b\ndata: {"b64_json":"AB"}\n\n'
    upstream = Scripted(Reply([first, gate, last], headers=replies.SSE_HEADERS))
    async with serving(tmp_path, upstream, profile="eu") as run:
        body = json.dumps({"model": "i", "prompt": "x", "stream": True})
        async with run.http.stream("POST", "/v1/images/generations", content=body) as response:
            got = []
            async for data in response.aiter_raw():
                got.append(data)
                gate.set()
        assert got == [first, last]


@pytest.mark.parametrize("waiting", [0, 1000], ids=["large", "small"])
async def test_a_word_in_an_answer_that_is_no_text_is_withheld_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waiting: int
) -> None:
    monkeypatch.setattr("proxy.answering.MAX_WAITING", waiting)
    entry = keyword(SECRET, action={"input": "log", "output": "block"})
    said = json.dumps({"data": [], "note": f"你说{SECRET}"}, ensure_ascii=False).encode()
    async with serving(tmp_path, answering(said), [entry]) as run:
        seen = bytearray()
        try:
            async with run.http.stream(
                "POST", "/v1/embeddings", json={"model": "e", "input": SECRET}
            ) as response:
                status = response.status_code
                async for data in response.aiter_raw():
                    seen.extend(data)
        except httpx.RemoteProtocolError:
            assert not waiting
        else:
            assert (status, json.loads(seen)["error"]["code"]) == (400, "content_filter")
        assert SECRET[:1].encode() not in seen
        record = (await run.last()).record
        assert (record.status, record.fields["reason"]) == ("blocked", "output: A.1.a")
