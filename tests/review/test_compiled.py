"""What a library is compiled to, in the corners."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.review import compile as compiling
from proxy.review.checks import EntryError
from proxy.review.columns import GrowingColumns, chained, shape_key
from proxy.review.entry import Direction, Entry
from proxy.review.interchange import write_jsonl
from proxy.review.lexicon import Lexicon
from proxy.review.library import Library
from proxy.review.store import load_version, make_snapshot
from proxy.review.stored import StoredEntries, columns_of, lines_of
from proxy.review.tables import builtin_tables

TABLES = builtin_tables()
NOW = "2026-11-27T00:00:00.000Z"


def entry(pattern: str, **fields: object) -> Entry:
    return Entry.from_row({"pattern": pattern, "category": "A.1.a", **fields})


def found(library: Library, text: str) -> list[str]:
    reviewer = library.reviewer(Direction.OUTPUT)
    reviewer.feed(text)
    reviewer.flush()
    return [finding.entry_id for finding in reviewer.findings]


def test_columns_that_grow_know_how_many_they_are() -> None:
    growing = GrowingColumns()
    growing.add(entry("甲乙丙"))
    growing.add(entry("甲乙丁"))
    assert len(growing) == len(growing.columns()) == 2


def test_entries_with_more_behind_them_are_one_sequence() -> None:
    first, more = [entry("甲乙丙"), entry("甲乙丁")], [entry("甲乙戊")]
    both = chained(first, more)
    assert (len(both), both[2], list(both[1:])) == (3, more[0], [first[1], more[0]])
    assert chained(first, []) is first


def test_entries_with_lists_in_them_have_shapes_too() -> None:
    alike = [entry("甲乙丙"), entry("甲乙丁")]
    for one in alike:
        object.__setattr__(one, "exceptions", [])
    assert shape_key(alike[0]) == shape_key(alike[1])


def test_words_that_were_found_long_ago_are_worked_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "_MAX_TERMS", 1)
    library = Library.compile([entry(word, action="flag") for word in ("甲乙丙", "丁戊己", "庚辛壬")])
    text = "甲乙丙，丁戊己，庚辛壬，甲乙丙。"
    assert len(found(library, text)) == 4
    words = [entry(word, action="flag", views=("pinyin",)) for word in ("西安塔", "大雁塔", "测试甲")]
    assert len(found(Library.compile(words), "希按他，打宴他，侧是佳，希按他。" * 30)) == 120


def test_an_input_entry_may_be_longer_than_what_output_can_hold_back() -> None:
    long = "甲" + "乙" * 300
    assert len(Library.compile([entry(long, scope="input", exceptions=["前" + long])]).entries) == 1
    with pytest.raises(EntryError):
        Library.compile([entry(long, scope="output", exceptions=["前" + long])])


def test_rows_that_say_unlimited_entries_are_limited_are_refused() -> None:
    library = Library.compile([entry("甲乙丙"), entry("甲乙丁", tenants=["t"])], tables=TABLES)
    other = next(at for at, one in enumerate(library.entries) if one.pattern == "甲乙丙")
    lexicon, facts = Lexicon.of_files(library.compiled, TABLES)
    assert other not in facts["limited"][0]
    forged = lexicon.to_files({**facts, "limited": [[other]]})
    with pytest.raises(ValueError, match="as if it were"):
        Library.of_compiled(library.entries, library.refusals, TABLES, forged)


def test_a_snapshot_of_stored_entries_is_that_of_the_entries(tmp_path: Path) -> None:
    entries = sorted([entry("甲乙丙"), entry("甲乙丁", action="flag")], key=lambda one: one.id)
    stored = StoredEntries(lines_of(entries))
    how = {"author": "a", "reason": "r", "now": NOW}
    version = make_snapshot(tmp_path / "a", stored, **how)
    assert version == make_snapshot(tmp_path / "b", entries, **how)
    assert [one.pattern for one in load_version(tmp_path / "a", version).entries] == [
        one.pattern for one in entries
    ]


def test_two_rows_alike_but_for_their_words_are_checked_once() -> None:
    entries = sorted([entry("甲乙丙"), entry("甲乙丁"), entry("甲乙戊")], key=lambda one: one.id)
    columns = columns_of(StoredEntries(write_jsonl(entries).encode()))
    assert (len(columns), len(columns.shapes)) == (3, 1)


@pytest.mark.parametrize("text", ["友女子城市", "。友女子城市。", "友女子女子城市"])
@pytest.mark.parametrize("folds", [[], ["split"]])
def test_a_character_written_as_two_is_found_in_long_text(text: str, folds: list[str]) -> None:
    """Without the fold the automaton of the sieve does not hold it: only what is looked for around pairs tells."""
    library = Library.compile([entry("友好城市", action="flag", folds=folds, views=["safe", "evasion"])])
    filler = "今天的天气真不错，我们去公园散步，然后回家吃饭。" * 200
    expected = 0 if "女子女子" in text else 1
    assert len(found(library, text)) == len(found(library, filler + text + filler)) == expected


def test_a_word_beside_a_pair_is_found_once() -> None:
    """A word that stands whole before 女子 is no word with that pair in it."""
    entries = [
        entry(word, action="flag", views=["safe", "evasion"]) for word in ("甲乙丙", "东南西北友好城市")
    ]
    filler = "今天的天气真不错，我们去公园散步，然后回家吃饭。" * 200
    assert len(found(Library.compile(entries), filler + "甲乙丙女子" + filler)) == 1
