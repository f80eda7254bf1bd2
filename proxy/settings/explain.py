"""What pydantic found wrong, in words that say what to do."""

from __future__ import annotations

import difflib
from typing import Any

from pydantic import BaseModel

__all__ = ["SettingsError", "explain"]


class SettingsError(ValueError):
    """What is wrong with the settings, one line each, with place and remedy."""


def explain(error: Any, model: type[BaseModel]) -> str:
    """One of pydantic's errors (`ValidationError.errors()`) about `model`, with the nearest known name for an unknown one."""
    if error["type"] != "extra_forbidden":
        return str(error["msg"]).removeprefix("Value error, ")
    *parents, key = error["loc"]
    known = _keys_at(model, tuple(parents))
    near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(sorted(known))}"
    return f"unknown key {key!r}; {hint}"


def _keys_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    current: Any = model
    for step in loc:
        if isinstance(step, int):
            continue
        if not (isinstance(current, type) and issubclass(current, BaseModel)):
            continue
        field = current.model_fields.get(step)
        if field is None:
            return []
        current = _model_in(field.annotation) or current
    return list(current.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if (
        isinstance(annotation, type)
        and not hasattr(annotation, "__args__")
        and issubclass(annotation, BaseModel)
    ):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
