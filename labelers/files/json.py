"""JSON: an object under the key AIGC (`aigc` in API answers), at the top or further in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from labelers.files.contents import MAX_TEXT, FileContents, FileError, ImplicitLabel
from labelers.files.encoding import decode
from labelers.files.sheet import Sheet
from labelers.files.value import MAX_VALUE, from_mapping, parse
from labelers.metadata import AIGC_FIELDS

__all__ = ["embed_json", "read_json", "write_json"]

_MAX_LABELS = 1_000
_OPENS = re.compile(r"\s*\{")
_SPACE = re.compile(r"[ \t\r\n]*")
_decoder = json.JSONDecoder()
# Parsed, an empty object of two bytes takes hundreds; counted before, in strings too.
_MAX_CONTAINERS = 200_000
_MAX_COMMAS = 2_000_000


class _Object(dict[str, Any]):
    """Remembers the pairs: a key that stands twice is two labels to two readers."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def read_json(data: bytes) -> FileContents:
    decoded = decode(data)
    source, notes = decoded.text, list(decoded.notes)
    if source.count("{") + source.count("[") > _MAX_CONTAINERS or source.count(",") > _MAX_COMMAS:
        raise FileError("the JSON holds far more values than can be looked through here")
    labels: list[ImplicitLabel] = []
    texts: list[str] = []
    for value in _values(source, notes):
        _collect(value, labels, texts)
    return FileContents("json", tuple(labels), "\n".join(texts), tuple(notes))


def _values(source: str, notes: list[str]) -> Iterator[Any]:
    """The one value of a JSON file, or those of the lines of JSON Lines."""
    try:
        yield json.loads(source, object_pairs_hook=_Object)
        return
    except RecursionError:
        raise FileError("the JSON is nested too deep") from None
    except ValueError as error:
        broken = error
    lines = [line for line in source.splitlines() if line.strip()]
    try:
        values = [json.loads(line, object_pairs_hook=_Object) for line in lines]
    except RecursionError:
        raise FileError("the JSON is nested too deep") from None
    except ValueError:
        raise FileError(f"this is no JSON ({broken})") from None
    notes.append("it is JSON Lines")
    yield from values


def _collect(value: Any, labels: list[ImplicitLabel], texts: list[str]) -> None:
    # No recursion: the stack is ours. Reversed, so that things come in the order of the file.
    stack: list[tuple[str, Any]] = [("", value)]
    size = 0
    while stack:
        path, value = stack.pop()
        if isinstance(value, str):
            size += len(value)
            if size > MAX_TEXT:
                raise FileError(f"the file holds more than {MAX_TEXT} characters of text")
            texts.append(value)
        elif isinstance(value, list):
            stack += [(f"{path}[{at}]"[:200], item) for at, item in reversed(list(enumerate(value)))]
        elif isinstance(value, _Object):
            for key, inner in reversed(value.pairs):
                if key.upper() == "AIGC" and isinstance(inner, str | dict) and len(labels) < _MAX_LABELS:
                    labels.insert(0, _label(inner, f"{path}.{key}".lstrip(".")))
                else:
                    stack.append((f"{path}.{key}"[:200], inner))


def _label(value: str | dict[str, Any], place: str) -> ImplicitLabel:
    if isinstance(value, str):
        return parse(value, place)
    raw = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return from_mapping(value, raw[:MAX_VALUE], place)


def write_json(sheet: Sheet) -> bytes:
    """The label first; `text` holds the visible labels too, for whoever shows only that."""
    value = {
        "AIGC": _ordered(sheet.fields),
        "title": sheet.title,
        "language": sheet.locale,
        "created": sheet.created.isoformat(timespec="seconds"),
        "format": "markdown",
        "text": sheet.markdown(),
    }
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def embed_json(data: bytes, fields: Mapping[str, str]) -> bytes:
    """The object with this label first and no other at its top; every other character stays as it is.

    Raises FileError for JSON that is no object, or holds a label further in, which is another object's.
    """
    decoded = decode(data)
    labels = read_json(data).labels
    if any("." in label.place or "[" in label.place for label in labels):
        raise FileError("the JSON holds a label inside another object; label that object alone")
    opening, members, rest = _members(decoded.text)
    kept = [text for key, text in members if key.upper() != "AIGC"]
    own = f'"AIGC": {json.dumps(_ordered(fields), ensure_ascii=True)}'
    return decoded.encode(opening + ",".join([own, *kept]) + rest)


def _ordered(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: fields[name] for name in AIGC_FIELDS}


def _members(source: str) -> tuple[str, list[tuple[str, str]], str]:
    """An object taken apart: what opens it, each member's key and spelling, what closes it and follows."""
    opened = _OPENS.match(source)
    if opened is None:
        raise FileError("only a JSON object has a place for a label")
    members: list[tuple[str, str]] = []
    at = opened.end()
    while (start := _skip(source, at)) < len(source) and source[start] != "}":
        key, end = _decoder.raw_decode(source, start)
        value = _skip(source, _skip(source, end) + 1)
        end = _skip(source, _decoder.raw_decode(source, value)[1])
        members.append((key, source[at:end]))
        at = end + 1
        if source[end] == "}":
            return opened[0], members, source[end:]
    return opened[0], members, source[start:]


def _skip(source: str, at: int) -> int:
    space = _SPACE.match(source, at)
    assert space is not None  # it matches the empty string
    return space.end()
