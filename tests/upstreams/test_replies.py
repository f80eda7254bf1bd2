"""Written replies are valid answers of the OpenAI API."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from proxy.upstreams import replies
from proxy.upstreams.replies import Reply
from tests.upstreams.raw_server import post


def frames(reply: Reply) -> list[Any]:
    """The JSON of each data frame; [DONE] as its text."""
    datas = [
        step.removeprefix(b"data: ").removesuffix(b"\n\n") for step in reply.steps if isinstance(step, bytes)
    ]
    return [data.decode() if data == b"[DONE]" else orjson.loads(data) for data in datas]


def test_a_stream_is_role_deltas_finish_usage_done() -> None:
    *chunks, done = frames(replies.sse(["你", "好"], usage=True, model="m"))
    assert done == "[DONE]"
    assert [chunk["choices"][0]["delta"] for chunk in chunks[:-1]] == [
        {"role": "assistant", "content": ""},
        {"content": "你"},
        {"content": "好"},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None, None, None, "stop"]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"] == {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    assert {(chunk["object"], chunk["model"]) for chunk in chunks} == {("chat.completion.chunk", "m")}


def test_each_choice_gets_the_same_or_its_own_texts_interleaved() -> None:
    def texts(reply: Reply) -> list[tuple[int, str]]:
        deltas = [frame["choices"][0] for frame in frames(reply)[:-1]]
        return [
            (choice["index"], choice["delta"]["content"])
            for choice in deltas
            if choice["delta"].get("content")
        ]

    assert texts(replies.sse(["a", "b"], n=2)) == [(0, "a"), (1, "a"), (0, "b"), (1, "b")]
    assert texts(replies.sse([["a"], ["b", "c"]])) == [(0, "a"), (1, "b"), (1, "c")]
    assert texts(replies.sse([])) == []


def test_finish_and_done_can_be_left_out() -> None:
    assert len(frames(replies.sse(["a"], finish=None, done=False))) == 2


def test_a_delay_stands_between_frames() -> None:
    steps = replies.sse(["a"], delay=0.5, done=False).steps
    assert [step for step in steps if not isinstance(step, bytes)] == [0.5, 0.5]


def test_events_are_framed_unless_they_are_frames() -> None:
    reply = replies.events([{"a": 1}, ": ping\n", b"data: {\n\n"])
    assert reply.steps == [b'data: {"a":1}\n\n', b": ping\n", b"data: {\n\n", b"data: [DONE]\n\n"]


def test_an_unstreamed_chat_holds_the_joined_texts() -> None:
    body = orjson.loads(replies.chat(["你", "好"], n=2, finish="length").steps[0])  # type: ignore[arg-type]
    assert body["object"] == "chat.completion"
    assert [choice["message"]["content"] for choice in body["choices"]] == ["你好", "你好"]
    assert body["choices"][1]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 4


@pytest.mark.parametrize("usage", [True, False])
def test_an_answer_follows_the_request(usage: bool) -> None:
    body = {"model": "m", "n": 2, "stream": True, "stream_options": {"include_usage": usage}}
    chunks = [frame for frame in frames(replies.answer(post(orjson.dumps(body)), ["a"])) if frame != "[DONE]"]
    assert {chunk["model"] for chunk in chunks} == {"m"}
    assert {choice["index"] for chunk in chunks for choice in chunk["choices"]} == {0, 1}
    assert ("usage" in chunks[-1]) is usage


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"'])
def test_an_answer_to_something_else_is_a_400(body: bytes) -> None:
    assert replies.answer(post(body), ["a"]).status == 400
