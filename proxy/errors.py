"""The few errors of ours that reach a client, each with its HTTP answer on it."""

from __future__ import annotations

from typing import Any

import orjson

__all__ = ["ApiError", "WireError", "error_body"]


def error_body(message: str, type_: str, param: str | None, code: str | None) -> dict[str, Any]:
    """The error object of the OpenAI API; all four keys are always there."""
    return {"error": {"message": message, "type": type_, "param": param, "code": code}}


class ApiError(Exception):
    """A request that is refused: an OpenAI-shaped error with its status and headers.

    `inner`: what Azure's clients look for in `innererror`.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type_: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        inner: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = type_
        self.param = param
        self.code = code
        self.headers = headers
        self.inner = inner

    def body(self) -> bytes:
        body = error_body(str(self), self.type, self.param, self.code)
        if self.inner is not None:
            body["error"]["innererror"] = self.inner
        return orjson.dumps(body)


class WireError(Exception):
    """The upstream's bytes are not what they claim to be; what cannot be read is not delivered."""
