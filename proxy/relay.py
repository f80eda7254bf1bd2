"""Paths that are relayed unreviewed, on the operator's word."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["is_relayed"]


def is_relayed(path: str, listed: Sequence[str]) -> bool:
    """Whether `path` is one of `listed`, or begins with one that ends in `*`."""
    return any(path.startswith(entry[:-1]) if entry.endswith("*") else path == entry for entry in listed)
