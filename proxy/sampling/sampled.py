"""What marking one answer takes, and what it took."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labelers.watermarks.best_of_n import BestOfN
from labelers.watermarks.logprob_walk import LogprobWalk
from labelers.watermarks.substitution import Substitution
from proxy.upstreams.capabilities import Capabilities

__all__ = ["Sampled", "Steering"]


@dataclass(slots=True)
class Sampled:
    """What driving one answer took, for the record and the AIGC object.

    `billed`: the sum of what the upstream's replies say, None where they say nothing; some servers count one continuation
    of n alone. `generated`: tokens that were written for it, all continuations together: as the replies tell, and at least
    what was asked for of each that did not end by itself.
    `kept`: tokens of what was delivered, as far as the replies tell. `unmarked`: why the answer, or the rest
    of it, is not marked. `why`: why it is this scheme.
    """

    scheme: str
    why: str = ""
    calls: int = 0
    continuations: int = 0
    billed: dict[str, int] | None = None
    generated: int = 0
    kept: int = 0
    first_chunk_ms: int = 0
    unmarked: str = ""

    def bill(self, prompt: int, completion: int) -> None:
        """One more reply that tells its usage."""
        so_far = self.billed or {"prompt_tokens": 0, "completion_tokens": 0}
        self.billed = {
            "prompt_tokens": so_far["prompt_tokens"] + prompt,
            "completion_tokens": so_far["completion_tokens"] + completion,
        }

    def fields(self) -> dict[str, Any]:
        return {
            "scheme": self.scheme,
            "why": self.why,
            "calls": self.calls,
            "continuations": self.continuations,
            "billed": self.billed and dict(self.billed),
            "generated_tokens": self.generated,
            "kept_tokens": self.kept,
            "first_chunk_ms": self.first_chunk_ms,
            "unmarked": self.unmarked or None,
        }


@dataclass(frozen=True, slots=True)
class Steering:
    """How to mark one answer: by driving the upstream in rounds, by `rewording` what it answers, or by `added` members
    of the request for that upstream alone. `by_tokens`: a walk draws tokens, because the detector can cut texts as the
    upstream's model does.
    """

    scheme: BestOfN | LogprobWalk
    can: Capabilities
    rounds: asyncio.Semaphore
    sampled: Sampled
    rewording: Substitution | None = None
    added: Mapping[str, Any] = field(default_factory=dict)
    by_tokens: bool = False

    @property
    def drives(self) -> bool:
        return self.rewording is None and not self.added and not self.sampled.unmarked
