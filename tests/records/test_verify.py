"""Every kind of tampering, on a copy of real files, is found and told where."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from proxy.records.chain import Head, genesis, link, sign_head
from proxy.records.crypto import RecordCipher
from proxy.records.heads import head
from proxy.records.monthly import connect_read_only
from proxy.records.record import Record, canonical_row
from proxy.records.verify import Fault, verify
from tests.records.samples import Keys, event, record, started, write

MONTHS = ["202603", "202604", "202605"]
FIRST, MIDDLE, LAST = (f"records-{month}.sqlite" for month in MONTHS)


def _at(month: str) -> str:
    return f"{month[:4]}-{month[4:]}-10T00:00:00.000Z"


@pytest.fixture
def chain(folder: Path) -> str:
    """A chain over three months: row 1 the introduction, then three rows each in March, April and May."""
    writer = started(folder, now=_at(MONTHS[0]))
    for number, month in enumerate(MONTHS):
        for status in ("accepted", "closed"):
            write(writer, record(number, status, created=_at(month), secret={"finding": "stand-in"}))
        write(writer, event("library", _at(month)))
    name = writer._writer.id
    writer.close()
    return name


def sql(folder: Path, file: str, *statements: str) -> None:
    with closing(sqlite3.connect(folder / file)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def faults(folder: Path, against: str | None = None) -> list[Fault]:
    return list(verify(folder, against, Keys()).faults)


def messages(folder: Path, against: str | None = None) -> str:
    return "\n".join(map(str, faults(folder, against)))


def test_an_untouched_log_is_whole(folder: Path, chain: str) -> None:
    report = verify(folder, keys=Keys())
    assert report.ok
    assert report.faults == ()
    assert (report.files, report.chains, report.rows, report.unclosed, report.signatures) == (
        3,
        1,
        10,
        0,
        True,
    )
    assert report.head == head(folder)
    assert report.head.startswith(f"{chain}:10:")


def test_without_keys_only_the_signatures_are_left_out(folder: Path, chain: str) -> None:
    report = verify(folder)
    assert (report.ok, report.signatures) == (True, False)


def test_open_requests_are_counted_and_aborted_ones_are_not(folder: Path) -> None:
    first = started(folder, "first")
    write(first, record(1), record(2), record(3), record(3, "blocked"))
    assert verify(folder).unclosed == 2
    first.close()
    second = started(folder, "second")
    assert verify(folder, keys=Keys()).unclosed == 0
    second.close()


@pytest.mark.parametrize(
    "assignment",
    [
        "kind = 'other'",
        "request_id = 'other'",
        "content_id = 'other'",
        "status = 'blocked'",
        "created = '2026-04-11T00:00:00.000Z'",
        "library_version = 'other'",
        "fields = '{\"a\":1}'",
        "fields = 'no json'",
        "sealed = NULL",
        "sealed = x'00'",
        f"prev = x'{'00' * 32}'",
        f"hash = x'{'00' * 32}'",
    ],
)
def test_an_edited_value_is_found_at_its_row(folder: Path, chain: str, assignment: str) -> None:
    sql(folder, MIDDLE, f"UPDATE records SET {assignment} WHERE seq = 6")
    first = faults(folder)[0]
    assert (first.file, first.writer, first.seq) == (MIDDLE, chain, 6)
    assert "was changed" in first.message


def test_the_fault_names_the_request(folder: Path, chain: str) -> None:
    sql(folder, MIDDLE, "UPDATE records SET status = 'accepted' WHERE seq = 6")
    assert str(faults(folder)[0]) == (
        f"{MIDDLE}, chain {chain}, row 6 (request req-1): the row was changed: it does not give its hash"
    )


def test_an_edited_row_with_its_hash_made_anew_breaks_the_next_link(folder: Path, chain: str) -> None:
    with closing(connect_read_only(folder / MIDDLE)) as connection:
        [prev] = connection.execute("SELECT prev FROM records WHERE seq = 6").fetchone()
    forged = Record("request", "req-1", "cid-1", "closed", _at("202604"), "forged", {})
    digest = link(prev, canonical_row(chain, 6, forged, b"{}", None)).hex()
    sql(
        folder,
        MIDDLE,
        f"UPDATE records SET library_version = 'forged', sealed = NULL, hash = x'{digest}' WHERE seq = 6",
    )
    assert [(f.seq, "does not follow" in f.message) for f in faults(folder)] == [(7, True)]


def _rewrite(folder: Path, chain: str, key: bytes | None) -> None:
    """Change row 10, the last, with its hash, the head in the file and the head file, signed with `key`."""
    with closing(connect_read_only(folder / LAST)) as connection:
        [prev] = connection.execute("SELECT prev FROM records WHERE seq = 10").fetchone()
    digest = link(prev, canonical_row(chain, 10, event("forged", _at("202605")), b"{}", None))
    mac = b"\0" * 32 if key is None else sign_head(key, Head(chain, 10, digest), "202605")
    sql(
        folder,
        LAST,
        f"UPDATE records SET kind = 'forged', hash = x'{digest.hex()}' WHERE seq = 10",
        f"UPDATE writers SET hash = x'{digest.hex()}', mac = x'{mac.hex()}'",
    )
    (folder / "heads" / chain).write_text(f"{10:015d} {digest.hex()} 202605 {mac.hex()}\n")


def test_a_chain_rewritten_to_its_end_is_found_by_its_signature(folder: Path, chain: str) -> None:
    _rewrite(folder, chain, None)
    assert verify(folder).ok  # nothing but the key tells
    assert [f.file for f in faults(folder)] == [LAST, f"heads/{chain}"]
    assert "not signed with these keys" in messages(folder)


def test_only_a_noted_head_finds_what_the_holder_of_the_keys_rewrote(folder: Path, chain: str) -> None:
    noted = head(folder)
    _rewrite(folder, chain, RecordCipher(Keys()).head_key)
    assert verify(folder, keys=Keys()).ok
    assert "the noted head is not in these records: row 10 is another one now" in messages(folder, noted)


def test_deleted_rows_in_the_middle_are_counted(folder: Path, chain: str) -> None:
    sql(folder, MIDDLE, "DELETE FROM records WHERE seq IN (5, 6)")
    [fault] = faults(folder)
    assert (fault.file, fault.seq, fault.message) == (MIDDLE, 7, "before it, rows 5 to 6 are missing")


def test_a_cut_tail_is_found_by_both_heads(folder: Path, chain: str) -> None:
    sql(folder, LAST, "DELETE FROM records WHERE seq >= 9")
    told = faults(folder)
    assert [f.file for f in told] == [LAST, f"heads/{chain}"]
    assert "at the end, rows 9 to 10 are missing" in told[0].message


def test_a_tail_cut_together_with_its_file_head_is_found_by_the_head_file(folder: Path, chain: str) -> None:
    with closing(connect_read_only(folder / LAST)) as connection:
        [digest] = connection.execute("SELECT hash FROM records WHERE seq = 9").fetchone()
    mac = sign_head(RecordCipher(Keys()).head_key, Head(chain, 9, digest), "202605")
    sql(
        folder,
        LAST,
        "DELETE FROM records WHERE seq > 9",
        f"UPDATE writers SET seq = 9, hash = x'{digest.hex()}', mac = x'{mac.hex()}'",
    )
    assert [(f.file, f.message) for f in faults(folder)] == [(f"heads/{chain}", "row 10 is missing")]


def test_two_rows_that_change_places_are_both_found(folder: Path, chain: str) -> None:
    swap = "UPDATE records SET seq = {} WHERE seq = {}"
    sql(folder, MIDDLE, swap.format(99, 5), swap.format(5, 6), swap.format(6, 99))
    assert {f.seq for f in faults(folder)} >= {5, 6}


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (FIRST, "rows 1 to 4 are missing, and no retention event tells of it"),
        (MIDDLE, f"before it, rows 5 to 7 are missing; {MIDDLE} does not exist"),
        (LAST, f"rows 8 to 10 are missing; {LAST} does not exist"),
    ],
)
def test_a_missing_file_is_found_and_named(folder: Path, chain: str, file: str, said: str) -> None:
    (folder / file).unlink()
    assert said in messages(folder)


def test_a_lost_write_ahead_log_is_found(folder: Path, tmp_path: Path) -> None:
    writer = started(folder)
    write(writer, record(1))
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*-wal", "*-shm"))
    writer.close()
    assert verify(folder, keys=Keys()).ok
    assert not verify(copy, keys=Keys()).ok


def test_an_older_copy_of_the_whole_folder_is_found_only_against_a_noted_head(
    folder: Path, tmp_path: Path
) -> None:
    writer = started(folder)
    writer.close()
    shutil.copytree(folder, tmp_path / "old")
    writer = started(folder, "later")
    write(writer, record(1))
    writer.close()
    noted = head(folder)
    assert verify(folder, noted, Keys()).ok
    shutil.rmtree(folder)
    shutil.move(tmp_path / "old", folder)
    assert verify(folder, keys=Keys()).ok
    assert "the noted head is not in these records: the whole chain is missing" in messages(folder, noted)


def test_a_head_noted_earlier_still_fits_when_chains_have_grown(folder: Path) -> None:
    writer = started(folder)
    noted = head(folder)
    write(writer, record(1))
    writer.close()
    other = started(folder, "other")
    assert verify(folder, noted, Keys()).ok
    other.close()


def test_a_noted_head_that_the_chain_does_not_reach_any_more_is_told_with_the_rows(
    folder: Path, chain: str
) -> None:
    noted = head(folder)
    (folder / LAST).unlink()
    (folder / "heads" / chain).unlink()
    assert "the noted head is not in these records: rows 8 to 10 are missing" in messages(folder, noted)


def test_what_is_no_noted_head_is_refused(folder: Path, chain: str) -> None:
    with pytest.raises(ValueError, match="not a noted head"):
        verify(folder, "nonsense")


def test_a_folder_that_is_not_there_is_a_file_not_found_error(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there are no records"):
        verify(folder)


def test_a_whole_chain_that_is_gone_is_known_to_the_chain_that_saw_it(folder: Path, chain: str) -> None:
    witness = started(folder, "witness", _at("202606"))
    witness.close()
    assert verify(folder, keys=Keys()).ok
    for file in (FIRST, MIDDLE, LAST):
        (folder / file).unlink()
    (folder / "heads" / chain).unlink()
    [fault] = faults(folder)
    assert fault.file == "records-202606.sqlite"
    assert fault.message == f"this row saw chain {chain} up to row 10, but the whole chain is missing"


def _forge_chain(folder: Path) -> None:
    row = canonical_row("f" * 16, 1, event("forged", _at("202605")), b"{}", None)
    prev = genesis("f" * 16)
    sql(
        folder,
        LAST,
        "INSERT INTO records (writer, seq, kind, request_id, content_id, status, created, library_version, fields,"
        f" prev, hash) VALUES ('{'f' * 16}', 1, 'forged', '', '', '', '{_at('202605')}', '', '{{}}',"
        f" x'{prev.hex()}', x'{link(prev, row).hex()}')",
    )


STATEMENTS: list[tuple[str, Callable[[Path], object], str]] = [
    (
        "rows added behind the head",
        lambda folder: sql(folder, LAST, "UPDATE writers SET seq = 8"),
        "the chain goes on to row 10 without a signed head",
    ),
    (
        "a head that names another row",
        lambda folder: sql(folder, LAST, "UPDATE writers SET hash = x'00'"),
        "the last row is not the one that the head names",
    ),
    (
        "a head without rows",
        lambda folder: sql(folder, LAST, "DELETE FROM records"),
        "holds the head of a chain and none of its rows",
    ),
    (
        "no head",
        lambda folder: sql(folder, LAST, "DELETE FROM writers"),
        "the file holds no head of this chain",
    ),
    ("a forged chain", _forge_chain, "the file holds no head of this chain"),
    ("no head files", lambda folder: shutil.rmtree(folder / "heads"), "the head file is missing"),
    (
        "a damaged head file",
        lambda folder: next((folder / "heads").iterdir()).write_bytes(b"\xff nonsense"),
        "the head file cannot be read",
    ),
    (
        "a first row that begins nothing",
        lambda folder: sql(folder, FIRST, "UPDATE records SET prev = x'00' WHERE seq = 1"),
        "the first row does not begin its chain",
    ),
    (
        "a row in two files",
        lambda folder: sql(folder, LAST, "UPDATE records SET seq = 7 WHERE seq = 8"),
        "the row stands twice",
    ),
    (
        "a row in the wrong file",
        lambda folder: shutil.copy(folder / MIDDLE, folder / "records-202606.sqlite"),
        "stands in the wrong file",
    ),
]


@pytest.mark.parametrize(("name", "tamper", "said"), STATEMENTS, ids=[name for name, _, _ in STATEMENTS])
def test_other_tampering(
    folder: Path, chain: str, name: str, tamper: Callable[[Path], object], said: str
) -> None:
    tamper(folder)
    assert said in messages(folder)


def test_a_chain_whose_event_names_no_heads_is_told(folder: Path) -> None:
    writer = started(folder)
    write(writer, event("retention", nothing=1))
    writer.close()
    assert "the event 'retention' names no heads" in messages(folder)


def test_a_file_that_is_no_database_is_named(folder: Path, chain: str) -> None:
    path = folder / MIDDLE
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])
    [fault] = faults(folder)
    assert fault.file == MIDDLE
    assert "cannot be read as a database" in fault.message


def test_a_file_with_a_damaged_page_is_named(folder: Path, chain: str) -> None:
    path = folder / MIDDLE
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    assert [fault.file for fault in faults(folder)] == [MIDDLE]


def test_progress_is_told_on_long_logs(folder: Path, monkeypatch: pytest.MonkeyPatch, chain: str) -> None:
    monkeypatch.setattr("proxy.records.verify._PROGRESS_ROWS", 4)
    told: list[int] = []
    verify(folder, progress=told.append)
    assert told == [4, 8]


def test_verifying_while_somebody_writes_finds_nothing(folder: Path) -> None:
    writer = started(folder)
    for number in range(5):
        write(writer, record(number))
        assert verify(folder, keys=Keys()).ok
    writer.close()
