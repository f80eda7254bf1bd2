"""HTML: `<meta name="AIGC" content="…">`, which is what services write; no practice guide covers it."""

from __future__ import annotations

import re

from lxml import etree
from lxml import html as lxml_html

from labelers.files.contents import FileContents, FileError, ImplicitLabel
from labelers.files.encoding import decode
from labelers.files.markup import MAX_TAGS, Element, local, paragraphs
from labelers.files.value import parse

__all__ = ["read_html", "text_of"]

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
_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]+)""", re.IGNORECASE)


def read_html(data: bytes) -> FileContents:
    declared = _CHARSET.search(data[:4096])
    source, notes = decode(data, declared[1].decode("ascii") if declared else "")
    root = _tree(source)
    if root is None:
        return FileContents("html", (), "", tuple(notes))
    labels: list[ImplicitLabel] = []
    for element in root.iter("meta"):
        name = element.get("name") or element.get("property") or element.get("itemprop") or ""
        if "AIGC" in name.upper():
            labels.append(parse(element.get("content", ""), f"meta {name[:40]}"))
    return FileContents("html", tuple(labels), _text(root), tuple(notes))


def text_of(markup: bytes) -> str:
    """What is to be read of one (X)HTML document."""
    root = _tree(decode(markup)[0])
    return _text(root) if root is not None else ""


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
