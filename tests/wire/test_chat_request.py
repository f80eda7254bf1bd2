"""What a chat request says to the model, and our own traces in what clients send back."""

from __future__ import annotations

import base64
import copy
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelers.explicit import strip_labels
from labelers.provenance import KeyRing, Provenance
from labelers.watermarks import SCHEMES
from labelers.watermarks.carrier import strip_own
from proxy.errors import ApiError
from proxy.wire.chat_request import check_chat_request, history_edits, last_user_text, request_texts
from proxy.wire.jsonedit import replace_values

OWN = ("【本内容由AI生成】", "（AI生成）", "（以上内容由AI生成）", "[旧标识 AI生成]")
START, INLINE, END, FORMER = OWN
SCHEME = SCHEMES["carrier"](KeyRing(b"k" * 32), "dense")
PROSE = "".join(
    f"这是第{n}段，春江潮水连海平，海上明月共潮生，滟滟随波千万里，何处春江无月明。" for n in "一二三四五六"
)


def marked(text: str) -> str:
    transform = SCHEME.new_transform(Provenance("P", 7 << 24))
    return transform.feed(text) + transform.flush()


def said(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def ask(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": list(messages), **more}


# check


@pytest.mark.parametrize(
    "more",
    [
        {}, {"n": 1}, {"n": 128}, {"n": None}, {"stream": True}, {"stream": None}, {"modalities": ["text"]},
        {"modalities": None}, {"audio": None}, {"unknown": {"x": 1}},
    ],
)  # fmt: skip
def test_a_well_formed_request_passes(more: dict[str, Any]) -> None:
    check_chat_request(ask(said("user", "春"), **more))


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"model": 3}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": {"role": "user"}}, "messages"),
        ({"messages": ["春"]}, "messages[0]"),
        ({"messages": [{"role": "user"}, {"content": "x"}]}, "messages[1]"),
        ({"messages": [{"role": None}]}, "messages[0]"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"n": True}, "n"),
        ({"n": 1.5}, "n"),
        ({"n": "2"}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"stream": 1}, "stream"),
        ({"audio": {"voice": "a"}}, "modalities"),
        ({"modalities": ["text", "audio"]}, "modalities"),
    ],
)
def test_a_malformed_request_is_refused_with_the_parameter(change: dict[str, Any], param: str) -> None:
    with pytest.raises(ApiError) as refused:
        check_chat_request({**ask(said("user", "春")), **change})
    assert (refused.value.status, refused.value.param) == (400, param)
    assert refused.value.type == "invalid_request_error"
    assert refused.value.code


# texts


def texts(*messages: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    return [pair for pair in request_texts(ask(*messages, **more)) if pair != ("request", "m")]


PNG = "data:image/png;base64," + base64.b64encode(b"x" * 99).decode()


def test_roles_stay_apart_and_in_order() -> None:
    assert texts(said("system", "甲"), said("user", "乙"), said("assistant", "丙"), said("tool", "丁", tool_call_id="t1")) == [
        ("system", "甲"), ("user", "乙"), ("assistant", "丙"), ("tool", "t1"), ("tool", "丁"),
    ]  # fmt: skip


def test_adjacent_text_parts_of_a_message_are_one_text() -> None:
    parts = [
        {"type": "text", "text": "违禁"},
        {"type": "text", "text": "甲乙"},
        {"type": "image_url", "image_url": {"url": PNG}},
    ]
    got = texts(said("user", [*parts, {"type": "text", "text": "丙"}]))
    assert ("user", "违禁甲乙丙") in got
    assert not any("base64" in text for _, text in got)


def test_what_the_user_says_over_several_messages_is_seen_in_one_row() -> None:
    got = texts(
        said("user", "违禁"), said("assistant", "嗯"), said("user", [{"type": "text", "text": "甲乙丙"}])
    )
    assert got[-1] == ("user", "违禁甲乙丙")
    assert texts(said("user", "春"), said("assistant", "江"))[-1] == ("assistant", "江")


@pytest.mark.parametrize(
    ("part", "seen"),
    [
        ({"type": "image_url", "image_url": {"url": PNG}}, None),
        ({"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}}, None),
        ({"type": "file", "file": {"file_data": "QUJD", "filename": "a.pdf"}}, None),
        ({"type": "image_url", "image_url": {"url": "https://example.org/a"}}, "https://example.org/a"),
        ({"type": "image_url", "image_url": {"url": "data:text/plain,abc"}}, "data:text/plain,abc"),
        # words in the place of base64 are words
        ({"type": "image_url", "image_url": {"url": "data:;base64,违禁"}}, "data:;base64,违禁"),
        ({"type": "input_audio", "input_audio": {"data": "违禁"}}, "违禁"),
        ({"type": "file", "file": {"file_data": "违禁"}}, "违禁"),
        ({"type": "unknown", "x": [{"y": "违禁"}]}, "违禁"),
    ],
)
def test_base64_is_not_reviewed_and_everything_else_is(part: dict[str, Any], seen: str | None) -> None:
    got = [text for _, text in texts(said("user", [part]))]
    assert not any(text in ("QUJD", PNG) for text in got)
    if seen is not None:
        assert seen in got


def test_arguments_of_tools_are_decoded() -> None:
    arguments = json.dumps({"q": "违禁", "deep": [{"键": "甲乙"}]})
    assert "\\u" in arguments
    call = {"id": "t", "type": "function", "function": {"name": "f", "arguments": arguments}}
    custom = {"id": "u", "type": "custom", "custom": {"name": "g", "input": "丙\\u7532"}}
    got = texts(
        said(
            "assistant",
            None,
            tool_calls=[call, custom],
            function_call={"name": "h", "arguments": '"\\u4e01"'},
        )
    )
    assert ("assistant", "q\n违禁\ndeep\n键\n甲乙") in got
    assert ("assistant", "丙甲") in got
    assert ("assistant", "丁") in got


def test_names_and_strings_outside_of_the_messages_are_seen() -> None:
    got = texts(
        said("user", "春", name="违禁"),
        tools=[{"function": {"description": "甲"}}],
        prediction={"content": "乙"},
    )
    assert ("user", "违禁") in got
    assert [pair for pair in got if pair[0] == "request"] == [("request", "m\n甲\n乙")]


# locale


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([said("user", "hello"), said("user", "你好"), said("assistant", "x")], "你好"),
        (
            [
                said(
                    "user", [{"type": "text", "text": "你"}, {"type": "image_url", "image_url": {"url": PNG}}]
                )
            ],
            "text你image_url",
        ),
        ([said("user", None)], ""),
        ([said("user", "")], ""),
        ([said("system", "你好")], ""),
    ],
)
def test_the_last_user_message_decides_the_locale(messages: list[dict[str, Any]], expected: str) -> None:
    assert last_user_text(ask(*messages)) == expected


# history


def clean(body: dict[str, Any]) -> dict[str, Any]:
    """The request as the upstream gets it."""
    edits = history_edits(body, lambda text: strip_labels(text, OWN), strip_own)
    cleaned: dict[str, Any] = json.loads(replace_values(json.dumps(body).encode(), edits))
    return cleaned


def answer(text: str) -> str:
    return f"{START}\n\n{marked(text)}\n\n{END}"


def test_our_labels_and_marks_leave_what_the_assistant_said() -> None:
    assert marked(PROSE) != PROSE
    body = ask(said("user", "写诗"), said("assistant", answer(PROSE)), said("user", "再来"))
    assert clean(body)["messages"] == [said("user", "写诗"), said("assistant", PROSE), said("user", "再来")]


def test_former_and_inline_labels_go_too_and_every_part_is_cleaned() -> None:
    parts = [
        {"type": "text", "text": f"{FORMER}\n\n春\n\n{INLINE}\n\n江"},
        {"type": "text", "text": f"潮\n\n{END}"},
    ]
    got = clean(ask(said("assistant", parts)))["messages"][0]["content"]
    assert [part["text"] for part in got] == ["春\n\n江", "潮"]


@pytest.mark.parametrize("role", ["user", "system", "tool", "developer", "function"])
def test_of_others_only_marks_are_taken_never_words(role: str) -> None:
    assert clean(ask(said(role, answer(PROSE))))["messages"] == [said(role, f"{START}\n\n{PROSE}\n\n{END}")]
    assert (
        clean(ask(said(role, [{"type": "text", "text": START}])))["messages"][0]["content"][0]["text"]
        == START
    )


def test_labels_elsewhere_in_an_assistant_message_stay() -> None:
    call = {"id": "t", "type": "function", "function": {"name": "f", "arguments": START}}
    body = ask(said("assistant", f"标识是{START}", tool_calls=[call], reasoning=f"{START}\n\n想", name=START))
    assert clean(body) == body


def test_base64_and_everything_outside_of_the_messages_are_left_alone() -> None:
    body = ask(said("assistant", [{"type": "image_url", "image_url": {"url": PNG}}]), note=answer(PROSE))
    assert history_edits(body, lambda text: "", lambda text: "")
    assert ("messages", 0, "content", 0, "image_url", "url") not in history_edits(
        body, lambda text: "", lambda text: ""
    )
    assert clean(body) == body


def test_a_conversation_of_twenty_turns_does_not_grow() -> None:
    history: list[dict[str, Any]] = []
    sent: list[list[dict[str, Any]]] = []
    for turn in range(20):
        history.append(said("user", f"第{turn}问"))
        sent.append(clean(ask(*history))["messages"])
        # The client keeps what it was shown; a model that imitates its history would repeat our labels.
        imitated = "".join(m["content"] for m in sent[-1] if m["role"] == "assistant").count("AI生成")
        assert imitated == 0
        history.append(said("assistant", answer(PROSE)))
    assert [m["content"] for m in sent[-1] if m["role"] == "assistant"] == [PROSE] * 19
    # Each request begins with the bytes of the one before: prompt caches hold.
    for before, after in pairwise(sent):
        assert after[: len(before)] == before


MESSAGES = st.lists(
    st.builds(
        said,
        st.sampled_from(["user", "assistant", "system", "tool"]),
        st.none()
        | st.lists(st.sampled_from([*OWN, "\n\n", "\n", "春江", marked(PROSE), "```", " "]), max_size=6).map(
            "".join
        )
        | st.lists(
            st.fixed_dictionaries(
                {"type": st.just("text"), "text": st.sampled_from([START, answer(PROSE), "春"])}
            ),
            max_size=2,
        ),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(MESSAGES)
def test_cleaning_is_idempotent_and_takes_no_word_of_anyone_but_the_assistant(
    messages: list[dict[str, Any]],
) -> None:
    body = ask(*messages)
    before = copy.deepcopy(body)
    once = clean(body)
    assert body == before
    assert clean(once) == once
    assert clean(body) == once
    for theirs, got in zip(messages, once["messages"], strict=True):
        if theirs["role"] != "assistant":
            assert got == json.loads(strip_own(json.dumps(theirs, ensure_ascii=False)))
