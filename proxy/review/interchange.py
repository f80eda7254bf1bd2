"""Reading and writing entries as JSON Lines, CSV and XLSX, one entry a row.

Every bad row is reported with its line, and nothing is lost on the way: inner spaces stay, and cells that a
spreadsheet would run as a formula are written with an apostrophe, which is taken off again when read.
In CSV, nested fields have dotted column names (action.input, source.type); lists are JSON or joined by "|".
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from proxy.review.entry import CATEGORIES, Entry, EntryError

__all__ = [
    "ReadEntries",
    "decode",
    "entry_of",
    "iter_rows",
    "nested_refusals",
    "parse_refusals",
    "read_csv",
    "read_entries",
    "read_jsonl",
    "write_csv",
    "write_jsonl",
    "write_xlsx",
]

_LISTS = {
    "views", "folds", "tags", "roles", "tenants", "models", "endpoints", "exceptions", "examples", "approvers",
    "combination.all", "combination.any", "combination.none",
}  # fmt: skip
_NUMBERS = {"severity", "gap", "version", "regex.max_width"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
_COLUMNS = (
    "id", "kind", "pattern", "category", "severity", "action.input", "action.output", "scope", "views",
    "boundary", "gap", "folds", "combination.all", "combination.any", "combination.none", "combination.within",
    "combination.hold", "regex.max_width", "regex.validator", "threshold", "tags", "roles", "tenants", "models",
    "endpoints", "exceptions", "replacement", "examples", "source.type", "source.ref", "source.date", "legal_basis", "effective_from", "expires",
    "review_due", "status", "version", "author", "reviewer", "approvers", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReadEntries:
    """What a file held: the good entries with the line of each, and what is wrong with the other rows."""

    entries: tuple[Entry, ...]
    lines: tuple[int, ...]
    problems: tuple[EntryError, ...]


def decode(raw: bytes) -> str:
    """Text of a file in UTF-8 (with or without mark) or GB18030. EntryError if it is neither."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise EntryError("encoding", "the file is neither UTF-8 nor GB18030; save it as UTF-8")


def read_entries(raw: bytes, filename: str) -> ReadEntries:
    """The entries of a file, by its ending: .csv, .jsonl, .ndjson, .json or .xlsx. EntryError for any other."""
    name = filename.lower()
    if name.endswith(".csv"):
        return read_csv(decode(raw))
    if name.endswith((".jsonl", ".ndjson", ".json")):
        return read_jsonl(decode(raw))
    return _checked(iter_rows(io.BytesIO(raw), filename))


Row = Mapping[str, Any] | EntryError

_MAX_SHEET = 1 << 30  # bytes that a workbook may unpack to


def iter_rows(file: IO[bytes], filename: str) -> Iterator[tuple[int, Row]]:
    """The rows of a file of any size with their line (or sheet row), one after the other.

    `file` can be sought. A row that cannot be read is an EntryError in its place; what makes the whole file
    unreadable is raised.
    """
    name = filename.lower()
    if name.endswith(".xlsx"):
        yield from _sheet_rows(file)
    elif name.endswith(".csv"):
        with io.TextIOWrapper(file, _encoding(file), newline="") as text:
            yield from _csv_rows(csv.reader(text, strict=True))
    elif name.endswith((".jsonl", ".ndjson", ".json")):
        with io.TextIOWrapper(file, _encoding(file), newline="\n") as text:
            yield from _json_rows(text)
    else:
        raise EntryError("file", f"{filename}: the name must end in .jsonl, .csv or .xlsx")


def _encoding(file: IO[bytes]) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        file.seek(0)
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            while piece := file.read(1 << 20):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        file.seek(0)
        return encoding
    raise EntryError("encoding", "the file is neither UTF-8 nor GB18030; save it as UTF-8")


def _json_rows(lines: Iterable[str]) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        try:
            yield number, json.loads(stripped)
        except (ValueError, RecursionError) as error:
            yield number, EntryError("row", f"is not JSON: {error}", f"line {number}")


def _csv_rows(reader: Any) -> Iterator[tuple[int, Row]]:
    header: list[str] | None = None
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            # What follows an open quote is no row any more.
            yield reader.line_num, EntryError("row", f"is not CSV: {error}", f"line {reader.line_num}")
            return
        if cells is None:
            return
        line = reader.line_num
        if header is None:
            header = [name.strip() for name in cells]
            try:
                _check_header(header)
            except EntryError as error:
                raise error.at("line 1") from None
        elif any(cells):
            try:
                yield line, _nested(header, cells)
            except EntryError as error:
                yield line, error.at(f"line {line}")


def _sheet_rows(file: IO[bytes]) -> Iterator[tuple[int, Row]]:
    from openpyxl import load_workbook  # only who brings in a workbook waits for it
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(part.file_size for part in archive.infolist())
        if size > _MAX_SHEET:
            raise EntryError("file", f"the workbook unpacks to {size} bytes; save it as CSV")
        book = load_workbook(file, read_only=True, data_only=False, keep_links=False)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        if isinstance(error, EntryError):
            raise
        raise EntryError("file", f"is not an XLSX workbook: {error}") from None
    header: list[str] | None = None
    try:
        for number, row in enumerate(book.worksheets[0].iter_rows(), 1):
            try:
                cells = [_cell_text(cell) for cell in row]
                if header is None:
                    header = [name.strip() for name in cells if name.strip()]
                    _check_header(header)
                elif any(cells):
                    while len(cells) > len(header) and not cells[-1]:
                        cells.pop()
                    yield number, _nested(header, cells)
            except EntryError as error:
                if header is None or number == 1:
                    raise error.at("row 1") from None
                yield number, error.at(f"row {number}")
    finally:
        book.close()


def _cell_text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        raise EntryError("cell", f"{cell.coordinate} holds a formula; write the text itself")
    if isinstance(value, datetime):
        return value.isoformat() if value.time().isoformat() != "00:00:00" else value.date().isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def read_jsonl(text: str) -> ReadEntries:
    """Entries of JSON Lines. Empty lines and lines that begin with # are passed over."""
    return _checked(_json_rows(text.split("\n")))


def read_csv(text: str) -> ReadEntries:
    """Entries of CSV with a header row."""
    try:
        return _checked(_csv_rows(csv.reader(io.StringIO(text, newline=""), strict=True)))
    except EntryError as error:  # of the header
        return ReadEntries((), (), (error,))


def _check_header(header: Sequence[str]) -> None:
    for name in header:
        if name not in _COLUMNS:
            raise EntryError(name or "header", "is not a column; the columns are " + ", ".join(_COLUMNS))
    if len(set(header)) != len(header):
        raise EntryError("header", "names a column twice")


def _nested(header: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    if len(cells) > len(header):
        raise EntryError("row", f"has {len(cells)} cells, the header names {len(header)} columns")
    row: dict[str, Any] = {}
    for name, cell in zip(header, cells, strict=False):
        value = _cell(name, cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA and len(cell) > 1 else cell)
        if value == "" or value == []:
            continue
        outer, _, inner = name.partition(".")
        if inner:
            row.setdefault(outer, {})[inner] = value
        else:
            row[outer] = value
    return row


def _cell(name: str, text: str) -> Any:
    if name in _LISTS:
        if text.startswith("["):
            try:
                return json.loads(text)
            except ValueError as error:
                raise EntryError(name, f"is not a JSON list: {error}") from None
        return [item for item in text.split("|") if item]
    if (name in _NUMBERS or name == "combination.within") and text.strip().isdecimal():
        return int(text)
    if name == "threshold" and re.fullmatch(r"\s*[01](\.[0-9]+)?\s*", text):
        return float(text)
    return text


def _checked(rows: Iterable[tuple[int, Row]]) -> ReadEntries:
    """Rows to entries; a second row of the same id is a problem of that row."""
    entries: list[Entry] = []
    lines: list[int] = []
    problems: list[EntryError] = []
    seen: dict[str, int] = {}
    for number, row in rows:
        try:
            entry = entry_of(number, row)
        except EntryError as error:
            problems.append(error)
            continue
        if entry.id in seen:
            problems.append(
                EntryError("id", f"{entry.id} stands in line {seen[entry.id]} already", f"line {number}")
            )
            continue
        seen[entry.id] = number
        entries.append(entry)
        lines.append(number)
    return ReadEntries(tuple(entries), tuple(lines), tuple(problems))


def entry_of(number: int, row: Row) -> Entry:
    """The entry of a row of `iter_rows`; EntryError names the line."""
    if isinstance(row, EntryError):
        raise row
    return Entry.from_row(row, f"line {number}")


def write_jsonl(entries: Iterable[Entry]) -> str:
    """Entries as JSON Lines."""
    return "".join(json.dumps(entry.to_row(), ensure_ascii=False) + "\n" for entry in entries)


def _told(entry: Entry) -> dict[str, Any]:
    """The row of a table that people read: what an entry is and does stands there even where it is the default."""
    action = {str(direction): str(action) for direction, action in entry.action.items()}
    said = {"kind": entry.kind, "severity": entry.severity, "action": action, "scope": entry.scope}
    return {**said, **entry.to_row()}


def write_csv(entries: Iterable[Entry]) -> str:
    """Entries as CSV, every column, formulas defused."""
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for entry in entries:
        row = _told(entry)
        writer.writerow([_text(_reach(row, name)) for name in _COLUMNS])
    return target.getvalue()


def write_xlsx(entries: Iterable[Entry], target: IO[bytes]) -> None:
    """Entries as an XLSX workbook of one sheet; every cell is text, and formulas are defused as in CSV.

    EntryError for a character that a workbook cannot hold.
    """
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.utils.exceptions import IllegalCharacterError

    book = Workbook(write_only=True)
    sheet = book.create_sheet("entries")
    sheet.append(_COLUMNS)
    for entry in entries:
        row = _told(entry)
        try:
            cells = [WriteOnlyCell(sheet, _text(_reach(row, name))) for name in _COLUMNS]
        except IllegalCharacterError:
            sheet.close()
            raise EntryError("pattern", "holds a control character; export as JSON Lines", entry.id) from None
        for cell in cells:
            cell.data_type = "s"
        sheet.append(cells)
    book.save(target)


def _reach(row: Mapping[str, Any], name: str) -> Any:
    outer, _, inner = name.partition(".")
    value = row.get(outer, "")
    return value.get(inner, "") if inner and isinstance(value, Mapping) else value


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)
    return "'" + text if text.startswith(_FORMULA) else text


def parse_refusals(raw: bytes) -> dict[str, str]:
    """Refusal texts 代答 of a YAML file, {category or "default": {locale: text}}, as "<category>.<locale>" -> text.

    EntryError names the key that is wrong.
    """
    import yaml  # a compiler of libraries has no use for it

    try:
        data = yaml.safe_load(decode(raw))
    except yaml.YAMLError as error:
        raise EntryError("refusals", f"is not YAML: {error}") from None
    if not isinstance(data, Mapping):
        raise EntryError("refusals", "must map categories to texts by language")
    said: dict[str, str] = {}
    for category, texts in data.items():
        if category != "default" and category not in CATEGORIES:
            raise EntryError(f"refusals.{category}", "is neither a category nor default")
        if not isinstance(texts, Mapping) or not all(isinstance(t, str) and t for t in texts.values()):
            raise EntryError(f"refusals.{category}", "must map languages to texts")
        said |= {f"{category}.{locale}": text for locale, text in texts.items()}
    return said


def nested_refusals(said: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The same back: what `parse_refusals` read, by category and language."""
    texts: dict[str, dict[str, str]] = {}
    for name in sorted(said):
        category, _, locale = name.rpartition(".")
        texts.setdefault(category, {})[locale] = said[name]
    return texts
