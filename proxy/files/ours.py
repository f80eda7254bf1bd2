"""Whether a text is one of ours: what may be exported under our name, and signed for.

Nobody's text gets our name by asking. Three things show that we put a text out, the strongest first: the record
of the answer holds the digest of exactly these words; a genuine carrier of ours stands on most of it; the
fingerprint of that answer covers nearly all of it. What is added around a genuine answer makes it another text.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from detectors.detection import Detection, Outcome
from detectors.panel import Panel
from detectors.verdict import CERTAIN_P
from labelers.blocks import FenceTracker
from labelers.explicit import strip_labels
from labelers.provenance import Provenance
from labelers.watermarks.carrier import strip_own
from proxy.records.record import CLOSED, Query, StoredRecord

__all__ = ["Proof", "prove", "without_labels"]

# Of the letters outside of code: how many the evidence must stand on, and how many may stand before the first grain.
_CARRIER_SHARE = 0.5
_FINGERPRINT_SHARE = 0.8
_LOOSE = 40
_GROWTH = 1.1


class Records(Protocol):
    def read(self, query: Query) -> AsyncIterator[StoredRecord]: ...


@dataclass(frozen=True, slots=True)
class Proof:
    """`basis`: record, carrier or fingerprint. `created_ms`: Unix time in milliseconds."""

    content_id: str
    producer: str
    basis: str

    @property
    def created_ms(self) -> int:
        return Provenance(self.producer, int(self.content_id, 16)).created_ms


async def prove(
    text: str,
    content_id: str = "",
    *,
    panel: Panel,
    records: Records,
    digest: Callable[[str], str],
    labels: Sequence[str],
    producer_of: Callable[[str], str],
    letters_per_grain: int = 120,
) -> Proof | None:
    """What shows that the text is ours, and `content_id`, if one is given, its number; None where nothing does.

    `digest`: as the records hold it. `labels`: our own label lines, which are no part of the text.
    `producer_of`: the producer's code by the model's name. `letters_per_grain`: where grains are rarer than that,
    something else was put between them.
    """
    marked = without_labels(text, labels)
    report = await asyncio.to_thread(panel.examine, marked)
    found = [one for one in report.detections if one.outcome is Outcome.PRESENT]
    carriers = _of("carrier", found, content_id)
    plain = strip_own(marked).strip()
    longest: dict[str, float] = {}
    for number in dict.fromkeys(filter(None, (content_id, *map(_number, carriers)))):
        async for model, output in _logged(number, records):
            if output.get("digest") == digest(plain) and output.get("chars"):
                return Proof(number, producer_of(model), "record")
            # Edited is not written on: what was slipped in between the grains makes the answer longer than it was.
            longest[number] = int(output.get("chars", 0)) * _GROWTH + _LOOSE
    for detector, share in (("carrier", _CARRIER_SHARE), ("fingerprint", _FINGERPRINT_SHARE)):
        # A fingerprint is a hint to an answer; whoever exports must know which one it is.
        candidates = (
            carriers if detector == "carrier" else _of(detector, found, content_id) if content_id else []
        )
        for one in candidates:
            letters, covered = _letters(marked, one.spans)
            enough = letters - covered <= max(_LOOSE, (1 - share) * letters)
            dense = detector != "carrier" or letters <= letters_per_grain * (one.num_units_scored or 0)
            # Two grains that the index of issued marks knows are enough to tell, too few to stamp.
            certain = detector != "carrier" or (one.p_value or 0.0) < CERTAIN_P
            as_long = len(plain) <= longest.get(_number(one), math.inf)
            if enough and dense and certain and as_long:
                return Proof(_number(one), str((one.provenance or {})["producer"]), detector)
    return None


def without_labels(text: str, labels: Sequence[str]) -> str:
    return strip_labels(text.replace("\r\n", "\n"), labels)


def _of(detector: str, found: Sequence[Detection], content_id: str) -> list[Detection]:
    return [one for one in found if one.detector == detector and content_id in ("", _number(one))]


def _number(detection: Detection) -> str:
    return str((detection.provenance or {}).get("content_id", ""))


async def _logged(content_id: str, records: Records) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """The model that was asked, and what the record says of the answer of this number."""
    async for stored in records.read(Query(content_id=content_id, kind="request", status=CLOSED)):
        fields: Any = stored.record.fields
        for output in fields.get("outputs", ()):
            if output.get("content_id") == content_id:
                yield str(fields.get("model", "")), output


def _letters(text: str, spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """How many letters and digits stand outside of code, and on how many of them a span lies."""
    covered = total = at = span = 0
    fence = FenceTracker()
    for line in text.splitlines(keepends=True):
        inside = fence.is_open
        fence.line(line.rstrip("\r\n"))
        for char in line:
            while span < len(spans) and spans[span][1] <= at:
                span += 1
            if char.isalnum() and not (inside or fence.is_open):
                total += 1
                covered += span < len(spans) and spans[span][0] <= at
            at += 1
    return total, covered
