"""Entries as they are kept are read one by one, and checked before they are compiled."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from proxy.review.checks import EntryError
from proxy.review.columns import Columns
from proxy.review.entry import Entry, Source
from proxy.review.interchange import write_jsonl
from proxy.review.stored import Difference, StoredEntries, columns_of, difference, lines_of

ENTRIES = sorted(
    [
        Entry("甲乙丙", "A.1.a", reason="说", author="a", reviewer="b", approvers=("c", "d"), version=3),
        Entry("甲乙丁", "A.1.a", legal_basis="法", source=Source("投诉举报", "r", "2026-01-01")),
        Entry.from_row(
            {
                "pattern": "甲乙戊",
                "category": "A.1.b",
                "views": ["raw"],
                "action": "flag",
                "exceptions": ["甲乙戊己"],
            }
        ),
        Entry.from_row({"category": "A.1.a", "kind": "combination", "combination": {"all": ["甲", "乙"]}}),
        Entry.from_row(
            {"category": "A.1.a", "kind": "regex", "pattern": "1\\d{3}", "regex": {"max_width": 4}}
        ),
    ],
    key=lambda entry: entry.id,
)
RAW = write_jsonl(ENTRIES).encode()


def test_stored_entries_are_those_that_were_written() -> None:
    stored = StoredEntries(RAW)
    assert list(stored) == ENTRIES
    assert (stored[-1], stored[1:3], len(stored)) == (ENTRIES[-1], ENTRIES[1:3], len(ENTRIES))
    with pytest.raises(IndexError):
        stored[len(ENTRIES)]


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.review.stored._KEPT", 2)
    stored = StoredEntries(RAW)
    assert list(stored) + list(stored) == ENTRIES * 2
    assert len(stored._known) <= 2


def test_their_columns_are_those_of_the_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.review.stored._AT_ONCE", 2)
    columns, expected = columns_of(StoredEntries(RAW)), Columns.of(ENTRIES)
    assert list(columns) == ENTRIES
    assert columns.patterns == expected.patterns
    assert columns.risks() == expected.risks()
    for place, entry in enumerate(ENTRIES):
        known = columns.entry(place)
        assert (known.pattern, known.views, known.exceptions) == (
            entry.pattern,
            entry.views,
            entry.exceptions,
        )


def row(**fields: object) -> str:
    return json.dumps({"id": "x", "pattern": "甲乙", "category": "A.1.a", **fields}, ensure_ascii=False)


BAD = [
    ("{oops", "row: is not JSON"),
    ("[1]", "must be an object"),
    (row(pattern=""), "pattern: must be a string"),
    (row(id=7), "id: must be a string"),
    (row(reason=7), "reason: must be a string"),
    (row(version=0), "version: must be a number"),
    (row(source={"type": "nobody"}), "source.type"),
    (row(source={"who": "x"}), "source: must be an object"),
    (row(gap=99), "gap: must be a number"),
    (row(kind="combination"), "combination: an entry of kind"),
    (row(nonsense=1), "nonsense: is not a field"),
    (row() + "\n" + row(), "id: x stands in line 1 already"),
    (row() + "\n" + row(id="a"), "id: the entries are not in the order"),
    ('{"pattern": "甲乙", "category": "A.1.a"}', "id: the entries are not in the order"),
    ("1, 2", "row: is not JSON"),
]


@pytest.mark.parametrize(("lines", "told"), BAD)
def test_what_is_not_good_is_told_as_of_a_file(lines: str, told: str) -> None:
    with pytest.raises(EntryError, match=told):
        columns_of(StoredEntries(f"{lines}\n".encode()))


def test_a_file_that_ends_in_the_middle_is_refused() -> None:
    with pytest.raises(ValueError, match="no end of line"):
        StoredEntries(RAW[:-1])


def test_an_empty_library_has_no_entries() -> None:
    assert len(columns_of(StoredEntries(b""))) == 0


def test_equal_entries_have_equal_lines_and_lines_give_the_entries_again() -> None:
    lines = lines_of(ENTRIES)
    assert list(StoredEntries(lines)) == ENTRIES
    assert lines_of(StoredEntries(RAW)) == lines


ONE, TWO = replace(ENTRIES[0], gap=2), replace(ENTRIES[1], reviewer="z")
DIFFERENCES = [
    (ENTRIES, ENTRIES, ((), (), ())),
    ([], ENTRIES[:1], ((ENTRIES[0].id,), (), ())),
    (ENTRIES[:2], [], ((), (), (ENTRIES[0].id, ENTRIES[1].id))),
    (
        ENTRIES[:3],
        [ONE, TWO, ENTRIES[3]],
        ((ENTRIES[3].id,), (ENTRIES[0].id, ENTRIES[1].id), (ENTRIES[2].id,)),
    ),
]


@pytest.mark.parametrize(("before", "after", "expected"), DIFFERENCES)
def test_two_libraries_differ_in_what_their_entries_say(
    before: list[Entry], after: list[Entry], expected: tuple[tuple[str, ...], ...]
) -> None:
    for lines in (
        lines_of(before),
        write_jsonl(before).encode(),
    ):  # as they are written, and as they were once
        assert difference(StoredEntries(lines), StoredEntries(lines_of(after))) == Difference(*expected)


def test_the_numbers_of_revisions_are_told_by_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.review.stored._AT_ONCE", 2)
    assert StoredEntries(RAW).numbers() == {entry.id: entry.version for entry in ENTRIES}
