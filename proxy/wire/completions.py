"""`/v1/completions`: where text lives in its answers, streamed and not; both have the same shape."""

from __future__ import annotations

from typing import Any

from labelers.explicit import Label, Text
from proxy.errors import WireError
from proxy.lane import Lane, Refusal
from proxy.review.reviewer import Finding
from proxy.wire.answer import AnswerPolicy, channel_lane, review_keys, review_names
from proxy.wire.choices import ChoiceStream
from proxy.wire.jsonedit import JsonPath
from proxy.wire.strings import string_leaves
from proxy.wire.whole import choices_of, rewrite_choices, spells_blocked

__all__ = ["CompletionAnswer", "CompletionStream"]

_KNOWN = frozenset({"index", "text", "finish_reason", "logprobs"})


_NAMES = ("index", "finish_reason")


def _channels(choice: dict[str, Any]) -> dict[str, Any]:
    """The members of a choice besides its text that hold any text (reasoning, what stopped it)."""
    others = [key for key in choice if key not in _KNOWN]
    return {key: choice[key] for key in others if next(string_leaves(choice[key]), None) is not None}


class _CompletionShape:
    """A choice is its own delta."""

    text = "text"
    known = _KNOWN
    opening: dict[str, Any] = {}  # noqa: RUF012 - never changed

    def delta(self, choice: dict[str, Any]) -> dict[str, Any]:
        text = choice.get("text")
        if (text is not None and type(text) is not str) or "message" in choice or "delta" in choice:
            raise WireError("the upstream sent a choice that is no text completion")
        return {"text": text} if choice.keys() <= _KNOWN else {"text": text, **_channels(choice)}

    def emptied(self, choice: dict[str, Any]) -> dict[str, Any]:
        channels = _channels(choice)
        rest = {key: value for key, value in choice.items() if key not in channels}
        return {**rest, "text": "", "logprobs": None}

    def choice(
        self, index: int, delta: dict[str, Any], finish: str | None, logprobs: dict[str, Any] | None
    ) -> dict[str, Any]:
        return {"text": "", **delta, "index": index, "logprobs": logprobs, "finish_reason": finish}

    def refused(self, text: str, in_field: bool) -> dict[str, Any]:
        return {"text": text}


_SHAPE = _CompletionShape()


class CompletionStream(ChoiceStream):
    """The completions dialect of a `StreamRewriter`."""

    def __init__(self, policy: AnswerPolicy) -> None:
        super().__init__(policy, _SHAPE)


class CompletionAnswer:
    """Rewrites one whole answer. `lanes` and `usage` afterwards tell what was done."""

    def __init__(self, policy: AnswerPolicy) -> None:
        self._policy = policy
        self.lanes: list[Lane] = []
        self.usage: dict[str, Any] | None = None

    def rewrite(self, raw: bytes) -> bytes:
        """The body for the client. Raises WireError for one that is no text completion."""
        answer, choices = choices_of(raw)
        if any(type(choice.get("text")) is not str for choice in choices):
            raise WireError("the upstream's answer has a choice without a text")
        if type(answer.get("usage")) is dict:
            self.usage = answer["usage"]
        return rewrite_choices(self._policy, raw, answer, self.lanes, self._choice)

    def _choice(self, at: int, choice: dict[str, Any], blocked: Finding | None) -> dict[JsonPath, Any]:
        index = choice.get("index")
        # It tells which prompt the choice belongs to, wherever it stands.
        index = index if type(index) is int and index >= 0 else at
        lane = self._policy.lane(index)
        self.lanes.append(lane)
        edits: dict[JsonPath, Any] = {}
        blocked = (
            blocked
            or review_names(self._policy, choice, _NAMES, lane)
            or review_keys(self._policy, {**choice, "logprobs": None}, lane)
        )
        for path, text in string_leaves(_channels(choice)):
            if blocked is not None:
                break
            channel = channel_lane(self._policy, lane)
            released = "".join(piece.text for piece in [*channel.feed(text), *channel.flush()])
            blocked = channel.blocked
            if released != text:
                edits[("choices", at, *path)] = released
        pieces = [*lane.feed(choice["text"])] if blocked is None else []
        pieces += lane.flush() if blocked is None else lane.block(blocked)
        if pieces and type(refusal := pieces[-1]) is Refusal:
            refused = {
                "text": refusal.text,
                "index": index,
                "logprobs": None,
                "finish_reason": "content_filter",
            }
            return {("choices", at): refused}
        text = "".join(piece.text for piece in pieces if type(piece) in (Text, Label))
        if text != choice["text"]:
            edits[("choices", at, "text")] = text
        logprobs = choice.get("logprobs")
        if logprobs and (lane.rewritten or spells_blocked(self._policy, logprobs)):
            edits[("choices", at, "logprobs")] = None
        return edits
