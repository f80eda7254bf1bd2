"""A plain judge looks at what stands around a match."""

from __future__ import annotations

import pytest

from proxy.review.entry import Entry
from proxy.review.judge import Match, PlainJudge
from proxy.review.library import Library
from proxy.review.original import Original
from proxy.review.tables import builtin_tables
from proxy.review.terms import Term, edges
from proxy.review.views import safe_view
from tests.review.test_reviewer import cuts, run

TABLES = builtin_tables()
CASES = [
    # pattern, allow phrases, text, verdict while the text goes on, at its end
    ("cat", (), "cat", None, 3), ("cat", (), "cat ", 3, 3), ("cat", (), "cats", False, False),
    ("甲乙", (), "甲乙", 2, 2), ("甲乙", ("甲乙丙",), "甲乙", None, 2), ("甲乙", ("甲乙丙",), "甲乙丙", False, False),
    ("甲乙", ("甲乙丙",), "甲乙丁", 2, 2),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "phrases", "text", "going_on", "at_end"), CASES)
def test_a_match_waits_only_for_what_can_change_it(
    pattern: str, phrases: tuple[str, ...], text: str, going_on: int | None, at_end: int
) -> None:
    original = Original()
    original.append(text)
    judge = PlainJudge(safe_view(TABLES), TABLES)
    entry = Entry(pattern, "A.1.a")
    term = Term(entry, pattern, pattern, *edges(entry, pattern, TABLES), phrases)
    match = Match(term, 0, 0, len(pattern), 0)
    assert judge.verdict(match, original, ended=False) == going_on
    assert judge.verdict(match, original, ended=True) == at_end


def test_a_match_may_begin_and_end_within_what_one_code_point_folds_to() -> None:
    library = Library.compile([Entry("i甲", "A.1.a", boundary="none"), Entry("乙f", "A.1.a")])
    for text, found in (("ﬁ甲", "ﬁ甲"), ("乙ﬂ", None), ("乙ﬁ", None), ("乙f", "乙f"), ("乙f\u200b!", "乙f")):
        for pieces in cuts(text):
            assert [f.text for f in run(library, pieces)[1].findings] == ([found] if found else [])


def test_an_allow_phrase_reaches_a_bounded_way() -> None:
    entry = Entry("甲乙", "A.1.a", exceptions=("甲乙丙",))
    library = Library.compile([entry])
    near, far = "甲乙" + "\u200b" * 20 + "丙", "甲乙" + "\u200b" * 60 + "丙"
    for text, released in ((near, near), (far, "")):
        for pieces in ([text], list(text)):
            assert run(library, pieces)[0] == released
