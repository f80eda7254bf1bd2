"""Spacing and commas that may stand or not: a second, weaker channel of `substitution`.

Four choices, each only where both ways are right in careful writing, and never next to a number:

- a space on both sides of a Latin word between Han characters, or none (用 Python 写, 用Python写);
- the comma behind a connective that opens a Chinese sentence before a pronoun (首先，我们; 首先我们);
- the comma behind an English adverb that opens a sentence before its subject (Today, we; Today we);
- the serial comma of a list of nouns (red, white, and blue), where the words before it show that it is a list.

They are weaker than words: whoever sets text in type makes them all alike. A mark adds no unit, and a comma that is optional ends
no clause (`ends_clause`), so that a text has the same clauses with and without it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from labelers.watermarks.pairs import table

__all__ = ["LOOKAHEAD", "Mark", "ends_clause", "marks_in", "may_hold", "optional_commas"]

LOOKAHEAD = 5  # characters behind a comma that say whether it ends a clause

_BLANK = r"[ \t\r\n\u3000\xa0]{0,3}"
_SPACING = re.compile(r"(?<=[\u4e00-\u9fff])( ?)([A-Za-z]{2,20}(?: [A-Za-z]{2,20})?)( ?)(?=[\u4e00-\u9fff])")
_HAN_OPENER = "同时|首先|其次|最后|当然|其实|后来|于是|现在|今天|接下来|与此同时|另一方面"
_HAN_SUBJECT = "我|你|您|他|她|它|这|那|人们|大家"
_HAN_COMMA = re.compile(rf"{_BLANK}(?:{_HAN_OPENER})(，?)(?:{_HAN_SUBJECT})")
_OPENER = "Today|Soon|Later|Instead|Yesterday|Now|Here|In turn|In time|At times|In winter|In summer|In spring|In autumn"
_COMMA = re.compile(rf"{_BLANK}(?:{_OPENER})(,?) (?:the|we|you|they|he|she|it|I|these|there|people)\b")
_OPENED = re.compile(rf"{_BLANK}(?:{_HAN_OPENER}|{_OPENER})\Z")
_OPENED_MAX = 3 + max(map(len, f"{_HAN_OPENER}|{_OPENER}".split("|"))) + 1
_LISTING = re.compile(",(?= (?:and|or) )")
_STARTS = re.compile(r"(?:\A|[。！？.!?\n；;])\s*\Z")

# An item: a noun or two in small letters. What else comes before "and" is no noun for sure.
_NO_ITEM = (
    r"(?!(?:in|on|at|by|for|of|to|with|from|as|if|when|after|before|however|therefore|then|also|but|so|yet|he|she|it|they|we|you|i|"
    r"who|which|that|this|these|those|is|are|was|were|be|not|no|too|though|although|because|since|while|both|either|such|including)\b)"
)
_ITEM = rf"{_NO_ITEM}[a-z]{{3,16}}(?: {_NO_ITEM}[a-z]{{3,16}})?"
_SERIAL = re.compile(rf" {_ITEM}(,?) (?:and|or) ({_ITEM})\b(?=[.;:!?,)]|\Z)")
_LISTED = re.compile(
    rf"(?:\b(?:such as|including|include|includes|like|contains?|between) {_ITEM},|[a-z], {_ITEM},)\Z"
)
_AND = (" and ", " or ")

# What a clause with an optional comma begins with.
_LEADS = frozenset([*" \t\r\n\u3000\xa0", *(word[0] for word in f"{_HAN_OPENER}|{_OPENER}".split("|"))])
_LEAD = re.compile(rf"{_BLANK}(?:(?:{_HAN_OPENER})，?(?:{_HAN_SUBJECT})|(?:{_OPENER}),? )| .* (?:and|or) ")
_LATIN = re.compile("[A-Za-z]")


class Mark(NamedTuple):
    """A choice of spacing or punctuation at [start, end) of a clause. `side` 1: the space or comma is there.

    `kind`: which of the four; `other`: how it is written the other way.
    """

    start: int
    end: int
    kind: int
    side: int
    other: str


def optional_commas(text: str, ends: Sequence[int], start: int) -> list[int]:
    """Those of `ends`, of clauses the first of which begins at `start`, behind commas that may end none.

    The others do. What `ends_clause` cannot know yet is among them.
    """
    found = [
        end
        for start, end in zip([start, *ends], ends, strict=False)
        if text[start] in _LEADS and end - start <= _OPENED_MAX and text[end - 1] in ",，"
    ]
    if ", " in text:
        found += [one.end() for one in _LISTING.finditer(text)]
    tail = text.find(",", max(0, len(text) - LOOKAHEAD))
    while tail >= 0:
        found.append(tail + 1)
        tail = text.find(",", tail + 1)
    return sorted(set(found)) if found else found


def ends_clause(text: str, start: int, end: int) -> bool | None:
    """Whether the comma before `end` ends the clause that begins at `start`; None if more must be seen."""
    comma = text[end - 1]
    if comma == "，":
        return _OPENED.match(text, start, end - 1) is None
    if comma != ",":
        return True
    if _OPENED.match(text, start, end - 1) is not None:
        return False
    after = text[end : end + LOOKAHEAD]
    if after.startswith(_AND):
        return False
    return True if len(after) == LOOKAHEAD or not any(one.startswith(after) for one in _AND) else None


def may_hold(text: str, ends: Sequence[int]) -> set[int]:
    """Which of the clauses, by number, may hold an optional comma or space, as far as a look can tell.

    `ends`: where they end; the first begins where the text does.
    """
    found = {
        which
        for which, start in enumerate([0, *ends[:-1]])
        if text[start] in _LEADS and _LEAD.match(text, start, ends[which]) is not None
    }
    if not text.isascii() and _LATIN.search(text) is not None:
        found.update(bisect_right(ends, one.start(2)) for one in _SPACING.finditer(text))
    return found


def marks_in(text: str, before: str) -> list[Mark]:
    """The marks of one clause, in order. `before`: the end of the text that stands before it."""
    return list(_marks(text, before))


def _marks(text: str, before: str) -> Iterator[Mark]:
    if text.isascii():
        if (found := _COMMA.match(text)) and _STARTS.search(before):
            yield _comma(found, 2, ",")
        elif (found := _SERIAL.match(text)) and _LISTED.search(before):
            yield _comma(found, 3, ",")
        return
    if (found := _HAN_COMMA.match(text)) and _STARTS.search(before):
        yield _comma(found, 1, "，")
    for found in _SPACING.finditer(text):
        word = found[2]
        if found[1] == found[3] and not _may_be_chosen(word):
            yield Mark(found.start(), found.end(), 0, len(found[1]), word if found[1] else f" {word} ")


def _may_be_chosen(word: str) -> bool:
    """Whether a word of the table is in it, which would be one no more right beside a Han character."""
    members = table().members
    return any(one in members or one.lower() in members for one in (word, *word.split()))


def _comma(found: re.Match[str], kind: int, comma: str) -> Mark:
    side = len(found[1])
    return Mark(found.start(1), found.end(1), kind, side, "" if side else comma)
