"""`/v1/chat/completions`, streamed: where text lives in its chunks."""

from __future__ import annotations

from typing import Any

from proxy.errors import WireError
from proxy.wire.answer import AnswerPolicy
from proxy.wire.choices import ChoiceStream

__all__ = ["ChatStream"]


class _ChatShape:
    """A choice holds a delta."""

    text = "content"
    known = frozenset({"index", "delta", "finish_reason", "logprobs"})
    opening: dict[str, Any] = {"role": "assistant", "content": ""}  # noqa: RUF012 - never changed

    def delta(self, choice: dict[str, Any]) -> dict[str, Any]:
        delta = choice.get("delta")
        if delta is None:
            delta = {}
        if type(delta) is not dict or "message" in choice:
            raise WireError("the upstream sent a chunk without a delta")
        return delta

    def emptied(self, choice: dict[str, Any]) -> dict[str, Any]:
        return {**choice, "delta": {}, "logprobs": None}

    def choice(
        self, index: int, delta: dict[str, Any], finish: str | None, logprobs: dict[str, Any] | None
    ) -> dict[str, Any]:
        return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}

    def refused(self, text: str, in_field: bool) -> dict[str, Any]:
        return {"refusal" if in_field else "content": text}


_SHAPE = _ChatShape()


class ChatStream(ChoiceStream):
    """The chat dialect of a `StreamRewriter`."""

    def __init__(self, policy: AnswerPolicy) -> None:
        super().__init__(policy, _SHAPE)
