"""The routes. `/v1/…` goes past FastAPI, straight to the exchange; everything else is FastAPI's.

The data path is plain ASGI: a framework route would cost more than all our own work, and
middleware that wraps the body hides a client that leaves.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from proxy.call import Call, Message, Receive
from proxy.errors import ApiError
from proxy.examination import examine, submission_of
from proxy.exchange import Exchange
from proxy.following import workers
from proxy.governance.undertaking import undertakings
from proxy.house import House, iso_time
from proxy.metrics import exposition
from proxy.models import list_models
from proxy.provenance_checks import PATH as PROVENANCE_CHECKS
from proxy.provenance_checks import provenance_check
from proxy.records.record import RecordError
from proxy.relay import Relay, is_relayed
from proxy.review.pointers import live_age_days, live_version
from proxy.wire import ENDPOINTS
from proxy.wire.inputs import InputEndpoint

__all__ = ["create_app"]

Scope = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

log = logging.getLogger("inkseal")

DRAIN_SECONDS = 10.0


class InksealApp(FastAPI):
    """FastAPI with a short way for the data path."""

    house: House

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v1/"):
            await _serve(self.house, scope, receive, send)
        elif scope["type"] == "websocket" and scope["path"].startswith("/v1/"):
            # What a realtime session says cannot be reviewed here; say so instead of hanging up in silence.
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "endpoint_not_covered"})
        else:
            await super().__call__(scope, receive, send)


def create_app(house: House, background: Sequence[Callable[[], Awaitable[None]]] = ()) -> InksealApp:
    """The application of one worker. `background`: what runs as long as it lives (reload of the library, retention)."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await house.records.open()
        house.fingerprints.start()
        house.marks.start()
        for promised in undertakings(house.settings, iso_time(house.clock.now_ms())):
            await house.records.append(promised)
        for _, upstream in house.upstreams:
            await upstream.start()
        tasks = [asyncio.ensure_future(run()) for run in background]
        gc.collect()
        gc.freeze()
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            # Cancelled streams write their last record after the server has stopped serving.
            await house.drained(DRAIN_SECONDS)
            for _, upstream in house.upstreams:
                await upstream.close()
            await house.records.close()
            await asyncio.to_thread(house.fingerprints.close)
            await asyncio.to_thread(house.marks.close)

    app = InksealApp(
        title="Inkseal 钤印",
        version=version("inkseal"),
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.house = house
    app.add_exception_handler(StarletteHTTPException, _not_there)
    _add_health(app, house)
    return app


async def _not_there(request: Request, error: Exception) -> Response:
    """Clients that miss a path are told in the shape of the OpenAI API."""
    assert isinstance(error, StarletteHTTPException)
    if error.status_code not in (404, 405):
        return await http_exception_handler(request, error)
    ours = request.url.path.startswith("/api/")
    advice = (
        "what there is: /api/docs"
        if ours
        else "the OpenAI API is below /v1: is that missing in the base URL?"
    )
    told = ApiError(
        error.status_code,
        f"there is no {request.method} {request.url.path} here; {advice}",
        code="not_found" if error.status_code == 404 else "method_not_allowed",
    )
    return Response(told.body(), told.status, dict(error.headers or {}), "application/json")


def _add_health(app: FastAPI, house: House) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        """Some HTTP answer from each upstream, a library or its declared absence, records writable, not draining."""
        checks: dict[str, Any] = {"draining": house.draining, "records": await house.records.ready()}
        answers = await asyncio.gather(*(upstream.ready() for _, upstream in house.upstreams))
        checks["upstreams"] = {
            upstream.name: ok for (_, upstream), ok in zip(house.upstreams, answers, strict=True)
        }
        review = house.settings.review
        reviewing = review.input or review.output
        library = house.library.current
        checks["library"] = library.version if library is not None else None
        checks["relay"] = house.settings.endpoints.relay
        ready = (
            not house.draining
            and checks["records"]
            and all(answers)
            and (library is not None or not reviewing)
        )
        return JSONResponse({"ready": ready, **checks}, status_code=200 if ready else 503)

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        """Prometheus text; each worker's series under its label."""
        library = house.settings.review.library
        live, age = live_version(library), live_age_days(library, house.clock.now_ms())
        told = await asyncio.to_thread(workers, house)
        return PlainTextResponse(
            exposition(told, live, age, house.library.entries()), media_type="text/plain; version=0.0.4"
        )

    @app.get("/version")
    async def versions() -> dict[str, str | None]:
        library = house.library.current
        return {"inkseal": version("inkseal"), "library": library.version if library is not None else None}


class _AsgiReply:
    """The way back to one client. Every answer carries our request id."""

    __slots__ = ("_receive", "_send", "finished", "request_id", "started")

    def __init__(self, receive: Receive, send: Send, request_id: str) -> None:
        self._receive = receive
        self._send = send
        self.request_id = request_id
        self.started = False
        self.finished = False

    async def start(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        self.started = True
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        raw.append((b"x-request-id", self.request_id.encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def send(self, data: bytes, *, more: bool = True) -> None:
        if not self.finished:
            self.finished = not more
            await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def error(self, error: ApiError) -> None:
        await self.start(error.status, [("content-type", "application/json"), *error.headers])
        await self.send(error.body(), more=False)


async def _serve(house: House, scope: Scope, receive: Receive, send: Send) -> None:
    reply = _AsgiReply(receive, send, house.clock.request_id())
    try:
        await _dispatch(house, scope, receive, reply)
    except ApiError as error:
        if reply.started:
            raise
        await reply.error(error)
    except RecordError as error:
        if reply.started:
            # Cut, not finished: what cannot be recorded does not go out.
            raise
        await reply.error(
            ApiError(
                error.status,
                "this request cannot be recorded now, so it is not served; try again later",
                type_="server_error",
                code="records_unavailable",
            )
        )
    except Exception:
        if reply.started:
            raise
        log.exception("request %s failed", reply.request_id)
        await reply.error(
            ApiError(
                500,
                f"this proxy failed; the operator finds the reason in its log under {reply.request_id}",
                type_="server_error",
                code="internal_error",
            )
        )


async def _dispatch(house: House, scope: Scope, receive: Receive, reply: _AsgiReply) -> None:
    method, path = scope["method"], scope["path"]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    rules = house.authenticate(headers)
    if house.draining:
        raise ApiError(503, "this server is stopping; try again", type_="server_error", code="draining")
    house.gates[rules.tenant].enter(house.clock.monotonic())
    request_id = reply.request_id
    endpoint = ENDPOINTS.get(path)
    if isinstance(endpoint, InputEndpoint) and endpoint.media and not _may_give_media(house, path):
        raise ApiError(
            404,
            f"{path} brings images or sound, which this proxy can neither review nor label, so in profile cn it is "
            "closed, unless the operator lists it in endpoints.relay",
            code="endpoint_not_covered",
        )
    if endpoint is not None and method == "POST":
        body = await _body(house, headers, receive)
        await Exchange(house, endpoint, Call(method, path, headers, body, rules, request_id), reply).run()
        return
    if method == "POST" and path == PROVENANCE_CHECKS:
        body = await _body(house, headers, receive)
        submission = submission_of(body, headers.get("content-type", ""))
        seen = await asyncio.to_thread(examine, house.panel, submission, house.pinned_keys)
        check = provenance_check(seen, house.clock.now_ms() // 1000)
        await reply.start(200, [("content-type", "application/json")])
        await reply.send(orjson.dumps(check), more=False)
        return
    if method == "GET" and (path == "/v1/models" or path.startswith("/v1/models/")):
        listing = await list_models(house, rules, path.removeprefix("/v1/models").lstrip("/"))
        await reply.start(200, [("content-type", "application/json")])
        await reply.send(orjson.dumps(listing), more=False)
        return
    # However a covered path is spelt, it is not relayed.
    covered = path not in ENDPOINTS and path.rstrip("/").lower() in ENDPOINTS
    if not covered and is_relayed(path, house.settings.endpoints.relay):
        call = Call(method, path, headers, b"", rules, request_id)
        query = scope["query_string"].decode("latin-1")
        await Relay(house, call, query, receive, lambda: _body(house, headers, receive), reply).run()
        return
    if endpoint is not None:
        raise ApiError(
            405,
            f"{method} is not allowed here; use POST",
            code="method_not_allowed",
            headers=(("allow", "POST"),),
        )
    raise ApiError(
        404,
        f"{path} is not covered by this proxy: what it brings back could be neither reviewed nor labelled. "
        f"Covered: POST {', '.join(ENDPOINTS)}, GET /v1/models",
        code="endpoint_not_covered",
    )


def _may_give_media(house: House, path: str) -> bool:
    settings = house.settings
    return settings.profile != "cn" or is_relayed(path, settings.endpoints.relay)


async def _body(house: House, headers: dict[str, str], receive: Receive) -> bytes:
    limit = house.settings.server.max_body_bytes
    length = headers.get("content-length", "")
    parts: list[bytes] = []
    size = int(length) if length.isdigit() else 0
    seen = 0
    while size <= limit and seen <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ApiError(400, "the request body ended early", code="incomplete_body")
        part = message.get("body", b"")
        seen += len(part)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
    raise ApiError(413, f"the request body is larger than {limit} bytes", code="body_too_large")
