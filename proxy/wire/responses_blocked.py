"""What takes the place of a blocked Responses request or answer.

An answer that was cut in its stream is closed as the API closes its own: each open part and item
gets its done events with what was delivered, the operator's words are the last delta, and the
response is `incomplete` with the reason `content_filter`. A blocked request gets the same as a
response of its own, which no model has seen.
"""

from __future__ import annotations

from typing import Any

import orjson

from labelers.explicit import SEPARATOR
from proxy.review.reviewer import Finding
from proxy.wire.answer import AnswerPolicy
from proxy.wire.refusal import refusal_aigc
from proxy.wire.responses_frames import event_frame
from proxy.wire.responses_part import Part
from proxy.wire.responses_state import Item, State

__all__ = ["REASON", "close_blocked", "incomplete", "notice_item", "refusal_answer", "refusal_stream"]

REASON = {"reason": "content_filter"}
_NO_USAGE = {
    "input_tokens": 0,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 0,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 0,
}


def notice_item(policy: AnswerPolicy, text: str, name: str = "") -> dict[str, Any]:
    """A message that holds the operator's words and nothing else."""
    part = _refusal_part(text) if policy.refusal_field else _text_part(text)
    return _message(name or "msg_" + policy.request_id, [part])


def close_blocked(state: State) -> list[bytes]:
    """The events that close what is open, the notice among them."""
    blocked = state.texts.blocked
    assert blocked is not None
    out: list[bytes] = []
    opened = [state.items[index] for index in sorted(state.items)]
    opened = [item for item in opened if item.done is None]
    for item in opened:
        for index, part in sorted(item.parts.items()):
            if not part.ended:
                out += state.say(item, index, part.block(blocked))
    refused: dict[int, list[dict[str, Any]]] = {}
    if state.notice is None:
        text = state.texts.block().text
        item = _new_item(state, out)
        opened.append(item)
        index = -1
    else:
        item, index = state.notice.item, state.notice.content_index
        text = state.notice.refusal.text
        if state.notice.refusal.partial and not state.policy.refusal_field:
            # The end label keeps a line of its own, so that it is found again in the history.
            text = SEPARATOR + text
    if state.policy.refusal_field:
        refused[item.index] = [_refusal_part(text)]
        out += _refusal_events(state, item, text)
    else:
        if index < 0:
            index = _new_part(state, item, out)
        item.parts[index].notice(text)
        out.append(state.delta(item, index, text))
    for item in opened:
        out += _close(state, item, refused.get(item.index, []))
    return out


def incomplete(
    state: State, usage: dict[str, Any] | None, number: int | None, *, estimated: bool = False
) -> bytes:
    """The last event of an answer that was cut."""
    policy = state.policy
    response = state.response.value() if state.response is not None else {}
    response = {"id": "resp_" + policy.request_id, "object": "response", "model": policy.model, **response}
    output = [state.items[index] for index in sorted(state.items)]
    response |= {
        "status": "incomplete",
        "incomplete_details": REASON,
        "output": [value for value in map(_value, output) if value is not None],
        "usage": usage,
    }
    notice = state.notice
    retract = notice.refusal.from_char if notice is not None and notice.refusal.partial else None
    aigc = policy.aigc(state.texts.telling, last=True, retract=retract)
    if aigc is not None and retract is not None and notice is not None:
        aigc |= {"output_index": notice.item.index, "content_index": notice.content_index}
    response |= policy.response_members(state.texts.lanes)
    if estimated:
        aigc = {**(aigc or {}), "usage_estimated": True}
    if aigc is not None:
        response["aigc"] = aigc
    event: dict[str, Any] = {"type": "response.incomplete"}
    if number is not None:
        event["sequence_number"] = number
    return event_frame("response.incomplete", orjson.dumps({**event, "response": response}))


def _new_item(state: State, out: list[bytes]) -> Item:
    """A message for the notice, where no text was open to take it."""
    item = Item(max(state.items, default=-1) + 1, "msg_" + state.policy.request_id)
    item.final = _message(item.id, [], "in_progress")
    item.shows = True
    state.items[item.index] = item
    out.append(
        state.frames.own("response.output_item.added", {"output_index": item.index, "item": item.final})
    )
    return item


def _new_part(state: State, item: Item, out: list[bytes]) -> int:
    part = item.parts[0] = Part(state.texts.telling)
    part.ended = True
    item.shown.add(0)
    out.append(state.frames.own("response.content_part.added", {**_place(item, 0), "part": _text_part("")}))
    return 0


def _refusal_events(state: State, item: Item, text: str) -> list[bytes]:
    place = _place(item, _next_content(state, item))
    own = state.frames.own
    return [
        own("response.content_part.added", {**place, "part": _refusal_part("")}),
        own("response.refusal.delta", {**place, "delta": text}),
        own("response.refusal.done", {**place, "refusal": text}),
        own("response.content_part.done", {**place, "part": _refusal_part(text)}),
    ]


def _next_content(state: State, item: Item) -> int:
    used = [*item.parts, *(channel.place[1] or 0 for channel in state.channels.of(item.index, _REFUSAL))]
    return max(used, default=-1) + 1


def _close(state: State, item: Item, more: list[dict[str, Any]]) -> list[bytes]:
    """The done events of one item. `more`: content parts that were added to it, and are closed."""
    own = state.frames.own
    out: list[bytes] = []
    for index, part in sorted(item.parts.items()):
        place = _place(item, index)
        if index not in item.closed:
            out.append(own("response.output_text.done", {**place, "text": part.text, "logprobs": []}))
        if index in item.shown and index not in item.sealed:
            value = _text_part(part.text, part.annotations)
            out.append(own("response.content_part.done", {**place, "part": value}))
    shows = item.shows or item.announced is not None
    if shows or item.parts or more:
        item.final = _unfinished(state, item, more)
    if shows:
        out.append(own("response.output_item.done", {"output_index": item.index, "item": item.final}))
    return out


_REFUSAL = "response.refusal.delta"


def _unfinished(state: State, item: Item, more: list[dict[str, Any]]) -> dict[str, Any]:
    """An item that was cut, with what was delivered of it."""
    began = item.announced.value() if item.announced is not None else _message(item.id, [])
    value = {**began, "status": "incomplete"}
    of = state.channels.of
    if value.get("type") == "message":
        content = {index: _text_part(part.text, part.annotations) for index, part in item.parts.items()}
        for channel in of(item.index, _REFUSAL):
            content[channel.place[1] or 0] = _refusal_part(channel.said)
        value["content"] = [*(content[index] for index in sorted(content)), *more]
    elif value.get("type") == "reasoning":
        summary = of(item.index, "response.reasoning_summary_text.delta")
        value["summary"] = [{"type": "summary_text", "text": channel.said} for channel in summary]
        thoughts = of(item.index, "response.reasoning_text.delta")
        content_said = [{"type": "reasoning_text", "text": channel.said} for channel in thoughts]
        if content_said:
            value["content"] = content_said
    return value


def _value(item: Item) -> dict[str, Any] | None:
    return item.done.value() if item.done is not None else item.final


def _place(item: Item, index: int) -> dict[str, Any]:
    return {"item_id": item.id, "output_index": item.index, "content_index": index}


def _text_part(text: str, annotations: list[Any] | None = None) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": annotations or [], "logprobs": []}


def _refusal_part(text: str) -> dict[str, Any]:
    return {"type": "refusal", "refusal": text}


def _message(name: str, content: list[dict[str, Any]], status: str = "incomplete") -> dict[str, Any]:
    return {"id": name, "type": "message", "status": status, "role": "assistant", "content": content}


# -- a blocked request


def _response(policy: AnswerPolicy, created: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": "resp_" + policy.request_id,
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "model": policy.model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "store": False,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "usage": None,
        **fields,
    }


def _refused(policy: AnswerPolicy, text: str, blocked: Finding, created: int) -> dict[str, Any]:
    return _response(
        policy,
        created,
        status="incomplete",
        incomplete_details=REASON,
        output=[notice_item(policy, text)],
        usage=_NO_USAGE,
        aigc=refusal_aigc(policy, blocked),
        **policy.response_members(None),
    )


def refusal_answer(policy: AnswerPolicy, text: str, blocked: Finding, created: int) -> bytes:
    """A blocked request, not streamed: status 200 and the operator's words. `created`: Unix seconds."""
    return orjson.dumps(_refused(policy, text, blocked, created))


def refusal_stream(policy: AnswerPolicy, text: str, blocked: Finding, created: int) -> bytes:
    """The same as a stream, with every event that clients wait for."""
    began = _response(policy, created, aigc=refusal_aigc(policy, blocked))
    ended = _refused(policy, text, blocked, created)
    item = ended["output"][0]
    (part,) = item["content"]
    kind, key = ("refusal", "refusal") if policy.refusal_field else ("output_text", "text")
    spelt: dict[str, Any] = {} if policy.refusal_field else {"logprobs": []}
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    events: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": began}),
        ("response.in_progress", {"response": began}),
        ("response.output_item.added", {"output_index": 0, "item": _message(item["id"], [], "in_progress")}),
        ("response.content_part.added", {**place, "part": {**part, key: ""}}),
        (f"response.{kind}.delta", {**place, "delta": text, **spelt}),
        (f"response.{kind}.done", {**place, key: text, **spelt}),
        ("response.content_part.done", {**place, "part": part}),
        ("response.output_item.done", {"output_index": 0, "item": item}),
        ("response.incomplete", {"response": ended}),
    ]
    return b"".join(
        event_frame(kind, orjson.dumps({"type": kind, "sequence_number": at, **fields}))
        for at, (kind, fields) in enumerate(events)
    )
