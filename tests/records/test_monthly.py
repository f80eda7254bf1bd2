from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from proxy.records.monthly import MAX_BATCH, connect, connect_read_only, month_files, read_records
from proxy.records.record import Query, RecordError
from tests.records.samples import record, started, write


def plan(folder: Path, query: str, *values: str) -> str:
    with closing(connect_read_only(folder / "records-202605.sqlite")) as connection:
        return str(connection.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall())


def test_files_and_folders_are_private(folder: Path) -> None:
    writer = started(folder)
    write(writer, record(1))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    assert {mode for name, mode in modes.items() if name in ("records", "heads")} == {0o700}
    assert {mode for name, mode in modes.items() if name not in ("records", "heads")} == {0o600}
    writer.close()


def test_every_commit_is_synced(folder: Path) -> None:
    writer = started(folder)
    connection = writer._file("202605")._connection
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    writer.close()


def test_only_monthly_files_are_taken_for_such_oldest_first(folder: Path) -> None:
    folder.mkdir()
    for name in (
        "records-202612.sqlite",
        "records-202601.sqlite",
        "records-x.sqlite",
        "records-202601.sqlite-wal",
    ):
        (folder / name).touch()
    assert list(month_files(folder)) == ["202601", "202612"]


def test_a_full_batch_goes_into_one_statement(folder: Path) -> None:
    writer = started(folder)
    write(writer, *(record(number) for number in range(MAX_BATCH + 1)))
    assert len(list(read_records(folder, Query(kind="request")))) == MAX_BATCH + 1
    writer.close()


@pytest.mark.parametrize(
    "query", [Query(request_id="r"), Query(content_id="c"), Query(kind="writer"), Query(since="x")]
)
def test_searches_use_an_index(folder: Path, query: Query) -> None:
    from proxy.records.monthly import _select

    started(folder).close()
    statement, values = _select(query)
    told = plan(folder, statement, *values, "-1")
    assert "SEARCH" in told
    assert "SCAN records" not in told


def test_a_file_that_is_just_being_made_has_no_records_yet(folder: Path) -> None:
    started(folder).close()
    (folder / "records-202606.sqlite").touch()
    assert len(list(read_records(folder, Query()))) == 1


def test_files_outside_the_time_asked_for_are_not_opened(folder: Path) -> None:
    started(folder).close()
    (folder / "records-202601.sqlite").write_bytes(b"nonsense" * 1000)
    (folder / "records-203001.sqlite").write_bytes(b"nonsense" * 1000)
    assert len(list(read_records(folder, Query(since="2026-05-01", until="2026-06-01")))) == 1


def test_a_copy_on_a_medium_that_cannot_be_written_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(folder).close()
    real = sqlite3.connect

    class ReadOnlyMedium(sqlite3.Connection):
        """SQLite cannot make the index of the write-ahead log there."""

        def execute(self, *_: object) -> sqlite3.Cursor:
            raise sqlite3.OperationalError("unable to open database file")

    def connect(name: str, **options: Any) -> sqlite3.Connection:
        factory = sqlite3.Connection if "immutable=1" in name else ReadOnlyMedium
        return real(name, factory=factory, **options)

    path = folder / "records-202605.sqlite"
    monkeypatch.setattr(sqlite3, "connect", connect)
    with closing(connect_read_only(path)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM records").fetchone() == (1,)
    # With a write-ahead log beside it the file alone is not the whole truth.
    path.with_name(path.name + "-wal").touch()
    with pytest.raises(sqlite3.OperationalError):
        connect_read_only(path)


def test_a_file_that_is_no_database_is_an_error(folder: Path) -> None:
    folder.mkdir()
    (folder / "records-202605.sqlite").write_bytes(b"nonsense" * 1000)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        connect(folder / "records-202605.sqlite")
    with pytest.raises(RecordError, match="not a database"):
        started(folder)


def test_a_file_with_other_tables_is_an_error(folder: Path) -> None:
    folder.mkdir()
    with closing(sqlite3.connect(folder / "records-202605.sqlite")) as connection:
        connection.execute("CREATE TABLE writers (id)")
    with pytest.raises(RecordError, match="cannot be opened"):
        started(folder)
