"""The fold tables: what each code point becomes in a view, and which kind of letter it is.

They are data (tables.json, made by bench/review_tables.py), parsed here and handed to the views, so a
snapshot may carry the tables it was compiled with. Every fold maps one code point, whatever stands around it:
folding the pieces of a text and folding the text are then the same thing.
"""

from __future__ import annotations

import hashlib
import json
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

__all__ = ["Kind", "Tables", "builtin_tables", "parse_tables"]

_SURROGATES = range(0xD800, 0xE000)
_HANGUL = range(0xAC00, 0xD7A4)
_CODE_POINTS = 0x110000


class Kind(IntEnum):
    """What a code point is to a word boundary."""

    OTHER = 0
    WORD = 1  # letter or digit of a script that puts spaces between its words
    HAN = 2
    UNSPACED = 3  # letter of another script without spaces, or whose words grow endings (kana, Thai, Hangul)
    MARK = 4  # belongs to the letter before it


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """`fold` is a `str.translate` table of the safe view that knows every BMP code point.

    `digest` names the content: tables with equal digests give equal verdicts.
    """

    digest: str
    raw: bytes
    fold: dict[int, int | str | None]
    kinds: bytes
    splits: Mapping[str, Sequence[str]]  # a character -> how it may be written as two side by side
    syllables: Mapping[str, str]  # a syllable without tone -> the characters that are first of all read so
    also: Mapping[str, Sequence[str]]  # further readings of a character
    common: frozenset[str]  # the commonest words of the language, of one to three Han characters

    def kind(self, character: str) -> int:
        """The `Kind` of one character; that of an empty string is OTHER."""
        return self.kinds[ord(character)] if character else Kind.OTHER

    def split_variants(self, spelling: str) -> list[str]:
        """A spelling with one of its characters written as two, in every way."""
        return [
            spelling[:place] + parts + spelling[place + 1 :]
            for place, character in enumerate(spelling)
            for parts in self.splits.get(character, ())
        ]


def _hangul() -> dict[int, int | str | None]:
    """Syllables to their letters (Unicode 3.12): a decomposed text then equals a composed one."""
    table: dict[int, int | str | None] = {}
    for index, code in enumerate(_HANGUL):
        lead, rest = divmod(index, 21 * 28)
        vowel, tail = divmod(rest, 28)
        table[code] = chr(0x1100 + lead) + chr(0x1161 + vowel) + (chr(0x11A7 + tail) if tail else "")
    return table


def parse_tables(raw: bytes) -> Tables:
    """Tables from the bytes of tables.json. ValueError or KeyError if they are not that."""
    data = json.loads(raw)
    # An identity entry for every BMP character: a missing key costs str.translate an exception.
    fold: dict[int, int | str | None] = dict(zip(range(0x10000), range(0x10000), strict=True))
    fold.update(_hangul())
    # A lone surrogate can come out of a JSON escape; no matcher takes it, and no entry holds one.
    fold.update(dict.fromkeys(_SURROGATES, "\ufffd"))
    fold.update(str.maketrans(data["from"], data["to"], data["deleted"]))
    fold.update(str.maketrans(data["longer"]))
    kinds = b"".join(bytes((kind,)) * length for length, kind in data["classes"])
    if len(kinds) != _CODE_POINTS:
        raise ValueError("the letter classes do not cover all code points")
    spoken = data["splits"], data["syllables"], data["also"]
    common = data.get("common", {})  # versions that were published before there were any have none
    words = frozenset(
        joined[at : at + int(length)]
        for length, joined in common.items()
        for at in range(0, len(joined), int(length))
    )
    return Tables(hashlib.sha256(raw).hexdigest(), raw, fold, kinds, *spoken, words)


@lru_cache(maxsize=1)
def builtin_tables() -> Tables:
    """The tables of this release."""
    raw = pkgutil.get_data(__package__, "tables.json")
    if raw is None:
        raise FileNotFoundError("proxy/review/tables.json is missing from the installation")
    return parse_tables(raw)
