"""The table of views."""

from __future__ import annotations

import pytest

from proxy.review.checks import VIEWS
from proxy.review.entry import Entry
from proxy.review.library import Library
from proxy.review.sights import sight_of
from proxy.review.tables import builtin_tables
from tests.review.test_reviewer import cuts, run


@pytest.mark.parametrize("name", VIEWS)
def test_there_is_a_sight_of_every_view(name: str) -> None:
    assert sight_of(name, builtin_tables()).name == name


def test_plain_views_keep_only_allow_phrases_that_can_cover() -> None:
    raw, safe = (sight_of(name, builtin_tables()) for name in ("raw", "safe"))
    entry = Entry("Ab", "A.1.a", exceptions=("xAbx", "xabx", "other"))
    assert [term.exceptions for term in raw.terms(entry)] == [("xAbx",)]
    assert [(term.folded, term.exceptions) for term in safe.terms(entry)] == [("ab", ("xabx",))]


FOLDED = [
    # folds, pattern, text, what was found
    (("reversed",), "甲乙丙", "丁丙乙甲", "丙乙甲"),
    (("reversed",), "甲乙丙", "丁丙-乙甲", "丙-乙甲"),
    (("reversed",), "甲乙甲", "甲乙甲", "甲乙甲"),
    (("reversed",), "forbidden", "say neddibrof!", "neddibrof"),
    ((), "甲乙丙", "丁丙乙甲", None),
    (("initials",), "测试禁词", "说 CSJC 了", "CSJC"),
    (("initials",), "测试禁词", "说csjcx", None),
    (("initials",), "测试 禁词", "csjc", "csjc"),
    ((), "测试禁词", "说 csjc", None),
    (("filler",), "测试禁词", "测的试了禁个词", "测的试了禁个词"),
]


@pytest.mark.parametrize(("folds", "pattern", "text", "found"), FOLDED)
def test_an_entry_that_asks_is_looked_for_in_further_spellings(
    folds: tuple[str, ...], pattern: str, text: str, found: str | None
) -> None:
    library = Library.compile([Entry(pattern, "A.1.a", folds=folds)])
    for pieces in cuts(text):
        released, reviewer = run(library, pieces)
        assert {f.text for f in reviewer.findings} == ({found} if found else set())
        assert released == (text[: text.index(found)] if found else text)
