"""Publishing 发布: from what is approved to a version in force, on trial, or back to an earlier one.

A version is compiled aside, then put in force in one transaction that first looks whether the entries are still
those that were compiled. One publication at a time, over all processes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from proxy.governance.compiler import Compiled, compile_aside
from proxy.governance.desk import Desk, new_event_id
from proxy.governance.people import SYSTEM, Actor, ProcedureError
from proxy.governance.procedure import Situation, take
from proxy.governance.revision import Revision
from proxy.governance.store import Kept, Ledger, Search, TamperedError, VersionRow
from proxy.review.entry import Entry
from proxy.review.failures import LibraryError
from proxy.review.pointers import Rollout, live_version, rollout
from proxy.review.standard import meaning
from proxy.review.store import load_version, refusals_of, renew, stored_of
from proxy.review.stored import Difference, StoredEntries, difference

__all__ = ["Release", "diff", "end_trial", "publish", "republish_due", "rollback"]

_TRIES = 3
_KNOWN = 10_000  # versions that are looked through
_NAMED = 1000  # ids in an event; a bootstrap of a million entries is told by its number


@dataclass(frozen=True, slots=True)
class Release:
    """What a publication did. `state` "live", "shadow" or "canary"; ids against the version before."""

    version: str
    previous: str
    state: str
    entries: int
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Set:
    """What is to change: the steps that lead to what would be in force, and the refusal texts."""

    moves: tuple[tuple[Revision, Revision], ...]
    refusals: Mapping[str, str]

    @property
    def coming(self) -> list[Entry]:
        """The entries that come, or take the place of one that is there."""
        return [after.entry for _, after in self.moves if after.status == "published"]


def publish(
    desk: Desk,
    actor: Actor,
    *,
    reason: str,
    trial: Rollout | None = None,
    emergency: Sequence[str] = (),
    waiver: str = "",
    automatic: bool = False,
) -> Release:
    """Put what is approved in force, or on `trial` (its version is filled in here). ProcedureError, LibraryError.

    `emergency`: ids that go along without approval, for 72 hours. `automatic`: only what time brings or ends.
    """
    actor.must_be(("approver", "system"), "publish")
    if trial is not None and emergency:
        raise ProcedureError("invalid_step", "an emergency is published live, not on trial", 400)
    with _publishing(desk.folder):
        previous = live_version(desk.folder) or ""
        for _ in range(_TRIES):
            with desk.store.reading() as ledger:
                at = desk.situation(ledger)
                wanted = _wanted(ledger, at, actor, emergency, reason, waiver, automatic)
                seen, seals = ledger.last_event(), hashlib.sha256()
                if automatic and not wanted.moves:
                    raise ProcedureError("nothing_to_publish", "nothing is due")
                made = compile_aside(
                    desk.folder,
                    _staying(ledger, wanted.moves, at.now, seals),
                    wanted.coming,
                    previous=previous,
                    author=actor.name,
                    reason=reason,
                    now=at.now,
                    refusals=wanted.refusals,
                    key=desk.key,
                )
            with desk.changing() as ledger:
                # No step without an event, but not every one matters here.
                if ledger.last_event() == seen or (
                    ledger.seals("published") == seals.digest()
                    and wanted == _wanted(ledger, at, actor, emergency, reason, waiver, automatic)
                ):
                    return _put_in_force(desk, ledger, made, previous, wanted, actor, reason, trial, at.now)
    raise ProcedureError("busy", "the entries keep changing while they are compiled; try again", 503)


def _wanted(
    ledger: Ledger,
    at: Situation,
    actor: Actor,
    emergency: Sequence[str],
    reason: str,
    waiver: str,
    automatic: bool,
) -> _Set:
    moves: list[tuple[Revision, Revision]] = []
    for one in ledger.find(Search(status=("published",), due_by=at.now)):
        moves.append((one, take("retire", one, SYSTEM, at, reason=_ended(one, at.now))))
    for one in ledger.find(Search(status=("approved",))):
        if one.due > at.now or (automatic and not one.due):
            continue  # it is not to take effect yet; or nobody has decided when
        moves.append((one, take("publish", one, actor, at, reason=reason)))
    for entry_id in emergency:
        found = ledger.get(entry_id)
        if found is None:
            raise ProcedureError("unknown_entry", f"there is no entry {entry_id}", 404)
        moves.append((found, take("emergency", found, actor, at, reason=reason, waiver=waiver)))
    return _Set(tuple(moves), ledger.fact("refusals") or {})


def _staying(
    ledger: Ledger, moves: Sequence[tuple[Revision, Revision]], now: str, seals: hashlib._Hash
) -> Iterator[Kept]:
    """What is published and stays so, as it is kept. `seals` gets the seals of all that is published."""
    moved = {before.id for before, _ in moves}
    for kept in ledger.kept("published"):
        seals.update(kept.mac)
        if kept.id in moved:
            continue
        # Those that end were found by a column; what is sealed counts.
        may_end = '"expires"' in kept.data or '"emergency_until"' in kept.data
        if may_end and _ended(kept.revision, now):
            raise TamperedError(
                f"the day on which entry {kept.id} ends was changed in the governance database"
            )
        yield kept


def _ended(revision: Revision, now: str) -> str:
    """Why a published revision is no longer to be in force, "" if it is."""
    if not revision.due or revision.due > now:
        return ""
    if revision.due == revision.emergency_until:
        return "the emergency publication was not confirmed in time"
    return f"expired: {revision.entry.expires}"


def _put_in_force(
    desk: Desk,
    ledger: Ledger,
    made: Compiled,
    previous: str,
    wanted: _Set,
    actor: Actor,
    reason: str,
    trial: Rollout | None,
    now: str,
) -> Release:
    version, state = made.version, trial.state if trial is not None else "live"
    release = Release(version, previous, state, made.entries, *made.difference)
    if trial is None:
        for before, after in wanted.moves:
            if after.status == "published":
                old = ledger.in_force(after.id)
                if old is not None and old.number != after.number:
                    ledger.put(old.changed_to(now, {"status": "retired"}), meaning(old.entry))
            ledger.put(after, meaning(before.entry))
        _past(ledger)
        ledger.put_fact("begun", version)
    else:
        _end_trials(ledger)
    if trial is None or version not in _once_in_force(ledger):
        ledger.put_version(VersionRow(version, now, actor.name, reason, release.state, release.entries))
    fields: dict[str, Any] = {
        "state": release.state,
        "previous": previous,
        "entries_in_force": release.entries,
        "added": list(release.added[:_NAMED]),
        "changed": list(release.changed[:_NAMED]),
        "removed": list(release.removed[:_NAMED]),
        "ended": {b.id: _ended(b, now) for b, a in wanted.moves if a.status == "retired"},
    }
    if trial is not None:
        fields |= {"percent": trial.percent, "tenants": list(trial.tenants)}
    ids = [*release.added, *release.changed, *release.removed][:_NAMED]
    desk.record(ledger, "publish", actor, reason, ids, fields, at=now, version=version)
    if trial is None:
        desk.point(ledger, version)
    else:
        desk.point_trial(ledger, replace(trial, version=version))
    return release


def _past(ledger: Ledger) -> None:
    """Another version gets in force: the one before is past, and what was on trial was tried."""
    _end_trials(ledger)
    for row in ledger.versions():
        if row.state == "live":
            ledger.put_version(replace(row, state="past"))


def _end_trials(ledger: Ledger) -> None:
    for row in ledger.versions():
        if row.state in ("shadow", "canary"):
            ledger.put_version(replace(row, state="tried"))


def _once_in_force(ledger: Ledger) -> set[str]:
    """A trial of them changes nothing in what they are: one may go back to them."""
    return {row.version for row in ledger.versions(_KNOWN) if row.state in ("live", "past")}


def diff(desk: Desk, old: str, new: str) -> Release:
    """What distinguishes two published versions. LibraryError for one that is not there."""
    one, other = stored_of(desk.folder, old, desk.key), stored_of(desk.folder, new, desk.key)
    return Release(new, old, "", len(other), *difference(one, other))


def end_trial(desk: Desk, actor: Actor, reason: str) -> None:
    """Take the version on trial back; what is live stays."""
    actor.must_be(("approver", "reviewer"), "end a trial")
    with _publishing(desk.folder), desk.changing() as ledger:
        if not _on_trial(desk):
            raise ProcedureError("wrong_state", "no version is on trial")
        _end_trials(ledger)
        desk.record(ledger, "end trial", actor, reason, (), {}, at=desk.now())
        desk.point_trial(ledger, None)


def _on_trial(desk: Desk) -> bool:
    try:
        return rollout(desk.folder, desk.key) is not None
    except LibraryError:
        return True  # what was tampered with is taken away too


def rollback(desk: Desk, actor: Actor, *, reason: str, version: str = "") -> Release:
    """Put an earlier version in force again, by default the one before. What came since is suspended.

    `version`: as many of its first digits as tell it from others. ProcedureError, LibraryError.
    """
    actor.must_be(("approver",), "roll back")
    if not reason.strip():
        raise ProcedureError("reason_required", "rollback needs a reason; it is recorded", 400)
    with _publishing(desk.folder):
        previous = live_version(desk.folder) or ""
        with desk.store.reading() as ledger:
            target = _earlier(ledger, version, previous)
        renew(desk.folder, target, desk.key)
        load_version(desk.folder, target, desk.key)  # whole and matchable, or LibraryError
        entries = stored_of(desk.folder, target, desk.key)
        release = Release(target, previous, "live", len(entries), *_since(desk, previous, entries))
        with desk.changing() as ledger:
            now = desk.now()
            _restore(ledger, entries, now)
            ledger.put_fact("refusals", refusals_of(desk.folder, target, desk.key))
            _past(ledger)
            ledger.put_version(VersionRow(target, now, actor.name, reason, "live", len(entries)))
            fields = {
                "previous": previous,
                "added": list(release.added[:_NAMED]),
                "changed": list(release.changed[:_NAMED]),
                "removed": list(release.removed[:_NAMED]),
            }
            ids = [*release.added, *release.changed, *release.removed][:_NAMED]
            desk.record(ledger, "rollback", actor, reason, ids, fields, at=now, version=target)
            desk.point(ledger, target)
    return release


def _earlier(ledger: Ledger, version: str, live: str) -> str:
    rows = [row for row in ledger.versions(_KNOWN) if row.version != live and row.version.startswith(version)]
    past = [row for row in rows if row.state == "past"]
    if version and len(rows) > 1:
        raise ProcedureError("ambiguous_version", f"{version} begins several versions; give more digits", 400)
    if version and rows and not past:
        raise ProcedureError(
            "unknown_version",
            f"version {rows[0].version[:12]} was on trial and never in force, so nobody can go back to it",
            404,
        )
    if not past:
        raise ProcedureError("unknown_version", f"there is no earlier version {version}".rstrip(), 404)
    return past[0].version


def _since(desk: Desk, previous: str, entries: StoredEntries) -> Difference:
    """What distinguishes them from what is in force, which may be damaged: that is a reason to roll back."""
    try:
        old = stored_of(desk.folder, previous, desk.key) if previous else StoredEntries(b"")
    except LibraryError:
        old = StoredEntries(b"")
    return difference(old, entries)


def _restore(ledger: Ledger, entries: StoredEntries, now: str) -> None:
    """The state that fits an earlier version: its revisions published, those that came since suspended.

    ProcedureError where one of them was never approved and has had its time. Of a large library nearly all are as they were, and are left alone.
    """
    before, wanted = ledger.numbers("published"), entries.numbers()
    for entry_id in sorted(before.keys() - {i for i, number in before.items() if wanted.get(i) == number}):
        one = ledger.get(entry_id, before[entry_id])
        assert one is not None  # it was named just now
        ledger.put(one.changed_to(now, {"status": "suspended"}), meaning(one.entry))
    for at, (entry_id, number) in enumerate(wanted.items()):
        if before.get(entry_id) == number:
            continue
        known = ledger.get(entry_id, number) or Revision(entries[at], now, now, origin=new_event_id())
        if known.emergency_until and known.emergency_until <= now:
            raise ProcedureError(
                "four_eyes",
                f"{entry_id} is in that version by an emergency publication that nobody confirmed in time: name another "
                "version, and propose the entry again",
                403,
            )
        ledger.put(known.changed_to(now, {"status": "published"}), meaning(entries[at]))


def republish_due(desk: Desk) -> Release | None:
    """Publish what time has brought or ended since: expiry, unconfirmed emergencies, dates of effect."""
    with desk.store.reading() as ledger:
        if not ledger.count(Search(due_by=desk.now())):
            return None
    try:
        return publish(desk, SYSTEM, reason="due: dates of effect and expiry", automatic=True)
    except ProcedureError as error:
        if error.code in ("nothing_to_publish", "busy"):
            return None  # another process was quicker
        raise


@contextmanager
def _publishing(folder: Path) -> Iterator[None]:
    """One at a time. The lock goes with the process that holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".publishing", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
