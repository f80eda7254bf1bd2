"""The review and its library: `review`, `library`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from proxy.settings.section import Section

__all__ = ["Library", "Review", "SecondStage", "Webhook"]


class Rest(Section):
    """When a second stage is left alone: after so many failures in a row, for so many seconds; 0 failures: never."""

    failures: int = Field(5, ge=0)
    seconds: float = Field(10.0, gt=0)


class SecondStage(Section):
    """复审. `timeout`: seconds; `unanswered`: by pattern of the risk, of those that fit the longest."""

    by: Literal["none", "moderations", "similar"] = "none"
    upstream: str = ""
    model: str = "omni-moderation-latest"
    input: bool = True
    output: Literal["sentence", "end", "none"] = "sentence"
    categories: list[str] = ["*"]
    tags: list[str] = []
    share: float = Field(0.0, ge=0, le=1)
    timeout: float = Field(2.0, gt=0, le=60)
    confirmed: Literal["block", "flag"] = "block"
    unanswered: dict[str, Literal["block", "flag", "release"]] = {"*": "flag"}
    rest: Rest = Rest()

    @model_validator(mode="after")
    def _check(self) -> SecondStage:
        if self.by == "moderations" and not self.upstream:
            raise ValueError("upstream: by moderations needs the name of the upstream that is asked")
        if self.by == "similar" and self.share:
            raise ValueError(
                "share: by similar asks about suspicions only; similar-text entries read every text in the first stage"
            )
        if "*" not in self.unanswered:
            raise ValueError('unanswered: say what happens to all other risks ("*": block, flag or release)')
        return self


class Review(Section):
    library: Path = Path("./data/library")
    input: bool = True
    output: bool = True
    on_block: Literal["refusal", "error"] = "refusal"
    annotations: Literal["none", "azure"] = "none"
    second_stage: SecondStage = SecondStage()


class Webhook(Section):
    """Where a notice goes when something waits. `secret` signs it (HMAC-SHA256, header X-Inkseal-Signature)."""

    url: str = Field("", pattern=r"^(https?://\S+)?$")
    secret: str = ""
    repeat_hours: float = Field(24.0, gt=0)


class Library(Section):
    """The procedure of the feature library."""

    min_people: int = Field(2, ge=2, le=3)
    emergency_hours: int = Field(72, ge=1, le=72)
    budget_per_million: float = Field(1.0, ge=0)
    review_days: int = Field(7, ge=1, le=7)
    require_token: bool = False
    webhook: Webhook = Webhook()
