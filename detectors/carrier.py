"""Reads the invisible carrier watermark: was this text put out by a service whose keys we hold?

The tag of a message says who wrote the mark, the binds say whether it is still on its text (`carrier_search` finds
both). Moving a mark onto another text leaves each bind a chance of 1/256; a verdict needs so many of them that chance
stays below one in a million.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from detectors.carrier_read import Grain, label_pattern, read
from detectors.carrier_search import Answer, Lookup, Search
from detectors.detection import Detection, Outcome
from labelers.provenance import KeyRing, Provenance
from labelers.watermarks.carrier_codec import BIND_LETTERS, LETTERS_WINDOW, NEEDED, has_grains

__all__ = ["CarrierDetector", "binds_needed", "chance"]

TECHNIQUE = "zero-width carrier (ZWM1)"
_SPAN_GAP = 160  # bound grains no further apart vouch for what is between them
_LETTERS_SPAN = 12
# Of the grains that the index names, two must stand in place; of more than four that were tried, three, and so on.
_FRAGMENT_CHANCE = 1e-4


def chance(members: int, binds: int) -> float:
    """P(at least `binds` of `members` binds fit by chance): the upper tail of Binomial(members, 1/256)."""
    start = max(binds, members // 256)  # the largest term: summing from it outwards, none underflows

    def term(k: int) -> float:
        ways = math.lgamma(members + 1) - math.lgamma(k + 1) - math.lgamma(members - k + 1)
        return math.exp(ways - k * math.log(256) + (members - k) * math.log1p(-1 / 256))

    total = 0.0
    for ks in (range(start, members + 1), range(start - 1, binds - 1, -1)):
        for k in ks:
            share = term(k)
            total += share
            if share < total * 1e-15:
                break
    return min(1.0, total)


@lru_cache(maxsize=1024)
def binds_needed(members: int) -> int:
    """The fewest fitting binds that are no accident at one in a million."""
    return next(binds for binds in range(members // 256, members + 2) if chance(members, binds) < 1e-6)


class CarrierDetector:
    """Reads carriers with the keys of `keys`.

    `labels`: our own explicit label strings, present and former; at the edge of a line they are no part
    of the marked text. `lookup`: the index of issued marks, which knows an answer by one of its grains;
    without it fewer than four grains name nobody.
    """

    name = "carrier"

    def __init__(self, keys: KeyRing, labels: Sequence[str] = (), lookup: Lookup | None = None) -> None:
        self._keys = keys
        self._label = label_pattern(labels)
        self._lookup = lookup

    def detect(self, text: str) -> Detection:
        """The strongest finding: genuine, else moved, else a fragment or an invalid mark, else absent."""
        rank = (Outcome.PRESENT, Outcome.TAMPERED, Outcome.INCONCLUSIVE)
        found = self.detect_all(text)
        if not found:
            return Detection(self.name, Outcome.ABSENT, TECHNIQUE, num_units_scored=0)
        return min(found, key=lambda one: rank.index(one.outcome))

    def detect_all(self, text: str) -> list[Detection]:
        """One finding an answer, in the order of the text, then what is left of others."""
        if not has_grains(text):
            return []
        search = Search(self._keys, *read(text, self._label))
        found = [self._judge(answer) for answer in search.answers()]
        found.sort(key=lambda one: one.spans)
        unknown = "Fragment of a mark: {count} of the {needed} grains that name its origin."
        if self._lookup:
            try:
                found += [self._known(answer) for answer in search.fragments(self._lookup)]
            except OSError:
                # What the other grains say stands all the same.
                unknown += " The index of issued marks cannot be read now."
        if rest := search.unexplained():
            found.append(self._leftover(rest, unknown))
        return found

    def vouched(self, text: str) -> list[tuple[Detection, tuple[tuple[int, int], ...]]]:
        """The genuine findings, each with the words that its grains are tied to: the last letters before each grain
        that still stands where it was written. What lies between them, nobody vouches for.
        """
        if not has_grains(text):
            return []
        search = Search(self._keys, *read(text, self._label))
        found = [(self._judge(answer), _tied(text, answer.bound)) for answer in search.answers()]
        return [one for one in found if one[0].outcome is Outcome.PRESENT]

    def _judge(self, answer: Answer) -> Detection:
        count, in_place = len(answer.members), len(answer.bound)
        tried, passed = answer.tests()
        if passed >= binds_needed(tried):
            outcome, spans = Outcome.PRESENT, _stretches(answer.bound)
            detail = "The marked text was output by this service."
        else:
            outcome, spans = Outcome.TAMPERED, _stretches(answer.members)
            detail = "A genuine mark on a text that it was not made for, or that was heavily edited."
        return self._detection(
            outcome,
            spans,
            count,
            f"{detail} {in_place} of {count} grains stand where they were written.",
            answer.provenance,
            chance(tried, passed),
        )

    def _known(self, answer: Answer) -> Detection:
        """What the index of issued marks says of a fragment: two grains in place decide, one is a hint."""
        p_value = chance(*answer.tests())
        certain = len({grain.index for grain in answer.bound}) >= 2 and p_value < _FRAGMENT_CHANCE
        count, in_place = len(answer.members), len(answer.bound)
        return self._detection(
            Outcome.PRESENT if certain else Outcome.INCONCLUSIVE,
            _stretches(answer.bound or answer.members),
            count,
            f"Fragment, known to the index of issued marks; {in_place} of {count} grains in place.",
            answer.provenance,
            p_value,
        )

    def _leftover(self, grains: list[Grain], unknown: str) -> Detection:
        distinct = {(grain.index, grain.chunk) for grain in grains}
        if len({index for index, _ in distinct}) < NEEDED:
            detail = unknown.format(count=len(distinct), needed=NEEDED)
        else:
            detail = "Invalid: no known key signed these grains, or they are damaged."
        return self._detection(Outcome.INCONCLUSIVE, _stretches(grains), len(grains), detail)

    def _detection(
        self,
        outcome: Outcome,
        spans: tuple[tuple[int, int], ...],
        grains: int,
        detail: str,
        provenance: Provenance | None = None,
        p_value: float | None = None,
    ) -> Detection:
        origin = _origin(provenance) if provenance else None
        return Detection(self.name, outcome, TECHNIQUE, spans, origin, None, p_value, grains, detail)


def _stretches(grains: list[Grain]) -> tuple[tuple[int, int], ...]:
    """What the grains vouch for: the letters before each, and what is between neighbours."""
    spans: list[tuple[int, int]] = []
    for grain in grains:
        start, end = max(0, grain.start - _LETTERS_SPAN), grain.end
        if spans and start - spans[-1][1] <= _SPAN_GAP:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return tuple(spans)


def _tied(text: str, grains: list[Grain]) -> tuple[tuple[int, int], ...]:
    """Where the letters stand that the binds of these grains were made of."""
    spans: list[tuple[int, int]] = []
    for grain in grains:
        start, letters = grain.start, 0
        least = max(grain.start - LETTERS_WINDOW, spans[-1][1] if spans else 0)
        while start > least and letters < BIND_LETTERS:
            start -= 1
            letters += sum(map(str.isalnum, unicodedata.normalize("NFKC", text[start])))
        spans.append((start, grain.start))
    return tuple(spans)


def _origin(provenance: Provenance) -> dict[str, str]:
    created = datetime.fromtimestamp(provenance.created_ms / 1000, UTC)
    return {
        "producer": provenance.producer,
        "content_id": provenance.content_id,
        "created": created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "key_epoch": str(provenance.key_id),
    }
