"""Plain text: no practice guide names a place, so ours is the last line, the wrapped JSON of Annex E alone on it.

Read are such lines anywhere, also JSON over several lines, `AIGC: {…}`, and front matter as in Markdown.
"""

from __future__ import annotations

import json
import re

from labelers.files.contents import FileContents
from labelers.files.encoding import decode
from labelers.files.markdown import labels_in_front_matter
from labelers.files.value import MAX_VALUE, looks_like_label, parse

__all__ = ["label_spans", "read_text"]

_OPENING = re.compile(r"^[ \t]*(?P<name>[\"']?AIGC[\"']?[ \t]*[:=：][ \t]*)?(?P<json>\{)", re.MULTILINE)
_MAX_LABELS = 100
_decoder = json.JSONDecoder()


def read_text(data: bytes) -> FileContents:
    source, notes = decode(data)
    labels, body = labels_in_front_matter(source)
    kept = []
    at = 0
    for start, end, raw in label_spans(body):
        labels.append(parse(raw, "a line of the text"))
        kept.append(body[at:start])
        at = end
    text = "".join([*kept, body[at:]])
    return FileContents("txt", tuple(labels), text.strip("\r\n"), tuple(notes))


def label_spans(text: str) -> list[tuple[int, int, str]]:
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
