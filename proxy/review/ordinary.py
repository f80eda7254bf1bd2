"""Whether what was found is ordinary text: 应当及时 by its sound where the entry is 应当及市, 变量（参见 where it is 量参.

Who disguises a word by its sound, or sets its characters apart, leaves characters that mean nothing side by side;
ordinary text is made of words.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from proxy.review.original import Original
from proxy.review.tables import Kind, Tables
from proxy.review.views import SafeView

__all__ = ["AROUND", "Beside", "Ordinary", "is_ordinary", "is_ordinary_apart"]

_NOTHING = "\x00"  # stands for what becomes nothing or several
AROUND = 2  # characters on each side of a match that a word in it, of three at most, may reach to


class Beside(NamedTuple):
    """A match at [start, end) of a text with AROUND characters on each side of it, where there are so many; it
    `goes_on` where more may come that belongs to a word in it.
    """

    text: str
    start: int
    end: int
    goes_on: bool


def is_ordinary(beside: Beside, entry: str, common: AbstractSet[str]) -> bool | None:
    """Whether every character of a match by sound stands in a common word; None: what follows may make it so.

    A word has two characters or three and may begin or end outside. A character that stands by itself must be one
    of the commonest, and the entry's own. What is written as the entry is, or not one character for each of its
    own, is not ordinary.
    """
    text, start, end, _ = beside
    if end - start != len(entry) or text[start:end] == entry:
        return False
    place = _first_outside(text, start, end, entry, common)
    return True if place >= end else _unless_it_goes_on(beside, place)


def is_ordinary_apart(beside: Beside, left: int, right: int, common: AbstractSet[str]) -> bool | None:
    """Whether [left, right) parts two words of the language, one of which goes on outside of the match; None: what
    follows may make it so.

    Both characters of 量参 stand in words of 变量（参见; of 测试 in 测 试 none does, and the words of 文件 系统 are the
    entry's own.
    """
    text, start, end, _ = beside
    if _first_outside(text, start, left, text[start:left], common) < left:
        return False
    place = _first_outside(text, right, end, text[right:end], common)
    if place < end:
        return _unless_it_goes_on(beside, place)
    across = any(
        text[edge - 2 : edge + 1] in common
        or text[edge - 1 : edge + 1] in common
        or text[edge - 1 : edge + 2] in common
        for edge in (start, end)
        if 0 < edge < len(text)
    )
    return True if across else _unless_it_goes_on(beside, len(text))


def _unless_it_goes_on(beside: Beside, place: int) -> bool | None:
    """None if a word at this place may still come, else False."""
    return None if beside.goes_on and place >= len(beside.text) - AROUND else False


def _first_outside(text: str, start: int, end: int, entry: str, common: AbstractSet[str]) -> int:
    """The first place of [start, end) that is in no common word; `end` or more if there is none."""
    length, place = len(text), start
    while place < end:
        if place + 1 < length and text[place : place + 2] in common:
            place += 2
        elif (
            (text[place] == entry[place - start] and text[place] in common)
            or (place > 0 and text[place - 1 : place + 1] in common)
            or (place > 1 and text[place - 2 : place + 1] in common)
        ):
            place += 1
        elif place > 0 and text[place - 1 : place + 2] in common:
            place += 2
        elif place + 1 < length and text[place : place + 3] in common:
            place += 3
        else:
            break
    return place


class Ordinary:
    """The words around matches in the original text, by the tables of one library."""

    def __init__(self, safe: SafeView, tables: Tables) -> None:
        self._fold, self._kinds, self.common = safe.fold, tables.kinds, tables.common

    def beside(self, original: Original, start: int, end: int, ended: bool) -> Beside:
        """The match at [start, end) as the safe view reads it, one character for each code point."""
        begin, stop = start - AROUND if start > AROUND else 0, end + AROUND
        written = original.slice(begin, stop)
        text = self._fold(written)
        if text != written:
            text = "".join(safe if len(safe := self._fold(c)) == 1 else _NOTHING for c in written)
        goes_on = not ended and original.end < stop and self._all_han(text[end - begin :])
        return Beside(text, start - begin, end - begin, goes_on)

    def parted(self, beside: Beside) -> tuple[int, int] | None:
        """Where the only symbols in a match are, side by side; None where it is not so."""
        inside = beside.text[beside.start : beside.end]
        symbols = [place for place, c in enumerate(inside, beside.start) if self._kinds[ord(c)] == Kind.OTHER]
        if not symbols or _NOTHING in inside:
            return None
        left, right = symbols[0], symbols[-1] + 1
        return (left, right) if right - left == len(symbols) else None

    def _all_han(self, text: str) -> bool:
        return all(self._kinds[ord(c)] == Kind.HAN for c in text)
