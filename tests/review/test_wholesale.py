"""All entries spelled at once are spelled as one by one."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.review.checks import FOLDS, VIEWS, EntryError
from proxy.review.columns import Columns
from proxy.review.entry import Direction, Entry
from proxy.review.flat import Flat
from proxy.review.lexicon import Lexicon, ViewWords, compile_lexicon
from proxy.review.sights import sight_of
from proxy.review.splits import SplitWords
from proxy.review.syllables import once, syllables
from proxy.review.tables import Kind, builtin_tables
from proxy.review.trie import WORD, Spellings
from proxy.review.wholesale import _has_spaces, pinyin_words

TABLES = builtin_tables()
# Characters that divide, have several readings, sound as one word (西安), run, fold to several, are symbols or Latin.
LETTERS = "西安方案好明重行乐长单了女子王林测试０1l!@$ -。，ﬁÅab한の\u200b𠀀"
PATTERNS = st.text(LETTERS, min_size=1, max_size=7)
ENTRIES = st.builds(
    lambda **fields: Entry.from_row({"category": "A.1.a", **fields}),
    pattern=PATTERNS,
    kind=st.sampled_from(["keyword", "keyword", "keyword", "pinyin"]),
    views=st.lists(st.sampled_from(VIEWS), min_size=1, max_size=4, unique=True),
    boundary=st.sampled_from(["auto", "none"]),
    gap=st.integers(0, 5),
    exceptions=st.lists(PATTERNS, max_size=1),
    action=st.sampled_from(["block", "flag", {"output": "mask"}, {"input": "log", "output": "replace"}]),
)


def one_by_one(view: str, entries: list[Entry], reach: int) -> set[tuple[str, int, bool, bool]]:
    found = set()
    for number, entry in enumerate(entries):
        always = () if entry.views == ("raw",) else ("safe",)
        if view in (("pinyin",) if entry.kind == "pinyin" else (*entry.views, *always)):
            found |= {
                (term.folded, number, term.left, term.flag_only)
                for term in sight_of(view, TABLES, reach).terms(entry)
            }
    return found


def reached(words: Spellings) -> Iterator[str]:
    """All beginnings of words, as far as a reading writes them down: where two may be one, no Han character twice."""
    waiting, split = [""], isinstance(words, SplitWords)
    while waiting:
        text = waiting.pop()
        yield text
        letters = words.following(text)
        waiting += [
            text + one for one in letters if not split or one != text[-1:] or TABLES.kind(one) != Kind.HAN
        ]


def spellings(view: ViewWords) -> Spellings:
    return SplitWords(view.trie, TABLES) if view.trie.parted else view.trie


def words_of(view: ViewWords, entries: list[Entry]) -> dict[str, list[int]]:
    """The words and whose they are."""
    words, sight = spellings(view), sight_of(view.name, TABLES, view.reach)
    found = {}
    for text in reached(words):
        if text and words.look(text) & WORD:
            owners = [one for one in words.owners_of(text) if sight.term(entries[one], text) is not None]
            if owners:
                found[text] = owners
        else:
            assert not text or not words.owners_of(text)
    return found


@settings(deadline=None)
@given(st.lists(ENTRIES, max_size=6))
def test_the_words_of_a_library_are_those_of_its_entries(entries: list[Entry]) -> None:
    try:
        expected = {view: one_by_one(view, entries, 3) for view in VIEWS}
        assert not any(not word.strip() for found in expected.values() for word, *_ in found)
    except AssertionError:
        with pytest.raises(EntryError, match="nothing is left"):
            compile_lexicon(Columns.of(entries), TABLES)
        return
    lexicon = compile_lexicon(Columns.of(entries), TABLES)
    found = {view.name: words_of(view, entries) for view in lexicon.views}
    for view in VIEWS:
        owners: dict[str, list[int]] = {}
        for word, number, _, _ in sorted(expected[view]):
            if number not in owners.setdefault(word, []):
                owners[word].append(number)
        assert found.get(view, {}) == owners
    for view in lexicon.views:
        for direction in Direction:
            assert flags_of(spellings(view), direction) == expected_flags(
                entries, expected[view.name], direction
            )


def flags_of(words: Spellings, direction: Direction) -> dict[str, int]:
    shift = 0 if direction is Direction.INPUT else 4
    found = {text: (words.look(text) if text else words.every) >> shift & 15 for text in reached(words)}
    return {text: flags for text, flags in found.items() if flags}


def expected_flags(
    entries: list[Entry], words: set[tuple[str, int, bool, bool]], direction: Direction
) -> dict[str, int]:
    """For each beginning of words: do some act that may begin anywhere, at a word start; does one of them delay."""
    found: dict[str, int] = {}
    for word, number, left, weak in words:
        action = entries[number].action_for(direction)
        if action is not None:
            flags = 1 << left | ((4 << left) if action.holds and not weak else 0)
            for end in range(len(word)):
                found[word[:end]] = found.get(word[:end], 0) | flags
    return found


@settings(deadline=None)
@given(st.lists(ENTRIES, min_size=1, max_size=6))
def test_a_lexicon_comes_back_from_its_files(entries: list[Entry]) -> None:
    try:
        lexicon = compile_lexicon(Columns.of(entries), TABLES)
    except EntryError:
        return
    again, more = Lexicon.of_files(lexicon.to_files({"a": 1}), TABLES)
    assert more == {"a": 1}
    assert [(v.name, v.reach, v.context, v.trie.parted, words_of(v, entries)) for v in again.views] == [
        (v.name, v.reach, v.context, v.trie.parted, words_of(v, entries)) for v in lexicon.views
    ]
    assert again.alike == lexicon.alike
    assert {name: s and s.about for name, s in again.sieves.items()} == {
        name: s and s.about for name, s in lexicon.sieves.items()
    }


def test_every_pair_of_syllables_is_divided_as_the_slow_way_divides_it() -> None:
    sound = syllables(TABLES)
    first = list({code: character for character, code in reversed(sound.of.items())}.values())
    chance = random.Random(7)
    said = ["".join(chance.choices(first, k=5)) for _ in range(4000)]
    columns = Columns.of([Entry(text, "A.1.a", views=("pinyin",)) for text in said])
    words = pinyin_words(columns.flat, columns, TABLES)
    found: dict[int, set[str]] = {}
    for place, word in zip(words.places.tolist(), words.words.texts(), strict=True):
        found.setdefault(place, set()).add(word)
    for place, entry in enumerate(columns):
        spellings = {s for s in sound.spellings(entry, entry.pattern) if len(s) >= 3}
        runs = map(once, sound.ways(entry, entry.pattern))
        assert found[place] == spellings | {way for way in runs if len(way) > 1}
    assert sum(len(each) > 1 for each in found.values()) > 100


@pytest.mark.parametrize("fold", FOLDS)
def test_entries_that_ask_for_more_are_spelled_one_by_one(fold: str) -> None:
    entries = [Entry("测试好女", "A.1.a", folds=(fold,)), Entry("西安方案", "A.1.a")]
    lexicon = compile_lexicon(Columns.of(entries), TABLES)
    for view in lexicon.views:
        expected = {word for word, *_ in one_by_one(view.name, entries, 3)}
        assert set(words_of(view, entries)) == expected


def test_three_syllables_that_read_as_two_in_one_word_are_no_word_of_their_own() -> None:
    """xi'an'a is xian'a, too short to look for by its sound in one word."""
    row = {"pattern": "西安啊", "category": "A.1.a", "views": ["safe", "evasion", "pinyin"], "action": "flag"}
    entries = [Entry.from_row(row)]
    lexicon = compile_lexicon(Columns.of(entries), TABLES)
    found = {view.name: set(words_of(view, entries)) for view in lexicon.views}
    assert found["pinyin"] == {word for word, *_ in one_by_one("pinyin", entries, 3)}


def test_nothing_has_no_spaces() -> None:
    assert not len(_has_spaces(Flat.of([]), np.empty(0, np.int64)))
