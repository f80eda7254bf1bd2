"""Where a C2PA manifest store stands in text: the three places of C2PA 2.4, Annexes A.7 to A.9. Pure.

Unstructured text (A.8): U+FEFF and one variation selector a byte, at the very end of the text in NFC; exactly one.
HTML (A.7): a `script` element of type application/c2pa in the head, Base64. Structured text (A.9; Markdown here):
armour lines in a comment. Each place is a `Carriage`: what is excluded from the hash, in bytes of the stored text,
and the manifest store in it. Who signs and checks manifests is `labelers.c2pa_manifest`.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = [
    "PLACES",
    "Carriage",
    "Place",
    "decode_selectors",
    "encode_selectors",
]

MAGIC = b"C2PATXT\0"
VERSION = 1
_HEADER = len(MAGIC) + 5
_WRAPPER = re.compile("\ufeff([\ufe00-\ufe0f\U000e0100-\U000e01ef]+)")
_SCRIPT = re.compile(
    rb"<script\b(?=[^>]*?\btype\s*=\s*(?:\"application/c2pa\"|'application/c2pa'|application/c2pa[\s/>]))[^>]*>"
    rb"(.*?)</script\s*>",
    re.IGNORECASE | re.DOTALL,
)
_HEAD = re.compile(rb"<head(?:\s[^>]*)?>", re.IGNORECASE)
_BEGIN, _END = b"-----BEGIN C2PA MANIFEST-----", b"-----END C2PA MANIFEST-----"
_ARMOUR = re.compile(re.escape(_BEGIN) + rb"\s*(.*?)\s*" + re.escape(_END), re.DOTALL)
_DATA_URI = b"data:application/c2pa;base64,"


@dataclass(frozen=True, slots=True)
class Carriage:
    """A manifest store in a text. `start`, `length`: what the hash leaves out, in bytes; `store`: JUMBF.

    `store` is None where something stands there that is no manifest store, or a reference to one elsewhere.
    """

    start: int
    length: int
    store: bytes | None


@dataclass(frozen=True, slots=True)
class Place:
    """One way to carry a manifest. `insert(data, store)` gives the bytes with it; `find(data)` all that are there.

    `prepare` brings a text into the form that is hashed and stored.
    """

    prepare: Callable[[bytes], bytes]
    insert: Callable[[bytes, bytes], bytes]
    find: Callable[[bytes], list[Carriage]]


def encode_selectors(store: bytes) -> str:
    """A.8: the wrapper of a manifest store, U+FEFF first."""
    framed = MAGIC + bytes((VERSION,)) + len(store).to_bytes(4) + store
    return "\ufeff" + "".join(chr(0xFE00 + b) if b < 16 else chr(0xE0100 + b - 16) for b in framed)


def decode_selectors(selectors: str) -> bytes | None:
    """The manifest store in a run of variation selectors (without U+FEFF); None if it is no wrapper.

    Selectors behind the length that the wrapper gives belong to somebody else.
    """
    framed = bytes(o - 0xFE00 if (o := ord(c)) < 0xFE10 else o - 0xE0100 + 16 for c in selectors)
    size = int.from_bytes(framed[len(MAGIC) + 1 : _HEADER])
    if framed[: len(MAGIC)] != MAGIC or framed[len(MAGIC) : len(MAGIC) + 1] != bytes((VERSION,)):
        return None
    return framed[_HEADER : _HEADER + size] if len(framed) >= _HEADER + size else None


def _to_nfc(data: bytes) -> bytes:
    return unicodedata.normalize("NFC", data.decode()).encode()


def _append_selectors(data: bytes, store: bytes) -> bytes:
    return data + encode_selectors(store).encode()


def _find_selectors(data: bytes) -> list[Carriage]:
    text = data.decode(errors="surrogateescape")
    found = []
    for match in _WRAPPER.finditer(text):
        store = decode_selectors(match[1])
        if store is None:
            continue  # U+FEFF before an emoji's selector, or another's mark
        start = len(text[: match.start()].encode(errors="surrogateescape"))
        found.append(Carriage(start, len(encode_selectors(store).encode()), store))
    return found


def _insert_script(data: bytes, store: bytes) -> bytes:
    """ValueError for HTML without a head."""
    head = _HEAD.search(data)
    if head is None:
        raise ValueError("there is no <head> for the manifest to stand in")
    element = b'<script type="application/c2pa">' + base64.b64encode(store) + b"</script>"
    return data[: head.end()] + element + data[head.end() :]


def _find_scripts(data: bytes) -> list[Carriage]:
    return [Carriage(m.start(), m.end() - m.start(), _base64(m[1])) for m in _SCRIPT.finditer(data)]


def _insert_armour(data: bytes, store: bytes) -> bytes:
    """In a comment of Markdown, as the last line: front matter has to stay the first thing."""
    block = _BEGIN + b" " + _DATA_URI + base64.b64encode(store) + b" " + _END
    return data + b"\n<!-- " + block + b" -->"


def _find_armour(data: bytes) -> list[Carriage]:
    found = []
    for match in _ARMOUR.finditer(data):
        reference = match[1]
        inline = reference.startswith(_DATA_URI)
        store = _base64(reference.removeprefix(_DATA_URI)) if inline else None
        start, end = _lines(data, match.start(), match.end())
        found.append(Carriage(start, end - start, store))
    return found


def _lines(data: bytes, start: int, end: int) -> tuple[int, int]:
    """The whole lines around a block, with their line feed; the last line of a file with the one before it.

    So the hash is over the file as it was before the block was put in.
    """
    start = data.rfind(b"\n", 0, start) + 1
    end = data.find(b"\n", end) + 1 or len(data)
    return (start - 1 if end == len(data) and start else start), end


def _base64(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True) or None
    except binascii.Error:
        return None


def _same(data: bytes) -> bytes:
    return data


PLACES: Mapping[str, Place] = MappingProxyType({
    "text/plain": Place(_to_nfc, _append_selectors, _find_selectors),
    "text/html": Place(_same, _insert_script, _find_scripts),
    "text/markdown": Place(_same, _insert_armour, _find_armour),
})  # fmt: skip
"""By media type."""
