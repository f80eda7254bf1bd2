"""Answers written down beforehand, in the exact bytes of OpenAI's protocol, for the scripted upstream.

A reply is a list of steps: bytes are sent, a number of seconds passes, an `asyncio.Event` is waited for (a
test opens the gate), `STALL` never ends, an `UpstreamError` is raised. `before` are the steps that come before
the headers.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from proxy.upstreams.upstream import UpstreamError, UpstreamRequest

__all__ = ["STALL", "Reply", "Step", "Texts", "answer", "events", "json", "models", "sse"]

Step: TypeAlias = bytes | float | asyncio.Event | UpstreamError
Texts: TypeAlias = Sequence[str] | Sequence[Sequence[str]]

STALL = math.inf
JSON_HEADERS = (("content-type", "application/json"),)
SSE_HEADERS = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
# Fixed, so that a test may compare whole bodies.
CREATED = 1_700_000_000
COMPLETION_ID = "chatcmpl-scripted"


@dataclass(frozen=True, slots=True)
class Reply:
    steps: Sequence[Step] = ()
    status: int = 200
    headers: Sequence[tuple[str, str]] = JSON_HEADERS
    before: Sequence[Step] = ()


def json(body: object, *, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Reply:
    """Any JSON body, in one piece; `headers` come on top of the content type."""
    return Reply([orjson.dumps(body)], status, (*JSON_HEADERS, *headers))


def events(frames: Iterable[object], *, done: bool = True, delay: float = 0.0) -> Reply:
    """One SSE frame per item: a dict becomes `data: {json}`, str and bytes go out as they are, newlines too.

    `delay` seconds pass before each frame but the first.
    """
    steps: list[Step] = []
    for frame in frames:
        if delay and steps:
            steps.append(delay)
        if isinstance(frame, str | bytes):
            steps.append(frame.encode() if isinstance(frame, str) else frame)
        else:
            steps.append(b"data: " + orjson.dumps(frame) + b"\n\n")
    if done:
        steps.append(b"data: [DONE]\n\n")
    return Reply(steps, headers=SSE_HEADERS)


def sse(
    texts: Texts,
    *,
    n: int = 1,
    finish: str | None = "stop",
    usage: bool = False,
    done: bool = True,
    model: str = "scripted",
    delay: float = 0.0,
) -> Reply:
    """A streamed chat completion: role delta, one delta per text, finish chunk, usage chunk if asked, [DONE].

    `texts` is one list of deltas, which each of the `n` choices gets, or one list per choice, interleaved.
    `finish=None` and `done=False` leave those frames out.
    """
    per_choice = _per_choice(texts, n)

    def frames() -> Iterator[dict[str, Any]]:
        for index in range(len(per_choice)):
            yield _chunk(model, [_delta(index, {"role": "assistant", "content": ""})])
        for position in range(max((len(deltas) for deltas in per_choice), default=0)):
            for index, deltas in enumerate(per_choice):
                if position < len(deltas):
                    yield _chunk(model, [_delta(index, {"content": deltas[position]})])
        if finish is not None:
            for index in range(len(per_choice)):
                yield _chunk(model, [_delta(index, {}, finish)])
        if usage:
            yield _chunk(model, []) | {"usage": _usage(per_choice)}

    return events(frames(), done=done, delay=delay)


def chat(texts: Texts, *, n: int = 1, finish: str | None = "stop", model: str = "scripted") -> Reply:
    """The same answer, not streamed."""
    per_choice = _per_choice(texts, n)
    choices = [
        {
            "index": i,
            "message": {"role": "assistant", "content": "".join(deltas)},
            "logprobs": None,
            "finish_reason": finish,
        }
        for i, deltas in enumerate(per_choice)
    ]
    head = {"id": COMPLETION_ID, "object": "chat.completion", "created": CREATED, "model": model}
    return json(head | {"choices": choices, "usage": _usage(per_choice)})


def models(names: Sequence[str]) -> Reply:
    """The answer to GET /models."""
    entries = [{"id": name, "object": "model", "created": CREATED, "owned_by": "scripted"} for name in names]
    return json({"object": "list", "data": entries})


def answer(
    request: UpstreamRequest, texts: Texts, *, finish: str | None = "stop", delay: float = 0.0
) -> Reply:
    """What an OpenAI server would answer to this request with these texts: stream, n, usage, model as asked."""
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        error = {"message": "not a JSON object", "type": "invalid_request_error", "param": None, "code": None}
        return json({"error": error}, status=400)
    n, model = body.get("n") or 1, body.get("model") or "scripted"
    if not body.get("stream"):
        return chat(texts, n=n, finish=finish, model=model)
    usage = bool((body.get("stream_options") or {}).get("include_usage"))
    return sse(texts, n=n, finish=finish, usage=usage, model=model, delay=delay)


def _per_choice(texts: Texts, n: int) -> list[list[str]]:
    if any(not isinstance(item, str) for item in texts):
        return [list(deltas) for deltas in texts]
    return [[str(delta) for delta in texts] for _ in range(n)]


def _chunk(model: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    head = {"id": COMPLETION_ID, "object": "chat.completion.chunk", "created": CREATED, "model": model}
    return head | {"choices": choices}


def _delta(index: int, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}


def _usage(per_choice: list[list[str]]) -> dict[str, int]:
    # One token a delta: the scripted model's tokenizer.
    completion = sum(len(deltas) for deltas in per_choice)
    return {"prompt_tokens": 7, "completion_tokens": completion, "total_tokens": 7 + completion}
