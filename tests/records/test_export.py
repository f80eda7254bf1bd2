from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.records.crypto import RecordCipher
from proxy.records.export import COLUMNS, csv_lines, jsonl_lines, row, write_parquet
from proxy.records.record import StoredRecord, encode_json
from tests.records.samples import Keys, record

CIPHER = RecordCipher(Keys())
SECRET = {"finding": "stand-in"}
SEALED = CIPHER.seal(encode_json(SECRET), "req-1")
STORED = StoredRecord(record(1, fields={"text": "标识\n", "n": 1}), "w", 7, b"\0" * 32, b"\1" * 32, SEALED)
WITHOUT = replace(STORED, record=record(2), sealed=None)
NEEDED = {"kind", "request_id", "content_id", "status", "created", "library_version"}


def test_a_row_holds_what_the_interface_promises_and_no_secret() -> None:
    values = row(STORED)
    assert set(values) == set(COLUMNS) >= NEEDED
    assert (values["request_id"], values["seq"], values["hash"]) == ("req-1", 7, "01" * 32)


def test_with_the_keys_the_findings_follow_in_clear() -> None:
    assert row(STORED, CIPHER)["findings"] == SECRET
    assert row(WITHOUT, CIPHER)["findings"] is None


def test_other_keys_are_refused_with_the_request() -> None:
    with pytest.raises(ValueError, match="req-1"):
        row(STORED, RecordCipher(Keys("other")))


def test_json_lines_are_one_object_a_line() -> None:
    lines = list(jsonl_lines([STORED, WITHOUT], CIPHER))
    assert [json.loads(line) for line in lines] == [row(STORED, CIPHER), row(WITHOUT, CIPHER)]
    assert all(line.count("\n") == 1 and line.endswith("\n") for line in lines)


def test_csv_has_a_heading_and_objects_as_json() -> None:
    lines = list(csv_lines([STORED, WITHOUT], CIPHER))
    [first, second] = csv.DictReader(lines)
    assert set(first) == {*COLUMNS, "findings"}
    assert json.loads(first["fields"]) == {"text": "标识\n", "n": 1}
    assert json.loads(first["findings"]) == SECRET
    assert second["findings"] == ""


def test_csv_without_keys_has_no_findings_column() -> None:
    assert next(iter(csv_lines([]))).strip().split(",") == list(COLUMNS)


@given(st.sampled_from(list("=+-@\t\r\n＝＋－＠")), st.text(max_size=5))
def test_no_cell_can_start_a_formula(start: str, rest: str) -> None:
    hostile = replace(STORED, record=replace(record(1), request_id=start + rest))
    _, cells = csv.reader(StringIO("".join(csv_lines([hostile])), newline=""))
    assert cells[1] == "'" + start + rest


def test_lines_are_made_as_they_are_read() -> None:
    def records() -> Iterable[StoredRecord]:
        yield STORED
        raise AssertionError("read too far")

    assert next(iter(jsonl_lines(records())))
    lines = iter(csv_lines(records()))
    assert next(lines)
    assert next(lines)


def test_parquet_without_pyarrow_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="pip install pyarrow"):
        write_parquet([STORED], tmp_path / "out.parquet")


class _Writer:
    """Stands in for pyarrow.parquet.ParquetWriter: remembers the pages."""

    pages: list[Any] = []

    def __init__(self, path: Path, schema: Any) -> None:
        self.pages.clear()

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def write_table(self, table: Any) -> None:
        self.pages.append(table)


def test_parquet_gets_pages_of_flat_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pyarrow = SimpleNamespace(
        string=lambda: "string",
        int64=lambda: "int64",
        schema=dict,
        Table=SimpleNamespace(from_pylist=lambda page, schema: (page, schema)),
    )
    monkeypatch.setitem(sys.modules, "pyarrow", pyarrow)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", SimpleNamespace(ParquetWriter=_Writer))
    monkeypatch.setattr("proxy.records.export._PARQUET_ROWS", 2)
    assert write_parquet([STORED] * 3, tmp_path / "out.parquet", CIPHER) == 3
    assert [len(page) for page, _ in _Writer.pages] == [2, 1]
    page, schema = _Writer.pages[0]
    assert schema["seq"] == "int64"
    assert set(page[0]) == set(schema)
    assert page[0]["findings"] == '{"finding":"stand-in"}'
