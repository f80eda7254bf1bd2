"""Engines for many keywords side by side, and our whole review beside them, in one run.

    pip install pyahocorasick==2.3.1
    python bench/review_engines.py --clean DIR [--entries 10000]

Scanning alone (no folds, no word boundaries, no hold-back) against all of the review. Thread CPU time, the best of
five; one stretch of 200,000 characters, and pieces of 3 and of 20.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import ahocorasick
import ahocorasick_rs
from review import FLAG, VIEWS, clean_text, entries

from proxy.review.entry import Direction
from proxy.review.library import Library
from proxy.review.matcher import DaachorseMatcher


def cpu(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(5):
        begun = time.thread_time()
        work()
        best = min(best, time.thread_time() - begun)
    return best


def row(name: str, built: float, scan: Callable[[str], object], text: str) -> None:
    megabytes = len(text.encode()) / 1e6
    rate = megabytes / cpu(lambda: scan(text))
    pieces = {size: [text[at : at + size] for at in range(0, 30_000, size)] for size in (3, 20)}
    micro = {size: cpu(lambda p=p: [scan(one) for one in p]) / len(p) * 1e6 for size, p in pieces.items()}  # type: ignore[misc]
    print(f"| {name} | {built:.2f} s | {rate:.1f} MB/s | {micro[3]:.1f} µs | {micro[20]:.1f} µs |")


def timed(make: Callable[[], object]) -> tuple[object, float]:
    begun = time.process_time()
    made = make()
    return made, time.process_time() - begun


def py_automaton(patterns: list[str]) -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for pattern in patterns:
        automaton.add_word(pattern, pattern)
    automaton.make_automaton()
    return automaton


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clean", type=Path, required=True)
    parser.add_argument("--entries", type=int, default=10_000)
    options = parser.parse_args()
    text = clean_text(options.clean)[:200_000]
    patterns = sorted({entry.pattern for entry in entries(options.entries, VIEWS[0], text)})
    print(
        f"| {options.entries:,} entries | built in | long text | 3 characters | 20 characters |\n|---|---|---|---|---|"
    )
    rust, built = timed(lambda: ahocorasick_rs.AhoCorasick(patterns))
    row(
        "ahocorasick_rs, scanning alone",
        built,
        lambda t: rust.find_matches_as_indexes(t, overlapping=True),
        text,
    )  # type: ignore[attr-defined]
    python, built = timed(lambda: py_automaton(patterns))
    row("pyahocorasick, scanning alone", built, lambda t: list(python.iter(t)), text)  # type: ignore[attr-defined]
    ours, built = timed(lambda: DaachorseMatcher(patterns))
    row("daachorse, scanning alone", built, ours.find, text)  # type: ignore[attr-defined]
    for views in VIEWS:
        made = entries(options.entries, views, text, FLAG)
        library, built = timed(lambda made=made: Library.compile(made))  # type: ignore[misc]
        reviewer = library.reviewer(Direction.OUTPUT)  # type: ignore[attr-defined]
        row(f"our review, {' + '.join(views)}", built, reviewer.feed, text)


if __name__ == "__main__":
    main()
