"""The pinyin view: how a text sounds, whether in characters, in pinyin or in both.

Every syllable reads as one private-use code point: a Han character as its commonest syllable, a word in Latin
letters as the syllables it divides into, if it does. A Latin word is read when it ends, and only words that may
still be pinyin wait. Symbols between syllables vanish up to the gap that an entry allows, and of characters of one
sound the first stays, so that repeating them hides nothing; `PinyinJudge` looks which they are.
Three syllables only flag, fewer are not looked for: too much text sounds alike. Where what sounds like an entry is
ordinary words, four syllables and more only flag too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate, groupby, pairwise

from proxy.review.columns import Columns
from proxy.review.entry import Entry
from proxy.review.judge import Judge, Match, Span, Verdict, transcribed
from proxy.review.ordinary import AROUND, Ordinary, is_ordinary
from proxy.review.original import Original
from proxy.review.reading import AGE, MAX_KNOWN, Emitted, Mode, Reading, Transcript, back_of
from proxy.review.spelling import BARRIER, LIST_MARKS, NOISE
from proxy.review.syllables import FIRST, MAX_RUN, MIN_BLOCK, MIN_FLAG, Syllables, once, syllables
from proxy.review.tables import Kind, Tables
from proxy.review.terms import Edge, Term
from proxy.review.views import SafeView
from proxy.review.wholesale import Words, pinyin_words

__all__ = ["PinyinJudge", "PinyinReading", "PinyinSight"]


class PinyinReading:
    """The mode: how many symbols came last, the letters of the Latin word that has not ended and their places,
    whether it may begin a word, whether its letters stand apart, whether it is no pinyin however it goes on, whether a
    word may begin here, how many characters of one sound came last.

    What a word is read as comes to light when it ends, so it stands before the code point that ended it. Letters that
    each stand alone are one word if they are pinyin together: s-h-i. Characters of one sound are told once.
    """

    start: Mode = (0, "", (), False, False, False, True, 0)
    alike: dict[int, int] | None

    def __init__(self, safe: SafeView, tables: Tables, sound: Syllables, reach: int) -> None:
        self._fold, self._kinds, self._sound, self._reach = safe.fold, tables.kinds, sound, reach
        self.alike = sound.alike
        self.codes = lru_cache(MAX_KNOWN)(self._codes)

    def _codes(self, character: str) -> Sequence[tuple[str, int]]:
        return [(self._sound.read(safe), self._kinds[ord(safe)]) for safe in self._fold(character)]

    def take(self, mode: Mode, last: str, code: str, kind: int, place: int) -> tuple[Mode, Sequence[Emitted]]:
        if "a" <= code <= "z":
            return self._take_letter(mode, last, code, place)
        noise, word, places, opens, apart, dead, _, run = mode
        following = kind != Kind.WORD
        waits = code == NOISE and noise < self._reach and (apart or len(word) == 1)
        if waits:
            return (noise + 1, word, places, opens, apart, False, following, 0), ()
        emitted = self._word(word, places, opens, apart, last)
        if dead:
            noise = 0
        last = emitted[-1].code if emitted else last
        if code == NOISE:
            far = noise == self._reach
            noise = min(noise, self._reach) + 1
            emitted += self._barrier(last, place) if far else ()
        elif code == last and run:
            noise, run = 0, run % MAX_RUN + 1
            emitted = self._barrier(last, place) if run == 1 else ()
        else:
            noise, run = 0, 0 if code == BARRIER else 1
            emitted += self._barrier(last, place) if code == BARRIER else (Emitted(code, place, True),)
        return (noise, "", (), False, False, False, following, run), emitted

    def _take_letter(self, mode: Mode, last: str, code: str, place: int) -> tuple[Mode, Sequence[Emitted]]:
        noise, word, places, opens, apart, dead, free, _ = mode
        if dead:
            return mode, ()
        emitted: tuple[Emitted, ...] = ()
        if not word:
            opens = free
        elif noise:  # it stands apart from the letter before
            if self._sound.may_grow(word + code):
                return (0, word + code, (*places, place), opens, True, False, False, 0), ()
            emitted = self._word(word, places, opens, apart, last)
            word, places, opens, apart = "", (), True, False
        elif apart:  # with the letter before it begins a word of its own
            emitted = self._word(word[:-1], places[:-1], opens, len(word) > 2, last)
            word, places, opens, apart = word[-1], places[-1:], True, False
        if emitted:
            last = emitted[-1].code
        word, places = word + code, (*places, place)
        if self._sound.may_grow(word):
            return (0, word, places, opens, False, False, False, 0), emitted
        return (0, "", (), False, False, True, False, 0), (*emitted, *self._barrier(last, place))

    def simple(self, character: str) -> str:
        codes = self.codes(character)
        code = codes[0][0] if len(codes) == 1 else NOISE
        return "" if code == NOISE or "a" <= code <= "z" else code

    def settled(self, mode: Mode) -> bool:
        return not mode[1]

    def close(self, mode: Mode) -> Sequence[Emitted]:
        _, word, places, opens, apart, _, _, _ = mode
        return self._word(word, places, opens, apart, "")

    def age(self, mode: Mode) -> Mode:
        noise, word, places, *rest = mode
        return (noise, word, tuple(place + AGE for place in places), *rest) if word else mode

    def rest(self, mode: Mode) -> Mode:
        return mode if mode[1] else (0, *mode[1:-1], 0)

    def waiting(self, mode: Mode) -> int:
        return back_of(mode[2][0]) if mode[1] else 0

    def _word(
        self, word: str, places: Sequence[int], opens: bool, apart: bool, last: str
    ) -> tuple[Emitted, ...]:
        """A Latin word that has ended, as syllables or as something that is none."""
        if not word:
            return ()
        names = self._sound.divide(word)
        if names:
            starts = accumulate(map(len, names), initial=0)
            return tuple(
                Emitted(self._sound.codes[name], places[at], opens and at == 0)
                for name, at in zip(names, starts, strict=False)
            )
        emitted: tuple[Emitted, ...] = ()
        for letter, place in zip(word, places, strict=True) if apart else ():
            emitted += self._word(letter, (place,), True, False, emitted[-1].code if emitted else last)
        return emitted or self._barrier(last, places[0])

    def _barrier(self, last: str, place: int) -> tuple[Emitted, ...]:
        return () if last == BARRIER else (Emitted(BARRIER, place, False),)


class PinyinSight:
    """The pinyin view, fit for a set of entries."""

    name = "pinyin"

    def __init__(self, safe: SafeView, tables: Tables, reach: int) -> None:
        self._safe, self._tables, self._sound = safe, tables, syllables(tables)
        self.reach = reach

    def reading(self) -> Reading:
        return PinyinReading(self._safe, self._tables, self._sound, self.reach)

    def judge(self) -> Judge:
        return PinyinJudge(self._safe, self._tables, self._sound, self.reading())

    def terms(self, entry: Entry) -> Iterable[Term]:
        safe = self._safe.fold(entry.pattern)
        spellings = [one for one in self._sound.spellings(entry, safe) if len(one) >= MIN_FLAG]
        ways = [way for way in self._sound.ways(entry, safe) if len(way) >= MIN_FLAG]
        runs = [way for way in map(once, ways) if len(way) > 1]
        for folded in dict.fromkeys((*spellings, *runs)):
            yield self.term(entry, folded)

    def term(self, entry: Entry, folded: str) -> Term:
        phrases = (self._spoken(phrase) for phrase in entry.exceptions)
        allow = tuple(dict.fromkeys(phrase for phrase in phrases if folded in phrase))
        safe, of = self._safe.fold(entry.pattern), self._sound.of
        spelling = folded
        if folded != "".join([of.get(character, "") for character in safe]):  # nearly always it is
            ways = self._sound.ways(entry, safe)
            spelling = folded if folded in ways else next((way for way in ways if once(way) == folded), "")
        weak = len(spelling or folded) < MIN_BLOCK
        # Sounds that the entry has twice are heard once, but the text must have them.
        least = len(spelling) - _last_run(spelling) + 1
        certain = weak and not allow and spelling == folded  # see PinyinJudge.verdict
        return Term(entry, folded, spelling, True, Edge.WORD, allow, weak, least, certain)

    def _spoken(self, text: str) -> str:
        script = Transcript(self.reading())
        script.read(text)
        script.finish(len(text))
        return script.text

    def words(self, columns: Columns) -> Words:
        return pinyin_words(self._safe.fold_all(columns.flat), columns, self._tables)


class PinyinJudge:
    """A match stands if no gap in it is too wide and it takes Latin words whole; if it is what an entry divides into
    as one word, there has to be such a word: xian is xi an, 先 is not. Where it is ordinary words it is weak.
    """

    context = AROUND

    def __init__(self, safe: SafeView, tables: Tables, sound: Syllables, reading: Reading) -> None:
        self._safe, self._kinds, self._sound, self._reading = safe, tables.kinds, sound, reading
        self._ordinary = Ordinary(safe, tables)
        self._han = lru_cache(MAX_KNOWN)(self._spoken_of)

    def verdict(self, match: Match, original: Original, ended: bool) -> Verdict:
        term = match.term
        if term.exceptions:
            covered = transcribed(self._reading, match, original, ended)
            if covered is not False:
                return None if covered is None else False
        text = original.slice(match.start, match.end)
        if not term.spelling and not self._has_letters(text):
            return False
        # As many code points as syllables: no symbol among them, and no character more than once.
        plain = len(text) == len(term.folded)
        simple = plain and len(term.spelling) <= len(term.folded)
        if not simple and len(text) == len(term.spelling) and self._sounds(text) == term.spelling:
            plain = simple = True
        if len(text) < term.least or not (plain or self._is_one(text, term.entry.gap)):
            return False
        end = self._end(match, original, ended)
        if end is None or end is False:
            return end
        start = match.start
        if not simple:
            skipped = self._skipped(original.slice(start, end), match.end - 1 - start, term)
            if skipped < 0:
                return False
            start += skipped
        weak = not term.flag_only and self._is_ordinary(term.entry, start, end, original, ended)
        if weak is None:
            return None
        return Span(start, end, weak) if weak or start > match.start else end

    def _is_ordinary(
        self, entry: Entry, start: int, end: int, original: Original, ended: bool
    ) -> bool | None:
        """Whether what is written there is ordinary words, none of them the entry's doing."""
        if "words" in entry.folds:
            return False
        beside = self._ordinary.beside(original, start, end, ended)
        return is_ordinary(beside, self._han(entry.pattern), self._ordinary.common)

    def _spoken_of(self, pattern: str) -> str:
        """The characters of a pattern that sound."""
        return "".join(c for c in self._safe.fold(pattern) if c in self._sound.of)

    def _end(self, match: Match, original: Original, ended: bool) -> int | bool | None:
        """Where it ends; False if it goes on."""
        term = match.term
        last = match.end - 1
        if not "a" <= self._safe.fold(original.slice(last, match.end))[:1] <= "z":
            many = _last_run(term.spelling)
            if many > 1 and term.spelling != term.folded:
                return self._run_end(original, last, many, term.entry.gap, ended)
            return match.end
        return self._word_end(
            original, last, len(self._sound.names[ord(term.folded[-1]) - FIRST]), term.entry.gap
        )

    def _sounds(self, text: str) -> str:
        """How characters sound that are written as the safe view reads them; "" for any other."""
        return "".join([self._sound.of.get(character, "") for character in text])

    def _has_letters(self, text: str) -> bool:
        return any("a" <= safe <= "z" for safe in self._safe.fold(text))

    def _is_one(self, text: str, gap: int) -> bool:
        """Whether no gap is too wide, and marks of lists, if any, stand between all characters: else two items of a
        list are taken for one word.
        """
        listed = joined = False
        before, between = "", ""
        for safe in self._safe.fold(text):
            if self._kinds[ord(safe)] == Kind.OTHER:
                between += safe
                continue
            marks = "".join(between.split())
            listed = listed or (marks != "" and LIST_MARKS.issuperset(marks))
            joined = joined or (not between and before in self._sound.of and safe in self._sound.of)
            if len(between) > gap:
                return False
            before, between = safe, ""
        return not (listed and joined)

    def _skipped(self, text: str, last: int, term: Term) -> int:
        """How many code points come before the match itself, characters that only sound like its first; -1 if others
        that sound alike are more than characters of the entry, each as often as one likes. `last`: where its last
        syllable begins.
        """
        script = Transcript(self._reading)
        script.read(text)
        script.finish(len(text))
        runs = [1] * len(term.folded)
        if len(term.spelling) > len(runs):
            runs = [len(list(run)) for _, run in groupby(term.spelling)]
        places = [origin // AGE for origin in script.origins[: len(runs) - 1]]
        skipped = 0
        for at, (begin, stop) in enumerate(pairwise([*places, last])):
            groups = [
                (begin + offset, safe)
                for offset, character in enumerate(text[begin:stop])
                for safe in self._safe.fold(character)
                if self._sound.of.get(safe) == term.folded[at]
            ]
            many = max(1, len(groups))
            begins = [place for (_, before), (place, safe) in pairwise([(0, ""), *groups]) if safe != before]
            if len(begins) > runs[at]:
                if at:
                    return -1
                skipped = begins[-runs[at]]
            elif many < runs[at]:
                return -1
        return skipped

    def _run_end(self, original: Original, place: int, many: int, gap: int, ended: bool) -> int | bool | None:
        """Where so many characters of one sound end that begin at `place`."""
        between, sound = 0, ""
        for offset, character in enumerate(original.characters(place)):
            for safe in self._safe.fold(character):
                spoken = self._sound.of.get(safe, "")
                if self._kinds[ord(safe)] == Kind.OTHER and between < gap:
                    between += 1
                    continue
                sound = sound or spoken
                if spoken != sound:
                    return False
                many, between = many - 1, 0
                if not many:
                    return place + offset + 1
        return False if ended else None

    def _word_end(self, original: Original, place: int, letters: int, gap: int) -> int | bool | None:
        """Where the Latin syllable ends that begins at `place`; False if its word goes on, or its letters stand too
        far apart.
        """
        end = between = 0
        for offset, character in enumerate(original.characters(place)):
            for safe in self._safe.fold(character):
                symbol = self._kinds[ord(safe)] == Kind.OTHER
                if letters == 0:
                    return end if self._kinds[ord(safe)] != Kind.WORD else False
                letters, between = letters - (not symbol), between + 1 if symbol else 0
                if between > gap:
                    return False
            if letters == 0 and not end:
                end = place + offset + 1
        return end


def _last_run(spelling: str) -> int:
    """How often the last syllable of an entry stands at its end."""
    return len(spelling) - len(spelling.rstrip(spelling[-1:]))
