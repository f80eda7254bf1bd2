"""Endpoints whose input alone is text: every string of it is found, and nothing of it is changed."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.errors import ApiError
from proxy.wire.inputs import InputEndpoint


def decode(model: str, tokens: Any) -> str:
    return f"{model}:{','.join(map(str, tokens))}"


ENDPOINT = InputEndpoint("/embeddings", "input", decode)
USUAL = InputEndpoint("/moderations", "input", decode, "usual")
PICTURE = "data:image/png;base64,AAAA"


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("春", ["春"]),
        (["春", "江"], ["春", "江"]),
        ([1, 2], ["m:1,2"]),
        ([[1], [2, 3]], ["m:1", "m:2,3"]),
        ([], []),
        (None, []),
        (
            [{"type": "text", "text": "春"}, {"type": "text", "text": "江"}],
            ["text", "春", "text", "江", "春江"],
        ),
        ([{"type": "image_url", "image_url": {"url": PICTURE}}], ["image_url"]),
        ([{"type": "image_url", "image_url": {"url": "http://春"}}], ["image_url", "http://春"]),
    ],
)
def test_every_form_of_an_input_is_read(value: Any, read: list[str]) -> None:
    body = {"model": "m", "input": value, "user": "u"}
    found = list(ENDPOINT.texts(body))
    assert [text for role, text in found if role == "user"] == read
    assert found[-1] == ("request", "m\nu")


def test_the_usual_model_is_meant_where_none_is_named() -> None:
    USUAL.check({"input": "x"})
    assert USUAL.asks({"input": "x"}).model == "usual"
    assert USUAL.asks({"input": "x", "model": "m"}).model == "m"
    assert next(iter(USUAL.texts({"input": [1]}))) == ("user", "usual:1")
    asked = ENDPOINT.asks({"model": "m", "input": ["春", "江"], "stream": True})
    assert (asked.streamed, asked.n, asked.last_user) == (False, 1, "春\n江")


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [(ENDPOINT, {}), (ENDPOINT, {"model": ""}), (USUAL, {"model": 3}), (USUAL, {"model": ""})],
)
def test_a_model_that_is_none_is_refused(endpoint: InputEndpoint, body: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as caught:
        endpoint.check(body)
    assert (caught.value.status, caught.value.param) == (400, "model")


def test_inputs_are_forwarded_as_they_are() -> None:
    assert ENDPOINT.history({"input": "春\ufe01江"}, lambda text: "", lambda text: "") == {}
