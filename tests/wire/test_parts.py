"""Content in a list of parts is labelled, marked and reviewed like a string, and stays a list."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.policy import Plan
from proxy.upstreams import replies
from proxy.wire.chat_answer import ChatAnswer
from tests.helpers import keyword
from tests.wire.plans import plan, raw_through, rules, through

START, END = "【本内容由AI生成】\n\n", "\n\n（以上内容由AI生成）"
SECRET = "违禁甲乙丙"
MASKED = keyword("遮住我", action={"input": "log", "output": "mask"})


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def thought(said: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [text(said)]}


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def frames(*deltas: Any) -> bytes:
    events = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": d}) for d in deltas)]
    steps = replies.events([*events, chunk({}, "stop")]).steps
    return b"".join(step for step in steps if isinstance(step, bytes))


def contents(decided: Plan, *deltas: Any) -> list[Any]:
    events = through(frames(*deltas), decided)[:-1]
    return [c["delta"]["content"] for e in events for c in e["choices"] if c["delta"].get("content")]


def whole(decided: Plan, content: Any) -> dict[str, Any]:
    body = {"choices": [{"index": 0, "message": {"content": content}, "finish_reason": "stop"}]}
    answer: dict[str, Any] = json.loads(ChatAnswer(decided).rewrite(json.dumps(body).encode()))
    return answer["choices"][0]


def joined(parts: list[Any]) -> str:
    return "".join(part["text"] for content in parts for part in content if part["type"] == "text")


def test_a_streamed_list_gets_its_labels_as_lists_of_their_own() -> None:
    assert contents(plan(), [text("春")], [text("江")]) == [
        [text(START)], [text("春")], [text("江")], [text(END)],
    ]  # fmt: skip


def test_a_whole_list_gets_its_labels_as_parts_of_their_own() -> None:
    said = whole(plan(stream=False), [text("春"), text("江")])["message"]["content"]
    assert said == [text(START), text("春"), text("江"), text(END)]


def test_thoughts_are_reviewed_apart_and_bear_no_label() -> None:
    parts = [thought("想遮住我"), text("春")]
    covered = thought("想＊＊＊")
    assert contents(plan([MASKED]), parts) == [[covered], [text(START)], [text("春")], [text(END)]]
    assert whole(plan([MASKED], stream=False), parts)["message"]["content"] == [
        covered, text(START), text("春"), text(END),
    ]  # fmt: skip


def test_a_list_that_needs_no_change_goes_out_as_it_came() -> None:
    of = rules(mode="interface", undertaking="x", metadata=False)
    raw = frames([text("春")], [thought("想")], [text("江")])
    assert raw_through(raw, plan(of=of)) == raw
    assert whole(plan(of=of, stream=False), [text("春")])["message"]["content"] == [text("春")]


@pytest.mark.parametrize("at", range(len(SECRET) + 1))
def test_a_blocked_word_is_found_across_lists_and_strings(at: int) -> None:
    decided = plan([keyword(SECRET)])
    out = raw_through(frames("前" + SECRET[:at], [text(SECRET[at:] + "后")]), decided).decode()
    assert "违" not in out and "content_filter" in out
    choice = whole(plan([keyword(SECRET)], stream=False), [text("前" + SECRET[:at]), text(SECRET[at:])])
    assert choice["finish_reason"] == "content_filter"
    assert "违" not in json.dumps(choice, ensure_ascii=False)


@pytest.mark.parametrize("stream", [False, True])
def test_a_blocked_thought_blocks_the_choice(stream: bool) -> None:
    decided = plan([keyword(SECRET)], stream=stream)
    parts = [thought(SECRET), text("春")]
    said = json.dumps(contents(decided, parts) if stream else whole(decided, parts), ensure_ascii=False)
    assert "违" not in said and "换个话题" in said


def test_parts_that_are_no_text_parts_are_channels() -> None:
    odd: list[Any] = ["loose", {"type": "text", "text": "春", "more": "x"}, {"type": "text"}, 1]
    said = whole(plan(stream=False), odd)["message"]["content"]
    assert said == odd


@given(st.lists(st.text("春江abc\n", max_size=4), min_size=1, max_size=4))
def test_streamed_and_whole_lists_say_the_same_as_a_string(pieces: list[str]) -> None:
    string = whole(plan(stream=False), "".join(pieces))["message"]["content"]
    assert joined([whole(plan(stream=False), [text(p) for p in pieces])["message"]["content"]]) == string
    assert joined(contents(plan(), *([text(p)] for p in pieces))) == string
    assert joined(contents(plan(), [text(p) for p in pieces])) == string
