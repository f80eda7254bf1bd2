"""Looking back 回溯: what another version would have done with recent answers, where texts or findings are kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from proxy.records.record import Record
from proxy.review.entry import Direction
from proxy.review.library import Library
from proxy.review.reviewer import Finding
from proxy.review.scope import Passage, Scope

__all__ = ["Difference", "LookBack", "Told", "look_back", "strings_of"]

Told = Callable[[str, str], Iterable[tuple[str, str]]]
"""(role, text) of everything that a request to an endpoint told the model; "" for a role that is not known."""

MAX_LISTED = 1000


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry that would newly have been found in a request, or found no more.

    `text`: what stood there, at [start, end) of `part`, in code points of what it says.
    """

    request_id: str
    created: str
    direction: str
    entry: str
    category: str
    action: str
    text: str
    part: str = ""
    start: int = 0
    end: int = 0


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


def look_back(
    library: Library, answers: Iterable[tuple[Record, Mapping[str, Any]]], told: Told | None = None
) -> LookBack:
    """Review kept texts with `library` as they were reviewed then. Each answer: its closing record, and what was
    sealed in it.
    """
    report = LookBack(library.version)
    for record, secret in answers:
        report.requests += 1
        before = {(str(f["direction"]), str(f["entry"])) for f in record.fields.get("findings", ())}
        whole = "outputs" in secret
        report.texts += whole
        now: dict[tuple[str, str], tuple[Passage, Finding]] = {}
        for passage in _passages(record, secret, told or (lambda endpoint, request: strings_of(request))):
            for finding in library.review_passage(passage):
                now.setdefault((str(passage.scope.direction), finding.entry_id), (passage, finding))
        for key, (passage, finding) in now.items():
            if key not in before and len(report.caught) < MAX_LISTED:
                report.caught.append(_difference(record, passage, finding))
        known = {(str(f["direction"]), str(f["entry"])): f for f in secret.get("findings", ())}
        for key in sorted(before - now.keys()):
            if key in known and len(report.released) < MAX_LISTED:
                old = known[key]
                report.released.append(
                    Difference(record.request_id, record.created, key[0], key[1], "", "", str(old["text"]))
                )
    return report


def _passages(record: Record, secret: Mapping[str, Any], told: Told) -> Iterator[Passage]:
    """What can be reviewed again: whole texts, and what was found. What was blocked stands only in the findings."""
    fields = record.fields
    where = {name: fields.get(name) for name in ("tenant", "model", "endpoint")}
    answers = Scope(Direction.OUTPUT, **where)
    if "request" in secret:
        for role, text in told(str(where["endpoint"]), str(secret["request"])):
            part = f"request, {role}" if role else "request"
            yield Passage(Scope(Direction.INPUT, role or None, **where), text, part)
    for number, text in enumerate(secret.get("outputs", ()), 1):
        yield Passage(answers, text, f"answer {number}", bool(fields.get("json_output")))
    for text in secret.get("beside", ()):
        yield Passage(answers, text, "beside the answer")
    for finding in secret.get("findings", ()):
        yield Passage(Scope(Direction(finding["direction"]), **where), finding["text"], "found then")


def strings_of(request: str) -> Iterator[tuple[str, str]]:
    """Every string of a request body, of which the role is not known."""
    try:
        stack: list[Any] = [json.loads(request)]
    except ValueError:
        stack = [request]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            yield "", value
        elif isinstance(value, Mapping):
            stack += reversed(list(value.values()))
        elif isinstance(value, list):
            stack += reversed(value)


def _difference(record: Record, passage: Passage, finding: Finding) -> Difference:
    return Difference(
        record.request_id,
        record.created,
        str(passage.scope.direction),
        finding.entry_id,
        finding.category,
        str(finding.action),
        finding.text,
        passage.part,
        finding.start,
        finding.end,
    )
