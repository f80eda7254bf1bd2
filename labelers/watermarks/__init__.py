"""Watermark schemes: one file each, and the table of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol, TypeVar

from labelers.provenance import Provenance
from labelers.transform import TextTransform
from labelers.watermarks.best_of_n import BestOfN
from labelers.watermarks.carrier import CarrierScheme
from labelers.watermarks.engine import Engine
from labelers.watermarks.green_list import GreenList
from labelers.watermarks.logprob_walk import LogprobWalk
from labelers.watermarks.substitution import Substitution

__all__ = ["SCHEMES", "WatermarkScheme"]

Body = TypeVar("Body")


class WatermarkScheme(Protocol):
    """Writes one kind of mark into generated text. Shared between requests; its transforms are not."""

    name: str

    def mark_request(self, body: Body) -> Body:
        """The request as the model should get it; the identity for carriers."""
        ...

    def new_transform(self, provenance: Provenance) -> TextTransform:
        """The state of marking one text."""
        ...


SCHEMES: Mapping[str, Callable[..., WatermarkScheme]] = MappingProxyType(
    {
        "best_of_n": BestOfN,
        "carrier": CarrierScheme,
        "engine": Engine,
        "green_list": GreenList,
        "logprob_walk": LogprobWalk,
        "substitution": Substitution,
    }
)
