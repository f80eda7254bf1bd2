"""Files we make: the visible label in them, exactly one implicit label, the words and marks as they were."""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import docx
import pypdf
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import files as reader
from detectors.panel import Panel
from labelers import files
from labelers.explicit import LabelStrings
from labelers.files.flow import blocks_of, plain
from labelers.metadata import aigc_fields
from labelers.provenance import KeyRing, Provenance
from labelers.reserved_code import sign
from labelers.sm2 import SigningKey
from labelers.watermarks import SCHEMES
from tests.labelers.files import samples as s

NOON = datetime(2026, 11, 27, 12, 0, 30, tzinfo=UTC)
STRINGS = LabelStrings("【本内容由AI生成】", "（AI生成）", "（以上内容由AI生成）", "本内容由人工智能生成")
FIELDS = aigc_fields(s.CODE, "0693d21b6d4266ef")
OTHER = aigc_fields("Other-Service", "7", label="3")
FORMATS = sorted(files.WRITERS)
MARKDOWN = """# 春天的公园

春天来了，公园里的花都开了。**孩子们**在草地上*奔跑*，~~老人们~~下棋；`code` 和 [链接](https://example.org/a?b=1&c=2)。
第二行 <b>raw</b> & more，
第三行
第四行

## 清单

3. 第一项
   - 嵌套 a
   - **嵌套 b**

     段落
4. 第二项

- ```
  in an item
  ```
-

> 引文一段。
>
> > 引文之中

| 名称 | **数量** |
|------|-----:|
| 桃花 | 3 |
| 柳树 |

```python
def hello():
    print("你好")
```

    indented

---

![图](https://example.org/i.png) ![](https://example.org/j.png) [empty](<>) <https://example.org> [js](javascript:alert(1))

<script>alert(1)</script>
"""


def sheet(text: str = MARKDOWN, **more: Any) -> files.Sheet:
    arguments: dict[str, Any] = {"positions": ("start", "end"), "created": NOON} | more
    return files.make_sheet(text, arguments.pop("fields", FIELDS), STRINGS, **arguments)


def test_every_format_that_can_be_written_can_be_read_and_labelled_and_has_a_media_type() -> None:
    assert files.WRITERS.keys() <= files.EMBEDDERS.keys() == files.READERS.keys()
    assert files.EMBEDDERS.keys() == files.MEDIA_TYPES.keys()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_holds_both_labels_and_all_words(kind: str) -> None:
    made = files.write(sheet(), kind)
    reading = reader.read(made, f"a.{kind}")
    assert (reading.format, reading.verdict, reading.notes) == (kind, "compliant", ())
    assert reading.fields == FIELDS
    assert reading.explicit == (STRINGS.start, STRINGS.end)
    assert reading.text.startswith(STRINGS.start) or kind == "json"
    for words in (
        "春天的公园",
        "孩子们",
        "奔跑",
        "老人们",
        "<b>raw</b> & more",
        "嵌套 b",
        "in an item",
        "引文之中",
        "桃花",
    ):
        assert words in reading.text, words
    for words in ('print("你好")', "indented", "<script>alert(1)</script>", "第四行"):
        assert words in reading.text, words


@pytest.mark.parametrize("kind", FORMATS)
def test_the_same_sheet_gives_the_same_bytes(kind: str) -> None:
    assert files.write(sheet(), kind) == files.write(sheet(), kind)
    later = sheet(created=NOON.astimezone(timezone(timedelta(hours=8))))
    assert files.write(later, kind) == files.write(sheet(), kind)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_carrier_goes_along_and_verifies_in_the_file(kind: str) -> None:
    ring = KeyRing(b"k" * 32, producers=(s.CODE,))
    prose = "".join(
        f"这是第{n}段，春江潮水连海平，海上明月共潮生，何处春江无月明。\n\n" for n in "一二三四五六七八九十"
    )
    transform = SCHEMES["carrier"](ring, "default").new_transform(Provenance(s.CODE, 5 << 24))
    marked = transform.feed(prose) + transform.flush()
    reading = reader.read(files.write(sheet(marked), kind), f"a.{kind}")
    report = reader.examine(reading, Panel(ring))
    carriers = [d for d in report.detections if d.detector == "carrier"]
    assert [str(d.outcome) for d in carriers] == ["present"]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_signed_label_survives_writing_and_reading(kind: str) -> None:
    fields = FIELDS | {"ReservedCode1": sign(FIELDS, SigningKey(12345))}
    reading = reader.read(files.write(sheet(fields=fields), kind), f"a.{kind}")
    assert reading.fields == fields
    assert reading.verdict == "compliant"


# What the sheet decides ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("positions", "text"),
    [
        (("start",), "【本内容由AI生成】\n\n甲"),
        (("end",), "甲\n\n（以上内容由AI生成）"),
        ((), "【本内容由AI生成】\n\n甲"),
        (("inline",), "【本内容由AI生成】\n\n甲"),
        (("start", "end"), "【本内容由AI生成】\n\n甲\n\n（以上内容由AI生成）"),
    ],
)
def test_a_label_stands_where_it_is_wanted_and_always_somewhere(
    positions: tuple[str, ...], text: str
) -> None:
    assert sheet("甲\n", positions=positions).markdown() == text


def test_inline_labels_stand_between_paragraphs_only() -> None:
    long = "\n\n".join("春江潮水连海平，" * 40 for _ in range(4))
    made = sheet(long, positions=("inline",), inline_every=300)
    assert [segment.label for segment in made.segments] == ["", "inline", "", "inline", "", "inline", ""]
    assert made.markdown().count("\n\n（AI生成）\n\n") == 3
    assert made.markdown().replace("（AI生成）\n\n", "") == long


def test_a_fence_that_is_open_is_closed_before_the_end_label() -> None:
    assert sheet("```\nx", positions=("end",)).markdown() == "```\nx\n```\n\n（以上内容由AI生成）"
    assert sheet("```\nx\n", positions=("end",)).markdown() == "```\nx\n```\n\n（以上内容由AI生成）"
    broken = files.make_sheet("- ```\n  x", FIELDS, STRINGS, positions=("end",), created=NOON)
    assert reader.read(files.write(broken, "html"), "a.html").explicit == (STRINGS.end,)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("intro\n\n## *Spring* ##\n\nx", "Spring"),
        ("**春江**\ufe03\ufe00\ufe01\n\nx", "春江"),
        ("x" * 100, "x" * 79 + "…"),
        ("", "0693d21b6d4266ef"),
    ],
)
def test_the_title_is_the_first_heading_or_line(text: str, title: str) -> None:
    assert sheet(text).title == title
    assert sheet(text, title="Mine").title == "Mine"


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        sheet(created=datetime(2026, 1, 1))


@pytest.mark.parametrize("kind", FORMATS)
def test_what_no_document_can_hold_becomes_a_replacement(kind: str) -> None:
    text = reader.read(files.write(sheet("a\0b\x0bc\ud800d\ufffee\r\nf\rg"), kind), f"a.{kind}").text
    assert "a\ufffdb\ufffdc\ufffdd\ufffde" in text


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=200), st.sampled_from([kind for kind in FORMATS if kind != "pdf"]))
def test_no_text_breaks_a_file(text: str, kind: str) -> None:
    files.write(sheet(text), kind)


@settings(max_examples=15, deadline=None)
@given(st.text(alphabet="#*_`$\\@<>[](){}|~-+!\"'\n 甲a1:;/&=", max_size=80))
def test_no_text_is_taken_for_source_by_the_typesetter(text: str) -> None:
    assert reader.read(files.write(sheet(text), "pdf"), "a.pdf").verdict == "compliant"


# The formats ------------------------------------------------------------------------------------------


def test_markdown_is_read_as_blocks_and_spans() -> None:
    kinds = [block["kind"] for block in blocks_of(MARKDOWN)]
    assert kinds == [
        *(
            "heading",
            "par",
            "heading",
            "list",
            "list",
            "quote",
            "table",
            "code",
            "code",
            "rule",
            "par",
            "par",
        ),
    ]
    (paragraph,) = blocks_of("a **b *c*** ~~d~~ `e` [f](http://g) ![h](i)  \nj")
    assert plain(paragraph["inline"]) == "a b c d e f h\nj"


def test_html_is_one_page_without_scripts_or_anything_to_fetch() -> None:
    page = files.write(sheet(), "html").decode()
    assert page.count("AIGC") == 1
    assert "<script" not in page
    assert "src=" not in page
    assert "javascript:" not in re.sub(r"\[js\]\(javascript:alert\(1\)\)", "", page)
    assert '<p class="aigc-label" role="note">【本内容由AI生成】</p>' in page
    assert '<ol start="3"><li><p>第一项</p>' in page or '<ol start="3"><li>' in page
    assert '<html lang="zh-CN">' in page
    assert '<html lang="en">' in files.write(sheet(locale="en"), "html").decode()


def test_a_docx_is_what_python_docx_reads() -> None:
    document = docx.Document(io.BytesIO(files.write(sheet(), "docx")))
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert texts[0] == STRINGS.start
    assert texts[-1] == STRINGS.end
    assert document.core_properties.title == "春天的公园"
    assert document.core_properties.created == NOON
    (table,) = document.tables
    assert [[cell.text for cell in row.cells] for row in table.rows] == [
        ["名称", "数量"],
        ["桃花", "3"],
        ["柳树", ""],
    ]
    first = document.paragraphs[2]
    assert [run.text for run in first.runs if run.bold] == ["孩子们"]
    assert first.hyperlinks[0].address == "https://example.org/a?b=1&c=2"


def test_a_docx_registers_its_property_once() -> None:
    made = files.embed(files.write(sheet(), "docx"), "a.docx", OTHER)
    with zipfile.ZipFile(io.BytesIO(made)) as opened:
        assert len(set(opened.namelist())) == len(opened.namelist())
        assert opened.read("[Content_Types].xml").count(b"/docProps/custom.xml") == 1
        assert opened.read("_rels/.rels").count(b"custom-properties") == 1
        custom = opened.read("docProps/custom.xml").decode()
    assert 'fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="2" name="AIGC"' in custom
    assert "<vt:lpwstr>" in custom


def test_a_pdf_embeds_its_fonts_and_holds_selectable_text() -> None:
    made = files.write(sheet(), "pdf")
    opened = pypdf.PdfReader(io.BytesIO(made))
    fonts = [font.get_object() for font in opened.pages[0]["/Resources"]["/Font"].values()]
    assert fonts
    for font in fonts:
        descendant = font["/DescendantFonts"][0].get_object()
        assert (
            "/FontFile3" in descendant["/FontDescriptor"].get_object()
            or "/FontFile2" in descendant["/FontDescriptor"]
        )
        assert "/ToUnicode" in font
    assert opened.metadata is not None
    assert opened.metadata.title == "春天的公园"
    assert opened.metadata["/CreationDate"] == "D:20261127120030Z"
    assert len(made) < 100_000


def test_a_pdf_needs_its_font(monkeypatch: pytest.MonkeyPatch) -> None:
    from labelers.files import typeset

    typeset.font_folder.cache_clear()
    monkeypatch.setattr(typeset, "_FONT_PACKAGE", "no_such_package")
    with pytest.raises(files.FileError, match="font package"):
        files.write(sheet(), "pdf")
    typeset.font_folder.cache_clear()


def test_a_layout_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from labelers.files import typeset

    monkeypatch.setattr(typeset, "_TEMPLATE", b"#let")
    with pytest.raises(files.FileError, match="cannot be laid out"):
        files.write(sheet(), "pdf")


def test_front_matter_is_yaml_that_says_the_seven_pairs() -> None:
    fields = FIELDS | {"ReservedCode1": 'it\'s {"a": 1}'}
    head = files.write(sheet(fields=fields), "md").decode().split("---\n")[1]
    assert yaml.safe_load(head) == {"AIGC": fields}


def test_json_says_the_label_first() -> None:
    made = json.loads(files.write(sheet("甲"), "json"))
    assert list(made) == ["AIGC", "title", "language", "created", "format", "text"]
    assert made["AIGC"] == FIELDS
    assert made["created"] == "2026-11-27T12:00:30+00:00"


def test_an_epub_is_laid_out_as_the_standard_wants() -> None:
    with zipfile.ZipFile(io.BytesIO(files.write(sheet(), "epub"))) as opened:
        first = opened.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert opened.read("mimetype") == b"application/epub+zip"
        package = opened.read("OEBPS/content.opf").decode()
    assert '<meta property="dcterms:modified">2026-11-27T12:00:30Z</meta>' in package
    assert "urn:aigc:0693d21b6d4266ef" in package


# Labelling what is there --------------------------------------------------------------------------------

XMP = s.xmp_label(s.BARE)
THERE: dict[str, bytes] = {
    "docx": s.docx(s.WRAPPED),
    "new.docx": s.docx(),
    "misplaced.docx": s.docx(**{"docProps/core.xml": f"<c><d>{s.WRAPPED}</d><e>x</e></c>", "docProps/app.xml": "<a/>"}),
    "pptx": s.pptx(s.BARE),
    "xlsx": s.xlsx(s.BARE),
    "odt": s.odt(s.odt_property(s.BARE) + f"<dc:description>{s.WRAPPED}</dc:description><dc:title>t</dc:title>"),
    "epub": s.epub(f"<meta property='AIGC'>{s.BARE}</meta><dc:description>{s.WRAPPED}</dc:description>"),
    "pdf": s.pdf(b"/AIGC " + s.pdf_string(s.BARE) + b"/aigc2 (x) /Title (t)"),
    "new.pdf": s.pdf(),
    "noinfo.pdf": s.pdf().replace(b" /Info 6 0 R", b""),
    "xmp.pdf": s.pdf(b"/AIGC " + s.pdf_string(s.BARE), metadata=XMP),
    "attribute.pdf": s.pdf(metadata=s.xmp_attribute(s.BARE)),
    "html": f"<!DOCTYPE html><html><head><meta name=aigc content='{s.BARE}'><title>t</title></head><body><p>甲</p></body></html>".encode(),
    "nohead.html": "<html lang=zh><body>甲</body></html>".encode(),
    "bare.html": "<p>甲".encode(),
    "gbk.html": f"<html><head><meta charset=gbk><meta property='AIGC' content='{s.BARE}'></head>甲</html>".encode("gbk"),
    "md": f"---\nAIGC: {s.BARE}\ntitle: t\n---\n\n甲\n".encode(),
    "stacked.md": ("---\nAIGC:\n  Label: '1'\n  ProduceID: x\n---\n" * 3 + "---\ntitle: t\n---\n甲\n").encode(),
    "joined.md": "甲\n\n---\nAIGC:\n  Label: '1'\n---\n\n乙\n".encode(),
    "crlf.md": "---\r\ntitle: t\r\n---\r\n甲\r\n".encode("utf-8-sig"),
    "txt": f"甲\n\n{s.WRAPPED}\n\nAIGC: {s.BARE}\n".encode(),
    "crlf.txt": "甲\r\n".encode("gb18030"),
    "matter.txt": f"---\ntitle: t\nAIGC: {s.BARE}\n---\n甲".encode(),
    "png": s.png(s.png_xmp(s.xmp_label(s.BARE)), s.chunk(b"tEXt", b"AIGC\0" + s.BARE.encode())),
    "new.png": s.png(),
    "xmp.png": s.png(s.chunk(b"tEXt", b"Software\0x"), s.png_xmp(s.xmp("<a>b</a>"), compressed=True)),
    "twice.png": s.png(s.png_xmp(s.xmp("")), s.png_xmp(XMP), s.png_xmp(s.xmp("<a>b</a>"))),
    "jpg": s.jpg(s.segment(0xE1, b"Exif\0\0x"), s.jpg_xmp(s.xmp_attribute(s.BARE)), s.segment(0xFE, s.WRAPPED.encode())),
    "new.jpg": s.jpg(b"\xff\xff", s.segment(0xFE, b"a camera")),
    "empty.jpg": s.jpg(s.jpg_xmp(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"), s.jpg_xmp(XMP), s.jpg_xmp(s.xmp(""))),
    "json": f'{{ "a": 1.50, "AIGC" : {s.BARE} , "b": {{"c": "甲"}}, "aigc": {s.BARE} }}\n'.encode(),
    "new.json": '{"text": "甲"}'.encode(),
    "empty.json": b" {} ",
}  # fmt: skip


@pytest.mark.parametrize("name", THERE)
def test_labelling_overwrites_and_never_appends(name: str) -> None:
    before = reader.read(THERE[name], name)
    made = files.embed(THERE[name], name, OTHER)
    after = reader.read(made, name)
    assert len(after.labels) == 1
    assert after.fields == OTHER
    assert after.verdict == "compliant"
    assert after.text == before.text
    assert files.embed(made, name, OTHER) == made
    assert s.CODE.encode() not in made


def test_what_is_not_the_label_stays_as_it_is() -> None:
    made = files.embed(THERE["json"], "a.json", OTHER).decode()
    assert made == f'{{"AIGC": {json.dumps(OTHER)}, "a": 1.50, "b": {{"c": "甲"}}}}\n'
    gbk = files.embed(THERE["gbk.html"], "a.html", OTHER)
    assert "甲".encode("gbk") in gbk
    assert b"charset=gbk" in gbk
    crlf = files.embed(THERE["crlf.md"], "a.md", OTHER)
    assert crlf.startswith("\ufeff---\r\nAIGC:\r\n".encode())
    assert b"\r\ntitle: t\r\n---\r\n" in crlf
    docx_made = files.embed(THERE["docx"], "a.docx", OTHER)
    assert b"KSOProductBuildVer" in zipfile.ZipFile(io.BytesIO(docx_made)).read("docProps/custom.xml")
    pdf_made = pypdf.PdfReader(io.BytesIO(files.embed(THERE["pdf"], "a.pdf", OTHER)))
    assert pdf_made.metadata is not None
    assert pdf_made.metadata.title == "t"


def test_a_labelled_image_is_the_same_picture_with_the_rest_of_its_metadata() -> None:
    for name, kept in (
        ("xmp.png", [b"Software\0x", b"<a>b</a>", zlib.compress(b"\0\0")]),
        ("new.jpg", [b"JFIF", b"a camera", b"\xff\xda\0\x02\xff\xd9"]),
    ):
        made = files.embed(THERE[name], name, OTHER)
        assert all(part in made for part in kept)
        assert b"http://www.tc260.org.cn/ns/AIGC/1.0/" in made
    at = len(b"\x89PNG\r\n\x1a\n")
    made = files.embed(THERE["new.png"], "a.png", OTHER)
    kinds = []
    while at < len(made):
        (size,) = struct.unpack(">I", made[at : at + 4])
        kind, body, check = (
            made[at + 4 : at + 8],
            made[at + 8 : at + 8 + size],
            made[at + 8 + size : at + 12 + size],
        )
        assert struct.unpack(">I", check)[0] == zlib.crc32(kind + body)
        kinds.append(kind)
        at += 12 + size
    assert kinds == [b"IHDR", b"iTXt", b"IDAT", b"IEND"]


def test_a_tag_in_a_comment_or_script_is_no_place_for_a_label() -> None:
    page = "<!-- <head> --><html><head><script>'<head>'</script><title><meta></title></head><body>x</body></html>"
    made = files.embed(page.encode(), "a.html", OTHER).decode()
    assert made.startswith('<!-- <head> --><html><head><meta name="AIGC"')
    for cut in ("<!-- x", "<script>x", "<meta name='x"):
        assert files.EMBEDDERS["html"](cut.encode(), OTHER).decode().endswith(cut)


def signed_pdf() -> bytes:
    return s.pdf().replace(b"/Pages 2 0 R", b"/Pages 2 0 R /AcroForm << /SigFlags 3 >>")


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.png", s.png(s.chunk(b"caBX", b"x")), "carries a C2PA manifest"),
        ("a.png", s.png()[:60], "cut short"),
        ("a.png", s.png(s.chunk(b"eXIf", s.WRAPPED.encode())), "cannot be overwritten"),
        ("a.docx", s.docx(**{"_xmlsignatures/sig1.xml": "<x/>"}), "digitally signed"),
        ("a.pdf", signed_pdf(), "digitally signed"),
        ("a.odt", s.zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<c/>",
                            "META-INF/documentsignatures.xml": "<x/>"}), "digitally signed"),
        ("a.odt", s.zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<c/>"}), "no meta.xml"),
        ("a.odt", s.zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<c/>",
                            "meta.xml": "<m/>"}), "no meta.xml"),
        ("a.epub", s.zipped({"META-INF/container.xml": "<c><rootfile full-path='p'/></c>", "p": "<p/>"}), "no metadata"),
        ("a.json", b"[1]", "only a JSON object"),
        ("a.json", b'{"a": {"AIGC": {"Label": "1"}}}', "inside another object"),
        ("a.jpg", s.jpg(s.segment(0xEB, b"JP..c2pa")), "carries a C2PA manifest"),
        ("a.jpg", s.jpg()[:-4], "cut short"),
        ("a.jpg", s.jpg(s.jpg_xmp(s.xmp(f"<x>{'y' * 65_198}</x>"))), "no room"),
        ("a.jpg", s.jpg(s.segment(0xE1, b"Exif\0\0" + s.WRAPPED.encode())), "cannot be overwritten"),
        ("a.txt", b"\xff\xff\xff", "neither UTF-8"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_labelled_says_why(name: str, data: bytes, why: str) -> None:
    with pytest.raises(files.FileError, match=why):
        files.embed(data, name, OTHER)


def test_a_label_that_cannot_be_overwritten_is_not_hidden() -> None:
    hidden = s.docx(**{"docProps/core.xml": f"<c><d>{s.WRAPPED}</d></c>"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("labelers.files.office._without_labels", lambda part, name: None)
        with pytest.raises(files.FileError, match="cannot be overwritten"):
            files.embed(hidden, "a.docx", OTHER)


def test_a_pdf_that_cannot_be_written_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pypdf, "PdfWriter", lambda **_: 1 / 0)
    with pytest.raises(files.FileError, match="cannot be written anew"):
        files.embed(s.pdf(), "a.pdf", OTHER)
