"""`POST /api/v1/export`: a text of this service as a file, labelled inside."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from labelers.files import MEDIA_TYPES, FileError
from labelers.locales import locale_of
from labelers.metadata import aigc_headers
from proxy.api.callers import ApiRoute
from proxy.errors import ApiError
from proxy.files.export import MAX_TEXT, NotOursError, exporter_of
from proxy.house import House
from proxy.records.record import RecordError

__all__ = ["export_router", "unrecorded"]

# Setting a long text takes a core for as long.
_WRITERS = 2


class ExportRequest(BaseModel):
    """`text`: an answer of this service in Markdown, as it came. `content_id`: its ProduceID."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
    content_id: Annotated[str, Field(pattern=r"^(?:[0-9a-fA-F]{16})?$")] = ""
    format: Literal["docx", "epub", "html", "json", "md", "pdf", "txt"]


def export_router(house: House) -> APIRouter:
    router = APIRouter(prefix="/api/v1", route_class=ApiRoute)
    writers = asyncio.Semaphore(_WRITERS)

    @router.post(
        "/export",
        summary="A text of this service as a labelled file",
        response_class=Response,
        responses={200: {"content": {kind: {} for kind in sorted(set(MEDIA_TYPES.values()))}}},
    )
    async def export(body: ExportRequest, request: Request) -> Response:
        """The file with the visible label in it and one implicit label; only for texts shown to be ours, else 422."""
        rules = house.authenticate(request.headers)
        if house.draining:
            raise ApiError(503, "this server is stopping; try again", type_="server_error", code="draining")
        house.gates[rules.tenant].enter(house.clock.monotonic())
        now, request_id = house.clock.now_ms(), house.clock.request_id()
        house.entered()
        try:
            async with writers:
                made = await exporter_of(house, rules).export(
                    body.text,
                    body.format,
                    body.content_id,
                    request_id=request_id,
                    now=now,
                    by={"tenant": rules.tenant},
                )
        except NotOursError as error:
            raise ApiError(422, str(error), param="text", code="not_ours") from None
        except FileError as error:
            raise ApiError(422, str(error), param="format", code="file_not_written") from None
        except RecordError as error:
            raise unrecorded(error) from error
        finally:
            house.left()
        hint = rules.strings[locale_of(body.text, rules.strings)].hint
        headers = dict(aigc_headers(made.fields, hint))
        headers |= {"content-disposition": f'attachment; filename="{made.name}"', "x-request-id": request_id}
        return Response(made.data, 200, headers, MEDIA_TYPES[body.format])

    return router


def unrecorded(error: RecordError) -> ApiError:
    return ApiError(
        error.status,
        "this cannot be recorded now, so it is not done; try again later",
        type_="server_error",
        code="records_unavailable",
    )
