"""One view over one stream tells what completed and what must wait."""

from __future__ import annotations

from proxy.review.compile import compile_lenses
from proxy.review.entry import Direction, Entry
from proxy.review.scan import Scan
from proxy.review.tables import builtin_tables
from proxy.review.window import Original


def test_a_scan_reports_each_match_once_and_where_text_must_wait() -> None:
    entries = [Entry("乙丙", "A.1.a", views=("safe",)), Entry("甲乙丙丁", "A.1.a", views=("safe",))]
    lenses, _ = compile_lenses(entries, builtin_tables())
    original = Original()
    scan = Scan(lenses[Direction.OUTPUT][0], original)
    found, waits = [], []
    for at, character in enumerate("戊甲乙丙戊"):
        original.append(character)
        found += [(c.start, c.end, c.order) for c in scan.feed(character, at)]
        waits.append(scan.settle())
    assert found == [(2, 4, 4)]
    assert waits == [(1, 1), (1, 1), (1, 1), (1, 1), (5, 5)]
    assert scan.finish() == []
