"""`/api/v1`: the public detector."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections import OrderedDict
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from proxy.errors import ApiError, error_body
from proxy.house import House

__all__ = ["RateLimit", "admitted", "detect_router"]

MAX_TEXT = 1_000_000
MAX_CALLERS = 100_000


class DetectRequest(BaseModel):
    """`text`: up to a million characters. `declared`: whoever gave it says that it is AI-generated."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
    declared: bool = False


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


def admitted(house: House, limit: RateLimit, request: Request) -> tuple[bool, JSONResponse | None]:
    """Whether the caller is a tenant or operator, and the refusal if it is neither and asks too often."""
    if _is_known(house, request.headers.get("authorization", "")):
        return True, None
    wait = limit.take(request.client.host if request.client else "", time.monotonic())
    if not wait:
        return False, None
    error = error_body("too many checks; try again later", "rate_limit_error", None, "rate_limited")
    return False, JSONResponse(error, 429, headers={"retry-after": str(int(wait) + 1)})


def detect_router(house: House, limit: RateLimit | None = None) -> APIRouter:
    """`limit`: shared with whatever else tells the public where a text comes from."""
    limit = limit or RateLimit(house.settings.server.detect_per_minute)
    router = APIRouter(prefix="/api/v1")

    @router.post("/detect", summary="Where does this text come from?")
    def detect(body: DetectRequest, request: Request) -> JSONResponse:
        """Public and rate-limited. Tenants and operators get scores and exact spans, and are not limited."""
        known, refusal = admitted(house, limit, request)
        if refusal is not None:
            return refusal
        report: dict[str, Any] = house.panel.examine(body.text, declared=body.declared).to_json(
            public=not known
        )
        return JSONResponse(report)

    return router


def _is_known(house: House, authorization: str) -> bool:
    """A tenant's key or the admin token."""
    token = authorization.partition(" ")[2].strip()
    if not token:
        return False
    digest = hashlib.sha256(token.encode("latin-1", "replace")).hexdigest()
    if house.admin_token_sha256 is not None and hmac.compare_digest(digest, house.admin_token_sha256):
        return True
    if not house.settings.tenants:
        return False
    try:
        house.authenticate({"authorization": authorization})
    except ApiError:
        return False
    return True
