"""The table of pairs as it is read: which words can stand for each other, and where.

A line of `pairs_zh` or `pairs_en` is `a ; guards = b ; guards || guards of both ~ an example that holds a`. A guard is
a regular expression with what it says in front: `L:` must not stand before the word, `R:` must not follow it,
`L+:` must stand before it, `R+:` must follow it, and before `L-:` a plain `L:` does not count (of 会议 and 议). The guards of either word hold for both: where only one of them could stand there is no choice. What follows is seen to the end of the clause, what is before for 48
characters. One space between a word and what a guard names makes no difference.

Strategy. Han words are found by one automaton (double array, in Rust), words of letters by one regular expression; the longest
counts. Guards are asked only where a word stands, most of them plain lists of words that need no regular expression. A pair is
known by a hash of its words, so that a longer table reads old marks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

from daachorse import MATCH_KIND_LEFTMOST_LONGEST, CharwiseDoubleArrayAhoCorasick

from labelers.watermarks import pairs_en, pairs_zh

__all__ = [
    "CONTEXT",
    "Match",
    "Member",
    "Pair",
    "Table",
    "Word",
    "table",
    "words_in",
]

CONTEXT = 48  # characters before a word that its guards see
_PLAIN = re.compile(r"[^\x00-\x7f]+(?:\|[^\x00-\x7f]+)*")
_HEADS = re.compile(
    r"\(\?:\^\|\[((?:[^\]\\^-]|\\n)+)\]\)(?:\|(.*))?"
)  # "(?:^|[,.])": the beginning, or a character
_WORDS = re.compile(r"\\b(?:\(\?:)?([\w' |-]+)\)?")
_LETTER = re.compile(r"[A-Za-z]")
_LONE = re.compile("[\ud800-\udfff]")  # halves of a pair, which no automaton reads


@dataclass(frozen=True, slots=True)
class _Guard:
    """What stands before a word: plain words where they are enough, but those in `unless`, else a regular expression.

    `first`: the beginning of the text too. `endings`: small letters of which some end what the expression finds; none where
    that is not known.
    """

    plain: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    endings: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    first: bool = False

    def before(self, text: str, start: int, last: int) -> bool:
        """Whether it stands before `start`; `last` is `start` without one space."""
        if self.pattern is None:
            if text.endswith(self.plain, 0, last):
                return not text.endswith(self.unless, 0, last)
            return self.first and last == 0
        first = start - CONTEXT if start > CONTEXT else 0
        if self.endings and not text[first:last].lower().endswith(self.endings):
            return False
        return self.pattern.search(text, first, start) is not None


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One word of a pair and where it may stand. `pair`, `side`: which pair and which of its two words it is.

    `other`: the other word; `name`: the pair's. `article`: the other word takes another one, "a" or "an".
    `followed`: called with a text, the end of the word and that of its clause; None if what follows bars it.
    """

    pair: int
    side: int
    other: str
    name: int
    article: bool
    not_before: _Guard | None
    must_before: Sequence[_Guard]
    followed: Callable[[str, int, int], object]

    def preceded(self, text: str, start: int) -> bool:
        """Whether what stands before `start` lets the word be chosen."""
        last = start - text[start - 1 : start].isspace()
        for guard in self.must_before:
            if not guard.before(text, start, last):
                return False
        if self.not_before is not None and self.not_before.before(text, start, last):
            return False
        return not (self.article and _ARTICLE.search(text, max(0, start - CONTEXT), start))


_ARTICLE = re.compile(r"(?<![\w'’-])an?\s+\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two words. `name`: 64 bits that no other pair has. `example`: a sentence with the first of them."""

    words: tuple[str, str]
    name: int
    example: str
    members: tuple[Member, Member]


Match: TypeAlias = tuple[int, int, Member]  # a word at [start, end) of a text, whatever stands beside it


@dataclass(frozen=True, slots=True)
class Table:
    pairs: tuple[Pair, ...]
    members: dict[str, Member]
    find_han: Callable[[str], list[tuple[int, int, int]]]
    han: tuple[Member, ...]
    latin: re.Pattern[str]

    def matches(self, text: str, start: int, end: int) -> list[Match]:
        """The words between `start` and `end`; where two overlap, the first and longest."""
        part = text[start:end]
        if part.isascii():
            return self._latin(text, start, end)
        han = self.han
        try:
            found = self.find_han(part)
        except UnicodeEncodeError:
            found = self.find_han(_LONE.sub(" ", part))
        words = [(first + start, last + start, han[which]) for first, last, which in found]
        if _LETTER.search(part) is None or not (latin := self._latin(text, start, end)):
            return words
        return sorted(words + latin, key=_place) if words else latin

    def fitting(self, text: str, start: int, end: int) -> list[Match]:
        """The words that may be chosen of the clause that stands between `start` and `end`."""
        return [
            match
            for match in self.matches(text, start, end)
            if match[2].followed(text, match[1], end) is not None and match[2].preceded(text, match[0])
        ]

    def _latin(self, text: str, start: int, end: int) -> list[Match]:
        return [
            (one.start(), one.end(), self._member(one[0]))
            for one in self.latin.finditer(text, start, end)
            if not one[0][0].isupper()
            or one[0] in self.members
            or not _in_title(text, one.start(), one.end())
        ]

    def _member(self, word: str) -> Member:
        member = self.members.get(word)
        if member is None:
            word = word.replace("’", "'")
            member = self.members.get(word) or self.members[word[0].lower() + word[1:]]
        return member


def _in_title(text: str, start: int, end: int) -> bool:
    """Whether a word with a capital is part of a name or title, most likely: no sentence begins with it, or another capital follows."""
    follows = text[end : end + 2]
    if text[start : start + 1] != "I" and follows[:1] == " " and follows[1:].isupper():
        return True
    return text[start - 1 : start] == " " and (
        text[start - 2 : start - 1].isalnum() or text[start - 2 : start - 1] in ",&"
    )


def _place(match: Match) -> int:
    return match[0]


class Word(NamedTuple):
    """A word of the table where it may be chosen, [start, end) in its text."""

    start: int
    end: int
    pair: int
    side: int


@lru_cache(maxsize=1)
def table() -> Table:
    """All pairs, compiled once. ValueError: a word that stands in two of them, or "||" twice."""
    pairs: list[Pair] = []
    members: dict[str, Member] = {}
    for line in (*pairs_zh.PAIRS.splitlines(), *pairs_en.PAIRS.splitlines()):
        said, _, example = line.partition(" ~ ")
        said, _, shared = said.partition(" || ")
        if "||" in shared:
            raise ValueError(f"an empty alternative in {line!r}")
        halves = [[part.strip() for part in half.split(" ; ")] for half in said.split(" = ")]
        words = halves[0][0], halves[1][0]
        name = int.from_bytes(blake2b(" = ".join(words).encode(), digest_size=8).digest(), "little")
        article = words[0].isascii() and (words[0][0] in _VOWELS) != (words[1][0] in _VOWELS)
        guards = [[*own, *shared.split(" ; ")] for _, *own in halves]
        never = _before("L:", guards[0] + guards[1], words[0])
        must = [guard for guard in (_before("L+:", own, words[0]) for own in guards) if guard is not None]
        behind = _behind(guards, words[0])
        both = []
        for side, word in enumerate(words):
            if word in members:
                raise ValueError(f"{word!r} stands in two pairs")
            both.append(
                Member(
                    len(pairs),
                    side,
                    words[1 - side],
                    name,
                    article,
                    never,
                    must[:1] if must[1:] == must[:1] else must,
                    behind,
                )
            )
            members[word] = both[side]
        pairs.append(Pair(words, name, example.strip(), (both[0], both[1])))
    han = [word for word in members if not word.isascii()]
    automaton = CharwiseDoubleArrayAhoCorasick(han, MATCH_KIND_LEFTMOST_LONGEST)
    own = tuple(members[word] for word in han)
    return Table(tuple(pairs), members, automaton.find, own, _latin_pattern(members))


_VOWELS = "aeiou"


def _before(mark: str, guards: Sequence[str], word: str) -> _Guard | None:
    """What the guards of one kind say of what stands before a word."""
    said = [guard[len(mark) :] for guard in guards if guard.startswith(mark)]
    if not said:
        return None
    if all(map(_PLAIN.fullmatch, said)):
        plain = "|".join(said)
        unless = [guard[3:] for guard in guards if guard.startswith("L-:") and mark == "L:"]
        return _Guard(
            tuple(dict.fromkeys([*plain.split("|"), *plain.translate(_ASCII).split("|")])),
            unless=tuple("|".join(unless).split("|")) if unless else (),
        )
    if (
        len(said) == 1
        and (heads := _HEADS.fullmatch(said[0]))
        and (not heads[2] or _PLAIN.fullmatch(heads[2]))
    ):
        plain = "|".join([*heads[1].replace("\\n", "\n"), *(heads[2] or "").split("|")]).strip("|")
        return _Guard(
            tuple(dict.fromkeys([*plain.split("|"), *plain.translate(_ASCII).split("|")])), first=True
        )
    pattern = re.compile(rf"(?:{'|'.join(_both(said, word))})\s?\Z", re.IGNORECASE)
    endings = [_WORDS.fullmatch(guard) for guard in said]
    if None in endings:
        return _Guard((), pattern)
    return _Guard((), pattern, tuple("|".join(one[1] for one in endings if one).lower().split("|")))


def _behind(guards: Sequence[Sequence[str]], word: str) -> Callable[[str, int, int], object]:
    """One regular expression for what must and must not follow the words of a pair, whose guards these are."""
    blank = "" if word.isascii() else r"\s?"

    def said(mark: str, own: Sequence[str]) -> str:
        return "|".join(_both([guard[len(mark) :] for guard in own if guard.startswith(mark)], word))

    ahead = [f"(?!{blank}(?:{never}))" for own in guards if (never := said("R:", own))]
    ahead += [f"(?={blank}(?:{must}))" for own in guards if (must := said("R+:", own))]
    pattern = "".join(dict.fromkeys(ahead))
    return re.compile(pattern, re.IGNORECASE if _LETTER.search(pattern) else 0).match


def _both(said: Sequence[str], word: str) -> Iterable[str]:
    return said if word.isascii() else map(_with_ascii, said)


_ASCII = str.maketrans("，。！？；：（", ",.!?;:(")


def _with_ascii(guard: str) -> str:
    """The guard for Chinese with the punctuation of ASCII too, and with wide digits."""
    guard = guard.replace("0-9０-９", "0-9").replace("0-9", "0-9０-９")
    out, inside = "", False
    for at, char in enumerate(guard):
        if char in "[]" and guard[at - 1 : at] != "\\":
            inside = char == "["
        both = char if (other := char.translate(_ASCII)) == char else char + other
        out += both if inside or len(both) == 1 else f"[{both}]"
    return out


def _latin_pattern(members: Iterable[str]) -> re.Pattern[str]:
    """A regular expression that finds the longest of the words of letters; their first letters also as capitals."""
    starts: dict[str, list[str]] = {}
    for word in members:
        if word.isascii():
            starts.setdefault(word[0], []).append(word[1:])
    either = "|".join(
        (f"[{first.upper()}{first}]" if first.islower() else re.escape(first)) + _rest(rests, first)
        for first, rests in starts.items()
    )
    return re.compile(rf"(?<![\w'’-])(?:{either})")


_WHOLE = r"(?![\w’-]|'[A-Za-z])"  # a comma ends a word whatever comes


def _rest(words: Sequence[str], last: str) -> str:
    """How words go on after their common beginning, which ends with `last`."""
    following: dict[str, list[str]] = {}
    for word in words:
        if word:
            following.setdefault(word[0], []).append(word[1:])
    each = [
        ("['’]" if first == "'" else re.escape(first)) + _rest(rests, first)
        for first, rests in following.items()
    ]
    if "" in words:
        each.append("" if last == "," else _WHOLE)
    return each[0] if len(each) == 1 else f"(?:{'|'.join(each)})"


def words_in(text: str, before: str) -> list[Word]:
    """The words of one clause that may be chosen. `before`: the end of the text that stands before it."""
    at = len(before)
    return [
        Word(first - at, last - at, member.pair, member.side)
        for first, last, member in table().fitting(before + text, at, at + len(text))
    ]
