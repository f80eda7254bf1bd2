"""A file of a million entries into the procedure: previewed, brought in, refused whole; time and memory.

python bench/library_import.py [--rows 1000000]
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import threading
import time
from pathlib import Path

from proxy.governance.desk import Desk
from proxy.governance.intake import bring_in
from proxy.governance.people import Actor
from proxy.governance.sqlite import SqliteGovernance
from proxy.governance.store import Search
from proxy.settings import Library

ANN = Actor("ann", frozenset(["operator"]), "claimed")


def megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def change_now_and_then(store: SqliteGovernance, waits: list[float], over: threading.Event) -> None:
    """Another operator, ten times a second: how long each waits for the others."""
    while not over.wait(0.1):
        began = time.perf_counter()
        with store.changing() as ledger:
            ledger.put_fact("other", len(waits))
        waits.append(time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="inkseal-") as name:
        folder = Path(name)
        file = folder / "big.csv"
        with file.open("w", encoding="utf-8") as target:
            target.write("pattern,category,severity\n")
            for n in range(rows):
                target.write(f"底纹词{n:07d}号,A.1.a,2\n")
        store = SqliteGovernance(folder / "governance.sqlite", b"k" * 32)
        events: list[object] = []
        desk = Desk(
            store, folder / "library", b"k" * 32, Library(), events.extend, lambda: "2026-11-27T08:00:00.000Z"
        )
        waits: list[float] = []
        over = threading.Event()
        other = threading.Thread(target=change_now_and_then, args=(store, waits, over))
        other.start()
        before = megabytes()
        began, cpu = time.perf_counter(), time.process_time()
        taken = bring_in(desk, file, ANN, "benchmark")
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        over.set()
        other.join()
        with store.reading() as ledger:
            found = ledger.count(Search(origin=taken.event))
        print(f"{rows:,} rows ({file.stat().st_size >> 20} MB): {taken.new:,} new, {found:,} in the database, "
              f"{len(events)} event; {wall:.0f} s, {cpu:.0f} s CPU, peak {megabytes()} MB ({before} MB before), "
              f"database {(folder / 'governance.sqlite').stat().st_size >> 20} MB; "
              f"somebody else changed something {len(waits)} times meanwhile and waited {max(waits):.1f} s at most")  # fmt: skip


if __name__ == "__main__":
    main()
