"""Paths relayed on the operator's word: both ways, any method, recorded, and never a way around review."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxy.commands.settings import explain
from proxy.records.record import Record
from proxy.upstreams import UpstreamError, UpstreamRequest, replies
from proxy.upstreams.replies import STALL, Reply
from proxy.upstreams.scripted import Scripted
from tests.helpers import keyword, serving
from tests.upstreams.raw_server import Visit, head, serve, upstream_at

FILES: dict[str, Any] = {"relay": ["/v1/files", "/v1/files/*", "/v1/chat/completions", "/v1/batches*"]}
BYTES = bytes(range(256)) * 64


def echoing(request: UpstreamRequest) -> Reply:
    """Tells what came: method and path in headers, the body as it was."""
    headers = [
        ("content-type", "application/octet-stream"),
        ("x-method", request.method),
        ("x-path", request.path),
        ("x-coding", dict(request.headers).get("content-encoding", "")),
        ("x-request-id", "up-7"),
        ("set-cookie", "a=b"),
        ("server", "nginx"),
    ]
    return Reply([request.body[:100], request.body[100:]], 201, headers)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method_and_the_query_travel_both_ways(tmp_path: Path, method: str) -> None:
    async with serving(tmp_path, Scripted(echoing), endpoints=FILES) as run:
        body = b"" if method == "GET" else BYTES
        response = await run.http.request(
            method,
            "/v1/files/f-1?after=x&limit=2",
            content=body,
            headers={"content-type": "image/png", "content-encoding": "br"},
        )
        assert (response.status_code, response.content) == (201, body)
        assert (response.headers["x-method"], response.headers["x-path"]) == (
            method,
            "/files/f-1?after=x&limit=2",
        )
        assert response.headers["x-coding"] == "br"
        assert response.headers["x-upstream-request-id"] == "up-7"
        assert response.headers["x-request-id"].startswith("req_")
        assert not {"set-cookie", "x-aigc"} & set(response.headers)
        assert response.headers["server"] != "nginx"
        accepted, closed = (stored.record for stored in await run.records(kind="request"))
        assert (accepted.status, closed.status) == ("accepted", "closed")
        assert closed.fields["reviewed"] == {"input": False, "output": False}
        assert (closed.fields["method"], closed.fields["endpoint"]) == (method, "/v1/files/f-1")
        assert (closed.fields["relayed"], closed.fields["http_status"], closed.content_id) == (True, 201, "")


async def test_a_file_goes_through_the_official_sdk(tmp_path: Path) -> None:
    answer = {"id": "f-1", "object": "file", "bytes": 3, "created_at": 1, "filename": "a.jsonl", "purpose": "batch", "status": "processed"}  # fmt: skip
    upstream = Scripted(replies.json(answer))
    async with serving(tmp_path, upstream, [keyword("违禁甲乙丙")], endpoints=FILES) as run:
        file = await run.client.files.create(file=("a.jsonl", "违禁甲乙丙".encode()), purpose="batch")
        assert file.id == "f-1"
        assert "违禁甲乙丙".encode() in upstream.requests[0].body
        assert "authorization" not in dict(upstream.requests[0].headers)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/filesystem",
        "/v1/threads",
        "/v1/files/../chat/completions",
        "/v1/files/%2e%2e/chat/completions",
        "/v1/files/%252e%252e/x",
        "/v1/files//x",
        "/v1/files/a%2Fb%3Fc",
        "/v1/chat/completions/",
        "/v1/Chat/Completions",
    ],
)
async def test_what_is_not_listed_or_covered_or_hides_its_name_is_not_relayed(
    tmp_path: Path, path: str
) -> None:
    upstream = Scripted(echoing)
    wide = {"relay": ["/v1/files/*", "/v1/chat*", "/v1/Chat*"]}
    async with serving(tmp_path, upstream, endpoints=wide) as run:
        # httpx would tidy the path up.
        reader, writer = await asyncio.open_connection("127.0.0.1", int(run.url.rpartition(":")[2]))
        writer.write(
            f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}".encode()
        )
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b"endpoint_not_covered" in answer
        assert upstream.requests == []


async def test_a_covered_path_stays_reviewed_though_it_is_listed(tmp_path: Path) -> None:
    upstream = Scripted.answer(["违禁甲乙丙"])
    async with serving(tmp_path, upstream, [keyword("违禁甲乙丙")], endpoints={"relay": ["/v1/*"]}) as run:
        answer = await run.client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "你好"}]
        )
        assert answer.choices[0].finish_reason == "content_filter"
        listing = await run.http.get("/v1/chat/completions")
        assert listing.status_code == 400  # the scripted model's answer to a request without a body
        assert (await run.last()).record.fields["relayed"] is True


async def test_the_model_in_a_json_body_chooses_the_upstream(tmp_path: Path) -> None:
    upstreams = [
        {"name": "one", "kind": "scripted", "models": ["a"]},
        {"name": "two", "kind": "scripted", "models": ["b"]},
    ]
    async with serving(tmp_path, upstreams=upstreams, endpoints=FILES) as run:
        settings = [entry for entry, _ in run.house.upstreams]
        played = [Scripted(echoing, name="one"), Scripted(echoing, name="two")]
        run.house.upstreams = list(zip(settings, played, strict=True))
        assert (await run.http.post("/v1/batches", json={"model": "b"})).status_code == 201
        assert [len(upstream.requests) for upstream in played] == [0, 1]
        assert (await run.http.post("/v1/batches", json={"model": "c"})).status_code == 404
        for body in (b"{}", b"[1]", b"{", b'{"model":3}'):
            assert (await run.http.post("/v1/batches", content=body)).content == body
        assert [len(upstream.requests) for upstream in played] == [4, 1]
        accepted = [r.record.fields["upstream"] for r in await run.records(status="accepted")]
        assert accepted == ["two", "one", "one", "one", "one"]


async def test_bodies_stream_up_and_down(tmp_path: Path) -> None:
    first, second = asyncio.Event(), asyncio.Event()

    async def handler(visit: Visit) -> None:
        await visit.reader.readuntil(b"\r\n\r\n")
        assert await visit.reader.readuntil(b"one\r\n") == b"3\r\none\r\n"
        first.set()
        assert await visit.reader.readuntil(b"0\r\n\r\n") == b"3\r\ntwo\r\n0\r\n\r\n"
        await visit.send(
            head("200 OK", "content-type: text/event-stream", "connection: close") + b"data: 1\n\n"
        )
        await second.wait()
        await visit.send(b"data: 2\n\n")

    async def body() -> AsyncIterator[bytes]:
        yield b"one"
        await asyncio.wait_for(first.wait(), 5)
        yield b"two"

    async with (
        serve(handler) as server,
        upstream_at(server) as upstream,
        serving(tmp_path, upstream, endpoints=FILES) as run,
    ):
        got = []
        async with run.http.stream(
            "POST", "/v1/files", content=body(), headers={"content-type": "application/octet-stream"}
        ) as response:
            async for data in response.aiter_raw():
                got.append(data)
                second.set()
        assert got == [b"data: 1\n\n", b"data: 2\n\n"]
        assert (await run.last()).record.status == "closed"


@pytest.mark.parametrize("stage", ["uploading", "waiting", "reading"])
async def test_a_client_that_leaves_stops_the_relay(tmp_path: Path, stage: str) -> None:
    upstream = Scripted(Reply([b"a", b"b", STALL]) if stage == "reading" else Reply(before=[STALL]))
    never = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"one"
        await never.wait()

    async with serving(tmp_path, upstream, endpoints=FILES) as run:
        async with httpx.AsyncClient(base_url=run.url) as http:
            content: Any = body() if stage == "uploading" else b"x"
            headers = {"content-type": "application/octet-stream"}
            task = asyncio.create_task(http.post("/v1/files", content=content, headers=headers))
            await asyncio.sleep(0.3)
            task.cancel()
        for _ in range(200):
            if await run.records(status="aborted"):
                break
            await asyncio.sleep(0.01)
        assert (await run.last()).record.fields["reason"] == "the client left"
        assert all(played.cancelled for played in upstream.played)
        assert run.house.live == 0


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (Reply(before=[UpstreamError("connect", "no")]), 502, "upstream_error"),
        (Reply(before=[UpstreamError("timeout_first_byte", "slow")]), 504, "upstream_error"),
        (replies.json({"error": {"message": "key sk-1 is wrong"}}, status=401), 502, "upstream_refused"),
    ],
)
async def test_failures_of_the_upstream_are_told_and_recorded(
    tmp_path: Path, reply: Reply, status: int, code: str
) -> None:
    async with serving(tmp_path, Scripted(reply), endpoints=FILES) as run:
        response = await run.http.get("/v1/files")
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)
        assert "sk-1" not in response.text
        assert (await run.last()).record.status == "aborted"


async def test_an_answer_that_is_cut_looks_cut(tmp_path: Path) -> None:
    async with serving(
        tmp_path, Scripted.reply([b"a", b"b", UpstreamError("reset", "gone")]), endpoints=FILES
    ) as run:
        with pytest.raises(httpx.RemoteProtocolError):
            await run.http.get("/v1/files")
        assert (await run.last()).record.fields["reason"].startswith("upstream: reset")


async def test_what_cannot_be_relayed_is_refused(tmp_path: Path) -> None:
    upstream = Scripted(echoing)
    limits = {"max_body_bytes": 1024}
    async with serving(tmp_path, upstream, endpoints=FILES, server=limits) as run:
        assert (await run.http.request("HEAD", "/v1/files")).status_code == 405
        assert (await run.http.post("/v1/batches", json={"x": "y" * 2000})).status_code == 413
        headers = {"content-type": "multipart/form-data; boundary=b"}
        assert (await run.http.post("/v1/files", content=b"x" * 5000, headers=headers)).status_code == 201
        assert upstream.requests[0].body == b"x" * 5000
        reader, writer = await asyncio.open_connection("127.0.0.1", int(run.url.rpartition(":")[2]))
        writer.write("GET /v1/files?a=é HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        assert b" 400 " in (await reader.read()).partition(b"\r\n")[0]
        writer.close()


async def test_the_end_waits_for_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(tmp_path, Scripted.reply([b"one", b"two"]), endpoints=FILES) as run:
        append, seen = run.house.records.append, b""

        async def failing(record: Record) -> None:
            if record.status == "closed":
                raise RuntimeError("disk full")
            await append(record)

        monkeypatch.setattr(run.house.records, "append", failing)

        async def read() -> None:
            nonlocal seen
            async with run.http.stream("GET", "/v1/files") as response:
                async for data in response.aiter_raw():
                    seen += data

        with pytest.raises(httpx.RemoteProtocolError):
            await read()
        assert seen == b"one"


async def test_what_is_relayed_is_shown(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted(echoing), endpoints=FILES) as run:
        assert (await run.http.get("/readyz")).json()["relay"] == FILES["relay"]
        assert any("unreviewed" in line and "/v1/files/*" in line for line in explain(run.settings))
        assert (
            json.loads((await run.http.get("/v1/threads")).content)["error"]["code"] == "endpoint_not_covered"
        )
