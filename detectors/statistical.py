"""Reads statistical marks: were the words of this text chosen under one of our keys?

Strategy. The scores of the text's distinct grams under a key (`labelers.watermarks.units`) are independent and
standard normal for every text that was not written with that key, whoever wrote it. Their sum over the whole text is
one test; sums over windows of 50 to 800 grams find a marked passage in a longer paste. All that was tried is
paid for (Bonferroni): a quarter of the error goes to the whole text, to the windows together, to the places
where one of two words was chosen (`labelers.watermarks.substitution`), and to the message that a mark may carry
(`labelers.watermarks.payload`), and all are multiplied by the number of keys. A p-value given here is thus honest for the text as a whole: of human texts, one in a million comes
out as marked.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from detectors.detection import Detection, Outcome
from labelers.provenance import KeyRing, KeyState
from labelers.watermarks.payload import Payload, pilot_scores, read_payload
from labelers.watermarks.substitution import Place, binomial_tail, count_fits, read_places
from labelers.watermarks.units import Grams, Prf, Scores, Units, epoch_prf, grams_of, log10_tail, read_units

__all__ = ["HAN_SPREAD", "MARKED", "WEAK", "Evidence", "StatisticalDetector"]

TECHNIQUE = "statistical (keyed choice of words)"
MARKED, WEAK = -6.0, -3.0  # log10 p, after all corrections
MAX_KEYS = 30  # the newest; more keys would cost every honest finding
WINDOWS = (50, 100, 200, 400, 800)  # grams
TESTS = 4
PILOT = -4.0  # log10 p of the pilots, from which on a message is looked for
FEWEST = 16  # a sum of fewer is not worth a test
FEWEST_PLACES = 12  # so many coins are the least that can be weak evidence
MAX_MESSAGE = 4_000  # grams that a message is read from: all its values are tried on each
# The deviation of z over human Chinese under one key: texts share idioms, and so their luck (docs/benchmarks.md). Words
# are so many that English shows none of it.
HAN_SPREAD = 1.015
MAX_PLACES = 200_000  # characters that are searched for places
_UNSEEN = re.compile("[\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]+")
_TINIEST = -300.0  # what a float can still hold as p


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one key epoch has to say. `log10_p` is corrected for all tests and keys; `z` is that of the test.

    `start`, `end`: the stretch of the text that speaks, in code points; `scored`: what was counted in it.
    """

    kid: int
    scheme: str
    log10_p: float
    z: float
    start: int
    end: int
    scored: int
    payload: Payload | None = None


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
        evidence = self.evidence(text, units, grams)
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
        return Detection(
            self.name,
            outcome,
            TECHNIQUE,
            ((evidence.start, evidence.end),) if found else (),
            _origin(evidence) if found else None,
            round(evidence.z, 3),
            10 ** max(evidence.log10_p, _TINIEST),
            len(grams),
            f"{state} log10 p = {evidence.log10_p:.1f} by {evidence.scheme}, {evidence.scored} scored of {len(grams)} "
            f"units; corrected for {len(self._keys)} keys, four tests and {_windows(len(grams))} windows; "
            f"key epoch {evidence.kid}.",
        )

    def evidence(self, text: str, units: Units, grams: Grams) -> Evidence | None:
        """The strongest of all key epochs; None for a text too short."""
        correction = math.log10(TESTS * len(self._keys))
        found: list[Evidence] = []
        places = self._places(text[:MAX_PLACES]) if len(grams) >= FEWEST else []
        for kid, prf in self._keys.items():
            if len(grams) >= FEWEST:
                found.append(_by_grams(kid, prf.scores(grams.blocks), units, grams, correction))
                found += _by_payload(kid, prf, units, grams, correction)
            if len(places) >= FEWEST_PLACES:
                found.append(_by_places(kid, prf, places, correction))
        return min(found, key=lambda one: one.log10_p, default=None)

    def heat(self, text: str, kid: int) -> list[tuple[int, int, float]]:
        """For each scored unit its place, [start, end) in code points, and its score under that epoch's key."""
        units, grams = self._read(text)
        scores = self._keys[kid].scores(grams.blocks).tolist()
        starts, ends = units.starts[grams.units].tolist(), units.ends[grams.units].tolist()
        return list(zip(starts, ends, scores, strict=True))

    def _read(self, text: str) -> tuple[Units, Grams]:
        units = read_units(text, self._own(text))
        return units, grams_of(units)

    def _places(self, text: str) -> list[Place]:
        """The places of the text that the writer saw: what was put into it later, labels and grains, is none of it."""
        kept, after, start = [], [(0, 0)], 0
        later = [*self._own(text), *(match.span() for match in _UNSEEN.finditer(text))]
        length = 0
        for first, end in sorted(later):
            if first >= start:
                kept.append(text[start:first])
                length += first - start
                after.append((length, end - length))
            start = max(start, end)
        found = read_places("".join([*kept, text[start:]]))
        if len(after) == 1:
            return found

        def was(at: int) -> int:
            return at + after[bisect_right(after, (at, len(text))) - 1][1]

        return [replace(place, start=was(place.start), end=was(place.end - 1) + 1) for place in found]

    def _own(self, text: str) -> Iterator[tuple[int, int]]:
        for label in self._labels:
            at = text.find(label)
            while at >= 0:
                yield at, at + len(label)
                at = text.find(label, at + len(label))


def _by_grams(kid: int, scores: Scores, units: Units, grams: Grams, correction: float) -> Evidence:
    """Two tests of one key: the whole text, and its windows."""
    size = len(scores)
    spread = HAN_SPREAD if float(np.mean(units.ends - units.starts == 1)) > 0.5 else 1.0
    sums = np.concatenate(([0.0], np.cumsum(scores, dtype=np.float64)))

    def evidence(z: float, tried: int, first: int, last: int) -> Evidence:
        p = min(0.0, log10_tail(z / spread) + math.log10(tried) + correction)
        start, end = int(units.starts[grams.units[first] - 1]), int(units.ends[grams.units[last - 1]])
        return Evidence(kid, "choice of words", p, z, start, end, last - first)

    whole = evidence(float(sums[-1]) / math.sqrt(size), 1, 0, size)
    windows = _windows(size)
    if not windows:
        return whole
    top, first, width = -math.inf, 0, 0
    for wide in WINDOWS:
        if wide >= size:
            break
        starts = _starts(size, wide)
        inside = (sums[starts + wide] - sums[starts]) / math.sqrt(wide)
        at = int(inside.argmax())
        if inside[at] > top:
            top, first, width = float(inside[at]), int(starts[at]), wide
    best = evidence(top, windows, first, first + width)
    return best if best.log10_p < whole.log10_p else whole


def _by_payload(kid: int, prf: Prf, units: Units, grams: Grams, correction: float) -> list[Evidence]:
    """The fourth test: pilots, and where they show a mark, the message that the rest spells.

    Stouffer's sum of the pilots and of both symbols, each for its best of 65,536 values. The message counts only
    where chance would not read one so clearly, else the mark is there and its id unreadable.
    """
    scores = pilot_scores(prf, grams.blocks)
    if len(scores) < FEWEST:
        return []
    z = float(scores.sum(dtype=np.float64)) / math.sqrt(len(scores))
    if log10_tail(z) > PILOT:
        return []
    reading = read_payload(prf, grams.blocks[:MAX_MESSAGE])
    clear = [-NormalDist().inv_cdf(min(0.999, max(10**p, 1e-300))) for p in reading.log10_p]
    whole = (z + sum(clear)) / math.sqrt(3)
    p = min(0.0, min(log10_tail(whole), log10_tail(z)) + math.log10(2) + correction)
    readable = all(one + correction < MARKED for one in reading.log10_p)
    start, end = int(units.starts[grams.units[0] - 1]), int(units.ends[grams.units[-1]])
    scheme = "choice of words with a message" + ("" if readable else ", id unreadable")
    payload = reading.payload if readable else None
    return [Evidence(kid, scheme, p, whole, start, end, len(grams), payload)]


def _origin(evidence: Evidence) -> dict[str, str]:
    origin = {"key_epoch": str(evidence.kid)}
    if evidence.payload is not None:
        origin["content_id_end"] = f"{evidence.payload.number:06x}"
        origin["producer_code_end"] = f"{evidence.payload.producer:02x}"
    return origin


def _by_places(kid: int, prf: Prf, places: Sequence[Place], correction: float) -> Evidence:
    """The third test: words that can stand for each other; by themselves, and with spacing and punctuation.

    Whoever sets a text makes spaces and commas all alike, so they must not be able to hide what the words say. The better of
    both counts, and is paid for.
    """
    words = [place for place in places if not place.weak]
    if len(words) < FEWEST_PLACES or len(words) == len(places):
        return _by_coins(kid, prf, places, correction)
    both = (_by_coins(kid, prf, some, correction + math.log10(2)) for some in (words, places))
    return min(both, key=lambda one: one.log10_p)


def _by_coins(kid: int, prf: Prf, places: Sequence[Place], correction: float) -> Evidence:
    count, fits = len(places), count_fits(prf, places)
    p = min(0.0, binomial_tail(fits, count) + correction)
    z = (2 * fits - count) / math.sqrt(count)
    start, end = min(place.start for place in places), max(place.end for place in places)
    return Evidence(kid, "substitution", p, z, start, end, count)


def _starts(size: int, width: int) -> npt.NDArray[np.int64]:
    """Windows overlap by half; the last one ends with the text."""
    starts = np.arange(0, size - width + 1, width // 2)
    return starts if starts[-1] == size - width else np.append(starts, size - width)


def _windows(size: int) -> int:
    return sum(len(_starts(size, width)) for width in WINDOWS if width < size)
