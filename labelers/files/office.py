"""docx, pptx and xlsx (ECMA-376): the label is the custom document property AIGC.

Source: TC260-PG-20258A 6.1: `docProps/custom.xml`, property `AIGC`, `vt:lpwstr`, the bare JSON.
"""

from __future__ import annotations

import re

from labelers.files.archive import Archive
from labelers.files.contents import MAX_TEXT, FileContents, FileError, ImplicitLabel
from labelers.files.markup import local, paragraphs, parse_xml
from labelers.files.value import looks_like_label, parse

__all__ = ["CUSTOM", "office_kind", "read_office"]

CUSTOM = "docProps/custom.xml"
_MAIN = {"docx": "word/document.xml", "pptx": "ppt/presentation.xml", "xlsx": "xl/workbook.xml"}
# In the order in which a reader meets them.
_TEXTS = {
    "docx": (
        r"word/header\d*\.xml",
        r"word/document\.xml",
        r"word/(?:foot|end)notes\.xml",
        r"word/footer\d*\.xml",
    ),
    "pptx": (r"ppt/slides/slide\d+\.xml", r"ppt/notesSlides/notesSlide\d+\.xml"),
    "xlsx": (r"xl/sharedStrings\.xml", r"xl/worksheets/sheet\d+\.xml"),
}
_DESCRIPTIONS = ("docProps/core.xml", "docProps/app.xml")


def office_kind(archive: Archive) -> str | None:
    """docx, pptx or xlsx by the main part; None for another container."""
    names = set(archive.names)
    return next((kind for kind, main in _MAIN.items() if main in names), None)


def read_office(archive: Archive) -> FileContents:
    kind = office_kind(archive)
    if kind is None:
        raise FileError("the ZIP container is no docx, pptx or xlsx: its main part is missing")
    return FileContents(kind, tuple(_labels(archive)), _text(archive, kind))


def _labels(archive: Archive) -> list[ImplicitLabel]:
    found = []
    for part in archive.read_all(CUSTOM):
        for element in parse_xml(part, CUSTOM):
            name = element.get("name", "")
            if "AIGC" not in name.upper():
                continue
            notes = [] if name == "AIGC" else [f"the property is called {name[:40]}, not AIGC"]
            value = next(iter(element), None)
            if value is None or local(value) != "lpwstr":
                notes.append("its value is no vt:lpwstr")
            text = "".join(str(piece) for piece in element.itertext())
            found.append(parse(text, f"{CUSTOM}, property {name[:40]}", notes=notes))
    for name in _DESCRIPTIONS:
        part = archive.read(name)
        for element in parse_xml(part, name).iter() if part else ():
            if element.text and looks_like_label(element.text):
                found.append(parse(element.text, f"{name}, {local(element)}", own_place=False))
    return found


def _text(archive: Archive, kind: str) -> str:
    texts = []
    size = 0
    for pattern in _TEXTS[kind]:
        for name in sorted({name for name in archive.names if re.fullmatch(pattern, name)}, key=_number):
            root = parse_xml(archive.read(name), name)
            # w:p and a:p are paragraphs, si and is a cell's string; w:t, a:t and t hold text.
            text = paragraphs(
                root, ("p", "si", "is"), texts=("t",), breaks=("br", "cr"), tabs=("tab",), skip=("rPh",)
            )
            texts.append(text)
            size += len(text)
            if size > MAX_TEXT:
                raise FileError(f"the file holds more than {MAX_TEXT} characters of text")
    return "\n".join(filter(None, texts))


def _number(name: str) -> tuple[int, str]:
    digits = re.search(r"\d+", name)
    return (int(digits[0]) if digits else 0, name)
