"""XMP packets: `TC260:AIGC`, as TC260-PG-20257A puts it, in pdf, png, jpg and any other XMP.

Seen besides the element: an attribute of `rdf:Description`, a struct of the seven names, and prefixes that
are not declared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lxml import etree

from labelers.files.contents import ImplicitLabel
from labelers.files.markup import Element, local, parse_xml
from labelers.files.value import from_mapping, parse
from labelers.metadata import aigc_json

__all__ = ["NAMESPACE", "labels_in_xmp", "relabelled_xmp"]

NAMESPACE = "http://www.tc260.org.cn/ns/AIGC/1.0/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_EMPTY = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}"/></x:xmpmeta>'.encode()


def labels_in_xmp(packet: bytes, where: str = "XMP") -> list[ImplicitLabel]:
    """The labels of a packet. Raises FileError for one that is hostile; one that is broken is read as far as it goes."""
    packet = packet.strip(b"\0 \t\r\n")
    if not packet:
        return []
    return list(_labels(parse_xml(packet, where, tolerant=True), f"{where}, TC260:AIGC"))


def _labels(root: Element, place: str) -> Iterator[ImplicitLabel]:
    for element in root.iter():
        if local(element).upper() == "AIGC":
            yield _of_element(element, place)
        for name, value in element.attrib.items():
            if _local_name(str(name)).upper() == "AIGC":
                yield parse(str(value), f"{place} (attribute)", notes=_about(str(name)))


def _of_element(element: Element, place: str) -> ImplicitLabel:
    notes = _about(str(element.tag))
    pairs = {
        local(child): child.text or "" for child in element.iterdescendants() if child.text and not len(child)
    }
    pairs |= {_local_name(str(name)): str(value) for name, value in element.attrib.items()}
    text = "".join(str(piece) for piece in element.itertext()).strip()
    if text.startswith("{") or not {"Label", "ProduceID"} & pairs.keys():
        return parse(text, place, notes=notes)
    raw = etree.tostring(element, encoding="unicode")
    return from_mapping(pairs, raw, place, notes=[*notes, "it is an XMP structure, not one string"])


def _local_name(name: str) -> str:
    return name.rpartition("}")[2].rpartition(":")[2]


def _about(name: str) -> list[str]:
    if name.startswith("{" + NAMESPACE + "}"):
        return []
    return [f"its namespace is not {NAMESPACE}"]


def relabelled_xmp(packet: bytes, fields: Mapping[str, str]) -> bytes:
    """The packet with this label, in the place of every one that it holds. An empty packet: a new one."""
    root = parse_xml(packet.strip(b"\0 \t\r\n") or _EMPTY, "XMP", tolerant=True)
    homes = []
    for element in list(root.iter()):
        for name in [name for name in element.attrib if _local_name(str(name)).upper() == "AIGC"]:
            del element.attrib[name]
            homes.append(element)
        parent = element.getparent()
        if local(element).upper() == "AIGC" and parent is not None:
            parent.remove(element)
            homes.append(parent)
    homes += [element for element in root.iter() if local(element) == "Description"]
    if not homes:  # no description of anything: the label is the first
        of = next((element for element in root.iter() if local(element) == "RDF"), root)
        homes.append(etree.SubElement(of, f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": ""}))
    value = aigc_json(fields, wrapped=False)
    etree.SubElement(homes[0], f"{{{NAMESPACE}}}AIGC", nsmap={"TC260": NAMESPACE}).text = value
    return (
        b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        + etree.tostring(root)
        + b'<?xpacket end="w"?>'
    )
