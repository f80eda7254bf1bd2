"""Which grains belong together: the messages that the grains of one text restore.

Four distinct grains restore a message, and its tag tells at once whether they belonged together, so neighbours are
tried first (`_windows`), then any four that begin like a message (`_combinations`), then three grains with
the first chunk guessed (`_guesses`): it says nothing but version, key, provider and the top of the time, of which a
key holder knows all but eight bits. All of these are bounded. A message found is encoded again: every grain that
equals one of its eleven is a member, and a member whose bind fits the letters before it still stands where it was
written. Members are removed and the search goes on, for a paste may hold several answers.

What is left, a fragment, belongs to an answer only if the index of issued marks knows one (`fragments`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations, islice, product
from math import isqrt

from detectors.carrier_read import DamagedRun, Grain
from labelers.provenance import KeyRing, Provenance
from labelers.watermarks.carrier_codec import (
    NEEDED,
    START_NIBBLES,
    Binder,
    encode,
    grain_heads,
    restore,
    start_parts,
)

__all__ = ["Answer", "Fragment", "Lookup", "Search", "bound"]

# Grains as the index of issued marks knows them: (index, chunk of ten nibbles). Chunk 0 names no single
# answer: it is the same for all of one provider and key for weeks.
Fragment = Sequence[tuple[int, bytes]]
Lookup = Callable[[Fragment], Sequence[Provenance]]

_MAX_COMBINATIONS = 5_000  # that are restored, of those without a chunk 0 and of those with one
_MAX_LOOKS = 1_000  # pairs of chunks of two indices, times the starts of messages
_FEW = 20
_MAX_GUESSES = 4_096
_MOST_TRIPLES = _MAX_GUESSES // 256
_GUESSED = 8
_MAX_LOOKED_UP = 64  # grains of one text
_ZEROS = bytes(10)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer found: its grains (`members`), of which `bound` still stand where they were written."""

    provenance: Provenance
    members: list[Grain]
    bound: list[Grain]

    def tests(self) -> tuple[int, int]:
        """How many grains were tested for their place, and how many passed, each case once.

        Copies of a grain after the same words pass or fail together, so they count as one. Grains that an excerpt begins
        with, without the words before them, count if one of them passes: then it is where the answer begins.
        """
        begins = any(grain.cut for grain in self.bound)
        members = [grain for grain in self.members if begins or not grain.cut]
        tried = {(grain.index, grain.letters, grain.bind) for grain in members}
        passed = {(grain.index, grain.letters) for grain in self.bound}
        return len(tried), len(passed)

    def weight(self) -> tuple[int, int]:
        """How many grains stand in place, and how many there are."""
        return len(self.bound), len(self.members)

    def is_like(self, other: Answer) -> bool:
        """Whether it is another answer that the same grains speak for as much."""
        numbers = self.provenance.content_number, other.provenance.content_number
        return numbers[0] != numbers[1] and self.weight() == other.weight() and self.members == other.members


def bound(provenance: Provenance, key: bytes, grains: Sequence[Grain]) -> list[Grain]:
    """The grains whose bind fits the letters before them."""
    binder = Binder(key, provenance.content_number)
    return [grain for grain in grains if binder.byte(grain.letters, grain.index) == grain.bind]


class Search:
    """`grains`: those that no answer has claimed yet; `damaged` ones vouch for an answer once it is known."""

    def __init__(self, keys: KeyRing, grains: list[Grain], damaged: list[DamagedRun]) -> None:
        self._keys = keys
        self._starts = keys.starts()
        self._all = grains
        self._damaged = damaged
        self._explained: set[int] = set()
        self._named: set[int] = set()  # content numbers of the answers that were found
        self.grains = grains

    def answers(self) -> Iterator[Answer]:
        """Every answer whose message is restored."""
        yield from self._claim(self._windows())
        yield from self._claim(self._combinations())
        yield from self._claim(self._guesses())

    def unexplained(self) -> list[Grain]:
        return [grain for grain in self.grains if grain.start not in self._explained]

    def _claim(self, messages: Iterator[bytes]) -> Iterator[Answer]:
        for message in messages:
            opened = self._keys.open(message)
            if opened is None or opened[0].content_number in self._named:
                continue
            answer = self._answer(*opened, message, self._all)
            self._take(answer)
            yield answer

    def _answer(self, provenance: Provenance, key: bytes, message: bytes, grains: list[Grain]) -> Answer:
        """Those of the grains, whole and damaged, that this message has."""
        chunks = encode(message)
        members = [grain for grain in grains if chunks[grain.index] == grain.chunk]
        if self._damaged:
            heads = grain_heads(message)
            members += chain.from_iterable(run.members(heads, chunks) for run in self._damaged)
            members.sort(key=lambda grain: grain.start)
        return Answer(provenance, members, bound(provenance, key, members))

    def _take(self, answer: Answer) -> None:
        # Chunk 0 is the same in all that one provider puts out within weeks: if it is not bound to
        # this answer, it may still be part of the next.
        taken = {grain.start for grain in answer.members if grain.index}
        taken |= {grain.start for grain in answer.bound}
        self._explained.update(grain.start for grain in answer.members)
        self._named.add(answer.provenance.content_number)
        self.grains = [grain for grain in self.grains if grain.start not in taken]

    def fragments(self, lookup: Lookup) -> Iterator[Answer]:
        """The answers that the index of issued marks knows by what is left, those with most grains in place first.

        Where two have the same grains and no bind tells them apart, neither is given. OSError: it cannot be read.
        """
        if self._named and not self.unexplained():
            return
        found = [
            self._answer(one, self._keys.key(one.key_id), self._keys.signed(one), self.grains)
            for one in lookup(self._pairs()[:_MAX_LOOKED_UP])
            if one.content_number not in self._named and self._keys.vouches_for(one)
        ]
        # Of epochs that fit alike the newest is the likeliest.
        found.sort(key=lambda one: (*one.weight(), one.provenance.key_id), reverse=True)
        taken: set[int] = set()
        for answer in found:
            own = {grain.start for grain in answer.members if grain.index}
            twins = [one for one in found if one.is_like(answer)]
            if own and not own & taken and not twins:
                self._take(answer)
                yield answer
            taken |= own

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

    def _pairs(self) -> list[tuple[int, bytes]]:
        """Index and chunk of what is left, each once, damaged runs last."""
        pairs = [(grain.index, grain.chunk) for grain in self.grains]
        pairs += chain.from_iterable(run.pairs() for run in self._damaged)
        return list(dict.fromkeys(pairs))

    def _combinations(self) -> Iterator[bytes]:
        """Four distinct ones of what is left: those that begin like a message, then those with a chunk 0 that does, of
        which nothing more can be told in advance.
        """
        candidates: dict[int, list[bytes]] = {}
        most = max(NEEDED, isqrt(_MAX_LOOKS // max(1, len(self._starts))))
        for index, chunk in self._pairs():
            some = candidates.setdefault(index, [])
            if len(some) < most and (index or chunk[:START_NIBBLES] in self._starts):
                some.append(chunk)
        firsts = candidates.pop(0, [])
        others = sorted(candidates)
        beginning = (
            dict(zip(indices, four, strict=True))
            for indices in combinations(others, NEEDED)
            for four in _beginning({index: candidates[index] for index in indices}, self._starts)
        )
        headed = (
            {0: first, **dict(zip(indices, three, strict=True))}
            for indices in combinations(others, NEEDED - 1)
            for three in product(*(candidates[index] for index in indices))
            for first in firsts
        )
        for chunks in chain(islice(beginning, _MAX_COMBINATIONS), islice(headed, _MAX_COMBINATIONS)):
            yield restore(chunks)

    def _guesses(self) -> Iterator[bytes]:
        """Three grains, neighbours first, and a guess at chunk 0. The tag keeps a wrong guess out."""
        pairs = [pair for pair in islice(self._pairs(), _FEW) if pair[0]]
        if len(pairs) > _GUESSED and not self._damaged:
            return  # whole grains in such numbers would have given a message
        near = [tuple(pairs[at : at + NEEDED - 1]) for at in range(len(pairs) - NEEDED + 2)]
        others = combinations(pairs, NEEDED - 1) if self._damaged else ()
        # Each takes 256 guesses, so no more than these are ever come to.
        distinct = dict.fromkeys(chain(near, islice(others, 8 * _MOST_TRIPLES)))
        threes = (chunks for three in distinct if len(chunks := dict(three)) == NEEDED - 1)
        triples = list(islice(threes, _MOST_TRIPLES))
        tried = 0
        for start in self._keys.headers():
            first = bytes(nibble for byte in (*start, 0) for nibble in (byte >> 4, byte & 15))
            for chunks in triples:
                # The code is linear: what the unknown byte adds is the same for all chunks of these indices.
                plain = int.from_bytes(restore(chunks | {0: first}), "big")
                for change in _changes(tuple(chunks)):
                    tried += 1
                    if tried > _MAX_GUESSES:
                        return
                    yield (plain ^ change).to_bytes(20, "big")


def _beginning(chunks: Mapping[int, Sequence[bytes]], starts: Iterable[bytes]) -> Iterator[tuple[bytes, ...]]:
    """The fours, one chunk of each index, that restore one of the starts.

    What two of them give to the start has to be what the other two lack, so the pairs meet in a table: of m chunks an
    index m^2 are looked at, not m^4.
    """
    one, two, three, four = (
        [*zip(part, some, strict=True)]
        for part, some in zip(start_parts(chunks), chunks.values(), strict=True)
    )
    given: dict[int, list[tuple[bytes, bytes]]] = {}
    for a, first in one:
        for b, second in two:
            given.setdefault(a ^ b, []).append((first, second))
    wanted = [int.from_bytes(start, "big") for start in starts]
    for c, third in three:
        for d, fourth in four:
            for start in wanted:
                for pair in given.get(c ^ d ^ start, ()):
                    yield (*pair, third, fourth)


@lru_cache(maxsize=256)
def _changes(indices: tuple[int, ...]) -> tuple[int, ...]:
    """What each top byte of the time (50 days a step) changes in a message restored from these and chunk 0."""
    others = dict.fromkeys(indices, _ZEROS)
    return tuple(
        int.from_bytes(restore(others | {0: _ZEROS[2:] + bytes((top >> 4, top & 15))}), "big")
        for top in range(256)
    )
