"""One format a file: reading the implicit label 隐式标识 and the text, writing files that hold both labels.

`write` makes a file of one text of ours, `embed` puts a label into a file that is there. `read` takes what others made, so it is tolerant about shapes and strict about sizes: every format is bounded
in bytes, parts, pages and depth, nothing is unpacked to disk, no entity, link or DTD is followed.

Source: GB 45438-2025 §6.1 and Annex E; TC260-PG-20258A (where the label stands in which format).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from labelers.files.archive import Archive
from labelers.files.contents import MAX_FILE, FileContents, FileError, ImplicitLabel
from labelers.files.epub import embed_epub, read_epub, write_epub
from labelers.files.html import embed_html, read_html
from labelers.files.images import JPEG_MAGIC, PNG_MAGIC, embed_jpeg, embed_png, read_jpeg, read_png
from labelers.files.json import embed_json, read_json, write_json
from labelers.files.markdown import embed_markdown, read_markdown, write_markdown
from labelers.files.office import embed_office, office_kind, read_office
from labelers.files.opendocument import embed_odt, read_odt
from labelers.files.page import write_html
from labelers.files.pdf import embed_pdf, read_pdf
from labelers.files.sheet import Sheet, make_sheet
from labelers.files.text import embed_text, read_text, write_text
from labelers.files.typeset import write_pdf
from labelers.files.word import write_docx

__all__ = [
    "EMBEDDERS",
    "MEDIA_TYPES",
    "READERS",
    "SUFFIXES",
    "WRITERS",
    "FileContents",
    "FileError",
    "ImplicitLabel",
    "Sheet",
    "embed",
    "format_of",
    "make_sheet",
    "read",
    "write",
]


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
# What a text can be exported as.
WRITERS: Mapping[str, Callable[[Sheet], bytes]] = MappingProxyType(
    {
        "docx": write_docx,
        "epub": write_epub,
        "html": write_html,
        "json": write_json,
        "md": write_markdown,
        "pdf": write_pdf,
        "txt": write_text,
    }
)
# Into what a label can be put, in the place of whatever stands there.
EMBEDDERS: Mapping[str, Callable[[bytes, Mapping[str, str]], bytes]] = MappingProxyType(
    {
        "docx": embed_office,
        "epub": embed_epub,
        "html": embed_html,
        "jpg": embed_jpeg,
        "json": embed_json,
        "md": embed_markdown,
        "odt": embed_odt,
        "pdf": embed_pdf,
        "png": embed_png,
        "pptx": embed_office,
        "txt": embed_text,
        "xlsx": embed_office,
    }
)
MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "epub": "application/epub+zip",
        "html": "text/html; charset=utf-8",
        "jpg": "image/jpeg",
        "json": "application/json",
        "md": "text/markdown; charset=utf-8",
        "odt": "application/vnd.oasis.opendocument.text",
        "pdf": "application/pdf",
        "png": "image/png",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "txt": "text/plain; charset=utf-8",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
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


def write(sheet: Sheet, kind: str) -> bytes:
    """The file, and a look at it: it holds exactly the label it was given. `kind`: a key of `WRITERS`."""
    return _checked(WRITERS[kind](sheet), kind, sheet.fields)


def embed(data: bytes, name: str, fields: Mapping[str, str]) -> bytes:
    """The file with this implicit label in the place of every other one (GB 45438-2025 §6.1 c).

    Raises FileError for a file that cannot be read or that has no place for a label.
    """
    kind = read(data, name).format
    return _checked(EMBEDDERS[kind](data, fields), kind, fields)


def _checked(made: bytes, kind: str, fields: Mapping[str, str]) -> bytes:
    labels = read(made, f"made.{kind}").labels
    if len(labels) != 1 or dict(labels[0].fields) != dict(fields):
        raise FileError(f"the {kind} holds a label in a place that cannot be overwritten here")
    return made


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
