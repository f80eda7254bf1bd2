"""Plain text: no practice guide names a place, so ours is the last line, the wrapped JSON of Annex E alone on it.

Read are such lines anywhere, also JSON over several lines, `AIGC: {…}`, and front matter as in Markdown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from labelers.files.contents import FileContents
from labelers.files.encoding import decode
from labelers.files.markdown import labels_in_front_matter, unlabelled
from labelers.files.sheet import Sheet
from labelers.files.value import MAX_VALUE, looks_like_label, parse
from labelers.metadata import aigc_json

__all__ = ["embed_text", "read_text", "write_text"]

_OPENING = re.compile(r"^[ \t]*(?P<name>[\"']?AIGC[\"']?[ \t]*[:=：][ \t]*)?(?P<json>\{)", re.MULTILINE)
_MAX_LABELS = 100
_decoder = json.JSONDecoder()


def read_text(data: bytes) -> FileContents:
    decoded = decode(data)
    labels, body = labels_in_front_matter(decoded.text)
    kept = []
    at = 0
    for start, end, raw in _label_spans(body):
        labels.append(parse(raw, "a line of the text"))
        kept.append(body[at:start])
        at = end
    text = "".join([*kept, body[at:]])
    return FileContents("txt", tuple(labels), text.strip("\r\n"), decoded.notes)


def _label_spans(text: str) -> list[tuple[int, int, str]]:
    """Where labels stand on lines of their own: start and end in code points, and the value."""
    found: list[tuple[int, int, str]] = []
    at = 0
    while len(found) < _MAX_LABELS and (opening := _OPENING.search(text, at)) is not None:
        start = opening.start("json")
        at = end = _value_end(text, start)
        raw = text[start:end]
        named = opening["name"] is not None or re.match(r"\{\s*[\"']AIGC[\"']", raw) is not None
        if named and looks_like_label("AIGC " + raw):
            found.append((opening.start(), end, raw))
    return found


def _value_end(text: str, start: int) -> int:
    """Behind the JSON value that starts here, else the end of the line."""
    try:
        return start + _decoder.raw_decode(text[start : start + MAX_VALUE])[1]
    except (ValueError, RecursionError):
        line_end = text.find("\n", start)
        return len(text) if line_end < 0 else line_end


def write_text(sheet: Sheet) -> bytes:
    return f"{sheet.markdown()}\n\n{aigc_json(sheet.fields)}\n".encode()


def embed_text(data: bytes, fields: Mapping[str, str]) -> bytes:
    """The text with this label and no other, on its last line."""
    decoded = decode(data)
    matters, body = unlabelled(decoded.text)
    for start, end, _ in reversed(_label_spans(body)):
        body = body[:start] + body[end:]
    newline = "\r\n" if "\r\n" in decoded.text else "\n"
    head = "".join(f"---\n{matter}---\n" for matter in matters)
    return decoded.encode(f"{head}{body.rstrip()}{newline}{newline}{aigc_json(fields)}{newline}")
