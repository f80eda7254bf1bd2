"""What only the SQLite store does: threads, failing disks, several processes, months, sudden death."""

from __future__ import annotations

import asyncio
import logging
import random
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proxy.records import monthly
from proxy.records.monthly import MonthFile, read_records
from proxy.records.record import CLOSING, Query, RecordError
from proxy.records.sqlite import SqliteStore
from proxy.records.store import utc_now
from proxy.records.verify import verify
from tests.records.samples import NOW, Keys, record


def make(folder: Path, **changes: Any) -> SqliteStore:
    options: dict[str, Any] = {
        "keys": Keys(),
        "durability": "group",
        "retention_days": 200,
        "clock": lambda: NOW,
        "max_queued": 10_000,
    }
    return SqliteStore(folder, **{**options, **changes})


def ids(folder: Path) -> list[str]:
    return [stored.record.request_id for stored in read_records(folder, Query(kind="request"))]


def count_commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    sizes: list[int] = []
    insert = MonthFile.insert

    def counted(self: MonthFile, rows: Any) -> None:
        sizes.append(len(rows))
        insert(self, rows)

    monkeypatch.setattr(MonthFile, "insert", counted)
    return sizes


async def test_what_waits_at_the_same_time_shares_a_commit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make(folder)
    await store.open()
    sizes = count_commits(monkeypatch)
    await asyncio.gather(*(store.append(record(n)) for n in range(200)))
    assert sum(sizes) == 200
    assert len(sizes) <= 3
    await store.close()


async def test_strict_commits_each_record_by_itself(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make(folder, durability="strict")
    await store.open()
    sizes = count_commits(monkeypatch)
    await asyncio.gather(*(store.append(record(n)) for n in range(20)))
    assert sizes == [1] * 20
    await store.close()


async def test_relaxed_returns_before_the_commit_and_commits_soon(folder: Path) -> None:
    store = make(folder, durability="relaxed")
    await store.open()
    await store.append(record(1))
    assert ids(folder) == []
    for _ in range(200):
        if ids(folder):
            break
        await asyncio.sleep(0.02)
    assert ids(folder) == ["req-1"]
    await store.close()


async def test_the_event_loop_never_touches_sqlite(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[str] = set()
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def noted(*arguments: Any, **options: Any) -> sqlite3.Connection:
        threads.add(threading.current_thread().name)
        return connect(*arguments, **options)

    monkeypatch.setattr(sqlite3, "connect", noted)
    store = make(folder)
    await store.open()
    await store.append(record(1))
    assert [stored async for stored in store.read(Query())]
    await store.expire()
    await store.close()
    assert threads
    assert threading.main_thread().name not in threads


def limit_pages(monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
    """Every file opened from now on may have so many pages: SQLite then says that the disk is full."""
    connect = monthly.connect

    def limited(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.execute(f"PRAGMA max_page_count = {pages}").close()
        return connection

    monkeypatch.setattr(monthly, "connect", limited)


async def test_a_full_disk_refuses_records_until_there_is_room_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        limit_pages(full, 40)
        store = make(folder)
        await store.open()
        big = {"text": "x" * 4000}
        results = [
            result
            for number in range(40)
            for result in await asyncio.gather(
                store.append(record(number, fields=big)), return_exceptions=True
            )
        ]
        refused = [n for n, result in enumerate(results) if isinstance(result, RecordError)]
        assert 0 < len(refused) < 40
        assert "full" in str(results[-1])
        assert not await store.ready()
    # There is room again: the store opens its files anew after a failure.
    assert await store.ready()
    await store.append(record(99))
    assert ids(folder) == [f"req-{n}" for n in range(40) if n not in refused] + ["req-99"]
    assert verify(folder, keys=Keys()).faults == ()
    await store.close()


async def test_each_waiter_of_a_failed_batch_gets_an_exception_of_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make(folder)
    await store.open()

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as broken:
        broken.setattr(MonthFile, "insert", fail)
        results = await asyncio.gather(*(store.append(record(n)) for n in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [RecordError] * 3
    assert len({id(result) for result in results}) == 3
    await store.append(record(9))
    await store.close()


async def test_relaxed_keeps_what_could_not_be_written_refuses_more_and_catches_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make(folder, durability="relaxed")
    await store.open()

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as broken:
        broken.setattr(MonthFile, "insert", fail)
        await store.append(record(1))
        for _ in range(500):
            if store._failure is not None:
                break
            await asyncio.sleep(0.01)
        with pytest.raises(RecordError, match="disk I/O error"):
            await store.append(record(2))
    for _ in range(500):
        if store._failure is None:
            break
        await asyncio.sleep(0.01)
    await store.append(record(3))
    await store.close()
    assert ids(folder) == ["req-1", "req-3"]
    assert verify(folder, keys=Keys()).ok


async def test_what_relaxed_loses_at_closing_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = make(folder, durability="relaxed")
    await store.open()

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(MonthFile, "insert", fail)
    await store.append(record(1))
    with caplog.at_level(logging.ERROR):
        await store.close()
    assert "1 records are lost" in caplog.text


async def test_what_relaxed_drops_because_it_is_no_record_is_told(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = make(folder, durability="relaxed")
    await store.open()
    await store.append(record(1, fields={"content_ids": 5}))
    with caplog.at_level(logging.ERROR):
        await store.close()
    assert "a record was dropped" in caplog.text
    assert ids(folder) == []


async def test_a_store_that_cannot_open_says_so_and_leaves_no_thread(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("in the way")
    store = make(tmp_path / "records")
    with pytest.raises(RecordError, match="cannot be opened"):
        await store.open()
    assert not store._thread.is_alive()


async def test_old_files_are_removed_at_the_callers_word(folder: Path) -> None:
    now = "2026-01-15T00:00:00.000Z"
    store = make(folder, clock=lambda: now)
    await store.open()
    now = "2026-12-15T00:00:00.000Z"
    assert await store.expire() == ["records-202601.sqlite"]
    await store.append(record(1, created=now))
    assert verify(folder, keys=Keys()).faults == ()
    await store.close()


async def test_giving_up_waiting_for_a_job_does_no_harm(folder: Path) -> None:
    store = make(folder)
    await store.open()
    waiting = asyncio.ensure_future(store.expire())
    await asyncio.sleep(0)
    waiting.cancel()
    await store.append(record(1))
    await store.close()
    assert waiting.cancelled()


async def test_the_month_rolls_over_while_running(folder: Path) -> None:
    store = make(folder)
    await store.open()
    for number, created in enumerate(["2026-05-31T23:59:59.999Z", "2026-06-01T00:00:00.000Z"]):
        await store.append(record(number, created=created))
        await store.append(record(number, "closed", created=created))
    await store.close()
    assert [path.name for path in monthly.month_files(folder).values()] == [
        "records-202605.sqlite",
        "records-202606.sqlite",
    ]
    assert verify(folder, keys=Keys()).faults == ()


def test_a_loop_that_is_closed_without_closing_the_store_does_no_harm(folder: Path) -> None:
    store = make(folder)

    async def leave() -> None:
        await store.open()
        asyncio.ensure_future(store.append(record(1)))  # noqa: RUF006 - nobody waits, that is the case
        await asyncio.sleep(0)

    asyncio.run(leave())
    for _ in range(1000):
        if ids(folder):
            break
        threading.Event().wait(0.01)
    assert ids(folder) == ["req-1"]
    store._chain.close()


APPENDER = r"""
import asyncio, random, sys
from pathlib import Path
from proxy.records.store import open_store, utc_now
from tests.records.samples import Keys, record

def say(line):  # in one write, so that a kill does not cut it
    sys.stdout.write(line)
    sys.stdout.flush()

async def request(store, number, chance):
    await store.append(record(number, created=utc_now()))
    say(f"accepted {number}\n")
    await asyncio.sleep(chance.random() * 0.05)
    status = chance.choice(["closed", "blocked"])
    await store.append(record(number, status, created=utc_now()))
    say(f"closed {number}\n")

async def main(url, first, count, seed):
    chance = random.Random(seed)
    store = open_store(url, keys=Keys())
    await store.open()
    numbers = list(range(first, first + count))
    chance.shuffle(numbers)
    await asyncio.gather(*(request(store, number, chance) for number in numbers))
    if "--hang" in sys.argv:
        await asyncio.sleep(60)
    await store.close()

asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:5])))
"""


def appender(folder: Path, first: int, count: int, seed: int, *more: str) -> subprocess.Popen[str]:
    arguments = [f"sqlite:///{folder}", str(first), str(count), str(seed), *more]
    return subprocess.Popen([sys.executable, "-c", APPENDER, *arguments], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_after_a_kill_every_accepted_request_has_an_end_and_the_chain_verifies(
    folder: Path, seed: int
) -> None:
    chance = random.Random(seed)
    with appender(folder, 0, 50, seed, "--hang") as process:
        assert process.stdout is not None
        said = [process.stdout.readline().split() for _ in range(chance.randrange(5, 95))]
        process.kill()
        said += [line.split() for line in process.stdout.read().splitlines()]
    store = make(folder, clock=utc_now)
    await store.open()
    await store.close()
    statuses: dict[str, list[str]] = {}
    for stored in read_records(folder, Query(kind="request")):
        statuses.setdefault(stored.record.request_id, []).append(stored.record.status)
    assert [line for line in said if len(line) != 2] == []
    for what, number in said:
        assert "accepted" in statuses[f"req-{number}"]  # what was promised is there
        assert what == "accepted" or {"closed", "blocked"} & set(statuses[f"req-{number}"])
    for of_one in statuses.values():
        assert of_one[0] == "accepted"
        assert len(of_one) == 2
        assert of_one[1] in CLOSING
    report = verify(folder, keys=Keys())
    assert (report.faults, report.unclosed) == ((), 0)


async def test_two_processes_write_to_the_same_file_at_once(folder: Path) -> None:
    with appender(folder, 0, 150, 1) as one, appender(folder, 1000, 150, 2) as two:
        for process in (one, two):
            process.communicate(timeout=60)
            assert process.returncode == 0
    rows = list(read_records(folder, Query(kind="request")))
    assert Counter(Counter(stored.record.request_id for stored in rows).values()) == {2: 300}
    assert len({stored.writer for stored in rows}) == 2
    report = verify(folder, keys=Keys())
    assert (report.faults, report.unclosed, report.chains) == ((), 0, 2)
