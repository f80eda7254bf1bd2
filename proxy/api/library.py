"""`/api/v1/library`: the procedure of the feature library for operators, each with a token of their own.

The admin token reads and sets up operators; it proposes, approves and publishes nothing. Whatever blocks runs in
a thread.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from proxy.api.callers import ApiRoute, bounded_body
from proxy.desks import desk_of, server_recorder, trial_of
from proxy.errors import ApiError
from proxy.following import workers
from proxy.governance.desk import BY_HAND, Desk
from proxy.governance.due import waiting
from proxy.governance.intake import bring_in
from proxy.governance.people import Actor, ProcedureError
from proxy.governance.release import diff, end_trial, publish, rollback
from proxy.governance.store import Search, TamperedError, UnavailableError
from proxy.governance.workers import convergence
from proxy.house import House
from proxy.keys import KeyFile
from proxy.lookups import (
    audit_of,
    export_entries,
    full_version,
    hits_of,
    look_back_at,
    revision_row,
    search_revisions,
    stats_of,
)
from proxy.records.record import RecordError
from proxy.review.entry import Entry, EntryError
from proxy.review.failures import LibraryError
from proxy.review.interchange import nested_refusals, parse_refusals, write_csv, write_jsonl, write_xlsx
from proxy.review.pointers import live_version
from proxy.review.variants import variants

__all__ = ["library_router"]

Work = TypeVar("Work")
_TYPES = {
    "jsonl": "application/jsonl",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = ""


class ProposeRequest(_Body):
    """`entry`: a row of the interchange."""

    entry: dict[str, Any]


class StepRequest(_Body):
    """`ids`, or `origin` for all that one import brought. `waiver`: for `approve`."""

    ids: list[str] = []
    origin: str = ""
    waiver: str = ""


class CategoryRequest(_Body):
    ids: Annotated[list[str], Field(min_length=1)]
    category: str


class PublishRequest(_Body):
    """`state` shadow or canary puts it on trial; `emergency`: ids that go along unapproved, for 72 hours."""

    state: Literal["live", "shadow", "canary"] = "live"
    percent: Annotated[float, Field(ge=0, le=100)] = 0
    tenants: list[str] = []
    emergency: list[str] = []
    waiver: str = ""


class RollbackRequest(_Body):
    version: str = ""


class TextRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(max_length=1_000_000)]
    version: str = ""


class LookbackRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: str = "next"
    since: str | None = None
    limit: Annotated[int, Field(ge=1, le=100_000)] = 1000


class OperatorRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    roles: Annotated[list[str], Field(min_length=1)]


class _Door:
    """Who stands before the desk, and the desk itself."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.settings = house.settings
        self.keys = KeyFile.load(house.settings.keys.file, house.settings.keys.command)

    async def serve(self, request: Request, work: Callable[[Desk, Actor], Work]) -> Work:
        """Run `work` in a thread with the desk and the actor. Raises ApiError."""
        recorder = server_recorder(self._house, asyncio.get_running_loop())
        token = request.headers.get("authorization", "").partition(" ")[2].strip()

        def run() -> Work:
            desk = desk_of(self.settings, self.keys, recorder)
            return work(desk, self._actor(desk, token))

        try:
            return await asyncio.to_thread(run)
        except ProcedureError as error:
            raise ApiError(error.status, str(error), code=error.code) from error
        except EntryError as error:
            raise ApiError(422, str(error), param=error.field, code="invalid_entry") from error
        except LibraryError as error:
            raise ApiError(409, str(error), code="library_damaged") from error
        except TamperedError as error:
            raise ApiError(503, str(error), type_="server_error", code="library_tampered") from error
        except UnavailableError as error:
            raise ApiError(503, str(error), type_="server_error", code="library_unavailable") from error
        except (RecordError, TimeoutError) as error:
            raise ApiError(
                503,
                f"this cannot be recorded now, so it did not happen: {error}",
                type_="server_error",
                code="records_unavailable",
            ) from error
        except ValueError as error:
            raise ApiError(400, str(error), code="invalid_value") from error

    def _actor(self, desk: Desk, token: str) -> Actor:
        if token:
            actor = desk.actor_by_token(token)
            if actor is not None:
                return actor
            digest = hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
            admin = self._house.admin_token_sha256
            if admin is not None and hmac.compare_digest(digest, admin):
                return Actor("admin", frozenset(["admin"]), "admin token")
        raise ApiError(
            401,
            "no operator: send 'Authorization: Bearer <operator token or admin token>'",
            type_="authentication_error",
            code="invalid_operator_token",
        )


def library_router(house: House) -> APIRouter:
    router = APIRouter(prefix="/api/v1/library", route_class=ApiRoute, tags=["library"])
    door = _Door(house)
    _entries(router, door, house)
    _versions(router, door, house)
    _knowledge(router, door, house)
    _people(router, door)
    return router


def _entries(router: APIRouter, door: _Door, house: House) -> None:
    @router.get("/entries", summary="Entries that fit, newest revision first")
    async def search(
        request: Request,
        text: str = "",
        id: Annotated[list[str], Query()] = [],  # noqa: A002, B006 - the parameter's name; FastAPI copies defaults
        status: Annotated[list[str], Query()] = [],  # noqa: B006 - see above
        category: str = "",
        source: str = "",
        author: str = "",
        version: str = "",
        review_id: str = "",
        origin: str = "",
        limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> dict[str, Any]:
        def work(desk: Desk, actor: Actor) -> dict[str, Any]:
            wanted = Search(id, text, status, category, source, author, origin, limit=limit, offset=offset)
            found = search_revisions(door.settings, desk, wanted, version, review_id)
            return {"entries": [revision_row(one) for one in found]}

        return await door.serve(request, work)

    @router.get("/entries/{entry_id}", summary="One entry and everything that was done with it")
    async def show(request: Request, entry_id: str) -> dict[str, Any]:
        def work(desk: Desk, actor: Actor) -> dict[str, Any]:
            revision, events = desk.history(entry_id)
            if revision is None:
                raise ProcedureError("unknown_entry", f"there is no entry {entry_id}", 404)
            return {"entry": revision_row(revision), "events": [asdict(event) for event in events]}

        return await door.serve(request, work)

    @router.post("/entries", summary="Propose one entry", status_code=201)
    async def propose(request: Request, body: ProposeRequest) -> dict[str, Any]:
        def work(desk: Desk, actor: Actor) -> dict[str, Any]:
            made = desk.propose(Entry.from_row(body.entry), actor, body.reason)
            return {"entry": revision_row(made.revision), "remarks": [asdict(r) for r in made.remarks]}

        return await door.serve(request, work)

    @router.post("/steps/{action}", summary=f"Take a step with entries: {', '.join(BY_HAND)}")
    async def step(request: Request, action: str, body: StepRequest) -> dict[str, Any]:
        def work(desk: Desk, actor: Actor) -> dict[str, Any]:
            if bool(body.ids) == bool(body.origin):
                raise ValueError("give either ids or origin")
            done = desk.step(
                action, body.ids, actor, origin=body.origin, reason=body.reason, waiver=body.waiver
            )
            return {"entries": [revision_row(one) for one in done]}

        return await door.serve(request, work)

    @router.post("/recategorise", summary="Propose entries anew in another category")
    async def recategorise(request: Request, body: CategoryRequest) -> dict[str, Any]:
        def work(desk: Desk, actor: Actor) -> dict[str, Any]:
            done = desk.recategorise(body.ids, body.category, actor, body.reason)
            return {"entries": [revision_row(one) for one in done]}

        return await door.serve(request, work)

    @router.post("/import", summary="Propose the entries of a file (the body), all or none")
    async def bring(
        request: Request, filename: str, preview: bool = False, update: bool = False, reason: str = ""
    ) -> dict[str, Any]:
        raw = await bounded_body(request, house.settings.server.max_body_bytes)

        def work(desk: Desk, actor: Actor) -> dict[str, Any]:
            with tempfile.TemporaryDirectory(prefix="inkseal-") as folder:
                path = Path(folder) / (Path(filename).name or "file")
                path.write_bytes(raw)
                taken = bring_in(desk, path, actor, reason, preview=preview, update=update)
            return {**asdict(taken), "refused": taken.refused}

        return await door.serve(request, work)

    @router.get("/export", summary="Entries in force, of a version, or of some statuses, as a file")
    async def export(
        request: Request,
        format: Literal["jsonl", "csv", "xlsx"] = "jsonl",  # noqa: A002 - the parameter's name
        version: str = "",
        status: Annotated[list[str], Query()] = ["published"],  # noqa: B006 - FastAPI copies defaults
    ) -> Response:
        def work(desk: Desk, actor: Actor) -> bytes:
            entries = export_entries(door.settings, desk, version, status)
            if format == "xlsx":
                target = io.BytesIO()
                write_xlsx(entries, target)
                return target.getvalue()
            return (write_csv(entries) if format == "csv" else write_jsonl(entries)).encode("utf-8")

        raw = await door.serve(request, work)
        headers = {"content-disposition": f'attachment; filename="library.{format}"'}
        return Response(raw, media_type=_TYPES[format], headers=headers)


def _versions(router: APIRouter, door: _Door, house: House) -> None:
    @router.post("/publish", summary="Put what is approved in force, or on trial")
    async def publish_now(request: Request, body: PublishRequest) -> dict[str, Any]:
        def work(desk: Desk, actor: Actor) -> dict[str, Any]:
            trial = trial_of(door.settings, body.state, body.percent, body.tenants)
            done = publish(
                desk, actor, reason=body.reason, trial=trial, emergency=body.emergency, waiver=body.waiver
            )
            return asdict(done)

        return await door.serve(request, work)

    @router.post("/end-trial", summary="Take the version on trial back")
    async def take_back(request: Request, body: _Body) -> dict[str, Any]:
        def work(desk: Desk, actor: Actor) -> dict[str, Any]:
            end_trial(desk, actor, body.reason)
            return {"trial": None}

        return await door.serve(request, work)

    @router.post("/rollback", summary="Put an earlier version in force again")
    async def go_back(request: Request, body: RollbackRequest) -> dict[str, Any]:
        return await door.serve(
            request,
            lambda desk, actor: asdict(rollback(desk, actor, reason=body.reason, version=body.version)),
        )

    @router.get("/versions", summary="The published versions, newest first")
    async def versions(request: Request) -> dict[str, Any]:
        def work(desk: Desk, actor: Actor) -> dict[str, Any]:
            with desk.store.reading() as ledger:
                return {"versions": [asdict(row) for row in ledger.versions()]}

        return await door.serve(request, work)

    @router.get("/diff", summary="What distinguishes two versions")
    async def compare(request: Request, old: str, new: str = "live") -> dict[str, Any]:
        def work(desk: Desk, actor: Actor) -> dict[str, Any]:
            one, other = (full_version(door.settings, start) for start in (old, new))
            return asdict(diff(desk, one, other))

        return await door.serve(request, work)

    @router.get("/workers", summary="Which version each worker has, and whether all have the live one")
    async def which(request: Request) -> dict[str, Any]:
        def work(desk: Desk, actor: Actor) -> dict[str, Any]:
            told = [{k: v for k, v in one.items() if k != "metrics"} for one in workers(house)]
            return convergence(told, live_version(desk.folder))

        return await door.serve(request, work)

    @router.get("/refusals", summary="Refusal texts 代答 as of the next publication")
    async def texts(request: Request) -> dict[str, Any]:
        return await door.serve(request, lambda desk, actor: {"refusals": nested_refusals(desk.refusals())})

    @router.put("/refusals", summary="Refusal texts 代答 (YAML body), in force with the next publication")
    async def refusals(request: Request, reason: str = "") -> dict[str, Any]:
        raw = await bounded_body(request, house.settings.server.max_body_bytes)

        def work(desk: Desk, actor: Actor) -> dict[str, Any]:
            said = parse_refusals(raw)
            desk.set_refusals(said, actor, reason)
            return {"texts": len(said)}

        return await door.serve(request, work)


def _knowledge(router: APIRouter, door: _Door, house: House) -> None:
    @router.get("/stats", summary="Entries by status and risk against the norm")
    async def stats(request: Request) -> dict[str, Any]:
        return await door.serve(request, lambda desk, actor: stats_of(door.settings, desk))

    @router.get("/verify", summary="Whether the database of the procedure is what the records tell")
    async def verify(request: Request) -> dict[str, Any]:
        def work(desk: Desk, actor: Actor) -> dict[str, Any]:
            found = audit_of(door.settings, desk)
            return {"ok": not found.faults, **asdict(found)}

        return await door.serve(request, work)

    @router.get("/due", summary="What waits, for whom and until when")
    async def due(request: Request) -> dict[str, Any]:
        return await door.serve(
            request, lambda desk, actor: {"waiting": [asdict(one) for one in waiting(desk)]}
        )

    @router.post("/test", summary="Which entries are found in a text, in which view, and what happens")
    async def test(request: Request, body: TextRequest) -> dict[str, Any]:
        return await door.serve(
            request, lambda desk, actor: hits_of(door.settings, desk.key, body.text, body.version)
        )

    @router.post("/lookback", summary="Which recent answers another version would have judged otherwise")
    async def lookback(request: Request, body: LookbackRequest) -> dict[str, Any]:
        def work(desk: Desk, actor: Actor) -> dict[str, Any]:
            found = look_back_at(door.settings, desk, door.keys, body.version, body.since, body.limit)
            return found.to_json()

        return await door.serve(request, work)

    @router.get("/variants", summary="How a pattern may be disguised, and whether an entry finds that")
    async def suggest(request: Request, pattern: str) -> dict[str, Any]:
        def work(desk: Desk, actor: Actor) -> dict[str, Any]:
            entry = Entry(pattern, "A.1.a", views=("safe", "evasion", "pinyin"))
            return {"variants": [asdict(one) for one in variants(entry)]}

        return await door.serve(request, work)


def _people(router: APIRouter, door: _Door) -> None:
    @router.get("/operators", summary="Who there is")
    async def listed(request: Request) -> dict[str, Any]:
        def work(desk: Desk, actor: Actor) -> dict[str, Any]:
            told = [asdict(one) for one in desk.operators()]
            return {"operators": [{k: v for k, v in one.items() if k != "token_sha256"} for one in told]}

        return await door.serve(request, work)

    @router.post("/operators", summary="Add an operator; the token comes back this once", status_code=201)
    async def add(request: Request, body: OperatorRequest) -> dict[str, Any]:
        def work(desk: Desk, actor: Actor) -> dict[str, Any]:
            return {"name": body.name, "token": desk.add_operator(body.name, body.roles, actor)}

        return await door.serve(request, work)

    @router.post("/operators/{name}/revoke", summary="Make an operator's token worthless")
    async def revoke(request: Request, name: str, body: _Body) -> dict[str, Any]:
        def work(desk: Desk, actor: Actor) -> dict[str, Any]:
            desk.revoke_operator(name, actor, body.reason)
            return {"revoked": name}

        return await door.serve(request, work)
