"""EPUB 3: no practice guide names a place, so ours is `<meta name="AIGC" content="…">` in the package document."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from html import escape
from urllib.parse import unquote

from lxml import etree

from labelers.files.archive import Archive, pack
from labelers.files.contents import FileContents, FileError, ImplicitLabel
from labelers.files.flow import flow
from labelers.files.html import text_of
from labelers.files.markup import Element, local, parse_xml, to_bytes
from labelers.files.page import STYLE, language, markup
from labelers.files.sheet import Sheet
from labelers.files.value import looks_like_label, parse
from labelers.metadata import aigc_json

__all__ = ["embed_epub", "read_epub", "write_epub"]

_CONTAINER = "META-INF/container.xml"
_OPF = "http://www.idpf.org/2007/opf"
_XHTML = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml"'


def _package_name(archive: Archive) -> str:
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
    name = _package_name(archive)
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


def write_epub(sheet: Sheet) -> bytes:
    """One chapter; the visible labels in its text, the implicit one in the package document."""
    title, lang = escape(sheet.title), language(sheet)
    moment = sheet.created.strftime("%Y-%m-%dT%H:%M:%SZ")
    head = f'{_XHTML} xml:lang="{lang}" lang="{lang}">\n<head><title>{title}</title><style>{STYLE}</style></head>\n'
    package = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<package xmlns="{_OPF}" version="3.0" unique-identifier="id">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:identifier id="id">urn:aigc:{escape(sheet.fields["ProduceID"])}</dc:identifier>'
        f"<dc:title>{title}</dc:title><dc:language>{lang}</dc:language>"
        f"<dc:creator>{escape(sheet.fields['ContentProducer'])}</dc:creator>"
        f'<meta property="dcterms:modified">{moment}</meta></metadata>'
        '<manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        '<item id="text" href="text.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="text"/></spine></package>'
    )
    navigation = (
        f'{_XHTML} xmlns:epub="http://www.idpf.org/2007/ops">\n<head><title>{title}</title></head>\n'
        f'<body><nav epub:type="toc"><ol><li><a href="text.xhtml">{title}</a></li></ol></nav></body></html>'
    )
    container = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<container version="1.0" '
        'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile '
        'full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    parts = {
        "mimetype": "application/epub+zip",
        _CONTAINER: container,
        "OEBPS/content.opf": package,
        "OEBPS/nav.xhtml": navigation,
        "OEBPS/text.xhtml": f"{head}<body>\n{markup(flow(sheet))}\n</body></html>\n",
    }
    packed = pack([(name, text.encode()) for name, text in parts.items()], stored=["mimetype"])
    return embed_epub(packed, sheet.fields)


def embed_epub(data: bytes, fields: Mapping[str, str]) -> bytes:
    """The book with this label and no other in its package document."""
    archive = Archive(data)
    name = _package_name(archive)
    package = parse_xml(archive.read(name), name)
    for element in list(package.iter()):
        key = element.get("name") or element.get("property") or ""
        parent = element.getparent()
        labelled = local(element) == "meta" and "AIGC" in key.upper()
        if parent is not None and (
            labelled or looks_like_label(element.get("content") or element.text or "")
        ):
            parent.remove(element)
    metadata = next((element for element in package if local(element) == "metadata"), None)
    if metadata is None:
        raise FileError(f"{name} has no metadata element")
    attributes = {"name": "AIGC", "content": aigc_json(fields, wrapped=False)}
    etree.SubElement(metadata, f"{{{_OPF}}}meta", attributes)
    return pack(archive.parts(), stored=["mimetype"], replace={name: to_bytes(package)})
