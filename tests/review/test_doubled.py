"""Words with a letter that stands in them twice are looked for only where the text has it twice."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from proxy.review.doubled import DoubledWords, only_doubled
from proxy.review.flat import codes_of

LETTERS = "甲乙丙\ue000"
WORDS = st.lists(st.text(LETTERS, min_size=2, max_size=6), max_size=8)


def runs_of(written: str) -> list[int]:
    return [len(list(run)) for _, run in groupby(written)]


def once(text: str) -> str:
    return "".join(letter for letter, _ in groupby(text))


def others_of(words: list[str]) -> dict[str, dict[str, list[str]]]:
    others: dict[str, dict[str, list[str]]] = {}
    for word in words:
        others.setdefault(once(word), {}).setdefault(once(word), []).append(word)
    return others


@given(WORDS, st.data())
def test_each_word_is_found_that_a_text_has_with_its_letters_twice(
    words: list[str], data: st.DataObject
) -> None:
    text = "".join(data.draw(st.lists(st.sampled_from([*LETTERS, *words]), max_size=12)))
    others, shadow, runs = others_of(words), once(text) + "\n", [*runs_of(text), 1]
    places = np.flatnonzero(np.array(runs) > 1)
    found = list(map(tuple, DoubledWords.of(others, runs_of).find(codes_of(shadow), places).tolist()))
    assert len(found) == len(set(found))
    assert all(shadow[start:end] in others for start, end in found)
    wanted = {
        (start, start + len(cast))
        for cast, by in others.items()
        if only_doubled(cast, by.values())
        for start in range(len(shadow))
        if shadow.startswith(cast, start)
        for way in by[cast]
        if all(has >= needs for has, needs in zip(runs[start:], runs_of(way), strict=False))
    }
    assert wanted <= set(found)


@pytest.mark.parametrize(
    ("shadow", "ways", "only"),
    [("甲乙", [["甲甲乙"], ["甲乙乙", "甲甲乙"]], True), ("甲乙", [["甲甲乙"], ["甲乙"]], False),
     ("甲乙", [["甲甲乙", "甲乙"]], False), ("甲", [["甲甲"]], False)],
)  # fmt: skip
def test_a_shadow_is_doubled_where_no_word_casts_it_with_each_letter_once(
    shadow: str, ways: list[list[str]], only: bool
) -> None:
    assert only_doubled(shadow, ways) is only


def test_a_word_that_would_begin_before_the_text_is_none() -> None:
    words = DoubledWords.of(others_of(["甲乙丙丙"]), runs_of)
    assert words.find(codes_of("乙丙甲乙丙\n"), np.array([1, 4])).tolist() == [[2, 5]]


def test_a_word_that_would_go_on_behind_the_text_is_none() -> None:
    words = DoubledWords.of(others_of(["甲甲乙丙甲丙"]), runs_of)
    assert words.find(codes_of("甲乙\n"), np.array([0])).tolist() == []


@given(WORDS, st.text(LETTERS, max_size=12))
def test_words_that_were_kept_find_the_same(words: list[str], text: str) -> None:
    found = DoubledWords.of(others_of(words), runs_of)
    again = DoubledWords.of_arrays(found.arrays("sounds"), "sounds")
    codes, places = codes_of(once(text) + "\n"), np.flatnonzero(np.array([*runs_of(text), 1]) > 1)
    assert again.find(codes, places).tolist() == found.find(codes, places).tolist()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("keys", lambda numbers: numbers[::-1]),
        ("keys", lambda numbers: numbers[:1]),
        ("keys", lambda numbers: numbers.astype(np.int64)),
        ("lengths", lambda numbers: numbers.astype(np.uint64)),
        ("ats", lambda numbers: numbers - 9),
        ("ats", lambda numbers: numbers + 9),
    ],
)
def test_kept_words_that_were_changed_are_refused(
    name: str, change: Callable[[NDArray[Any]], NDArray[Any]]
) -> None:
    arrays = DoubledWords.of(others_of(["甲甲乙", "乙乙丙"]), runs_of).arrays("x")
    arrays[f"x.behind.{name}"] = change(arrays[f"x.behind.{name}"])
    with pytest.raises(ValueError, match="doubled words"):
        DoubledWords.of_arrays(arrays, "x")
