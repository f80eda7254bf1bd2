"""Names the invisible marks of others. None is verified: each is a trace, no proof, and none is ours to remove.

Known are the text manifest of C2PA (2.4, Annex A.8), blobs of variation selectors (encypher and kin), runs of
zero-width characters (StegCloak and kin), TAG characters outside flags, and the four-character mark of
Microsoft's Windows AI text APIs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from detectors.detection import Detection, Outcome
from labelers.watermarks.carrier_codec import GRAIN_RUN, SECOND_RUN

__all__ = ["C2PA", "FOREIGN_MARKS", "ForeignDetector", "selector_bytes"]

C2PA = "C2PA text manifest (A.8)"

_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_C2PA_MAGIC = b"C2PATXT\0"
_BLOB = re.compile(f"\ufeff?[{_SELECTORS}]{{8,}}")
_MICROSOFT = "\u200b\u034f\u2060\u200b"
# An emoji sequence or an Indic word needs one joiner at a time, never so many in a row.
_ZERO_WIDTH = re.compile(f"(?!{_MICROSOFT})[\u180e\u200b-\u200f\u2060-\u2064\u206a-\u206f\ufeff]{{8,}}")
# After U+1F3F4 they spell a flag.
_TAGS = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0001\U000e0020-\U000e007f]+")

Spans = tuple[tuple[int, int], ...]


def selector_bytes(run: str) -> bytes:
    """The bytes behind a run of variation selectors: VS1..16 are 0..15, VS17..256 are 16..255."""
    codes = (ord(char) for char in run)
    return bytes(code - 0xFE00 if code < 0xFE10 else code - 0xE0100 + 16 for code in codes)


def _blobs(text: str) -> list[tuple[int, int, bool]]:
    """Long runs of variation selectors that are no grains: start, end, whether C2PA wrote it."""
    found = []
    for run in _BLOB.finditer(text):
        selectors = run[0].lstrip("\ufeff")
        if GRAIN_RUN.fullmatch(selectors):
            continue
        c2pa = run[0] != selectors and selector_bytes(selectors).startswith(_C2PA_MAGIC)
        found.append((run.start(), run.end(), c2pa))
    return found


def _c2pa(text: str) -> Spans:
    return tuple((start, end) for start, end, c2pa in _blobs(text) if c2pa)


def _other_blobs(text: str) -> Spans:
    # A damaged grain of ours is shorter than two whole ones and uses no supplementary selector.
    return tuple(
        (start, end)
        for start, end, c2pa in _blobs(text)
        if not c2pa and (end - start > 26 or max(text[start:end]) > "\uffff")
    )


def _matches(pattern: re.Pattern[str]) -> Callable[[str], Spans]:
    return lambda text: tuple(found.span() for found in pattern.finditer(text))


def _zero_width(text: str) -> Spans:
    runs = _ZERO_WIDTH.finditer(text)
    return tuple(run.span() for run in runs if not SECOND_RUN.fullmatch(run[0]))


# Technique -> where it stands in a text.
FOREIGN_MARKS: Mapping[str, Callable[[str], Spans]] = MappingProxyType(
    {
        C2PA: _c2pa,
        "variation-selector blob": _other_blobs,
        "Microsoft four-character mark": _matches(re.compile(re.escape(_MICROSOFT))),
        "zero-width run": _zero_width,
        "TAG characters": _matches(_TAGS),
    }
)


class ForeignDetector:
    """Names others' marks, unverified. `verified`: the techniques that another detector tells more of."""

    name = "foreign"

    def __init__(self, verified: Collection[str] = ()) -> None:
        self._marks = [(kind, find) for kind, find in FOREIGN_MARKS.items() if kind not in verified]

    def detect(self, text: str) -> Detection:
        """All kinds in one finding: the technique names each, `num_units_scored` counts the places."""
        found = [] if text.isascii() else [(kind, find(text)) for kind, find in self._marks]
        found = [(kind, spans) for kind, spans in found if spans]
        if not found:
            return Detection(self.name, Outcome.ABSENT, "others' invisible marks", num_units_scored=0)
        places = tuple(sorted(span for _, spans in found for span in spans))
        return Detection(
            self.name,
            Outcome.INCONCLUSIVE,
            ", ".join(kind for kind, _ in found),
            places,
            num_units_scored=len(places),
            detail="A mark of another system, not verified.",
        )
