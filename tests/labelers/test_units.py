"""Text units, grams and scores: against a naive reading, and against theory."""

from __future__ import annotations

import math
import unicodedata
from base64 import b64decode

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelers.provenance import KeyRing
from labelers.watermarks.common_grams import COMMON
from labelers.watermarks.units import (
    Prf,
    Units,
    epoch_prf,
    grams_of,
    log10_tail,
    quantiles,
    read_units,
    skipped_zones,
    units_text,
)

RING = KeyRing(b"a key of the tests, 32 bytes it is", 2)


def words(text: str) -> list[str]:
    return list(units_text(text, read_units(text)))


CASES = [
    ("Hello, world!", ["Hello", "world"]),
    ("don't don’t", ["don't", "don’t"]),
    ("well-known", ["well", "known"]),
    ("春江潮水连海平。", list("春江潮水连海平")),
    ("用GPT写", ["用", "GPT", "写"]),
    ("3 apples, x1 and foo_bar", ["apples", "and"]),
    ("第①章 1½ cups", ["第", "章", "cups"]),
    ("see https://a.b/c?d=e。好", ["see", "好"]),
    ("mail me@a.example now", ["mail", "now"]),
    ("run `rm x` now", ["run", "now"]),
    ("a\n```py\nx = y\n```\nb", ["a", "b"]),
    ("a\n~~~\nx\ny", ["a"]),
    ('{"key": "some words"}', []),
    ("[not json]", ["not", "json"]),
    ("ｆｕｌｌ ｶﾞ ガ", ["ｆｕｌｌ", "ｶ", "ガ"]),
    ("한글 é", ["한", "글", "é"]),
    ("﹏ ⁂ 🙂", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "units"), CASES)
def test_units_are_words_and_single_han_without_code_addresses_and_numbers(
    text: str, units: list[str]
) -> None:
    assert words(text) == units


SAME = [
    ("WORD", "word"),
    ("don't", "dont"),
    ("don’t", "don't"),
    ("ﬁne", "fine"),
    ("ｆｕｌｌ", "full"),
    ("e\u0301t\u00e9", "ete"),
    ("w\u200bo\u00adrd", "word"),
    ("春\ufe00江\U000e0101", "春江"),
    ("\uf900", "豈"),
    ("㎏", "kg"),
]


@pytest.mark.parametrize(("left", "right"), SAME)
def test_spelling_variants_are_the_same_units(left: str, right: str) -> None:
    assert read_units(left).hashes.tolist() == read_units(right).hashes.tolist() != []


def test_a_span_covers_the_characters_as_they_stand_in_the_text() -> None:
    text = "x\u200b ﬁ\u200bne 春"
    units = read_units(text)
    assert [text[a:b] for a, b in zip(units.starts, units.ends, strict=True)] == ["x", "ﬁ\u200bne", "春"]


def test_what_is_to_be_skipped_is_no_part_of_the_text() -> None:
    assert list(units_text("ab cd ef", read_units("ab cd ef", [(3, 5)]))) == ["ab", "ef"]


def naive(text: str) -> list[tuple[str, int, int]]:
    """Folded unit, start, end: character by character."""
    skipped = {at for start, end in skipped_zones(text) for at in range(start, end)}
    units: list[tuple[str, int, int]] = []
    word, start, end, tainted = "", 0, 0, False

    def close() -> None:
        nonlocal word, tainted
        if word and not tainted:
            units.append((word, start, end))
        word, tainted = "", False

    for at, char in enumerate(text):
        if at in skipped:
            close()
            continue
        if unicodedata.category(char) in ("Mn", "Me", "Mc", "Cf") or char in "'’ʼ\uff9e\uff9f":
            continue
        folded = "".join(
            c
            for c in unicodedata.normalize("NFKD", char).lower()
            if unicodedata.category(c) not in ("Mn", "Me")
        )
        if 0xAC00 <= ord(char) < 0xD7A4:
            folded = char
        for letter in folded:
            category = unicodedata.category(letter)
            if category in ("Nd", "Pc") or category[0] == "L":
                if category[0] == "L" and unicodedata.name(letter).startswith(
                    ("CJK", "HIRAGANA", "KATAKANA", "HANGUL SYLLABLE")
                ):
                    close()
                    units.append((letter, at, at + 1))
                    continue
                if not word:
                    start = at
                word, end = word + letter, at + 1
                tainted = tainted or category[0] != "L"
            else:
                close()
    close()
    return units


ALPHABET = "abZé'’ .,，。\n`~1_@:/w春江かガｶﾞ한ﬁ①\u0301\u200b\ufe00豈ｆ🙂{}\"ß-"


@settings(deadline=None)
@given(st.text(ALPHABET, max_size=60))
def test_units_are_those_of_a_naive_reading(text: str) -> None:
    units = read_units(text)
    expected = naive(text)
    assert list(zip(units.starts.tolist(), units.ends.tolist(), strict=True)) == [u[1:] for u in expected]
    names: dict[int, str] = {}
    for hash_, (folded, _, _) in zip(units.hashes.tolist(), expected, strict=True):
        assert names.setdefault(hash_, folded) == folded
    assert len(names) == len({folded for folded, _, _ in expected})


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    units = read_units(text)
    assert (units.starts < units.ends).all()
    assert (units.starts[1:] >= units.ends[:-1]).all()


def test_a_long_text_reads_as_its_parts_do() -> None:
    part = "Spring, the river; 春江潮水 don't stop ﬁne x9. "
    once, often = read_units(part), read_units(part * 3000)
    assert often.hashes.tolist() == once.hashes.tolist() * 3000
    assert often.ends[-1] == len(part) * 2999 + once.ends[-1]


def test_a_long_text_without_any_gap_is_read_whole() -> None:
    assert len(read_units("春江" * 20_000)) == 40_000
    assert len(read_units("ab" * 40_000)) == 1


def test_words_of_other_order_or_length_are_other_units() -> None:
    found = ["stop", "pots", "opts", "top", "tops", "a" * 70, "a" * 71, "b" * 64 + "a", "b" * 65]
    assert len({int(read_units(word).hashes[0]) for word in found}) == len(found)


def cell(before: int, last: int) -> int:
    """Where a pair stands in the table of common ones."""
    return (before * 0x94D049BB133111EB ^ last * 0x9E3779B97F4A7C15) % (1 << 64) >> 44


COMMON_CELLS = set(np.frombuffer(b64decode(COMMON), np.uint32).tolist())


def test_pairs_that_are_in_texts_of_every_kind_do_not_count() -> None:
    for text in ("of the", "in the", "it is", "我们", "可以"):
        assert len(read_units(text)) == 2
        assert len(grams_of(read_units(text))) == 0
    assert len(grams_of(read_units("purple of velvet"))) == 2
    assert len(grams_of(read_units("春江潮水"))) == 3
    assert 5_000 < len(COMMON_CELLS) < 15_000


@settings(deadline=None)
@given(st.text("ab春 ", max_size=40), st.sampled_from([2, 3]))
def test_grams_are_distinct_and_named_by_where_they_first_end(text: str, width: int) -> None:
    units = read_units(text)
    hashes = units.hashes.tolist()
    first: dict[tuple[int, ...], int] = {}
    for at in range(width - 1, len(hashes)):
        first.setdefault(tuple(hashes[at - width + 1 : at + 1]), at)
    grams = grams_of(units, width)
    if width == 2:
        first = {gram: at for gram, at in first.items() if cell(*gram) not in COMMON_CELLS}
        assert grams.units.tolist() == sorted(first.values())
    assert set(grams.units.tolist()) <= set(first.values())
    assert len({tuple(block) for block in grams.blocks.tolist()}) == len(grams)


def test_a_gram_has_two_or_three_units() -> None:
    with pytest.raises(ValueError, match="two or three"):
        grams_of(read_units("a b c"), 1)


def test_texts_beyond_the_sixteen_millionth_unit_are_refused() -> None:
    many = np.zeros((1 << 24) + 1, np.uint64)
    with pytest.raises(ValueError, match="in parts"):
        grams_of(Units(many, many.astype(np.int64), many.astype(np.int64)))


def test_the_scores_to_draw_from_have_mean_zero_and_variance_one() -> None:
    table = quantiles().astype(np.float64)
    assert abs(table.mean()) < 1e-6
    assert abs((table**2).mean() - 1) < 1e-6
    assert abs((table**4).mean() - 3) < 0.01
    assert (np.diff(table) > 0).all()


def test_under_random_keys_the_sum_is_standard_normal() -> None:
    text = (
        "The river runs to the sea and the sea does not fill. 百川东到海，何时复西归？少壮不努力，老大徒伤悲。"
        * 3
    )
    blocks = grams_of(read_units(text)).blocks
    z = np.array(
        [Prf(key.to_bytes(16, "big")).scores(blocks).sum() / math.sqrt(len(blocks)) for key in range(4000)]
    )
    assert abs(z.mean()) < 4 / math.sqrt(4000)
    assert abs(z.var() - 1) < 4 * math.sqrt(2 / 4000)
    for level, quantile in ((0.1, 1.2816), (0.01, 2.3263)):
        expected = 4000 * level
        assert abs((z > quantile).sum() - expected) < 4 * math.sqrt(expected)


def test_every_epoch_has_scores_of_its_own_and_the_same_ones_again() -> None:
    blocks = grams_of(read_units("purple violet crimson scarlet amber")).blocks
    first, second = (epoch_prf(RING, kid).scores(blocks).tolist() for kid in (1, 2))
    assert first != second
    assert epoch_prf(KeyRing(b"a key of the tests, 32 bytes it is", 2), 1).scores(blocks).tolist() == first
    assert epoch_prf(RING, 1).bits(blocks).shape == (4, 2)


@pytest.mark.parametrize("z", [-3.0, 0.0, 2.326348, 6.0, 29.9])
def test_the_tail_is_that_of_the_normal_distribution(z: float) -> None:
    assert math.isclose(10 ** log10_tail(z), math.erfc(z / math.sqrt(2)) / 2, rel_tol=1e-9)


def test_the_tail_goes_on_smoothly_where_floats_end() -> None:
    assert log10_tail(30.0) == pytest.approx(math.log10(math.erfc(30 / math.sqrt(2)) / 2), abs=1e-5)
    assert log10_tail(60.0) < log10_tail(40.0) < -300
