"""Doubts: what the first stage of review only suspects, until a second stage 复审 was asked about it.

Whom to ask, and what to do when nobody answers, is the caller's affair; here is what a reviewer needs of it, and
the stage that needs nobody: how near a passage comes to the examples of an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from proxy.review.combination import MAX_SENTENCE, Sentences
from proxy.review.entry import Action, Direction, Entry
from proxy.review.original import Original
from proxy.review.similar import Similarity
from proxy.review.tables import Tables
from proxy.review.views import safe_view

__all__ = ["MAX_PASSAGE", "Doubted", "Doubts", "Likeness", "passages_of", "window"]

MAX_PASSAGE = 4000  # code points that a second stage is asked about at once


@dataclass(frozen=True, slots=True)
class Doubts:
    """What a reviewer asks of a second stage.

    `concerns`: whether a finding (entry, action) is only a suspicion. `settle`: the action for a suspicion that
    stands in these passages: block, flag or log. `holds`: text waits from the suspicion on until its sentence was
    asked about; else it goes out as it comes, and the whole text is asked about at its end. `sample`: for a text
    without suspicions that is asked about all the same, at its end: risk and action, None if nothing was found.
    """

    concerns: Callable[[Entry, Action], bool]
    settle: Callable[[Entry, Sequence[str]], Action]
    holds: bool = True
    sample: Callable[[Sequence[str]], tuple[str, Action] | None] | None = None


class Doubted:
    """A finding that waits for the end of its sentence, or of the text, to be asked about.

    The sentence is taken to end MAX_SENTENCE code points behind its beginning at the latest.
    """

    __slots__ = ("action", "end", "entry", "order", "sentences", "stands", "start", "suspected", "view")

    def __init__(
        self, entry: Entry, suspected: Action, view: str, span: tuple[int, int], sentences: Sentences | None
    ) -> None:
        self.entry, self.suspected, self.view, self.sentences = entry, suspected, view, sentences
        self.start, self.end = span
        self.action = Action.BLOCK if sentences is not None else suspected
        self.order = float("inf")
        self.stands: bool | None = None

    def decide(self, original: Original, ended: bool) -> None:
        """Ready to be asked about: a place after what ends with the sentence."""
        limit = self.start + MAX_SENTENCE
        end = self.sentences.end_after(self.end - 1) if self.sentences is not None else None
        if end is not None and end < limit:
            self.order = end + 1.5
        elif ended or (self.sentences is not None and original.end >= limit):
            self.order = min(limit, original.end) + 0.5
        self.stands = True if self.order < float("inf") else None

    def passage(self, original: Original) -> str:
        """The sentence around it."""
        assert self.sentences is not None  # else the whole text is the passage
        begin = max(self.sentences.begin_of(self.start), self.start - MAX_SENTENCE)
        end = self.sentences.end_after(self.end - 1)
        limit = self.start + MAX_SENTENCE
        return original.slice(begin, limit if end is None else min(end + 1, limit))


def passages_of(text: str) -> list[str]:
    """A whole text in passages of MAX_PASSAGE code points; each begins with the last tenth of the one before."""
    step = MAX_PASSAGE - MAX_PASSAGE // 10
    return [text[at : at + MAX_PASSAGE] for at in range(0, max(1, len(text) - MAX_PASSAGE // 10), step)]


def window(text: str, start: int, end: int) -> str:
    """The passage of a whole text that stands around [start, end)."""
    if len(text) <= MAX_PASSAGE:
        return text
    begin = max(0, min((start + end - MAX_PASSAGE) // 2, len(text) - MAX_PASSAGE))
    return text[begin : begin + MAX_PASSAGE]


class Likeness:
    """The second stage that is at hand: a passage against the examples of the entry that suspects it.

    An entry without examples of its own is compared with the similar-text entries of its category.
    """

    def __init__(self, entries: Sequence[Entry], tables: Tables) -> None:
        models = list(_models(entries))
        self._own = {entry.id for entry in models if entry.kind == "similar-text"} - {
            entry.id for entry in entries if entry.kind == "similar-text"
        }
        self._categories = {entry.category for entry in models if entry.id not in self._own}
        self._similarity = Similarity(models, safe_view(tables), tables, Direction.INPUT)

    def confirms(self, entry: Entry, passages: Sequence[str]) -> bool | None:
        """Whether one of the passages comes near enough; None where there is nothing to compare with."""
        if entry.id not in self._own and entry.category not in self._categories:
            return None
        near = [model for passage in passages for model, _ in self._similarity.near(passage)]
        if entry.id in self._own:
            return any(model.id == entry.id for model in near)
        return any(model.id not in self._own and model.category == entry.category for model in near)


def _models(entries: Sequence[Entry]) -> Iterator[Entry]:
    """What passages are compared with, as entries of kind similar-text."""
    for entry in entries:
        changes: dict[str, Any] = {"scope": "both", "action": "flag", "folds": (), "combination": None}
        if entry.kind != "similar-text" and entry.examples:
            changes |= {
                "kind": "similar-text",
                "pattern": entry.examples[0],
                "examples": entry.examples[1:],
            }
        elif entry.kind != "similar-text":
            continue
        yield replace(entry, **changes)
