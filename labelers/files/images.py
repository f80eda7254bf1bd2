"""png and jpg: XMP, where a label is written too; the text chunk AIGC, and JSON in EXIF or a comment, which are read.

Sources: PNG (Third Edition) §11.3.3; XMP part 3 (chunk `XML:com.adobe.xmp`, APP1 segment); TC260-PG-20257A.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping

from labelers.files.contents import FileContents, FileError, ImplicitLabel
from labelers.files.value import looks_like_label, parse
from labelers.files.xmp import labels_in_xmp, relabelled_xmp

__all__ = ["JPEG_MAGIC", "PNG_MAGIC", "embed_jpeg", "embed_png", "read_jpeg", "read_png"]

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
JPEG_MAGIC = b"\xff\xd8\xff"
_MAX_PACKET = 8 * 1024 * 1024
_XMP_KEYWORD = "XML:com.adobe.xmp"
_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_MORE = b"http://ns.adobe.com/xmp/extension/\0"
_MAX_SEGMENT = 0xFFFF - 2
_CUT = "the image is cut short"
_CREDENTIALS = "the image carries a C2PA manifest; a label would break its signature. Label it before signing"
_MORE_HEAD = len(_XMP_MORE) + 32 + 4 + 4  # GUID, full length, offset


def read_png(data: bytes) -> FileContents:
    labels: list[ImplicitLabel] = []
    notes: list[str] = []
    for kind, body in _chunks(data, notes):
        if kind == b"eXIf":
            labels += _in_bytes(body, "EXIF")
            continue
        keyword, text = _text_chunk(kind, body)
        if keyword == _XMP_KEYWORD:
            labels += labels_in_xmp(text)
        elif "AIGC" in keyword.upper():
            note = "a text chunk, where the practice guide has XMP"
            labels.append(
                parse(text.decode("utf-8", "replace"), f"{kind.decode()} {keyword[:40]}", notes=[note])
            )
    return FileContents("png", tuple(labels), "", tuple(notes))


def _chunks(data: bytes, notes: list[str]) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of the chunks that can hold a label."""
    for kind, start, end in _all_chunks(data, notes):
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf"):
            yield kind, data[start + 8 : end - 4]


def _all_chunks(data: bytes, notes: list[str]) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each chunk before the end, and where it starts and ends, with its length and check sum."""
    at = len(PNG_MAGIC)
    while at + 8 <= len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        kind = data[at + 4 : at + 8]
        if kind == b"IEND":
            return
        if at + 12 + size > len(data):
            break
        yield kind, at, at + 12 + size
        at += 12 + size
    notes.append(_CUT)


def embed_png(data: bytes, fields: Mapping[str, str]) -> bytes:
    """The image with this label in its XMP and in no text chunk. Pictures and all other chunks stay byte for byte.

    Raises FileError for an image that is cut short or holds a C2PA manifest.
    """
    notes: list[str] = []
    packet = b""
    kept = [data[: len(PNG_MAGIC)]]
    at = len(PNG_MAGIC)
    for kind, start, end in _all_chunks(data, notes):
        at = end
        if kind == b"caBX":
            raise FileError(_CREDENTIALS)
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            keyword, text = _text_chunk(kind, data[start + 8 : end - 4])
            if keyword == _XMP_KEYWORD and (not packet or labels_in_xmp(text)):
                packet = packet or text
                continue
            if "AIGC" in keyword.upper():
                continue
        kept.append(data[start:end])
    if notes or len(kept) < 2:
        raise FileError(_CUT)
    body = _XMP_KEYWORD.encode() + b"\0\0\0\0\0" + relabelled_xmp(packet, fields)
    check = struct.pack(">I", zlib.crc32(b"iTXt" + body))
    # Behind the header, so that readers find it before the picture.
    kept.insert(2, struct.pack(">I", len(body)) + b"iTXt" + body + check)
    return b"".join(kept) + data[at:]


def _text_chunk(kind: bytes, body: bytes) -> tuple[str, bytes]:
    keyword, _, rest = body.partition(b"\0")
    if kind == b"tEXt":
        return keyword.decode("latin-1"), rest
    if kind == b"zTXt":
        return keyword.decode("latin-1"), _inflate(rest[1:])
    compressed, rest = rest[:1] == b"\1", rest[2:]
    # Language and translated keyword stand before the text.
    text = rest.partition(b"\0")[2].partition(b"\0")[2]
    return keyword.decode("latin-1"), _inflate(text) if compressed else text


def _inflate(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(data, _MAX_PACKET)
    except zlib.error as error:
        raise FileError(f"a text chunk of the image is damaged ({error})") from None
    if stream.unconsumed_tail:
        raise FileError("a text chunk of the image inflates to far more than metadata holds (a ZIP bomb?)")
    return text


def read_jpeg(data: bytes) -> FileContents:
    labels: list[ImplicitLabel] = []
    notes: list[str] = []
    more: dict[int, bytes] = {}
    for marker, body in _segments(data, notes):
        if marker == 0xE1 and body.startswith(_XMP_HEADER):
            labels += labels_in_xmp(body[len(_XMP_HEADER) :])
        elif marker == 0xE1 and body.startswith(_XMP_MORE):
            (offset,) = struct.unpack(">I", body[_MORE_HEAD - 4 : _MORE_HEAD].rjust(4, b"\0"))
            more[offset] = body[_MORE_HEAD:]
        elif marker == 0xE1:
            labels += _in_bytes(body, "EXIF")
        elif marker == 0xFE:
            labels += _in_bytes(body, "comment")
    if more:
        labels += labels_in_xmp(b"".join(more[offset] for offset in sorted(more)), "extended XMP")
    return FileContents("jpg", tuple(labels), "", tuple(notes))


def _segments(data: bytes, notes: list[str]) -> Iterator[tuple[int, bytes]]:
    """Marker and body of the segments before the picture."""
    for marker, start, end in _all_segments(data, notes):
        yield marker, data[start + 4 : end]


def _all_segments(data: bytes, notes: list[str]) -> Iterator[tuple[int, int, int]]:
    """Marker of each segment before the picture, and where it starts and ends, with marker and length."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xDA:  # the picture begins: no metadata behind it
            return
        if (
            marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD9
        ):  # fill bytes and markers without a body
            at += 1 if marker == 0xFF else 2
            continue
        (size,) = struct.unpack(">H", data[at + 2 : at + 4])
        if at + 2 + size > len(data) or size < 2:
            break
        yield marker, at, at + 2 + size
        at += 2 + size
    notes.append(_CUT)


def embed_jpeg(data: bytes, fields: Mapping[str, str]) -> bytes:
    """The image with this label in its XMP and in no comment. Picture and all other segments stay byte for byte.

    Raises FileError for an image that is cut short or holds a C2PA manifest, and for XMP that outgrows its segment.
    """
    notes: list[str] = []
    packet = b""
    kept: list[bytes] = []
    at, place = 2, 0
    for marker, start, end in _all_segments(data, notes):
        body = data[start + 4 : end]
        at = end
        if marker == 0xEB and b"c2pa" in body:
            raise FileError(_CREDENTIALS)
        if marker == 0xE1 and body.startswith(_XMP_HEADER):
            text = body[len(_XMP_HEADER) :]
            if not packet or labels_in_xmp(text):
                packet = packet or text
                continue
        if marker == 0xFE and looks_like_label(body.decode("utf-8", "replace").strip("\0 \r\n\t")):
            continue
        kept.append(data[start:end])
        if marker == 0xE0 or (marker == 0xE1 and body.startswith(b"Exif\0")):
            place = len(kept)  # these two stand first
    if notes:
        raise FileError(_CUT)
    body = _XMP_HEADER + relabelled_xmp(packet, fields)
    if len(body) > _MAX_SEGMENT:
        raise FileError("the XMP of the image has no room for a label: it may have 64 KiB")
    kept.insert(place, b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body)
    return data[:2] + b"".join(kept) + data[at:]


def _in_bytes(body: bytes, place: str) -> list[ImplicitLabel]:
    """The first stretch without NUL bytes that holds a label in JSON."""
    for stretch in body.split(b"\0"):
        start, end = stretch.find(b"{"), stretch.rfind(b"}")
        if 0 <= start < end:
            text = stretch[start : end + 1].decode("utf-8", "replace")
            if looks_like_label(text):
                return [parse(text, place, own_place=False)]
    return []
