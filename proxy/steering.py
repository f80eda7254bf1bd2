"""Which statistical mark an answer gets: from the rules of the tenant, what the upstream can, and the request.

What upstreams can is declared, known of their kind, or found out in the background once the server has started;
until then, and wherever a scheme cannot work, answers go out unmarked and the record says why.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engines.sending import members
from labelers.provenance import KeyRing, Provenance
from labelers.watermarks.best_of_n import BestOfN, Selection
from labelers.watermarks.engine import Engine
from labelers.watermarks.green_list import PAIRS, GreenList, biases
from labelers.watermarks.logprob_walk import LogprobWalk
from labelers.watermarks.pairs import table
from labelers.watermarks.substitution import Substitution
from labelers.watermarks.units import epoch_prf
from proxy.errors import ApiError
from proxy.fallback import RouteSettings
from proxy.policy import Rules
from proxy.sampling import Sampled, Steering, cannot_bias, cannot_draw, cannot_drive, cannot_reword
from proxy.settings import UpstreamSettings
from proxy.tokenizing import FileTokenizer
from proxy.tokens import single_tokens
from proxy.upstreams import Upstream, UpstreamError
from proxy.upstreams import UpstreamSettings as AnyUpstream
from proxy.upstreams.capabilities import Capabilities, Choice, choose_scheme, draws_tokens
from proxy.upstreams.probe import KNOWN, declared, probe
from proxy.upstreams.tokenize import ask_tokens

__all__ = ["StatisticalMarks"]

log = logging.getLogger("inkseal")

EXPLORE_AGAIN = 60.0
GENERATING = ("/chat/completions", "/completions", "/responses")


@dataclass(slots=True)
class StatisticalMarks:
    """The statistical marks of one worker. `can`: what each upstream is known to be able to do, by name; `ids`: the
    token ids there of the words that green_list may favour; `runs_code`: the upstreams that run what a request brings;
    `tokenizers`: those that the detector reads by.
    """

    schemes: dict[str, BestOfN | LogprobWalk] = field(default_factory=dict)
    engines: dict[str, Engine] = field(default_factory=dict)
    greens: dict[str, GreenList] = field(default_factory=dict)
    ids: dict[str, dict[str, int]] = field(default_factory=dict)
    can: dict[str, Capabilities] = field(default_factory=dict)
    unknown: dict[str, UpstreamSettings] = field(default_factory=dict)
    rewording: Substitution | None = None
    runs_code: set[str] = field(default_factory=set)
    tokenizers: frozenset[str] = frozenset()
    _rounds: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    _biases: dict[tuple[str, str, int], dict[str, float]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        ring: KeyRing,
        rules: Iterable[Rules],
        upstreams: Iterable[UpstreamSettings],
        tokenizers: Iterable[str] = (),
    ) -> StatisticalMarks:
        """For the rules of all tenants; upstreams of which nobody asks anything stay unexplored."""
        upstreams = list(upstreams)
        marks = cls(
            runs_code={one.name for one in upstreams if one.capabilities.engine == "sglang"},
            tokenizers=frozenset(tokenizers),
        )
        wanted = [one for one in rules if one.statistical.scheme != "none"]
        for one in wanted:
            settings = one.statistical
            marks.engines[one.tenant] = Engine(ring, settings.draw == "tournament", settings.payload)
            if settings.scheme == "green_list":
                marks.greens[one.tenant] = GreenList(ring, settings.green_bias)
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

    def check(self, routes: Iterable[RouteSettings], body: Mapping[str, Any]) -> None:
        """Callers must not send code to an engine that runs what comes with a request. Raises ApiError (400)."""
        if (
            any(one.name in self.runs_code for one in routes)
            and body.get("custom_logit_processor") is not None
        ):
            raise ApiError(
                400,
                "custom_logit_processor is code that the model server would run; only this service sends one",
                param="custom_logit_processor",
                code="engine_code",
            )

    def steer(
        self, rules: Rules, route: RouteSettings, path: str, body: Mapping[str, Any], first: Provenance
    ) -> Steering | None:
        """How to drive this request; None where no mark is wanted. `sampled.unmarked` says why it is not driven.

        `first`: of the first choice, which an engine's mark names for all choices.
        """
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
        added: dict[str, Any] = {}
        if choice.scheme in ("best_of_n", "logprob_walk"):
            reason = cannot_drive(path, body, can)
        elif choice.scheme in ("engine", "green_list"):
            reason, added = self._add(choice.scheme, rules, upstream, path, body, first)
        if reason and choice.scheme in ("best_of_n", "engine") and settings.scheme == "auto":
            choice = Choice("substitution", reason)
        if choice.scheme == "substitution":
            reason = cannot_reword(body)
        sampled.scheme, sampled.why = choice.scheme or settings.scheme, choice.why
        sampled.unmarked = reason
        if route.trusted_labels:
            sampled.unmarked, added = "the upstream labels and marks its own answers", {}
        rounds = self._rounds.get(upstream)
        if rounds is None:
            rounds = self._rounds[upstream] = asyncio.Semaphore(settings.rounds_at_once)
        reworded = choice.scheme == "substitution" and not sampled.unmarked
        rewording = self.rewording if reworded else None
        by_tokens = draws_tokens(upstream, can, self.tokenizers)
        return Steering(self.schemes[rules.tenant], can, rounds, sampled, rewording, added, by_tokens)

    def _add(
        self,
        scheme: str,
        rules: Rules,
        upstream: str,
        path: str,
        body: Mapping[str, Any],
        first: Provenance,
    ) -> tuple[str, dict[str, Any]]:
        """What the request to the upstream is told besides; else why nothing."""
        if scheme == "engine":
            if reason := cannot_draw(path, body):
                return reason, {}
            engine = self.engines[rules.tenant]
            kind = self.can[upstream].engine
            key, says = engine.key(rules.key_id), engine.message(first)
            return "", members(kind, key, engine.tournament, body, says)
        if reason := cannot_bias(path, body):
            return reason, {}
        if upstream not in self.ids:
            return "the tokens of the words that may be favoured are not known yet", {}
        green = self.greens[rules.tenant]
        found = (rules.tenant, upstream, rules.key_id)
        if found not in self._biases:
            words, limit = green.words(rules.key_id), self.can[upstream].logit_bias
            self._biases[found] = biases(words, self.ids[upstream], green.bias, limit)
        return "", {"logit_bias": self._biases[found]}

    @property
    def curious(self) -> bool:
        """Whether there is something left to ask an upstream."""
        return bool(self.unknown or self._uncut())

    def _uncut(self) -> list[str]:
        """The upstreams whose tokens green_list needs and does not know."""
        return [
            name for name, can in self.can.items() if self.greens and can.tokenizer and name not in self.ids
        ]

    async def _ask_ids(self, settings: AnyUpstream, upstream: Upstream) -> None:
        words = [word for pair in PAIRS for word in pair]
        tokenizer = self.can[settings.name].tokenizer
        if tokenizer.endswith(".json"):
            try:
                own = await asyncio.to_thread(FileTokenizer, Path(tokenizer))
            except ValueError as error:
                log.warning("upstream %s: its tokenizer: %s", settings.name, error)
                return
            self.ids[settings.name] = own.single_tokens(words)
            return
        if tokenizer != "upstream":
            self.ids[settings.name] = await asyncio.to_thread(single_tokens, tokenizer, words)
            return
        model = next((name for name in settings.models if "*" not in name and "?" not in name), None)
        try:
            # Words in lines: none of them is cut otherwise for its neighbours.
            tokens = await ask_tokens(upstream, "".join(f"\n{word}" for word in words), model)
        except (UpstreamError, ValueError, KeyError, TypeError) as error:
            log.warning("upstream %s: its /tokenize does not answer: %s", settings.name, error)
            return
        known = {spelt: at for at, spelt in tokens}
        ids = {word: known[word.encode()] for word in words if word.encode() in known}
        self.ids[settings.name] = ids
        log.info("upstream %s: %d of %d words are one token", settings.name, len(ids), len(words))

    async def explore(self, upstreams: Sequence[tuple[AnyUpstream, Upstream]]) -> None:
        """Asks the upstreams that something is not known of, again and again until each has answered."""
        while self.curious:
            for settings, upstream in upstreams:
                asked = self.unknown.get(settings.name)
                if asked is not None:
                    found = await probe(upstream, asked.models, asked.capabilities)
                    if found.answered:
                        del self.unknown[settings.name]
                        self.can[settings.name] = found.can
                        log.info("upstream %s: %s", settings.name, "; ".join(found.notes))
                if settings.name in self._uncut():
                    await self._ask_ids(settings, upstream)
            if self.curious:
                await asyncio.sleep(EXPLORE_AGAIN)
