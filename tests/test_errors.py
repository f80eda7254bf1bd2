"""Errors that reach a client have OpenAI's shape, with the status and headers on them."""

from __future__ import annotations

import json

import httpx
import openai
import pytest

from proxy.errors import ApiError, WireError, error_body


def test_an_error_object_has_all_four_keys() -> None:
    assert error_body("m", "t", None, None) == {
        "error": {"message": "m", "type": "t", "param": None, "code": None}
    }
    assert error_body("m", "t", "p", "c")["error"] == {"message": "m", "type": "t", "param": "p", "code": "c"}


def test_an_api_error_is_told_as_json() -> None:
    error = ApiError(
        400, "春 is bad", param="n", code="invalid_value", headers=(("x-should-retry", "false"),)
    )
    assert json.loads(error.body()) == error_body("春 is bad", "invalid_request_error", "n", "invalid_value")
    assert (str(error), error.status, error.headers) == ("春 is bad", 400, (("x-should-retry", "false"),))


def test_what_is_not_given_has_a_default() -> None:
    error = ApiError(404, "m")
    assert (error.type, error.param, error.code, error.headers) == ("invalid_request_error", None, None, ())
    assert (
        json.loads(ApiError(401, "m", type_="authentication_error").body())["error"]["type"]
        == "authentication_error"
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (502, openai.InternalServerError),
    ],
)
def test_the_official_sdk_reads_code_param_and_type(status: int, kind: type[openai.APIStatusError]) -> None:
    error = ApiError(status, "why", type_="t", param="p", code="c")

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(
            error.status, content=error.body(), headers={"content-type": "application/json"}
        )

    http = httpx.Client(transport=httpx.MockTransport(answer))
    client = openai.OpenAI(base_url="http://proxy/v1", api_key="k", max_retries=0, http_client=http)  # type: ignore[arg-type]
    with client, pytest.raises(kind) as raised:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
    assert (raised.value.code, raised.value.param, raised.value.type) == ("c", "p", "t")
    assert "why" in str(raised.value)


def test_a_wire_error_is_no_api_error() -> None:
    assert not issubclass(WireError, ApiError)
    assert str(WireError("not JSON")) == "not JSON"
