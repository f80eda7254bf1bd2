"""Model servers behind the proxy: `upstreams`."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, model_validator

from proxy.settings.section import Section

__all__ = ["Abilities", "Timeouts", "UpstreamSettings"]


class Timeouts(Section):
    """Seconds."""

    connect: float = Field(5.0, gt=0)
    first_byte: float = Field(60.0, gt=0)
    idle: float = Field(60.0, gt=0)
    total: float = Field(600.0, gt=0)


class Abilities(Section):
    """What an upstream can do. None: found out by asking, once a statistical mark needs it. `tokenizer`: a vocabulary's
    name, `upstream` (its own /tokenize) or a `tokenizer.json`.
    """

    n: int | None = Field(None, ge=1, le=128)
    prefix: Literal["none", "trailing", "continue_final_message", "prefix", "partial"] | None = None
    repeats_prefix: bool | None = None
    top_logprobs: int | None = Field(None, ge=0)
    logit_bias: int | None = Field(None, ge=0)
    engine: Literal["none", "vllm", "sglang"] | None = None
    tokenizer: str | None = Field(None, pattern=r"^(o200k_base|cl100k_base|upstream|.+\.json)$")


class UpstreamSettings(Section):
    name: str
    kind: str = Field("openai_compatible", pattern=r"^(openai_compatible|local|scripted|[\w.]+:\w+)$")
    base_url: str = ""
    api_key: str = ""
    models: list[str] = ["*"]
    timeouts: Timeouts = Timeouts()
    max_connections: int = Field(1000, ge=1)
    headers: dict[str, str] = {}
    trusted_labels: bool = False
    retries: int = Field(0, ge=0, le=5)
    capabilities: Abilities = Abilities()

    @model_validator(mode="after")
    def _check(self) -> UpstreamSettings:
        if self.kind == "openai_compatible" and not re.match(r"https?://[^/]", self.base_url):
            raise ValueError(
                "base_url: an address like http://127.0.0.1:9000/v1 is needed for kind openai_compatible"
            )
        return self
