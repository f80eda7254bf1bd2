"""The text on the page: whole, without invisible characters, and marked where something was found."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.detection import Detection, Outcome
from detectors.verdict import judge
from proxy.console import heatmap
from proxy.console.heatmap import Piece, Warm, Warmth, heat_map, places

TEXT = "春江潮水。连海平！\n海上明月"


def found(name: str, *spans: tuple[int, int], outcome: Outcome = Outcome.PRESENT) -> Detection:
    return Detection(name, outcome, "t", spans)


def test_everybody_sees_sentences_and_those_who_are_known_see_characters() -> None:
    report = judge(TEXT, [found("carrier", (1, 3)), found("explicit", (6, 8))])
    assert heat_map(report, exact=False) == [
        Piece("春江潮水。", ("carrier",)),
        Piece("连海平！", ("explicit",)),
        Piece("\n", ()),
        Piece("海上明月", ()),
    ]
    assert heat_map(report, exact=True) == [
        Piece("春", ()),
        Piece("江潮", ("carrier",)),
        Piece("水。连", ()),
        Piece("海平", ("explicit",)),
        Piece("！\n海上明月", ()),
    ]


def test_a_place_where_several_found_something_names_them_all() -> None:
    report = judge(TEXT, [found("carrier", (0, 4)), found("fingerprint", (2, 4)), found("carrier", (2, 3))])
    assert [piece.detectors for piece in heat_map(report, exact=True)] == [
        ("carrier",),
        ("carrier", "fingerprint"),
        ("carrier", "fingerprint"),
        (),
    ]


def test_what_was_not_found_marks_nothing() -> None:
    report = judge(TEXT, [found("carrier", (0, 4), outcome=Outcome.ABSENT)])
    assert heat_map(report, exact=True) == [Piece(TEXT, ())]
    assert places(report) == []


def test_invisible_characters_are_not_shown_but_told_to_those_who_are_known() -> None:
    text = "春\ufe03\ufe04\ufe05江\u200b潮 👩‍💻 é"
    report = judge(text, [found("carrier", (0, 5))])
    assert "".join(piece.text for piece in heat_map(report, exact=False)) == "春江潮 👩‍💻 é"
    assert "".join(piece.text for piece in heat_map(report, exact=True)) == "春◇江◇潮 👩‍💻 é"
    only = judge("\ufe03\ufe04\ufe05", [found("carrier", (0, 3))])
    assert heat_map(only, exact=False) == []


def test_only_the_beginning_of_a_very_long_text_is_shown() -> None:
    text = "春。" * heatmap.MAX_SHOWN
    report = judge(text, [found("carrier", (len(text) - 4, len(text)), (0, 2))])
    pieces = heat_map(report, exact=False)
    assert sum(len(piece.text) for piece in pieces) == heatmap.MAX_SHOWN
    assert pieces[0] == Piece("春。", ("carrier",))


def test_the_places_are_told_in_words() -> None:
    text = "".join(f"第{n}句。" for n in "一二三四五六")
    report = judge(text, [found("carrier", (0, 1), (5, 6), (20, 21)), found("foreign", (9, 10))])
    assert places(report) == [("carrier", [(1, 2), (6, 6)]), ("foreign", [(3, 3)])]


@settings(deadline=None)  # a busy machine is no finding
@given(
    st.text(alphabet="春江。 \n\u200bab", max_size=30),
    st.lists(st.tuples(st.integers(0, 29), st.integers(1, 9)), max_size=5),
    st.booleans(),
)
def test_the_pieces_are_the_text(text: str, raw: list[tuple[int, int]], exact: bool) -> None:
    spans = [(start, min(start + length, len(text))) for start, length in raw if start < len(text)]
    report = judge(text, [found("carrier", *spans)])
    shown = "".join(piece.text for piece in heat_map(report, exact=exact))
    assert shown.replace("◇", "") == text.replace("\u200b", "")


def warmed(*heat: tuple[int, int, float]) -> Detection:
    return Detection("statistical", Outcome.PRESENT, "t", ((0, 14),), heat=heat)


def test_units_are_shown_by_how_they_speak_and_sentences_in_words() -> None:
    report = judge(TEXT, [warmed((0, 1, -2.0), (1, 2, 0.0), (2, 3, 1.0), (5, 6, 3.0), (6, 7, 1.6))])
    assert heatmap.warm_pieces(report) == [
        Warm("春", 0),
        Warm("江", 1),
        Warm("潮", 2),
        Warm("水。", None),
        Warm("连", 3),
        Warm("海", 3),
        Warm("平！\n海上明月", None),
    ]
    assert heatmap.warm_sentences(report) == [Warmth(1, -0.33, 3, 0), Warmth(2, 2.3, 2, 3)]


def test_without_heat_there_is_nothing_to_show() -> None:
    report = judge(TEXT, [found("statistical", (0, 4))])
    assert heatmap.warm_pieces(report) == heatmap.warm_sentences(report) == []


def test_heat_beyond_what_is_shown_or_under_other_heat_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heatmap, "MAX_SHOWN", 5)
    report = judge(TEXT, [warmed((0, 2, 1.0), (1, 3, 1.0), (6, 7, 1.0))])
    assert heatmap.warm_pieces(report) == [Warm("春江", 2), Warm("潮水。", None)]
