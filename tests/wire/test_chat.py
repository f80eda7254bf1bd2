"""The streamed chat: labels in their own deltas, nothing unreviewed out, everything else as it came."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.upstreams import replies
from tests.helpers import keyword, sse_events, text_of
from tests.wire.plans import plan, raw_through, rules, said, through

START, END = "【本内容由AI生成】\n\n", "\n\n（以上内容由AI生成）"
TEXT = ["春江潮水", "连海平，", "海上明月", "共潮生。"]


def stream(texts: Any, **options: Any) -> bytes:
    return b"".join(step for step in replies.sse(texts, **options).steps if isinstance(step, bytes))


def frames(*events: dict[str, Any] | str, done: bool = True) -> bytes:
    return b"".join(step for step in replies.events(events, done=done).steps if isinstance(step, bytes))


def chunk(delta: dict[str, Any], *, index: int = 0, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "finish_reason": finish, **more}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def contents(events: list[Any]) -> list[str]:
    return [
        c["delta"]["content"]
        for e in events
        if e != "[DONE]"
        for c in e.get("choices", ())
        if c["delta"].get("content")
    ]


def test_labels_are_deltas_of_their_own_between_role_and_finish() -> None:
    events = through(stream(TEXT, usage=True), plan(stream_options={"include_usage": True}))
    assert contents(events) == [START, *TEXT, END]
    assert events[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [e["choices"][0]["finish_reason"] for e in events[-3:-2]] == ["stop"]
    assert events[-2]["usage"] and events[-2]["choices"] == []
    assert events[-1] == "[DONE]"


def test_a_role_that_comes_with_text_still_precedes_the_label() -> None:
    events = through(frames(chunk({"role": "assistant", "content": "春"}), chunk({}, finish="stop")), plan())
    assert events[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert contents(events) == [START, "春", END]
    assert sum("role" in c["delta"] for e in events[:-1] for c in e["choices"]) == 1


def test_text_in_the_finish_chunk_is_not_lost() -> None:
    events = through(frames(chunk({"content": "春"}), chunk({"content": "江"}, finish="length")), plan())
    assert contents(events) == [START, "春", "江", END]
    assert events[-2]["choices"][0] == {"index": 0, "delta": {}, "finish_reason": "length", "logprobs": None}


def test_the_aigc_object_stands_in_the_first_and_the_last_chunk_of_a_choice_only() -> None:
    events = through(stream(TEXT), plan())
    carrying = [at for at, event in enumerate(events[:-1]) if "aigc" in event]
    assert carrying == [0, len(events) - 2]
    first, last = events[0]["aigc"], events[-2]["aigc"]
    assert list(first)[:7] == [
        "Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2",
    ]  # fmt: skip
    assert first["ProduceID"] == last["ProduceID"] == "0693d21b6d4266ef"
    assert last["label"] == {"positions": ["start", "end"], "skipped_reason": None}
    assert (first["review"]["decision"], last["review"]["decision"]) == ("reviewing", "pass")


def test_chunks_that_need_no_change_go_out_byte_for_byte() -> None:
    odd = b'data: {"choices":[{"delta":{"content":"x"},"index":0}],"n":1.50,"big":123456789012345678901234567890,"n":2}\n\n'
    raw = frames(chunk({"role": "assistant", "content": ""}), chunk({"content": "a"})).removesuffix(
        b"data: [DONE]\n\n"
    )
    raw += odd + frames(chunk({}, finish="stop"))
    assert odd in raw_through(raw, plan())


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r", b"\n"])
def test_all_line_ends_give_the_same_text(line_end: bytes) -> None:
    raw = stream(TEXT).replace(b"\n", line_end)
    assert said_of(raw_through(raw, plan()).replace(line_end, b"\n")) == START + "".join(TEXT) + END


def said_of(raw: bytes) -> str:
    return text_of(sse_events(raw))


def test_event_ids_and_comments_do_not_reach_the_client() -> None:
    raw = b": hello\n\nid: 1\nretry: 5\ndata: " + json.dumps(chunk({"content": "a"})).encode() + b"\n\n"
    raw += frames(chunk({}, finish="stop"))
    out = raw_through(raw, plan())
    assert b"id: 1" not in out
    assert b"retry" not in out
    assert b": ping\n" in out
    assert b"hello" not in out


SECRET = "违禁甲乙丙"


@pytest.mark.parametrize("at", range(len("开头违禁甲乙丙结尾")))
def test_a_blocked_word_never_leaks_wherever_it_is_cut(at: int) -> None:
    text = "开头违禁甲乙丙结尾"
    events = through(stream([text[:at], text[at:]]), plan([keyword(SECRET)]))
    assert contents(events) == [START, "开头", END, "\n\n换个话题吧。"] or contents(events) == [
        START, *("开头"[i] for i in range(2)), END, "\n\n换个话题吧。",
    ]  # fmt: skip
    last = events[-2]
    assert last["choices"][0]["finish_reason"] == "content_filter"
    assert last["aigc"]["event"] == "retract"
    assert last["aigc"]["from_char"] == len(START)
    assert last["aigc"]["review"]["decision"] == "block"
    assert events[-1] == "[DONE]"


def test_a_block_before_anything_was_released_sends_role_refusal_finish() -> None:
    events = through(
        frames(chunk({"content": SECRET + "后"}), chunk({}, finish="stop")), plan([keyword(SECRET)])
    )
    assert [e["choices"][0]["delta"] for e in events[:-1]] == [
        {"role": "assistant", "content": ""}, {"content": "换个话题吧。"}, {},
    ]  # fmt: skip
    assert "event" not in events[-2]["aigc"]


def test_a_word_that_ends_with_the_stream_is_found() -> None:
    raw = stream(["前面", "违禁甲", "乙丙"], finish=None, done=False)
    assert SECRET not in said(raw, plan([keyword(SECRET)]))
    raw = stream(["前面", "违禁甲"], finish=None, done=False)
    events = through(raw, plan([keyword(SECRET)]))
    assert text_of(events) == START + "前面违禁甲" + END
    assert events[-1]["error"]["code"] == "upstream_error"
    assert "[DONE]" not in events


@pytest.mark.parametrize("channel", ["reasoning_content", "reasoning", "refusal", "some_new_field"])
def test_every_channel_of_a_delta_is_reviewed_with_its_own_state(channel: str) -> None:
    raw = frames(
        chunk({"role": "assistant"}),
        chunk({channel: "想一想违禁"}),
        chunk({"content": "正文"}),
        chunk({channel: "甲乙丙"}),
        chunk({}, finish="stop"),
    )
    out = raw_through(raw, plan([keyword(SECRET)])).decode()
    assert "违禁" not in out
    assert "想一想" in out
    assert '"content_filter"' in out


def test_what_a_channel_holds_back_comes_before_the_finish_chunk() -> None:
    raw = frames(
        chunk({"role": "assistant", "reasoning": "想违禁"}),
        chunk({"content": "文"}),
        chunk({}, finish="stop"),
    )
    events = through(raw, plan([keyword(SECRET)]))
    reasoning = [c["delta"].get("reasoning", "") for e in events[:-1] for c in e["choices"]]
    assert "".join(reasoning) == "想违禁"


def test_nested_text_of_unknown_shape_is_reviewed_across_chunks() -> None:
    def part(text: str) -> dict[str, Any]:
        return chunk({"reasoning_details": [{"type": "reasoning.text", "text": text, "index": 0}]})

    out = raw_through(
        frames(part("违禁甲"), part("乙丙"), chunk({}, finish="stop")), plan([keyword(SECRET)])
    ).decode()
    assert "违禁" not in out
    assert "content_filter" in out
    kept = raw_through(
        frames(part("违禁"), part("无关"), chunk({}, finish="stop")), plan([keyword(SECRET)])
    ).decode()
    assert "违禁无关" in kept


def test_a_word_that_only_the_end_of_the_answer_decides_blocks_it_and_its_tool_calls() -> None:
    entry = keyword(SECRET, exceptions=(SECRET + "研究",))
    raw = frames(chunk(call("{}", id="t")), chunk({"content": "前" + SECRET}), chunk({}, finish="stop"))
    events = through(raw, plan([entry]))
    assert text_of(events) == START + "前" + END + "\n\n换个话题吧。"
    assert not any("tool_calls" in c["delta"] for e in events[:-1] for c in e["choices"])


def call(arguments: str, **more: Any) -> dict[str, Any]:
    return {"tool_calls": [{"index": 0, **more, "function": {"arguments": arguments}}]}


def test_tool_calls_wait_until_their_arguments_have_passed() -> None:
    raw = frames(
        chunk({"role": "assistant", "content": None, **call("", id="t", type="function")}),
        chunk(call('{"q":"春')),
        chunk(call('江"}')),
        chunk({}, finish="tool_calls"),
    )
    events = through(raw, plan([keyword(SECRET)]))
    calls = [
        c["delta"]["tool_calls"][0] for e in events[:-1] for c in e["choices"] if "tool_calls" in c["delta"]
    ]
    assert "".join(c["function"]["arguments"] for c in calls) == '{"q":"春江"}'
    assert calls[0]["id"] == "t"
    assert events[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert events[-2]["aigc"]["label"] == {"positions": [], "skipped_reason": "empty"}
    assert contents(events) == []


@pytest.mark.parametrize("content", [{"content": None}, {}, {"content": ""}])
def test_no_content_beside_a_tool_call_stays_no_content(content: dict[str, Any]) -> None:
    first = {"role": "assistant", **content, **call("{}", id="t", type="function")}
    events = through(frames(chunk(first), chunk({}, finish="tool_calls")), plan())
    assert events[0]["choices"][0]["delta"] == {"role": "assistant", **content}


@pytest.mark.parametrize("arguments", ['{"q":"违禁', '{"q":"\\u8fdd\\u7981'])
def test_words_in_tool_arguments_block_also_when_escaped(arguments: str) -> None:
    raw = frames(chunk(call(arguments, id="t")), chunk(call('甲乙丙"}')), chunk({}, finish="tool_calls"))
    events = through(raw, plan([keyword(SECRET)]))
    assert not any("tool_calls" in c["delta"] for e in events[:-1] for c in e["choices"])
    assert events[-2]["choices"][0]["finish_reason"] == "content_filter"


def test_two_choices_have_their_own_state_labels_and_numbers() -> None:
    raw = stream([["甲违禁", "甲乙丙"], ["乙违禁", "无关"]])
    events = through(raw, plan([keyword(SECRET)], n=2))
    assert text_of(events, 0) == START + "甲" + END + "\n\n换个话题吧。"
    assert text_of(events, 1) == START + "乙违禁无关" + END
    finishes = {
        e["choices"][0]["index"]: e["choices"][0]["finish_reason"] for e in events[:-1] if "aigc" in e
    }
    assert finishes == {0: "content_filter", 1: "stop"}
    ids = {e["choices"][0]["index"]: e["aigc"]["ProduceID"] for e in events[:-1] if "aigc" in e}
    assert len(set(ids.values())) == 2
    assert events[-1] == "[DONE]"


def test_several_choices_in_one_event_are_taken_apart() -> None:
    both = chunk({"content": "违禁"})
    both["choices"].append({"index": 1, "delta": {"content": "春"}, "finish_reason": None})
    end = chunk({}, finish="stop")
    end["choices"].append({"index": 1, "delta": {"content": "甲乙丙"}, "finish_reason": "stop"})
    events = through(frames(both, end), plan([keyword(SECRET)], n=2))
    assert text_of(events, 0) == START + "违禁" + END
    assert text_of(events, 1) == START + "春甲乙丙" + END


@pytest.mark.parametrize(
    "bad",
    [
        b"data: {not json}\n\n",
        b"data: [1]\n\n",
        b'data: {"choices":[3]}\n\n',
        b'data: {"choices":[{"index":0,"message":{}}]}\n\n',
        b'data: {"choices":[{"index":18446744073709551615,"delta":{}}]}\n\n',
        b'data: {"choices":[{"index":-1,"delta":{}}]}\n\n',
    ],
)
def test_what_cannot_be_read_ends_the_stream_with_an_error_and_without_done(bad: bytes) -> None:
    raw = (
        frames(chunk({"content": "春"}), done=False)
        + bad
        + frames(chunk({"content": "江"}), chunk({}, finish="stop"))
    )
    events = through(raw, plan())
    assert contents(events) == [START, "春", END]
    assert events[-1]["error"]["type"] == "upstream_error"
    assert set(events[-1]["error"]) == {"message", "type", "param", "code"}


def test_an_error_of_the_upstream_ends_the_stream_as_an_error() -> None:
    events = through(
        frames(chunk({"content": "春"}), {"error": {"message": "overloaded"}}, done=False), plan()
    )
    assert events[-1]["error"]["message"] == "overloaded"


@pytest.mark.parametrize("key", ["违禁甲乙丙", "x"])
def test_an_error_message_is_reviewed(key: str) -> None:
    events = through(frames({"error": {"message": f"bad {key}"}}, done=False), plan([keyword(SECRET)]))
    assert (SECRET in json.dumps(events, ensure_ascii=False)) is False
    assert "error" in events[-1]


def test_choices_that_are_empty_go_out_for_usage_alone_and_only_if_asked() -> None:
    filtered = {"id": "c", "choices": [], "prompt_filter_results": [{"x": "y"}]}
    usage = {"id": "c", "choices": [], "usage": {"total_tokens": 3}}
    raw = frames(filtered, chunk({"content": "春"}), chunk({}, finish="stop"), usage)
    assert [e["choices"] for e in through(raw, plan())[:-1]].count([]) == 0
    asked = through(raw, plan(stream_options={"include_usage": True}))
    assert [e.get("usage") for e in asked[:-1] if not e["choices"]] == [{"total_tokens": 3}]


def test_text_after_the_finish_chunk_is_not_delivered() -> None:
    raw = frames(chunk({"content": "春"}), chunk({}, finish="stop"), chunk({"content": "江"}))
    assert contents(through(raw, plan())) == [START, "春", END]


@pytest.mark.parametrize(
    ("text", "expected", "skipped"),
    [
        ('{"a": 1}', '{"a": 1}', "structured"),
        ("<div>x</div>", "<div>x</div>", "structured"),
        ("```py\nx\n```", "```py\nx\n```" + END, "structured"),
        ("```py\nx", "```py\nx\n```" + END, "structured"),
        ("[1] 见下文", "[1] 见下文" + END, "structured"),
        ("  \n春", START + "  \n春" + END, None),
        ("`x` 是", START + "`x` 是" + END, None),
        ("  ", "  ", "empty"),
    ],
)
def test_answers_that_a_label_would_break_are_decided_alike_at_every_split(
    text: str, expected: str, skipped: str | None
) -> None:
    for at in range(len(text)):
        events = through(stream([text[:at], text[at:]]), plan())
        assert text_of(events) == expected
        assert events[-2]["aigc"]["label"]["skipped_reason"] == skipped


def test_json_output_gets_a_hint_instead_of_a_label_and_its_refusal_in_the_refusal_field() -> None:
    asked = {"response_format": {"type": "json_object"}}
    events = through(stream(['{"a":', '"春"}']), plan(**asked))
    assert text_of(events) == '{"a":"春"}'
    assert events[0]["aigc"]["label"] == {"positions": [], "skipped_reason": "json"}
    assert events[0]["aigc"]["hint"]["must_persist"] is True
    events = through(stream([SECRET]), plan([keyword(SECRET)], **asked))
    deltas = [e["choices"][0]["delta"] for e in events[:-1]]
    assert {"refusal": "换个话题吧。"} in deltas


def logprobs(*tokens: str, alternatives: tuple[str, ...] = ()) -> dict[str, Any]:
    top = [{"token": t, "logprob": -1.0} for t in alternatives]
    return {"content": [{"token": t, "logprob": -0.1, "top_logprobs": top} for t in tokens]}


def test_log_probabilities_wait_for_the_text_they_spell() -> None:
    raw = frames(
        chunk({"role": "assistant", "content": ""}, logprobs=None),
        chunk({"content": "春违禁"}, logprobs=logprobs("春", "违禁")),
        chunk({"content": "无关"}, logprobs=logprobs("无关")),
        chunk({}, finish="stop"),
    )
    events = through(raw, plan([keyword(SECRET)], logprobs=True))
    spelt = ""
    shown = ""
    for event in events[:-1]:
        choice = event["choices"][0]
        shown += choice["delta"].get("content") or ""
        spelt += "".join(t["token"] for t in (choice.get("logprobs") or {}).get("content", ()))
        assert len(spelt) <= len(shown.removeprefix(START))
    assert spelt == "春违禁无关"
    blocked = raw_through(
        frames(
            chunk({"content": "违禁"}, logprobs=logprobs("违禁")),
            chunk({"content": "甲乙丙"}, logprobs=logprobs("甲乙丙")),
        ),
        plan([keyword(SECRET)], logprobs=True),
    )
    assert "违禁" not in blocked.decode()


def test_alternatives_in_log_probabilities_are_reviewed() -> None:
    raw = frames(
        chunk({"content": "春"}, logprobs=logprobs("春", alternatives=(SECRET,))), chunk({}, finish="stop")
    )
    out = raw_through(raw, plan([keyword(SECRET)], logprobs=True)).decode()
    assert SECRET not in out
    assert "春" in out


def test_masked_words_are_not_spelt_by_log_probabilities() -> None:
    mask = keyword(SECRET, action={"input": "log", "output": "mask"})
    raw = frames(chunk({"content": SECRET}, logprobs=logprobs(SECRET)), chunk({}, finish="stop"))
    out = raw_through(raw, plan([mask], logprobs=True)).decode()
    assert SECRET not in out
    assert "＊" in out


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.text(alphabet="春江违禁甲乙丙。 \n", max_size=5), max_size=8),
    st.randoms(use_true_random=False),
)
def test_the_text_does_not_depend_on_how_the_bytes_are_cut(texts: list[str], random: Any) -> None:
    raw = stream(texts)
    decided = plan(
        [keyword(SECRET), keyword("江违", action={"input": "log", "output": "mask"})], of=rules(carrier=True)
    )
    expected = said(raw, decided)
    pieces = []
    at = 0
    while at < len(raw):
        step = random.randint(1, 40)
        pieces.append(raw[at : at + step])
        at += step
    assert said(raw, decided, pieces) == expected
    # ... nor on where the model's deltas were cut.
    whole = "".join(texts)
    assert said(stream([whole]), decided) == expected
    assert SECRET not in expected


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.binary(max_size=60)
        | st.sampled_from([b"data: ", b"\n\n", b'{"choices":[', b'{"delta":{"content":"x"}}', b"]}"]),
        max_size=10,
    )
)
def test_any_bytes_from_the_upstream_end_in_frames_or_in_an_error_frame(pieces: list[bytes]) -> None:
    out = raw_through(b"", plan(), pieces)
    assert out == b"" or out.endswith(b"\n")


def test_a_chunk_in_an_unusual_spelling_is_edited_all_the_same() -> None:
    def odd(said: str) -> bytes:
        return b'data: {"choices":[{"index":0,"delta":{"content"  :  "' + said.encode() + b'"}}]}\n\n'

    masked = keyword("遮住我", action={"input": "log", "output": "mask"})
    raw = odd("春") + odd("请遮住我吧") + frames(chunk({}, finish="stop"))
    assert said(raw, plan([masked])) == START + "春请＊＊＊吧" + END


@pytest.mark.parametrize("odd", ["0.5", ["0.5"], [[1, 2]], 7, True])
def test_log_probabilities_that_are_none_are_left_out_and_the_text_comes_whole(odd: Any) -> None:
    raw = frames(
        chunk({"content": "春"}, logprobs=odd),
        chunk({"content": "江"}, logprobs=odd),
        chunk({}, finish="stop"),
    )
    events = through(raw, plan(logprobs=True))
    assert text_of(events) == START + "春江" + END
    assert not any(choice.get("logprobs") for event in events[:-1] for choice in event["choices"])
