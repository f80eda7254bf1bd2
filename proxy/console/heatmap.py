"""The text as the page shows it: cut where techniques found something, each piece with what was found there. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from detectors.detection import Outcome
from detectors.verdict import Report, sentence_spans, sentences

__all__ = [
    "LEVELS",
    "MAX_SHOWN",
    "Piece",
    "Warm",
    "Warmth",
    "heat_map",
    "places",
    "warm_pieces",
    "warm_sentences",
]

MAX_SHOWN = 20_000  # characters of the text that the page shows

# Invisible marks; shown text must neither carry them on nor hide that they are there.
_INVISIBLE = re.compile(
    "[\ufe00-\ufe0f\u200b-\u200f\u2060-\u206f\ufeff\u180e\u034f\U000e0000-\U000e01ef]{2,}|[\u200b\u2060-\u2064\ufeff]"
)
_MARKER = "◇"


@dataclass(frozen=True, slots=True)
class Piece:
    """`text`: as shown; `detectors`: who found something in it, in the order of the report."""

    text: str
    detectors: tuple[str, ...]


def heat_map(report: Report, *, exact: bool) -> list[Piece]:
    """The text in pieces. `exact`: by character and with a ◇ for each invisible mark; else by sentence."""
    text = report.text[:MAX_SHOWN]
    spans = _spans(report, exact=exact)
    cuts = {0, len(text)}
    for _, start, end in spans:
        cuts |= {min(start, len(text)), min(end, len(text))}
    ordered = sorted(cuts)
    pieces: list[Piece] = []
    for start, end in pairwise(ordered):
        here = tuple(dict.fromkeys(name for name, a, b in spans if a <= start and end <= b))
        shown = _INVISIBLE.sub(_MARKER if exact else "", text[start:end])
        pieces += _pieces(shown, here)
    return pieces


def _pieces(shown: str, here: tuple[str, ...]) -> Iterator[Piece]:
    """White space at the ends is not marked: a symbol belongs behind the words."""
    words = shown.strip() if here else shown
    if not words:
        if shown:
            yield Piece(shown, ())
        return
    start = shown.index(words)
    for text, found in ((shown[:start], ()), (words, here), (shown[start + len(words) :], ())):
        if text:
            yield Piece(text, found)


def places(report: Report) -> list[tuple[str, list[tuple[int, int]]]]:
    """The heat map in words: of each detector the sentences (first, last; from 1 on) in which it found something."""
    whole = sentences(report.text)
    said = []
    for name in dict.fromkeys(name for name, _, _ in _spans(report, exact=False)):
        numbers = [
            number
            for number, (a, b) in enumerate(whole, 1)
            if any(
                found == name and start < b and a < end for found, start, end in _spans(report, exact=False)
            )
        ]
        runs: list[tuple[int, int]] = []
        for number in numbers:
            if runs and runs[-1][1] == number - 1:
                runs[-1] = (runs[-1][0], number)
            else:
                runs.append((number, number))
        said.append((name, runs))
    return said


def _spans(report: Report, *, exact: bool) -> list[tuple[str, int, int]]:
    found = []
    for one in report.detections:
        if one.outcome is Outcome.ABSENT:
            continue
        spans: Sequence[tuple[int, int]] = one.spans if exact else sentence_spans(report.text, one.spans)
        found += [(one.detector, start, end) for start, end in spans]
    return found


LEVELS = (
    -0.5,
    0.5,
    1.5,
)  # scores that part speaking against a mark, for nothing, for one, and strongly for one


@dataclass(frozen=True, slots=True)
class Warm:
    """`text` as shown; `level` 0 to 3 of what was scored there, None where nothing was."""

    text: str
    level: int | None


@dataclass(frozen=True, slots=True)
class Warmth:
    """One sentence in words: its number (from 1 on), the mean score of its units, and how many they are."""

    sentence: int
    mean: float
    units: int
    level: int


def _level(score: float) -> int:
    return sum(score > edge for edge in LEVELS)


def warm_pieces(report: Report) -> list[Warm]:
    """The text by character, with how each unit of the statistical mark speaks; [] where none was found."""
    heat = sorted(_heat(report))
    if not heat:
        return []
    text, at = report.text[:MAX_SHOWN], 0
    pieces: list[Warm] = []
    for start, end, score in heat:
        if start < at or end > len(text):
            continue
        if start > at:
            pieces.append(Warm(_INVISIBLE.sub("", text[at:start]), None))
        pieces.append(Warm(_INVISIBLE.sub("", text[start:end]), _level(score)))
        at = end
    pieces.append(Warm(_INVISIBLE.sub("", text[at:]), None))
    return [piece for piece in pieces if piece.text]


def warm_sentences(report: Report) -> list[Warmth]:
    """The same for those who cannot see it: the sentences that were scored, each with its mean."""
    heat = sorted(_heat(report))
    found = []
    for number, (start, end) in enumerate(sentences(report.text), 1):
        scores = [score for a, _, score in heat if start <= a < end]
        if scores:
            # Of so many the mean is as telling as one unit alone would be with this score.
            mean = sum(scores) / len(scores)
            found.append(Warmth(number, round(mean, 2), len(scores), _level(mean * len(scores) ** 0.5)))
    return found


def _heat(report: Report) -> list[tuple[int, int, float]]:
    return [one for detection in report.detections for one in detection.heat]
