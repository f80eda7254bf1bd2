"""Spells an answer that was written in rounds as the upstream would have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from proxy.sampling.questions import Drive
from proxy.sampling.writing import Writer

__all__ = ["Answer"]


class Answer:
    """Spells the answer as the upstream would have."""

    def __init__(self, drive: Drive, now: int) -> None:
        self._drive = drive
        self.chat = drive.chat
        kind = "chat.completion" if self.chat else "text_completion"
        self._head: dict[str, Any] = {
            "id": f"{'chatcmpl' if self.chat else 'cmpl'}-{drive.steering.scheme.name}-{now:x}{id(self):x}",
            "object": kind,
            "created": now,
            "model": drive.model,
        }
        options = drive.body.get("stream_options")
        self._tells_usage = type(options) is dict and bool(options.get("include_usage"))

    def opening(self, index: int) -> bytes:
        return self._frame(index, {"role": "assistant", "content": ""}, None) if self.chat else b""

    def chunk(self, index: int, text: str) -> bytes:
        return self._frame(index, {"content": text}, None) if text else b""

    def closing(self, index: int, finish: str) -> bytes:
        return self._frame(index, {}, finish)

    def end(self, writers: Sequence[Writer]) -> bytes:
        frames = b""
        if self._tells_usage:
            frames = _frame({**self._stream_head(), "choices": [], "usage": self._usage(writers)})
        return frames + b"data: [DONE]\n\n"

    def whole(self, writers: Sequence[Writer], texts: Sequence[str]) -> bytes:
        choices = []
        for writer, text in zip(writers, texts, strict=True):
            said: dict[str, Any] = {"text": text}
            if self.chat:
                said = {"message": {"role": "assistant", "content": text}}
            choices.append({"index": writer.index, **said, "logprobs": None, "finish_reason": writer.finish})
        return orjson.dumps({**self._head, "choices": choices, "usage": self._usage(writers)})

    def _usage(self, writers: Sequence[Writer]) -> dict[str, int]:
        asked, said = self._drive.prompt_tokens, sum(writer.kept for writer in writers)
        return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}

    def _stream_head(self) -> dict[str, Any]:
        return {**self._head, "object": "chat.completion.chunk" if self.chat else "text_completion"}

    def _frame(self, index: int, delta: dict[str, Any], finish: str | None) -> bytes:
        said: dict[str, Any] = {"delta": delta} if self.chat else {"text": delta.get("content", "")}
        choice = {"index": index, **said, "logprobs": None, "finish_reason": finish}
        return _frame({**self._stream_head(), "choices": [choice]})


def _frame(event: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(event) + b"\n\n"
