"""What a model server can do wrong, in exact bytes over real sockets, and what is to come of it: one table.

The proxy, its HTTP client and the official SDK are the real ones. A request's `model` names the case that the server
plays. Used by test_failure_table.py and printed by bench/failures.py.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai

from proxy.settings import UpstreamSettings
from proxy.upstreams.openai_compatible import OpenAICompatible
from tests.helpers import Running, serving, sse_events
from tests.upstreams.raw_server import CHUNKED, Visit, chunk, head, serve
from tests.wire.responses_events import answer_events, message, message_events, numbered, response

ENDPOINTS = ("chat/completions", "completions", "responses")
SAID = "春江"
# Short enough for a test, long enough for a machine that does something else besides.
LIMITS = {"connect": 2.0, "first_byte": 1.5, "idle": 1.0, "total": 3.0}
JSON = ("content-type: application/json",)
Play = Callable[[Visit, str], Awaitable[None]]


# -- the frames and bodies of each endpoint


def frames(path: str) -> list[bytes]:
    """A whole stream, frame by frame: beginning, one text, end."""
    if path == "responses":
        return [
            frame + b"\n\n"
            for frame in numbered(answer_events(message_events([SAID]))).split(b"\n\n")
            if frame
        ]
    about = {"id": "c", "created": 1, "model": "m"}
    if path == "completions":
        choices: list[Any] = [
            {"index": 0, "text": SAID, "finish_reason": None},
            {"index": 0, "text": "", "finish_reason": "stop"},
        ]
    else:
        deltas: list[Any] = [{"role": "assistant", "content": ""}, {"content": SAID}, {}]
        choices = [
            {"index": 0, "delta": delta, "finish_reason": None if delta else "stop"} for delta in deltas
        ]
    events = [
        b"data: " + json.dumps({**about, "choices": [choice]}, ensure_ascii=False).encode() + b"\n\n"
        for choice in choices
    ]
    return [*events, b"data: [DONE]\n\n"]


def until_text(path: str) -> list[bytes]:
    """The stream up to its text."""
    found = frames(path)
    at = next(at for at, frame in enumerate(found) if SAID.encode() in frame)
    return found[: at + 1]


def body(path: str) -> bytes:
    if path == "responses":
        return json.dumps(response([message(SAID)]), ensure_ascii=False).encode()
    choice: dict[str, Any] = {"index": 0, "text": SAID, "finish_reason": "stop"}
    if path != "completions":
        choice = {"index": 0, "message": {"role": "assistant", "content": SAID}, "finish_reason": "stop"}
    return json.dumps(
        {"id": "c", "object": "x", "created": 1, "model": "m", "choices": [choice]}, ensure_ascii=False
    ).encode()


# -- what a server does


def _streams(make: Callable[[str], Sequence[bytes]], *, then: str = "end") -> Play:
    """These frames in chunks; then the end, a cut, a reset, or silence."""

    async def play(visit: Visit, path: str) -> None:
        await visit.send(CHUNKED + b"".join(chunk(frame) for frame in make(path)))
        if then == "end":
            await visit.send(b"0\r\n\r\n")
        elif then == "reset":
            await asyncio.sleep(0.05)
            visit.reset()
        elif then == "silence":
            await visit.left()

    return play


def _says(status: str, make: Callable[[str], bytes] | bytes, *fields: str) -> Play:
    """One answer with its length."""

    async def play(visit: Visit, path: str) -> None:
        data = make if isinstance(make, bytes) else make(path)
        await visit.send(head(status, *fields, length=len(data)) + data)

    return play


def _raw(make: Callable[[str], bytes], *, then: str = "close") -> Play:
    async def play(visit: Visit, path: str) -> None:
        await visit.send(make(path))
        if then == "reset":
            await asyncio.sleep(0.05)
            visit.reset()
        elif then == "silence":
            await visit.left()

    return play


async def _never(visit: Visit, path: str) -> None:
    await visit.left()


async def _dribbles(visit: Visit, path: str) -> None:
    await visit.send(CHUNKED + b"".join(map(chunk, until_text(path))))
    while True:
        await visit.send(chunk(b": still here\n\n"))
        await asyncio.sleep(0.1)


def _stream_raw(path: str) -> bytes:
    return b"".join(frames(path))


def _coded(encoding: str, code: Callable[[bytes], bytes]) -> tuple[Play, Play]:
    """A stream and a body with this content-encoding, unasked."""
    streamed = _says(
        "200 OK",
        lambda path: code(_stream_raw(path)),
        "content-type: text/event-stream",
        f"content-encoding: {encoding}",
    )
    return streamed, _says("200 OK", lambda path: code(body(path)), *JSON, f"content-encoding: {encoding}")


def _odd_first(odd: bytes) -> Callable[[str], list[bytes]]:
    return lambda path: [odd, *frames(path)] if path != "responses" else frames(path)


def _error(message: str, **more: Any) -> bytes:
    return json.dumps(
        {"error": {"message": message, "type": "t", "param": None, "code": "c", **more}}
    ).encode()


@dataclass(frozen=True, slots=True)
class Seen:
    """`status`: of the HTTP answer; `end`: "whole", "no [DONE]", "error event", or the code of an error."""

    status: int
    end: str
    sdk: str
    record: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    play: Play
    seen: Seen
    stream: bool = True


WHOLE = Seen(200, "whole", "whole", "closed")
OPEN = Seen(200, "no [DONE]", "whole", "closed")


def _broken(reason: str) -> Seen:
    """It went wrong behind the first text: the stream ends with an error event."""
    return Seen(200, "error event", "APIError", "aborted", f"upstream: {reason}")


def _bad(reason: str, code: str = "upstream_error", status: int = 502) -> Seen:
    return Seen(status, code, "InternalServerError", "aborted", f"upstream: {reason}")


GZIP, GZIP_BODY = _coded("gzip", gzip.compress)
DEFLATE, DEFLATE_BODY = _coded("deflate", zlib.compress)
BR, BR_BODY = _coded("br", lambda data: data)
ZSTD, ZSTD_BODY = _coded("zstd", lambda data: data)

CASES = [
    Case("nothing wrong", _streams(frames), WHOLE),
    Case("resets the connection", _streams(until_text, then="reset"), _broken("reset")),
    Case("closes the connection within a chunked body", _streams(until_text, then="cut"), _broken("reset")),
    Case("ends before the answer does", _streams(until_text), _broken("protocol")),
    Case("falls silent (limit `idle`)", _streams(until_text, then="silence"), _broken("timeout_idle")),
    Case("never answers (limit `first_byte`)", _never, Seen(504, "upstream_error", "InternalServerError", "aborted", "upstream: timeout_first_byte")),
    Case("never comes to an end (limit `total`)", _dribbles, _broken("timeout_total")),
    Case("cuts its last event", _streams(lambda path: [*until_text(path)[:-1], until_text(path)[-1], frames(path)[-2][:-20]]), _broken("protocol")),
    Case("leaves out the blank line at the end", _streams(lambda path: [*frames(path)[:-1], frames(path)[-1][:-2]]), WHOLE),
    Case("sends an event that is not JSON", _streams(lambda path: [*until_text(path), b"data: <html>\n\n"]), _broken("protocol")),
    Case("sends an event that is a list", _streams(lambda path: [*until_text(path), b"data: []\n\n"]), _broken("protocol")),
    Case("sends an event over 8 MiB", _streams(lambda path: [*until_text(path), b"data: {", b" " * (8 * 1024 * 1024 + 1)]), _broken("protocol")),
    Case("sends an error event", _streams(lambda path: [*until_text(path), b'data: {"error":{"message":"out of memory"}}\n\n']), _broken("protocol")),
    Case("sends a page of HTML with status 200", _says("200 OK", b"<html></html>", "content-type: text/html"), Seen(502, "upstream_protocol", "InternalServerError", "aborted")),
    Case("sends JSON for a stream", _says("200 OK", body, *JSON), WHOLE),
    Case("sends an error with status 200 for a stream", _says("200 OK", _error("no"), *JSON), _bad("protocol", "upstream_protocol")),
    Case("sends half of the JSON for a stream", _says("200 OK", lambda path: body(path)[:-9], *JSON), _bad("protocol", "upstream_protocol")),
    Case("leaves out [DONE]", _streams(lambda path: frames(path)[:-1] if path != "responses" else frames(path)), OPEN),
    Case("resets the connection behind the end of the answer", _streams(lambda path: frames(path)[:-1] if path != "responses" else frames(path), then="reset"), OPEN),
    Case("leaves out [DONE] and holds the connection", _streams(lambda path: frames(path)[:-1] if path != "responses" else frames(path), then="silence"), OPEN),
    Case("begins with `choices: []`", _streams(_odd_first(b'data: {"id":"c","choices":[],"prompt_filter_results":[]}\n\n')), WHOLE),
    Case("begins with a chunk without `choices`", _streams(_odd_first(b'data: {"id":"c"}\n\n')), WHOLE),
    Case("ends its lines with CRLF", _streams(lambda path: [frame.replace(b"\n", b"\r\n") for frame in frames(path)]), WHOLE),
    Case("sends a byte at a time", _streams(lambda path: [bytes([byte]) for byte in _stream_raw(path)]), WHOLE),
    Case("compresses with gzip, unasked", GZIP, WHOLE),
    Case("compresses with deflate, unasked", DEFLATE, WHOLE),
    Case("compresses with br, unasked", BR, _bad("protocol")),
    Case("compresses with zstd, unasked", ZSTD, _bad("protocol")),
    Case("speaks HTTP/1.0", _raw(lambda path: b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + _stream_raw(path)), WHOLE),
    Case("speaks HTTP/1.0 and resets", _raw(lambda path: b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + b"".join(until_text(path)), then="reset"), _broken("reset")),
    Case("sends 103 first", _raw(lambda path: b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + head("200 OK", "content-type: text/event-stream", length=len(_stream_raw(path))) + _stream_raw(path)), WHOLE),
    Case("is no HTTP server", _raw(lambda path: b"SSH-2.0-x\r\n"), _bad("protocol")),
    Case("400 with an error object", _says("400 Bad Request", _error("too long", code="context_length_exceeded"), *JSON), Seen(400, "context_length_exceeded", "BadRequestError", "closed", "upstream: status 400")),
    Case("404 without a body", _says("404 Not Found", b""), Seen(404, "upstream_error", "NotFoundError", "aborted", "upstream: status 404")),
    Case("401", _says("401 Unauthorized", _error("bad key sk-1"), *JSON), Seen(502, "upstream_refused", "InternalServerError", "aborted", "upstream: status 401")),
    Case("429 with `Retry-After`", _says("429 Too Many Requests", _error("slow down"), *JSON, "retry-after: 7"), Seen(429, "c", "RateLimitError", "closed", "upstream: status 429")),
    Case("500 without a body", _says("500 Internal Server Error", b""), Seen(500, "upstream_error", "InternalServerError", "aborted", "upstream: status 500")),
    Case("503 with a page of HTML", _says("503 Service Unavailable", b"<html>", "content-type: text/html"), Seen(503, "upstream_error", "InternalServerError", "aborted", "upstream: status 503")),
    Case("302", _says("302 Found", b"", "location: http://127.0.0.1:9/"), Seen(502, "upstream_refused", "InternalServerError", "aborted", "upstream: status 302")),
    Case("204", _raw(lambda path: b"HTTP/1.1 204 No Content\r\n\r\n"), Seen(502, "upstream_error", "InternalServerError", "aborted", "upstream: status 204")),
    Case("nothing wrong", _says("200 OK", body, *JSON), WHOLE, stream=False),
    Case("resets the connection", _raw(lambda path: head("200 OK", *JSON, length=999) + body(path)[:20], then="reset"), _bad("reset"), stream=False),
    Case("sends less than it said", _raw(lambda path: head("200 OK", *JSON, length=99999) + body(path)), _bad("reset"), stream=False),
    Case("falls silent (limit `idle`)", _raw(lambda path: head("200 OK", *JSON, length=99999) + body(path), then="silence"), _bad("timeout_idle", status=504), stream=False),
    Case("never answers (limit `first_byte`)", _never, _bad("timeout_first_byte", status=504), stream=False),
    Case("sends half of the JSON", _says("200 OK", lambda path: body(path)[:-9], *JSON), _bad("protocol", "upstream_protocol"), stream=False),
    Case("sends an empty body", _says("200 OK", b"", *JSON), _bad("protocol", "upstream_protocol"), stream=False),
    Case("sends an error with status 200", _says("200 OK", _error("no"), *JSON), _bad("protocol", "upstream_protocol"), stream=False),
    Case("sends a stream for a whole answer", _streams(frames), WHOLE, stream=False),
    Case("sends half a stream for a whole answer", _streams(until_text), _bad("protocol", "upstream_protocol"), stream=False),
    Case("compresses with gzip, unasked", GZIP_BODY, WHOLE, stream=False),
    Case("compresses with deflate, unasked", DEFLATE_BODY, WHOLE, stream=False),
    Case("compresses with br, unasked", BR_BODY, _bad("protocol"), stream=False),
    Case("compresses with zstd, unasked", ZSTD_BODY, _bad("protocol"), stream=False),
    Case("speaks HTTP/1.0", _raw(lambda path: b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n" + body(path)), WHOLE, stream=False),
    Case("400 with an error object", _says("400 Bad Request", _error("too long", code="context_length_exceeded"), *JSON), Seen(400, "context_length_exceeded", "BadRequestError", "closed", "upstream: status 400"), stream=False),
    Case("401", _says("401 Unauthorized", _error("bad key sk-1"), *JSON), _bad("status 401", "upstream_refused"), stream=False),
    Case("429 with `Retry-After`", _says("429 Too Many Requests", _error("slow down"), *JSON, "retry-after: 7"), Seen(429, "c", "RateLimitError", "closed", "upstream: status 429"), stream=False),
    Case("500 without a body", _says("500 Internal Server Error", b""), _bad("status 500", status=500), stream=False),
    Case("302", _says("302 Found", b"", "location: http://127.0.0.1:9/"), _bad("status 302", "upstream_refused"), stream=False),
]  # fmt: skip


# -- the proxy in front of it, and what is seen


@asynccontextmanager
async def failing(folder: Path) -> AsyncIterator[Running]:
    """A proxy whose model server plays the case that `model` names by its number."""

    async def handler(visit: Visit) -> None:
        line, _, sent = await visit.request()
        path = line.split(" ")[1].removeprefix("/v1/")
        await CASES[int(json.loads(sent)["model"])].play(visit, path)

    async with serve(handler) as server, serving(folder) as run:
        settings = UpstreamSettings(name="main", base_url=server.url(), timeouts=LIMITS)  # type: ignore[arg-type]
        upstream = OpenAICompatible(settings)
        await upstream.start()
        run.house.upstreams = [(settings, upstream)]
        try:
            yield run
        finally:
            await upstream.close()


async def observe(run: Running, number: int, path: str) -> tuple[Seen, str]:
    """What becomes of one case: to raw HTTP, the SDK and the record; and the text that arrived."""
    case = CASES[number]
    asked = {"model": str(number), "stream": case.stream, **_input(path)}
    answer = await run.http.post(f"/v1/{path}", json=asked)
    text = answer.text
    if answer.status_code != 200:
        error = answer.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}, error
        end = error["code"]
    elif not case.stream:
        end = "whole"
    else:
        end = _end(answer.content, path)
    record = (await run.last()).record
    sdk = await _sdk(run, path, asked)
    return Seen(answer.status_code, end, sdk, record.status, record.fields["reason"]), text


def _input(path: str) -> dict[str, Any]:
    return {
        "chat/completions": {"messages": [{"role": "user", "content": "你好"}]},
        "completions": {"prompt": "从前"},
        "responses": {"input": "你好"},
    }[path]


def _end(raw: bytes, path: str) -> str:
    events = sse_events(raw)
    last = events[-1]
    if last != "[DONE]" and last.get("error"):
        assert "[DONE]" not in events
        assert set(last["error"]) == {"message", "type", "param", "code"}
        return "error event"
    if path == "responses":
        return "whole" if last["type"] == "response.completed" else last["type"]
    finished = [c for e in events if e != "[DONE]" for c in e["choices"] if c["finish_reason"]]
    if not finished:
        return "unfinished"
    return "whole" if last == "[DONE]" else "no [DONE]"


async def _sdk(run: Running, path: str, asked: dict[str, Any]) -> str:
    call: Any = {
        "chat/completions": run.client.chat.completions.create,
        "completions": run.client.completions.create,
        "responses": run.client.responses.create,
    }[path]
    try:
        answer = await call(**asked)
        if asked["stream"]:
            async for _ in answer:
                pass
    except openai.OpenAIError as error:
        return type(error).__name__
    return "whole"
