"""`/api/v1/unlabelled`: the register of content given without an explicit label, for operators."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict

from proxy.errors import ApiError
from proxy.governance.unlabelled import Grant, Register, RegisterError, event_of, new_grant
from proxy.house import House, iso_time
from proxy.records.record import RecordError

__all__ = ["unlabelled_router"]


class GrantRequest(BaseModel):
    """`starts`, `ends`: ISO 8601; without `starts` at once. `user`: only for this end user (X-AIGC-User)."""

    model_config = ConfigDict(extra="forbid")

    tenant: str
    user: str = ""
    applicant: str
    purpose: str
    agreement: str
    recipient: str
    starts: str = ""
    ends: str
    granted_by: str


class RevokeRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    revoked_by: str
    reason: str


def unlabelled_router(house: House, register: Register) -> APIRouter:
    router = APIRouter(prefix="/api/v1/unlabelled", tags=["unlabelled"])

    def now() -> str:
        return iso_time(house.clock.now_ms())

    async def record(grant: Grant, event: str) -> None:
        await house.records.append(event_of(grant, event, now()))

    @router.get("", summary="All grants, the newest first")
    async def listed(authorization: Annotated[str, Header()] = "") -> Response:
        return await _answer(house, authorization, lambda: _list(register, now()))

    @router.post("", summary="Grant an application (标识办法 art. 9)", status_code=201)
    async def grant(body: GrantRequest, authorization: Annotated[str, Header()] = "") -> Response:
        async def granted() -> Any:
            if body.tenant not in house.rules:
                raise ApiError(
                    400, f"there is no tenant {body.tenant!r}", param="tenant", code="invalid_value"
                )
            try:
                made = new_grant("u-" + secrets.token_hex(6), body.model_dump(), now())
            except ValueError as error:
                raise ApiError(400, str(error), code="invalid_value") from error
            await record(made, "grant")
            await asyncio.to_thread(register.add, made)
            return _shown(made, now())

        return await _answer(house, authorization, granted, status=201)

    @router.post("/{identifier}/revoke", summary="End a grant at once")
    async def revoke(
        identifier: str, body: RevokeRequest, authorization: Annotated[str, Header()] = ""
    ) -> Response:
        async def revoked() -> Any:
            try:
                ended = await asyncio.to_thread(
                    register.revoke, identifier, by=body.revoked_by, reason=body.reason, now=now()
                )
            except LookupError as error:
                raise ApiError(404, str(error.args[0]), code="grant_not_found") from error
            await record(ended, "revoke")
            return _shown(ended, now())

        return await _answer(house, authorization, revoked)

    return router


async def _list(register: Register, now: str) -> Any:
    return {"grants": [_shown(one, now) for one in await asyncio.to_thread(register.all)]}


def _shown(grant: Grant, now: str) -> dict[str, str]:
    return {**asdict(grant), "state": grant.state(now)}


async def _answer(
    house: House, authorization: str, work: Callable[[], Awaitable[Any]], *, status: int = 200
) -> Response:
    """What `work` gives, for the operator; else the error in the shape of all our errors."""
    try:
        _must_be_operator(house, authorization)
        return JSONResponse(await work(), status)
    except ApiError as error:
        failed = error
    except RegisterError as error:
        failed = ApiError(503, str(error), type_="server_error", code="register_unusable")
    except RecordError:
        failed = ApiError(
            503,
            "this cannot be recorded now, so it does not count",
            type_="server_error",
            code="records_unavailable",
        )
    return Response(failed.body(), failed.status, media_type="application/json")


def _must_be_operator(house: House, authorization: str) -> None:
    shown = hashlib.sha256(authorization.partition(" ")[2].strip().encode("latin-1", "replace")).hexdigest()
    if house.admin_token_sha256 is None or not hmac.compare_digest(shown, house.admin_token_sha256):
        raise ApiError(
            401,
            "no admin token: send 'Authorization: Bearer <admin token>'",
            type_="authentication_error",
            code="invalid_admin_token",
        )
