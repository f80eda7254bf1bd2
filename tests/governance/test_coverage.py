"""Coverage of the 31 risks against the norm."""

from __future__ import annotations

from proxy.governance.coverage import coverage


def test_only_what_is_in_force_counts_against_the_norm() -> None:
    rows, total = coverage({("published", "A.1.a"): 200, ("proposed", "A.1.b"): 500, ("published", "A.2.a"): 99,
                            ("published", "A.3.a"): 7})  # fmt: skip
    by_name = {row.category: row for row in rows}
    assert len(rows) == 31
    assert total == 299
    assert by_name["A.1.a"].enough
    assert not by_name["A.1.b"].enough
    assert not by_name["A.2.a"].enough
    assert by_name["A.3.a"].enough
    assert by_name["A.3.a"].norm == 0
    assert by_name["A.1.a"].name.startswith("煽动颠覆")
