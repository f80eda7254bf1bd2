"""Edits change the value they name and not one other byte."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import WireError
from proxy.wire.jsonedit import append_member, remove_member, replace_string, replace_values

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("raw", "edits", "edited"),
    [
        ('{"a": 1.0, "b": "x"}', {("b",): "y"}, '{"a": 1.0, "b": "y"}'),
        (
            '{"a":123456789012345678901234567890,"b":["x","y"]}',
            {("b", 1): "z"},
            '{"a":123456789012345678901234567890,"b":["x","z"]}',
        ),
        ('{"b":"first","b":"last"}', {("b",): "new"}, '{"b":"first","b":"new"}'),
        (' {"a":{"b":[{"c":"x"}]}} ', {("a", "b", 0, "c"): '"'}, ' {"a":{"b":[{"c":"\\""}]}} '),
        ('{"\\u0061":"x"}', {("a",): "y"}, '{"\\u0061":"y"}'),
        ('{"a":"x","b":"y"}', {("b",): None, ("a",): {"k": []}}, '{"a":{"k":[]},"b":null}'),
        ("[1 , 2]", {(0,): 3}, "[3 , 2]"),
        ('{"a":1}', {}, '{"a":1}'),
    ],
)
def test_only_the_named_value_changes(raw: str, edits: dict[Any, Any], edited: str) -> None:
    assert replace_values(raw.encode(), edits).decode() == edited


@pytest.mark.parametrize("path", [("x",), ("a", 2), ("a", "b"), ("n", 0)])
def test_a_path_that_is_not_there_is_an_error(path: tuple[Any, ...]) -> None:
    with pytest.raises(KeyError):
        replace_values(b'{"a":[1],"n":{}}', {path: 1})


@pytest.mark.parametrize("raw", [b"{", b'{"a":', b"\xff", b"[" * 200_000])
def test_what_is_not_json_is_our_error(raw: bytes) -> None:
    with pytest.raises((WireError, KeyError)):
        replace_values(raw, {("a",): 1})


@given(JSON, st.data())
def test_any_leaf_of_any_document_can_be_replaced(document: Any, data: st.DataObject) -> None:
    paths = list(_paths(document))
    path = data.draw(st.sampled_from(paths))
    raw = json.dumps(
        document, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.sampled_from([None, 2]))
    )
    edited = json.loads(replace_values(raw.encode("utf-8", "surrogatepass"), {path: "NEW"}))
    assert _at(edited, path) == "NEW"


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Any:
    yield path
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _paths(child, (*path, key))
    if isinstance(value, list):
        for at, child in enumerate(value):
            yield from _paths(child, (*path, at))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@pytest.mark.parametrize(
    ("raw", "result"),
    [
        (b"{}", {"k": [1]}),
        (b' {"a":1} \n', {"a": 1, "k": [1]}),
        (b'{"a":{}}', {"a": {}, "k": [1]}),
    ],
)
def test_a_member_is_appended(raw: bytes, result: dict[str, Any]) -> None:
    assert orjson.loads(append_member(raw, "k", [1])) == result


@pytest.mark.parametrize(
    ("raw", "old", "edited"),
    [
        (b'{"content":"ab"}', "ab", b'{"content":"N"}'),
        (b'{"content": "ab"}', "ab", b'{"content": "N"}'),
        ('{"content":"春"}'.encode(), "春", b'{"content":"N"}'),
        (b'{"content":"\\u6625"}', "春", b'{"content":"N"}'),
        (b'{"content":"ab","content":"ab"}', "ab", None),
        (b'{"content":"\\u0061b"}', "ab", None),
        (b'{"text":"ab"}', "ab", None),
    ],
)
def test_the_quick_way_works_or_says_that_it_does_not(raw: bytes, old: str, edited: bytes | None) -> None:
    assert replace_string(raw, b'"content"', old, "N") == edited


@given(st.text(max_size=20), st.text(max_size=20), st.booleans())
def test_the_quick_way_gives_what_a_parser_expects(old: str, new: str, ascii_only: bool) -> None:
    raw = json.dumps({"id": "x", "choices": [{"delta": {"content": old}}]}, ensure_ascii=ascii_only).encode()
    edited = replace_string(raw, b'"content"', old, new)
    if edited is not None:
        assert json.loads(edited)["choices"][0]["delta"]["content"] == new
        assert json.loads(edited)["id"] == "x"


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        ('{"m":1}', "{}"),
        ('{"a":1, "m":{"x":[1,"}"]}}', '{"a":1}'),
        ('{ "m":1 , "a": 2.50 }', '{ "a": 2.50 }'),
        ('{"a":1,"m":1, "b":2}', '{"a":1,"b":2}'),
        ('{"m":1,"a":{"m":3},"m":2}', '{"a":{"m":3}}'),
        ('{"a":0,"m":1,"\\u006d":2,"c":"m"}', '{"a":0,"c":"m"}'),
        ('{"a":"m"}', '{"a":"m"}'),
        ("{}", "{}"),
    ],
)
def test_a_member_is_taken_out_and_every_other_byte_stays(raw: str, left: str) -> None:
    assert remove_member(raw.encode(), "m").decode() == left


def test_a_member_of_what_is_not_json_cannot_be_taken_out() -> None:
    for raw in (b'{"m"', b'{"m":\xff}', b'{"m":' + b"[" * 100_000):
        with pytest.raises(WireError):
            remove_member(raw, "m")
