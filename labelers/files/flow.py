"""Markdown as a tree of a dozen kinds of nodes, which every format with a layout is made from.

Nodes are plain JSON: they go to the typesetter as they are. Raw HTML is text, images are links: nothing is
fetched for a file, and nothing in it can run.

Blocks: par, heading (level), code (text, lang), quote (blocks), list (ordered, start, items of blocks),
table (rows of cells of inline nodes; the first is the head), rule, label (text, position).
Inline: text, code, strong, em, strike, link (href), break.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from labelers.files.sheet import Sheet

__all__ = ["Node", "blocks_of", "flow", "plain"]

Node = dict[str, Any]

_SPANS = {"strong": "strong", "em": "em", "s": "strike"}


def flow(sheet: Sheet) -> list[Node]:
    """The blocks of a sheet, labels among them."""
    nodes: list[Node] = []
    for segment in sheet.segments:
        if segment.label:
            nodes.append({"kind": "label", "text": segment.text, "position": segment.label})
        else:
            nodes += blocks_of(segment.text)
    return nodes


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    # The preset nests 20 deep at most, and so does whatever walks the tree.
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def blocks_of(markdown: str) -> list[Node]:
    return _blocks(SyntaxTreeNode(_parser().parse(markdown)).children)


def plain(nodes: Sequence[Node]) -> str:
    """The text of inline nodes."""
    return "".join(
        "\n" if node["kind"] == "break" else node["text"] if "text" in node else plain(node["inline"])
        for node in nodes
    )


def _blocks(children: Iterable[SyntaxTreeNode]) -> list[Node]:
    return [_block(child) for child in children]


def _block(node: SyntaxTreeNode) -> Node:
    kind = node.type
    if kind == "heading":
        return {"kind": "heading", "level": int(node.tag[1]), "inline": _inline(node)}
    if kind in ("fence", "code_block"):
        return {"kind": "code", "text": node.content.rstrip("\n"), "lang": node.info.partition(" ")[0]}
    if kind == "blockquote":
        return {"kind": "quote", "blocks": _blocks(node.children)}
    if kind in ("bullet_list", "ordered_list"):
        items = [_blocks(item.children) for item in node.children]
        ordered = kind == "ordered_list"
        return {"kind": "list", "ordered": ordered, "start": int(node.attrs.get("start", 1)), "items": items}
    if kind == "table":
        rows = [[_inline(cell) for cell in row.children] for part in node.children for row in part.children]
        return {"kind": "table", "rows": rows}
    if kind == "hr":
        return {"kind": "rule"}
    return {"kind": "par", "inline": _inline(node)}


def _inline(node: SyntaxTreeNode) -> list[Node]:
    return [span for child in node.children for span in _spans(child.children)]


def _spans(children: Iterable[SyntaxTreeNode]) -> list[Node]:
    return [_span(child) for child in children]


def _span(node: SyntaxTreeNode) -> Node:
    if node.type in _SPANS:
        return {"kind": _SPANS[node.type], "inline": _spans(node.children)}
    if node.type == "link":
        return {"kind": "link", "href": str(node.attrs["href"]), "inline": _spans(node.children)}
    if node.type == "image":
        href = str(node.attrs["src"])
        return {"kind": "link", "href": href, "inline": [{"kind": "text", "text": node.content or href}]}
    if node.type == "code_inline":
        return {"kind": "code", "text": node.content}
    if node.type in ("hardbreak", "softbreak"):
        # A chat shows the line breaks of an answer, and so does its file.
        return {"kind": "break"}
    return {"kind": "text", "text": node.content}
