"""Blocks of a Markdown text that is still being written: open fences, and places between plain paragraphs."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labelers.blocks import Boundaries, FenceTracker


def closing(*pieces: str) -> str:
    fence = FenceTracker()
    for piece in pieces:
        fence.feed(piece)
    return fence.closing()


# The text, and what closes the fence that it leaves open. CommonMark 0.31 §4.5 where not said otherwise.
FENCES = [
    ("", ""),
    ("春江潮水", ""),
    ("```\nx", "\n```"),
    ("```\nx\n", "```"),
    ("```\nx\n```", ""),
    ("```\nx\n```\n春", ""),
    ("~~~\nx", "\n~~~"),
    ("```py title=\"a\"\nx", "\n```"),
    # a closing fence is at least as long, of the same character, and alone on its line
    ("````\n```", "\n````"),
    ("````\n````", ""),
    ("```\n`````", ""),
    ("```\n~~~", "\n```"),
    ("~~~\n```", "\n~~~"),
    ("```\n``", "\n```"),
    ("```\n``` x", "\n```"),
    ("```\n```  \t", ""),
    ("```\r\nx\r\n```\r\n", ""),
    # info strings
    ("``` a`b", ""),
    ("~~~ a`b ~~~\nx", "\n~~~"),
    ("``` a``` b", ""),
    ("``", ""),
    # indentation
    ("   ```\nx", "\n   ```"),
    ("    ```\nx", ""),
    ("\t```\nx", ""),
    ("```\n   ```", ""),
    ("```\n    ```", "\n```"),
    # not at the start of a line
    ("a ```\nx", ""),
    ("a\n```\nx", "\n```"),
    # in a list: the fence is closed as far in as it was opened, and ends with its item
    ("1. x\n   ```py\n   y", "\n   ```"),
    ("- ```py\n  x", "\n  ```"),
    ("- ```py\n  x\n  ```", ""),
    ("- ```py\n  x\n     ```", ""),
    ("- ```py\n\n  x", "\n  ```"),
    ("10. - ~~~\n      x", "\n      ~~~"),
    ("- ```py\nout of the list", ""),
    ("- ```py\n  x\n```\ny", "\n```"),
    # two blocks
    ("```\na\n```\n\n~~~\nb", "\n~~~"),
    # long lines
    ("```" + "i" * 200 + "\nx", "\n```"),
    ("```" + "i" * 200 + "`\nx", ""),
    ("```\n```" + " " * 200 + "x\n", "```"),
    ("字" * 200 + "```\nx", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FENCES)
def test_what_an_open_fence_is_closed_with_at_every_split(text: str, expected: str) -> None:
    assert closing(text) == expected
    assert closing(*text) == expected
    for at in range(len(text)):
        assert closing(text[:at], text[at:]) == expected


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from(["```", "~~~", "`", "\n", "\n", " ", "- ", "1. ", "x", "\r\n", "    "]), max_size=14
    )
)
def test_a_closed_text_leaves_nothing_open(parts: list[str]) -> None:
    text = "".join(parts)
    end = closing(text)
    assert closing(*text) == end
    assert closing(text + end + "\n") == ""


P = "一二三四五六七八九十"  # a plain paragraph


def cut(text: str, every: int = 5, pieces: list[str] | None = None) -> str:
    """The text with | where it was cut."""
    boundaries = Boundaries(every)
    out = ""
    for piece in pieces if pieces is not None else [text]:
        out += "|".join(boundaries.feed(piece))
    return out + boundaries.flush()


# `|` shows where a label is due; a line that must not be parted from the plain one before it has none.
PLACES = [
    f"{P}\n\n|{P}",
    f"{P}\n\n|{P}\n\n|{P}\n",
    f"{P}\n\n\n \n\t\n|{P}",
    f"{P}\r\n\r\n|{P}",
    f"{P}\n{P}\n\n|{P}",
    # the text ends there
    f"{P}\n\n",
    f"{P}\n\n1.",
    f"{P}\n\n**",
    f"{P}\n\n  ",
    # no blank line
    f"{P}\n{P}",
    # headings: before, not after
    f"{P}\n\n|# 题\n\n{P}\n\n|{P}",
    f"{P}\n\n|## 题\n{P}\n\n|{P}",
    f"{P}\n===\n\n{P}\n\n|{P}",
    f"{P}\n---\n\n{P}",
    # what only looks like a list, a rule or a number
    f"{P}\n\n|**重点** 在此",
    f"{P}\n\n|***重点*** 在此",
    f"{P}\n\n|__重点__",
    f"{P}\n\n|-5 度",
    f"{P}\n\n|+1",
    f"{P}\n\n|2025年",
    f"{P}\n\n|2025.5",
    f"{P}\n\n|1234567890. x",
    # lists
    f"{P}\n\n- a\n- b\n\n{P}\n\n|{P}",
    f"{P}\n\n* a\n\n  {P}\n\n  {P}\n\n{P}\n\n|{P}",
    f"{P}\n\n1. a\n\n{P}",
    f"{P}\n\n1) a\nlazy\n\n{P}",
    f"{P}\n\n-\n",
    f"{P}\n- a\n\n{P}",
    # rules
    f"{P}\n\n---\n\n{P}\n\n|{P}",
    f"{P}\n\n* * *\n\n{P}",
    f"{P}\n\n{'-' * 40}\n\n{P}",
    f"{P}\n***\n{P}\n\n|{P}",
    # quotes, tables, indented code
    f"{P}\n\n> a\nlazy\n\n{P}\n\n|{P}",
    f"{P}\n> a\n\n{P}",
    f"{P}\n\n| a | b |\n|---|---|\n\n{P}".replace("|", "¦"),
    f"a ¦ b\n---¦---\n{P} ¦ x\n\n{P}",
    f"{P}\n\n    code\n\n{P}\n\n|{P}",
    f"{P}\n\n\tcode\n\n{P}",
    f"{P}\n\n  {P}\n\n|{P}",
    # code
    f"{P}\n\n```\n{P}\n\n{P}\n```\n\n{P}\n\n|{P}",
    f"{P}\n\n~~~\n{P}\n\n{P}",
    f"{P}\n\n```\nx\n```\n{P}\n\n|{P}",
    f"{P}\n\n```\n<div>$$\n```\n\n{P}\n\n|{P}",
    # HTML
    f"{P}\n\n<div>\n\n{P}\n\n{P}\n\n</div>\n\n{P}\n\n|{P}",
    f"{P}\n\n<DIV class=x>\n\n{P}\n\n{P}\n\n</Div>\n\n{P}\n\n|{P}",
    f"{P}\n\n<br>\n\n{P}\n\n|{P}",
    f"{P}\n\n<!-- a\n\n{P}\n\n{P} -->\n\n{P}\n\n|{P}",
    f"{P}\n\n<div>\n```\n</div>\n\n{P}\n\n|{P}",
    # formulas
    f"{P}\n\n$$\nx\n\n{P}\n\n{P}\n$$\n\n{P}\n\n|{P}",
    f"{P} $$x$$ {P}\n\n{P}\n\n|{P}",
    f"{P}\n\n\\[\n{P}\n\n{P}\n\\]\n\n{P}\n\n|{P}",
    f"{P}\n\n\\begin{{align}}\n{P}\n\n{P}\n\\end{{align}}\n\n{P}\n\n|{P}",
    f"`echo $$` {P}\n\n|{P}",
    f"``a`$$`` {P}\n\n|{P}",
    # a line that introduces what follows, a reference definition
    f"{P}：\n\n{P}\n\n|{P}",
    f"{P}:\n\n{P}",
    f"[^1]: {P}\n\n{P}",
    # an unfinished construct may still become anything
    f"{P}\n\n`x` {P}",
    f"{P}\n\n\\section",
]


@pytest.mark.parametrize("marked", PLACES)
def test_places_between_plain_paragraphs_at_every_split(marked: str) -> None:
    text = marked.replace("|", "").replace("¦", "|")
    expected = marked.replace("¦", "|") if "¦" not in marked else text
    assert cut(text) == expected
    assert cut(text, pieces=list(text)) == expected
    for at in range(len(text)):
        assert cut(text, pieces=[text[:at], "", text[at:]]) == expected


def test_cuts_are_at_least_so_many_characters_apart() -> None:
    text = "\n\n".join(["字" * 8] * 10)
    assert [len(part) for part in cut(text, every=25).split("|")] == [30, 30, 30, 8]
    assert [len(part) for part in cut(text, every=10).split("|")] == [10] * 9 + [8]
    assert [len(part) for part in cut(text, every=11).split("|")] == [20] * 4 + [18]
    assert cut(text, every=99) == text


def test_nothing_is_held_back_except_the_start_of_a_line_where_a_cut_is_due() -> None:
    boundaries = Boundaries(9)
    assert boundaries.feed(P + "\n\n") == [P + "\n\n"]
    assert boundaries.feed("*") == [""]
    assert boundaries.feed("*") == [""]
    assert boundaries.feed("重") == ["", "**重"]
    assert boundaries.feed("点**\n\n12") == ["点**\n\n12"]  # nine are not reached again
    assert boundaries.flush() == ""


PARTS = [
    P,
    "\n\n",
    "\n\n",
    "\n",
    "# ",
    "- ",
    "1. ",
    "12",
    "> ",
    "```",
    "~~~",
    "$$",
    "<div>",
    "</div>",
    "|",
    "  ",
]


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from([*PARTS, "    ", "**", "---", "===", "\r\n", "\\[", "\\]", "：", "<!--", "-->", "`"]),
        max_size=20,
    )
)
@example([P, "\n\n", "12"])
def test_cuts_change_no_character_and_do_not_depend_on_the_splits(parts: list[str]) -> None:
    text = "".join(parts).replace("|", "¦")
    whole = cut(text)
    assert whole.replace("|", "") == text
    assert cut(text, pieces=list(text)) == whole
    assert cut(text, pieces=[part.replace("|", "¦") for part in parts]) == whole
    for before in whole.split("|")[:-1]:
        assert before.endswith("\n")
        assert not before.split("\n")[-2].strip()  # a blank line
