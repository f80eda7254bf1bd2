"""The procedure: every step from every status, and every way around the four eyes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.governance.people import SYSTEM, Actor, Operator, ProcedureError
from proxy.governance.procedure import STEPS, Situation, later, people_needed, take
from proxy.governance.revision import Revision
from proxy.review.checks import STATUSES
from proxy.review.entry import Entry, Source
from tests.governance.desks import START, actor, mild

AT = Situation(START)
THREE = Situation(START, people=3)


def revision(entry: Entry, status: str = "proposed", author: str = "ann", **fields: object) -> Revision:
    made = Revision(replace(entry, status=status, author=author), START, START)
    return replace(made, **fields)


MILD = mild("样例词语甲乙")
SEVERE = Entry("样例词语丙丁", "A.1.a", severity=4)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("action", STEPS)
def test_a_step_is_taken_from_its_own_states_only(action: str, status: str) -> None:
    one = revision(MILD, status, emergency_until=later(START, 5), emergency_by="ann")
    who = actor("ann" if action == "withdraw" else "cid")
    if status not in STEPS[action].sources:
        with pytest.raises(ProcedureError, match=f"is {status}; {action} takes an entry that is"):
            take(action, one, who, AT, reason="r")
    else:
        assert take(action, one, who, AT, reason="r").status == STEPS[action].target


@pytest.mark.parametrize("action", STEPS)
@pytest.mark.parametrize("role", ["auditor", "admin", "operator", "reviewer", "approver", "nobody"])
def test_a_step_takes_its_role(action: str, role: str) -> None:
    one = revision(MILD, STEPS[action].sources[0], emergency_until=later(START, 5), emergency_by="ann")
    who = actor("ann" if action == "withdraw" else "cid", role)
    if role in STEPS[action].roles:
        assert take(action, one, who, AT, reason="r").status == STEPS[action].target
    else:
        with pytest.raises(ProcedureError, match="that takes the role"):
            take(action, one, who, AT, reason="r")


@pytest.mark.parametrize("name", ["ann", "ANN", "Ann", "аnn", "ａｎｎ", "a\u200bnn"])
@pytest.mark.parametrize(
    ("action", "status"), [("review", "proposed"), ("approve", "reviewed"), ("confirm", "published")]
)
def test_whoever_wrote_it_decides_nothing_under_any_spelling(action: str, status: str, name: str) -> None:
    one = revision(MILD, status, emergency_until=later(START, 5), emergency_by="bob")
    with pytest.raises(ProcedureError, match="wrote") as refused:
        take(action, one, actor(name), AT)
    assert refused.value.code == "four_eyes"


def test_with_two_people_the_reviewer_may_approve_and_with_three_not() -> None:
    one = take("review", revision(MILD), actor("bob"), AT)
    assert take("approve", one, actor("bob"), AT).status == "approved"
    with pytest.raises(ProcedureError, match="reviewed"):
        take("approve", one, actor("Bob"), THREE)
    assert take("approve", one, actor("cid"), THREE).entry.approvers == ("cid",)


def test_what_is_severe_and_blocks_takes_two_approvals_of_two_people() -> None:
    one = take("review", revision(SEVERE), actor("bob"), THREE)
    one = take("approve", one, actor("bob"), THREE)
    assert (one.status, one.entry.approvers) == ("reviewed", ("bob",))
    with pytest.raises(ProcedureError, match=r"approved .* already"):
        take("approve", one, actor("ＢOB"), THREE)
    assert take("approve", one, actor("cid"), THREE).status == "approved"


def test_what_only_flags_takes_one_approval_however_severe() -> None:
    one = revision(Entry("样例词语丙丁", "A.1.a", severity=4, action={"input": "flag"}), "reviewed")
    assert take("approve", one, actor("cid"), AT).status == "approved"


def test_over_the_budget_an_entry_blocks_only_with_a_reason() -> None:
    one = revision(MILD, "reviewed", hits_per_million=12.5)
    with pytest.raises(ProcedureError, match=r"12\.5 times .* can only flag"):
        take("approve", one, actor("cid"), AT, waiver="  ")
    assert take("approve", one, actor("cid"), AT, waiver="seen by counsel").waiver == "seen by counsel"
    ordered = revision(
        replace(MILD, source=Source("主管部门通知", "文号")), "reviewed", hits_per_million=12.5
    )
    assert take("approve", ordered, actor("cid"), AT).waiver == ""
    flags = revision(mild("样例词语甲乙", action="flag"), "reviewed", hits_per_million=12.5)
    assert take("approve", flags, actor("cid"), AT).status == "approved"


def test_a_waiver_of_the_first_approver_holds_for_the_second() -> None:
    one = revision(SEVERE, "reviewed", hits_per_million=9.0)
    one = take("approve", one, actor("bob"), AT, waiver="ordered by phone")
    assert take("approve", one, actor("cid"), AT).waiver == "ordered by phone"


def test_an_emergency_needs_a_reason_and_ends_unless_others_confirm() -> None:
    with pytest.raises(ProcedureError, match="needs a reason"):
        take("emergency", revision(SEVERE), actor("ann"), AT, reason=" ")
    one = take("emergency", revision(SEVERE), actor("ann"), AT, reason="spreading now")
    assert (one.status, one.emergency_until, one.entry.approvers) == (
        "published",
        "2026-11-30T08:00:00.000Z",
        (),
    )
    one = take("confirm", one, actor("bob"), AT)
    assert one.emergency_until
    with pytest.raises(ProcedureError, match="confirmed it already"):
        take("confirm", one, actor("bob"), AT)
    assert take("confirm", one, actor("cid"), AT).emergency_until == ""


def test_whoever_published_in_an_emergency_does_not_confirm() -> None:
    one = take("emergency", revision(MILD), actor("bob"), AT, reason="spreading now")
    assert one.entry.approvers == ("bob",)
    with pytest.raises(ProcedureError, match=r"published .* or confirmed it already"):
        take("confirm", one, actor("Bob"), AT)
    with pytest.raises(ProcedureError, match="waits for no confirmation"):
        take("confirm", revision(MILD, "published"), actor("cid"), AT)


def test_an_emergency_keeps_the_approvals_there_are_and_waits_for_another_all_the_same() -> None:
    one = take("approve", take("review", revision(SEVERE), actor("bob"), AT), actor("bob"), AT)
    one = take("emergency", one, actor("cid"), AT, reason="spreading now")
    assert (one.entry.approvers, bool(one.emergency_until)) == (("bob", "cid"), True)
    for name in ("ann", "bob", "cid"):
        with pytest.raises(ProcedureError):
            take("confirm", one, actor(name), AT)
    assert take("confirm", one, actor("dan"), AT).emergency_until == ""


def test_only_its_author_withdraws_an_entry() -> None:
    with pytest.raises(ProcedureError, match="only ann may withdraw"):
        take("withdraw", revision(MILD), actor("bob"), AT)


def test_an_unknown_step_is_named() -> None:
    with pytest.raises(ProcedureError, match="fly is no step"):
        take("fly", revision(MILD), actor("bob"), AT)


def test_the_program_itself_publishes_and_retires_and_never_approves() -> None:
    assert take("retire", revision(MILD, "published"), SYSTEM, AT, reason="expired").status == "retired"
    for action in ("review", "approve", "emergency", "confirm"):
        with pytest.raises(ProcedureError):
            take(action, revision(MILD, STEPS[action].sources[0]), SYSTEM, AT, reason="r")


def operator(name: str, *roles: str, revoked: str = "") -> Operator:
    return Operator(name, roles, "0" * 64, START, "boss", revoked)


@pytest.mark.parametrize(
    ("operators", "least", "needed"),
    [
        ([], 2, 2),
        ([], 3, 3),
        ([operator("a", "operator"), operator("b", "approver")], 2, 2),
        ([operator("a", "operator"), operator("b", "approver"), operator("c", "reviewer")], 2, 3),
        ([operator("a", "operator"), operator("b", "approver"), operator("c", "admin")], 2, 2),
        (
            [operator("a", "operator"), operator("b", "approver"), operator("c", "reviewer", revoked=START)],
            2,
            2,
        ),
    ],
)
def test_three_people_are_needed_where_there_are_three(
    operators: list[Operator], least: int, needed: int
) -> None:
    assert people_needed(operators, least) == needed


def test_an_actor_knows_how_it_was_known() -> None:
    assert Actor.of(operator("a", "auditor"), "token").how == "token"
