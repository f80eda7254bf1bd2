"""The Responses request: everything that the model would read is reviewed, and our own traces are taken out."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.errors import ApiError
from proxy.wire.responses_endpoint import ResponsesEndpoint
from proxy.wire.responses_request import (
    check_responses_request,
    history_edits,
    last_user_text,
    request_texts,
)

WIRE = ResponsesEndpoint()


def body(items: Any = "你好", **fields: Any) -> dict[str, Any]:
    return {"model": "m", "input": items, **fields}


def user(*texts: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "input_text", "text": text} for text in texts]}


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"input": "x"}, "missing_required_parameter", "model"),
    ({"model": 3, "input": "x"}, "missing_required_parameter", "model"),
    ({"model": "m"}, "missing_required_parameter", "input"),
    (body([]), "invalid_type", "input"),
    (body({}), "invalid_type", "input"),
    (body(["x"]), "invalid_type", "input[0]"),
    (body(stream="yes"), "invalid_type", "stream"),
    (body(background="yes"), "invalid_type", "background"),
    (body(background=True), "foreground_only", "background"),
    (body(previous_response_id="resp_1"), "resend_input", "previous_response_id"),
    (body(conversation={"id": "conv_1"}), "resend_input", "conversation"),
    (body(prompt={"id": "pmpt_1"}), "inline_prompt", "prompt"),
    (body([user("x"), {"type": "item_reference", "id": "msg_1"}]), "resend_input", "input[1]"),
    (body([{"id": "msg_1"}]), "resend_input", "input[0]"),
    (body(modalities=["text", "audio"]), "unsupported_modality", "modalities"),
    (body(audio={"voice": "a"}), "unsupported_modality", "modalities"),
    (body(tools=[{"type": "function"}, {"type": "image_generation"}]), "unsupported_modality", "tools"),
]


@pytest.mark.parametrize(("request_body", "code", "param"), REFUSED)
def test_what_cannot_be_reviewed_is_refused(request_body: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(ApiError) as caught:
        check_responses_request(request_body)
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, code, param)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"stream": True, "background": False, "store": True, "previous_response_id": None, "tools": None},
        {"tools": ["odd", {"type": "web_search"}], "modalities": ["text"]},
    ],
)
def test_ordinary_requests_pass(fields: dict[str, Any]) -> None:
    check_responses_request(body([user("x"), {"type": "compaction_trigger"}], **fields))


READ: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "string": (body("词"), ("user", "词")),
    "easy_message": (body([{"role": "developer", "content": "词"}]), ("developer", "词")),
    "parts": (body([user("甲", "乙")]), ("user", "甲乙")),
    "assistant": (
        body([{"role": "assistant", "type": "message", "content": [{"type": "output_text", "text": "词"}]}]),
        ("assistant", "词"),
    ),
    "refusal": (
        body([{"role": "assistant", "content": [{"type": "refusal", "refusal": "词"}]}]),
        ("assistant", "词"),
    ),
    "tool_output": (body([{"type": "function_call_output", "output": "词"}]), ("function_call_output", "词")),
    "tool_output_parts": (
        body([{"type": "function_call_output", "output": [{"type": "input_text", "text": "词"}]}]),
        ("function_call_output", "词"),
    ),
    "arguments": (body([{"type": "function_call", "arguments": '{"q":"词"}'}]), ("function_call", "q\n词")),
    "escaped_arguments": (
        body([{"type": "mcp_call", "arguments": '{"q":"\\u8bcd"}'}]),
        ("mcp_call", "q\n词"),
    ),
    "custom_input": (body([{"type": "custom_tool_call", "input": "词"}]), ("custom_tool_call", "词")),
    "reasoning": (
        body([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "词"}]}]),
        ("reasoning", "词"),
    ),
    "unknown_item": (body([{"type": "new", "x": {"y": ["词"]}}]), ("new", "词")),
    "file_name": (
        body([{"role": "user", "content": [{"type": "input_file", "filename": "词", "file_id": "f"}]}]),
        ("user", "词"),
    ),
    "text_for_base64": (
        body([{"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,词"}]}]),
        ("user", "data:image/png;base64,词"),
    ),
    "instructions": (body(instructions="词"), ("request", "词")),
    "tool": (body(tools=[{"type": "function", "description": "词"}]), ("request", "词")),
    "schema": (
        body(text={"format": {"type": "json_schema", "schema": {"description": "词"}}}),
        ("request", "词"),
    ),
    "user_messages_in_a_row": (
        body([user("甲"), {"role": "assistant", "content": "？"}, user("乙")]),
        ("user", "甲乙"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_everything_the_model_would_read_is_reviewed(name: str) -> None:
    request_body, expected = READ[name]
    assert expected in list(request_texts(request_body))


def test_base64_and_ciphertext_hold_no_words() -> None:
    content = [
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
        {"type": "input_file", "file_data": "data:application/pdf;base64,AAAA"},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
    ]
    tools = [{"type": "odd", "url": "data:image/png;base64,AAAA"}]
    items = [{"role": "user", "content": content}, {"type": "reasoning", "encrypted_content": "AAAA"}]
    assert not any("AAAA" in text for _, text in request_texts(body(items, tools=tools)))


def test_the_last_user_message_decides_the_locale() -> None:
    assert last_user_text(body("你好")) == "你好"
    assert (
        last_user_text(body([user("你好"), user("Hi", " there"), {"role": "assistant", "content": "好"}]))
        == "Hi there"
    )
    assert last_user_text(body([{"type": "function_call_output", "output": "词"}])) == ""


def strip_labels(text: str) -> str:
    return text.replace("[L]", "")


def strip_marks(text: str) -> str:
    return text.replace("^", "")


def test_labels_leave_the_assistants_text_only_and_marks_leave_everything() -> None:
    items = [
        user("[L]^问"),
        {"role": "assistant", "content": "[L]^答"},
        {"role": "assistant", "type": "message", "content": [
            {"type": "output_text", "text": "[L]^答"}, {"type": "refusal", "refusal": "[L]^否"}, {"type": "output_text", "text": "净"},
        ]},
        {"type": "function_call_output", "output": "[L]^果"},
        {"type": "function_call", "arguments": '{"q":"[L]^"}'},
        {"type": "reasoning", "encrypted_content": "^^"},
    ]  # fmt: skip
    assert history_edits(body(items, instructions="[L]^令"), strip_labels, strip_marks) == {
        ("instructions",): "[L]令",
        ("input", 0, "content", 0, "text"): "[L]问",
        ("input", 1, "content"): "答",
        ("input", 2, "content", 0, "text"): "答",
        ("input", 2, "content", 1, "refusal"): "[L]否",
        ("input", 3, "output"): "[L]果",
        ("input", 4, "arguments"): '{"q":"[L]"}',
    }
    assert history_edits(body("[L]^问"), strip_labels, strip_marks) == {("input",): "[L]问"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("", False, False)),
        ({"text": {"format": {"type": "text"}}}, ("", False, False)),
        ({"text": {"verbosity": "low"}}, ("", False, False)),
        ({"text": {"format": {"type": "json_object"}}}, ("json", True, False)),
        ({"text": {"format": {"type": "json_schema"}}}, ("json", True, False)),
        ({"top_logprobs": 3}, ("", False, True)),
        ({"include": ["message.output_text.logprobs"]}, ("", False, True)),
    ],
)
def test_what_a_request_asks_for_decides_the_label(
    fields: dict[str, Any], expected: tuple[str, bool, bool]
) -> None:
    asks = WIRE.asks(body([user("你好"), {"role": "assistant", "content": "好"}], stream=True, **fields))
    assert (asks.unlabelled, asks.json_output, asks.logprobs) == expected
    assert (asks.model, asks.streamed, asks.n, asks.prefix, asks.last_user) == ("m", True, 1, False, "你好")
