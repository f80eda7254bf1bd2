"""Explicit labels are read where labels stand: own wording on a line, anyone's on a short line or in brackets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.detection import Outcome
from detectors.explicit import ExplicitDetector

OWN = ("【本内容由AI生成】", "（AI生成）", "AI")


def seen(text: str, own: tuple[str, ...] = OWN) -> tuple[str, list[str]]:
    """Whose label, and what it says."""
    found = ExplicitDetector(own).detect(text)
    assert found.detector == "explicit"
    assert found.provenance is None
    assert found.detail
    if found.outcome is Outcome.ABSENT:
        assert found.spans == ()
        return "", []
    assert found.outcome is Outcome.PRESENT
    whose = "own" if "this service" in found.technique else "other"
    return whose, [text[start:end] for start, end in found.spans]


@pytest.mark.parametrize(
    "text",
    [
        "【本内容由AI生成】\n\n春",
        "春\n\n【本内容由AI生成】",
        "春\n  【本内容由AI生成】\t\n江",
        "春\r\n【本内容由AI生成】\r\n",
        "【本内容由AI生成】",
    ],
)
def test_a_line_of_our_wording_is_ours(text: str) -> None:
    assert seen(text) == ("own", ["【本内容由AI生成】"])


def test_every_line_of_ours_is_told_in_order() -> None:
    assert seen("（AI生成）\n春\nAI\n（AI生成）") == ("own", ["（AI生成）", "AI", "（AI生成）"])
    assert ExplicitDetector(OWN).own_spans("春\nAI\n") == [(2, 4)]


def test_a_sentence_that_holds_our_wording_is_not_our_line() -> None:
    assert seen("AI is a word", ("AI",)) == ("", [])
    assert seen("他说：【本内容由AI生成】是标识") == ("", [])


def test_empty_wording_is_no_label() -> None:
    assert seen("春\n\n江\n", ("", " ")) == ("", [])


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("本文由人工智能生成\n\n春", "本文由人工智能生成"),
        ("春\n\n  内容由AI合成。", "内容由AI合成。"),
        (
            "（本文由AI生成）春天来了，江水涨了，花也开了，鸟也叫了，人也出来了，大家都很高兴，都去江边看花。",
            "（本文由AI生成）",
        ),
        (
            "春天来了，江水涨了，花也开了，鸟也叫了，人也出来了，大家都很高兴，都去江边看花。[AI 生成]",
            "[AI 生成]",
        ),
        ("“春”〔人工智能合成〕", "〔人工智能合成〕"),
        ("《AI生成》", "《AI生成》"),
        ("「AI生成」 x", "「AI生成」"),
    ],
)
def test_a_label_of_others_is_a_short_line_or_stands_in_brackets_at_an_edge(text: str, label: str) -> None:
    assert seen(text) == ("other", [label])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "春江潮水连海平",
        "生成式模型",
        "人工智能",
        "这个 EMAIL 是自动生成的",
        "你用AI生成过图片吗？",
        "Can AI生成 text?",
        "# AI生成内容的未来",
        "| AI生成 | 人工 |",
        "[AI生成工具](https://example.org) 很好用，大家都在用，有人用它写诗，有人用它画画，还有人用它做饭，什么都行。",
        "最近有很多人在讨论，AI生成的文章到底能不能算是作品，这个问题法院也有过一些判决，但是说法不一，值得关注。",
        "很多人在讨论（AI生成的文章）到底能不能算是作品，这个问题法院也有过一些判决，但是说法不一，还值得关注。",
    ],
)
def test_talk_about_ai_text_is_no_label(text: str) -> None:
    assert seen(text) == ("", [])


def test_our_own_wording_comes_before_that_of_others() -> None:
    assert seen("本文由人工智能生成\n（AI生成）") == ("own", ["（AI生成）"])


@given(st.text(alphabet="AI生成 人工智能合【】()\n？#", max_size=80))
def test_spans_lie_in_the_text_in_order_and_hold_no_white_space_at_their_edges(text: str) -> None:
    at = 0
    for start, end in ExplicitDetector(OWN).detect(text).spans:
        assert at <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        at = end
