"""Every string of a document is found, and what tool arguments say is decoded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.wire.strings import decoded_arguments, string_leaves


@pytest.mark.parametrize(
    ("value", "leaves"),
    [
        ("x", [((), "x")]),
        ("", []),
        (
            {"a": "x", "b": ["y", {"c": "z"}], "n": 1, "e": ""},
            [(("a",), "x"), (("b", 0), "y"), (("b", 1, "c"), "z")],
        ),
        (None, []),
    ],
)
def test_leaves_come_in_order_with_their_paths(value: Any, leaves: list[Any]) -> None:
    assert list(string_leaves(value)) == leaves


def test_deep_nesting_does_not_exhaust_the_stack() -> None:
    deep: Any = "bottom"
    for _ in range(1_000):
        deep = [deep]
    assert [text for _, text in string_leaves(deep)] == ["bottom"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ('{"q":"\\u6625\\u6c5f"}', "q\n春江"),
        ('{"a":["x",{"b":"y"}],"n":3}', "a\nx\nb\ny\nn"),
        ("not json", "not json"),
        ('{"q":"\\u6625\\u6c5f', '{"q":"春江'),
        ('{"q":"a\\nb\\"c', '{"q":"a\nb"c'),
        ("\\u00zz\\", "u00zz"),
    ],
)
def test_escapes_cannot_hide_words(arguments: str, said: str) -> None:
    assert decoded_arguments(arguments) == said


def test_keys_are_words_too() -> None:
    assert "forbidden" in decoded_arguments(json.dumps({"forbidden": 1}))
