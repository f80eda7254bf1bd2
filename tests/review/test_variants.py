"""Variants: disguises of an entry, and which of them it finds."""

from __future__ import annotations

import pytest

from proxy.review.entry import Entry
from proxy.review.variants import variants


def by_way(entry: Entry) -> dict[str, list[tuple[str, bool]]]:
    found: dict[str, list[tuple[str, bool]]] = {}
    for one in variants(entry):
        found.setdefault(one.way, []).append((one.text, one.found))
    return found


def test_disguises_of_a_han_word_come_from_the_tables() -> None:
    ways = by_way(Entry("测试国家", "A.1.a", views=("safe", "evasion", "pinyin")))
    assert ("测试國家", True) in ways["traditional"]
    assert ways["pinyin"][:2] == [("ceshiguojia", True), ("ce shi guo jia", True)]
    assert ways["initials"] == [("csgj", False)]
    assert ("水则试国家", True) in ways["split"] or ("氵则试国家", True) in ways["split"]
    assert ways["spaced"][0] == ("测 试 国 家", True)
    assert ("测*试*国*家", True) in ways["separated"]
    assert ways["repeated"] == [("测测试试国国家家", True)]


def test_an_entry_in_the_safe_view_alone_misses_what_stands_apart() -> None:
    ways = by_way(Entry("测试国家", "A.1.a", views=("safe",)))
    assert ("测试國家", True) in ways["traditional"]
    assert ways["spaced"][0] == ("测 试 国 家", False)
    assert ways["pinyin"][0] == ("ceshiguojia", False)


@pytest.mark.parametrize("pattern", ["forbidden", "abc-12", "測試", "词语!"])
def test_every_pattern_has_variants_and_none_is_the_pattern(pattern: str) -> None:
    found = variants(Entry(pattern, "A.1.a"))
    assert found
    assert pattern not in {one.text for one in found}
    assert len({one.text for one in found}) == len(found)


def test_what_has_no_reading_gets_no_pinyin() -> None:
    assert "pinyin" not in by_way(Entry("forbidden", "A.1.a"))
    assert "pinyin" not in by_way(Entry("词语!", "A.1.a"))


def test_common_words_of_its_sound_are_found_and_only_flag() -> None:
    (one,) = [v for v in variants(Entry("食品安全", "A.1.a", views=("safe", "pinyin"))) if v.way == "words"]
    assert (one.text, one.found, one.acts) == ("视频安全", True, False)
    full = Entry("食品安全", "A.1.a", views=("safe", "pinyin"), folds=("words",))
    assert [v.acts for v in variants(full) if v.way == "words"] == [True]
