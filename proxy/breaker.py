"""A breaker before somebody who may fail: after several failures in a row nobody asks for some seconds.

Then one question is let through. Its answer closes the breaker, its failure opens it again.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["SPARED", "Breaker"]

SPARED = "not asked: "  # how a record begins to say that somebody was not asked


class Breaker:
    """`now`: seconds that never go back. It opens after `failures` in a row, for `seconds`; never with 0 failures."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failed = 0
        self._since = 0.0
        self._trying = False

    def lets(self, failures: int, seconds: float) -> bool:
        """Whether somebody may ask now; who may must say `answered`, `failed` or `left`."""
        if not failures or self._failed < failures:
            return True
        if self._trying or self._now() < self._since + seconds:
            return False
        self._trying = True
        return True

    @property
    def failed_in_a_row(self) -> int:
        return self._failed

    def answered(self) -> None:
        self._failed, self._trying = 0, False

    def failed(self) -> None:
        self._failed, self._since, self._trying = self._failed + 1, self._now(), False

    def left(self) -> None:
        """Who asked did not wait for the answer."""
        self._trying = False
