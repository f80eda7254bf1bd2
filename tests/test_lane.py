"""One choice's path: review, then the mark, then the label; a block is a piece like any other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelers.explicit import ExplicitLabel, Label, LabelStrings, Text
from proxy.lane import Lane, Piece, Refusal
from proxy.review.entry import Direction
from proxy.review.library import Library
from proxy.review.reviewer import Finding
from tests.helpers import keyword

STRINGS = LabelStrings("[AI生成]", "(AI生成)", "(AI生成。)", "AI生成")
START, END = "[AI生成]\n\n", "\n\n(AI生成。)"
LIBRARY = Library.compile(
    [keyword("违禁甲乙丙"), keyword("zzword"), keyword("换成", action={"input": "log", "output": "mask"})]
)
FINDING = Finding("e", "A.1.a", 3, keyword("x").action[Direction.OUTPUT], "safe", 0, 1, "x")


class Upper:
    """A mark that can be seen: upper case, one character late."""

    def __init__(self) -> None:
        self._last = ""

    def feed(self, text: str) -> str:
        text, self._last = (self._last + text)[:-1], (self._last + text)[-1:]
        return text.upper()

    def flush(self) -> str:
        return self._last.upper()


def lane(*, review: bool = True, mark: bool = False, label: bool = True, echo: str = "") -> Lane:
    return Lane(
        LIBRARY.reviewer(Direction.OUTPUT) if review else None,
        lambda finding: f"no {finding.category}",
        Upper() if mark else None,
        ExplicitLabel(STRINGS, ("start", "end")) if label else None,
        "id",
        echo,
    )


def run(made: Lane, pieces: Sequence[str]) -> list[Piece]:
    """What comes out, adjacent texts joined."""
    out: list[Piece] = []
    for piece in [p for text in pieces for p in made.feed(text)] + list(made.flush()):
        if isinstance(piece, Text) and out and isinstance(out[-1], Text):
            out[-1] = Text(out[-1].text + piece.text)
        else:
            out.append(piece)
    return out


def splits(text: str) -> list[list[str]]:
    return [[text], list(text), *([text[:at], "", text[at:]] for at in range(len(text)))]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("ab", {}, [Label(START, "start"), Text("ab"), Label(END, "end")]),
        ("ab", {"mark": True}, [Label(START, "start"), Text("AB"), Label(END, "end")]),
        ("ab", {"review": False, "label": False}, [Text("ab")]),
        ("ab", {"review": False, "label": False, "mark": True}, [Text("AB")]),
        ("", {}, []),
        ("", {"label": False, "mark": True}, []),
        # the operator's refusal is neither marked nor labelled; what was generated before it is closed first
        ("a违禁甲乙丙b", {"mark": True}, [Label(START, "start"), Text("A"), Label(END, "end"), Refusal("no A.1.a", len(START), True)]),
        ("a违禁甲乙丙b", {"label": False}, [Text("a"), Refusal("no A.1.a", 0, True)]),
        ("违禁甲乙丙b", {}, [Refusal("no A.1.a", 0, False)]),
        ("违禁甲乙丙", {"mark": True}, [Refusal("no A.1.a", 0, False)]),
        # a word is only known at its end
        ("a zzword", {}, [Label(START, "start"), Text("a "), Label(END, "end"), Refusal("no A.1.a", len(START), True)]),
        # what only began like a finding comes out at the end
        ("a违禁", {}, [Label(START, "start"), Text("a违禁"), Label(END, "end")]),
        ("a换成", {}, [Label(START, "start"), Text("a＊＊"), Label(END, "end")]),
    ],
)  # fmt: skip
def test_pieces_at_every_split(text: str, options: dict[str, Any], expected: list[Piece]) -> None:
    for pieces in splits(text):
        made = lane(**options)
        assert run(made, pieces) == expected
        assert made.ended
        assert (made.blocked is not None) == isinstance(expected[-1] if expected else None, Refusal)


def test_generated_is_what_was_released_before_marks_and_labels() -> None:
    made = lane(mark=True)
    run(made, ["ab换", "成c违禁甲乙丙d"])
    assert "".join(made.generated) == "ab＊＊c"
    assert made.rewritten
    assert [f.category for f in made.findings] == ["A.1.a", "A.1.a"]
    assert made.content_id == "id"
    assert made.label is not None and made.label.placed == ["start", "end"]


def test_without_review_nothing_is_found() -> None:
    made = lane(review=False)
    assert [type(p) for p in run(made, ["违禁甲乙丙"])] == [Label, Text, Label]
    assert (made.findings, made.rewritten, made.blocked) == ((), False, None)


def test_after_its_end_a_lane_is_dead() -> None:
    ends: list[Callable[[Lane], object]] = [
        lambda made: made.feed("违禁甲乙丙"),
        lambda made: made.flush(),
        lambda made: made.block(FINDING),
    ]
    for end in ends:
        made = lane()
        made.feed("a")
        end(made)
        assert (made.feed("b"), made.flush(), made.block(FINDING)) == ((), (), ())


@pytest.mark.parametrize(
    ("text", "options", "expected", "generated"),
    [
        # the caller's own text is neither marked nor labelled; the label follows it
        ("请写xy", {"mark": True}, [Text("请写"), Label("\n\n" + START, "start"), Text("XY"), Label(END, "end")], "xy"),
        ("请写xy", {"label": False}, [Text("请写xy")], "xy"),
        ("请写", {}, [Text("请写")], ""),
        # not the echo: all of it is generated
        ("请看xy", {}, [Label(START, "start"), Text("请看xy"), Label(END, "end")], "请看xy"),
        ("请", {}, [Label(START, "start"), Text("请"), Label(END, "end")], "请"),
        ("", {}, [], ""),
        # reviewed like the rest
        ("请写x违禁甲乙丙", {}, [Text("请写"), Label("\n\n" + START, "start"), Text("x"), Label(END, "end"), Refusal("no A.1.a", len("请写\n\n" + START), True)], "x"),
        ("请写违禁甲乙丙", {}, [Text("请写"), Refusal("no A.1.a", 0, False)], ""),
    ],
)  # fmt: skip
def test_an_echo_of_the_callers_text_is_not_generated(
    text: str, options: dict[str, Any], expected: list[Piece], generated: str
) -> None:
    for pieces in splits(text):
        made = lane(echo="请写", **options)
        assert run(made, pieces) == expected
        assert "".join(made.generated) == generated


def test_a_block_from_another_channel_ends_this_one() -> None:
    made = lane(mark=True)
    made.feed("ab违禁")
    assert made.block(FINDING) == [
        Text("B违"), Text("禁"), Label(END, "end"), Refusal("no A.1.a", len(START), True),
    ]  # fmt: skip
    assert made.blocked is FINDING
    fresh = lane()
    assert fresh.block(FINDING) == [Refusal("no A.1.a", 0, False)]
    unreviewed = lane(review=False, label=False)
    unreviewed.feed("ab")
    assert unreviewed.block(FINDING) == [Refusal("no A.1.a", 0, True)]


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from(["违", "禁", "甲乙", "丙", "换", "成", "a", "\n", "```", "{", " "]), max_size=14
    ),
    st.booleans(),
)
def test_pieces_do_not_depend_on_the_splits(parts: list[str], mark: bool) -> None:
    whole = run(lane(mark=mark), ["".join(parts)])
    assert run(lane(mark=mark), parts) == whole
    text = "".join(p.text for p in whole)
    assert "违禁甲乙丙" not in text
    for piece in whole:
        if isinstance(piece, Refusal) and piece.partial:
            before = "".join(p.text for p in whole[: whole.index(piece)])
            first = next(p for p in whole if isinstance(p, Text))
            assert before[piece.from_char :].startswith(first.text)


def test_the_counts_tell_what_labels_and_marks_added() -> None:
    made = lane(echo="问")
    run(made, ["问", "答案换成的字"])
    assert made.counts == {"generated": 6, "labels": len(START) + len(END) + 2, "marks": 0}
    plain = Lane(None, str, _Doubling())
    run(plain, ["ab", "c"])
    assert plain.counts == {"generated": 3, "labels": 0, "marks": 3}


class _Doubling:
    """A mark that is a full stop behind every character."""

    def feed(self, text: str) -> str:
        return "".join(character + "." for character in text)

    def flush(self) -> str:
        return ""


def test_findings_of_all_texts_of_a_choice_are_its_findings_once() -> None:
    made, beside = lane(), lane(label=False)
    made.beside.append(beside)
    run(made, ["换成"])
    run(beside, ["换成", "违禁甲乙丙"])
    assert beside.blocked is not None
    made.elsewhere.append(FINDING)
    made.block(beside.blocked)
    assert [f.text for f in made.all_findings] == ["换成", "换成", "违禁甲乙丙", "x"]
    other = lane()
    other.block(FINDING)
    assert other.all_findings == [FINDING]


def test_a_lane_tells_how_much_it_holds_back() -> None:
    library = Library.compile([keyword("甲乙丙丁")])
    lane = Lane(library.reviewer(Direction.OUTPUT), lambda finding: "No.")
    lane.feed("天甲乙")
    assert lane.held == 2
    assert Lane(None, lambda finding: "No.").held == 0


def test_what_is_held_back_can_be_asked() -> None:
    made = lane()
    made.feed("好违禁甲")
    assert made.held == 3
    assert lane(review=False).held == 0


class _AtTheEnd:
    """A scheme that keeps its clause until the text has ended."""

    def __init__(self) -> None:
        self._kept = ""

    def feed(self, text: str) -> str:
        self._kept += text
        return ""

    def flush(self) -> str:
        return self._kept


def test_what_a_rewording_scheme_releases_at_the_end_is_reviewed_first() -> None:
    made = Lane(
        LIBRARY.reviewer(Direction.OUTPUT),
        lambda finding: "no",
        None,
        ExplicitLabel(STRINGS, ("start", "end")),
        "id",
        rewording=_AtTheEnd(),
    )
    assert made.feed("好违禁甲乙丙后") == ()
    assert [type(piece).__name__ for piece in made.flush()] == ["Label", "Text", "Label", "Refusal"]
    assert made.blocked is not None
    assert "".join(made.generated) == "好"
