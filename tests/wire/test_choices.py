"""What chat and completions streams have in common: rarer chunks, and how a choice may end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.upstreams import replies
from proxy.wire.chat import ChatStream
from proxy.wire.sse import frame_data
from tests.helpers import keyword, text_of
from tests.wire.plans import plan, raw_through, rules, through

START, END = "【本内容由AI生成】\n\n", "\n\n（以上内容由AI生成）"
SECRET = "违禁甲乙丙"
REFUSED = "换个话题吧。"


def frames(*events: dict[str, Any] | str, done: bool = True) -> bytes:
    return b"".join(step for step in replies.events(events, done=done).steps if isinstance(step, bytes))


def chunk(delta: dict[str, Any], *, index: int = 0, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "finish_reason": finish, **more}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


STOP = chunk({}, finish="stop")


def test_of_two_choices_the_one_that_is_open_is_closed_when_the_stream_ends() -> None:
    raw = frames(
        chunk({"content": "春"}), chunk({"content": "江"}, index=1), chunk({}, finish="stop"), done=False
    )
    events = through(raw, plan(n=2))
    assert text_of(events, 0) == START + "春" + END
    assert text_of(events, 1) == START + "江" + END
    assert "error" in events[-1]


def test_usage_that_was_estimated_is_told_to_those_who_asked_for_usage() -> None:
    assert ChatStream(plan()).estimate({"total_tokens": 1}) == b""
    told = ChatStream(plan(stream_options={"include_usage": True})).estimate({"total_tokens": 1})
    assert frame_data(told) == b'{"choices":[],"usage":{"total_tokens":1},"aigc":{"usage_estimated":true}}'


def test_a_usage_chunk_that_says_more_is_reviewed() -> None:
    usage = {"choices": [], "usage": {"total_tokens": 1}, "note": SECRET}
    raw = frames(chunk({"content": "春"}), STOP, usage)
    decided = plan([keyword(SECRET)], stream_options={"include_usage": True})
    assert SECRET not in raw_through(raw, decided).decode()
    assert (
        raw_through(frames(chunk({"content": "春"}), STOP, {**usage, "note": "无"}), decided).count(b"usage")
        == 1
    )


@pytest.mark.parametrize("where", ["event", "choice"])
def test_a_blocked_word_beside_the_delta_ends_the_choice(where: str) -> None:
    bad = chunk({"content": "江"})
    (bad if where == "event" else bad["choices"][0])["note"] = SECRET
    events = through(
        frames(chunk({"content": "春"}), bad, chunk({"content": "潮"}), STOP), plan([keyword(SECRET)])
    )
    assert text_of(events) == START + "春" + END + "\n\n" + REFUSED
    assert events[-2]["choices"][0]["finish_reason"] == "content_filter"


@pytest.mark.parametrize("note", [SECRET, "无"])
def test_figures_after_the_finish_chunk_pass_and_words_do_not(note: str) -> None:
    late = chunk({}, note=note)
    out = raw_through(frames(chunk({"content": "春"}), STOP, late), plan([keyword(SECRET)], n=2)).decode()
    assert ("无" in out) is (note == "无")
    assert SECRET not in out


def test_a_word_that_a_channel_ends_with_blocks_before_the_finish_chunk() -> None:
    undecided = keyword(SECRET, exceptions=(SECRET + "解",))
    raw = frames(chunk({"reasoning": "想" + SECRET}), chunk({"content": "好"}), STOP)
    events = through(raw, plan([undecided]))
    assert events[-2]["choices"][0]["finish_reason"] == "content_filter"
    assert "违禁" not in str(events)


def test_empty_tool_calls_change_nothing() -> None:
    raw = frames(chunk({"role": "assistant"}), chunk({"content": "春", "tool_calls": []}), STOP)
    events = through(raw, plan())
    assert text_of(events) == START + "春" + END
    assert not any("tool_calls" in c["delta"] for e in events[:-1] for c in e["choices"])


def test_tool_calls_of_a_blocked_choice_are_not_delivered() -> None:
    call = {"index": 0, "id": "t", "function": {"name": "f", "arguments": "{}"}}
    raw = frames(
        chunk({"tool_calls": [call]}), chunk({"content": "违禁甲乙"}), chunk({"content": "丙"}, finish="stop")
    )
    events = through(raw, plan([keyword(SECRET)]))
    assert text_of(events) == REFUSED
    assert "tool_calls" not in str(events)


def test_a_string_that_stands_twice_is_replaced_by_the_long_way() -> None:
    mask = keyword(SECRET, action={"input": "log", "output": "mask"})
    twice = chunk({"content": SECRET})
    twice["obfuscation"] = {"content": SECRET}
    raw = frames(chunk({"content": "春"}), twice, STOP)
    out = raw_through(raw, plan([mask])).decode()
    assert SECRET not in out
    assert "＊" in out


def test_without_metadata_a_stream_bears_labels_and_no_aigc_object() -> None:
    raw = frames(chunk({"role": "assistant", "content": ""}), chunk({"content": "春"}), STOP)
    events = through(raw, plan(of=rules(metadata=False)))
    assert text_of(events) == START + "春" + END
    assert not any("aigc" in event for event in events[:-1])


def test_a_chunk_over_many_data_lines_stays_one_event_where_a_word_in_it_is_held_back() -> None:
    event = json.dumps(chunk({"content": "春违禁"}), ensure_ascii=False, indent=1)
    spread = b"".join(b"data: " + line.encode() + b"\n" for line in event.split("\n")) + b"\n"
    raw = frames(chunk({"role": "assistant", "content": "江"}), done=False) + spread + frames(STOP)
    events = through(raw, plan([keyword(SECRET)]))
    assert text_of(events) == START + "江春违禁" + END


def test_words_in_the_place_of_a_name_block_and_are_not_repeated_in_chunks_of_ours() -> None:
    for member in ("id", "model", "system_fingerprint", "obfuscation", "object"):
        named = {**chunk({"content": "春"}), member: f"说{SECRET}"}
        out = raw_through(frames(named, STOP), plan([keyword(SECRET)])).decode()
        assert SECRET not in out
        assert REFUSED in out


def test_a_model_may_be_named_in_any_script() -> None:
    said = [
        {**event, "model": "通义 千问"}
        for event in (chunk({"content": "春"}), chunk({"content": "江"}), STOP)
    ]
    events = through(frames(*said), plan([keyword(SECRET)]))
    assert {event["model"] for event in events[:-1]} == {"通义 千问"}
    assert text_of(events) == START + "春江" + END
