"""The desk where the procedure is carried out: one transaction a step, and no step without its record.

The state changes, the event goes into the records' chain, then the change is committed: what cannot be
recorded does not happen. Blocking; a server calls it in threads.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from proxy.governance.dry_run import DryRun, Hits
from proxy.governance.names import Names
from proxy.governance.people import (
    ROLES,
    SYSTEM,
    Actor,
    Operator,
    ProcedureError,
    checked_name,
    person,
    shown_by,
)
from proxy.governance.procedure import STEPS, Situation, people_needed, take
from proxy.governance.revision import BOOKKEEPING, ENDED, Revision, content_of, difference
from proxy.governance.store import Event, GovernanceStore, Ledger, Search, VersionRow
from proxy.governance.wholewords import whole_words
from proxy.records.record import Record
from proxy.review.entry import Entry, EntryError
from proxy.review.pointers import Rollout, go_live, live_at, set_rollout
from proxy.review.standard import REFUSED, Remark, examine, meaning, unmatched
from proxy.review.store import entries_of, refusals_of
from proxy.settings import Library as LibrarySettings

__all__ = [
    "BY_HAND",
    "IN_PROCEDURE",
    "PROPOSERS",
    "Desk",
    "Proposal",
    "Recorder",
    "change",
    "draft",
    "new_event_id",
]

Recorder = Callable[[Sequence[Record]], None]
"""Makes records durable; raises RecordError where that cannot be done."""

PROPOSERS = ("operator", "reviewer", "approver")
BY_HAND = ("review", "approve", "reject", "withdraw", "confirm", "suspend", "resume", "retire")
IN_PROCEDURE = ("proposed", "reviewed", "approved")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What became of a proposed entry, what the entry standard says of it, and what the dry run found."""

    revision: Revision
    remarks: tuple[Remark, ...]
    hits: Hits


class Desk:
    """Carries the procedure out. `folder` holds the published snapshots, `key` signs them; `names`: what entries may
    be limited to.
    """

    def __init__(
        self,
        store: GovernanceStore,
        folder: Path,
        key: bytes,
        settings: LibrarySettings,
        recorder: Recorder,
        now: Callable[[], str],
        dry_run: DryRun | None = None,
        names: Names | None = None,
    ) -> None:
        self.store, self.folder, self.key, self.settings = store, folder, key, settings
        self._recorder, self.now = recorder, now
        self.dry_run = dry_run or DryRun()
        self.names = names or Names()

    # -- people

    def actor(self, name: str) -> Actor:
        """Whoever the command line says acts: known and not revoked, once there are operators at all."""
        with self.store.reading() as ledger:
            operators = ledger.operators()
        if not operators:
            return Actor(checked_name(name), frozenset(ROLES), "claimed")
        for operator in operators:
            if operator.name == name and not operator.revoked:
                if self.settings.require_token:
                    break
                return Actor.of(operator, "claimed")
        advice = (
            "set INKSEAL_OPERATOR_TOKEN to your token (library.require_token is on)"
            if self.settings.require_token
            else f"name one with --as; operators are {', '.join(o.name for o in operators if not o.revoked)}"
        )
        raise ProcedureError("unknown_operator", f"{name} is no operator here: {advice}", 401)

    def actor_by_token(self, token: str) -> Actor | None:
        """The operator whose token this is, None if it is nobody's."""
        with self.store.reading() as ledger:
            operator = shown_by(ledger.operators(), token)
        return Actor.of(operator, "token") if operator is not None else None

    def operators(self) -> list[Operator]:
        with self.store.reading() as ledger:
            return ledger.operators()

    def add_operator(self, name: str, roles: Sequence[str], actor: Actor) -> str:
        """Returns the token, which is shown this once. ProcedureError for a name that is taken or looks alike."""
        actor.must_be(("admin",), "add operators")
        unknown = [role for role in roles if role not in ROLES]
        if unknown or not roles:
            raise ProcedureError("invalid_role", f"name at least one role of {', '.join(ROLES)}", 400)
        token = "ink-op-" + secrets.token_urlsafe(24)
        digest = hashlib.sha256(token.encode()).hexdigest()
        at = self.now()
        operator = Operator(checked_name(name), tuple(sorted(set(roles))), digest, at, actor.name)
        with self.changing() as ledger:
            for other in ledger.operators():
                if person(other.name) == person(name):
                    like = "" if name == other.name else f": it looks like {other.name}"
                    raise ProcedureError("name_taken", f"{name} is taken{like}; choose another")
            ledger.put_operator(operator)
            fields = {"operator": name, "roles": list(operator.roles)}
            self.record(ledger, "operator added", actor, "", (), fields, at=at, kind="operator")
        return token

    def revoke_operator(self, name: str, actor: Actor, reason: str = "") -> None:
        actor.must_be(("admin",), "revoke operators")
        with self.changing() as ledger:
            for operator in ledger.operators():
                if operator.name == name and not operator.revoked:
                    at = self.now()
                    ledger.put_operator(replace(operator, revoked=at))
                    fields = {"operator": name}
                    self.record(ledger, "operator revoked", actor, reason, (), fields, at=at, kind="operator")
                    return
        raise ProcedureError("unknown_operator", f"there is no operator {name} whose token is good", 404)

    # -- entries

    def propose(self, entry: Entry, actor: Actor, reason: str = "") -> Proposal:
        """A new entry, or a new revision of one that is in force. ProcedureError if the entry standard refuses it."""
        actor.must_be(PROPOSERS, "propose")
        with self.changing() as ledger:
            at = self.now()
            must_apply(entry, at)
            self.names.check(entry, entry.scope)
            before = ledger.get(entry.id)
            revision = draft(entry, before, actor, at, reason)
            remarks = self._standard(ledger, revision.entry)
            measured = self.dry_run.hits([revision.entry])
            remarks += whole_words([revision.entry], measured, self.dry_run)
            hits = measured[revision.id]
            revision = replace(
                revision.measured(hits), remarks=tuple(f"{remark.code}: {remark.text}" for remark in remarks)
            )
            ledger.put(revision, meaning(revision.entry))
            fields = {
                "changes": [change(before, revision)],
                "hits_per_million": hits.per_million,
                "acts_per_million": hits.acts_per_million,
            }
            self.record(ledger, "propose", actor, reason, (revision.id,), fields, at=at)
        return Proposal(revision, tuple(remarks), hits)

    def _standard(self, ledger: Ledger, entry: Entry) -> list[Remark]:
        remarks = unmatched(entry)
        twin = ledger.equal(meaning(entry), entry.id)
        if twin is not None:
            remarks.append(
                Remark(
                    entry.id, "duplicate", f"equals {twin.id} ({twin.entry.pattern}), which is {twin.status}"
                )
            )
        if not remarks:
            words = entry.kind == "keyword"
            inside = [r.entry for r in ledger.within(entry.pattern) if r.id != entry.id] if words else []
            remarks += [remark for remark in examine([*inside, entry]) if remark.entry_id == entry.id]
            remarks += self.names.remarks(entry.id, entry)
        refused = [remark for remark in remarks if remark.code in REFUSED]
        if refused:
            raise ProcedureError(
                refused[0].code,
                "the entry standard refuses it: " + "; ".join(remark.text for remark in refused),
                422,
            )
        return remarks

    def situation(self, ledger: Ledger, now: str = "") -> Situation:
        settings = self.settings
        return Situation(
            now or self.now(),
            people_needed(ledger.operators(), settings.min_people),
            settings.budget_per_million,
            settings.emergency_hours,
        )

    def step(
        self,
        action: str,
        ids: Sequence[str],
        actor: Actor,
        *,
        origin: str = "",
        reason: str = "",
        waiver: str = "",
    ) -> list[Revision]:
        """Take one of BY_HAND with all of these entries, or with none. ProcedureError names the one it fails on.

        `origin` instead of ids: all that one import brought and that the step can be taken with.
        """
        if action not in BY_HAND:
            raise ProcedureError(
                "invalid_step", f"{action} is no step here; they are {', '.join(BY_HAND)}", 400
            )
        with self.changing() as ledger:
            at = self.situation(ledger)
            if origin:
                ids = [one.id for one in ledger.find(Search(origin=origin, status=STEPS[action].sources))]
            if not ids:
                raise ProcedureError("unknown_entry", f"there is no entry of {origin} to {action}", 404)
            before = [self._subject(ledger, entry_id, action) for entry_id in dict.fromkeys(ids)]
            if action == "approve":
                before = self._measured(before)
            after = [take(action, one, actor, at, reason=reason, waiver=waiver) for one in before]
            if action == "resume":
                self._supersede(ledger, after, at.now)
            for revision in after:
                ledger.put(revision, meaning(revision.entry))
            fields: dict[str, Any] = {"changes": [change(b, a) for b, a in zip(before, after, strict=True)]}
            if waiver:
                fields["waiver"] = waiver
            self.record(ledger, action, actor, reason, [one.id for one in after], fields, at=at.now)
        return after

    def _subject(self, ledger: Ledger, entry_id: str, action: str) -> Revision:
        """The revision that a step is about: what is in force for some, else the newest."""
        in_force = action in ("suspend", "resume", "retire", "confirm")
        found = ledger.in_force(entry_id) if in_force else None
        found = found or ledger.get(entry_id)
        if found is None:
            raise ProcedureError("unknown_entry", f"there is no entry {entry_id}", 404)
        return found

    def _measured(self, revisions: Sequence[Revision]) -> list[Revision]:
        """With a dry run where an import had none."""
        missing = [one.entry for one in revisions if one.hits_per_million is None]
        hits = self.dry_run.hits(missing) if missing else {}
        return [one.measured(hits[one.id]) if one.id in hits else one for one in revisions]

    @staticmethod
    def _supersede(ledger: Ledger, revisions: Sequence[Revision], now: str) -> None:
        """What these replace has had its time."""
        for revision in revisions:
            old = ledger.in_force(revision.id)  # a published one comes before a suspended one
            if old is not None and old.number != revision.number:
                ledger.put(old.changed_to(now, {"status": "retired"}), meaning(old.entry))

    def recategorise(self, ids: Sequence[str], category: str, actor: Actor, reason: str) -> list[Revision]:
        """Propose these entries anew in another category; they pass the procedure like any change."""
        actor.must_be(PROPOSERS, "re-categorise")
        with self.changing() as ledger:
            at = self.now()
            changes = []
            for entry_id in dict.fromkeys(ids):
                before = self._subject(ledger, entry_id, "retire")
                entry = replace(before.entry, category=category)
                after = draft(entry, ledger.get(entry_id), actor, at, reason)
                after = replace(
                    after,
                    hits_per_million=before.hits_per_million,
                    acts_per_million=before.acts_per_million,
                    samples=before.samples,
                )
                ledger.put(after, meaning(after.entry))
                changes.append((before, after))
            fields = {"category": category, "changes": [change(b, a) for b, a in changes]}
            self.record(ledger, "re-categorise", actor, reason, [a.id for _, a in changes], fields, at=at)
        return [after for _, after in changes]

    def refusals(self) -> dict[str, str]:
        """What is said instead of a blocked text from the next publication on, by "<category>.<language>"."""
        with self.store.reading() as ledger:
            return ledger.fact("refusals") or {}

    def set_refusals(self, said: Mapping[str, str], actor: Actor, reason: str) -> None:
        """What is said instead of a blocked text 代答, from the next publication on."""
        actor.must_be(("approver",), "change the refusal texts")
        with self.changing() as ledger:
            before: dict[str, str] = ledger.fact("refusals") or {}
            ledger.put_fact("refusals", dict(said))
            names = sorted({*before, *said})
            diff = {n: [before.get(n), said.get(n)] for n in names if before.get(n) != said.get(n)}
            self.record(ledger, "refusals", actor, reason, (), {"diff": diff}, at=self.now())

    # -- what is in force

    def point(self, ledger: Ledger, version: str) -> None:
        """Put a version in force and end the trial beside it. Remembers the pointers: an older one is refused then."""
        known = ledger.fact("pointers") or {}
        serial = go_live(self.folder, version, self.key, known.get("live", 0))
        trial = set_rollout(self.folder, None, self.key, known.get("trial", 0))
        ledger.put_fact("pointers", {"version": version, "live": serial, "trial": trial})

    def point_trial(self, ledger: Ledger, trial: Rollout | None) -> None:
        """Put a version on trial beside the one in force, or end that."""
        known = ledger.fact("pointers") or {}
        serial = set_rollout(self.folder, trial, self.key, known.get("trial", 0))
        ledger.put_fact("pointers", {**known, "trial": serial})

    # -- what is known

    def search(self, search: Search) -> list[Revision]:
        with self.store.reading() as ledger:
            return list(ledger.find(search))

    def history(self, entry_id: str) -> tuple[Revision | None, list[Event]]:
        with self.store.reading() as ledger:
            return ledger.get(entry_id), ledger.history(entry_id)

    # -- the ground floor

    @contextmanager
    def changing(self) -> Iterator[Ledger]:
        with self.store.changing() as ledger:
            yield ledger

    def record(
        self,
        ledger: Ledger,
        action: str,
        actor: Actor,
        reason: str,
        entries: Sequence[str],
        fields: Mapping[str, Any],
        *,
        at: str,
        version: str = "",
        kind: str = "library",
        event_id: str = "",
    ) -> Event:
        """Note the event here and in the chain. Called last in a transaction: it returns when that is durable."""
        event_id = event_id or new_event_id()
        event = Event(event_id, at, action, actor.name, actor.how, reason, tuple(entries), fields)
        ledger.note(event)
        told = {
            "event": action,
            "event_id": event.id,
            "operator": actor.name,
            "authenticated": actor.how,
            "reason": reason,
            "entries": list(event.entries[:1000]),
            **fields,
        }
        self._recorder([Record(kind, "", "", "", at, version, told)])
        return event

    def adopt(
        self,
        action: str = "adopt",
        actor: Actor = SYSTEM,
        reason: str = "published before",
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        """A library that was published without the procedure comes under it as it is; a second call does nothing."""
        with self.store.reading() as ledger:
            begun = ledger.fact("begun")
        if begun is not None:
            return
        pointer = live_at(self.folder, self.key)
        version = pointer.version
        if not version:
            return
        with self.changing() as ledger:
            if ledger.fact("begun") is not None:
                return
            at, event_id = self.now(), new_event_id()
            entries = entries_of(self.folder, version, self.key)
            for entry in entries:
                ledger.put(Revision(entry, at, at, origin=event_id), meaning(entry))
            ledger.put_fact("begun", version)
            ledger.put_fact("pointers", {"version": version, "live": pointer.serial, "trial": 0})
            ledger.put_fact("refusals", refusals_of(self.folder, version, self.key))
            ledger.put_version(VersionRow(version, at, actor.name, reason, "live", len(entries)))
            told = {"entries_adopted": len(entries), **(fields or {})}
            self.record(ledger, action, actor, reason, (), told, at=at, version=version, event_id=event_id)


def new_event_id() -> str:
    return "evt_" + secrets.token_hex(8)


def must_apply(entry: Entry, at: str) -> None:
    """EntryError for an entry whose time is over before it has begun."""
    if entry.expires and entry.in_force_ms[1] <= datetime.fromisoformat(at).timestamp() * 1000:
        raise EntryError("expires", f"{entry.expires} is past, so the entry would never apply")


def draft(entry: Entry, before: Revision | None, actor: Actor, at: str, reason: str) -> Revision:
    """The next revision of an entry, proposed. ProcedureError while another one is in the procedure."""
    if before is not None and before.status in IN_PROCEDURE:
        raise ProcedureError(
            "in_procedure",
            f"{entry.id} is {before.status} already: decide over that one first, or withdraw it",
        )
    if before is not None and before.status not in ENDED and content_of(before.entry) == content_of(entry):
        raise ProcedureError("duplicate", f"{entry.id} is {before.status} just as it is proposed", 422)
    proposed = replace(
        entry,
        status="proposed",
        version=before.number + 1 if before is not None else 1,
        author=actor.name,
        reviewer="",
        approvers=(),
        reason=reason or entry.reason,
    )
    return Revision(proposed, at, at)


def change(before: Revision | None, after: Revision) -> dict[str, Any]:
    """One line of an event: which revision, from which status to which, and every field that changed."""
    diff = difference(before.entry if before is not None else None, after.entry)
    said = {name: pair for name, pair in diff.items() if name not in ("id", "version", *BOOKKEEPING)}
    return {
        "entry": after.id,
        "revision": after.number,
        "from": before.status if before is not None and before.number == after.number else None,
        "to": after.status,
        "diff": said,
        "reviewer": after.entry.reviewer,
        "approvers": list(after.entry.approvers),
    }
