"""Characters written as two are found as if every such spelling were a word of its own."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.review import splits
from proxy.review.columns import Columns
from proxy.review.entry import Direction, Entry
from proxy.review.lexicon import compile_lexicon
from proxy.review.splits import SplitWords, letter_pairs
from proxy.review.tables import builtin_tables
from proxy.review.trie import WORD
from tests.review.test_wholesale import expected_flags, one_by_one

TABLES = builtin_tables()
# 好 is 女子, 李 木子, 林 木木, 相 木目, 明 日月, 朋 月月, 双 又又, 昌 日日, 盟 明皿, 淋 氵林: parts of parts and beside each other.
CHARACTERS = "好女子李木林相目明日月朋昌盟皿淋"
PATTERNS = st.text(CHARACTERS, min_size=2, max_size=6) | st.text(CHARACTERS + "-a ", min_size=2, max_size=13)
ENTRIES = st.builds(
    lambda **fields: Entry.from_row({"category": "A.1.a", "views": ["evasion"], **fields}),
    pattern=PATTERNS.filter(lambda text: any(one in CHARACTERS for one in text)),
    folds=st.sampled_from([[], [], [], ["split"], ["reversed"]]),
    exceptions=st.sampled_from([[], [], [], ["好女子李"]]),
    action=st.sampled_from(["block", "flag", {"output": "mask"}, {"input": "log", "output": "replace"}]),
)


def entry(pattern: str, **fields: object) -> Entry:
    return Entry.from_row({"pattern": pattern, "category": "A.1.a", "views": ["evasion"], **fields})


@settings(deadline=None)
@given(st.lists(ENTRIES, min_size=1, max_size=4), st.lists(st.text(CHARACTERS, max_size=8), max_size=8))
@example([entry("相好子")], ["木目女子"])
@example([entry("木林相"), entry("月朋明日", exceptions=["月朋明日好"])], [])
@example([entry("月女子"), entry("明女子", folds=["reversed"])], [])
def test_every_beginning_of_every_spelling_is_known_as_such(entries: list[Entry], texts: list[str]) -> None:
    entries = [*entries, entry("女子木目")]  # so that there are words
    view = next(one for one in compile_lexicon(Columns.of(entries), TABLES).views if one.name == "evasion")
    words = SplitWords(view.trie, TABLES) if view.trie.parted else view.trie
    expected = one_by_one("evasion", entries, view.reach)
    flags = {direction: expected_flags(entries, expected, direction) for direction in Direction}
    owners: dict[str, set[int]] = {}
    for word, number, _, _ in expected:
        owners.setdefault(word, set()).add(number)
    beginnings = {word[:end] for word in owners for end in range(1, len(word) + 1)}
    asked = beginnings | {one + letter for one in beginnings for letter in CHARACTERS} | set(texts)
    for text in asked - {""}:
        if any(one == other for one, other in pairwise(text)):
            continue  # no reading writes it down
        look = words.look(text)
        assert look & 15 == flags[Direction.INPUT].get(text, 0)
        assert look >> 4 & 15 == flags[Direction.OUTPUT].get(text, 0)
        assert look & WORD or text not in owners
        assert set(words.owners_of(text)) >= owners.get(text, set())
        assert set(words.following(text)) >= {one[-1] for one in beginnings if one[:-1] == text}


def test_two_that_are_read_as_one_letter_or_as_none_are_no_pair_of_letters() -> None:
    ways = ["女子", "木木", "女", "女子子", "女·", "1女", "a女"]
    assert letter_pairs(replace(TABLES, splits={"好": ways})) == {"女子"}
    assert {"女子", "日月"} <= letter_pairs(TABLES)


def test_more_halves_than_are_remembered_are_told_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    view = compile_lexicon(Columns.of([entry("山水好人"), entry("山水李人")]), TABLES).views[-1]
    words, fresh = SplitWords(view.trie, TABLES), SplitWords(view.trie, TABLES)
    monkeypatch.setattr(splits, "_MAX_KNOWN", 1)
    for text in ("山水女", "山水木", "山女", "山水女"):
        assert words.look(text) == fresh.look(text)
        assert len(words._known) <= 1
    assert words.look("山水女") and words.look("山水木子") & WORD == 0 and not words.look("山女")
    assert words.look("山水木子人") & WORD
