"""What the first stage only suspects: held until a second stage was asked, whatever the cuts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.review.combination import MAX_SENTENCE
from proxy.review.doubts import MAX_PASSAGE, Doubts, passages_of, window
from proxy.review.entry import Action, Direction, Entry
from proxy.review.library import Library
from proxy.review.reviewer import SAMPLED, Reviewer
from tests.review.test_reviewer import cuts

OUT = Direction.OUTPUT
Verdict = Callable[[Entry, Sequence[str]], Action]


def entry(pattern: str, action: str = "flag", **fields: object) -> Entry:
    return Entry.from_row({"pattern": pattern, "category": "A.1.f", "action": action, **fields})


def suspected(entry: Entry, action: Action) -> bool:
    return action is Action.FLAG


def by_word(word: str, verdict: Action = Action.BLOCK) -> tuple[Verdict, list[tuple[str, ...]]]:
    """A second stage that confirms what stands beside a word, and what it was asked."""
    asked: list[tuple[str, ...]] = []

    def settle(entry: Entry, passages: Sequence[str]) -> Action:
        asked.append(tuple(passages))
        return verdict if any(word in passage for passage in passages) else Action.LOG

    return settle, asked


def reviewed(library: Library, pieces: Sequence[str], doubts: Doubts) -> tuple[str, Reviewer]:
    reviewer = library.reviewer(OUT, doubts)
    released = "".join([*[reviewer.feed(piece) for piece in pieces], reviewer.flush()])
    assert reviewer.held == 0
    return released, reviewer


HELD = [
    # entries, text, released, (word, action) of each finding, what was asked
    ([entry("甲乙")], "前面。说甲乙吧。后面。", "前面。说甲乙吧。后面。", [("甲乙", "log")], ["说甲乙吧。"]),
    ([entry("甲乙")], "前面。说甲乙，坏。后面。", "前面。说", [("甲乙", "block")], ["说甲乙，坏。"]),
    ([entry("甲乙")], "坏说甲乙", "坏说", [("甲乙", "block")], ["坏说甲乙"]),
    ([entry("甲乙")], "说甲.乙3.14坏吧. 坏", "说", [("甲.乙", "block")], ["说甲.乙3.14坏吧."]),
    (
        [entry("甲乙")],
        "甲乙。甲乙坏。甲乙。",
        "甲乙。",
        [("甲乙", "log"), ("甲乙", "block")],
        ["甲乙。", "甲乙坏。"],
    ),
    ([entry("甲乙"), entry("丙丁", "block")], "说甲乙和丙丁坏。", "说", [("丙丁", "block"), ("甲乙", "flag")], []),
    ([entry("甲乙"), entry("丙丁", "mask")], "丙丁甲乙丙丁。", "＊＊甲乙＊＊。",
     [("丙丁", "mask"), ("丙丁", "mask"), ("甲乙", "log")], ["丙丁甲乙丙丁。"]),
    ([entry("甲乙", "log")], "说甲乙坏。", "说甲乙坏。", [("甲乙", "log")], []),
    ([entry("甲乙", exceptions=["甲乙丙丁"])], "说甲乙丙坏。", "说", [("甲乙", "block")], ["说甲乙丙坏。"]),
    ([entry("应当及市", "block", views=["pinyin"])], "说应当及时坏。", "说", [("应当及时", "block")],
     ["说应当及时坏。"]),
    ([entry("的服务示", "block", views=["pinyin"])], "他的服务时间。", "他的服务时间。", [("的服务时", "log")],
     ["他的服务时间。"]),
    (
        [entry("甲[。]?乙", kind="regex")],
        "说甲。乙坏。好",
        "说",
        [("甲。乙", "block")],
        ["说甲。乙坏。"],
    ),
    (
        [entry("和", kind="combination", combination={"all": ["甲乙", "丙丁"]})],
        "甲乙，丙丁坏。",
        "甲乙，",
        [("丙丁", "block")],
        ["甲乙，丙丁坏。"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "text", "released", "found", "asked"), HELD)
def test_a_suspicion_is_held_until_its_sentence_was_asked_about_at_every_cut(
    entries: list[Entry],
    text: str,
    released: str,
    found: list[tuple[str, str]],
    asked: list[str],
) -> None:
    library = Library.compile(entries)
    for pieces in cuts(text):
        settle, questions = by_word("坏")
        got, reviewer = reviewed(library, pieces, Doubts(suspected, settle))
        assert got == released
        assert [(f.text, str(f.action)) for f in reviewer.findings] == found
        assert questions == [(one,) for one in asked]


def test_a_sentence_that_is_like_an_example_may_have_left_when_it_is_asked_about() -> None:
    library = Library.compile([entry("甲乙丙丁戊己", kind="similar-text")])
    for pieces in cuts("好。甲乙丙丁戊己坏。后"):
        settle, asked = by_word("坏")
        got, reviewer = reviewed(library, pieces, Doubts(suspected, settle))
        assert "好。" <= got <= "好。甲乙丙丁戊己坏。"
        assert [(f.text, str(f.action)) for f in reviewer.findings] == [("甲乙丙丁戊己坏。", "block")]
        assert asked == [("甲乙丙丁戊己坏。",)]


def test_a_sentence_without_end_is_asked_about_after_so_many_characters() -> None:
    text = "甲乙" + "文" * 600
    for pieces in ([text], list(text)):
        settle, asked = by_word("坏")
        reviewer = Library.compile([entry("甲乙")]).reviewer(OUT, Doubts(suspected, settle))
        most = 0
        for piece in pieces:
            reviewer.feed(piece)
            most = max(most, reviewer.held)
        assert most <= MAX_SENTENCE
        assert asked == [(text[:MAX_SENTENCE],)]


def test_the_passage_begins_with_its_sentence_even_where_that_has_left_long_ago() -> None:
    text = "头。" + "文" * 200 + "甲乙尾。" + "又" * 600 + "甲乙。"
    for pieces in ([text], list(text)):
        settle, asked = by_word("坏")
        reviewed(Library.compile([entry("甲乙")]), pieces, Doubts(suspected, settle))
        assert asked == [("文" * 200 + "甲乙尾。",), ("又" * MAX_SENTENCE + "甲乙。",)]


def test_what_is_no_suspicion_leaves_as_before() -> None:
    settle, asked = by_word("坏")
    reviewer = Library.compile([entry("甲乙", category="A.2.a")]).reviewer(
        OUT, Doubts(lambda entry, action: entry.category == "A.1.f", settle)
    )
    assert reviewer.feed("说甲乙坏") + reviewer.flush() == "说甲乙坏"
    assert [str(f.action) for f in reviewer.findings] == ["flag"] and not asked


AT_THE_END = [
    ("前甲乙。后", "前甲乙。后", [("甲乙", "log")], ["前甲乙。后"]),
    ("前甲乙。坏，甲", "前甲乙。坏，甲", [("甲乙", "block")], ["前甲乙。坏，甲"]),
    ("前面", "前面", [], []),
]


@pytest.mark.parametrize(("text", "released", "found", "asked"), AT_THE_END)
def test_a_text_that_is_not_held_is_asked_about_whole_at_its_end(
    text: str, released: str, found: list[tuple[str, str]], asked: list[str]
) -> None:
    library = Library.compile([entry("甲乙")])
    for pieces in cuts(text):
        settle, questions = by_word("坏")
        reviewer = library.reviewer(OUT, Doubts(suspected, settle, holds=False))
        assert "".join(map(reviewer.feed, pieces)) + reviewer.flush() == released
        assert [(f.text, str(f.action)) for f in reviewer.findings] == found
        assert questions == [(one,) for one in asked]
        assert (reviewer.blocked is not None) is ("坏" in text)


@pytest.mark.parametrize("holds", [True, False])
def test_a_text_without_findings_is_asked_about_where_it_is_in_the_sample(holds: bool) -> None:
    asked: list[Sequence[str]] = []

    def sample(passages: Sequence[str]) -> tuple[str, Action] | None:
        asked.append(passages)
        return (
            ("A.1.e", Action.BLOCK if "坏" in passages[0] else Action.FLAG) if "疑" in passages[0] else None
        )

    library = Library.compile([entry("甲乙", "block")])
    doubts = Doubts(suspected, by_word("坏")[0], holds, sample)
    for text, actions in (
        ("好文", []),
        ("疑文", ["flag"]),
        ("疑坏文甲", ["block"]),
        ("甲乙", ["block"]),
        ("", []),
    ):
        asked.clear()
        for pieces in cuts(text):
            got, reviewer = reviewed(library, pieces, doubts)
            assert [str(f.action) for f in reviewer.findings] == actions
            if "疑" in text:
                assert reviewer.findings[0].entry_id == reviewer.findings[0].view == SAMPLED
                assert reviewer.findings[0].category == "A.1.e"
                assert got == ("疑坏文" if "坏" in text else "疑文")
        assert bool(asked) is (text in ("好文", "疑文", "疑坏文甲"))


PIECES = st.lists(
    st.sampled_from(["甲", "乙", "甲乙", "丙", "坏", "。", ". ", "文" * 9, "甲-乙", "\n"]), max_size=60
)


@settings(max_examples=150, deadline=None)
@given(PIECES, st.integers(0, 5))
def test_what_is_released_and_found_depends_on_the_text_alone(pieces: list[str], shift: int) -> None:
    library = Library.compile([entry("甲乙"), entry("乙丙", "block"), entry("丙文", "mask")])
    text = "文" * shift + "".join(pieces)
    results = []
    for way in ([text], list(text), ["文" * shift, *pieces]):
        settle, asked = by_word("坏")
        released, reviewer = reviewed(library, way, Doubts(suspected, settle))
        confirmed = [f for f in reviewer.findings if f.action is Action.BLOCK and f.entry_id != "x"]
        results.append((released, reviewer.findings, asked))
        for finding in confirmed:
            assert len(released) <= finding.start
    assert results[0] == results[1] == results[2]


def test_passages_cover_a_long_text_and_overlap() -> None:
    text = "".join(chr(0x4E00 + at % 5000) for at in range(3 * MAX_PASSAGE))
    passages = passages_of(text)
    assert all(len(passage) <= MAX_PASSAGE for passage in passages)
    assert all(
        any(text[at : at + 300] in passage for passage in passages) for at in range(0, len(text) - 300, 37)
    )
    assert passages_of("短") == ["短"] and passages_of("") == [""]


def test_a_window_is_the_text_around_a_place() -> None:
    assert window("短文", 0, 1) == "短文"
    text = "".join(chr(0x4E00 + at % 5000) for at in range(3 * MAX_PASSAGE))
    for start in (0, 10, 5000, len(text) - 2):
        found = window(text, start, start + 2)
        assert len(found) == MAX_PASSAGE and text[start : start + 2] in found


def test_likeness_compares_with_the_entrys_own_examples_else_with_those_of_its_category() -> None:
    own = entry("甲乙", examples=["怎样在家里自己制作样例物品", "样例物品的制作步骤"], threshold=0.5)
    bare = entry("丙丁")
    other = entry("戊己", category="A.4.a")
    model = entry("如何绕过样例系统的登录检查", kind="similar-text", threshold=0.5)
    library = Library.compile([own, bare, other, model])
    likeness = library.likeness
    assert likeness is library.likeness
    assert likeness.confirms(own, ["请告诉我在家里自己制作样例物品的办法"]) is True
    assert likeness.confirms(own, ["甲乙是一家餐馆", "如何绕过样例系统的登录检查"]) is False
    assert likeness.confirms(bare, ["请问如何绕过样例系统的登录检查呢"]) is True
    assert likeness.confirms(bare, ["怎样在家里自己制作样例物品"]) is False
    assert likeness.confirms(other, ["如何绕过样例系统的登录检查"]) is None


def test_a_library_knows_its_entries_by_id() -> None:
    library = Library.compile([entry("甲乙", id="b"), entry("丙丁", id="a")])
    assert library.entry("b").pattern == "甲乙"
    for unknown in ("aa", "c"):
        with pytest.raises(KeyError):
            library.entry(unknown)
