"""HTML: `<meta name="AIGC" content="…">`, which is what services write; no practice guide covers it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape

from lxml import etree
from lxml import html as lxml_html

from labelers.files.contents import FileContents, FileError, ImplicitLabel
from labelers.files.encoding import Decoded, decode
from labelers.files.markup import MAX_TAGS, Element, local, paragraphs
from labelers.files.value import parse
from labelers.metadata import aigc_json

__all__ = ["embed_html", "read_html", "text_of"]

_HIDDEN = ("head", "script", "style", "template", "noscript", "title", "rp", "rt")
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "cite",
        "code",
        "data",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "ins",
        "kbd",
        "label",
        "mark",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "time",
        "tt",
        "u",
        "var",
        "wbr",
        "img",
        "rb",
        "rtc",
        "ruby",
    ]
)
# The tags that a label may stand in or behind, and what hides such tags.
_TAG = re.compile(
    r"<(?:(?P<comment>!--)|(?P<script>script)\b|(?P<style>style)\b|(?P<title>title)\b|(?P<textarea>textarea)\b"
    r"|(?P<meta>meta)\b|(?P<head>head)\b|(?P<html>html)\b|(?P<doctype>!doctype)\b)",
    re.IGNORECASE,
)
_TAG_END = re.compile(r"""(?:[^>"']|"[^"]*"|'[^']*')*+>""")
_CLOSINGS = {"comment": re.compile("-->")} | {
    name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style", "title", "textarea")
}
_RANKS = {"meta": 0, "doctype": 1, "html": 2, "head": 3}
_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]+)""", re.IGNORECASE)


def read_html(data: bytes) -> FileContents:
    decoded = _decoded(data)
    root = _tree(decoded.text)
    if root is None:
        return FileContents("html", (), "", decoded.notes)
    labels: list[ImplicitLabel] = []
    for element in root.iter("meta"):
        name = _name(element)
        if "AIGC" in name.upper():
            labels.append(parse(element.get("content", ""), f"meta {name[:40]}"))
    return FileContents("html", tuple(labels), _text(root), decoded.notes)


def text_of(markup: bytes) -> str:
    """What is to be read of one (X)HTML document."""
    root = _tree(decode(markup).text)
    return _text(root) if root is not None else ""


def _decoded(data: bytes) -> Decoded:
    declared = _CHARSET.search(data[:4096])
    return decode(data, declared[1].decode("ascii") if declared else "")


def _tree(source: str) -> Element | None:
    if source.count("<") > MAX_TAGS:
        raise FileError(f"the page holds more than {MAX_TAGS} tags")
    # As bytes: a str that declares an encoding is refused. Links, entities and DTDs are not followed.
    parser = lxml_html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    tree: Element | None = etree.fromstring(source.replace("\0", "").encode("utf-8", "replace"), parser)
    return tree


def _text(root: Element) -> str:
    names = {local(element) for element in root.iter()}
    blocks = names - _INLINE - {"br", "html", *_HIDDEN}
    return paragraphs(root, blocks, breaks=("br",), skip=_HIDDEN, verbatim=("pre", "textarea"))


def embed_html(data: bytes, fields: Mapping[str, str]) -> bytes:
    """The page with this label and no other, in its own encoding; all else of it stays as it is."""
    decoded = _decoded(data)
    source = decoded.text
    value = escape(aigc_json(fields, wrapped=False), quote=True)
    kept: list[str] = []
    home = at = rank = 0  # `home`: where the label belongs in what is kept, behind the highest-ranking tag
    for start, end, kind in _tags(source):
        kept.append(source[at:start])
        at = end
        if kind != "meta" or not _names_label(source[start:end]):
            kept.append(source[start:end])
        if _RANKS[kind] > rank:
            home, rank = sum(map(len, kept)), _RANKS[kind]
    page = "".join([*kept, source[at:]])
    return decoded.encode(f'{page[:home]}<meta name="AIGC" content="{value}">{page[home:]}')


def _tags(source: str) -> Iterator[tuple[int, int, str]]:
    """The tags that a label may stand in or behind: start, end, kind. Linear in the source."""
    at = 0
    while (found := _TAG.search(source, at)) is not None:
        kind = found.lastgroup or ""
        if kind in _CLOSINGS:
            closing = _CLOSINGS[kind].search(source, found.end())
            if closing is None:
                return
            at = closing.end()
            continue
        tag_end = _TAG_END.match(source, found.end())
        if tag_end is None:
            return
        at = tag_end.end()
        yield found.start(), at, kind


def _names_label(tag: str) -> bool:
    root = _tree(tag)
    return root is not None and any("AIGC" in _name(element).upper() for element in root.iter("meta"))


def _name(element: Element) -> str:
    return element.get("name") or element.get("property") or element.get("itemprop") or ""
