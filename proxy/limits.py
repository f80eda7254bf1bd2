"""What one tenant may do a minute: token buckets of requests and tokens, and a count of open streams. Pure.

A bucket holds a minute's worth at most and fills evenly. A request is counted when it comes; tokens
are known only afterwards, so a request goes on while anything is left of them, and what an answer
costs beyond that is owed: the next request waits until it is paid back. Each server process counts
for itself.
"""

from __future__ import annotations

import math

from proxy.errors import ApiError

__all__ = ["Bucket", "Gate"]


class Bucket:
    """`per_minute` units, full at first; 0 never runs out. Times are seconds of a clock that never goes back."""

    def __init__(self, per_minute: int, now: float) -> None:
        self.per_minute = per_minute
        self._level = float(per_minute)
        self._since = now

    def wait(self, amount: float, now: float) -> float:
        """Seconds until `amount` is there; 0 if it is."""
        if not self.per_minute:
            return 0.0
        self._fill(now)
        return max(0.0, (amount - self._level) * 60 / self.per_minute)

    def take(self, amount: float, now: float) -> None:
        """Takes it, whether it is there or not."""
        if self.per_minute:
            self._fill(now)
            self._level -= amount

    def _fill(self, now: float) -> None:
        self._level = min(float(self.per_minute), self._level + (now - self._since) * self.per_minute / 60)
        self._since = now


class Gate:
    """The limits of one tenant; 0 means none."""

    def __init__(
        self,
        *,
        requests_per_minute: int = 0,
        concurrent_streams: int = 0,
        tokens_per_minute: int = 0,
        now: float,
    ) -> None:
        self._requests = Bucket(requests_per_minute, now)
        self._tokens = Bucket(tokens_per_minute, now)
        self._most_streams = concurrent_streams
        self._streams = 0

    @property
    def counts_tokens(self) -> bool:
        """Whether anybody needs to know what an answer cost."""
        return self._tokens.per_minute > 0

    def enter(self, now: float) -> None:
        """Counts a request. Raises ApiError (429), and then does not count it."""
        wait = self._tokens.wait(1, now)
        if wait:
            raise _exceeded("tokens", f"{self._tokens.per_minute} tokens a minute", wait)
        wait = self._requests.wait(1, now)
        if wait:
            raise _exceeded("requests", f"{self._requests.per_minute} requests a minute", wait)
        self._requests.take(1, now)

    def spend(self, tokens: int, now: float) -> None:
        """What an answer cost, prompt and all."""
        self._tokens.take(tokens, now)

    def begin_stream(self) -> None:
        """A stream opens. Raises ApiError (429); else `end_stream` must follow."""
        if self._most_streams and self._streams >= self._most_streams:
            raise _exceeded("requests", f"{self._most_streams} concurrent stream(s)", 1.0)
        self._streams += 1

    def end_stream(self) -> None:
        self._streams -= 1


def _exceeded(kind: str, limit: str, wait: float) -> ApiError:
    seconds = math.ceil(wait)
    return ApiError(
        429,
        f"this key has reached its limit of {limit}; try again in {seconds} s",
        type_=kind,
        code="rate_limit_exceeded",
        headers=(("retry-after", str(seconds)),),
    )
