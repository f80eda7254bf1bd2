"""OpenDocument text (ODF 1.3): no practice guide names a place, so ours is the user-defined property AIGC.

`meta.xml`, `<meta:user-defined meta:name="AIGC">`: where LibreOffice keeps what docx calls a custom property.
"""

from __future__ import annotations

from labelers.files.archive import Archive
from labelers.files.contents import FileContents, FileError, ImplicitLabel
from labelers.files.markup import local, paragraphs, parse_xml
from labelers.files.value import looks_like_label, parse

__all__ = ["META", "read_odt"]

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
