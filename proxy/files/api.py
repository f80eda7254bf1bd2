"""`/api/v1`, for files: where one comes from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from proxy.api.callers import Callers
from proxy.errors import ApiError
from proxy.examination import Submission, examine
from proxy.house import House

__all__ = ["files_router", "flag", "upload"]

_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "declared": {"type": "boolean", "default": False},
                    },
                }
            }
        },
    }
}


def files_router(house: House, callers: Callers) -> APIRouter:
    """`callers`: the door shared with the detector of texts."""
    router = APIRouter(prefix="/api/v1")

    @router.post("/detect/file", summary="Where does this file come from?", openapi_extra=_UPLOAD)
    async def detect_file(request: Request) -> Response:
        """The report of a text, with `file`: format, implicit labels as they stand, and what breaks which clause."""
        try:
            known = callers.admit(request)
            data, name, fields = await upload(request, house.settings.server.max_body_bytes)
            declared = flag(fields, "declared")
            seen = await asyncio.to_thread(
                examine, house.panel, Submission(data=data, name=name, declared=declared), house.pinned_keys
            )
        except ApiError as error:
            return refused(error)
        return JSONResponse(seen.to_json(public=not known))

    return router


def refused(error: ApiError) -> Response:
    return Response(error.body(), error.status, dict(error.headers), "application/json")


async def upload(request: Request, most: int) -> tuple[bytes, str, dict[str, str]]:
    """The bytes and the name of the one file in a multipart body, and the other fields. Raises ApiError.

    `most`: bytes of the whole body; a larger one is refused without being read to its end.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise ApiError(
            415, "send the file as multipart/form-data, in a part named 'file'", code="unsupported_media_type"
        )
    try:
        parser = MultiPartParser(request.headers, _capped(request, most), max_files=1, max_fields=16)
        parser.spool_max_size = most  # in memory: what is handed in never touches the disk
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise ApiError(400, f"the multipart body is malformed: {error}", code="invalid_multipart") from None
    file = form.get("file")
    try:
        if not isinstance(file, UploadFile):
            raise ApiError(
                400,
                "the body has no part named 'file' with a file name",
                param="file",
                code="missing_required_parameter",
            )
        return await file.read(), file.filename or "", {k: v for k, v in form.items() if isinstance(v, str)}
    finally:
        await form.close()


async def _capped(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise ApiError(413, f"the request body is larger than {most} bytes", code="body_too_large")
        yield chunk


def flag(fields: dict[str, str], name: str) -> bool:
    """A yes or no of a form. Raises ApiError (400)."""
    value = fields.get(name, "").lower()
    if value not in ("", "true", "false", "1", "0"):
        raise ApiError(400, f"{name} is true or false, not {value[:20]!r}", param=name, code="invalid_value")
    return value in ("true", "1")
