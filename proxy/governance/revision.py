"""One revision of an entry on its way through the procedure, and how it is kept so that nobody changes it. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from proxy.governance.dry_run import Hits
from proxy.review.entry import Action, Direction, Entry

__all__ = ["BOOKKEEPING", "ENDED", "Revision", "content_of", "difference", "iso_of", "seal"]

ENDED = ("retired", "rejected")
# What the procedure writes into an entry; the rest is what the entry says.
BOOKKEEPING = ("status", "version", "author", "reviewer", "approvers", "reason")


@dataclass(frozen=True, slots=True)
class Revision:
    """`entry.version` numbers the revisions of an id; times are ISO 8601 UTC.

    `hits_per_million` of the dry run, None before it, and `acts_per_million`: those of them that do not only flag;
    `waiver`: why an approver lets an entry block that acts on more clean text than the budget allows. `emergency_until`: in force without approval up to then.
    `origin`: the event that brought it.
    """

    entry: Entry
    created: str
    changed: str
    hits_per_million: float | None = None
    samples: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    waiver: str = ""
    emergency_until: str = ""
    emergency_by: str = ""
    origin: str = ""
    acts_per_million: float | None = None

    @property
    def id(self) -> str:
        return self.entry.id

    @property
    def number(self) -> int:
        return self.entry.version

    @property
    def status(self) -> str:
        return self.entry.status

    @property
    def blocks(self) -> bool:
        return any(self.entry.action_for(direction) is Action.BLOCK for direction in Direction)

    @property
    def approvals_needed(self) -> int:
        """Two for what is severe and blocks (severity 3 or 4), else one."""
        return 2 if self.entry.severity >= 3 and self.blocks else 1

    @property
    def due(self) -> str:
        """When something happens to it by itself (ISO 8601 UTC), "" for never: it takes effect, or it ends."""
        begins, ends = self.entry.in_force_ms
        if self.status == "approved":
            return iso_of(begins) if isfinite(begins) else ""
        if self.status != "published":
            return ""
        end = iso_of(ends) if isfinite(ends) else ""
        return min((time for time in (self.emergency_until, end) if time), default="")

    def measured(self, hits: Hits) -> Revision:
        """The same revision with what the dry run found."""
        return replace(
            self,
            hits_per_million=hits.per_million,
            acts_per_million=hits.acts_per_million,
            samples=hits.samples,
        )

    def over(self, budget: float) -> float:
        """How often it acts in a million clean characters where that is more than `budget` and it blocks; else 0.

        What was measured before flags were told apart counts in full.
        """
        acts = self.acts_per_million if self.acts_per_million is not None else self.hits_per_million
        return acts if self.blocks and acts is not None and acts > budget else 0.0

    def changed_to(self, now: str, entry: Mapping[str, Any], **more: Any) -> Revision:
        """The same revision after a step of the procedure."""
        return replace(self, entry=replace(self.entry, **entry), changed=now, **more)

    def to_data(self) -> dict[str, Any]:
        """JSON-able, `from_data` reads it."""
        data: dict[str, Any] = {
            "entry": self.entry.to_row(),
            "created": self.created,
            "changed": self.changed,
        }
        for name in _OPTIONAL:
            value = getattr(self, name)
            if value not in (None, "", ()):
                data[name] = list(value) if isinstance(value, tuple) else value
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Revision:
        more: dict[str, Any] = {
            name: tuple(data[name]) if isinstance(data[name], list) else data[name]
            for name in _OPTIONAL
            if name in data
        }
        return cls(Entry.from_row(data["entry"]), data["created"], data["changed"], **more)


_OPTIONAL = tuple(spec.name for spec in fields(Revision) if spec.name not in ("entry", "created", "changed"))


def iso_of(unix_ms: float) -> str:
    """ISO 8601 UTC with milliseconds."""
    moment = datetime.fromtimestamp(unix_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def content_of(entry: Entry) -> dict[str, Any]:
    """What the entry says, without what the procedure wrote into it and without its id."""
    row = entry.to_row()
    return {name: value for name, value in row.items() if name not in (*BOOKKEEPING, "id")}


def difference(before: Entry | None, after: Entry) -> dict[str, list[Any]]:
    """What changed, as field -> [before, after]; None where a field was or is not given."""
    old: dict[str, Any] = before.to_row() if before is not None else {}
    new = after.to_row()
    return {n: [old.get(n), new.get(n)] for n in sorted({*old, *new}) if old.get(n) != new.get(n)}


def seal(key: bytes, kind: str, text: str) -> bytes:
    """HMAC-SHA256 of a stored value: whoever edits the database without the key is found out."""
    return hmac.digest(key, f"{kind}\0{text}".encode(), "sha256")
