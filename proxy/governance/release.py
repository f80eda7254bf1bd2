"""Publishing 发布: from what is approved to a version in force, on trial, or back to an earlier one.

A version is compiled aside, then put in force in one transaction that first looks whether the entries are still
those that were compiled. One publication at a time, over all processes.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from proxy.governance.compiler import compile_aside
from proxy.governance.desk import Desk, new_event_id
from proxy.governance.people import SYSTEM, Actor, ProcedureError
from proxy.governance.procedure import Situation, take
from proxy.governance.revision import Revision
from proxy.governance.store import Ledger, Search, VersionRow
from proxy.review.entry import Entry
from proxy.review.failures import LibraryError
from proxy.review.pointers import Rollout, live_version
from proxy.review.standard import meaning
from proxy.review.store import entries_of, load_version

__all__ = ["Release", "diff", "end_trial", "publish", "republish_due", "rollback"]

_TRIES = 3
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
    """What would be in force: entries as they are compiled, and the steps that lead there."""

    entries: tuple[Entry, ...]
    moves: tuple[tuple[Revision, Revision], ...]


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
        for _ in range(_TRIES):
            with desk.store.reading() as ledger:
                at = desk.situation(ledger)
                wanted = _in_force(ledger, at, actor, emergency, reason, waiver, automatic)
                refusals, seen = ledger.fact("refusals") or {}, ledger.last_event()
            if automatic and not wanted.moves:
                raise ProcedureError("nothing_to_publish", "nothing is due")
            version = compile_aside(
                desk.folder,
                wanted.entries,
                author=actor.name,
                reason=reason,
                now=at.now,
                refusals=refusals,
                key=desk.key,
            )
            with desk.changing() as ledger:
                if (
                    ledger.last_event() == seen
                    or (  # no step without an event, but not every one matters here
                        refusals == (ledger.fact("refusals") or {})
                        and wanted == _in_force(ledger, at, actor, emergency, reason, waiver, automatic)
                    )
                ):
                    return _put_in_force(desk, ledger, version, wanted, actor, reason, trial, at.now)
    raise ProcedureError("busy", "the entries keep changing while they are compiled; try again", 503)


def _in_force(
    ledger: Ledger,
    at: Situation,
    actor: Actor,
    emergency: Sequence[str],
    reason: str,
    waiver: str,
    automatic: bool,
) -> _Set:
    chosen: dict[str, Revision] = {}
    moves: list[tuple[Revision, Revision]] = []
    for one in ledger.find(Search(status=("published",))):
        ended = _ended(one, at.now)
        if ended:
            moves.append((one, take("retire", one, SYSTEM, at, reason=ended)))
        else:
            chosen[one.id] = one
    for one in ledger.find(Search(status=("approved",))):
        if one.due > at.now or (automatic and not one.due):
            continue  # it is not to take effect yet; or nobody has decided when
        moves.append((one, take("publish", one, actor, at, reason=reason)))
        chosen[one.id] = one
    for entry_id in emergency:
        found = ledger.get(entry_id)
        if found is None:
            raise ProcedureError("unknown_entry", f"there is no entry {entry_id}", 404)
        after = take("emergency", found, actor, at, reason=reason, waiver=waiver)
        moves.append((found, after))
        chosen[entry_id] = after
    ordered = sorted(chosen.values(), key=lambda one: one.id)
    return _Set(tuple(replace(one.entry, status="published") for one in ordered), tuple(moves))


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
    version: str,
    wanted: _Set,
    actor: Actor,
    reason: str,
    trial: Rollout | None,
    now: str,
) -> Release:
    previous = live_version(desk.folder) or ""
    release = _compared(desk, version, previous, wanted.entries, trial.state if trial is not None else "live")
    if trial is None:
        for before, after in wanted.moves:
            if after.status == "published":
                old = ledger.in_force(after.id)
                if old is not None and old.number != after.number:
                    ledger.put(old.changed_to(now, {"status": "retired"}), meaning(old.entry))
            ledger.put(after, meaning(before.entry))
        _past(ledger, ("live", "shadow", "canary"))
        ledger.put_fact("begun", version)
    else:
        _past(ledger, ("shadow", "canary"))
    if trial is None or version != previous:
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


def _past(ledger: Ledger, states: Sequence[str]) -> None:
    for row in ledger.versions():
        if row.state in states:
            ledger.put_version(replace(row, state="past"))


def _compared(desk: Desk, version: str, previous: str, entries: Sequence[Entry], state: str) -> Release:
    old: Sequence[Entry] = ()
    if previous:
        try:
            old = entries_of(desk.folder, previous, desk.key)
        except LibraryError:
            old = ()  # a damaged version before is a reason to publish, not one against it
    added, changed, removed = _difference(old, entries)
    return Release(version, previous, state, len(entries), added, changed, removed)


def _difference(
    old: Sequence[Entry], new: Sequence[Entry]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    before, after = {e.id: e for e in old}, {e.id: e for e in new}
    added = tuple(sorted(after.keys() - before.keys()))
    changed = tuple(sorted(i for i in after.keys() & before.keys() if after[i] != before[i]))
    return added, changed, tuple(sorted(before.keys() - after.keys()))


def diff(desk: Desk, old: str, new: str) -> Release:
    """What distinguishes two published versions. LibraryError for one that is not there."""
    one, other = entries_of(desk.folder, old, desk.key), entries_of(desk.folder, new, desk.key)
    added, changed, removed = _difference(one, other)
    return Release(new, old, "", len(other), added, changed, removed)


def end_trial(desk: Desk, actor: Actor, reason: str) -> None:
    """Take the version on trial back; what is live stays."""
    actor.must_be(("approver", "reviewer"), "end a trial")
    with _publishing(desk.folder), desk.changing() as ledger:
        _past(ledger, ("shadow", "canary"))
        desk.record(ledger, "end trial", actor, reason, (), {}, at=desk.now())
        desk.point_trial(ledger, None)


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
        entries = load_version(desk.folder, target, desk.key).entries  # whole and matchable, or LibraryError
        release = _compared(desk, target, previous, entries, "live")
        with desk.changing() as ledger:
            now = desk.now()
            _restore(ledger, entries, now)
            _past(ledger, ("live", "shadow", "canary"))
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
    rows = [row for row in ledger.versions(10_000) if row.version != live]
    if version:
        rows = [row for row in rows if row.version.startswith(version)]
        if len(rows) > 1:
            raise ProcedureError(
                "ambiguous_version", f"{version} begins several versions; give more digits", 400
            )
    else:
        rows = [row for row in rows if row.state == "past"]
    if not rows:
        raise ProcedureError("unknown_version", f"there is no earlier version {version}".rstrip(), 404)
    return rows[0].version


def _restore(ledger: Ledger, entries: Sequence[Entry], now: str) -> None:
    """The state that fits an earlier version: its revisions published, those that came since suspended."""
    numbers = {entry.id: entry.version for entry in entries}
    for one in list(ledger.find(Search(status=("published",)))):
        if numbers.get(one.id) != one.number:
            ledger.put(one.changed_to(now, {"status": "suspended"}), meaning(one.entry))
    for entry in entries:
        known = ledger.get(entry.id, entry.version)
        if known is None:
            known = Revision(entry, now, now, origin=new_event_id())
        if known.status != "published" or known.created == now:
            ledger.put(known.changed_to(now, {"status": "published"}), meaning(entry))


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
