"""Entries are checked when they are made, and every complaint names its field."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.review.entry import (
    CATEGORIES,
    Action,
    Combination,
    Direction,
    Entry,
    EntryError,
    RegexLimits,
    Source,
)
from proxy.review.interchange import read_csv, write_csv

GOOD: dict[str, Any] = {"pattern": "甲乙", "category": "A.1.a"}

BAD = [
    ({"pattern": ""}, "pattern"), ({"pattern": 5}, "pattern"), ({"pattern": "\ud800"}, "pattern"),
    ({"category": "A.9.z"}, "category"), ({"kind": "magic"}, "kind"), ({"boundary": "maybe"}, "boundary"),
    ({"scope": "all"}, "scope"), ({"status": "new"}, "status"), ({"views": ["dark"]}, "views"),
    ({"views": []}, "views"), ({"views": "safe"}, "views"), ({"severity": 5}, "severity"),
    ({"severity": True}, "severity"), ({"gap": 99}, "gap"), ({"source": {"type": "x"}}, "source.type"),
    ({"source": {"kind": "x"}}, "source"), ({"action": {}}, "action"), ({"action": {"input": "x"}}, "action"),
    ({"action": {"up": "block"}}, "action"), ({"action": 3}, "action"), ({"exceptions": [1]}, "exceptions"),
    ({"reason": 3}, "reason"), ({"colour": "red"}, "colour"), ({"kind": "combination"}, "combination"),
    ({"kind": "combination", "combination": {"none": ["x"]}}, "combination"),
    ({"kind": "combination", "combination": {"all": ["x"], "within": 0}}, "combination.within"),
    ({"combination": {"all": [1]}}, "combination.all"), ({"regex": {"max_width": 0}}, "regex.max_width"),
    ({"regex": {"validator": "x"}}, "regex.validator"), ({"folds": ["upside down"]}, "folds"),
    ({"folds": ["reversed"], "kind": "pinyin"}, "folds"), ({"threshold": 0}, "threshold"),
    ({"threshold": "high"}, "threshold"), ({"version": 0}, "version"), ({"source": {"ref": 1}}, "source.ref"),
    ({"endpoints": [""]}, "endpoints"), ({"effective_from": "soon"}, "effective_from"),
    ({"expires": "2026-13-01"}, "expires"), ({"review_due": "2026-1-1"}, "review_due"),
    ({"effective_from": "2026-02-01", "expires": "2026-01-01"}, "expires"), ({"expires": 3}, "expires"),
    ({"combination": {"all": ["甲", ""]}}, "combination.all"), ({"combination": {"all": "甲"}}, "combination.all"),
    ({"combination": {"all": ["\ud800"]}}, "combination.all"),
    ({"combination": {"all": ["甲"], "hold": "message"}}, "combination.hold"),
    ({"combination": {"all": ["甲"], "hold": "sentence", "within": 9}}, "combination.hold"),
    ({"approver": "a", "approvers": ["b"]}, "approver"), ({"approver": 1}, "approvers"),
    ({"scope": {"way": "input"}}, "scope"), ({"scope": {"roles": ["user"]}, "roles": ["tool"]}, "scope"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "field"), BAD)
def test_a_bad_field_is_named_with_its_place(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(EntryError) as caught:
        Entry.from_row(GOOD | fields, "line 7")
    assert (caught.value.field, caught.value.place) == (field, "line 7")
    assert str(caught.value).startswith(f"line 7: {field}: ")


@pytest.mark.parametrize("missing", ["pattern", "category"])
def test_a_missing_field_is_named(missing: str) -> None:
    with pytest.raises(EntryError, match=f"{missing}: is missing"):
        Entry.from_row({k: v for k, v in GOOD.items() if k != missing})


def test_a_row_must_be_an_object() -> None:
    with pytest.raises(EntryError, match="must be an object"):
        Entry.from_row(["甲"])  # type: ignore[arg-type]


def test_pattern_and_category_are_enough() -> None:
    entry = Entry("甲乙", "A.1.a")
    assert entry.action_for(Direction.INPUT) is entry.action_for(Direction.OUTPUT) is Action.BLOCK
    assert entry.id.startswith("e-")
    assert entry.to_row() == {"id": entry.id, "pattern": "甲乙", "category": "A.1.a"}


def test_a_row_comes_back_the_same() -> None:
    entry = Entry.from_row(GOOD | {
        "kind": "combination", "combination": {"all": ["甲"], "any": ["乙"], "none": ["丙"], "within": 20},
        "regex": {"max_width": 10, "validator": "luhn"}, "action": {"input": "flag"}, "tags": ["x"],
        "source": {"type": "人工审核", "ref": "r", "date": "2026-01-01"}, "scope": "input", "severity": 1,
    })  # fmt: skip
    assert Entry.from_row(entry.to_row()) == entry
    assert entry.combination == Combination(("甲",), ("乙",), ("丙",), 20)
    assert entry.regex == RegexLimits(10, "luhn")
    assert Entry("x", "A.1.a", source=Source("自建", "r")).to_row()["source"]["ref"] == "r"


def test_scopes_and_approvers_may_be_written_as_the_field_list_says_them() -> None:
    scope = {"direction": "input", "roles": ["user"], "endpoints": ["/v1/chat/*"]}
    entry = Entry.from_row(GOOD | {"scope": scope, "approver": "李"})
    assert (entry.scope, entry.roles, entry.endpoints, entry.approvers) == (
        "input", ("user",), ("/v1/chat/*",), ("李",),
    )  # fmt: skip
    assert Entry.from_row(entry.to_row()) == entry


def test_a_combination_is_named_by_its_terms_if_by_nothing_else() -> None:
    row = {
        "kind": "combination",
        "category": "A.1.a",
        "combination": {"all": ["甲", "乙"], "any": ["丙", "丁"]},
    }
    assert Entry.from_row(row).pattern == "甲 + 乙 + 丙 / 丁"
    held = Combination(("甲",), hold="sentence")
    entry = Entry("甲", "A.1.a", kind="combination", combination=held)
    assert Entry.from_row(entry.to_row()).combination == held


@pytest.mark.parametrize(
    ("effective_from", "expires", "begins", "ends"),
    [
        ("", "", float("-inf"), float("inf")),
        ("1970-01-02", "1970-01-02", 57_600_000, 144_000_000),  # a day in China
        ("1970-01-01T00:00:01+00:00", "1970-01-01T09:00:00", 1000, 3_600_000),
    ],
)
def test_an_entry_is_in_force_for_a_time(
    effective_from: str, expires: str, begins: float, ends: float
) -> None:
    entry = Entry("甲乙", "A.1.a", effective_from=effective_from, expires=expires)
    assert entry.in_force_ms == (begins, ends)


def test_every_field_survives_a_spreadsheet() -> None:
    held = Combination(("甲", "乙"), ("丙",), ("丁",), "sentence", "sentence")
    entries = (
        Entry("甲乙", "A.1.a", folds=("reversed", "filler"), endpoints=("/v1/chat/*",), expires="2030-01-01"),
        Entry("甲", "A.1.a", kind="combination", combination=held),
        Entry("甲乙", "A.1.b", kind="similar-text", threshold=0.55, examples=("甲", "乙")),
    )
    assert read_csv(write_csv(entries)).entries == entries


def test_older_rows_keep_their_names() -> None:
    assert Entry("甲乙", "A.1.a").id == "e-2b5c52d6b5ec7bb3"
    assert Entry("甲乙", "A.1.a", folds=("reversed",)).id != Entry("甲乙", "A.1.a").id


def test_ids_follow_what_is_matched() -> None:
    one, other = Entry("甲乙", "A.1.a", reason="x"), Entry("甲乙", "A.1.a", reason="y")
    assert one.id == other.id != Entry("甲乙", "A.1.b").id


def test_an_entry_outside_its_scope_or_without_an_action_does_nothing() -> None:
    assert Entry.from_row(GOOD | {"scope": "input"}).action_for(Direction.OUTPUT) is None
    assert Entry.from_row(GOOD | {"action": {"input": "log"}}).action_for(Direction.OUTPUT) is None
    assert Entry.from_row(GOOD | {"action": "mask"}).action_for(Direction.OUTPUT) is Action.MASK


def test_an_entry_can_change_its_state() -> None:
    assert Entry("甲乙", "A.1.a").with_status("retired").status == "retired"


def test_a_value_that_is_made_already_is_taken() -> None:
    assert Entry.from_row(GOOD | {"source": Source("自建")}).source == Source("自建")


def test_the_31_risks_are_there() -> None:
    assert len(CATEGORIES) == 31
    assert [sum(1 for c in CATEGORIES if c.startswith(f"A.{n}")) for n in range(1, 6)] == [8, 9, 5, 7, 2]
