"""Grave entries that sound like common words: their authors are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxy.governance.dry_run import DryRun
from proxy.governance.intake import bring_in
from proxy.governance.wholewords import whole_words
from proxy.review.entry import Entry, Source
from proxy.review.interchange import write_jsonl
from tests.governance.desks import Desks, actor

DRY = DryRun(corpus=lambda: ["这是视频安全的说明，", "也说食品安安，完了。"])
VIEWS = ("safe", "evasion", "pinyin")


def entry(**fields: Any) -> Entry:
    return Entry("食品安全", "A.1.a", **{"views": VIEWS, "severity": 3, **fields})


def test_the_words_and_the_price_of_counting_them_are_told() -> None:
    one = entry()
    (remark,) = whole_words([one], DRY.hits([one]), DRY)
    assert (remark.entry_id, remark.code) == (one.id, "sounds_like_words")
    assert "(视频安全)" in remark.text
    assert "50000 times in a million clean characters instead of 0" in remark.text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"severity": 4}, True),
        ({"severity": 2}, False),
        ({"severity": 1, "source": Source("主管部门通知", "no. 1")}, True),
        ({"action": {"input": "block"}}, True),
        ({"action": "mask"}, False),
        ({"views": ("safe", "evasion")}, False),
        ({"folds": ("words",)}, False),
        ({"folds": ("initials",)}, True),
    ],
    ids=str,
)
def test_only_grave_entries_that_block_and_look_by_sound_are_spoken_of(
    fields: dict[str, Any], told: bool
) -> None:
    one = entry(**fields)
    assert bool(whole_words([one], DRY.hits([one]), DRY)) is told


def test_an_author_reads_it_and_whoever_approves_too(tmp_path: Path) -> None:
    desk = Desks(tmp_path).desk
    desk.dry_run = DRY
    made = desk.propose(entry(), actor("ann"))
    assert [remark.code for remark in made.remarks] == ["sounds_like_words"]
    assert made.revision.remarks[0].startswith("sounds_like_words: common words sound like it")


def test_a_file_has_one_note_for_all_and_each_entry_its_remark(tmp_path: Path) -> None:
    desk = Desks(tmp_path).desk
    desk.dry_run = DRY
    rows = [entry(), Entry("应当及市", "A.1.a", views=VIEWS), Entry("测试国家", "A.1.a", views=VIEWS)]
    (tmp_path / "rows.jsonl").write_text(write_jsonl(rows), "utf-8")
    taken = bring_in(desk, tmp_path / "rows.jsonl", actor("ann"), "")
    (note,) = taken.lines
    assert (note.place, note.kind) == ("line 1", "note")
    assert note.text.endswith("(and so for 1 more: see their remarks)")
    told = [one is not None and len(one.remarks) for one, _ in (desk.history(row.id) for row in rows)]
    assert told == [1, 1, 0]
