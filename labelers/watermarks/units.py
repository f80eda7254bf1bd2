"""Text units and their keyed scores: the one statistic that every statistical scheme writes and reads.

Strategy. A text is read as a row of *units*: words of letters, and single Han, kana and Hangul characters,
folded so that spelling variants of one character agree; punctuation and invisible characters count for nothing.
Each distinct *gram* of two neighbouring units (three on wish) gets a score from a keyed pseudo-random
function, standard normal. Writers choose among ways to say something the one with high scores; readers sum
them up. For whoever did not have the key the sum over `n` distinct grams, divided by √n, is N(0, 1), whatever
the text: that needs grams counted once, never single units, of which some are in every text, and none of the
grams that are in many ("of the", 我们), which would favour all texts under one key and none under the next
(Fernandez et al., "Three Bricks", arXiv:2308.00113; Kirchenbauer et al., arXiv:2306.04634).

What would be marked on the word of a formatter is skipped by both sides: code, addresses, numbers,
identifiers, JSON. Everything is numpy over code points; the pseudo-random function is AES-128 over the 128 bits
of a gram, which a processor does in a few nanoseconds (a permutation of random inputs is as good as a
random function up to 2^64 of them). The word hash below it needs no key: two words that collide merely share a
score.
"""

from __future__ import annotations

import hmac
import json
import math
import re
import struct
import unicodedata
from base64 import b64decode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from labelers.provenance import KeyRing
from labelers.watermarks.common_grams import COMMON

__all__ = [
    "GRAM_WIDTH",
    "Grams",
    "Prf",
    "Units",
    "epoch_prf",
    "grams_of",
    "log10_tail",
    "quantiles",
    "read_units",
    "skipped_zones",
    "units_text",
]

GRAM_WIDTH = 2  # robust to edits; 3 ties the mark closer to its wording

Ints: TypeAlias = npt.NDArray[np.int64]
Hashes: TypeAlias = npt.NDArray[np.uint64]
Scores: TypeAlias = npt.NDArray[np.float32]
Spans: TypeAlias = Iterable[tuple[int, int]]

_APART, _LETTER, _SINGLE, _TAINT, _CLEAR, _WIDE = range(6)
_CODES = 0x110000
_FIRST_PLAIN = 0x20000  # from here on only Han extensions and invisible tags are of interest
_SINGLES = (
    (0x2E80, 0x2FE0),  # radicals
    (0x3005, 0x3008),
    (0x3041, 0x3100),  # kana
    (0x3400, 0x4DC0),
    (0x4E00, 0xA000),
    (0xAC00, 0xD7A4),  # Hangul syllables
    (0xF900, 0xFB00),  # compatibility ideographs
    (0x20000, 0x32000),
)
_APOSTROPHES = "'\u2019\u02bc"  # inside a word they are spelt in many ways, or left out


# Constants of splitmix64 and of Knuth's multiplicative generator: odd, and without structure.
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_STEP = 6364136223846793005
_STRETCH = 1 << 14  # characters that are worked on at once
_LONGEST = 64  # letters of a word that are told apart by their place


def _mixed(values: Hashes) -> Hashes:
    """A bijection of 64-bit numbers that spreads every bit (the finalizer of splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * _MIX_1
    values = (values ^ (values >> np.uint64(27))) * _MIX_2
    return values ^ (values >> np.uint64(31))


@lru_cache(maxsize=1)
def _tables() -> tuple[npt.NDArray[np.uint8], Hashes, Hashes]:
    """For each code point its class and the hash of its folded form; the powers of `_STEP`. Made once (0.2 s)."""
    kinds = np.zeros(_CODES, np.uint8)
    folded = np.arange(_CODES, dtype=np.uint64)
    for start, end in _SINGLES:
        kinds[start:end] = _SINGLE
    for code in range(_FIRST_PLAIN):
        if 0xAC00 <= code < 0xD7A4 or 0x3400 <= code < 0x4DC0 or 0x4E00 <= code < 0xA000:
            continue  # they stand for themselves
        char = chr(code)
        category = unicodedata.category(char)
        if category in ("Mn", "Me", "Mc", "Cf") or char in _APOSTROPHES:
            kinds[code] = _CLEAR
        elif category in ("Nd", "Pc"):
            kinds[code] = _TAINT
        elif category[0] == "L" or kinds[code] == _SINGLE or category in ("So", "No"):
            form = _folded(char)
            if len(form) == 1 and form != char:
                folded[code] = ord(form)
            # "ﬁ" and "㎏" stand for several letters, "½" and "①" for digits.
            wide = len(form) > 1 or (form != char and form.isdigit())
            if category[0] == "L" or wide:
                kinds[code] = _WIDE if wide else kinds[code] or _LETTER
    for start, end in _SINGLES:  # a compatibility form of another script is a letter of that script
        moved = np.flatnonzero(folded[start:end] != np.arange(start, end, dtype=np.uint64)) + start
        kinds[moved] = np.where(kinds[folded[moved].astype(np.int64)] == _SINGLE, _SINGLE, kinds[moved])
    halfwidth = kinds[0xFF66:0xFF9E]  # kana
    halfwidth[halfwidth == _LETTER] = _SINGLE
    kinds[0xFF9E:0xFFA0] = _CLEAR  # their voicing marks
    kinds[0xE0000:0xE1000] = _CLEAR
    powers = np.array([pow(_STEP, at, 1 << 64) for at in range(_LONGEST)], np.uint64)
    return kinds, _mixed(folded * _GOLDEN + np.uint64(1)), powers


def _folded(text: str) -> str:
    """Compatibility forms resolved, marks above and below letters left out, lower case."""
    plain = unicodedata.normalize("NFKD", text).lower()
    return "".join(char for char in plain if unicodedata.category(char) not in ("Mn", "Me"))


_ZONE = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[^\n]*(?:\n.*?(?:^[ \t]*(?P=fence)[^\n]*$|\Z)|\Z)"
    r"|`[^`\n]{1,200}`"
    r"|(?:[A-Za-z][A-Za-z0-9+.-]{1,15}://|\bwww\.)[^\s<>\"'\u3000-\u303f\u3400-\u9fff\uff00-\uffef]+"
    r"|[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}",
    re.MULTILINE | re.DOTALL,
)
_MAX_JSON = 1 << 20


def skipped_zones(text: str) -> list[tuple[int, int]]:
    """Where code, addresses and JSON stand, as [start, end) in code points."""
    if text[:1] in "{[" and text[-1:] in "}]" and len(text) <= _MAX_JSON:
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            pass
        else:
            return [(0, len(text))]
    if not ("`" in text or "~~~" in text or "://" in text or "www." in text or "@" in text):
        return []
    return [match.span() for match in _ZONE.finditer(text)]


@dataclass(frozen=True, slots=True)
class Units:
    """The units of a text, in order: their hashes, and where they stand, [start, end) in code points."""

    hashes: Hashes
    starts: Ints
    ends: Ints

    def __len__(self) -> int:
        return len(self.hashes)


def read_units(text: str, skip: Spans = ()) -> Units:
    """The units of `text`. `skip`: further stretches that are no part of it (labels of our own)."""
    kinds_of, _, _ = _tables()
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = kinds_of.take(codes)
    for start, end in (*skipped_zones(text), *skip):
        kinds[start:end] = _APART
    places: Ints | None = None
    if (kinds == _WIDE).any():
        codes, kinds, places = _expanded(text, kinds)
    parts = []
    start = 0
    for end in _cuts(kinds):
        part = _read(codes[start:end], kinds[start:end])
        firsts, lasts = part.starts + start, part.ends + start
        if places is not None:
            firsts, lasts = places[firsts], places[lasts]
        parts.append(Units(part.hashes, firsts, lasts + 1))
        start = end
    if len(parts) == 1:
        return parts[0]
    return Units(*(np.concatenate([getattr(p, name) for p in parts]) for name in Units.__slots__))


def _cuts(kinds: npt.NDArray[np.uint8]) -> list[int]:
    """Ends of stretches that fit the processor's cache, between units."""
    cuts = []
    at = _STRETCH
    while at < len(kinds):
        gap = kinds[at : at + _STRETCH] == _APART
        step = int(gap.argmax())
        if gap[step]:
            cuts.append(at + step)
        at += step + _STRETCH
    return [*cuts, len(kinds)]


def _read(codes: npt.NDArray[np.uint32], kinds: npt.NDArray[np.uint8]) -> Units:
    """The units of one stretch; `ends` are those of their last characters here, not behind them."""
    _, hash_of, powers = _tables()
    kept: Ints | None = None
    if (clear := kinds == _CLEAR).any():
        kept = np.flatnonzero(~clear)
        codes, kinds = codes[kept], kinds[kept]
    in_word = (kinds == _LETTER) | (kinds == _TAINT)
    begins = in_word.copy()
    begins[1:] &= ~in_word[:-1]
    single = kinds == _SINGLE
    firsts = np.flatnonzero(begins | single)
    lasts, hashes = firsts.copy(), np.empty(len(firsts), np.uint64)
    is_single = single[firsts]
    hashes[is_single] = hash_of.take(codes[firsts[is_single]])
    letters = np.flatnonzero(in_word)
    if len(letters):
        words = np.flatnonzero(begins.take(letters))  # where each word begins, in `letters`
        lengths = np.diff(words, append=len(letters))
        offsets = np.arange(len(letters)) - np.repeat(words, lengths)
        spread = hash_of.take(codes.take(letters))
        spread *= powers.take(offsets, mode="wrap")
        hashes[~is_single] = _mixed(np.add.reduceat(spread, words))
        lasts[~is_single] += lengths - 1
        if (tainted := kinds.take(letters) == _TAINT).any():
            clean = np.ones(len(firsts), bool)
            clean[~is_single] = np.add.reduceat(tainted, words, dtype=np.int64) == 0
            firsts, lasts, hashes = firsts[clean], lasts[clean], hashes[clean]
    if kept is not None:
        firsts, lasts = kept[firsts], kept[lasts]
    return Units(hashes, firsts, lasts)


def _expanded(text: str, kinds: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint32], Any, Ints]:
    """The text with compatibility characters written out: code points, classes, and where each came from."""
    wide = set(np.flatnonzero(kinds == _WIDE).tolist())
    forms = [_folded(char) if at in wide else char for at, char in enumerate(text)]
    places = np.repeat(np.arange(len(text)), [len(form) for form in forms])
    codes = np.frombuffer("".join(forms).encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds_of = _tables()[0]
    return codes, np.where(kinds[places] == _WIDE, kinds_of[codes], kinds[places]), places


@dataclass(frozen=True, slots=True)
class Grams:
    """The distinct grams of a text that count, in the order in which they first stand there.

    `blocks` (n, 2): 128 bits each. `units` (n,): the index of the unit that ends the gram.
    """

    blocks: Hashes
    units: Ints

    def __len__(self) -> int:
        return len(self.units)


_PLACE_BITS, _COMMON_SHIFT = np.uint64(24), np.uint64(44)
_PLACE_MASK = np.uint64((1 << 24) - 1)


@lru_cache(maxsize=1)
def _common() -> npt.NDArray[np.bool_]:
    """Which of 2^20 cells hold a gram that counts for nothing, because it stands in texts of every kind."""
    cells = np.zeros(1 << 20, bool)
    cells[np.frombuffer(b64decode(COMMON), np.uint32)] = True
    return cells


def grams_of(units: Units, width: int = GRAM_WIDTH) -> Grams:
    """The distinct, not too common grams of `width` units (2 or 3). ValueError: another width, or over 16 million units."""
    if width not in (2, 3):
        raise ValueError("a gram has two or three units")
    hashes = units.hashes
    if len(hashes) > 1 << 24:
        raise ValueError("a text of over 16 million units; read it in parts")
    if len(hashes) < width:
        return Grams(np.empty((0, 2), np.uint64), np.empty(0, np.int64))
    before, last = hashes[width - 2 : -1], hashes[width - 1 :]
    if width == 3:
        before = _mixed(hashes[:-2] * _GOLDEN + before)
    # Sorted by 40 bits of a hash, then by place: the first of each run is where a gram first stands. Two
    # grams that agree in 40 bits count as one, which costs half a gram in a million.
    keys = ((before * _MIX_2) ^ (last * _GOLDEN)) & ~_PLACE_MASK
    keys |= np.arange(len(last), dtype=np.uint64)
    keys.sort()
    grams = keys >> _PLACE_BITS
    first = np.ones(len(keys), bool)
    first[1:] = grams[1:] != grams[:-1]
    first &= ~_common().take(keys >> _COMMON_SHIFT)
    places = (keys[first] & _PLACE_MASK).astype(np.int64)
    places.sort()
    blocks = np.empty((len(places), 2), np.uint64)
    blocks[:, 0], blocks[:, 1] = before[places], last[places]
    return Grams(blocks, places + (width - 1))


@lru_cache(maxsize=1)
def quantiles() -> Scores:
    """The 65,536 scores that 16 random bits choose from: normal quantiles, of mean 0 and variance 1 exactly."""
    half = np.array([NormalDist().inv_cdf(0.5 + (at + 0.5) / 65536) for at in range(32768)])
    half /= math.sqrt(float(np.mean(half * half)))
    return np.concatenate([-half[::-1], half]).astype(np.float32)


class Prf:
    """The keyed pseudo-random function of one key, 16 bytes."""

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305 - single blocks, not a message

    def bits(self, blocks: Hashes) -> Hashes:
        """128 random bits for each gram (n, 2)."""
        return np.frombuffer(self._cipher.encryptor().update(blocks.tobytes()), np.uint64).reshape(-1, 2)

    def coins(self) -> Callable[[int, int], int]:
        """A function that tosses a coin, 0 or 1, for two 64-bit numbers. Not for several threads at once."""
        update = self._cipher.encryptor().update
        pack = struct.Struct("<QQ").pack
        return lambda first, second: update(pack(first, second))[0] & 1

    def scores(self, blocks: Hashes) -> Scores:
        """The score of each gram (n,), standard normal."""
        low = self.bits(blocks)[:, 0].astype(np.uint16)
        return quantiles()[low]


_KEY_DOMAIN = b"inkseal|statistical|1"


def epoch_prf(ring: KeyRing, kid: int) -> Prf:
    """The pseudo-random function of a key epoch: its key is derived from the epoch's, for this use alone."""
    return Prf(hmac.digest(ring.key(kid), _KEY_DOMAIN, "sha256")[:16])


def log10_tail(z: float) -> float:
    """log10 P(N(0, 1) > z), also where the probability itself is no floating-point number."""
    if z < 30:
        return math.log10(math.erfc(z / math.sqrt(2)) / 2)
    # The first terms of the asymptotic series; the next is below 1e-5 of them here.
    series = 1 - 1 / z**2 + 3 / z**4
    return (-z * z / 2 - math.log(z * math.sqrt(2 * math.pi)) + math.log(series)) / math.log(10)


def units_text(text: str, units: Units) -> Sequence[str]:
    """The units as they are written: for pages and tests."""
    return [text[start:end] for start, end in zip(units.starts.tolist(), units.ends.tolist(), strict=True)]
