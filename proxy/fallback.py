"""Several upstreams of one model, asked in turn: only as long as no byte of an answer is there.

An upstream that says how long it wants to be left alone (`Retry-After`) is asked after the others until
then. The same upstream is asked again where its settings say so (`retries`), after what it asked for, if
that is short, else after a moment that doubles.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

from proxy.upstreams import Upstream, UpstreamError, UpstreamRequest, UpstreamResponse, UpstreamSettings

__all__ = ["RETRIED", "Resting", "Route", "RouteSettings", "open_first", "retry_after"]


class RouteSettings(UpstreamSettings, Protocol):
    """What of an upstream's settings is about asking it, and not about how."""

    @property
    def retries(self) -> int: ...
    @property
    def trusted_labels(self) -> bool: ...


Route = tuple[RouteSettings, Upstream]

# What another upstream may do better: too many requests, and failures of the server or of what stands before it.
RETRIED = frozenset({429, 500, 502, 503, 504})
# Nobody's request waits longer than this, and nobody is left alone for longer than that. Seconds.
LONGEST_WAIT = 5.0
LONGEST_REST = 60.0
FIRST_WAIT = 0.25


class Resting:
    """Which upstreams asked to be left alone, and until when (the event loop's clock, seconds)."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def note(self, upstream: Upstream, response: UpstreamResponse, now: float) -> None:
        seconds = retry_after(response)
        if response.status in (429, 503) and seconds:
            self._until[upstream.name] = now + min(seconds, LONGEST_REST)

    def last(self, routes: Sequence[Route], now: float) -> Sequence[Route]:
        """The routes in their order, those that rest behind the others."""
        if not self._until:
            return routes
        self._until = {name: until for name, until in self._until.items() if until > now}
        return sorted(routes, key=lambda route: route[1].name in self._until)


def retry_after(response: UpstreamResponse) -> float | None:
    """The seconds a server asks to wait; None if it does not say. A date counts as not said.

    Source: RFC 9110 §10.2.3; `retry-after-ms` as the OpenAI API sends it.
    """
    headers = dict(response.headers)
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None


@asynccontextmanager
async def open_first(
    routes: Sequence[Route],
    request: UpstreamRequest,
    attempts: list[dict[str, str | int]],
    resting: Resting,
) -> AsyncIterator[UpstreamResponse]:
    """The first answer that is none of `RETRIED`, or what the last upstream says. Raises UpstreamError.

    `attempts` gets, for each time that an upstream was asked, its name and the status or the error that came of it.
    """
    loop = asyncio.get_running_loop()
    routes = resting.last(routes, loop.time())
    for at, (settings, upstream) in enumerate(routes):
        others = at + 1 < len(routes)
        wait = FIRST_WAIT
        for left in range(settings.retries, -1, -1):
            async with AsyncExitStack() as stack:
                try:
                    response = await stack.enter_async_context(upstream.open(request))
                except UpstreamError as error:
                    attempts.append({"upstream": upstream.name, "error": error.kind})
                    if not error.retryable or not (left or others):
                        raise
                else:
                    attempts.append({"upstream": upstream.name, "status": response.status})
                    if response.status not in RETRIED:
                        yield response
                        return
                    resting.note(upstream, response, loop.time())
                    asked = retry_after(response)
                    # Not sooner than it asks for, and nobody waits for long: the next one then, or the client.
                    left = left if asked is None or asked <= LONGEST_WAIT else 0
                    if not (left or others):
                        yield response
                        return
                    wait = wait if asked is None else asked
            if not left:
                break
            await asyncio.sleep(wait)
            wait = wait * 2
