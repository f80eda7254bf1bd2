"""EPUB 3: no practice guide names a place, so ours is `<meta name="AIGC" content="…">` in the package document."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from labelers.files.archive import Archive
from labelers.files.contents import FileContents, FileError, ImplicitLabel
from labelers.files.html import text_of
from labelers.files.markup import Element, local, parse_xml
from labelers.files.value import looks_like_label, parse

__all__ = ["package_name", "read_epub"]

_CONTAINER = "META-INF/container.xml"


def package_name(archive: Archive) -> str:
    """The part that holds the package document (OPF)."""
    container = archive.read(_CONTAINER)
    if container:
        for element in parse_xml(container, _CONTAINER).iter():
            path = element.get("full-path", "")
            if local(element) == "rootfile" and path in archive.names:
                return path
    raise FileError("the EPUB has no package document")


def read_epub(archive: Archive) -> FileContents:
    if archive.read("META-INF/encryption.xml") and archive.read("META-INF/rights.xml"):
        raise FileError("the EPUB is encrypted (DRM)")
    name = package_name(archive)
    package = parse_xml(archive.read(name), name)
    texts = [text_of(part) for part in _spine(archive, name, package)]
    return FileContents("epub", tuple(_labels(package, name)), "\n".join(filter(None, texts)))


def _labels(package: Element, name: str) -> list[ImplicitLabel]:
    found = []
    for element in package.iter():
        key = element.get("name") or element.get("property") or ""
        value = element.get("content") or element.text or ""
        if local(element) == "meta" and "AIGC" in key.upper():
            found.append(parse(value, f"{name}, meta {key[:40]}"))
        elif looks_like_label(value):
            found.append(parse(value, f"{name}, {local(element)}", own_place=False))
    return found


def _spine(archive: Archive, name: str, package: Element) -> list[bytes]:
    """The content documents in reading order."""
    files = {
        element.get("id"): element.get("href", "") for element in package.iter() if local(element) == "item"
    }
    order = [element.get("idref") for element in package.iter() if local(element) == "itemref"]
    folder = posixpath.dirname(name)
    paths = [
        posixpath.normpath(posixpath.join(folder, unquote(files[item]))) for item in order if item in files
    ]
    return [archive.read(path) for path in dict.fromkeys(paths)]
