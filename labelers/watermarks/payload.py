"""Who and which answer, inside a statistical mark: 32 bits that the choice of words spells.

A mark alone says "ours". With a payload each gram, by two bits of its own randomness, plays one of three parts:
a quarter are *pilots*, scored as ever and so found without knowing the message; the others belong to one of two
16-bit symbols, and are scored by a randomness that the symbol's value is mixed into. The reader tries all 65,536
values of each symbol and takes the one under which its grams score highest: no order, no synchronisation, any
part of the text will do.

The message: 8 bits of the producer's code, then the last 24 bits of the content number (the last six digits of
the content id), by which the records know an answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from labelers.provenance import KeyRing, Provenance
from labelers.watermarks.units import Hashes, Prf, Scores, log10_tail, quantiles

__all__ = [
    "SYMBOLS",
    "VALUES",
    "Payload",
    "Reading",
    "Sums",
    "payload_of",
    "payload_scores",
    "pilot_scores",
    "read_issued",
    "read_message",
    "symbol_sums",
]

SYMBOLS, VALUES = 2, 1 << 16
_LANES = 8  # values that one block of randomness serves, 16 bits each
_AT_ONCE = 512  # blocks of values tried at a time, so that memory stays small


@dataclass(frozen=True, slots=True)
class Payload:
    """`producer`: 8 bits; `number`: 24 bits. ValueError: more."""

    producer: int
    number: int

    def __post_init__(self) -> None:
        if not 0 <= self.producer < 1 << 8 or not 0 <= self.number < 1 << 24:
            raise ValueError("a payload has 8 bits of producer and 24 of number")

    @classmethod
    def of(cls, whole: int) -> Payload:
        """Of 32 bits."""
        return cls(whole >> 24, whole & 0xFFFFFF)

    @property
    def whole(self) -> int:
        return self.producer << 24 | self.number

    @property
    def symbols(self) -> tuple[int, int]:
        return self.whole >> 16, self.whole & 0xFFFF


def payload_of(keys: KeyRing, provenance: Provenance) -> Payload:
    """What a mark says of its text: whose it is and which."""
    return Payload(keys.code(provenance.producer) & 0xFF, provenance.content_number & 0xFFFFFF)


class Sums(NamedTuple):
    """What a text says for every message: of each symbol the sum of its scores under every value (65,536,), and how many
    scores it has. `tail`: log10 p of such a sum of so many scores.
    """

    by_value: tuple[Any, Any]
    counts: tuple[int, int]
    tail: Callable[[float, int], float]


@dataclass(frozen=True, slots=True)
class Reading:
    """The likeliest payload, and log10 p that chance reads it so clearly, part by part, all values tried.

    `total`: the sum of the scores of both symbols under it, of `count` scores; `log10_tried`: among how many messages.
    `beside`: log10 p that a message which differs in one symbol alone is read so clearly in a text that says something else.
    """

    payload: Payload
    log10_p: tuple[float, ...]
    total: float
    count: int
    log10_tried: float
    beside: float = -math.inf


def _parts(random: Hashes) -> Any:
    """The part of each gram: -1 pilot, 0 or 1 a symbol."""
    low = random[:, 1] & np.uint64(7)
    return np.where(low & np.uint64(3) == 0, -1, (low >> np.uint64(2)).astype(np.int64))


def pilot_scores(prf: Prf, blocks: Hashes) -> Scores:
    """The scores of the pilots among the grams."""
    random = prf.bits(blocks)
    pilots: Scores = quantiles()[random[_parts(random) < 0, 0].astype(np.uint16)]
    return pilots


def payload_scores(prf: Prf, blocks: Hashes, payload: Payload) -> Scores:
    """The score of each gram under a message, in order."""
    random = prf.bits(blocks)
    scores = quantiles()[random[:, 0].astype(np.uint16)]
    parts = _parts(random)
    for symbol, value in enumerate(payload.symbols):
        own = parts == symbol
        scores[own] = quantiles()[_lanes(prf, random[own], value // _LANES)[:, value % _LANES]]
    return scores


def _lanes(prf: Prf, random: Hashes, block: int) -> Any:
    """Sixteen random bits of each gram for each of the `_LANES` values of a block (n, 8)."""
    mixed = random.copy()
    mixed[:, 0] ^= np.uint64(block + 1)
    return prf.bits(mixed).view(np.uint16).reshape(-1, _LANES)


def symbol_sums(prf: Prf, blocks: Hashes, spread: float = 1.0) -> Sums:
    """Of the grams of a text whose pilots have shown that it is marked. `spread`: the deviation of a text's z."""
    random = prf.bits(blocks)
    parts = _parts(random)
    symbols = [random[parts == symbol] for symbol in range(SYMBOLS)]
    first, second = (
        np.concatenate([_sums(prf, own, at) for at in range(0, VALUES // _LANES, _AT_ONCE)])
        if len(own)
        else np.zeros(VALUES)
        for own in symbols
    )
    return Sums((first, second), (len(symbols[0]), len(symbols[1])), partial(_normal_tail, spread))


def _normal_tail(spread: float, total: float, count: int) -> float:
    return log10_tail(total / spread / math.sqrt(max(1, count)))


def read_message(sums: Sums, producers: Collection[int] = ()) -> Reading:
    """Each symbol by itself, among all its values.

    `producers`: the 8 bits of those that may have written it under this key. Their values are tried apart from all the others:
    so few need less of a text to tell one from the rest. Both tries are paid for.
    """
    found = []
    for symbol in range(SYMBOLS):
        tries = [np.arange(VALUES)]
        if symbol == 0 and producers:
            tries.append(
                np.concatenate([np.arange(code << 8, (code + 1) << 8) for code in sorted(producers)])
            )
        tried = [math.log10(len(some) * len(tries)) for some in tries]
        found.append(min(map(partial(_best, sums, symbol), tries, tried), key=lambda one: one.log10_p))
    first, second = found
    return Reading(
        Payload.of(first.value << 16 | second.value),
        (first.log10_p, second.log10_p),
        first.total + second.total,
        sum(sums.counts),
        first.log10_tried + second.log10_tried,
    )


def read_issued(sums: Sums, producers: Collection[int], numbers: Sequence[int]) -> Reading | None:
    """Both symbols together, among the messages that were issued: the last 24 bits of content `numbers`. None: there are none.

    So few are told apart by far less of a text than all 2^32. Texts of the same key that say something else may share a
    symbol with one of them, so each symbol has to speak for itself too (`beside`).
    """
    known = np.unique(np.array(numbers, np.uint64) & np.uint64(0xFFFFFF)).astype(np.int64)
    messages = (np.array(sorted(producers), np.int64)[:, None] << 24 | known).ravel()
    if not len(messages):
        return None
    firsts, seconds = messages >> 16, messages & 0xFFFF
    totals = sums.by_value[0][firsts] + sums.by_value[1][seconds]
    best = int(totals.argmax())
    count, log10_tried = sum(sums.counts), math.log10(len(messages))
    beside = (
        sums.tail(float(values[own[best]]), count_of) + math.log10(int((other == other[best]).sum()))
        for values, count_of, own, other in zip(
            sums.by_value, sums.counts, (firsts, seconds), (seconds, firsts), strict=True
        )
    )
    return Reading(
        Payload.of(int(messages[best])),
        (min(0.0, sums.tail(float(totals[best]), count) + log10_tried),),
        float(totals[best]),
        count,
        log10_tried,
        max(beside),
    )


class _Symbol(NamedTuple):
    value: int
    log10_p: float
    total: float
    log10_tried: float


def _best(sums: Sums, symbol: int, some: Any, log10_tried: float) -> _Symbol:
    """Which of some values of a symbol fits best."""
    values = sums.by_value[symbol]
    best = int(some[values[some].argmax()])
    total = float(values[best])
    log10_p = sums.tail(total, sums.counts[symbol]) + log10_tried
    return _Symbol(best, min(0.0, log10_p), total, log10_tried)


def _sums(prf: Prf, random: Hashes, first: int) -> Any:
    """The sums of scores for the values of `_AT_ONCE` blocks."""
    mixed = np.repeat(random[None, :, :], _AT_ONCE, axis=0)
    mixed[:, :, 0] ^= np.arange(first + 1, first + 1 + _AT_ONCE, dtype=np.uint64)[:, None]
    lanes = prf.bits(mixed.reshape(-1, 2)).view(np.uint16).reshape(_AT_ONCE, len(random), _LANES)
    return quantiles()[lanes].sum(axis=1, dtype=np.float64).reshape(-1)
