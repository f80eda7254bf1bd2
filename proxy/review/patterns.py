"""Regular expressions of entries: RE2 syntax, matched in linear time, and what may still become a match.

RE2 tells whether a text matches, not whether it could go on to match. So each expression is parsed and written
out again twice: as itself, in the letters of the view, and as the expression of all beginnings of its matches.
Both run in RE2; nothing here can be made to backtrack.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import re2

from proxy.review.checks import EntryError

__all__ = ["Pattern"]

# The parser of the standard library has no public name; its tree has been the same since Python 3.3.
parser: Any = vars(re)["_parser"]
ops: Any = vars(re)["_constants"]

_PROPERTY = re.compile(r"\\[pP](?:\{\^?\w+\}|[A-Z])")
_HEX = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_POSIX = re.compile(r"\[:\^?\w+:\]")
_FIRST_PLACE = 0xF0000  # private-use code points that stand for properties while an expression is parsed
_CATEGORIES = {
    ops.CATEGORY_DIGIT: r"\d", ops.CATEGORY_NOT_DIGIT: r"\D", ops.CATEGORY_SPACE: r"\s",
    ops.CATEGORY_NOT_SPACE: r"\S", ops.CATEGORY_WORD: r"\w", ops.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip
_REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT)
_REFUSED = (
    r"holds an anchor or look-around (^, $, \b …), which cannot be matched while a text is still coming; leave it "
    "out and set the entry's boundary instead"
)


class Pattern:
    """One expression. `narrowest` and `widest`: code points of a match, `widest` None without an end.

    `fold` is how the view reads a letter; `ignore_case` for views that fold case. EntryError for what RE2 does
    not take, for look-around and anchors, and for what can match nothing.
    """

    def __init__(self, source: str, fold: Callable[[str], str], ignore_case: bool) -> None:
        try:
            re2.compile(source, _options())
        except re2.error as error:
            said = error.args[0].decode("utf-8", "replace") if error.args else "cannot be read"
            raise EntryError("pattern", f"is not RE2 syntax: {said}") from None
        if _POSIX.search(source):
            raise EntryError("pattern", r"holds a POSIX class; write it like \d, \w or \p{Han}")
        source = _HEX.sub(lambda found: re.escape(chr(int(found[1], 16))), source)
        self._properties = list(dict.fromkeys(_PROPERTY.findall(source)))
        self._fold = fold
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", FutureWarning
                )  # of sets within sets, which RE2 does not have either
                tree = parser.parse(_PROPERTY.sub(self._stand_in, source))
        except (re.error, OverflowError, RecursionError) as error:
            raise EntryError("pattern", f"cannot be taken apart: {error}") from None
        self.narrowest, widest = tree.getwidth()
        self.widest: int | None = widest if widest < ops.MAXREPEAT else None
        if not self.narrowest:
            raise EntryError("pattern", "matches the empty text, so it would match everywhere")
        flags = "i" if ignore_case or tree.state.flags & re.IGNORECASE else ""
        flags += "s" if tree.state.flags & re.DOTALL else ""
        head = f"(?{flags})" if flags else ""
        try:
            self._whole = re2.compile(head + self._written(tree), _options())
            self._begun = re2.compile(head + self._beginnings(tree), _options())
        except re2.error:
            raise EntryError("pattern", "is too large once its repeats are written out") from None

    def longest(self, text: str) -> int:
        """The length of the longest match that begins with the text; 0 for none."""
        match = self._whole.match(text)
        return int(match.end()) if match else 0

    def matches(self, text: str) -> bool:
        """Whether all of the text is one match."""
        return self._whole.fullmatch(text) is not None

    def may_become(self, text: str) -> bool:
        """Whether the text is a match or the beginning of one."""
        return self._begun.fullmatch(text) is not None

    def _stand_in(self, found: re.Match[str]) -> str:
        return chr(_FIRST_PLACE + self._properties.index(found[0]))

    def _written(self, tree: Any) -> str:
        return "".join(self._item(op, value) for op, value in tree)

    def _item(self, op: Any, value: Any) -> str:
        if op is ops.LITERAL:
            return self._literal(value)
        if op is ops.NOT_LITERAL:
            return f"[^{self._letter(value)}]"
        if op is ops.ANY:
            return "."
        if op is ops.IN:
            return self._set(value)
        if op is ops.BRANCH:
            return "(?:" + "|".join(self._written(way) for way in value[1]) + ")"
        if op is ops.SUBPATTERN:
            return _flagged(value, self._written(value[3]))
        if op in _REPEATS:
            least, most, inner = value
            return f"(?:{self._written(inner)})" + _times(least, most)
        raise EntryError("pattern", _REFUSED)

    def _beginnings(self, tree: Any) -> str:
        """What every beginning of a match is: of the first item, or that item and a beginning of the rest."""
        written = ""
        for op, value in reversed(list(tree)):
            begun = self._begun_item(op, value)
            written = f"(?:{begun}|{self._item(op, value)}{written})" if written else begun
        return written or "(?:)"

    def _begun_item(self, op: Any, value: Any) -> str:
        if op is ops.BRANCH:
            return "(?:" + "|".join(self._beginnings(way) for way in value[1]) + ")"
        if op is ops.SUBPATTERN:
            return _flagged(value, self._beginnings(value[3]))
        if op in _REPEATS:
            _, most, inner = value
            if most == 0:
                return "(?:)"
            before = _times(0, most if most is ops.MAXREPEAT else most - 1)
            return f"(?:(?:{self._written(inner)}){before}{self._beginnings(inner)})"
        return f"(?:{self._item(op, value)})?"

    def _literal(self, code: int) -> str:
        if self._property(code):
            return self._letter(code)
        return "".join(_escaped(ord(c)) for c in self._fold(chr(code))) or _escaped(code)

    def _letter(self, code: int) -> str:
        """One letter within a set."""
        folded = self._fold(chr(code))
        return self._property(code) or _escaped(ord(folded) if len(folded) == 1 else code)

    def _property(self, code: int) -> str:
        place = code - _FIRST_PLACE
        return self._properties[place] if 0 <= place < len(self._properties) else ""

    def _set(self, items: Sequence[tuple[Any, Any]]) -> str:
        parts = []
        for op, value in items:
            if op is ops.NEGATE:
                parts.append("^")
            elif op is ops.RANGE:
                parts.append(f"{_escaped(value[0])}-{_escaped(value[1])}")
            elif op is ops.CATEGORY:
                parts.append(_CATEGORIES[value])
            else:
                parts.append(self._letter(value))
        return f"[{''.join(parts)}]"


def _options() -> re2.Options:
    options = re2.Options()
    options.longest_match = True
    options.log_errors = False
    return options


def _escaped(code: int) -> str:
    return f"\\x{{{code:x}}}"


def _times(least: int, most: Any) -> str:
    if most is ops.MAXREPEAT:
        return f"{{{least},}}"
    return f"{{{least},{most}}}"


def _flagged(value: Any, inner: str) -> str:
    _, added, removed, _ = value
    on = ("i" if added & re.IGNORECASE else "") + ("s" if added & re.DOTALL else "")
    off = ("i" if removed & re.IGNORECASE else "") + ("s" if removed & re.DOTALL else "")
    return f"(?{on}{'-' + off if off else ''}:{inner})"
