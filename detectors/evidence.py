"""What one test of one key says, and where its windows stand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labelers.watermarks.payload import Payload

__all__ = ["FEWEST", "MARKED", "WEAK", "WINDOWS", "Evidence", "best_window", "window_count"]

MARKED, WEAK = -6.0, -3.0  # log10 p, after all corrections

WINDOWS = (50, 100, 200, 400, 800)  # grams, or tokens
FEWEST = 16  # a sum of fewer is not worth a test


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


def best_window(sums: npt.NDArray[np.float64], spread: float = 1.0) -> tuple[float, int, int]:
    """The window that stands out most: its z, where it begins, its width; width 0 where the text has none.

    `sums` (n + 1,): running sums of `n` scores of mean 0 and standard deviation `spread`.
    """
    size = len(sums) - 1
    best = (-math.inf, 0, 0)
    for width in WINDOWS:
        if width >= size:
            break
        starts = _starts(size, width)
        inside = (sums[starts + width] - sums[starts]) / (spread * math.sqrt(width))
        at = int(inside.argmax())
        best = max(best, (float(inside[at]), int(starts[at]), width))
    return best


def window_count(size: int) -> int:
    """How many windows a text of that many scores has."""
    return sum(len(_starts(size, width)) for width in WINDOWS if width < size)


def _starts(size: int, width: int) -> npt.NDArray[np.int64]:
    """Windows overlap by half; the last one ends with the text."""
    starts = np.arange(0, size - width + 1, width // 2)
    return starts if starts[-1] == size - width else np.append(starts, size - width)
