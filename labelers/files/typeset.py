"""Writes PDF: Typst sets the same nodes as the other formats, then the label goes into the Info dictionary.

The text goes in as data, never as Typst source. Fonts are embedded as subsets: Noto Sans CJK (SIL Open Font
License) for everything, and the monospaced one that Typst brings for code. Text can be selected and copied;
the variation selectors of the carrier go along as the actual text of their glyphs.
"""

from __future__ import annotations

import calendar
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import orjson

from labelers.files.contents import FileError
from labelers.files.flow import flow
from labelers.files.pdf import embed_pdf
from labelers.files.sheet import Sheet

__all__ = ["font_folder", "write_pdf"]

_FONT_PACKAGE = "cvttf_NotoSansCJK_Regular"
_TEMPLATE = rb"""
#let sheet = json(bytes(sys.inputs.sheet))
#let c = sheet.created
#set document(title: sheet.title, author: sheet.author, date: datetime(
  year: c.at(0), month: c.at(1), day: c.at(2), hour: c.at(3), minute: c.at(4), second: c.at(5)))
#set page(paper: "a4", margin: 2.4cm, numbering: "1")
#set text(font: ("Noto Sans CJK TC",), size: 10.5pt, lang: sheet.lang, region: sheet.region,
  cjk-latin-spacing: none)
#set par(leading: 0.85em, spacing: 1.2em, justify: true)
#show raw: set text(font: ("DejaVu Sans Mono", "Noto Sans CJK TC"), size: 9pt)
#show raw.where(block: true): it => block(fill: luma(244), inset: 8pt, width: 100%, it)
#show link: set text(fill: rgb("#0563c1"))
#let spans(nodes) = for n in nodes {
  if n.kind == "text" { n.text }
  else if n.kind == "code" { raw(n.text) }
  else if n.kind == "break" { linebreak() }
  else if n.kind == "strong" { text(stroke: 0.25pt, spans(n.inline)) }
  else if n.kind == "em" { underline(stroke: (thickness: 0.6pt, dash: "dotted"), offset: 2.5pt, spans(n.inline)) }
  else if n.kind == "strike" { strike(spans(n.inline)) }
  else if n.kind == "link" { if n.href == "" { spans(n.inline) } else { link(n.href, spans(n.inline)) } }
}
#let blocks(nodes) = for n in nodes {
  if n.kind == "label" {
    block(stroke: (left: 2pt + rgb("#b3261e")), inset: (left: 8pt, y: 4pt), text(fill: rgb("#b3261e"), n.text))
  }
  else if n.kind == "heading" { heading(level: n.level, spans(n.inline)) }
  else if n.kind == "par" { par(spans(n.inline)) }
  else if n.kind == "code" { raw(n.text, block: true) }
  else if n.kind == "quote" { quote(block: true, blocks(n.blocks)) }
  else if n.kind == "rule" { line(length: 100%, stroke: 0.5pt + luma(120)) }
  else if n.kind == "list" {
    let items = n.items.map(blocks)
    if n.ordered { enum(start: n.start, ..items) } else { list(..items) }
  }
  else if n.kind == "table" {
    let width = calc.max(..n.rows.map(row => row.len()))
    let cells = n.rows.map(row => row.map(spans) + ([],) * (width - row.len()))
    table(columns: width, table.header(..cells.first()), ..cells.slice(1).flatten())
  }
}
#blocks(sheet.blocks)
"""
_REGIONS = {"zh": ("zh", "CN"), "zh-hant": ("zh", "TW")}


def write_pdf(sheet: Sheet) -> bytes:
    """One PDF, the same for the same sheet. Raises FileError where the layout fails or the font is missing."""
    import typst

    language, region = _REGIONS.get(sheet.locale.lower(), (sheet.locale[:2].lower(), None))
    moment = sheet.created.utctimetuple()
    data = {
        "blocks": flow(sheet),
        "title": sheet.title,
        "author": sheet.fields["ContentProducer"],
        "created": list(moment[:6]),
        "lang": language,
        "region": region,
    }
    compile_: Any = typst.compile  # its stubs want input and font paths of one type
    try:
        made = compile_(
            _TEMPLATE,
            format="pdf",
            font_paths=[font_folder()],
            ignore_system_fonts=True,
            sys_inputs={"sheet": orjson.dumps(data).decode()},
            timestamp=calendar.timegm(moment),
        )
    except typst.TypstError as error:
        raise FileError(f"the text cannot be laid out as PDF ({error})") from None
    assert isinstance(made, bytes)
    return embed_pdf(made, sheet.fields)


@lru_cache(maxsize=1)
def font_folder() -> str:
    """Where the font lies; the package is not imported."""
    spec = find_spec(_FONT_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise FileError(
            f"the font package {_FONT_PACKAGE} is not installed, without which no PDF can be written"
        )
    return spec.submodule_search_locations[0]
