"""`inkseal detect`: one file in full, several in a table, reports that can be checked, exit codes for scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from proxy import worker
from proxy.__main__ import main
from proxy.cli import detect as module
from tests.helpers import settings_in
from tests.labelers.files import samples

LABEL = "【本内容由AI生成】"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    worker.first_start(settings_in(tmp_path))
    (tmp_path / "labelled.txt").write_text(f"{LABEL}\n\n春江潮水", "utf-8")
    (tmp_path / "plain.md").write_text("春江潮水", "utf-8")
    (tmp_path / "meta.docx").write_bytes(samples.docx(samples.BARE))
    (tmp_path / "broken.docx").write_bytes(b"no")
    return tmp_path


def detect(folder: Path, *arguments: str, **more: Any) -> Result:
    files = [str(folder / one) if "." in one and not one.startswith("-") else one for one in arguments]
    return CliRunner().invoke(main, ["detect", *files, "--config", str(folder / "inkseal.yaml")], **more)


def test_one_file_is_shown_in_full(folder: Path) -> None:
    done = detect(folder, "labelled.txt")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("suspected\n◆ explicit: present")
    assert "characters 0-10" in done.stdout
    assert "- carrier: absent" in done.stdout
    assert "statutory label: 3 (标识办法第六条（三）：显式标识)" in done.stdout
    assert "疑似" in done.stdout


def test_several_files_are_shown_in_a_table_and_the_unread_named(folder: Path) -> None:
    done = detect(folder, "labelled.txt", "plain.md", "meta.docx", "broken.docx", "none.txt")
    assert done.exit_code == 2
    rows = done.stdout.splitlines()
    assert [row.split("  ")[1:3] for row in rows[1:4]] == [
        ["suspected", "3"],
        ["not found", "-"],
        ["confirmed", "1"],
    ]
    assert "◆ explicit" in rows[1]
    assert "▤ metadata" in rows[3]
    assert done.stderr.count("Error: ") == 2
    assert "none.txt: No such file" in done.stderr


def test_json_is_one_object_or_one_a_line(folder: Path) -> None:
    one = json.loads(detect(folder, "labelled.txt", "--json").stdout)
    assert one["verdict"] == "suspected"
    assert one["file"]["name"] == "labelled.txt"
    assert "path" not in one
    many = [
        json.loads(line) for line in detect(folder, "plain.md", "broken.docx", "--json").stdout.splitlines()
    ]
    assert [Path(row["path"]).name for row in many] == ["plain.md", "broken.docx"]
    assert many[0]["verdict"] == "not_found"
    assert many[1]["error"]
    piped = json.loads(detect(folder, "-", "--json", input="春江".encode()).stdout)
    assert "file" not in piped


@pytest.mark.parametrize(
    ("level", "file", "code"),
    [
        ("suspected", "labelled.txt", 1),
        ("possible", "labelled.txt", 0),
        ("suspected", "plain.md", 0),
        ("confirmed", "meta.docx", 1),
        ("suspected", "meta.docx", 1),
    ],
)
def test_scripts_choose_which_verdict_is_a_failure(folder: Path, level: str, file: str, code: int) -> None:
    assert detect(folder, file, "--fail-on", level).exit_code == code


def test_a_report_is_written_and_checked_and_a_changed_one_is_told(folder: Path) -> None:
    assert detect(folder, "meta.docx", "--report", "r.json").exit_code == 0
    path = folder / "r.json"
    assert detect(folder, "meta.docx", "--report", "r.pdf").exit_code == 0
    assert (folder / "r.pdf").read_bytes().startswith(b"%PDF-")
    good = detect(folder, "--check", "r.json")
    assert (good.exit_code, good.stdout.startswith("genuine")) == (0, True)
    report = json.loads(path.read_text())
    assert report["document"]["subject"]["name"] == "meta.docx"
    report["document"]["report"]["verdict"] = "not_found"
    path.write_text(json.dumps(report))
    bad = detect(folder, "--check", "r.json")
    assert (bad.exit_code, bad.stdout.startswith("altered")) == (1, True)
    path.write_text("[]")
    assert detect(folder, "--check", "r.json").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name a file"),
        (["plain.md", "labelled.txt", "--report", "r.json"], "--report takes one file"),
        (["plain.md", "--fail-on", "not_found"], "Invalid value"),
        (["--check", "none.json"], "does not exist"),
    ],
)
def test_wrong_usage_is_told(folder: Path, arguments: list[str], says: str) -> None:
    done = detect(folder, *arguments)
    assert done.exit_code == 2
    assert says in done.stderr


def test_a_terminal_sees_the_text_with_what_was_found_in_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SHOWN", 12)
    monkeypatch.setattr(module, "_on_terminal", lambda: True)
    done = detect(folder, "labelled.txt", color=True)
    assert f"\x1b[33m\x1b[4m{LABEL}\x1b[0m◆" in done.stdout
    assert "(the first 12 characters)" in done.stdout
