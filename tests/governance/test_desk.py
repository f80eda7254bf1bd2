"""The desk: the way of an entry, who may do what, and a record of every step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.governance.dry_run import DryRun
from proxy.governance.people import ProcedureError
from proxy.governance.release import publish
from proxy.governance.store import Search
from proxy.records.record import Record, RecordError
from proxy.review import store as snapshots
from proxy.review.entry import Entry
from tests.governance.desks import KEY, START, Desks, actor, mild


@pytest.fixture
def desks(tmp_path: Path) -> Desks:
    return Desks(tmp_path)


def test_an_entry_passes_the_procedure_and_every_step_is_recorded(desks: Desks) -> None:
    desk = desks.desk
    made = desk.propose(mild("测试词语甲"), actor("ann"), "seen in a complaint")
    assert (made.revision.status, made.revision.entry.author, made.remarks) == ("proposed", "ann", ())
    assert made.revision.hits_per_million == 0
    desk.step("review", [made.revision.id], actor("bob"))
    (approved,) = desk.step("approve", [made.revision.id], actor("cid"), reason="fits")
    assert (approved.status, approved.entry.reviewer, approved.entry.approvers) == (
        "approved",
        "bob",
        ("cid",),
    )
    assert desks.events() == ["propose", "review", "approve"]
    record = desks.records[0]
    assert (record.kind, record.created) == ("library", START)
    assert record.fields["operator"] == "ann"
    assert record.fields["reason"] == "seen in a complaint"
    assert record.fields["changes"][0]["diff"]["pattern"] == [None, "测试词语甲"]
    assert desks.records[2].fields["changes"][0] == {
        "entry": approved.id,
        "revision": 1,
        "from": "reviewed",
        "to": "approved",
        "diff": {},
        "reviewer": "bob",
        "approvers": ["cid"],
    }
    revision, events = desk.history(approved.id)
    assert revision == approved
    assert [event.action for event in events] == ["approve", "review", "propose"]


REFUSED = {
    "two short": (mild("甲"), "short"),
    "empty": (mild("\u200b\u200b"), "unmatchable"),
    "too long": (mild("长" * 65), "unmatchable"),
    "its own allow phrase": (mild("测试词语甲", exceptions=("测试词语甲",)), "always_allowed"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_entry_standard_refuses_is_not_proposed(desks: Desks, case: str) -> None:
    entry, code = REFUSED[case]
    with pytest.raises(ProcedureError, match="the entry standard refuses it") as refused:
        desks.desk.propose(entry, actor("ann"))
    assert refused.value.code == code
    assert desks.desk.search(Search()) == []
    assert desks.records == []


def test_a_duplicate_shows_the_equal_one(desks: Desks) -> None:
    first = desks.desk.propose(mild("Test Word"), actor("ann")).revision
    with pytest.raises(ProcedureError, match=f"equals {first.id} \\(Test Word\\), which is proposed"):
        desks.desk.propose(replace(mild("ＴＥＳＴ word"), category="A.1.b", id="x"), actor("bob"))
    other_tenant = desks.desk.propose(mild("test word", tenants=("app",)), actor("bob"))
    assert other_tenant.revision.id != first.id
    desks.desk.step("withdraw", [first.id], actor("ann"))
    assert desks.desk.propose(mild("test WORD"), actor("bob")).revision.status == "proposed"


def test_a_shadowed_entry_is_refused_and_an_idle_phrase_only_told(desks: Desks) -> None:
    desks.desk.propose(mild("样例词"), actor("ann"))
    with desks.desk.changing() as ledger:
        one = ledger.get(mild("样例词").id)
        assert one is not None
        ledger.put(one.changed_to(START, {"status": "published"}), "m")
    with pytest.raises(ProcedureError, match="is found in it already"):
        desks.desk.propose(mild("长样例词句"), actor("ann"))
    told = desks.desk.propose(mild("测试词语乙", exceptions=("无关短语",)), actor("ann"))
    assert [remark.code for remark in told.remarks] == ["idle_phrase"]
    assert told.revision.remarks[0].startswith("idle_phrase: ")


def test_what_hits_clean_text_can_only_flag_or_needs_a_waiver(desks: Desks) -> None:
    made = desks.desk.propose(mild("图书馆"), actor("ann")).revision
    assert made.hits_per_million is not None
    assert made.hits_per_million > 1
    assert "图书馆" in made.samples[0]
    desks.desk.step("review", [made.id], actor("bob"))
    with pytest.raises(ProcedureError, match="can only flag"):
        desks.desk.step("approve", [made.id], actor("cid"))
    (approved,) = desks.desk.step("approve", [made.id], actor("cid"), waiver="a name of ours")
    assert approved.waiver == "a name of ours"
    assert desks.records[-1].fields["waiver"] == "a name of ours"


def test_steps_with_many_are_taken_with_all_or_with_none(desks: Desks) -> None:
    ids = [desks.desk.propose(mild(f"测试词语{n}"), actor("ann")).revision.id for n in "甲乙丙"]
    with pytest.raises(ProcedureError, match="there is no entry e-none"):
        desks.desk.step("review", [*ids, "e-none"], actor("bob"))
    assert {r.status for r in desks.desk.search(Search())} == {"proposed"}
    assert {r.status for r in desks.desk.step("review", [*ids, ids[0]], actor("bob"))} == {"reviewed"}
    assert desks.events().count("review") == 1


def test_a_change_of_an_entry_is_a_revision_of_its_own(desks: Desks) -> None:
    desk = desks.desk
    first = desk.propose(mild("测试词语甲"), actor("ann")).revision
    with pytest.raises(ProcedureError, match="is proposed already"):
        desk.propose(replace(first.entry, severity=1), actor("ann"))
    publish(desk, actor("bob"), reason="spreading", emergency=[first.id])
    with pytest.raises(ProcedureError, match="is published just as it is proposed"):
        desk.propose(first.entry, actor("ann"))
    (second,) = desk.recategorise([first.id], "A.2.b", actor("ann"), "wrong risk")
    assert (second.number, second.status, second.entry.category) == (2, "proposed", "A.2.b")
    assert desks.records[-1].fields["changes"][0]["diff"] == {"category": ["A.2.a", "A.2.b"]}
    publish(desk, actor("bob"), reason="now", emergency=[first.id])
    assert {(r.number, r.status) for r in desk.search(Search())} == {(1, "retired"), (2, "published")}
    desk.step("retire", [first.id], actor("cid"), reason="over")
    assert {(r.number, r.status) for r in desk.search(Search())} == {(1, "retired"), (2, "retired")}


def test_publishing_is_no_step_by_hand(desks: Desks) -> None:
    with pytest.raises(ProcedureError, match="emergency is no step here"):
        desks.desk.step("emergency", ["x"], actor("ann"), reason="r")


def test_before_there_are_operators_names_are_taken_as_they_are_given(desks: Desks) -> None:
    assert desks.desk.actor("ann").how == "claimed"
    with pytest.raises(ProcedureError, match="is no operator's name"):
        desks.desk.actor("a b")


def test_once_there_are_operators_only_they_act_with_their_roles(desks: Desks) -> None:
    desk = desks.desk
    boss = desk.actor("boss")
    token = desk.add_operator("ann", ["operator"], boss)
    assert desk.actor("ann").roles == {"operator"}
    with pytest.raises(
        ProcedureError, match="bob is no operator here: name one with --as; operators are ann"
    ):
        desk.actor("bob")
    shown = desk.actor_by_token(token)
    assert shown is not None
    assert (shown.name, shown.how) == ("ann", "token")
    assert desk.actor_by_token(token + "x") is None
    with pytest.raises(ProcedureError, match="may not add operators"):
        desk.add_operator("eve", ["approver"], desk.actor("ann"))
    made = desk.propose(mild("测试词语甲"), shown).revision
    with pytest.raises(ProcedureError, match="takes the role reviewer or approver"):
        desk.step("review", [made.id], shown)
    assert token not in str(desks.records)
    assert token not in (desks.folder / "governance.sqlite").read_bytes().decode("latin-1")


def test_a_revoked_operator_is_nobody_and_leaves_the_door_shut(desks: Desks) -> None:
    desk = desks.desk
    boss = desk.actor("boss")
    token = desk.add_operator("ann", ["operator", "approver"], boss)
    desk.revoke_operator("ann", boss, "left")
    assert desk.actor_by_token(token) is None
    for name in ("ann", "boss"):
        with pytest.raises(ProcedureError, match="is no operator here"):
            desk.actor(name)
    with pytest.raises(ProcedureError, match="whose token is good"):
        desk.revoke_operator("ann", boss)
    assert desks.events() == ["operator added", "operator revoked"]
    assert {record.kind for record in desks.records} == {"operator"}


@pytest.mark.parametrize(
    ("name", "said"),
    [("Ann", "taken: it looks like ann"), ("аnn", "taken: it looks like ann"), ("ann", "taken;")],
)
def test_nobody_gets_a_name_that_looks_like_another(desks: Desks, name: str, said: str) -> None:
    boss = desks.desk.actor("boss")
    desks.desk.add_operator("ann", ["operator"], boss)
    with pytest.raises(ProcedureError, match=said):
        desks.desk.add_operator(name, ["approver"], boss)


@pytest.mark.parametrize("roles", [[], ["king"], ["operator", "king"]])
def test_roles_are_those_there_are(desks: Desks, roles: list[str]) -> None:
    with pytest.raises(ProcedureError, match="name at least one role of operator, reviewer"):
        desks.desk.add_operator("ann", roles, desks.desk.actor("boss"))


def test_with_require_token_a_name_is_not_enough(tmp_path: Path) -> None:
    desks = Desks(tmp_path, require_token=True)
    desks.desk.add_operator("ann", ["operator"], desks.desk.actor("boss"))
    with pytest.raises(ProcedureError, match="INKSEAL_OPERATOR_TOKEN"):
        desks.desk.actor("ann")


def test_with_three_operators_three_people_pass_an_entry(desks: Desks) -> None:
    desks.staff("ann", "bob", "cid")
    made = desks.desk.propose(mild("测试词语甲"), desks.desk.actor("ann")).revision
    desks.desk.step("review", [made.id], desks.desk.actor("bob"))
    with pytest.raises(ProcedureError, match="somebody else has to approve it"):
        desks.desk.step("approve", [made.id], desks.desk.actor("bob"))
    assert desks.desk.step("approve", [made.id], desks.desk.actor("cid"))[0].status == "approved"


def test_what_cannot_be_recorded_does_not_happen(desks: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(records: list[Record]) -> None:
        raise RecordError("disk full")

    monkeypatch.setattr(desks.desk, "_recorder", fail)
    with pytest.raises(RecordError):
        desks.desk.propose(mild("测试词语甲"), actor("ann"))
    assert desks.desk.search(Search()) == []


def test_a_library_from_before_the_procedure_comes_under_it(tmp_path: Path) -> None:
    entries = [Entry("甲乙丙", "A.1.a"), Entry("丁戊己", "A.1.b")]
    version = snapshots.publish(tmp_path / "library", entries, author="a", reason="r", now=START, key=KEY)
    desks = Desks(tmp_path)
    found = desks.desk.search(Search(status=("published",)))
    assert {r.entry.pattern for r in found} == {"甲乙丙", "丁戊己"}
    assert [(r.fields["event"], r.library_version) for r in desks.records] == [("adopt", version)]
    _, events = desks.desk.history(found[0].id)
    assert [event.action for event in events] == ["adopt"]
    desks.open()
    assert len(desks.records) == 1


def test_an_entry_whose_hits_only_flag_may_block_and_the_flags_are_told(tmp_path: Path) -> None:
    desk = Desks(tmp_path).desk
    desk.dry_run = DryRun(corpus=lambda: ["我们应当及时处理。"] * 3)
    quiet = desk.propose(mild("应当及市", views=("safe", "pinyin")), actor("ann"))
    assert quiet.hits.acts_per_million == quiet.revision.acts_per_million == 0
    assert quiet.revision.hits_per_million == pytest.approx(111_111, abs=1)
    desk.step("review", [quiet.revision.id], actor("bob"))
    assert desk.step("approve", [quiet.revision.id], actor("cid"))[0].status == "approved"
    loud = desk.propose(mild("应当及是", views=("safe", "pinyin"), folds=("words",)), actor("ann"))
    desk.step("review", [loud.revision.id], actor("bob"))
    with pytest.raises(ProcedureError) as refused:
        desk.step("approve", [loud.revision.id], actor("cid"))
    assert refused.value.code == "over_budget"
    assert "would act 111111" in str(refused.value)
