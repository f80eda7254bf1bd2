"""The procedure 入库程序 as one table: which step leads where, and who may take it. Pure.

Four eyes: whoever wrote an entry neither reviews nor approves it; where three people are at hand, the one
approval of an entry is not its reviewer's either. What is severe and blocks takes two approvals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from proxy.governance.people import Actor, Operator, ProcedureError, person
from proxy.governance.revision import Revision

__all__ = ["EMERGENCY_HOURS", "STEPS", "Situation", "Step", "later", "people_needed", "take"]

EMERGENCY_HOURS = 72


@dataclass(frozen=True, slots=True)
class Step:
    """From one of `sources` to `target`, by somebody with one of `roles`; `explained`: a reason is needed."""

    sources: tuple[str, ...]
    target: str
    roles: tuple[str, ...]
    explained: bool = False


STEPS: Mapping[str, Step] = MappingProxyType({
    "review": Step(("proposed",), "reviewed", ("reviewer", "approver")),
    "approve": Step(("reviewed",), "approved", ("approver",)),
    "reject": Step(("proposed", "reviewed", "approved"), "rejected", ("reviewer", "approver"), True),
    "withdraw": Step(("proposed", "reviewed"), "rejected", ("operator", "reviewer", "approver")),
    "publish": Step(("approved",), "published", ("approver", "system")),
    "emergency": Step(("proposed", "reviewed"), "published", ("approver",), True),
    "confirm": Step(("published",), "published", ("approver",)),
    "suspend": Step(("published",), "suspended", ("reviewer", "approver", "system"), True),
    "resume": Step(("suspended",), "published", ("approver", "system"), True),
    "retire": Step(("published", "suspended"), "retired", ("approver", "system"), True),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Situation:
    """What holds when a step is taken. `people`: how many have to be different ones, 2 or 3.

    `budget`: how often an entry that blocks may act (block, replace, mask) in a million clean characters.
    """

    now: str
    people: int = 2
    budget: float = 1.0
    emergency_hours: int = EMERGENCY_HOURS


def people_needed(operators: list[Operator], min_people: int) -> int:
    """How many people an entry has to pass: three where there are three, never under two."""
    working = {"operator", "reviewer", "approver"}
    active = sum(1 for operator in operators if not operator.revoked and working & set(operator.roles))
    return 3 if min_people >= 3 or active >= 3 else 2


def later(time: str, hours: float) -> str:
    """An ISO 8601 time so many hours on."""
    moment = datetime.fromisoformat(time) + timedelta(hours=hours)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def take(
    action: str, revision: Revision, actor: Actor, at: Situation, *, reason: str = "", waiver: str = ""
) -> Revision:
    """The revision after a step. ProcedureError for a step that is not allowed, or not to this actor."""
    step = STEPS.get(action)
    if step is None:
        raise ProcedureError("invalid_step", f"{action} is no step; the steps are {', '.join(STEPS)}", 400)
    actor.must_be(step.roles, action)
    if revision.status not in step.sources:
        raise ProcedureError(
            "wrong_state",
            f"{revision.id} is {revision.status}; {action} takes an entry that is {' or '.join(step.sources)}",
        )
    if step.explained and not reason.strip():
        raise ProcedureError("reason_required", f"{action} needs a reason; it is recorded", 400)
    taken = _RULES.get(action, _plain)(revision, actor, at, waiver)
    # The first of two approvals leaves it where it is.
    return taken if action == "approve" else taken.changed_to(at.now, {"status": step.target})


def _plain(revision: Revision, actor: Actor, at: Situation, waiver: str) -> Revision:
    return revision.changed_to(at.now, {})


def _is(actor: Actor, *names: str) -> bool:
    return person(actor.name) in {person(name) for name in names if name}


def _not_the_author(revision: Revision, actor: Actor, action: str) -> None:
    if _is(actor, revision.entry.author):
        raise ProcedureError(
            "four_eyes", f"{actor.name} wrote {revision.id}; somebody else has to {action} it", 403
        )


def _review(revision: Revision, actor: Actor, at: Situation, waiver: str) -> Revision:
    _not_the_author(revision, actor, "review")
    return revision.changed_to(at.now, {"reviewer": actor.name})


def _approve(revision: Revision, actor: Actor, at: Situation, waiver: str) -> Revision:
    _not_the_author(revision, actor, "approve")
    entry = revision.entry
    if _is(actor, *entry.approvers):
        raise ProcedureError(
            "four_eyes", f"{actor.name} approved {revision.id} already; it takes another approver", 403
        )
    approvers = (*entry.approvers, actor.name)
    needed = revision.approvals_needed
    done = len(approvers) >= needed
    if done and at.people >= 3 and all(person(name) == person(entry.reviewer) for name in approvers):
        raise ProcedureError(
            "four_eyes",
            f"{actor.name} reviewed {revision.id}; with three people at hand somebody else has to approve it",
            403,
        )
    waiver = _within_budget(revision, at, waiver)
    return revision.changed_to(
        at.now, {"approvers": approvers, "status": "approved" if done else "reviewed"}, waiver=waiver
    )


def _within_budget(revision: Revision, at: Situation, waiver: str) -> str:
    """The reason for letting it block all the same, "" where none is needed."""
    acts = revision.over(at.budget)
    ordered = revision.entry.source.type == "主管部门通知"
    if not acts or ordered:
        return revision.waiver
    waiver = waiver.strip() or revision.waiver
    if not waiver:
        raise ProcedureError(
            "over_budget",
            f"{revision.id} would act {acts:.1f} times in a million clean characters (budget {at.budget:g}): such an "
            "entry can only flag. Propose it again with action flag, or approve it with a reason (--waive REASON)",
        )
    return waiver


def _emergency(revision: Revision, actor: Actor, at: Situation, waiver: str) -> Revision:
    approvers = revision.entry.approvers
    if not _is(actor, revision.entry.author, *approvers):
        approvers = (*approvers, actor.name)
    return revision.changed_to(
        at.now,
        {"approvers": approvers},
        waiver=_within_budget(revision, at, waiver),
        emergency_until=later(at.now, at.emergency_hours),
        emergency_by=actor.name,
    )


def _confirm(revision: Revision, actor: Actor, at: Situation, waiver: str) -> Revision:
    if not revision.emergency_until:
        raise ProcedureError("wrong_state", f"{revision.id} waits for no confirmation")
    _not_the_author(revision, actor, "confirm")
    if _is(actor, revision.emergency_by, *revision.entry.approvers):
        raise ProcedureError(
            "four_eyes",
            f"{actor.name} published {revision.id} or confirmed it already; it takes another",
            403,
        )
    approvers = (*revision.entry.approvers, actor.name)
    done = len(approvers) >= revision.approvals_needed
    until = "" if done else revision.emergency_until
    return revision.changed_to(at.now, {"approvers": approvers}, emergency_until=until)


def _withdraw(revision: Revision, actor: Actor, at: Situation, waiver: str) -> Revision:
    if not _is(actor, revision.entry.author):
        raise ProcedureError("forbidden", f"only {revision.entry.author} may withdraw {revision.id}", 403)
    return revision.changed_to(at.now, {})


_RULES = MappingProxyType({
    "review": _review,
    "approve": _approve,
    "emergency": _emergency,
    "confirm": _confirm,
    "withdraw": _withdraw,
})  # fmt: skip
