"""Marks and their reading: `watermarks`, `keys`, `detection`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from proxy.settings.section import Section

__all__ = ["Carrier", "Keys", "Reading", "Statistical", "Watermarks"]

_Profile = Literal["dense", "default", "light", "sparse", "final-only", "off"]


class Carrier(Section):
    """`kinds`: profiles of single kinds of content. `second`: marks in U+2061..2064 beside the others. `index`: issued
    marks are kept, for as long as records are, so that two of their grains name the answer.
    """

    enabled: bool = True
    profile: _Profile = "default"
    kinds: dict[Literal["paragraph", "list", "quote"], _Profile] = {}
    second: bool = False
    index: bool = True


class Statistical(Section):
    """`n` continuations of `k` tokens a round; `rounds_at_once` bounds them for each upstream and process.

    `draw`: how an engine that marks draws. `green_bias`: what green_list adds to log-odds.
    """

    scheme: Literal["none", "auto", "best_of_n", "logprob_walk", "substitution", "engine", "green_list"] = (
        "none"
    )
    n: int = Field(8, ge=2, le=64)
    k: int = Field(8, ge=2, le=64)
    rounds_at_once: int = Field(32, ge=1)
    payload: bool = False
    draw: Literal["gumbel", "tournament"] = "gumbel"
    green_bias: float = Field(2.0, gt=0, le=10)


class Watermarks(Section):
    """`due_above_tokens`: free text longer than this must carry a watermark; 0: none must."""

    carrier: Carrier = Carrier()
    statistical: Statistical = Statistical()
    due_above_tokens: int = Field(0, ge=0)

    @property
    def carrier_on(self) -> bool:
        return self.carrier.enabled and {self.carrier.profile, *self.carrier.kinds.values()} != {"off"}

    @model_validator(mode="after")
    def _check(self) -> Watermarks:
        if self.due_above_tokens and not self.carrier_on and self.statistical.scheme == "none":
            raise ValueError(
                f"text of more than {self.due_above_tokens} tokens must carry a watermark here (due_above_tokens), and "
                "none is switched on: switch carrier on"
            )
        return self


class Keys(Section):
    """`command`: a program and its arguments that print the master. `others`: shared keys of other providers."""

    file: Path = Path("./data/keys.json")
    command: list[str] = []
    others: list[Path] = []


class Reading(Section):
    """What the detector reads besides. `tokenizers`: vocabularies by name, `tokenizer.json` files, `upstream:NAME`."""

    tokenizers: list[str] = []
    green_list: bool = False

    @field_validator("tokenizers")
    @classmethod
    def _check(cls, tokenizers: list[str]) -> list[str]:
        for one in tokenizers:
            if not re.fullmatch(r"o200k_base|cl100k_base|upstream:.+|.*\.json", one):
                raise ValueError(
                    f"{one!r} is no tokenizer: o200k_base, cl100k_base, a tokenizer.json file, or upstream:NAME"
                )
        return tokenizers
