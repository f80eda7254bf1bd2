"""Whether a text is one of ours: what may be exported under our name, and signed for.

Nobody's text gets our name by asking, and a mark that stands on other words is not enough: somebody who has one answer
of ours can write his own words between its grains. So a genuine carrier, or the caller, only *names* an answer; that the
words are those of this answer is shown by one of three, the strongest first: its record holds the digest of exactly
these words; its fingerprint holds nearly all of their groups; or the grains stand so close that the letters which they
are tied to are nearly all there are.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from detectors.panel import Panel
from labelers.explicit import strip_labels
from labelers.provenance import Provenance
from labelers.watermarks.carrier import strip_own
from proxy.records.record import CLOSED, Query, StoredRecord

__all__ = ["NotOursError", "Proof", "prove", "without_labels"]

# A text may be corrected, not written on. Of its word groups so many may be in no fingerprint, and so many more than
# others in one place: one changed letter takes one or two of them along. Nor may so many letters stand together that
# neither a group nor a grain vouches for (fingerprints keep a third of the groups, so a few always do).
_STRANGE_SHARE = 0.08
_STRANGE_FEW = 3
_CROWDED = 5
_UNKNOWN_RUN = 20
# Of the letters that no grain is tied to, where grains are all there is.
_LOOSE_SHARE = 0.1
_LOOSE_RUN = 12
# Letters of a script with spaces between words say less each.
_FIRST_UNSPACED = "\u0e00"
_SPACED_LETTER = 0.6
# So much longer than its record says may it be.
_GROWTH = 1.1
_GROWN = 10


class NotOursError(Exception):
    """The text is not shown to be ours, so nothing is stamped. Says what is missing."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"this text is not shown to be an output of this service: {why}. Send the answer as it came, without changes "
            "or additions; its content id (ProduceID) helps"
        )


class Records(Protocol):
    def read(self, query: Query) -> AsyncIterator[StoredRecord]: ...


@dataclass(frozen=True, slots=True)
class Proof:
    """`basis`: record, fingerprint or carrier. `created_ms`: Unix time in milliseconds."""

    content_id: str
    producer: str
    basis: str

    @property
    def created_ms(self) -> int:
        return Provenance(self.producer, int(self.content_id, 16)).created_ms


@dataclass(slots=True)
class _Answer:
    """An answer that the text may be: what our carrier and our records say of it."""

    tied: Sequence[tuple[int, int]] | None = None
    """Where the letters stand that genuine grains of it vouch for; None: it bears none."""
    producer: str = ""
    recorded: bool = False
    longest: float = field(default=math.inf)


async def prove(
    text: str,
    content_id: str = "",
    *,
    panel: Panel,
    records: Records,
    digest: Callable[[str], str],
    labels: Sequence[str],
    producer_of: Callable[[str], str],
) -> Proof:
    """What shows that the text is ours, and `content_id`, if one is given, its number. Raises NotOursError.

    `digest`: as the records hold it. `labels`: our own label lines, which are no part of the text.
    `producer_of`: the producer's code by the model's name.
    """
    marked = without_labels(text, labels)
    plain = strip_own(marked).strip()
    answers = await asyncio.to_thread(_named, marked, content_id, panel)
    for number, answer in answers.items():
        async for model, output in _logged(number, records):
            answer.producer = producer_of(model)
            if output.get("digest") == digest(plain) and output.get("chars"):
                return Proof(number, answer.producer, "record")
            answer.recorded = True
            answer.longest = int(output.get("chars", 0)) * _GROWTH + _GROWN
    missing = "it bears no genuine mark of ours, and no content id came with it"
    for number, answer in answers.items():
        if len(plain) > answer.longest:
            missing = f"it is longer than the answer {number} was"
            continue
        basis, missing = await asyncio.to_thread(_words, marked, number, answer, panel)
        if basis:
            return Proof(number, answer.producer, basis)
    raise NotOursError(missing)


def without_labels(text: str, labels: Sequence[str]) -> str:
    return strip_labels(text.replace("\r\n", "\n"), labels)


def _named(marked: str, content_id: str, panel: Panel) -> dict[str, _Answer]:
    """The answers that the text may be, by number: the one that is asked for, else those whose grains it bears."""
    answers = {content_id: _Answer()} if content_id else {}
    for found, tied in panel.carrier.vouched(marked):
        origin = found.provenance or {}
        number = str(origin["content_id"])
        if content_id in ("", number):
            answers[number] = _Answer(tied, str(origin["producer"]))
    if content_id and not answers[content_id].producer and panel.fingerprints is not None:
        answers[content_id].producer = panel.fingerprints.producer
    return answers


def _words(marked: str, number: str, answer: _Answer, panel: Panel) -> tuple[str, str]:
    """The basis on which the words are those of the answer, and "", or "" and what is missing."""
    tied = answer.tied or ()
    shared = panel.fingerprints.compare(marked, int(number, 16)) if panel.fingerprints is not None else None
    if shared is not None:
        allowed = _STRANGE_FEW + _STRANGE_SHARE * shared.grams
        _, _, run = _loose(marked, sorted((*shared.held, *tied)))
        if shared.strange <= allowed and shared.crowded <= _CROWDED and run <= _UNKNOWN_RUN:
            return "fingerprint", ""
        return (
            "",
            f"{max(1, round(100 * shared.strange / shared.grams))} % of its words are not those of the answer {number}",
        )
    letters, loose, run = _loose(marked, tied)
    if answer.tied is not None and loose <= _LOOSE_SHARE * letters and run <= _LOOSE_RUN:
        return "carrier", ""
    kept = (
        "the record of that answer has other words" if answer.recorded else "no record of that answer is kept"
    )
    named = f"the content id {number} does not fit it: it bears no mark of that answer"
    if answer.tied is not None:
        named = f"it bears a mark of the answer {number}, which vouches for {1 - loose / letters:.0%} of its letters"
    return "", f"{named}, and {kept} and no fingerprint that could show the rest"


async def _logged(content_id: str, records: Records) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """The model that was asked, and what the record says of the answer of this number."""
    async for stored in records.read(Query(content_id=content_id, kind="request", status=CLOSED)):
        fields: Any = stored.record.fields
        for output in fields.get("outputs", ()):
            if output.get("content_id") == content_id:
                yield str(fields.get("model", "")), output


def _loose(text: str, spans: Sequence[tuple[int, int]]) -> tuple[int, int, float]:
    """How many letters and digits there are, how many of them lie in no span, and the longest run of those.

    `spans`: by where they start; they may overlap.
    """
    letters = loose = at_span = reach = 0
    run = longest = 0.0
    for at, char in enumerate(text):
        if not char.isalnum():
            continue
        while at_span < len(spans) and spans[at_span][0] <= at:
            reach = max(reach, spans[at_span][1])
            at_span += 1
        letters += 1
        if at < reach:
            run = 0.0
            continue
        loose += 1
        run += 1 if char >= _FIRST_UNSPACED else _SPACED_LETTER
        longest = max(longest, run)
    return letters, loose, longest
