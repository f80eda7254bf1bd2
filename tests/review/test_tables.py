"""The fold tables hold what their description says."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.review.tables import Kind, builtin_tables, parse_tables

TABLES = builtin_tables()


@pytest.mark.parametrize(
    ("character", "kind"),
    [("a", Kind.WORD), ("7", Kind.WORD), ("ж", Kind.WORD), ("क", Kind.WORD), ("ि", Kind.WORD), ("黄", Kind.HAN),
     ("か", Kind.UNSPACED), ("ก", Kind.UNSPACED), ("한", Kind.UNSPACED), ("\u3099", Kind.MARK), ("ิ", Kind.MARK),
     ("\u11a8", Kind.MARK), ("，", Kind.OTHER), (" ", Kind.OTHER), ("😀", Kind.OTHER), ("", Kind.OTHER)],
)  # fmt: skip
def test_letters_know_what_they_are_to_a_word(character: str, kind: Kind) -> None:
    assert TABLES.kind(character) == kind


def test_hangul_syllables_are_decomposed_as_unicode_says() -> None:
    for code in (0xAC00, 0xAC01, 0xB098, 0xD7A3):
        assert chr(code).translate(TABLES.fold) == unicodedata.normalize("NFD", chr(code))


def test_every_fold_is_final() -> None:
    for to in TABLES.fold.values():
        text = chr(to) if isinstance(to, int) else to or ""
        assert text.translate(TABLES.fold) == text


@given(st.text(max_size=20))
def test_canonically_equal_texts_without_kept_marks_fold_alike(text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    marks = [c for c in decomposed if unicodedata.combining(c) and c.translate(TABLES.fold)]
    if len(marks) < 2:  # the order of several marks is not settled by a fold of single code points
        assert composed.translate(TABLES.fold) == decomposed.translate(TABLES.fold)


def test_a_character_may_be_written_as_two() -> None:
    assert "女子人" in TABLES.split_variants("好人")


def test_the_digest_names_the_content() -> None:
    assert parse_tables(TABLES.raw).digest == TABLES.digest
    assert parse_tables(TABLES.raw + b"\n").digest != TABLES.digest


def test_tables_that_do_not_cover_all_code_points_are_refused() -> None:
    data = json.loads(TABLES.raw) | {"classes": [[5, 0]]}
    with pytest.raises(ValueError, match="do not cover"):
        parse_tables(json.dumps(data).encode())


def test_a_missing_table_file_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.review.tables.pkgutil.get_data", lambda package, name: None)
    with pytest.raises(FileNotFoundError, match=r"tables\.json"):
        builtin_tables.__wrapped__()


def test_tables_of_versions_without_common_words_are_read() -> None:
    data = {name: value for name, value in json.loads(TABLES.raw).items() if name != "common"}
    assert parse_tables(json.dumps(data).encode()).common == frozenset()
