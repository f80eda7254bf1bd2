"""The official moderation object says what review found, by category, and never the word."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.chat.chat_completion import Moderation

from proxy.upstreams import replies
from proxy.wire.chat_answer import ChatAnswer
from proxy.wire.refusal import refusal_answer, refusal_stream
from tests.helpers import keyword, sse_events
from tests.wire.plans import plan, rules, through

SECRET = "违禁甲乙丙"
ASKED: dict[str, Any] = {"moderation": {"model": "omni-moderation-latest"}}


def stream(texts: Any, **options: Any) -> bytes:
    return b"".join(step for step in replies.sse(texts, **options).steps if isinstance(step, bytes))


def whole(decided: Any, *contents: str, **more: Any) -> dict[str, Any]:
    choices = [
        {"index": at, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for at, text in enumerate(contents)
    ]
    answer: dict[str, Any] = json.loads(
        ChatAnswer(decided).rewrite(json.dumps({"choices": choices, **more}).encode())
    )
    return answer


def flagged(results: dict[str, Any]) -> list[list[str]]:
    assert results["type"] == "moderation_results"
    assert results["model"].startswith("inkseal-")
    for result in results["results"]:
        assert len(result["categories"]) == 31
        assert result["flagged"] == any(result["categories"].values())
        assert {k for k, v in result["category_scores"].items() if v} == {
            k for k, v in result["categories"].items() if v
        }
    return [[key for key, value in result["categories"].items() if value] for result in results["results"]]


def test_a_stream_tells_it_once_in_its_last_chunk_with_a_choice() -> None:
    decided = plan([keyword(SECRET)], n=2, **ASKED)
    events = through(stream([["好"], [SECRET]], usage=True), decided)
    carrying = [event for event in events[:-1] if "moderation" in event]
    assert len(carrying) == 1
    assert carrying[0]["choices"][0]["finish_reason"] is not None
    assert carrying[0] is [event for event in events[:-1] if event["choices"]][-1]
    assert flagged(carrying[0]["moderation"]["output"]) == [[], ["A.1.a"]]
    assert SECRET not in json.dumps(events, ensure_ascii=False)
    Moderation.model_validate(carrying[0]["moderation"])


def test_nobody_is_told_who_did_not_ask() -> None:
    decided = plan([keyword(SECRET)])
    assert not any("moderation" in event for event in through(stream([SECRET]), decided)[:-1])
    assert "moderation" not in whole(decided, SECRET)


def test_a_whole_answer_tells_it_for_each_choice_in_place_of_the_upstreams() -> None:
    flag = keyword("提一提", category="A.2.a", action={"input": "log", "output": "flag"})
    log = keyword("记一记", category="A.3.a", action={"input": "log", "output": "log"})
    decided = plan([keyword(SECRET), flag, log], stream=False, n=3, **ASKED)
    answer = whole(decided, "好", SECRET, "提一提，记一记", moderation={"input": 1})
    assert flagged(answer["moderation"]["output"]) == [[], ["A.1.a"], ["A.2.a"]]
    assert flagged(answer["moderation"]["input"]) == [[]]
    Moderation.model_validate(answer["moderation"])


def test_an_upstreams_object_in_the_last_chunk_is_replaced() -> None:
    raw = stream(["好"], done=False).replace(
        b'"finish_reason":"stop"}]', b'"finish_reason":"stop"}],"moderation":{}'
    )
    last = through(raw, plan(**ASKED))[-1]
    assert flagged(last["moderation"]["output"]) == [[]]


def test_a_word_in_another_channel_flags_its_choice() -> None:
    decided = plan([keyword(SECRET)], stream=False, **ASKED)
    body = {
        "choices": [{"index": 0, "message": {"content": "好", "reasoning": SECRET}, "finish_reason": "stop"}]
    }
    answer = json.loads(ChatAnswer(decided).rewrite(json.dumps(body).encode()))
    assert flagged(answer["moderation"]["output"]) == [["A.1.a"]]


def test_a_blocked_request_has_no_output_to_tell_of() -> None:
    decided = plan([keyword(SECRET)], **ASKED)
    assert decided.library is not None
    finding = decided.library.review(SECRET, "input")[0]  # type: ignore[arg-type]
    last = [e for e in sse_events(refusal_stream(decided, "不", finding, 1))[:-1] if "moderation" in e]
    answers = [json.loads(refusal_answer(decided, "不", finding, 1)), *last]
    assert len(answers) == 2
    for answer in answers:
        assert answer["moderation"]["output"]["code"] == "not_generated"
        Moderation.model_validate(answer["moderation"])


@pytest.mark.parametrize("direction", ["input", "output"])
def test_what_was_not_reviewed_is_an_error_and_not_a_clean_result(direction: str) -> None:
    of = rules()
    review = of.review.model_copy(update={direction: False})
    decided = plan(
        [keyword(SECRET)],
        of=type(of)(**{**{f: getattr(of, f) for f in of.__slots__}, "review": review}),
        stream=False,
        **ASKED,
    )
    answer = whole(decided, "好")
    assert answer["moderation"][direction]["code"] == "not_reviewed"
    assert answer["moderation"]["output" if direction == "input" else "input"]["type"] == "moderation_results"
    Moderation.model_validate(answer["moderation"])
