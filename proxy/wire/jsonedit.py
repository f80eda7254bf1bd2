"""Change values inside a JSON document and leave every other byte as it was.

Strategy: decode for looking, edit the text for changing. The span of a value is found by
skipping its siblings with the standard library's C scanner, so big integers, float spelling,
duplicate keys, white space and key order of all that is not ours survive.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Mapping, Sequence
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

import orjson

from proxy.errors import WireError

__all__ = [
    "JsonPath",
    "append_member",
    "remove_member",
    "replace_string",
    "replace_values",
    "set_members",
]

JsonPath = tuple[str | int, ...]

_SPACE = re.compile(r"[ \t\n\r]*")
_skip = json.JSONDecoder().raw_decode


def replace_values(raw: bytes, edits: Mapping[JsonPath, Any]) -> bytes:
    """`raw` with the value at each path replaced. Paths do not contain one another.

    A key that stands twice is edited where parsers read it: the last one.
    Raises KeyError for a path that is not there, WireError if `raw` is not JSON in UTF-8.
    """
    if not edits:
        return raw
    try:
        text = raw.decode()
        spans = sorted((_span(text, 0, path), path) for path in edits)
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {error}") from error
    out: list[str] = []
    at = 0
    for (start, end), path in spans:
        out += text[at:start], orjson.dumps(edits[path]).decode()
        at = end
    out.append(text[at:])
    return "".join(out).encode()


def append_member(raw: bytes, key: str, value: Any, path: JsonPath = ()) -> bytes:
    """`raw` with one more member at the end of the object at `path`. `key` is not in it yet."""
    if path:
        text = raw.decode()
        start, end = _span(text, 0, path)
        whole = append_member(text[start:end].encode(), key, value)
        return text[:start].encode() + whole + text[end:].encode()
    body = raw.rstrip(b" \t\r\n")
    head = body[:-1].rstrip(b" \t\r\n")
    comma = b"" if head.endswith(b"{") else b","
    return head + comma + orjson.dumps(key) + b":" + orjson.dumps(value) + b"}"


def set_members(
    raw: bytes, members: Mapping[str, Any], present: Container[str], path: JsonPath = ()
) -> bytes:
    """`raw` with these members in the object at `path`: those that are `present` replaced, the others added."""
    raw = replace_values(raw, {(*path, key): value for key, value in members.items() if key in present})
    for key, value in members.items():
        if key not in present:
            raw = append_member(raw, key, value, path)
    return raw


def remove_member(raw: bytes, key: str) -> bytes:
    """The object `raw` without its members `key`, however often they stand in it. WireError if it is none."""
    try:
        text = raw.decode()
        while cut := _member_cut(text, key):
            text = text[: cut[0]] + text[cut[1] :]
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {error}") from error
    return text.encode()


def _member_cut(text: str, key: str) -> tuple[int, int] | None:
    """What to cut for the first member `key`: from its name to the next one's, else from the last comma on."""
    at = _space(text, _space(text, 0) + 1)
    before, cut = at, -1
    while text[at : at + 1] == '"':
        if cut >= 0:
            return cut, at
        start = at
        name, at = scanstring(text, at + 1, False)
        end = _skip(text, _space(text, _space(text, at) + 1))[1]
        at = _space(text, end)
        if text[at : at + 1] == ",":
            at = _space(text, at + 1)
        if name == key:
            cut = start
        else:
            before = end
    return (before, end) if cut >= 0 else None


def replace_string(raw: bytes, key: bytes, old: str, new: str) -> bytes | None:
    """The quick way for the one string member of a stream chunk: `key` is `"content"`.

    Works if `"content":` and the string stand exactly once as usual encoders write them;
    else None, and the caller takes the long way. A quoted key cannot stand inside a string,
    where its quotes would be escaped, so one match is the member itself.
    """
    for encoded in (orjson.dumps(old), json.dumps(old).encode()):
        for colon in (b":", b": "):
            needle = key + colon + encoded
            at = raw.find(needle)
            if at >= 0:
                if raw.find(needle, at + 1) >= 0:
                    return None
                return raw[:at] + key + colon + orjson.dumps(new) + raw[at + len(needle) :]
    return None


def _space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None  # it matches the empty string
    return match.end()


def _span(text: str, at: int, path: Sequence[str | int]) -> tuple[int, int]:
    at = _space(text, at)
    if not path:
        return at, _skip(text, at)[1]
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        return _span(text, _element(text, at, step), rest)
    return _span(text, _member(text, at, step), rest)


def _element(text: str, at: int, index: int) -> int:
    """Where element `index` of the array that starts at `at` begins."""
    if text[at : at + 1] != "[":
        raise KeyError(index)
    at = _space(text, at + 1)
    while text[at : at + 1] != "]":
        if index == 0:
            return at
        index -= 1
        at = _space(text, _skip(text, at)[1])
        if text[at : at + 1] == ",":
            at = _space(text, at + 1)
    raise KeyError(index)


def _member(text: str, at: int, key: str) -> int:
    """Where the value of the last member `key` of the object that starts at `at` begins."""
    if text[at : at + 1] != "{":
        raise KeyError(key)
    found = -1
    at = _space(text, at + 1)
    while text[at : at + 1] == '"':
        name, at = scanstring(text, at + 1, False)
        at = _space(text, _space(text, at) + 1)  # the colon
        if name == key:
            found = at
        at = _space(text, _skip(text, at)[1])
        if text[at : at + 1] == ",":
            at = _space(text, at + 1)
    if found < 0:
        raise KeyError(key)
    return found
