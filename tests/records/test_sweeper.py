from __future__ import annotations

from pathlib import Path

import pytest

from proxy.records.monthly import read_records
from proxy.records.record import Query, Record
from proxy.records.sweeper import find_leftovers
from proxy.records.verify import verify
from tests.records.samples import NOW, Keys, record, started, write

APRIL, MAY = "2026-04-30T23:59:00.000Z", "2026-05-01T00:00:00.000Z"


def aborted(folder: Path) -> list[Record]:
    return [stored.record for stored in read_records(folder, Query(status="aborted"))]


def test_open_requests_of_a_dead_writer_are_closed_in_the_next_chain(folder: Path) -> None:
    dead = started(folder, "dead")
    write(dead, record(1), record(2), record(2, "closed"))
    dead.close()
    started(folder, "next").close()
    [row] = read_records(folder, Query(status="aborted"))
    assert row.record == Record(
        "request",
        "req-1",
        "cid-1",
        "aborted",
        NOW,
        "lib-1",
        {"reason": "writer gone", "writer": dead._writer.id},
    )
    assert row.writer != dead._writer.id
    assert verify(folder, keys=Keys()).ok


def test_a_second_start_finds_nothing_left(folder: Path) -> None:
    dead = started(folder, "dead")
    write(dead, record(1))
    dead.close()
    for name in ("second", "third"):
        started(folder, name).close()
    assert len(aborted(folder)) == 1


@pytest.mark.parametrize("status", ["closed", "blocked", "aborted"])
def test_a_request_closed_in_the_next_month_is_not_open(folder: Path, status: str) -> None:
    dead = started(folder, "dead", APRIL)
    write(dead, record(1, created=APRIL), record(1, status, created=MAY))
    dead.close()
    assert find_leftovers(folder, MAY).pending == {"202604": ["req-1"]}
    started(folder, "next", MAY).close()
    assert [r.fields for r in aborted(folder) if "reason" in r.fields] == []
    assert find_leftovers(folder, MAY).pending == {}


def test_a_request_open_since_last_month_is_aborted_this_month(folder: Path) -> None:
    dead = started(folder, "dead", APRIL)
    write(dead, record(1, created=APRIL))
    dead.close()
    started(folder, "next", MAY).close()
    assert [r.created for r in aborted(folder)] == [MAY]
    assert find_leftovers(folder, MAY).pending == {}
    assert verify(folder, keys=Keys()).ok


def test_a_living_writer_keeps_its_open_requests(folder: Path) -> None:
    living = started(folder, "living")
    write(living, record(1))
    started(folder, "next").close()
    assert aborted(folder) == []
    living.close()
