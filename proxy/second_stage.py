"""The second stage 复审: somebody else is asked about what the feature library only suspects.

An `Inquiry` is what one exchange asks. It knows what it has been told and does not ask twice about the same
passage; a stage that gave no answer is not asked again by the same exchange, so that what it holds up is bounded by
one timeout and by the answers that came. A stage that failed several exchanges in a row is not asked by anybody for
some seconds (`proxy.breaker`). Everything asked stands in the closing record.

Source: the moderations endpoint of the OpenAI API (`input`: strings; `results`: one for each, `flagged`, `categories`).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from time import perf_counter
from typing import Any

import orjson

from proxy.breaker import SPARED, Breaker
from proxy.review.doubts import Doubts, passages_of, window
from proxy.review.entry import CATEGORIES, Action, Direction, Entry
from proxy.review.library import Library
from proxy.review.reviewer import SAMPLED, Finding
from proxy.settings import SecondStage
from proxy.suspended import waiting_for
from proxy.upstreams import Upstream, UpstreamError, UpstreamRequest

__all__ = ["Inquiry", "StageError", "moderate"]

AT_ONCE = 32  # passages in one question
MAX_ANSWER = 1024 * 1024
_UNANSWERED = {"block": Action.BLOCK, "flag": Action.FLAG, "release": Action.LOG}
# What the harms of the endpoint are among the 31 risks; its finer names begin with these.
_RISKS = {
    "harassment": "A.4.g", "hate": "A.1.e", "illicit": "A.1.h", "self-harm": "A.4.a", "sexual": "A.1.f",
    "violence": "A.1.f",
}  # fmt: skip
_OTHER = "A.1.h"
_AGAIN = "not asked again: "


class StageError(Exception):
    """The stage gave no answer that can be read. The message says why and holds no text."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the stage says of one passage; `harms`: in its own words, what it sees there; `ms`: how long it took."""

    flagged: bool
    harms: tuple[str, ...] = ()
    ms: float = 0.0


@dataclass(slots=True)
class Inquiry:
    """The questions of one exchange. `asked` is for the record, `seconds` what was spent waiting."""

    settings: SecondStage
    library: Library
    upstream: Upstream | None
    request_id: str
    breaker: Breaker
    asked: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    _known: dict[str, Verdict] = field(default_factory=dict)
    _silent: str = ""
    _failed: frozenset[str] = frozenset()
    """The passages of the question that got no answer."""
    _failed_ms: float = 0.0

    def concerns(self, entry: Entry, action: Action) -> bool:
        """Whether a finding is a suspicion that this stage is asked about."""
        wanted = self.settings
        return (
            action is Action.FLAG
            and any(fnmatchcase(entry.category, pattern) for pattern in wanted.categories)
            and (not wanted.tags or any(tag in wanted.tags for tag in entry.tags))
        )

    def doubts(self, *, sampled: bool) -> Doubts | None:
        """For the reviewers of the answer; their steps run suspended. `sampled`: for the text of a choice."""
        if self.settings.output == "none":
            return None
        sample = self._sample_output if sampled and self._in_sample() else None
        return Doubts(self.concerns, self._settle_output, self.settings.output == "sentence", sample)

    async def look_at_input(
        self, texts: Sequence[tuple[str, str]], found: Sequence[tuple[int, Finding]]
    ) -> list[Finding]:
        """The findings (each with the number of its text) as they are once the stage was asked about them.

        Where nothing was found and the request is in the sample, what users say is asked about.
        """
        settled = [finding for _, finding in found]
        if not self.settings.input:
            return settled
        doubtful = [
            (at, self.library.entry(finding.entry_id), window(texts[number][1], finding.start, finding.end))
            for at, (number, finding) in enumerate(found)
            if self.concerns(self.library.entry(finding.entry_id), finding.action)
        ]
        for at, entry, passage in await self._prepared(doubtful):
            action = await self._settle(Direction.INPUT, entry, [passage])
            settled[at] = replace(settled[at], action=action)
        if not found and self._in_sample():
            said = [
                passage for role, text in texts if role == "user" and text for passage in passages_of(text)
            ]
            told = await self._sample(Direction.INPUT, said) if said else None
            if told is not None:
                settled.append(Finding(SAMPLED, told[0], 3, told[1], SAMPLED, 0, 0, ""))
        return settled

    async def _prepared(self, doubtful: Sequence[tuple[int, Entry, str]]) -> Sequence[tuple[int, Entry, str]]:
        """The same, all of them asked about at once."""
        if self.settings.by == "moderations" and doubtful:
            await self._ask(list(dict.fromkeys(passage for _, _, passage in doubtful)))
        return doubtful

    # -- one question

    def _settle_output(self, entry: Entry, passages: Sequence[str]) -> Action:
        return waiting_for(self._settle(Direction.OUTPUT, entry, passages))

    async def _settle(self, direction: Direction, entry: Entry, passages: Sequence[str]) -> Action:
        """What is done with a suspicion."""
        if self.settings.by == "similar":
            verdict, why = self._compared(entry, passages)
        else:
            verdict, why = await self._ask(passages)
        action = self._action(verdict.flagged if verdict is not None else None, entry.category)
        self._note(direction, entry.id, entry.category, verdict, action, why)
        return action

    def _compared(self, entry: Entry, passages: Sequence[str]) -> tuple[Verdict | None, str]:
        began = perf_counter()
        near = self.library.likeness.confirms(entry, passages)
        if near is None:
            return None, "no examples to compare with"
        return Verdict(near, ms=(perf_counter() - began) * 1000), ""

    def _action(self, confirmed: bool | None, category: str) -> Action:
        if confirmed is None:
            fits = [p for p in self.settings.unanswered if fnmatchcase(category, p)]
            return _UNANSWERED[self.settings.unanswered[max(fits, key=len)]]
        return Action(self.settings.confirmed) if confirmed else Action.LOG

    def _sample_output(self, passages: Sequence[str]) -> tuple[str, Action] | None:
        return waiting_for(self._sample(Direction.OUTPUT, passages))

    async def _sample(self, direction: Direction, passages: Sequence[str]) -> tuple[str, Action] | None:
        """A text in which nothing was found. Where no answer comes nothing is suspected either: it goes out."""
        verdict, why = await self._ask(passages)
        found = verdict is not None and verdict.flagged
        category = _risk_of(verdict.harms) if verdict is not None and found else ""
        action = self._action(True, category) if found else Action.LOG
        self._note(direction, SAMPLED, category, verdict, action, why)
        return (category, action) if found else None

    def _in_sample(self) -> bool:
        """Decided by the id of the request: all of its texts, or none."""
        digest = hashlib.sha256(f"second stage|{self.request_id}".encode()).digest()
        return int.from_bytes(digest[:4]) < self.settings.share * 2**32

    def _note(
        self,
        direction: Direction,
        entry_id: str,
        category: str,
        verdict: Verdict | None,
        action: Action,
        why: str,
    ) -> None:
        answer = "none" if verdict is None else "yes" if verdict.flagged else "no"
        ms = (
            verdict.ms
            if verdict is not None
            else 0.0
            if why.startswith((_AGAIN, SPARED))
            else self._failed_ms
        )
        self.asked.append(
            {
                "direction": str(direction),
                "entry": entry_id,
                "category": category,
                "stage": self.settings.by,
                "upstream": self.upstream.name if self.upstream is not None else "",
                "answer": answer,
                "why": why,
                "harms": list(verdict.harms) if verdict is not None else [],
                "action": str(action),
                "ms": round(ms, 1),
            }
        )

    async def _ask(self, passages: Sequence[str]) -> tuple[Verdict | None, str]:
        """What the upstream says of these passages together; None, and why, where it says nothing."""
        missing = [passage for passage in passages if passage not in self._known]
        if missing and not self._silent and not self._may_ask():
            self._failed = frozenset(missing)
        elif missing and not self._silent:
            began = perf_counter()
            try:
                if self.upstream is None:
                    raise StageError(f"there is no upstream {self.settings.upstream}")
                async with asyncio.timeout(self.settings.timeout):
                    for at in range(0, len(missing), AT_ONCE):
                        some = missing[at : at + AT_ONCE]
                        verdicts = await moderate(self.upstream, self.settings.model, some)
                        ms = (perf_counter() - began) * 1000
                        self._known |= {
                            passage: replace(verdict, ms=ms)
                            for passage, verdict in zip(some, verdicts, strict=True)
                        }
                self.breaker.answered()
            except TimeoutError:
                self._silent = f"no answer within {self.settings.timeout:g} seconds"
            except StageError as error:
                self._silent = str(error)
            finally:
                spent = perf_counter() - began
                self.seconds += spent
                if self._silent:
                    self.breaker.failed()
                else:
                    self.breaker.left()
            if self._silent:
                self._failed, self._failed_ms = frozenset(missing), spent * 1000
        elif missing and not all(passage in self._failed for passage in missing):
            return None, self._silent if self._silent.startswith(SPARED) else f"{_AGAIN}{self._silent}"
        if any(passage not in self._known for passage in passages):
            return None, self._silent
        said = [self._known[passage] for passage in passages]
        harms = sorted({harm for verdict in said for harm in verdict.harms})
        return Verdict(any(v.flagged for v in said), tuple(harms), max(v.ms for v in said)), ""

    def _may_ask(self) -> bool:
        """Whether the breaker lets this exchange ask; what stands in the record if not."""
        rest = self.settings.rest
        if self.breaker.lets(rest.failures, rest.seconds):
            return True
        self._silent = f"{SPARED}{self.breaker.failed_in_a_row} failures in a row"
        return False


def _risk_of(harms: Sequence[str]) -> str:
    """The risk of what the stage names: by its own word if that is one of the 31, else the nearest."""
    for harm in harms:
        if harm in CATEGORIES:
            return harm
    return next(
        (_RISKS[harm.partition("/")[0]] for harm in harms if harm.partition("/")[0] in _RISKS), _OTHER
    )


async def moderate(upstream: Upstream, model: str, passages: Sequence[str]) -> list[Verdict]:
    """One question to `/v1/moderations`. StageError for whatever is not an answer to it."""
    body = orjson.dumps({"model": model, "input": list(passages)})
    headers = [("content-type", "application/json"), ("accept", "application/json")]
    try:
        async with upstream.open(UpstreamRequest("POST", "/moderations", headers, body)) as response:
            if response.status != 200:
                raise StageError(f"status {response.status}")
            raw = b""
            async for piece in response.body:
                raw += piece
                if len(raw) > MAX_ANSWER:
                    raise StageError(f"an answer of more than {MAX_ANSWER} bytes")
    except UpstreamError as error:
        raise StageError(error.kind) from error
    return _verdicts(raw, len(passages))


def _verdicts(raw: bytes, wanted: int) -> list[Verdict]:
    try:
        answer = orjson.loads(raw)
    except ValueError as error:
        raise StageError("an answer that is not JSON") from error
    results = answer.get("results") if type(answer) is dict else None
    if type(results) is not list or len(results) != wanted:
        raise StageError("an answer without one result for each passage")
    return [_verdict(result) for result in results]


def _verdict(result: Any) -> Verdict:
    if type(result) is not dict or type(result.get("flagged")) is not bool:
        raise StageError("a result that does not say whether it is flagged")
    named: Mapping[str, Any] = result["categories"] if type(result.get("categories")) is dict else {}
    harms = tuple(sorted(str(name)[:64] for name, seen in named.items() if seen is True))[:32]
    return Verdict(result["flagged"], harms)
