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

from labelers.prose import SPACE_MAX, Prose, clean_word
from labelers.provenance import KeyRing, Provenance
from labelers.transform import Passthrough, TextTransform
from labelers.watermarks.carrier_codec import (
    CHUNKS,
    GRAIN_RUN,
    LETTERS_WINDOW,
    NEEDED,
    Binder,
    bind_letters,
    encode,
    grain_heads,
    has_grains,
)

__all__ = ["MIN_CHARS", "PROFILES", "CarrierScheme", "CarrierTransform", "Profile", "strip_own"]

Body = TypeVar("Body")

MIN_CHARS = 20  # a shorter answer gets no mark
_WORD_SLACK = 6  # a word boundary without punctuation has to wait this much longer


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

# Han, kana and Hangul syllables; small kana and the compatibility ideographs (which have standard
# variants) are left out.
_CJK = "\u3042-\u3093\u30a2-\u30f3\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff"
_PAUSE = f"(?<=[，。！？；：、])[{_CJK}]|(?<=[.,;!?]) "
_WORD = rf"{_PAUSE}|(?<=[^\W\d_]) "
_AT_PAUSE = re.compile(_PAUSE)
_AT_WORD = re.compile(_WORD)
_AT_ANY = re.compile(f"{_WORD}|(?<=[{_CJK}])[{_CJK}]")
_LINE_END = re.compile(r"[^\W\d_]|[，。！？；：、.,;:!?]")
_TEXT_END = re.compile(r"[^\W\d_]|[，。！？；：、.,;:!?…—～)\]）】」』》〉”’\"']")
_OPAQUE = ("{", "[", "<")  # an answer that starts so is JSON or XML
_SWALLOW_AT = 2 * SPACE_MAX
_TRIM_AT = 1024
_OWED_MAX = 40
_NEVER = 1 << 60
_IDLE_MAX = 512


class CarrierTransform:
    """Marks one answer. Memory is bounded; only trailing white space is held back."""

    __slots__ = (
        "_binder",
        "_decided",
        "_grains",
        "_haste",
        "_heads",
        "_held",
        "_idle",
        "_last",
        "_later",
        "_least",
        "_most",
        "_off",
        "_owed",
        "_prose",
        "_short",
        "_unpaused",
        "_whole",
    )

    def __init__(self, message: bytes, binder: Binder, profile: Profile) -> None:
        self._heads = grain_heads(encode(message))
        self._binder = binder
        self._least, self._most = profile.least or _NEVER, profile.most  # of the current gap
        self._haste = profile.least * 4 // 9
        self._short = 0  # how much shorter the current gap is than the profile says
        self._owed = 0  # characters by which earlier gaps were too long
        self._prose = Prose()
        self._grains = 0  # written so far
        self._last = max(0, MIN_CHARS - 1 - self._least)  # where the last grain stands
        self._idle = 0  # characters that may still come before a grain can be due
        self._unpaused = profile.least - profile.most  # as `_idle`, for letters only
        self._later = ""  # released, not looked at yet
        self._held = ""  # white space at the end, not released
        self._whole = True  # whether all of the text is retained
        self._decided = False  # whether the first visible character was seen
        self._off = False

    def feed(self, text: str) -> str:
        # Most pieces come while no grain can be due, or are letters after letters and so offer no place
        # before the gap is wide: they go out at once and are looked at later, together.
        idle = self._idle - len(text)
        if idle > 0 or (
            idle > self._unpaused
            and (text if idle <= -_WORD_SLACK else text.replace(" ", "")).isalpha()
            and (self._later or self._prose.text)[-1:].isalpha()
        ):
            self._idle = idle
            self._later += text
            text = self._held + text
            out = text.rstrip()
            self._held = text[len(out) :]
            return out
        if self._off:
            return text
        return self._look(text)

    def flush(self) -> str:
        if self._off:
            return ""
        out = self._look("")
        return out + ("" if self._off else self._end()) + self._held

    def _look(self, text: str) -> str:
        """Read what came since the last look and put grains where they are due."""
        prose = self._prose
        if len(prose.text) > _TRIM_AT:
            cut = prose.trim()
            self._last -= cut
            self._whole = self._whole and not cut
        sent = len(prose.text) + len(self._later) - len(self._held)
        spans = prose.feed(self._later + text)
        self._later = ""
        end = prose.end
        self._held = prose.text[end if end > sent else sent :]
        if not self._decided and end:
            self._decided = True
            if prose.text.lstrip().startswith(_OPAQUE):
                self._off, self._held, self._idle = True, "", -_NEVER
                return prose.text
        out = self._mark(spans, sent) if spans and end - self._last >= self._least else prose.text[sent:end]
        if len(self._held) > _SWALLOW_AT:
            out += self._held
            self._held = ""
            self._last -= prose.swallow()
            self._whole = False
        if self._decided:
            idle = self._least - end + self._last
            self._idle = idle if idle < _IDLE_MAX else _IDLE_MAX
        return out

    def _mark(self, spans: list[tuple[int, int]], sent: int) -> str:
        """Release what is new, with the grains that are due."""
        buf = self._prose.text
        out = []
        for start, stop in spans:
            at = self._place(buf, start, stop)
            while at >= 0:
                out.append(buf[sent:at])
                out.append(self._grain(buf, at))
                self._pace(at - self._last)
                sent = self._last = at
                at = self._place(buf, at + 1, stop) if start < stop else -1
        out.append(buf[sent : self._prose.end])
        return "".join(out)

    def _pace(self, gap: int) -> None:
        """Set the limits of the next gap.

        After code, links or headings the gap was longer than the profile says; the next ones are shorter until
        that is made up for, so that an excerpt which shares a part with them still holds enough grains.
        """
        if gap > self._most:
            self._owed = min(_OWED_MAX, self._owed + gap - self._most)
        elif not self._owed:
            return
        else:
            self._owed = max(0, self._owed - (self._most - gap))
        short = min(self._owed, self._haste)
        self._least += self._short - short
        self._most += self._short - short
        self._short = short

    def _place(self, buf: str, start: int, stop: int) -> int:
        """The first place for a grain in an open stretch; -1: none."""
        due = self._last + self._least
        if start == stop:
            return start if start >= due and _fits_line_end(buf, start) else -1
        word, late = due + _WORD_SLACK, self._last + self._most
        at = start if start > due else due
        while at < stop:
            # Up to `word` only a pause will do, up to `late` only a boundary.
            if at < word:
                pattern, until = _AT_PAUSE, word
            elif at < late:
                pattern, until = _AT_WORD, late
            else:
                pattern, until = _AT_ANY, stop
            found = pattern.search(buf, at, until if until < stop else stop)
            if found is None:
                at = until
                continue
            at = found.start()
            if _fits(buf, at):
                return at
            at += 1
        return -1

    def _grain(self, buf: str, at: int) -> str:
        letters = bind_letters(buf[at - LETTERS_WINDOW if at > LETTERS_WINDOW else 0 : at])
        index = self._grains % CHUNKS
        self._grains += 1
        return self._heads[index] + self._binder.chars(letters, index)

    def _end(self) -> str:
        prose = self._prose
        if (self._whole and len(prose.text) < MIN_CHARS) or not prose.open_at_end():
            return ""
        buf, at = prose.text, prose.end
        if not _TEXT_END.match(buf, at - 1) or not clean_word(buf, at):
            return ""
        return "".join(self._grain(buf, at) for _ in range(max(1, NEEDED - self._grains)))


def _fits(buf: str, at: int) -> bool:
    """Whether a place that the patterns found is one: `at` is a space or a CJK letter."""
    if buf[at] == " ":
        after = buf[at + 1]  # there is one: trailing white space is not looked at
        return not (after == "|" or after.isspace()) and clean_word(buf, at)
    host = buf.rfind("www.", max(0, at - 64), at)
    return host < 0 or any(map(str.isspace, buf[host:at]))


def _fits_line_end(buf: str, at: int) -> bool:
    return _LINE_END.match(buf, at - 1) is not None and clean_word(buf, at)


class CarrierScheme:
    """The carrier as a watermark scheme. ValueError: an unknown profile."""

    name = "carrier"

    def __init__(self, keys: KeyRing, profile: str = "default") -> None:
        if profile not in PROFILES:
            raise ValueError(f"unknown carrier profile {profile!r}; known: {', '.join(PROFILES)}")
        self._keys = keys
        self._profile = PROFILES[profile]

    def mark_request(self, body: Body) -> Body:
        """The request as it is: a carrier needs no help from the model."""
        return body

    def new_transform(self, provenance: Provenance) -> TextTransform:
        """A transform that marks one text. ValueError: a provenance whose key epoch does not sign."""
        if not self._profile.end:
            return Passthrough()
        message = self._keys.pack(provenance)
        binder = Binder(self._keys.key(provenance.key_id), provenance.content_number)
        return CarrierTransform(message, binder, self._profile)


def strip_own(text: str) -> str:
    """The text without grains (ours, or those of another service that writes this frame).

    Only runs of whole, well-formed grains go; any other use of variation selectors stays.
    """
    return GRAIN_RUN.sub("", text) if has_grains(text) else text
