"""Whether the state of the procedure is what the records tell: every event in both, every approval in an event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proxy.governance.store import Ledger
from proxy.records.record import Record

__all__ = ["Audit", "audit"]


@dataclass(frozen=True, slots=True)
class Audit:
    """How many events and revisions were compared, and what does not fit."""

    events: int
    revisions: int
    faults: tuple[str, ...]


def audit(records: Iterable[Record], ledger: Ledger) -> Audit:
    """Compare the records of kind library and operator, oldest first, with the database.

    Events older than the oldest record that is kept are not looked for. TamperedError for a broken seal.
    """
    faults: list[str] = []
    told: dict[str, str] = {}
    people: dict[tuple[str, int], tuple[str, tuple[str, ...]]] = {}
    for record in records:
        event_id = record.fields.get("event_id")
        if not isinstance(event_id, str):
            continue  # an event of a time before the procedure
        if event_id in told:
            faults.append(f"event {event_id} stands in the records twice")
        told[event_id] = record.created
        for change in record.fields.get("changes", ()):
            key = (str(change["entry"]), int(change["revision"]))
            people[key] = (str(change["reviewer"]), tuple(change["approvers"]))
    oldest = min(told.values(), default="")
    known = ledger.event_times()
    faults += [
        f"event {e} of {at} is in the records and not in the database"
        for e, at in told.items()
        if e not in known
    ]
    faults += [
        f"event {e} of {at} is in the database and not in the records"
        for e, at in known.items()
        if e not in told and told and at >= oldest
    ]
    for (entry_id, number), (reviewer, approvers) in people.items():
        revision = ledger.get(entry_id, number)
        if revision is None:
            faults.append(f"entry {entry_id}/{number} is in the records and not in the database")
            continue
        entry = revision.entry
        # An emergency publication adds its approver in the event of the publication.
        extra = {revision.emergency_by} if revision.emergency_by else set()
        if entry.reviewer != reviewer or not set(entry.approvers) - extra <= set(approvers):
            faults.append(
                f"entry {entry_id}/{number}: the database names reviewer {entry.reviewer!r} and approvers "
                f"{', '.join(entry.approvers) or 'none'}, the records {reviewer!r} and {', '.join(approvers) or 'none'}"
            )
    return Audit(len(told), len(people), tuple(faults))
