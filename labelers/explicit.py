"""显式标识: the label a reader sees, at the start, inside and at the end of a text.

A label is never glued to generated words: it stands on a line of its own and travels as a
`Label` piece, which the wire sends as a delta of its own. What was put in can be taken out
again exactly (`strip_labels`), because clients send our answers back as history.

Whether a text may carry a label is decided from the text alone, as soon as it shows: an
answer that opens like JSON, XML or a code fence gets no start label, and an end label only
if it turns out to be code or prose. Streamed and whole texts get the same labels.

Source: GB 45438-2025 §5.1 (text labels), §5.6 (interface hint); 标识办法 art. 4.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from labelers.blocks import Boundaries, FenceTracker

__all__ = [
    "SEPARATOR",
    "SUPERSCRIPTS",
    "ExplicitLabel",
    "Label",
    "LabelStrings",
    "Piece",
    "Text",
    "lacks_ai",
    "missing_elements",
    "names_ai",
    "strip_labels",
]

# A Markdown block of its own: a single newline would join label and first paragraph.
SEPARATOR = "\n\n"
# How much of an answer that opens like JSON or XML is kept to decide, at its end, what it was.
MAX_STRUCTURED = 4 * 1024 * 1024

# A 角标 names AI and no more, in the notation of whoever shows it.
SUPERSCRIPTS = MappingProxyType({"markdown": "^AI^", "html": "<sup>AI</sup>", "plain": "[AI]"})

_NAMES_AI = re.compile(r"人工智能|(?<![A-Z])AI(?:GC)?(?![A-Za-z])")
# Abbreviations in capitals (AI, KI, IA, TI, MI, ΤΝ, ИИ), or in words.
_NAMES_AI_ANYWHERE = re.compile(
    r"人工智能|(?<!\w)(?:AI|KI|IA|TI|MI|DI|ΤΝ|ИИ)(?!\w)|(?<=[\u3400-\u9fff])AI|AI(?=[\u3400-\u9fff])"
    r"|(?i:artificial intelligence|künstlicher? intelligenz|intelligence artificielle|inteligencia artificial"
    r"|inteligência artificial|intelligenza artificiale|kunstmatige intelligentie|sztuczn\w+ inteligencj\w+)"
)
_SHOWS_AI = re.compile(r"(?<![A-Za-z])AI(?:GC)?(?![A-Za-z])")
_JSON_START = re.compile(
    r"\{\s*(?:[\"}]|\Z)|\[\s*(?:[\"{\[]|-?\d[\d.eE+-]*\s*(?:,|\Z)|(?:true|false|null)\s*(?:,|\Z)|\Z)"
)
_JSON_SPACE = re.compile(r"[ \t\n\r]*")
_read_json = json.JSONDecoder().raw_decode


@dataclass(frozen=True, slots=True)
class Text:
    """Generated text, reviewed and marked."""

    text: str


@dataclass(frozen=True, slots=True)
class Label:
    """An explicit label with the line breaks that set it apart; `position`: start, inline or end."""

    text: str
    position: str


Piece = Text | Label


@dataclass(frozen=True, slots=True)
class LabelStrings:
    """The operator's wording in one locale. `hint` is for interfaces (GB 45438 §5.6)."""

    start: str
    inline: str
    end: str
    hint: str


def missing_elements(label: str) -> tuple[str, ...]:
    """Which of the two elements of GB 45438-2025 §5.1 a text label lacks; () if it is complete.

    A label in words must name artificial intelligence (人工智能 or AI) and generation
    (生成 or 合成). No sentence is prescribed. AI inside another word (EMAIL) names nothing.
    """
    missing = []
    if not _NAMES_AI.search(label):
        missing.append("人工智能 or AI")
    if not re.search(r"生成|合成", label):
        missing.append("生成 or 合成")
    return tuple(missing)


def lacks_ai(label: str) -> bool:
    """Whether a superscript 角标 fails to show "AI", the one thing GB 45438-2025 §5.1 asks of it."""
    return not _SHOWS_AI.search(label)


def names_ai(label: str) -> bool:
    """Whether a label names AI in one of the languages of the European Union or in Chinese."""
    return _NAMES_AI_ANYWHERE.search(label) is not None


class ExplicitLabel:
    """Puts labels into one text, as pieces.

    `positions` holds any of "start", "inline" and "end"; `inline_every`: code points between two
    inline labels, which stand between paragraphs only. A text that could carry a label and has got
    none gets the end label, wherever else one was wanted. Afterwards `placed` names the positions
    that were really labelled and `skipped` says why one was not: "" | "structured" | "empty".
    """

    def __init__(self, strings: LabelStrings, positions: Iterable[str], inline_every: int = 800) -> None:
        self._strings = strings
        self._positions = frozenset(positions)
        self._pending: list[str] = []  # white space and fence characters before the opening is known
        self._head = ""  # the same without the white space
        self._opening = ""  # "" unknown | "prose" | "fence" | "structured"
        self._structured: list[str] = []
        self._structured_size = 0
        self._fence = FenceTracker()
        self._boundaries = Boundaries(inline_every) if "inline" in self._positions else None
        self.placed: list[str] = []
        self.skipped = ""

    def feed(self, text: str) -> Sequence[Piece]:
        if not self._opening:
            return self._open(text)
        if self._opening == "structured":
            return self._feed_structured(text)
        self._fence.feed(text)
        if self._boundaries is not None:
            return self._cut(self._boundaries.feed(text))
        return (Text(text),) if text else ()

    def flush(self) -> Sequence[Piece]:
        pieces: list[Piece] = []
        if not self._opening:
            rest = "".join(self._pending)
            if not self._head:
                self.skipped = "empty"
                return (Text(rest),) if rest else ()
            # Fewer characters than a fence has: prose after all.
            pieces += self._start(rest)
        if self._boundaries is not None and (rest := self._boundaries.flush()):
            pieces.append(Text(rest))
        if self._opening == "structured" and self._holds_data():
            self.skipped = "structured"
        elif "end" in self._positions or (self._positions and not self.placed):
            self.placed.append("end")
            pieces.append(Label(self._fence.closing() + SEPARATOR + self._strings.end, "end"))
        return pieces

    def _open(self, text: str) -> Sequence[Piece]:
        self._pending.append(text)
        self._head = (self._head + text).lstrip()
        self._opening = _opening_of(self._head)
        if not self._opening:
            return ()
        text = "".join(self._pending)
        if self._opening == "prose":
            return self._start(text)
        if "start" in self._positions:
            self.skipped = "structured"
        return self.feed(text)

    def _start(self, text: str) -> Sequence[Piece]:
        self._opening = "prose"
        if "start" not in self._positions:
            return self.feed(text)
        self.placed.append("start")
        return Label(self._strings.start + SEPARATOR, "start"), *self.feed(text)

    def _cut(self, stretches: Sequence[str]) -> Sequence[Piece]:
        pieces: list[Piece] = []
        for at, stretch in enumerate(stretches):
            if at:
                pieces.append(Label(self._strings.inline + SEPARATOR, "inline"))
            if stretch:
                pieces.append(Text(stretch))
        if len(stretches) > 1 and "inline" not in self.placed:
            self.placed.append("inline")
        return pieces

    def _feed_structured(self, text: str) -> Sequence[Piece]:
        self._fence.feed(text)
        if self._structured_size <= MAX_STRUCTURED:
            self._structured.append(text)
            self._structured_size += len(text)
        return (Text(text),) if text else ()

    def _holds_data(self) -> bool:
        return self._structured_size > MAX_STRUCTURED or _is_data("".join(self._structured).strip())


def _is_data(text: str) -> bool:
    """Whether a text that begins with `<`, `{` or `[` is markup or JSON, which a label would break.

    Cut short it is still data to its reader; so are several JSON values in a row.
    """
    if text[0] == "<":
        return text[-1] == ">"
    at = 0
    while at < len(text):
        try:
            at = _read_json(text, at)[1]
        except (ValueError, RecursionError):
            return text[at] in "{[" if at else _JSON_START.match(text) is not None
        space = _JSON_SPACE.match(text, at)
        assert space is not None  # it matches the empty string
        at = space.end()
    return True


def _opening_of(head: str) -> str:
    """What a text is that begins with `head`; "" if the next character decides."""
    if not head:
        return ""
    if head[0] in "{[<":
        return "structured"
    if head[0] in "`~":
        if head.startswith(("```", "~~~")):
            return "fence"
        if len(head) < 3 and head == head[0] * len(head):
            return ""
    return "prose"


def strip_labels(text: str, labels: Sequence[str]) -> str:
    """Take our own label lines out of a text that a client sends back.

    Removed are whole lines equal to one of `labels`: at the start and at the end of the text, and
    between two paragraphs, with the line breaks that were put in with them. A sentence that
    mentions a label stays, and so does code. The result is the same for the same text, so that
    prompt caches keep working. A fence that an end label closed stays closed.
    """
    own = tuple(label.strip() for label in labels if label.strip())
    if not any(label in text for label in own):
        return text
    start, end = _label_patterns(own)
    while True:
        stripped = _without_paragraphs(end.sub("", start.sub("", text)), own)
        if stripped == text:
            return text
        text = stripped


def _without_paragraphs(text: str, labels: Sequence[str]) -> str:
    """Without the paragraphs between two others that are a label, each with the blank line after it."""
    lines = text.split("\n")
    fence = FenceTracker()
    kept: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if (
            line.strip() in labels
            and kept
            and not kept[-1].strip()
            and at + 2 < len(lines)
            and not lines[at + 1].strip()
            and not fence.is_open
        ):
            at += 2
            continue
        fence.line(line)
        kept.append(line)
        at += 1
    return "\n".join(kept)


@lru_cache(maxsize=64)
def _label_patterns(labels: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    words = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
    breaks = r"(?:\n\n|\r\n\r\n|\n|\r\n)"
    return (
        re.compile(rf"\A\s*(?:{words})[ \t]*(?:{breaks}|\s*\Z)"),
        re.compile(rf"(?:{breaks}|\A)[ \t]*(?:{words})\s*\Z"),
    )
