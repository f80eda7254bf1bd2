"""Long texts are sifted before they are read, and that changes nothing."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.review import shadows, sieve
from proxy.review.entry import Action, Direction, Entry, EntryError
from proxy.review.library import Library
from proxy.review.machine import NODE, Machine
from proxy.review.reviewer import Finding
from proxy.review.sieve import Sieve, Stretch
from tests.review.test_leaks import bench

OUT = Direction.OUTPUT
FLAG = dict.fromkeys(Direction, Action.FLAG)
VIEWS = [("safe",), ("safe", "evasion"), ("safe", "evasion", "pinyin"), ("raw",), ("evasion",), ("pinyin",)]
# Words that share letters, double them, hold symbols, ends of sentences and what becomes several letters.
WORDS = ["甲乙丙", "乙乙丙", "甲", "ab", "abba", "l@b", "hi!", "甲，乙", "a b", "@ab", "$甲乙", "f-a", "西安大雁", "世界!ab",
         "大雁塔西", "가나", "測試甲", "ﬁa", "...甲", "ＡＢ甲", "a\nb", "孑甲乙", "西西安大", "塔安安"]  # fmt: skip
LETTERS = "甲乙丙abifl1@$!！。，,\n\u200b\u0301-· ﬁ…⑩①가ㄱÀＡ西安大雁塔測试xiandayt了一孑ß㈠\U000e0020\U0001f170\ud800"
PIECES = [
    *LETTERS,
    "甲乙丙",
    "a-b",
    "xian",
    "dayan",
    "西安大雁",
    "da yan ta",
    "x-i-a-n",
    "d a·",
    "y·a-n",
    "希西西安安打大",
    "他安按案",
    "xixian",
    "。",
    "，",
    "\n",
    "abba",
    "乙乙丙",
    "测试甲",
    "hi!",
    "甲，乙",
]

ENTRIES = st.builds(
    lambda pattern, views, action, gap, boundary, phrases: Entry.from_row({
        "pattern": pattern, "category": "A.1.a", "views": views, "action": action, "gap": gap, "boundary": boundary,
        "exceptions": [before + pattern + after for before, after in phrases],
    }),
    st.sampled_from(WORDS), st.sampled_from(VIEWS), st.sampled_from(["flag", "flag", "log", "mask", "replace", "block"]),
    st.integers(0, 3), st.sampled_from(["auto", "none"]),
    st.lists(st.tuples(st.sampled_from(["", "三", "a"]), st.sampled_from(["", "b", "。"])), max_size=1),
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


def outcome(library: Library, pieces: list[str]) -> tuple[list[str], list[Finding], int]:
    reviewer = library.reviewer(OUT)
    released = [reviewer.feed(piece) for piece in pieces]
    held = reviewer.held
    return [*released, reviewer.flush()], reviewer.findings, held


def both(library: Library, pieces: list[str], piece: int) -> tuple[object, object]:
    """What is found by sifting all that can be sifted, and by sifting nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sieve, "PIECE", piece)
        patch.setattr(sieve, "LONG", 1)
        sifted = outcome(library, pieces)
        patch.setattr(sieve, "LONG", 1 << 30)
        return sifted, outcome(library, pieces)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(ENTRIES, min_size=1, max_size=5, unique_by=lambda e: e.id),
    st.lists(TEXTS, max_size=3),
    st.integers(1, 50),
)
def test_sifting_changes_nothing(entries: list[Entry], pieces: list[str], piece: int) -> None:
    try:
        library = Library.compile(entries)
    except ValueError:  # nothing is left of it in that view
        return
    sifted, read = both(library, pieces, piece)
    assert sifted == read


def test_sifting_changes_nothing_for_any_kind_of_entry() -> None:
    made, chance = bench(), random.Random(8)
    for _ in range(20):
        library, words = made.library(chance)
        for _ in range(6):
            text = "".join(made.text_of(words, chance) + chance.choice("。\n! ，") for _ in range(4))
            cut = chance.randint(0, len(text))
            for pieces in ([text], [text[:cut], text[cut:]]):
                sifted, read = both(library, pieces, 30)
                assert sifted == read


def test_ordinary_text_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library.compile(
        [Entry("西安大雁塔", "A.1.a", views=VIEWS[2]), Entry("forbidden", "A.1.a", views=VIEWS[2])]
    )
    reviewer = library.reviewer(OUT)
    monkeypatch.setattr(Machine, "resume", None)
    monkeypatch.setattr(Machine, "seek", None)
    text = "今天天气很好，我们去公园。Every word goes out at once, my dear!\n" * 100
    assert reviewer.feed(text) == text


def test_a_word_with_doubled_letters_is_suspected_only_where_they_are_doubled() -> None:
    library = Library.compile(
        [Entry(word, "A.1.a", views=VIEWS[1], action=FLAG) for word in ("甲甲乙丙", "allow")]
    )
    letters = library.lenses(OUT)[0].sieve
    assert letters is not None
    assert letters.stretches("丁甲乙丙，丁。a low wall。", fresh=True) == [Stretch(18, 18)]
    hidden = ["甲甲乙丙", "甲-甲乙丙", "a-l-l-o-w"]
    assert [
        f.text for f in library.review("".join(f"好，{text}。" for text in hidden * 20), OUT)
    ] == hidden * 20


@pytest.mark.parametrize("piece", [3, 24, 1 << 16])
def test_sounds_that_a_word_has_twice_are_looked_for_only_where_the_text_has_them_twice(piece: int) -> None:
    library = Library.compile(
        [Entry(word, "A.1.a", views=("pinyin",), action=FLAG) for word in ("西西安大雁", "谢谢大家早上好")]
    )
    sounds = next(lens.sieve for lens in library.lenses(OUT) if lens.name == "pinyin")
    assert sounds is not None
    assert sounds.stretches("希安打雁，丁。", fresh=True) == [Stretch(7, 7)]
    hidden = ["希西安打雁", "希希西安打雁", "希-西-安-打-雁"]
    shown = ["希安打雁", "安西西打雁", "西西按", "丁丁"]
    text = "".join(f"好，{one}。" for one in [*hidden, *shown, *hidden]) + "好丁丁希西安打雁。"
    sifted, read = both(library, [text], piece)
    assert sifted == read
    assert [f.text for f in library.review(text, OUT)] == [*hidden, *hidden, hidden[0]]


def test_words_of_letters_that_stand_apart_are_remembered_up_to_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shadows, "_MAX_WORDS", 2)
    library = Library.compile([Entry("西安大雁", "A.1.a", views=("pinyin",), action=FLAG)])
    text = "".join(f"，x-{one}-a-n大雁。q {one} q。" for one in "iuioiui")
    sifted, read = both(library, [text], 1 << 16)
    assert sifted == read
    assert [f.text for f in library.review(text, OUT)] == ["x-i-a-n大雁"] * 4


def test_a_match_in_a_long_text_is_found_where_it_stands() -> None:
    library = Library.compile([Entry.from_row(
        {"pattern": "西安大雁塔", "category": "A.1.a", "views": VIEWS[2], "action": "flag"})])  # fmt: skip
    filling = "今天天气很好。" * 5000
    hidden = ["西安大雁塔", "西-安·大雁塔", "希按打宴他", "xi an dayanta", "西an大雁塔"]
    findings = library.review(filling.join(["", *hidden, ""]), OUT)
    assert [finding.text for finding in findings] == hidden
    assert [finding.view for finding in findings] == ["safe", "evasion", "pinyin", "pinyin", "pinyin"]
    assert [finding.start for finding in findings] == [
        len(filling) * (n + 1) + sum(map(len, hidden[:n])) for n in range(len(hidden))
    ]


def test_a_long_text_without_a_stop_is_read() -> None:
    library = Library.compile([Entry("甲乙丙", "A.1.a", views=VIEWS[2])])
    released = library.reviewer(OUT).feed("丁" * 40_000 + "甲乙丙" + "丁" * 40_000 + "。" + "丁" * 600)
    assert released == "丁" * 40_000


def test_what_vanishes_spans_no_more_in_long_texts() -> None:
    library = Library.compile([Entry("甲乙丙", "A.1.a", views=VIEWS[2])])
    for blanks, found in ((1000, 1), (1100, 0)):
        text = "开头。甲乙" + "\u200b" * blanks + "丙。"
        assert len(library.review(text, OUT)) == found
        sifted, read = both(library, [text], 1 << 14)
        assert sifted == read


def test_after_a_stop_every_view_is_at_its_start() -> None:
    library = Library.compile([Entry("甲乙丙ab", "A.1.a", views=VIEWS[2]), Entry("甲，乙", "A.1.a")])
    for lens in library.lenses(OUT):
        assert lens.sieve is not None
        stops = lens.sieve._shadow.stops
        assert "。" in stops and ("，" in stops) == (lens.name == "pinyin")
        for stop in stops:
            for before in ("", "甲乙", "甲-", "xi", "a", "ab!", "甲，", "\u200b"):
                state, _ = lens.machine.advance(lens.machine.start, before + stop)
                assert state is lens.machine.start, (lens.name, before, stop, state[NODE].chain)


def test_entries_that_cast_no_shadow_or_hold_every_stop_are_read_for() -> None:
    everything = "".join(sorted(sieve.sentence_ends(Library.compile([]).tables)))
    for pattern in ("***", everything):
        library = Library.compile([Entry(pattern, "A.1.a", views=("safe",)), Entry("甲乙丙", "A.1.a")])
        assert {lens.sieve for lens in library.lenses(OUT)} == {None}
        assert [f.text for f in library.review("好。" * 400 + "甲乙丙", OUT)] == ["甲乙丙"]


def test_a_stretch_is_from_the_present_state_or_from_the_start() -> None:
    library = Library.compile([Entry("甲乙丙", "A.1.a", views=("safe",))])
    only = library.lenses(OUT)[0].sieve
    assert isinstance(only, Sieve)
    assert only.stretches("丁甲乙丙。丁。丁", fresh=True) == [Stretch(0, 4, ("甲乙丙",)), Stretch(7, 8)]
    assert only.stretches("丁甲乙丙。丁。丁", fresh=False) == [Stretch(0, 5), Stretch(7, 8)]
    assert only.stretches("丁。丁甲-乙丙。", fresh=False) == [
        Stretch(0, 2),
        Stretch(2, 7, ("甲乙丙",)),
        Stretch(8, 8),
    ]
    assert only.stretches("丁丁", fresh=True) == [Stretch(0, 2)]


TAILS = st.lists(
    st.sampled_from([*"女子好木林甲乙丙西希安按大打雁塔他", "女子", "甲乙", "西安大", "希希", "a", "-"]),
    max_size=14,
).map("".join)


@given(st.lists(st.sampled_from(["甲乙丙", "女甲好乙", "好甲", "甲乙乙丙", "丁林甲乙", "西安大雁", "安安大雁", "大雁塔塔", "西安按他", "他甲林", "甲@乙丙丁"]),
                min_size=1, max_size=4, unique=True), st.sampled_from(VIEWS), TAILS, TAILS)  # fmt: skip
@example(["西安大雁塔塔"], VIEWS[2], "今我这西安大雁", "塔塔。")
@example(["甲乙丙!丁戊己庚辛"], VIEWS[0], "今我这甲乙丙!丁戊己庚", "辛。")
@settings(deadline=None, max_examples=400)
def test_what_stands_behind_the_last_stop_leads_on_as_if_all_of_it_was_read(
    patterns: list[str], views: tuple[str, ...], tail: str, more: str
) -> None:
    """The very same state, wherever reading began; and what follows is found."""
    library = Library.compile([Entry(pattern, "A.1.a", views=views, action=FLAG) for pattern in patterns])
    text = "好，丁。" + tail
    for lens in library.lenses(OUT):
        assert lens.sieve is not None
        start, end, *_ = lens.sieve.stretches(text, fresh=True)[-1]
        whole, _ = lens.machine.advance(lens.machine.start, text)
        assert end == len(text) and lens.machine.advance(lens.machine.start, text[start:])[0] is whole
    sifted, read = both(library, [text, more], 1 << 16)
    assert sifted == read


def test_of_what_stands_behind_the_last_stop_the_end_is_read() -> None:
    library = Library.compile(
        [Entry(pattern, "A.1.a", views=VIEWS[2]) for pattern in ("甲乙丙丁", "好甲乙丙")]
    )
    where = {
        "丁" * 40: 0, "今我这有在不了的说": 6, "今我这有甲乙丙了的说": 4, "今我这女子在不了的说": 1, "今我这有在不了的说a": 0, "今我这有在-不了的说": 7, "a今我-这 有xi在不": 2, "甲乙丙丁了的说": 0,
    }  # fmt: skip
    for tail, at in where.items():
        for lens in library.lenses(OUT)[:2]:
            assert lens.sieve is not None
            assert lens.sieve.stretches("好。" + tail, fresh=True) == [Stretch(2 + at, 2 + len(tail))], tail


@given(st.lists(st.text("女子好木林王弄他也人 -!aA", min_size=2, max_size=5), min_size=1, max_size=4),
       st.lists(st.text("女子好木林王弄他也人 -。，!aA", max_size=12), max_size=12))  # fmt: skip
@example(["也AA"], ["也A!A", ""])
@example(["也AA"], ["也A!!A也A@ﬁ$A也a-@a"])
@settings(deadline=None, max_examples=300)
def test_characters_written_as_two_are_found_in_long_texts(patterns: list[str], pieces: list[str]) -> None:
    entries = {e.id: e for p in patterns if (e := Entry(p, "A.1.a", views=VIEWS[1], action=FLAG))}
    try:
        library = Library.compile(entries.values())
    except EntryError:
        return
    sifted, read = both(library, ["。".join(pieces)], 8)
    assert sifted == read


def test_what_sounds_like_a_word_stands_unread_as_it_stands_when_it_is_read() -> None:
    rows = [("大雁塔", ()), ("测试甲", ("大测试甲",)), ("应当及市", ()), ("西安大雁", ())]
    library = Library.compile([
        Entry.from_row({"pattern": pattern, "category": "A.1.a", "views": VIEWS[2], "action": "mask", "exceptions": phrases})
        for pattern, phrases in rows
    ])  # fmt: skip
    text = "".join(f"好，{one}，丁。" for one in ("打宴他", "侧是佳", "大侧是佳", "应当及时", "希按打宴") * 9)
    sifted, read = both(library, [text], 1 << 16)
    assert sifted == read
    found = library.review(text, OUT)
    assert Counter((f.text, f.action) for f in found) == {
        ("打宴他", Action.FLAG): 9, ("侧是佳", Action.FLAG): 9, ("应当及时", Action.FLAG): 9, ("希按打宴", Action.MASK): 9,
    }  # fmt: skip


@pytest.mark.parametrize("many", [1, 2, 12, 13, 14, 15, 16, 17, 18, 30, 31, 32, 33, 34])
@pytest.mark.parametrize("patterns", [["西安大雁"], ["西安大雁", "西安安大雁"], ["安大雁塔", "安安大雁塔"]])
def test_a_sound_may_be_said_as_often_as_when_it_is_read(patterns: list[str], many: int) -> None:
    """A second word of the same sounds needs one of them twice, and the text may have it once."""
    library = Library.compile([Entry(one, "A.1.a", views=VIEWS[2], action=FLAG) for one in patterns])
    for spelt in ("安", "按", "安按"):
        text = f"好。西{spelt * many}大雁塔。"
        sifted, read = both(library, [text], 1 << 16)
        assert sifted == read


@pytest.mark.parametrize("at", range(7))
def test_a_character_written_as_two_is_found_wherever_in_a_word_it_stands(at: int) -> None:
    word, written = ("甲乙丙丁戊己庚"[:at] + one + "甲乙丙丁戊己庚"[at + 1 :] for one in ("好", "女子"))
    library = Library.compile([Entry(word, "A.1.a", views=VIEWS[1], action=FLAG)])
    sifted, read = both(library, [f"他说。这{written}。他说。"], 1 << 16)
    assert sifted == read
    assert [one.text for one in library.review(f"这{written}。", OUT)] == [written]
