"""Fingerprints: what is left to recognise an answer by when every mark is gone. Finds, keeps no text.

Strategy. A text becomes *units*: single characters where a script has no spaces (Han, kana, Hangul, Thai),
else words; folded (NFKC, lower case, no accents), without anything invisible. Every run of four characters
or three words is a *gram*; each gram goes through AES under a key of the installation, a pseudo-random
permutation, so that nobody without the key can tell which words a value stands for. Of those values the
ones below a threshold are kept (FracMinHash: Irber et al. 2022; the fingerprints of Schleimer et al. 2003
without their window): the same grams of any excerpt, wherever it was cut.

A look-up looks for the stretch of the text that speaks most for one answer. A gram that both have counts
-log2 of how often it stands in answers at all (less where it overlaps the one before), for that is how
unlikely chance is to bring it; a gram that only the text has counts a little against, as much as with three
words in ten edited. The sum must beat the number of stored answers and of places where a stretch can begin by
`MARGIN_BITS`. How common a gram is, a store that is still small cannot know, and texts on one subject share
phrases: so no gram counts for more than a bound (`_MOST_BITS`). It grows with the store as what must be beaten does, so
that about as many grams of an excerpt are needed among a million answers as among a thousand.

It says "logged by this service": a text that a client let our model repeat was logged as well.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from detectors.detection import Detection, Outcome

__all__ = [
    "MIN_CHARACTERS",
    "MIN_WORDS",
    "FingerprintDetector",
    "Fingerprinter",
    "Hits",
    "Index",
    "Shared",
    "Sketch",
]

TECHNIQUE = "fingerprint (keyed MinHash of text units)"
MIN_CHARACTERS = 40  # what people are told: punctuation counts for them, and is no unit
MIN_WORDS = 25
_FEWEST_CHARACTERS = 27
_FEWEST_WORDS = 20
MARGIN_BITS = 12.0
_MOST_BITS = 6.0  # and half of the bits that number the stored answers
_HIT = 2.0  # -log2 of the chance that a gram of four is left whole where three units in ten are edited
_MISS = 0.4  # the same of the chance that it is not
_CHARACTER_GRAM = 4
_WORD_GRAM = 3
_CHARACTER_SHARE = 1 / 3  # of grams that begin with a character are kept
_WORD_SHARE = 2 / 3  # a text has far fewer words than characters
_PRIOR_ANSWERS = 4096  # how common a gram is, is not known from fewer answers
_MOST_ANSWERS = 5  # that one text is traced to
_CANDIDATES = 64  # answers looked at closely, those with most grams in common
_MOST_VALUES = 400  # of more (from about 1,200 characters on) so many are looked up, evenly spread

Values = npt.NDArray[np.uint32]
Words = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]

# How a code point counts. A separator ends a word; what is ignored is not there at all.
_SEPARATOR, _CHARACTER, _WORD, _IGNORED = 0, 1, 2, 3
_CHARACTERS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),
    (0x3040, 0x30FF),  # kana
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3),  # Hangul
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_INVISIBLE = (0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0)

_ODD = np.uint64(0x9E3779B97F4A7C15)
_ODD_2 = np.uint64(0xC2B2AE3D27D4EB4F)
_WORD_DOMAIN = np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_LONGEST = 64  # characters of a word after which its powers repeat
_LENGTHS = np.array([0, _CHARACTER_GRAM, _WORD_GRAM, 0])  # by kind
_THRESHOLDS = np.zeros(5, np.uint64)  # by length
_THRESHOLDS[_CHARACTER_GRAM] = int(_CHARACTER_SHARE * 2**64)
_THRESHOLDS[_WORD_GRAM] = int(_WORD_SHARE * 2**64)
_POWERS = np.array([pow(0x100000001B3, power, 1 << 64) for power in range(_LONGEST)], np.uint64)


@lru_cache(maxsize=1)
def _tables() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8]]:
    """For each code point of the basic plane: what it folds to, and how it counts."""
    fold = np.arange(0x10000, dtype=np.uint32)
    kinds = np.zeros(0x10000, np.uint8)
    for code in range(0x10000):
        fold[code], kinds[code] = _fold(code)
    return fold, kinds


def _fold(code: int) -> tuple[int, int]:
    if 0xD800 <= code < 0xE000:
        return code, _SEPARATOR
    char = unicodedata.normalize("NFKC", chr(code)).lower()[:1]
    if not 0xAC00 <= code <= 0xD7A3:
        char = unicodedata.normalize("NFD", char)[:1]
    code = ord(char)
    category = unicodedata.category(char)
    if category in ("Mn", "Me", "Cf") or code in _INVISIBLE:
        return code, _IGNORED
    if any(first <= code <= last for first, last in _CHARACTERS) and category[0] in "LMN":
        return code, _CHARACTER
    return code, _WORD if category[0] in "LN" or category == "Mc" else _SEPARATOR


def _folded(text: str) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8]]:
    fold, kinds = _tables()
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    if codes.size and codes.max() > 0xFFFF:
        wide = codes > 0xFFFF
        basic = np.where(wide, 0, codes)
        codes, counts = fold[basic], kinds[basic]
        where = np.flatnonzero(wide)
        for at in where:
            codes[at], counts[at] = _fold(ord(text[at]))
        return codes, counts
    return fold[codes], kinds[codes]


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is known of one text: the kept `values`, the unit that each of their grams begins with, how many
    units a gram has there, where each unit stands in the text as given, and how many are characters.
    """

    values: Values
    units: Numbers
    lengths: Numbers
    starts: Numbers
    ends: Numbers
    characters: int

    @property
    def long_enough(self) -> bool:
        """Whether so many units can tell one answer from others."""
        words = self.starts.size - self.characters
        return self.characters / _FEWEST_CHARACTERS + words / _FEWEST_WORDS >= 1


class Fingerprinter:
    """Makes sketches under one key of 32 bytes. A value is 32 bits."""

    def __init__(self, key: bytes) -> None:
        # One block a gram, and equal grams are to give equal values: exactly what ECB does.
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305

    def values(self, text: str) -> Values:
        """The distinct values of a text, ascending: what is stored of it."""
        return self.values_of([text])[0]

    def values_of(self, texts: Sequence[str]) -> list[Values]:
        """The same for several texts in one go, which costs each far less than one by one."""
        sizes = np.fromiter(map(len, texts), np.int64, len(texts)) + 1
        units = _units(*_folded("\uffff".join(texts)))
        values, first, lengths = self._kept(units)
        texts_from = np.cumsum(sizes)
        owner = np.searchsorted(texts_from, units.starts[first], side="right")
        if len(texts) > 1:
            inside = owner == np.searchsorted(texts_from, units.starts[first + lengths - 1], side="right")
            values, owner = values[inside], owner[inside]
        both = np.sort(owner.astype(np.uint64) << _HALF | values)
        if both.size:
            both = both[np.append(True, both[1:] != both[:-1])]
        cuts = np.searchsorted(both, np.arange(1, len(texts), dtype=np.uint64) << _HALF)
        return np.split((both & _LOW).astype(np.uint32), cuts)

    def sketch(self, text: str) -> Sketch:
        """The values with their places, to look a text up."""
        units = _units(*_folded(text))
        values, first, lengths = self._kept(units)
        characters = int(np.count_nonzero(units.kinds == _CHARACTER))
        return Sketch(values, first, lengths, units.starts, units.ends, characters)

    def _kept(self, units: _Units) -> tuple[Values, Numbers, Numbers]:
        """The values that are kept, the unit that each gram begins with, and its length in units."""
        grams, lengths = _grams(units)
        blocks = np.zeros((grams.size, 2), np.uint64)
        blocks[:, 0] = grams
        # A context must not serve two threads, so each call makes its own: the key schedule is cheap.
        random = np.frombuffer(self._cipher.encryptor().update(blocks.tobytes()), np.uint64)
        kept = np.flatnonzero(random[::2] < _THRESHOLDS[lengths])
        return (random[1::2][kept] >> _HALF).astype(np.uint32), kept, lengths[kept]


@dataclass(frozen=True, slots=True)
class _Units:
    """Of each unit: its hash, how it counts, and where it starts and ends in the text."""

    hashes: Words
    kinds: npt.NDArray[np.uint8]
    starts: Numbers
    ends: Numbers


def _units(codes: npt.NDArray[np.uint32], counts: npt.NDArray[np.uint8]) -> _Units:
    if (counts == _IGNORED).any():
        seen = np.flatnonzero(counts != _IGNORED)
        codes, counts = codes[seen], counts[seen]
    else:
        seen = None
    begins = counts == _CHARACTER
    words = counts == _WORD
    if words.any():
        inside = np.zeros_like(words)
        inside[1:] = words[:-1]
        begins = begins | (words & ~inside)
        places = np.flatnonzero(counts != _SEPARATOR)
        first = np.flatnonzero(begins[places])
        last = np.append(first[1:], places.size) - 1
        within = np.arange(places.size) - np.repeat(first, last - first + 1)
        weighted = codes[places].astype(np.uint64) * _POWERS[within % _LONGEST]
        hashes = np.add.reduceat(weighted, first) if first.size else weighted
        starts, ends = places[first], places[last] + 1
    else:
        starts = np.flatnonzero(begins)
        ends = starts + 1
        hashes = codes[starts].astype(np.uint64)
    hashes = (hashes ^ (hashes >> np.uint64(29))) * _ODD
    hashes ^= hashes >> _HALF
    kinds = counts[starts]
    if seen is not None and starts.size:
        starts, ends = seen[starts], seen[ends - 1] + 1
    return _Units(hashes, kinds, starts, ends)


def _grams(units: _Units) -> tuple[Words, Numbers]:
    """The gram that begins with each unit, and how many units it has: four from a character on, three from
    a word on. The last units of a text begin none.
    """
    hashes, count = units.hashes, units.hashes.size
    if count < _WORD_GRAM:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    three = (hashes[:-2] * _ODD + hashes[1:-1]) * _ODD + hashes[2:]
    four = three[:-1] * _ODD_2 + hashes[3:]
    words = units.kinds == _WORD
    lengths = _LENGTHS[units.kinds[:-3]]
    if not words.any():
        return four, lengths
    grams = np.where(words[:-3], three[:-1] * _WORD_DOMAIN, four)
    if words[-3]:
        grams, lengths = np.append(grams, three[-1:] * _WORD_DOMAIN), np.append(lengths, _WORD_GRAM)
    return grams, lengths


@dataclass(frozen=True, slots=True)
class Hits:
    """What an index knows of some values: pairs of (place in the values asked for, stored answer), and
    `frequency`, how many answers hold each value asked for, also where it is too common to list them.
    """

    total: int
    frequency: Numbers
    asked: Numbers
    answers: Numbers


class Index(Protocol):
    """The fingerprints that were stored, as the detector needs them."""

    def lookup(self, values: Values) -> Hits:
        """Who holds these values. OSError: they cannot be looked up now."""
        ...

    def content_number(self, answer: int) -> int:
        """The number of a stored answer, as `labelers.provenance` makes it."""
        ...

    def holds(self, content_number: int, values: Values) -> npt.NDArray[np.bool_] | None:
        """Which of these values the answer of this number holds; None: no such answer is stored. OSError as above."""
        ...


@dataclass(frozen=True, slots=True)
class Shared:
    """How much of a text stands in one stored answer: of its `grams` that fingerprints keep, `strange` ones do not,
    and in the stretch of the text where they crowd most, so many more of them than others (`crowded`). `held`: where
    the others stand.
    """

    grams: int
    strange: int
    crowded: int
    held: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Match:
    """`places`: of the matched values in the sketch."""

    answer: int
    places: Numbers


class FingerprintDetector:
    """Traces a text to the answers that were logged. `labels`: our own label lines, which are no part of one."""

    name = "fingerprint"

    def __init__(
        self, fingerprinter: Fingerprinter, index: Index, producer: str, labels: Sequence[str] = ()
    ) -> None:
        self._fingerprinter = fingerprinter
        self._index = index
        self.producer = producer
        words = "|".join(re.escape(label) for label in sorted(set(labels), key=len, reverse=True) if label)
        self._labels = re.compile(words) if words else None

    def detect(self, text: str) -> Detection:
        """The answer that most of the text is from."""
        return self.detect_all(text)[0]

    def detect_all(self, text: str) -> list[Detection]:
        """One finding an answer, the weightiest first; a single absent one where there is none."""
        sketch = self._sketch(text)
        if not sketch.long_enough:
            return [
                self._absent(
                    sketch,
                    f"Too short to be looked up: at least {MIN_CHARACTERS} Chinese characters or {MIN_WORDS} words.",
                )
            ]
        try:
            matches = _matches(self._index, sketch)
        except OSError:
            # The other detectors have something to say all the same.
            return [self._absent(sketch, "What was logged cannot be looked up now, so this says nothing.")]
        if not matches:
            return [self._absent(sketch, "No answer that this service logged has these words.")]
        return [self._present(sketch, match) for match in matches]

    def compare(self, text: str, content_number: int) -> Shared | None:
        """The text against the answer of this number alone; None: it is not kept, or the text is too short to tell."""
        sketch = self._sketch(text)
        held = self._index.holds(content_number, sketch.values) if sketch.long_enough else None
        if held is None or not held.size:
            return None
        crowded = running = 0
        spans: list[tuple[int, int]] = []
        firsts = sketch.starts[sketch.units]
        lasts = sketch.ends[sketch.units + sketch.lengths - 1]
        for known, start, end in zip(held.tolist(), firsts.tolist(), lasts.tolist(), strict=True):
            running = max(0, running + (-1 if known else 1))
            crowded = max(crowded, running)
            if known:
                spans.append((start, end))
        return Shared(held.size, int(np.count_nonzero(~held)), crowded, tuple(spans))

    def _sketch(self, text: str) -> Sketch:
        if self._labels:
            text = self._labels.sub(lambda label: "\n" * len(label[0]), text)
        return self._fingerprinter.sketch(text)

    def _absent(self, sketch: Sketch, detail: str) -> Detection:
        return Detection(
            self.name, Outcome.ABSENT, TECHNIQUE, num_units_scored=int(sketch.starts.size), detail=detail
        )

    def _present(self, sketch: Sketch, match: _Match) -> Detection:
        number = self._index.content_number(match.answer)
        return Detection(
            self.name,
            Outcome.PRESENT,
            TECHNIQUE,
            _spans(sketch, match.places),
            _origin(self.producer, number),
            num_units_scored=int(sketch.starts.size),
            detail=f"Logged by this service: {match.places.size} passages of an answer stand in the text. "
            "That is no proof of who wrote it.",
        )


def _origin(producer: str, number: int) -> dict[str, str]:
    created = datetime.fromtimestamp(((number >> 24) + 1_767_225_600_000) / 1000, UTC)
    return {
        "producer": producer,
        "content_id": f"{number:016x}",
        "created": created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def _matches(index: Index, sketch: Sketch) -> list[_Match]:
    """The stored answers that the text has more in common with than chance allows."""
    order = _chosen(sketch)
    if not order.size:
        return []
    hits = index.lookup(sketch.values[order])
    if not hits.answers.size:
        return []
    known = hits.total + _PRIOR_ANSWERS
    bits = np.minimum(np.log2(known / (hits.frequency + 1.0)), _MOST_BITS + math.log2(known) / 2)
    needed = math.log2(known) + math.log2(order.size) + MARGIN_BITS
    grams = _Grams(sketch.units[order].tolist(), sketch.lengths[order].tolist(), bits.tolist())
    free = np.ones(order.size, bool)
    found: list[_Match] = []
    by_answer = _grouped(hits)
    while len(found) < _MOST_ANSWERS:
        stretches = (
            (_stretch(grams, asked[free[asked]].tolist()), answer) for answer, asked in by_answer.items()
        )
        (score, places), answer = max(stretches, key=lambda one: one[0][0], default=((0.0, []), 0))
        if score < needed:
            break
        found.append(_Match(answer, order[places]))
        free[places] = False
    return found


def _chosen(sketch: Sketch) -> Numbers:
    """Which values to look up: each once, for what is said twice is no more evidence; of a long text so many."""
    first: Numbers = np.sort(np.unique(sketch.values, return_index=True)[1])
    if first.size <= _MOST_VALUES:
        return first
    return first[np.unique(np.linspace(0, first.size - 1, _MOST_VALUES).astype(np.int64))]


def _grouped(hits: Hits) -> dict[int, Numbers]:
    """The places asked for by answer, those answers that share most."""
    order = np.lexsort((hits.asked, hits.answers))
    answers, asked = hits.answers[order], hits.asked[order]
    names, first, counts = np.unique(answers, return_index=True, return_counts=True)
    most = np.argsort(-counts, kind="stable")[:_CANDIDATES]
    return {int(names[at]): asked[first[at] : first[at] + counts[at]] for at in most if counts[at] > 1}


@dataclass(frozen=True, slots=True)
class _Grams:
    """Of each gram that was asked for: the unit it begins with, its units, and how much it counts."""

    starts: list[int]
    lengths: list[int]
    bits: list[float]


def _stretch(grams: _Grams, matched: list[int]) -> tuple[float, list[int]]:
    """The stretch that counts most, and the matched grams in it. `matched`: ascending."""
    best, best_from, best_to = 0.0, 0, 0
    running, begin = 0.0, 0
    end, before = -1, -1
    for at, place in enumerate(matched):
        start, length = grams.starts[place], grams.lengths[place]
        running -= _MISS * (place - before - 1)
        if running <= 0:
            running, begin = 0.0, at
        new = min(length, start + length - end) / length
        running += max(0.0, grams.bits[place] - _HIT) * new
        end, before = start + length, place
        if running > best:
            best, best_from, best_to = running, begin, at + 1
    return best, matched[best_from:best_to]


def _spans(sketch: Sketch, places: Numbers) -> tuple[tuple[int, int], ...]:
    """Where the matched grams stand; what is closer than a gram is one stretch."""
    spans: list[tuple[int, int]] = []
    for place in places.tolist():
        unit, length = int(sketch.units[place]), int(sketch.lengths[place])
        start, end = int(sketch.starts[unit]), int(sketch.ends[unit + length - 1])
        if spans and start - spans[-1][1] <= 12:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return tuple(spans)
