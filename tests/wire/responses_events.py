"""Responses answers as OpenAI sends them: event after event, numbered, with their event lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from proxy import policy
from proxy.policy import Plan, Rules
from proxy.review.entry import Entry
from proxy.review.library import Library
from proxy.wire.responses import ResponsesStream
from proxy.wire.responses_endpoint import ResponsesEndpoint
from proxy.wire.rewriter import StreamRewriter
from tests.helpers import REFUSALS, sse_events
from tests.wire.plans import NUMBERS, rules

Event = dict[str, Any]

USAGE = {
    "input_tokens": 7,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 12,
}


def response(output: Sequence[Event] = (), status: str = "completed", **fields: Any) -> Event:
    """A Response object."""
    return {
        "id": "resp_1", "object": "response", "created_at": 1741487325, "status": status, "background": False,
        "error": None, "incomplete_details": None, "instructions": None, "max_output_tokens": None,
        "model": "m-2025", "output": list(output), "parallel_tool_calls": True, "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None}, "service_tier": "default", "store": True,
        "temperature": 1.0, "text": {"format": {"type": "text"}, "verbosity": "medium"}, "tool_choice": "auto",
        "tools": [], "top_logprobs": 0, "top_p": 1.0, "truncation": "disabled",
        "usage": USAGE if status == "completed" else None, "user": None, "metadata": {},
        **fields,
    }  # fmt: skip


def text_part(text: str, **fields: Any) -> Event:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text, **fields}


def message(*parts: Event | str, name: str = "msg_1", status: str = "completed", **fields: Any) -> Event:
    content = [text_part(part) if isinstance(part, str) else part for part in parts]
    return {
        "id": name,
        "type": "message",
        "status": status,
        "content": content,
        "role": "assistant",
        **fields,
    }


def message_events(
    texts: Sequence[str], index: int = 0, name: str = "msg_1", *, part: int = 0, **fields: Any
) -> list[Event]:
    """A message of one text, delta by delta; `fields` go into the part's final object."""
    place = {"item_id": name, "output_index": index, "content_index": part}
    done = text_part("".join(texts), **fields)
    return [
        {
            "type": "response.output_item.added",
            "output_index": index,
            "item": message(name=name, status="in_progress"),
        },
        {"type": "response.content_part.added", **place, "part": text_part("")},
        *(text_delta(text, index, name) for text in texts),
        {"type": "response.output_text.done", **place, "text": "".join(texts), "logprobs": []},
        {"type": "response.content_part.done", **place, "part": done},
        {"type": "response.output_item.done", "output_index": index, "item": message(done, name=name)},
    ]


def text_delta(text: str, index: int = 0, name: str = "msg_1", **fields: Any) -> Event:
    place = {"item_id": name, "output_index": index, "content_index": 0}
    return {"type": "response.output_text.delta", **place, "delta": text, "logprobs": [], **fields}


def reasoning(text: str, name: str = "rs_1") -> Event:
    return {"id": name, "type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}


def reasoning_events(texts: Sequence[str], index: int = 0, name: str = "rs_1") -> list[Event]:
    place = {"item_id": name, "output_index": index, "summary_index": 0}
    whole = "".join(texts)
    summary = {"type": "summary_text", "text": whole}
    kind = "response.reasoning_summary"
    return [
        {
            "type": "response.output_item.added",
            "output_index": index,
            "item": {"id": name, "type": "reasoning", "summary": []},
        },
        {"type": f"{kind}_part.added", **place, "part": {"type": "summary_text", "text": ""}},
        *({"type": f"{kind}_text.delta", **place, "delta": text} for text in texts),
        {"type": f"{kind}_text.done", **place, "text": whole},
        {"type": f"{kind}_part.done", **place, "part": summary},
        {"type": "response.output_item.done", "output_index": index, "item": reasoning(whole, name)},
    ]


CALLS = {
    "function_call": ("function_call_arguments", "arguments"),
    "mcp_call": ("mcp_call_arguments", "arguments"),
    "custom_tool_call": ("custom_tool_call_input", "input"),
    "code_interpreter_call": ("code_interpreter_call_code", "code"),
}


def call(kind: str, arguments: str, name: str = "fc_1", status: str = "completed") -> Event:
    return {
        "id": name, "type": kind, "status": status, CALLS[kind][1]: arguments, "call_id": "call_1", "name": "f",
    }  # fmt: skip


def call_events(
    texts: Sequence[str], kind: str = "function_call", index: int = 0, name: str = "fc_1"
) -> list[Event]:
    stem, key = CALLS[kind]
    place = {"item_id": name, "output_index": index}
    whole = "".join(texts)
    return [
        {
            "type": "response.output_item.added",
            "output_index": index,
            "item": call(kind, "", name, "in_progress"),
        },
        *({"type": f"response.{stem}.delta", **place, "delta": text} for text in texts),
        {"type": f"response.{stem}.done", **place, key: whole},
        {"type": "response.output_item.done", "output_index": index, "item": call(kind, whole, name)},
    ]


def answer_events(*items: Sequence[Event], last: str = "completed", **fields: Any) -> list[Event]:
    """A whole stream of these items, one after the other; the final response repeats what is done."""
    events = [event for item in items for event in item]
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    began = response(status="in_progress", **fields)
    return [
        {"type": "response.created", "response": began},
        {"type": "response.in_progress", "response": began},
        *events,
        {"type": f"response.{last}", "response": response(done, last, **fields)},
    ]


def numbered(events: Iterable[Event]) -> bytes:
    """The bytes of a stream."""
    out = []
    for at, event in enumerate(events):
        kind = event["type"]
        data = json.dumps({"type": kind, "sequence_number": at, **event}, ensure_ascii=False)
        out.append(f"event: {kind}\ndata: {data}\n\n".encode())
    return b"".join(out)


def stream(*items: Sequence[Event], **fields: Any) -> bytes:
    return numbered(answer_events(*items, **fields))


def plan(entries: Sequence[Entry] = (), *, of: Rules | None = None, **body: Any) -> Plan:
    return policy.plan(
        of or rules(),
        ResponsesEndpoint().asks({"model": "m", "stream": True, "input": "你好", **body}),
        request_id="req_1",
        library=Library.compile(entries, REFUSALS),
        content_numbers=NUMBERS[:1],
    )


def raw_through(raw: bytes, decided: Plan, pieces: Sequence[bytes] | None = None) -> bytes:
    rewriter = StreamRewriter(ResponsesStream(decided))
    out = b"".join(rewriter.feed(piece) for piece in (pieces if pieces is not None else [raw]))
    rewriter.flush()
    return out + rewriter.close()


def through(raw: bytes, decided: Plan, pieces: Sequence[bytes] | None = None) -> list[Event]:
    """All events that come out, in their proper form: numbered without gaps, their event lines right."""
    out = raw_through(raw, decided, pieces)
    events = sse_events(out)
    lines = [line[7:] for line in out.decode().split("\n") if line.startswith("event: ")]
    assert lines == [event["type"] for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


def deltas(events: Iterable[Event], index: int = 0, part: int = 0) -> list[str]:
    """The text deltas of one part."""
    return [
        event["delta"]
        for event in events
        if event["type"] == "response.output_text.delta"
        and (event["output_index"], event["content_index"]) == (index, part)
    ]
