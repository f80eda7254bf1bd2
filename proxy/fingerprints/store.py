"""Where fingerprints go: the contract that every backend keeps, and the one that lives in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from detectors.fingerprint import Hits, Index
from detectors.sketch import Numbers, Values

__all__ = ["Fingerprint", "FingerprintStore", "MemoryFingerprints", "hits_of"]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is kept of one answer: its content number (which holds its time) and its values, ascending."""

    content_number: int
    values: Values


class FingerprintStore(Index, Protocol):
    """The index of what was put out. Any thread may look up; one thread a process writes."""

    def add(self, fingerprints: Sequence[Fingerprint]) -> None:
        """Keeps them: whoever looks up from now on finds them. OSError: they could not be kept."""
        ...

    def count(self) -> int:
        """How many answers are stored."""
        ...

    def content_numbers(self) -> list[int]:
        """Those of all answers that are stored. OSError: they cannot be read now."""
        ...

    def expire(self, now_ms: int) -> list[str]:
        """Forgets the months all of whose answers are past the retention; their names. Call it daily: the past
        months that stay are put in order, so that look-ups get quicker.
        """
        ...

    def close(self) -> None: ...


class MemoryFingerprints:
    """Keeps everything in this process and for as long as it runs: for tests, and to compare others with."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._holders: dict[int, list[int]] = {}

    def add(self, fingerprints: Sequence[Fingerprint]) -> None:
        for one in fingerprints:
            for value in one.values.tolist():
                self._holders.setdefault(value, []).append(len(self._numbers))
            self._numbers.append(one.content_number)

    def count(self) -> int:
        return len(self._numbers)

    def content_numbers(self) -> list[int]:
        return list(self._numbers)

    def lookup(self, values: Values) -> Hits:
        held = [self._holders.get(value, []) for value in values.tolist()]
        frequency = np.array([len(answers) for answers in held], np.int64)
        answers = np.array([answer for one in held for answer in one], np.int64)
        return hits_of(len(self._numbers), frequency, np.repeat(np.arange(values.size), frequency), answers)

    def content_number(self, answer: int) -> int:
        return self._numbers[answer]

    def holds(self, content_number: int, values: Values) -> npt.NDArray[np.bool_] | None:
        answers = {at for at, number in enumerate(self._numbers) if number == content_number}
        held = [not answers.isdisjoint(self._holders.get(value, [])) for value in values.tolist()]
        return np.array(held, np.bool_) if answers else None

    def expire(self, now_ms: int) -> list[str]:
        return []

    def close(self) -> None:
        return None


def hits_of(total: int, frequency: Numbers, asked: Numbers, answers: Numbers) -> Hits:
    """Hits in one order, whatever order they were found in."""
    order = np.lexsort((answers, asked))
    return Hits(total, frequency.astype(np.int64), asked[order], answers[order])
