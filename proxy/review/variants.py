"""Variants 变体 of an entry: how its pattern may be disguised, and whether the entry finds it so already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from proxy.review.alike import words_alike
from proxy.review.entry import Direction, Entry
from proxy.review.library import Library
from proxy.review.tables import Kind, Tables, builtin_tables

__all__ = ["Variant", "variants"]

_MOST_OF_A_WAY = 8


@dataclass(frozen=True, slots=True)
class Variant:
    """One disguise. `way`: traditional, pinyin, words, initials, split, spaced, separated, repeated; `found`: by the entry,
    which `acts` on it (blocks, replaces, masks) or only flags."""

    way: str
    text: str
    found: bool
    acts: bool = False


def variants(entry: Entry, tables: Tables | None = None) -> list[Variant]:
    """Disguises of an entry's pattern from the tables; those that the entry does not find are worth an entry."""
    tables = tables or builtin_tables()
    library = Library.compile([entry])
    directions = [d for d in Direction if entry.action_for(d) is not None]
    said = []
    seen = {entry.pattern}
    for way, texts in _ways(entry.pattern, tables):
        for text in texts[:_MOST_OF_A_WAY]:
            if text not in seen:
                seen.add(text)
                found = [one for direction in directions for one in library.review(text, direction)]
                said.append(Variant(way, text, bool(found), any(one.action.holds for one in found)))
    return said


def _ways(pattern: str, tables: Tables) -> Iterator[tuple[str, Sequence[str]]]:
    yield "traditional", _traditional(pattern, tables)
    syllables = [_reading(c, tables) for c in pattern]
    if any(tables.kind(c) == Kind.HAN for c in pattern) and all(syllables):
        yield "pinyin", ["".join(syllables), " ".join(syllables)]
        yield "pinyin", [pattern[:i] + syllables[i] + pattern[i + 1 :] for i in range(len(pattern))]
        yield "initials", ["".join(syllable[0] for syllable in syllables)]
    yield "words", words_alike(pattern, tables)
    yield "split", tables.split_variants(pattern)
    yield "spaced", [" ".join(pattern), "\u3000".join(pattern)]
    yield "separated", [mark.join(pattern) for mark in ("*", "-", ".", "|", "\u200b")]
    yield "repeated", ["".join(c * 2 for c in pattern)]


def _traditional(pattern: str, tables: Tables) -> list[str]:
    """Each character, and all at once, as the traditional ones that fold into it."""
    written = _writings(tables)
    one = [
        pattern[:i] + other + pattern[i + 1 :] for i, c in enumerate(pattern) for other in written.get(c, ())
    ]
    whole = "".join(written.get(c, (c,))[0] for c in pattern)
    return [whole, *one]


def _reading(character: str, tables: Tables) -> str:
    """The commonest syllable of a Han character, a letter or digit as it stands, "" for anything else."""
    if tables.kind(character) == Kind.HAN:
        return _readings(tables).get(character, "")
    return character.lower() if character.isalnum() else ""


@lru_cache(maxsize=2)
def _readings(tables: Tables) -> dict[str, str]:
    return {character: syllable for syllable, said in tables.syllables.items() for character in said}


@lru_cache(maxsize=2)
def _writings(tables: Tables) -> dict[str, tuple[str, ...]]:
    """A simplified character -> the traditional ones."""
    found: dict[str, list[str]] = {}
    for code, to in tables.fold.items():
        if isinstance(to, int) and to != code and tables.kinds[code] == tables.kinds[to] == Kind.HAN:
            found.setdefault(chr(to), []).append(chr(code))
    # Compatibility forms look the same; the plain CJK block comes first.
    return {
        c: tuple(sorted(others, key=lambda o: not 0x4E00 <= ord(o) <= 0x9FFF)) for c, others in found.items()
    }
