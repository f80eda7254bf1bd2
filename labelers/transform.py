"""The one streaming interface of the house: text in, text out, in pieces of any size.

Everything that changes a text on its way (review, watermark) is a `TextTransform`.
A transform never sees HTTP, JSON or time; a whole text is one `feed` and one `flush`,
so the streamed and the unstreamed answer cannot differ.
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["Chain", "Passthrough", "TextTransform"]


class TextTransform(Protocol):
    """A stateful filter over one text.

    The concatenation of all that `feed` and `flush` return depends on the whole input
    alone, never on where it was split.
    """

    def feed(self, text: str) -> str:
        """Take the next piece; return what is safe to release now."""
        ...

    def flush(self) -> str:
        """The text has ended; return the rest. Nothing is fed afterwards."""
        ...


class Passthrough:
    """The transform that changes nothing."""

    def feed(self, text: str) -> str:
        return text

    def flush(self) -> str:
        return ""


class Chain:
    """Several transforms in a row; itself a transform."""

    def __init__(self, *stages: TextTransform) -> None:
        self._stages = stages

    def feed(self, text: str) -> str:
        for stage in self._stages:
            text = stage.feed(text)
        return text

    def flush(self) -> str:
        text = ""
        for stage in self._stages:
            text = stage.feed(text) + stage.flush()
        return text
