"""Where a match may begin and end."""

from __future__ import annotations

import pytest

from proxy.review.entry import Entry
from proxy.review.tables import Kind, builtin_tables
from proxy.review.terms import Edge, edges

CASES = [
    ("cat", "auto", (True, Edge.WORD)), ("黄片", "auto", (False, Edge.FREE)), ("かき", "auto", (False, Edge.MARK)),
    ("黄cat", "auto", (False, Edge.WORD)), ("cat黄", "auto", (True, Edge.FREE)), ("*cat*", "auto", (False, Edge.FREE)),
    ("cat", "none", (False, Edge.FREE)), ("cat", "word", (True, Edge.WORD)),
]  # fmt: skip


@pytest.mark.parametrize(("spelling", "boundary", "expected"), CASES)
def test_only_letters_of_spaced_scripts_have_words_around_them(
    spelling: str, boundary: str, expected: tuple[bool, Edge]
) -> None:
    assert edges(Entry(spelling, "A.1.a", boundary=boundary), spelling, builtin_tables()) == expected


@pytest.mark.parametrize("kind", list(Kind))
def test_an_edge_forbids_what_would_go_on(kind: Kind) -> None:
    assert not Edge.FREE.forbids(kind)
    assert Edge.MARK.forbids(kind) == (kind == Kind.MARK)
    assert Edge.WORD.forbids(kind) == (kind in (Kind.MARK, Kind.WORD))
