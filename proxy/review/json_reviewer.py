"""Reviews an answer that is to be JSON: what its strings say is matched, and it stays JSON.

A model may spell any letter as `\\uXXXX`, and whoever parses the answer reads the letter. So the review is given what
the text says, one code point for each that may be covered, and what it releases is spelt again as it came. A code
point that a mask covers becomes one inside its string; outside of strings the syntax stays, and digits become nines.
"""

from __future__ import annotations

import re
from collections import deque

from proxy.review.compile import Kit
from proxy.review.doubts import Doubts
from proxy.review.entry import Action
from proxy.review.reviewer import MASK, Reviewer

__all__ = ["JsonReviewer"]

_SPECIAL = re.compile(r'["\\]')
_HEX = re.compile(r"\\u([0-9a-fA-F]{4})")
_SAYS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_DIGITS = frozenset("0123456789")
_COVERING = (Action.MASK, Action.REPLACE)


class JsonReviewer(Reviewer):
    """A reviewer of JSON text, in pieces of any size. What would be replaced is masked, code point for code point.

    Text that is no JSON is reviewed as well as it can be read. `findings` stand in what the text says.
    """

    def __init__(self, kit: Kit, doubts: Doubts | None = None) -> None:
        super().__init__(kit, doubts)
        # Runs of what was fed and not released: as it came, as it was read, and whether it stands inside a string.
        # An escape is a run of one code point; of all others both spellings are the same.
        self._runs: deque[tuple[str, str, bool]] = deque()
        self._rest = ""
        self._inside = False

    def feed(self, text: str) -> str:
        """Take the next piece; return what is safe to release now."""
        return self._spelt(super().feed(self._read(self._rest + text)))

    def flush(self) -> str:
        """The text has ended; return the rest."""
        cut, self._rest = self._rest, ""
        before = super().feed(self._run(cut, cut)) if cut else ""  # half an escape
        return self._spelt(before + super().flush())

    def _read(self, text: str) -> str:
        """What the text says, up to an escape that is not whole."""
        said, at, self._rest = [], 0, ""
        while at < len(text):
            letter, opens = "", False
            if not self._inside:
                quote = text.find('"', at)
                opens = quote >= 0
                end = quote + 1 if opens else len(text)
            elif text[at] == "\\":
                width, letter = _escape(text, at)
                if not width:
                    self._rest = text[at:]
                    break
                end = at + width
            elif text[at] == '"':
                self._inside, end = False, at + 1
            else:
                special = _SPECIAL.search(text, at)
                end = special.start() if special else len(text)
            raw = text[at:end]
            said.append(self._run(raw, letter or raw))
            self._inside = self._inside or opens
            at = end
        return "".join(said)

    def _run(self, raw: str, said: str) -> str:
        self._runs.append((raw, said, self._inside))
        return said

    def _spelt(self, released: str) -> str:
        """What the review released, as it came."""
        out, at = [], 0
        while at < len(released):
            raw, said, inside = self._runs.popleft()
            part = released[at : at + len(said)]
            at += len(part)
            if len(part) < len(said):  # plain, so it can be cut anywhere
                self._runs.appendleft((raw[len(part) :], said[len(part) :], inside))
                raw, said = raw[: len(part)], said[: len(part)]
            out.append(raw if part == said else _covered(part, said, inside))
        return "".join(out)

    def _edited(self, limit: int) -> str:
        """Masks alone: what is released is as long as what was read."""
        start = self._released
        if limit <= start:
            return ""
        characters = list(self._original.slice(start, limit))
        for one in self._edits:
            first, last = max(one.start, start), min(one.end, limit)
            if one.action in _COVERING and first < last:
                characters[first - start : last - start] = MASK * (last - first)
        self._released = limit
        self._edits = [one for one in self._edits if one.end > limit]
        return "".join(characters)


def _escape(text: str, at: int) -> tuple[int, str]:
    """How long the escape is that begins here, and what it says; (0, "") for one that is not whole."""
    kind = text[at + 1 : at + 2]
    if kind != "u":
        return (2, _SAYS.get(kind, kind)) if kind else (0, "")
    if len(text) < at + 6:
        return 0, ""
    high = _HEX.match(text, at)
    if high is None:
        return 2, "u"
    code = int(high[1], 16)
    if not 0xD800 <= code < 0xDC00:
        return 6, "\ufffd" if 0xDC00 <= code < 0xE000 else chr(code)
    follows = text[at + 6 : at + 8]
    if follows in ("", "\\") or (follows == "\\u" and len(text) < at + 12):
        return 0, ""
    low = _HEX.match(text, at + 6)
    if low is None or not 0xDC00 <= int(low[1], 16) < 0xE000:
        return 6, "\ufffd"  # half a pair
    return 12, chr(0x10000 + ((code - 0xD800) << 10) + int(low[1], 16) - 0xDC00)


def _covered(part: str, said: str, inside: bool) -> str:
    """A run of which masks cover something."""
    if inside:
        return part
    return "".join(c if c == s else "9" if s in _DIGITS else s for c, s in zip(part, said, strict=True))
