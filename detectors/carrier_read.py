"""What of the carrier stands in a text: whole grains, damaged ones, and the words that their writer saw before them.

Runs of whole grains are cut out of the text, and so are our own explicit labels at the edge of a line: the letters
before a grain are those of what is left. A run of variation selectors that is no whole grain, and too long to be
natural, is what an edit left of some; once a message is known, it tells which grain it was, and often its bind.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from labelers.watermarks.carrier_codec import (
    BIND_LETTERS,
    CHUNKS,
    GRAIN_CHARS,
    GRAIN_RUN,
    LETTERS_WINDOW,
    SECOND_RUN,
    bind_letters,
    chunk_of,
    first_of,
    has_second,
    split_run,
)

__all__ = ["DamagedRun", "Grain", "label_pattern", "read"]

_HEAD_CHARS = GRAIN_CHARS - 2
_LOST_MAX = 4  # a run that lost more tells too little of itself
_RUN = re.compile("[\ufe00-\ufe0f]{2,}")
_SUPPLEMENT = ("\U000e0100", "\U000e01ef")  # runs beside these are others' blobs
_INDICES = frozenset(chr(0xFE03 + index) for index in range(CHUNKS))


@dataclass(frozen=True, slots=True)
class Grain:
    """One grain: where it stands in the text as given, what it holds, and the letters that its writer saw before it.

    `cut`: the text begins so near before it that the writer may have seen more.
    """

    start: int
    end: int
    index: int
    chunk: bytes
    bind: int
    letters: bytes
    cut: bool = False


@dataclass(frozen=True, slots=True)
class DamagedRun:
    """Variation selectors that an edit left of one or more grains."""

    start: int
    chars: str
    before: str

    def pairs(self) -> Iterator[tuple[int, bytes]]:
        """Index and chunk of the grains that may stand whole in it, perhaps without their bind.

        Which of them really do only the tag of a message says.
        """
        starts = {0, *range(GRAIN_CHARS, len(self.chars), GRAIN_CHARS)}
        starts |= {len(self.chars) - size for size in range(GRAIN_CHARS, len(self.chars), GRAIN_CHARS)}
        for at in sorted(starts):
            head = self.chars[at : at + _HEAD_CHARS]
            if len(head) == _HEAD_CHARS and head[0] in _INDICES:
                yield chunk_of(head)

    def members(self, heads: Sequence[str], chunks: Sequence[bytes]) -> Iterator[Grain]:
        """The grains of a known message that are left here with their bind."""
        lost = GRAIN_CHARS - len(self.chars)
        if 0 < lost <= _LOST_MAX:
            for index, head in enumerate(heads):
                # Without its last two characters, the bind, it is a part of the head in its order. Where all but
                # one are, half of the bind is lost.
                if _is_within(self.chars[:-2], head) and not _is_within(self.chars[:-1], head):
                    yield self._grain(index, chunks[index], 0, len(self.chars))
                    return
        elif lost < 0:
            for index, head in enumerate(heads):
                at = self.chars.find(head)
                if at >= 0 and at + GRAIN_CHARS <= len(self.chars):
                    yield self._grain(index, chunks[index], at, at + GRAIN_CHARS)

    def _grain(self, index: int, chunk: bytes, start: int, end: int) -> Grain:
        bind, letters = _bind(self.chars[end - 2 : end]), bind_letters(self.before)
        cut = _is_cut(self.before, letters)
        return Grain(self.start + start, self.start + end, index, chunk, bind, letters, cut)


def _bind(two: str) -> int:
    return (ord(two[0]) & 15) << 4 | ord(two[1]) & 15


def _is_cut(before: str, letters: bytes) -> bool:
    """Whether these letters are all that there are, and fewer than a bind is made of."""
    return len(before) < LETTERS_WINDOW and len(letters.decode("utf-8", "surrogatepass")) < BIND_LETTERS


def _is_supplement(char: str) -> bool:
    return _SUPPLEMENT[0] <= char <= _SUPPLEMENT[1]


def _is_within(part: str, whole: str) -> bool:
    """Whether all characters of `part` stand in `whole`, in this order."""
    rest = iter(whole)
    return all(char in rest for char in part)


def label_pattern(labels: Sequence[str]) -> re.Pattern[str] | None:
    """Our labels at the edge of a line (a paste may have joined lines on the other side)."""
    forms = {form for label in labels for form in (label, unicodedata.normalize("NFKC", label)) if form}
    if not forms:
        return None
    either = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    return re.compile(rf"(?:^|(?<=[\n\r]))[ \t]*(?:{either})|(?:{either})(?=[ \t]*(?:[\n\r]|\Z))")


def read(text: str, labels: re.Pattern[str] | None) -> tuple[list[Grain], list[DamagedRun]]:
    """All whole grains of a text, and what is left of others, in the order of the text."""
    grains: list[Grain] = []
    damaged: list[DamagedRun] = []
    cuts = [(run.start(), run.end(), run[0]) for run in _RUN.finditer(text)]
    if has_second(text):
        cuts += [(run.start(), run.end(), first_of(run[0])) for run in SECOND_RUN.finditer(text)]
    if labels:
        cuts += [(label.start(), label.end(), "") for label in labels.finditer(text)]
    cuts.sort()
    before, done, last = "", 0, ""
    for start, end, run in cuts:
        whole = not len(run) % GRAIN_CHARS and GRAIN_RUN.fullmatch(run) is not None
        if run and not whole and len(run) < GRAIN_CHARS - _LOST_MAX:
            continue  # natural
        if run and (_is_supplement(text[start - 1 : start]) or _is_supplement(text[end : end + 1])):
            continue
        if start == done and run == last:
            done = end  # the same grains, spelled again
            continue
        before = (before + text[done:start])[-LETTERS_WINDOW:]
        done, last = end, run
        if whole:
            size = (end - start) // (len(run) // GRAIN_CHARS)
            letters = bind_letters(before)
            cut = _is_cut(before, letters)
            for number, grain in enumerate(split_run(run)):
                index, chunk = chunk_of(grain)
                at = start + number * size
                grains.append(Grain(at, at + size, index, chunk, _bind(grain[11:]), letters, cut))
        elif run:
            damaged.append(DamagedRun(start, run, before))
    return grains, damaged
