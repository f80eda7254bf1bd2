"""`/v1/chat/completions`, not streamed: the same lanes over one JSON body.

A choice is one feed and one flush. Only the values that change are edited; every other byte
of the upstream's body stays.
"""

from __future__ import annotations

from typing import Any

import orjson

from labelers.explicit import Label, Text
from proxy.errors import WireError
from proxy.lane import Lane, Refusal
from proxy.review.reviewer import Finding
from proxy.wire.answer import AnswerPolicy, review_strings, review_text
from proxy.wire.jsonedit import JsonPath, append_member, replace_values
from proxy.wire.strings import decoded_arguments, string_leaves

__all__ = ["ChatAnswer"]

_ANSWER_META = frozenset(
    {"id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier"}
)
_CHOICE_META = frozenset({"index", "message", "finish_reason", "logprobs"})


class ChatAnswer:
    """Rewrites one whole answer. `lanes` and `usage` afterwards tell what was done."""

    def __init__(self, policy: AnswerPolicy) -> None:
        self._policy = policy
        self.lanes: list[Lane] = []
        self.usage: dict[str, Any] | None = None

    def rewrite(self, raw: bytes) -> bytes:
        """The body for the client. Raises WireError for one that is no chat completion."""
        try:
            answer = orjson.loads(raw)
        except ValueError as error:
            raise WireError("the upstream's answer is not JSON") from error
        choices = answer.get("choices") if type(answer) is dict else None
        if type(choices) is not list or not choices:
            raise WireError("the upstream's answer has no choices")
        if type(answer.get("usage")) is dict:
            self.usage = answer["usage"]
        blocked: Finding | None = None
        edits: dict[JsonPath, Any] = {}
        for key in [key for key in answer if key not in _ANSWER_META]:
            finding = review_strings(self._policy, {key: answer[key]}, frozenset())
            if finding is not None:
                blocked = blocked or finding
                edits[(key,)] = None
        for at, choice in enumerate(choices):
            if type(choice) is not dict or type(choice.get("message")) is not dict:
                raise WireError("the upstream's answer has a choice without a message")
            edits |= self._choice(at, choice, blocked)
        aigc = self._policy.aigc(self.lanes[0], last=True)
        if aigc is not None and "aigc" in answer:
            edits[("aigc",)] = aigc
        edited = replace_values(raw, edits)
        return append_member(edited, "aigc", aigc) if aigc is not None and "aigc" not in answer else edited

    def _choice(self, at: int, choice: dict[str, Any], blocked: Finding | None) -> dict[JsonPath, Any]:
        message = choice["message"]
        lane = self._policy.lane(at)
        self.lanes.append(lane)
        edits: dict[JsonPath, Any] = {}
        blocked = blocked or review_strings(self._policy, choice, _CHOICE_META) or self._tools(message)
        for path, text in string_leaves(
            {k: v for k, v in message.items() if k not in ("tool_calls", "function_call")}
        ):
            if blocked is not None:
                break
            if path == ("content",):
                continue
            channel = Lane(self._policy.reviewer(), self._policy.refusal)
            pieces = [*channel.feed(text), *channel.flush()]
            blocked = channel.blocked
            released = "".join(piece.text for piece in pieces)
            if released != text:
                edits[("choices", at, "message", *path)] = released
        content = message.get("content")
        pieces = [*lane.feed(content)] if type(content) is str and blocked is None else []
        pieces += lane.flush() if blocked is None else lane.block(blocked)
        if pieces and type(refusal := pieces[-1]) is Refusal:
            return {("choices", at): self._refused(at, choice, lane, refusal)}
        text = "".join(piece.text for piece in pieces if type(piece) in (Text, Label))
        if type(content) is str and text != content:
            edits[("choices", at, "message", "content")] = text
        logprobs = choice.get("logprobs")
        if logprobs and (lane.rewritten or self._spells_blocked(logprobs)):
            edits[("choices", at, "logprobs")] = None
        return edits

    def _spells_blocked(self, logprobs: Any) -> bool:
        """Whether what the model might have said instead would be blocked; the answer stays."""
        alternatives = "\n".join(text for _, text in string_leaves(logprobs))
        return review_text(self._policy, alternatives) is not None

    def _tools(self, message: dict[str, Any]) -> Finding | None:
        for key in ("tool_calls", "function_call"):
            for path, text in string_leaves(message.get(key)):
                finding = review_text(self._policy, text)
                if finding is None and path[-1] in ("arguments", "input"):
                    finding = review_text(self._policy, decoded_arguments(text))
                if finding is not None:
                    return finding
        return None

    def _refused(self, at: int, choice: dict[str, Any], lane: Lane, refusal: Refusal) -> dict[str, Any]:
        """The choice in place of a blocked one: no tool calls, audio or log-probabilities."""
        content, said = (None, refusal.text) if self._policy.refusal_field else (refusal.text, None)
        return {
            "index": choice.get("index", at),
            "message": {"role": "assistant", "content": content, "refusal": said},
            "logprobs": None,
            "finish_reason": "content_filter",
        }
