"""The pinyin view: how a text sounds, whether in characters, in pinyin or in both.

Every syllable reads as one private-use code point: a Han character as its commonest syllable, a word in Latin
letters as the syllables it divides into, if it does. A Latin word is read when it ends, and only words that may
still be pinyin wait. Symbols between syllables vanish up to the gap that an entry allows.
Three syllables only flag, fewer are not looked for: too much text sounds alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice, product
from typing import cast

from proxy.review.entry import Entry
from proxy.review.judge import Judge, Verdict, allowed
from proxy.review.spelling import BARRIER, NOISE, EvasionJudge, is_sentence_end
from proxy.review.tables import Kind, Tables
from proxy.review.terms import Edge, Term
from proxy.review.views import LONG, LongFold, Reader, SafeView, several
from proxy.review.window import Original, Window

__all__ = ["PinyinJudge", "PinyinReader", "PinyinSight", "Syllables"]

MIN_BLOCK, MIN_FLAG = 4, 3
_FIRST = 0xE000  # the private-use code point of the first syllable
_MAX_WORD = 36  # letters: nobody writes more syllables in one word
_MAX_READINGS = 8  # spellings of one entry
_SPOKEN = re.compile(f"[{chr(_FIRST)}-{chr(0xF8FF)}]+")
_TOKEN = re.compile(f"[{chr(_FIRST)}-{chr(0xF8FF)}]+|[a-z]+|{NOISE}+|{BARRIER}+")


class Syllables:
    """The syllables of Mandarin without tones, and what of a text sounds like which."""

    def __init__(self, tables: Tables) -> None:
        self.names = tuple(tables.syllables)
        self.codes = {name: chr(_FIRST + index) for index, name in enumerate(self.names)}
        self._beginnings = {name[:length] for name in self.names for length in range(1, len(name) + 1)}
        self.of = {c: self.codes[name] for name, characters in tables.syllables.items() for c in characters}
        self._also = tables.also
        self.table = self._fold_table(tables)
        self.long = LongFold(self.table)
        self.several = several(self.table)
        self.divide = lru_cache(maxsize=65536)(self._divide)

    def _fold_table(self, tables: Tables) -> dict[int, int | str | None]:
        def read(safe: str) -> str:
            if safe in self.of or "a" <= safe <= "z":
                return self.of.get(safe, safe)
            return NOISE if tables.kind(safe) == Kind.OTHER and not is_sentence_end(safe) else BARRIER

        table: dict[int, int | str | None] = {}
        codes = {*tables.fold, *range(0x10000, 0x20000), *(ord(c) for c in self.of)}
        for code in codes:
            to = tables.fold.get(code, code)
            if to is not None:
                folded = "".join(map(read, chr(to) if isinstance(to, int) else to))
                table[code] = ord(folded) if len(folded) == 1 else folded
            else:
                table[code] = None
        return table

    def _divide(self, word: str) -> tuple[str, ...] | None:
        """A word in the fewest syllables, the longest first; () if it may still become one; None if never."""
        best: list[tuple[str, ...] | None] = [(), *[None] * len(word)]
        growing = False
        for start in range(len(word)):
            before = best[start]
            if before is None:
                continue
            growing = growing or word[start:] in self._beginnings
            for end in range(min(len(word), start + 6), start, -1):
                reached = best[end]
                if word[start:end] in self.codes and (reached is None or len(reached) > len(before) + 1):
                    best[end] = (*before, word[start:end])
        whole = best[len(word)]
        return whole if whole else () if growing else None

    def may_grow(self, word: str) -> bool:
        """Whether a word that goes on may still divide into syllables."""
        return len(word) <= _MAX_WORD and self.divide(word) is not None

    def spellings(self, entry: Entry, safe: str) -> list[str]:
        """How an entry may sound, as codes; none where it is not all Han, or for kind pinyin not pinyin."""
        if entry.kind == "pinyin":
            words = [self.divide(word) for word in re.findall("[a-z]+", safe)]
            names = [name for word in words if word for name in word]
            return ["".join(self.codes[name] for name in names)] if all(words) else []
        han = [c for c in safe if c in self.of]
        if not han or len(han) != sum(1 for c in safe if not c.isspace()):
            return []
        ways = [(self.of[c], *(self.codes[name] for name in self._also.get(c, ()))) for c in han]
        spellings = ["".join(way) for way in islice(product(*ways), _MAX_READINGS)]
        # Written as one word it may divide elsewhere: xi an is read as xian.
        joined = self.divide("".join(self.names[ord(code) - _FIRST] for code in spellings[0])) or ()
        spellings.append("".join(self.codes[name] for name in joined))
        return list(dict.fromkeys(spellings))


class PinyinReader:
    """Reads one stream; what is added by a piece becomes known with it, but may begin in a word before."""

    __slots__ = (
        "_dead",
        "_last",
        "_noise",
        "_out",
        "_reach",
        "_seen",
        "_sound",
        "_sources",
        "_starts",
        "_word",
    )

    def __init__(self, sound: Syllables, reach: int) -> None:
        self._sound, self._reach = sound, reach
        self._word = ""  # the Latin word that has not ended
        self._sources: list[int] = []  # where its letters stand
        self._dead = False  # it is no pinyin, however it goes on
        self._noise, self._last = 0, BARRIER
        self._out: list[str] = []
        self._starts: Sequence[int] = ()
        self._seen: Sequence[int] = ()

    def read(self, piece: str, at: int) -> str:
        self._out = []
        sound = self._sound
        length = len(piece)
        places: Sequence[int] = range(at, at + length)
        if length < LONG:
            codes = piece.translate(sound.table)
            if len(codes) != length or not sound.several.isdisjoint(piece):
                places = [place for place, c in enumerate(piece, at) for _ in c.translate(sound.table)]
        else:
            codes = sound.long.fold(piece)
            places = (sound.long.origins(piece) + at).tolist()
        if not self._word and _SPOKEN.fullmatch(codes):
            self._noise, self._last = 0, codes[-1]
            self._starts = self._seen = places
            return codes
        self._starts, self._seen = [], []
        for token in _TOKEN.finditer(codes):
            start, end = token.span()
            self._take(token[0], places[start:end])
        return "".join(self._out)

    def _take(self, token: str, places: Sequence[int]) -> None:
        """A run of syllables, letters, noise or barriers."""
        first = token[0]
        if "a" <= first <= "z":
            self._letters(token, places)
            return
        self._close(places[0])
        if first == NOISE:
            before, self._noise = self._noise, self._noise + len(token)
            if before <= self._reach < self._noise:
                self._emit(BARRIER, places[0], places[self._reach - before])
            return
        self._noise = 0
        if first == BARRIER:
            self._emit(BARRIER, places[0], places[0])
            return
        self._out.append(token)
        cast("list[int]", self._starts).extend(places)
        cast("list[int]", self._seen).extend(places)
        self._last = token[-1]

    def _letters(self, letters: str, places: Sequence[int]) -> None:
        if not self._dead:
            self._word += letters
            self._sources.extend(places)
            if not self._sound.may_grow(self._word):
                self._dead = True
                self._emit(BARRIER, places[0], places[0])

    def _close(self, seen: int) -> None:
        """The Latin word has ended before the code point `seen`."""
        if self._word:
            names = () if self._dead else self._sound.divide(self._word)
            if names:
                at = 0
                for name in names:
                    self._emit(self._sound.codes[name], self._sources[at], seen)
                    at += len(name)
            elif not self._dead:
                self._emit(BARRIER, self._sources[0], seen)
            self._word, self._sources, self._dead, self._noise = "", [], False, 0

    def _emit(self, code: str, start: int, seen: int) -> None:
        if code != BARRIER or self._last != BARRIER:
            self._out.append(code)
            cast("list[int]", self._starts).append(start)
            cast("list[int]", self._seen).append(seen)
            self._last = code

    def finish(self) -> str:
        end = self._sources[-1] if self._sources else 0
        self._out, self._starts, self._seen = [], [], []
        self._close(end)
        return "".join(self._out)

    def starts(self) -> Sequence[int]:
        return self._starts

    def seen(self) -> Sequence[int]:
        return self._seen

    def unread(self) -> int | None:
        return self._sources[0] if self._word and not self._dead else None


class PinyinSight:
    """The pinyin view, fit for a set of entries."""

    name = "pinyin"

    def __init__(self, safe: SafeView, tables: Tables, entries: Iterable[Entry]) -> None:
        self._safe, self._tables, self._sound = safe, tables, _syllables(tables)
        self._reach = max((entry.gap for entry in entries if "pinyin" in entry.views), default=3)

    def reader(self) -> Reader:
        return PinyinReader(self._sound, self._reach)

    def judge(self, window: Window, original: Original) -> Judge:
        return PinyinJudge(self._safe, self._tables, self._sound, window, original)

    def terms(self, entry: Entry) -> Iterable[Term]:
        phrases = []
        for phrase in entry.exceptions:
            reader = self.reader()
            phrases.append(reader.read(phrase, 0) + reader.finish())
        for spelling in self._sound.spellings(entry, self._safe.fold(entry.pattern)):
            if len(spelling) >= MIN_FLAG:
                allow = tuple(dict.fromkeys(p for p in phrases if spelling in p))
                yield Term(entry, spelling, spelling, True, Edge.WORD, allow, len(spelling) < MIN_BLOCK)


@lru_cache(maxsize=2)
def _syllables(tables: Tables) -> Syllables:
    return Syllables(tables)


class PinyinJudge:
    """A match stands if no gap in it is too wide and it takes Latin words whole."""

    __slots__ = ("_around", "_kinds", "_original", "_safe", "_sound", "_window")

    def __init__(
        self, safe: SafeView, tables: Tables, sound: Syllables, window: Window, original: Original
    ) -> None:
        self._safe, self._kinds, self._sound = safe, tables.kinds, sound
        self._window, self._original = window, original
        self._around = EvasionJudge(safe, tables, window, original)

    def at_word_start(self, index: int) -> bool:
        place = self._window.start(index)
        return not self._is_latin(place) or self._around.starts_word(place)

    def needs(self, start: int) -> int:
        return self._around.needs(start)

    def verdict(self, term: Term, start: int, end: int, span: tuple[int, int], ended: bool) -> Verdict:
        if term.exceptions:
            base = self._window.base
            covered = allowed(self._window, term, start - base, end - base, ended)
            if covered is not False:
                return None if covered is None else False
        if self._widest_gap(span) > term.entry.gap:
            return False
        last = span[1] - 1
        if not self._is_latin(last):
            return span[1]
        return self._word_end(last, len(self._sound.names[ord(term.folded[-1]) - _FIRST]))

    def _is_latin(self, place: int) -> bool:
        return "a" <= self._safe.fold(self._original.slice(place, place + 1))[:1] <= "z"

    def _widest_gap(self, span: tuple[int, int]) -> int:
        widest = gap = 0
        for safe in self._safe.fold(self._original.slice(*span)):
            gap = gap + 1 if self._kinds[ord(safe)] == Kind.OTHER else 0
            widest = max(widest, gap)
        return widest

    def _word_end(self, place: int, letters: int) -> Verdict:
        """Where the Latin syllable ends that begins at `place`; False if its word goes on."""
        end = 0
        for offset, character in enumerate(self._original.characters(place)):
            for safe in self._safe.fold(character):
                if letters == 0:
                    return end if self._kinds[ord(safe)] != Kind.WORD else False
                letters -= 1
            if letters == 0 and not end:
                end = place + offset + 1
        return end
