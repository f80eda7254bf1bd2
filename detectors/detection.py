"""What a detector says of one text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

__all__ = ["Detection", "Detector", "Outcome"]


class Outcome(StrEnum):
    """`tampered`: ours, but moved or heavily edited; `inconclusive`: traces that prove nothing."""

    PRESENT = "present"
    ABSENT = "absent"
    INCONCLUSIVE = "inconclusive"
    TAMPERED = "tampered"


@dataclass(frozen=True, slots=True)
class Detection:
    """One technique's finding. Spans are [start, end) in code points of the text as given.

    `provenance` holds what is known of the origin: producer, content_id, created, key_epoch. `heat`: of what was scored,
    where it stands and how it speaks, [start, end) and a standard normal score: above 0 for a mark, below against it.
    """

    detector: str
    outcome: Outcome
    technique: str
    spans: tuple[tuple[int, int], ...] = ()
    provenance: dict[str, Any] | None = None
    z_score: float | None = None
    p_value: float | None = None
    num_units_scored: int | None = None
    detail: str = ""
    heat: tuple[tuple[int, int, float], ...] = ()


class Detector(Protocol):
    """Reads one kind of mark. Stateless between calls."""

    name: str

    def detect(self, text: str) -> Detection: ...
