"""XML, parsed without entities, DTDs and network; and the text of XML and HTML trees."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from lxml import etree

from labelers.files.contents import FileError

__all__ = ["MAX_TAGS", "Element", "local", "paragraphs", "parse_xml", "to_bytes"]

Element = etree._Element
MAX_TAGS = 2_000_000  # an element of four bytes takes some hundred in memory
_SPACE = re.compile(r"[ \t\n\r\f]+")


def parse_xml(data: bytes, what: str, *, tolerant: bool = False) -> Element:
    """The root. Raises FileError for broken XML and for any that declares entities.

    `tolerant` reads on after errors, as XMP in the wild needs (undeclared prefixes).
    """
    if data.count(b"<") > MAX_TAGS:
        raise FileError(f"{what} holds more than {MAX_TAGS} tags")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=tolerant,
        remove_pis=True,
        remove_comments=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FileError(f"{what} is not well-formed XML ({error})") from None
    if root is None:
        raise FileError(f"{what} holds no XML")
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and any(True for _ in dtd.iterentities()):
        raise FileError(f"{what} declares XML entities, which documents do not need and attacks do")
    return root


def local(element: Element) -> str:
    """The name without namespace, also where a broken file has `prefix:name` undeclared; "" for no element."""
    tag = element.tag
    return tag.rpartition("}")[2].rpartition(":")[2] if isinstance(tag, str) else ""


def paragraphs(
    root: Element,
    blocks: Collection[str],
    *,
    texts: Collection[str] | None = None,
    breaks: Collection[str] = (),
    tabs: Collection[str] = (),
    skip: Collection[str] = (),
    verbatim: Collection[str] | None = None,
) -> str:
    """The text under `root`, a line for each element named in `blocks`; empty ones leave no line.

    `texts`: only these elements hold text (None: all do). `breaks` and `tabs` become line feeds and tabs,
    `skip` is left out. `verbatim`: white space runs count as one space but in these. Names are local ones.
    """
    lines: list[str] = []
    line: list[str] = []
    kept = 0  # open elements whose white space stands as it is

    def add(text: str) -> None:
        line.append(text if verbatim is None or kept else _SPACE.sub(" ", text))

    def close() -> None:
        text = "".join(line)
        if text.strip():
            lines.append(text.strip("\n\r\t "))
        line.clear()

    for event, element in _walk(root, skip):
        name = local(element)
        if event == "start":
            if name in blocks:
                close()
            if name in breaks:
                line.append("\n")
            elif name in tabs:
                line.append("\t")
            kept += name in (verbatim or ())
            if element.text and (texts is None or name in texts):
                add(element.text)
        else:
            kept -= name in (verbatim or ()) and name not in skip
            if name in blocks:
                close()
            if texts is None and element is not root and element.tail:
                add(element.tail)
    close()
    return "\n".join(lines)


def _walk(root: Element, skip: Collection[str]) -> Iterator[tuple[str, Element]]:
    walker = etree.iterwalk(root, events=("start", "end"))
    for event, element in walker:
        if event == "start" and (local(element) in skip or not local(element)):
            # What is in it is left out; its end comes all the same, and what follows it counts.
            walker.skip_subtree()
        else:
            yield event, element


def to_bytes(root: Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
