"""`/v1/chat/completions`, not streamed: the same lanes over one JSON body.

A choice is one feed and one flush. Only the values that change are edited; every other byte
of the upstream's body stays.
"""

from __future__ import annotations

from typing import Any

from proxy.errors import WireError
from proxy.lane import Lane, Refusal
from proxy.review.reviewer import Finding
from proxy.wire.answer import (
    AnswerPolicy,
    channel_lane,
    review_keys,
    review_names,
    review_strings,
    review_text,
)
from proxy.wire.arguments import ARGUMENTS, review_arguments
from proxy.wire.jsonedit import JsonPath
from proxy.wire.parts import is_text_part, labelled_parts
from proxy.wire.strings import spelt_arguments, string_leaves, with_strings
from proxy.wire.whole import choices_of, rewrite_choices, spells_blocked

__all__ = ["ChatAnswer"]

_NAMES = ("index", "finish_reason")
_CHOICE_META = frozenset({"message", "logprobs", *_NAMES})


class ChatAnswer:
    """Rewrites one whole answer. `lanes` and `usage` afterwards tell what was done."""

    def __init__(self, policy: AnswerPolicy) -> None:
        self._policy = policy
        self.lanes: list[Lane] = []
        self.usage: dict[str, Any] | None = None

    def rewrite(self, raw: bytes) -> bytes:
        """The body for the client. Raises WireError for one that is no chat completion."""
        answer, choices = choices_of(raw)
        if any(type(choice.get("message")) is not dict for choice in choices):
            raise WireError("the upstream's answer has a choice without a message")
        if type(answer.get("usage")) is dict:
            self.usage = answer["usage"]
        return rewrite_choices(self._policy, raw, answer, self.lanes, self._choice)

    def _choice(self, at: int, choice: dict[str, Any], blocked: Finding | None) -> dict[JsonPath, Any]:
        message, where = choice["message"], ("choices", at, "message")
        lane = self._policy.lane(at)
        self.lanes.append(lane)
        edits: dict[JsonPath, Any] = {}
        blocked = (
            blocked
            or review_strings(self._policy, choice, _CHOICE_META, lane)
            or review_names(self._policy, choice, _NAMES, lane)
            or review_keys(self._policy, {**choice, "logprobs": None}, lane)
            or self._tools(lane, message, where, edits)
            or self._channels(lane, message, where, edits)
        )
        content = message.get("content")
        texts = [content] if type(content) is str else []
        if type(content) is list:
            texts = [part["text"] for part in content if is_text_part(part)]
        said = [lane.feed(text) for text in texts] if blocked is None else []
        rest = lane.flush() if blocked is None else lane.block(blocked)
        pieces = [piece for feed in (*said, rest) for piece in feed]
        refusal = next((piece for piece in pieces if type(piece) is Refusal), None)
        if refusal is not None:
            return {("choices", at): self._refused(at, choice, lane, refusal)}
        if type(content) is list:
            path = (*where, "content")
            changed = {p[len(path) :]: edits.pop(p) for p in list(edits) if p[: len(path)] == path}
            delivered: Any = labelled_parts(with_strings(content, changed), said, rest)
        else:
            delivered = "".join(piece.text for piece in pieces) if type(content) is str else content
        if delivered != content:
            edits[(*where, "content")] = delivered
        logprobs = choice.get("logprobs")
        if logprobs and (lane.rewritten or spells_blocked(self._policy, logprobs)):
            edits[("choices", at, "logprobs")] = None
        return edits

    def _channels(
        self, lane: Lane, message: dict[str, Any], where: JsonPath, edits: dict[JsonPath, Any]
    ) -> Finding | None:
        """Every text of a message but its content and its calls."""
        content = message.get("content")
        others = {k: v for k, v in message.items() if k not in ("content", "tool_calls", "function_call")}
        if type(content) is list:
            others["content"] = [None if is_text_part(part) else part for part in content]
        for path, text in string_leaves(others):
            channel = channel_lane(self._policy, lane)
            released = "".join(piece.text for piece in (*channel.feed(text), *channel.flush()))
            if channel.blocked is not None:
                return channel.blocked
            if released != text:
                edits[(*where, *path)] = released
        return None

    def _tools(
        self, lane: Lane, message: dict[str, Any], where: JsonPath, edits: dict[JsonPath, Any]
    ) -> Finding | None:
        for key in ("tool_calls", "function_call"):
            for path, text in string_leaves(message.get(key)):
                if not ARGUMENTS.intersection(path):
                    finding = review_text(self._policy, text, lane)
                else:
                    delivered, finding = review_arguments(self._policy, lane, text)
                    if delivered != text:
                        edits[(*where, key, *path)] = delivered
                if finding is not None:
                    return finding
            spelt = "\n".join(spelt_arguments(message.get(key), ARGUMENTS))
            finding = review_text(self._policy, spelt) if spelt else None
            if finding is not None:
                return finding
        return None

    def _refused(self, at: int, choice: dict[str, Any], lane: Lane, refusal: Refusal) -> dict[str, Any]:
        """The choice in place of a blocked one: no tool calls, audio or log-probabilities."""
        content, said = (None, refusal.text) if self._policy.refusal_field else (refusal.text, None)
        index = choice.get("index")
        return {
            "index": index if type(index) is int else at,
            "message": {"role": "assistant", "content": content, "refusal": said},
            "logprobs": None,
            "finish_reason": "content_filter",
        }
