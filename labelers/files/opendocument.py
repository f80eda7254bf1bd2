"""OpenDocument text (ODF 1.3): no practice guide names a place, so ours is the user-defined property AIGC.

`meta.xml`, `<meta:user-defined meta:name="AIGC">`: where LibreOffice keeps what docx calls a custom property.
"""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from labelers.files.archive import Archive, pack
from labelers.files.contents import FileContents, FileError, ImplicitLabel
from labelers.files.markup import local, paragraphs, parse_xml, to_bytes
from labelers.files.value import looks_like_label, parse
from labelers.metadata import aigc_json

__all__ = ["embed_odt", "read_odt"]

META = "meta.xml"
_META_NS = "{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}"
_SKIP = ("annotation", "tracked-changes", "tracked-change")


def read_odt(archive: Archive) -> FileContents:
    if b"manifest:encryption-data" in archive.read("META-INF/manifest.xml"):
        raise FileError("the document is encrypted; save it without a password")
    labels: list[ImplicitLabel] = []
    for part in archive.read_all(META):
        for element in parse_xml(part, META).iter():
            name = element.get(f"{_META_NS}name", "")
            if local(element) == "user-defined" and "AIGC" in name.upper():
                labels.append(parse(element.text or "", f"{META}, property {name[:40]}"))
            elif element.text and looks_like_label(element.text):
                labels.append(parse(element.text, f"{META}, {local(element)}", own_place=False))
    texts = []
    # styles.xml holds the headers and footers.
    for name in ("content.xml", "styles.xml"):
        part = archive.read(name)
        if not part and name == "content.xml":
            raise FileError("the document has no content.xml")
        if part:
            root = parse_xml(part, name)
            texts.append(paragraphs(root, ("p", "h"), breaks=("line-break",), tabs=("tab", "s"), skip=_SKIP))
    return FileContents("odt", tuple(labels), "\n".join(filter(None, texts)))


def embed_odt(data: bytes, fields: Mapping[str, str]) -> bytes:
    """The document with this label and no other; all other parts and properties stay."""
    archive = Archive(data)
    if "META-INF/documentsignatures.xml" in archive.names:
        raise FileError(
            "the document is digitally signed; a label would break the signature. Label it before signing"
        )
    part = archive.read(META)
    root = parse_xml(part, META) if part else None
    home = next((element for element in root if local(element) == "meta"), None) if root is not None else None
    if root is None or home is None:
        raise FileError(f"the document has no {META} to write a label to; save it anew")
    for element in list(home):
        if "AIGC" in element.get(f"{_META_NS}name", "").upper() or looks_like_label(element.text or ""):
            home.remove(element)
    attributes = {f"{_META_NS}name": "AIGC", f"{_META_NS}value-type": "string"}
    etree.SubElement(home, f"{_META_NS}user-defined", attributes).text = aigc_json(fields, wrapped=False)
    return pack(archive.parts(), stored=["mimetype"], replace={META: to_bytes(root)})
