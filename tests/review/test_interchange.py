"""Files of entries: read, written, and every bad row named by its line."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from proxy.review.entry import CATEGORIES, Entry, EntryError
from proxy.review.interchange import (
    decode,
    entry_of,
    iter_rows,
    nested_refusals,
    parse_refusals,
    read_csv,
    read_entries,
    read_jsonl,
    write_csv,
    write_jsonl,
    write_xlsx,
)

CONFIG = Path(__file__).parents[2] / "config/library"
ENTRIES = (
    Entry.from_row({"pattern": " 甲  乙 ", "category": "A.1.a", "exceptions": ["甲|乙"], "severity": 1}),
    Entry.from_row({"pattern": "=SUM(A1)", "category": "A.2.b", "action": {"input": "flag", "output": "mask"}}),
    Entry.from_row({"pattern": "'=x", "category": "A.2.b", "source": {"type": "人工审核", "ref": "7"}}),
    Entry.from_row({"pattern": "甲,乙\"丙", "category": "A.2.c", "kind": "combination",
                    "combination": {"all": ["甲", "乙"], "within": 30}, "views": ["safe"]}),
)  # fmt: skip


def test_json_lines_come_back_the_same() -> None:
    read = read_jsonl(write_jsonl(ENTRIES))
    assert (read.entries, read.problems, read.lines) == (ENTRIES, (), (1, 2, 3, 4))


def test_csv_comes_back_the_same_with_formulas_defused() -> None:
    text = write_csv(ENTRIES)
    assert "'=SUM(A1)" in text
    read = read_csv(text)
    assert (read.entries, read.problems) == (ENTRIES, ())


def test_bad_json_rows_are_named_and_good_ones_kept() -> None:
    text = '# a comment\n\n{"pattern": "甲", "category": "A.1.a"}\n{oops\n{"pattern": "乙"}\n' * 2
    read = read_jsonl(text)
    assert len(read.entries) == 1
    assert [str(p).split(":")[0] for p in read.problems] == [
        "line 4",
        "line 5",
        "line 8",
        "line 9",
        "line 10",
    ]
    assert "stands in line 3 already" in str(read.problems[2])


CSV_PROBLEMS = [
    ("pattern,colour\n甲,red\n", "line 1: colour"),
    ("pattern,pattern\n甲,乙\n", "line 1: header"),
    ("pattern,category\n甲\n", "line 2: category"),
    ("pattern,category\n甲,A.1.a,x\n", "line 2: row"),
    ("pattern,category,tags\n甲,A.1.a,[oops\n", "line 2: tags"),
    ("pattern,category,severity\n甲,A.1.a,high\n", "line 2: severity"),
    ('pattern,category\n"甲,A.1.a\n', "line 2: row"),
]


@pytest.mark.parametrize(("text", "problem"), CSV_PROBLEMS)
def test_bad_csv_rows_are_named(text: str, problem: str) -> None:
    read = read_csv(text)
    assert not read.entries
    assert [str(p)[: len(problem)] for p in read.problems] == [problem]


def test_csv_lists_are_joined_by_bars_and_empty_rows_passed_over() -> None:
    read = read_csv("pattern,category,tags,action.input\n甲,A.1.a,a|b,log\n,,,\n")
    assert read.entries[0].tags == ("a", "b")
    assert len(read.entries) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_both_encodings_are_read(encoding: str) -> None:
    assert decode("甲乙".encode(encoding)) == "甲乙"


def test_other_encodings_and_endings_are_refused() -> None:
    with pytest.raises(EntryError, match="neither UTF-8 nor GB18030"):
        decode(b"\xff\xff")
    with pytest.raises(EntryError, match=r"\.jsonl, \.csv or \.xlsx"):
        read_entries(b"", "entries.xls")


def test_the_ending_decides_the_format() -> None:
    assert read_entries(write_csv(ENTRIES).encode(), "a.CSV").entries == ENTRIES
    assert read_entries(write_jsonl(ENTRIES).encode(), "a.jsonl").entries == ENTRIES


def test_the_sample_library_covers_every_category_without_a_problem() -> None:
    read = read_entries((CONFIG / "sample.jsonl").read_bytes(), "sample.jsonl")
    assert not read.problems
    assert len(read.entries) >= 200
    assert {entry.category for entry in read.entries} == set(CATEGORIES)


def test_the_refusals_speak_of_every_category_in_both_languages() -> None:
    said = parse_refusals((CONFIG / "refusals.yaml").read_bytes())
    assert set(said) == {f"{name}.{locale}" for name in (*CATEGORIES, "default") for locale in ("zh", "en")}


@pytest.mark.parametrize(
    ("text", "place"),
    [("a: [", "refusals"), ("- a", "refusals"), ("X.1: {zh: a}", "refusals.X.1"), ("A.1.a: b", "refusals.A.1.a"),
     ("A.1.a: {zh: ''}", "refusals.A.1.a")],
)  # fmt: skip
def test_bad_refusals_are_named(text: str, place: str) -> None:
    with pytest.raises(EntryError) as caught:
        parse_refusals(text.encode())
    assert caught.value.field == place


def workbook(*rows: list[object]) -> io.BytesIO:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    return file


def test_workbooks_come_back_the_same_and_hold_no_formula() -> None:
    file = io.BytesIO()
    write_xlsx(ENTRIES, file)
    assert read_entries(file.getvalue(), "a.XLSX").entries == ENTRIES
    cells = [cell for row in openpyxl.load_workbook(file).active.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells if cell.value is not None} == {"s"}
    assert "'=SUM(A1)" in {cell.value for cell in cells}


def test_a_long_number_in_a_cell_is_read_as_it_was_written() -> None:
    read = read_entries(workbook(["pattern", "category"], [1e20, "A.1.a"]).getvalue(), "a.xlsx")
    assert [entry.pattern for entry in read.entries] == ["1" + "0" * 20]


def test_workbooks_that_people_made_are_read() -> None:
    day = datetime(2026, 1, 2)
    moment = datetime(2026, 1, 2, 3, 4)
    file = workbook(
        ["pattern", "category", "severity", "expires", "effective_from", "gap", "", None],
        ["词语甲", "A.1.a", 2, day, moment, 2.0, "", None],
        ["词语乙", "A.1.a", 2.5, "", "", "", "", None],
        [],
        [12345, "A.1.a", None, None],
    )
    read = read_entries(file.getvalue(), "a.xlsx")
    one, other = read.entries
    assert [str(problem) for problem in read.problems] == ["line 3: severity: must be 1, 2, 3 or 4"]
    assert (one.severity, one.expires, one.effective_from, one.gap) == (
        2,
        "2026-01-02",
        "2026-01-02T03:04:00",
        2,
    )
    assert other.pattern == "12345"


def test_whole_numbers_that_a_spreadsheet_wrote_with_a_point_are_whole() -> None:
    made = workbook(["pattern", "category", "severity"], ["词语甲", "A.1.a", 1.5])
    patched = io.BytesIO()
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(patched, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"<v>1.5</v>", b"<v>4.0</v>"))
    assert read_entries(patched.getvalue(), "a.xlsx").entries[0].severity == 4


def test_formulas_and_bad_rows_of_a_workbook_are_named() -> None:
    file = workbook(
        ["pattern", "category"], ["=1+1", "A.1.a"], ["词语甲", "A.1.a", "too much"], ["词语乙", "A.1.a"]
    )
    read = read_entries(file.getvalue(), "a.xlsx")
    assert [str(problem).split(":")[0] for problem in read.problems] == ["row 2", "row 3"]
    assert "A2 holds a formula" in str(read.problems[0])
    assert [entry.pattern for entry in read.entries] == ["词语乙"]
    with pytest.raises(EntryError, match="row 1: colour"):
        list(iter_rows(workbook(["pattern", "colour"], ["a", "b"]), "a.xlsx"))
    with pytest.raises(EntryError, match="row 1: cell"):
        list(iter_rows(workbook(["pattern", "=A1"], ["a", "b"]), "a.xlsx"))


def zipped(name: str, size: int) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, b"0" * size)
    return file


def test_what_is_no_workbook_or_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for file in (io.BytesIO(b"PK no zip"), zipped("x", 1)):
        with pytest.raises(EntryError, match="not an XLSX workbook"):
            list(iter_rows(file, "a.xlsx"))
    monkeypatch.setattr("proxy.review.interchange._MAX_SHEET", 1000)
    with pytest.raises(EntryError, match="unpacks to 100000 bytes"):
        list(iter_rows(zipped("x", 100_000), "a.xlsx"))


def test_a_workbook_cannot_hold_control_characters() -> None:
    with pytest.raises(EntryError, match="control character"):
        write_xlsx([Entry("词\x01语", "A.1.a")], io.BytesIO())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_files_of_both_encodings_are_read_row_by_row(encoding: str, name: str) -> None:
    text = write_csv(ENTRIES) if name == "a.csv" else write_jsonl(ENTRIES)
    rows = iter_rows(io.BytesIO(text.encode(encoding)), name)
    assert tuple(entry_of(number, row) for number, row in rows) == ENTRIES


def test_a_file_in_neither_encoding_is_refused_row_by_row_too() -> None:
    with pytest.raises(EntryError, match="neither UTF-8 nor GB18030"):
        list(iter_rows(io.BytesIO(b"\xff\xff\n"), "a.csv"))


def test_json_that_nests_too_deep_is_a_bad_row() -> None:
    (number, row), (_, good) = iter_rows(io.BytesIO(b"[" * 200_000 + b"\n{}\n"), "a.jsonl")
    assert number == 1
    assert isinstance(row, EntryError)
    assert good == {}


def test_a_similarity_that_is_none_is_named() -> None:
    assert read_csv("pattern,category,threshold\n词语甲,A.1.a,0.5\n").entries[0].threshold == 0.5
    read = read_csv("pattern,category,threshold\n词语甲,A.1.a,much\n")
    assert "threshold" in str(read.problems[0])


def test_a_table_says_what_an_entry_is_and_does_even_where_that_is_the_default() -> None:
    heads, *rows = csv.reader(
        io.StringIO(write_csv([Entry("词语甲", "A.1.a"), Entry("词语乙", "A.1.a", action={"input": "flag"})]))
    )
    told = [dict(zip(heads, row, strict=True)) for row in rows]
    names = ("kind", "severity", "action.input", "action.output", "scope")
    assert {one["pattern"]: tuple(one[name] for name in names) for one in told} == {
        "词语甲": ("keyword", "3", "block", "block", "both"),
        "词语乙": ("keyword", "3", "flag", "", "both"),
    }


def test_refusal_texts_go_out_as_they_came_in() -> None:
    said = {"A.1.a": {"en": "no", "zh": "不"}, "default": {"zh": "换个话题。"}}
    assert nested_refusals(parse_refusals(json.dumps(said).encode())) == said
    assert nested_refusals({}) == {}
