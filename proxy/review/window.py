"""What is kept of a stream: the end of the original text, and the end of what a view made of it.

All views of one text share one `Original`; each has a `Window`. Indices into the original are absolute code
points; indices into a window count from the first character that it still holds.
"""

from __future__ import annotations

from collections.abc import Iterator

from proxy.review.views import Reader

__all__ = ["Original", "Window"]


class Original:
    """The end of the original text: code points [base, end)."""

    __slots__ = ("base", "end", "text")

    def __init__(self) -> None:
        self.text, self.base, self.end = "", 0, 0

    def append(self, piece: str) -> None:
        self.text += piece
        self.end += len(piece)

    def slice(self, start: int, end: int) -> str:
        return self.text[start - self.base : end - self.base]

    def characters(self, start: int) -> Iterator[str]:
        """The code points from `start` on; nothing is copied, for few of them are looked at."""
        text = self.text
        return (text[index] for index in range(start - self.base, len(text)))

    def forget(self, before: int) -> None:
        drop = before - self.base
        if drop > 0:
            self.text = self.text[drop:]
            self.base = before


class Window:
    """The end of a folded text. From index `live` on it may still grow into a match; before that is context."""

    __slots__ = ("_carried", "_live_at_read", "_reader", "_starts", "base", "live", "text")

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.text = ""
        self.base = 0  # the place of text[0] in the whole folded text
        self.live = 0
        self._carried = 0  # how much of the text stood here before the last piece
        self._live_at_read = 0
        self._starts: list[int] = []  # of the characters from _live_at_read to _carried

    @property
    def carried(self) -> int:
        return self._carried

    def read(self, piece: str, at: int) -> None:
        """Take the next piece of the original, which begins there at code point `at`."""
        self._carried, self._live_at_read = len(self.text), self.live
        self.text += self._reader.read(piece, at)

    def finish(self) -> None:
        """The original has ended."""
        self._carried, self._live_at_read = len(self.text), self.live
        self.text += self._reader.finish()

    def start(self, index: int) -> int:
        """The original code point from which the folded character comes (at `live` or after)."""
        if index < self._carried:
            return self._starts[index - self._live_at_read]
        return int(self._reader.starts()[index - self._carried])

    def seen(self, index: int) -> int:
        """The original code point at which the folded character of the last piece became known."""
        return int(self._reader.seen()[index - self._carried])

    def forget(self, live: int, context: int) -> None:
        """Keep from `live` on, and `context` characters before."""
        length = len(self.text)
        self._starts = [self.start(index) for index in range(live, length)] if live < length else []
        drop = max(0, live - context)
        if drop:
            self.text = self.text[drop:]
            self.base += drop
        self.live = live - drop
        self._carried, self._live_at_read = length - drop, self.live
