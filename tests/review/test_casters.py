"""Terms that cast a shadow which is another word's too are kept as bytes, and read when a text has the shadow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from proxy.review import casters
from proxy.review.casters import Casters

WORDS = st.text("甲乙ab!\ue000𠀀", min_size=1, max_size=4)
BY_SHADOW = st.dictionaries(
    WORDS, st.dictionaries(WORDS, st.lists(WORDS, min_size=1, max_size=3), min_size=1)
)

Arrays = dict[str, NDArray[Any]]


@given(BY_SHADOW, st.lists(WORDS))
def test_what_was_put_in_is_found_and_nothing_else(
    by_shadow: dict[str, dict[str, list[str]]], others: list[str]
) -> None:
    found = Casters.of(by_shadow)
    again = Casters.of_arrays(found.arrays("letters"), "letters")
    for shadow in [*by_shadow, *others, *by_shadow]:
        assert found.get(shadow) == again.get(shadow) == by_shadow.get(shadow)


def test_shadows_of_one_checksum_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(casters, "_check", lambda shadow: 0xFFFF_FFFF)
    found = Casters.of({"甲": {"甲甲": ["甲甲"]}, "乙": {"乙乙": ["乙乙"]}})
    assert found.get("甲") == {"甲甲": ["甲甲"]}
    assert found.get("乙") == {"乙乙": ["乙乙"]}
    assert found.get("丙") is None


def test_only_so_many_rows_are_kept_as_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(casters, "_KEPT", 2)
    words = [f"字{at}" for at in range(5)]
    found = Casters.of({word: {word: [word]} for word in words})
    assert [found.get(word) for word in words * 2] == [{word: [word]} for word in words * 2]
    assert len(found._known) <= 2


def changed(name: str, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Arrays:
    words = {"甲": {"甲甲": ["甲甲"]}, "乙": {"乙乙": ["乙乙"]}}
    arrays = Casters.of(words).arrays("x")
    return arrays | {f"x.{name}": change(arrays[f"x.{name}"])}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("checks", lambda numbers: numbers[::-1]),
        ("checks", lambda numbers: numbers[:1]),
        ("checks", lambda numbers: numbers.astype(np.int64)),
        ("row_ends", lambda numbers: numbers[::-1]),
        ("row_ends", lambda numbers: numbers * 0),
        ("row_ends", lambda numbers: numbers - 1),
        ("rows", lambda numbers: numbers[:-1]),
    ],
)
def test_arrays_that_were_changed_are_refused(
    name: str, change: Callable[[NDArray[Any]], NDArray[Any]]
) -> None:
    with pytest.raises(ValueError, match="shadows of terms"):
        Casters.of_arrays(changed(name, change), "x")
