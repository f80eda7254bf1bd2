"""Paths that are relayed unreviewed and unlabelled, both ways, on the operator's word (`endpoints.relay`).

Any method, any body; forms and files stream up and down. A JSON body is read first, for the model in
it says which upstream is meant; everything else goes to the first one. What this proxy covers is
never relayed, however its path is spelt: a listed `/v1/*` opens no side door.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import orjson

from proxy.answering import send_through
from proxy.call import Call, Message, Presence, Receive, Reply
from proxy.errors import ApiError
from proxy.house import House
from proxy.recording import Recording
from proxy.records.record import ABORTED, CLOSED
from proxy.upstreams import Upstream, UpstreamError, UpstreamRequest, UpstreamResponse
from proxy.wire.headers import forwarded_headers, relayed_headers

__all__ = ["Relay", "is_relayed"]

METHODS = frozenset({"DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"})
# What needs no escaping: whoever escapes a path twice must not get past the list.
_PLAIN = re.compile(r"/v1(?:/[A-Za-z0-9_.~:@,=+-]+)+/?")

ReadBody = Callable[[], Awaitable[bytes]]


def is_relayed(path: str, listed: Sequence[str]) -> bool:
    """Whether `path` is one of `listed`, or begins with one that ends in `*`; nothing that climbs or is escaped."""
    if not _PLAIN.fullmatch(path) or any(step in (".", "..") for step in path.split("/")):
        return False
    return any(path.startswith(entry[:-1]) if entry.endswith("*") else path == entry for entry in listed)


class Relay:
    """One relayed request. `call.body` is empty; `receive` brings the body, `whole` reads all of it."""

    def __init__(
        self, house: House, call: Call, query: str, receive: Receive, whole: ReadBody, reply: Reply
    ) -> None:
        self._house = house
        self._call = call
        self._query = query
        self._receive = receive
        self._whole = whole
        self._reply = reply
        self._recording = Recording(house, call.request_id)
        self._presence = Presence(reply, house.settings.server.keepalive_seconds, _no_beat)
        self._pump: asyncio.Task[Any] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._status, self._reason = ABORTED, "internal error"
        self._http_status = 0
        self._upstream_request_id = ""

    async def run(self) -> None:
        """Serves the request. Raises ApiError while nothing has been sent yet."""
        self._pump = pump = asyncio.current_task()
        assert pump is not None
        self._house.entered()
        try:
            await self._run()
        except asyncio.CancelledError:
            self._reason = "the client left" if self._presence.left else "the server stopped"
            await self._close()
            if not self._presence.left:
                raise
            pump.uncancel()
        except ApiError as error:
            self._reason, self._http_status = str(error), error.status
            await self._close()
            raise
        finally:
            if self._watcher is not None:
                self._watcher.cancel()
            try:
                await self._close()
            finally:
                self._house.left()

    async def _run(self) -> None:
        call = self._call
        if call.method not in METHODS:
            raise ApiError(
                405,
                f"{call.method} is not relayed",
                code="method_not_allowed",
                headers=(("allow", ", ".join(sorted(METHODS))),),
            )
        request, model = await self._request()
        upstream = self._upstream(model)
        await self._accept(model, upstream)
        try:
            async with upstream.open(request) as response:
                await self._answer(response)
        except UpstreamError as error:
            self._reason = f"upstream: {error.kind}: {error}"
            if self._reply.started:
                raise
            raise ApiError(
                error.status,
                f"the model server gave no answer: {error.kind}",
                type_="upstream_error",
                code="upstream_error",
            ) from error

    async def _request(self) -> tuple[UpstreamRequest, str]:
        """What goes up, and the model that it names, "" if none."""
        call = self._call
        path = call.path.removeprefix("/v1") + (f"?{self._query}" if self._query else "")
        headers = forwarded_headers(call.headers)
        if "content-encoding" in call.headers:
            # The body is not touched, so what it is coded with still holds.
            headers.append(("content-encoding", call.headers["content-encoding"]))
        length = call.headers.get("content-length", "")
        if length in ("", "0") and "transfer-encoding" not in call.headers:
            self._read()
            return UpstreamRequest(call.method, path, headers, b""), ""
        kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in ("", "application/json"):
            body = await self._whole()
            self._read()
            return UpstreamRequest(call.method, path, headers, body), _model_in(body)
        pieces = self._pieces()
        known = int(length) if length.isdigit() else None
        return UpstreamRequest(call.method, path, headers, b"", pieces, known), ""

    def _upstream(self, model: str) -> Upstream:
        return self._house.routes(model, self._call.rules)[0][1] if model else self._house.upstreams[0][1]

    async def _pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes in. A client that leaves meanwhile stops everything."""
        more = True
        while more:
            message: Message = await self._receive()
            if message["type"] == "http.disconnect":
                self._presence.left = True
                assert self._pump is not None  # `run` is under way
                self._pump.cancel()
                # Whichever task reads the body: it ends here, with the rest.
                await asyncio.get_running_loop().create_future()
            more = message.get("more_body", False)
            yield message.get("body", b"")
        self._read()

    def _read(self) -> None:
        """The body has come in whole: from now on only the client's leaving can come."""
        assert self._pump is not None  # `run` is under way
        self._watcher = self._presence.watch(self._pump)

    async def _answer(self, response: UpstreamResponse) -> None:
        self._http_status = response.status
        self._upstream_request_id = dict(response.headers).get("x-request-id", "")
        if response.status in (401, 403):
            raise ApiError(
                502,
                f"the model server refused this proxy (status {response.status}); the operator must check its address and key",
                type_="upstream_error",
                code="upstream_refused",
                headers=(("x-should-retry", "false"),),
            )
        await self._reply.start(response.status, relayed_headers(response.headers))
        await send_through(response, self._reply, self._finish)

    async def _finish(self) -> None:
        self._status, self._reason = CLOSED, ""
        await self._close()

    async def _accept(self, model: str, upstream: Upstream) -> None:
        call = self._call
        fields = {
            **self._fields(),
            "model": model,
            "upstream": upstream.name,
            "caller_request_id": call.headers.get("x-request-id", ""),
            "session": call.headers.get("x-aigc-session", ""),
            "user": call.headers.get("x-aigc-user", ""),
        }
        await self._recording.accept(fields, self._house.clock.now_ms())

    async def _close(self) -> None:
        self._presence.settled = self._presence.settled or self._status == CLOSED
        closing = {
            "http_status": self._http_status,
            "reason": self._reason,
            "upstream_request_id": self._upstream_request_id,
        }
        await self._recording.close(self._status, {**self._fields(), **closing}, None)

    def _fields(self) -> dict[str, Any]:
        return {
            "endpoint": self._call.path,
            "method": self._call.method,
            "tenant": self._call.rules.tenant,
            "relayed": True,
            "reviewed": {"input": False, "output": False},
        }


def _model_in(body: bytes) -> str:
    try:
        model = orjson.loads(body)["model"]
    except (ValueError, KeyError, TypeError):
        return ""
    return model if type(model) is str else ""


async def _no_beat() -> None:
    """A relayed answer is the upstream's: nothing is put into it."""
