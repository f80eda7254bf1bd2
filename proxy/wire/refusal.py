"""Chat answers of our own making: the refusal of a blocked request, a whole answer as a stream."""

from __future__ import annotations

from typing import Any

import orjson

from proxy.errors import WireError
from proxy.review.reviewer import Finding
from proxy.wire.answer import AnswerPolicy
from proxy.wire.sse import DONE, frame_of

__all__ = ["NO_USAGE", "answer_frames", "refusal_aigc", "refusal_answer", "refusal_stream"]

NO_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def _head(policy: AnswerPolicy, kind: str, created: int) -> dict[str, Any]:
    return {"id": "chatcmpl-" + policy.request_id, "object": kind, "created": created, "model": policy.model}


def refusal_aigc(policy: AnswerPolicy, blocked: Finding) -> dict[str, Any]:
    """Category and review id, never the matched word. Nothing was generated, so there is no implicit label."""
    return {"review": {"id": policy.request_id, "decision": "block", "category": blocked.category}}


def refusal_answer(policy: AnswerPolicy, text: str, blocked: Finding, created: int) -> bytes:
    """A blocked request, not streamed: status 200 and the operator's words."""
    content, refusal = (None, text) if policy.refusal_field else (text, None)
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content, "refusal": refusal},
        "logprobs": None,
        "finish_reason": "content_filter",
    }
    answer: dict[str, Any] = {"choices": [choice], "usage": NO_USAGE, "aigc": refusal_aigc(policy, blocked)}
    more = {**policy.prompt_members(), **policy.answer_members(None)}
    return orjson.dumps({**_head(policy, "chat.completion", created), **answer, **more})


def refusal_stream(policy: AnswerPolicy, text: str, blocked: Finding, created: int) -> bytes:
    """The same as a stream: role, text, finish chunk, usage if asked, [DONE]."""
    head = _head(policy, "chat.completion.chunk", created)
    key = "refusal" if policy.refusal_field else "content"

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}

    events = [
        {
            **chunk({"role": "assistant", "content": ""}),
            "aigc": refusal_aigc(policy, blocked),
            **policy.prompt_members(),
        },
        chunk({key: text}),
        {**chunk({}, "content_filter"), "aigc": refusal_aigc(policy, blocked), **policy.answer_members(None)},
    ]
    if policy.include_usage:
        events.append({**head, "choices": [], "usage": NO_USAGE})
    return b"".join([*(frame_of(orjson.dumps(event)) for event in events), frame_of(DONE)])


def answer_frames(raw: bytes) -> bytes:
    """A whole chat completion as the stream it should have been. Raises WireError."""
    try:
        answer = orjson.loads(raw)
        choices = answer["choices"]
        if not choices:
            raise ValueError("no choices")
        head = {k: v for k, v in answer.items() if k not in ("choices", "usage", "object")}
        head["object"] = "chat.completion.chunk"
        frames = []
        for choice in choices:
            message = {k: v for k, v in choice["message"].items() if v is not None}
            if message.get("tool_calls"):
                # Only a stream's calls are numbered; SDKs put their parts together by it.
                message["tool_calls"] = [{"index": i, **c} for i, c in enumerate(message["tool_calls"])]
            rest = {k: v for k, v in choice.items() if k not in ("message", "finish_reason")}
            frames.append({**head, "choices": [{**rest, "delta": message, "finish_reason": None}]})
            last = {
                "index": choice.get("index", 0),
                "delta": {},
                "finish_reason": choice.get("finish_reason"),
            }
            frames.append({**head, "choices": [last]})
        if answer.get("usage") is not None:
            frames.append({**head, "choices": [], "usage": answer["usage"]})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WireError(
            "the upstream answered a stream request with JSON that is no chat completion"
        ) from error
    return b"".join([*(frame_of(orjson.dumps(frame)) for frame in frames), frame_of(DONE)])
