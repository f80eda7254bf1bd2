"""One format a file: reading the implicit label 隐式标识 and the text out of files.

`read` takes what others made, so it is tolerant about shapes and strict about sizes: every format is bounded
in bytes, parts, pages and depth, nothing is unpacked to disk, no entity, link or DTD is followed.

Source: GB 45438-2025 §6.1 and Annex E; TC260-PG-20258A (where the label stands in which format).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from labelers.files.archive import Archive
from labelers.files.contents import MAX_FILE, FileContents, FileError, ImplicitLabel
from labelers.files.epub import read_epub
from labelers.files.html import read_html
from labelers.files.images import JPEG_MAGIC, PNG_MAGIC, read_jpeg, read_png
from labelers.files.json import read_json
from labelers.files.markdown import read_markdown
from labelers.files.office import office_kind, read_office
from labelers.files.opendocument import read_odt
from labelers.files.pdf import read_pdf
from labelers.files.text import read_text

__all__ = ["READERS", "SUFFIXES", "FileContents", "FileError", "ImplicitLabel", "format_of", "read"]


def _in_archive(reader: Callable[[Archive], FileContents]) -> Callable[[bytes], FileContents]:
    return lambda data: reader(Archive(data))


READERS: Mapping[str, Callable[[bytes], FileContents]] = MappingProxyType(
    {
        "docx": _in_archive(read_office),
        "epub": _in_archive(read_epub),
        "html": read_html,
        "jpg": read_jpeg,
        "json": read_json,
        "md": read_markdown,
        "odt": _in_archive(read_odt),
        "pdf": read_pdf,
        "png": read_png,
        "pptx": _in_archive(read_office),
        "txt": read_text,
        "xlsx": _in_archive(read_office),
    }
)
SUFFIXES: Mapping[str, str] = MappingProxyType(
    {name: name for name in READERS}
    | {"docm": "docx", "dotx": "docx", "htm": "html", "jpeg": "jpg", "jsonl": "json", "markdown": "md"}
    | {"pptm": "pptx", "text": "txt", "xhtml": "html", "xlsm": "xlsx"}
)
_TEXTS = ("html", "json", "md", "txt")


def read(data: bytes, name: str) -> FileContents:
    """The labels and the text of a file; `name` tells text formats apart, bytes tell the others.

    Raises FileError for a file that cannot be read, is too large or is hostile.
    """
    if len(data) > MAX_FILE:
        raise FileError(f"the file has {len(data)} bytes; more than {MAX_FILE} are not read")
    kind = format_of(data, name)
    contents = READERS[kind](data)
    said = SUFFIXES.get(_suffix(name))
    if said not in (None, contents.format):
        note = f"it is called .{_suffix(name)} and is {contents.format}"
        return FileContents(contents.format, contents.labels, contents.text, (*contents.notes, note))
    return contents


def format_of(data: bytes, name: str) -> str:
    """A key of `READERS`. Raises FileError where the bytes are not what the name says, and nothing else known."""
    if data.startswith(PNG_MAGIC):
        return "png"
    if data.startswith(JPEG_MAGIC):
        return "jpg"
    if b"%PDF-" in data[:1024]:
        return "pdf"
    said = SUFFIXES.get(_suffix(name), "")
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0")):
        return _in_zip(data, said)
    if said and said not in _TEXTS:
        raise FileError(f"the file is called .{_suffix(name)}, but its bytes are no {said}")
    return said or _kind_of_text(data)


def _in_zip(data: bytes, said: str) -> str:
    archive = Archive(data)
    kind = office_kind(archive)
    if kind is not None:
        return kind
    mimetype = archive.read("mimetype")
    if mimetype.startswith(b"application/epub+zip") or "META-INF/container.xml" in archive.names:
        return "epub"
    if mimetype.startswith(b"application/vnd.oasis.opendocument"):
        return "odt"
    what = f"no {said} that can be read" if said and said not in _TEXTS else "none of a known format"
    raise FileError(f"the file is a ZIP container, but {what}")


def _kind_of_text(data: bytes) -> str:
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html", b"<?xml", b"<head", b"<body", b"<meta")):
        return "html"
    if head.startswith((b"{", b"[")):
        try:
            read_json(data)
        except FileError:
            return "txt"
        return "json"
    return "md" if head.startswith((b"---", b"+++", b"# ")) else "txt"


def _suffix(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""
