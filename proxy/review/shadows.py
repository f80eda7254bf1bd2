"""Shadows: long texts as they are sifted, a coarse reading made by arrays instead of code point by code point.

A shadow keeps less than the reading of a view does, and never something else: what a view finds in a text has
its shadow in the shadow of the text (`tests/review/test_shadows.py`). So a stretch whose shadow holds no shadow
of a term holds no match. Each stop, a code point after which every view begins anew, stays as one line feed:
that is how a place in a shadow leads back to a place in the text.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property, lru_cache
from itertools import groupby, pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from proxy.review.flat import Codes, Numbers, codes_of, differing
from proxy.review.spelling import BARRIER, NOISE, SENTENCE_ENDS, SYMBOLS, code_of, codes_table
from proxy.review.syllables import syllables
from proxy.review.tables import Kind, Tables
from proxy.review.views import SEVERAL, safe_view

__all__ = ["STOP", "SUSPECT", "Cast", "LetterShadow", "Shadow", "SoundShadow", "sentence_ends"]

# What a code point may become besides a code: values that no code point of a text has in a shadow.
_GONE, _NOISE, _BARRIER, _SUSPECT, _SEVERAL = range(5)
_SYMBOLS = {5: "@", 6: "$", 7: "!"}
STOP = ord("\n")
SUSPECT = chr(_SUSPECT)  # stands where a shadow cannot say: to be looked for like a term
_SPACELESS = (Kind.HAN, Kind.UNSPACED, Kind.MARK)
_LONGEST_WORD = 36  # letters that a word in pinyin may have
_MAX_WORDS = 1 << 16


class Cast:
    """The shadow of a text. `kept`: which code points it was made of, one code each; None if it is not so simple.

    `again`: which of those codes are as the one before, in order; they are left out. `symbols`: of the code points, or of what
    they became where it is not so simple, the symbols that stand for letters.
    """

    def __init__(
        self, codes: Codes, kept: NDArray[np.bool_] | None, again: Numbers, symbols: Collection[int]
    ) -> None:
        self.codes, self.kept, self.symbols = codes, kept, symbols
        self._before_again = again - np.arange(
            len(again)
        )  # for each, how many codes before it are not left out

    @cached_property
    def _before_dropped(self) -> Numbers:
        """For each code point that became no code, how many before it did."""
        assert self.kept is not None
        dropped = (~self.kept).nonzero()[0]
        return dropped - np.arange(len(dropped))

    def firsts(self, at: Numbers) -> Numbers:
        """Which codes some codes of the shadow were the first of, told with those that are left out."""
        return at + self._before_again.searchsorted(at, "right")

    def origins(self, firsts: Numbers) -> Numbers:
        """The code points that such codes were, where it is so simple."""
        return firsts + self._before_dropped.searchsorted(firsts, "right")

    def doubled(self) -> Numbers:
        """Which codes stand for several, in order."""
        places = self._before_again - 1
        return places[differing(places)]

    def runs(self, start: int, end: int) -> list[int]:
        """How many codes each of some codes stands for; none of them is the last."""
        return [after - first for first, after in pairwise(self.firsts(np.arange(start, end + 1)).tolist())]


class Shadow(Protocol):
    """Writes texts down coarsely."""

    stops: frozenset[str]
    kept: Collection[str]
    spoken: bool  # terms are syllables, whoever wrote them

    def runs_of(self, written: str) -> list[int]:
        """How often each letter of a term stands one after the other, as it is written."""
        ...

    def mapped(self, text: str) -> Codes:
        """What each code point becomes by itself; a stop becomes STOP."""
        ...

    def cast(self, text: str, mapped: Codes) -> Cast:
        """The shadow of a text that begins behind a stop; `mapped` is used up."""
        ...


@lru_cache(maxsize=2)
def sentence_ends(tables: Tables) -> frozenset[str]:
    """The code points that every reading but that of the plain views takes for the end of a sentence."""
    return frozenset(chr(code) for code in np.flatnonzero(_letters(tables) == STOP).tolist())


class LetterShadow:
    """Letters alone, each run of one letter once, symbols left out: coarser than raw, safe and evasion.

    `kept`: ends of sentences that are no stops, because an entry holds them.
    """

    spoken = False

    def __init__(self, tables: Tables, kept: Collection[str] = ()) -> None:
        self.stops, self.kept = sentence_ends(tables) - frozenset(kept), kept
        self._table, self._kinds, self._fold = _letters(tables), tables.kinds, tables.fold
        self._kept = np.array([ord(character) for character in kept], np.uint32)

    def runs_of(self, written: str) -> list[int]:
        closed = written + min(self.stops)
        cast = self.cast(closed, self.mapped(closed))
        return cast.runs(0, len(cast.codes) - 1)

    def mapped(self, text: str) -> Codes:
        codes = codes_of(text)
        mapped = np.take(self._table, codes, mode="clip")
        if len(self._kept):
            ends = np.flatnonzero(mapped == STOP)
            mapped[ends[np.isin(codes[ends], self._kept)]] = _BARRIER
        return mapped

    def cast(self, text: str, mapped: Codes) -> Cast:
        simple, symbols = True, frozenset[int]()
        if (mapped - _SEVERAL < 4).any():  # or a symbol
            simple = not (mapped == _SEVERAL).any()
            if not simple:
                mapped = self._spread(text, mapped)
            places = np.flatnonzero(mapped - 5 < 3).tolist()
            self._resolve(mapped, places)
            symbols = frozenset(place for place in places if mapped[place] > STOP)
        kept = mapped > _NOISE
        return _once(mapped[kept], kept if simple else None, symbols)

    def _spread(self, text: str, mapped: Codes) -> Codes:
        """What the code points become, those that become several spread out."""
        parts: list[Codes] = []
        start = 0
        for place in np.flatnonzero(mapped == _SEVERAL).tolist():
            folded = text[place].translate(self._fold)
            parts.append(mapped[start:place])
            parts.append(np.array([_letter(safe, self._kinds) for safe in folded], dtype=np.uint32))
            start = place + 1
        return np.concatenate([*parts, mapped[start:]])

    def _resolve(self, mapped: Codes, symbols: Iterable[int]) -> None:
        """Write what the symbols stand for that are letters beside Latin alone."""
        for place in symbols:
            before = place - 1
            while before >= 0 and mapped[before] == _GONE:
                before -= 1
            last = int(mapped[before]) if before >= 0 else _NOISE
            spaceless = last > 10 and self._kinds[last] in _SPACELESS
            code = SYMBOLS[_SYMBOLS[int(mapped[place])]][spaceless]
            # What a symbol was for the next one: no letter, whatever it stands for.
            mapped[place] = {NOISE: _NOISE, BARRIER: _BARRIER}.get(code, ord(code))


class SoundShadow:
    """Syllables alone, of characters and of words in Latin letters, as far apart as they may be, each run of one once."""

    kept: Collection[str] = ()
    spoken = True

    def __init__(self, tables: Tables) -> None:
        self.stops = sentence_ends(tables)
        self._table, self._sound = _sounds(tables), syllables(tables)
        self._likely = _likely(tables)
        self._words: dict[bytes, Codes | None] = {}
        self._apart: dict[bytes, bool] = {}
        self._syllables = [name.encode() for name in tables.syllables if len(name) > 1]

    def runs_of(self, written: str) -> list[int]:
        return [len(list(run)) for _, run in groupby(written)]

    def mapped(self, text: str) -> Codes:
        return np.take(self._table, codes_of(text), mode="clip")

    def cast(self, text: str, mapped: Codes) -> Cast:
        simple = True
        latin = (mapped - 97 < 26).nonzero()[0]
        if len(latin):
            if not mapped.all():
                simple, mapped = False, mapped[mapped != _GONE]
                latin = (mapped - 97 < 26).nonzero()[0]
            self._speak(mapped, latin)
        kept = mapped > _NOISE
        return _once(mapped[kept], kept if simple else None)

    def _speak(self, mapped: Codes, places: NDArray[np.intp]) -> None:
        """Write words that are pinyin as syllables; other letters stay, and match nothing. `places`: of letters."""
        letters = (mapped[places] - 96).astype(np.uint16)
        opens = np.ones(len(places), np.bool_)
        np.not_equal(places[1:], places[:-1] + 1, out=opens[1:])
        starts = opens.nonzero()[0]
        around = np.zeros(len(places) + 2, np.uint16)
        around[1:-1] = letters
        before, after = around[:-2], around[2:].copy()
        after[starts[1:] - 1] = 0
        likely = self._likely[(np.where(opens, 0, before) * 27 + letters) * 27 + after]
        lengths = np.diff(starts, append=len(places))
        chosen = np.logical_and.reduceat(likely, starts) & (lengths <= _LONGEST_WORD)
        written, words = letters.astype(np.uint8).tobytes(), self._words
        for start, length in zip(starts[chosen].tolist(), lengths[chosen].tolist(), strict=True):
            word = written[start : start + length]
            spoken = words[word] if word in words else self._spoken(word)
            if spoken is not None:
                place = int(places[start])
                mapped[place : place + length] = spoken
        alone = starts[lengths == 1]
        if len(alone) > 1:
            self._join(mapped, places[alone], bytes((letters[alone] + 96).tolist()))

    def _join(self, mapped: Codes, alone: NDArray[np.intp], letters: bytes) -> None:
        """Suspect letters that stand alone, one after the other, where a syllable is among them."""
        joined = (
            np.add.reduceat(mapped > _NOISE, alone, dtype=np.int64)[:-1] == 1
        )  # itself, and none up to the next
        if not joined.any():
            return
        ends = np.append(np.flatnonzero(~joined), len(joined)).tolist()
        begin = 0
        for end in ends:
            if end > begin:
                word = letters[begin : end + 1]
                if word not in self._apart:
                    if len(self._apart) >= _MAX_WORDS:
                        self._apart.clear()
                    self._apart[word] = any(name in word for name in self._syllables)
                if self._apart[word]:
                    mapped[alone[begin]] = _SUSPECT
            begin = end + 1

    def _spoken(self, word: bytes) -> Codes | None:
        """The syllables of a word, as many codes as it has letters; None if it is no pinyin."""
        if len(self._words) >= _MAX_WORDS:
            self._words.clear()
        names = self._sound.divide("".join(chr(96 + letter) for letter in word))
        spoken = None
        if names:
            spoken = np.full(len(word), _NOISE, np.uint32)
            spoken[: len(names)] = [ord(self._sound.codes[name]) for name in names]
        self._words[word] = spoken
        return spoken


def _once(codes: Codes, kept: NDArray[np.bool_] | None, symbols: Collection[int] = ()) -> Cast:
    """The shadow of codes, each run of one told once, but for stops."""
    distinct = differing(codes)
    again = (~distinct).nonzero()[0]
    stops = codes.take(again) == STOP
    if stops.any():
        distinct[again[stops]] = True
        again = again[~stops]
    return Cast(codes[distinct] if len(again) else codes, kept, again, symbols)


def _letter(safe: str, kinds: bytes) -> int:
    """What one character of the safe view becomes in a shadow of letters."""
    code = code_of(safe, kinds[ord(safe)])
    if code in (NOISE, BARRIER):
        return _NOISE if code == NOISE else _BARRIER
    return next((value for value, symbol in _SYMBOLS.items() if symbol == code), ord(code))


@lru_cache(maxsize=2)
def _letters(tables: Tables) -> Codes:
    """For each code point what it becomes in a shadow of letters."""
    kinds = np.frombuffer(tables.kinds, np.uint8)
    own = np.arange(len(kinds), dtype=np.uint32)
    own[kinds == Kind.OTHER] = _NOISE
    read = codes_of(codes_table(tables))
    own[: len(read)] = read
    own[own == ord(NOISE)] = _NOISE
    own[own == ord(BARRIER)] = _BARRIER
    for value, symbol in _SYMBOLS.items():
        own[ord(symbol)] = value
    folds = safe_view(tables).lookup()
    several = folds == SEVERAL
    table = own[np.where(several, 0, folds)]
    each = array("I", own.tobytes())
    for code in np.flatnonzero(several).tolist():
        to = tables.fold[code]
        assert not isinstance(to, int)
        table[code] = _become(each, tables.kinds, to or "")
    table[table == _BARRIER] = STOP
    table[0xFF01] = _BARRIER  # the wide exclamation mark never is an i
    return table


def _become(each: Sequence[int], kinds: bytes, folded: str) -> int:
    """What a code point becomes that does not fold to exactly one. `each`: what one of the safe view becomes."""
    values = [each[ord(safe)] for safe in folded]
    letters = [value for value in values if value != _NOISE]
    if not letters:
        return _NOISE if values else _GONE
    plain = len(letters) == 1 and letters[0] > 10
    if plain and (values[-1] == letters[0] or kinds[letters[0]] not in _SPACELESS):
        return letters[0]
    return _SEVERAL


@lru_cache(maxsize=2)
def _sounds(tables: Tables) -> Codes:
    """For each code point what it becomes in a shadow of sounds."""
    kinds = np.frombuffer(tables.kinds, np.uint8)
    own = np.where(kinds == Kind.OTHER, np.uint32(_NOISE), np.uint32(_BARRIER))
    own[[ord(end) for end in (*SENTENCE_ENDS, "!")]] = _BARRIER
    own[97:123] = range(97, 123)
    spoken = syllables(tables).of
    own[list(map(ord, spoken))] = list(map(ord, spoken.values()))
    folds = safe_view(tables).lookup()
    several = folds == SEVERAL
    table = own[np.where(several, 0, folds)]
    each = array("I", own.tobytes())
    for code in np.flatnonzero(several).tolist():
        to = tables.fold[code]
        assert not isinstance(to, int)
        values = {each[ord(safe)] for safe in to} if to else {_GONE}
        table[code] = values.pop() if len(values) == 1 and min(values) <= _BARRIER else _SUSPECT
    table[[ord(stop) for stop in sentence_ends(tables)]] = STOP
    return table


@lru_cache(maxsize=2)
def _likely(tables: Tables) -> NDArray[np.bool_]:
    """Which three letters (1 to 26, 0 for none) may follow each other in words in pinyin."""
    names = set(tables.syllables)
    heads, tails = {name[:2] for name in names} | {"`"}, {name[-2:] for name in names} | {"`"}
    single = {name for name in names if len(name) == 1} | {""}
    before = {tail + one for tail in tails for one in single}
    written = names | before
    written |= {two + one for two in {text[-2:] for text in before} for one in {head[0] for head in heads}}
    written |= {one + head for one in {text[-1] for text in before} for head in heads}
    likely = np.zeros(27**3, np.bool_)
    for text in written:
        for a, b, c in zip(text, text[1:], text[2:], strict=False):
            likely[((ord(a) - 96) * 27 + ord(b) - 96) * 27 + ord(c) - 96] = True
    return likely
