"""Spacing and commas that may stand or not: where they are chosen, where never, and that nothing else changes by it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelers.watermarks.marks import ends_clause, marks_in
from labelers.watermarks.substitution import count_fits, read_places
from labelers.watermarks.units import Prf
from tests.labelers.rewording import KEYS as ALL_KEYS
from tests.labelers.rewording import in_pieces, marked

KEYS = ALL_KEYS[:40]

ZH = (
    "这里有一个例子可以说明问题。首先，我们用Python写一段程序。其次，你需要安装 Linux 系统，然后在浏览器里打开GitHub页面。"
    "同时，这也是学习 Java 语言的好机会。其实我们都知道，用Excel表格也能做到。最后，他把PDF文件发给了大家。"
)
EN = (
    "The shop sells many things, such as apples, pears, and plums. Today, we walk there. The children like tea, milk and water. "
    "Soon the owner closes the door. The garden has roses, tulips, lilies, and herbs. Instead, he went home. Later they came back."
)
read_places(ZH)


def weak(text: str) -> list[str]:
    return [text[place.start : place.end] for place in read_places(text) if place.weak]


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("这个程序是用Python写的，很容易读。", "这个程序是用 Python 写的，很容易读。"),
        ("他喜欢 Visual Studio 编辑器。", "他喜欢Visual Studio编辑器。"),
        ("大家都到了。首先，我们来看题目。", "大家都到了。首先我们来看题目。"),
        ("天气很冷。于是他回家去了。", "天气很冷。于是，他回家去了。"),
        ("The rain is over. Today, we walk home.", "The rain is over. Today we walk home."),
        ("The rain is over. Soon the sun came out.", "The rain is over. Soon, the sun came out."),
        (
            "The shop sells fruit such as apples, pears, and plums.",
            "The shop sells fruit such as apples, pears and plums.",
        ),
        (
            "The garden has roses, lilies, tulips and herbs.",
            "The garden has roses, lilies, tulips, and herbs.",
        ),
    ],
)
def test_both_ways_are_chosen_and_read_as_the_same_place(text: str, other: str) -> None:
    places = [[place for place in read_places(one) if place.weak] for one in (text, other)]
    assert [len(some) for some in places] == [1, 1]
    ((first,), (second,)) = places
    assert (first.unit, first.name) == (second.unit, second.name)
    assert {first.side, second.side} == {0, 1}
    outs = {marked(one, prf) for one in (text, other) for prf in KEYS}
    assert any(weak(out) == weak(text) for out in outs)
    assert any(weak(out) == weak(other) for out in outs)


@pytest.mark.parametrize(
    "text",
    [
        "他在2024年买了3本书，花了100元。",  # numbers
        "这台电脑有8GB内存和A4打印机。",
        "版本是Python3的，不是别的。",
        "他说：“请用Python写。”",
        "命令是`用Python写`的。",
        "文件名是用foo_bar写的。",
        "他半边Python 写的代码。",  # a space on one side only
        "他认为首先，我们要小心。",  # not at the start of a sentence
        "大家都到了。首先，请看题目。",
        "The rain is over. Today, walking home was fun.",
        "He said that today, we walk home.",
        "The sky was grey, and he went home.",
        "He went home, the dog barked, and the rain came.",
        "In winter, dogs and cats sleep inside.",
        "We saw him, tired and old.",
        'She said, "such as apples, pears, and plums."',
        "The rain is over. Soon, in March, the sun came out.",
    ],
)
def test_where_only_one_way_is_right_or_the_text_is_not_ours_nothing_is_chosen(text: str) -> None:
    assert weak(text) == []
    for prf in KEYS[:8]:
        assert weak(marked(text, prf)) == []


def test_a_space_that_would_hide_a_word_is_not_made() -> None:
    text = "大家都在学习。对于使用Python编程的人来说，很有用处。"  # two more characters, and the guard no longer sees its word
    for prf in KEYS:
        assert "使用Python编" in marked(text, prf)


@pytest.mark.parametrize("text", [ZH, EN])
def test_a_marked_text_fits_the_coins_and_another_key_sees_chance(text: str) -> None:
    fits = of = others = 0
    for at, prf in enumerate(KEYS):
        places = [place for place in read_places(marked(text, prf)) if place.weak]
        fits, of = fits + count_fits(prf, places), of + len(places)
        others += count_fits(KEYS[at - 1], places)
    assert of >= 40 * 5
    assert fits / of > 0.95
    assert abs(others / of - 0.5) < 0.2


@settings(deadline=None)
@given(
    st.sampled_from([ZH, EN, EN + "\n\n" + ZH]),
    st.lists(st.integers(1, 12), max_size=80),
    st.sampled_from(KEYS[:6]),
)
def test_a_text_is_marked_alike_at_every_split(text: str, steps: list[int], prf: Prf) -> None:
    assert in_pieces(text, steps, prf) == marked(text, prf)


PARTS = [
    "首先",
    "其实",
    "，",
    "。",
    "我们",
    "用",
    "Python",
    "和",
    "因为",
    "\n",
    "、",
    "大家都到了",
    "Soon",
    "the",
    "we",
    "apples",
    "pears",
]
PARTS += ["milk", "3", "“", "”", " ", ", ", ". ", " and ", "do not ", "such as "]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=40), st.sampled_from(KEYS[:6]))
def test_what_was_marked_is_marked_already(parts: list[str], prf: Prf) -> None:
    out = marked("大家都来到了这里，" + "".join(parts), prf)
    assert marked(out, prf) == out


@given(st.lists(st.sampled_from(PARTS), max_size=40))
def test_the_same_clauses_and_words_are_there_whichever_way_the_marks_go(parts: list[str]) -> None:
    text = "大家都来到了这里，" + "".join(parts)
    for place in reversed([place for place in read_places(text) if place.weak]):
        said = text[place.start : place.end]
        bare = said.strip(" ,，")
        full = f" {bare} " if bare else ("，" if text[place.start - 1] >= "\u2e80" else ",")
        other = text[: place.start] + (bare if place.side else full) + text[place.end :]
        words = [(one.unit, one.name, one.side) for one in read_places(text) if not one.weak]
        assert [(one.unit, one.name, one.side) for one in read_places(other) if not one.weak] == words


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("首先，", False),
        ("大家，", True),
        ("大家。", True),
        ("Soon,", False),
        (" pears,", None),
        (" pears, a", None),
        (" pears, and ", False),
        (" pears, but ", True),
        (" 1,000", True),
    ],
)
def test_a_comma_that_is_optional_ends_no_clause(text: str, ends: bool | None) -> None:
    at = next(at for at, char in enumerate(text) if char in "，。,") + 1
    assert ends_clause(text, 0, at) is ends


def test_marks_stand_in_the_order_of_the_text() -> None:
    found = marks_in("首先，我们用Python写，再用 Java 写。", "大家都到了。")
    assert [mark.kind for mark in found] == [1, 0, 0]
    assert [mark.side for mark in found] == [1, 0, 1]
