"""Tool arguments: blocked whole, masked inside their strings, and still the JSON they were."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.policy import Plan
from proxy.upstreams import replies
from proxy.wire.arguments import review_arguments
from proxy.wire.chat_answer import ChatAnswer
from proxy.wire.responses import ResponsesStream
from proxy.wire.responses_answer import ResponsesAnswer
from proxy.wire.rewriter import StreamRewriter
from tests.helpers import keyword, sse_events
from tests.wire.plans import plan, through

MASKED = keyword("遮住我", action={"input": "log", "output": "mask"}, views=("safe",))
REPLACED = keyword(
    "换掉我", action={"input": "log", "output": "replace"}, replacement="别的", views=("safe",)
)
BLOCKED = keyword("违禁甲乙丙")
ENTRIES = [MASKED, REPLACED, BLOCKED]


def reviewed(text: str, decided: Plan | None = None) -> tuple[str, bool, list[str]]:
    decided = decided or plan(ENTRIES)
    lane = decided.lane(0)
    delivered, blocked = review_arguments(decided, lane, text)
    return delivered, blocked is not None, [f.text for f in lane.all_findings]


CASES = [
    ('{"q":"春江"}', '{"q":"春江"}'),
    ('{"q": "请遮住我吧", "n": 1.50}', '{"q": "请＊＊＊吧", "n": 1.50}'),
    ('{"q":"\\u906e\\u4f4f\\u6211"}', '{"q":"＊＊＊"}'),
    ('["换掉我", {"a": ["遮住我"]}]', '["＊＊＊", {"a": ["＊＊＊"]}]'),
    ('{"遮住我": 1}', '{"遮住我": 1}'),
    ("free text 遮住我 {", "free text ＊＊＊ {"),
    ('"遮住我"', '"＊＊＊"'),
    ("", ""),
]


@pytest.mark.parametrize(("came", "delivered"), CASES)
def test_masks_cover_words_inside_strings_and_nothing_else_changes(came: str, delivered: str) -> None:
    assert reviewed(came)[:2] == (delivered, False)


def test_what_is_found_is_remembered_also_in_a_name_that_cannot_be_masked() -> None:
    assert reviewed('{"遮住我": "换掉我"}')[2] == ["遮住我", "换掉我"]


@pytest.mark.parametrize(
    "text",
    [
        '{"q":"违禁甲乙丙"}',
        '{"q":"\\u8fdd\\u7981甲乙丙"}',
        '{"违禁甲乙丙":1}',
        "违禁甲乙丙",
        '{"q":"违禁甲乙丙',
    ],
)
def test_a_blocked_word_blocks_however_it_is_spelt(text: str) -> None:
    assert reviewed(text)[1:] == (True, ["违禁甲乙丙"])


def test_without_review_everything_passes() -> None:
    decided = plan(ENTRIES)
    rules = decided.rules
    unreviewed = Plan(**{f: getattr(decided, f) for f in decided.__slots__} | {"library": None})
    assert rules.review.output
    assert reviewed('{"q":"遮住我"}', unreviewed) == ('{"q":"遮住我"}', False, [])


@given(st.recursive(st.text("遮住我换掉ab\\\"\n", max_size=8) | st.integers(), lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text("ab", max_size=2), below, max_size=3), max_leaves=6))  # fmt: skip
def test_what_comes_out_is_json_of_the_same_shape(value: Any) -> None:
    delivered, blocked, _ = reviewed(json.dumps(value, ensure_ascii=False))
    assert not blocked

    def covered(part: Any) -> Any:
        if isinstance(part, str):
            return part.replace("遮住我", "＊＊＊").replace("换掉我", "＊＊＊")
        if isinstance(part, list):
            return [covered(one) for one in part]
        return {key: covered(one) for key, one in part.items()} if isinstance(part, dict) else part

    assert json.loads(delivered) == covered(value)


def call(arguments: str, key: str = "arguments") -> dict[str, Any]:
    return {"index": 0, "id": "t", "type": "function", "function": {"name": "f", key: arguments}}


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}  # fmt: skip


ARGUMENTS = '{"q":"请遮住我吧"}'


@pytest.mark.parametrize("at", range(len(ARGUMENTS) + 1))
def test_a_streamed_call_is_masked_at_every_split_and_its_name_comes_once(at: int) -> None:
    first = {"tool_calls": [call(ARGUMENTS[:at])]}
    second = {"tool_calls": [{"index": 0, "function": {"arguments": ARGUMENTS[at:]}}]}
    steps = replies.events([chunk(first), chunk(second), chunk({}, "tool_calls")], done=True).steps
    events = through(b"".join(s for s in steps if isinstance(s, bytes)), plan(ENTRIES))
    calls = [c["delta"]["tool_calls"][0] for e in events[:-1] for c in e["choices"] if "tool_calls" in c["delta"]]  # fmt: skip
    assert "".join(c["function"].get("arguments", "") for c in calls) == '{"q":"请＊＊＊吧"}'
    assert [c["function"].get("name") for c in calls] == ["f", None]


def test_the_legacy_function_call_and_whole_answers_are_masked_too() -> None:
    function = {"function_call": {"name": "f", "arguments": ARGUMENTS}}
    steps = replies.events([chunk(function), chunk({}, "function_call")], done=True).steps
    events = through(b"".join(s for s in steps if isinstance(s, bytes)), plan(ENTRIES))
    said = [c["delta"]["function_call"]["arguments"] for e in events[:-1] for c in e["choices"] if "function_call" in c["delta"]]  # fmt: skip
    assert said == ['{"q":"请＊＊＊吧"}']
    message = {"role": "assistant", "content": None, "tool_calls": [call(ARGUMENTS)]}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    decided = plan(ENTRIES, stream=False)
    answer = ChatAnswer(decided)
    out = json.loads(answer.rewrite(json.dumps(body).encode()))
    assert out["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == '{"q":"请＊＊＊吧"}'
    assert [f.text for f in answer.lanes[0].all_findings] == ["遮住我"]
    assert decided.decision(answer.lanes[0]) == "mask"


def item(arguments: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "fc_1",
        "type": "function_call",
        "call_id": "t",
        "name": "f",
        "arguments": arguments,
        **more,
    }


def test_a_response_masks_its_calls_in_every_event_that_repeats_them() -> None:
    place = {"output_index": 0, "item_id": "fc_1"}
    whole = {
        "id": "resp_1",
        "object": "response",
        "model": "m",
        "output": [item(ARGUMENTS)],
        "status": "completed",
    }
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**whole, "output": [], "status": "in_progress"}},
        {"type": "response.output_item.added", "output_index": 0, "item": item("")},
        {"type": "response.function_call_arguments.delta", **place, "delta": ARGUMENTS[:9]},
        {"type": "response.function_call_arguments.delta", **place, "delta": ARGUMENTS[9:]},
        {"type": "response.function_call_arguments.done", **place, "arguments": ARGUMENTS},
        {"type": "response.output_item.done", "output_index": 0, "item": item(ARGUMENTS)},
        {"type": "response.completed", "response": whole},
    ]
    raw = b"".join(
        f"event: {e['type']}\ndata: {json.dumps({**e, 'sequence_number': at})}\n\n".encode()
        for at, e in enumerate(events)
    )
    rewriter = StreamRewriter(ResponsesStream(plan(ENTRIES)))
    out = rewriter.feed(raw)
    rewriter.flush()
    out += rewriter.close()
    said = sse_events(out)
    assert "遮住我" not in json.dumps(said, ensure_ascii=False)
    assert [e["type"] for e in said] == [e["type"] for e in events]
    deltas = [e["delta"] for e in said if "delta" in e]
    assert deltas == ['{"q":"请＊＊＊吧"}', ""]
    assert said[-1]["response"]["output"][0]["arguments"] == '{"q":"请＊＊＊吧"}'
    answer = ResponsesAnswer(plan(ENTRIES))
    body = json.loads(answer.rewrite(json.dumps(whole).encode()))
    assert body["output"][0]["arguments"] == '{"q":"请＊＊＊吧"}'
    assert [f.text for f in answer.lanes[0].all_findings] == ["遮住我"]


@pytest.mark.parametrize("word", ["违禁甲乙丙", "forbiddenword"])
def test_arguments_that_are_an_object_are_reviewed_with_their_keys_streamed_and_not(word: str) -> None:
    entries = [*ENTRIES, keyword("forbiddenword")]
    odd = {"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": {word: 1}}}
    steps = replies.events([chunk({"tool_calls": [odd]}), chunk({}, "tool_calls")], done=True).steps
    events = through(b"".join(s for s in steps if isinstance(s, bytes)), plan(entries))
    assert events[-2]["choices"][0]["finish_reason"] == "content_filter"
    message = {"role": "assistant", "content": None, "tool_calls": [odd]}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    out = json.loads(ChatAnswer(plan(entries, stream=False)).rewrite(json.dumps(body).encode()))
    assert out["choices"][0]["finish_reason"] == "content_filter"
    assert word not in json.dumps([events, out], ensure_ascii=False)
