"""A blocked Responses request: a response of our own that is incomplete, whole and as a stream."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.review.entry import Direction
from proxy.wire.responses_endpoint import ResponsesEndpoint
from tests.helpers import keyword, sse_events
from tests.wire.responses_events import message, plan, text_part

WIRE = ResponsesEndpoint()
TEXT = "换个话题吧。"
JSON = {"text": {"format": {"type": "json_object"}}}
REFUSAL = {"type": "refusal", "refusal": TEXT}


def finding(decided: Any) -> Any:
    return decided.library.review("违禁甲乙丙", Direction.INPUT)[0]


@pytest.mark.parametrize(("asked", "part"), [({}, text_part(TEXT)), (JSON, REFUSAL)])
def test_a_blocked_request_is_answered_by_an_incomplete_response(asked: Any, part: Any) -> None:
    decided = plan([keyword("违禁甲乙丙")], **asked)
    answer = json.loads(WIRE.refusal(decided, TEXT, finding(decided), 1741487325))
    assert answer["output"] == [message(part, name="msg_req_1", status="incomplete")]
    assert (answer["status"], answer["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})
    assert (answer["model"], answer["created_at"], answer["usage"]["total_tokens"]) == ("m", 1741487325, 0)
    assert answer["aigc"] == {"review": {"id": "req_1", "decision": "block", "category": "A.1.a"}}


@pytest.mark.parametrize(("asked", "kind"), [({}, "output_text"), (JSON, "refusal")])
def test_its_stream_has_every_event_that_clients_wait_for(asked: Any, kind: str) -> None:
    decided = plan([keyword("违禁甲乙丙")], **asked)
    raw = WIRE.refusal_stream(decided, TEXT, finding(decided), 1741487325)
    events = sse_events(raw)
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created", "in_progress", "output_item.added", "content_part.added",
        f"{kind}.delta", f"{kind}.done", "content_part.done", "output_item.done", "incomplete",
    ]  # fmt: skip
    assert [event["sequence_number"] for event in events] == list(range(9))
    assert raw.count(b"event: response.") == 9
    assert events[0]["response"]["aigc"]["review"]["decision"] == "block"
    assert events[4]["delta"] == TEXT
    whole = json.loads(WIRE.refusal(decided, TEXT, finding(decided), 1741487325))
    assert events[-1]["response"] == whole
    assert events[-2]["item"] == whole["output"][0]
