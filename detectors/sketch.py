"""What is kept of a text to know it again: keyed values of its word groups, and no text.

A text becomes *units*: single characters where a script has no spaces (Han, kana, Hangul, Thai), else words; folded
(NFKC, lower case, no accents), without anything invisible. Every run of four characters or three words is a *gram*; each
gram goes through AES under a key of the installation, a pseudo-random permutation, so that nobody without the key can tell
which words a value stands for. Of those values the ones below a threshold are kept (FracMinHash: Irber et al. 2022; the
fingerprints of Schleimer et al. 2003 without their window): the same grams of any excerpt, wherever it was cut.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

__all__ = ["Fingerprinter", "Numbers", "Sketch", "Values"]

_FEWEST_CHARACTERS = 27
_FEWEST_WORDS = 20
_CHARACTER_GRAM = 4
_WORD_GRAM = 3
_CHARACTER_SHARE = 1 / 3  # of grams that begin with a character are kept
_WORD_SHARE = 2 / 3  # a text has far fewer words than characters

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
