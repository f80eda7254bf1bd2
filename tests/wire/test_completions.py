"""Legacy completions: labels around what was generated, the caller's own prompt left alone, nothing unreviewed out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy import policy
from proxy.errors import ApiError, WireError
from proxy.policy import Plan, Rules
from proxy.review.entry import Entry
from proxy.review.library import Library
from proxy.upstreams import replies
from proxy.wire.completions import CompletionAnswer, CompletionStream
from proxy.wire.completions_endpoint import MAX_CHOICES, CompletionsEndpoint
from proxy.wire.rewriter import StreamRewriter
from tests.helpers import REFUSALS, keyword, sse_events
from tests.wire.plans import NUMBERS, rules

START, END = "【本内容由AI生成】\n\n", "\n\n（以上内容由AI生成）"
SECRET = "违禁甲乙丙"
REFUSED = "换个话题吧。"


def decode(model: str, tokens: Sequence[int]) -> str:
    """One character a token."""
    if model == "unknown":
        raise LookupError(model)
    if any(token < 0 for token in tokens):
        raise ValueError(tokens)
    return "".join(chr(token) for token in tokens)


ENDPOINT = CompletionsEndpoint(decode)


def plan(entries: Sequence[Entry] = (), *, of: Rules | None = None, **body: Any) -> Plan:
    body = {"model": "m", "stream": True, "prompt": "从前", **body}
    ENDPOINT.check(body)
    asks = ENDPOINT.asks(body)
    return policy.plan(
        of or rules(),
        asks,
        request_id="req_1",
        library=Library.compile(entries, REFUSALS),
        content_numbers=[NUMBERS[0] + i for i in range(asks.n)],
    )


def chunk(text: Any, *, index: int = 0, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"text": text, "index": index, "finish_reason": finish, "logprobs": None, **more}
    return {"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}


def frames(*events: dict[str, Any] | str, done: bool = True) -> bytes:
    return b"".join(step for step in replies.events(events, done=done).steps if isinstance(step, bytes))


def stream(texts: Sequence[str]) -> bytes:
    return frames(*(chunk(text) for text in texts), chunk("", finish="stop"))


def raw_through(raw: bytes, decided: Plan, pieces: Sequence[bytes] | None = None) -> bytes:
    rewriter = StreamRewriter(CompletionStream(decided))
    out = b"".join(rewriter.feed(piece) for piece in (pieces if pieces is not None else [raw]))
    rewriter.flush()
    return out + rewriter.close()


def through(raw: bytes, decided: Plan) -> list[Any]:
    return sse_events(raw_through(raw, decided))


def texts(events: Sequence[Any], index: int = 0) -> list[str]:
    chosen = [c for e in events if e != "[DONE]" for c in e.get("choices", ()) if c["index"] == index]
    return [c["text"] for c in chosen if c["text"]]


def whole(decided: Plan, *choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {"id": "c", "object": "text_completion", "choices": list(choices), **more}
    answer: dict[str, Any] = json.loads(CompletionAnswer(decided).rewrite(json.dumps(body).encode()))
    return answer


def choice(text: str, index: int = 0, **more: Any) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": "stop", **more}


def test_labels_are_chunks_of_their_own_around_the_text() -> None:
    usage = {"id": "c", "choices": [], "usage": {"total_tokens": 3}}
    raw = frames(chunk("春"), chunk("江", finish="length"), usage)
    events = through(raw, plan(stream_options={"include_usage": True}))
    assert texts(events) == [START, "春", "江", END]
    assert [e["choices"][0]["finish_reason"] for e in events[:-2]] == [None, None, None, None, "length"]
    assert (events[-2]["usage"], events[-1]) == ({"total_tokens": 3}, "[DONE]")
    assert [at for at, e in enumerate(events[:-1]) if "aigc" in e] == [0, 4]
    assert events[4]["aigc"]["label"] == {"positions": ["start", "end"], "skipped_reason": None}


def test_chunks_that_need_no_change_go_out_byte_for_byte() -> None:
    odd = b'data: {"choices":[{"text":"x","index":0}],"n":1.50,"n":2}\n\n'
    with_nothing = b'data: {"choices":[{"text":"y","index":0,"stop_reason":null,"finish_reason":null}]}\n\n'
    out = raw_through(frames(chunk("a"), done=False) + odd + with_nothing + stream(["b"]), plan())
    assert odd in out
    assert with_nothing in out


@pytest.mark.parametrize("at", range(len("开头违禁甲乙丙结尾") + 1))
def test_a_blocked_word_never_leaks_wherever_it_is_cut(at: int) -> None:
    text = "开头违禁甲乙丙结尾"
    events = through(stream([text[:at], text[at:]]), plan([keyword(SECRET)]))
    assert "".join(texts(events)) == START + "开头" + END + "\n\n" + REFUSED
    last = events[-2]
    assert last["choices"][0] == {"text": "", "index": 0, "logprobs": None, "finish_reason": "content_filter"}
    assert (last["aigc"]["event"], last["aigc"]["from_char"]) == ("retract", len(START))
    assert events[-1] == "[DONE]"


def test_a_block_before_anything_was_released_is_text_and_finish() -> None:
    events = through(stream([SECRET]), plan([keyword(SECRET)]))
    shown = [(c["text"], c["finish_reason"]) for e in events[:-1] for c in e["choices"]]
    assert shown == [(REFUSED, None), ("", "content_filter")]


def test_one_blocked_choice_leaves_the_others_alone() -> None:
    raw = frames(
        chunk("甲违禁", index=1),
        chunk("好", index=0),
        chunk("甲乙丙", index=1),
        chunk("。", index=0, finish="stop"),
        chunk("", index=1, finish="stop"),
    )
    decided = plan([keyword(SECRET)], prompt=["一", "二"])
    events = through(raw, decided)
    assert "".join(texts(events, 0)) == START + "好。" + END
    assert "".join(texts(events, 1)) == START + "甲" + END + "\n\n" + REFUSED
    assert decided.expected == 2


@pytest.mark.parametrize("key", ["reasoning", "some_new_field"])
def test_other_text_of_a_choice_is_reviewed_with_its_own_state(key: str) -> None:
    raw = frames(
        chunk("", **{key: "想违禁"}), chunk("文"), chunk("", **{key: "甲乙丙"}), chunk("", finish="stop")
    )
    out = raw_through(raw, plan([keyword(SECRET)])).decode()
    assert "违禁" not in out
    assert "content_filter" in out
    kept = raw_through(
        frames(chunk("文", **{key: "想违禁"}), chunk("", finish="stop")), plan([keyword(SECRET)])
    )
    shown = [c.get(key, "") for e in sse_events(kept)[:-1] for c in e["choices"]]
    assert "".join(shown) == "想违禁"


@pytest.mark.parametrize("bad", [{"message": {}}, {"delta": {}}, {"text": [1]}])
def test_a_choice_of_another_wire_fails_closed(bad: dict[str, Any]) -> None:
    event = chunk("春")
    event["choices"][0] |= bad
    events = through(frames(event), plan())
    assert set(events[-1]) == {"error"}
    with pytest.raises(WireError):
        whole(plan(), {"index": 0, "message": {"content": "x"}})


def test_fill_in_the_middle_gets_neither_label_nor_mark() -> None:
    of = rules(carrier=True)
    decided = plan(of=of, prompt="def f():", suffix="return x")
    text = "春江潮水连海平，海上明月共潮生。" * 20
    assert "".join(texts(through(stream([text]), decided))) == text
    answer = whole(decided, choice(text))
    assert answer["choices"][0]["text"] == text
    assert answer["aigc"]["label"] == {"positions": [], "skipped_reason": "fim"}
    assert answer["aigc"]["watermark"]["schemes"] == []
    assert answer["aigc"]["hint"]["must_persist"] is True
    assert plan(of=of, suffix="").skipped == "fim"
    assert plan(of=of).skipped == ""


ECHOED = "从前有座山"


@pytest.mark.parametrize("at", range(len(ECHOED) + 3))
def test_an_echoed_prompt_comes_back_as_it_was_and_the_label_stands_behind_it(at: int) -> None:
    text = ECHOED + "，山里"
    decided = plan(prompt=ECHOED, echo=True, of=rules(carrier=True))
    events = through(stream([text[:at], text[at:]]), decided)
    assert "".join(texts(events)) == ECHOED + "\n\n" + START + "，山里" + END
    lane = decided.lane(0)
    lane.feed(text)
    lane.flush()
    assert "".join(lane.generated) == "，山里"
    assert decided.carrier is False


def test_an_echo_that_was_not_given_counts_as_generated() -> None:
    decided = plan(prompt=ECHOED, echo=True)
    assert "".join(texts(through(stream(["从前", "没有山"]), decided))) == START + "从前没有山" + END
    assert "".join(texts(through(stream(["从", "前"]), decided))) == START + "从前" + END


def test_an_echo_alone_is_not_labelled() -> None:
    decided = plan(prompt=ECHOED, echo=True)
    assert whole(decided, choice(ECHOED))["choices"][0]["text"] == ECHOED
    assert "".join(texts(through(stream([ECHOED]), decided))) == ECHOED


def test_a_word_over_echo_and_answer_is_found() -> None:
    decided = plan([keyword(SECRET)], prompt="说违禁甲", echo=True)
    answer = whole(decided, choice("说违禁甲乙丙"))
    assert answer["choices"][0]["text"] == REFUSED
    assert answer["choices"][0]["finish_reason"] == "content_filter"


def test_each_choice_echoes_the_prompt_it_belongs_to_wherever_it_stands() -> None:
    decided = plan(prompt=["甲", "乙"], n=2, echo=True)
    answer = whole(decided, choice("乙。", 3), choice("甲。", 0), choice("甲！", 1), choice("乙！", 2))
    assert [c["text"] for c in answer["choices"]] == [
        f"{echo}\n\n{START}{rest}{END}" for echo, rest in ("乙。", "甲。", "甲！", "乙！")
    ]
    assert decided.expected == 4


def logprobs(*tokens: str, top: Sequence[dict[str, float]] | None = None) -> dict[str, Any]:
    return {
        "tokens": list(tokens),
        "token_logprobs": [-0.5] * len(tokens),
        "top_logprobs": list(top) if top is not None else None,
        "text_offset": list(range(len(tokens))),
    }


def test_log_probabilities_wait_for_the_text_they_spell() -> None:
    raw = frames(
        chunk("春违禁", logprobs=logprobs("春", "违禁")),
        chunk("无关", logprobs=logprobs("无关")),
        chunk("", finish="stop", logprobs=logprobs("<end>")),
    )
    shown, spelt = "", ""
    for event in through(raw, plan([keyword(SECRET)], logprobs=1))[:-1]:
        shown += event["choices"][0]["text"]
        spelt += "".join((event["choices"][0]["logprobs"] or {}).get("tokens", ()))
        assert len(spelt.removesuffix("<end>")) <= len(shown.removeprefix(START))
    assert spelt == "春违禁无关<end>"
    blocked = frames(chunk("违禁", logprobs=logprobs("违禁")), chunk("甲乙丙", logprobs=logprobs("甲乙丙")))
    assert "违禁" not in raw_through(blocked, plan([keyword(SECRET)], logprobs=1)).decode()


def test_alternatives_that_are_keys_are_reviewed_too() -> None:
    spelling = logprobs("春", top=[{"春": -0.1, SECRET: -1.0}])
    out = raw_through(
        frames(chunk("春", logprobs=spelling), chunk("", finish="stop")), plan([keyword(SECRET)])
    )
    assert SECRET not in out.decode()
    assert "春" in out.decode()
    answer = whole(plan([keyword(SECRET)], stream=False), choice("春", logprobs=spelling))
    assert answer["choices"][0] == choice(START + "春" + END)


def test_log_probabilities_of_a_whole_answer_stay_and_the_label_is_a_part_before_the_text() -> None:
    answer = whole(plan(stream=False, logprobs=0), choice("春", logprobs=logprobs("春")))
    assert answer["choices"][0] == choice(START + "春" + END, logprobs=logprobs("春"))
    mask = keyword(SECRET, action={"input": "log", "output": "mask"})
    masked = whole(plan([mask], stream=False, logprobs=0), choice(SECRET, logprobs=logprobs(SECRET)))
    assert masked["choices"][0]["logprobs"] is None
    assert "＊" in masked["choices"][0]["text"]


def test_a_blocked_choice_of_a_whole_answer_is_replaced_and_the_rest_stays() -> None:
    usage = {"total_tokens": 9}
    decided = plan([keyword(SECRET)], stream=False, prompt=["一", "二", "三"])
    answer = whole(decided, choice("好"), choice(SECRET, 1), choice("行", 2, reasoning=SECRET), usage=usage)
    assert answer["choices"][0] == choice(START + "好" + END)
    assert answer["choices"][1] == choice(REFUSED, 1, finish_reason="content_filter")
    assert answer["choices"][2] == choice(REFUSED, 2, finish_reason="content_filter")
    assert answer["usage"] == usage


def test_masked_words_in_other_members_are_edited_in_place() -> None:
    mask = keyword(SECRET, action={"input": "log", "output": "mask"})
    answer = whole(plan([mask], stream=False), choice("好", reasoning=SECRET, tokens=[1]))
    assert SECRET not in json.dumps(answer, ensure_ascii=False)
    assert answer["choices"][0]["tokens"] == [1]
    assert answer["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    "raw", [b"<html>", b"[]", b'{"choices":[]}', b'{"choices":[1]}', b'{"choices":[{}]}']
)
def test_a_whole_answer_that_is_none_is_refused(raw: bytes) -> None:
    with pytest.raises(WireError):
        CompletionAnswer(plan()).rewrite(raw)


def test_a_whole_answer_becomes_the_stream_it_should_have_been() -> None:
    body = {"id": "c", "object": "text_completion", "choices": [choice("春")], "usage": {"total_tokens": 2}}
    events = through(ENDPOINT.as_stream(json.dumps(body).encode()), plan())
    assert texts(events) == [START, "春", END]
    assert events[-1] == "[DONE]"
    del body["usage"]
    assert sse_events(ENDPOINT.as_stream(json.dumps(body).encode()))[-2]["choices"][0]["text"] == "春"
    with pytest.raises(WireError, match="no text completion"):
        ENDPOINT.as_stream(b"{}")


@pytest.mark.parametrize(
    ("prompt", "read"),
    [
        ("你好", ["你好"]),
        (["你", "好"], ["你", "好"]),
        ([20320, 22909], ["你好"]),
        ([[20320], [22909]], ["你", "好"]),
        (None, []),
        ([], []),
    ],
)
def test_every_form_of_a_prompt_is_read(prompt: Any, read: list[str]) -> None:
    body = {"model": "m", "prompt": prompt}
    ENDPOINT.check(body)
    assert [text for role, text in ENDPOINT.texts(body) if role == "user"] == read
    assert ENDPOINT.asks(body).n == max(len(read), 1)
    assert ENDPOINT.asks(body).last_user == (read[-1] if read else "")


def test_suffix_and_other_strings_are_read_and_a_word_over_prompt_and_suffix_too() -> None:
    body = {"model": "m", "prompt": "违禁", "suffix": "甲乙丙", "user": "u"}
    found = list(ENDPOINT.texts(body))
    assert ("user", SECRET) in found
    assert found[-1] == ("request", "m\n甲乙丙\nu")


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"model": ""}, "model", "missing_required_parameter"),
        ({"n": 0}, "n", "invalid_value"),
        ({"n": True}, "n", "invalid_value"),
        ({"n": 128, "prompt": ["x"] * (MAX_CHOICES // 128 + 1)}, "n", "invalid_value"),
        ({"stream": 1}, "stream", "invalid_type"),
        ({"echo": "yes"}, "echo", "invalid_type"),
        ({"suffix": ["x"]}, "suffix", "invalid_type"),
        ({"prompt": 3}, "prompt", "invalid_type"),
        ({"prompt": ["x", [1]]}, "prompt", "invalid_type"),
        ({"prompt": [1, True]}, "prompt", "invalid_type"),
        ({"prompt": [[]]}, "prompt", "invalid_type"),
        ({"prompt": {"x": "y"}}, "prompt", "invalid_type"),
        ({"prompt": [-1]}, "prompt", "invalid_value"),
        ({"prompt": [1], "model": "unknown"}, "prompt", "unsupported_token_input"),
        ({"prompt_embeds": "AAAA"}, "prompt_embeds", "unsupported_parameter"),
    ],
)
def test_what_cannot_be_reviewed_or_is_malformed_is_refused(
    body: dict[str, Any], param: str, code: str
) -> None:
    with pytest.raises(ApiError) as caught:
        ENDPOINT.check({"model": "m", "prompt": "x", **body})
    assert (caught.value.status, caught.value.param, caught.value.code) == (400, param, code)


def test_what_is_asked_for_is_understood() -> None:
    asked = ENDPOINT.asks({
        "model": "m", "prompt": ["a", "b"], "n": 3, "best_of": 5, "stream": True, "logprobs": 0,
        "stream_options": {"include_usage": True}, "response_format": {"type": "json_object"},
    })  # fmt: skip
    assert (asked.n, asked.streamed, asked.logprobs, asked.include_usage) == (6, True, True, True)
    assert (asked.json_output, asked.unlabelled, asked.echo) == (True, "json", ())
    plain = ENDPOINT.asks(
        {"model": "m", "prompt": "a", "logprobs": False, "response_format": {"type": "text"}}
    )
    assert (plain.logprobs, plain.unlabelled, plain.echo) == (False, "", ())
    assert ENDPOINT.asks({"model": "m", "prompt": ["a", "b"], "n": 2, "echo": True}).echo == (
        "a",
        "a",
        "b",
        "b",
    )


def test_our_marks_are_taken_out_of_prompts_and_words_never() -> None:
    def strip(text: str) -> str:
        return text.replace("\ufe01", "")

    body = {"model": "m", "prompt": [f"春\ufe01江{END}", "潮"], "suffix": "水\ufe01"}
    edits = ENDPOINT.history(body, lambda text: "", strip)
    assert edits == {("prompt", 0): "春江" + END, ("suffix",): "水"}


def test_a_refusal_fills_every_choice_that_was_asked_for() -> None:
    decided = plan([keyword(SECRET)], prompt=["一", "二"], stream_options={"include_usage": True})
    finding = decided.library.review(SECRET, "input")[0]  # type: ignore[union-attr,arg-type]
    answer = json.loads(ENDPOINT.refusal(decided, REFUSED, finding, 7))
    assert [c["text"] for c in answer["choices"]] == [REFUSED, REFUSED]
    assert {c["finish_reason"] for c in answer["choices"]} == {"content_filter"}
    assert (answer["object"], answer["created"], answer["usage"]["total_tokens"]) == ("text_completion", 7, 0)
    events = sse_events(ENDPOINT.refusal_stream(decided, REFUSED, finding, 7))
    assert [texts(events, index) for index in (0, 1)] == [[REFUSED], [REFUSED]]
    assert (events[-2]["choices"], events[-1]) == ([], "[DONE]")
    assert events[0]["aigc"]["review"]["category"] == "A.1.a"
    silent = plan([keyword(SECRET)])
    assert sse_events(ENDPOINT.refusal_stream(silent, REFUSED, finding, 7))[-2]["choices"]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.text(alphabet="春江违禁甲乙丙。 \n", max_size=5), max_size=8),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_the_text_does_not_depend_on_how_the_bytes_are_cut(parts: list[str], echo: bool, random: Any) -> None:
    entries = [keyword(SECRET), keyword("江违", action={"input": "log", "output": "mask"})]
    decided = plan(entries, of=rules(carrier=True), prompt="春江", echo=echo)
    expected = "".join(texts(through(stream(["".join(parts)]), decided)))
    raw, pieces, at = stream(parts), [], 0
    while at < len(raw):
        step = random.randint(1, 40)
        pieces.append(raw[at : at + step])
        at += step
    assert "".join(texts(sse_events(raw_through(raw, decided, pieces)))) == expected
    assert SECRET not in expected
    body = {"choices": [choice("".join(parts))]}
    answer = json.loads(CompletionAnswer(decided).rewrite(json.dumps(body).encode()))
    if answer["choices"][0]["finish_reason"] == "stop":
        assert answer["choices"][0]["text"] == expected


def test_the_first_blocked_member_of_a_choice_decides() -> None:
    answer = whole(plan([keyword(SECRET)], stream=False), choice("好", reasoning=SECRET, note="无"))
    assert answer["choices"][0] == choice(REFUSED, finish_reason="content_filter")


def test_text_beside_the_text_passes_where_it_is_clean() -> None:
    answer = whole(plan([keyword(SECRET)], stream=False), choice("好", reasoning="想", note="无"))
    assert (answer["choices"][0]["reasoning"], answer["choices"][0]["note"]) == ("想", "无")
