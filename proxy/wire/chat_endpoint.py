"""`/v1/chat/completions` as an endpoint of the exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from proxy.review.reviewer import Finding
from proxy.wire.answer import AnswerPolicy
from proxy.wire.assemble import assembled_chat
from proxy.wire.chat import ChatStream
from proxy.wire.chat_answer import ChatAnswer
from proxy.wire.chat_request import check_chat_request, history_edits, last_user_text, request_texts
from proxy.wire.endpoint import Asks
from proxy.wire.jsonedit import JsonPath
from proxy.wire.refusal import answer_frames, refusal_answer, refusal_stream

__all__ = ["ChatEndpoint"]


class ChatEndpoint:
    path = "/chat/completions"
    param = "messages"
    generates = True

    def check(self, body: dict[str, Any]) -> None:
        check_chat_request(body)

    def asks(self, body: dict[str, Any]) -> Asks:
        response_format = body.get("response_format")
        kind = response_format.get("type") if isinstance(response_format, dict) else None
        json_output = kind is not None and kind != "text"
        options = body.get("stream_options")
        return Asks(
            model=body["model"],
            streamed=bool(body.get("stream")),
            n=body.get("n") or 1,
            include_usage=isinstance(options, dict) and bool(options.get("include_usage")),
            json_output=json_output,
            logprobs=bool(body.get("logprobs")),
            prefix=body["messages"][-1]["role"] == "assistant",
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

    def stream(self, policy: AnswerPolicy) -> ChatStream:
        return ChatStream(policy)

    def whole(self, policy: AnswerPolicy) -> ChatAnswer:
        return ChatAnswer(policy)

    def refusal(self, policy: AnswerPolicy, text: str, blocked: Finding, created: int) -> bytes:
        return refusal_answer(policy, text, blocked, created)

    def refusal_stream(self, policy: AnswerPolicy, text: str, blocked: Finding, created: int) -> bytes:
        return refusal_stream(policy, text, blocked, created)

    def as_stream(self, raw: bytes) -> bytes:
        return answer_frames(raw)

    def as_whole(self, raw: bytes) -> bytes:
        return assembled_chat(raw)
