from __future__ import annotations

import logging
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from proxy.records.chain_writer import Entry
from proxy.records.heads import is_gone
from proxy.records.monthly import MonthFile, month_files, read_records
from proxy.records.record import Query, RecordError
from proxy.records.verify import verify
from tests.records.samples import NOW, Keys, record, started, write


def ids(folder: Path) -> list[str]:
    return [stored.record.request_id for stored in read_records(folder, Query(kind="request"))]


def test_a_writer_introduces_itself_and_names_the_chains_it_found(folder: Path) -> None:
    first = started(folder, "first")
    second = started(folder, "second")
    rows = {stored.writer: stored.record.fields for stored in read_records(folder, Query(kind="writer"))}
    assert rows[first._writer.id]["heads"] == {}
    assert list(rows[second._writer.id]["heads"]) == [first._writer.id]
    assert rows[first._writer.id]["nonce"] == "first"
    first.close()
    second.close()


def test_a_batch_over_the_turn_of_the_month_goes_to_two_files_in_one_chain(folder: Path) -> None:
    writer = started(folder)
    june = "2026-06-01T00:00:00.000Z"
    # The last of May is late: time need not run in the order of the queue.
    write(writer, record(1), record(2, created=june), record(3), record(4, created=june))
    assert list(month_files(folder)) == ["202605", "202606"]
    assert ids(folder) == ["req-1", "req-3", "req-2", "req-4"]
    assert verify(folder, keys=Keys()).faults == ()
    writer.close()


def test_files_of_months_gone_by_are_closed(folder: Path) -> None:
    writer = started(folder)
    for month in range(6, 10):
        write(writer, record(month, created=f"2026-{month:02d}-01T00:00:00.000Z"))
    assert list(writer._files) == ["202608", "202609"]
    assert verify(folder, keys=Keys()).ok
    writer.close()


def test_after_a_failure_the_chain_goes_on_without_a_gap(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = started(folder)
    june = "2026-06-01T00:00:00.000Z"
    entries = [Entry.of(item) for item in (record(1), record(2, created=june), record(3))]
    insert = MonthFile.insert

    def fail(self: MonthFile, rows: Any) -> None:
        if self.month == "202606":
            raise sqlite3.OperationalError("disk I/O error")
        insert(self, rows)

    with monkeypatch.context() as broken:
        broken.setattr(MonthFile, "insert", fail)
        errors = writer.write(entries)
    assert [type(error) for error in errors] == [type(None), RecordError, RecordError]
    assert "disk I/O error" in str(errors[1])
    write(writer, record(4))
    assert ids(folder) == ["req-1", "req-4"]
    assert verify(folder, keys=Keys()).faults == ()
    writer.close()


def test_a_commit_that_happened_in_spite_of_an_error_is_continued(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = started(folder)
    insert = MonthFile.insert

    def fail_afterwards(self: MonthFile, rows: Any) -> None:
        insert(self, rows)
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as broken:
        broken.setattr(MonthFile, "insert", fail_afterwards)
        assert isinstance(writer.write([Entry.of(record(1))])[0], RecordError)
    write(writer, record(2))
    assert ids(folder) == ["req-1", "req-2"]
    assert verify(folder, keys=Keys()).faults == ()
    writer.close()


def test_a_head_file_that_cannot_be_written_does_not_refuse_the_row(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    writer = started(folder)

    def fail(*_: object) -> int:
        raise OSError("no space")

    with monkeypatch.context() as broken, caplog.at_level(logging.WARNING):
        broken.setattr(os, "pwrite", fail)
        write(writer, record(1))
    assert "no space" in caplog.text
    assert verify(folder, keys=Keys()).ok
    writer.close()


def test_a_closed_writer_notes_no_head(folder: Path) -> None:
    writer = started(folder)
    writer.close()
    write(writer, record(1))
    writer.close()
    assert ids(folder) == ["req-1"]


def test_a_folder_that_cannot_be_made_is_a_record_error(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("in the way")
    with pytest.raises(RecordError, match="cannot be opened"):
        started(tmp_path / "records")


def test_a_start_that_cannot_record_itself_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(MonthFile, "insert", fail)
    with pytest.raises(RecordError, match=r"cannot be opened: .*disk is full"):
        started(folder)
    [head_file] = (folder / "heads").iterdir()
    assert is_gone(folder, head_file.name)


def test_readiness_is_tested_by_writing_and_taking_it_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = started(folder, now=NOW)
    assert writer.ready()
    assert verify(folder, keys=Keys()).rows == 1

    def fail(_: MonthFile) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(MonthFile, "try_write", fail)
        assert not writer.ready()
    assert writer.ready()
    writer.close()
