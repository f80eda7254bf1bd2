"""Where text lives in JSON that we do not model: every string leaf, with its path."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

import orjson

from proxy.wire.jsonedit import JsonPath

__all__ = [
    "decoded_arguments",
    "is_name",
    "keys_in",
    "names_only",
    "nested",
    "spelt_arguments",
    "spelt_strings",
    "string_leaves",
    "with_strings",
]


def string_leaves(value: Any) -> Iterator[tuple[JsonPath, str]]:
    """Path and value of each non-empty string, in document order; keys of objects are not text.

    Iterative: a hostile document may be nested deeper than Python's stack.
    """
    stack: list[tuple[JsonPath, Any]] = [((), value)]
    while stack:
        path, item = stack.pop()
        if type(item) is str:
            if item:
                yield path, item
        elif type(item) is dict:
            stack += reversed([((*path, key), child) for key, child in item.items()])
        elif type(item) is list:
            stack += reversed([((*path, at), child) for at, child in enumerate(item)])


def with_strings(value: Any, released: dict[JsonPath, str], path: JsonPath = ()) -> Any:
    """A copy of `value` with the strings at the given paths replaced."""
    if path in released:
        return released[path]
    if type(value) is dict:
        return {key: with_strings(child, released, (*path, key)) for key, child in value.items()}
    if type(value) is list:
        return [with_strings(child, released, (*path, at)) for at, child in enumerate(value)]
    return value


def nested(path: JsonPath, text: str) -> dict[str, Any]:
    """The smallest object that holds `text` at `path`."""
    value: Any = text
    for step in reversed(path):
        value = {step: value} if type(step) is str else [value]
    assert type(value) is dict
    return value


def is_name(text: str) -> bool:
    """Whether a string can name or number a thing and is no words for a reader: ASCII without a space."""
    return text.isascii() and " " not in text


def names_only(value: Any) -> bool:
    """Whether a value that should be a name or a number is one, or is left out."""
    return value is None or (is_name(value) if type(value) is str else type(value) in (int, float, bool))


def keys_in(value: Any) -> Iterator[str]:
    """The keys of every object in `value`."""
    stack = [value]
    while stack:
        item = stack.pop()
        if type(item) is dict:
            yield from item
            stack += item.values()
        elif type(item) is list:
            stack += item


def spelt_arguments(call: Any, members: Container[str]) -> Iterator[str]:
    """What the arguments of a tool call say where they are no string but an object, whose keys are the model's words.

    `members`: the keys under which arguments stand.
    """
    stack = [call]
    while stack:
        item = stack.pop()
        if type(item) is dict:
            for key, child in item.items():
                if key in members:
                    yield from () if type(child) is str else spelt_strings(child)
                else:
                    stack.append(child)
        elif type(item) is list:
            stack += item


def decoded_arguments(arguments: str) -> str:
    r"""What a tool's arguments say: every string in them, keys too, with `\uXXXX` decoded.

    One string a line, so that words of different strings do not run together. Text that is
    not JSON (yet) comes back with its escapes decoded as far as they can be read.
    """
    try:
        value = orjson.loads(arguments)
    except ValueError:
        return _unescape(arguments)
    return "\n".join(spelt_strings(value))


def spelt_strings(value: Any) -> Iterator[str]:
    """Every string in `value`, the keys of objects too, in document order."""
    stack = [value]
    while stack:
        item = stack.pop()
        if type(item) is str:
            yield item
        elif type(item) is dict:
            stack += [part for pair in reversed(item.items()) for part in reversed(pair)]
        elif type(item) is list:
            stack += reversed(item)


def _unescape(text: str) -> str:
    out: list[str] = []
    at = 0
    while (slash := text.find("\\", at)) >= 0:
        out.append(text[at:slash])
        code = text[slash + 2 : slash + 6]
        if text[slash + 1 : slash + 2] == "u" and len(code) == 4 and all(c in _HEX for c in code):
            out.append(chr(int(code, 16)))
            at = slash + 6
        else:
            out.append(_ESCAPES.get(text[slash + 1 : slash + 2], text[slash + 1 : slash + 2]))
            at = slash + 2
    out.append(text[at:])
    return "".join(out)


_HEX = frozenset("0123456789abcdefABCDEF")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
