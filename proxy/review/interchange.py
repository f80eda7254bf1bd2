"""Reading and writing entries as JSON Lines and CSV, one entry a row.

Every bad row is reported with its line, and nothing is lost on the way: inner spaces stay, and cells that a
spreadsheet would run as a formula are written with an apostrophe, which is taken off again when read.
In CSV, nested fields have dotted column names (action.input, source.type); lists are JSON or joined by "|".
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from proxy.review.entry import CATEGORIES, Entry, EntryError

__all__ = [
    "ReadEntries",
    "decode",
    "parse_refusals",
    "read_csv",
    "read_entries",
    "read_jsonl",
    "write_csv",
    "write_jsonl",
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
    """The entries of a file, by its ending: .csv, .jsonl, .ndjson or .json. EntryError for any other."""
    name = filename.lower()
    if name.endswith(".csv"):
        return read_csv(decode(raw))
    if name.endswith((".jsonl", ".ndjson", ".json")):
        return read_jsonl(decode(raw))
    raise EntryError("file", f"{filename}: the name must end in .jsonl or .csv")


def read_jsonl(text: str) -> ReadEntries:
    """Entries of JSON Lines. Empty lines and lines that begin with # are passed over."""
    rows: list[tuple[int, Any]] = []
    problems = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        try:
            rows.append((number, json.loads(stripped)))
        except ValueError as error:
            problems.append(EntryError("row", f"is not JSON: {error}", f"line {number}"))
    return _checked(rows, problems)


def read_csv(text: str) -> ReadEntries:
    """Entries of CSV with a header row."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, Any]] = []
    problems: list[EntryError] = []
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            line = reader.line_num
            if header is None:
                header = [name.strip() for name in cells]
                _check_header(header)
            elif any(cells):
                try:
                    rows.append((line, _nested(header, cells)))
                except EntryError as error:
                    problems.append(error.at(f"line {line}"))
    except csv.Error as error:
        problems.append(EntryError("row", f"is not CSV: {error}", f"line {max(line, reader.line_num)}"))
    except EntryError as error:
        problems.append(error.at("line 1"))
    return _checked(rows, problems)


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


def _checked(rows: Iterable[tuple[int, Any]], problems: list[EntryError]) -> ReadEntries:
    """Rows to entries; a second row of the same id is a problem of that row."""
    entries: list[Entry] = []
    lines: list[int] = []
    seen: dict[str, int] = {}
    for number, row in rows:
        try:
            entry = Entry.from_row(row, f"line {number}")
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
    problems.sort(key=lambda error: int(error.place.removeprefix("line ")))
    return ReadEntries(tuple(entries), tuple(lines), tuple(problems))


def write_jsonl(entries: Iterable[Entry]) -> str:
    """Entries as JSON Lines."""
    return "".join(json.dumps(entry.to_row(), ensure_ascii=False) + "\n" for entry in entries)


def write_csv(entries: Iterable[Entry]) -> str:
    """Entries as CSV, every column, formulas defused."""
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for entry in entries:
        row = entry.to_row()
        writer.writerow([_text(_reach(row, name)) for name in _COLUMNS])
    return target.getvalue()


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
