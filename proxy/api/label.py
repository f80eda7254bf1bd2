"""`POST /api/v1/label`: a platform labels a file that it spreads (标识办法 art. 6)."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from labelers.files import MEDIA_TYPES, FileError
from labelers.metadata import aigc_headers
from labelers.provenance import Provenance, content_number
from proxy.api.callers import ApiRoute
from proxy.api.export import unrecorded
from proxy.errors import ApiError
from proxy.examination import Submission, examine
from proxy.files.api import flag, upload
from proxy.files.bounded import embed_bounded
from proxy.files.label import CLAIMS, EvidenceError, decide, label_record
from proxy.house import House, iso_time
from proxy.records.record import Record, RecordError

__all__ = ["label_router"]

_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "propagator"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "propagator": {"type": "string", "description": "name or 27-character code"},
                        "as": {"type": "string", "enum": [*CLAIMS, ""], "default": ""},
                        "number": {
                            "type": "string",
                            "description": "the propagator's number; else one is made",
                        },
                        "declared": {"type": "boolean", "default": False},
                    },
                }
            }
        },
    }
}


def label_router(house: House) -> APIRouter:
    router = APIRouter(prefix="/api/v1", route_class=ApiRoute)

    @router.post("/label", summary="Label a file you spread", openapi_extra=_FORM, response_class=Response)
    async def label(request: Request) -> Response:
        """The file with its propagation elements. `X-AIGC` says the label, `X-AIGC-Hint` what to show beside the content.

        The evidence decides which label it is; 409 if that is not the one asked for, or none.
        """
        rules = house.authenticate(request.headers)
        house.gates[rules.tenant].enter(house.clock.monotonic())
        now, request_id = house.clock.now_ms(), house.clock.request_id()
        data, name, fields = await upload(request, house.settings.server.max_body_bytes)
        claim, declared = fields.get("as", ""), flag(fields, "declared")
        if claim not in ("", *CLAIMS):
            raise ApiError(400, f"as is one of {', '.join(CLAIMS)}", param="as", code="invalid_value")
        propagator = fields.get("propagator", "")
        number = (
            fields.get("number") or Provenance("", content_number(now, house.clock.random24())).content_id
        )
        seen = await asyncio.to_thread(
            examine, house.panel, Submission(data=data, name=name, declared=declared), house.pinned_keys
        )
        assert seen.reading is not None  # a file was given
        try:
            labelling = decide(seen.reading, seen.report, claim=claim, propagator=propagator, number=number)
            made = await asyncio.to_thread(embed_bounded, data, name, labelling.fields)
            about = {"tenant": rules.tenant, "declared": declared, **label_record(labelling, data, made)}
            await house.records.append(Record("label", request_id, number, "", iso_time(now), "", about))
        except FileError as error:
            raise ApiError(422, str(error), param="file", code="file_not_written") from None
        except EvidenceError as error:
            raise ApiError(409, str(error), param="as", code="label_not_supported") from None
        except RecordError as error:
            raise unrecorded(error) from error
        except ValueError as error:
            raise ApiError(400, str(error), code="invalid_value") from None
        hint = " ".join(labelling.shown)
        x_aigc, x_hint = aigc_headers(labelling.fields, hint)[:2]
        headers = dict((x_aigc, x_hint)) | {"x-request-id": request_id}
        return Response(made, 200, headers, MEDIA_TYPES[seen.reading.format])

    return router
