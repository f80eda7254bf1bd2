"""Entries become lenses of the directions and views in which they act."""

from __future__ import annotations

import pytest

from proxy.review.columns import Columns
from proxy.review.compile import compile_kits
from proxy.review.entry import Action, Direction, Entry
from proxy.review.machine import NODE
from proxy.review.tables import builtin_tables

TABLES = builtin_tables()
CASES = [
    (Entry("甲乙", "A.1.a", views=("raw",)), ["raw"]),
    (Entry("甲乙", "A.1.a", views=("evasion",)), ["safe", "evasion"]),
    (
        Entry("甲乙丙丁", "A.1.a", views=("raw", "safe", "evasion", "pinyin")),
        ["raw", "safe", "evasion", "pinyin"],
    ),
    (Entry("甲乙", "A.1.a", views=("safe", "pinyin")), ["safe"]),
    (Entry("jia yi bing", "A.1.a", kind="pinyin"), ["pinyin"]),
    (Entry("甲乙", "A.1.a", views=("safe",), scope="input"), []),
]


@pytest.mark.parametrize(("entry", "views"), CASES)
def test_an_entry_is_looked_for_in_its_views_and_always_in_the_safe_one(
    entry: Entry, views: list[str]
) -> None:
    kits, _ = compile_kits(Columns.of([entry]), TABLES)
    assert [lens.name for lens in kits[Direction.OUTPUT].lenses] == views


def test_only_delaying_actions_hold() -> None:
    entries = [
        Entry("甲乙", "A.1.a", views=("safe",), action={Direction.OUTPUT: Action.FLAG}),
        Entry("丙丁", "A.1.a", views=("safe",), action={Direction.OUTPUT: Action.MASK}),
    ]
    kits, _ = compile_kits(Columns.of(entries), TABLES)
    assert not kits[Direction.INPUT].lenses
    (lens,) = kits[Direction.OUTPUT].lenses
    nodes = [lens.machine.advance(lens.machine.start, c)[0][NODE] for c in "甲丙"]
    assert [(node.hold, node.live) for node in nodes] == [(0, 1), (1, 1)]
