"""One text of a response for its reader: what the model said, what was delivered, and how the two lie side by side.

Marks and labels only ever add characters, so the model's text is found in the delivered one by going
through both; where review masked or replaced something, places are no longer told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labelers.explicit import Text
from proxy.lane import Lane, Piece, Refusal
from proxy.review.reviewer import Finding

__all__ = ["Part"]


class Part:
    """One `output_text`: what the model said (`came`), and what was delivered of it with marks and labels."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.ended = False
        self.annotations: list[Any] = []
        self._came: list[str] = []
        self._said: list[tuple[bool, str]] = []
        self._places: list[int] = []
        self._aligned = 0
        self._length = 0
        self._released = 0
        self._counted = 0
        self._logprobs: list[tuple[int, Any]] = []
        self._fed = 0

    @property
    def came(self) -> str:
        return "".join(self._came)

    @property
    def text(self) -> str:
        return "".join(text for _, text in self._said)

    def feed(self, text: str) -> Sequence[Piece]:
        self._came.append(text)
        self._fed += len(text)
        return self._keep(self.lane.feed(text))

    def finish(self, whole: str | None = None) -> Sequence[Piece]:
        """The part has ended. `whole`: what it says in full, if an event tells; the rest of it is fed first."""
        if self.ended:
            return ()
        pieces: list[Piece] = []
        if whole and whole.startswith(came := self.came) and len(whole) > len(came):
            pieces += self.feed(whole[len(came) :])
        self.ended = True
        return [*pieces, *self._keep(self.lane.flush())]

    def block(self, finding: Finding) -> Sequence[Piece]:
        """Something else in the response was blocked."""
        self.ended = True
        return self._keep(self.lane.block(finding))

    def notice(self, text: str) -> None:
        """Words of ours that were delivered behind the generated ones."""
        self._said.append((False, text))

    def place(self, index: int, *, end: bool = False) -> int | None:
        """Where the model's character `index` stands in what was delivered, in code points.

        `end`: `index` is one past the last character. None if it was not delivered (yet) as it came.
        """
        if self.lane.rewritten:
            return None
        if end and index > 0:
            last = self.place(index - 1)
            return None if last is None else last + 1
        self._align()
        if 0 <= index < len(self._places):
            return self._places[index]
        if self.ended and index == len(self._places) == self._fed:
            return self._places[-1] + 1 if self._places else 0
        return None

    def due_logprobs(self, entries: list[Any]) -> list[Any]:
        """Takes the log-probabilities of the text fed last; returns those whose text was released.

        They spell the answer, so none goes out before its text.
        """
        self._logprobs += [(self._fed, entry) for entry in entries]
        if not self._logprobs:
            return []
        if self.lane.rewritten:
            # They would spell what was masked.
            self._logprobs = []
        generated = self.lane.generated
        self._released += sum(map(len, generated[self._counted :]))
        self._counted = len(generated)
        due = [entry for at, entry in self._logprobs if at <= self._released]
        self._logprobs = self._logprobs[len(due) :]
        return due

    def _keep(self, pieces: Sequence[Piece]) -> Sequence[Piece]:
        self._said += [(type(p) is Text, p.text) for p in pieces if type(p) is not Refusal]
        return pieces

    def _align(self) -> None:
        """Labels and carrier characters are what was put in; every other character came from the model."""
        came = self.came
        at = len(self._places)
        for generated, text in self._said[self._aligned :]:
            for character in text:
                if generated and at < len(came) and character == came[at]:
                    self._places.append(self._length)
                    at += 1
                self._length += 1
        self._aligned = len(self._said)
