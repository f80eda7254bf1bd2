"""Combinations: terms that mean something together, counted over one text.

Each term is looked for like a keyword entry. The combination fires when its last required term completes, if
the terms it needs stand near enough and none that excludes it has come before. What it blocks, masks or
replaces is that last term; with `hold: "sentence"` it is all from its first term on, and the decision is taken
when the sentence ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from proxy.review.entry import Action, Combination, Entry

__all__ = ["MAX_SENTENCE", "SENTENCE_END", "Part", "Sentences", "Tally", "counted_from", "parts_of"]

MAX_SENTENCE = 256  # code points that `hold: "sentence"` waits for at most
SENTENCE_END = re.compile(r"[。！？!?；;…\n\r\u2028\u2029।۔؟]|\.(?=\s)")


@dataclass(frozen=True, slots=True)
class Part:
    """One term of a combination: whose it is, in which group, and which of it."""

    whole: Entry
    group: str  # all, any or none
    index: int


def parts_of(entry: Entry) -> list[tuple[Entry, Part]]:
    """The terms of a combination as entries of their own, and what each is to it.

    Terms that must not come delay nothing.
    """
    terms = entry.combination
    assert terms is not None
    parts = []
    for group in ("all", "any", "none"):
        for index, pattern in enumerate(getattr(terms, group)):
            action = {d: Action.LOG if group == "none" else entry.action[d] for d in entry.action}
            part = replace(
                entry,
                id=f"{entry.id}#{group}{index}",
                kind="keyword",
                pattern=pattern,
                combination=None,
                action=action,
            )
            parts.append((part, Part(entry, group, index)))
    return parts


class Sentences:
    """Where the sentences of one text end, as far as anybody may ask: in its last code points."""

    def __init__(self) -> None:
        self._ends: list[int] = []  # the code points that end a sentence
        self._carried = ""

    def feed(self, text: str, at: int) -> None:
        """Take the next piece, which begins at code point `at`."""
        piece = self._carried + text
        begin = at - len(self._carried)
        self._ends += [begin + found.start() for found in SENTENCE_END.finditer(piece)]
        # A full stop ends a sentence only before a space, and that may still come.
        self._carried = "." if piece[-1:] == "." else ""

    def begin_of(self, place: int) -> int:
        """Where the sentence begins in which this code point stands."""
        return next((end + 1 for end in reversed(self._ends) if end < place), 0)

    def end_after(self, place: int) -> int | None:
        """The first code point at or after this one that ends a sentence; None if none has come."""
        return next((end for end in self._ends if end >= place), None)

    def forget(self, before: int) -> None:
        """Nobody will ask for what stands before this code point, but for where its sentence began."""
        keep = 0
        while keep + 1 < len(self._ends) and self._ends[keep + 1] < before:
            keep += 1
        del self._ends[:keep]


class Tally:
    """What has been found of each combination in one text."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._parts = parts
        self._last: dict[str, tuple[int, int]] = {}  # part -> its last occurrence

    def take(self, found: Iterable[tuple[str, int, int]]) -> dict[Entry, tuple[int, int]]:
        """Count terms that completed at one place (id, start, end).

        Returns the combinations that want one of them, each with the longest that it wants.
        """
        wanted: dict[Entry, tuple[int, int]] = {}
        for part_id, start, end in found:
            part = self._parts[part_id]
            self._last[part_id] = max((start, end), self._last.get(part_id, (0, 0)))
            if part.group != "none":
                known = wanted.get(part.whole)
                wanted[part.whole] = (start, end) if known is None or start < known[0] else known
        return wanted

    def span(self, entry: Entry, begin: int) -> tuple[int, int] | None:
        """From the first to the last term that makes the combination true from `begin` on; None if it is not."""
        terms = entry.combination
        assert terms is not None
        needed = [self._since(entry, "all", index, begin) for index in range(len(terms.all))]
        if terms.any:
            some = [self._since(entry, "any", index, begin) for index in range(len(terms.any))]
            needed.append(max((one for one in some if one is not None), default=None))
        excluded = any(self._since(entry, "none", index, begin) for index in range(len(terms.none)))
        spans = [one for one in needed if one is not None]
        if excluded or len(spans) < len(needed):
            return None
        return min(spans)[0], max(end for _, end in spans)

    def _since(self, entry: Entry, group: str, index: int, begin: int) -> tuple[int, int] | None:
        """The last occurrence of a term, if it began at this code point or after."""
        last = self._last.get(f"{entry.id}#{group}{index}")
        return last if last is not None and last[0] >= begin else None


def counted_from(terms: Combination, end: int, sentences: Sentences) -> int:
    """From where on terms count, if one of them ends here."""
    if terms.within == "message":
        return 0
    if terms.within == "sentence":
        return sentences.begin_of(end - 1)
    return end - int(terms.within)
