"""Reads statistical marks: were the words of this text chosen under one of our keys?

Strategy. The scores of the text's distinct grams under a key (`labelers.watermarks.units`) are independent and
standard normal for every text that was not written with that key, whoever wrote it. Their sum over the whole text is
one test; sums over windows of 50 to 800 grams find a marked passage in a longer paste. All that was tried is
paid for (Bonferroni): a quarter of the error goes to the whole text, to the windows together, to the places
where one of two words was chosen (`labelers.watermarks.substitution`), and to the message that a mark may carry
(`labelers.watermarks.payload`); where engines mark (`detectors.token_marks`) or green lists, a share to those too; and all are
multiplied by the number of keys. A p-value given here is thus honest for the text as a whole: of human texts, one
in a million comes out as marked.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from statistics import NormalDist

import numpy as np

from detectors.detection import Detection, Outcome
from detectors.evidence import FEWEST, MARKED, WEAK, Evidence, best_window, window_count
from detectors.messages import Answers, read_said
from detectors.token_marks import DRAWS, Draw, Tokenizer, by_tokens, read_row, token_heat, token_scheme
from labelers.provenance import KeyRing, KeyState
from labelers.watermarks.engine import engine_key
from labelers.watermarks.green_list import count_green
from labelers.watermarks.payload import payload_scores, pilot_scores, symbol_sums
from labelers.watermarks.substitution import Place, binomial_tail, count_fits, read_places
from labelers.watermarks.units import Grams, Prf, Scores, Units, epoch_prf, grams_of, log10_tail, read_units

__all__ = ["HAN_SPREAD", "MARKED", "WEAK", "StatisticalDetector"]

TECHNIQUE = "statistical (keyed choice of words)"
MAX_KEYS = 30  # the newest; more keys would cost every honest finding
TESTS = 4  # and one more each where engines and green lists may have marked
MOST_GREEN = 4.0  # z of a green list at most: alone it is weak evidence, however long the text
FEWEST_GREEN = 12  # pairs of words
PILOT = -2.0  # log10 p of the pilots, from which on a message is looked for; looking costs time alone
FEWEST_PLACES = 12  # so many coins are the least that can be weak evidence
MAX_MESSAGE = 4_000  # grams that a message is read from: all its values are tried on each
# The deviation of z over human Chinese under one key: texts share idioms, and so their luck (docs/benchmarks.md). Words
# are so many that English shows none of it.
HAN_SPREAD = 1.015
MAX_PLACES = 200_000  # characters that are searched for places
MAX_HEAT = 5_000  # units whose scores are told
SUBSTITUTION = "substitution"
_UNSEEN = re.compile("[\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]+")
_TINIEST = -300.0  # what a float can still hold as p


class StatisticalDetector:
    """`labels`: our own explicit label strings, which are no part of the marked text. `tokenizers`: those of the
    engines that mark; without any no such mark is looked for. `green_list`: whether that one is. `issued`: the content
    numbers of the answers that were put out, where that is kept; OSError: it cannot be read.

    Epochs whose key leaked are not tried: whoever has the key can mark a text and date it as he likes.
    """

    name = "statistical"

    def __init__(
        self,
        keys: KeyRing,
        labels: Sequence[str] = (),
        tokenizers: Sequence[Tokenizer] = (),
        *,
        green_list: bool = False,
        issued: Callable[[], Sequence[int]] = tuple,
    ) -> None:
        kids = [kid for kid in keys.kids() if keys.state(kid) is not KeyState.LEAKED][-MAX_KEYS:]
        self._keys = {kid: epoch_prf(keys, kid) for kid in kids}
        self._engine_keys = {kid: engine_key(keys, kid) for kid in kids}
        self._answers = Answers(frozenset(code & 0xFF for code in keys.codes()), issued)
        self._tokenizers = tuple(tokenizers)
        self._green_list = green_list
        self._tests = TESTS + bool(self._tokenizers) + green_list
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
        tokens = self._cut(evidence.scheme) is not None
        scored = f"{evidence.scored} " + ("tokens scored" if tokens else f"scored of {len(grams)} units")
        return Detection(
            self.name,
            outcome,
            TECHNIQUE,
            ((evidence.start, evidence.end),) if found else (),
            _origin(evidence) if found else None,
            round(evidence.z, 3),
            10 ** max(evidence.log10_p, _TINIEST),
            len(grams),
            f"{state} log10 p = {evidence.log10_p:.1f} by {evidence.scheme}, {scored}; corrected for "
            f"{len(self._keys)} keys, {self._tests} tests{self._cut_by()} and {window_count(len(grams))} windows; "
            f"key epoch {evidence.kid}.",
            tuple(self.heat(text, evidence)) if found else (),
        )

    def evidence(self, text: str, units: Units, grams: Grams) -> Evidence | None:
        """The strongest of all key epochs; None for a text too short."""
        correction = math.log10(self._tests * len(self._keys))
        found: list[Evidence] = []
        places = self._places(text[:MAX_PLACES]) if len(grams) >= FEWEST else []
        answers = self._answers.once()
        for kid, prf in self._keys.items():
            if len(grams) >= FEWEST:
                found.append(_by_grams(kid, prf.scores(grams.blocks), units, grams, correction))
                found += _by_payload(kid, prf, units, grams, answers, correction)
            if len(places) >= FEWEST_PLACES:
                found.append(_by_places(kid, prf, places, correction))
        if self._green_list:
            found += self._by_green_words(text, units, grams, correction)
        for tokenizer in self._tokenizers:
            row = read_row(tokenizer, text, list(self._own(text)))
            paid = correction + math.log10(len(self._tokenizers))
            found += by_tokens(self._engine_keys, tokenizer, row, paid, answers)
        return min(found, key=lambda one: one.log10_p, default=None)

    def _by_green_words(self, text: str, units: Units, grams: Grams, correction: float) -> Iterator[Evidence]:
        """Stouffer's sum of the green words and of what else is there: the choice of words, in the whole text."""
        for kid, prf in self._keys.items():
            count, green = count_green(prf, text[:MAX_PLACES])
            if count < FEWEST_GREEN or len(grams) < FEWEST:
                continue
            p = 10 ** max(binomial_tail(green, count), _TINIEST)
            favoured = min(MOST_GREEN, -NormalDist().inv_cdf(min(p, 1 - 1e-9)))
            chosen = float(prf.scores(grams.blocks).sum(dtype=np.float64)) / math.sqrt(len(grams))
            for z, scheme in (
                (favoured, "green list"),
                ((favoured + chosen) / math.sqrt(2), "green list and choice of words"),
            ):
                start, end = int(units.starts[grams.units[0] - 1]), int(units.ends[grams.units[-1]])
                yield Evidence(
                    kid, scheme, min(0.0, log10_tail(z) + math.log10(2) + correction), z, start, end, count
                )

    def _cut_by(self) -> str:
        return f", {len(self._tokenizers)} tokenizers" if self._tokenizers else ""

    def heat(self, text: str, evidence: Evidence) -> list[tuple[int, int, float]]:
        """Of each unit, word or token that the evidence counted its place, [start, end), and its score: standard normal."""
        prf = self._keys[evidence.kid]
        if evidence.scheme == SUBSTITUTION:
            places = self._places(text[:MAX_PLACES])
            found = [(place.start, place.end, 2.0 * count_fits(prf, [place]) - 1) for place in places]
        elif (cut := self._cut(evidence.scheme)) is not None:
            tokenizer, draw = cut
            row = read_row(tokenizer, text, list(self._own(text)))
            found = token_heat(self._engine_keys[evidence.kid], row, draw, evidence.payload)
        else:
            units, grams = self._read(text)
            payload = evidence.payload
            scores = prf.scores(grams.blocks)
            if payload is not None:
                scores = payload_scores(prf, grams.blocks, payload)
            starts, ends = units.starts[grams.units].tolist(), units.ends[grams.units].tolist()
            found = list(zip(starts, ends, scores.tolist(), strict=True))
        inside = [one for one in found if evidence.start <= one[0] and one[1] <= evidence.end]
        return [(start, end, round(score, 2)) for start, end, score in inside[:MAX_HEAT]]

    def _cut(self, scheme: str) -> tuple[Tokenizer, Draw] | None:
        """The tokenizer and the way to draw that a test of tokens was about; None for one of words."""
        for tokenizer in self._tokenizers:
            for draw in DRAWS:
                if scheme.startswith(token_scheme(draw.name, tokenizer)):
                    return tokenizer, draw
        return None

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
    spread = _spread(units)
    sums = np.concatenate(([0.0], np.cumsum(scores, dtype=np.float64)))

    def evidence(z: float, tried: int, first: int, last: int) -> Evidence:
        p = min(0.0, log10_tail(z / spread) + math.log10(tried) + correction)
        start, end = int(units.starts[grams.units[first] - 1]), int(units.ends[grams.units[last - 1]])
        return Evidence(kid, "choice of words", p, z, start, end, last - first)

    whole = evidence(float(sums[-1]) / math.sqrt(size), 1, 0, size)
    top, first, width = best_window(sums)
    if not width:
        return whole
    best = evidence(top, window_count(size), first, first + width)
    return best if best.log10_p < whole.log10_p else whole


def _spread(units: Units) -> float:
    """The deviation of z over human texts of this kind under one key."""
    return HAN_SPREAD if float(np.mean(units.ends - units.starts == 1)) > 0.5 else 1.0


def _by_payload(
    kid: int, prf: Prf, units: Units, grams: Grams, answers: Answers, correction: float
) -> list[Evidence]:
    """The fourth test: pilots, and where they show a mark, the message that the rest spells."""
    scores = pilot_scores(prf, grams.blocks)
    if len(scores) < FEWEST:
        return []
    pilots, spread = float(scores.sum(dtype=np.float64)), _spread(units)
    if log10_tail(pilots / spread / math.sqrt(len(scores))) > PILOT:
        return []
    sums = symbol_sums(prf, grams.blocks[:MAX_MESSAGE], spread)
    said = read_said(pilots, len(scores), sums, answers, correction)
    z = said.total / spread / math.sqrt(said.count)
    start, end = int(units.starts[grams.units[0] - 1]), int(units.ends[grams.units[-1]])
    scheme = "choice of words" + said.how
    return [Evidence(kid, scheme, said.log10_p, z, start, end, len(grams), said.payload)]


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
    return Evidence(kid, SUBSTITUTION, p, z, start, end, count)
