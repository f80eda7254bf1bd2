"""Words with a letter that stands in them twice, where a shadow tells each run of one letter once.

Such a word looks like a shorter one, which ordinary text may be full of (的的国, and every 的国). So it is looked for
only around the letters of a shadow that stand for several of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxy.review.flat import Codes, Flat, Numbers, distinct
from proxy.review.hashed import Flags, Hashes, hashes_of, mixed, spans

__all__ = ["DoubledWords", "only_doubled"]

_BESIDE = {"behind": 1, "before": -1}  # where the other letter of a pair is
_FAR = 31  # bits of a place


def only_doubled(shadow: str, ways: Iterable[Sequence[str]]) -> bool:
    """Whether all ways to write the words that cast a shadow have letters that it tells once."""
    return len(shadow) > 1 and all(len(way) > len(shadow) for some in ways for way in some)


class DoubledWords:
    """Shadows with two letters at least, each found by a letter that is doubled and the one behind it, or, at the end,
    the one before it.
    """

    def __init__(self, behind: _Pairs, before: _Pairs) -> None:
        self._pairs = {"behind": behind, "before": before}

    @classmethod
    def of(
        cls, others: Mapping[str, Mapping[str, Sequence[str]]], runs_of: Callable[[str], Sequence[int]]
    ) -> DoubledWords:
        """`others`: by shadow the words that cast it, and the ways to write each; those that are not only doubled
        are left out. `runs_of`: how often each letter of a way stands there.
        """
        behind: dict[tuple[int, str], None] = {}
        before: dict[tuple[int, str], None] = {}
        for shadow, by in others.items():
            if only_doubled(shadow, by.values()):
                for way in {way for ways in by.values() for way in ways}:
                    runs = runs_of(way)
                    at = runs.index(max(runs))
                    (behind if at < len(shadow) - 1 else before)[at, shadow] = None
        return cls(_Pairs.of(list(behind), 1), _Pairs.of(list(before), -1))

    def find(self, codes: Codes, places: Numbers) -> Numbers:
        """(start, end) of what are likely such shadows, in order, [n, 2]. `places`: of the letters that stand for several,
        none of them the last.
        """
        found = [self._pairs[name].find(codes, places, beside) for name, beside in _BESIDE.items()]
        starts, ends = np.concatenate(found).T
        both = distinct(starts << _FAR | ends)  # one may be found by several of its letters
        return spans(both >> _FAR, both & ((1 << _FAR) - 1))

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """What it takes to have them again."""
        return {
            k: v for side, pairs in self._pairs.items() for k, v in pairs.arrays(f"{name}.{side}").items()
        }

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> DoubledWords:
        """The words that `arrays` gave. KeyError, ValueError for others."""
        return cls(*(_Pairs.of_arrays(arrays, f"{name}.{side}") for side in _BESIDE))


class _Pairs:
    """Shadows by one of their letters and the one beside it: `keys` the pairs, in order; `ats` which letter it is; the
    `hashes` and `lengths` of the shadows.
    """

    def __init__(self, keys: Hashes, hashes: Hashes, ats: Numbers, lengths: Numbers) -> None:
        self._keys, self._hashes, self._ats, self._lengths = keys, hashes, ats, lengths
        one, other = (keys >> _HALF).astype(np.uint32), (keys & _LOW).astype(np.uint32)
        self._maybe = Flags.of(mixed(one, other))

    @classmethod
    def of(cls, shadows: Sequence[tuple[int, str]], beside: int) -> _Pairs:
        words = Flat.of([shadow for _, shadow in shadows])
        ats = np.array([at for at, _ in shadows], np.int64)
        places = words.starts[:-1] + ats
        keys = _keys(words.codes.take(places), words.codes.take(places + beside))
        order = np.argsort(keys, kind="stable")
        return cls(keys[order], hashes_of(words)[order], ats[order], words.lengths[order])

    def find(self, codes: Codes, places: Numbers, beside: int) -> Numbers:
        """(start, end) of those that have their letter at one of the places, [n, 2]."""
        letters, others = codes.take(places), codes.take(places + beside, mode="wrap")
        likely = self._maybe.places(mixed(letters, others))
        keys = _keys(letters[likely], others[likely])
        first, after = self._keys.searchsorted(keys), self._keys.searchsorted(keys, "right")
        which = np.repeat(first, after - first) + _counted(after - first)
        starts = np.repeat(places[likely], after - first) - self._ats[which]
        ends = starts + self._lengths[which]
        inside = (starts >= 0) & (ends <= len(codes))
        which, starts, ends = which[inside], starts[inside], ends[inside]
        lengths = ends - starts
        stand = Flat.of_lengths(codes.take(np.repeat(starts, lengths) + _counted(lengths)), lengths)
        same = hashes_of(stand) == self._hashes[which]
        return spans(starts[same], ends[same])

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        fields = zip(_FIELDS, (self._keys, self._hashes, self._ats, self._lengths), strict=True)
        return {f"{name}.{field}": numbers for field, numbers in fields}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> _Pairs:
        keys, hashes, ats, lengths = (arrays[f"{name}.{field}"] for field in _FIELDS)
        kinds = keys.dtype == hashes.dtype == np.uint64, ats.dtype == lengths.dtype == np.int64
        if not all(kinds) or not len(keys) == len(hashes) == len(ats) == len(lengths):
            raise ValueError("the doubled words are not as they were compiled")
        if (keys[1:] < keys[:-1]).any() or (ats < 0).any() or (ats >= lengths).any():
            raise ValueError("the doubled words are not in order")
        return cls(keys, hashes, ats, lengths)


_FIELDS = ("keys", "hashes", "ats", "lengths")
_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


def _keys(letters: Codes, others: Codes) -> Hashes:
    return (letters.astype(np.uint64) << _HALF) | others


def _counted(lengths: Numbers) -> Numbers:
    """0, 1, 2 … anew for each length."""
    ends = lengths.cumsum()
    return np.arange(int(lengths.sum())) - np.repeat(ends - lengths, lengths)
