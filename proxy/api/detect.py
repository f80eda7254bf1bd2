"""`/api/v1/detect…`: the public detector. What is handed in is examined and forgotten."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal, TypeVar

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from proxy.api.callers import ApiRoute, Callers, bounded_body, signed_by
from proxy.console.report_pdf import report_pdf
from proxy.errors import ApiError
from proxy.examination import MAX_TEXT, Examined, Submission, examine, submission_of
from proxy.house import House
from proxy.signed import verify_report
from proxy.wire.form import is_form

__all__ = ["DetectRequest", "detect_router"]


class DetectRequest(BaseModel):
    """`text`: up to a million characters. `declared`: whoever gave it says that it is AI-generated."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
    declared: bool = False


class BatchLine(DetectRequest):
    """One line of a batch. `id` comes back as it was."""

    id: str | int | None = None


def _takes(schema: dict[str, Any], kind: str) -> dict[str, Any]:
    """How OpenAPI tells of a body that the route reads itself."""
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema}}}}


_JSON = _takes(DetectRequest.model_json_schema(), "application/json")
_LINES = _takes({"type": "string", "description": "one {text, declared?, id?} a line"}, "application/jsonl")
_FILE = _takes(
    {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}, "declared": {"type": "boolean"}},
    },
    "multipart/form-data",
)


def detect_router(house: House, callers: Callers) -> APIRouter:
    router = APIRouter(prefix="/api/v1/detect", route_class=ApiRoute, tags=["detect"])
    limit = house.settings.server.max_body_bytes

    async def examined(request: Request, submission: Submission) -> tuple[Examined, bool]:
        known = callers.admit(request)
        return await asyncio.to_thread(examine, house.panel, submission, house.pinned_keys), known

    @router.post("", summary="Where does this text come from?", openapi_extra=_JSON)
    async def detect(request: Request) -> JSONResponse:
        """Public and rate-limited. Tenants and operators get scores and exact spans, and are not limited."""
        body = _parsed(DetectRequest, await bounded_body(request, limit))
        seen, known = await examined(request, Submission(text=body.text, declared=body.declared))
        return JSONResponse(seen.to_json(public=not known))

    @router.post("/batch", summary="Many texts, one a line", openapi_extra=_LINES)
    async def detect_batch(request: Request) -> StreamingResponse:
        """JSON Lines in, JSON Lines out, in order and as they are done: each with `line`, `done`, `of` and either
        `report` or `error`; the last line counts the verdicts. Of strangers, each text counts against the limit.
        """
        lines = [line for line in (await bounded_body(request, limit)).splitlines() if line.strip()]
        if not lines:
            raise ApiError(422, "the batch is empty: send one JSON object a line", code="invalid_value")
        known = callers.is_known(request.headers.get("authorization", ""))

        async def answers() -> AsyncIterator[bytes]:
            counts: Counter[str] = Counter()
            for number, line in enumerate(lines, 1):
                row: dict[str, Any] = {"line": number, "done": number, "of": len(lines)}
                try:
                    body = _parsed(BatchLine, line)
                    row["id"] = body.id
                    if not known:
                        callers.charge(request)
                    submission = Submission(text=body.text, declared=body.declared)
                    seen = await asyncio.to_thread(examine, house.panel, submission, house.pinned_keys)
                    row["report"] = seen.to_json(public=not known)
                    counts[seen.report.verdict] += 1
                except ApiError as error:
                    row["error"] = orjson.loads(error.body())["error"]
                    counts["errors"] += 1
                yield orjson.dumps(row) + b"\n"
            yield orjson.dumps({"summary": {"lines": len(lines), **counts}}) + b"\n"

        return StreamingResponse(answers(), media_type="application/jsonl")

    @router.post("/report", summary="A signed report of a text or file", openapi_extra=_FILE)
    async def signed_report(
        request: Request,
        kind: Annotated[Literal["json", "pdf"], Query(alias="format")] = "json",
        lang: Literal["zh", "en"] = "zh",
    ) -> Response:
        """Takes what `/detect` (JSON) or `/detect/file` (form) takes; gives the report with the hash of what was
        examined, the time and the versions, signed. `?format=pdf&lang=en`: for people, with the JSON attached.
        """
        raw, content_type = await bounded_body(request, limit), request.headers.get("content-type", "")
        if is_form(content_type):
            submission = submission_of(raw, content_type)
        else:
            body = _parsed(DetectRequest, raw)
            submission = Submission(text=body.text, declared=body.declared)
        seen, known = await examined(request, submission)
        signed = signed_by(house, seen, public=not known)
        headers = {
            "content-disposition": f'attachment; filename="inkseal-report.{kind}"',
            "cache-control": "no-store",
        }
        if kind == "pdf":
            made = await asyncio.to_thread(report_pdf, signed, lang)
            return Response(made, media_type="application/pdf", headers=headers)
        return JSONResponse(signed, headers=headers)

    @router.post("/report/verify", summary="Is this report ours and unaltered?")
    async def verify(request: Request) -> dict[str, Any]:
        """Takes a signed report in JSON."""
        raw = await bounded_body(request, limit)
        return {"valid": verify_report(raw, house.report_key.public_key())}

    return router


_Model = TypeVar("_Model", bound=BaseModel)


def _parsed(model: type[_Model], raw: bytes) -> _Model:
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ApiError(
            422, f"{place or 'the body'}: {first['msg']}", param=place or None, code="invalid_value"
        ) from error
