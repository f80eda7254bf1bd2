"""The families of labels that stand in real files, each read as it is spelt."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable

import pytest

from labelers.files import READERS, SUFFIXES, FileError, format_of, read
from tests.labelers.files import samples as s

META = f"<meta name='AIGC' content='{s.BARE}'>"
PLACES: dict[str, tuple[bytes, str]] = {
    "docx": (s.docx(s.BARE), "docProps/custom.xml, property AIGC"),
    "pptx": (s.pptx(s.BARE), "docProps/custom.xml, property AIGC"),
    "xlsx": (s.xlsx(s.BARE), "docProps/custom.xml, property AIGC"),
    "odt": (s.odt(s.odt_property(s.BARE)), "meta.xml, property AIGC"),
    "epub": (s.epub(META[:-1] + "/>"), "OEBPS/content.opf, meta AIGC"),
    "pdf": (s.pdf(b"/AIGC " + s.pdf_string(s.BARE)), "Info /AIGC"),
    "png": (s.png(s.png_xmp(s.xmp_label(s.BARE))), "XMP, TC260:AIGC"),
    "jpg": (s.jpg(s.jpg_xmp(s.xmp_label(s.BARE))), "XMP, TC260:AIGC"),
    "html": (f"<html><head>{META}</head><body><p>x</p></body></html>".encode(), "meta AIGC"),
    "md": (f"---\nAIGC: {s.BARE}\n---\n\nx".encode(), "front matter, AIGC"),
    "txt": (f"x\n\n{s.WRAPPED}\n".encode(), "a line of the text"),
    "json": (f'{{"AIGC":{s.BARE},"text":"x"}}'.encode(), "AIGC"),
}


def test_every_format_has_a_sample_and_every_suffix_a_reader() -> None:
    assert PLACES.keys() == READERS.keys()
    assert set(SUFFIXES.values()) == READERS.keys()


@pytest.mark.parametrize("kind", PLACES)
def test_the_label_is_found_in_its_place_and_told_as_spelt(kind: str) -> None:
    data, place = PLACES[kind]
    contents = read(data, f"a.{kind}")
    assert contents.format == kind
    (label,) = contents.labels
    assert label.place == place
    assert label.fields == s.FIELDS
    assert list(label.fields) == list(s.FIELDS)
    assert label.problems == () == label.notes
    assert label.own_place
    if kind not in ("md", "txt"):
        assert label.raw == s.BARE


@pytest.mark.parametrize("kind", ["docx", "pptx", "xlsx", "odt", "epub", "pdf", "png", "jpg"])
def test_bytes_tell_the_format_where_the_name_does_not(kind: str) -> None:
    data, _ = PLACES[kind]
    assert read(data, "download").format == kind
    wrong = read(data, "a.txt")
    assert wrong.format == kind
    assert wrong.notes == (f"it is called .txt and is {kind}",)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<!DOCTYPE html><p>x", "html"),
        ('{"a": 1}', "json"),
        ("{not json", "txt"),
        ("---\na: b\n---\n", "md"),
        ("# x", "md"),
        ("春江", "txt"),
        ("", "txt"),
    ],
)
def test_text_without_a_telling_name_is_known_by_its_beginning(text: str, kind: str) -> None:
    assert format_of(text.encode(), "README") == kind
    assert format_of(text.encode(), "x.unknown") == kind


@pytest.mark.parametrize("kind", ["docx", "pdf", "png", "odt"])
def test_bytes_that_are_not_what_the_name_says_are_refused(kind: str) -> None:
    with pytest.raises(FileError, match=f"its bytes are no {kind}"):
        read("春江".encode(), f"a.{kind}")


@pytest.mark.parametrize(
    ("name", "what"), [("a.docx", "no docx"), ("a.zip", "none of a known format"), ("a.md", "none")]
)
def test_a_container_of_something_else_is_refused(name: str, what: str) -> None:
    with pytest.raises(FileError, match=what):
        read(s.zipped({"x": "y"}), name)


def test_a_reader_that_is_given_another_container_says_so() -> None:
    with pytest.raises(FileError, match="no docx, pptx or xlsx"):
        READERS["docx"](s.epub(""))


# Markdown -----------------------------------------------------------------------------------------

MANY = "".join(f"---\nAIGC:\n  Label: '{n}'\n---\n" for n in range(12))
QUOTED = "\n".join(f"  {name}: '{value}'" for name, value in s.FIELDS.items())
DEEP = "\n".join(f'    {name}: "{s.FIELDS[name]}"' for name in sorted(s.FIELDS))
FRONT_MATTERS: dict[str, str] = {
    "two spaces, single quotes": f"---\nAIGC:\n{QUOTED}\n---\n\n# T\n",
    "four spaces, double quotes, alphabetical": f"---\nAIGC:\n{DEEP}\n---\n\n# T\n",
    "no quotes": "---\nAIGC:\n" + QUOTED.replace("'", "") + "\n---\n# T\n",
    "JSON as a flow mapping": f"---\nAIGC: {s.BARE}\n---\n\n# T\n",
    "JSON in a quoted string": f"---\nAIGC: '{s.BARE}'\n---\n\n# T\n",
    "wrapped JSON in a string": f"---\nAIGC: '{s.WRAPPED}'\n---\n\n# T\n",
    "a block scalar": f"---\nAIGC: |\n  {s.BARE}\n---\n\n# T\n",
    "among other keys": f"---\ntitle: x\nlayout: post\nAIGC:\n{QUOTED}\ntags: [a]\n---\n\n# T\n",
    "another front matter above": f"---\ntitle: x\n---\n---\nAIGC:\n{QUOTED}\n---\n\n# T\n",
    "another front matter below": f"---\nAIGC:\n{QUOTED}\n---\n---\ntitle: AIGC: x\n---\n\n# T\n",
    "BOM and CRLF": "\ufeff" + f"---\nAIGC:\n{QUOTED}\n---\n\n# T\n".replace("\n", "\r\n"),
    "closed with dots": f"---\nAIGC:\n{QUOTED}\n...\n\n# T\n",
    "blank lines first": f"\n\n---\nAIGC:\n{QUOTED}\n---\n\n# T\n",
    "tabs, which YAML forbids": "---\nAIGC:\n" + QUOTED.replace("  ", "\t") + "\n---\n\n# T\n",
    "an unclosed quote elsewhere": f"---\ntitle: 'x\nAIGC:\n{QUOTED}\n---\n\n# T\n",
    "TOML rules": f"+++\nAIGC:\n{QUOTED}\n+++\n\n# T\n",
    "lower-case key": f"---\naigc:\n{QUOTED}\n---\n\n# T\n",
    "a remark first": f"---\n# made by x\nAIGC:\n{QUOTED}\n---\n\n# T\n",
}


@pytest.mark.parametrize("shape", FRONT_MATTERS)
def test_front_matter_is_read_whatever_its_quoting_indent_and_company(shape: str) -> None:
    contents = read(FRONT_MATTERS[shape].encode(), "a.md")
    (label,) = contents.labels
    assert label.fields == s.FIELDS
    assert label.problems == ()
    assert contents.text.strip().endswith("# T")
    assert "ProduceID" not in contents.text


def test_yaml_turns_no_value_into_a_number_or_date() -> None:
    source = "---\nAIGC:\n  Label: 1\n  ContentProducer: 2025-09-01\n  ProduceID: 0123\n---\n"
    (label,) = read(source.encode(), "a.md").labels
    assert label.fields == {"Label": "1", "ContentProducer": "2025-09-01", "ProduceID": "0123"}


def test_a_signature_as_a_yaml_mapping_is_kept_as_json() -> None:
    source = (
        f"---\nAIGC:\n  Label: '1'\n  ContentProducer: {s.CODE}\n  ProduceID: x\n"
        "  ReservedCode1:\n    SecurityData:\n      Type: TC260PG\n      PubSD: [{Type: DS}]\n---\n"
    )
    (label,) = read(source.encode(), "a.md").labels
    assert json.loads(label.fields["ReservedCode1"]) == {
        "SecurityData": {"Type": "TC260PG", "PubSD": [{"Type": "DS"}]}
    }
    assert "ReservedCode1 is no string" in label.notes


def test_stacked_labels_are_two() -> None:
    matter = f"---\nAIGC:\n{QUOTED}\n---\n"
    contents = read((matter + "\n" + matter + "\ntext").encode(), "a.md")
    assert [label.place for label in contents.labels] == ["front matter, AIGC", "front matter 2, AIGC"]


def test_of_many_stacked_labels_all_are_counted() -> None:
    assert len(read(MANY.encode(), "a.md").labels) == 12


def test_a_label_in_the_middle_of_joined_documents_is_found_and_is_no_text() -> None:
    matter = f"---\nAIGC:\n{QUOTED}\n---\n"
    contents = read(f"{matter}\n甲\n\n{matter}\n乙\n".encode(), "a.md")
    assert len(contents.labels) == 2
    assert contents.labels[1].place == "front matter inside the text, AIGC"
    assert contents.text.split() == ["甲", "乙"]


@pytest.mark.parametrize(
    "source",
    [
        f"# How to\n\n```yaml\n---\nAIGC:\n{QUOTED}\n---\n```\n",  # an example in code
        "---\n\nProse between two rules, about AIGC: nothing.\n\n---\n\nmore",
        "text\n\n---\nAIGC: see above",  # never closed
        "AIGC: a term",
        "---\ntitle: AIGC\n---\nx",
    ],
)
def test_what_only_looks_like_front_matter_is_text(source: str) -> None:
    contents = read(source.encode(), "a.md")
    assert contents.labels == ()


def test_a_list_or_alias_bomb_in_front_matter_is_bounded() -> None:
    bomb = "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: &d [*c,*c]\ne: &e [*d,*d]\n"
    source = f"---\n{bomb}AIGC:\n  Label: [[[[[[[[[[1]]]]]]]]]]\n  ProduceID: *e\n---\n"
    (label,) = read(source.encode(), "a.md").labels
    assert any("Label is" in problem for problem in label.problems)
    deep = "---\nAIGC: " + "[" * 5000 + "\n---\n"
    assert len(read(deep.encode(), "a.md").labels) == 1


# Encodings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-32"])
def test_text_is_read_in_the_encodings_of_the_field(encoding: str) -> None:
    contents = read(f"---\nAIGC: {s.BARE}\n---\n{s.PROSE}".encode(encoding), "a.md")
    assert contents.text == s.PROSE
    assert contents.labels[0].fields == s.FIELDS
    assert bool(contents.notes) == (encoding != "utf-8")


@pytest.mark.parametrize("data", [b"\xff\xff\xff\xff\x00", b"\xff\xfe\x00\xd8\x00\x00", b"abc\xff\xff\xff"])
def test_bytes_that_are_no_text_are_refused(data: bytes) -> None:
    with pytest.raises(FileError, match=r"no text|not the utf-16|neither"):
        read(data, "a.txt")


def test_html_is_read_in_the_encoding_it_declares() -> None:
    page = f"<html><head><meta charset='CHARSET'>{META}</head><body>許蓋</body></html>"
    for declared, real in (("big5", "big5"), ("gb2312", "gb18030"), ("no-such", "gb18030")):
        data = page.replace("CHARSET", declared).encode(real)
        assert read(data, "a.html").text == "許蓋"


# HTML -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "meta",
    [
        META,
        f"<META NAME=aigc CONTENT='{s.BARE}'>",
        "<meta content='" + s.WRAPPED + "' name='AIGC'>",
        '<meta name="AIGC" content="' + s.BARE.replace('"', "&quot;") + '">',
        '<meta property="AIGC" content="' + s.BARE.replace('"', "&quot;") + '"/>',
        '<meta name="AIGC" content="' + s.BARE.replace('"', "&amp;quot;") + '">',
        f"<meta name='AIGC' content='{json.dumps(s.WRAPPED)}'>",
    ],
)
def test_a_meta_element_is_read_in_any_spelling(meta: str) -> None:
    (label,) = read(f"<html><head>{meta}<title>t</title></head><body></body>".encode(), "a.html").labels
    assert label.fields == s.FIELDS
    assert label.problems == ()


def test_the_visible_text_of_html_has_no_scripts_and_a_line_a_block() -> None:
    page = (
        "<!DOCTYPE html><html><head><title>t</title><style>p{}</style></head><body>\n<h1>甲 <b>乙</b></h1>"
        "<p>丙\n  丁<br>戊</p><script>x()</script><ul><li>己</li><li>庚</li></ul><pre>a\n  b</pre>"
        "辛<!-- no --> 壬<template>no</template>癸</body></html>"
    )
    assert read(page.encode(), "a.html").text == "甲 乙\n丙 丁\n戊\n己\n庚\na\n  b\n辛 壬癸"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (b"", ""),
        (b"<", "<"),
        (b"<!-- -->", ""),
        (b"<html>", ""),
        (b"text only", "text only"),
        ("\ufeff<p>a\0b".encode("utf-16-le"), "ab"),
    ],
)
def test_a_page_of_almost_nothing_is_read(page: bytes, text: str) -> None:
    contents = read(page, "a.html")
    assert contents.labels == ()
    assert contents.text == text


# Plain text and JSON ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        f"{s.PROSE}\n\n{s.WRAPPED}",
        f"{s.WRAPPED}\n\n{s.PROSE}",
        f"{s.PROSE}\n\nAIGC: {s.BARE}\n",
        f"{s.PROSE}\n\nAIGC：{s.BARE}",
        f"{s.PROSE}\n\n" + json.dumps(json.loads(s.WRAPPED), indent=2),
        f"---\nAIGC:\n{QUOTED}\n---\n\n{s.PROSE}",
    ],
)
def test_plain_text_holds_its_label_on_lines_of_their_own(source: str) -> None:
    contents = read(source.encode(), "a.txt")
    (label,) = contents.labels
    assert label.fields == s.FIELDS
    assert contents.text == s.PROSE


@pytest.mark.parametrize(
    "source", [f"They write {s.WRAPPED} there.", '{"AIGC": "a term"}', '{"a": 1}', s.BARE]
)
def test_text_about_labels_is_no_label(source: str) -> None:
    assert read(source.encode(), "a.txt").labels == ()


def test_a_broken_label_line_is_read_to_its_end() -> None:
    source = 'x\n{"AIGC":{"Label":"1","ProduceID":"7", ContentProducer: "y"}\n春江\n'
    contents = read(source.encode(), "a.txt")
    assert contents.labels[0].fields == {"Label": "1", "ContentProducer": "y", "ProduceID": "7"}
    assert contents.text == "x\n\n春江"
    assert (
        read(source.encode().removesuffix("\n春江\n".encode()), "a.txt").labels[0].fields["ProduceID"] == "7"
    )


def test_json_is_read_wherever_the_object_stands() -> None:
    value = {"data": [{"text": "甲", "aigc": s.FIELDS | {"hint": {"text": "x"}}}], "n": 3}
    contents = read(json.dumps(value).encode(), "a.json")
    (label,) = contents.labels
    assert label.place == "data[0].aigc"
    assert label.fields == s.FIELDS
    assert contents.text == "甲"


def test_a_json_key_that_stands_twice_is_two_labels() -> None:
    contents = read(f'{{"AIGC":{s.BARE},"AIGC":{json.dumps(s.WRAPPED)},"b":1}}'.encode(), "a.json")
    assert [label.fields for label in contents.labels] == [s.FIELDS, s.FIELDS]


def test_json_lines_are_read_line_by_line() -> None:
    contents = read(f'{{"text":"甲"}}\n\n{{"AIGC":{s.BARE}}}\n'.encode(), "a.jsonl")
    assert contents.notes == ("it is JSON Lines",)
    assert len(contents.labels) == 1
    assert contents.text == "甲"


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(FileError, match="this is no JSON"):
        read(b'{"a": ', "a.json")


# Office -------------------------------------------------------------------------------------------


def test_the_text_of_a_document_comes_in_the_order_of_reading() -> None:
    w = s.W
    data = s.docx(
        body="<w:p><w:r><w:t>甲</w:t><w:tab/><w:t>乙</w:t><w:br/><w:t>丙</w:t></w:r></w:p><w:p/>"
        "<w:p><w:del><w:delText>no</w:delText></w:del><w:ins><w:r><w:t>丁</w:t></w:r></w:ins></w:p>",
        **{
            "word/header1.xml": f"<w:hdr {w}><w:p><w:r><w:t>眉</w:t></w:r></w:p></w:hdr>",
            "word/footer2.xml": f"<w:ftr {w}><w:p><w:r><w:t>脚</w:t></w:r></w:p></w:ftr>",
            "word/footnotes.xml": f"<w:f {w}><w:p><w:r><w:t>注</w:t></w:r></w:p></w:f>",
        },
    )
    assert read(data, "a.docx").text == "眉\n甲\t乙\n丙\n丁\n注\n脚"
    assert read(s.pptx(s.BARE), "a.pptx").text == "二\n行\n十"
    assert read(s.xlsx(s.BARE), "a.xlsx").text == "甲\n乙丙\n丁"
    assert read(s.odt(""), "a.odt").text == f"{s.VISIBLE}\n春江\n潮水\n页脚"
    assert read(s.epub(""), "a.epub").text == f"{s.VISIBLE}\n{s.PROSE}"


@pytest.mark.parametrize(
    ("custom", "note"),
    [
        (s.custom_xml(s.BARE, name="AIGC标识"), "the property is called AIGC标识, not AIGC"),
        (s.custom_xml(s.BARE, kind="bstr"), "its value is no vt:lpwstr"),
    ],
)
def test_a_property_that_is_almost_right_is_read_and_noted(custom: str, note: str) -> None:
    (label,) = read(s.docx(**{"docProps/custom.xml": custom}), "a.docx").labels
    assert label.fields == s.FIELDS
    assert label.notes == (note,)


def test_a_property_without_value_is_a_label_that_says_nothing() -> None:
    empty = s.custom_xml("").replace("<vt:lpwstr></vt:lpwstr>", "")
    (label,) = read(s.docx(**{"docProps/custom.xml": empty}), "a.docx").labels
    assert label.fields == {}
    assert label.problems


def test_a_label_in_the_wrong_part_is_found() -> None:
    core = f"<c xmlns:d='x'><d:creator/><d:description>{s.WRAPPED}</d:description></c>"
    (label,) = read(s.docx(**{"docProps/core.xml": core}), "a.docx").labels
    assert label.place == "docProps/core.xml, description"
    assert not label.own_place
    odt = read(s.odt(f"<dc:description>{s.WRAPPED}</dc:description>"), "a.odt")
    epub = read(s.epub(f"<dc:description>{s.WRAPPED}</dc:description>"), "a.epub")
    pdf = read(s.pdf(b"/Keywords " + s.pdf_string(s.WRAPPED)), "a.pdf")
    for contents in (odt, epub, pdf):
        assert contents.labels[0].fields == s.FIELDS
        assert not contents.labels[0].own_place


def test_two_custom_parts_are_two_labels() -> None:
    part = ("docProps/custom.xml", s.custom_xml(s.BARE))
    with pytest.warns(UserWarning, match="Duplicate"):
        data = s.zipped([("word/document.xml", f"<w:document {s.W}/>"), part, part])
    assert len(read(data, "a.docx").labels) == 2


def test_an_odt_needs_a_body_and_no_styles() -> None:
    with pytest.raises(FileError, match=r"no content\.xml"):
        read(s.zipped({"mimetype": "application/vnd.oasis.opendocument.text"}), "a.odt")
    data = s.zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<c><p>x</p></c>"})
    assert read(data, "a.odt").text == "x"


def test_an_encrypted_odt_is_refused() -> None:
    parts = {
        "mimetype": "application/vnd.oasis.opendocument.text",
        "META-INF/manifest.xml": "<manifest:encryption-data/>",
    }
    with pytest.raises(FileError, match="encrypted"):
        read(s.zipped(parts), "a.odt")


@pytest.mark.parametrize(
    "metadata",
    [
        f"<meta property='AIGC'>{s.BARE}</meta>",
        f"<meta property='tc260:AIGC'>{s.WRAPPED}</meta>",
    ],
)
def test_an_epub_label_may_be_a_property(metadata: str) -> None:
    assert read(s.epub(metadata), "a.epub").labels[0].fields == s.FIELDS


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ({"mimetype": "application/epub+zip"}, "no package document"),
        ({"META-INF/container.xml": "<c><rootfile full-path='gone'/></c>"}, "no package document"),
        (
            {"META-INF/container.xml": "<c/>", "META-INF/encryption.xml": "x", "META-INF/rights.xml": "x"},
            "DRM",
        ),
    ],
)
def test_an_epub_that_cannot_be_read_says_why(parts: dict[str, bytes | str], what: str) -> None:
    with pytest.raises(FileError, match=what):
        read(s.zipped(parts), "a.epub")


# PDF ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "info",
    [
        b"/AIGC " + s.pdf_string(s.WRAPPED),
        b"/AIGC (" + s.BARE.encode() + b")",
        b"/aigc " + s.pdf_string(s.BARE),
        b"/AIGC <" + s.BARE.encode("utf-8-sig").hex().encode() + b">",
    ],
)
def test_the_info_dictionary_is_read_in_any_string_spelling(info: bytes) -> None:
    (label,) = read(s.pdf(info), "a.pdf").labels
    assert label.fields == s.FIELDS
    assert label.problems == ()


def test_the_same_label_in_info_and_xmp_is_one_and_two_that_differ_are_two() -> None:
    info = b"/AIGC " + s.pdf_string(s.BARE)
    one = read(s.pdf(info, metadata=s.xmp_label(s.WRAPPED)), "a.pdf")
    assert len(one.labels) == 1
    assert one.notes == ("the label stands in Info and, alike, in XMP",)
    other = s.BARE.replace("c4c8c10647a8bb71", "other")
    assert len(read(s.pdf(info, metadata=s.xmp_label(other)), "a.pdf").labels) == 2


def test_a_pdf_without_info_and_with_xmp_alone_is_read() -> None:
    data = s.pdf(metadata=s.xmp_label(s.BARE)).replace(b" /Info 6 0 R", b"")
    assert read(data, "a.pdf").labels[0].place == "XMP, TC260:AIGC"
    assert read(data, "a.pdf").text == "hello world"


# Images and XMP -------------------------------------------------------------------------------------

UNDECLARED = s.xmp_label(s.BARE).replace(b"xmlns:TC260", b"xmlns:C260")
STRUCT = s.xmp(
    "<TC260:AIGC>" + "".join(f"<TC260:{k}>{v}</TC260:{k}>" for k, v in s.FIELDS.items()) + "</TC260:AIGC>"
)
STRUCT_ATTRIBUTES = s.xmp("<TC260:AIGC " + " ".join(f"TC260:{k}='{v}'" for k, v in s.FIELDS.items()) + "/>")


@pytest.mark.parametrize(
    "packet",
    [
        s.xmp_label(s.BARE),
        s.xmp_label(s.WRAPPED),
        s.xmp_label(json.dumps(s.BARE)),
        s.xmp_attribute(s.BARE),
        UNDECLARED,
        STRUCT_ATTRIBUTES,
        s.xmp_label(s.BARE).replace(b"AIGC/1.0/", b"AIGC/2.0/"),
        b"\0\0" + s.xmp_label(s.BARE) + b"\n  \0",
    ],
)
def test_xmp_is_read_as_element_attribute_and_structure(packet: bytes) -> None:
    for data in (
        s.png(s.png_xmp(packet)),
        s.jpg(s.jpg_xmp(packet)),
        s.png(s.png_xmp(packet, compressed=True)),
    ):
        (label,) = read(data, "image").labels
        assert label.fields == s.FIELDS
        assert label.problems == ()


def test_an_xmp_structure_tells_what_it_holds() -> None:
    (label,) = read(s.png(s.png_xmp(STRUCT)), "a.png").labels
    assert label.fields == {name: value for name, value in s.FIELDS.items() if value}
    assert "it is an XMP structure, not one string" in label.notes
    (empty,) = read(s.png(s.png_xmp(s.xmp("<TC260:AIGC/>"))), "a.png").labels
    assert empty.problems


@pytest.mark.parametrize(
    "kind_and_body",
    [
        (b"tEXt", b"AIGC\0" + s.BARE.encode()),
        (b"zTXt", b"AIGC\0\0" + zlib.compress(s.BARE.encode())),
        (b"iTXt", b"AIGC\0\0\0\0\0" + s.WRAPPED.encode()),
    ],
)
def test_a_text_chunk_of_a_png_is_read(kind_and_body: tuple[bytes, bytes]) -> None:
    (label,) = read(s.png(s.chunk(*kind_and_body), s.chunk(b"tEXt", b"Software\0x")), "a.png").labels
    assert label.fields == s.FIELDS
    assert label.notes == ("a text chunk, where the practice guide has XMP",)


def test_json_in_exif_and_comments_is_found() -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0ASCII\0\0\0" + s.WRAPPED.encode() + b"\0\0"
    for data in (
        s.jpg(s.segment(0xE1, exif)),
        s.jpg(s.segment(0xFE, s.WRAPPED.encode())),
        s.png(s.chunk(b"eXIf", exif)),
    ):
        (label,) = read(data, "image").labels
        assert label.fields == s.FIELDS
        assert not label.own_place
    assert (
        read(s.jpg(s.segment(0xE1, b"Exif\0\0{a}"), b"\xff\xff", s.segment(0xE2, b"icc")), "a.jpg").labels
        == ()
    )


def test_extended_xmp_is_put_together() -> None:
    packet = s.xmp_label(s.BARE)
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + len(packet).to_bytes(4, "big")
    pieces = [
        s.segment(0xE1, head + at.to_bytes(4, "big") + packet[at : at + 100])
        for at in range(0, len(packet), 100)
    ]
    (label,) = read(s.jpg(s.jpg_xmp(b" "), *reversed(pieces)), "a.jpg").labels
    assert label.fields == s.FIELDS


@pytest.mark.parametrize("cut", [20, 45, 60])
def test_an_image_cut_short_is_read_as_far_as_it_goes(cut: int) -> None:
    for data in (PLACES["png"][0], PLACES["jpg"][0]):
        contents = read(data[:cut], "x")
        assert contents.notes == ("the image is cut short",)
        assert contents.labels == ()


# Properties -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PLACES)
def test_no_truncation_and_no_changed_byte_raises_anything_but_a_file_error(kind: str) -> None:
    data, _ = PLACES[kind]
    steps = max(1, len(data) // 120)
    mutations: list[Callable[[int], bytes]] = [
        lambda at: data[:at],
        lambda at: data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :],
    ]
    refused = 0
    for mutate in mutations:
        for at in range(0, len(data), steps):
            try:
                read(mutate(at), f"a.{kind}")
            except FileError:
                refused += 1
    # Text can be cut anywhere; containers cannot.
    assert (refused > 0) == (kind not in ("html", "md", "txt"))
