"""Where running text is open for a mark, as the scanner names it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelers.prose import SPACE_MAX, Prose, clean_word
from tests.labelers.documents import document, text_of


def opened(text: str, size: int = 0) -> str:
    """What is open: the text with every character that is not as a dot, line ends that are open as `$`."""
    prose = Prose()
    shown = ["." for _ in text]
    step = size or max(1, len(text))
    for at in range(0, len(text), step):
        for start, stop in prose.feed(text[at : at + step]):
            shown[start:stop] = text[start:stop]
            if start == stop:
                shown[start] = "$"
    return "".join(shown)


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("前面的文字`中间，的`后面的文字", "中间，的"),
        ("前面的文字``中`间``后面的文字", "中`间"),
        ("前面的文字[中间，的](u，v)后面的文字", "中间，的](u，v"),
        ("前面的文字[中[间]的](u(v)w \\) x)后面的文字", "中[间]的](u(v)w \\) x"),
        ("前面的文字[中\\]间，的]后面的文字", "中\\]间，的"),
        ("前面的文字[中间][引用]后面的文字", "中间][引用"),
        ("前面的文字<b c='中，间'>后面的文字", "b c='中，间'"),
        ("前面的文字</b>后面的文字", "/b"),
        ("前面的文字<!-- 中，间 -->后面的文字", "!-- 中，间 --"),
        ("前面的文字<https://a.b/中，间>后面的文字", "https://a.b/中，间"),
        ("前面的文字<pre>中，<间 </b> </PR</pre>后面的文字", "pre>中，<间 </b> </PR</pre"),
        ("前面的文字$中 x，$后面的文字", ""),
        ("前面的文字$x, y \\$ z$后面的文字", "x, y \\$ z"),
        ("前面的文字$$中，$ \\x\n间$$后面的文字", "中，$ \\x\n间"),
        ("前面的文字\\(中，$ \\x间\\)后面的文字", "(中，$ \\x间\\"),
        ("前面的文字\\[中，\n间\\]后面的文字", "[中，\n间\\"),
        ("前面的文字 https://a.b/c，d 后面的文字", "/a.b/c，d"),
        ("前面的文字 https://a.b/c\n后面的文字后面的文字", "/a.b/c\n"),
        ("前面的文字 a.bc/d，e 后面的文字", "d，e"),
        ("前面的文字 me@a.b，c 后面的文字", "a.b，c"),
        ("前面的文字|中间，的", "中间，的"),
        ("前面的文字\n# 中间，的\n后面的文字", "# 中间，的"),
        ("前面的文字\n#\n后面的文字", "#"),
        ("前面的文字\n\n    中间，的\n后面的文字", "    中间，的"),
        ("前面的文字\n\n\t中间，的\n后面的文字", "\t中间，的"),
        ("前面的文字\n| 中间，的\n\n后面的文字", "| 中间，的"),
        ("前面|字\n-|-\n中间，的表格\n\n后面的文字", "中间，的表格"),
        ("前面的文字\n```py a\n中间，的\n``\n```\n后面的文字", "```py a\n中间，的\n``\n```"),
        ("前面的文字\n~~~ `a`\n中间，的\n~~~~ \n后面的文字", "~~~ `a`\n中间，的\n~~~~ "),
        ("前面的文字\n- ````\n中间，的\n```\n  ````\n后面的文字", "- ````\n中间，的\n```\n  ````"),
        ("前面的文字\n[r]: u，'中间，的'\n后面的文字", "[r]: u，'中间，的'"),
        ("前面`中\n间，的`后面的文字", "中\n间，的"),
    ],
)
@pytest.mark.parametrize("size", [0, 1, 2, 5])
def test_the_inside_of_a_construct_is_closed_and_what_follows_is_open(
    text: str, inside: str, size: int
) -> None:
    shown = opened(text, size)
    start = text.index(inside)
    assert set(shown[start : start + len(inside)]) <= {"."}
    if "后面的文字" in text:
        assert shown.endswith("字")


@pytest.mark.parametrize(
    "text",
    [
        "前面的文字 a < b 后面的文字",
        "前面的文字<3后面的文字",
        "前面的文字a<b，后面的文字",
        "前面的文字</，后面的文字",
        "前面的文字$ 5 后面的文字",
        "前面的文字$，后面的文字",
        "前面的文字\\*，后面的文字",
        "前面的文字\\\n后面的文字后面的文字",
        "前面的文字他/她，后面的文字",
        "前面的文字@某人，后面的文字",
        "前面的文字`没有结束\n\n后面的文字后面的文字",
        "前面的文字[没有结束\n\n后面的文字后面的文字",
        "前面的文字[没有结束\n- 后面的文字后面的文字",
        "前面的文字$x没有结束\n后面的文字后面的文字",
        "前面的文字 ```a``` 后面的文字",
        "```a``` 后面的文字后面的文字",
        "前面的文字[a]: 后面的文字",
        "#后面的文字后面的文字",
        "1.后面的文字后面的文字",
        "-----\n后面的文字后面的文字",
        "> 后面的文字后面的文字",
        "12. 后面的文字后面的文字",
        "-" * 300 + "后面的文字",
    ],
)
@pytest.mark.parametrize("size", [0, 1, 3])
def test_what_only_looks_like_a_construct_closes_nothing(text: str, size: int) -> None:
    assert opened(text, size).endswith("的文字")


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
