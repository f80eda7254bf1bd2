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

from proxy.review.casters import Casters
from proxy.review.doubled import DoubledWords, only_doubled
from proxy.review.flat import Codes, Flat, Numbers, among, distinct, text_of
from proxy.review.hashed import HashedWords, hashes_of
from proxy.review.shadows import STOP, SUSPECT, Cast, LetterShadow, Shadow, SoundShadow, sentence_ends
from proxy.review.spelling import MAX_AROUND
from proxy.review.splits import Splits
from proxy.review.tables import Tables
from proxy.review.views import safe_view

__all__ = ["LONG", "Sieve", "Stretch", "letters_of", "sounds_of"]

LONG = 400  # code points from which on sifting is quicker than reading (bench/review.py)
PIECE = 1 << 16  # code points sifted at once (bench/review.py)
_END = np.uint64((1 << 20) - 1)


class Stretch(NamedTuple):
    """[start, end) of a text, to be read.

    `spelled`: the only terms that may stand in it, folded; None if any may. `plain`: the one that is spelled is what
    the stretch reads as, a code each code point: there is nothing left to read.
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
            mapped = self._shadow.mapped(piece)
            ends = (mapped == STOP).nonzero()[0] + 1
            if not len(ends):
                at += len(piece)
                continue
            skip = 0
            if not fresh or begin < at:
                skip, ends = int(ends[0]), ends[1:]
                found.append(Stretch(begin, at + skip))
                fresh = True
            stop = int(ends[-1]) if len(ends) else skip
            found += self._suspected(piece[skip:stop], mapped[skip:stop], at + skip)
            begin = at = at + stop
        found.append(Stretch(begin, len(text)))
        return found

    def _suspected(self, text: str, mapped: Codes, at: int) -> Iterator[Stretch]:
        """Where terms may stand in a text that begins at `at`, behind a stop, and ends with one."""
        cast = self._shadow.cast(text, mapped)
        hits = self._hits(cast)
        if not hits:
            return
        simple = cast.kept is not None
        bounds = np.array([(start, end - 1, end) for start, end, _, _ in hits])
        places = cast.origins(bounds) if simple else bounds.tolist()
        spoken, stops, partial = self._shadow.spoken, self._shadow.stops, self._partial
        segments: dict[int, dict[str, None]] = {}  # to be read whole, by where they begin in the shadow
        ends: Numbers | None = None
        for (start, end, seen, terms), (first, last, after) in zip(hits, places, strict=True):
            if simple and seen not in partial:
                span = text[first : last + 1]
                if spoken and len(terms) == 1 and len(span) == end - start and _is_han(span):
                    yield Stretch(at + first, at + last + 1, terms, True)
                    continue
                before = max(0, first - 1)
                if _is_han(text[last]) and (_is_han(text[before]) or text[before] in stops):
                    yield Stretch(at + before, at + after, terms)
                    continue
            ends = (cast.codes == STOP).nonzero()[0] if ends is None else ends
            segments.setdefault(int(ends.searchsorted(start)), {}).update(dict.fromkeys(terms))
        if segments:
            stop_places = (mapped == STOP).nonzero()[0] + 1
            for line, within in segments.items():
                start = int(stop_places[line - 1]) if line else 0
                end = int(stop_places[line])
                yield Stretch(at + start, at + end, None if SUSPECT in within else tuple(within))

    def _hits(self, cast: Cast) -> list[tuple[int, int, str, Sequence[str]]]:
        """(start, end, shadow, terms that cast it) of what may be terms in a shadow."""
        codes, others, partial = cast.codes, self._others, self._partial
        found: list[tuple[int, int, str, Sequence[str]]] = []
        hits = self._words.find(codes)
        if self._doubled is not None:
            hits += self._doubled.find(codes, cast.doubled())
        for (start, end), seen in zip(hits, _read(codes, hits), strict=True):
            cast_by = others.get(seen)
            terms: Sequence[str] = (seen,) if cast_by is None else tuple(cast_by)
            if cast_by is not None and seen not in partial:
                runs = cast.runs(start, end)
                terms = [term for term in terms if self._is_written(cast_by[term], runs)]
            if terms:
                found.append((start, end, seen, terms))
        if self._splits is not None:
            hits = self._splits.find(codes, self._words)
            found += [(*hit, seen, (seen,)) for hit, seen in zip(hits, _read(codes, hits), strict=True)]
        return found

    def _is_written(self, ways: Sequence[str], runs: Sequence[int]) -> bool:
        """Whether letters stand one after the other as often as they do in one of the ways to write a term."""
        for way in ways:
            if way not in self._runs:
                self._runs[way] = self._shadow.runs_of(way)
            if all(map(ge, runs, self._runs[way])):
                return True
        return False


def _read(codes: Codes, hits: Sequence[tuple[int, int]]) -> list[str]:
    """What stands at some places, all of it read at once."""
    if not hits:
        return []
    bounds = np.array(hits)
    starts, lengths = bounds[:, 0], bounds[:, 1] - bounds[:, 0]
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
    return Sieve(
        shadow,
        HashedWords.of(casts),
        Casters.of(_cast_by(casts, sought)),
        casts.take(np.array(partial, np.int64)).texts(),
        Splits(tables, longest) if splits and longest else None,
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
    words = HashedWords.of(Flat.joined([casts.take(single), Flat.of([SUSPECT])]))
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
