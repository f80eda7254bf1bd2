"""Writes docx: the layout with python-docx, the label with `office.embed_office`."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from labelers.files.flow import Node, flow, plain
from labelers.files.office import embed_office
from labelers.files.page import language
from labelers.files.sheet import Sheet

if TYPE_CHECKING:
    from docx.document import Document
    from docx.text.paragraph import Paragraph

__all__ = ["write_docx"]

_HYPERLINK = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"
_STYLED = {"strong": "bold", "em": "italic", "strike": "strike"}
_LATIN, _HAN, _MONO = "Calibri", "SimSun", "Consolas"
_MAX_LEVEL = 8


def write_docx(sheet: Sheet) -> bytes:
    """The visible labels are paragraphs of their own; the implicit one is the custom property AIGC."""
    import docx

    document = docx.Document()
    _prepare(document, sheet)
    _blocks(document, flow(sheet), 0)
    out = io.BytesIO()
    document.save(out)
    return embed_office(out.getvalue(), sheet.fields)


def _prepare(document: Document, sheet: Sheet) -> None:
    from docx.oxml.ns import qn

    about = document.core_properties
    about.title, about.author, about.language = (
        sheet.title[:255],
        sheet.fields["ContentProducer"][:255],
        language(sheet),
    )
    about.comments, about.last_modified_by = "", ""
    about.created = about.modified = sheet.created.replace(tzinfo=None)
    for name in ("Normal", *(f"Heading {level}" for level in range(1, 7)), "Quote"):
        fonts = document.styles[name].element.get_or_add_rPr().get_or_add_rFonts()
        for attribute in list(fonts.attrib):
            del fonts.attrib[attribute]
        for script, font in (("ascii", _LATIN), ("hAnsi", _LATIN), ("eastAsia", _HAN)):
            fonts.set(qn(f"w:{script}"), font)


def _blocks(document: Document, nodes: Sequence[Node], level: int) -> None:
    for node in nodes:
        match node["kind"]:
            case "label":
                _label(document, node["text"])
            case "heading":
                _inline(document.add_heading(level=node["level"]), node["inline"])
            case "code":
                _code(document, node["text"], level)
            case "quote":
                _blocks(document, node["blocks"], level + 1)
            case "list":
                _list(document, node, level)
            case "table":
                _table(document, node["rows"])
            case "rule":
                _paragraph(document, level).add_run("―" * 20)
            case _:
                _inline(_paragraph(document, level), node["inline"])


def _paragraph(document: Document, level: int) -> Paragraph:
    from docx.shared import Cm

    paragraph = document.add_paragraph()
    if level:
        paragraph.paragraph_format.left_indent = Cm(0.75 * min(level, _MAX_LEVEL))
    return paragraph


def _label(document: Document, text: str) -> None:
    from docx.shared import RGBColor

    run = document.add_paragraph().add_run(text)
    run.bold = True
    run.font.color.rgb = RGBColor(0xB3, 0x26, 0x1E)


def _code(document: Document, text: str, level: int) -> None:
    paragraph = _paragraph(document, level)
    for at, line in enumerate(text.split("\n")):
        run = paragraph.add_run()
        if at:
            run.add_break()
        run.add_text(line)
        run.font.name = _MONO


def _list(document: Document, node: Node, level: int) -> None:
    """Numbers and bullets are text: so they are in every reader as in the answer."""
    from docx.shared import Cm

    for at, item in enumerate(node["items"], node["start"]):
        mark = f"{at}." if node["ordered"] else "•"
        first, rest = (item[0], item[1:]) if item and item[0]["kind"] == "par" else (None, item)
        paragraph = _paragraph(document, level + 1)
        paragraph.paragraph_format.first_line_indent = Cm(-0.6)
        paragraph.paragraph_format.space_after = Cm(0.1)
        paragraph.add_run(f"{mark}\t")
        if first is not None:
            _inline(paragraph, first["inline"])
        _blocks(document, rest, level + 1)


def _table(document: Document, rows: Sequence[Sequence[Sequence[Node]]]) -> None:
    table = document.add_table(rows=len(rows), cols=max(map(len, rows)), style="Table Grid")
    for at, (row, cells) in enumerate(zip(table.rows, rows, strict=True)):
        for cell, inline in zip(row.cells, cells, strict=False):
            _inline(cell.paragraphs[0], inline, {"bold": True} if not at else {})


def _inline(paragraph: Paragraph, nodes: Sequence[Node], style: dict[str, bool] | None = None) -> None:
    for node in nodes:
        match node["kind"]:
            case "text":
                _dress(paragraph.add_run(node["text"]), style)
            case "code":
                run = paragraph.add_run(node["text"])
                run.font.name = _MONO
                _dress(run, style)
            case "break":
                paragraph.add_run().add_break()
            case "link":
                _link(paragraph, node)
            case kind:
                _inline(paragraph, node["inline"], (style or {}) | {_STYLED[kind]: True})


def _dress(run: Any, style: dict[str, bool] | None) -> None:
    for name, on in (style or {}).items():
        setattr(run.font, name, on)


def _link(paragraph: Paragraph, node: Node) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import RGBColor

    run = paragraph.add_run(plain(node["inline"]))
    run.font.underline = True
    run.font.color.rgb = RGBColor(0x05, 0x63, 0xC1)
    link: Any = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), paragraph.part.relate_to(node["href"], _HYPERLINK, is_external=True))
    link.append(run._r)
    paragraph._p.append(link)
