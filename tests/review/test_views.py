"""What the raw and the safe view make of a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.review.tables import builtin_tables
from proxy.review.views import LONG, RawView, safe_view

SAFE = safe_view(builtin_tables())
ANY = st.text(st.one_of(st.characters(), st.sampled_from("ﬁ…ßİ\u200b\u0301黃かが한글Ⅷ𝐀")), max_size=120)

FOLDS = [
    ("ＡＢＣ", "abc"), ("𝐛𝐨𝐥𝐝", "bold"), ("ⓒⓘⓡ", "cir"), ("黃體漢", "黄体汉"), ("СЕХ сех", "cex cex"),
    ("ΑΒΕ", "abe"), ("e\u0301 é", "e e"), ("n\u0303\u0335o", "no"), ("a\u200bb\u00adc\ufe0fd\u2060", "abcd"),
    ("\u202ea\u202cb", "ab"), ("\U000e0041x", "x"), ("Straße ﬁn", "strasse fin"), ("कि", "कि"), ("ཀི", "ཀི"),
    ("ｶﾞ", "カ\u3099"), ("３٣", "33"), ("🅰🅑", "ab"), ("a\u3000b\u00a0c", "a b c"), ("\ud800", "\ufffd"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "folded"), FOLDS)
def test_the_safe_view_folds(text: str, folded: str) -> None:
    assert SAFE.fold(text) == folded


@given(ANY)
def test_folding_is_final(text: str) -> None:
    folded = SAFE.fold(text)
    assert SAFE.fold(folded) == folded


@given(ANY, ANY)
def test_folding_pieces_is_folding_the_text(one: str, other: str) -> None:
    assert SAFE.fold(one) + SAFE.fold(other) == SAFE.fold(one + other)


@pytest.mark.parametrize("text", ["甲乙" * LONG, "甲…ﬁ\u200b" * LONG])
def test_long_texts_fold_like_short_ones(text: str) -> None:
    folded = SAFE.fold(text)
    assert folded == "".join(SAFE.fold(c) for c in text)


def test_the_raw_view_changes_lone_surrogates_only() -> None:
    view = RawView()
    assert view.fold("aÀ\ud800") == "aÀ\ufffd"
    assert view.fold("abc") == "abc"
