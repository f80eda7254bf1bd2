"""docx, pptx and xlsx (ECMA-376): the label is the custom document property AIGC.

Source: TC260-PG-20258A 6.1: `docProps/custom.xml`, property `AIGC`, `vt:lpwstr`, the bare JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lxml import etree

from labelers.files.archive import Archive, pack
from labelers.files.contents import MAX_TEXT, FileContents, FileError, ImplicitLabel
from labelers.files.markup import local, paragraphs, parse_xml, to_bytes
from labelers.files.value import looks_like_label, parse
from labelers.metadata import aigc_json

__all__ = ["embed_office", "office_kind", "read_office"]

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
_PROPERTIES_NS = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
_VALUES_NS = "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"
_TYPES_NS = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS_NS = "http://schemas.openxmlformats.org/package/2006/relationships"
_CUSTOM_TYPE = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_CUSTOM_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties"
_USER_DEFINED = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"
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


def embed_office(data: bytes, fields: Mapping[str, str]) -> bytes:
    """The file with this label and no other; all other parts and properties stay."""
    archive = Archive(data)
    if any(name.startswith("_xmlsignatures/") for name in archive.names):
        raise FileError(
            "the document is digitally signed; a label would break the signature. Label it before signing"
        )
    replaced = {CUSTOM: _custom_properties(archive.read(CUSTOM), aigc_json(fields, wrapped=False))}
    types = parse_xml(archive.read("[Content_Types].xml"), "[Content_Types].xml")
    if not any(child.get("PartName", "").lower() == f"/{CUSTOM}".lower() for child in types):
        etree.SubElement(
            types, f"{{{_TYPES_NS}}}Override", {"PartName": f"/{CUSTOM}", "ContentType": _CUSTOM_TYPE}
        )
        replaced["[Content_Types].xml"] = to_bytes(types)
    relations = parse_xml(archive.read("_rels/.rels"), "_rels/.rels")
    if not any(child.get("Type") == _CUSTOM_RELATION for child in relations):
        taken = {child.get("Id") for child in relations}
        free = next(f"rId{n}" for n in range(1, len(taken) + 2) if f"rId{n}" not in taken)
        attributes = {"Id": free, "Type": _CUSTOM_RELATION, "Target": CUSTOM}
        etree.SubElement(relations, f"{{{_RELATIONS_NS}}}Relationship", attributes)
        replaced["_rels/.rels"] = to_bytes(relations)
    for name in _DESCRIPTIONS:
        cleaned = _without_labels(archive.read(name), name)
        if cleaned is not None:
            replaced[name] = cleaned
    return pack(archive.parts(), replace=replaced)


def _custom_properties(part: bytes, value: str) -> bytes:
    if part:
        root = parse_xml(part, CUSTOM)
    else:
        root = etree.Element(
            f"{{{_PROPERTIES_NS}}}Properties", nsmap={None: _PROPERTIES_NS, "vt": _VALUES_NS}
        )
    for element in list(root):
        if "AIGC" in element.get("name", "").upper():
            root.remove(element)
    taken = [int(pid) for element in root if (pid := element.get("pid", "")).isdecimal()]
    attributes = {"fmtid": _USER_DEFINED, "pid": str(max([1, *taken]) + 1), "name": "AIGC"}
    element = etree.SubElement(root, f"{{{_PROPERTIES_NS}}}property", attributes)
    etree.SubElement(element, f"{{{_VALUES_NS}}}lpwstr").text = value
    return to_bytes(root)


def _without_labels(part: bytes, name: str) -> bytes | None:
    """The part without labels that stand where none belongs; None if it holds none."""
    if not part:
        return None
    root = parse_xml(part, name)
    misplaced = [element for element in root.iter() if element.text and looks_like_label(element.text)]
    for element in misplaced:
        element.text = ""
    return to_bytes(root) if misplaced else None
