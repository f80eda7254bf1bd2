"""Fingerprints: what is left to recognise an answer by when every mark is gone. Finds, keeps no text.

Strategy. Of an answer some values of its word groups are stored (`detectors.sketch`). A look-up looks for the
stretch of the text that speaks most for one answer. A gram that both have counts
-log2 of how often it stands in answers at all (less where it overlaps the one before), for that is how
unlikely chance is to bring it; a gram that only the text has counts a little against, as much as with three
words in ten edited. The sum must beat the number of stored answers and of places where a stretch can begin by
`MARGIN_BITS`. How common a gram is, a store that is still small cannot know, and texts on one subject share
phrases: so no gram counts for more than a bound (`_MOST_BITS`). It grows with the store as what must be beaten does, so
that about as many grams of an excerpt are needed among a million answers as among a thousand.

It says "logged by this service": a text that a client let our model repeat was logged as well.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt

from detectors.detection import Detection, Outcome
from detectors.sketch import Fingerprinter, Numbers, Sketch, Values

__all__ = ["MIN_CHARACTERS", "MIN_WORDS", "FingerprintDetector", "Hits", "Index", "Shared"]

TECHNIQUE = "fingerprint (keyed MinHash of text units)"
MIN_CHARACTERS = 40  # what people are told: punctuation counts for them, and is no unit
MIN_WORDS = 25
MARGIN_BITS = 12.0
_MOST_BITS = 6.0  # and half of the bits that number the stored answers
_HIT = 2.0  # -log2 of the chance that a gram of four is left whole where three units in ten are edited
_MISS = 0.4  # the same of the chance that it is not
_PRIOR_ANSWERS = 4096  # how common a gram is, is not known from fewer answers
_MOST_ANSWERS = 5  # that one text is traced to
_CANDIDATES = 64  # answers looked at closely, those with most grams in common
_MOST_VALUES = 400  # of more (from about 1,200 characters on) so many are looked up, evenly spread


@dataclass(frozen=True, slots=True)
class Hits:
    """What an index knows of some values: pairs of (place in the values asked for, stored answer), and
    `frequency`, how many answers hold each value asked for, also where it is too common to list them.
    """

    total: int
    frequency: Numbers
    asked: Numbers
    answers: Numbers


class Index(Protocol):
    """The fingerprints that were stored, as the detector needs them."""

    def lookup(self, values: Values) -> Hits:
        """Who holds these values. OSError: they cannot be looked up now."""
        ...

    def content_number(self, answer: int) -> int:
        """The number of a stored answer, as `labelers.provenance` makes it."""
        ...

    def holds(self, content_number: int, values: Values) -> npt.NDArray[np.bool_] | None:
        """Which of these values the answer of this number holds; None: no such answer is stored. OSError as above."""
        ...


@dataclass(frozen=True, slots=True)
class Shared:
    """How much of a text stands in one stored answer: of its `grams` that fingerprints keep, `strange` ones do not,
    and in the stretch of the text where they crowd most, so many more of them than others (`crowded`). `held`: where
    the others stand.
    """

    grams: int
    strange: int
    crowded: int
    held: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Match:
    """`places`: of the matched values in the sketch."""

    answer: int
    places: Numbers


class FingerprintDetector:
    """Traces a text to the answers that were logged. `labels`: our own label lines, which are no part of one."""

    name = "fingerprint"

    def __init__(
        self, fingerprinter: Fingerprinter, index: Index, producer: str, labels: Sequence[str] = ()
    ) -> None:
        self._fingerprinter = fingerprinter
        self._index = index
        self.producer = producer
        words = "|".join(re.escape(label) for label in sorted(set(labels), key=len, reverse=True) if label)
        self._labels = re.compile(words) if words else None

    def detect(self, text: str) -> Detection:
        """The answer that most of the text is from."""
        return self.detect_all(text)[0]

    def detect_all(self, text: str) -> list[Detection]:
        """One finding an answer, the weightiest first; a single absent one where there is none."""
        sketch = self._sketch(text)
        if not sketch.long_enough:
            return [
                self._absent(
                    sketch,
                    f"Too short to be looked up: at least {MIN_CHARACTERS} Chinese characters or {MIN_WORDS} words.",
                )
            ]
        try:
            matches = _matches(self._index, sketch)
        except OSError:
            # The other detectors have something to say all the same.
            return [self._absent(sketch, "What was logged cannot be looked up now, so this says nothing.")]
        if not matches:
            return [self._absent(sketch, "No answer that this service logged has these words.")]
        return [self._present(sketch, match) for match in matches]

    def compare(self, text: str, content_number: int) -> Shared | None:
        """The text against the answer of this number alone; None: it is not kept, or the text is too short to tell."""
        sketch = self._sketch(text)
        held = self._index.holds(content_number, sketch.values) if sketch.long_enough else None
        if held is None or not held.size:
            return None
        crowded = running = 0
        spans: list[tuple[int, int]] = []
        firsts = sketch.starts[sketch.units]
        lasts = sketch.ends[sketch.units + sketch.lengths - 1]
        for known, start, end in zip(held.tolist(), firsts.tolist(), lasts.tolist(), strict=True):
            running = max(0, running + (-1 if known else 1))
            crowded = max(crowded, running)
            if known:
                spans.append((start, end))
        return Shared(held.size, int(np.count_nonzero(~held)), crowded, tuple(spans))

    def _sketch(self, text: str) -> Sketch:
        if self._labels:
            text = self._labels.sub(lambda label: "\n" * len(label[0]), text)
        return self._fingerprinter.sketch(text)

    def _absent(self, sketch: Sketch, detail: str) -> Detection:
        return Detection(
            self.name, Outcome.ABSENT, TECHNIQUE, num_units_scored=int(sketch.starts.size), detail=detail
        )

    def _present(self, sketch: Sketch, match: _Match) -> Detection:
        number = self._index.content_number(match.answer)
        return Detection(
            self.name,
            Outcome.PRESENT,
            TECHNIQUE,
            _spans(sketch, match.places),
            _origin(self.producer, number),
            num_units_scored=int(sketch.starts.size),
            detail=f"Logged by this service: {match.places.size} passages of an answer stand in the text. "
            "That is no proof of who wrote it.",
        )


def _origin(producer: str, number: int) -> dict[str, str]:
    created = datetime.fromtimestamp(((number >> 24) + 1_767_225_600_000) / 1000, UTC)
    return {
        "producer": producer,
        "content_id": f"{number:016x}",
        "created": created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def _matches(index: Index, sketch: Sketch) -> list[_Match]:
    """The stored answers that the text has more in common with than chance allows."""
    order = _chosen(sketch)
    if not order.size:
        return []
    hits = index.lookup(sketch.values[order])
    if not hits.answers.size:
        return []
    known = hits.total + _PRIOR_ANSWERS
    bits = np.minimum(np.log2(known / (hits.frequency + 1.0)), _MOST_BITS + math.log2(known) / 2)
    needed = math.log2(known) + math.log2(order.size) + MARGIN_BITS
    grams = _Grams(sketch.units[order].tolist(), sketch.lengths[order].tolist(), bits.tolist())
    free = np.ones(order.size, bool)
    found: list[_Match] = []
    by_answer = _grouped(hits)
    while len(found) < _MOST_ANSWERS:
        stretches = (
            (_stretch(grams, asked[free[asked]].tolist()), answer) for answer, asked in by_answer.items()
        )
        (score, places), answer = max(stretches, key=lambda one: one[0][0], default=((0.0, []), 0))
        if score < needed:
            break
        found.append(_Match(answer, order[places]))
        free[places] = False
    return found


def _chosen(sketch: Sketch) -> Numbers:
    """Which values to look up: each once, for what is said twice is no more evidence; of a long text so many."""
    first: Numbers = np.sort(np.unique(sketch.values, return_index=True)[1])
    if first.size <= _MOST_VALUES:
        return first
    return first[np.unique(np.linspace(0, first.size - 1, _MOST_VALUES).astype(np.int64))]


def _grouped(hits: Hits) -> dict[int, Numbers]:
    """The places asked for by answer, those answers that share most."""
    order = np.lexsort((hits.asked, hits.answers))
    answers, asked = hits.answers[order], hits.asked[order]
    names, first, counts = np.unique(answers, return_index=True, return_counts=True)
    most = np.argsort(-counts, kind="stable")[:_CANDIDATES]
    return {int(names[at]): asked[first[at] : first[at] + counts[at]] for at in most if counts[at] > 1}


@dataclass(frozen=True, slots=True)
class _Grams:
    """Of each gram that was asked for: the unit it begins with, its units, and how much it counts."""

    starts: list[int]
    lengths: list[int]
    bits: list[float]


def _stretch(grams: _Grams, matched: list[int]) -> tuple[float, list[int]]:
    """The stretch that counts most, and the matched grams in it. `matched`: ascending."""
    best, best_from, best_to = 0.0, 0, 0
    running, begin = 0.0, 0
    end, before = -1, -1
    for at, place in enumerate(matched):
        start, length = grams.starts[place], grams.lengths[place]
        running -= _MISS * (place - before - 1)
        if running <= 0:
            running, begin = 0.0, at
        new = min(length, start + length - end) / length
        running += max(0.0, grams.bits[place] - _HIT) * new
        end, before = start + length, place
        if running > best:
            best, best_from, best_to = running, begin, at + 1
    return best, matched[best_from:best_to]


def _spans(sketch: Sketch, places: Numbers) -> tuple[tuple[int, int], ...]:
    """Where the matched grams stand; what is closer than a gram is one stretch."""
    spans: list[tuple[int, int]] = []
    for place in places.tolist():
        unit, length = int(sketch.units[place]), int(sketch.lengths[place])
        start, end = int(sketch.starts[unit]), int(sketch.ends[unit + length - 1])
        if spans and start - spans[-1][1] <= 12:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return tuple(spans)
