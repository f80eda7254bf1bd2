"""Terms that mean something together, at every cut."""

from __future__ import annotations

import pytest

from proxy.review.combination import MAX_SENTENCE
from proxy.review.entry import Direction, Entry
from proxy.review.library import Library
from tests.review.test_reviewer import cuts, run


def combination(action: str = "block", /, **terms: object) -> Entry:
    row = {"kind": "combination", "category": "A.1.a", "action": action, "combination": terms}
    return Entry.from_row(row)


FOUND = [
    # entry, text, released, what was found
    (combination(all=["甲乙", "丙丁"]), "一甲乙二丙丁三", "一甲乙二", ["丙丁"]),
    (combination(all=["甲乙", "丙丁"]), "丙丁和甲乙", "丙丁和", ["甲乙"]),
    (combination(all=["甲乙", "丙丁"]), "甲乙。丙丁", "甲乙。丙丁", []),
    (combination(all=["甲乙", "丙丁"]), "甲乙. 丙丁", "甲乙. 丙丁", []),
    (combination(all=["甲乙", "丙丁"]), "甲乙3.14丙丁", "甲乙3.14", ["丙丁"]),
    (combination(all=["甲乙", "丙丁"], within="message"), "甲乙。丙丁", "甲乙。", ["丙丁"]),
    (combination(all=["甲乙", "丙丁"], within=5), "甲乙一丙丁", "甲乙一", ["丙丁"]),
    (combination(all=["甲乙", "丙丁"], within=5), "甲乙一二丙丁", "甲乙一二丙丁", []),
    (combination(all=["甲乙"], any=["丙", "丁"]), "甲乙戊丁", "甲乙戊", ["丁"]),
    (combination(all=["甲乙"], any=["丙", "丁"]), "甲乙戊", "甲乙戊", []),
    (combination(any=["丙", "丁"]), "戊丁", "戊", ["丁"]),
    (combination(all=["甲乙", "丙丁"], none=["戊己"]), "戊己甲乙丙丁", "戊己甲乙丙丁", []),
    (combination(all=["甲乙", "丙丁"], none=["戊己"]), "甲乙丙丁戊己", "甲乙", ["丙丁"]),
    (combination(all=["甲乙", "丙丁"], none=["戊己"]), "戊己。甲乙丙丁", "戊己。甲乙", ["丙丁"]),
    (combination("mask", all=["甲乙", "丙丁"]), "甲乙丙丁，丙丁。丙丁", "甲乙＊＊，＊＊。丙丁", ["丙丁", "丙丁"]),
    (combination("flag", all=["甲乙", "丙丁"]), "甲乙丙丁", "甲乙丙丁", ["丙丁"]),
    (combination(all=["甲乙", "丙丁"]), "甲-乙，丙 丁", "甲-乙，", ["丙 丁"]),  # in the evasion view too
    (combination(all=["甲", "甲乙"]), "甲乙", "", ["甲乙"]),
    (combination(all=["甲乙", "丙丁"], hold="sentence"), "一甲乙二丙丁三。四", "一", ["甲乙二丙丁"]),
    (combination(all=["甲乙", "丙丁"], hold="sentence"), "一甲乙二。丙丁", "一甲乙二。丙丁", []),
    (combination(all=["甲乙", "丙丁"], none=["戊"], hold="sentence"), "甲乙丙丁戊。", "甲乙丙丁戊。", []),
    (combination("mask", all=["甲乙", "丙丁"], hold="sentence"), "甲乙丙丁", "＊＊＊＊", ["甲乙丙丁"]),
    (
        combination("mask", all=["甲乙", "丙丁"], hold="sentence"),
        "甲乙丙丁。甲乙丙。丙丁甲乙。",
        "＊＊＊＊。甲乙丙。＊＊＊＊。",
        ["甲乙丙丁", "丙丁甲乙"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "text", "released", "found"), FOUND)
def test_worked_examples_hold_at_every_cut(entry: Entry, text: str, released: str, found: list[str]) -> None:
    library = Library.compile([entry])
    for pieces in cuts(text):
        got, reviewer = run(library, pieces)
        assert (got, [f.text for f in reviewer.findings]) == (released, found)
        assert {f.entry_id for f in reviewer.findings} <= {entry.id}


def test_a_word_that_blocks_before_the_sentence_ends_comes_first() -> None:
    held = combination(all=["甲乙", "丙丁"], hold="sentence")
    library = Library.compile([held, Entry("戊己", "A.1.a")])
    for text, found in (("甲乙丙丁戊己。", "戊己"), ("甲乙丙丁。戊己", "甲乙丙丁")):
        for pieces in cuts(text):
            _, reviewer = run(library, pieces)
            assert reviewer.blocked is not None and reviewer.blocked.text == found


def test_a_sentence_without_end_is_held_for_so_long_only() -> None:
    reviewer = Library.compile([combination(all=["甲乙", "丙丁"], hold="sentence")]).reviewer(
        Direction.OUTPUT
    )
    reviewer.feed("甲乙")
    for _ in range(1000):
        reviewer.feed("子")
        assert reviewer.held <= MAX_SENTENCE
    assert reviewer.held == 0
