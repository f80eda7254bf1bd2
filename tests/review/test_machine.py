"""The automaton of a view remembers what it met, and that changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.review import machine
from proxy.review.entry import Action, Direction, Entry
from proxy.review.library import Library
from proxy.review.machine import NODE, State
from tests.review.test_reviewer import cuts, run

ENTRIES = [
    Entry("甲乙丙", "A.1.a", views=("safe", "evasion", "pinyin")),
    Entry("aba", "A.1.a", boundary="none", action={Direction.OUTPUT: Action.MASK}),
    Entry("ab c", "A.1.a", action={Direction.OUTPUT: Action.FLAG}),
    Entry("西安大雁", "A.1.a", views=("pinyin",)),
]
FLAG = {Direction.OUTPUT: Action.FLAG}
TEXT = st.text("甲乙丙abc -西安xian大雁\u200bﬁ@", max_size=30)


def states(start: State) -> list[State]:
    seen, waiting = {id(start): start}, [start]
    while waiting:
        for key, state in waiting.pop().items():
            if key != NODE and id(state) not in seen:
                seen[id(state)] = state
                waiting.append(state)
    return list(seen.values())


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXT, max_size=4), st.integers(1, 40))
def test_forgetting_changes_nothing(texts: list[str], remembered: int) -> None:
    forgetful, fresh = Library.compile(ENTRIES), Library.compile(ENTRIES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "MAX_REMEMBERED", remembered)
        patch.setattr(machine, "MAX_FALLS", remembered // 2)
        got = [run(forgetful, list(text)) for text in texts]
    for text, (released, reviewer) in zip(texts, got, strict=True):
        expected, whole = run(fresh, [text])
        assert (released, reviewer.findings) == (expected, whole.findings)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MAX_REMEMBERED", 50)
    monkeypatch.setattr(machine, "MAX_FALLS", 30)
    library = Library.compile(ENTRIES)
    for code in range(0x4E00, 0x5000):
        run(library, ["甲", chr(code), "乙-", chr(code)])
    for lens in library.lenses(Direction.OUTPUT):
        assert sum(len(state) - 1 for state in states(lens.machine.start)) <= 80


def test_a_stream_goes_on_when_all_was_forgotten() -> None:
    library = Library.compile(ENTRIES)
    reviewer = library.reviewer(Direction.OUTPUT)
    assert reviewer.feed("丁甲乙") == "丁"
    for lens in library.lenses(Direction.OUTPUT):
        lens.machine.forget()
    assert reviewer.feed("丙") == ""
    assert reviewer.blocked


def test_ordinary_text_is_looked_up_and_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library.compile(ENTRIES)
    text = "今天天气很好，我们去公园。"
    run(library, [text])
    monkeypatch.setattr(machine.Machine, "resume", None)
    assert run(library, list(text))[0] == text


def test_what_holds_in_one_view_holds_beside_what_only_lives_in_another() -> None:
    library = Library.compile([
        Entry("甲-乙-丙", "A.1.a", views=("safe",), action={Direction.OUTPUT: Action.FLAG}),
        Entry("乙丁", "A.1.a"),
    ])  # fmt: skip
    for pieces in cuts("甲-乙-丁"):
        assert run(library, pieces)[0] == "甲-"


def test_what_vanishes_in_a_view_holds_nothing_without_end() -> None:
    reviewer = Library.compile(ENTRIES).reviewer(Direction.OUTPUT)
    reviewer.feed("甲")
    for _ in range(3000):
        reviewer.feed("\u200b")
        assert reviewer.held <= machine.MAX_STRETCH + 1
    assert reviewer.held == 0


def test_what_is_found_again_is_remembered_with_what_it_leads_to(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [Entry(pattern, "A.1.f", action=FLAG) for pattern in ("甲乙丙", "乙丙", "乙丁")]
    library = Library.compile(entries)
    text = "丁甲乙丙乙丙乙丁"
    reviewer = library.reviewer(Direction.OUTPUT)
    reviewer.feed(text * 2)
    with monkeypatch.context() as patch:
        patch.setattr(machine, "_Trail", None)  # what reads anew
        reviewer.feed(text)
        lens = library.lenses(Direction.OUTPUT)[0]
        state, _ = lens.machine.advance(lens.machine.start, "甲乙")
        lens.machine.forget()
        with pytest.raises(TypeError):
            lens.machine.advance(state, "丙")
    assert [(f.start, f.text) for f in reviewer.findings] == [
        (at + start, found)
        for at in (0, 8, 16)
        for start, found in ((1, "甲乙丙"), (2, "乙丙"), (4, "乙丙"), (6, "乙丁"))
    ]


@pytest.mark.parametrize(
    ("text", "many"),
    [("希安打", 0), ("西西安打", 1), ("西希-安打-", 1), ("xi安da", 1), ("xian打", 0)],
)
def test_sounds_that_an_entry_has_twice_are_no_match_where_the_text_is_too_short(
    text: str, many: int
) -> None:
    library = Library.compile([Entry("西西安大", "A.1.f", views=("pinyin",), action=FLAG)])
    sounds = next(lens for lens in library.lenses(Direction.OUTPUT) if lens.name == "pinyin").machine
    _, found = sounds.advance(sounds.start, text + "。")
    assert len(found) == many
    spelled = sounds.advance(sounds.start, "西西安大。")[1][0][1].term.folded
    assert sounds.seek(text + "。", [spelled]) == found
