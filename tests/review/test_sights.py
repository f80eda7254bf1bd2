"""The table of views."""

from __future__ import annotations

from proxy.review.checks import VIEWS
from proxy.review.entry import Entry
from proxy.review.sights import sights_of
from proxy.review.tables import builtin_tables


def test_every_view_of_an_entry_is_in_the_table_in_order() -> None:
    assert tuple(sight.name for sight in sights_of(builtin_tables(), [])) == VIEWS


def test_plain_views_keep_only_allow_phrases_that_can_cover() -> None:
    raw, safe, *_ = sights_of(builtin_tables(), [])
    entry = Entry("Ab", "A.1.a", exceptions=("xAbx", "xabx", "other"))
    assert [term.exceptions for term in raw.terms(entry)] == [("xAbx",)]
    assert [(term.folded, term.exceptions) for term in safe.terms(entry)] == [("ab", ("xabx",))]
