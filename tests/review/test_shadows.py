"""What is left of a text in its shadow."""

from __future__ import annotations

import re

import pytest

from proxy.review.shadows import SUSPECT, LetterShadow, Shadow, SoundShadow, sentence_ends
from proxy.review.syllables import syllables
from proxy.review.tables import builtin_tables

TABLES = builtin_tables()
LETTERS, SOUNDS = LetterShadow(TABLES), SoundShadow(TABLES)


def cast(shadow: Shadow, text: str) -> str:
    return shadow.cast(text, shadow.mapped(text)).codes.tobytes().decode("utf-32-le")


@pytest.mark.parametrize(
    ("text", "shadow"),
    [
        ("測-试 　甲", "测试甲"), ("甲甲乙\u200b乙", "甲乙"), ("ＨＥllo", "heio"), ("h3110", "heio"), ("甲。。乙，", "甲\n\n乙\n"),
        ("t@sk 甲@ \u200b@", "task甲a"), ("甲\U000e0020$乙", "甲乙"), ("a!甲!b！", "ai甲\x02b\x02"), ("@@", "a"),
        ("ﬁ…⑩㈠a", "fio一a"), ("가", "\u1100\u1161"), ("㈠@", "一a"), ("\ud800甲", "甲"), ("\x03\x05甲", "甲"), ("", ""),
    ],
)  # fmt: skip
def test_letters_stay_once_and_symbols_go(text: str, shadow: str) -> None:
    assert cast(LETTERS, text) == shadow


@pytest.mark.parametrize(
    ("text", "sounds"),
    [
        ("測-试近", "<ce><shi><jin>"), ("Xi'an", "<xi><an>"), ("xian", "<xian>"), ("shi\u200bjin", "<shi><jin>"),
        ("the shi jinx", "the<shi>jinx"), ("fiang shi", "fiang<shi>"), ("shi" * 13, "shi" * 13), ("a。1", "<a>\n\x02"),
        ("ﬁ⑩가", SUSPECT + "\x02"), ("测策侧是", "<ce><shi>"), ("\u200b测", "<ce>"),
        ("s中h·e", f"s<zhong>{SUSPECT}<e>"),
    ],
)  # fmt: skip
def test_syllables_stay_whoever_wrote_them(text: str, sounds: str) -> None:
    codes = syllables(TABLES).codes
    assert cast(SOUNDS, text) == re.sub("<(.*?)>", lambda found: codes[found[1]], sounds)


def test_an_end_of_a_sentence_that_an_entry_holds_is_no_stop() -> None:
    shadow = LetterShadow(TABLES, ["，", ","])
    assert cast(shadow, "甲，乙。") == "甲\x02乙\n"
    assert sentence_ends(TABLES) - shadow.stops == {"，", ","}


def test_words_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    from proxy.review import shadows

    monkeypatch.setattr(shadows, "_MAX_WORDS", 2)
    sounds = SoundShadow(TABLES)
    for word in ("shi", "jin", "ce", "shi"):
        assert cast(sounds, word) == syllables(TABLES).codes[word]
        assert len(sounds._words) <= 2
