"""Writes HTML: one page without scripts, fonts or anything to fetch; and the same nodes as XHTML for EPUB."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from labelers.files.flow import Node, flow
from labelers.files.sheet import Sheet
from labelers.metadata import aigc_json

__all__ = ["STYLE", "language", "markup", "write_html"]

STYLE = (
    "body{max-width:44em;margin:2em auto;padding:0 1em;line-height:1.7;font-family:system-ui,sans-serif;"
    "color:#1a1a1a;background:#fff;overflow-wrap:break-word}"
    ".aigc-label{font-weight:bold;border-left:.25em solid #b3261e;padding:.2em .6em;margin:1em 0}"
    "pre{padding:.8em;background:#f4f4f4;overflow-x:auto}code{font-family:ui-monospace,monospace}"
    "table{border-collapse:collapse}th,td{border:1px solid #999;padding:.3em .6em;text-align:start}"
    "blockquote{margin:1em 0;padding-left:1em;border-left:.2em solid #ccc}"
    "@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}pre{background:#242424}}"
)
_TAGS = {"strong": "strong", "em": "em", "strike": "s"}


def write_html(sheet: Sheet) -> bytes:
    """The label stands in `<meta name="AIGC">`, the bare JSON."""
    value = escape(aigc_json(sheet.fields, wrapped=False), quote=True)
    page = (
        f'<!DOCTYPE html>\n<html lang="{language(sheet)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="AIGC" content="{value}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(sheet.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"{markup(flow(sheet))}\n</body>\n</html>\n"
    )
    return page.encode()


def language(sheet: Sheet) -> str:
    """The BCP 47 tag of the document."""
    return {"zh": "zh-CN"}.get(sheet.locale, sheet.locale)


def markup(nodes: Sequence[Node]) -> str:
    """Blocks as markup that is HTML and XHTML alike."""
    return "\n".join(_block(node) for node in nodes)


def _block(node: Node) -> str:
    match node["kind"]:
        case "label":
            return f'<p class="aigc-label" role="note">{escape(node["text"])}</p>'
        case "heading":
            return f"<h{node['level']}>{_inline(node['inline'])}</h{node['level']}>"
        case "code":
            return f"<pre><code>{escape(node['text'])}</code></pre>"
        case "quote":
            return f"<blockquote>{markup(node['blocks'])}</blockquote>"
        case "list":
            tag = "ol" if node["ordered"] else "ul"
            start = f' start="{node["start"]}"' if node["ordered"] and node["start"] != 1 else ""
            return f"<{tag}{start}>{''.join(f'<li>{_item(item)}</li>' for item in node['items'])}</{tag}>"
        case "table":
            head, *rows = node["rows"]
            return f"<table>{_row(head, 'th')}{''.join(_row(row, 'td') for row in rows)}</table>"
        case "rule":
            return "<hr/>"
        case _:
            return f"<p>{_inline(node['inline'])}</p>"


def _item(blocks: Sequence[Node]) -> str:
    """A paragraph alone in its item needs no element of its own."""
    if len(blocks) == 1 and blocks[0]["kind"] == "par":
        return _inline(blocks[0]["inline"])
    return markup(blocks)


def _row(cells: Sequence[Sequence[Node]], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{_inline(cell)}</{tag}>" for cell in cells) + "</tr>"


def _inline(nodes: Sequence[Node]) -> str:
    return "".join(_span(node) for node in nodes)


def _span(node: Node) -> str:
    match node["kind"]:
        case "text":
            return escape(node["text"])
        case "code":
            return f"<code>{escape(node['text'])}</code>"
        case "break":
            return "<br/>"
        case "link":
            return f'<a href="{escape(node["href"])}" rel="nofollow noopener">{_inline(node["inline"])}</a>'
        case kind:
            return f"<{_TAGS[kind]}>{_inline(node['inline'])}</{_TAGS[kind]}>"
