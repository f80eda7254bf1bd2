"""All entries spelled at once, view by view: the words that `Sight.terms` would give, made by arrays.

What needs more than letters looked up and moved (an allow phrase, a further fold) is left to `Sight.terms`
itself, entry by entry. `tests/review/test_wholesale.py` compares the two.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from proxy.review.columns import Bools, Columns
from proxy.review.flat import Codes, Flat, Numbers, among, differing, distinct
from proxy.review.spelling import BARRIER, MAX_AROUND, MIN_SPLIT, NOISE, SYMBOLS, codes_table
from proxy.review.splits import letter_pairs
from proxy.review.syllables import FIRST, MAX_READINGS, MIN_BLOCK, MIN_FLAG, Syllables, syllables
from proxy.review.tables import Kind, Tables
from proxy.review.terms import MAX_FOLDED

__all__ = ["Words", "evasion_words", "pinyin_words", "plain_words"]

_MOST_PARTS = 2
_MOST_READINGS = 4  # of a character


class Words(NamedTuple):
    """Words to look for. `places`: whose each is, by its place in the columns; `left`: only at the start of a word;
    `weak`: too weak a sign for more than a flag; `parted`: also with one of its characters written as two. `slow`:
    places of entries whose words are not among them. `widest`: how many symbols may stand within one at most.
    `written`: the words with every letter that a text must have for them, where one stands for a run.
    """

    words: Flat
    places: Numbers
    left: Bools
    weak: Bools
    parted: Bools
    slow: Numbers
    widest: int
    written: Flat


def plain_words(folded: Flat, columns: Columns, tables: Tables) -> Words:
    """Of a view that keeps every letter: each entry as the view folds it."""
    plain = _is_plain(columns) & (folded.lengths > 0)
    places = np.flatnonzero(plain)
    words = folded.take(places)
    left = _bounded(columns)[places] & _is_word(words.codes[words.starts[:-1]], tables)
    return Words(words, places, left, ~_all(places), ~_all(places), np.flatnonzero(~plain), 0, words)


def evasion_words(folded: Flat, columns: Columns, tables: Tables) -> Words:
    """Of the evasion view: each entry as it reads there. Symbols are left out, and of a run one letter stays; of one in a
    spaced script all may stay, if they stand apart.

    Where every letter stands for itself, two that a character is written as are read as that one. Other spellings with
    such a pair are words of their own.
    """
    plain, lengths = _is_plain(columns), folded.lengths
    whole = np.flatnonzero(plain)
    longer = plain & (lengths >= MIN_SPLIT) & (lengths < MAX_FOLDED)
    even = longer & _is_even(folded, tables) & (lengths < MAX_AROUND)
    split, placed = _split(folded, np.flatnonzero(longer), even, tables)
    spelled, places = Flat.joined([folded.take(whole), split]), np.concatenate([whole, placed])
    letters = spelled.where(_is_letter(spelled.codes, tables))
    read = Flat(_read(letters.codes, tables), letters.starts)
    there = np.flatnonzero(read.lengths > 0)
    begins, other = read.starts[there], differing(read.codes)
    other[begins] = True
    once, apart = read.where(other), read.where(other | _is_word(read.codes, tables))
    opens = np.zeros(len(places), np.bool_)
    opens[there] = _is_word(letters.codes[begins], tables)
    some = np.flatnonzero(once.lengths > 1)  # one letter, however often, says too little
    more = np.flatnonzero((apart.lengths > once.lengths) & (once.lengths > 1))
    chosen = np.concatenate([some, more])
    words, left = (
        Flat.joined([once.take(some), apart.take(more)]),
        (opens & _bounded(columns)[places])[chosen],
    )
    parted = np.zeros(len(places), np.bool_)
    parted[: len(whole)] = even[whole]
    widest = _widest(folded, columns, tables)
    slow = np.flatnonzero(~plain)
    return Words(words, places[chosen], left, ~_all(chosen), parted[chosen], slow, widest, read.take(chosen))


def pinyin_words(folded: Flat, columns: Columns, tables: Tables) -> Words:
    """Of the pinyin view: each way to say an entry, and the one in which it would divide as one word."""
    sound, heard = syllables(tables), _heard(tables)
    plain = _is_plain(columns)
    spoken = heard.row[folded.codes]
    rows = folded.rows()
    silent = np.zeros(len(plain), np.bool_)
    silent[rows[spoken < 0]] = True
    parts: list[tuple[Flat, Numbers]] = []
    joined: list[tuple[Flat, Numbers]] = []
    lengths = folded.lengths
    wanted = plain & ~silent & (lengths >= MIN_FLAG)
    for length in distinct(lengths[wanted]).tolist():
        places = np.flatnonzero(wanted & (lengths == length))
        said = spoken[folded.starts[places][:, None] + np.arange(length)]
        parts += _ways(said, places, heard)
        joined.append(_as_one_word(heard.codes[said, 0], places, sound, heard))
    written = Flat.joined([flat for flat, _ in parts])
    each = written.rows()
    again = np.zeros(len(each), np.bool_)
    again[1:] = (written.codes[1:] == written.codes[:-1]) & (each[1:] == each[:-1])
    placed = np.concatenate([np.zeros(0, np.int64), *(at for _, at in parts)])
    once = Flat.of_lengths(written.codes[~again], np.bincount(each[~again], minlength=len(placed)))
    runs = np.flatnonzero((once.lengths < written.lengths) & (once.lengths > 1))
    words = Flat.joined([written, once.take(runs), *(flat for flat, _ in joined)])
    written = Flat.joined([written, written.take(runs), *(flat for flat, _ in joined)])
    places = np.concatenate([placed, placed[runs], *(at for _, at in joined)])
    weak = written.lengths < MIN_BLOCK
    # Something in it is not spoken: only a space may be.
    slow = np.flatnonzero(~plain | (silent & _has_spaces(folded, rows)))
    widest = max((entry.gap for entry in columns.used), default=0)
    return Words(words, places, _all(places), weak, ~_all(places), slow, widest, written)


def _is_plain(columns: Columns) -> Bools:
    return columns.each(lambda e: e.kind == "keyword" and not e.folds and not e.exceptions, np.bool_)


def _bounded(columns: Columns) -> Bools:
    return columns.each(lambda e: e.boundary != "none", np.bool_)


def _is_word(codes: Codes, tables: Tables) -> Bools:
    """Which are letters of a spaced script."""
    found: Bools = np.frombuffer(tables.kinds, np.uint8)[codes] == Kind.WORD
    return found


def _all(numbers: Numbers) -> Bools:
    return np.ones(len(numbers), np.bool_)


# -- evasion


@lru_cache(maxsize=2)
def _table(tables: Tables) -> Codes:
    """How each code point of the safe view reads in the evasion view."""
    table = np.arange(len(tables.kinds), dtype=np.uint32)
    known = np.array(list(map(ord, codes_table(tables))), np.uint32)
    table[: len(known)] = known
    return table


def _read(codes: Codes, tables: Tables) -> Codes:
    return _table(tables)[codes]


def _is_letter(codes: Codes, tables: Tables) -> Bools:
    """Which characters of the safe view are more than symbols."""
    symbols = np.zeros(len(tables.kinds), np.bool_)
    symbols[[ord(code) for code in (NOISE, BARRIER, *SYMBOLS)]] = True
    return ~symbols[_read(codes, tables)]


def _widest(folded: Flat, columns: Columns, tables: Tables) -> int:
    """The longest gap that an entry allows, with the symbols that it has itself."""
    gaps = columns.each(lambda e: e.gap, np.int64)
    at = np.flatnonzero(_is_letter(folded.codes, tables))
    rows = folded.rows()[at]
    within = np.flatnonzero(rows[1:] == rows[:-1])
    wide = gaps[rows[within]] + (at[within + 1] - at[within] - 1)
    return int(max(gaps.max(initial=0), wide.max(initial=0)))


def _is_even(folded: Flat, tables: Tables) -> Bools:
    """Which texts have letters alone, each other than the one before."""
    read, rows = _read(folded.codes, tables), folded.rows()
    even = np.ones(len(folded.starts) - 1, np.bool_)
    even[rows[~_is_letter(folded.codes, tables)]] = False
    even[rows[1:][(read[1:] == read[:-1]) & (rows[1:] == rows[:-1])]] = False
    return even


class _Parts(NamedTuple):
    """For each code point of the BMP the two that it may be written as, `_MOST_PARTS` ways, 0 for none; which of the
    ways is other than two letters one after the other.
    """

    written: NDArray[np.uint32]
    odd: Bools


@lru_cache(maxsize=2)
def _parts(tables: Tables) -> _Parts:
    written = np.zeros((0x10000, _MOST_PARTS, 2), np.uint32)
    odd = np.zeros((0x10000, _MOST_PARTS), np.bool_)
    pairs = letter_pairs(tables)
    for character, ways in tables.splits.items():
        for way, parts in enumerate(ways):
            written[ord(character), way] = [ord(one) for one in parts]
            odd[ord(character), way] = parts not in pairs
    return _Parts(written, odd)


def _split(spelled: Flat, rows: Numbers, even: Bools, tables: Tables) -> tuple[Flat, Numbers]:
    """Some of the texts with one of their characters written as two, in every way, and which they are; of those that
    are even, only where the two are not read as two letters.
    """
    table, few = _parts(tables), spelled.take(rows)
    within = few.rows()
    bmp = np.minimum(few.codes, 0xFFFF)
    before, after = np.zeros(len(bmp) + 1, np.uint32), np.zeros(len(bmp) + 1, np.uint32)
    before[1:], after[:-1] = few.codes, few.codes
    before[few.starts], after[few.starts] = 0, 0
    before, after = before[:-1], after[1:]
    found: list[tuple[Flat, Numbers]] = []
    for way in range(_MOST_PARTS):
        first, second = table.written[bmp, way].T
        odd = ~even[rows][within] | table.odd[bmp, way] | (first == before) | (second == after)
        at = np.flatnonzero((first > 0) & odd & (few.codes < 0x10000))
        source = within[at]
        longer = Flat.of_lengths(few.codes, few.lengths[source] + 1)
        place = at - few.starts[source]
        steps = np.arange(longer.starts[-1]) - np.repeat(longer.starts[:-1], longer.lengths)
        shift = steps > np.repeat(place, longer.lengths)
        codes = few.codes[np.repeat(few.starts[source], longer.lengths) + steps - shift]
        for part, written in enumerate((first, second)):
            codes[longer.starts[:-1] + place + part] = written[at]
        found.append((Flat(codes, longer.starts), rows[source]))
    return Flat.joined([flat for flat, _ in found]), np.concatenate([placed for _, placed in found])


# -- pinyin


class _Heard(NamedTuple):
    """`row` of each code point, -1 if it is not spoken; of each row `codes` of its readings and `many` they are.

    `doubtful[a, b]`: whether syllable a before one that begins with letter b may divide elsewhere.
    """

    row: NDArray[np.int32]
    codes: NDArray[np.uint32]
    many: Numbers
    doubtful: Bools
    begins: Numbers


@lru_cache(maxsize=2)
def _heard(tables: Tables) -> _Heard:
    sound = syllables(tables)
    row = np.full(len(tables.kinds), -1, np.int32)
    row[list(map(ord, sound.of))] = np.arange(len(sound.of))
    codes = np.zeros((len(sound.of), _MOST_READINGS), np.uint32)
    codes[:, 0] = list(map(ord, sound.of.values()))
    many = np.ones(len(codes), np.int64)
    for character in tables.also.keys() & sound.of.keys():
        at, further = row[ord(character)], [ord(sound.codes[name]) for name in tables.also[character]]
        many[at] += len(further)
        codes[at, 1 : 1 + len(further)] = further[: _MOST_READINGS - 1]
    names = sound.names
    begins = np.array([ord(name[0]) - 97 for name in names])
    doubtful = np.zeros((len(names), 26), np.bool_)
    for at, name in enumerate(names):
        doubtful[at, [ord(letter) - 97 for letter in sound.unsure_before(name)]] = True
    return _Heard(row, codes, many, doubtful, begins)


def _ways(said: NDArray[np.int32], places: Numbers, heard: _Heard) -> list[tuple[Flat, Numbers]]:
    """The first so many ways to say texts of one length; the last character varies first."""
    many = heard.many[said]
    period = np.ones(many.shape, np.int64)
    for at in range(many.shape[1] - 1, 0, -1):
        period[:, at - 1] = np.minimum(period[:, at] * many[:, at], MAX_READINGS)
    total = np.minimum(period[:, 0] * many[:, 0], MAX_READINGS)
    found = []
    for way in range(int(total.max())):
        rows = np.flatnonzero(total > way)
        codes = heard.codes[said[rows], (way // period[rows]) % many[rows]]
        found.append((_even(codes), places[rows]))
    return found


def _even(codes: NDArray[np.uint32]) -> Flat:
    """Texts of one length, one a line."""
    lines, length = codes.shape
    return Flat(codes.reshape(-1), np.arange(lines + 1) * length)


def _as_one_word(
    codes: NDArray[np.uint32], places: Numbers, sound: Syllables, heard: _Heard
) -> tuple[Flat, Numbers]:
    """Those that, written as one word in pinyin, divide elsewhere."""
    names = codes.astype(np.int64) - FIRST
    doubtful = heard.doubtful[names[:, :-1], heard.begins[names[:, 1:]]].any(axis=1)
    found, placed = [], []
    for row in np.flatnonzero(doubtful).tolist():
        divided = sound.divide("".join(sound.names[name] for name in names[row].tolist())) or ()
        if len(divided) >= MIN_FLAG:
            found.append("".join(sound.codes[name] for name in divided))
            placed.append(places[row])
    return Flat.of(found), np.array(placed, np.int64)


def _has_spaces(folded: Flat, rows: Numbers) -> Bools:
    found = np.zeros(len(folded.starts) - 1, np.bool_)
    codes = distinct(folded.codes)
    blank = np.array([chr(code).isspace() for code in codes.tolist()], np.bool_)
    found[rows[among(folded.codes, codes[blank])]] = True
    return found
