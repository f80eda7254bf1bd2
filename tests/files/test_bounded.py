"""Whatever is in a file, reading it ends, and the proxy goes on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from detectors.files import read
from proxy.files import bounded
from proxy.files.bounded import read_bounded
from tests.labelers.files import samples as s


def test_a_file_is_read_as_in_this_process() -> None:
    data = s.docx(s.BARE)
    assert read_bounded(data, "a.docx") == read(data, "a.docx")
    assert read_bounded(b"x", "a.docx") == read(b"x", "a.docx")


@pytest.mark.parametrize(
    "name", ["../../etc/x.txt", "--help.txt", "a\0b\n.txt", "名字.txt", "\udc80.txt", ""]
)
def test_no_name_confuses_the_process(name: str) -> None:
    assert read_bounded("春江".encode(), name).text == "春江"


@pytest.mark.parametrize(
    "code", ["import os; os.kill(os.getpid(), 9)", "print('no JSON')", "print('{}')", "while True: pass"]
)
def test_a_process_that_fails_gives_a_reason(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "python"
    fake.write_text(f"#!/bin/sh\nexec {sys.executable} -c {code!r}\n".replace("'", '"'), "utf-8")
    fake.chmod(0o755)
    monkeypatch.setattr(bounded, "WALL_SECONDS", 2.0)
    monkeypatch.setattr(sys, "executable", str(fake))
    reading = read_bounded(b"x", "a.txt")
    assert (reading.verdict, reading.reason) == (
        "unreadable",
        "reading this file takes more memory or time than one file may have here",
    )
