"""No side door: a model server that says the word to whatever it is asked, and every request that might bring it back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httptools
import pytest

from proxy.review.entry import Action, Direction
from proxy.upstreams import UpstreamRequest, replies
from proxy.upstreams.replies import Reply
from proxy.upstreams.scripted import Scripted
from tests.e2e.side_doors import CHAT, DOORS, RESPOND, WORD, Door
from tests.helpers import Running, keyword, serving
from tests.wire.leaks import leaked
from tests.wire.responses_events import message, response

KEYS = {"message", "type", "param", "code"}
# It may be asked for: what matters is that it does not come back.
ENTRY = keyword(WORD, action={Direction.INPUT: Action.LOG, Direction.OUTPUT: Action.BLOCK})


def talkative(request: UpstreamRequest) -> Reply:
    """Whatever it is asked, it says the word in every shape that a client reads."""
    choice = {"index": 0, "text": WORD, "finish_reason": "stop"}
    if "chat" in request.path:
        choice = {"index": 0, "message": {"role": "assistant", "content": WORD}, "finish_reason": "stop"}
    said = {"choices": [choice], "content": [{"type": "text", "text": WORD}], "data": [{"note": WORD}]}
    return replies.json({**response([message(WORD)]), **said, "object": "x", "text": WORD, "results": [WORD]})


async def raw(run: Running, door: Door) -> tuple[int, bytes]:
    """Status and body, the request line as it is written: clients would tidy it up."""
    body = b"" if door.body is None else json.dumps(door.body).encode()
    headers = {"host": "x", "content-type": "application/json", "content-length": str(len(body))}
    headers |= {"connection": "close", **door.headers}
    lines = [f"{door.method} {door.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    reader, writer = await asyncio.open_connection("127.0.0.1", int(run.url.rpartition(":")[2]))
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    answer = _Answer()
    parser = httptools.HttpResponseParser(answer)
    while not answer.ended and (data := await reader.read(65536)):
        parser.feed_data(data)
    writer.close()
    return parser.get_status_code(), answer.body


class _Answer:
    def __init__(self) -> None:
        self.body, self.ended = b"", False

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.ended = True


async def test_no_door_brings_back_what_was_not_reviewed(tmp_path: Path) -> None:
    upstream = Scripted(talkative)
    wrong = []
    async with serving(tmp_path, upstream, [ENTRY]) as run:
        for door in DOORS:
            asked = len(upstream.requests)
            status, body = await raw(run, door)
            problem = ""
            if status != door.status or (len(upstream.requests) > asked) is not door.asked:
                problem = f"status {status}, asked {len(upstream.requests) - asked}"
            elif leaked(body, WORD):
                problem = "leaked"
            elif not door.code:
                problem = "" if b"content_filter" in body else "not blocked"
            elif (error := json.loads(body)["error"])["code"] != door.code or set(error) != KEYS:
                problem = f"error {error}"
            if problem:
                wrong.append((door.name, door.method, door.path, problem))
    assert wrong == []


ERRORS: list[tuple[str, Reply]] = [
    ("an error object", replies.json({"error": {"message": f"you said {WORD}", "type": "t", "param": None, "code": WORD}}, status=400)),
    ("an error that is a string", replies.json({"error": f"no: {WORD}"}, status=422)),
    ("an error under a key", replies.json({"error": {WORD: 1}}, status=400)),
    ("HTML", Reply([f"<html>{WORD}</html>".encode()], 500, [("content-type", "text/html")])),
    ("text in GB18030", Reply([WORD.encode("gb18030")], 500, [])),
    ("an error with status 200", replies.json({"error": {"message": WORD}})),
    ("a header", replies.json({"error": {"message": "no"}}, status=429, headers=[("openai-note", "x" + WORD.encode().decode("latin-1")), ("x-ratelimit-reset-requests", "1s")])),
]  # fmt: skip


@pytest.mark.parametrize(
    "path", ["chat/completions", "completions", "responses", "embeddings", "moderations"]
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("reply", [case[1] for case in ERRORS], ids=[case[0] for case in ERRORS])
async def test_no_error_of_the_model_server_brings_the_word(
    tmp_path: Path, reply: Reply, stream: bool, path: str
) -> None:
    body: dict[str, Any] = {**CHAT, **RESPOND, "prompt": "x", "stream": stream}
    async with serving(tmp_path, Scripted(reply), [ENTRY]) as run:
        answer = await run.http.post(f"/v1/{path}", json=body)
        said = answer.content + "\n".join(f"{k}: {v}" for k, v in answer.headers.multi_items()).encode(
            "latin-1", "replace"
        )
        assert WORD.encode() not in said
        assert WORD.encode("gb18030") not in said
        assert WORD.encode().decode("latin-1") not in str(answer.headers)
        assert WORD not in json.dumps(
            answer.json() if answer.content.startswith(b"{") else answer.text, ensure_ascii=False
        )
        assert not answer.is_success or b"error" in answer.content or stream
