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

__all__ = ["SPACE_MAX", "Prose", "clean_word"]

_CONTEXT = 128
_HEAD_MAX = 128  # a line start that shows no letters for so long is decided as it stands
_TRIM_AT = 1024
SPACE_MAX = 512  # no mark before a longer run of white space: it need not be kept

# Longest lives of a guess, in characters.
_CODE_MAX = 400
_BRACKET_MAX = 200
_LINK_MAX = 400
_TAG_MAX = 400
_RAW_MAX = 4_000
_DOLLAR_MAX = 160
_FORMULA_MAX = 1_500
_URL_MAX = 2_000
_URL_TAIL_MAX = 160  # after its first non-ASCII character a URL is likely over
_FENCE_MAX = 12_000
_FENCE_HAN_COST = 7  # Chinese in a fence uses the fence up eight times as fast as code does
_HEADING_MAX = 200
_INDENT_MAX = 120
_ROW_MAX = 600

# Modes
_PROSE, _CODE, _BRACKET, _LINK, _TAG, _TAG_BODY, _RAW, _DOLLAR, _FORMULA, _URL, _LINE, _INFO, _FENCE = range(
    13
)
_INLINE = frozenset({_CODE, _BRACKET, _LINK, _TAG, _TAG_BODY})  # may go on over one line break

_SPECIAL = re.compile(r"[\n\r`\[<$|\\/@]")
_STOPS: dict[int, re.Pattern[str]] = {
    _CODE: re.compile(r"[\n\r`]"),
    _BRACKET: re.compile(r"[\n\r\[\]\\]"),
    _LINK: re.compile(r"[\n\r()\\]"),
    _TAG_BODY: re.compile(r"[\n\r>]"),
    _DOLLAR: re.compile(r"[\n\r$\\，。；！？]"),  # a price, not a formula
    _FORMULA: re.compile(r"[$\\]"),
    _URL: re.compile(r"[\s<\x80-\U0010ffff]"),
    _LINE: re.compile(r"[\n\r]"),
    _INFO: re.compile(r"[\n`]"),
}
_URL_TAIL = re.compile(r"[\s<]")
_ADDRESS = re.compile(r"[A-Za-z0-9._+-]@")
_TICKS = re.compile(r"`{1,64}")
_BREAK = re.compile(r"\r\n?|\n")
_SOLID = re.compile(r"\S")
_HOST = re.compile(r"[A-Za-z0-9-]\.[A-Za-z]{2,}(?::\d+)?$")
_TAG_NAME = re.compile(r"</?[A-Za-z][\w:.@+-]{0,62}|<[!?]")
_RAW_NAMES = frozenset({"<code", "<math", "<pre", "<script", "<style", "<svg", "<textarea"})
_LEAD = re.compile(
    r"(?P<marks>(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t])))*)(?P<space>[ \t]*)"
    r"(?:(?P<fence>`{3,}|~{3,})|(?P<heading>\#{1,6}(?=\s|$))|(?P<row>\|))?"
)
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


def _unfinished(run: re.Match[str], buf: str) -> bool:
    return run.end() == len(buf) and run.end() - run.start() < 64


class Prose:
    """Streaming zones of one answer.

    `feed` returns the open stretches [a, b) that the new text added, as indices into `text`: the
    characters a..b-1 are running text. (a, a) stands for the end of a line of running text, before its
    white space. `end` is where the trailing white space starts.
    """

    __slots__ = (
        "_close",
        "_count",
        "_fence",
        "_first",
        "_head",
        "_limit",
        "_line",
        "_mode",
        "_open_at",
        "_pos",
        "_scan",
        "_stale",
        "_table",
        "_weight",
        "block",
        "end",
        "text",
    )

    def __init__(self) -> None:
        self.text = ""
        self.end = 0
        self.block = "paragraph"  # what the current line belongs to
        self._pos = 0  # all before it has been judged
        self._mode = _PROSE
        self._limit = 0  # where the current guess ends
        self._first = False  # the open bracket is the first thing in its line
        self._count = 0  # depth of brackets, length of a backtick run
        self._fence = ("", 0)
        self._close = ""  # the tag that ends raw HTML
        self._stale = ""  # the character of a fence whose guess ran out
        self._table = False
        self._line = 0  # start of the current line
        self._head = True  # in its first letters
        self._scan = 0  # how far they are counted
        self._weight = 0  # a Han letter counts 2, another 1, six are enough
        self._open_at = 0  # nothing before it is open

    def feed(self, text: str) -> list[tuple[int, int]]:
        buf = self.text = self.text + text
        end = self.end = len(buf.rstrip())
        pos = self._pos
        if self._mode == _PROSE and not self._head:
            if end <= pos:
                return []
            if _SPECIAL.search(buf, pos, end) is None:
                self._pos = end
                if pos < self._open_at:
                    pos = self._open_at
                return [(pos, end)] if pos < end else []
        return self._run(buf, end)

    def trim(self) -> int:
        """Forget what no position needs any more; return by how much all indices went down."""
        if len(self.text) < _TRIM_AT:
            return 0
        cut = min(self._pos, self.end) - _CONTEXT
        if cut <= 0:
            return 0
        self.text = self.text[cut:]
        self.end -= cut
        self._pos -= cut
        self._limit -= cut
        self._line -= cut
        self._scan -= cut
        self._open_at -= cut
        return cut

    def swallow(self) -> int:
        """Shorten the trailing white space (longer than `SPACE_MAX`) to what the next line needs to know.

        Returns by how much the indices before it went down: nothing stands in it.
        """
        run = self.text[self.end :]
        breaks = list(_BREAK.finditer(run))
        rest = run[breaks[-1].end() :] if breaks else run
        kept = "\n" * min(2, len(breaks)) + rest[: _HEAD_MAX + 1]
        self._limit -= len(run) - len(kept)
        self.text = self.text[: self.end] + kept
        self._open_at = max(self._open_at, len(self.text))
        return len(run) - len(kept)

    def open_at_end(self) -> bool:
        """Whether the text so far, without trailing white space, ends in running text."""
        if self._mode != _PROSE or self._head or len(self.text) - self.end > SPACE_MAX:
            return False
        return self._pos == self.end >= self._open_at

    def _run(self, buf: str, end: int) -> list[tuple[int, int]]:
        spans: list[tuple[int, int]] = []
        while self._pos < end:
            before = self._pos
            if self._head and not self._lead(buf, end):
                break
            mode = self._mode
            if mode == _PROSE:
                moved = self._prose(buf, end, spans)
            elif mode == _FENCE:
                moved = self._in_fence(buf, end)
            else:
                moved = self._guess(buf, end)
            if not moved and self._pos == before:
                break  # the next character decides
        return spans

    # Lines

    def _lead(self, buf: str, end: int) -> bool:
        """Count letters until the line start is complete, then classify it. False: not complete yet."""
        stop = min(end, self._line + _HEAD_MAX)
        at, weight = self._scan, self._weight
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
        self._open_at = at if weight >= 6 or at == self._line + _HEAD_MAX else at + 1
        self._classify(buf[self._line : at], at)
        return True

    def _classify(self, head: str, at: int) -> None:
        lead = _LEAD.match(head)
        assert lead is not None  # every part is optional
        marks = lead["marks"]
        indented = _INDENT.match(head) is not None
        if marks or indented or lead["fence"] or lead["heading"] or lead["row"]:
            self._mode = _PROSE  # a block starts: what was open inline was no construct
        self.block = "paragraph" if not marks else "quote" if ">" in marks else "list"
        if fence := lead["fence"]:
            self._open_fence(fence, head[lead.end() :], self._line + lead.end())
        elif lead["heading"]:
            self._start("heading", _LINE, _HEADING_MAX)
        elif _DELIMITERS.match(head) or lead["row"] or self._table:
            self._table = self._table or _DELIMITERS.match(head) is not None
            self._start("table", _LINE, _ROW_MAX)
        elif indented:
            self._start("indented", _LINE, _INDENT_MAX)

    def _start(self, block: str, mode: int, limit: int) -> None:
        self.block, self._mode, self._limit = block, mode, self._line + limit

    def _open_fence(self, fence: str, info: str, at: int) -> None:
        if self._stale == fence[0] and not info.strip():
            self._stale = ""  # closes the one that was given up
            self._start("code", _LINE, _HEAD_MAX)
            return
        self._fence = (fence[0], len(fence))
        self._start("code", _INFO, _LINK_MAX)
        self._pos = at

    def _newline(self, buf: str, at: int, spans: list[tuple[int, int]]) -> None:
        """The white space around the line break at `at`, up to the next line's first character."""
        solid = _SOLID.search(buf, at)
        assert solid is not None  # trailing white space is not looked at
        after = solid.start()
        breaks = list(_BREAK.finditer(buf, at, after))
        blank = len(breaks) > 1
        if self._mode == _PROSE:
            start = at
            while start > self._open_at and buf[start - 1] in " \t":
                start -= 1
            # "Title\n===" is a heading, "a\n| b" a table: seen from the next line only.
            near = after - start <= SPACE_MAX
            if near and start >= self._open_at and (blank or buf[after] not in "=-|:"):
                spans.append((start, start))
        if blank:
            self._table = False
        if blank or self._mode not in _INLINE:
            self._mode = _PROSE
        self._line = self._scan = self._pos = breaks[-1].end()
        self._head, self._weight = True, 0

    # Modes

    def _prose(self, buf: str, end: int, spans: list[tuple[int, int]]) -> bool:
        pos = self._pos
        found = _SPECIAL.search(buf, pos, end)
        stop = found.start() if found else end
        start = pos if pos > self._open_at else self._open_at
        if start < stop:
            spans.append((start, stop))
        self._pos = stop
        return found is not None and self._special(buf, stop, spans)

    def _special(self, buf: str, at: int, spans: list[tuple[int, int]]) -> bool:
        """Enter the construct that may start at `at`. False: the next character decides."""
        char = buf[at]
        if char in "\n\r":
            self._newline(buf, at, spans)
            return True
        if char == "`":
            run = _TICKS.match(buf, at)
            assert run is not None
            if _unfinished(run, buf):
                return False
            return self._enter(_CODE, run.end(), _CODE_MAX, run.end() - at)
        if char == "|":
            return self._enter(_LINE, at + 1, _ROW_MAX)
        if char == "/":
            if (at and buf[at - 1] == "/") or _HOST.search(buf[max(0, at - 64) : at]):
                return self._enter(_URL, at + 1, _URL_MAX, _URL_MAX)
            return self._skip(at + 1)
        if char == "@":
            return self._enter(_URL, at + 1, _URL_MAX) if _ADDRESS.match(buf, at - 1) else self._skip(at + 1)
        if char == "[":
            self._first = at - self._line < 4 and not buf[self._line : at].strip()
            return self._enter(_BRACKET, at + 1, _BRACKET_MAX, 1)
        if at + 1 == len(buf):
            return False
        return self._pair(buf, at, char, buf[at + 1])

    def _pair(self, buf: str, at: int, char: str, after: str) -> bool:
        """`<`, `$` and the backslash mean something only together with what follows."""
        if char == "<":
            if after.isascii() and (after.isalpha() or after in "/!?"):
                return self._enter(_TAG, at, _TAG_MAX)
            return self._skip(at + 1)
        if char == "$":
            if after == "$":
                return self._enter(_FORMULA, at + 2, _FORMULA_MAX, ord("$"))
            if after.isspace() or after >= "\u2e80":
                return self._skip(at + 1)
            return self._enter(_DOLLAR, at + 1, _DOLLAR_MAX)
        if after in "([":
            return self._enter(_FORMULA, at + 2, _FORMULA_MAX, ord(")" if after == "(" else "]"))
        return self._skip(at + 1 if after.isspace() else at + 2)

    def _enter(self, mode: int, pos: int, limit: int, count: int = 0) -> bool:
        self._mode, self._pos, self._limit, self._count = mode, pos, pos + limit, count
        return True

    def _skip(self, pos: int) -> bool:
        self._pos = pos
        return True

    def _leave(self, pos: int) -> bool:
        self._mode, self._pos = _PROSE, pos
        return True

    def _guess(self, buf: str, end: int) -> bool:
        """Look for the end of the current construct. False: the next character decides."""
        mode, pos, limit = self._mode, self._pos, self._limit
        if pos >= limit:
            return self._leave(pos)
        if mode == _TAG:
            return self._tag(buf)
        if mode == _RAW:
            return self._raw(buf, end)
        stops = _URL_TAIL if mode == _URL and not self._count else _STOPS[mode]
        found = stops.search(buf, pos, min(end, limit))
        if found is None:
            self._pos = min(end, limit)
            return True
        at = self._pos = found.start()
        char = buf[at]
        if char in "\n\r":
            return self._break(buf, at)
        if char == "\\":
            return self._escape(buf, at)
        if mode == _CODE:
            run = _TICKS.match(buf, at)
            assert run is not None
            if _unfinished(run, buf):
                return False
            return self._leave(run.end()) if run.end() - at == self._count else self._skip(run.end())
        if mode == _BRACKET:
            return self._bracket(buf, at, char)
        if mode == _LINK:
            self._count += 1 if char == "(" else -1
            if self._count:
                return self._skip(at + 1)
            self._open_at = at + 2  # nor the place right after it
            return self._leave(at + 1)
        if mode == _TAG_BODY:
            return self._enter(_RAW, at + 1, _RAW_MAX) if self._close else self._leave(at + 1)
        if mode == _FORMULA:
            return self._dollars(buf, at)
        if mode == _URL:
            return self._url(at, char)
        if mode == _INFO and self._fence[0] == "`":  # no fence: a backtick cannot stand in its info
            return self._enter(_CODE, at, _CODE_MAX, self._fence[1])
        return self._skip(at + 1) if mode == _INFO else self._leave(at + 1)

    def _break(self, buf: str, at: int) -> bool:
        if self._mode == _INFO:
            self._mode, self._line, self._count = _FENCE, at + 1, _FENCE_MAX
            return self._skip(at + 1)
        if self._mode == _URL:
            self._mode = _LINE  # nothing stands at the end of a line that ends in a URL
        self._newline(buf, at, [])
        return True

    def _escape(self, buf: str, at: int) -> bool:
        if at + 1 == len(buf):
            return False
        if self._mode == _FORMULA and buf[at + 1] == chr(self._count):
            return self._leave(at + 2)
        return self._skip(at + 1 if buf[at + 1].isspace() else at + 2)

    def _dollars(self, buf: str, at: int) -> bool:
        if self._count != ord("$"):
            return self._skip(at + 1)
        if at + 1 == len(buf):
            return False
        return self._leave(at + 2) if buf[at + 1] == "$" else self._skip(at + 1)

    def _bracket(self, buf: str, at: int, char: str) -> bool:
        if char == "[":
            self._count += 1
            return self._skip(at + 1)
        if self._count > 1:
            self._count -= 1
            return self._skip(at + 1)
        if at + 1 == len(buf):
            return False
        if buf[at + 1] == "(":
            return self._enter(_LINK, at + 2, _LINK_MAX, 1)
        if buf[at + 1] == ":" and self._first:
            return self._enter(_LINE, at + 2, _LINK_MAX)  # a reference definition
        return self._leave(at + 1)

    def _tag(self, buf: str) -> bool:
        at = self._pos
        name = _TAG_NAME.match(buf, at)
        if name is None:
            return at + 2 < len(buf) and self._leave(at + 1)
        if name.end() == len(buf):
            return False
        if buf[name.end()] in " \t\n\r/>!?-[" or name[0][1] in "!?":
            self._mode = _TAG_BODY
            self._close = f"</{name[0][1:]}" if name[0].lower() in _RAW_NAMES else ""
            return self._skip(name.end())
        return self._leave(name.end())

    def _raw(self, buf: str, end: int) -> bool:
        stop = min(end, self._limit)
        at = buf.find(self._close, self._pos, stop)
        if at >= 0:
            return self._enter(_TAG, at, _TAG_MAX)
        # The last characters may be the start of the closing tag.
        before, self._pos = self._pos, max(self._pos, stop - len(self._close) + 1)
        if stop == self._limit:
            return self._leave(stop)
        return self._pos > before

    def _url(self, at: int, char: str) -> bool:
        if char == "<" or char.isspace():
            self._open_at = at + 1  # the character after a URL is not open either
            return self._leave(at)
        self._count = 0
        self._limit = min(self._limit, at + _URL_TAIL_MAX)
        return self._skip(at + 1)

    def _in_fence(self, buf: str, end: int) -> bool:
        char, length = self._fence
        while self._mode == _FENCE:
            at = buf.find("\n", self._pos, end)
            if at < 0:
                moved = self._pos < end
                self._spend(buf, end)
                return moved
            closing = buf[self._line : at].strip(" \t>\r") if at - self._line <= 64 else ""
            if len(closing) >= length and not closing.strip(char):
                self._mode = _LINE
                self._newline(buf, at, [])
            else:
                self._spend(buf, at + 1)
                self._line = at + 1
        return True

    def _spend(self, buf: str, stop: int) -> None:
        """Go on to `stop`, at the cost of the guess; where that is used up, the fence was no fence."""
        pos = self._pos
        cost = stop - pos + _FENCE_HAN_COST * len(_HAN.findall(buf, pos, stop))
        if cost < self._count:
            self._count -= cost
            self._pos = stop
            return
        while self._count > 0:
            self._count -= 1 + _FENCE_HAN_COST * (_HAN.match(buf, pos) is not None)
            pos += 1
        self._stale = self._fence[0]  # the line that would close it must not open another
        self._open_at = pos + 1
        self._leave(pos)
