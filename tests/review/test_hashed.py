"""Words by their hashes: every word that is there is found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from proxy.review import hashed
from proxy.review.flat import Flat, codes_of
from proxy.review.hashed import Flags, HashedWords, mixed

WORDS = st.lists(st.text("甲乙丙ab\ue000", min_size=1, max_size=9), max_size=8)
TEXTS = st.text("甲乙丙ab\ue000\n", max_size=40)


def naive(words: list[str], text: str) -> list[tuple[int, int]]:
    return sorted(
        (start, start + len(word))
        for word in set(words)
        for start in range(len(text))
        if text.startswith(word, start)
    )


def found(words: HashedWords, text: str) -> list[tuple[int, int]]:
    return sorted((start, end) for start, end in words.find(codes_of(text)).tolist())


@given(WORDS, TEXTS)
@example(["甲乙", "甲乙丙", "甲乙丙甲"], "乙甲乙丙甲乙")
def test_each_word_in_a_text_is_found_where_it_stands(words: list[str], text: str) -> None:
    of = HashedWords.of(Flat.of(words))
    assert found(of, text) == naive(words, text)
    again = HashedWords.of_arrays(of.arrays("x"), "x")
    assert found(again, text) == naive(words, text)


def test_many_beginnings_are_looked_at_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashed, "_AT_ONCE", 8)
    words, text = ["甲乙丙", "甲乙丙甲乙", "乙丙甲乙丙甲乙丙甲"], "甲乙丙" * 9
    assert found(HashedWords.of(Flat.of(words)), text) == naive(words, text)


@given(WORDS, st.lists(st.text("甲乙丙", min_size=3, max_size=4), max_size=3), st.booleans(), TEXTS)
def test_pairs_besides_and_words_that_have_only_begun_are_told_and_no_words(
    words: list[str], begun: list[str], by_pairs: bool, text: str
) -> None:
    pairs = codes_of("乙甲ab").reshape(-1, 2)
    besides = mixed(pairs[:, 0], pairs[:, 1]) if by_pairs else None
    of, codes = HashedWords.of(Flat.of(words), besides, Flat.of(begun)), codes_of(text)
    assert found(of, text) == naive(words, text)
    longer = {start for start, _ in naive([word for word in [*words, *begun] if len(word) > 2], text)}
    starts = of.starts(codes)
    assert longer <= set(starts.more.tolist())
    assert all(sorted(set(some)) == some for some in (starts.two.tolist(), starts.more.tolist()))
    assert not set(starts.two.tolist()) & set(starts.more.tolist())
    if by_pairs:
        told = of.pairs(codes).places.tolist()
        assert told == sorted(told) and {start for start, _ in naive(["乙甲", "ab"], text)} <= set(told)
        assert set(told) >= {*starts.two.tolist(), *starts.more.tolist()}


def test_a_hash_that_is_there_is_told_and_hardly_another() -> None:
    chance = np.random.default_rng(3)
    there, others = (chance.integers(0, 1 << 32, 5000, dtype=np.uint32) for _ in range(2))
    flags = Flags.of(there)
    assert len(flags.places(there)) == 5000
    assert len(flags.places(others)) < 200


@pytest.mark.parametrize(
    ("field", "array"),
    [
        ("pairs", np.zeros(5, np.uint8)),
        ("twos", np.zeros(3, np.uint8)),
        ("threes", np.zeros(1 << 8, np.uint8)),
        ("again", np.zeros(1 << 10, np.uint32)),
        ("ends", np.zeros(1 << 22, np.uint8)),
        ("lengths", np.array([0, 3])),
        ("wholes", np.zeros(2, np.int64)),
    ],
)
def test_arrays_that_are_no_words_are_refused(field: str, array: NDArray[Any]) -> None:
    arrays = HashedWords.of(Flat.of(["甲乙丙"])).arrays("x")
    with pytest.raises(ValueError, match="not as they were compiled"):
        HashedWords.of_arrays({**arrays, f"x.{field}": array}, "x")
