"""`/v1/models`: what the upstreams offer, as far as it is open to the caller."""

from __future__ import annotations

import fnmatch
from typing import Any

import orjson

from proxy.errors import ApiError
from proxy.house import House
from proxy.policy import Rules
from proxy.upstreams import Upstream, UpstreamError, UpstreamRequest, UpstreamSettings

__all__ = ["list_models"]


async def list_models(house: House, rules: Rules, wanted: str = "") -> dict[str, Any]:
    """The list object, or the one model object `wanted`. Raises ApiError (404, 502)."""
    models: dict[str, dict[str, Any]] = {}
    answered = False
    for settings, upstream in house.upstreams:
        offered = await _offered(upstream)
        answered = answered or offered is not None
        for model in [*(offered or ()), *_named(settings)]:
            name = model["id"]
            if _any(name, settings.models) and _any(name, rules.models):
                models.setdefault(name, model)
    if wanted:
        if wanted not in models:
            raise ApiError(
                404,
                f"the model {wanted!r} does not exist or is not open to this key",
                param="model",
                code="model_not_found",
            )
        return models[wanted]
    if not answered and not models:
        raise ApiError(502, "no model server answered", type_="upstream_error", code="upstream_error")
    return {"object": "list", "data": list(models.values())}


def _any(name: str, patterns: object) -> bool:
    return isinstance(patterns, list | tuple) and any(
        fnmatch.fnmatchcase(name, pattern) for pattern in patterns
    )


def _named(settings: UpstreamSettings) -> list[dict[str, Any]]:
    """Models that the settings name outright, for upstreams that list none."""
    return [
        {"id": name, "object": "model", "created": 0, "owned_by": settings.name}
        for name in settings.models
        if not any(c in name for c in "*?[")
    ]


async def _offered(upstream: Upstream) -> list[dict[str, Any]] | None:
    try:
        async with upstream.open(UpstreamRequest("GET", "/models", (), b"")) as response:
            raw = b"".join([part async for part in response.body])
    except UpstreamError:
        return None
    if response.status != 200:
        return None
    try:
        data = orjson.loads(raw)["data"]
        return [model for model in data if isinstance(model, dict) and isinstance(model.get("id"), str)]
    except (ValueError, KeyError, TypeError):
        return None
