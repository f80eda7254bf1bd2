"""The contract of every fingerprint store, with the one in memory as the oracle; then what SQLite adds."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from labelers.provenance import content_number
from proxy.fingerprints import month as month_file
from proxy.fingerprints.sqlite import SqliteFingerprints
from proxy.fingerprints.store import Fingerprint, FingerprintStore, MemoryFingerprints

DAY = 24 * 3600 * 1000
JULY = 1_782_864_000_000  # 2026-07-01T00:00:00Z


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FingerprintStore]:
    made = MemoryFingerprints() if request.param == "memory" else SqliteFingerprints(tmp_path / "f", 200)
    yield made
    made.close()


def one(at: int, *values: int, ms: int = JULY) -> Fingerprint:
    return Fingerprint(content_number(ms + at, at), np.array(sorted(values), np.uint32))


def asked(*values: int) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    return np.array(values, np.uint32)


def found(store: FingerprintStore, *values: int) -> list[tuple[int, int]]:
    """(place in the values, content number) of every hit."""
    hits = store.lookup(asked(*values))
    pairs = zip(hits.asked.tolist(), hits.answers.tolist(), strict=True)
    return sorted((place, store.content_number(answer)) for place, answer in pairs)


def test_an_empty_store_knows_nothing(store: FingerprintStore) -> None:
    hits = store.lookup(asked(1, 2))
    assert (hits.total, hits.frequency.tolist(), hits.answers.tolist()) == (0, [0, 0], [])
    assert (store.count(), store.content_numbers()) == (0, [])
    assert store.expire(JULY) == []
    store.add([])
    assert store.count() == 0


def test_every_holder_of_a_value_is_found(store: FingerprintStore) -> None:
    first, second, third = one(1, 5, 7, 0xFFFFFFFF), one(2, 7, 9), one(3, 0)
    store.add([first, second])
    store.add([third])
    assert store.count() == 3
    assert found(store, 7, 5, 11, 0xFFFFFFFF, 0) == [
        (0, first.content_number),
        (0, second.content_number),
        (1, first.content_number),
        (3, first.content_number),
        (4, third.content_number),
    ]
    hits = store.lookup(asked(7, 5, 11))
    assert (hits.total, hits.frequency.tolist()) == (3, [2, 1, 0])


def test_a_value_asked_for_twice_is_found_twice(store: FingerprintStore) -> None:
    store.add([one(1, 5)])
    assert [place for place, _ in found(store, 5, 6, 5)] == [0, 2]


def test_content_numbers_of_the_full_range_come_back(store: FingerprintStore) -> None:
    numbers = [
        content_number(JULY, 0xFFFFFF),
        content_number(1_767_225_600_000, 0),
        content_number(2_860_000_000_000, 5),
    ]
    store.add([Fingerprint(number, asked(4)) for number in numbers])
    assert [number for _, number in found(store, 4)] == sorted(numbers)
    assert sorted(store.content_numbers()) == sorted(numbers)


def test_what_one_answer_holds_is_told_whatever_others_do(store: FingerprintStore) -> None:
    first, second, later = one(1, 5, 7), one(2, 7, 9), one(3, 7, ms=JULY + 40 * DAY)
    store.add([first, second, later])
    for answer, held in ((first, [True, True, False, True]), (second, [False, True, True, False])):
        told = store.holds(answer.content_number, asked(5, 7, 9, 5))
        assert told is not None
        assert told.tolist() == held
    assert store.holds(one(4).content_number, asked(5)) is None
    assert store.holds(one(4, ms=JULY + 90 * DAY).content_number, asked(5)) is None


def test_a_large_store_answers_as_the_one_in_memory_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(month_file, "FRESH", 4)
    draw = np.random.default_rng(7)
    oracle, store = MemoryFingerprints(), SqliteFingerprints(tmp_path, 200)
    at = 0
    for size in [1, 3, 4, 9, 50, 700, 1, 1500, 20]:
        batch = []
        for _ in range(size):
            at += 1
            # Two months, and values that are often shared.
            values = np.unique(draw.integers(0, 2**32, 12, np.uint64) // 2**24 * 2**24).astype(np.uint32)
            batch.append(Fingerprint(content_number(JULY + at * DAY // 40, at), values))
        oracle.add(batch)
        store.add(batch)
        query = (draw.integers(0, 2**32, 40, np.uint64) // 2**24 * 2**24).astype(np.uint32)
        assert found(store, *query.tolist()) == found(oracle, *query.tolist())
        assert store.lookup(query).frequency.tolist() == oracle.lookup(query).frequency.tolist()
        number = batch[size // 2].content_number
        here, there = store.holds(number, query), oracle.holds(number, query)
        assert here is not None and there is not None and here.tolist() == there.tolist()
        own = store.holds(number, batch[size // 2].values)
        assert own is not None and own.all()
    assert store.count() == oracle.count() == at
    levels = [level for path in tmp_path.glob("*.sqlite") for level in levels_of(path)]
    assert {0, 1, 2} <= set(levels)
    store.close()


def levels_of(path: Path) -> list[int]:
    connection = sqlite3.connect(path)
    try:
        return [level for (level,) in connection.execute("SELECT level FROM segments WHERE whole")]
    finally:
        connection.close()


def test_segments_of_the_highest_level_stay_and_smaller_ones_join(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(month_file, "FRESH", 1)
    store = SqliteFingerprints(tmp_path, 200)
    store.add([one(at, at) for at in range(1, 9 * 512 + 12)])
    (path,) = tmp_path.glob("*.sqlite")
    levels = levels_of(path)
    assert (levels.count(3), levels.count(2), levels.count(1), levels.count(0)) == (9, 0, 1, 3)
    assert [number for _, number in found(store, 4000)] == [one(4000).content_number]
    store.close()


def test_common_values_are_counted_but_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(month_file, "FRESH", 8)
    monkeypatch.setattr(month_file, "_COMMON", 3)
    store = SqliteFingerprints(tmp_path, 200)
    store.add([one(at, 5, at + 100) for at in range(8)])
    hits = store.lookup(asked(5, 101))
    assert hits.frequency.tolist() == [8, 1]
    assert hits.asked.tolist() == [1]
    store.close()


def test_what_was_added_is_there_for_other_processes_and_after_a_restart(tmp_path: Path) -> None:
    store, other = SqliteFingerprints(tmp_path, 200), SqliteFingerprints(tmp_path, 200)
    store.add([one(1, 5)])
    assert len(found(other, 5)) == 1
    store.close()
    again = SqliteFingerprints(tmp_path, 200)
    assert len(found(again, 5)) == 1
    again.close()
    other.close()


def _add_many(folder: Path, first: int) -> None:
    store = SqliteFingerprints(folder, 200)
    for at in range(first, first + 400, 20):
        store.add([one(number, number, 7) for number in range(at, at + 20)])
    store.close()


def test_several_processes_write_to_one_month(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(month_file, "FRESH", 16)
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_add_many, args=(tmp_path, first)) for first in (1000, 2000, 3000)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    store = SqliteFingerprints(tmp_path, 200)
    assert store.count() == 1200
    for number in (1000, 2399, 3123):
        assert [n for _, n in found(store, number)] == (
            [one(number).content_number] if number != 2399 else [one(2399).content_number]
        )
    assert store.lookup(asked(7)).frequency.tolist() == [1200]
    store.close()


def test_months_go_when_all_of_them_is_past_the_retention(tmp_path: Path) -> None:
    store = SqliteFingerprints(tmp_path, 10)
    store.add([one(1, 5), one(2, 5, ms=JULY + 40 * DAY)])
    assert len(found(store, 5)) == 2
    assert store.expire(JULY + 40 * DAY) == []
    assert store.expire(JULY + 41 * DAY - 1) == []
    assert store.expire(JULY + 41 * DAY) == ["fingerprints-202607.sqlite"]
    assert len(found(store, 5)) == 1
    assert sorted(path.name.partition(".")[0] for path in tmp_path.glob("*.sqlite")) == [
        "fingerprints-202608"
    ]
    store.close()


def test_what_a_crash_left_of_a_merge_counts_for_nothing_and_is_swept_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(month_file, "FRESH", 1)
    store = SqliteFingerprints(tmp_path, 200)
    store.add([one(at, 5) for at in range(7)])
    (path,) = tmp_path.glob("*.sqlite")
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO segments VALUES (99, 1, 0)")
    connection.execute("INSERT INTO buckets SELECT 99 << 16, value_list, answer_list FROM buckets LIMIT 1")
    connection.commit()
    assert store.lookup(asked(5)).frequency.tolist() == [7]
    store.add([one(7, 5)])
    assert connection.execute("SELECT count(*) FROM segments WHERE NOT whole").fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM buckets").fetchone() == (1,)
    connection.close()
    assert store.lookup(asked(5)).frequency.tolist() == [8]
    store.close()


def test_a_merge_that_fails_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(month_file, "FRESH", 2)
    month = month_file.Month(tmp_path / "m.sqlite")
    month.add([one(1, 5), one(2, 6)])

    def broken(*_: object) -> None:
        raise sqlite3.OperationalError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(month_file.Month, "_write", broken)
        with pytest.raises(sqlite3.OperationalError):
            month.merge()
    assert month.lookup(asked(5))[0].tolist() == [1]
    assert month.merge()
    assert month.lookup(asked(5))[0].tolist() == [1]
    month.close()


def test_only_who_has_the_lock_merges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(month_file, "FRESH", 1)
    month, other = month_file.Month(tmp_path / "m.sqlite"), month_file.Month(tmp_path / "m.sqlite")
    month.add([one(1, 5)])
    with month._file_lock() as mine:
        assert mine
        assert not other.merge()
    assert other.merge()
    assert not month.merge()
    with month._file_lock():
        assert not other.compact()
    month.close()
    other.close()


def test_a_month_gives_its_space_back_also_where_nothing_is_left_to_merge(tmp_path: Path) -> None:
    month = month_file.Month(tmp_path / "m.sqlite")
    month.add([one(at, *range(at * 50, at * 50 + 50)) for at in range(2000)])
    month.merge()
    assert month.compact()
    assert not month.compact()
    assert month._connection.execute("PRAGMA freelist_count").fetchone()[0] == 0
    month._connection.execute("CREATE TABLE filler AS SELECT randomblob(2000000)")
    month._connection.execute("DROP TABLE filler")
    assert month._connection.execute("PRAGMA freelist_count").fetchone()[0] > 100
    assert not month.compact()
    assert month._connection.execute("PRAGMA freelist_count").fetchone()[0] == 0
    month.close()


def test_a_month_that_is_over_becomes_one_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(month_file, "FRESH", 4)
    draw = np.random.default_rng(5)
    store, oracle = SqliteFingerprints(tmp_path, 200), MemoryFingerprints()
    for at in range(203):
        values = np.unique(draw.integers(0, 2**32, 9, np.uint64) // 2**23 * 2**23).astype(np.uint32)
        for one_store in (store, oracle):
            one_store.add([Fingerprint(content_number(JULY + at, at), values)])
    (path,) = tmp_path.glob("*.sqlite")
    assert len(levels_of(path)) > 3
    query = (draw.integers(0, 2**32, 700, np.uint64) // 2**23 * 2**23).astype(np.uint32).tolist()
    before = found(store, *query)
    assert before == found(oracle, *query)
    assert store.expire(JULY + 5 * DAY) == []  # the month goes on
    assert len(levels_of(path)) > 3
    assert store.expire(JULY + 40 * DAY) == []
    assert levels_of(path) == [3]
    assert found(store, *query) == before
    # A late answer is found too, and joins at the next time.
    late = one(500, 5)
    store.add([late])
    assert [number for _, number in found(store, 5)] == [late.content_number]
    store.expire(JULY + 41 * DAY)
    assert levels_of(path) == [3]
    assert [number for _, number in found(store, 5)] == [late.content_number]
    store.expire(JULY + 42 * DAY)
    store.close()


def test_a_folder_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = SqliteFingerprints(tmp_path / "file" / "f", 200)
    with pytest.raises(OSError):
        store.add([one(1, 5)])
    (tmp_path / "f").mkdir()
    (tmp_path / "f/fingerprints-202607.sqlite").write_text("no database at all, but long enough to look at")
    broken = SqliteFingerprints(tmp_path / "f", 200)
    with pytest.raises(OSError, match="cannot be kept"):
        broken.add([one(1, 5)])
    with pytest.raises(OSError, match="cannot be read"):
        broken.lookup(asked(5))
    broken.close()


def test_several_indexes_may_share_a_folder(tmp_path: Path) -> None:
    texts, marks = SqliteFingerprints(tmp_path, 200), SqliteFingerprints(tmp_path, 10, "marks")
    texts.add([one(1, 5)])
    marks.add([one(2, 5), one(3, 6)])
    assert (texts.count(), marks.count()) == (1, 2)
    assert texts.expire(JULY + 60 * DAY) == []
    assert marks.expire(JULY + 60 * DAY) == ["marks-202607.sqlite"]
    assert (found(texts, 5), found(marks, 5)) == ([(0, one(1).content_number)], [])
    texts.close()
    marks.close()


def test_an_answer_that_is_not_there_is_a_lookup_error(tmp_path: Path) -> None:
    month = month_file.Month(tmp_path / "m.sqlite")
    with pytest.raises(LookupError):
        month.content_number(3)
    month.close()
