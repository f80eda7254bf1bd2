"""A streamed answer as the whole one it should have been, for servers that stream whatever was asked.

Deltas are folded as SDKs fold them: strings under one key go on with each other, tool calls are told
apart by their number, lists grow, and of everything else the last word counts.

Source: openai-python 3.54, `ChatCompletionStreamState`; OpenAI API reference, streaming events.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from proxy.errors import WireError
from proxy.wire.sse import DONE, SseDecoder, frame_data

__all__ = ["assembled_chat", "assembled_completion", "assembled_response"]

# Strings that name or number: a server that repeats one means the same.
_NAMES = frozenset({"role", "id", "type", "name", "index", "format", "signature"})
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})


def assembled_chat(raw: bytes) -> bytes:
    """The body of a chat completion. Raises WireError for a stream that is cut, or none."""
    return _assembled(raw, "chat.completion")


def assembled_completion(raw: bytes) -> bytes:
    """The body of a text completion. Raises WireError for a stream that is cut, or none."""
    return _assembled(raw, "text_completion")


def assembled_response(raw: bytes) -> bytes:
    """The Response that the last event of a stream holds. Raises WireError if there is none."""
    for event in _events(raw):
        if event.get("type") in _ENDS and type(event.get("response")) is dict:
            return orjson.dumps(event["response"])
    raise _cut()


def _assembled(raw: bytes, kind: str) -> bytes:
    answer: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for event in _events(raw):
        listed = event.pop("choices", None) or []
        answer |= {key: value for key, value in event.items() if value is not None or key not in answer}
        if type(listed) is not list or not all(type(choice) is dict for choice in listed):
            raise WireError("the upstream sent choices that are no list of objects")
        for at, choice in enumerate(listed):
            index = choice.get("index", at)
            if type(index) is not int:
                raise WireError("the upstream sent a choice whose index is no number")
            _fold(choices.setdefault(index, {"index": index}), choice)
    if not choices or any(choice.get("finish_reason") is None for choice in choices.values()):
        raise _cut()
    ordered = [_whole_choice(choices[index], kind) for index in sorted(choices)]
    return orjson.dumps({**answer, "object": kind, "choices": ordered})


def _whole_choice(choice: dict[str, Any], kind: str) -> dict[str, Any]:
    if kind != "chat.completion":
        return {"text": "", **choice}
    message = choice.pop("delta", None) or {}
    for call in message.get("tool_calls") or []:
        if type(call) is dict:
            call.pop("index", None)
    return {**choice, "message": {"role": "assistant", "content": None, **message}}


def _fold(into: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        had = into.get(key)
        if value is None:
            into.setdefault(key, None)
        elif type(had) is str and type(value) is str and key not in _NAMES and key != "finish_reason":
            into[key] = had + value
        elif type(had) is dict and type(value) is dict:
            _fold(had, value)
        elif type(value) is list and (had is None or type(had) is list):
            into[key] = _joined(had or [], value, numbered=key == "tool_calls")
        elif not (had and value == ""):
            into[key] = value


def _joined(had: list[Any], more: list[Any], *, numbered: bool) -> list[Any]:
    if not numbered:
        return had + more
    joined = list(had)
    for at, part in enumerate(more):
        number = part.get("index", at) if type(part) is dict else None
        same = [one for one in joined if type(one) is dict and one.get("index", joined.index(one)) == number]
        if type(part) is dict and same:
            _fold(same[0], part)
        else:
            joined.append(part)
    return joined


def _events(raw: bytes) -> Iterator[dict[str, Any]]:
    decoder = SseDecoder()
    for frame in [*decoder.feed(raw), decoder.flush() + b"\n\n"]:
        data = (frame_data(frame) or b"").strip()
        if data == DONE:
            return
        if not data:
            continue
        try:
            event = orjson.loads(data)
        except ValueError as error:
            raise WireError("the upstream sent an event that is not JSON") from error
        if type(event) is not dict or event.get("error") or event.get("type") == "error":
            raise WireError("the upstream reported an error in its stream")
        yield event


def _cut() -> WireError:
    return WireError("the upstream closed the stream before the answer was complete")
