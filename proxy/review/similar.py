"""Similar text: how near a sentence comes to the examples of an entry, by the letters that stand together.

Character n-grams (two and three letters of the safe view, symbols left out), weighted by TF-IDF over all examples,
compared by the cosine (Salton and Buckley 1988). It needs the whole sentence, so it stops nothing that is on its
way: on output it flags at most.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from proxy.review.combination import MAX_SENTENCE, SENTENCE_END
from proxy.review.entry import Action, Direction, Entry
from proxy.review.tables import Kind, Tables
from proxy.review.views import SafeView

__all__ = ["Near", "SimilarScan", "Similarity"]

_SIZES = (2, 3)


class Near(NamedTuple):
    """An entry that the sentence at [start, end) comes near to; known after code point `order`."""

    entry: Entry
    start: int
    end: int
    order: int


class Similarity:
    """The examples of some entries, ready to be compared with; `actions` of a direction."""

    def __init__(
        self, entries: Sequence[Entry], safe: SafeView, tables: Tables, direction: Direction
    ) -> None:
        self._fold, self._kinds = safe.fold, tables.kinds
        self.actions = {
            entry: Action.FLAG if action.holds and direction == Direction.OUTPUT else action
            for entry in entries
            if (action := entry.action_for(direction)) is not None
        }
        examples = [
            (entry, self._grams(text)) for entry in self.actions for text in (entry.pattern, *entry.examples)
        ]
        known = Counter(gram for _, grams in examples for gram in grams)
        self._idf = {gram: math.log((1 + len(examples)) / (1 + count)) + 1 for gram, count in known.items()}
        self._unseen = math.log(1 + len(examples)) + 1
        self._holding: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self._owners = [entry for entry, _ in examples]
        for index, (_, grams) in enumerate(examples):
            for gram, weight in self._weighted(grams).items():
                self._holding[gram].append((index, weight))

    def near(self, text: str) -> list[tuple[Entry, float]]:
        """The entries that a text comes near enough to, each with its best cosine."""
        scores: dict[int, float] = defaultdict(float)
        for gram, weight in self._weighted(self._grams(text)).items():
            for index, other in self._holding.get(gram, ()):
                scores[index] += weight * other
        best: dict[Entry, float] = {}
        for index, score in scores.items():
            entry = self._owners[index]
            if score >= entry.threshold - 1e-9:
                best[entry] = max(score, best.get(entry, 0.0))
        return sorted(best.items(), key=lambda pair: (-pair[1], pair[0].id))

    def _grams(self, text: str) -> Counter[str]:
        letters = "".join(c for c in self._fold(text) if self._kinds[ord(c)] != Kind.OTHER)
        return Counter(letters[at : at + size] for size in _SIZES for at in range(len(letters) - size + 1))

    def _weighted(self, grams: Counter[str]) -> dict[str, float]:
        weights = {gram: count * self._idf.get(gram, self._unseen) for gram, count in grams.items()}
        length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        return {gram: weight / length for gram, weight in weights.items()}


class SimilarScan:
    """One stream, compared sentence by sentence; of a sentence without end each MAX_SENTENCE code points."""

    def __init__(self, of: Similarity) -> None:
        self._of = of
        self._sentence, self._begin = "", 0
        self.live = 0

    def feed(self, text: str) -> list[Near]:
        """Take the next piece; tell what the sentences that it ends come near to."""
        near: list[Near] = []
        self._sentence += text
        while True:
            found = SENTENCE_END.search(self._sentence, endpos=MAX_SENTENCE)
            if found is None and len(self._sentence) <= MAX_SENTENCE:
                break
            # A full stop, and the end of what is taken as a sentence, show with the code point after.
            late = found is None or found[0] == "."
            near += self._compared(found.end() if found else MAX_SENTENCE, late)
        self.live = len(self._sentence)
        return near

    def finish(self) -> list[Near]:
        """The text has ended."""
        return self._compared(len(self._sentence), late=False)

    def _compared(self, length: int, late: bool) -> list[Near]:
        sentence, self._sentence = self._sentence[:length], self._sentence[length:]
        begin, self._begin = self._begin, self._begin + length
        end = begin + length
        return [Near(entry, begin, end, end + late) for entry, _ in self._of.near(sentence)]
