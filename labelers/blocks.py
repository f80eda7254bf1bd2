"""Which block of a Markdown answer the text is in, while it is still being written.

Strategy. Blocks are decided by whole lines, as CommonMark does. `FenceTracker` knows only fenced
code: it is cheap enough to run over every answer. `Boundaries` knows as much as the choice of a
place between two plain paragraphs needs; whatever it is not sure of counts as no such place. Only
where a label is due does it hold text back: the first characters of the next line, until they
show that no list, table or rule begins there.
"""

from __future__ import annotations

import re

__all__ = ["Boundaries", "FenceTracker"]

_FENCE = re.compile(
    r"(?P<lead> {0,3}(?:(?:[-*+]|\d{1,9}[.)])[ \t]{1,4}){0,4})(?P<fence>`{3,}|~{3,})(?P<info>.*)", re.DOTALL
)
_CLOSING = re.compile(r"(?P<indent>[ \t]{0,66})(?P<fence>`{3,}|~{3,})[ \t\r]*\Z")
# The longest lead and indent that the two patterns know, and three characters of fence.
_LEAD_MAX = 80

_HEADING = re.compile(r"#{1,6}(?:[ \t]|\Z)")
_RULE = re.compile(r"(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})\Z")
_ITEM = re.compile(r"(?:[-+*]|\d{1,9}[.)])(?:[ \t]|\Z)")
_UNDERLINE = re.compile(r"(?:=+|-+)\Z")
_DEFINITION = re.compile(r"\[[^\]]+\]:")
_INDENT = re.compile(r" {4}| {0,3}\t")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)")
# What goes on until its end is met, over blank lines too. An HTML element counts where it starts a line.
_OPENER = re.compile(r"\$\$|\\\[|\\begin\{(?P<name>[^}]*)\}|<!--|\A<(?P<tag>[a-z][a-z0-9-]*)(?=[ \t/>]|\Z)")
_CLOSERS = {"$$": "$$", "\\[": "\\]", "<!--": "-->"}
# Elements whose end tag is missing or may be left out.
_LOOSE = frozenset([
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p",
    "param", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "track", "wbr",
])  # fmt: skip
# What no plain paragraph and no heading begins with; and what the start of a line may still become.
_HEAD = 16
_NOT_PLAIN = re.compile(rf"\Z|[ \t\r>|<$\\`~=]|{_ITEM.pattern}|{_RULE.pattern}|[-*_ \t]{{{_HEAD}}}")
_OPEN_HEAD = re.compile(r"\d{1,9}[.)]?\Z|[-+*][-*_ \t]*\Z|_[-*_ \t]*\Z|\Z")


class FenceTracker:
    """Knows whether the text so far ends inside a fenced code block (CommonMark 0.31 §4.5).

    A fence may stand in a list item; one inside a block quote ends with the quote and is not followed.
    """

    def __init__(self) -> None:
        self._current = ""
        self._known = False  # the current line is long, and no fence
        self._open = ""
        self._lead = ""  # what stood before the open fence
        self._width = 0  # where the content of the list item begins that holds it; 0 outside of lists

    @property
    def is_open(self) -> bool:
        """Whether the last complete line stands in a block that goes on."""
        return bool(self._open)

    def feed(self, text: str) -> None:
        if "\n" not in text:
            # Only the head of a line shows a fence; of other long lines no more is kept.
            if not self._known:
                self._current += text
                self._known = len(self._current) >= _LEAD_MAX and not _FENCE.match(self._current)
            return
        first, *middle, last = text.split("\n")
        self.line(self._current + first)
        for line in middle:
            self.line(line)
        self._current, self._known = last, False

    def line(self, line: str) -> None:
        """Take one line, complete and without its line feed."""
        if self._open:
            indent = len(line) - len(line.lstrip(" \t"))
            if self._width and indent < self._width and line.strip():
                self._open = ""  # the list item has ended, and its fence with it
            else:
                self._close(line)
                return
        match = _FENCE.match(line)
        if match is not None and (match["fence"][0] == "~" or "`" not in match["info"]):
            self._open, self._lead = match["fence"], match["lead"]
            self._width = len(self._lead) if self._lead.strip() else 0

    def closing(self) -> str:
        """What closes the block that is still open, on a line of its own; "" if none is."""
        on_a_line = bool(self._current)
        self.line(self._current)
        self._current = ""
        if not self._open:
            return ""
        # As far in as it was opened: further out it would end a list item and open a new block.
        indent = " " * self._width if self._width else self._lead
        return ("\n" if on_a_line else "") + indent + self._open

    def _close(self, line: str) -> None:
        match = _CLOSING.match(line)
        if match is None:
            return
        fence = match["fence"]
        near = len(match["indent"]) <= self._width + 3
        if near and fence[0] == self._open[0] and len(fence) >= len(self._open):
            self._open = ""


class Boundaries:
    """Cuts a text where a plain paragraph follows a plain paragraph, `every` characters apart at least.

    Not counted as such: what stands in or next to code, tables, lists, quotes, HTML, formulas, and
    after headings or a line that ends in a colon. `every` counts code points.
    """

    def __init__(self, every: int) -> None:
        self._every = every
        self._since = 0  # code points since the last cut
        self._held = ""
        self._line: list[str] = []
        self._fence = FenceTracker()
        self._until = ""  # what ends the formula or HTML element that is open
        self._block = (
            "done"  # paragraph | list | other: to the next blank line | done: the next line is fresh
        )
        self._blank = True

    def feed(self, text: str) -> list[str]:
        """What may go out, cut: a label belongs between each two stretches. Never an empty list."""
        if self._line and "\n" not in text:
            self._line.append(text)
            self._since += len(text)
            return [text]
        text, self._held = self._held + text, ""
        stretches: list[str] = []
        start = at = 0
        while at < len(text):
            if not self._line and self._since >= self._every and self._after_paragraph:
                plain = _starts_plain(text[at : at + _HEAD])
                if plain is None:
                    self._held = text[at:]
                    break
                if plain:
                    stretches.append(text[start:at])
                    start, self._since = at, 0
            stop = text.find("\n", at)
            end = len(text) if stop < 0 else stop + 1
            self._line.append(text[at : end - (stop >= 0)])
            self._since += end - at
            at = end
            if stop >= 0:
                self._line_done("".join(self._line))
                self._line = []
        stretches.append(text[start:at])
        return stretches

    def flush(self) -> str:
        """The text has ended: what was held begins no paragraph any more."""
        rest, self._held = self._held, ""
        return rest

    @property
    def _after_paragraph(self) -> bool:
        return self._blank and self._block == "paragraph"

    def _line_done(self, line: str) -> None:
        fenced = self._fence.is_open
        if not self._until:
            self._fence.line(line)
        if fenced or self._fence.is_open:
            self._block, self._blank = "done", False
            return
        text = line.strip()
        if self._in_construct(text):
            self._block, self._blank = "other", False
            return
        if not text:
            self._blank = True
            return
        fresh = self._blank or self._block == "done"
        self._blank = False
        if self._block == "list" and (not fresh or line[0] in " \t"):
            return
        if not fresh and self._block == "other":
            return
        self._block = "other" if fresh and _INDENT.match(line) else _kind(text)
        if not fresh and _UNDERLINE.match(text):
            self._block = "done"

    def _in_construct(self, text: str) -> bool:
        """Whether a formula or an HTML element has a part in this line."""
        text = _CODE_SPAN.sub("", text.lower()) if not self._until else text.lower()
        seen = bool(self._until)
        at = 0
        while True:
            if self._until:
                found = text.find(self._until, at)
                if found < 0:
                    return True
                at = found + len(self._until)
                self._until = ""
            opener = _OPENER.search(text, at)
            if opener is None:
                return seen
            if opener["tag"] in _LOOSE:
                return True
            seen, at = True, opener.end()
            if opener["tag"]:
                self._until = f"</{opener['tag']}"
            elif opener["name"] is not None:
                self._until = f"\\end{{{opener['name']}}}"
            else:
                self._until = _CLOSERS[opener[0]]


def _kind(text: str) -> str:
    """The block that a line, without the white space around it, begins or goes on with."""
    if _HEADING.match(text) or _RULE.match(text):
        return "done"
    if _ITEM.match(text):
        return "list"
    if text[0] in "><" or "|" in text or text.endswith((":", "：")) or _DEFINITION.match(text):
        return "other"
    return "paragraph"


def _starts_plain(head: str) -> bool | None:
    """Whether a paragraph or a heading begins with these characters; None: the next character decides."""
    line, broken, _ = head.partition("\n")
    if not broken and len(head) < _HEAD and _OPEN_HEAD.match(head):
        return None
    return _NOT_PLAIN.match(line) is None
