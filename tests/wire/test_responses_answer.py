"""The Responses API, not streamed: the same texts, and every byte that need not change stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.errors import WireError
from proxy.wire.responses_answer import ResponsesAnswer, answer_frames
from proxy.wire.responses_texts import known_members
from tests.helpers import keyword, sse_events
from tests.wire.plans import rules
from tests.wire.responses_events import (
    CALLS,
    USAGE,
    Event,
    call,
    deltas,
    message,
    message_events,
    plan,
    reasoning,
    response,
    stream,
    text_part,
    through,
)

START, END = "【本内容由AI生成】\n\n", "\n\n（以上内容由AI生成）"
REFUSAL = "换个话题吧。"
SECRET = "违禁甲乙丙"
MASKED = keyword("遮住", action={"input": "log", "output": "mask"})


def rewritten(*output: Any, decided: Any = None, **fields: Any) -> Event:
    raw = json.dumps(response(output, **fields)).encode()
    answer: Event = json.loads(ResponsesAnswer(decided or plan()).rewrite(raw))
    return answer


def text_of(item: Event, part: int = 0) -> str:
    return str(item["content"][part]["text"])


def test_text_is_labelled_and_all_else_stays_byte_for_byte() -> None:
    raw = json.dumps(response([message("春江")]), ensure_ascii=False)
    raw = raw.replace('"top_p": 1.0', '"top_p":  1.00, "big": 123456789012345678901234567890')
    out = ResponsesAnswer(plan()).rewrite(raw.encode()).decode()
    said = json.dumps(START + "春江" + END, ensure_ascii=False)
    assert out.startswith(raw.replace('"春江"', said).removesuffix("}"))
    assert json.loads(out)["aigc"]["label"]["positions"] == ["start", "end"]


def test_usage_and_lanes_tell_what_was_done() -> None:
    answer = ResponsesAnswer(plan())
    answer.rewrite(json.dumps(response([message("春", "江"), message("海")])).encode())
    assert answer.usage == USAGE
    assert ["".join(lane.generated) for lane in answer.lanes] == ["春", "江", "海"]


@pytest.mark.parametrize("text", ["春江潮水连海平，" * 12, '{"a": 1}', "```\nx\n```", "  ", ""])
def test_a_whole_answer_says_what_its_stream_says(text: str) -> None:
    decided = plan(of=rules(carrier=True))
    streamed = through(stream(message_events([text[:5], text[5:]])), decided)
    assert text_of(rewritten(message(text), decided=decided)["output"][0]) == "".join(deltas(streamed))


def test_an_answer_without_text_says_that_there_was_none_to_label() -> None:
    answer = rewritten(call("function_call", "{}"))
    assert answer["output"] == [call("function_call", "{}")]
    assert answer["aigc"]["label"] == {"positions": [], "skipped_reason": "empty"}


def test_metadata_that_is_off_adds_nothing() -> None:
    raw = json.dumps(response([call("function_call", "{}")])).encode()
    assert ResponsesAnswer(plan(of=rules(metadata=False))).rewrite(raw) == raw


def test_the_aigc_object_of_an_upstream_is_replaced() -> None:
    assert rewritten(message("春"), aigc={"Label": "x"})["aigc"]["Label"] == "1"


def test_the_text_that_some_servers_repeat_is_the_labelled_one() -> None:
    answer = rewritten(message("春"), message("江"), output_text="春江")
    assert answer["output_text"] == START + "春" + END + START + "江" + END


def test_masks_reach_reasoning_refusals_and_searches() -> None:
    search = {"id": "ws", "type": "web_search_call", "action": {"query": "前遮住后"}}
    refusal = message({"type": "refusal", "refusal": "前遮住后"})
    answer = rewritten(reasoning("前遮住后"), search, refusal, decided=plan([MASKED]))
    assert json.dumps(answer, ensure_ascii=False).count("前＊＊后") == 3


def test_citations_and_log_probabilities_keep_to_what_was_delivered() -> None:
    cited = {
        "type": "url_citation",
        "start_index": 1,
        "end_index": 2,
        "url": "https://a.example",
        "title": "t",
    }
    spelt = [{"token": "遮住", "logprob": -0.1}]
    part = text_part("春江", annotations=[cited], logprobs=[{"token": "春江", "logprob": -0.1}])
    kept = rewritten(message(part))["output"][0]["content"][0]
    moved = kept["annotations"][0]
    assert kept["text"][moved["start_index"] : moved["end_index"]] == "江"
    assert kept["logprobs"] == part["logprobs"]
    part = text_part("遮住", annotations=[cited], logprobs=spelt)
    gone = rewritten(message(part), decided=plan([MASKED]))["output"][0]["content"][0]
    assert (gone["annotations"], gone["logprobs"]) == ([], [])
    part = text_part("春", logprobs=[{"token": "春", "top_logprobs": [{"token": SECRET}]}])
    assert (
        rewritten(message(part), decided=plan([keyword(SECRET)]))["output"][0]["content"][0]["logprobs"] == []
    )


BLOCKED: dict[str, tuple[list[Event], dict[str, Any]]] = {
    "text": ([message(f"前{SECRET}后")], {}),
    "second_part": ([message("前", f"前{SECRET}后")], {}),
    "refusal": ([message({"type": "refusal", "refusal": SECRET})], {}),
    "unknown_part": ([message({"type": "new", "x": [SECRET]})], {}),
    "reasoning": ([reasoning(SECRET)], {}),
    **{kind: ([call(kind, f'{{"q":"{SECRET}"}}')], {}) for kind in CALLS},
    **{f"{kind}_escaped": ([call(kind, json.dumps({"q": SECRET}))], {}) for kind in CALLS},
    "mcp_output": ([{**call("mcp_call", "{}"), "output": SECRET}], {}),
    "search": ([{"type": "file_search_call", "results": [{"text": SECRET}]}], {}),
    "unknown_item": ([{"type": "new", "x": {"y": [SECRET]}}], {}),
    "no_list_of_content": ([message() | {"content": SECRET}], {}),
    "citation": ([message(text_part("春", annotations=[{"type": "url_citation", "title": SECRET}]))], {}),
    "unknown_member": ([], {"note": {"x": SECRET}}),
}


@pytest.mark.parametrize("name", BLOCKED)
def test_a_blocked_answer_is_incomplete_and_holds_the_notice_instead(name: str) -> None:
    output, fields = BLOCKED[name]
    raw = json.dumps(
        response([message("先说"), call("function_call", "{}"), *output, message("再说")], **fields)
    )
    answer = ResponsesAnswer(plan([keyword(SECRET)]))
    out = json.loads(answer.rewrite(raw.encode()))
    assert not set(SECRET) & set(json.dumps(out, ensure_ascii=False))
    assert out["status"] == "incomplete"
    assert out["incomplete_details"] == {"reason": "content_filter"}
    assert out["usage"] == USAGE
    assert out["aigc"]["review"]["decision"] == "block"
    *kept, notice = out["output"]
    assert [text_of(item) for item in kept] == ([] if fields else [START + "先说" + END])
    assert text_of(notice) == REFUSAL
    assert notice["status"] == "incomplete"
    assert notice["id"] == ("msg_1" if output and output[0]["type"] == "message" else "msg_req_1")
    assert any(lane.blocked is not None for lane in answer.lanes)


def test_a_blocked_answer_in_json_is_told_in_a_refusal_part() -> None:
    decided = plan([keyword(SECRET)], of=rules(metadata=False), text={"format": {"type": "json_object"}})
    answer = rewritten(message(SECRET), decided=decided)
    assert answer["output"][0]["content"] == [{"type": "refusal", "refusal": REFUSAL}]
    assert "aigc" not in answer


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b'{"output":{}}',
        b'{"output":["x"]}',
        b'{"output":[{"type":"message","content":["x"]}]}',
    ],
)
def test_a_body_that_is_no_response_is_not_delivered(raw: bytes) -> None:
    with pytest.raises(WireError):
        ResponsesAnswer(plan()).rewrite(raw)


@pytest.mark.parametrize(
    "raw", [b"x", b"{}", b'{"output":["x"]}', b'{"output":[{"type":"message","content":["x"]}]}']
)
def test_a_body_that_is_no_response_is_no_stream_either(raw: bytes) -> None:
    with pytest.raises(WireError):
        answer_frames(raw)


@pytest.mark.parametrize("status", ["completed", "incomplete", "failed", "cancelled", "odd"])
def test_a_whole_answer_becomes_the_stream_it_should_have_been(status: str) -> None:
    parts = ["春江", {"type": "refusal", "refusal": "不行"}, {"type": "new", "x": 1}]
    output = [
        {**reasoning("想"), "content": [{"type": "reasoning_text", "text": "想"}]},
        call("function_call", "{}"),
        message(*parts),  # type: ignore[arg-type]
    ]
    frames = answer_frames(json.dumps(response(output, status)).encode())
    kinds = [e["type"].removeprefix("response.") for e in sse_events(frames)]
    last = status if status != "odd" else "completed"
    assert kinds == [
        "created", "in_progress",
        "output_item.added", "output_item.done",
        "output_item.added", "output_item.done",
        "output_item.added",
        "content_part.added", "output_text.delta", "output_text.done", "content_part.done",
        "content_part.added", "refusal.delta", "refusal.done", "content_part.done",
        "content_part.added", "content_part.done",
        "output_item.done", last,
    ]  # fmt: skip
    events = through(frames, plan([keyword(SECRET)]))
    assert events[-1]["response"]["output"] == [*output[:2], message(START + "春江" + END, *parts[1:])]  # type: ignore[arg-type]


def test_of_a_blocked_response_only_members_without_words_are_kept() -> None:
    response = {"id": "resp_1", "status": "两个 词", "top_p": 0.5, "extra": "x", "output": []}
    assert known_members(response) == {"id": "resp_1", "top_p": 0.5, "output": []}
