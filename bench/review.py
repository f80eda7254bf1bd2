"""The review engine: cost a delta, long text, recall by evasion family, false positives, hold, leaks.

    python bench/review.py [--clean DIR …] [--chunkings N] [--draws N] [--seed S] [--only speed|recall|false|leaks …]
        [--folds words]

`--clean`: folders of .md or .txt files of ordinary text; without one the false positives are left out, and the speed
is that on text made of common characters. The first folder is the text of the speed test. `--folds`: what all entries of
recall and false positives ask for besides.
Entries are made here: strings of common characters, drawn by their frequency, none of which occurs in the text.
Times are thread CPU time of one core, of the quietest of twenty (deltas) or three (long text) stretches.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections import Counter
from pathlib import Path

from proxy.review.entry import Action, Direction, Entry
from proxy.review.library import Library
from proxy.review.matcher import DaachorseMatcher
from proxy.review.tables import builtin_tables
from proxy.review.views import safe_view

EVASIONS = Path(__file__).parent / "review_evasions.jsonl"
BLIND = Path(__file__).parent / "review_blind.jsonl"  # written before the engine, never tuned on
VIEWS = (("safe",), ("safe", "evasion"), ("safe", "evasion", "pinyin"))
FLAG = {Direction.INPUT: Action.FLAG, Direction.OUTPUT: Action.FLAG}
MASK = {Direction.INPUT: Action.MASK, Direction.OUTPUT: Action.MASK}  # acts, and the text goes on
# Common characters, for when there is no clean text to count them in.
COMMON = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经"


def clean_text(folder: Path | None) -> str:
    files = sorted(folder.rglob("*.md")) + sorted(folder.rglob("*.txt")) if folder else []
    text = "\n".join(path.read_text("utf-8", "replace") for path in files)
    return text[:1_500_000]


def entries(
    count: int,
    views: tuple[str, ...],
    text: str,
    action: dict[Direction, Action] | None = None,
    seed: int = 11,
    folds: tuple[str, ...] = (),
) -> list[Entry]:
    chance = random.Random(seed)
    han = Counter(c for c in text if "\u4e00" <= c <= "\u9fff") or Counter(COMMON)
    characters, weights = zip(*han.most_common(3000), strict=True)
    syllables = [
        "ba",
        "be",
        "bo",
        "da",
        "de",
        "fi",
        "fo",
        "ga",
        "ka",
        "ki",
        "la",
        "lo",
        "ma",
        "mi",
        "na",
        "no",
        "pa",
        "ra",
        "ri",
        "sa",
        "so",
        "ta",
        "ti",
        "tor",
        "vek",
        "zan",
        "gris",
        "blon",
    ]
    safe = safe_view(builtin_tables())
    patterns: set[str] = set()
    while len(patterns) < count * 1.3:
        if chance.random() < 0.1:
            pattern = "".join(chance.choices(syllables, k=chance.randint(3, 5)))
        else:
            pattern = "".join(chance.choices(characters, weights, k=chance.choice([2, 3, 3, 4, 4, 4, 5, 6])))
        patterns.add(safe.fold(pattern))
    folded = safe.fold(text)
    if folded:
        found = DaachorseMatcher(ordered := sorted(patterns)).find(folded)
        patterns -= {ordered[index] for _, _, index in found}
    more = {"action": action} if action else {}
    return [
        Entry(pattern, "A.1.f", views=views, folds=folds, **more)
        for pattern in chance.sample(sorted(patterns), count)
    ]


def sample_text(text: str, length: int) -> str:
    """Ordinary text: the clean one, else common characters with punctuation."""
    if len(text) >= length:
        return text[:length]
    chance = random.Random(5)
    return "".join(chance.choices(COMMON + "，。", k=length))


def delta_time(library: Library, text: str, size: int) -> float:
    """CPU microseconds a delta."""
    reviewer = library.reviewer(Direction.OUTPUT)
    begun = time.thread_time()
    for at in range(0, len(text), size):
        reviewer.feed(text[at : at + size])
    return (time.thread_time() - begun) / (len(text) / size) * 1e6


def speed(text: str) -> None:
    print(
        "\n10,000 entries: CPU a delta of 3 characters, of 20; long text; hold after each 3-character delta"
    )
    deltas = sample_text(text, 120_000)
    for views in VIEWS:
        library = Library.compile(entries(10_000, views, text, FLAG))
        chosen = entries(10_000, views, text)
        started = time.thread_time()
        blocking = Library.compile(chosen)
        built = time.thread_time() - started
        row = []
        for size in (3, 20):
            blocks = [deltas[at : at + 6000] for at in range(0, len(deltas), 6000)]
            row.append(min(delta_time(library, block, size) for block in blocks))
        rates = []
        for at in range(0, len(deltas), 40_000):
            reviewer = library.reviewer(Direction.OUTPUT)
            begun = time.thread_time()
            reviewer.feed(deltas[at : at + 40_000])
            reviewer.flush()
            rates.append(len(deltas[at : at + 40_000].encode()) / (time.thread_time() - begun) / 1e6)
        rate = max(rates)
        held = []
        for line in deltas.split("\n"):  # a line at a time, since a block ends a stream
            holding = blocking.reviewer(Direction.OUTPUT)
            for at in range(0, len(line), 3):
                holding.feed(line[at : at + 3])
                held.append(holding.held)
        held.sort()
        p99 = held[int(len(held) * 0.99)]
        print(f"{'+'.join(views):22} {row[0]:5.1f} us {row[1]:6.1f} us {rate:6.1f} MB/s   "
              f"hold mean {sum(held) / len(held):.2f} p99 {p99}   built in {built:.2f} s")  # fmt: skip


COUNTED = (
    "safe", "evasion, acts", "evasion, flags", "pinyin >= 4, acts", "pinyin >= 4, flags", "pinyin of 3, flags"
)  # fmt: skip
OPT_IN = ("initials", "reversed", "filler")


def recall(path: Path, more: tuple[str, ...] = ()) -> None:
    """By family; families that entries must ask for are looked for by entries that do.

    The last column: of the texts in which a keyword is found, those in which it acts; without those that flag three
    characters.
    """
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    found: dict[str, list[int]] = {}
    for views in VIEWS:
        for asked in ("", *OPT_IN):
            wanted = [
                row for row in rows if row["family"] == asked or (not asked and row["family"] not in OPT_IN)
            ]
            keywords = sorted({row["keyword"] for row in wanted})
            folds = (asked, *more) if asked else more
            library = Library.compile(
                [Entry(word, "A.1.f", views=views, action=MASK, folds=folds) for word in keywords]
            )
            patterns = {entry.id: entry.pattern for entry in library.entries}
            for row in wanted:
                findings = library.review(row["text"], Direction.OUTPUT)
                acts = [f.action is Action.MASK for f in findings if patterns[f.entry_id] == row["keyword"]]
                counts = found.setdefault(row["family"], [0] * (len(VIEWS) + 3))
                counts[VIEWS.index(views)] += bool(acts)
                counts[-1] += views is VIEWS[0]
                if views is VIEWS[-1] and acts and (any(acts) or len(row["keyword"]) != 3):
                    counts[-3] += any(acts)
                    counts[-2] += 1
    print(f"\n{path.name}: recall by family ({len(rows)} texts):  safe   + evasion  + pinyin      acts")
    single = [counts for family, counts in found.items() if " + " not in family and family not in OPT_IN]
    stacked = [counts for family, counts in found.items() if " + " in family]
    for name, groups in [
        *((f, [c]) for f, c in found.items()),
        ("ALL SINGLE", single),
        ("ALL STACKED", stacked),
    ]:
        if not groups:
            continue
        sums = [sum(column) for column in zip(*groups, strict=True)]
        rates = [sums[i] / sums[-1] for i in range(len(VIEWS))] + [sums[-3] / sums[-2]]
        print(f"{name:38}" + "".join(f"{rate:10.3f}" for rate in rates))


def false_positives(name: str, text: str, draws: int, seed: int, folds: tuple[str, ...] = ()) -> None:
    """Each draw has entries of its own: one that sounds like a stock phrase of the text makes many of the matches."""
    print(f"\n{name}: false positives in {len(text):,} clean characters, 10,000 entries, per million, "
          f"mean of {draws} draws and its standard error")  # fmt: skip
    counts: dict[str, list[int]] = {view: [0] * draws for view in COUNTED}
    samples: dict[str, list[str]] = {}
    for draw in range(draws):
        library = Library.compile(entries(10_000, VIEWS[-1], text, MASK, seed + draw, folds))
        lengths = {entry.id: len(entry.pattern) for entry in library.entries}
        for finding in library.review(text, Direction.OUTPUT):
            view = finding.view
            if view == "pinyin":
                view += " of 3" if lengths[finding.entry_id] < 4 else " >= 4"
            if view != "safe":
                view += ", acts" if finding.action is Action.MASK else ", flags"
            counts[view][draw] += 1
            samples.setdefault(view, []).append(finding.text)
    for view, found in counts.items():
        rates = [count / len(text) * 1e6 for count in found]
        error = statistics.stdev(rates) / draws**0.5 if draws > 1 else 0.0
        print(f"{view:20} {statistics.fmean(rates):8.1f} ± {error:.1f}   {samples.get(view, [])[:6]}")


def leaks(count: int) -> None:
    """Random texts with hidden keywords, random chunks: released text against the uncut one."""
    chance = random.Random(3)
    rows = [json.loads(line) for line in EVASIONS.read_text("utf-8").splitlines()]
    words = sorted({row["keyword"] for row in rows})
    library = Library.compile([Entry(word, "A.1.f", views=VIEWS[-1]) for word in words])
    differing = leaking = 0
    expected: dict[str, tuple[str, int]] = {}
    for _ in range(count):
        text = chance.choice(rows)["text"]
        if text not in expected:
            whole = library.reviewer(Direction.OUTPUT)
            released = whole.feed(text) + whole.flush()
            expected[text] = released, whole.blocked.start if whole.blocked else len(text)
        reviewer, out, at = library.reviewer(Direction.OUTPUT), "", 0
        while at < len(text):
            size = chance.choice((1, 1, 2, 3, 5, 9))
            out += reviewer.feed(text[at : at + size])
            at += size
            leaking += len(out) > expected[text][1]
        out += reviewer.flush()
        differing += out != expected[text][0]
    print(
        f"\n{count:,} random chunkings over all views: {differing} differ from the uncut text, {leaking} leak"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clean", type=Path, nargs="*", default=[])
    parser.add_argument("--chunkings", type=int, default=20_000)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--texts", type=Path, nargs="*", default=[EVASIONS, BLIND])
    parser.add_argument("--only", nargs="*", default=["speed", "recall", "false", "leaks"])
    parser.add_argument("--folds", nargs="*", default=[])
    options = parser.parse_args()
    folds = tuple(options.folds)
    if "speed" in options.only:
        speed(clean_text(options.clean[0] if options.clean else None))
    if "recall" in options.only:
        for path in options.texts:
            recall(path, folds)
    if "false" in options.only:
        for folder in options.clean:
            false_positives(folder.name, clean_text(folder), options.draws, options.seed, folds)
    if "leaks" in options.only:
        leaks(options.chunkings)


if __name__ == "__main__":
    main()
