"""Several upstreams of one model, asked in turn: only as long as no byte of an answer is there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from proxy.upstreams import Upstream, UpstreamError, UpstreamRequest, UpstreamResponse

__all__ = ["RETRIED", "open_first"]

# What another upstream may do better: too many requests, and failures of the server or of what stands before it.
RETRIED = frozenset({429, 500, 502, 503, 504})


@asynccontextmanager
async def open_first(
    upstreams: Sequence[Upstream], request: UpstreamRequest, attempts: list[dict[str, str | int]]
) -> AsyncIterator[UpstreamResponse]:
    """The first answer that is none of `RETRIED`, or what the last upstream says. Raises UpstreamError.

    `attempts` gets, for each upstream that was asked, its name and the status or the error that came of it.
    """
    for at, upstream in enumerate(upstreams):
        more = at + 1 < len(upstreams)
        async with AsyncExitStack() as stack:
            try:
                response = await stack.enter_async_context(upstream.open(request))
            except UpstreamError as error:
                attempts.append({"upstream": upstream.name, "error": error.kind})
                if more and error.retryable:
                    continue
                raise
            attempts.append({"upstream": upstream.name, "status": response.status})
            if more and response.status in RETRIED:
                continue
            yield response
            return
