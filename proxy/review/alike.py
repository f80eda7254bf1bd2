"""Common words that sound like an entry: 视频安全 for 食品安全. They are its cheapest disguise, and read as ordinary text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from proxy.review.syllables import MIN_BLOCK, syllables
from proxy.review.tables import Tables
from proxy.review.views import safe_view

__all__ = ["words_alike"]

_LONGEST = 3  # characters of a common word
_MOST = 2000  # ways that are looked at


def words_alike(pattern: str, tables: Tables, limit: int = 6) -> list[str]:
    """Rows of common words of two or three characters that sound like a pattern of four syllables and more, those
    first that change least; [] for other patterns. Without those that are in the pattern already.
    """
    safe = safe_view(tables).fold(pattern)
    sound = syllables(tables).of
    if len(safe) < MIN_BLOCK or any(c not in sound for c in safe):
        return []
    found = set[str]()
    for number, words in enumerate(_rows(safe, tables)):
        if number >= _MOST:
            break
        found.add("".join(words))
    found.discard(safe)
    return sorted(found, key=lambda text: (_changed(text, safe), text))[:limit]


def _changed(text: str, pattern: str) -> int:
    return sum(one != other for one, other in zip(text, pattern, strict=True))


def _rows(text: str, tables: Tables) -> Iterator[tuple[str, ...]]:
    """Every row of common words that sounds so."""
    if not text:
        yield ()
        return
    sound, words = syllables(tables).of, _by_sound(tables)
    for length in range(2, min(_LONGEST, len(text)) + 1):
        for word in words.get("".join(sound[c] for c in text[:length]), ()):
            for rest in _rows(text[length:], tables):
                yield word, *rest


@lru_cache(maxsize=2)
def _by_sound(tables: Tables) -> dict[str, list[str]]:
    sound = syllables(tables).of
    found: dict[str, list[str]] = {}
    for word in sorted(tables.common):
        if 2 <= len(word) <= _LONGEST and all(c in sound for c in word):
            found.setdefault("".join(sound[c] for c in word), []).append(word)
    return found
