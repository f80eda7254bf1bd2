"""The end of the reviewed text: what is still held or may still be looked at."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["Original"]

_SLACK = 256  # forgotten text is dropped in larger pieces: each drop copies what is left


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
        """What stands before this code point is not needed any more."""
        drop = before - self.base
        if drop > _SLACK:
            self.text = self.text[drop:]
            self.base = before
