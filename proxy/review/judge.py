"""Whether a completed match stands: what is around it decides.

A judge answers False, None while the text so far does not say, or the original code point where the match ends.
"""

from __future__ import annotations

from typing import Protocol

from proxy.review.tables import Kind
from proxy.review.terms import Edge, Term
from proxy.review.window import Original, Window

__all__ = ["Judge", "PlainJudge", "allowed"]

Verdict = int | bool | None


class Judge(Protocol):
    """Decides over the matches of one view in one text."""

    def at_word_start(self, index: int) -> bool:
        """Whether a word may start at this index of the window."""
        ...

    def verdict(self, term: Term, start: int, end: int, span: tuple[int, int], ended: bool) -> Verdict:
        """Over a match at [start, end) of the whole folded text, `span` in the original."""
        ...

    def needs(self, start: int) -> int:
        """The first original code point that is needed to judge a match that starts at `start`."""
        ...


def allowed(window: Window, term: Term, start: int, end: int, ended: bool) -> bool | None:
    """Whether an allow phrase covers [start, end) of the window; None: one still may."""
    text, open_ended = window.text, False
    length = len(text)
    for phrase in term.exceptions:
        reach = len(phrase)
        if phrase in text[max(0, end - reach) : max(0, start + reach)]:
            return True
        if not ended:
            begins = range(max(0, length - reach + 1), start + 1)
            open_ended = open_ended or any(phrase.startswith(text[begin:]) for begin in begins)
    return None if open_ended else False


class PlainJudge:
    """For views that keep every letter: the folded text says all."""

    __slots__ = ("_kinds", "_window")

    def __init__(self, kinds: bytes, window: Window, original: Original) -> None:
        self._kinds, self._window = kinds, window

    def at_word_start(self, index: int) -> bool:
        return index == 0 or self._kinds[ord(self._window.text[index - 1])] != Kind.WORD

    def verdict(self, term: Term, start: int, end: int, span: tuple[int, int], ended: bool) -> Verdict:
        window = self._window
        start, end = start - window.base, end - window.base
        follows = end < len(window.text)
        if follows and term.right.forbids(self._kinds[ord(window.text[end])]):
            return False
        covered = allowed(window, term, start, end, ended) if term.exceptions else False
        if covered:
            return False
        if covered is None or (term.right != Edge.FREE and not follows and not ended):
            return None
        return span[1]

    def needs(self, start: int) -> int:
        return start
