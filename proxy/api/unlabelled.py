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

from proxy.api.callers import ApiRoute
from proxy.errors import ApiError
from proxy.governance.people import Actor, ProcedureError, shown_by
from proxy.governance.store import TamperedError, UnavailableError, open_governance
from proxy.governance.unlabelled import GRANTERS, Grant, Register, RegisterError, event_of, new_grant
from proxy.house import House, iso_time
from proxy.keys import KeyFile
from proxy.records.record import RecordError

__all__ = ["unlabelled_router"]


class GrantRequest(BaseModel):
    """`starts`, `ends`: ISO 8601; without `starts` at once. `user`: only for this end user (X-AIGC-User).

    `granted_by` is for the admin token, before there are operators; an operator grants in the own name.
    """

    model_config = ConfigDict(extra="forbid")

    tenant: str
    user: str = ""
    applicant: str
    purpose: str
    agreement: str
    recipient: str
    starts: str = ""
    ends: str
    granted_by: str = ""


class RevokeRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    revoked_by: str = ""
    reason: str


def unlabelled_router(house: House, register: Register) -> APIRouter:
    router = APIRouter(prefix="/api/v1/unlabelled", route_class=ApiRoute, tags=["unlabelled"])

    door = _Door(house)

    def now() -> str:
        return iso_time(house.clock.now_ms())

    async def record(grant: Grant, event: str) -> None:
        await house.records.append(event_of(grant, event, now()))

    @router.get("", summary="All grants, the newest first")
    async def listed(authorization: Annotated[str, Header()] = "") -> Response:
        async def shown(name: str) -> Any:
            return {"grants": [_shown(one, now()) for one in await asyncio.to_thread(register.all)]}

        return await door.serve(authorization, shown, changes=False)

    @router.post("", summary="Grant an application (标识办法 art. 9)", status_code=201)
    async def grant(body: GrantRequest, authorization: Annotated[str, Header()] = "") -> Response:
        async def granted(name: str) -> Any:
            if body.tenant not in house.rules:
                raise ApiError(
                    400, f"there is no tenant {body.tenant!r}", param="tenant", code="invalid_value"
                )
            try:
                made = new_grant(
                    "u-" + secrets.token_hex(6),
                    {**body.model_dump(), "granted_by": name or body.granted_by},
                    now(),
                )
            except ValueError as error:
                raise ApiError(400, str(error), code="invalid_value") from error
            await record(made, "grant")
            await asyncio.to_thread(register.add, made)
            return _shown(made, now())

        return await door.serve(authorization, granted, status=201)

    @router.post("/{identifier}/revoke", summary="End a grant at once")
    async def revoke(
        identifier: str, body: RevokeRequest, authorization: Annotated[str, Header()] = ""
    ) -> Response:
        async def revoked(name: str) -> Any:
            by = name or body.revoked_by
            if not by:
                raise ApiError(400, "revoked_by: say who ends it", param="revoked_by", code="invalid_value")
            try:
                ended = await asyncio.to_thread(
                    register.revoke, identifier, by=by, reason=body.reason, now=now()
                )
            except LookupError as error:
                raise ApiError(404, str(error.args[0]), code="grant_not_found") from error
            await record(ended, "revoke")
            return _shown(ended, now())

        return await door.serve(authorization, revoked)

    return router


def _shown(grant: Grant, now: str) -> dict[str, str]:
    return {**asdict(grant), "state": grant.state(now)}


class _Door:
    """Who may look and who may decide: operators by their roles; the admin token decides only before there are any."""

    def __init__(self, house: House) -> None:
        keys = KeyFile.load(house.settings.keys.file, house.settings.keys.command)
        self._house = house
        self._people = open_governance(house.settings.records.url, keys.derive("inkseal|governance|1"))

    async def serve(
        self,
        authorization: str,
        work: Callable[[str], Awaitable[Any]],
        *,
        status: int = 200,
        changes: bool = True,
    ) -> Response:
        """What `work` gives, told the operator's name ("" for the admin token); else the error in the shape of all ours."""
        try:
            token = authorization.partition(" ")[2].strip()
            name = await asyncio.to_thread(self._who, token, changes)
            return JSONResponse(await work(name), status)
        except ApiError as error:
            failed = error
        except ProcedureError as error:
            failed = ApiError(error.status, str(error), code=error.code)
        except (RegisterError, TamperedError, UnavailableError) as error:
            failed = ApiError(503, str(error), type_="server_error", code="register_unusable")
        except RecordError:
            failed = ApiError(
                503,
                "this cannot be recorded now, so it does not count",
                type_="server_error",
                code="records_unavailable",
            )
        return Response(failed.body(), failed.status, media_type="application/json")

    def _who(self, token: str, changes: bool) -> str:
        with self._people.reading() as ledger:
            operators = [operator for operator in ledger.operators() if not operator.revoked]
        operator = shown_by(operators, token) if token else None
        if operator is not None:
            if changes:
                Actor.of(operator, "token").must_be(GRANTERS, "grant or revoke content without a label")
            return operator.name
        shown = hashlib.sha256(token.encode("latin-1", "replace")).hexdigest()
        admin = self._house.admin_token_sha256
        if admin is None or not hmac.compare_digest(shown, admin):
            raise ApiError(
                401,
                "no operator: send 'Authorization: Bearer <operator token or admin token>'",
                type_="authentication_error",
                code="invalid_operator_token",
            )
        if changes and operators:
            raise ProcedureError(
                "forbidden",
                f"the admin token does not decide once there are operators: that takes the role {' or '.join(GRANTERS)}",
                403,
            )
        return ""
