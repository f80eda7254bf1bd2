"""The index of issued marks: bytes and time an answer, and what a look-up among a million costs.

    python bench/marks.py fill DIR --answers 250000     # again until it is full; a slice takes a minute
    python bench/marks.py ask DIR                        # before and after the months are put in order
    python bench/marks.py note                           # what it costs on the way out

Stored marks are those of answers spread over six months, as a proxy would have put them out. Asked for are fragments
of one, two and three marks of Chinese answers, and fragments of a service that nobody knows.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from detectors.carrier import CarrierDetector
from detectors.detection import Outcome
from detectors.issued import IssuedMarks, MarkValues, indexed_numbers
from labelers.provenance import KeyRing, Provenance, content_number
from labelers.watermarks.carrier import CarrierScheme
from labelers.watermarks.carrier_codec import GRAIN_RUN
from proxy.fingerprints.sqlite import SqliteFingerprints
from proxy.fingerprints.store import Fingerprint, MemoryFingerprints
from proxy.fingerprints.writer import IndexWriter
from tests.labelers.documents import zh_sentence

EPOCHS = 4
KEYS = KeyRing(b"bench" * 8, EPOCHS, producers=["bench"])
STRANGER = KeyRing(b"other" * 8, EPOCHS, producers=["bench"])
MAKER = MarkValues(KEYS)
START_MS = 1_782_864_000_000  # 2026-07-01
SPAN_MS = 180 * 24 * 3600 * 1000
PLANNED = 1_000_000
BATCH = 4_000


def issued(number: int) -> Provenance:
    """The answer of this number; those of a millisecond apart are not alike."""
    chance = random.Random(number).randrange(1 << 24)
    return Provenance(
        "bench", content_number(START_MS + number * (SPAN_MS // PLANNED), chance), key_id=EPOCHS
    )


def fill(folder: Path, more: int) -> None:
    store = SqliteFingerprints(folder, 10_000, "marks")
    done = store.count()
    cpu = 0.0
    for first in range(done, done + more, BATCH):
        some = [issued(number) for number in range(first, min(first + BATCH, done + more))]
        begun = time.process_time()
        store.add(
            [
                Fingerprint(one.content_number, held)
                for one, held in zip(some, MAKER.values_of(some), strict=True)
            ]
        )
        cpu += time.process_time() - begun
    count = store.count()
    store.close()
    told = {
        "answers": count,
        "cpu_us_an_answer": round(cpu / more * 1e6, 1),
        "bytes_an_answer": size(folder) / count,
    }
    print(json.dumps(told))


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("marks-*.sqlite"))


def fragment(keys: KeyRing, provenance: Provenance, count: int, seed: int) -> str:
    rng = random.Random(seed)
    transform = CarrierScheme(keys).new_transform(provenance)
    marked = transform.feed("".join(zh_sentence(rng) for _ in range(25))) + transform.flush()
    runs = list(GRAIN_RUN.finditer(marked))
    first = rng.randrange(len(runs) - count - 1)
    return marked[runs[first].end() : runs[first + count].end()]


def ask(folder: Path, tries: int, *, ordered: bool) -> None:
    store = SqliteFingerprints(folder, 10_000, "marks")
    count = store.count()
    if ordered:
        begun = time.process_time()
        store.expire(START_MS + 10_000 * 24 * 3600 * 1000 - 1)
        print(f"put in order in {time.process_time() - begun:.1f} s of CPU")
    print(f"{count:,} answers stored, {size(folder) / count:.1f} bytes each\n")
    detector = CarrierDetector(KEYS, lookup=IssuedMarks(KEYS, ["bench"], indexed_numbers(store)))
    print(
        "| marks | asked | named right | judged genuine | ms CPU, median | 95 % |\n|---|---|---|---|---|---|"
    )
    rng = random.Random(1)
    for keys, whose in ((KEYS, "ours"), (STRANGER, "a stranger's")):
        for marks in (1, 2, 3):
            right = genuine = 0
            took = []
            for number in range(tries):
                # A stranger's answers are none of those that are stored.
                provenance = issued(rng.randrange(count) + (PLANNED if keys is STRANGER else 0))
                text = fragment(keys, provenance, marks, number)
                begun = time.process_time()
                found = detector.detect(text)
                took.append((time.process_time() - begun) * 1e3)
                named = (found.provenance or {}).get("content_id")
                assert named in (None, provenance.content_id), "another answer was named"
                right += named is not None
                genuine += found.outcome is Outcome.PRESENT
            last = statistics.quantiles(took, n=20)[-1]
            cells = f"{tries} | {right} | {genuine} | {statistics.median(took):.2f} | {last:.2f}"
            print(f"| {marks}, {whose} | {cells} |", flush=True)
    store.close()


def note(count: int) -> None:
    """What the event loop pays, and what the thread beside it does."""
    some = [issued(number) for number in range(count)]
    writer = IndexWriter(MAKER, MemoryFingerprints(), "marks")
    begun = time.process_time()
    MAKER.values_of(some)
    values = (time.process_time() - begun) / count * 1e6
    writer._thread = object()  # type: ignore[assignment]  # takes what is noted, and nobody writes it
    best = float("inf")
    for at in range(0, count, 1_000):
        begun = time.thread_time()
        for one in some[at : at + 1_000]:
            writer.note(one.content_number, one)
        best = min(best, (time.thread_time() - begun) / 1_000 * 1e6)
    print(f"note: {best:.2f} µs on the event loop; values: {values:.1f} µs in the thread")


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("what", choices=("fill", "ask", "note"))
    options.add_argument("folder", type=Path, nargs="?", default=Path("marks"))
    options.add_argument("--answers", type=int, default=PLANNED // 4)
    options.add_argument("--tries", type=int, default=500)
    options.add_argument("--ordered", action="store_true", help="ask after the past months were put in order")
    given = options.parse_args()
    if given.what == "fill":
        fill(given.folder, given.answers)
    elif given.what == "ask":
        ask(given.folder, given.tries, ordered=given.ordered)
    else:
        note(10_000)


if __name__ == "__main__":
    main()
