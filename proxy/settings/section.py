"""What every section of the settings has in common, and how one lies on another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

__all__ = ["Section", "overlaid"]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def overlaid(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `over` on it, section by section; lists are replaced whole."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = overlaid(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
