"""`/v1/responses` as an endpoint of the exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from proxy.review.reviewer import Finding
from proxy.wire.answer import AnswerPolicy
from proxy.wire.assemble import assembled_response
from proxy.wire.endpoint import Asks
from proxy.wire.jsonedit import JsonPath
from proxy.wire.responses import ResponsesStream
from proxy.wire.responses_answer import ResponsesAnswer, answer_frames
from proxy.wire.responses_blocked import refusal_answer, refusal_stream
from proxy.wire.responses_request import (
    check_responses_request,
    history_edits,
    last_user_text,
    request_texts,
)

__all__ = ["ResponsesEndpoint"]

_LOGPROBS = "message.output_text.logprobs"


class ResponsesEndpoint:
    path = "/responses"
    param = "input"
    generates = True

    def check(self, body: dict[str, Any]) -> None:
        check_responses_request(body)

    def asks(self, body: dict[str, Any]) -> Asks:
        text = body.get("text")
        wanted = text.get("format") if isinstance(text, dict) else None
        kind = wanted.get("type") if isinstance(wanted, dict) else None
        json_output = kind is not None and kind != "text"
        include = body.get("include")
        return Asks(
            model=body["model"],
            streamed=bool(body.get("stream")),
            json_output=json_output,
            logprobs=bool(body.get("top_logprobs")) or (isinstance(include, list) and _LOGPROBS in include),
            # The model answers with an item of its own, also after a trailing assistant message.
            prefix=False,
            unlabelled="json" if json_output else "",
            last_user=last_user_text(body),
            moderation=type(body.get("moderation")) is dict,
        )

    def texts(self, body: dict[str, Any]) -> Iterator[tuple[str, str]]:
        return request_texts(body)

    def history(
        self, body: dict[str, Any], strip_labels: Callable[[str], str], strip_marks: Callable[[str], str]
    ) -> Mapping[JsonPath, str]:
        return history_edits(body, strip_labels, strip_marks)

    def stream(self, policy: AnswerPolicy) -> ResponsesStream:
        return ResponsesStream(policy)

    def whole(self, policy: AnswerPolicy) -> ResponsesAnswer:
        return ResponsesAnswer(policy)

    def refusal(self, policy: AnswerPolicy, text: str, blocked: Finding, created: int) -> bytes:
        return refusal_answer(policy, text, blocked, created)

    def refusal_stream(self, policy: AnswerPolicy, text: str, blocked: Finding, created: int) -> bytes:
        return refusal_stream(policy, text, blocked, created)

    def as_stream(self, raw: bytes) -> bytes:
        return answer_frames(raw)

    def as_whole(self, raw: bytes) -> bytes:
        return assembled_response(raw)
