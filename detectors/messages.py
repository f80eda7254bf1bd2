"""Reads what a mark says, be it in the choice of words or in tokens that an engine drew (`labelers.watermarks.payload`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache

from detectors.evidence import MARKED
from labelers.watermarks.payload import Payload, Reading, Sums, read_issued, read_message

__all__ = ["NOBODY", "Answers", "Said", "read_said"]

BESIDE = (
    -4.0
)  # log10 p: of marked texts that name another answer, so many are taken for one that shares a symbol with it


@dataclass(frozen=True, slots=True)
class Answers:
    """Whose answers a mark may name: the 8 bits of the producers, and which content numbers were `issued`, asked where a mark
    shows itself; empty where that is not kept.
    """

    producers: Collection[int]
    issued: Callable[[], Sequence[int]] = tuple

    def once(self) -> Answers:
        """For one text, of which several tests may ask: the numbers are fetched once at most."""
        return replace(self, issued=cache(self.issued))


NOBODY = Answers(frozenset())


@dataclass(frozen=True, slots=True)
class Said:
    """`log10_p`: that the text is marked; `payload`: what the mark says, None where that is not clear. `total`, of `count`
    scores: under the likeliest message.
    """

    log10_p: float
    payload: Payload | None
    total: float
    count: int

    @property
    def how(self) -> str:
        """What the evidence adds to the name of its scheme."""
        return " with a message" + ("" if self.payload is not None else ", id unreadable")


def read_said(pilots: float, count: int, sums: Sums, answers: Answers, correction: float) -> Said:
    """What a mark with a message says. `pilots`: the sum of `count` scores that hang on no message. `correction`: log10 of
    what else is paid for.

    Whether there is a mark: the sum of all scores under the likeliest message, paid for by all messages that it was chosen among,
    or the pilots alone. The message counts only where chance would not read one so clearly, else the mark is there and
    its id unreadable.
    """
    try:
        numbers = answers.issued()
    except OSError:  # then no answer can be told by them
        numbers = ()
    issued = read_issued(sums, answers.producers, numbers)
    readings = [read_message(sums, answers.producers), *([issued] if issued is not None else [])]
    wholes = [(sums.tail(pilots + one.total, count + one.count) + one.log10_tried, one) for one in readings]
    best, likeliest = min(wholes, key=lambda whole: whole[0])
    log10_p = min(best, sums.tail(pilots, count)) + math.log10(1 + len(readings)) + correction
    clear = (one.payload for one in readings if _is_clear(one, correction))
    return Said(min(0.0, log10_p), next(clear, None), pilots + likeliest.total, count + likeliest.count)


def _is_clear(reading: Reading, correction: float) -> bool:
    return all(one + correction < MARKED for one in reading.log10_p) and reading.beside < BESIDE
