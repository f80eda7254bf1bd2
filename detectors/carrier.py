"""Reads the invisible carrier watermark: was this text put out by a service whose keys we hold?

Strategy. Runs of whole grains are cut out of the text; what is left, without our own explicit labels, is
the text that the writer saw. Four distinct grains restore a message, and its tag tells at once whether
they belonged together, so neighbours are tried first (`windows`), then other combinations of grains
that stand close to each other, a bounded number of them. A message found is encoded again: every grain that equals
one of its eleven is a member, and a member whose bind fits the letters before it still stands where it
was written. Members are removed and the search goes on, for a paste may hold several answers.

The tag says who wrote the mark, the binds say whether it is still on its text. Moving a mark onto
another text leaves each bind a chance of 1/256; a verdict needs so many that chance stays below 1e-6.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import combinations, islice

from detectors.detection import Detection, Outcome
from labelers.provenance import KeyRing, Provenance
from labelers.watermarks.carrier_codec import (
    CHUNKS,
    GRAIN_CHARS,
    GRAIN_RUN,
    LETTERS_WINDOW,
    NEEDED,
    Binder,
    bind_letters,
    chunk_of,
    encode,
    has_grains,
    restore,
    split_run,
)

__all__ = ["CarrierDetector", "Fragment", "Lookup", "binds_needed", "chance"]

TECHNIQUE = "zero-width carrier (ZWM1)"
_MAX_COMBINATIONS = 5_000
_NEIGHBOURS = 9  # a combination takes its other grains from so many before
_FEW = 20  # of so few grains all combinations are tried
_BINDLESS = (GRAIN_CHARS - 2, GRAIN_CHARS - 1)
_INDICES = frozenset(chr(0xFE03 + index) for index in range(CHUNKS))
_MAX_GUESSES = 20_000
_SPAN_GAP = 160  # bound grains no further apart vouch for what is between them
_LETTERS_SPAN = 12

# Grains as the index of issued marks knows them: (index, chunk of ten nibbles). Chunk 0 names no single
# answer: it is the same for all of one provider and key for weeks.
Fragment = Sequence[tuple[int, bytes]]
Lookup = Callable[[Fragment], Provenance | None]


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


@dataclass(frozen=True, slots=True)
class _Grain:
    start: int  # in the text as given
    index: int
    chunk: bytes
    bind: int
    before: str  # what the writer saw before it

    @property
    def letters(self) -> bytes:
        return bind_letters(self.before)


_Answer = tuple[Provenance, list[_Grain], list[_Grain]]


class CarrierDetector:
    """Reads carriers with the keys of `keys`.

    `labels`: our own explicit label strings, present and former; at the edge of a line they are no part
    of the marked text. `lookup`: the index of issued marks, which knows an answer by one of its grains;
    without it fewer than four grains name nobody.
    """

    name = "carrier"

    def __init__(self, keys: KeyRing, labels: Sequence[str] = (), lookup: Lookup | None = None) -> None:
        self._keys = keys
        self._label = _label_pattern(labels)
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
        grains = self._read(text)
        found = []
        search = _Search(self._keys, grains, _damaged(text))
        for provenance, members, bound in search.answers():
            found.append(self._judge(provenance, members, bound))
        found.sort(key=lambda one: one.spans)
        if rest := search.unexplained():
            found.append(self._leftover(rest))
        return found

    def _read(self, text: str) -> list[_Grain]:
        """All grains, each with the characters that the writer saw before it."""
        runs = [(run.start(), run.end(), run[0]) for run in GRAIN_RUN.finditer(text)]
        cuts = runs
        if self._label:
            labels = [(label.start(), label.end(), "") for label in self._label.finditer(text)]
            cuts = sorted(runs + labels) if labels else runs
        grains = []
        before, done = "", 0
        for start, end, run in cuts:
            before = (before + text[done:start])[-LETTERS_WINDOW:]
            done = end
            for number, grain in enumerate(split_run(run)):
                index, chunk = chunk_of(grain)
                bind = (ord(grain[11]) & 15) << 4 | ord(grain[12]) & 15
                grains.append(_Grain(start + number * GRAIN_CHARS, index, chunk, bind, before))
        return grains

    def _judge(self, provenance: Provenance, members: list[_Grain], bound: list[_Grain]) -> Detection:
        needed = binds_needed(len(members))
        if len(bound) >= needed:
            outcome, spans = Outcome.PRESENT, _stretches(bound)
            detail = "The marked text was output by this service."
        else:
            outcome, spans = Outcome.TAMPERED, _stretches(members)
            detail = "A genuine mark on a text that it was not made for, or that was heavily edited."
        return self._detection(
            outcome,
            spans,
            len(members),
            f"{detail} {len(bound)} of {len(members)} grains stand where they were written.",
            provenance,
            chance(len(members), len(bound)),
        )

    def _leftover(self, grains: list[_Grain]) -> Detection:
        distinct = {(grain.index, grain.chunk) for grain in grains}
        if self._lookup and (known := self._known(grains, sorted(distinct))):
            return known
        if len({index for index, _ in distinct}) < NEEDED:
            detail = f"Fragment of a mark: {len(distinct)} of the {NEEDED} grains that name its origin."
        else:
            detail = "Invalid: no known key signed these grains, or they are damaged."
        return self._detection(Outcome.INCONCLUSIVE, _stretches(grains), len(grains), detail)

    def _known(self, grains: list[_Grain], distinct: Fragment) -> Detection | None:
        """What the index of issued marks says of a fragment: two bound grains decide, one is a hint."""
        assert self._lookup is not None
        provenance = self._lookup(distinct)
        if provenance is None or provenance.key_id not in self._keys.kids():
            return None
        bound = _bound(provenance, self._keys.key(provenance.key_id), grains)
        certain = len({grain.index for grain in bound}) >= 2
        return self._detection(
            Outcome.PRESENT if certain else Outcome.INCONCLUSIVE,
            _stretches(bound or grains),
            len(grains),
            f"Fragment, known to the index of issued marks; {len(bound)} of {len(grains)} grains in place.",
            provenance,
            chance(len(grains), len(bound)),
        )

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


class _Search:
    """Finds which grains belong together; `grains` are those that no answer has claimed yet."""

    def __init__(self, keys: KeyRing, grains: list[_Grain], damaged: list[str]) -> None:
        self._keys = keys
        self._all = grains
        self._damaged = damaged
        self._explained: set[int] = set()
        self.grains = grains

    def answers(self) -> Iterator[_Answer]:
        """Every answer whose message is restored: its provenance, its members, those that are bound."""
        yield from self._claim(self._windows())
        yield from self._claim(self._combinations())
        if self._damaged:
            yield from self._claim(self._guesses())

    def unexplained(self) -> list[_Grain]:
        return [grain for grain in self.grains if grain.start not in self._explained]

    def _claim(self, messages: Iterator[bytes]) -> Iterator[_Answer]:
        for message in messages:
            opened = self._keys.open(message)
            if opened is None:
                continue
            provenance, key = opened
            chunks = encode(message)
            members = [grain for grain in self._all if chunks[grain.index] == grain.chunk]
            bound = _bound(provenance, key, members)
            # Chunk 0 is the same in all that one provider puts out within weeks: if it is not bound to
            # this answer, it may still be part of the next.
            taken = {grain.start for grain in members if grain.index} | {grain.start for grain in bound}
            self._explained.update(grain.start for grain in members)
            self.grains = [grain for grain in self.grains if grain.start not in taken]
            yield provenance, members, bound

    def _windows(self) -> Iterator[bytes]:
        """Each grain with the next three of other indices."""
        grains = self.grains
        at = 0
        while at + NEEDED <= len(grains):
            if self.grains is not grains:  # some were claimed: go on with the next one left
                here = grains[at].start
                grains = self.grains
                at = next((i for i, grain in enumerate(grains) if grain.start >= here), len(grains))
                continue
            chunks: dict[int, bytes] = {}
            for grain in grains[at : at + 2 * NEEDED]:
                chunks.setdefault(grain.index, grain.chunk)
                if len(chunks) == NEEDED:
                    yield restore(chunks)
                    break
            at += 1

    def _combinations(self) -> Iterator[bytes]:
        pairs = [(grain.index, grain.chunk) for grain in self.grains]
        # A run that lost nothing but its bind still holds its chunk; which one that is only the tag says.
        pairs += [chunk_of(run) for run in self._damaged if len(run) in _BINDLESS and run[0] in _INDICES]
        distinct = list(dict.fromkeys(pairs))
        reach = _NEIGHBOURS if len(distinct) > _FEW else _FEW
        tried = 0
        for last in range(NEEDED - 1, len(distinct)):
            for others in combinations(distinct[max(0, last - reach) : last], NEEDED - 1):
                chunks = dict((*others, distinct[last]))
                if len(chunks) < NEEDED:
                    continue
                tried += 1
                if tried > _MAX_COMBINATIONS:
                    return
                yield restore(chunks)

    def _guesses(self) -> Iterator[bytes]:
        """Three grains and a guess at chunk 0, of which a key holder knows all but eight bits.

        Only for a text in which grains were visibly damaged: three whole grains of an excerpt stay a
        fragment. The tag keeps a wrong guess out.
        """
        distinct = dict.fromkeys((grain.index, grain.chunk) for grain in self.grains if grain.index)
        triples = [dict(three) for three in combinations(islice(distinct, _FEW), NEEDED - 1)]
        triples = [chunks for chunks in triples if len(chunks) == NEEDED - 1]
        tried = 0
        for start in self._keys.headers():
            # The byte that no one knows is the top of the time: 50 days a step.
            firsts = [_nibbles(start + bytes((top,))) for top in range(256)]
            for chunks in triples:
                tried += len(firsts)
                if tried > _MAX_GUESSES:
                    return
                for first in firsts:
                    yield restore(chunks | {0: first})


def _nibbles(data: bytes) -> bytes:
    return bytes(nibble for byte in data for nibble in (byte >> 4, byte & 15))


def _bound(provenance: Provenance, key: bytes, grains: list[_Grain]) -> list[_Grain]:
    """The grains whose bind fits the letters before them."""
    binder = Binder(key, provenance.content_number)
    return [grain for grain in grains if binder.byte(grain.letters, grain.index) == grain.bind]


def _stretches(grains: list[_Grain]) -> tuple[tuple[int, int], ...]:
    """What the grains vouch for: the letters before each, and what is between neighbours."""
    spans: list[tuple[int, int]] = []
    for grain in grains:
        start, end = max(0, grain.start - _LETTERS_SPAN), grain.start + GRAIN_CHARS
        if spans and start - spans[-1][1] <= _SPAN_GAP:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return tuple(spans)


_RUN = re.compile("[\ufe00-\ufe0f]{2,}")


def _damaged(text: str) -> list[str]:
    """The runs of variation selectors that are neither whole grains nor natural."""
    return [
        run[0] for run in _RUN.finditer(text) if len(run[0]) % GRAIN_CHARS or not GRAIN_RUN.fullmatch(run[0])
    ]


def _label_pattern(labels: Sequence[str]) -> re.Pattern[str] | None:
    """Our labels at the edge of a line (a paste may have joined lines on the other side)."""
    forms = {form for label in labels for form in (label, unicodedata.normalize("NFKC", label)) if form}
    if not forms:
        return None
    either = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    return re.compile(rf"(?:^|(?<=[\n\r]))[ \t]*(?:{either})|(?:{either})(?=[ \t]*(?:[\n\r]|\Z))")


def _origin(provenance: Provenance) -> dict[str, str]:
    created = datetime.fromtimestamp(provenance.created_ms / 1000, UTC)
    return {
        "producer": provenance.producer,
        "content_id": provenance.content_id,
        "created": created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "key_epoch": str(provenance.key_id),
    }
