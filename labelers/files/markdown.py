"""Markdown: YAML front matter with the mapping AIGC (TC260-PG-20258A 6.5).

Read are front matters at the head, several in a row too, and blocks of the same shape further down, which
joined documents have. YAML is composed, not constructed: nothing is turned into numbers or dates, and the
spelling is known. What is no YAML is read line by line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

import yaml

from labelers.blocks import FenceTracker
from labelers.files.contents import FileContents, ImplicitLabel
from labelers.files.encoding import decode
from labelers.files.sheet import Sheet
from labelers.files.value import MAX_VALUE, from_mapping, parse
from labelers.metadata import AIGC_FIELDS

__all__ = [
    "embed_markdown",
    "front_matter",
    "labels_in_front_matter",
    "read_markdown",
    "unlabelled",
    "write_markdown",
]

# --- or +++ (TOML, Hugo) around the lines; YAML may close with ... as well.
_FRONT_MATTER = re.compile(
    r"[ \t\r\n]*^(?P<rule>---|\+\+\+)[ \t]*\r?\n(?P<body>.*?)^(?:(?P=rule)|\.\.\.)[ \t]*(?:\r?\n|\Z)",
    re.MULTILINE | re.DOTALL,
)
# Two rules with prose between them are rules: front matter begins with a key, or a remark.
_KEYED = re.compile(r"\s*(?:#|[\w\"'.-][^\n:=]{0,80}[:=](?:\s|\Z)|\Z)")
_MAX_MATTERS = 8
_MAX_BLOCKS = 50  # further down
_LINE = re.compile(r"^[ \t]*([\"']?)(\w+)\1[ \t]*[:=][ \t]*(.*?)[ \t]*,?[ \t]*\r?$", re.MULTILINE)
_ENTRY = re.compile(r"^(?P<indent>[ \t]*)[\"']?AIGC[\"']?[ \t]*[:=]", re.MULTILINE | re.IGNORECASE)
_OPENING = re.compile(r"^---[ \t]*\r?\n(?=[ \t]*[\"']?AIGC[\"']?[ \t]*:)", re.MULTILINE | re.IGNORECASE)
_MAX_DEPTH = 6


def read_markdown(data: bytes) -> FileContents:
    decoded = decode(data)
    labels, text = labels_in_front_matter(decoded.text)
    return FileContents("md", tuple(labels), text.strip("\r\n"), decoded.notes)


def labels_in_front_matter(source: str) -> tuple[list[ImplicitLabel], str]:
    """The labels of a text and the text without the front matters that hold them or stand at its head."""
    matters, body = _split(source)
    labels = [
        label
        for at, matter in enumerate(matters)
        for label in _labels(matter, "front matter" if not at else f"front matter {at + 1}")
    ]
    further, body = _further(body)
    return labels + further, body


def _split(source: str) -> tuple[list[str], str]:
    """The bodies of the front matters at the head, and what follows them."""
    matters: list[str] = []
    at = 0
    while len(matters) < _MAX_MATTERS:
        found = _FRONT_MATTER.match(source, at, at + MAX_VALUE + 1024)
        if found is None or not _KEYED.match(found["body"]) or (matters and not _ENTRY.search(found["body"])):
            break
        matters.append(found["body"])
        at = found.end()
    return matters, source[at:]


def _further(body: str) -> tuple[list[ImplicitLabel], str]:
    """Blocks between rules, not in code, that are a mapping AIGC."""
    openings = [found.start() for found in islice(_OPENING.finditer(body), _MAX_BLOCKS)]
    if not openings:
        return [], body
    labels: list[ImplicitLabel] = []
    kept: list[str] = []
    # Behind the last opening there is nothing to look for but its end.
    near = body.find("\n", openings[-1] + MAX_VALUE)
    head, rest = (body, "") if near < 0 else (body[:near], body[near:])
    lines = head.splitlines(keepends=True)
    fence = FenceTracker()
    at = 0
    while at < len(lines):
        end = _block_end(lines, at) if not fence.is_open and len(labels) < _MAX_BLOCKS else 0
        if end:
            labels += _labels("".join(lines[at + 1 : end]), "front matter inside the text")
            at = end + 1
            continue
        fence.line(lines[at].rstrip("\r\n"))
        kept.append(lines[at])
        at += 1
    return labels, "".join(kept) + rest


def _block_end(lines: list[str], at: int) -> int:
    """The line that closes the block which opens at line `at`; 0 if none opens there."""
    if lines[at].strip() != "---" or at + 1 >= len(lines) or not _ENTRY.match(lines[at + 1]):
        return 0
    return next((end for end in range(at + 2, min(len(lines), at + 40)) if lines[end].strip() == "---"), 0)


def _labels(matter: str, place: str) -> list[ImplicitLabel]:
    if not _ENTRY.search(matter):
        return []
    try:
        node = yaml.compose(matter, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        node = None
    if not isinstance(node, yaml.MappingNode):
        return [_by_lines(matter, place)]
    found = []
    for key, value in node.value:
        if str(key.value).upper() == "AIGC":
            raw = matter[key.start_mark.index : value.end_mark.index].rstrip()
            plain = _plain(value, 0)
            if isinstance(plain, dict):
                found.append(from_mapping(plain, raw, f"{place}, AIGC"))
            else:
                note = "it is one string, where the practice guide has a mapping"
                found.append(parse(str(plain), f"{place}, AIGC", notes=[note]))
    return found


def _plain(node: yaml.Node, depth: int) -> Any:
    """Mappings and lists with the scalars as they are spelt."""
    if depth > _MAX_DEPTH:
        return ""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _plain(value, depth + 1) for key, value in node.value[:200]}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, depth + 1) for item in node.value[:200]]
    return node.value


def _by_lines(matter: str, place: str) -> ImplicitLabel:
    entry = _ENTRY.search(matter)
    raw = matter[entry.start() :] if entry is not None else matter
    pairs: dict[str, Any] = {}
    for _, name, value in _LINE.findall(raw):
        if name.upper() != "AIGC":
            pairs.setdefault(name, value.strip("\"'"))
    return from_mapping(
        pairs, raw.rstrip(), f"{place}, AIGC", notes=["the front matter is no YAML; read line by line"]
    )


def write_markdown(sheet: Sheet) -> bytes:
    return f"{front_matter(sheet.fields)}\n{sheet.markdown()}\n".encode()


def front_matter(fields: Mapping[str, str]) -> str:
    return f"---\n{_mapping(fields)}---\n"


def _mapping(fields: Mapping[str, str]) -> str:
    """In single quotes, in which YAML reads everything but the quote itself as it stands."""
    quoted = {name: fields[name].replace("'", "''") for name in AIGC_FIELDS}
    return "AIGC:\n" + "".join(f"  {name}: '{value}'\n" for name, value in quoted.items())


def embed_markdown(data: bytes, fields: Mapping[str, str]) -> bytes:
    """The text with this label and no other, at the top of its front matter, whose other keys stay."""
    decoded = decode(data)
    matters, body = unlabelled(decoded.text)
    newline = "\r\n" if "\r\n" in decoded.text else "\n"
    head = "---\n" + _mapping(fields) + (matters[0] if matters else "") + "---\n"
    rest = "".join(f"---\n{matter}---\n" for matter in matters[1:])
    between = "" if matters or body.startswith(("\n", "\r\n")) else "\n"
    return decoded.encode((head + rest + between).replace("\r\n", "\n").replace("\n", newline) + body)


def unlabelled(source: str) -> tuple[list[str], str]:
    """The front matters that still say something without their labels, and the text without any."""
    matters, body = _split(source)
    bare = [_without_entry(matter) for matter in matters]
    return [matter for matter in bare if matter.strip()], _further(body)[1]


def _without_entry(matter: str) -> str:
    """Without the AIGC key and all that is indented under it."""
    kept: list[str] = []
    inside = False
    for line in matter.splitlines(keepends=True):
        indented = line[:1] in (" ", "\t") or not line.strip()
        inside = (inside and indented) or _ENTRY.match(line) is not None
        if not inside:
            kept.append(line)
    return "".join(kept)
