"""What the proxy asks of a model server, whatever its kind: one request in, one answer out.

Cancellation is the shape of the interface, not a method: `open` is a context manager, and leaving it before
the body has ended closes the connection. So a client that goes away stops the model by unwinding the stack.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

__all__ = [
    "ErrorKind",
    "TimeLimits",
    "Upstream",
    "UpstreamError",
    "UpstreamRequest",
    "UpstreamResponse",
    "UpstreamSettings",
]

ErrorKind = Literal[
    "connect",
    "timeout_connect",
    "timeout_first_byte",
    "timeout_idle",
    "timeout_total",
    "reset",
    "protocol",
    "too_large",
]


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """What is sent: `path` is relative to the base URL and may hold a query ("/chat/completions").

    `headers` are already filtered for the upstream; its key is added by the upstream itself. `pieces`
    come in place of `body` where it is not at hand as a whole, `length` of them in bytes if that is
    known; such a request is never sent twice. `rooted`: the path is the server's own, not below the base URL.
    """

    method: str
    path: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    pieces: AsyncIterator[bytes] | None = None
    length: int | None = None
    rooted: bool = False


@dataclass(slots=True)
class UpstreamResponse:
    """What comes back: lower-case header names; the body, content-encoding undone, in pieces of bounded size.

    The body raises `UpstreamError` when it does not end as HTTP says it should.
    """

    status: int
    headers: Sequence[tuple[str, str]]
    body: AsyncIterator[bytes]


class UpstreamError(Exception):
    """The upstream gave no whole answer. The message is for the operator: an address, never a key or text.

    `retryable`: not one byte of an answer was received, so another upstream may be asked instead.
    `status` is what a gateway answers for it (RFC 9110, 15.6.3 and 15.6.5).
    """

    def __init__(self, kind: ErrorKind, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.message = message
        self.retryable = retryable

    @property
    def status(self) -> int:
        return 504 if self.kind.startswith("timeout") else 502


class Upstream(Protocol):
    """A model server 上游. `start` before the first `open`, `close` after the last; `name` is the settings'."""

    @property
    def name(self) -> str: ...

    def open(self, request: UpstreamRequest) -> AbstractAsyncContextManager[UpstreamResponse]:
        """Send; entering waits for status and headers, leaving early cancels. Raises `UpstreamError`."""
        ...

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def ready(self) -> bool:
        """Whether it gives some HTTP answer, be it an error status."""
        ...


class TimeLimits(Protocol):
    """Seconds: to get a connection, then to the headers, between two pieces of the body, and for it all."""

    @property
    def connect(self) -> float: ...
    @property
    def first_byte(self) -> float: ...
    @property
    def idle(self) -> float: ...
    @property
    def total(self) -> float: ...


class UpstreamSettings(Protocol):
    """One entry of `upstreams` in the settings, as far as kinds need it. `headers` join every request."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def base_url(self) -> str: ...
    @property
    def api_key(self) -> str: ...
    @property
    def models(self) -> Sequence[str]: ...
    @property
    def timeouts(self) -> TimeLimits: ...
    @property
    def max_connections(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
