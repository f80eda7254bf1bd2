"""The unstreamed chat answer: only values that change are edited, and the text is that of the stream."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import WireError
from proxy.policy import Plan
from proxy.wire.chat_answer import ChatAnswer
from tests.helpers import keyword, text_of
from tests.wire.plans import plan, rules, through

START, END = "【本内容由AI生成】\n\n", "\n\n（以上内容由AI生成）"
SECRET = "违禁甲乙丙"
SAID = "换个话题吧。"
MASK = {"input": "log", "output": "mask"}


def choice(
    message: dict[str, Any] | str, index: int = 0, finish: str = "stop", **more: Any
) -> dict[str, Any]:
    message = {"content": message} if isinstance(message, str) else message
    return {"index": index, "message": {"role": "assistant", **message}, "finish_reason": finish, **more}


def body(*choices: dict[str, Any], **more: Any) -> bytes:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    head = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    return json.dumps({**head, "choices": list(choices), "usage": usage, **more}, ensure_ascii=False).encode()


def rewritten(raw: bytes, decided: Plan | None = None) -> Any:
    return json.loads(ChatAnswer(decided or plan()).rewrite(raw))


def refused(answer: Any, at: int = 0) -> bool:
    one = answer["choices"][at]
    wanted = {
        "index": at,
        "message": {"role": "assistant", "content": SAID, "refusal": None},
        "logprobs": None,
        "finish_reason": "content_filter",
    }
    return bool(one == wanted)


def test_labels_stand_around_the_content_and_the_object_says_so() -> None:
    answer = ChatAnswer(plan())
    out = json.loads(answer.rewrite(body(choice("春江"))))
    assert out["choices"][0]["message"]["content"] == START + "春江" + END
    assert out["choices"][0]["finish_reason"] == "stop"
    assert out["aigc"]["label"] == {"positions": ["start", "end"], "skipped_reason": None}
    assert out["aigc"]["review"] == {"id": "req_1", "decision": "pass"}
    assert answer.usage == out["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert ["".join(lane.generated) for lane in answer.lanes] == ["春江"]


def test_every_byte_that_is_not_ours_stays() -> None:
    raw = (
        b'{ "big": 123456789012345678901234567890, "f": 1.50e0,"f":2, "x": {"y":[1, 2]},\n'
        b'"choices":[{"message":{"role":"assistant","content":"a\\u00e9","new":null},"finish_reason":"stop","index":0}] }'
    )
    out = ChatAnswer(plan(of=rules(metadata=False))).rewrite(raw)
    assert out == raw.replace(b'"a\\u00e9"', json.dumps(START + "aé" + END, ensure_ascii=False).encode())
    with_object = ChatAnswer(plan()).rewrite(raw)
    head, _, tail = with_object.rpartition(b',"aigc":')
    assert head + b" }" == out
    assert json.loads(tail[:-1])["Label"] == "1"


def test_an_answer_that_needs_no_change_goes_out_as_it_came() -> None:
    raw = body(choice("春"), choice({"content": None}, 1)) + b"\n"
    decided = plan(of=rules(metadata=False, mode="interface", undertaking="contract 1"))
    assert ChatAnswer(decided).rewrite(raw) == raw


def test_an_aigc_object_of_the_upstream_is_replaced() -> None:
    out = rewritten(body(choice("春"), aigc={"Label": "9", "note": "theirs"}))
    assert out["aigc"]["ContentProducer"] == "UNSET"
    assert "theirs" not in json.dumps(out)


def test_one_blocked_choice_of_several_is_replaced_alone() -> None:
    call = {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    spelt = {"content": [{"token": SECRET, "logprob": -1.0, "top_logprobs": []}]}
    raw = body(
        choice("春"),
        choice({"content": f"江{SECRET}", "tool_calls": [call], "audio": {"id": "a"}}, 1, logprobs=spelt),
        choice("潮", 2),
    )
    answer = ChatAnswer(plan([keyword(SECRET)], n=3))
    out = json.loads(answer.rewrite(raw))
    assert [c["message"]["content"] for c in out["choices"]] == [START + "春" + END, SAID, START + "潮" + END]
    assert refused(out, 1)
    assert [lane.blocked is not None for lane in answer.lanes] == [False, True, False]
    assert out["usage"]["total_tokens"] == 3
    assert SECRET not in json.dumps(out, ensure_ascii=False)


def tool(arguments: str) -> dict[str, Any]:
    return {
        "content": None,
        "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f", "arguments": arguments}}],
    }


@pytest.mark.parametrize(
    "one",
    [
        choice(SECRET),
        choice({"content": "春", "reasoning_content": f"想{SECRET}"}),
        choice({"content": "春", "reasoning": SECRET}),
        choice({"content": None, "refusal": SECRET}),
        choice({"content": "春", "annotations": [{"x": {"y": SECRET}}]}),
        choice({"content": [{"type": "text", "text": SECRET}]}),
        choice(tool(json.dumps({"a": SECRET}, ensure_ascii=False))),
        choice(tool(json.dumps({"a": SECRET}))),
        choice(tool('{"a": "\\u8fdd\\u7981甲乙丙')),
        choice({"content": None, "function_call": {"name": SECRET, "arguments": "{}"}}),
        choice({"content": None, "tool_calls": [{"type": "custom", "custom": {"name": "f", "input": SECRET}}]}),
        choice("春", note=SECRET),
    ],
)  # fmt: skip
def test_every_text_of_a_choice_is_reviewed_and_blocks_it_whole(one: dict[str, Any]) -> None:
    out = rewritten(body(one), plan([keyword(SECRET)]))
    assert refused(out)
    assert out["aigc"]["review"]["decision"] == "block"


def test_text_outside_of_the_choices_is_reviewed_and_taken_out() -> None:
    out = rewritten(
        body(choice("春"), choice("江", 1), note=["x", {"y": SECRET}], other="z"),
        plan([keyword(SECRET)], n=2),
    )
    assert refused(out, 0) and refused(out, 1)
    assert (out["note"], out["other"]) == (None, "z")
    out = rewritten(body(choice("春"), aigc={"x": SECRET}), plan([keyword(SECRET)], of=rules(metadata=False)))
    assert refused(out)
    assert out["aigc"] is None


def test_masks_apply_in_every_channel() -> None:
    masked = plan([keyword("春江", action=MASK)])
    out = rewritten(body(choice({"content": "看春江水", "reasoning": "想春江"})), masked)
    assert out["choices"][0]["message"]["content"] == START + "看＊＊水" + END
    assert out["choices"][0]["message"]["reasoning"] == "想＊＊"
    assert out["aigc"]["review"]["decision"] == "mask"


def spelt(*tokens: str, top: tuple[str, ...] = ()) -> dict[str, Any]:
    alternatives = [{"token": t, "logprob": -2.0} for t in top]
    return {"content": [{"token": t, "logprob": -0.1, "top_logprobs": alternatives} for t in tokens]}


@pytest.mark.parametrize(
    ("text", "logprobs", "kept"),
    [
        ("春江", spelt("春", "江"), True),
        ("春江", None, True),
        ("春江", {}, True),
        ("看明月", spelt("看", "明月"), False),
        ("春江", spelt("春江", top=(SECRET,)), False),
    ],
)
def test_log_probabilities_stay_unless_they_spell_what_is_not_shown(
    text: str, logprobs: Any, kept: bool
) -> None:
    decided = plan([keyword(SECRET), keyword("明月", action=MASK)], logprobs=True)
    out = rewritten(body(choice(text, logprobs=logprobs)), decided)
    assert out["choices"][0]["logprobs"] == (logprobs if kept else None)
    assert out["choices"][0]["message"]["content"].startswith(START)


def test_tool_calls_without_content_get_no_label() -> None:
    raw = body(choice(tool('{"a": "春"}'), finish="tool_calls"))
    out = rewritten(raw)
    assert out["choices"] == json.loads(raw)["choices"]
    assert out["aigc"]["label"] == {"positions": [], "skipped_reason": "empty"}
    assert out["aigc"]["hint"]["must_persist"] is True


def test_json_output_gets_no_label_and_its_refusal_in_the_refusal_field() -> None:
    asked: dict[str, Any] = {"response_format": {"type": "json_object"}}
    out = rewritten(body(choice('{"a": "春"}')), plan(**asked))
    assert out["choices"][0]["message"]["content"] == '{"a": "春"}'
    assert out["aigc"]["label"] == {"positions": [], "skipped_reason": "json"}
    out = rewritten(body(choice(SECRET)), plan([keyword(SECRET)], **asked))
    assert out["choices"][0]["message"] == {"role": "assistant", "content": None, "refusal": SAID}


def test_without_a_library_nothing_is_reviewed() -> None:
    decided = plan()
    object.__setattr__(decided, "library", None)
    out = rewritten(body(choice({"content": SECRET, "reasoning": SECRET}), note=SECRET), decided)
    assert SECRET in out["choices"][0]["message"]["content"]
    assert out["aigc"]["review"]["decision"] == "not_reviewed"


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"[]", b"null", b"{}", b'{"choices":{}}', b'{"choices":[]}', b'{"choices":[1]}',
        b'{"choices":[{"delta":{}}]}', b'{"choices":[{"message":null}]}', b'{"error":{"message":"x"}}', b'{"choices":[\xff]}',
    ],
)  # fmt: skip
def test_what_is_no_chat_completion_is_not_delivered(raw: bytes) -> None:
    with pytest.raises(WireError):
        ChatAnswer(plan()).rewrite(raw)


def test_an_answer_without_usage_has_none() -> None:
    answer = ChatAnswer(plan())
    answer.rewrite(b'{"choices":[{"message":{"content":"x"}}],"usage":null}')
    assert answer.usage is None


ENTRIES = [
    keyword(SECRET),
    keyword("春江", action=MASK),
    keyword("江潮", action={"input": "log", "output": "replace"}),
]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["春", "江", "潮", "违禁", "甲乙", "丙", "\n\n", "```", "{", "[1] ", "<b>", " ", "a。"]
        ),
        max_size=12,
    ),
    st.lists(st.sampled_from(["春", "江", "违禁甲", "乙丙"]), max_size=3),
    st.booleans(),
)
def test_streamed_and_unstreamed_give_the_same_text(
    parts: list[str], thought: list[str], carrier: bool
) -> None:
    decided = plan(ENTRIES, of=rules(carrier=carrier))
    message = {"content": "".join(parts), "reasoning": "".join(thought)}
    deltas = [
        {"role": "assistant"},
        *({"reasoning": t} for t in thought),
        *({"content": p} for p in parts),
        {},
    ]
    raw = b"".join(
        b"data: "
        + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}).encode()
        + b"\n\n"
        for delta in deltas[:-1]
    )
    raw += b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    events = [e for e in through(raw, decided) if e != "[DONE]"]
    whole = rewritten(body(choice(message)), decided)
    one = whole["choices"][0]
    assert events[-1]["choices"][0]["finish_reason"] == one["finish_reason"]
    assert events[-1]["aigc"]["review"] == whole["aigc"]["review"]
    if one["finish_reason"] == "stop":
        assert text_of(events) == one["message"]["content"]
        assert events[-1]["aigc"]["label"] == whole["aigc"]["label"]
        thoughts = [c["delta"].get("reasoning") or "" for e in events for c in e["choices"]]
        assert "".join(thoughts) == one["message"]["reasoning"]
    else:
        assert refused(whole)
        assert text_of(events).endswith(SAID)
        assert SECRET not in json.dumps(events, ensure_ascii=False)


@pytest.mark.parametrize("carrier", [False, True])
def test_inline_labels_are_deltas_of_their_own_and_stand_in_the_same_places_unstreamed(carrier: bool) -> None:
    text = "\n\n".join("春江潮水连海平，海上明月共潮生。" * 30 for _ in range(4))
    decided = plan(of=rules(carrier=carrier, positions=["start", "inline", "end"], inline_every_chars=800))
    raw = b"".join(
        b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": part}}]}).encode() + b"\n\n"
        for part in (text[at : at + 7] for at in range(0, len(text), 7))
    )
    raw += b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    events = [e for e in through(raw, decided) if e != "[DONE]"]
    whole = rewritten(body(choice(text)), decided)
    assert text_of(events) == whole["choices"][0]["message"]["content"]
    deltas = [c["delta"].get("content") for e in events for c in e["choices"]]
    assert deltas.count("（AI生成）\n\n") == text_of(events).count("（AI生成）") >= 1
    assert events[-1]["aigc"]["label"] == whole["aigc"]["label"]
    assert whole["aigc"]["label"] == {"positions": ["start", "inline", "end"], "skipped_reason": None}


@pytest.mark.parametrize(
    "spelling",
    [
        '{"choices":[{"index":0,"message":{"content":"%s"},"finish_reason":"stop"}]}',
        '{"content":"%s","choices":[{"index":0,"message":{"content" : "%s"},"finish_reason":"stop"}]}',
        '{"x":{"content":"%s"},"choices":[{"index":0,"message":{"content":"\\u6625"},"finish_reason":"stop"}]}',
        '{"x":{"content":"春"},"choices":[{"index":0,"message":{"\\u0063ontent":"春"},"finish_reason":"stop"}]}',
        '{"x":"\\"content\\":\\"春\\"","choices":[{"index":0,"message":{"content" :"%s"},"finish_reason":"stop"}]}',
    ],
)
def test_the_label_goes_into_the_answer_however_it_is_spelt_and_nowhere_else(spelling: str) -> None:
    raw = spelling.replace("%s", "春").encode()
    out = json.loads(ChatAnswer(plan(stream=False)).rewrite(raw))
    assert out["choices"][0]["message"]["content"] == "【本内容由AI生成】\n\n春\n\n（以上内容由AI生成）"
    came = json.loads(raw)
    assert {key: out[key] for key in came if key != "choices"} == {
        key: came[key] for key in came if key != "choices"
    }
