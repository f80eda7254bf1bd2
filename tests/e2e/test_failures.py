"""Upstreams that fail and clients that leave: what the client sees, and what the record says."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxy.keys import KeyFile
from proxy.records.record import Query, Record, RecordError
from proxy.records.store import open_store
from proxy.upstreams import UpstreamError, replies
from proxy.upstreams.replies import STALL, Reply
from proxy.upstreams.scripted import Scripted
from tests.helpers import Running, keyword, serving, sse_events, text_of

ASK = {"model": "m", "messages": [{"role": "user", "content": "你好"}]}
START, END = "【本内容由AI生成】\n\n", "\n\n（以上内容由AI生成）"
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}


def frame(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({**CHUNK, "choices": [choice]}).encode() + b"\n\n"


ROLE, SPRING, STOP = frame({"role": "assistant", "content": ""}), frame({"content": "春"}), frame({}, "stop")
SSE = replies.SSE_HEADERS


def streamed(*steps: Any, status: int = 200) -> Reply:
    return Reply(steps, status, SSE)


STREAMS = [
    # what the upstream does; text; how the stream ends; record status and the start of its reason
    ("reset mid-stream", streamed(ROLE, SPRING, UpstreamError("reset", "gone")), "春", "error", "aborted", "upstream: reset"),
    ("stall mid-stream", streamed(ROLE, SPRING, UpstreamError("timeout_idle", "slow")), "春", "error", "aborted", "upstream: timeout_idle"),
    ("ends early", streamed(ROLE, SPRING), "春", "error", "aborted", "upstream: protocol"),
    ("truncated frame", streamed(ROLE, SPRING, SPRING[:-20]), "春", "error", "aborted", "upstream: protocol"),
    ("unterminated last frame", streamed(ROLE, SPRING, STOP[:-2]), "春", "", "closed", ""),
    ("garbage", streamed(ROLE, SPRING, b"<html>\n\ndata: <html>\n\n"), "春", "error", "aborted", "upstream: protocol"),
    ("no [DONE]", streamed(ROLE, SPRING, STOP), "春", "", "closed", ""),
    ("no [DONE], never closes", streamed(ROLE, SPRING, STOP, STALL), "春", "", "closed", ""),
    ("no finish chunk", streamed(ROLE, SPRING, b"data: [DONE]\n\n"), "春", "[DONE]", "closed", ""),
    ("text after [DONE]", streamed(ROLE, SPRING, STOP, b"data: [DONE]\n\n", SPRING), "春", "[DONE]", "closed", ""),
    ("empty choices first", streamed(b'data: {"choices":[],"x":1}\n\n', ROLE, SPRING, STOP, b"data: [DONE]\n\n"), "春", "[DONE]", "closed", ""),
    ("chunk without choices", streamed(b'data: {"id":"x"}\n\n', ROLE, SPRING, STOP, b"data: [DONE]\n\n"), "春", "[DONE]", "closed", ""),
    ("one byte at a time", streamed(*[bytes([b]) for b in ROLE + SPRING + STOP + b"data: [DONE]\n\n"]), "春", "[DONE]", "closed", ""),
    ("JSON for a stream", replies.chat(["春"]), "春", "[DONE]", "closed", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reply", "text", "end", "status", "reason"), [case[1:] for case in STREAMS], ids=[c[0] for c in STREAMS]
)
async def test_a_stream_that_goes_wrong(
    tmp_path: Path, reply: Reply, text: str, end: str, status: str, reason: str
) -> None:
    async with serving(tmp_path, Scripted(reply)) as run:
        response = await run.http.post("/v1/chat/completions", json={**ASK, "stream": True})
        events = sse_events(response.content)
        assert text_of(events) == START + text + END
        if end == "error":
            assert set(events[-1]["error"]) == {"message", "type", "param", "code"}
            assert "[DONE]" not in events
            assert not any(c.get("finish_reason") for e in events[:-1] for c in e["choices"])
        else:
            assert (events[-1] == "[DONE]") is (end == "[DONE]")
            assert not any("error" in e for e in events if e != "[DONE]")
        record = (await run.last()).record
        assert record.status == status
        assert record.fields["reason"].startswith(reason)
        assert record.fields["outputs"][0]["chars"] == len(text)


WHOLE = [
    # what the upstream does; HTTP status and code for the client; record status, start of its reason
    ("refused", Reply(before=[UpstreamError("connect", "refused", retryable=True)]), 502, "upstream_error", "aborted", "upstream: connect"),
    ("first byte late", Reply(before=[UpstreamError("timeout_first_byte", "slow")]), 504, "upstream_error", "aborted", "upstream: timeout_first_byte"),
    ("reset in the body", Reply([b'{"a":', UpstreamError("reset", "gone")]), 502, "upstream_error", "aborted", "upstream: reset"),
    ("garbage", Reply([b"<html>"]), 502, "upstream_protocol", "aborted", "upstream: protocol"),
    ("no choices", Reply([b'{"id":1}']), 502, "upstream_protocol", "aborted", "upstream: protocol"),
    ("choice without message", Reply([b'{"choices":[{}]}']), 502, "upstream_protocol", "aborted", "upstream: protocol"),
    ("events for JSON, cut", streamed(ROLE, SPRING), 502, "upstream_protocol", "aborted", "upstream: protocol"),
    ("its key is wrong", replies.json({"error": {"message": "bad key"}}, status=401), 502, "upstream_refused", "aborted", "upstream: status 401"),
    ("redirect", Reply([b""], 302, [("location", "http://x")]), 502, "upstream_refused", "aborted", "upstream: status 302"),
    ("too many requests", replies.json({"error": {"message": "slow down", "type": "t", "param": None, "code": "rate"}}, status=429, headers=[("retry-after", "7")]), 429, "rate", "closed", "upstream: status 429"),
    ("server error, empty", Reply([b""], 500, []), 500, "upstream_error", "aborted", "upstream: status 500"),
    ("server error, HTML", Reply([b"<html>boom</html>"], 503, []), 503, "upstream_error", "aborted", "upstream: status 503"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reply", "http_status", "code", "status", "reason"),
    [case[1:] for case in WHOLE],
    ids=[c[0] for c in WHOLE],
)
async def test_an_answer_that_goes_wrong_before_it_begins(
    tmp_path: Path, reply: Reply, http_status: int, code: str, status: str, reason: str
) -> None:
    # What fails in the body of a stream is a case of its own, above.
    shapes = [False] if reply.status == 200 and not reply.before else [False, True]
    for stream in shapes:
        (tmp_path / str(stream)).mkdir()
        await _fails(tmp_path / str(stream), reply, stream, http_status, code, status, reason)


async def _fails(
    folder: Path, reply: Reply, stream: bool, http_status: int, code: str, status: str, reason: str
) -> None:
    async with serving(folder, Scripted(reply)) as run:
        response = await run.http.post("/v1/chat/completions", json={**ASK, "stream": stream})
        assert response.status_code == http_status
        error = response.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert error["code"] == code
        if http_status == 429:
            assert response.headers["retry-after"] == "7"
        record = (await run.last()).record
        assert record.status == status
        assert record.fields["reason"].startswith(reason)
        assert record.fields["http_status"] == http_status


@pytest.mark.parametrize("path", ["chat/completions", "completions", "responses"])
async def test_events_that_come_for_a_whole_answer_are_put_together_reviewed_and_labelled(
    tmp_path: Path, path: str
) -> None:
    item = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "春江"}],
    }
    response = {"id": "r", "object": "response", "status": "completed", "model": "m", "output": [item]}
    last = {"type": "response.completed", "response": response}
    streams = {
        "chat/completions": streamed(ROLE, SPRING, frame({"content": "江"}, "stop"), b"data: [DONE]\n\n"),
        "completions": replies.events(
            [{**CHUNK, "choices": [{"index": 0, "text": "春江", "finish_reason": "stop"}]}]
        ),
        "responses": replies.events([last], done=False),
    }
    async with serving(tmp_path, Scripted(streams[path])) as run:
        body = (
            ASK
            if path.startswith("chat")
            else {"model": "m", "prompt" if path == "completions" else "input": "你好"}
        )
        answer = (await run.http.post(f"/v1/{path}", json=body)).json()
        said = {
            "chat/completions": lambda: answer["choices"][0]["message"]["content"],
            "completions": lambda: answer["choices"][0]["text"],
            "responses": lambda: answer["output"][0]["content"][0]["text"],
        }[path]()
        assert said == START + "春江" + END
        assert answer["aigc"]["review"]["decision"] == "pass"
        assert (await run.last()).record.status == "closed"


async def test_an_error_text_of_the_upstream_is_reviewed(tmp_path: Path) -> None:
    reply = replies.json({"error": {"message": "you said 违禁甲乙丙"}}, status=400)
    async with serving(
        tmp_path, Scripted(reply), [keyword("违禁甲乙丙", action={"input": "log", "output": "block"})]
    ) as run:
        response = await run.http.post("/v1/chat/completions", json=ASK)
        assert response.status_code == 400
        assert "违禁" not in response.text


async def leave(run: Running, body: dict[str, Any], *, after: int) -> None:
    """Sends a request and closes the connection after so many events (0: before any answer)."""
    async with httpx.AsyncClient(base_url=run.url) as http:
        if not after:
            task = asyncio.create_task(http.post("/v1/chat/completions", json=body))
            await asyncio.sleep(0.2)
            task.cancel()
            return
        async with http.stream("POST", "/v1/chat/completions", json=body) as response:
            seen = b""
            async for data in response.aiter_raw():
                seen += data
                if seen.count(b"\n\n") >= after:
                    return


@pytest.mark.parametrize(
    ("stream", "after", "reply"),
    [
        (True, 2, streamed(ROLE, SPRING, STALL)),
        (True, 0, Reply(before=[STALL])),
        (False, 0, Reply(before=[STALL])),
        (False, 0, Reply([b"{", STALL])),
    ],
    ids=["mid-stream", "before the first byte", "unstreamed, before headers", "unstreamed, in the body"],
)
async def test_when_the_client_leaves_the_model_is_cancelled_at_once_and_the_record_closed(
    tmp_path: Path, stream: bool, after: int, reply: Reply
) -> None:
    upstream = Scripted(reply)
    async with serving(tmp_path, upstream) as run:
        await leave(run, {**ASK, "stream": stream}, after=after)
        left = asyncio.get_running_loop().time()
        await asyncio.wait_for(upstream.played[0].closed(), 2)
        assert upstream.played[0].cancelled
        closed_at = upstream.played[0].closed_at
        assert closed_at is not None
        assert closed_at - left < 0.1
        for _ in range(100):
            if await run.records(status="aborted"):
                break
            await asyncio.sleep(0.01)
        record = (await run.last()).record
        assert (record.status, record.fields["reason"]) == ("aborted", "the client left")
        assert run.house.live == 0


async def test_a_stream_under_way_is_recorded_when_the_server_stops(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted(streamed(ROLE, SPRING, STALL))) as run:
        with suppress(httpx.HTTPError):
            async with run.http.stream(
                "POST", "/v1/chat/completions", json={**ASK, "stream": True}
            ) as response:
                async for _ in response.aiter_raw():
                    run.server.should_exit = True
        await run.stopped
    store = open_store(run.settings.records.url, keys=KeyFile.load(run.settings.keys.file))
    records = [stored.record async for stored in store.read(Query(kind="request"))]
    assert [record.status for record in records] == ["accepted", "aborted"]
    assert records[1].fields["reason"] == "the server stopped"


async def test_a_request_that_cannot_be_recorded_is_not_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream = Scripted.answer(["好"])
    async with serving(tmp_path, upstream) as run:

        async def full(record: Record) -> None:
            raise RecordError("disk full")

        monkeypatch.setattr(run.house.records, "append", full)
        response = await run.http.post("/v1/chat/completions", json=ASK)
        assert response.status_code == 503
        assert response.json()["error"]["code"] == "records_unavailable"
        assert upstream.requests == []
        assert run.house.live == 0


async def test_the_closing_record_is_durable_before_the_last_frame_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path, Scripted.answer(["好"])) as run:
        append = run.house.records.append
        gate = asyncio.Event()

        async def slow(record: Record) -> None:
            if record.status == "closed":
                await gate.wait()
            await append(record)

        monkeypatch.setattr(run.house.records, "append", slow)
        seen = b""
        async with run.http.stream("POST", "/v1/chat/completions", json={**ASK, "stream": True}) as response:
            reader = response.aiter_raw()

            async def read() -> None:
                nonlocal seen
                async for data in reader:
                    seen += data

            task = asyncio.create_task(read())
            await asyncio.sleep(0.2)
            assert "好".encode() in seen
            assert b"[DONE]" not in seen
            assert b'"stop"' not in seen
            gate.set()
            await task
            assert seen.endswith(b"data: [DONE]\n\n")


async def test_pings_keep_a_held_stream_alive(tmp_path: Path) -> None:
    gate = asyncio.Event()
    reply = streamed(
        ROLE, frame({"content": "违禁"}), gate, frame({"content": "无关"}), STOP, b"data: [DONE]\n\n"
    )
    async with serving(
        tmp_path, Scripted(reply), [keyword("违禁甲乙丙")], server={"keepalive_seconds": 0.1}
    ) as run:
        asyncio.get_running_loop().call_later(0.5, gate.set)
        response = await run.http.post("/v1/chat/completions", json={**ASK, "stream": True})
        assert response.content.count(b": ping\n") >= 3
        assert b": ping\n\n" not in response.content
        assert text_of(sse_events(response.content.replace(b": ping\n", b""))) == START + "违禁无关" + END


async def test_a_body_that_is_too_large_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer(["好"]), server={"max_body_bytes": 2048}) as run:
        response = await run.http.post("/v1/chat/completions", content=b"x" * 5000)
        assert response.status_code == 413

        async def pieces() -> Any:
            for _ in range(10):
                yield b"x" * 1000

        response = await run.http.post("/v1/chat/completions", content=pieces())
        assert (response.status_code, response.json()["error"]["code"]) == (413, "body_too_large")
