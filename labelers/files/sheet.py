"""What is exported: one text of ours with its labels, ready for any format.

The visible label stands in the file itself (标识办法 art. 4: what is downloaded, copied or exported), at the
start, at the end and between paragraphs as `positions` say, and always somewhere. The words and the carrier in
them are left as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from labelers.blocks import Boundaries, FenceTracker
from labelers.explicit import SEPARATOR, LabelStrings

__all__ = ["Segment", "Sheet", "make_sheet"]

# What XML 1.0 cannot hold, and no document shows.
_UNWRITABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef\ufeff\u200b-\u200f\u2060-\u2064]")
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_TITLE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of Markdown, or a label that stands on its own. `label`: "" | "start" | "inline" | "end"."""

    text: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """`fields`: the seven pairs of Annex E; `created`: in UTC, the same for equal files."""

    segments: tuple[Segment, ...]
    fields: Mapping[str, str]
    title: str
    locale: str
    created: datetime

    def markdown(self) -> str:
        """The whole text with its label lines, as one Markdown document."""
        fence = FenceTracker()
        parts: list[str] = []
        for at, segment in enumerate(self.segments):
            if segment.label:
                before = fence.closing() if segment.label == "end" else ""
                if before:
                    parts.append(before.lstrip("\n") if parts and parts[-1].endswith("\n") else before)
                if at:
                    parts.append(SEPARATOR)
                parts.append(segment.text)
                if at + 1 < len(self.segments):
                    parts.append(SEPARATOR)
            else:
                fence.feed(segment.text)
                parts.append(segment.text)
        return "".join(parts)


def make_sheet(
    text: str,
    fields: Mapping[str, str],
    strings: LabelStrings,
    *,
    positions: Collection[str],
    created: datetime,
    inline_every: int = 800,
    locale: str = "zh",
    title: str = "",
) -> Sheet:
    """Lays out one answer, given without its labels. Raises ValueError for a naive time.

    `positions`: any of start, inline, end; a label that could stand nowhere stands at the start.
    """
    if created.tzinfo is None:
        raise ValueError("created needs a time zone")
    body = _UNWRITABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")
    segments = list(_cut(body, strings.inline, inline_every) if "inline" in positions else [Segment(body)])
    inside = any(segment.label for segment in segments)
    if "start" in positions or not (inside or "end" in positions):
        segments.insert(0, Segment(strings.start, "start"))
    if "end" in positions:
        segments.append(Segment(strings.end, "end"))
    title = title or _title(body) or fields["ProduceID"]
    return Sheet(tuple(segments), fields, title, locale, created.astimezone(UTC))


def _cut(body: str, label: str, every: int) -> Iterable[Segment]:
    boundaries = Boundaries(every)
    stretches = boundaries.feed(body)
    stretches[-1] += boundaries.flush()
    for at, stretch in enumerate(stretches):
        if at:
            yield Segment(label, "inline")
        yield Segment(stretch.strip("\n"))


def _title(body: str) -> str:
    """The first heading, else the first line, without marks and cut to a title's length."""
    heading = _HEADING.search(body)
    line = heading[1] if heading is not None else body.strip().partition("\n")[0]
    plain = _SELECTORS.sub("", line).strip("*_`#> \t")
    return plain if len(plain) <= _TITLE_LENGTH else plain[: _TITLE_LENGTH - 1] + "…"
