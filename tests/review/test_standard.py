"""The entry standard says what a person should look at."""

from __future__ import annotations

import pytest

from proxy.review.entry import Entry
from proxy.review.standard import examine

CASES = [
    ([Entry("甲", "A.1.a")], ["short"]),
    ([Entry("ab", "A.1.a")], ["short"]),
    ([Entry("甲乙", "A.1.a"), Entry("abc", "A.1.a")], []),
    ([Entry("ABC", "A.1.a"), Entry("abc", "A.1.a")], ["duplicate"]),
    ([Entry("甲乙", "A.1.a"), Entry("甲乙丙", "A.1.a")], ["shadowed"]),
    ([Entry("甲乙", "A.1.a", exceptions=("丁甲乙",)), Entry("甲乙丙", "A.1.a")], []),
    ([Entry("甲乙", "A.1.a", scope="input"), Entry("甲乙丙", "A.1.a")], []),
    ([Entry("six", "A.1.a"), Entry("sixteen", "A.1.a"), Entry("at six", "A.1.b")], ["shadowed"]),
    ([Entry("甲乙", "A.1.a", exceptions=("甲乙", "丙丁", "丙甲乙"))], ["always_allowed", "idle_phrase"]),
    ([Entry("甲", "A.1.a", kind="pinyin")], []),
]


@pytest.mark.parametrize(("entries", "codes"), CASES)
def test_the_standard_remarks(entries: list[Entry], codes: list[str]) -> None:
    assert [remark.code for remark in examine(entries)] == codes
