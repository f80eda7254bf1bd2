"""Reads statistical marks: were the words of this text chosen under one of our keys?

Strategy. The scores of the text's distinct grams under a key (`labelers.watermarks.units`) are independent and
standard normal for every text that was not written with that key, whoever wrote it. Their sum over the whole text is
one test; sums over windows of 50 to 800 grams find a marked passage in a longer paste. All that was tried is
paid for (Bonferroni): half of the error goes to the whole text, half to the windows together, and both are
multiplied by the number of keys. A p-value given here is thus honest for the text as a whole: of human texts, one in
a million comes out as marked.

Every scheme that works on units is read by this one test: best of n and substitutions add up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors.detection import Detection, Outcome
from labelers.provenance import KeyRing, KeyState
from labelers.watermarks.units import Grams, Scores, Units, epoch_prf, grams_of, log10_tail, read_units

__all__ = ["MARKED", "WEAK", "Evidence", "StatisticalDetector"]

TECHNIQUE = "statistical (keyed choice of words)"
MARKED, WEAK = -6.0, -3.0  # log10 p, after all corrections
MAX_KEYS = 30  # the newest; more keys would cost every honest finding
WINDOWS = (50, 100, 200, 400, 800)  # grams
FEWEST = 16  # a sum of fewer is not worth a test
_TINIEST = -300.0  # what a float can still hold as p


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one key epoch has to say. `log10_p` is corrected for windows and keys; `z` is of the whole text.

    `first`, `last`: the grams of the strongest stretch, [first, last).
    """

    kid: int
    log10_p: float
    z: float
    first: int
    last: int


class StatisticalDetector:
    """`labels`: our own explicit label strings, which are no part of the marked text.

    Epochs whose key leaked are not tried: whoever has the key can mark a text and date it as he likes.
    """

    name = "statistical"

    def __init__(self, keys: KeyRing, labels: Sequence[str] = ()) -> None:
        kids = [kid for kid in keys.kids() if keys.state(kid) is not KeyState.LEAKED]
        self._keys = {kid: epoch_prf(keys, kid) for kid in kids[-MAX_KEYS:]}
        self._labels = tuple(sorted(filter(None, labels), key=len, reverse=True))

    def detect(self, text: str) -> Detection:
        """Marked (`present`), weak evidence (`inconclusive`) or none (`absent`)."""
        units, grams = self._read(text)
        evidence = self.evidence(grams)
        if evidence is None:
            detail = f"Too short to tell: {len(grams)} units can be scored, {FEWEST} are the least."
            return Detection(self.name, Outcome.ABSENT, TECHNIQUE, num_units_scored=len(grams), detail=detail)
        if evidence.log10_p < MARKED:
            outcome, state = Outcome.PRESENT, "Marked: was output by this service."
        elif evidence.log10_p < WEAK:
            outcome, state = Outcome.INCONCLUSIVE, "Weak evidence, which alone proves nothing."
        else:
            outcome, state = Outcome.ABSENT, "No evidence."
        found = outcome is not Outcome.ABSENT
        spans = ((_start(units, grams, evidence.first), _end(units, grams, evidence.last)),) if found else ()
        return Detection(
            self.name,
            outcome,
            TECHNIQUE,
            spans,
            {"key_epoch": str(evidence.kid)} if found else None,
            round(evidence.z, 3),
            10 ** max(evidence.log10_p, _TINIEST),
            len(grams),
            f"{state} log10 p = {evidence.log10_p:.1f} over {evidence.last - evidence.first} of {len(grams)} scored "
            f"units, corrected for {len(self._keys)} keys and {_windows(len(grams))} windows; key epoch {evidence.kid}.",
        )

    def evidence(self, grams: Grams) -> Evidence | None:
        """The strongest of all key epochs; None for a text too short."""
        if len(grams) < FEWEST or not self._keys:
            return None
        correction = math.log10(2 * len(self._keys))
        found = (_test(kid, prf.scores(grams.blocks), correction) for kid, prf in self._keys.items())
        return min(found, key=lambda one: one.log10_p)

    def heat(self, text: str, kid: int) -> list[tuple[int, int, float]]:
        """For each scored unit its place, [start, end) in code points, and its score under that epoch's key."""
        units, grams = self._read(text)
        scores = self._keys[kid].scores(grams.blocks).tolist()
        starts, ends = units.starts[grams.units].tolist(), units.ends[grams.units].tolist()
        return list(zip(starts, ends, scores, strict=True))

    def _read(self, text: str) -> tuple[Units, Grams]:
        units = read_units(text, self._own(text))
        return units, grams_of(units)

    def _own(self, text: str) -> Iterator[tuple[int, int]]:
        for label in self._labels:
            at = text.find(label)
            while at >= 0:
                yield at, at + len(label)
                at = text.find(label, at + len(label))


def _test(kid: int, scores: Scores, correction: float) -> Evidence:
    """One key: the whole text, and its windows, each side with half of the error."""
    size = len(scores)
    sums = np.concatenate(([0.0], np.cumsum(scores, dtype=np.float64)))
    z = float(sums[-1]) / math.sqrt(size)
    best = Evidence(kid, min(0.0, log10_tail(z) + correction), z, 0, size)
    windows = _windows(size)
    if not windows:
        return best
    top, first, last = -math.inf, 0, 0
    for width in WINDOWS:
        if width >= size:
            break
        starts = _starts(size, width)
        inside = (sums[starts + width] - sums[starts]) / math.sqrt(width)
        at = int(inside.argmax())
        if inside[at] > top:
            top, first, last = float(inside[at]), int(starts[at]), int(starts[at]) + width
    p = min(0.0, log10_tail(top) + math.log10(windows) + correction)
    return Evidence(kid, p, z, first, last) if p < best.log10_p else best


def _starts(size: int, width: int) -> npt.NDArray[np.int64]:
    """Windows overlap by half; the last one ends with the text."""
    starts = np.arange(0, size - width + 1, width // 2)
    return starts if starts[-1] == size - width else np.append(starts, size - width)


def _windows(size: int) -> int:
    return sum(len(_starts(size, width)) for width in WINDOWS if width < size)


def _start(units: Units, grams: Grams, first: int) -> int:
    return int(units.starts[grams.units[first] - 1])


def _end(units: Units, grams: Grams, last: int) -> int:
    return int(units.ends[grams.units[last - 1]])
