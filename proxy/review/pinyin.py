"""The pinyin view: how a text sounds, whether in characters, in pinyin or in both.

Every syllable reads as one private-use code point: a Han character as its commonest syllable, a word in Latin
letters as the syllables it divides into, if it does. A Latin word is read when it ends, and only words that may
still be pinyin wait. Symbols between syllables vanish up to the gap that an entry allows.
Three syllables only flag, fewer are not looked for: too much text sounds alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate, islice, product

from proxy.review.entry import Entry
from proxy.review.judge import Judge, Match, Verdict, transcribed
from proxy.review.original import Original
from proxy.review.reading import AGE, MAX_KNOWN, Emitted, Mode, Reading, Transcript, back_of
from proxy.review.spelling import BARRIER, NOISE, is_sentence_end
from proxy.review.tables import Kind, Tables
from proxy.review.terms import Edge, Term
from proxy.review.views import SafeView

__all__ = ["FIRST", "PinyinJudge", "PinyinReading", "PinyinSight", "Syllables", "syllables"]

MIN_BLOCK, MIN_FLAG = 4, 3
FIRST = 0xE000  # the private-use code point of the first syllable
_MAX_WORD = 36  # letters: nobody writes more syllables in one word
_MAX_READINGS = 8  # spellings of one entry


class Syllables:
    """The syllables of Mandarin without tones, and what of a text sounds like which."""

    def __init__(self, tables: Tables) -> None:
        self.names = tuple(tables.syllables)
        self.codes = {name: chr(FIRST + index) for index, name in enumerate(self.names)}
        self._beginnings = {name[:length] for name in self.names for length in range(1, len(name) + 1)}
        self.of = {c: self.codes[name] for name, characters in tables.syllables.items() for c in characters}
        self._first = {code: ord(c) for c, code in reversed(self.of.items())}
        self._also, self._kinds, self._fold = tables.also, tables.kinds, tables.fold
        self.divide = lru_cache(maxsize=65536)(self._divide)

    def read(self, safe: str) -> str:
        """How one character of the safe view reads: a syllable, a Latin letter, a symbol or a barrier."""
        if safe in self.of or "a" <= safe <= "z":
            return self.of.get(safe, safe)
        return NOISE if self._kinds[ord(safe)] == Kind.OTHER and not is_sentence_end(safe) else BARRIER

    @cached_property
    def alike(self) -> dict[int, int]:
        """For every code point of the BMP one that sounds the same: the first of its syllable."""
        alike = dict(zip(range(0x10000), range(0x10000), strict=True))
        for code in alike:
            folded = self._fold.get(code)
            spoken = self.of.get(chr(folded)) if isinstance(folded, int) else None
            if spoken is not None:
                alike[code] = self._first[spoken]
        return alike

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
        joined = self.divide("".join(self.names[ord(code) - FIRST] for code in spellings[0])) or ()
        spellings.append("".join(self.codes[name] for name in joined))
        return list(dict.fromkeys(spellings))


class PinyinReading:
    """The mode: how many symbols came last, the letters of the Latin word that has not ended and their places,
    whether it may begin a word, whether it is no pinyin however it goes on, whether a word may begin here.

    What a word is read as comes to light when it ends, so it stands before the code point that ended it.
    """

    start: Mode = (0, "", (), False, False, True)
    alike: dict[int, int] | None

    def __init__(self, safe: SafeView, tables: Tables, sound: Syllables, reach: int) -> None:
        self._fold, self._kinds, self._sound, self._reach = safe.fold, tables.kinds, sound, reach
        self.alike = sound.alike
        self.codes = lru_cache(MAX_KNOWN)(self._codes)

    def _codes(self, character: str) -> Sequence[tuple[str, int]]:
        return [(self._sound.read(safe), self._kinds[ord(safe)]) for safe in self._fold(character)]

    def take(self, mode: Mode, last: str, code: str, kind: int, place: int) -> tuple[Mode, Sequence[Emitted]]:
        noise, word, places, opens, dead, free = mode
        following = kind != Kind.WORD
        if "a" <= code <= "z":
            if dead:
                return (noise, "", (), False, True, following), ()
            opens = opens if word else free
            word, places = word + code, (*places, place)
            if self._sound.may_grow(word):
                return (noise, word, places, opens, False, following), ()
            return (noise, "", (), False, True, following), self._barrier(last, place)
        emitted = self._word(word, places, opens, last, place)
        if word or dead:
            noise = 0
        last = emitted[-1].code if emitted else last
        if code == NOISE:
            far = noise == self._reach
            noise = min(noise, self._reach) + 1
            emitted += self._barrier(last, place) if far else ()
        else:
            noise = 0
            emitted += self._barrier(last, place) if code == BARRIER else (Emitted(code, place, True),)
        return (noise, "", (), False, False, following), emitted

    def simple(self, character: str) -> str:
        codes = self.codes(character)
        code = codes[0][0] if len(codes) == 1 else NOISE
        return "" if code == NOISE or "a" <= code <= "z" else code

    def settled(self, mode: Mode) -> bool:
        return not mode[1]

    def close(self, mode: Mode) -> Sequence[Emitted]:
        _, word, places, opens, _, _ = mode
        return self._word(word, places, opens, "", places[-1]) if word else ()

    def age(self, mode: Mode) -> Mode:
        noise, word, places, *rest = mode
        return (noise, word, tuple(place + AGE for place in places), *rest) if word else mode

    def rest(self, mode: Mode) -> Mode:
        return (0, *mode[1:])

    def waiting(self, mode: Mode) -> int:
        return back_of(mode[2][0]) if mode[1] else 0

    def _word(
        self, word: str, places: Sequence[int], opens: bool, last: str, place: int
    ) -> tuple[Emitted, ...]:
        """A Latin word that has ended, as syllables or as something that is none."""
        if not word:
            return ()
        names = self._sound.divide(word)
        if not names:
            return self._barrier(last, places[0])
        starts = accumulate(map(len, names), initial=0)
        return tuple(
            Emitted(self._sound.codes[name], places[at], opens and at == 0)
            for name, at in zip(names, starts, strict=False)
        )

    def _barrier(self, last: str, place: int) -> tuple[Emitted, ...]:
        return () if last == BARRIER else (Emitted(BARRIER, place, False),)


class PinyinSight:
    """The pinyin view, fit for a set of entries."""

    name = "pinyin"

    def __init__(self, safe: SafeView, tables: Tables, entries: Iterable[Entry]) -> None:
        self._safe, self._tables, self._sound = safe, tables, syllables(tables)
        self._reach = max((entry.gap for entry in entries if "pinyin" in entry.views), default=3)

    def reading(self) -> Reading:
        return PinyinReading(self._safe, self._tables, self._sound, self._reach)

    def judge(self) -> Judge:
        return PinyinJudge(self._safe, self._tables, self._sound, self.reading())

    def terms(self, entry: Entry) -> Iterable[Term]:
        phrases = []
        for phrase in entry.exceptions:
            script = Transcript(self.reading())
            script.read(phrase)
            script.finish(len(phrase))
            phrases.append(script.text)
        for spelling in self._sound.spellings(entry, self._safe.fold(entry.pattern)):
            if len(spelling) >= MIN_FLAG:
                allow = tuple(dict.fromkeys(p for p in phrases if spelling in p))
                yield Term(entry, spelling, spelling, True, Edge.WORD, allow, len(spelling) < MIN_BLOCK)


@lru_cache(maxsize=2)
def syllables(tables: Tables) -> Syllables:
    """The syllables of these tables."""
    return Syllables(tables)


class PinyinJudge:
    """A match stands if no gap in it is too wide and it takes Latin words whole."""

    def __init__(self, safe: SafeView, tables: Tables, sound: Syllables, reading: Reading) -> None:
        self._safe, self._kinds, self._sound, self._reading = safe, tables.kinds, sound, reading

    def verdict(self, match: Match, original: Original, ended: bool) -> Verdict:
        term = match.term
        if term.exceptions:
            covered = transcribed(self._reading, match, original, ended)
            if covered is not False:
                return None if covered is None else False
        # As many code points as syllables: no symbol among them.
        length = match.end - match.start
        if (
            length > len(term.folded)
            and self._widest_gap(original.slice(match.start, match.end)) > term.entry.gap
        ):
            return False
        last = match.end - 1
        if not "a" <= self._safe.fold(original.slice(last, match.end))[:1] <= "z":
            return match.end
        return self._word_end(original, last, len(self._sound.names[ord(term.folded[-1]) - FIRST]))

    def _widest_gap(self, text: str) -> int:
        widest = gap = 0
        for safe in self._safe.fold(text):
            gap = gap + 1 if self._kinds[ord(safe)] == Kind.OTHER else 0
            widest = max(widest, gap)
        return widest

    def _word_end(self, original: Original, place: int, letters: int) -> Verdict:
        """Where the Latin syllable ends that begins at `place`; False if its word goes on."""
        end = 0
        for offset, character in enumerate(original.characters(place)):
            for safe in self._safe.fold(character):
                if letters == 0:
                    return end if self._kinds[ord(safe)] != Kind.WORD else False
                letters -= 1
            if letters == 0 and not end:
                end = place + offset + 1
        return end
