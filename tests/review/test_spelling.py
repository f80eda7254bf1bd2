"""How an entry is spelled in the evasion view."""

from __future__ import annotations

import pytest

from proxy.review.spelling import BARRIER, NOISE, code_of, is_sentence_end, spell
from proxy.review.tables import builtin_tables

TABLES = builtin_tables()


def test_an_entry_is_runs_of_letters_with_their_gaps() -> None:
    letters = spell("boo  k-1", TABLES)
    assert [(letter.code, letter.own, letter.count, letter.gap) for letter in letters] == [
        ("b", "b", 1, 0), ("o", "o", 2, 0), ("k", "k", 1, 2), ("i", "1", 1, 1),
    ]  # fmt: skip
    assert letters[1].allowed == {"o", "0"}
    assert letters[3].allowed == {"1"}


@pytest.mark.parametrize(
    ("character", "code"), [("a", "a"), ("4", "a"), ("黄", "黄"), ("-", NOISE), ("。", BARRIER), ("@", "@")]
)
def test_every_character_reads_as_something(character: str, code: str) -> None:
    assert code_of(character, TABLES.kind(character)) == code


def test_a_sentence_ends_where_readers_stop() -> None:
    assert all(is_sentence_end(c) for c in "。?!\n,")
    assert not any(is_sentence_end(c) for c in "a- ·")
