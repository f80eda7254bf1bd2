"""Words that can stand for each other: where they are chosen, where never, and that the reader sees the choice."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelers.provenance import KeyRing, Provenance
from labelers.watermarks.clauses import CLAUSE_MAX
from labelers.watermarks.substitution import (
    Substitution,
    SubstitutionTransform,
    binomial_tail,
    count_fits,
    last_unit,
    read_places,
)
from labelers.watermarks.units import Prf, read_units
from tests.labelers.rewording import KEYS as ALL_KEYS
from tests.labelers.rewording import in_pieces, marked

read_places("这件事情")  # the tables are made once, which takes longer than a test may
read_units("这件事情")
KEYS = ALL_KEYS[:40]
ZH = (
    "如今，越来越多的人开始关注这个问题，但是解决它的办法并不多。因为各种原因，许多人觉得应该提高效率，"
    "然而推动改革需要时间。据了解，目前有关部门已经发出通知，尽管如此，仍然有很多困难。\n\n"
    "总之，我们应当按照计划，赶快寻找新的方法；虽然不能一蹴而就，但是只要坚持，也许不久就能看到结果。"
)
EN = (
    "Nowadays many people do not know that it is possible. For example, they are often told that the main reason is cost, "
    "although nobody has shown that he was right. However, several teams began to look for another way, and it seems to "
    "work quickly. In other words, someone has to make sure that it will last.\n\nThe whole story isn't finished: there is "
    "a lot of work to do, instead of waiting for each other. Everyone believes that they will manage."
)


def wordings(text: str) -> set[str]:
    return {marked(text, prf) for prf in KEYS}


@pytest.mark.parametrize("text", [ZH, EN])
def test_a_marked_text_fits_the_coins_and_another_key_sees_chance(text: str) -> None:
    fitting = of = others = 0
    for at, prf in enumerate(KEYS):
        out = marked(text, prf)
        found = read_places(out)
        fitting, of = fitting + count_fits(prf, found), of + len(found)
        others += count_fits(KEYS[at - 1], found)
    assert of > 40 * 8
    assert fitting / of > 0.95
    assert abs(others - of / 2) < 4 * math.sqrt(of) / 2


@settings(deadline=None)
@given(
    st.sampled_from([ZH, EN, ZH + EN]), st.lists(st.integers(1, 30), max_size=60), st.sampled_from(KEYS[:4])
)
def test_a_text_is_marked_alike_at_every_split(text: str, steps: list[int], prf: Prf) -> None:
    assert in_pieces(text, steps, prf) == marked(text, prf)


def test_a_comma_that_ends_no_clause_is_passed_once() -> None:
    text = "They sold red apples, and green pears of the garden behind the long old wall, which are sweet. It is not far."
    for at in range(60, len(text)):
        assert in_pieces(text, [at], KEYS[2]) == marked(text, KEYS[2])


PIECES = [
    "首先",
    "其实",
    "，",
    "。",
    "我们",
    "因为",
    "但是",
    "\n",
    "Soon",
    " the cat",
    " and we ",
    ", ",
    ". ",
    " or ",
    "很多人",
    "𠀀",
    "   ",
]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([*PIECES, "a" * 70, "无" * 90, ZH[:90], EN[:90]]), max_size=40),
    st.lists(st.integers(1, 70), max_size=40),
)
def test_where_clauses_end_does_not_depend_on_the_split_nor_on_the_length(
    parts: list[str], steps: list[int]
) -> None:
    text = "".join(parts)
    assert (
        in_pieces(text, steps, KEYS[1]) == marked(text, KEYS[1]) == in_pieces(text, [1] * len(text), KEYS[1])
    )


@settings(deadline=None)
@given(st.text(st.sampled_from("但是因为和与 ，。不it's is ，。不it's is \n\"“”`"), max_size=80))
def test_any_text_keeps_all_but_its_words(text: str) -> None:
    out = marked(text, KEYS[0])
    assert [c for c in out if c in '，。\n"“”`'] == [c for c in text if c in '，。\n"“”`']


NEVER = [
    "我们开始的时候，等了十分钟，然后才走。",  # not very
    "他说话的声音，到了非常时期也不变。",
    "这件事情说来话长，他的确定性不高。",
    "小张他们正在路上，你尽管放心去吧。",
    "故事讲到这里，歌声便戛然而止了。",
    "各位朋友们大家好，世界和平最重要。",
    "她写了很长一段话，“但是因为应该目前”就是其中一句。",
    'The old man said, "It is not what they are, it is what they do not say," and left us.',
    "Everybody asked: why don't they come, and isn't it late for them now?",
    "Run the program with `it is not often` and read what comes out of it.",
    "Look at https://example.com/it-is/several/often.html when you are done.",
    "She gave it an attempt to remember, even though that was hard.",
    "They wrote IT IS NOT OFTEN in capital letters on the wall.",
]


@pytest.mark.parametrize("text", NEVER)
def test_words_stay_where_they_mean_something_else_or_are_not_ours(text: str) -> None:
    kept = {"He", "you are", "when you're"}
    for out in wordings(text):
        for word in (
            "十分",
            "非常",
            "的确",
            "尽管",
            "然而",
            "和平",
            "“但是因为应该目前”",
            '"It is not what they are',
        ):
            assert (word in out) == (word in text)
        for word in (
            "don't they",
            "isn't it",
            "`it is not often`",
            "/it-is/several/",
            "attempt to",
            "even though",
            "IT IS NOT",
        ):
            assert (word in out) == (word in text), (out, kept)


ALWAYS = [
    ("这件事情很重要，但是我们没有时间。", "但我们"),
    ("关于这个问题，大家应该好好想一想。", "应当好好"),
    ("We all know the answer. It is not far from here.", "It's not far"),
    ("I know the place. For example, the river is close.", "For instance, the"),
    ("A few of us stayed, and they don’t mind the rain.", "they do not mind"),
    ("He has shown us that the whole story is true.", "the entire story"),
    ("I watch the news, and we have a TV in the kitchen.", "a television in"),
]


@pytest.mark.parametrize(("text", "other"), ALWAYS)
def test_either_word_may_stand_with_the_capital_that_belongs_there(text: str, other: str) -> None:
    found = wordings(text)
    assert text in found
    assert any(other in out for out in found)


def test_an_article_before_it_keeps_a_word_that_would_not_fit_it() -> None:
    text = "The house on the hill is a huge one, and it has an enormous door."
    assert wordings(text) == {text}


def test_a_stretch_without_punctuation_is_cut_between_words_where_there_are_any() -> None:
    text = "word " * 60 + "and many people do not know it. " + "无" * 400 + "但是应该提高。"
    transform = SubstitutionTransform(KEYS[0].coins())
    out, held = "", 0
    for char in text:
        out += transform.feed(char)
        held = max(held, len(text) - len(out) if len(out) > len(text) else 0)
    out += transform.flush()
    assert out == marked(text, KEYS[0])
    assert len(SubstitutionTransform(KEYS[0].coins()).feed("无" * (CLAUSE_MAX * 2 + 10))) == CLAUSE_MAX * 2


@pytest.mark.parametrize(
    ("left", "last"),
    [
        ("他喜欢音乐", "乐"),
        ("他喜欢 Python，", "Python"),
        ("I don't ", "t"),
        ("caffè 3.14 — ", "caffè"),
        ("用Python ", "Python"),
    ],
)
def test_the_unit_before_a_place_is_the_last_character_or_word_of_letters(left: str, last: str) -> None:
    assert last_unit(left) == int(read_units(last).hashes[-1])


@pytest.mark.parametrize("left", ["", "3.14 ", "。\n"])
def test_where_no_letter_stands_before_a_place_its_unit_is_none(left: str) -> None:
    assert last_unit(left) == 0


def test_a_clause_that_ends_in_code_is_open_up_to_it() -> None:
    text = "大家都说很好，但是我们要先运行`ls 但是`"
    assert text[next(iter(read_places(text))).start :].startswith("但是我们")
    assert len([place for place in read_places(text) if text[place.start : place.end] == "但是"]) == 1


def test_the_same_place_counts_once() -> None:
    text = "他很累，但是他还在工作，但是他很累。" * 30
    assert len(read_places(text)) < 10


def test_repeated_quotation_marks_end_with_the_paragraph() -> None:
    text = '"A quotation that nobody closes, it is not often so.\nThe next line is free, and many people do not mind.'
    found = read_places(text)
    assert found and all(place.start > text.index("\n") for place in found)


@pytest.mark.parametrize(
    ("fits", "of", "p"), [(0, 0, 1.0), (0, 5, 1.0), (5, 5, 1 / 32), (4, 5, 6 / 32), (20, 20, 2.0**-20)]
)
def test_the_tail_is_that_of_fair_coins(fits: int, of: int, p: float) -> None:
    assert 10 ** binomial_tail(fits, of) == pytest.approx(p)


def test_more_fits_than_coins_cannot_be() -> None:
    assert binomial_tail(3, 2) == -math.inf


def test_the_scheme_makes_transforms_of_the_epoch() -> None:
    scheme = Substitution(KeyRing(b"a key of the tests, 32 bytes it is", 2))
    outs = []
    for kid in (1, 2, 1):
        transform = scheme.new_transform(Provenance("X", 1, key_id=kid))
        outs.append(transform.feed(ZH + EN) + transform.flush())
    assert outs[0] != outs[1]
    assert outs[0] == outs[2]
    assert scheme.mark_request({"a": 1}) == {"a": 1}
