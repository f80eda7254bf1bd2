"""Building a library, loading it in a worker, and what both take.

    python bench/review_build.py [--entries 10000 100000] [--clean DIR]

Each figure is of a process of its own, so that nothing is warm and no memory is reused. Built: the compiler as the
server starts it, from its first import to the signed snapshot on the disk (CPU seconds, wall seconds, and the most memory it
had); the compiling alone is told beside it. Loaded: the snapshot as a worker loads it that has one loaded already,
as every worker has when a version is published (wall and CPU milliseconds), and what memory it has more (resident,
before and after, all of the process; nothing of it is shared with other workers).
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from proxy.review.entry import Entry
from proxy.review.store import load_version, make_snapshot, publish
from proxy.review.stored import StoredEntries, lines_of

VIEWS = (("safe",), ("safe", "evasion"), ("safe", "evasion", "pinyin"))
KEY = b"k" * 32
ABOUT = {"author": "bench", "reason": "bench", "now": "2026-01-02T03:04:05Z", "key": KEY}


def resident() -> float:
    """Megabytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def build(folder: Path) -> None:
    """As `proxy.governance.compiler` does it; the figures on standard output."""
    gc.disable()
    Path("/proc/self/clear_refs").write_text("5")  # the most memory so far was our parent's
    begun, cpu = time.perf_counter(), time.process_time()
    entries = StoredEntries((folder / "entries").read_bytes())
    version = make_snapshot(folder, entries, **ABOUT)
    took, used = time.perf_counter() - begun, time.process_time() - cpu
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) / 1e3
    print(
        json.dumps({"version": version, "wall": took, "cpu": used, "all": time.process_time(), "peak": peak})
    )


def load(folder: Path, version: str, small: str) -> None:
    load_version(folder, small, KEY)
    before = resident()
    begun, cpu = time.perf_counter(), time.process_time()
    library = load_version(folder, version, KEY)
    took, used = time.perf_counter() - begun, time.process_time() - cpu
    print(
        json.dumps({"wall": took, "cpu": used, "more": resident() - before, "entries": len(library.entries)})
    )


def asked(*words: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, __file__, *words], capture_output=True, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def measure(count: int, views: tuple[str, ...], clean: Path | None, times: int) -> None:
    from review import clean_text, entries

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = publish(folder, [Entry("甲乙丙丁", "A.1.a", views=views)], **ABOUT)
        chosen = sorted(entries(count, views, clean_text(clean)), key=lambda entry: entry.id)
        (folder / "entries").write_bytes(lines_of(chosen))
        builds = []
        for _ in range(times):
            for path in (folder / "versions").iterdir():
                if path.name != small:
                    path.rename(folder / f"old-{time.monotonic_ns()}")
            builds.append(asked("--build", name))
        best = min(builds, key=lambda told: told["cpu"])
        loads = [asked("--load", name, str(best["version"]), small) for _ in range(times)]
        loaded = min(loads, key=lambda told: told["cpu"])
        size = sum(f.stat().st_size for f in (folder / "versions" / str(best["version"])).iterdir()) / 1e6
        print(f"{count:7,} {'+'.join(views):20} built: {best['cpu']:5.2f} s CPU, {best['wall']:5.2f} s wall, "
              f"{best['all']:5.2f} s CPU with its imports, {best['peak']:4.0f} MB at most; {size:.0f} MB of files; "
              f"loaded: {1000 * loaded['wall']:4.0f} ms wall, {1000 * loaded['cpu']:4.0f} ms CPU, "
              f"{max(told['more'] for told in loads):5.1f} MB more")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--clean", type=Path)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--build")
    parser.add_argument("--load", nargs=3)
    options = parser.parse_args()
    if options.build:
        build(Path(options.build))
    elif options.load:
        load(Path(options.load[0]), *options.load[1:])
    else:
        for count in options.entries:
            for views in VIEWS:
                measure(count, views, options.clean, options.times)


if __name__ == "__main__":
    main()
