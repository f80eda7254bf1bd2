"""Who calls: strangers within a limit, tenants and operators without; and errors in one shape for all routes."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.types import Message

from proxy.errors import ApiError
from proxy.examination import Examined
from proxy.governance.people import Operator, shown_by
from proxy.governance.store import TamperedError, UnavailableError, open_governance
from proxy.house import House, iso_time
from proxy.keys import KeyFile
from proxy.signed import sign_report

__all__ = ["ApiRoute", "Callers", "RateLimit", "bounded_body", "signed_by"]

MAX_CALLERS = 100_000
_OPERATOR_TOKEN = "ink-op-"  # noqa: S105 - how they begin; nothing else is looked up
_OPERATORS_SECONDS = 2.0


class RateLimit:
    """So many calls a minute and caller, as a token bucket. Forgets the callers it has not seen for longest.

    Routes that are no coroutines run in threads, so it is locked.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_second = per_minute / 60
        self._most = float(per_minute)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, caller: str, now: float) -> float:
        """0 if the call may go on, else the seconds to wait. `now` in seconds, never going back."""
        with self._lock:
            tokens, since = self._buckets.pop(caller, (self._most, now))
            tokens = min(self._most, tokens + (now - since) * self._per_second)
            wait = 0.0 if tokens >= 1 else (1 - tokens) / self._per_second
            self._buckets[caller] = (tokens - 1 if not wait else tokens, now)
            if len(self._buckets) > MAX_CALLERS:
                self._buckets.popitem(last=False)
            return wait


class Callers:
    """The door of everything that examines texts: one limit for the API and the page."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._limit = RateLimit(house.settings.server.detect_per_minute)
        self._operators: tuple[float, list[Operator]] = (float("-inf"), [])

    def admit(self, request: Request, key: str = "") -> bool:
        """Whether the caller is known, by header or by `key`. Raises ApiError (429) for too many calls of strangers."""
        authorization = f"Bearer {key}" if key else request.headers.get("authorization", "")
        if self.is_known(authorization):
            return True
        self.charge(request)
        return False

    def charge(self, request: Request) -> None:
        """Counts one examination of a stranger. Raises ApiError (429)."""
        wait = self._limit.take(request.client.host if request.client else "", time.monotonic())
        if wait:
            raise ApiError(
                429,
                "too many checks; try again later",
                type_="rate_limit_error",
                code="rate_limited",
                headers=(("retry-after", str(int(wait) + 1)),),
            )

    def is_known(self, authorization: str) -> bool:
        """A tenant's key, an operator's token or the admin token."""
        token = authorization.partition(" ")[2].strip()
        if not token:
            return False
        house = self._house
        digest = hashlib.sha256(token.encode("latin-1", "replace")).hexdigest()
        if house.admin_token_sha256 is not None and hmac.compare_digest(digest, house.admin_token_sha256):
            return True
        if token.startswith(_OPERATOR_TOKEN) and self._is_operator(token):
            return True
        if not house.settings.tenants:
            return False
        try:
            house.authenticate({"authorization": authorization})
        except ApiError:
            return False
        return True

    def _is_operator(self, token: str) -> bool:
        """Asks the governance database, at most every two seconds: so long a revoked token may still be known."""
        read, operators = self._operators
        now = time.monotonic()
        if now - read > _OPERATORS_SECONDS:
            settings = self._house.settings
            keys = KeyFile.load(settings.keys.file, settings.keys.command)
            people = open_governance(settings.records.url, keys.derive("inkseal|governance|1"))
            try:
                with people.reading() as ledger:
                    operators = ledger.operators()
            except (TamperedError, UnavailableError):
                operators = []
            self._operators = (now, operators)
        return shown_by(operators, token) is not None


class ApiRoute(APIRoute):
    """A route whose errors have the shape of all ours, and whose JSON body is bounded and may be called a form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle, takes_json = super().get_route_handler(), self.body_field is not None

        async def answer(request: Request) -> Response:
            try:
                return await handle(await _as_json(request) if takes_json else request)
            except ApiError as error:
                told = error
            except RequestValidationError as error:
                told = _invalid(error)
            return Response(
                told.body(), told.status, headers=dict(told.headers), media_type="application/json"
            )

        return answer


async def _as_json(request: Request) -> Request:
    """The same request with its body read, whatever the client calls it: curl calls JSON a form."""
    raw = await bounded_body(request, request.app.house.settings.server.max_body_bytes)
    headers = [pair for pair in request.scope["headers"] if pair[0] != b"content-type"]

    async def receive() -> Message:
        return {"type": "http.request", "body": raw, "more_body": False}

    return Request({**request.scope, "headers": [*headers, (b"content-type", b"application/json")]}, receive)


def _invalid(error: RequestValidationError) -> ApiError:
    """The first thing that is wrong, with its place."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:])
    if first["type"] == "json_invalid":
        return ApiError(400, f"the body is not JSON: {first['ctx']['error']}", code="invalid_json")
    code = "missing_required_parameter" if first["type"] == "missing" else "invalid_value"
    return ApiError(422, f"{place or 'the body'}: {first['msg']}", param=place or None, code=code)


async def bounded_body(request: Request, limit: int) -> bytes:
    """The body of a request. Raises ApiError (413) as soon as it is longer than `limit` bytes."""
    parts: list[bytes] = []
    size = 0
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise _too_large(limit)
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


def signed_by(house: House, examined: Examined, *, public: bool) -> dict[str, Any]:
    """The signed report of an examination, dated now."""
    return sign_report(
        examined,
        key=house.report_key,
        producer=house.settings.provider.code,
        created=iso_time(house.clock.now_ms()),
        public=public,
    )


def _too_large(limit: int) -> ApiError:
    return ApiError(413, f"the request body is larger than {limit} bytes", code="body_too_large")
