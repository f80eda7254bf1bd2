"""Sentences that come near to an entry's examples, at every cut."""

from __future__ import annotations

import pytest

from proxy.review.combination import MAX_SENTENCE
from proxy.review.entry import Action, Direction, Entry
from proxy.review.library import Library
from tests.review.test_reviewer import cuts, run

ENTRY = Entry.from_row({
    "pattern": "如何在家里折一只纸飞机", "category": "A.4.a", "kind": "similar-text", "threshold": 0.5,
    "examples": ["教我用纸折飞机", "how do I fold a paper plane"],
})  # fmt: skip
LIBRARY = Library.compile([ENTRY])
NEAR = [
    ("请问如何在家折一只纸飞机？", ["请问如何在家折一只纸飞机？"]),
    ("今天天气很好。教我用紙折 飛機！谢谢。", ["教我用紙折 飛機！"]),
    ("Hello there. How do I fold paper planes? Bye", [" How do I fold paper planes?"]),
    ("如何在家里做一碗面条", []),
    ("今天天气很好。", []),
    ("", []),
    ("3.14。..", []),
]


@pytest.mark.parametrize(("text", "found"), NEAR)
def test_near_sentences_are_flagged_at_every_cut(text: str, found: list[str]) -> None:
    for pieces in cuts(text):
        released, reviewer = run(LIBRARY, pieces)
        assert released == text
        assert [(f.text, f.action, f.view) for f in reviewer.findings] == [
            (one, Action.FLAG, "similar-text") for one in found
        ]


def test_on_input_the_entry_acts_as_it_says() -> None:
    blocked = run(LIBRARY, ["请问如何在家里折一只纸飞机"], Direction.INPUT)[1].blocked
    assert blocked is not None and blocked.entry_id == ENTRY.id


def test_a_text_without_sentences_is_compared_all_the_same() -> None:
    text = "子丑寅卯" * MAX_SENTENCE
    whole = run(LIBRARY, [text + "如何在家里折一只纸飞机"])[1].findings
    for pieces in ([*text, "如何在家里", "折一只纸飞机"],):
        assert run(LIBRARY, pieces)[1].findings == whole
    assert whole


def test_the_threshold_decides() -> None:
    strict = Library.compile([Entry("一二三四五六", "A.4.a", kind="similar-text", threshold=1.0)])
    assert run(strict, ["一二三四五六。"])[1].findings
    assert not run(strict, ["一二三四五七。"])[1].findings


def test_an_entry_for_the_other_direction_is_silent() -> None:
    entry = Entry("一二三四五六", "A.4.a", kind="similar-text", scope="input")
    assert not run(Library.compile([entry]), ["一二三四五六。"])[1].findings
