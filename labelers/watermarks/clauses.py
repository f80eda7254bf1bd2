"""Clauses of a text that grows, and what of each may be chosen: for `substitution`, writer and reader.

Strategy. What depends on the text alone is asked once for all clauses that are complete: where they end, which
stretches are running text and which quoted, where words of the table stand (`pairs`) and where spaces and commas may
be optional (`marks`). Only clauses that hold something of that kind are looked at one by one, from left to right, since
what may be chosen in one depends on what was chosen before it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import sub

from labelers.prose import Prose
from labelers.watermarks.marks import ends_clause, may_hold, optional_commas
from labelers.watermarks.pairs import Match, table

__all__ = ["AT_ONCE", "CLAUSE_MAX", "END", "Clause", "Clauses", "clause_ends"]

CLAUSE_MAX = 160  # characters; a longer stretch without punctuation is cut
AT_ONCE = 64  # clauses of a block at most
_SHORT = 64  # characters that are not worth more than one look
_ENDS = "，。！？；：、,.!?;:\n"
END = re.compile(f"[{_ENDS}]")
_TO_END = re.compile(f"[^{_ENDS}]*[{_ENDS}]")
_SPACE = re.compile(r"\s")
_OPENING, _CLOSING = "“‘「『《〈【", "”’」』》〉】"
_QUOTE = re.compile(f'["\n{_OPENING}{_CLOSING}]')


def clause_ends(text: str, start: int, seen: int, *, final: bool) -> tuple[list[int], bool, int]:
    """Where clauses end, the first of which begins at `start`; whether the last of them was cut for its length, and
    more are to be asked for; and how far there is no other end for sure.

    Up to `seen` there is none. `final`: the text is complete.
    """
    at = max(start, seen)
    if len(text) - start < _SHORT:
        return _one_by_one(text, start, at, final=final)
    ends = list(accumulate(map(len, _TO_END.findall(text, at)), initial=at))[1:]
    for end in optional_commas(text, ends, start):
        which = bisect_left(ends, end)
        if ends[which : which + 1] != [end]:
            continue  # it stands before `seen`
        is_end = ends_clause(text, ends[which - 1] if which else start, end)
        if is_end is None and not final:
            del ends[which:]
            return ends, False, end - 1
        if is_end is False:
            del ends[which]
    if max(map(sub, [*ends, len(text) + 1], [start, *ends])) > CLAUSE_MAX:
        return _one_by_one(text, start, at, final=final)
    return ends, False, len(text)


def _one_by_one(text: str, start: int, at: int, *, final: bool) -> tuple[list[int], bool, int]:
    """The same where a clause may be too long, or the text is short."""
    ends: list[int] = []
    while found := END.search(text, at, start + CLAUSE_MAX):
        at = found.end()
        is_end = ends_clause(text, start, at)
        if is_end is None and not final:
            return ends, False, found.start()
        if is_end is not False:
            ends.append(at)
            start = at
    if len(text) - start < CLAUSE_MAX:
        return ends, False, len(text)
    space = _SPACE.search(text, start + CLAUSE_MAX // 2, start + CLAUSE_MAX)
    ends.append(space.end() if space else start + CLAUSE_MAX)
    return ends, True, ends[-1]


@dataclass(slots=True)
class Clause:
    """A clause that stands at [start, end) of its block. `matches`: the words in it that may be chosen, whatever stands
    before them, where they stand in the text of the block and what is before it. `may_mark`: spaces or commas may be.
    """

    start: int
    end: int
    matches: list[Match]
    may_mark: bool


class Clauses:
    """The clauses of one text, block by block."""

    def __init__(self) -> None:
        self._prose = Prose()
        self._quoted = 0
        self._straight = False
        self._open: list[tuple[int, int]] = []
        self._shut: list[tuple[int, int]] = []

    def of(self, before: str, block: str, ends: Sequence[int]) -> list[Clause]:
        """The clauses of the block, which end at `ends`, that may hold a choice. `before`: what stands before the block."""
        kept = len(self._prose.text)
        spans = self._prose.feed(block)
        self._open = [(start - kept, end - kept) for start, end in spans if end > kept and end > start]
        self._shut = self._quotes(block) if self._quoted or self._straight or _QUOTE.search(block) else []
        self._prose.trim()
        text, moved = before + block, len(before)
        marked = may_hold(block, ends)
        found: dict[int, list[Match]] = {which: [] for which in marked}
        which, stop = 0, ends[0] + moved
        for match in table().matches(text, moved, len(text)):
            while stop <= match[0]:
                which += 1
                stop = ends[which] + moved
            if match[2].followed(text, match[1], stop) is not None:
                found.setdefault(which, []).append(match)
        return [
            Clause(ends[which - 1] if which else 0, ends[which], found[which], which in marked)
            for which in sorted(found)
        ]

    def in_prose(self, first: int, last: int) -> bool:
        """Whether [first, last) of the block is running text, outside quotations."""
        for start, end in self._open:
            if start <= first and last <= end:
                return not (self._shut and any(start < last and first < end for start, end in self._shut))
        return False

    def opened(self, clause: Clause, block: str) -> int:
        """From where on all of the clause is running text; its end if it is not."""
        inside = [(start, end) for start, end in self._open if start < clause.end and clause.start < end]
        if len(inside) != 1 or any(start < clause.end and clause.start < end for start, end in self._shut):
            return clause.end
        ((first, last),) = inside
        solid = clause.start + len(block[clause.start : clause.end].rstrip())
        return max(first, clause.start) if last >= solid else clause.end

    def _quotes(self, text: str) -> list[tuple[int, int]]:
        """The quoted stretches of the block."""
        found: list[tuple[int, int]] = []
        start = 0 if self._quoted or self._straight else -1
        for match in _QUOTE.finditer(text):
            at, char = match.start(), match[0]
            if char in _OPENING:
                self._quoted += 1
            elif char in _CLOSING:
                self._quoted = max(0, self._quoted - 1) if char != "’" else self._quoted
            elif char == '"':
                self._straight = not self._straight
            else:
                self._quoted, self._straight = 0, False
            inside = bool(self._quoted or self._straight)
            if inside and start < 0:
                start = at
            elif not inside and start >= 0:
                found.append((start, at + 1))
                start = -1
        if start >= 0:
            found.append((start, len(text)))
        return found
