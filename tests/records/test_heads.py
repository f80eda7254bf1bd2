from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from proxy.records.chain import Head
from proxy.records.heads import (
    FolderLock,
    HeadFile,
    SignedHead,
    current_writer,
    head,
    is_gone,
    read_head_files,
    remove_head_files,
    snapshot,
)
from tests.records.samples import record, started, write

SIGNED = SignedHead(Head("w", 7, b"\1" * 32), "202605", b"\2" * 32)


def test_the_head_file_says_the_last_head_that_was_written(folder: Path) -> None:
    folder.mkdir()
    file = HeadFile(folder, "w")
    assert read_head_files(folder) == {}
    file.write(SignedHead(Head("w", 6, b"\3" * 32), "202604", b"\4" * 32))
    file.write(SIGNED)
    assert read_head_files(folder) == {"w": SIGNED}
    file.close()
    assert read_head_files(folder) == {"w": SIGNED}


def test_a_head_file_that_is_being_written_is_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "heads").mkdir(parents=True)
    (folder / "heads" / "w").touch()
    whole = f"7 {'01' * 32} 202605 {'02' * 32}\n"
    texts = iter(["6 half", whole, whole])
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: next(texts))
    assert read_head_files(folder) == {"w": SIGNED}


@pytest.mark.parametrize("text", ["x", "1 zz 202605 00", "x 00 202605 00", "1 00 202605"])
def test_a_damaged_head_file_is_told_as_none(folder: Path, text: str) -> None:
    (folder / "heads").mkdir(parents=True)
    (folder / "heads" / "w").write_text(text)
    assert read_head_files(folder) == {"w": None}


def test_a_writer_is_gone_when_it_closes_and_when_it_has_no_head_file(folder: Path) -> None:
    folder.mkdir()
    file = HeadFile(folder, "w")
    assert not is_gone(folder, "w")
    file.close()
    assert is_gone(folder, "w")
    assert is_gone(folder, "nobody")


def test_a_writer_is_gone_when_its_process_is_killed(folder: Path) -> None:
    folder.mkdir()
    program = (
        "import sys, pathlib; from proxy.records.heads import HeadFile;"
        "file = HeadFile(pathlib.Path(sys.argv[1]), 'w'); print('ready', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        assert not is_gone(folder, "w")
        child.kill()
        child.wait()
        assert is_gone(folder, "w")


def test_forgotten_writers_have_no_head_file(folder: Path) -> None:
    folder.mkdir()
    HeadFile(folder, "w").close()
    remove_head_files(folder, ["w", "nobody"])
    assert list((folder / "heads").iterdir()) == []


def test_the_folder_lock_keeps_others_out_until_the_outermost_exit(folder: Path) -> None:
    folder.mkdir()
    mine, other = FolderLock(folder), FolderLock(folder)
    entered = threading.Event()

    def enter() -> None:
        with other:
            entered.set()

    thread = threading.Thread(target=enter)
    with mine:
        with mine:
            thread.start()
        assert not entered.wait(0.1)
    assert entered.wait(10)
    thread.join()


def test_this_process_is_told_apart_from_the_next_with_the_same_number() -> None:
    one, two = current_writer(), current_writer()
    assert one.pid == os.getpid()
    assert one.started > 0
    assert len(one.boot_id) == 36
    assert one.id != two.id


def test_where_there_is_no_proc_the_random_part_tells_processes_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", absent)
    writer = current_writer()
    assert (writer.boot_id, writer.started) == ("", 0)
    assert writer.id != current_writer().id


def test_the_head_of_an_empty_folder_is_empty(folder: Path) -> None:
    folder.mkdir()
    assert head(folder) == ""


def test_the_head_names_living_chains_and_leaves_out_what_others_have_witnessed(folder: Path) -> None:
    first = started(folder, "first")
    first.close()
    second = started(folder, "second")
    third = started(folder, "third")
    write(third, record(1))
    assert [part.split(":")[:2] for part in head(folder).split(",")] == [[third._writer.id, "2"]]
    write(second, record(2))
    assert len(head(folder).split(",")) == 2
    second.close()
    third.close()


def test_the_head_of_a_chain_is_its_last_row_also_when_that_stands_in_an_older_file(folder: Path) -> None:
    writer = started(folder)
    write(writer, record(1, created="2026-06-01T00:00:00.000Z"), record(2))
    assert head(folder).split(":")[1] == "3"
    writer.close()


def test_a_snapshot_leaves_out_a_file_that_is_just_being_made(folder: Path) -> None:
    started(folder).close()
    (folder / "records-202606.sqlite").touch()
    with snapshot(folder) as connections:
        assert list(connections) == ["202605"]
