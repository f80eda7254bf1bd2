"""Long counts, cut into slices: what was counted is kept in a file, and the next run goes on from there."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

__all__ = ["OutOfTimeError", "Slices", "interval"]

_SAVE_SECONDS = 5.0


class OutOfTimeError(Exception):
    """The slice is over; what was counted is kept."""


class Slices:
    """`path`: where the counts are kept; None: nowhere. `seconds`: how long this slice may take, by the clock."""

    def __init__(self, path: Path | None = None, seconds: float = math.inf) -> None:
        self._path = path
        self._until = time.monotonic() + seconds
        self._kept: dict[str, dict[str, int]] = {}
        if path is not None and path.exists():
            self._kept = json.loads(path.read_text())

    def count(self, name: str, total: int, outcomes: Callable[[int], Iterable[str]]) -> Counter[str]:
        """How often each outcome came up in the cases 0 .. total-1, which may depend on nothing but their number.

        Raises OutOfTimeError when the slice is over before the last case.
        """
        counts = Counter(self._kept.get(name, {}))
        saved = time.monotonic()
        for number in range(counts["cases"], total):
            counts.update(outcomes(number))
            counts["cases"] += 1
            now = time.monotonic()
            if now > self._until or now - saved > _SAVE_SECONDS:
                saved = now
                self._keep(name, counts)
                if now > self._until:
                    raise OutOfTimeError(f"{name}: {counts['cases']:,} of {total:,}; run again to go on")
        self._keep(name, counts)
        return counts

    def _keep(self, name: str, counts: Counter[str]) -> None:
        self._kept[name] = dict(counts)
        if self._path is not None:
            aside = self._path.with_suffix(".new")
            aside.write_text(json.dumps(self._kept, ensure_ascii=False, indent=1))
            aside.replace(self._path)


def interval(good: int, of: int) -> str:
    """A share in percent with its 95 % interval (Wilson 1927)."""
    share, z2 = good / of, 1.96**2
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = 1.96 * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    return f"{100 * share:.1f} ({100 * max(0.0, middle - half):.1f}–{100 * min(1.0, middle + half):.1f})"
