"""The words of one view as a trie in a few arrays: small, loaded in milliseconds, made without an object a word.

Nodes stand level by level, the children of one node side by side and in order. So a node is a number, its
children are a range, and to follow a letter is to find it in a short piece of one string.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from proxy.review.flat import Codes, Flat, Numbers, differing, distinct, text_of

__all__ = ["ROOT", "WORD", "Spellings", "Trie", "trie_of"]

ROOT = 0
WORD = 1 << 8  # beside the flags of the words that begin with a text: it is a word itself
_NUMBERS = ("first", "below", "owned", "owners", "parted")


class Spellings(Protocol):
    """What is looked for, as a stream asks for it. `every`: the flags of all words."""

    @property
    def every(self) -> int: ...

    def look(self, text: str) -> int:
        """The flags of all words that are longer than a text, not empty, and begin with it; and WORD if it is one."""
        ...

    def owners_of(self, word: str) -> Sequence[int]:
        """Whose word it is, in order; none if it is only a beginning."""
        ...

    def following(self, text: str) -> str:
        """The letters that come next in words that begin with a text."""
        ...


class Trie:
    """Words, each with its owners (numbers) and eight flags.

    The numbers stay in the arrays that they come in, which are read only. Node n has the letter labels[n] and the children first[n] to first[n + 1]; below[n] are the flags of all words
    that are longer than it and begin with it; owners[owned[n]:owned[n + 1]] are the owners of the word it is; `most` is the highest number of one.
    parted[n] are the flags of those words from it on, itself among them, that are also written with one of their
    characters as two; it is empty where none are (`proxy.review.splits`).
    """

    __slots__ = ("_tops", "below", "every", "first", "labels", "most", "owned", "owners", "parted")

    def __init__(
        self,
        labels: Codes,
        first: Codes,
        below: NDArray[np.uint8],
        owned: Codes,
        owners: Codes,
        parted: NDArray[np.uint8],
    ) -> None:
        """ValueError for arrays that are no trie."""
        nodes = len(labels)
        _require(all(numbers.dtype == np.uint32 for numbers in (labels, first, owned, owners)))
        _require(below.dtype == parted.dtype == np.uint8 and len(parted) in (0, nodes))
        _require(nodes > 0 and len(first) == len(owned) == nodes + 1 and len(below) == nodes)
        _require(int(first[-1]) == nodes and bool((first[:-1] <= first[1:]).all()))
        _require(bool((first[:-1] > np.arange(nodes, dtype=np.uint32)).all()))
        self.most = int(owners.max(initial=0))
        _require(int(owned[-1]) == len(owners) and bool((owned[:-1] <= owned[1:]).all()))
        self.labels = text_of(labels)
        self.first, self.owned, self.owners = first.data, owned.data, owners.data
        self.below, self.parted = below.data, parted.data
        self.every = self.below[ROOT]
        self._tops = {self.labels[node]: node for node in range(self.first[ROOT], self.first[ROOT + 1])}

    @classmethod
    def of_arrays(cls, labels: Codes, numbers: Mapping[str, NDArray[Any]], name: str) -> Trie:
        """The trie that had these labels and numbers. KeyError, ValueError for others."""
        return cls(labels, *(numbers[f"{name}.{field}"] for field in _NUMBERS))

    def numbers(self, name: str) -> dict[str, NDArray[Any]]:
        """What it takes, beside its labels, to have it again."""
        return {f"{name}.{field}": np.asarray(getattr(self, field)) for field in _NUMBERS}

    def walk(self, word: str) -> int:
        """The node of a word or a beginning of one, not empty; -1 if there is none."""
        node = self._tops.get(word[0], -1)
        if node < 0 or len(word) == 1:
            return node
        first, find = self.first, self.labels.find
        for letter in word[1:]:
            node = find(letter, first[node], first[node + 1])
            if node < 0:
                return -1
        return node

    def look(self, text: str) -> int:
        """As `Spellings` says."""
        node = self._tops.get(text, -1) if len(text) == 1 else self.walk(text)
        if node < 0:
            return 0
        owned = self.owned
        return self.below[node] if owned[node] == owned[node + 1] else self.below[node] | WORD

    def owners_of(self, word: str) -> Sequence[int]:
        """As `Spellings` says."""
        return self.owners_at(self.walk(word))

    def owners_at(self, node: int) -> Sequence[int]:
        """The owners of the word that a node is; none of node -1."""
        return self.owners[self.owned[node] : self.owned[node + 1]] if node > ROOT else ()

    def following(self, text: str) -> str:
        """As `Spellings` says."""
        return self.children(self.walk(text) if text else ROOT)

    def children(self, node: int) -> str:
        """The letters that may follow a node; none that follow node -1."""
        return self.labels[self.first[node] : self.first[node + 1]] if node >= ROOT else ""


def _require(good: bool) -> None:
    if not good:
        raise ValueError("the words of a view are not as they were compiled")


def trie_of(words: Flat, owners: Numbers, flags: NDArray[np.uint8], parted: NDArray[np.bool_]) -> Trie:
    """The trie of some words, each of an owner and with flags. `parted`: which are also written with one of their
    characters as two.
    """
    node_of, labels, parents, bounds = _nodes(words)
    nodes = bounds[-1]
    first = np.ones(nodes + 1, np.int64)
    first[1:] += np.cumsum(np.bincount(np.concatenate(parents)[1:], minlength=nodes))
    both = flags.astype(np.uint16)
    both[parted] |= both[parted] << 8
    own, below = np.zeros(nodes, np.uint16), np.zeros(nodes, np.uint16)
    for flag in distinct(both).tolist():
        own[node_of[both == flag]] |= flag
    for start, end, parent in zip(bounds[-2:0:-1], bounds[:1:-1], parents[:0:-1], strict=True):
        opens = np.flatnonzero(differing(parent))
        below[parent[opens]] = np.bitwise_or.reduceat(own[start:end] | below[start:end], opens)
    pairs = np.sort((node_of << 32) | owners)
    pairs = pairs[differing(pairs)]
    owned = np.zeros(nodes + 1, np.int64)
    np.cumsum(np.bincount(pairs >> 32, minlength=nodes), out=owned[1:])
    return Trie(
        np.concatenate(labels), first.astype(np.uint32), below.astype(np.uint8), owned.astype(np.uint32),
        (pairs & 0xFFFFFFFF).astype(np.uint32), ((own | below) >> 8).astype(np.uint8)[: nodes * parted.any()],
    )  # fmt: skip


def _nodes(words: Flat) -> tuple[Numbers, list[Codes], list[Numbers], list[int]]:
    """The node of each word; level by level the letters of its nodes, their parents, and where the level begins.

    What distinguishes two nodes of a level is their parent and their letter. As many levels are sorted at once as there
    is room for their letters behind the number of a node.
    """
    lengths = words.lengths
    letters, numbered = _numbered(words.codes)
    bits = max(1, len(letters).bit_length())
    at_once = max(1, (63 - (len(words.codes) + 1).bit_length()) // bits)
    node_of = np.zeros(len(lengths), np.int64)
    labels, parents, bounds = [np.zeros(1, np.uint32)], [np.zeros(1, np.int64)], [0, 1]
    rows, depth = np.flatnonzero(lengths > 0), 0
    while len(rows):
        keys, starts, left = node_of[rows], words.starts[rows] + depth, lengths[rows] - depth
        for at in range(at_once):
            keys <<= bits
            keys |= np.where(left > at, numbered.take(starts + at, mode="clip"), 0)
        order = np.argsort(keys)
        rows, keys = rows[order], keys[order]
        nodes = node_of[rows]
        for at in range(at_once - 1, -1, -1):
            here = keys >> (bits * at)
            letter = here & ((1 << bits) - 1)
            new = differing(here) & (letter > 0)
            opens = np.flatnonzero(new)
            labels.append(letters[letter[opens] - 1])
            parents.append(nodes[opens])
            nodes = np.where(letter > 0, np.cumsum(new, dtype=np.int32) + (bounds[-1] - 1), nodes)
            bounds.append(bounds[-1] + len(opens))
        node_of[rows] = nodes
        depth += at_once
        rows = np.flatnonzero(lengths > depth)
    return node_of, labels, parents, bounds


def _numbered(codes: Codes) -> tuple[Codes, Codes]:
    """The code points that there are, in order, and for each of the codes which of them it is, from 1 on."""
    number = np.zeros(int(codes.max(initial=0)) + 1, np.uint32)
    number[codes] = 1
    letters = np.flatnonzero(number)
    number[letters] = np.arange(1, len(letters) + 1)
    return letters.astype(np.uint32), number[codes]
