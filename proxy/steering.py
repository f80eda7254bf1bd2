"""Which statistical mark an answer gets: from the rules of the tenant, what the upstream can, and the request.

What upstreams can is declared, known of their kind, or found out in the background once the server has started;
until then, and wherever a scheme cannot work, answers go out unmarked and the record says why.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labelers.provenance import KeyRing
from labelers.watermarks.best_of_n import BestOfN, Selection
from labelers.watermarks.logprob_walk import LogprobWalk
from labelers.watermarks.pairs import table
from labelers.watermarks.substitution import Substitution
from labelers.watermarks.units import epoch_prf
from proxy.fallback import RouteSettings
from proxy.policy import Rules
from proxy.sampling import Sampled, Steering, cannot_drive, cannot_reword
from proxy.settings import UpstreamSettings
from proxy.upstreams import Upstream
from proxy.upstreams import UpstreamSettings as AnyUpstream
from proxy.upstreams.capabilities import Capabilities, Choice, choose_scheme
from proxy.upstreams.probe import KNOWN, declared, probe

__all__ = ["StatisticalMarks"]

log = logging.getLogger("inkseal")

EXPLORE_AGAIN = 60.0
GENERATING = ("/chat/completions", "/completions", "/responses")


@dataclass(slots=True)
class StatisticalMarks:
    """The statistical marks of one worker. `can`: what each upstream is known to be able to do, by name."""

    schemes: dict[str, BestOfN | LogprobWalk] = field(default_factory=dict)
    can: dict[str, Capabilities] = field(default_factory=dict)
    unknown: dict[str, UpstreamSettings] = field(default_factory=dict)
    rewording: Substitution | None = None
    _rounds: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    @classmethod
    def of(
        cls, ring: KeyRing, rules: Iterable[Rules], upstreams: Iterable[UpstreamSettings]
    ) -> StatisticalMarks:
        """For the rules of all tenants; upstreams of which nobody asks anything stay unexplored."""
        marks = cls()
        wanted = [one for one in rules if one.statistical.scheme != "none"]
        for one in wanted:
            settings = one.statistical
            walks = settings.scheme == "logprob_walk"
            marks.schemes[one.tenant] = (
                LogprobWalk(ring, settings.k, settings.payload)
                if walks
                else BestOfN(ring, settings.n, settings.k, settings.payload)
            )
        if not wanted:
            return marks
        marks.rewording = Substitution(ring)
        Selection(epoch_prf(ring, ring.current)).choose(
            [table().pairs[0].words[0]]
        )  # tables made now, not in a request
        for upstream in upstreams:
            known = declared(upstream.capabilities, KNOWN.get(upstream.kind))
            if known is not None:
                marks.can[upstream.name] = known
            else:
                marks.unknown[upstream.name] = upstream
        return marks

    def steer(
        self, rules: Rules, route: RouteSettings, path: str, body: Mapping[str, Any]
    ) -> Steering | None:
        """How to drive this request; None where no mark is wanted. `sampled.unmarked` says why it is not driven."""
        settings = rules.statistical
        if settings.scheme == "none" or path not in GENERATING:
            return None
        sampled = Sampled(settings.scheme)
        upstream = route.name
        can = self.can.get(upstream, Capabilities())
        choice = choose_scheme(settings.scheme, can)
        if upstream not in self.can:
            choice = Choice(choice.scheme, "what the upstream can do is not known yet")
        reason = choice.why
        if choice.scheme in ("best_of_n", "logprob_walk"):
            reason = cannot_drive(path, body, can)
        if reason and choice.scheme == "best_of_n" and settings.scheme == "auto":
            choice = Choice("substitution", reason)
        if choice.scheme == "substitution":
            reason = cannot_reword(body)
        sampled.scheme = choice.scheme or settings.scheme
        sampled.unmarked = reason
        if route.trusted_labels:
            sampled.unmarked = "the upstream labels and marks its own answers"
        rounds = self._rounds.get(upstream)
        if rounds is None:
            rounds = self._rounds[upstream] = asyncio.Semaphore(settings.rounds_at_once)
        reworded = choice.scheme == "substitution" and not sampled.unmarked
        return Steering(
            self.schemes[rules.tenant], can, rounds, sampled, self.rewording if reworded else None
        )

    async def explore(self, upstreams: Sequence[tuple[AnyUpstream, Upstream]]) -> None:
        """Asks the upstreams that nothing is known of, again and again until each has answered."""
        while self.unknown:
            for settings, upstream in upstreams:
                asked = self.unknown.get(settings.name)
                if asked is None:
                    continue
                found = await probe(upstream, asked.models, asked.capabilities)
                if found.answered:
                    del self.unknown[settings.name]
                    self.can[settings.name] = found.can
                    log.info("upstream %s: %s", settings.name, "; ".join(found.notes))
            if self.unknown:
                await asyncio.sleep(EXPLORE_AGAIN)
