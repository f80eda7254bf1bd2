"""Words with a letter that stands in them twice, where a shadow tells each run of one letter once.

Such a word looks like a shorter one, which ordinary text may be full of (的的国, and every 的国). So it is looked for
only around the letters of a shadow that stand for several of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from proxy.review.flat import Codes, Numbers, codes_of, text_of
from proxy.review.hashed import Flags, mixed

__all__ = ["DoubledWords", "only_doubled"]


def only_doubled(shadow: str, ways: Iterable[Sequence[str]]) -> bool:
    """Whether all ways to write the words that cast a shadow have letters that it tells once."""
    return len(shadow) > 1 and all(len(way) > len(shadow) for some in ways for way in some)


class DoubledWords:
    """Shadows with two letters at least, each found by a letter that is doubled and the one behind it, or, at the end,
    the one before it.
    """

    def __init__(
        self, others: Mapping[str, Mapping[str, Sequence[str]]], runs_of: Callable[[str], Sequence[int]]
    ) -> None:
        """`others`: by shadow the words that cast it, and the ways to write each; those that are not only doubled
        are left out. `runs_of`: how often each letter of a way stands there.
        """
        self._behind, self._before = _Pairs(1), _Pairs(-1)
        for shadow, by in others.items():
            if only_doubled(shadow, by.values()):
                for way in {way for ways in by.values() for way in ways}:
                    runs = runs_of(way)
                    at = runs.index(max(runs))
                    (self._behind if at < len(shadow) - 1 else self._before).add(shadow, at)

    def find(self, codes: Codes, places: Numbers) -> list[tuple[int, int]]:
        """(start, end) of what are likely such shadows. `places`: of the letters that stand for several, none of them
        the last.
        """
        return list(dict.fromkeys([*self._behind.find(codes, places), *self._before.find(codes, places)]))


class _Pairs:
    """Shadows by one of their letters and the one `beside` it."""

    def __init__(self, beside: int) -> None:
        self._beside = beside
        self._shadows: dict[str, dict[tuple[int, str], None]] = {}

    def add(self, shadow: str, at: int) -> None:
        self._shadows.setdefault(shadow[at] + shadow[at + self._beside], {})[at, shadow] = None

    @cached_property
    def _maybe(self) -> Flags:
        pairs = codes_of("".join(self._shadows)).reshape(-1, 2)
        return Flags.of(mixed(pairs[:, 0], pairs[:, 1]))

    def find(self, codes: Codes, places: Numbers) -> Iterator[tuple[int, int]]:
        """(start, end) of those that have their letter at one of the places."""
        letters, beside = codes.take(places), codes.take(places + self._beside, mode="wrap")
        likely = self._maybe.places(mixed(letters, beside))
        pairs = zip(text_of(letters[likely]), text_of(beside[likely]), strict=True)
        for place, (letter, other) in zip(places[likely].tolist(), pairs, strict=True):
            for before, shadow in self._shadows.get(letter + other, ()):
                start, end = place - before, place - before + len(shadow)
                if text_of(codes[start:end]) == shadow:  # a slice from before the first is empty
                    yield start, end
