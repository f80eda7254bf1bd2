"""Records for people and other programs: JSON Lines, CSV, Parquet; one row each.

Every row has the columns of `COLUMNS`; with a cipher the findings follow in clear, for who holds the keys.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from importlib import import_module
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

from proxy.records.crypto import RecordCipher
from proxy.records.record import StoredRecord, encode_json

__all__ = ["COLUMNS", "csv_lines", "jsonl_lines", "row", "write_parquet"]

COLUMNS = (
    "kind",
    "request_id",
    "content_id",
    "status",
    "created",
    "library_version",
    "fields",
    "writer",
    "seq",
    "hash",
)
SECRET = "findings"  # noqa: S105 - a column name
_PARQUET_ROWS = 10_000
# What a spreadsheet takes for the start of a formula, full-width forms included (OWASP, CSV injection).
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


def row(stored: StoredRecord, cipher: RecordCipher | None = None) -> dict[str, Any]:
    """One record as a JSON-able object; `cipher` adds `findings`, None where nothing was kept.

    ValueError when the findings cannot be opened with these keys.
    """
    record = stored.record
    values: dict[str, Any] = {
        "kind": record.kind,
        "request_id": record.request_id,
        "content_id": record.content_id,
        "status": record.status,
        "created": record.created,
        "library_version": record.library_version,
        "fields": record.fields,
        "writer": stored.writer,
        "seq": stored.seq,
        "hash": stored.hash.hex(),
    }
    if cipher is not None:
        values[SECRET] = cipher.opened(stored).secret
    return values


def jsonl_lines(records: Iterable[StoredRecord], cipher: RecordCipher | None = None) -> Iterator[str]:
    """JSON Lines, each with its line end."""
    for stored in records:
        yield encode_json(row(stored, cipher)).decode() + "\n"


def csv_lines(records: Iterable[StoredRecord], cipher: RecordCipher | None = None) -> Iterator[str]:
    """CSV (RFC 4180) with a heading line; objects stand as JSON. No cell can start a formula."""
    columns = _columns(cipher)
    yield _csv_line(columns)
    for stored in records:
        values = _flat(row(stored, cipher))
        yield _csv_line([_defused(values[column]) for column in columns])


def write_parquet(records: Iterable[StoredRecord], path: Path, cipher: RecordCipher | None = None) -> int:
    """A Parquet file, objects as JSON text; returns the number of rows. ImportError without pyarrow."""
    try:
        pyarrow = import_module("pyarrow")
        parquet = import_module("pyarrow.parquet")
    except ImportError as error:
        raise ImportError("the format parquet needs the package pyarrow: pip install pyarrow") from error
    types = {"seq": pyarrow.int64()}
    schema = pyarrow.schema([(column, types.get(column, pyarrow.string())) for column in _columns(cipher)])
    rows = (_flat(row(stored, cipher)) for stored in records)
    written = 0
    with parquet.ParquetWriter(path, schema) as writer:
        while page := list(islice(rows, _PARQUET_ROWS)):
            writer.write_table(pyarrow.Table.from_pylist(page, schema=schema))
            written += len(page)
    return written


def _columns(cipher: RecordCipher | None) -> tuple[str, ...]:
    return COLUMNS if cipher is None else (*COLUMNS, SECRET)


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    for column in ("fields", SECRET):
        if values.get(column) is not None:
            values[column] = encode_json(values[column]).decode()
    return values


def _defused(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _csv_line(cells: Iterable[str]) -> str:
    line = StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
