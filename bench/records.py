"""What keeping records costs: `python bench/records.py [folder]`.

The folder (default: a temporary one) decides which disk is measured. Four tables: the event loop's own CPU
time for one append; throughput and waiting by durability and number of waiting requests; one statement a
batch against one a row while the event loop is busy; several processes on one file; and checking the log.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import uvloop

from proxy.records.chain import Writer
from proxy.records.monthly import COLUMNS, MonthFile
from proxy.records.store import Query, Record, RecordStore, open_store, utc_now
from proxy.records.verify import verify

FIELDS = {
    "tenant": "app",
    "model": "model-1",
    "stream": True,
    "label": {"mode": "text", "positions": ["start", "end"], "locale": "zh"},
    "watermark": {"scheme": "carrier", "profile": "default", "key_epoch": 1, "grains": 12},
    "digests": ["0123456789abcdef" * 4, "fedcba9876543210" * 4],
    "review": {"input_chars": 420, "output_chars": 910, "hits": 0},
    "usage": {"prompt_tokens": 210, "completion_tokens": 455},
    "user": "用户-0042",
    "milliseconds": 4210,
}
SECRET = {"findings": [{"entry": "e-17", "span": [3, 9], "text": "stand-in"}]}


class Keys:
    current = 1

    def derive(self, info: str) -> bytes:
        return info.encode().ljust(32, b"\0")[:32]


def a_record(number: int, status: str) -> Record:
    identifier = f"{number:032x}"
    secret = SECRET if number % 20 == 0 else None
    return Record(
        "request", f"req_{identifier}", identifier, status, utc_now(), "lib-2026-05", FIELDS, secret
    )


async def opened(folder: Path, durability: str) -> RecordStore:
    store = open_store(f"sqlite:///{folder}", keys=Keys(), durability=durability)
    await store.open()
    return store


async def load(store: RecordStore, waiting: int, total: int) -> tuple[float, float, list[float]]:
    """`waiting` requests at a time, `total` appends: wall seconds, the loop's CPU seconds, each wait.

    The CPU time is that of the loop's thread less what making the records took.
    """
    numbers = iter(range(total // 2))
    waits: list[float] = []
    making = 0.0

    async def requests() -> None:
        nonlocal making
        for number in numbers:
            for status in ("accepted", "closed"):
                before = time.thread_time()
                item = a_record(number, status)
                making += time.thread_time() - before
                begun = time.perf_counter()
                await store.append(item)
                waits.append(time.perf_counter() - begun)

    wall, cpu = time.perf_counter(), time.thread_time()
    await asyncio.gather(*(requests() for _ in range(waiting)))
    return time.perf_counter() - wall, time.thread_time() - cpu - making, sorted(waits)


def table(title: str, heading: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    print(f"\n{title}\n\n| {' | '.join(heading)} |\n|{'---|' * len(heading)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |")


def durability_table(folder: Path) -> None:
    rows = []
    for durability, totals in (("strict", (400, 1000)), ("group", (1000, 20_000)), ("relaxed", (5000, 5000))):
        for waiting, total in zip((1, 200), totals, strict=True):

            async def measure(
                durability: str = durability, waiting: int = waiting, total: int = total
            ) -> Any:
                store = await opened(folder / f"{durability}-{waiting}", durability)
                result = await load(store, waiting, total)
                await store.close()
                return result

            wall, cpu, waits = uvloop.run(measure())
            rows.append(
                (
                    durability,
                    waiting,
                    f"{total / wall:,.0f}",
                    f"{waits[len(waits) // 2] * 1e3:.2f}",
                    f"{waits[len(waits) * 99 // 100] * 1e3:.2f}",
                    f"{cpu / total * 1e6:.1f}",
                )
            )
    heading = ("durability", "waiting", "appends/s", "p50 ms", "p99 ms", "event loop CPU µs per append")
    table("Appends", heading, rows)


def plain_insert(file: MonthFile, rows: Sequence[Sequence[Any]]) -> None:
    """The same rows the usual way: BEGIN, a statement a row and table, COMMIT."""
    connection = file._connection
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        f"INSERT INTO records ({COLUMNS}) VALUES ({','.join('?' * 12)})", [row[:12] for row in rows]
    )
    opened, ended = ([(row[3],) for row in rows if row[5] == status] for status in ("accepted", "closed"))
    connection.executemany("INSERT INTO pending VALUES (?, '')", opened)
    connection.executemany("DELETE FROM pending WHERE request_id = ?", ended)
    connection.execute(
        "UPDATE writers SET seq = ?, hash = ?, mac = ?", (rows[-1][1], rows[-1][11], rows[-1][13])
    )
    connection.execute("COMMIT")


def busy_loop_table(folder: Path) -> None:
    writer = Writer("boot", 1, 2, "bench")
    ways: dict[str, Callable[[MonthFile, Sequence[Sequence[Any]]], None]] = {
        "one statement a batch": MonthFile.insert,
        "one statement a row": plain_insert,
    }
    rows = []
    for busy in (False, True):
        stop = threading.Event()
        other = threading.Thread(target=_spin, args=(stop,))
        if busy:
            other.start()
        for name, insert in ways.items():
            for size in (1, 16, 64, 256):
                place = folder / f"{name}-{size}-{busy}"
                place.mkdir()
                file = MonthFile(place, "202605", writer)
                times = []
                for turn in range(15):
                    batch = [_row(writer.id, turn * size + number) for number in range(size)]
                    begun = time.perf_counter()
                    insert(file, batch)
                    times.append(time.perf_counter() - begun)
                file.close()
                rows.append(("busy" if busy else "idle", name, size, f"{statistics.median(times) * 1e3:.2f}"))
        stop.set()
        if busy:
            other.join()
    table("A commit beside an event loop", ("event loop", "way", "rows", "median ms"), rows)


def _spin(stop: threading.Event) -> None:
    number = 0
    while not stop.is_set():
        for _ in range(1000):
            number += 1


def _row(writer: str, seq: int) -> list[Any]:
    status = "closed" if seq % 2 else "accepted"
    text = '{"a":"' + "x" * 500 + '"}'
    row = [
        writer,
        seq,
        "request",
        f"req{seq // 2}",
        f"cid{seq}",
        status,
        "2026-05-01T00:00:00.000Z",
        "lib",
        text,
    ]
    return [*row, None, b"0" * 32, b"1" * 32, None, b"2" * 32]


def _process(folder: Path, total: int, results: Any) -> None:
    async def run() -> None:
        store = await opened(folder, "group")
        wall, _, waits = await load(store, 50, total)
        await store.close()
        results.put((total / wall, waits[len(waits) // 2], waits[len(waits) * 99 // 100]))

    uvloop.run(run())


def processes_table(folder: Path) -> None:
    rows = []
    context = multiprocessing.get_context("spawn")
    for number in (1, 2, 4):
        results = context.Queue()
        place = folder / f"processes-{number}"
        workers = [context.Process(target=_process, args=(place, 4000, results)) for _ in range(number)]
        for worker in workers:
            worker.start()
        found = [results.get() for _ in workers]
        for worker in workers:
            worker.join()
        rate = sum(result[0] for result in found)
        p50, p99 = (max(result[i] for result in found) * 1e3 for i in (1, 2))
        rows.append((number, f"{rate:,.0f}", f"{p50:.1f}", f"{p99:.1f}", verify(place, keys=Keys()).ok))
    heading = ("processes", "appends/s, sum", "p50 ms, worst", "p99 ms, worst", "log verifies")
    table("Processes on one file, 50 waiting in each", heading, rows)


def reading_table(folder: Path) -> None:
    place = folder / "group-200"
    begun = time.perf_counter()
    report = verify(place, keys=Keys())
    checked = time.perf_counter() - begun

    async def find() -> list[float]:
        store = open_store(f"sqlite:///{place}", keys=Keys())
        times = []
        for number in range(0, 5000, 50):
            begun = time.perf_counter()
            rows = [stored async for stored in store.read(Query(content_id=f"{number:032x}"))]
            times.append(time.perf_counter() - begun)
            assert len(rows) == 2
        return times

    size = sum(path.stat().st_size for path in place.glob("*.sqlite*"))
    rows = [
        ("verify", f"{report.rows / checked:,.0f} rows/s, {'whole' if report.ok else 'FAULTS'}"),
        ("find by content id, median", f"{statistics.median(uvloop.run(find())) * 1e3:.2f} ms"),
        ("disk", f"{size / report.rows:,.0f} bytes/row"),
    ]
    table(f"The log of {report.rows:,} rows", ("", ""), rows)


def main() -> None:
    parent = sys.argv[1] if len(sys.argv) > 1 else None
    folder = Path(tempfile.mkdtemp(dir=parent))
    print(
        f"{os.cpu_count()} processors, Python {sys.version.split()[0]}, fields of {len(str(FIELDS))} characters"
    )
    try:
        durability_table(folder)
        busy_loop_table(folder)
        processes_table(folder)
        reading_table(folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
