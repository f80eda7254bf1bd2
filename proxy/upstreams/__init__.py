"""Upstreams 上游: the model servers behind the proxy. A new kind is one file and one line of the table here."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from proxy.upstreams.local import Local
from proxy.upstreams.openai_compatible import OpenAICompatible
from proxy.upstreams.scripted import Scripted
from proxy.upstreams.upstream import (
    ErrorKind,
    TimeLimits,
    Upstream,
    UpstreamError,
    UpstreamRequest,
    UpstreamResponse,
    UpstreamSettings,
)

__all__ = [
    "KINDS",
    "ErrorKind",
    "TimeLimits",
    "Upstream",
    "UpstreamError",
    "UpstreamRequest",
    "UpstreamResponse",
    "UpstreamSettings",
    "build",
]

KINDS: dict[str, Callable[[UpstreamSettings], Upstream]] = {
    "local": Local,
    "openai_compatible": OpenAICompatible,
    "scripted": Scripted.from_settings,
}


def build(settings: UpstreamSettings) -> Upstream:
    """The upstream that one entry of the settings asks for; a third party's is written "package.module:Name".

    Raises ValueError for an unknown kind or settings that the kind cannot work with.
    """
    make = KINDS.get(settings.kind)
    if make is None:
        module, _, attribute = settings.kind.partition(":")
        if not attribute:
            known = ", ".join(KINDS)
            raise ValueError(f"upstream {settings.name!r}: unknown kind {settings.kind!r}; known: {known}")
        try:
            make = getattr(import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise ValueError(f"upstream {settings.name!r}: kind {settings.kind!r}: {error}") from error
    return make(settings)
