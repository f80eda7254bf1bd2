"""Looking back 回溯: what another version would have done with recent answers, where texts or findings are kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from proxy.records.record import Record
from proxy.review.entry import Direction
from proxy.review.library import Library
from proxy.review.reviewer import Finding
from proxy.review.scope import Scope

__all__ = ["Difference", "LookBack", "look_back"]

MAX_LISTED = 1000


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry that would newly have been found in a request, or found no more. `text`: what stood there."""

    request_id: str
    created: str
    direction: str
    entry: str
    category: str
    action: str
    text: str


@dataclass(slots=True)
class LookBack:
    """`requests` looked at; of `texts` the whole text was kept, of the others only what had been found."""

    version: str
    requests: int = 0
    texts: int = 0
    caught: list[Difference] = field(default_factory=list)
    released: list[Difference] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def look_back(library: Library, answers: Iterable[tuple[Record, Mapping[str, Any]]]) -> LookBack:
    """Review kept texts with `library`. Each answer: its closing record, and what was sealed in it."""
    report = LookBack(library.version)
    for record, secret in answers:
        report.requests += 1
        before = {(str(f["direction"]), str(f["entry"])) for f in record.fields.get("findings", ())}
        whole = "outputs" in secret
        report.texts += whole
        where = {name: record.fields.get(name) for name in ("tenant", "model", "endpoint")}
        now = {
            (str(direction), finding.entry_id): finding
            for direction, text in _texts(secret)
            for finding in library.review(text, Scope(direction, **where))
        }
        for (direction, _), finding in now.items():
            if (direction, finding.entry_id) not in before and len(report.caught) < MAX_LISTED:
                report.caught.append(_difference(record, direction, finding))
        known = {(str(f["direction"]), str(f["entry"])): f for f in secret.get("findings", ())}
        for key in sorted(before - now.keys()):
            if key in known and len(report.released) < MAX_LISTED:
                old = known[key]
                report.released.append(
                    Difference(record.request_id, record.created, key[0], key[1], "", "", str(old["text"]))
                )
    return report


def _texts(secret: Mapping[str, Any]) -> Iterator[tuple[Direction, str]]:
    """What can be reviewed again: whole texts, and what was found. What was blocked stands only in the findings."""
    if "request" in secret:
        try:
            said: Any = json.loads(secret["request"])
        except ValueError:
            said = secret["request"]
        for text in _strings(said):
            yield Direction.INPUT, text
    for text in secret.get("outputs", ()):
        yield Direction.OUTPUT, text
    for finding in secret.get("findings", ()):
        yield Direction(finding["direction"]), finding["text"]


def _strings(value: Any) -> Iterator[str]:
    """Every string of a request body."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _difference(record: Record, direction: str, finding: Finding) -> Difference:
    return Difference(
        record.request_id,
        record.created,
        direction,
        finding.entry_id,
        finding.category,
        str(finding.action),
        finding.text,
    )
