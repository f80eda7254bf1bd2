"""The contract of a governance store, run over every backend."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.governance.people import Operator
from proxy.governance.revision import Revision
from proxy.governance.store import (
    Event,
    GovernanceStore,
    Search,
    TamperedError,
    UnavailableError,
    VersionRow,
    open_governance,
)
from proxy.review.entry import Entry, Source
from tests.governance.desks import KEY, START

Make = Callable[[], GovernanceStore]
BACKENDS = {"sqlite": lambda folder: open_governance(f"sqlite:///{folder}", KEY)}


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> GovernanceStore:
    return BACKENDS[request.param](tmp_path)


def revision(name: str, number: int = 1, status: str = "proposed", **fields: object) -> Revision:
    entry = Entry(f"词语{name}", "A.1.a", id=name, version=number, status=status, author="ann", **fields)
    return Revision(entry, START, START, 0.5, ("…",), ("idle: x",), "why", START, "ann", "evt_1", 0.25)


def test_what_is_put_comes_back_whole(store: GovernanceStore) -> None:
    one = revision("a", exceptions=("词语a会",), source=Source("投诉举报", "no. 3", "2026-01-01"))
    with store.changing() as ledger:
        ledger.put(one, "m1")
    with store.reading() as ledger:
        assert ledger.get("a") == ledger.get("a", 1) == one
        assert ledger.get("a", 2) is None
        assert ledger.get("b") is None


def test_what_fails_changes_nothing(store: GovernanceStore) -> None:
    def fail() -> None:
        with store.changing() as ledger:
            ledger.put(revision("a"), "m")
            ledger.put_fact("f", 1)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with store.reading() as ledger:
        assert (ledger.get("a"), ledger.fact("f")) == (None, None)


def test_revisions_are_found_by_status_and_meaning(store: GovernanceStore) -> None:
    with store.changing() as ledger:
        ledger.put(revision("a", 1, "published"), "m")
        ledger.put(revision("a", 2, "proposed"), "m")
        ledger.put(revision("b", 1, "retired"), "m")
        ledger.put(revision("c", 1, "approved"), "n")
        newest = ledger.get("a")
        assert newest is not None
        assert newest.number == 2
        in_force = ledger.in_force("a")
        assert in_force is not None
        assert in_force.number == 1
        assert ledger.in_force("c") is None
        assert ledger.equal("m", "a") is None
        twin = ledger.equal("m", "z")
        assert twin is not None
        assert twin.id == "a"
        assert ledger.tally() == {
            ("published", "A.1.a"): 1,
            ("proposed", "A.1.a"): 1,
            ("retired", "A.1.a"): 1,
            ("approved", "A.1.a"): 1,
        }
        assert [r.id for r in ledger.within("一个词语A的句子")] == ["a"]


def test_all_of_a_status_are_read_at_once_as_they_are_kept(store: GovernanceStore) -> None:
    ones = [revision("b", 1, "published"), revision("a", 2, "published"), revision("a", 1, "published")]
    with store.changing() as ledger:
        for one in [*ones, revision("c", 1, "approved")]:
            ledger.put(one, "m")
    with store.reading() as ledger:
        kept = list(ledger.kept("published"))
        seals = ledger.seals("published")
        assert {(one.id, one.number): one.revision for one in kept} == {(o.id, o.number): o for o in ones}
        assert seals == hashlib.sha256(b"".join(one.mac for one in kept)).digest()
        assert ledger.numbers("published") == {"a": 2, "b": 1}
        assert (list(ledger.kept("retired")), ledger.numbers("retired")) == ([], {})
    with store.changing() as ledger:
        ledger.put(revision("c", 1, "rejected"), "m")
        assert ledger.seals("published") == seals
        ledger.put(ones[0].changed_to("2027-01-01T00:00:00.000Z", {}), "m")
        assert ledger.seals("published") != seals


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (Search(), ["a", "b", "c"]),
        (Search(ids=("a", "c", "x")), ["a", "c"]),
        (Search(text="词语b"), ["b"]),
        (Search(text="%"), []),
        (Search(status=("published", "retired")), ["b", "c"]),
        (Search(category="A.1.a", author="ann"), ["a", "b", "c"]),
        (Search(category="A.2.a"), []),
        (Search(source="投诉举报"), ["b"]),
        (Search(author="bob"), []),
        (Search(origin="evt_1", limit=1, offset=1), ["b"]),
    ],
)
def test_a_search_finds_what_fits(store: GovernanceStore, search: Search, found: list[str]) -> None:
    with store.changing() as ledger:
        ledger.put(revision("a"), "m1")
        ledger.put(revision("b", status="published", source=Source("投诉举报")), "m2")
        ledger.put(revision("c", status="retired"), "m3")
    with store.reading() as ledger:
        assert [r.id for r in ledger.find(search)] == found
        if search.limit is None:
            assert ledger.count(search) == len(found)


def test_operators_events_versions_and_facts_come_back(store: GovernanceStore) -> None:
    ann = Operator("ann", ("approver", "operator"), "0" * 64, START, "boss")
    event = Event("evt_9", START, "review", "ann", "token", "fine", ("a", "b"), {"n": 1})
    with store.changing() as ledger:
        ledger.put_operator(ann)
        ledger.put_operator(replace(ann, revoked=START))
        ledger.put(revision("a"), "m")
        ledger.note(event)
        ledger.note(replace(event, id="evt_1", action="import", entries=()))
        ledger.put_version(VersionRow("v1", "2026-01-01", "ann", "r", "live", 3))
        ledger.put_version(VersionRow("v2", "2026-01-02", "ann", "r", "live", 4))
        ledger.put_version(VersionRow("v1", "2026-01-03", "bob", "back", "live", 3))
        ledger.put_fact("f", {"x": [1]})
        ledger.put_fact("f", {"x": [2]})
    with store.reading() as ledger:
        assert ledger.operators() == [replace(ann, revoked=START)]
        # "a" is named in the first event and came with the second.
        assert [(e.id, e.action, dict(e.fields)) for e in ledger.history("a")] == [
            ("evt_1", "import", {"n": 1}),
            ("evt_9", "review", {"n": 1}),
        ]
        assert [e.id for e in ledger.history("b", 5)] == ["evt_9"]
        assert [(row.version, row.actor) for row in ledger.versions()] == [("v1", "bob"), ("v2", "ann")]
        assert ledger.fact("f") == {"x": [2]}


def test_writers_of_several_processes_wait_for_each_other(store: GovernanceStore) -> None:
    def add() -> None:
        for _ in range(20):
            with store.changing() as ledger:
                ledger.put_fact("n", (ledger.fact("n") or 0) + 1)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as ledger:
        assert ledger.fact("n") == 80


def test_another_url_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must look like sqlite:///\./data/records"):
        open_governance("mysql://x", KEY)


CHANGES = {
    "a status": "UPDATE revisions SET status = 'approved'",
    "the text of an entry": "UPDATE revisions SET data = replace(data, '词语', '别的')",
    "its approvers": """UPDATE revisions SET data = replace(data, '"author":"ann"', '"approvers":["x"],"author":"ann"')""",
    "an id": "UPDATE revisions SET id = 'z'",
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_somebody_changed_in_the_database_is_found(tmp_path: Path, change: str) -> None:
    store = open_governance(f"sqlite:///{tmp_path}", KEY)
    with store.changing() as ledger:
        ledger.put(revision("a"), "m")
    with sqlite3.connect(tmp_path / "governance.sqlite") as connection:
        assert connection.execute(CHANGES[change]).rowcount == 1
    connection.close()
    with store.reading() as ledger, pytest.raises(TamperedError, match="in the governance database"):
        list(ledger.find(Search()))


OPERATOR_CHANGES = {
    "roles": "UPDATE operators SET data = replace(data, 'operator', 'approver')",
    "a name": "UPDATE operators SET name = 'bob'",
    "a new one": "INSERT INTO operators SELECT 'eve', replace(data, 'ann', 'eve'), mac FROM operators",
}


@pytest.mark.parametrize("change", OPERATOR_CHANGES)
def test_nobody_becomes_an_approver_through_the_database(tmp_path: Path, change: str) -> None:
    store = open_governance(f"sqlite:///{tmp_path}", KEY)
    with store.changing() as ledger:
        ledger.put_operator(Operator("ann", ("operator",), "0" * 64, START, "boss"))
    with sqlite3.connect(tmp_path / "governance.sqlite") as connection:
        connection.execute(OPERATOR_CHANGES[change])
    connection.close()
    with store.reading() as ledger, pytest.raises(TamperedError):
        ledger.operators()


def test_a_database_that_is_busy_or_none_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.governance.sqlite._BUSY_SECONDS", 0.1)
    store = open_governance(f"sqlite:///{tmp_path}", KEY)
    with store.changing():
        other = open_governance(f"sqlite:///{tmp_path}", KEY)
        with pytest.raises(UnavailableError, match="another process keeps it busy"), other.changing():
            pass
        with other.reading() as ledger:
            assert ledger.operators() == []
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/governance.sqlite").write_bytes(b"no database" * 100)
    broken = open_governance(f"sqlite:///{tmp_path / 'broken'}", KEY)
    with pytest.raises(UnavailableError, match="not a database"), broken.reading():
        pass
