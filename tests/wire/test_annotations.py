"""Azure-style annotations: what review found, in the shape that clients of Azure OpenAI read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from openai.types.responses.response import Moderation

from proxy.policy import Plan
from proxy.review.entry import Direction, Entry
from proxy.upstreams import replies
from proxy.wire.annotations import filter_results
from proxy.wire.chat_answer import ChatAnswer
from proxy.wire.completions_endpoint import CompletionsEndpoint
from proxy.wire.refusal import refusal_answer, refusal_stream
from proxy.wire.responses import ResponsesStream
from proxy.wire.responses_answer import ResponsesAnswer, answer_frames
from proxy.wire.responses_blocked import refusal_answer as response_refusal
from proxy.wire.rewriter import StreamRewriter
from tests.helpers import keyword, sse_events
from tests.wire.plans import plan, rules, through

SECRET = "违禁甲乙丙"
HARMS = ("hate", "self_harm", "sexual", "violence")
SAFE = {harm: {"filtered": False, "severity": "safe"} for harm in HARMS}


def azure(entries: list[Entry], **body: Any) -> Plan:
    of = rules()
    review = of.review.model_copy(update={"annotations": "azure"})
    return plan(entries, of=replace(of, review=review), **body)


def stream(texts: Any, **options: Any) -> bytes:
    return b"".join(step for step in replies.sse(texts, **options).steps if isinstance(step, bytes))


def results_of(*entries: Entry, text: str) -> dict[str, Any]:
    decided = plan(entries)
    assert decided.library is not None
    return filter_results(decided.library.review(text, Direction.OUTPUT))


def test_clean_text_is_safe_in_every_category() -> None:
    assert results_of(text="好") == SAFE


@pytest.mark.parametrize(
    ("category", "harms"),
    [
        ("A.1.f", {"sexual", "violence"}),
        ("A.1.d", {"violence"}),
        ("A.1.e", {"hate"}),
        ("A.2.d", {"hate"}),
        ("A.4.a", {"self_harm"}),
        ("A.3.a", set()),
    ],
)
def test_each_risk_stands_under_the_harms_it_is_and_always_by_its_category(
    category: str, harms: set[str]
) -> None:
    results = results_of(keyword(SECRET, category=category, severity=4), text=SECRET)
    assert {harm for harm in HARMS if results[harm]["filtered"]} == harms
    assert all(results[harm]["severity"] == "high" for harm in harms)
    assert results["custom_blocklists"] == {"filtered": True, "details": [{"filtered": True, "id": category}]}
    assert SECRET not in json.dumps(results, ensure_ascii=False)


def test_a_flag_is_told_and_not_filtered_and_a_log_is_not_told() -> None:
    flag = keyword("提一提", category="A.2.a", severity=2, action={"input": "log", "output": "flag"})
    log = keyword("记一记", category="A.1.f", action={"input": "log", "output": "log"})
    results = results_of(flag, log, text="提一提，记一记")
    assert results["hate"] == {"filtered": False, "severity": "low"}
    assert results["violence"]["severity"] == "safe"
    assert results["custom_blocklists"]["details"] == [{"filtered": False, "id": "A.2.a"}]


def test_a_stream_tells_of_the_prompt_first_and_of_each_choice_in_its_last_chunk() -> None:
    events = through(stream([["好"], [SECRET]]), azure([keyword(SECRET)], n=2))[:-1]
    assert [at for at, event in enumerate(events) if "prompt_filter_results" in event] == [0]
    assert events[0]["prompt_filter_results"] == [{"prompt_index": 0, "content_filter_results": SAFE}]
    told = {c["index"]: (c["content_filter_results"], c["finish_reason"]) for e in events for c in e["choices"] if "content_filter_results" in c}  # fmt: skip
    assert told[0] == (SAFE, "stop")
    assert told[1][0]["custom_blocklists"]["filtered"] and told[1][1] == "content_filter"


def test_a_whole_answer_tells_it_in_each_choice_in_place_of_the_upstreams() -> None:
    body = {
        "choices": [
            {"index": 0, "message": {"content": "好"}, "finish_reason": "stop", "content_filter_results": {}},
            {"index": 1, "message": {"content": "好", "reasoning": SECRET}, "finish_reason": "stop"},
        ],
        "prompt_filter_results": [],
    }
    decided = azure([keyword(SECRET)], stream=False, n=2)
    answer = json.loads(ChatAnswer(decided).rewrite(json.dumps(body).encode()))
    assert answer["choices"][0]["content_filter_results"] == SAFE
    assert answer["choices"][1]["content_filter_results"]["custom_blocklists"]["filtered"]
    assert answer["choices"][1]["finish_reason"] == "content_filter"
    assert answer["prompt_filter_results"][0]["content_filter_results"] == SAFE


def test_nobody_is_told_whose_key_does_not_ask_for_it() -> None:
    assert "filter_results" not in json.dumps(through(stream(["好"]), plan([keyword(SECRET)])))


def test_a_blocked_request_tells_of_its_prompt_on_every_wire() -> None:
    decided = azure([keyword(SECRET)])
    assert decided.library is not None
    finding = decided.library.review(SECRET, Direction.INPUT)[0]
    decided = replace(decided, input_findings=[finding])
    chat = json.loads(refusal_answer(decided, "不", finding, 1))
    assert chat["prompt_filter_results"][0]["content_filter_results"]["custom_blocklists"]["filtered"]
    assert "prompt_filter_results" in sse_events(refusal_stream(decided, "不", finding, 1))[0]
    completions = CompletionsEndpoint(lambda model, tokens: "")
    assert "prompt_filter_results" in json.loads(completions.refusal(decided, "不", finding, 1))
    assert "prompt_filter_results" in sse_events(completions.refusal_stream(decided, "不", finding, 1))[0]
    response = json.loads(response_refusal(decided, "不", finding, 1))
    assert [told["source_type"] for told in response["content_filters"]] == ["prompt"]
    assert response["content_filters"][0]["blocked"] is True
    inner = decided.inner_error()
    assert inner is not None and inner["code"] == "ResponsibleAIPolicyViolation"
    assert plan([]).inner_error() is None


def response(text: str) -> bytes:
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    answer = {"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": [item]}
    return json.dumps({**answer, "content_filters": [], "moderation": None}).encode()


@pytest.mark.parametrize(("text", "blocked"), [("好", False), (SECRET, True)])
def test_a_response_tells_it_in_shapes_of_its_own_streamed_and_not(text: str, blocked: bool) -> None:
    asked = {"moderation": {"model": "omni-moderation-latest"}}
    whole = json.loads(ResponsesAnswer(azure([keyword(SECRET)], **asked)).rewrite(response(text)))
    rewriter = StreamRewriter(ResponsesStream(azure([keyword(SECRET)], **asked)))
    out = rewriter.feed(answer_frames(response(text)))
    rewriter.flush()
    last = sse_events(out + rewriter.close())[-1]["response"]
    for answer in (whole, last):
        assert [told["source_type"] for told in answer["content_filters"]] == ["prompt", "completion"]
        assert [told["blocked"] for told in answer["content_filters"]] == [False, blocked]
        assert answer["moderation"]["output"]["type"] == "moderation_result"
        assert answer["moderation"]["output"]["flagged"] is blocked
        assert answer["moderation"]["input"]["flagged"] is False


def test_a_response_whose_output_nobody_reviewed_says_so() -> None:
    decided = azure([keyword(SECRET)], moderation={"model": "omni-moderation-latest"})
    review = decided.rules.review.model_copy(update={"output": False})
    decided = replace(decided, rules=replace(decided.rules, review=review))
    answer = json.loads(ResponsesAnswer(decided).rewrite(response("好")))
    assert answer["moderation"]["output"]["code"] == "not_reviewed"
    assert Moderation.model_validate(answer["moderation"]).input.type == "moderation_result"
