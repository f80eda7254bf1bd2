from __future__ import annotations

from pathlib import Path

import pytest

from proxy.records.heads import head
from proxy.records.monthly import month_files, read_records
from proxy.records.record import Query
from proxy.records.retention import expired_months, plan_removal, remove
from proxy.records.verify import verify
from tests.records.samples import Keys, record, started, write


def at(month: str) -> str:
    return f"{month[:4]}-{month[4:]}-15T00:00:00.000Z"


@pytest.mark.parametrize(
    ("now", "days", "expired"),
    [
        ("2026-07-31T23:59:59.999Z", 92, []),
        ("2026-08-01T00:00:00.000Z", 92, ["202604"]),
        ("2026-09-01T00:00:00.000Z", 92, ["202604", "202605"]),
        ("2026-05-01T00:00:00.000Z", 0, ["202604"]),
        ("2027-07-19T00:00:00.000Z", 200, ["202604", "202605"]),
        ("2027-07-20T00:00:00.000Z", 200, ["202604", "202605", "202612"]),
    ],
)
def test_a_month_goes_when_its_last_day_is_old_enough(now: str, days: int, expired: list[str]) -> None:
    assert expired_months(["202604", "202605", "202612"], now, days) == expired


def test_nothing_is_planned_while_everything_is_young(folder: Path) -> None:
    started(folder, now=at("202604")).close()
    assert plan_removal(folder, at("202605"), 200) is None


def test_a_chain_that_continues_is_anchored_and_stays_verifiable(folder: Path) -> None:
    writer = started(folder, "long", at("202601"))
    write(writer, record(1, created=at("202601")), record(2, created=at("202612")))
    noted = head(folder)
    other = started(folder, "other", at("202612"))
    assert list(month_files(folder)) == ["202612"]
    [event] = read_records(folder, Query(kind="retention"))
    assert event.record.fields["removed"] == ["records-202601.sqlite"]
    assert event.record.fields["heads"][writer._writer.id][0] == 2
    report = verify(folder, noted, Keys())
    assert report.faults == ()
    write(writer, record(3, created=at("202612")))
    assert verify(folder, noted, Keys()).ok
    writer.close()
    other.close()


def test_a_living_writer_whose_rows_are_all_gone_is_anchored(folder: Path) -> None:
    writer = started(folder, "idle", at("202601"))
    other = started(folder, "other", at("202612"))
    assert list(month_files(folder)) == ["202612"]
    write(writer, record(1, created=at("202612")))
    assert verify(folder, keys=Keys()).faults == ()
    writer.close()
    other.close()


def test_a_chain_of_which_nothing_is_left_leaves_no_trace_but_its_anchor(folder: Path) -> None:
    dead = started(folder, "dead", at("202601"))
    noted = head(folder)
    dead.close()
    started(folder, "next", at("202612")).close()
    assert dead._writer.id not in {path.name for path in (folder / "heads").iterdir()}
    # The introduction of the next chain names the removed one: the anchor accounts for that.
    assert verify(folder, noted, Keys()).faults == ()


def test_a_removed_chain_that_no_row_mentions_any_more_is_forgotten(folder: Path) -> None:
    dead = started(folder, "dead", at("202601"))
    dead.close()
    assert plan_removal(folder, at("202612"), 200) is not None
    removal = plan_removal(folder, at("202612"), 200)
    assert removal is not None
    assert (removal.months, removal.anchors, removal.writers) == (["202601"], [], [dead._writer.id])
    assert remove(folder, removal) == ["records-202601.sqlite"]
    assert list(month_files(folder)) == []
    assert list((folder / "heads").iterdir()) == []


def test_an_anchor_is_carried_over_when_the_file_that_notes_it_goes_itself(folder: Path) -> None:
    # The idle chain has a row in January 2026 and the next one only two years later; in between the file
    # that anchors January is removed as well.
    idle = started(folder, "idle", at("202601"))
    started(folder, "second", at("202612")).close()
    third = started(folder, "third", at("202712"))
    write(idle, record(1, created=at("202712")))
    assert list(month_files(folder)) == ["202712"]
    assert verify(folder, keys=Keys()).faults == ()
    idle.close()
    third.close()


def test_a_note_older_than_the_rows_in_its_own_file_does_not_hide_them(folder: Path) -> None:
    # December 2026 notes the anchor of January for the long chain, which then goes on in that very file.
    long = started(folder, "long", at("202601"))
    started(folder, "second", at("202612")).close()
    write(long, record(1, created=at("202612")))
    third = started(folder, "third", at("202712"))
    write(long, record(2, created=at("202712")))
    assert list(month_files(folder)) == ["202712"]
    assert verify(folder, keys=Keys()).faults == ()
    long.close()
    third.close()


def test_removing_what_is_gone_already_is_no_error(folder: Path) -> None:
    started(folder, now=at("202601")).close()
    removal = plan_removal(folder, at("202612"), 200)
    assert removal is not None
    assert remove(folder, removal) == remove(folder, removal)


def test_a_crash_between_the_note_and_the_removal_is_made_good_next_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = started(folder, "long", at("202601"))
    write(writer, record(1, created=at("202612")))
    with monkeypatch.context() as crash:
        crash.setattr("proxy.records.chain_writer.remove", lambda *_: None)
        started(folder, "crashed", at("202612")).close()
    assert verify(folder, keys=Keys()).ok
    started(folder, "next", at("202612")).close()
    assert list(month_files(folder)) == ["202612"]
    assert verify(folder, keys=Keys()).faults == ()
    writer.close()


def test_a_file_taken_away_without_an_event_is_still_found(folder: Path) -> None:
    writer = started(folder, "long", at("202601"))
    write(writer, record(1, created=at("202602")))
    writer.close()
    (folder / "records-202601.sqlite").unlink()
    assert not verify(folder, keys=Keys()).ok
