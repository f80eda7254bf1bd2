"""A plain judge looks at what stands around a match."""

from __future__ import annotations

import pytest

from proxy.review.entry import Entry
from proxy.review.judge import PlainJudge
from proxy.review.tables import builtin_tables
from proxy.review.terms import Term, edges
from proxy.review.views import PlainReader, safe_view
from proxy.review.window import Original, Window

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
    window = Window(PlainReader(safe_view(TABLES)))
    window.read(text, 0)
    judge = PlainJudge(TABLES.kinds, window, Original())
    entry = Entry(pattern, "A.1.a")
    term = Term(entry, pattern, pattern, *edges(entry, pattern, TABLES), phrases)
    end = len(pattern)
    assert judge.verdict(term, 0, end, (0, end), ended=False) == going_on
    assert judge.verdict(term, 0, end, (0, end), ended=True) == at_end
    assert judge.at_word_start(0)
    assert judge.needs(3) == 3
