"""Publishing: what is approved and nothing else, aside, in one step, and back again."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.governance import release
from proxy.governance.compiler import Compiled, compile_aside
from proxy.governance.people import ProcedureError
from proxy.governance.release import diff, end_trial, publish, republish_due, rollback
from proxy.governance.store import Search, TamperedError, VersionRow
from proxy.review.entry import Direction, Entry
from proxy.review.failures import LibraryError
from proxy.review.pointers import Rollout, go_live, live_version, rollout
from proxy.review.store import load_live
from tests.governance.desks import KEY, START, Desks, actor, compile_here, mild

CID = actor("cid")


@pytest.fixture(autouse=True)
def compiled_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process costs a second: it has tests of its own below."""
    monkeypatch.setattr(release, "compile_aside", compile_here)


@pytest.fixture
def desks(tmp_path: Path) -> Desks:
    return Desks(tmp_path)


def live_patterns(desks: Desks) -> set[str]:
    library = load_live(desks.folder / "library", KEY)
    assert library is not None
    return {entry.pattern for entry in library.entries}


def statuses(desks: Desks) -> dict[str, str]:
    return {f"{r.entry.pattern}/{r.number}": r.status for r in desks.desk.search(Search())}


def test_what_is_approved_is_published_and_nothing_else(desks: Desks) -> None:
    desks.passed(mild("测试词语甲"))
    desks.desk.propose(mild("测试词语乙"), actor("ann"))
    done = publish(desks.desk, CID, reason="weekly")
    assert (done.state, done.entries, len(done.added), done.previous) == ("live", 1, 1, "")
    assert live_version(desks.folder / "library") == done.version
    assert live_patterns(desks) == {"测试词语甲"}
    assert statuses(desks) == {"测试词语甲/1": "published", "测试词语乙/1": "proposed"}
    event = desks.records[-1]
    assert (event.fields["event"], event.library_version, event.fields["added"]) == (
        "publish",
        done.version,
        list(done.added),
    )
    library = load_live(desks.folder / "library", KEY)
    assert library is not None
    (entry,) = library.entries
    assert (entry.author, entry.reviewer, entry.approvers) == ("ann", "bob", ("cid",))


def test_the_same_entries_give_the_same_version(desks: Desks) -> None:
    desks.passed(mild("测试词语甲"))
    assert publish(desks.desk, CID, reason="a").version == publish(desks.desk, CID, reason="b").version


def test_only_an_approver_publishes(desks: Desks) -> None:
    with pytest.raises(ProcedureError, match=r"takes the role approver$"):
        publish(desks.desk, actor("ann", "operator", "reviewer", "admin"), reason="r")


def test_a_changed_entry_replaces_the_one_before_and_a_retired_one_goes(desks: Desks) -> None:
    ids = desks.passed(mild("测试词语甲"), mild("测试词语乙"))
    first = publish(desks.desk, CID, reason="one")
    desks.passed(replace(mild("测试词语甲"), severity=1))
    desks.desk.step("retire", [ids[1]], CID, reason="over")
    second = publish(desks.desk, CID, reason="two")
    assert (second.added, second.changed, second.removed) == ((), (ids[0],), (ids[1],))
    assert statuses(desks) == {
        "测试词语甲/1": "retired",
        "测试词语甲/2": "published",
        "测试词语乙/1": "retired",
    }
    assert diff(desks.desk, first.version, second.version).removed == (ids[1],)


def test_a_suspended_entry_goes_with_the_next_version_and_may_come_back(desks: Desks) -> None:
    ids = desks.passed(mild("测试词语甲"), mild("测试词语乙"))
    publish(desks.desk, CID, reason="one")
    desks.desk.step("suspend", ids[:1], CID, reason="false alarms")
    publish(desks.desk, CID, reason="two")
    assert live_patterns(desks) == {"测试词语乙"}
    desks.desk.step("resume", ids[:1], CID, reason="mended")
    publish(desks.desk, CID, reason="three")
    assert live_patterns(desks) == {"测试词语甲", "测试词语乙"}


def test_an_emergency_is_in_force_at_once_and_ends_after_72_hours(desks: Desks) -> None:
    made = desks.desk.propose(Entry("测试词语丙", "A.1.a", severity=4), actor("ann")).revision
    publish(desks.desk, actor("ann"), reason="spreading", emergency=[made.id])
    assert live_patterns(desks) == {"测试词语丙"}
    desks.pass_hours(71.9)
    assert republish_due(desks.desk) is None
    desks.pass_hours(0.2)
    done = republish_due(desks.desk)
    assert done is not None
    assert (done.removed, live_patterns(desks)) == ((made.id,), set())
    assert desks.records[-1].fields["operator"] == "inkseal"
    assert desks.records[-1].fields["ended"] == {
        made.id: "the emergency publication was not confirmed in time"
    }
    assert republish_due(desks.desk) is None


def test_a_confirmed_emergency_stays(desks: Desks) -> None:
    made = desks.desk.propose(mild("测试词语丙"), actor("ann")).revision
    publish(desks.desk, actor("ann"), reason="spreading", emergency=[made.id])
    desks.desk.step("confirm", [made.id], actor("bob"))
    desks.pass_hours(100)
    assert republish_due(desks.desk) is None
    assert live_patterns(desks) == {"测试词语丙"}


def test_dates_of_effect_and_expiry_are_kept(desks: Desks) -> None:
    desks.passed(
        mild("测试词语甲", effective_from="2026-11-29"),
        mild("测试词语乙", expires="2026-11-28"),
        mild("测试词语丙"),
    )
    publish(desks.desk, CID, reason="weekly")
    assert live_patterns(desks) == {"测试词语乙", "测试词语丙"}
    desks.passed(mild("测试词语丁"))
    desks.pass_hours(24)
    assert republish_due(desks.desk) is None
    desks.pass_hours(24)
    assert republish_due(desks.desk) is not None
    # What was only approved waits for a person to publish it.
    assert live_patterns(desks) == {"测试词语甲", "测试词语丙"}
    assert statuses(desks)["测试词语乙/1"] == "retired"


def test_a_version_on_trial_leaves_the_live_one_alone_and_is_promoted_as_it_is(desks: Desks) -> None:
    desks.passed(mild("测试词语甲"))
    first = publish(desks.desk, CID, reason="one")
    desks.passed(mild("测试词语乙"))
    shadow = publish(desks.desk, CID, reason="try", trial=Rollout("", "shadow"))
    assert (shadow.state, live_version(desks.folder / "library")) == ("shadow", first.version)
    assert rollout(desks.folder / "library") == Rollout(shadow.version, "shadow")
    assert statuses(desks)["测试词语乙/1"] == "approved"
    canary = publish(desks.desk, CID, reason="try", trial=Rollout("", "canary", 5.0, ("app",)))
    assert canary.version == shadow.version
    live = publish(desks.desk, CID, reason="fine")
    assert (live.version, rollout(desks.folder / "library")) == (shadow.version, None)
    with desks.desk.store.reading() as ledger:
        assert [(row.version, row.state) for row in ledger.versions()] == [
            (live.version, "live"),
            (first.version, "past"),
        ]


def test_a_trial_is_taken_back(desks: Desks) -> None:
    desks.passed(mild("测试词语甲"))
    publish(desks.desk, CID, reason="try", trial=Rollout("", "canary", 5.0))
    end_trial(desks.desk, CID, "no")
    with pytest.raises(ProcedureError, match="no version is on trial"):
        end_trial(desks.desk, CID, "no")
    assert rollout(desks.folder / "library") is None
    with pytest.raises(ProcedureError, match="not on trial"):
        publish(desks.desk, CID, reason="try", trial=Rollout("", "shadow"), emergency=["x"])


def test_a_canary_is_for_named_tenants_and_a_steady_share_of_the_others() -> None:
    trial = Rollout("v", "canary", 20.0, ("app",))
    assert trial.takes("app", "anybody")
    taken = [trial.takes("web", f"user {n}") for n in range(2000)]
    assert 0.16 < sum(taken) / 2000 < 0.24
    assert taken == [trial.takes("web", f"user {n}") for n in range(2000)]
    assert not Rollout("v", "canary").takes("web", "user")
    assert Rollout("v", "canary", 100.0).takes("web", "user")


@pytest.mark.parametrize("text", ["{", "[]", '{"version": "v", "state": "fly", "percent": 1, "tenants": []}'])
def test_a_rollout_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "rollout.json").write_text(text)
    with pytest.raises(LibraryError, match=r"rollout\.json"):
        rollout(tmp_path)


def test_rollback_is_one_step_and_suspends_what_came_since(desks: Desks) -> None:
    ids = desks.passed(mild("测试词语甲"), mild("测试词语乙"))
    first = publish(desks.desk, CID, reason="one")
    desks.passed(replace(mild("测试词语甲"), severity=1), mild("测试词语丙"))
    desks.desk.step("retire", [ids[1]], CID, reason="over")
    publish(desks.desk, CID, reason="two")
    done = rollback(desks.desk, CID, reason="false alarms")
    assert (done.version, live_version(desks.folder / "library")) == (first.version, first.version)
    assert live_patterns(desks) == {"测试词语甲", "测试词语乙"}
    assert statuses(desks) == {
        "测试词语甲/1": "published",
        "测试词语甲/2": "suspended",
        "测试词语乙/1": "published",
        "测试词语丙/1": "suspended",
    }
    assert desks.events()[-1] == "rollback"
    # What is published next is what the table says.
    assert publish(desks.desk, CID, reason="three").version == first.version


def test_rollback_takes_the_refusal_texts_back_too(desks: Desks) -> None:
    desks.passed(mild("测试词语甲"))
    desks.desk.set_refusals({"default.zh": "换个话题。"}, CID, "r")
    first = publish(desks.desk, CID, reason="one")
    desks.desk.set_refusals({"default.zh": "写错了。"}, CID, "r")
    publish(desks.desk, CID, reason="two")
    rollback(desks.desk, CID, reason="a mistake in it")
    assert desks.desk.refusals() == {"default.zh": "换个话题。"}
    assert publish(desks.desk, CID, reason="three").version == first.version


def test_rollback_passes_over_what_was_only_on_trial(desks: Desks) -> None:
    desks.passed(mild("测试词语甲"))
    first = publish(desks.desk, CID, reason="one")
    desks.pass_hours(1)
    desks.passed(mild("测试词语乙"))
    publish(desks.desk, CID, reason="two")
    desks.pass_hours(1)
    desks.passed(mild("测试词语丙"))
    tried = publish(desks.desk, CID, reason="try", trial=Rollout("", "shadow"))
    with pytest.raises(ProcedureError, match="never in force"):
        rollback(desks.desk, CID, reason="r", version=tried.version)
    end_trial(desks.desk, CID, "enough")
    with pytest.raises(ProcedureError, match="never in force"):
        rollback(desks.desk, CID, reason="r", version=tried.version)
    assert rollback(desks.desk, CID, reason="r").version == first.version
    assert live_patterns(desks) == {"测试词语甲"}


def test_one_may_go_back_to_a_version_that_was_in_force_and_on_trial_since(desks: Desks) -> None:
    ids = desks.passed(mild("测试词语甲"))
    first = publish(desks.desk, CID, reason="one")
    ids += desks.passed(mild("测试词语乙"))
    publish(desks.desk, CID, reason="two")
    desks.desk.step("suspend", ids[1:], CID, reason="false alarms")
    tried = publish(desks.desk, CID, reason="try", trial=Rollout("", "canary", 5.0))
    assert tried.version == first.version
    end_trial(desks.desk, CID, "enough")
    assert rollback(desks.desk, CID, reason="r").version == first.version


@pytest.mark.parametrize("by_hand", [False, True])
def test_an_emergency_that_nobody_confirmed_does_not_come_back_by_rollback(
    desks: Desks, by_hand: bool
) -> None:
    desks.passed(mild("测试词语甲"))
    first = publish(desks.desk, CID, reason="one")
    made = desks.desk.propose(Entry("测试词语丙", "A.1.a", severity=4), actor("ann")).revision
    second = publish(desks.desk, actor("ann"), reason="spreading", emergency=[made.id])
    if by_hand:
        desks.desk.step("retire", [made.id], actor("ann"), reason="over")
    desks.pass_hours(73)
    assert publish(desks.desk, CID, reason="three").version == first.version
    with pytest.raises(ProcedureError, match="nobody confirmed in time"):
        rollback(desks.desk, actor("ann"), reason="r", version=second.version)
    assert live_patterns(desks) == {"测试词语甲"}
    assert statuses(desks)["测试词语丙/1"] == "retired"


def test_an_emergency_that_comes_back_by_rollback_ends_when_it_was_to_end(desks: Desks) -> None:
    desks.passed(mild("测试词语甲"))
    publish(desks.desk, CID, reason="one")
    made = desks.desk.propose(Entry("测试词语丙", "A.1.a", severity=4), actor("ann")).revision
    second = publish(desks.desk, actor("ann"), reason="spreading", emergency=[made.id])
    desks.desk.step("retire", [made.id], CID, reason="over")
    publish(desks.desk, CID, reason="three")
    rollback(desks.desk, CID, reason="r", version=second.version)
    assert live_patterns(desks) == {"测试词语甲", "测试词语丙"}
    desks.pass_hours(73)
    done = republish_due(desks.desk)
    assert done is not None
    assert done.removed == (made.id,)


def test_rollback_wants_a_reason_an_approver_and_a_version_that_is_there(desks: Desks) -> None:
    desks.passed(mild("测试词语甲"))
    first = publish(desks.desk, CID, reason="one")
    with pytest.raises(ProcedureError, match="there is no earlier version"):
        rollback(desks.desk, CID, reason="r")
    with pytest.raises(ProcedureError, match="needs a reason"):
        rollback(desks.desk, CID, reason="", version=first.version)
    with pytest.raises(ProcedureError, match="takes the role approver"):
        rollback(desks.desk, actor("ann", "reviewer"), reason="r")
    desks.passed(mild("测试词语乙"))
    publish(desks.desk, CID, reason="two")
    desks.passed(mild("测试词语丙"))
    publish(desks.desk, CID, reason="three")
    with pytest.raises(ProcedureError, match="there is no earlier version zz"):
        rollback(desks.desk, CID, reason="r", version="zz")
    assert rollback(desks.desk, CID, reason="r", version=first.version[:12]).version == first.version


@pytest.mark.parametrize("name", ["entries.jsonl", "words.bin"])
def test_nobody_rolls_back_to_a_snapshot_that_was_changed(desks: Desks, name: str) -> None:
    desks.passed(mild("测试词语甲"))
    first = publish(desks.desk, CID, reason="one")
    desks.passed(mild("测试词语乙"))
    second = publish(desks.desk, CID, reason="two")
    path = desks.folder / "library/versions" / first.version / name
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(LibraryError, match="was changed after publishing"):
        rollback(desks.desk, CID, reason="r")
    assert live_version(desks.folder / "library") == second.version


def test_an_entry_approved_behind_the_procedures_back_is_not_published(desks: Desks) -> None:
    desks.desk.propose(mild("测试词语甲"), actor("ann"))
    with sqlite3.connect(desks.folder / "governance.sqlite") as connection:
        connection.execute(
            """UPDATE revisions SET status = 'approved', data = replace(data, '"proposed"', '"approved"')"""
        )
    connection.close()
    with pytest.raises(TamperedError):
        publish(desks.desk, CID, reason="r")
    assert live_version(desks.folder / "library") is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE revisions SET status = 'published' WHERE status = 'rejected'",
        "UPDATE revisions SET number = 7 WHERE status = 'published'",
        "UPDATE revisions SET id = 'e-0' WHERE status = 'published'",
        "UPDATE revisions SET data = replace(data, '测试词语甲', '测试词语丙')",
    ],
)
def test_what_was_published_behind_the_procedures_back_is_not_published_again(
    desks: Desks, change: str
) -> None:
    (rejected,) = desks.passed(mild("测试词语乙"))
    desks.desk.step("reject", [rejected], CID, reason="wrong")
    desks.passed(mild("测试词语甲"))
    first = publish(desks.desk, CID, reason="one")
    with sqlite3.connect(desks.folder / "governance.sqlite") as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(TamperedError, match="in the governance database"):
        publish(desks.desk, CID, reason="two")
    assert live_version(desks.folder / "library") == first.version


def test_an_entry_whose_last_day_was_taken_out_of_the_table_does_not_live_on(desks: Desks) -> None:
    desks.passed(mild("测试词语甲", expires="2026-11-28"))
    publish(desks.desk, CID, reason="one")
    with sqlite3.connect(desks.folder / "governance.sqlite") as connection:
        connection.execute("UPDATE revisions SET due = ''")
    connection.close()
    publish(desks.desk, CID, reason="two")  # its day has not come
    desks.pass_hours(48)
    with pytest.raises(TamperedError, match="the day on which entry"):
        publish(desks.desk, CID, reason="three")


def test_an_emergency_takes_the_place_of_what_is_in_force(desks: Desks) -> None:
    (entry_id,) = desks.passed(mild("测试词语甲"))
    publish(desks.desk, CID, reason="one")
    desks.desk.propose(mild("测试词语甲", gap=1), actor("ann"))
    done = publish(desks.desk, CID, reason="spreading", emergency=[entry_id])
    assert (done.entries, done.changed) == (1, (entry_id,))
    assert statuses(desks) == {"测试词语甲/1": "retired", "测试词语甲/2": "published"}


def test_a_rollback_leaves_alone_what_is_as_it_was(desks: Desks) -> None:
    ids = desks.passed(mild("测试词语甲"), mild("测试词语乙"))
    publish(desks.desk, CID, reason="one")
    desks.passed(mild("测试词语丙"))
    publish(desks.desk, CID, reason="two")
    before = [desks.desk.history(entry_id)[0] for entry_id in ids]
    desks.pass_hours(1)
    assert rollback(desks.desk, CID, reason="false alarms").entries == 2
    assert [desks.desk.history(entry_id)[0] for entry_id in ids] == before


def test_a_damaged_version_is_a_reason_to_publish_and_to_roll_back(desks: Desks) -> None:
    desks.passed(mild("测试词语甲"))
    first = publish(desks.desk, CID, reason="one")
    desks.passed(mild("测试词语乙"))
    second = publish(desks.desk, CID, reason="two")
    (desks.folder / "library/versions" / second.version / "entries.jsonl").write_bytes(b"")
    desks.passed(mild("测试词语丙"))
    done = publish(desks.desk, CID, reason="it is damaged")
    assert (done.previous, done.entries, len(done.added)) == (second.version, 3, 3)
    (desks.folder / "library/versions" / done.version / "entries.jsonl").write_bytes(b"")
    back = rollback(desks.desk, CID, reason="it is damaged", version=first.version)
    assert (back.entries, len(back.added)) == (1, 1)


def test_a_step_while_compiling_means_compiling_again(desks: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = desks.passed(mild("测试词语甲"), mild("测试词语乙"))
    calls = []

    def slow(*arguments: Any, **more: Any) -> Compiled:
        if not calls:
            desks.open().step("reject", ids[:1], actor("bob"), reason="wrong")
        calls.append(1)
        return compile_here(*arguments, **more)

    monkeypatch.setattr(release, "compile_aside", slow)
    publish(desks.desk, CID, reason="weekly")
    assert (len(calls), live_patterns(desks)) == (2, {"测试词语乙"})


def test_publishers_at_once_publish_one_after_the_other(desks: Desks) -> None:
    desks.passed(mild("测试词语甲"))
    done: list[str] = []
    threads = [
        threading.Thread(target=lambda: done.append(publish(desks.open(), CID, reason="r").version))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(done)) == 1
    assert len(done) == 3


def test_what_does_not_compile_is_told_and_changes_nothing(tmp_path: Path) -> None:
    about: Any = {"previous": "", "author": "a", "reason": "r", "now": START, "refusals": {}, "key": KEY}
    with pytest.raises(LibraryError, match="nothing is left of it"):
        compile_aside(tmp_path, [], [Entry("\u200b", "A.1.a")], **about)
    with pytest.raises(LibraryError, match="longer than 0 seconds"):
        compile_aside(tmp_path, [], **about, seconds=0.0)
    with pytest.raises(LibraryError, match=r"Errno|cannot"):
        compile_aside(Path("/proc/nowhere"), [], **about)
    made = compile_aside(tmp_path, [], [mild("测试词语甲")], **about)
    assert live_version(tmp_path) is None
    go_live(tmp_path, made.version, KEY)
    library = load_live(tmp_path, KEY)
    assert library is not None
    assert library.review("测试词语甲", Direction.INPUT)


def test_a_compiler_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.governance.compiler.sys.executable", "/bin/false")
    with pytest.raises(LibraryError, match=r"the compiling process failed \(exit code 1\)"):
        compile_aside(tmp_path, [], previous="", author="a", reason="r", now=START, refusals={}, key=KEY)


def test_what_matters_not_while_compiling_means_no_second_try(
    desks: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    desks.passed(mild("测试词语甲"))
    calls = []

    def slow(*arguments: Any, **more: Any) -> Compiled:
        calls.append(1)
        desks.open().propose(mild(f"测试词语{len(calls)}乙"), actor("ann"))
        return compile_here(*arguments, **more)

    monkeypatch.setattr(release, "compile_aside", slow)
    publish(desks.desk, CID, reason="weekly")
    assert len(calls) == 1


def test_entries_that_keep_changing_are_not_published_half(
    desks: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    desks.passed(*(mild(f"测试词语{n}") for n in "甲乙丙丁"))
    left = [r.id for r in desks.desk.search(Search(status=("approved",)))]

    def slow(*arguments: Any, **more: Any) -> Compiled:
        desks.open().step("reject", [left.pop()], actor("bob"), reason="wrong")
        return compile_here(*arguments, **more)

    monkeypatch.setattr(release, "compile_aside", slow)
    with pytest.raises(ProcedureError, match="keep changing"):
        publish(desks.desk, CID, reason="weekly")
    assert live_version(desks.folder / "library") is None


def test_an_entry_of_an_emergency_has_to_be_there(desks: Desks) -> None:
    with pytest.raises(ProcedureError, match="there is no entry e-none"):
        publish(desks.desk, CID, reason="r", emergency=["e-none"])


def test_digits_that_begin_several_versions_are_not_enough(desks: Desks) -> None:
    with desks.desk.changing() as ledger:
        for version in ("aa1", "aa2"):
            ledger.put_version(VersionRow(version, START, "a", "r", "past", 0))
    with pytest.raises(ProcedureError, match="aa begins several versions"):
        rollback(desks.desk, CID, reason="r", version="aa")
