"""Sifting long texts: which stretches of one may hold a match, so that only those are read code point by code point.

After a stop, the end of a sentence that no term holds, every view is at its start again. So a text falls into
segments that have nothing to do with each other, and one whose shadow holds no shadow of a term is passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count
from operator import ge
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from proxy.review.casters import CastBy, Casters
from proxy.review.doubled import DoubledWords, only_doubled
from proxy.review.flat import Codes, Flat, Numbers, among, distinct, text_of
from proxy.review.hashed import BEGINNING, HashedWords, hashes_of
from proxy.review.shadows import STOP, SUSPECT, Cast, LetterShadow, Shadow, SoundShadow, sentence_ends
from proxy.review.spelling import MAX_AROUND
from proxy.review.splits import Splits
from proxy.review.syllables import MAX_RUN
from proxy.review.tables import Tables
from proxy.review.views import safe_view

__all__ = ["LONG", "Sieve", "Stretch", "letters_of", "sounds_of"]

LONG = 400  # code points from which on sifting is quicker than reading (bench/review.py)
SHORT = 6  # code points behind the last stop that are read in any case
PIECE = 1 << 16  # code points sifted at once (bench/review.py)
_END = np.uint64((1 << 20) - 1)


class Stretch(NamedTuple):
    """[start, end) of a text, to be read.

    `spelled`: the only terms that may stand in it, folded; None if any may. `plain`: the one that is spelled is what
    the stretch reads as, each code point by itself: there is nothing left to read.
    """

    start: int
    end: int
    spelled: Sequence[str] | None = None
    plain: bool = False


class Sought(NamedTuple):
    """Terms, folded; and each as `written`, with all the letters that a text must have for it."""

    terms: Flat
    written: Flat

    @classmethod
    def joined(cls, parts: Sequence[Sought]) -> Sought:
        return cls(Flat.joined([part.terms for part in parts]), Flat.joined([part.written for part in parts]))


class Sieve:
    """Sifts texts for some views at once. `words` are the shadows of terms; nearly all terms are their own
    shadow. `others`: by shadow the folded terms that cast it, where that is not the one that looks the same, and for
    each the ways to write it; `partial`: shadows that are those of a part of a term; `doubled`: those whose terms all
    have letters twice are only looked for where a code of the text stands for several.
    """

    def __init__(
        self,
        shadow: Shadow,
        words: HashedWords,
        others: Casters,
        partial: Collection[str] = (),
        splits: Splits | None = None,
        doubled: DoubledWords | None = None,
    ) -> None:
        self._shadow, self._words, self._splits, self._doubled = shadow, words, splits, doubled
        self._runs: dict[str, list[int]] = {}
        self._stop = min(shadow.stops)
        self._partial = frozenset((SUSPECT, *partial))
        self._others = others

    @property
    def about(self) -> dict[str, Any]:
        """What is to be kept besides."""
        return {
            "kept": sorted(self._shadow.kept),
            "partial": sorted(self._partial - {SUSPECT}),
            "longest": self._splits.longest if self._splits is not None else 0,
            "doubled": self._doubled is not None,
        }

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """And the words."""
        doubled = self._doubled.arrays(name) if self._doubled is not None else {}
        return self._words.arrays(name) | self._others.arrays(name) | doubled

    @classmethod
    def of_arrays(
        cls, name: str, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], tables: Tables
    ) -> Sieve:
        """The sieve "letters" or "sounds" as it was kept. KeyError, ValueError for arrays that are no words."""
        shadow = LetterShadow(tables, about["kept"]) if name == "letters" else SoundShadow(tables)
        splits = Splits(tables, about["longest"]) if about["longest"] else None
        doubled = DoubledWords.of_arrays(arrays, name) if about["doubled"] else None
        words, others = HashedWords.of_arrays(arrays, name), Casters.of_arrays(arrays, name)
        return cls(shadow, words, others, about["partial"], splits, doubled)

    def stretches(self, text: str, fresh: bool) -> list[Stretch]:
        """What is to be read of a text: a stretch that begins at 0 from the present state, each other one from
        the start. Reading goes on after the last, which goes to the end of the text.

        `fresh`: the present state is the start.
        """
        found: list[Stretch] = []
        begin = at = 0
        while at < len(text):
            piece = text[at : at + PIECE]
            many, last = len(piece), at + len(piece) == len(text)
            if last:
                piece += self._stop  # so that what stands behind the last stop is sifted too
            mapped = self._shadow.mapped(piece)
            stops = (mapped == STOP).tobytes()
            skip, stop = 0, stops.rfind(1, 0, many) + 1
            if not stop:
                at += many
                continue
            if not fresh or begin < at:
                skip = stops.find(1) + 1
                found.append(Stretch(begin, at + skip))
                fresh = True
            begin, end = at + stop, len(piece) if last and stop < many else stop
            if skip < end:
                sifted = piece[skip:end], mapped[skip:end], stops[skip:end]
                suspected, rest = self._suspected(*sifted, at + skip, stop - skip)
                found += suspected
                begin = at + skip + rest
            if last:
                break
            at += stop
        found.append(Stretch(begin, len(text)))
        return found

    def _suspected(
        self, text: str, mapped: Codes, stops: bytes, at: int, stop: int
    ) -> tuple[list[Stretch], int]:
        """Where terms may stand in a text that begins at `at`, behind a stop, and ends with one; and from where on what
        stands behind `stop` is to be read, counted as `stop` is.

        `stops`: for each code point whether it is one; `stop`: where the last begins that may go on otherwise.
        """
        cast = self._shadow.cast(text, mapped)
        hits, split, begun = self._hits(cast)
        found: list[Stretch] = []
        segments: dict[tuple[int, int], dict[str, None]] = {}  # to be read whole
        open_ended, partial, ends = True, self._partial, self._shadow.stops
        lines = None if cast.kept is not None else _Lines(cast.codes, stops)
        for word, terms, start, first, last, after, alone in self._told(cast, hits, split):
            if lines is not None:
                segment = lines.around(start)
            elif word in partial or first >= stop:
                segment = stops.rfind(1, 0, first) + 1, stops.find(1, last) + 1
            elif alone and word in terms and last < first + MAX_RUN and _is_han(text[first : last + 1]):
                found.append(Stretch(at + first, at + last + 1, (word,), True))
                continue
            else:
                before = max(0, first - 1)
                if _is_han(text[last]) and (_is_han(text[before]) or text[before] in ends):
                    found.append(Stretch(at + before, at + after, terms))
                    continue
                segment = stops.rfind(1, 0, first) + 1, stops.find(1, last) + 1
            if segment[0] < stop:
                segments.setdefault(segment, {}).update(dict.fromkeys(terms))
            else:
                open_ended = False
        for (start, end), within in segments.items():
            found.append(Stretch(at + start, at + end, None if SUSPECT in within else tuple(within)))
        return found, self._rest(text, stop, cast, begun) if open_ended and stop < len(text) else stop

    def _told(
        self, cast: Cast, hits: Numbers, split: NDArray[np.bool_]
    ) -> Iterator[tuple[str, Sequence[str], int, int, int, int, bool]]:
        """The shadows that stand at some places and the terms that may cast them there, for those that may: word, terms,
        where it begins in the shadow, the code points of its first, of its last and of the next letter, and whether it
        is syllables with nothing between. Where the shadow is not so simple, the code points are none.
        """
        if not len(hits):
            return
        starts, ends = hits[:, 0], hits[:, 1]
        firsts = cast.firsts(np.array((starts, ends - 1, ends)))
        places, alone = firsts, np.zeros(len(hits), np.bool_)
        if cast.kept is not None:
            places = cast.origins(firsts)
            if self._shadow.spoken:
                alone = places[1] - places[0] == firsts[1] - firsts[0]
        many = (firsts[2] - firsts[0]).tolist()
        told = (starts.tolist(), *places.tolist(), many, split.tolist(), alone.tolist())
        others = self._others
        for word, start, first, last, after, letters, is_split, is_alone in zip(
            _read(cast.codes, hits), *told, strict=True
        ):
            terms: Sequence[str] = (word,)
            cast_by = None if is_split else others.get(word)
            if cast_by is not None:
                runs = [1] * len(word) if letters == len(word) else cast.runs(start, start + len(word))
                if cast.symbols and (cast.kept is None or after in cast.symbols):
                    runs[-1] = MAX_RUN  # that symbol may as well stand between two of the last letter
                terms = self._terms(word, cast_by, runs)
                if not terms:
                    continue
            yield word, terms, start, first, last, after, is_alone

    def _rest(self, text: str, stop: int, cast: Cast, begun: Sequence[tuple[Numbers, int]]) -> int:
        """From where on what stands behind the last stop is to be read, where no term is in it: whatever stands before
        can be no part of one. There and before is a character that every view reads by itself, and one at the end.

        A term that goes on behind the text has its shadow in that of the text with what is left of it, so its first
        letters are told, unless they are the last. `begun`: places where terms may begin as far as three letters tell,
        in order, and how many letters before.
        """
        letters = len(text) - 1 - stop
        if letters <= SHORT or cast.kept is None or len(self._partial) > 1 or not _is_han(text[-2]):
            return stop
        end = len(cast.codes) - 1
        ahead = cast.codes[max(0, end - letters - 1) : end]
        begin = end - len(ahead) + int((ahead == STOP).nonzero()[0].max(initial=-1)) + 1
        rest = end - BEGINNING
        for places, before in begun:
            later = places[places.searchsorted(begin) :]
            if len(later):
                rest = min(rest, int(later[0]) - before)
        for place in reversed(cast.origins(cast.firsts(np.arange(begin + 1, rest + 1))).tolist()):
            if _is_han(text[place - 1 : place + 1]):
                return int(place)
        return stop

    def _hits(self, cast: Cast) -> tuple[Numbers, NDArray[np.bool_], list[tuple[Numbers, int]]]:
        """(start, end) of what may be words in a shadow, [n, 2], and which have a character written as two; what `_rest`
        is told of beginnings.
        """
        codes, words, splits = cast.codes, self._words, self._splits
        pairs = words.pairs(codes) if splits is not None else None
        starts = words.starts(codes, pairs)
        begun = [(starts.more, 0)]
        parts = [words.find(codes, np.concatenate(starts) if len(starts.two) else starts.more)]
        if self._doubled is not None:
            parts.append(self._doubled.find(codes, cast.doubled()))
        many = sum(map(len, parts))
        if splits is not None and pairs is not None:
            places, wholes = splits.places(codes, pairs)
            if len(places):
                parts.append(splits.find(codes, words, places, wholes, starts.more))
                begun.append((places, BEGINNING - 1))
        hits = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return hits, np.arange(len(hits)) >= many, begun

    def _terms(self, word: str, cast_by: CastBy, runs: Sequence[int]) -> Sequence[str]:
        """The terms that may stand where their shadow does. `runs`: how many letters each of its own stands for."""
        if word in self._partial:
            return tuple(cast_by)
        return [term for term, ways in cast_by.items() if self._is_written(ways, runs)]

    def _is_written(self, ways: Sequence[str], runs: Sequence[int]) -> bool:
        """Whether letters stand one after the other as often as they do in one of the ways to write a term."""
        for way in ways:
            if way not in self._runs:
                self._runs[way] = self._shadow.runs_of(way)
            if all(map(ge, runs, self._runs[way])):
                return True
        return False


class _Lines:
    """The segments of a text whose shadow has not one code for each code point: only their number leads back."""

    def __init__(self, codes: Codes, stops: bytes) -> None:
        self._ends = (codes == STOP).nonzero()[0]
        self._stops = np.frombuffer(stops, np.bool_).nonzero()[0] + 1

    def around(self, place: int) -> tuple[int, int]:
        """The segment of the text that a place in its shadow is of."""
        line = int(self._ends.searchsorted(place))
        return int(self._stops[line - 1]) if line else 0, int(self._stops[line])


def _read(codes: Codes, hits: Numbers) -> list[str]:
    """What stands at some places, of which there is one at least, all of it read at once."""
    starts, lengths = hits[:, 0], hits[:, 1] - hits[:, 0]
    width = int(lengths.max())
    text = text_of(codes.take(starts[:, None] + np.arange(width), mode="clip"))
    return [text[at : at + length] for at, length in zip(count(0, width), lengths.tolist())]


def _is_han(text: str) -> bool:
    """Whether a text is of characters that every view reads each by itself, and that are no letters of a word."""
    return min(text) >= "\u3400" and max(text) <= "\u9fff"


def letters_of(sought: Sought, plain: Flat, tables: Tables, *, splits: bool) -> Sieve | None:
    """The sieve of the views raw, safe and evasion; None if a term casts no shadow.

    `sought`: what they look for; `plain`: the part of raw and safe, which may hold the end of a sentence; `splits`:
    those of evasion are looked for with one of their characters written as two, too.
    """
    safe = safe_view(tables)
    used = set(text_of(distinct(np.concatenate([plain.codes, safe.fold_all(plain).codes]))))
    kept = [stop for stop in sentence_ends(tables) if used.intersection((stop, *safe.fold(stop)))]
    shadow = LetterShadow(tables, kept)
    if not shadow.stops:
        return None
    certain, partial = _certain_parts(safe.fold_all(sought.terms))
    spelled = text_of(_closed(certain, ord(min(shadow.stops))))
    casts = _lines(shadow.cast(spelled, shadow.mapped(spelled)).codes)
    if not casts.lengths.all():
        return None
    longest = min(MAX_AROUND, int(casts.lengths.max(initial=0)))
    around = Splits(tables, longest) if splits and longest else None
    return Sieve(
        shadow,
        HashedWords.of(casts, around.hashes if around is not None else None),
        Casters.of(_cast_by(casts, sought)),
        casts.take(np.array(partial, np.int64)).texts(),
        around,
    )


def _lines(codes: Codes) -> Flat:
    """The shadows of texts, each closed by a stop."""
    ends = np.flatnonzero(codes == STOP)
    return Flat.of_lengths(codes[codes != STOP], np.diff(ends, prepend=-1) - 1)


def _certain_parts(folded: Flat) -> tuple[Flat, Sequence[int]]:
    """The parts of spellings that always cast the same shadow, and which of them are less than the whole."""
    rows, codes = folded.rows(), folded.codes
    odd = np.zeros(len(folded.starts) - 1, np.bool_)
    odd[rows[codes == ord("!")]] = True
    odd[rows[np.isin(codes, [ord("@"), ord("$")])]] = True
    if not odd.any():
        return folded, ()
    texts = folded.texts()
    parts = [_certain(text) for text in texts]
    return Flat.of(parts), [row for row, part in enumerate(parts) if part != texts[row]]


def _closed(texts: Flat, stop: int) -> Codes:
    """The texts one after the other, each followed by a stop."""
    many = np.arange(len(texts.starts) - 1)
    codes = np.zeros(len(texts.codes) + len(many), np.uint32)
    codes[np.arange(len(texts.codes)) + texts.rows()] = texts.codes
    codes[texts.starts[1:] + many] = stop
    return codes


def _certain(spelling: str) -> str:
    """The longest part of a spelling that always casts the same shadow."""
    if "!" not in spelling and spelling[:1] not in ("@", "$"):
        return spelling
    parts = (part.lstrip("@$") for part in spelling.split("!"))
    return max(parts, key=lambda part: sum(map(str.isalnum, part)))


def sounds_of(sought: Sought, tables: Tables) -> Sieve:
    """The sieve of the pinyin view: every term is its own shadow, but for sounds that it has twice."""
    terms, rows = sought.terms, sought.terms.rows()
    once = np.ones(len(rows), np.bool_)
    once[1:] = (terms.codes[1:] != terms.codes[:-1]) | (rows[1:] != rows[:-1])
    casts = Flat.of_lengths(terms.codes[once], np.bincount(rows[once], minlength=len(terms.lengths)))
    others = _cast_by(casts, sought)
    doubled = Flat.of([cast for cast, by in others.items() if only_doubled(cast, by.values())])
    single = np.flatnonzero(~among(hashes_of(casts), hashes_of(doubled)))
    begun = doubled.take(np.flatnonzero(doubled.lengths >= BEGINNING))
    words = HashedWords.of(Flat.joined([casts.take(single), Flat.of([SUSPECT])]), begun=begun)
    shadow = SoundShadow(tables)
    around = DoubledWords.of(others, shadow.runs_of) if len(doubled.lengths) else None
    return Sieve(shadow, words, Casters.of(others), doubled=around)


def _cast_by(casts: Flat, sought: Sought) -> dict[str, dict[str, list[str]]]:
    """By shadow the terms that cast it and how each is written, where one is not the shadow itself."""
    others: dict[str, dict[str, list[str]]] = {}
    plainly = casts.equal(sought.terms) & casts.equal(sought.written)
    odd = np.flatnonzero(~plainly)
    looks = (one.take(odd).texts() for one in (casts, sought.terms, sought.written))
    for cast, term, written in zip(*looks, strict=True):
        others.setdefault(cast, {}).setdefault(term, []).append(written)
    # Nearly all that are plainly written are no others: few have a hash that ends as one of these does.
    hashes = hashes_of(casts)
    ends = np.zeros(1 << 20, np.bool_)
    ends[hashes[odd] & _END] = True
    alike = np.flatnonzero(plainly & ends[hashes & _END])
    for cast in others.keys() & set(casts.take(alike).texts()):
        others[cast].setdefault(cast, []).append(cast)
    return others
