"""Whether a completed match stands: what is around it decides.

A judge answers False, None while the text so far does not say, or the original code point where the match ends; a
`Span` where there is more to say.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple, Protocol

from proxy.review.original import Original
from proxy.review.reading import AGE, Reading, Transcript
from proxy.review.tables import Tables
from proxy.review.terms import Edge, Term
from proxy.review.views import View

__all__ = ["Judge", "Match", "PlainJudge", "Span", "Verdict", "allowed", "around", "transcribed"]


class Span(NamedTuple):
    """A match that stands at [start, end), which may be later than was thought; `weak`: it can only flag."""

    start: int
    end: int
    weak: bool = False


Verdict = int | bool | Span | None


class Match(NamedTuple):
    """A term at [start, end) of the original, from character `first` of what the code point `start` folds to
    up to character `last` of what the code point before `end` does.
    """

    term: Term
    start: int
    first: int
    end: int
    last: int


class Judge(Protocol):
    """Decides over the matches of one view. `context`: how many code points before any match it may look at."""

    context: int

    def verdict(self, match: Match, original: Original, ended: bool) -> Verdict:
        """Over one match, by what has come so far; the text has `ended` or goes on."""
        ...


def around(term: Term) -> int:
    """How many code points on each side of a match its allow phrases may need.

    Four for each character of the longest: an allow phrase may be spaced out, but not without end.
    """
    return 16 + 4 * max(map(len, term.exceptions)) if term.exceptions else 0


def allowed(text: str, term: Term, start: int, end: int, ended: bool) -> bool | None:
    """Whether an allow phrase covers [start, end) of a folded text; None: one still may."""
    open_ended = False
    length = len(text)
    for phrase in term.exceptions:
        reach = len(phrase)
        if phrase in text[max(0, end - reach) : max(0, start + reach)]:
            return True
        if not ended:
            begins = range(max(0, length - reach + 1), start + 1)
            open_ended = open_ended or any(phrase.startswith(text[begin:]) for begin in begins)
    return None if open_ended else False


def transcribed(reading: Reading, match: Match, original: Original, ended: bool) -> bool | None:
    """`allowed` on the text around a match, as a reading writes it down."""
    reach = around(match.term)
    begin, stop = max(0, match.start - reach), match.end + reach
    script = Transcript(reading)
    script.read(original.slice(begin, stop), begin)
    if ended or original.end >= stop:
        ended = True
        script.finish(min(original.end, stop))
    start = bisect_left(script.origins, match.start * AGE + match.first)
    end = bisect_right(script.origins, (match.end - 1) * AGE + match.last)
    return allowed(script.text, match.term, start, end, ended)


class PlainJudge:
    """For views that keep every letter: the folded text says all."""

    context = 0

    def __init__(self, view: View, tables: Tables) -> None:
        self._fold, self._kinds = view.fold, tables.kinds

    def verdict(self, match: Match, original: Original, ended: bool) -> Verdict:
        term = match.term
        follows = ""
        if term.right != Edge.FREE:
            follows = self._following(match, original)
            if follows and term.right.forbids(self._kinds[ord(follows)]):
                return False
        covered = self._covered(match, original, ended) if term.exceptions else False
        if covered:
            return False
        if covered is None or (term.right != Edge.FREE and not follows and not ended):
            return None
        return match.end

    def _following(self, match: Match, original: Original) -> str:
        """The next character of the folded text."""
        rest = self._fold(original.slice(match.end - 1, match.end))[match.last + 1 :]
        if rest:
            return rest[0]
        return next((c for character in original.characters(match.end) for c in self._fold(character)), "")

    def _covered(self, match: Match, original: Original, ended: bool) -> bool | None:
        reach = around(match.term)
        stop = match.end + reach
        before = self._fold(original.slice(max(0, match.start - reach), match.start))
        inside = self._fold(original.slice(match.start, match.end - 1))
        text = before + inside + self._fold(original.slice(match.end - 1, stop))
        start, end = len(before) + match.first, len(before) + len(inside) + match.last + 1
        return allowed(text, match.term, start, end, ended or original.end >= stop)
