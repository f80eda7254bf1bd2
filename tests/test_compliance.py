"""The clause tables: every test they name is there, and every row says what proves it or that nothing does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("compliance*.md"))
COLUMNS = 5


def rows(page: Path) -> Iterator[list[str]]:
    """The cells of every row, headings and rules aside."""
    for line in page.read_text("utf-8").splitlines():
        if line.startswith("| ") and not line.startswith(("| clause", "| 条款")):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def named(page: Path) -> list[str]:
    return re.findall(r"`(tests/[^`]+)`", page.read_text("utf-8"))


def test_there_are_tables_to_check() -> None:
    assert PAGES
    assert all(len(named(page)) > 60 for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_is_named_is_there(page: Path) -> None:
    for test in named(page):
        path, _, name = test.partition("::")
        assert (ROOT / path).is_file(), test
        if name:
            assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE), test


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_row_says_what_proves_it_or_that_nothing_does(page: Path) -> None:
    for cells in rows(page):
        assert len(cells) == COLUMNS, cells
        clause, asks, how, proof, _ = cells
        assert clause and asks and how
        assert proof == "—" or proof.startswith("`tests/"), cells
        if proof == "—":
            assert "not in this version" in how or "本版本未提供" in how, cells


def test_both_languages_have_the_same_rows_and_proofs() -> None:
    first, *others = [[cells[3] for cells in rows(page)] for page in PAGES]
    assert all(proofs == first for proofs in others)
