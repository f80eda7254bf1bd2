"""How far the library covers the 31 risks, against what TC260-003 asks for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.review.entry import CATEGORIES

__all__ = ["NORM", "NORM_TOTAL", "Coverage", "coverage"]

NORM_TOTAL = 10_000  # over A.1 and A.2
NORM = {"A.1": 200, "A.2": 100}  # each risk


@dataclass(frozen=True, slots=True)
class Coverage:
    """Entries in force of one risk; `norm` 0 where none is asked for."""

    category: str
    name: str
    entries: int
    norm: int

    @property
    def enough(self) -> bool:
        return self.entries >= self.norm


def coverage(tally: Mapping[tuple[str, str], int]) -> tuple[list[Coverage], int]:
    """Each risk in order, and how many entries A.1 and A.2 hold together. `tally`: by (status, category)."""
    rows = [
        Coverage(category, name, tally.get(("published", category), 0), NORM.get(category[:3], 0))
        for category, name in CATEGORIES.items()
    ]
    return rows, sum(row.entries for row in rows if row.norm)
