"""Answers of our own making: a refusal in every shape, and a whole answer told as a stream."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from proxy.errors import WireError
from proxy.review.entry import Action
from proxy.review.reviewer import Finding
from proxy.wire.refusal import answer_frames, refusal_answer, refusal_stream
from tests.helpers import keyword, sse_events, text_of
from tests.wire.plans import plan, raw_through, said

FOUND = Finding("e1", "A.2.b", 3, Action.BLOCK, "safe", 0, 5, "违禁甲乙丙")
JSON_ASKED = {"response_format": {"type": "json_object"}}
AIGC = {"review": {"id": "req_1", "decision": "block", "category": "A.2.b"}}
NO_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


@pytest.mark.parametrize(
    ("asked", "content", "refusal"), [({}, "换个话题吧。", None), (JSON_ASKED, None, "换个话题吧。")]
)
def test_a_refused_request_is_an_answer_with_the_operators_words(
    asked: dict[str, Any], content: str | None, refusal: str | None
) -> None:
    raw = refusal_answer(plan(**asked), "换个话题吧。", FOUND, 1_700_000_000)
    assert json.loads(raw) == {
        "id": "chatcmpl-req_1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, "refusal": refusal},
                "logprobs": None,
                "finish_reason": "content_filter",
            }
        ],
        "usage": NO_USAGE,
        "aigc": AIGC,
    }
    ChatCompletion.model_validate_json(raw)


@pytest.mark.parametrize("asked", [{}, JSON_ASKED])
@pytest.mark.parametrize("usage", [False, True])
def test_the_same_as_a_stream(asked: dict[str, Any], usage: bool) -> None:
    decided = plan(**asked, stream_options={"include_usage": usage})
    *events, done = sse_events(refusal_stream(decided, "换个话题吧。", FOUND, 7))
    assert done == "[DONE]"
    for event in events:
        ChatCompletionChunk.model_validate(event)
        assert (event["id"], event["object"], event["created"], event["model"]) == (
            "chatcmpl-req_1", "chat.completion.chunk", 7, "m",
        )  # fmt: skip
    deltas = [event["choices"][0]["delta"] for event in events if event["choices"]]
    key = "refusal" if asked else "content"
    assert deltas == [{"role": "assistant", "content": ""}, {key: "换个话题吧。"}, {}]
    reasons = [event["choices"][0]["finish_reason"] for event in events if event["choices"]]
    assert reasons == [None, None, "content_filter"]
    assert [event.get("aigc") for event in events[:3]] == [AIGC, None, AIGC]
    assert [event["usage"] for event in events if not event["choices"]] == ([NO_USAGE] if usage else [])


def test_the_matched_word_and_the_entry_are_never_told() -> None:
    for made in (refusal_answer, refusal_stream):
        raw = made(plan(), "换个话题吧。", FOUND, 1).decode()
        assert FOUND.text not in raw
        assert "e1" not in raw
        assert "A.2.b" in raw


def whole(*messages: dict[str, Any], **more: Any) -> bytes:
    choices = [
        {"index": at, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
        for at, message in enumerate(messages)
    ]
    head = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    return json.dumps({**head, "choices": choices, **more}).encode()


def test_a_whole_answer_is_told_as_message_finish_usage_and_done() -> None:
    raw = whole({"content": "春", "refusal": None}, {"content": "江"}, usage={"total_tokens": 3}, note="n")
    *events, done = sse_events(answer_frames(raw))
    assert done == "[DONE]"
    assert all(event["object"] == "chat.completion.chunk" and event["note"] == "n" for event in events)
    assert [[c["delta"] for c in event["choices"]] for event in events] == [
        [{"role": "assistant", "content": "春"}], [{}], [{"role": "assistant", "content": "江"}], [{}], [],
    ]  # fmt: skip
    assert [c["finish_reason"] for event in events for c in event["choices"]] == [None, "stop", None, "stop"]
    assert [c["index"] for event in events for c in event["choices"]] == [0, 0, 1, 1]
    assert events[-1]["usage"] == {"total_tokens": 3}


def test_without_usage_there_is_no_usage_chunk_and_without_a_reason_none_is_made_up() -> None:
    raw = b'{"choices":[{"message":{"content":"x"},"logprobs":{"content":[]}}],"usage":null}'
    events = sse_events(answer_frames(raw))
    assert events == [
        {"object": "chat.completion.chunk", "choices": [{"logprobs": {"content": []}, "delta": {"content": "x"}, "finish_reason": None}]},
        {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, "finish_reason": None}]},
        "[DONE]",
    ]  # fmt: skip


def test_tool_calls_get_the_numbers_that_stream_readers_need() -> None:
    calls = [{"id": i, "type": "function", "function": {"name": "f", "arguments": "{}"}} for i in "ab"]
    first = sse_events(answer_frames(whole({"content": None, "tool_calls": calls})))[0]
    ChatCompletionChunk.model_validate(first)
    assert [call["index"] for call in first["choices"][0]["delta"]["tool_calls"]] == [0, 1]


def test_what_was_told_as_a_stream_is_labelled_and_reviewed_like_one() -> None:
    assert (
        said(answer_frames(whole({"content": "春江"})), plan())
        == "【本内容由AI生成】\n\n春江\n\n（以上内容由AI生成）"
    )
    out = raw_through(
        answer_frames(whole({"content": "违禁甲乙丙", "x": "y"})), plan([keyword("违禁甲乙丙")])
    )
    assert "违禁" not in out.decode()
    assert text_of(sse_events(out)) == "换个话题吧。"


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"null", b"[]", b'"x"', b"{}", b'{"choices":null}', b'{"choices":"x"}', b'{"choices":[{}]}', b'{"choices":[]}',
        b'{"choices":[{"message":null}]}', b'{"choices":[1]}', b'{"error":{"message":"x"}}',
        b'{"choices":[{"message":{"tool_calls":[1]}}]}',
    ],
)  # fmt: skip
def test_json_that_is_no_chat_completion_is_not_told(raw: bytes) -> None:
    with pytest.raises(WireError, match="no chat completion"):
        answer_frames(raw)
