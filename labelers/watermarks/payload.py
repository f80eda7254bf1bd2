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
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from labelers.watermarks.units import Hashes, Prf, Scores, log10_tail, quantiles

__all__ = ["SYMBOLS", "VALUES", "Payload", "Reading", "payload_scores", "pilot_scores", "read_payload"]

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

    @property
    def symbols(self) -> tuple[int, int]:
        whole = self.producer << 24 | self.number
        return whole >> 16, whole & 0xFFFF


@dataclass(frozen=True, slots=True)
class Reading:
    """The likeliest payload, and for each symbol log10 p that chance reads one so clearly, all values tried.

    `total`: the sum of the scores of both under it, of `count` grams; `log10_tried`: among how many messages.
    """

    payload: Payload
    log10_p: tuple[float, float]
    total: float
    count: int
    log10_tried: float


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


def read_payload(prf: Prf, blocks: Hashes, producers: Collection[int] = ()) -> Reading:
    """Reads the message of a text whose pilots have shown that it is marked.

    `producers`: the 8 bits of those that may have written it under this key. Their values are tried apart from all the others:
    so few need less of a text to tell one from the rest. Both tries are paid for.
    """
    random = prf.bits(blocks)
    parts = _parts(random)
    found = []
    for symbol in range(SYMBOLS):
        own = random[parts == symbol]
        sums = np.concatenate(
            [_sums(prf, own, first) for first in range(0, VALUES // _LANES, _AT_ONCE)]
            if len(own)
            else [np.zeros(VALUES)]
        )
        tries = [np.arange(VALUES)]
        if symbol == 0 and producers:
            tries.append(
                np.concatenate([np.arange(code << 8, (code + 1) << 8) for code in sorted(producers)])
            )
        tried = [math.log10(len(some) * len(tries)) for some in tries]
        found.append(min(map(partial(_best, sums, len(own)), tries, tried), key=lambda one: one.log10_p))
    first, second = found
    whole = first.value << 16 | second.value
    return Reading(
        Payload(whole >> 24, whole & 0xFFFFFF),
        (first.log10_p, second.log10_p),
        first.total + second.total,
        int((parts >= 0).sum()),
        first.log10_tried + second.log10_tried,
    )


class _Symbol(NamedTuple):
    value: int
    log10_p: float
    total: float
    log10_tried: float


def _best(sums: Any, count: int, some: Any, log10_tried: float) -> _Symbol:
    """Which of some values fits best."""
    best = int(some[sums[some].argmax()])
    total = float(sums[best])
    return _Symbol(
        best, min(0.0, log10_tail(total / math.sqrt(max(1, count))) + log10_tried), total, log10_tried
    )


def _sums(prf: Prf, random: Hashes, first: int) -> Any:
    """The sums of scores for the values of `_AT_ONCE` blocks."""
    mixed = np.repeat(random[None, :, :], _AT_ONCE, axis=0)
    mixed[:, :, 0] ^= np.arange(first + 1, first + 1 + _AT_ONCE, dtype=np.uint64)[:, None]
    lanes = prf.bits(mixed.reshape(-1, 2)).view(np.uint16).reshape(_AT_ONCE, len(random), _LANES)
    return quantiles()[lanes].sum(axis=1, dtype=np.float64).reshape(-1)
