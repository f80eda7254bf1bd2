"""Where running text is open for a mark, as the scanner names it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelers.prose import SPACE_MAX, Prose, clean_word
from tests.labelers.documents import document, opened, text_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("春天来了啊", "...了啊"),
        ("abcdef gh", "...... gh"),
        ("ab春天了x", "....了x"),
        ("ab\ncdefghij", ".........ij"),
        ("123456，，春天来了", "...........了"),
        ("好的\n春天来了", "......了"),
    ],
)
def test_a_line_start_is_closed_until_it_holds_three_han_or_six_letters(text: str, shown: str) -> None:
    assert opened(text) == shown


@pytest.mark.parametrize(
    ("text", "open_end"),
    [
        ("春天来了 \n花开", True),
        ("春天来了\r\n花开", True),
        ("春天来了\n\n---", True),
        ("春天来了\n===", False),
        ("春天来了\n- 花", False),
        ("春天来了\n| 花", False),
        ("春天来了\n: 花", False),
        ("春\n花开", False),
        ("# 春天来了\n花开", False),
        ("春天来`了`[a](b)\n花开", False),
        ("春天来了" + "\n" * (SPACE_MAX + 1) + "花", False),
        ("春天来了" + "\n" * SPACE_MAX + "花", True),
    ],
)
def test_a_line_end_is_open_unless_the_next_line_could_make_a_block_of_it(text: str, open_end: bool) -> None:
    end = len(text[: text.index("\n")].rstrip())
    assert (opened(text)[end] == "$") is open_end


@pytest.mark.parametrize(
    ("text", "open_end"),
    [
        ("春天来了", True),
        ("春天来了 \n ", True),
        ("春天", False),
        ("", False),
        ("春天来了`", False),
        ("春天来了[a](b)", False),
        ("春天来了 http://a.b", False),
        ("# 春天来了", False),
        ("```\n春天来了", False),
        ("春天来了" + " " * (SPACE_MAX + 1), False),
    ],
)
def test_the_end_of_the_text_is_open_in_running_text_only(text: str, open_end: bool) -> None:
    prose = Prose()
    prose.feed(text)
    assert prose.open_at_end() is open_end


@pytest.mark.parametrize(
    ("line", "block"),
    [
        ("春天来了花", "paragraph"),
        ("- 春天来了花", "list"),
        ("3) 春天来了花", "list"),
        ("> - 春天来了花", "quote"),
        ("## 春天来了花", "heading"),
        ("| 春天来了花", "table"),
        ("    春天来了花", "indented"),
        ("```\n春天来了花", "code"),
    ],
)
def test_the_block_of_the_current_line_is_known(line: str, block: str) -> None:
    prose = Prose()
    prose.feed("开头的一段文字。\n\n" + line)
    assert prose.block == block


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("word", True),
        ("a word,", True),
        ("a (word", True),
        ("don't", True),
        ("well-known", True),
        ("中文", True),
        ("见 a.b，中文", True),
        ("example.com", False),
        ("see example.com,", False),
        ("a/b", False),
        ("me@here", False),
        ("snake_case", False),
        ("a=b", False),
        ("v2", False),
        ("C++", False),
        ("a.b中word", True),
        ("https://x.y/z, word", True),
    ],
)
def test_a_clean_word_is_no_part_of_an_address_or_identifier(text: str, clean: bool) -> None:
    assert clean_word(text, len(text)) is clean


def spans_of(text: str, cuts: list[int], *, trimmed: bool) -> tuple[set[int], set[int]]:
    """Open characters and open line ends, in positions of the whole text."""
    prose, gone = Prose(), 0
    chars: set[int] = set()
    ends: set[int] = set()
    for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True):
        if trimmed:
            gone += prose.trim()
        for start, stop in prose.feed(text[a:b]):
            if start == stop:
                ends.add(start + gone)
            chars.update(range(start + gone, stop + gone))
    return chars, ends


@given(seed=st.integers(0, 10_000), size=st.integers(1, 80), script=st.sampled_from(["zh", "en", "mixed"]))
def test_neither_the_split_nor_trimming_changes_what_is_open(seed: int, size: int, script: str) -> None:
    text = text_of(document(random.Random(seed), script))
    whole = spans_of(text, [], trimmed=False)
    assert spans_of(text, list(range(size, len(text), size)), trimmed=True) == whole


def test_swallowed_white_space_keeps_what_the_next_line_needs() -> None:
    for space, after in (
        ("\n" * 2_000, "paragraph"),
        ("\n" * 2_000 + "    ", "indented"),
        (" " * 2_000, "paragraph"),
    ):
        prose = Prose()
        prose.feed("春天来了花开" + space)
        assert prose.swallow() > 1_500
        prose.feed("春天来了花开")
        assert prose.block == after


def test_nothing_is_forgotten_while_white_space_alone_has_come_since() -> None:
    prose = Prose()
    prose.feed("春天来了，花开了。" + " " * 1_100)
    assert prose.trim() == 0
