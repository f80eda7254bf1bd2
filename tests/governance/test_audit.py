"""The database of the procedure against the records: nothing was done that no event tells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.governance import release
from proxy.governance.audit import audit
from proxy.governance.release import publish
from proxy.records.record import Record
from proxy.review.standard import meaning
from tests.governance.desks import START, Desks, actor, compile_here, mild


@pytest.fixture
def desks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desks:
    monkeypatch.setattr(release, "compile_aside", compile_here)
    desks = Desks(tmp_path)
    desks.passed(mild("测试词语甲"), mild("测试词语乙"))
    emergency = desks.desk.propose(mild("测试词语丙"), actor("ann")).revision.id
    publish(desks.desk, actor("cid"), reason="weekly", emergency=[emergency])
    desks.desk.step("confirm", [emergency], actor("bob"))
    return desks


def faults(desks: Desks, records: list[Record] | None = None) -> tuple[str, ...]:
    with desks.desk.store.reading() as ledger:
        return audit(desks.records if records is None else records, ledger).faults


def test_what_passed_the_procedure_fits(desks: Desks) -> None:
    with desks.desk.store.reading() as ledger:
        found = audit(desks.records, ledger)
    assert (found.faults, found.events, found.revisions) == ((), len(desks.records), 3)


def test_an_approval_that_no_event_tells_is_found_even_with_a_good_seal(desks: Desks) -> None:
    with desks.desk.changing() as ledger:
        one = next(r for r in ledger.within("测试词语甲"))
        forged = replace(one, entry=replace(one.entry, approvers=("cid", "eve")))
        ledger.put(forged, meaning(forged.entry))
    (fault,) = faults(desks)
    assert "approvers cid, eve, the records" in fault


def test_an_event_that_only_one_side_knows_is_found(desks: Desks) -> None:
    assert "not in the records" in faults(desks, desks.records[:-1])[0]
    more = replace(desks.records[0], fields={**desks.records[0].fields, "event_id": "evt_x", "changes": []})
    assert "evt_x" in faults(desks, [*desks.records, more])[0]
    assert "stands in the records twice" in faults(desks, [*desks.records, desks.records[0]])[0]


def test_an_entry_that_is_gone_is_found(desks: Desks) -> None:
    change = {"entry": "e-gone", "revision": 1, "reviewer": "", "approvers": []}
    fields = {**desks.records[0].fields, "changes": [change]}
    told = [replace(desks.records[0], fields=fields), *desks.records[1:]]
    assert "entry e-gone/1 is in the records and not in the database" in faults(desks, told)


def test_what_is_older_than_the_records_is_not_missed(desks: Desks) -> None:
    later = [replace(record, created="2026-11-28T00:00:00.000Z") for record in desks.records[2:]]
    assert faults(desks, later) == ()
    old = Record("library", "", "", "", START, "", {"event": "bootstrap", "operator": "li"})
    assert faults(desks, [old, *desks.records]) == ()
