"""What waits, what is overdue, and the notice of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from proxy.governance import release
from proxy.governance.due import notify, waiting
from proxy.governance.release import publish
from proxy.review.entry import Source
from tests.governance.desks import START, Desks, actor, compile_here, mild

HOOK = {"url": "http://127.0.0.1:9/hook", "secret": "s", "repeat_hours": 24}


@pytest.fixture(autouse=True)
def compiled_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "compile_aside", compile_here)


def kinds(desks: Desks) -> list[tuple[str, int, bool]]:
    return [(one.kind, one.count, one.overdue) for one in waiting(desks.desk)]


def test_nothing_waits_in_an_empty_library(tmp_path: Path) -> None:
    assert waiting(Desks(tmp_path).desk) == []


def test_each_step_waits_for_its_role(tmp_path: Path) -> None:
    desks = Desks(tmp_path)
    ids = [desks.desk.propose(mild(f"测试词语{n}"), actor("ann")).revision.id for n in "甲乙丙丁"]
    desks.desk.step("review", ids[1:], actor("bob"))
    desks.desk.step("approve", ids[2:], actor("cid"))
    found = waiting(desks.desk)
    assert [(w.kind, w.role, w.count) for w in found] == [
        ("approval", "approver", 1),
        ("publication", "approver", 2),
        ("review", "reviewer", 1),
    ]
    assert found[2].entries == (ids[0],)
    assert found[2].since == desks.time


def test_of_many_those_that_wait_longest_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.governance.due._NAMED", 2)
    desks = Desks(tmp_path)
    for name in "zmab":
        desks.desk.propose(mild(f"测试词语{name}", id=name), actor("ann"))
        desks.pass_hours(1)
    assert [(w.count, w.since, w.entries) for w in waiting(desks.desk)] == [(4, START, ("z", "m"))]
    desks.desk.step("review", ["m"], actor("bob"))
    assert [w.entries for w in waiting(desks.desk)] == [("m",), ("z", "a")]


def test_an_authority_order_is_overdue_after_its_day(tmp_path: Path) -> None:
    desks = Desks(tmp_path)
    order = Source("主管部门通知", "文号")
    desks.desk.propose(mild("测试词语甲", source=order, effective_from="2026-11-28"), actor("ann"))
    desks.desk.propose(mild("测试词语乙", source=order), actor("ann"))
    assert kinds(desks) == [("order", 2, False), ("review", 2, False)]
    assert waiting(desks.desk)[0].deadline == "2026-11-27T16:00:00.000Z"  # midnight in China
    desks.pass_hours(8)
    assert kinds(desks)[0] == ("order", 2, True)


def test_emergencies_and_renewals_are_listed_with_their_dates(tmp_path: Path) -> None:
    desks = Desks(tmp_path)
    desks.passed(mild("测试词语甲", review_due="2026-12-02"), mild("测试词语乙", review_due="2027-12-02"))
    one = desks.desk.propose(mild("测试词语丙"), actor("ann")).revision.id
    publish(desks.desk, actor("cid"), reason="r", emergency=[one])
    live = desks.folder / "library/live"
    os.utime(live, (1795766400, 1795766400))  # 2026-11-27T08:00Z, as the desk's clock says
    assert kinds(desks) == [("confirmation", 1, False), ("renewal", 1, False)]
    desks.pass_hours(24 * 7.5)
    assert kinds(desks) == [("confirmation", 1, True), ("renewal", 1, True), ("renew library", 1, True)]


class Hook:
    def __init__(self, *failures: str) -> None:
        self.bodies: list[Mapping[str, Any]] = []
        self.failures = list(failures)

    def __call__(self, url: str, body: Mapping[str, Any], secret: str) -> str:
        assert (url, secret) == (HOOK["url"], "s")
        self.bodies.append(body)
        return self.failures.pop(0) if self.failures else ""


def test_a_notice_goes_out_once_a_day_for_what_is_new(tmp_path: Path) -> None:
    desks, hook = Desks(tmp_path, webhook=HOOK), Hook()
    assert notify(desks.desk, hook) == ()
    one = desks.desk.propose(mild("测试词语甲"), actor("ann")).revision.id
    assert [w.kind for w in notify(desks.desk, hook)] == ["review"]
    assert hook.bodies[0]["waiting"][0]["entries"] == (one,)
    assert desks.records[-1].fields["event"] == "notice"
    assert notify(desks.open(), hook) == ()
    desks.desk.propose(mild("测试词语乙"), actor("ann"))
    assert len(notify(desks.desk, hook)) == 1
    desks.pass_hours(24.1)
    assert len(notify(desks.desk, hook)) == 1
    assert len(hook.bodies) == 3


def test_a_notice_that_failed_is_recorded_and_tried_again_within_the_hour(tmp_path: Path) -> None:
    desks, hook = Desks(tmp_path, webhook=HOOK), Hook("status 500")
    desks.desk.propose(mild("测试词语甲"), actor("ann"))
    notify(desks.desk, hook)
    assert desks.records[-1].fields["failure"] == "status 500"
    desks.pass_hours(0.9)
    assert notify(desks.desk, hook) == ()
    desks.pass_hours(0.2)
    assert len(notify(desks.desk, hook)) == 1
    assert desks.records[-1].fields["failure"] == ""


def test_without_an_address_nothing_is_sent(tmp_path: Path) -> None:
    desks, hook = Desks(tmp_path), Hook()
    desks.desk.propose(mild("测试词语甲"), actor("ann"))
    assert notify(desks.desk, hook) == ()
    assert hook.bodies == []
