"""`/v1/responses`, not streamed: the same texts over one JSON body.

Only the values that change are edited; every other byte of the upstream's body stays, unless the
answer is blocked: then what came before the blocked item is kept, without tool calls, and the
operator's words take the place of the rest.
"""

from __future__ import annotations

from typing import Any

import orjson

from proxy.errors import WireError
from proxy.lane import Lane
from proxy.wire.answer import AnswerPolicy
from proxy.wire.jsonedit import JsonPath, replace_values, set_members
from proxy.wire.responses_blocked import REASON, notice_item
from proxy.wire.responses_frames import event_frame
from proxy.wire.responses_texts import FindPart, Texts, figures, is_call, known_members

__all__ = ["ResponsesAnswer", "answer_frames"]


class ResponsesAnswer:
    """Rewrites one whole answer. `lanes` and `usage` afterwards tell what was done."""

    def __init__(self, policy: AnswerPolicy) -> None:
        self._policy = policy
        self._texts = Texts(policy)
        self.usage: dict[str, Any] | None = None

    @property
    def lanes(self) -> list[Lane]:
        return self._texts.lanes

    def rewrite(self, raw: bytes) -> bytes:
        """The body for the client. Raises WireError for one that is no response."""
        answer = _parsed(raw, "the upstream's answer is no Response object")
        self.usage = figures(answer.get("usage"))
        edits: dict[JsonPath, Any] = {}
        self._texts.response(answer, (), edits, _no_parts)
        if self._texts.blocked is not None:
            return self._refused(raw, answer, edits)
        self._texts.end()
        return set_members(replace_values(raw, edits), self._members(), answer)

    def _members(self) -> dict[str, Any]:
        aigc = self._policy.aigc(self._texts.telling, last=True)
        more = self._policy.response_members(self._texts.lanes)
        return more if aigc is None else {"aigc": aigc, **more}

    def _refused(self, raw: bytes, answer: dict[str, Any], edits: dict[JsonPath, Any]) -> bytes:
        at = self._texts.blocked_at or 0
        kept = {
            path: value
            for path, value in edits.items()
            if path[0] != "output" or (type(path[1]) is int and path[1] < at)
        }
        delivered = known_members(orjson.loads(replace_values(raw, kept)))
        output: list[dict[str, Any]] = answer["output"]
        cut = output[at] if self._texts.blocked_at is not None else {}
        name = cut.get("id") if cut.get("type") == "message" else None
        text = self._texts.block().text
        whole = [item for item in delivered["output"][:at] if not is_call(item.get("type"))]
        delivered |= {
            "status": "incomplete",
            "error": None,
            "incomplete_details": REASON,
            "output": [
                *whole,
                notice_item(self._policy, text, name if type(name) is str and name.isascii() else ""),
            ],
        }
        return orjson.dumps({**delivered, **self._members()})


def answer_frames(raw: bytes) -> bytes:
    """A whole response as the stream it should have been. Raises WireError."""
    answer = _parsed(raw, "the upstream answered a stream request with JSON that is no Response object")
    began = {**answer, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    events: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": began}),
        ("response.in_progress", {"response": began}),
    ]
    for index, item in enumerate(answer["output"]):
        if type(item) is not dict:
            raise WireError("the upstream sent an output item that is not an object")
        events += _item_events(index, item)
    status = answer.get("status")
    last = status if status in ("completed", "incomplete", "failed", "cancelled") else "completed"
    events.append((f"response.{last}", {"response": answer}))
    return b"".join(
        event_frame(kind, orjson.dumps({"type": kind, "sequence_number": at, **fields}))
        for at, (kind, fields) in enumerate(events)
    )


def _item_events(index: int, item: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    place = {"output_index": index}
    done = ("response.output_item.done", {**place, "item": item})
    content = item.get("content")
    if item.get("type") != "message" or type(content) is not list:
        # Everything else is reviewed as a whole anyway; a reasoning item must not begin with its text.
        empty: dict[str, Any] = {
            key: [] for key in ("summary", "content") if item.get("type") == "reasoning" and key in item
        }
        return [("response.output_item.added", {**place, "item": {**item, **empty}}), done]
    empty_item = {**item, "status": "in_progress", "content": []}
    events: list[tuple[str, dict[str, Any]]] = [("response.output_item.added", {**place, "item": empty_item})]
    for at, part in enumerate(content):
        if type(part) is not dict:
            raise WireError("the upstream sent a content part that is not an object")
        where = {"item_id": item.get("id", ""), **place, "content_index": at}
        key = {"output_text": "text", "refusal": "refusal"}.get(str(part.get("type")))
        if key is None or type(text := part.get(key)) is not str:
            events += [
                (f"response.content_part.{word}", {**where, "part": part}) for word in ("added", "done")
            ]
            continue
        began = {**part, key: ""} | ({"annotations": []} if "annotations" in part else {})
        spelt = {"logprobs": part.get("logprobs") or []} if key == "text" else {}
        events += [
            ("response.content_part.added", {**where, "part": began}),
            (f"response.{part['type']}.delta", {**where, "delta": text, **spelt}),
            (f"response.{part['type']}.done", {**where, key: text, **spelt}),
            ("response.content_part.done", {**where, "part": part}),
        ]
    return [*events, done]


def _parsed(raw: bytes, problem: str) -> dict[str, Any]:
    try:
        answer = orjson.loads(raw)
    except ValueError as error:
        raise WireError(problem) from error
    if type(answer) is not dict or type(answer.get("output")) is not list:
        raise WireError(problem)
    return answer


def _no_parts(_position: int, _item: Any) -> FindPart:
    return lambda _index: None
