"""Sifting long texts: which stretches of one may hold a match, so that only those are read code point by code point.

After a stop, the end of a sentence that no term holds, every view is at its start again. So a text falls into
segments that have nothing to do with each other, and one whose shadow holds no shadow of a term is passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from proxy.review.matcher import DaachorseMatcher
from proxy.review.shadows import STOP, SUSPECT, Codes, LetterShadow, Shadow, SoundShadow, sentence_ends
from proxy.review.tables import Tables
from proxy.review.views import SafeView

__all__ = ["LONG", "Sieve", "Stretch", "letters_of", "sounds_of"]

LONG = 400  # code points from which on sifting is quicker than reading (bench/review.py)
PIECE = 1 << 14  # code points sifted at once: their arrays stay in the cache


class Stretch(NamedTuple):
    """[start, end) of a text, to be read.

    `spelled`: the only terms that may stand in it, folded; None if any may. `plain`: the one that is spelled is what
    the stretch reads as, a code each code point: there is nothing left to read.
    """

    start: int
    end: int
    spelled: Sequence[str] | None = None
    plain: bool = False


class Sieve:
    """Sifts texts for some views at once. `patterns`: by shadow the folded terms that cast it; `partial`: shadows
    that are those of a part of a term.
    """

    def __init__(
        self,
        shadow: Shadow,
        patterns: Mapping[str, Collection[str]],
        automaton: bytes | None = None,
        partial: Collection[str] = (),
    ) -> None:
        self._shadow = shadow
        self._partial = frozenset((SUSPECT, *partial))
        # Nearly all terms are their own shadow.
        self._others = {cast: tuple(terms) for cast, terms in patterns.items() if list(terms) != [cast]}
        self._matcher = (
            DaachorseMatcher.load(automaton)
            if automaton is not None
            else DaachorseMatcher(sorted({SUSPECT, *patterns}))
        )

    def to_bytes(self) -> bytes:
        """The automaton, to be kept."""
        return self._matcher.to_bytes()

    def stretches(self, text: str, fresh: bool) -> list[Stretch]:
        """What is to be read of a text: a stretch that begins at 0 from the present state, each other one from
        the start. Reading goes on after the last, which goes to the end of the text.

        `fresh`: the present state is the start.
        """
        found: list[Stretch] = []
        begin = at = 0
        while at < len(text):
            piece = text[at : at + PIECE]
            mapped = self._shadow.mapped(piece)
            ends = (mapped == STOP).nonzero()[0] + 1
            if not len(ends):
                at += len(piece)
                continue
            skip = 0
            if not fresh or begin < at:
                skip, ends = int(ends[0]), ends[1:]
                found.append(Stretch(begin, at + skip))
                fresh = True
            stop = int(ends[-1]) if len(ends) else skip
            found += self._suspected(piece[skip:stop], mapped[skip:stop], at + skip)
            begin = at = at + stop
        found.append(Stretch(begin, len(text)))
        return found

    def _suspected(self, text: str, mapped: Codes, at: int) -> Iterator[Stretch]:
        """Where terms may stand in a text that begins at `at`, behind a stop, and ends with one."""
        cast = self._shadow.cast(text, mapped)
        shadow = cast.codes.tobytes().decode("utf-32-le")
        hits = self._matcher.find(shadow)
        if not hits:
            return
        origins = cast.origins()
        segments: dict[int, dict[str, None]] = {}  # to be read whole, by where they begin in the shadow
        for start, end, _ in hits:
            spelled = shadow[start:end]
            terms = self._others.get(spelled, (spelled,))
            if origins is not None and spelled not in self._partial:
                first, last = int(origins[start]), int(origins[end - 1])
                span = text[first : last + 1]
                if cast.distinct is None and len(span) == end - start and _is_han(span):
                    yield Stretch(at + first, at + last + 1, terms, True)
                    continue
                before = max(0, first - 1)
                if _is_han(text[last]) and (_is_han(text[before]) or text[before] in self._shadow.stops):
                    yield Stretch(at + before, at + int(origins[end]), terms)
                    continue
            line = shadow.rfind("\n", 0, start) + 1
            segments.setdefault(line, {}).update(dict.fromkeys(terms))
        if segments:
            stops = (mapped == STOP).nonzero()[0] + 1
            lines = (cast.codes == STOP).nonzero()[0].searchsorted(list(segments))
            for line, within in zip(lines.tolist(), segments.values(), strict=True):
                start = int(stops[line - 1]) if line else 0
                yield Stretch(at + start, at + int(stops[line]), None if SUSPECT in within else tuple(within))


def _is_han(text: str) -> bool:
    """Whether a text is of characters that every view reads each by itself, and that are no letters of a word."""
    return min(text) >= "\u3400" and max(text) <= "\u9fff"


def letters_of(
    terms: Iterable[str], plain: Iterable[str], safe: SafeView, tables: Tables, automaton: bytes | None
) -> Sieve | None:
    """The sieve of the views raw, safe and evasion; None if a term casts no shadow.

    `terms`: what they look for; `plain`: the part of raw and safe, which may hold the end of a sentence.
    """
    used = set("".join(plain))
    kept = [stop for stop in sentence_ends(tables) if used.intersection((stop, *safe.fold(stop)))]
    shadow = LetterShadow(tables, kept)
    if not shadow.stops:
        return None
    folded = {term: safe.fold(term) for term in terms}
    certain = {term: _certain(spelling) for term, spelling in folded.items()}
    spelled = min(shadow.stops).join(certain.values())
    codes = shadow.cast(spelled, shadow.mapped(spelled)).codes
    patterns: dict[str, list[str]] = {}
    partial = set()
    for pattern, term in zip(codes.tobytes().decode("utf-32-le").split("\n"), certain, strict=True):
        patterns.setdefault(pattern, []).append(term)
        if certain[term] != folded[term]:
            partial.add(pattern)
    return None if "" in patterns else Sieve(shadow, patterns, automaton, partial)


def _certain(spelling: str) -> str:
    """The longest part of a spelling that always casts the same shadow."""
    if "!" not in spelling and spelling[:1] not in ("@", "$"):
        return spelling
    parts = (part.lstrip("@$") for part in spelling.split("!"))
    return max(parts, key=lambda part: sum(map(str.isalnum, part)))


def sounds_of(terms: Iterable[str], tables: Tables, automaton: bytes | None) -> Sieve:
    """The sieve of the pinyin view."""
    return Sieve(SoundShadow(tables), {term: (term,) for term in terms}, automaton)
