"""Common words that sound like an entry."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.review import alike
from proxy.review.alike import words_alike
from proxy.review.entry import Action, Direction, Entry
from proxy.review.library import Library
from proxy.review.syllables import syllables
from proxy.review.tables import builtin_tables

TABLES = builtin_tables()


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("食品安全", ["视频安全"]),
        ("食 品", []),
        ("测试国", []),  # three syllables only flag anyhow
        ("forbidden", []),
        ("食品安全a", []),
        ("测试国家", []),
    ],
)
def test_a_pattern_of_four_syllables_has_the_words_that_sound_like_it(pattern: str, words: list[str]) -> None:
    assert words_alike(pattern, TABLES) == words


def test_those_that_change_least_come_first_and_no_more_than_asked_for() -> None:
    words = words_alike("应当及市", TABLES)
    assert words[0] == "应当及时"
    assert words_alike("应当及市", TABLES, limit=2) == words[:2]
    assert len(words) == 6


def test_traditional_characters_are_read_as_simplified_ones() -> None:
    assert words_alike("食品安全".replace("视", "視"), TABLES) == words_alike("食品安全", TABLES)
    assert words_alike("應當及市", TABLES)[0] == "应当及时"


def test_no_more_ways_are_looked_at_than_there_is_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "_MOST", 3)
    assert len(words_alike("应当及市", TABLES)) <= 3


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(sorted(w for w in TABLES.common if len(w) == 2)), min_size=2, max_size=3))
def test_what_is_named_sounds_the_same_and_only_flags(words: list[str]) -> None:
    pattern = "".join(words)
    library = Library.compile([Entry(pattern, "A.1.a", views=("safe", "pinyin"), action="mask")])
    sound = syllables(TABLES).of
    for text in words_alike(pattern, TABLES):
        assert [sound[c] for c in text] == [sound[c] for c in pattern]
        assert text != pattern
        found = library.review(text, Direction.OUTPUT)
        assert {one.action for one in found} <= {Action.FLAG}
        repeats = any(sound[one] == sound[other] for one, other in pairwise(text))
        assert found or repeats  # a sound that follows itself is told once, and then too few are left
