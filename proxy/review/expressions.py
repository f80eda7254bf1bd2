"""Entries that are regular expressions, over one stream.

A match begins where its first code points can, and is the longest from there: it is known when one code point
more would make a beginning of no match, or when it is as wide as it may be. Until then the text from its start
waits, for entries that delay. A match that begins within an earlier one of its entry is not reported.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from proxy.review.entry import Direction, Entry, EntryError
from proxy.review.patterns import Pattern
from proxy.review.reading import AGE
from proxy.review.tables import Kind, Tables
from proxy.review.terms import MAX_FOLDED
from proxy.review.validators import VALIDATORS
from proxy.review.views import View

__all__ = ["Expression", "ExpressionScan", "ExpressionSet", "Hit", "expression_of", "filler_of"]

_NO_FILLER = r"[^\n\r。？；：，、！.?;:,!]"


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """One entry with its pattern. `width`: how far one match may go; `word`: whether words around it matter."""

    entry: Entry
    pattern: Pattern
    width: int
    word: bool
    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A match at [start, end) of the original, known after code point `order`; `folded` is what matched.

    `first` and `last`: where in what the first and the last code point fold to.
    """

    expression: Expression
    start: int
    first: int
    end: int
    last: int
    order: int
    folded: str


def expression_of(entry: Entry, view: View, source: str) -> Expression:
    """The expression of an entry in a view. EntryError if it cannot be matched there."""
    pattern = Pattern(source, view.fold, ignore_case=view.name != "raw")
    limit = entry.regex.max_width if entry.regex is not None else MAX_FOLDED
    if entry.scope != "input" and (pattern.widest is None or pattern.widest > limit):
        many = "any number of" if pattern.widest is None else str(pattern.widest)
        advice = f"can match {many} characters; with output scope the limit is {limit} (regex.max_width)"
        raise EntryError("pattern", advice)
    phrases = tuple(dict.fromkeys(view.fold(phrase) for phrase in entry.exceptions))
    width = limit if pattern.widest is None else min(limit, pattern.widest)
    return Expression(entry, pattern, width, entry.boundary != "none", phrases)


def filler_of(entry: Entry) -> str:
    """The expression of a keyword with up to `gap` characters between its own."""
    between = f"{_NO_FILLER}{{0,{entry.gap}}}"
    letters = (re.escape(letter) for letter in entry.pattern if not letter.isspace())
    return between.join(letters)


class ExpressionSet:
    """The expressions of one view, and which of them may begin with a character: found out once for each."""

    def __init__(
        self, expressions: Sequence[Expression], view: View, tables: Tables, direction: Direction
    ) -> None:
        self.name, self._fold, self._kinds = view.name, view.fold, tables.kinds
        self.actions = {e: action for e in expressions if (action := e.entry.action_for(direction))}
        self.beginners: dict[str, tuple[Expression, ...]] = {}
        self.harmless: set[str] = set()

    def fold(self, character: str) -> str:
        return self._fold(character)

    def is_word(self, character: str) -> bool:
        return bool(character) and self._kinds[ord(character)] == Kind.WORD

    def beginning_with(self, character: str) -> tuple[Expression, ...]:
        """The expressions of which a match may begin with this character of the folded text."""
        known = self.beginners.get(character)
        if known is None:
            known = tuple(e for e in self.actions if e.pattern.may_become(character))
            self.beginners[character] = known
        return known

    def is_harmless(self, character: str) -> bool:
        """Whether no match begins with this code point of the original."""
        if not any(self.beginning_with(c) for c in self._fold(character)):
            self.harmless.add(character)
            return True
        return False


@dataclass(slots=True)
class _Begun:
    """A match that may be under way: where it begins, and the folded index of what ended it."""

    expression: Expression
    begin: int
    over: int = -1


class ExpressionScan:
    """The state of one stream. `hold` and `live` count code points of the original before its end."""

    def __init__(self, of: ExpressionSet) -> None:
        self._set = of
        self._text = ""  # folded, from the first match under way on
        self._origins: list[int] = []
        self._before = ""  # the folded character before that
        self._begun: list[_Begun] = []
        self._covered: dict[Expression, int] = {}  # how far the last match of each went, in the folded text
        self._base = 0  # the place of _text[0] in the whole folded text
        self.hold = self.live = 0

    def feed(self, text: str, at: int) -> list[Hit]:
        """Take the next piece, which begins at code point `at`."""
        of, hits = self._set, []
        for place, character in enumerate(text, at):
            if not self._begun and (character in of.harmless or of.is_harmless(character)):
                self._drop()
                self._before = of.fold(character)[-1:] or self._before
                continue
            for sub, folded in enumerate(of.fold(character)):
                hits += self._take(folded, place, sub)
        self._settle(at + len(text))
        return hits

    def finish(self, end: int) -> list[Hit]:
        """The text has ended, at code point `end`."""
        for begun in self._begun:
            if begun.over < 0:
                begun.over = self._base + len(self._text)
        hits = self._resolve(end)
        self._settle(end)
        return hits

    def _take(self, folded: str, place: int, sub: int) -> list[Hit]:
        of = self._set
        index = self._base + len(self._text)
        previous = self._text[-1:] or self._before
        self._text += folded
        self._origins.append(place * AGE + sub)
        for begun in self._begun:
            if begun.over < 0:
                width = index - begun.begin
                text = self._text[begun.begin - self._base :]
                if width >= begun.expression.width or not begun.expression.pattern.may_become(text):
                    begun.over = index
        for expression in of.beginning_with(folded):
            if not (expression.word and of.is_word(folded) and of.is_word(previous)):
                self._begun.append(_Begun(expression, index))
        return self._resolve(place + 1)

    def _resolve(self, order: int) -> list[Hit]:
        """The matches that are known now; those of one expression in their order."""
        hits, waiting, blocked = [], [], set()
        for begun in self._begun:
            if begun.over < 0 or begun.expression in blocked:
                waiting.append(begun)
                blocked.add(begun.expression)
            elif begun.begin >= self._covered.get(begun.expression, 0):
                end = self._end_of(begun)
                if end:
                    self._covered[begun.expression] = end
                    hits.append(self._hit(begun, end, order))
        self._begun = waiting
        return hits

    def _end_of(self, begun: _Begun) -> int:
        """Where the longest match that stands ends in the folded text, 0 for none."""
        of, expression = self._set, begun.expression
        check = VALIDATORS[expression.entry.regex.validator if expression.entry.regex else ""]
        start, over = begun.begin - self._base, begun.over - self._base
        length = expression.pattern.longest(self._text[start:over])
        for width in range(length, 0, -1):
            found, following = (
                self._text[start : start + width],
                self._text[start + width : start + width + 1],
            )
            inside = expression.word and of.is_word(found[-1]) and of.is_word(following)
            if not inside and (width == length or expression.pattern.matches(found)) and check(found):
                return begun.begin + width
        return 0

    def _hit(self, begun: _Begun, end: int, order: int) -> Hit:
        start, stop = begun.begin - self._base, end - self._base
        origins = self._origins
        (first, first_sub), (last, last_sub) = divmod(origins[start], AGE), divmod(origins[stop - 1], AGE)
        return Hit(begun.expression, first, first_sub, last + 1, last_sub, order, self._text[start:stop])

    def _drop(self) -> None:
        """No match is under way."""
        self._before = self._text[-1:] or self._before
        self._base += len(self._text)
        self._text, self._origins = "", []

    def _settle(self, end: int) -> None:
        """Forget what no match needs, and say what waits."""
        self.hold = self.live = 0
        if not self._begun:
            self._drop()
            return
        keep = self._begun[0].begin - self._base
        self.live = end - self._origins[keep] // AGE
        actions = self._set.actions
        held = next((b for b in self._begun if actions[b.expression].holds), None)
        if held is not None:
            self.hold = end - self._origins[held.begin - self._base] // AGE
        if keep > 0:
            self._before = self._text[keep - 1]
            self._text, self._origins = self._text[keep:], self._origins[keep:]
            self._base += keep
