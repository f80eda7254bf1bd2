"""Explicit labels: where they stand at every split, and that what was put in is taken out again exactly."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labelers import explicit
from labelers.blocks import FenceTracker
from labelers.explicit import (
    SUPERSCRIPTS,
    ExplicitLabel,
    Label,
    LabelStrings,
    Text,
    lacks_ai,
    missing_elements,
    names_ai,
    strip_labels,
)

ZH = LabelStrings("【本内容由AI生成】", "（AI生成）", "（以上内容由AI生成）", "本内容由人工智能生成")
EN = LabelStrings(
    "[AI-generated / AI生成]",
    "(AI-generated / AI生成)",
    "(The text above is AI-generated / 以上内容由AI生成)",
    "AI",
)
ODD = LabelStrings("^AI (生成)+ [a-z]*$", "\\d{2} AI|生成?", ".* AI 合成 \\Z", "AI生成")
BOTH = ("start", "end")
ALL = ("start", "inline", "end")
OWN = (ZH.start, ZH.inline, ZH.end)
MARKS = [LabelStrings(mark, mark, mark, ZH.hint) for mark in SUPERSCRIPTS.values()]


def pieces_of(
    pieces: Sequence[str], positions: Sequence[str] = BOTH, strings: LabelStrings = ZH, every: int = 800
) -> tuple[list[tuple[str, str]], ExplicitLabel]:
    """(position, text) of what comes out, "" for generated text, adjacent texts joined; and the label."""
    label = ExplicitLabel(strings, positions, every)
    out: list[tuple[str, str]] = []
    for piece in [p for fed in pieces for p in label.feed(fed)] + list(label.flush()):
        assert piece.text
        if isinstance(piece, Text) and out and out[-1][0] == "":
            out[-1] = ("", out[-1][1] + piece.text)
        else:
            out.append((piece.position if isinstance(piece, Label) else "", piece.text))
    return out, label


def labelled(text: str, positions: Sequence[str] = BOTH, strings: LabelStrings = ZH, every: int = 800) -> str:
    return "".join(part for _, part in pieces_of([text], positions, strings, every)[0])


@pytest.mark.parametrize(
    ("label", "missing"),
    [
        ("【本内容由AI生成】", ()),
        ("人工智能合成", ()),
        ("人工智能生成", ()),
        ("AI 合成", ()),
        ("AIGC生成", ()),
        ("由OpenAI生成", ()),
        ("AI-generated / AI生成", ()),
        ("AI-generated", ("生成 or 合成",)),
        ("AI", ("生成 or 合成",)),
        ("机器生成", ("人工智能 or AI",)),
        ("ai生成", ("人工智能 or AI",)),
        ("EMAIL生成", ("人工智能 or AI",)),
        ("MAIN 合成", ("人工智能 or AI",)),
        ("AIR 合成", ("人工智能 or AI",)),
        ("人工 智能生成", ("人工智能 or AI",)),
        ("", ("人工智能 or AI", "生成 or 合成")),
    ],
)
def test_a_label_in_words_names_ai_and_generation(label: str, missing: tuple[str, ...]) -> None:
    assert missing_elements(label) == missing


@pytest.mark.parametrize(
    ("label", "lacks"),
    [
        *((superscript, False) for superscript in SUPERSCRIPTS.values()),
        ("AI", False),
        ("AIGC", False),
        ("由AI", False),
        ("", True),
        ("ai", True),
        ("人工智能", True),
        ("EMAIL", True),
        ("OpenAI", True),
    ],
)
def test_a_superscript_shows_ai_and_need_not_say_more(label: str, lacks: bool) -> None:
    assert lacks_ai(label) is lacks


@pytest.mark.parametrize(
    ("label", "named"),
    [
        ("[AI-generated]", True),
        ("Fait par une IA", True),
        ("KI-generiert", True),
        ("由AI生成", True),
        ("Erzeugt mit künstlicher Intelligenz", True),
        ("ИИ", True),
        ("generated", False),
        ("MAIL", False),
        ("said", False),
        ("", False),
    ],
)
def test_in_europe_a_label_names_ai_in_any_of_its_languages(label: str, named: bool) -> None:
    assert names_ai(label) is named


S, E, IN = ("start", ZH.start + "\n\n"), ("end", "\n\n" + ZH.end), ("inline", ZH.inline + "\n\n")
P = "一二三四五六七八九十"


def end(closing: str = "") -> tuple[str, str]:
    return "end", closing + "\n\n" + ZH.end


# text, positions, pieces ("" stands for the text itself), skipped
SHAPES: list[tuple[str, tuple[str, ...], list[Any], str]] = [
    ("春江潮水", BOTH, [S, "", E], ""),
    ("春江潮水", ("start",), [S, ""], ""),
    ("春江潮水", ("end",), ["", E], ""),
    ("春江潮水", (), [""], ""),
    ("  \n春", BOTH, [S, "", E], ""),
    ("# 题\n\n文", BOTH, [S, "", E], ""),
    ("- a\n- b", BOTH, [S, "", E], ""),
    # nothing to label
    ("", BOTH, [], "empty"),
    (" \n\t", BOTH, [""], "empty"),
    # ticks and tildes that are no fence
    ("`x` 是", BOTH, [S, "", E], ""),
    ("``", BOTH, [S, "", E], ""),
    ("~约", BOTH, [S, "", E], ""),
    ("``~", BOTH, [S, "", E], ""),
    (" `", ("end",), ["", E], ""),
    # code: no start label, an end label after the block
    ("```py\nx\n```", BOTH, ["", E], "structured"),
    ("```py\nx\n```\n", BOTH, ["", E], "structured"),
    ("```py\nx", BOTH, ["", end("\n```")], "structured"),
    ("```py\nx\n", BOTH, ["", end("```")], "structured"),
    ("\n~~~~\nx", BOTH, ["", end("\n~~~~")], "structured"),
    ("```py\nx\n```", ("end",), ["", E], ""),
    ("春\n```\nx", BOTH, [S, "", end("\n```")], ""),
    ("1. 春\n   ```\n   x", BOTH, [S, "", end("\n   ```")], ""),
    # data: untouched
    ('{"a": 1}', BOTH, [""], "structured"),
    ('{"a": 1}', ("end",), [""], "structured"),
    (' {"a": "x', BOTH, [""], "structured"),
    ("{", BOTH, [""], "structured"),
    ("{}", BOTH, [""], "structured"),
    ('[{"a": 1}, ', BOTH, [""], "structured"),
    ("[1, 2", BOTH, [""], "structured"),
    ("[true, fa", BOTH, [""], "structured"),
    ('{"a": 1}\n{"a": 2}\n', BOTH, [""], "structured"),
    ('{"a": 1}\n{"a": ', BOTH, [""], "structured"),
    ("[" * 5000, BOTH, [""], "structured"),
    ("<div>x</div>\n", BOTH, [""], "structured"),
    # what only opened like data: an end label
    ("[1] 见下文", BOTH, ["", E], "structured"),
    ("[链接](http://a)", BOTH, ["", E], "structured"),
    ("[0-9]+ 是数字", BOTH, ["", E], "structured"),
    ('["引用"] 某人说', BOTH, ["", E], "structured"),
    ("[true story] 如下", BOTH, ["", E], "structured"),
    ("{某某} 你好", BOTH, ["", E], "structured"),
    ('{"a": 1}\n\n以上是结果', BOTH, ["", E], "structured"),
    ("<think>想</think> 答", BOTH, ["", E], "structured"),
    ("<3 你", BOTH, ["", E], "structured"),
    # a text that can carry a label and got none gets the end label
    ("```py\nx\n```", ("start",), ["", E], "structured"),
    ("[1] 见下文", ("start",), ["", E], "structured"),
    ("春江潮水", ("inline",), ["", E], ""),
    ('{"a": 1}', ("inline",), [""], "structured"),
    # inline
    (f"{P}\n\n{P}", ("inline",), [f"{P}\n\n", IN, P], ""),
    (f"{P}\n\n{P}", ALL, [S, f"{P}\n\n", IN, P, E], ""),
    (f"{P}\n\n{P}\n\n", ALL, [S, f"{P}\n\n", IN, f"{P}\n\n", E], ""),
    (f"{P}\n\n1.", ALL, [S, "", E], ""),
    (f"{P}\n\n{P}\n\n{P}", ALL, [S, f"{P}\n\n", IN, f"{P}\n\n", IN, P, E], ""),
    (f"```\n{P}\n\n{P}\n```\n\n{P}\n\n{P}", ALL, [f"```\n{P}\n\n{P}\n```\n\n{P}\n\n", IN, P, E], "structured"),
    (f"[1] {P}\n\n{P}", ALL, ["", E], "structured"),
    (f"{P}\n\n```\n{P}\n\n{P}", ALL, [S, "", end("\n```")], ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "positions", "expected", "skipped"), SHAPES)
def test_every_shape_gives_the_same_pieces_at_every_split(
    text: str, positions: tuple[str, ...], expected: list[Any], skipped: str
) -> None:
    wanted = [part if isinstance(part, tuple) else ("", part or text) for part in expected]
    step = max(1, len(text) // 200)
    for pieces in [[text], list(text), *([text[:at], "", text[at:]] for at in range(0, len(text), step))]:
        out, label = pieces_of(pieces, positions, every=5)
        assert out == wanted
        assert label.skipped == skipped
        assert label.placed == list(dict.fromkeys(position for position, _ in out if position))


def test_a_label_is_never_glued_to_generated_words() -> None:
    label = ExplicitLabel(ZH, BOTH)
    assert label.feed("春") == (Label(ZH.start + "\n\n", "start"), Text("春"))
    assert label.feed("江") == (Text("江"),)
    assert label.feed("") == ()
    assert label.flush() == [Label("\n\n" + ZH.end, "end")]


def test_inline_labels_are_as_far_apart_as_told() -> None:
    text = "\n\n".join(["字" * 98] * 30)
    out, label = pieces_of([text], ("inline",))
    assert [len(part) for position, part in out if not position] == [800, 800, 800, 598]
    assert label.placed == ["inline"]
    out, _ = pieces_of([text], ("inline",), every=1200)
    assert [len(part) for position, part in out if not position] == [1200, 1200, 598]


def test_an_answer_too_long_to_be_judged_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explicit, "MAX_STRUCTURED", 10)
    for pieces in (["[1] 见下文。" * 9], list("[1] 见下文。" * 9)):
        out, label = pieces_of(pieces)
        assert out == [("", "[1] 见下文。" * 9)]
        assert label.skipped == "structured"
    assert pieces_of(["[1] 见下文。"])[0] == [("", "[1] 见下文。"), E]


PIECES = st.sampled_from(
    [
        P,
        "\n",
        "\n\n",
        "\r\n",
        " ",
        "```",
        "~~~",
        "- ",
        "1. ",
        "# ",
        "{",
        "[",
        "<",
        '"a"',
        "}",
        "]",
        ">",
        "|",
        "$$",
        "：",
        "`",
    ]
)


@settings(max_examples=200)
@given(st.lists(PIECES | st.text(max_size=3), max_size=16), st.sets(st.sampled_from(ALL)))
@example(["{", "}"], {"end"})
def test_pieces_do_not_depend_on_the_splits_and_hold_all_of_the_text(
    parts: list[str], positions: set[str]
) -> None:
    text = "".join(parts)
    whole, label = pieces_of([text], tuple(positions), every=12)
    assert "".join(part for position, part in whole if not position) == text
    for pieces in (parts, list(text)):
        out, again = pieces_of(pieces, tuple(positions), every=12)
        assert (out, again.placed, again.skipped) == (whole, label.placed, label.skipped)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_json_objects_and_arrays_are_never_touched(value: Any) -> None:
    text = json.dumps([value], indent=1, ensure_ascii=False)
    assert labelled(text, ALL) == text
    text = json.dumps({"a": value})
    assert labelled(text, ALL) == text
    assert labelled(text[: len(text) // 2], ALL) == text[: len(text) // 2]


# Stripping


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("春江", "春江"),
        (f"{ZH.start}\n\n春江\n\n{ZH.end}", "春江"),
        (f"{ZH.start}\n春江\n{ZH.end}", "春江"),
        (f"{ZH.start}\r\n\r\n春江\r\n\r\n{ZH.end}\r\n", "春江"),
        (f"\n {ZH.start} \n\n春江\n\n\t{ZH.end} \n\n", "春江"),
        # only what came with the label goes with it
        (f"{ZH.start}\n\n\n\n春江 \n\n\n{ZH.end}", "\n\n春江 \n"),
        # piled up
        (f"{ZH.start}\n\n{ZH.start}\n\n春江\n\n{ZH.end}\n\n{ZH.end}", "春江"),
        (f"{ZH.end}\n\n春江\n\n{ZH.start}", "春江"),
        (ZH.start, ""),
        (f"{ZH.start}\n\n{ZH.end}", ""),
        # a sentence that mentions a label, or stands on its line, stays
        (f"{ZH.start} 是标识", f"{ZH.start} 是标识"),
        (f"春江{ZH.end}", f"春江{ZH.end}"),
        (f"请写“{ZH.start}”", f"请写“{ZH.start}”"),
        (f"春\n{ZH.inline}\n江", f"春\n{ZH.inline}\n江"),
        (f"春{ZH.inline}\n\n江", f"春{ZH.inline}\n\n江"),
        # paragraphs of their own
        (f"春\n\n{ZH.inline}\n\n江", "春\n\n江"),
        (f"春\r\n\r\n{ZH.inline}\r\n\r\n江", "春\r\n\r\n江"),
        (f"春\n\n\n{ZH.inline}\n\n\n江", "春\n\n\n\n江"),
        (f"春\n\n{ZH.inline}\n\n{ZH.inline}\n\n江", "春\n\n江"),
        (f"春\n\n{ZH.end}\n\n{ZH.start}\n\n江", "春\n\n江"),
        (f"```\n\n{ZH.inline}\n\n```\n春", f"```\n\n{ZH.inline}\n\n```\n春"),
        (f"春\n\n{ZH.inline}\n江", f"春\n\n{ZH.inline}\n江"),
    ],
)
def test_whole_label_lines_go_and_nothing_else(text: str, expected: str) -> None:
    assert strip_labels(text, OWN) == expected


def test_no_label_is_no_label() -> None:
    for labels in ((), ("",), (" ", "\n")):
        assert strip_labels("\n\n春\n\n江\n\n", labels) == "\n\n春\n\n江\n\n"
    assert strip_labels(f"{ZH.start}\n\n春", ("", f" {ZH.start}\n")) == "春"


def test_the_longest_of_labels_that_begin_alike_is_taken() -> None:
    assert strip_labels("AI生成\n\n春", ("AI", "AI生成")) == "春"
    assert strip_labels("AI生成\n\n春", ("AI生成", "AI")) == "春"
    assert strip_labels("AI生成的\n\n春", ("AI", "AI生成")) == "AI生成的\n\n春"


@pytest.mark.parametrize("strings", [ZH, EN, ODD, *MARKS])
def test_wording_with_characters_of_regular_expressions_works(strings: LabelStrings) -> None:
    text = f"{P}\n\n{P}"
    out = labelled(text, ALL, strings, every=5)
    assert out == f"{strings.start}\n\n{P}\n\n{strings.inline}\n\n{P}\n\n{strings.end}"
    assert strip_labels(out, (strings.start, strings.inline, strings.end)) == text
    assert strip_labels(text, (strings.start, strings.inline, strings.end)) == text


def closed(text: str) -> str:
    """The text, with its fence closed if it leaves one open."""
    fence = FenceTracker()
    fence.feed(text)
    return text + fence.closing()


@settings(max_examples=200)
@given(
    st.text() | st.lists(PIECES, max_size=20).map("".join),
    st.sampled_from([ZH, EN, ODD, *MARKS]),
    st.sets(st.sampled_from(ALL)),
)
@example("春\r", ZH, {"end"})
@example("```\n春", ZH, {"start"})
def test_what_was_put_in_is_taken_out_exactly(text: str, strings: LabelStrings, positions: set[str]) -> None:
    own = (strings.start, strings.inline, strings.end)
    out, label = pieces_of([text], tuple(positions), strings, every=8)
    stripped = strip_labels("".join(part for _, part in out), own)
    assert stripped == (closed(text) if "end" in label.placed else text)
    assert strip_labels(stripped, own) == stripped


@settings(max_examples=200)
@given(st.lists(st.sampled_from([P, "\n", "\n\n", " ", *OWN]), max_size=12))
def test_a_text_that_holds_labels_already_is_stripped_to_the_same_with_and_without_ours(
    parts: list[str],
) -> None:
    text = "".join(parts)
    once = strip_labels(text, OWN)
    assert strip_labels(once, OWN) == once
    again = strip_labels(labelled(text, ALL, every=8), OWN)
    assert again.split() == once.split()  # white space next to a label of the text's own may go with it


def test_twenty_turns_of_history_do_not_grow() -> None:
    text = f"{P}\n\n{P}"
    for _ in range(20):
        text = strip_labels(labelled(text, ALL, every=5), OWN)
    assert text == f"{P}\n\n{P}"
