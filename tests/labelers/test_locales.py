"""The language that labels are worded in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelers.locales import DETECTABLE, locale_of

SENTENCES = {
    "zh": "请写一首关于春天的诗",
    "ja": "春についての詩を書いてください",
    "ko": "봄에 대한 시를 써 주세요",
    "ar": "اكتب قصيدة عن الربيع",
    "he": "כתוב שיר על האביב",
    "hi": "वसंत के बारे में एक कविता लिखिए",
    "th": "เขียนบทกวีเกี่ยวกับฤดูใบไม้ผลิ",
    "el": "Γράψε ένα ποίημα για την άνοιξη",
    "ru": "Напиши стихотворение о весне",
    "de": "Schreib mir bitte ein Gedicht über den Frühling und die Sonne",
    "es": "Escribe una poesía sobre el sol y las flores, por favor",
    "fr": "Écris-moi un poème sur le printemps et les fleurs",
    "it": "Scrivi una poesia sulla primavera con il sole e gli uccelli",
    "nl": "Schrijf een gedicht over de lente en het licht",
    "pt": "Escreva um poema sobre a primavera com o sol, por favor, não muito longo",
    "en": "Write a poem about the spring, please",
}


def test_there_is_a_sentence_for_every_locale() -> None:
    assert set(SENTENCES) == DETECTABLE


@pytest.mark.parametrize("locale", sorted(SENTENCES))
def test_a_sentence_is_known_among_all_locales_and_beside_chinese_and_english(locale: str) -> None:
    assert locale_of(SENTENCES[locale], DETECTABLE) == locale
    assert locale_of(SENTENCES[locale], {"zh", "en", locale}) == locale


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("你好", "zh"),
        ("say 你", "zh"),
        ("hello", "en"),
        ("", "en"),
        ("かな", "en"),
        ("😀!", "en"),
        ("𠀀", "zh"),
        (SENTENCES["de"], "en"),
        (SENTENCES["ja"], "zh"),
    ],
)
def test_with_chinese_and_english_alone_one_chinese_character_makes_it_chinese(
    text: str, locale: str
) -> None:
    assert locale_of(text) == locale


def test_a_single_common_word_is_no_evidence() -> None:
    assert locale_of("Die!", {"zh", "en", "de"}) == "en"
    assert locale_of("a la carte", {"zh", "en", "fr", "es"}) == "en"
    assert locale_of("π = 3", {"zh", "en", "el"}) == "en"


@given(st.text(), st.sets(st.sampled_from(sorted(DETECTABLE))))
def test_what_is_said_is_always_available_or_english(text: str, available: set[str]) -> None:
    assert locale_of(text, available) in available | {"en"}
