"""Where a mark may stand in a Markdown answer that is still being written.

Strategy. `Prose` reads the answer once, piece by piece, and names the stretches that are running text:
no code, URL, link, tag, formula, table, heading or indented line. It never waits for more text to decide
what it has; a construct that may turn out protected ("guess": an open bracket, fence, dollar) is taken as
protected at once, but only for a bounded number of characters, so a stray bracket cannot starve the rest.

One scanner, three levels:

- *lines*: the start of a line (until 3 Han or 6 other letters stand in it, or it ends) is never open; it
  tells fence, heading, table, indented code, list and quote apart;
- *modes*: inside a construct only its own terminators are looked for, by one regular expression;
- *runs of white space* are handled whole. What trails at the end of a piece is kept back until more comes,
  so that a line break is judged knowing what the next line starts with.

All positions are indices into `text`, the retained end of the answer; `trim` shifts them.
A position needs at most `_CONTEXT` characters before it, so the memory is bounded.
"""

from __future__ import annotations

import re

from labelers.constructs import (
    BREAK,
    FENCE,
    INFO,
    LINE,
    LINK_MAX,
    PROSE,
    ROW_MAX,
    SPECIAL,
    URL,
    WAIT,
    Construct,
)

__all__ = ["BARRED_MAX", "SPACE_MAX", "Prose", "clean_word"]

_CONTEXT = 128
_HEAD_MAX = 128  # a line start that shows no letters for so long is decided as it stands
_TRIM_AT = 1024
BARRED_MAX = 3  # the letters that a line start lacks at most
SPACE_MAX = 512  # no mark before a longer run of white space: it need not be kept

# Longest lives of a guess, in characters.
_FENCE_MAX = 12_000
_FENCE_HAN_COST = 7  # Chinese in a fence uses the fence up eight times as fast as code does
_HEADING_MAX = 200
_INDENT_MAX = 120

_BREAK = re.compile(r"\r\n?|\n")
_SOLID = re.compile(r"\S")
_LEAD = re.compile(
    r"(?P<marks>(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t])))*)(?P<space>[ \t]*)"
    r"(?:(?P<fence>`{3,}|~{3,})|(?P<heading>\#{1,6}(?=\s|$))|(?P<row>\|))?"
)
# A line that begins so belongs to no block of its own, and its first letters are complete.
_PLAIN = re.compile("[\u4e00-\u9fef]{3}|[A-Za-z](?:[ ,]?[A-Za-z]){5}")
_BLOCK_STARTS = frozenset(" \t>-*+`~#|:0123456789")
_DELIMITERS = re.compile(r"[ \t>]*\|?[ \t]*:?-+:?[ \t]*\|")
_INDENT = re.compile(r" {4}| {0,3}\t")
_HAN = re.compile("[\u3400-\u9fff]")
_DIRTY = re.compile(r"[./:@_\\=&%+#~^{}\d][^\s\u2e80-\U0010ffff]*\Z")
_WORD_END = ".,;:!?"


def clean_word(text: str, at: int) -> bool:
    """Whether what ends at `at` is a plain word: no part of a URL, address, file name or identifier."""
    last = text[at - 1]
    if last >= "\u2e80":
        return True
    start = at - 64 if at > 64 else 0
    end = at - 1 if last in _WORD_END else at
    space = text.rfind(" ", start, at)
    if text[space + 1 if space >= 0 else start : end].isalpha():  # most words
        return True
    return _DIRTY.search(text[start:at].rstrip(_WORD_END)) is None


class Prose:
    """Streaming zones of one answer.

    `feed` returns the open stretches [a, b) that the new text added, as indices into `text`: the
    characters a..b-1 are running text. (a, a) stands for the end of a line of running text, before its
    white space. `end` is where the trailing white space starts. `lines` tells of the lines whose block `feed` came
    to know: where each starts, and which block it is.
    """

    __slots__ = (
        "_at",
        "_fence",
        "_head",
        "_line",
        "_scan",
        "_stale",
        "_table",
        "_weight",
        "block",
        "end",
        "lines",
        "text",
    )

    def __init__(self) -> None:
        self.text = ""
        self.end = 0
        self.block = "paragraph"  # what the current line belongs to
        self.lines: list[tuple[int, str]] = []
        self._at = Construct()
        self._fence = ("", 0)
        self._stale = ""  # the character of a fence whose guess ran out
        self._table = False
        self._line = 0  # start of the current line
        self._head = True  # in its first letters
        self._scan = 0  # how far they are counted
        self._weight = 0  # a Han letter counts 2, another 1, six are enough

    def feed(self, text: str) -> list[tuple[int, int]]:
        if self.lines:
            self.lines = []
        buf = self.text = self.text + text
        end = self.end = len(buf.rstrip())
        now = self._at
        pos = now.pos
        if now.mode == PROSE and not self._head:
            if end <= pos:
                return []
            if SPECIAL.search(buf, pos, end) is None:
                now.pos = end
                if pos < now.open_at:
                    pos = now.open_at
                return [(pos, end)] if pos < end else []
        return self._run(buf, end)

    def trim(self) -> int:
        """Forget what no position needs any more; return by how much all indices went down."""
        if len(self.text) < _TRIM_AT:
            return 0
        cut = min(self._at.pos, self.end) - _CONTEXT
        if cut <= 0:
            return 0
        self.text = self.text[cut:]
        self.end -= cut
        self._line -= cut
        self._scan -= cut
        self._at.shift(cut)
        return cut

    def swallow(self) -> int:
        """Shorten the trailing white space (longer than `SPACE_MAX`) to what the next line needs to know.

        Returns by how much the indices before it went down: nothing stands in it.
        """
        run = self.text[self.end :]
        breaks = list(_BREAK.finditer(run))
        rest = run[breaks[-1].end() :] if breaks else run
        kept = "\n" * min(2, len(breaks)) + rest[: _HEAD_MAX + 1]
        self.text = self.text[: self.end] + kept
        self._at.limit -= len(run) - len(kept)
        self._at.close_to(len(self.text))
        return len(run) - len(kept)

    def open_at_end(self) -> bool:
        """Whether the text so far, without trailing white space, ends in running text."""
        now = self._at
        if now.mode != PROSE or self._head or len(self.text) - self.end > SPACE_MAX:
            return False
        return now.pos == self.end >= now.open_at

    def closed(self) -> tuple[int, re.Pattern[str] | None]:
        """For how many more characters no position is open, unless the pattern finds something in them; None: for none."""
        now = self._at
        if now.mode == PROSE or self._head or not now.pos == self.end == len(self.text):
            return 0, None
        if now.mode == FENCE:
            return now.count // (1 + _FENCE_HAN_COST), _BREAK
        return now.lasts()

    def barred(self) -> int:
        """How many characters have to come before there is an open position: as many as the line start lacks."""
        if not self._head:
            return 0
        return min((7 - self._weight) // 2, self._line + _HEAD_MAX - len(self.text))

    def _run(self, buf: str, end: int) -> list[tuple[int, int]]:
        spans: list[tuple[int, int]] = []
        now = self._at
        while now.pos < end:
            before = now.pos
            if self._head and not self._lead(buf, end):
                break
            if now.mode == FENCE:
                self._in_fence(buf, end)
                continue
            step = self._prose(buf, end, spans) if now.mode == PROSE else now.go_on(buf, end)
            if step == BREAK:
                self._break(buf, spans)
            elif step == WAIT and now.pos == before:
                break
        return spans

    def _prose(self, buf: str, end: int, spans: list[tuple[int, int]]) -> int:
        now = self._at
        found = SPECIAL.search(buf, now.pos, end)
        stop = found.start() if found else end
        start = now.pos if now.pos > now.open_at else now.open_at
        if start < stop:
            spans.append((start, stop))
        now.pos = stop
        return now.start(buf, stop, self._line) if found else WAIT

    def _lead(self, buf: str, end: int) -> bool:
        """Count letters until the line start is complete, then classify it. False: not complete yet."""
        at, weight = self._scan, self._weight
        if plain := _PLAIN.match(buf, self._line, end):
            self._head = False
            self._at.open_at = plain.end()
            self._text_line()
            return True
        stop = min(end, self._line + _HEAD_MAX)
        while at < stop:
            char = buf[at]
            if char in "\n\r":
                break
            at += 1
            if char.isalpha():
                weight += 2 if char >= "\u2e80" else 1
                if weight >= 6:
                    break
        else:
            self._scan, self._weight = at, weight
            if at < self._line + _HEAD_MAX:
                return False
        self._head = False
        # A line that ends too early is not open at all, not even at its end.
        self._at.open_at = at if weight >= 6 or at == self._line + _HEAD_MAX else at + 1
        self._classify(buf[self._line : at])
        return True

    def _text_line(self) -> None:
        """The line begins no block."""
        self.block = "paragraph"
        self.lines.append((self._line, self.block))
        if self._table:
            self._start("table", LINE, ROW_MAX)

    def _classify(self, head: str) -> None:
        if head[:1] not in _BLOCK_STARTS:
            self._text_line()
            return
        lead = _LEAD.match(head)
        assert lead is not None  # every part is optional
        marks = lead["marks"]
        indented = _INDENT.match(head) is not None
        if marks or indented or lead["fence"] or lead["heading"] or lead["row"]:
            self._at.mode = PROSE  # a block starts: what was open inline was no construct
        self.block = "paragraph" if not marks else "quote" if ">" in marks else "list"
        self.lines.append((self._line, self.block))
        if fence := lead["fence"]:
            self._open_fence(fence, head[lead.end() :], self._line + lead.end())
        elif lead["heading"]:
            self._start("heading", LINE, _HEADING_MAX)
        elif _DELIMITERS.match(head) or lead["row"] or self._table:
            self._table = self._table or _DELIMITERS.match(head) is not None
            self._start("table", LINE, ROW_MAX)
        elif indented:
            self._start("indented", LINE, _INDENT_MAX)

    def _start(self, block: str, mode: int, limit: int) -> None:
        self.block = block
        self._at.mode, self._at.limit = mode, self._line + limit

    def _open_fence(self, fence: str, info: str, at: int) -> None:
        if self._stale == fence[0] and not info.strip():
            self._stale = ""  # closes the one that was given up
            self._start("code", LINE, _HEAD_MAX)
            return
        self._fence = (fence[0], len(fence))
        self._start("code", INFO, LINK_MAX)
        self._at.pos = at
        self._at.count = len(fence) if fence[0] == "`" else 0

    def _newline(self, buf: str, at: int, spans: list[tuple[int, int]]) -> None:
        """The white space around the line break at `at`, up to the next line's first character."""
        solid = _SOLID.search(buf, at)
        assert solid is not None  # trailing white space is not looked at
        after = solid.start()
        run = buf[at:after]
        blank = run != "\n" and run.count("\n") + run.count("\r") - run.count("\r\n") > 1
        if self._at.mode == PROSE:
            start = at
            while start > self._at.open_at and buf[start - 1] in " \t":
                start -= 1
            # "Title\n===" is a heading, "a\n| b" a table: seen from the next line only.
            near = after - start <= SPACE_MAX
            if near and start >= self._at.open_at and (blank or buf[after] not in "=-|:"):
                spans.append((start, start))
        if blank:
            self._table = False
        self._at.interrupt(block=blank)
        self._line = self._scan = self._at.pos = at + 1 + max(run.rfind("\n"), run.rfind("\r"))
        self._head, self._weight = True, 0

    def _break(self, buf: str, spans: list[tuple[int, int]]) -> None:
        now = self._at
        if now.mode == INFO:
            self._line = now.pos + 1
            now.enter(FENCE, now.pos + 1, 0, _FENCE_MAX)
            return
        if now.mode == URL:
            now.mode = LINE  # nothing stands at the end of a line that ends in a URL
        self._newline(buf, now.pos, spans)

    def _in_fence(self, buf: str, end: int) -> None:
        char, length = self._fence
        while self._at.mode == FENCE:
            at = buf.find("\n", self._at.pos, end)
            if at < 0:
                self._spend(buf, end)
                return
            closing = buf[self._line : at].strip(" \t>\r") if at - self._line <= 64 else ""
            if len(closing) >= length and not closing.strip(char):
                self._at.mode = LINE
                self._newline(buf, at, [])
            else:
                self._spend(buf, at + 1)
                self._line = at + 1

    def _spend(self, buf: str, stop: int) -> None:
        """Go on to `stop`, at the cost of the guess; where that is used up, the fence was no fence."""
        pos = self._at.pos
        cost = stop - pos + _FENCE_HAN_COST * len(_HAN.findall(buf, pos, stop))
        if cost < self._at.count:
            self._at.count -= cost
            self._at.pos = stop
            return
        while self._at.count > 0:
            self._at.count -= 1 + _FENCE_HAN_COST * (_HAN.match(buf, pos) is not None)
            pos += 1
        self._stale = self._fence[0]  # the line that would close it must not open another
        self._at.close_to(pos + 1)
        self._at.leave(pos)
