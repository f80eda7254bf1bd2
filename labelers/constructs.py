"""Constructs inside a line of Markdown that are no running text: code, links, tags, formulas, URLs.

Strategy. A construct is entered at its first character, on a guess, and lives until its end is found or its
longest life is over; inside, only the characters that can end it are looked for. `Construct` is the state of
the one that is open now, if any; each step says what its caller has to do next.

`labelers.prose` owns the text and the lines; positions are indices into its text.
"""

from __future__ import annotations

import re

__all__ = [
    "BREAK",
    "FENCE",
    "INFO",
    "LINE",
    "LINK_MAX",
    "MORE",
    "PROSE",
    "ROW_MAX",
    "SPECIAL",
    "URL",
    "WAIT",
    "Construct",
]

# What a step says.
WAIT = 0  # the next character decides
MORE = 1  # go on at `pos`
BREAK = 2  # a line break stands at `pos`

# Modes. LINE: the rest of a line; INFO and FENCE: the first line and the body of a fenced block.
PROSE, CODE, BRACKET, LINK, TAG, TAG_BODY, RAW, DOLLAR, FORMULA, URL, LINE, INFO, FENCE = range(13)
_OVER_BREAK = frozenset({CODE, BRACKET, LINK, TAG, TAG_BODY})

# Longest lives, in characters.
_CODE_MAX = 400
_BRACKET_MAX = 200
LINK_MAX = 400
_TAG_MAX = 400
_RAW_MAX = 4_000
_DOLLAR_MAX = 160
_FORMULA_MAX = 1_500
_URL_MAX = 2_000
_URL_TAIL_MAX = 160  # after its first non-ASCII character a URL is likely over
ROW_MAX = 600

SPECIAL = re.compile(r"[\n\r`\[<$|\\/@]")
_STOPS: dict[int, re.Pattern[str]] = {
    CODE: re.compile(r"[\n\r`]"),
    BRACKET: re.compile(r"[\n\r\[\]\\]"),
    LINK: re.compile(r"[\n\r()\\]"),
    TAG_BODY: re.compile(r"[\n\r>]"),
    DOLLAR: re.compile(r"[\n\r$\\，。；！？]"),  # a price, not a formula
    FORMULA: re.compile(r"[$\\]"),
    URL: re.compile(r"[\s<\x80-\U0010ffff]"),
    LINE: re.compile(r"[\n\r]"),
    INFO: re.compile(r"[\n`]"),
}
_URL_TAIL = re.compile(r"[\s<]")
_ADDRESS = re.compile(r"[A-Za-z0-9._+-]@")
_TICKS = re.compile(r"`{1,64}")
_HOST = re.compile(r"[A-Za-z0-9-]\.[A-Za-z]{2,}(?::\d+)?$")
_TAG_NAME = re.compile(r"</?[A-Za-z][\w:.@+-]{0,62}|<[!?]")
_RAW_NAMES = frozenset({"<code", "<math", "<pre", "<script", "<style", "<svg", "<textarea"})


def _unfinished(run: re.Match[str], buf: str) -> bool:
    return run.end() == len(buf) and run.end() - run.start() < 64


class Construct:
    """What is open at `pos`; `mode` PROSE: nothing. Nothing before `open_at` is running text."""

    __slots__ = ("_close", "_first", "count", "limit", "mode", "open_at", "pos")

    def __init__(self) -> None:
        self.pos = 0  # all before it has been judged
        self.mode = PROSE
        self.limit = 0  # where the guess ends
        self.count = 0  # depth of brackets, length of a backtick run, what a fence may still cost
        self.open_at = 0
        self._first = False  # the open bracket is the first thing in its line
        self._close = ""  # the tag that ends raw HTML

    def shift(self, cut: int) -> None:
        """The text lost its first `cut` characters."""
        self.pos -= cut
        self.limit -= cut
        self.open_at -= cut

    def lasts(self) -> tuple[int, re.Pattern[str] | None]:
        """For how many more characters nothing ends what is open, unless the pattern finds something in them."""
        if self.mode == URL and not self.count:
            return self.limit - self.pos, _URL_TAIL
        return self.limit - self.pos, _STOPS.get(self.mode)

    def interrupt(self, *, block: bool) -> None:
        """A line ends; `block`: what follows belongs to another block."""
        if block or self.mode not in _OVER_BREAK:
            self.mode = PROSE

    def close_to(self, at: int) -> None:
        """Nothing before `at` is running text; nor what was closed before, as the start of a line is."""
        if at > self.open_at:
            self.open_at = at

    def enter(self, mode: int, pos: int, limit: int, count: int = 0) -> int:
        """Be in this construct from `pos` on, for at most `limit` characters."""
        self.mode, self.pos, self.limit, self.count = mode, pos, pos + limit, count
        return MORE

    def skip(self, pos: int) -> int:
        """Nothing changes before `pos`."""
        self.pos = pos
        return MORE

    def leave(self, pos: int) -> int:
        """Running text goes on at `pos`."""
        self.mode, self.pos = PROSE, pos
        return MORE

    def start(self, buf: str, at: int, line: int) -> int:
        """Enter the construct that may start at `at`, in a line that starts at `line`."""
        char = buf[at]
        if char in "\n\r":
            return BREAK
        if char == "`":
            run = _TICKS.match(buf, at)
            assert run is not None
            if _unfinished(run, buf):
                return WAIT
            return self.enter(CODE, run.end(), _CODE_MAX, run.end() - at)
        if char == "|":
            return self.enter(LINE, at + 1, ROW_MAX)
        if char == "/":
            if (at and buf[at - 1] == "/") or _HOST.search(buf[max(0, at - 64) : at]):
                return self.enter(URL, at + 1, _URL_MAX, _URL_MAX)
            return self.skip(at + 1)
        if char == "@":
            return self.enter(URL, at + 1, _URL_MAX) if _ADDRESS.match(buf, at - 1) else self.skip(at + 1)
        if char == "[":
            self._first = at - line < 4 and not buf[line:at].strip()
            return self.enter(BRACKET, at + 1, _BRACKET_MAX, 1)
        if at + 1 == len(buf):
            return WAIT
        return self._pair(buf, at, char, buf[at + 1])

    def _pair(self, buf: str, at: int, char: str, after: str) -> int:
        """`<`, `$` and the backslash mean something only together with what follows."""
        if char == "<":
            if after.isascii() and (after.isalpha() or after in "/!?"):
                return self.enter(TAG, at, _TAG_MAX)
            return self.skip(at + 1)
        if char == "$":
            if after == "$":
                return self.enter(FORMULA, at + 2, _FORMULA_MAX, ord("$"))
            if after.isspace() or after >= "\u2e80":
                return self.skip(at + 1)
            return self.enter(DOLLAR, at + 1, _DOLLAR_MAX)
        if after in "([":
            return self.enter(FORMULA, at + 2, _FORMULA_MAX, ord(")" if after == "(" else "]"))
        return self.skip(at + 1 if after.isspace() else at + 2)

    def go_on(self, buf: str, end: int) -> int:
        """Look for the end of the construct."""
        mode, pos, limit = self.mode, self.pos, self.limit
        if pos >= limit:
            return self.leave(pos)
        if mode == TAG:
            return self._tag(buf)
        if mode == RAW:
            return self._raw(buf, end)
        stops = _URL_TAIL if mode == URL and not self.count else _STOPS[mode]
        found = stops.search(buf, pos, min(end, limit))
        if found is None:
            self.pos = min(end, limit)
            return MORE
        at = self.pos = found.start()
        char = buf[at]
        if char in "\n\r":
            return BREAK
        if char == "\\":
            return self._escape(buf, at)
        if mode == CODE:
            run = _TICKS.match(buf, at)
            assert run is not None
            if _unfinished(run, buf):
                return WAIT
            return self.leave(run.end()) if run.end() - at == self.count else self.skip(run.end())
        if mode == BRACKET:
            return self._bracket(buf, at, char)
        if mode == LINK:
            self.count += 1 if char == "(" else -1
            if self.count:
                return self.skip(at + 1)
            self.close_to(at + 2)  # nor the place right after it
            return self.leave(at + 1)
        if mode == TAG_BODY:
            return self.enter(RAW, at + 1, _RAW_MAX) if self._close else self.leave(at + 1)
        if mode == FORMULA:
            return self._dollars(buf, at)
        if mode == URL:
            return self._url(at, char)
        if mode == INFO and self.count:  # no fence of backticks after all: none can stand in its info
            return self.enter(CODE, at, _CODE_MAX, self.count)
        return self.skip(at + 1) if mode == INFO else self.leave(at + 1)

    def _escape(self, buf: str, at: int) -> int:
        if at + 1 == len(buf):
            return WAIT
        if self.mode == FORMULA and buf[at + 1] == chr(self.count):
            return self.leave(at + 2)
        return self.skip(at + 1 if buf[at + 1].isspace() else at + 2)

    def _dollars(self, buf: str, at: int) -> int:
        if self.count != ord("$"):
            return self.skip(at + 1)
        if at + 1 == len(buf):
            return WAIT
        return self.leave(at + 2) if buf[at + 1] == "$" else self.skip(at + 1)

    def _bracket(self, buf: str, at: int, char: str) -> int:
        if char == "[":
            self.count += 1
            return self.skip(at + 1)
        if self.count > 1:
            self.count -= 1
            return self.skip(at + 1)
        if at + 1 == len(buf):
            return WAIT
        if buf[at + 1] == "(":
            return self.enter(LINK, at + 2, LINK_MAX, 1)
        if buf[at + 1] == ":" and self._first:
            return self.enter(LINE, at + 2, LINK_MAX)  # a reference definition
        return self.leave(at + 1)

    def _tag(self, buf: str) -> int:
        at = self.pos
        name = _TAG_NAME.match(buf, at)
        if name is None:
            return WAIT if at + 2 >= len(buf) else self.leave(at + 1)
        if name.end() == len(buf):
            return WAIT
        if buf[name.end()] in " \t\n\r/>!?-[" or name[0][1] in "!?":
            self.mode = TAG_BODY
            self._close = f"</{name[0][1:]}" if name[0].lower() in _RAW_NAMES else ""
            return self.skip(name.end())
        return self.leave(name.end())

    def _raw(self, buf: str, end: int) -> int:
        stop = min(end, self.limit)
        at = buf.find(self._close, self.pos, stop)
        if at >= 0:
            return self.enter(TAG, at, _TAG_MAX)
        # The last characters may be the start of the closing tag.
        before, self.pos = self.pos, max(self.pos, stop - len(self._close) + 1)
        if stop == self.limit:
            return self.leave(stop)
        return MORE if self.pos > before else WAIT

    def _url(self, at: int, char: str) -> int:
        if char == "<" or char.isspace():
            self.close_to(at + 1)  # the character after a URL is not open either
            return self.leave(at)
        self.count = 0
        self.limit = min(self.limit, at + _URL_TAIL_MAX)
        return self.skip(at + 1)
