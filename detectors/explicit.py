"""Reads explicit labels 显式标识: our own wording, and anyone's that meets GB 45438-2025.

A label is evidence that somebody called the text AI-made, not proof of who made it: anyone can
type it. So it is a trace (标识办法 art. 6 (三): 疑似), whoever's wording it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from detectors.detection import Detection, Outcome
from labelers.explicit import missing_elements

__all__ = ["ExplicitDetector"]

# A label stands on a short line of its own, or in brackets that are no link; a sentence about AI text is none.
_MAX_LINE = 40
_BRACKETED = re.compile(
    r"[【\[（(〔《<「『][^【】\[\]（）()〔〕《》<>「」『』\n]{2,60}[】\]）)〕》>」』](?!\()"
)
_NO_LABEL = ("#", "|")  # a heading or a table row is about something


class ExplicitDetector:
    """`own`: the operator's label lines, present and former."""

    name = "explicit"

    def __init__(self, own: Sequence[str] = ()) -> None:
        self._own = frozenset(label.strip() for label in own) - {""}

    def detect(self, text: str) -> Detection:
        spans = self.own_spans(text)
        if spans:
            return Detection(
                self.name,
                Outcome.PRESENT,
                "explicit label (this service's wording)",
                tuple(spans),
                detail="The text carries this service's label. A label can be typed or removed by anyone.",
            )
        spans = _others(text)
        if spans:
            return Detection(
                self.name,
                Outcome.PRESENT,
                "explicit label (GB 45438-2025 wording)",
                tuple(spans),
                detail="The text carries a label with both elements of GB 45438-2025 §5.1.",
            )
        return Detection(self.name, Outcome.ABSENT, "explicit label", detail="No explicit label was found.")

    def own_spans(self, text: str) -> list[tuple[int, int]]:
        """Where lines that are exactly one of our labels stand."""
        spans = []
        for start, line in _lines(text):
            stripped = line.strip()
            if stripped in self._own:
                at = start + line.index(stripped)
                spans.append((at, at + len(stripped)))
        return spans


def _lines(text: str) -> list[tuple[int, str]]:
    lines = []
    at = 0
    for line in text.split("\n"):
        lines.append((at, line))
        at += len(line) + 1
    return lines


def _others(text: str) -> list[tuple[int, int]]:
    """Short lines and bracketed remarks at the edges of paragraphs that hold both elements."""
    spans = []
    for start, line in _lines(text):
        stripped = line.strip()
        if not stripped:
            continue
        at = start + line.index(stripped)
        for match in _BRACKETED.finditer(stripped):
            at_edge = match.start() == 0 or match.end() == len(stripped)
            if at_edge and not missing_elements(match.group()):
                spans.append((at + match.start(), at + match.end()))
                break
        else:
            if (
                len(stripped) <= _MAX_LINE
                and not stripped.startswith(_NO_LABEL)
                and not missing_elements(_BRACKETED.sub("", stripped))  # not: a label quoted in mid-line
                and not stripped.endswith(("?", "？"))
            ):
                spans.append((at, at + len(stripped)))
    return spans
