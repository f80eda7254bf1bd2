"""Prompts and inputs as the API takes them: a string, strings, token ids, or lists of token ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from proxy.errors import ApiError

__all__ = ["Decode", "holds_tokens", "prompt_texts"]

Decode = Callable[[str, Sequence[int]], str]
"""The text of token ids for a model. Raises LookupError for an unknown model, ValueError for unknown ids."""


def holds_tokens(value: Any) -> bool:
    """Whether a prompt is made of token ids, which need the model's vocabulary to be read."""
    return type(value) is list and bool(value) and type(value[0]) in (int, list)


def prompt_texts(model: str, value: Any, decode: Decode, param: str) -> list[str]:
    """One text for each prompt in `value`. Raises ApiError (400) for what cannot be read."""
    if value is None:
        return []
    if type(value) is str:
        return [value]
    if type(value) is list and all(type(item) is str for item in value):
        return value
    if _are_tokens(value):
        value = [value]
    if type(value) is not list or not all(_are_tokens(item) for item in value):
        raise ApiError(
            400,
            f"'{param}' must be a string, an array of strings, an array of token ids, or an array of arrays of token ids",
            param=param,
            code="invalid_type",
        )
    try:
        return [decode(model, tokens) for tokens in value]
    except LookupError as error:
        raise ApiError(
            400,
            f"token ids for the model {model!r} cannot be reviewed, for its vocabulary is not known here; send text",
            param=param,
            code="unsupported_token_input",
        ) from error
    except ValueError as error:
        raise ApiError(
            400, f"'{param}' holds a token id that the model does not have", param=param, code="invalid_value"
        ) from error


def _are_tokens(value: Any) -> bool:
    return type(value) is list and bool(value) and all(type(item) is int for item in value)
