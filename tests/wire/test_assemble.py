"""A stream that nobody asked for is put together to the body it should have been."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion
from openai.types.completion import Completion

from proxy.errors import WireError
from proxy.upstreams import replies
from proxy.wire.assemble import assembled_chat, assembled_completion, assembled_response
from proxy.wire.refusal import answer_frames
from proxy.wire.responses_answer import answer_frames as response_frames


def raw(*events: Any, done: bool = True) -> bytes:
    return b"".join(step for step in replies.events(events, done=done).steps if isinstance(step, bytes))


def chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "finish_reason": finish, **more}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def message(*events: Any) -> Any:
    answer = json.loads(assembled_chat(raw(*events)))
    ChatCompletion.model_validate(answer)
    return answer["choices"][0]["message"]


def test_text_of_each_choice_is_joined_and_figures_are_kept() -> None:
    data = b"".join(
        s for s in replies.sse([["春", "江"], ["潮", "水"]], usage=True).steps if isinstance(s, bytes)
    )
    answer = json.loads(assembled_chat(data))
    assert [c["message"] for c in answer["choices"]] == [
        {"role": "assistant", "content": "春江"},
        {"role": "assistant", "content": "潮水"},
    ]
    assert [c["finish_reason"] for c in answer["choices"]] == ["stop", "stop"]
    assert answer["object"] == "chat.completion"
    assert answer["usage"]["total_tokens"] == 11
    ChatCompletion.model_validate(answer)


def test_other_channels_lists_and_log_probabilities_go_on_with_each_other() -> None:
    first = chunk(
        {"role": "assistant", "reasoning": "想", "parts": [{"text": "a"}]}, logprobs={"content": [1]}
    )
    second = chunk(
        {"role": "assistant", "reasoning": "想", "parts": [{"text": "b"}]}, logprobs={"content": [2]}
    )
    answer = json.loads(assembled_chat(raw(first, second, chunk({}, "stop", logprobs=None))))
    (choice,) = answer["choices"]
    assert choice["message"]["reasoning"] == "想想"
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"] is None
    assert choice["message"]["parts"] == [{"text": "a"}, {"text": "b"}]
    assert choice["logprobs"] == {"content": [1, 2]}


def test_tool_calls_are_told_apart_by_their_number() -> None:
    def call(index: int, arguments: str, **more: Any) -> dict[str, Any]:
        return {"tool_calls": [{"index": index, **more, "function": {"arguments": arguments, **({"name": "f"} if more else {})}}]}  # fmt: skip

    said = message(
        chunk(call(0, "", id="a", type="function")),
        chunk(call(1, '{"x"', id="b", type="function")),
        chunk(call(0, "{}", id="")),
        chunk(call(1, ":1}")),
        chunk({}, "tool_calls"),
    )
    assert said["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"arguments": "{}", "name": "f"}},
        {"id": "b", "type": "function", "function": {"arguments": '{"x":1}', "name": "f"}},
    ]


def test_calls_without_a_number_and_calls_that_are_none_come_through() -> None:
    said = json.loads(assembled_chat(raw(chunk({"tool_calls": ["odd", {"id": "a"}]}), chunk({}, "stop"))))
    assert said["choices"][0]["message"]["tool_calls"] == ["odd", {"id": "a"}]


def test_a_text_completion_is_joined_too() -> None:
    events = [
        {"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [{"index": 0, "text": t, "finish_reason": f, "logprobs": None}]}
        for t, f in [("春", None), ("江", "stop")]
    ]  # fmt: skip
    answer = json.loads(assembled_completion(raw(*events)))
    assert answer["choices"] == [{"index": 0, "text": "春江", "finish_reason": "stop", "logprobs": None}]
    Completion.model_validate(answer)
    silent = {"choices": [{"finish_reason": "stop"}]}
    assert json.loads(assembled_completion(raw(silent)))["choices"][0]["text"] == ""


BROKEN: list[tuple[Callable[[bytes], bytes], bytes]] = [
    (assembled_chat, raw(chunk({"content": "春"}))),
    (assembled_chat, raw()),
    (assembled_chat, raw(chunk({}, "stop", index=0), chunk({"content": "x"}, index=1))),
    (assembled_chat, raw({"error": {"message": "boom"}})),
    (assembled_chat, raw({"choices": {}}, {"choices": "abc"})),
    (assembled_chat, raw({"choices": [1]})),
    (assembled_chat, raw({"choices": [{"index": "0"}]})),
    (assembled_chat, b"data: [1]\n\n"),
    (assembled_chat, b"data: {\n\n"),
    (assembled_response, raw({"type": "response.created", "response": {}})),
    (assembled_response, raw({"type": "error", "message": "boom"})),
]


@pytest.mark.parametrize(("assemble", "data"), BROKEN)
def test_a_stream_that_is_cut_or_none_is_an_error(assemble: Callable[[bytes], bytes], data: bytes) -> None:
    with pytest.raises(WireError):
        assemble(data)


@given(st.lists(st.text(max_size=6), min_size=1, max_size=3), st.booleans())
def test_what_a_whole_answer_becomes_as_a_stream_it_is_again(texts: list[str], unterminated: bool) -> None:
    choices = [
        {"index": at, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for at, text in enumerate(texts)
    ]
    answer = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": choices,
        "usage": None,
    }
    frames = answer_frames(json.dumps(answer).encode())
    if unterminated:
        frames = b": hello\n\n" + frames.removesuffix(b"\n\ndata: [DONE]\n\n")
    again = json.loads(assembled_chat(frames))
    assert again["choices"] == choices


def test_a_response_is_what_its_last_event_says() -> None:
    item = {"id": "m", "type": "message", "content": [{"type": "output_text", "text": "春"}]}
    answer = {"id": "r", "object": "response", "status": "completed", "output": [item]}
    assert json.loads(assembled_response(response_frames(json.dumps(answer).encode()))) == answer
