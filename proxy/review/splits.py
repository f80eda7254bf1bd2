"""Characters written as two: 女子 for 好.

Most characters are written so in some way, so an entry has several spellings more. They are not looked for one by one.
A stream keeps the words alone, and reads a pair that it meets as the character that it may stand for too (`SplitWords`).
In a long text the sieve looks for words around every pair, read so (`Splits`): a text has few of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from proxy.review.flat import Codes, Numbers
from proxy.review.hashed import NO_SPANS, Flags, HashedWords, Pairs, mixed, spans
from proxy.review.spelling import code_of
from proxy.review.tables import Kind, Tables
from proxy.review.trie import ROOT, WORD, Trie

__all__ = ["SplitWords", "Splits", "letter_pairs"]

_BITS = 21
_STOP = 10
_NEAR = 2  # letters before and behind a character by which it is told whether a word may begin there
_MAX_KNOWN = 1 << 12  # beginnings that a half may end, remembered


@lru_cache(maxsize=2)
def letter_pairs(tables: Tables) -> frozenset[str]:
    """What characters are written as that is read as two letters, one after the other."""
    written = {parts for ways in tables.splits.values() for parts in ways}
    letters = {
        part
        for part in set("".join(written))
        if tables.kind(part) == Kind.HAN and code_of(part, Kind.HAN) == part
    }
    return frozenset(
        parts
        for parts in written
        if len(parts) == 2 and parts[0] != parts[1] and parts[0] in letters and parts[1] in letters
    )


class SplitWords:
    """The words of a trie, and those of them that are parted with one of their characters written as two: `Spellings`.

    Of texts in which no Han character stands twice running, as the evasion view writes them down. Not every owner of a
    parted word need be one of what that is written as: whoever asks for owners looks at their terms.
    """

    def __init__(self, trie: Trie, tables: Tables) -> None:
        self._trie, self._written = trie, _written(tables)
        self.every = trie.every
        # Of words whose first character is written with a letter first: their flags, and the letters behind it.
        self._begun: dict[str, int] = {}
        self._second: dict[str, str] = {}
        self._known: dict[str, tuple[tuple[int, str], ...]] = {}  # of longer beginnings
        for character in trie.following(""):
            flags = trie.parted[trie.walk(character)]
            for first, second in self._written.ways.get(character, ()) if flags else ():
                self._begun[first] = self._begun.get(first, 0) | flags
                self._second[first] = self._second.get(first, "") + second

    def look(self, text: str) -> int:
        """As `Spellings` says."""
        trie = self._trie
        found = trie.look(text)
        if len(text) == 1:
            return found | self._begun.get(text, 0)
        parted = trie.parted
        for node, last in self._passed(text):
            if trie.owned[node] != trie.owned[node + 1]:
                found |= WORD
            for child in self._after(node, last):
                found |= parted[child]
        for node, _ in self._opened(text):
            found |= parted[node]
        return found

    def owners_of(self, word: str) -> Sequence[int]:
        """As `Spellings` says."""
        owners = set(self._trie.owners_of(word))
        for node, _ in self._passed(word):
            owners.update(self._trie.owners_at(node))
        return sorted(owners)

    def following(self, text: str) -> str:
        """As `Spellings` says, and some more."""
        trie = self._trie
        children = trie.following(text)
        found = children + children.translate(self._written.heads)
        if len(text) < 2:
            return found + self._second.get(text, "")
        labels = [
            trie.labels[child] for node, last in self._passed(text) for child in self._after(node, last)
        ]
        return "".join([found, *labels, *(seconds for _, seconds in self._opened(text))])

    def _passed(self, text: str) -> list[tuple[int, str]]:
        """The nodes of a text with one pair of its letters read as one, and the letter that it ends with if that is the
        pair's: the next one cannot be the same.
        """
        found = []
        walk, parted, pairs = self._trie.walk, self._trie.parted, self._written.pairs
        for at in range(len(text) - 1):
            pair = text[at : at + 2]
            if pair in pairs:
                rest = text[at + 2 :]
                for whole in pairs[pair]:
                    node = walk(text[:at] + whole + rest)
                    if node > ROOT and parted[node]:
                        found.append((node, "" if rest else pair[1]))
        return found

    def _opened(self, text: str) -> Sequence[tuple[int, str]]:
        """The nodes of a text with its last letter read as a character of which it is the first half, and the second."""
        openers = self._written.openers.get(text[-1])
        if openers is None:
            return ()
        found = self._known.get(text)
        if found is None:
            trie, before = self._trie, text[:-1]
            halves = openers.keys() & trie.following(before)
            nodes = [(trie.walk(before + whole), openers[whole]) for whole in halves]
            found = tuple((node, seconds) for node, seconds in nodes if trie.parted[node])
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[text] = found
        return found

    def _after(self, node: int, last: str) -> list[int]:
        """The children of a node from which on words are parted, but for the one with the letter `last`."""
        parted, labels, first = self._trie.parted, self._trie.labels, self._trie.first
        return [
            child for child in range(first[node], first[node + 1]) if parted[child] and labels[child] != last
        ]


class _Heads(dict[int, str]):
    """For `str.translate`: nothing for a character that there is not."""

    def __missing__(self, code: int) -> str:
        return ""


class _Written(NamedTuple):
    """How characters are written as two letters: the `ways` of each, and the first letters of these, by code point; the
    characters by both; by the first the characters, each with the second.
    """

    ways: Mapping[str, Sequence[tuple[str, str]]]
    heads: _Heads
    pairs: Mapping[str, str]
    openers: Mapping[str, Mapping[str, str]]


@lru_cache(maxsize=2)
def _written(tables: Tables) -> _Written:
    ways: dict[str, list[tuple[str, str]]] = {}
    heads = _Heads(dict.fromkeys(range(0x4E00, 0xA000), ""))
    pairs: dict[str, str] = {}
    openers: dict[str, dict[str, str]] = {}
    known = letter_pairs(tables)
    for character, written in tables.splits.items():
        for parts in written:
            if parts in known:
                first, second = parts[0], parts[1]
                ways.setdefault(character, []).append((first, second))
                heads[ord(character)] = heads[ord(character)] + first
                pairs[parts] = pairs.get(parts, "") + character
                seconds = openers.setdefault(first, {})
                seconds[character] = seconds.get(character, "") + second
    return _Written(ways, heads, pairs, openers)


class _Known(NamedTuple):
    """The `hashes` of the pairs, as flags too; the pairs as sorted numbers, and for each what it may stand for."""

    hashes: Codes
    maybe: Flags
    keys: Numbers
    wholes: Codes  # a line each, 0 for none


class Splits:
    """`longest`: code points of the longest word that is looked for; `hashes`: of the pairs."""

    def __init__(self, tables: Tables, longest: int) -> None:
        self._known, self.longest = _pairs(tables), longest
        self.hashes = self._known.hashes

    def places(self, codes: Codes, pairs: Pairs) -> tuple[Numbers, Codes]:
        """Where pairs stand in a shadow, in order, each as often as there are characters that it may stand for, and
        those. `pairs`: what words say that were made with `hashes` besides.
        """
        known = self._known
        at = pairs.places[known.maybe.places(pairs.hashes)]
        keys = (codes[at].astype(np.int64) << _BITS) | codes[at + 1]
        which = np.minimum(known.keys.searchsorted(keys), len(known.keys) - 1)
        fits = (known.keys[which] == keys).nonzero()[0]
        wholes = known.wholes[which[fits]]
        lines, way = wholes.nonzero()
        return at[fits[lines]], wholes[lines, way]

    def find(
        self, codes: Codes, words: HashedWords, places: Numbers, wholes: Codes, starts: Numbers
    ) -> Numbers:
        """Where one of the words may stand with such a pair in it: (start, end), in no order; [n, 2].

        `starts`: where those of three letters and more begin without a pair, in order.
        """
        likely = self._likely(codes, words, places, wholes, starts) if len(places) else places
        if not len(likely):
            return NO_SPANS
        return self._within(codes, words, places[likely], wholes[likely])

    def _likely(
        self, codes: Codes, words: HashedWords, places: Numbers, wholes: Codes, starts: Numbers
    ) -> Numbers:
        """Which pairs may be part of a word: one begins with the character or one or two letters before, as far as
        three letters tell, or well before.
        """
        near = _around(codes, places, wholes, _NEAR, _NEAR).reshape(-1)
        begun = np.zeros(len(places), np.bool_)
        rows, begins = np.divmod(np.concatenate(words.starts(near)), 2 * _NEAR + 1)
        begun[rows[begins <= _NEAR]] = True
        first = starts.searchsorted(places - (self.longest - 1))
        begun |= starts.searchsorted(places - _NEAR) > first
        if len(words.ones):
            begun |= np.isin(wholes, words.ones)
        found: Numbers = begun.nonzero()[0]
        return found

    def _within(self, codes: Codes, words: HashedWords, places: Numbers, wholes: Codes) -> Numbers:
        reach = self.longest - 1
        width = 2 * reach + 2  # with a stop, so that no word goes on in the next line
        lines = np.full((len(places), width), _STOP, np.uint32)
        lines[:, :-1] = _around(codes, places, wholes, reach, reach)
        begins = np.arange(0, lines.size, width)[:, None] + np.arange(self.longest)
        hits = words.find(lines.reshape(-1), begins.reshape(-1))
        rows, first = np.divmod(hits[:, 0], width)
        lengths = hits[:, 1] - hits[:, 0]
        inside = (first <= reach) & (first + lengths > reach)
        starts = places[rows] + first - reach
        return spans(starts[inside], (starts + lengths + 1)[inside])


def _around(codes: Codes, places: Numbers, wholes: Codes, before: int, behind: int) -> Codes:
    """A line for each pair: what stands before it, the character that it may stand for, what stands behind it."""
    lines = np.empty((len(places), before + 1 + behind), np.uint32)
    at = places[:, None] + np.arange(-before, behind + 2)
    outside = (at < 0) | (at >= len(codes))
    letters = codes.take(at, mode="clip")
    letters[outside] = _STOP
    lines[:, :before], lines[:, before], lines[:, before + 1 :] = (
        letters[:, :before],
        wholes,
        letters[:, before + 2 :],
    )
    return lines


@lru_cache(maxsize=2)
def _pairs(tables: Tables) -> _Known:
    wholes: dict[int, list[int]] = {}
    for character, ways in tables.splits.items():
        for parts in ways:
            key = (ord(parts[0]) << _BITS) | ord(parts[1])
            wholes.setdefault(key, []).append(ord(character))
    keys = np.array(sorted(wholes), np.int64)
    table = np.zeros((len(keys), max(map(len, wholes.values()), default=1)), np.uint32)
    for row, key in enumerate(keys.tolist()):
        table[row, : len(wholes[key])] = wholes[key]
    first, second = keys >> _BITS, keys & ((1 << _BITS) - 1)
    hashes = mixed(first.astype(np.uint32), second.astype(np.uint32))
    return _Known(hashes, Flags.of(hashes), keys, table)
