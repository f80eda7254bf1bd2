"""The entry standard says what a person should look at."""

from __future__ import annotations

import pytest

from proxy.review.entry import Combination, Entry
from proxy.review.standard import examine, meaning, unmatched

CASES = [
    ([Entry("甲", "A.1.a")], ["short"]),
    ([Entry("ab", "A.1.a")], ["short"]),
    ([Entry("甲乙", "A.1.a"), Entry("abc", "A.1.a")], []),
    ([Entry("ABC", "A.1.a"), Entry("abc", "A.1.a")], ["duplicate"]),
    ([Entry("甲乙", "A.1.a"), Entry("甲乙丙", "A.1.a")], ["shadowed"]),
    ([Entry("甲乙", "A.1.a", exceptions=("丁甲乙",)), Entry("甲乙丙", "A.1.a")], []),
    ([Entry("甲乙", "A.1.a", scope="input"), Entry("甲乙丙", "A.1.a")], []),
    ([Entry("甲乙", "A.1.a"), Entry("甲乙", "A.1.b", id="x", tenants=("app",), action="flag")], []),
    ([Entry("甲乙", "A.1.a", endpoints=("/v1/responses",)), Entry("甲乙丙", "A.1.a")], []),
    ([Entry("甲乙", "A.1.a", expires="2027-01-01"), Entry("甲乙丙", "A.1.a")], []),
    ([Entry("甲乙", "A.1.a", effective_from="2027-01-01"), Entry("甲乙丙", "A.1.a")], []),
    ([Entry("甲乙", "A.1.a", views=("safe",)), Entry("甲乙丙", "A.1.a")], []),
    ([Entry("甲乙", "A.1.a", gap=1), Entry("甲乙丙", "A.1.a")], []),
    ([Entry("甲乙", "A.1.a"), Entry("甲乙丙", "A.1.a", folds=("reversed",))], []),
    ([Entry("甲乙", "A.1.a"), Entry("甲乙丙", "A.1.a", views=("safe",))], ["shadowed"]),
    ([Entry(p, "A.1.a", views=("safe", "pinyin")) for p in ("甲乙", "甲乙丙丁")], []),
    ([Entry(p, "A.1.a", views=("safe", "pinyin")) for p in ("甲乙丙丁", "甲乙丙丁戊")], ["shadowed"]),
    ([Entry("six", "A.1.a"), Entry("sixteen", "A.1.a"), Entry("at six", "A.1.b")], ["shadowed"]),
    ([Entry("甲乙", "A.1.a", exceptions=("甲乙", "丙丁", "丙甲乙"))], ["always_allowed", "idle_phrase"]),
    ([Entry("甲", "A.1.a", kind="pinyin")], ["unmatchable"]),
    ([Entry("ce shi", "A.1.a", kind="pinyin")], ["unmatchable"]),
    ([Entry("ce shi ci", "A.1.a", kind="pinyin", scope="input")], []),
    ([Entry("ce shi jin ci", "A.1.a", kind="pinyin", action={"output": "flag"})], []),
    ([Entry("测试词语", "A.1.a", kind="pinyin")], ["unmatchable"]),
    ([Entry("名", "A.1.a", kind="combination", combination=Combination(all=("甲",)))], ["short"]),
    ([Entry("名", "A.1.a", kind="combination", combination=Combination(any=("甲乙", "ab")))], ["short"]),
    ([Entry("名", "A.1.a", kind="combination", combination=Combination(all=("甲", "乙")))], []),
    ([Entry("名", "A.1.a", kind="combination", combination=Combination(all=("甲",), any=("乙",)))], []),
]


@pytest.mark.parametrize(("entries", "codes"), CASES)
def test_the_standard_remarks(entries: list[Entry], codes: list[str]) -> None:
    assert [remark.code for remark in examine(entries)] == codes


def test_what_cannot_be_matched_is_found_among_many() -> None:
    entries = [Entry(f"词语{n}", "A.1.a") for n in range(9)]
    entries[3] = Entry("\u200b", "A.1.a", id="empty")
    entries[7] = Entry("长" * 65, "A.1.a", id="long")
    assert [(r.entry_id, r.code) for r in unmatched(*entries)] == [
        ("empty", "unmatchable"),
        ("long", "unmatchable"),
    ]
    assert unmatched() == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Entry("测试", "A.1.a"), Entry("測試", "A.2.b", severity=1, action={"input": "log"}), True),
        (Entry("测试", "A.1.a"), Entry("测试", "A.1.a", tenants=("app",), id="x"), False),
        (Entry("测试", "A.1.a"), Entry("测试", "A.1.a", scope="input", id="x"), False),
        (Entry("ce shi", "A.1.a", kind="pinyin"), Entry("CE SHI", "A.1.a", kind="pinyin", id="x"), True),
        (Entry("测试", "A.1.a"), Entry("测试", "A.1.a", kind="pinyin", id="x"), False),
    ],
)
def test_entries_mean_the_same_when_they_match_the_same(one: Entry, other: Entry, same: bool) -> None:
    assert (meaning(one) == meaning(other)) is same
