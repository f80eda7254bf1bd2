"""One choice's path: reviewer, then watermark, then explicit label.

A block is data, not an exception: the generated part is closed by its end label, then a
`Refusal` follows, and the lane is dead. The refusal text is the operator's, so it gets
neither mark nor label of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labelers.explicit import SEPARATOR, ExplicitLabel, Label, Text
from labelers.transform import Passthrough, TextTransform
from proxy.review.entry import Action
from proxy.review.reviewer import Finding, Reviewer

__all__ = ["Lane", "Piece", "Refusal"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer was blocked. `from_char`: where, in what was delivered, the withdrawn text begins.

    `partial`: generated text was delivered before it.
    """

    text: str
    from_char: int
    partial: bool


Piece = Text | Label | Refusal


class Lane:
    """A filter from generated text to pieces. After a Refusal it returns nothing more.

    `generated` collects what was released, before marks and labels: for digest and fingerprint.
    `echo` is the caller's own text that the answer repeats before it goes on: reviewed like the rest, but
    neither marked nor labelled nor collected, for it is not generated. The start label follows it. Where the
    answer does not begin with it to the letter, all of the answer counts as generated. `rewording` changes words,
    so it stands before review.
    """

    def __init__(
        self,
        reviewer: Reviewer | None,
        refusal: Callable[[Finding], str],
        transform: TextTransform | None = None,
        label: ExplicitLabel | None = None,
        content_id: str = "",
        echo: str = "",
        rewording: TextTransform | None = None,
    ) -> None:
        self._reviewer = reviewer
        self._refusal = refusal
        self._transform = transform or Passthrough()
        self._label = label
        self._rewording = rewording
        self._delivered = 0
        self._generated_from = -1
        self._echo = echo
        self._echoed = 0  # how much of `echo` has come and waits for the rest
        self._after_echo = False
        self._echo_chars = self._label_chars = 0
        self.content_id = content_id
        self.generated: list[str] = []
        # What review found in the choice's other texts: in those that come in pieces, and in whole strings.
        self.beside: list[Lane] = []
        self.elsewhere: list[Finding] = []
        self.aside: dict[str, None] = {}  # the whole strings, as review read them
        self.blocked: Finding | None = None
        self.ended = False

    @property
    def findings(self) -> Sequence[Finding]:
        return self._reviewer.findings if self._reviewer is not None else ()

    @property
    def all_findings(self) -> list[Finding]:
        """Those of the whole choice, in whichever of its texts."""
        found = [*self.findings, *(f for lane in self.beside for f in lane.findings), *self.elsewhere]
        if self.blocked is not None and self.blocked not in found:
            found.append(self.blocked)
        return found

    @property
    def others(self) -> list[str]:
        """The choice's other texts, as far as they were released or may be: reasoning, refusals, what tools are called with."""
        return [text for lane in self.beside if (text := "".join(lane.generated))] + list(self.aside)

    @property
    def counts(self) -> dict[str, int]:
        """Code points that were delivered: what was generated, and what labels and marks added to it."""
        generated = sum(map(len, self.generated))
        marks = self._delivered - self._echo_chars - self._label_chars - generated
        return {"generated": generated, "labels": self._label_chars, "marks": marks}

    @property
    def held(self) -> int:
        """Code points that review holds back."""
        return self._reviewer.held if self._reviewer is not None else 0

    @property
    def rewritten(self) -> bool:
        """Whether review masked or replaced anything."""
        return any(finding.action in (Action.MASK, Action.REPLACE) for finding in self.findings)

    @property
    def label(self) -> ExplicitLabel | None:
        return self._label

    def feed(self, text: str) -> Sequence[Piece]:
        if self.ended:
            return ()
        if self._rewording is not None and not (text := self._rewording.feed(text)):
            return ()
        return self._review(text)

    def _review(self, text: str) -> Sequence[Piece]:
        reviewer = self._reviewer
        if reviewer is not None:
            text = reviewer.feed(text)
            if reviewer.blocked is not None:
                return self._close(text, reviewer.blocked)
        return self._pass(text) if text else ()

    def flush(self) -> Sequence[Piece]:
        """The text has ended."""
        if self.ended:
            return ()
        pieces: list[Piece] = []
        if self._rewording is not None and (last := self._rewording.flush()):
            pieces += self._review(last)
            if self.ended:
                return pieces
        rest = ""
        if self._reviewer is not None:
            rest = self._reviewer.flush()
            if self._reviewer.blocked is not None:
                return pieces + self._close(rest, self._reviewer.blocked)
        return pieces + self._finish(rest)

    def block(self, finding: Finding) -> Sequence[Piece]:
        """Another channel of the same choice was blocked: this one ends with it."""
        if self.ended:
            return ()
        rest = self._reviewer.flush() if self._reviewer is not None else ""
        return self._close(rest, finding)

    def _pass(self, text: str) -> Sequence[Piece]:
        if self._echo:
            return self._pass_echo(text)
        self.generated.append(text)
        marked = self._transform.feed(text)
        if not marked:
            return ()
        return self._count(self._label.feed(marked) if self._label is not None else (Text(marked),))

    def _pass_echo(self, text: str) -> Sequence[Piece]:
        wanted = len(self._echo) - self._echoed
        if not self._echo.startswith(text[:wanted], self._echoed):
            return self._pass(self._given_up() + text)
        self._echoed += len(text)
        if len(text) < wanted:
            return ()
        echo, self._echo = Text(self._echo), ""
        self._after_echo = True
        self._delivered += len(echo.text)
        self._echo_chars = len(echo.text)
        rest = text[wanted:]
        return (echo, *self._pass(rest)) if rest else (echo,)

    def _given_up(self) -> str:
        """What was taken for the beginning of the echo, and is none."""
        held, self._echo = self._echo[: self._echoed], ""
        return held

    def _finish(self, rest: str) -> list[Piece]:
        self.ended = True
        pieces: list[Piece] = list(self._pass(rest)) if rest else []
        if self._echo and self._echoed:
            pieces += self._pass(self._given_up())
        last = self._transform.flush()
        if self._label is not None:
            if last:
                pieces += self._count(self._label.feed(last))
            pieces += self._count(self._label.flush())
        elif last:
            pieces += self._count((Text(last),))
        return pieces

    def _close(self, rest: str, blocked: Finding) -> list[Piece]:
        self.blocked = blocked
        pieces = self._finish(rest)
        partial = self._generated_from >= 0
        pieces.append(Refusal(self._refusal(blocked), max(self._generated_from, 0), partial))
        return pieces

    def _count(self, pieces: Sequence[Text | Label]) -> Sequence[Piece]:
        if self._after_echo and pieces:
            self._after_echo = False
            if type(first := pieces[0]) is Label:
                # Else the label would stand on the last line of the echo.
                pieces = (Label(SEPARATOR + first.text, first.position), *pieces[1:])
        for piece in pieces:
            if self._generated_from < 0 and type(piece) is Text:
                self._generated_from = self._delivered
            elif type(piece) is Label:
                self._label_chars += len(piece.text)
            self._delivered += len(piece.text)
        return pieces
