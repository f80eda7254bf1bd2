"""The invisible carrier watermark: who put a text out, repeated every two dozen characters.

Strategy. The message of `labelers.provenance` is cut into eleven chunks of which any four restore it
(`carrier_codec`); the writer puts the next chunk, as thirteen invisible characters, wherever running text
(`labelers.prose`) offers a place once enough characters have passed: after a punctuation mark as soon as
the gap is long enough, at any word boundary a little later, between two Han characters at the latest. A
place is judged from the characters on both sides of it alone, so nothing is delayed but white space.

The reader is `detectors.carrier`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from labelers.prose import BARRED_MAX, SPACE_MAX, Prose
from labelers.provenance import KeyRing, Provenance
from labelers.transform import Passthrough, TextTransform
from labelers.watermarks.carrier_codec import (
    CHUNKS,
    GRAIN_RUN,
    LETTERS_WINDOW,
    NEEDED,
    SECOND_RUN,
    Binder,
    bind_letters,
    grain_heads,
    has_grains,
    has_second,
    second_of,
)
from labelers.watermarks.carrier_places import (
    WORD_SLACK,
    fits_line_end,
    fits_text_end,
    may_any,
    may_pause,
    may_word,
    next_place,
)

__all__ = ["KINDS", "MIN_CHARS", "PROFILES", "CarrierScheme", "CarrierTransform", "Profile", "strip_own"]

Body = TypeVar("Body")

MIN_CHARS = 20  # a shorter answer gets no mark


@dataclass(frozen=True, slots=True)
class Profile:
    """Characters between two grains: a good place is taken from `least` on, any place from `most` on.

    `least` 0: no grains inside the text; `end`: grains at its end.
    """

    least: int
    most: int
    end: bool = True


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "dense": Profile(10, 16),
        "default": Profile(18, 30),
        "light": Profile(26, 40),
        "sparse": Profile(42, 60),
        "final-only": Profile(0, 0),
        "off": Profile(0, 0, end=False),
    }
)

# The kinds of content that may have a profile of their own: what running text stands in.
KINDS = ("paragraph", "list", "quote")
_OPAQUE = ("{", "[", "<")  # an answer that starts so is JSON or XML
_SWALLOW_AT = 2 * SPACE_MAX
_TRIM_AT = 1024
_NEVER = 1 << 60
_HASTE = 0.7  # of a gap: what is missing of it for each further grain at one place
_IDLE_MAX = 512


class CarrierTransform:
    """Marks one answer. Memory is bounded; only trailing white space is held back."""

    __slots__ = (
        "_binder",
        "_closed",
        "_decided",
        "_floor",
        "_grains",
        "_heads",
        "_held",
        "_idle",
        "_kind",
        "_kinds",
        "_last",
        "_lasting",
        "_later",
        "_least",
        "_most",
        "_off",
        "_profile",
        "_prose",
        "_second",
        "_seen",
        "_unpaused",
        "_whole",
        "_worded",
    )

    def __init__(
        self,
        message: bytes,
        binder: Binder,
        profile: Profile,
        kinds: Mapping[str, Profile] | None = None,
        *,
        second: bool = False,
    ) -> None:
        self._heads = grain_heads(message)
        self._binder = binder
        self._second = second
        self._profile = profile
        self._kinds = kinds  # None: one profile for all
        self._kind = "paragraph"  # what the next stretch stands in
        self._least, self._most = profile.least or _NEVER, profile.most  # nothing is due before
        if kinds and (used := [one for one in (profile, *kinds.values()) if one.least]):
            self._least, self._most = min(one.least for one in used), min(one.most for one in used)
        self._prose = Prose()
        self._grains = 0  # written so far
        self._last = max(0, MIN_CHARS - 1 - self._least)  # where the last grain stands
        self._idle = 0  # characters that may still come before a grain can be due
        self._worded = self._unpaused = (
            0  # as `_idle`: what it is where word ends will do, and where any place will
        )
        self._floor = -1  # what it is where all is looked at
        self._closed: re.Pattern[str] | None = None  # what may end the code, link or table that is open,
        self._lasting = 0  # within so many characters
        self._later = ""  # released, not looked at yet, behind
        self._seen = 0  # so many characters of what was
        self._held = ""  # white space at the end, not released
        self._whole = True  # whether all of the text is retained
        self._decided = False  # whether the first visible character was seen
        self._off = False

    def feed(self, text: str) -> str:
        # Most pieces come while no grain can be due or have no place for one: they go out at once and are looked at
        # later, together.
        later = self._later + text
        idle = self._idle - len(text)
        place = 0
        if idle >= 0 or (idle > self._floor and (place := self._possible(later, len(text), idle)) < 0):
            self._idle = idle
            self._later = later
            if self._held:
                text = self._held + text
                self._held = ""
            out = text.rstrip()
            if len(out) < len(text):
                self._held = text[len(out) :]
            return out
        if self._off:
            return text
        return self._look(later, place)

    def _possible(self, later: str, new: int, idle: int) -> int:
        """Before which index of `later`, whose last `new` characters are new, no grain can stand; -1: nowhere in it.

        The characters alone decide.
        """
        size = len(later)
        if self._closed is not None:
            return -1 if size < self._lasting and self._closed.search(later, size - new) is None else 0
        # No place is before the white space at the end of what was known, nor before one is due.
        start = size - new - len(self._held)
        due = size + idle
        if start < due:
            start = due
        if idle >= self._worded:
            found = may_pause(later, start - 1)
        elif idle >= self._unpaused:
            since = due - self._worded
            if since <= start:
                found = may_word(later, start - 1)
            elif found := may_pause(later, start - 1):
                return min(found.start(), since - 1)
            else:
                found = may_word(later, since)
        else:
            since = due - self._unpaused
            if since <= start:
                found = may_any(later, start - 1)
            elif found := may_word(later, start - 1):
                return min(found.start(), since - 1)
            else:
                found = may_any(later, since - 1)
        return -1 if found is None else found.start()

    def flush(self) -> str:
        if self._off:
            return ""
        out = self._look(self._later, 0)
        return out + ("" if self._off else self._end()) + self._held

    def _look(self, later: str, place: int) -> str:
        """Read what came since the last look and put grains where they are due, from `place` on."""
        prose = self._prose
        if len(prose.text) > _TRIM_AT:
            cut = prose.trim()
            self._last -= cut
            self._whole = self._whole and not cut
        known = len(prose.text) - self._seen
        sent = known + len(self._later) - len(self._held)
        spans = prose.feed(later[self._seen :])
        buf, end = prose.text, prose.end
        self._held = buf[end if end > sent else sent :]
        if not self._decided and end:
            self._decided = True
            if buf.lstrip().startswith(_OPAQUE):
                self._off, self._held, self._idle = True, "", -_NEVER
                return buf[sent:]
        if spans and end - self._last >= self._least:
            out = self._mark(buf, spans, sent, end, known + place)
        else:
            out = buf[sent:end]
        if prose.lines:
            self._kind = prose.lines[-1][1]
        if len(self._held) > _SWALLOW_AT:
            out += self._held
            self._held = ""
            self._last -= prose.swallow()
            self._whole = False
        self._later = buf[-1 - len(self._held) :]
        self._seen = len(self._later)
        if self._decided:
            # The white space that is held has come already.
            idle = self._least - len(prose.text) + self._last
            self._closed = None
            at_once = idle
            if idle < BARRED_MAX:
                if idle < 0:
                    lasting, self._closed = prose.closed()
                    self._lasting = lasting + self._seen
                if (barred := prose.barred()) > at_once and barred > 0:
                    at_once = barred
            if at_once > _IDLE_MAX:
                at_once = _IDLE_MAX
            self._idle = at_once
            self._worded = at_once - idle - WORD_SLACK
            self._unpaused = at_once - idle + self._least - self._most
            self._floor = (at_once if at_once < 0 else 0) - _IDLE_MAX
        return out

    def _mark(self, buf: str, spans: list[tuple[int, int]], sent: int, end: int, first: int) -> str:
        """Release what is new, with the grains that are due: none before the index `first`."""
        out = ""
        least, most, last = self._least, self._most, self._last
        lines = [*self._prose.lines] if self._kinds else []
        for start, stop in spans:
            if self._kinds:
                while lines and lines[0][0] <= start:
                    self._kind = lines.pop(0)[1]
                profile = self._kinds.get(self._kind, self._profile)
                least, most = profile.least or _NEVER, profile.most
            while True:
                if start < stop:
                    at = next_place(buf, start if start > first else first, stop, last + least, last + most)
                else:
                    at = start if start >= last + least and fits_line_end(buf, start) else -1
                if at < 0:
                    break
                # After code, links or headings, in which none could stand, several stand together: an excerpt
                # that shares a part with them still holds enough.
                gap = at - last
                count = 1 if gap <= most else min(NEEDED, 1 + int((gap - most) / (_HASTE * least)))
                out += buf[sent:at] + self._grains_at(buf, at, count)
                sent = last = at
                start = at + 1
                if start >= stop:
                    break
        self._last = last
        return out + buf[sent:end]

    def _grains_at(self, buf: str, at: int, count: int) -> str:
        """The next grains, for one place."""
        letters = bind_letters(buf[at - LETTERS_WINDOW if at > LETTERS_WINDOW else 0 : at])
        written = self._grains
        self._grains = written + count
        index = written % CHUNKS
        grains = self._heads[index] + self._binder.chars(letters, index)
        for number in range(written + 1, written + count):
            index = number % CHUNKS
            grains += self._heads[index] + self._binder.chars(letters, index)
        return grains + second_of(grains) if self._second else grains

    def _end(self) -> str:
        prose = self._prose
        if (self._whole and len(prose.text) < MIN_CHARS) or not prose.open_at_end():
            return ""
        buf, at = prose.text, prose.end
        if not fits_text_end(buf, at):
            return ""
        if self._kinds and not self._kinds.get(self._kind, self._profile).end:
            return ""
        return self._grains_at(buf, at, max(1, NEEDED - self._grains))


class CarrierScheme:
    """The carrier as a watermark scheme.

    `kinds`: profiles of single kinds of content (`KINDS`) that differ from `profile`. `second`: each grain is spelled
    a second time in U+2061..2064, for channels that strip variation selectors. ValueError: an unknown profile or kind.
    """

    name = "carrier"

    def __init__(
        self,
        keys: KeyRing,
        profile: str = "default",
        *,
        kinds: Mapping[str, str] | None = None,
        second: bool = False,
    ) -> None:
        for name in (profile, *(kinds or {}).values()):
            if name not in PROFILES:
                raise ValueError(f"unknown carrier profile {name!r}; known: {', '.join(PROFILES)}")
        for kind in kinds or {}:
            if kind not in KINDS:
                raise ValueError(f"unknown kind of content {kind!r}; known: {', '.join(KINDS)}")
        self._keys = keys
        self._profile = PROFILES[profile]
        self._kinds = {kind: PROFILES[name] for kind, name in (kinds or {}).items()}
        self._second = second

    def mark_request(self, body: Body) -> Body:
        """The request as it is: a carrier needs no help from the model."""
        return body

    def new_transform(self, provenance: Provenance) -> TextTransform:
        """A transform that marks one text. ValueError: a provenance whose key epoch does not sign."""
        if not self._profile.end and not self._kinds:
            return Passthrough()
        message = self._keys.pack(provenance)
        binder = Binder(self._keys.key(provenance.key_id), provenance.content_number)
        return CarrierTransform(message, binder, self._profile, self._kinds or None, second=self._second)


def strip_own(text: str) -> str:
    """The text without grains (ours, or those of another service that writes this frame).

    Only runs of whole, well-formed grains go; any other use of these characters stays.
    """
    if not has_grains(text):
        return text
    text = GRAIN_RUN.sub("", text)
    return SECOND_RUN.sub("", text) if has_second(text) else text
