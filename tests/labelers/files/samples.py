"""Files as others write them, put together by hand: nothing here goes through a writer of ours."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

CODE = "001191440300708461136T1XGW3"
BARE = (
    f'{{"Label":"1","ContentProducer":"{CODE}","ProduceID":"c4c8c10647a8bb71","ReservedCode1":"",'
    f'"ContentPropagator":"{CODE}","PropagateID":"c4c8c10647a8bb71","ReservedCode2":""}}'
)
WRAPPED = f'{{"AIGC":{BARE}}}'
FIELDS = {
    "Label": "1",
    "ContentProducer": CODE,
    "ProduceID": "c4c8c10647a8bb71",
    "ReservedCode1": "",
    "ContentPropagator": CODE,
    "PropagateID": "c4c8c10647a8bb71",
    "ReservedCode2": "",
}
PROSE = "春江潮水连海平，海上明月共潮生。"
VISIBLE = "【本内容由AI生成】"


def zipped(parts: Mapping[str, bytes | str] | list[tuple[str, bytes | str]], *, level: int = 6) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as target:
        for name, part in parts.items() if isinstance(parts, Mapping) else parts:
            target.writestr(name, part)
    return out.getvalue()


def custom_xml(value: str, *, name: str = "AIGC", kind: str = "lpwstr") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties" '
        'xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes">'
        '<property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="2" name="KSOProductBuildVer">'
        "<vt:lpwstr>2052-12.1.0.1</vt:lpwstr></property>"
        f'<property fmtid="{{D5CDD505-2E9C-101B-9397-08002B2CF9AE}}" pid="3" name="{name}">'
        f"<vt:{kind}>{escape(value)}</vt:{kind}></property></Properties>"
    )


W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/word/document.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
RELS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="word/document.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>'
)


def docx(value: str | None = None, *, body: str = "", **more: bytes | str) -> bytes:
    parts: dict[str, bytes | str] = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": RELS,
        "word/document.xml": f"<w:document {W}><w:body>"
        + (
            body
            or f"<w:p><w:r><w:t>{VISIBLE}</w:t></w:r></w:p><w:p><w:r><w:t>{PROSE[:8]}</w:t></w:r>"
            f"<w:r><w:t>{PROSE[8:]}</w:t></w:r></w:p>"
        )
        + "</w:body></w:document>",
    }
    if value is not None:
        parts["docProps/custom.xml"] = custom_xml(value)
    return zipped(parts | more)


def pptx(value: str) -> bytes:
    a = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    return zipped(
        {
            "[Content_Types].xml": TYPES,
            "_rels/.rels": RELS,
            "ppt/presentation.xml": "<p/>",
            "ppt/slides/slide10.xml": f"<s {a}><a:p><a:r><a:t>十</a:t></a:r></a:p></s>",
            "ppt/slides/slide2.xml": f"<s {a}><a:p><a:r><a:t>二</a:t></a:r><a:br/><a:r><a:t>行</a:t></a:r></a:p></s>",
            "docProps/custom.xml": custom_xml(value),
        }
    )


def xlsx(value: str) -> bytes:
    return zipped(
        {
            "[Content_Types].xml": TYPES,
            "_rels/.rels": RELS,
            "xl/workbook.xml": "<workbook/>",
            "xl/sharedStrings.xml": "<sst><si><t>甲</t><rPh><t>jia</t></rPh></si><si><r><t>乙</t></r><r><t>丙</t></r></si></sst>",
            "xl/worksheets/sheet1.xml": "<worksheet><c><is><t>丁</t></is></c><c><v>3</v></c></worksheet>",
            "docProps/custom.xml": custom_xml(value),
        }
    )


def odt(meta: str, *, content: str | None = None) -> bytes:
    office = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    text = 'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "META-INF/manifest.xml": "<manifest/>",
            "meta.xml": f'<office:document-meta {office} xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0" '
            f'xmlns:dc="http://purl.org/dc/elements/1.1/"><office:meta>{meta}</office:meta></office:document-meta>',
            "content.xml": content
            or f"<office:document-content {office} {text}><office:body><office:text><text:h>{VISIBLE}</text:h>"
            f"<text:p>春<text:span>江</text:span><text:line-break/>潮水</text:p></office:text></office:body></office:document-content>",
            "styles.xml": f"<office:document-styles {office} {text}><text:p>页脚</text:p></office:document-styles>",
        }
    )


def odt_property(value: str, name: str = "AIGC") -> str:
    return (
        f'<meta:user-defined meta:name="{name}" meta:value-type="string">{escape(value)}</meta:user-defined>'
    )


def epub(metadata: str, *, chapters: Mapping[str, str] | None = None) -> bytes:
    chapters = chapters or {"b.xhtml": f"<p>{VISIBLE}</p>", "a b.xhtml": f"<p>{PROSE}</p>"}
    items = "".join(
        f'<item id="i{at}" href="{name.replace(" ", "%20")}"/>' for at, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="i{at}"/>' for at in range(len(chapters)))
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OEBPS/content.opf"/></rootfiles></container>',
            "OEBPS/content.opf": '<package xmlns="http://www.idpf.org/2007/opf"><metadata '
            f'xmlns:dc="http://purl.org/dc/elements/1.1/">{metadata}</metadata><manifest>{items}</manifest>'
            f'<spine>{spine}<itemref idref="gone"/></spine></package>',
        }
        | {
            f"OEBPS/{name}": f"<html><head><title>T</title></head><body>{body}</body></html>"
            for name, body in chapters.items()
        }
    )


def xmp(inner: str = "", *, attributes: str = "") -> bytes:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/" {attributes}>{inner}</rdf:Description></rdf:RDF>'
        '</x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def xmp_label(value: str) -> bytes:
    return xmp(f"<TC260:AIGC>{escape(value)}</TC260:AIGC>")


def xmp_attribute(value: str) -> bytes:
    return xmp(attributes=f"TC260:AIGC={quoteattr(value)}")


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixel = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + pixel + chunk(b"IEND", b"")


def png_xmp(packet: bytes, *, compressed: bool = False) -> bytes:
    text = zlib.compress(packet) if compressed else packet
    return chunk(b"iTXt", b"XML:com.adobe.xmp\0" + bytes([compressed, 0]) + b"\0\0" + text)


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def jpg(*segments: bytes) -> bytes:
    return (
        b"\xff\xd8"
        + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
        + b"".join(segments)
        + b"\xff\xda\0\x02\xff\xd9"
    )


def jpg_xmp(packet: bytes) -> bytes:
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)


def pdf_string(text: str) -> bytes:
    """A text string as PDF writers write it: UTF-16 in hex."""
    return b"<" + ("\ufeff" + text).encode("utf-16-be").hex().encode() + b">"


def pdf(info: bytes = b"", *, metadata: bytes | None = None, text: str = "hello world") -> bytes:
    """A one-page PDF with a cross-reference table that is right."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode("latin-1")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R" + (b" /Metadata 7 0 R" if metadata is not None else b"") + b" >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n" % len(stream) + stream + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Producer (x) " + info + b" >>",
    ]
    if metadata is not None:
        objects.append(
            b"<< /Type /Metadata /Subtype /XML /Length %d >>\nstream\n" % len(metadata)
            + metadata
            + b"\nendstream"
        )
    out = b"%PDF-1.7\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 6 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return out
