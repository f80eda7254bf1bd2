"""An answer that the upstream marks by what its request is told besides: an engine's plug-in, or biased words.

What is added is for one upstream: another may not know the members, and must not be given the key. Where the next one
answers instead, the answer is unmarked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson

from proxy.fallback import Resting, Route, open_first
from proxy.sampling.sampled import Steering
from proxy.upstreams import Upstream, UpstreamRequest, UpstreamResponse
from proxy.wire.jsonedit import set_members

__all__ = ["open_added"]


class _Adding:
    """The upstream, each of whose requests gets the members."""

    def __init__(self, inner: Upstream, members: Mapping[str, Any]) -> None:
        self._inner = inner
        self._members = members

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def open(self, request: UpstreamRequest) -> AbstractAsyncContextManager[UpstreamResponse]:
        body = set_members(request.body, self._members, orjson.loads(request.body))
        return self._inner.open(replace(request, body=body))


@asynccontextmanager
async def open_added(
    routes: Sequence[Route],
    request: UpstreamRequest,
    attempts: list[dict[str, str | int]],
    resting: Resting,
    steering: Steering,
) -> AsyncIterator[UpstreamResponse]:
    """As `open_first`. Raises UpstreamError."""
    settings, first = routes[0]
    adding: Any = _Adding(first, steering.added)
    async with open_first([(settings, adding), *routes[1:]], request, attempts, resting) as response:
        if attempts[-1]["upstream"] != first.name:
            steering.sampled.unmarked = "the upstream that answered does not mark"
        elif response.status >= 400:
            steering.sampled.unmarked = f"the upstream refused, with status {response.status}"
        yield response
