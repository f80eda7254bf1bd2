"""Statistical marks: false positives on human text, what is found in marked text, and speed.

    python bench/statistical.py false-positives --zh DIR... --en DIR... [--svg docs/statistical-qq.svg]
    python bench/statistical.py green-list --zh DIR... --en DIR...
    python bench/statistical.py messages --zh DIR... --en DIR... [--seconds 240]
    python bench/statistical.py common --zh DIR... --en DIR...      (writes labelers/watermarks/common_grams.py)
    python bench/statistical.py substitution --zh DIR... --en DIR... [--zh-answers FILE] [--en-answers FILE]
    python bench/statistical.py texts [FILE...]
    python bench/statistical.py speed

`DIR` holds human text unpacked from packages (docs/benchmarks.md names them). Texts are those that
bench/statistical_generate.py wrote.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import html
import json
import math
import random
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from detectors.messages import Answers
from detectors.statistical import FEWEST_GREEN, HAN_SPREAD, _by_payload
from detectors.token_marks import by_tokens, read_row
from labelers.provenance import KeyRing, Provenance
from labelers.watermarks.engine import engine_key
from labelers.watermarks.green_list import PAIRS, green_words
from labelers.watermarks.substitution import Place, Substitution, binomial_tail, count_fits, read_places
from labelers.watermarks.units import (
    _GOLDEN,
    _MIX_2,
    Prf,
    _common,
    epoch_prf,
    grams_of,
    log10_tail,
    read_units,
    units_text,
)
from proxy.tokenizing import Packaged

HERE = Path(__file__).parent / "texts"
MASTER = b"Inkseal, the benchmark's own key"
WINDOW, WINDOWS, KEYS = 200, 40_000, 10
GREEN_WINDOW = {"zh": 1_500, "en": 4_000}  # characters
LENGTHS = {
    "zh": (235, 470, 700, 1000, 2000),
    "en": (1300, 2600, 4000, 6000),
}  # characters; four to six make an English word
PER_LENGTH = 100
COMMON_SHARE = 0.004
HEADER = '''"""Pairs of units too common to count: {count} of 2^20 cells, made by `bench/statistical.py common`.

A pair is too common if it stands in {share:.1%} of the stretches of 200 units of human text in one of the two languages. A cell
is the upper twenty bits of the hash by which `units.grams_of` knows a pair. Writer and reader must have the same
table, so a change of it ends all marks written before.
"""

from __future__ import annotations

__all__ = ["COMMON"]

'''
# Tagged corpora: 人民网/nz 1月1日/t 讯/ng
_TAG = re.compile(r"/[A-Za-z]{1,4}(?=\s|\]|$)")


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson)."""
    if not of:
        return 0.0, 1.0
    z, p = 1.96, hits / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def share(hits: int, of: int) -> str:
    low, high = wilson(hits, of)
    return f"{hits / of:.2f} [{low:.2f}, {high:.2f}]" if of else "–"


def documents(folders: Sequence[Path], language: str, half: int) -> Iterator[str]:
    """Human text under the folders, without tags, mark-up and roff: the first half of each file (0), or the second.

    What is too common to count was learnt from the first halves, so false positives are measured on the second.
    """
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.suffix in (
                ".py",
                ".png",
                ".jpg",
                ".u8",
                ".dat",
                ".dic",
                ".marshal",
            ):
                continue
            data = path.read_bytes()
            if path.suffix == ".gz":
                data = gzip.decompress(data)
            if b"\0" in data[:4096] or len(data) < 2000:
                continue
            text = data.decode("utf-8", "ignore")
            if path.suffix == ".json":
                text = "\n".join(_strings(json.loads(text)))
            if path.suffix in (".html", ".htm"):
                text = html.unescape(re.sub(r"(?s)<(script|style).*?</\1>|<[^>]*>", " ", text))
            text = re.sub(r"(?m)^[.'].*$|\\f[BIRP]|\\", "", text) if "man" in path.parts else text
            if len(_TAG.findall(text[:5000])) > 50:
                text = _TAG.sub("", text).replace("[", "").replace(" ", "")
            han = len(re.findall("[\u4e00-\u9fff]", text)) / max(1, len(text))
            if (han > 0.3) == (language == "zh"):
                middle = len(text) // 2
                yield text[middle:] if half else text[:middle]


def each_line_once(texts: Iterable[str]) -> list[str]:
    """The texts without lines that stood in them before: the note at the end of every manual page is one text, not hundreds.

    Lines of fewer than eight letters stay.
    """
    seen: set[str] = set()
    found = []
    for text in texts:
        kept = []
        for line in text.split("\n"):
            letters = "".join(filter(str.isalpha, line))
            if len(letters) < 8 or letters not in seen:
                kept.append(line)
                seen.add(letters)
        found.append("\n".join(kept))
    return found


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _strings(one)


def windows_of(texts: Sequence[str]) -> tuple[Any, Any, int]:
    """The corpus as grams (n, 2), which windows of `WINDOW` units they stand in, and the stride."""
    hashes = np.concatenate([read_units(text).hashes for text in texts])
    stride = max(1, (len(hashes) - WINDOW) // WINDOWS)
    starts = np.arange(0, len(hashes) - WINDOW, stride)[:WINDOWS]
    blocks = np.stack([hashes[:-1], hashes[1:]], axis=1)
    return blocks, starts, stride


def z_scores(prf: Prf, blocks: Any, starts: Any, once: Any) -> Any:
    """Z of each window, every distinct gram of it counted once. `once` (windows, grams): which ones those are."""
    scores = prf.scores(blocks).astype(np.float32)
    inside = np.lib.stride_tricks.sliding_window_view(scores, WINDOW - 1)[starts]
    return (inside * once).sum(axis=1) / np.sqrt(once.sum(axis=1))


def firsts(blocks: Any, starts: Any) -> Any:
    """For each window, which of its grams count: not too common, and for the first time in it."""
    names = blocks[:, 0] * np.uint64(0x9E3779B97F4A7C15) ^ blocks[:, 1]
    view = np.lib.stride_tricks.sliding_window_view(names, WINDOW - 1)
    once = np.ones((len(starts), WINDOW - 1), bool)
    for at in range(0, len(starts), 2000):
        rows = view[starts[at : at + 2000]]
        order = rows.argsort(axis=1, kind="stable")
        ranked = np.take_along_axis(rows, order, axis=1)
        again = np.zeros(rows.shape, bool)
        again[:, 1:] = ranked[:, 1:] == ranked[:, :-1]
        np.put_along_axis(once[at : at + 2000], order, ~again, axis=1)
    common = _common().take(cells_of(blocks))
    return once & ~np.lib.stride_tricks.sliding_window_view(common, WINDOW - 1)[starts]


def cells_of(blocks: Any) -> Any:
    """The cell of each gram in the table of common ones."""
    return ((blocks[:, 0] * _MIX_2) ^ (blocks[:, 1] * _GOLDEN)) >> np.uint64(44)


def common_grams(folders: dict[str, Sequence[Path]]) -> None:
    """The cells of grams that stand in at least `COMMON_SHARE` of the windows of a language."""
    cells: set[int] = set()
    for language, places in folders.items():
        hashes = np.concatenate([read_units(text).hashes for text in documents(places, language, 0)])
        blocks = np.stack([hashes[:-1], hashes[1:]], axis=1)
        own = cells_of(blocks)
        windows = np.arange(len(own)) // WINDOW
        pairs = np.unique(windows * (1 << 20) + own.astype(np.int64))
        counts = np.bincount(pairs & ((1 << 20) - 1), minlength=1 << 20)
        many = np.flatnonzero(counts >= COMMON_SHARE * (windows[-1] + 1))
        print(
            f"{language}: {len(hashes)} units, {len(many)} cells, {counts[many].sum() / len(pairs):.3f} of all grams"
        )
        cells |= set(many.tolist())
    packed = base64.b64encode(np.array(sorted(cells), np.uint32).tobytes()).decode()
    lines = "\n".join(f'    "{packed[at : at + 100]}"' for at in range(0, len(packed), 100))
    text = HEADER.format(count=len(cells), share=COMMON_SHARE) + f"COMMON = (\n{lines}\n)\n"
    (Path(__file__).parent.parent / "labelers/watermarks/common_grams.py").write_text(text, "utf-8")


def false_positives(folders: dict[str, Sequence[Path]], svg: Path | None) -> None:
    print(
        "| language | windows | stride, units | windows apart | nominal | share per key, least – most | keys of 10 whose interval holds it | worst key |"
    )
    print("|---|---|---|---|---|---|---|---|")
    curves = {}
    for language, places in folders.items():
        blocks, starts, stride = windows_of(each_line_once(documents(places, language, 1)))
        once = firsts(blocks, starts)
        enough = once.sum(axis=1) >= 16
        starts, once = starts[enough], once[enough]
        # Windows overlap: so many that do not would tell as much.
        apart = min(len(starts), len(blocks) // WINDOW)
        found = {}
        for kid in range(1, KEYS + 1):
            z = z_scores(epoch_prf(KeyRing(MASTER, KEYS), kid), blocks, starts, once)
            z /= HAN_SPREAD if language == "zh" else 1.0
            found[kid] = np.sort(np.array([10 ** log10_tail(float(one)) for one in z]))
        curves[language] = found
        for nominal in (1e-2, 1e-3):
            shares = {kid: int((p < nominal).sum()) for kid, p in found.items()}
            worst = max(shares, key=lambda kid: shares[kid])
            holds = sum(
                low <= nominal <= high
                for low, high in (wilson(round(n * apart / len(starts)), apart) for n in shares.values())
            )
            lowest, highest = min(shares.values()) / len(starts), max(shares.values()) / len(starts)
            print(
                f"| {language} | {len(starts)} | {stride} | {apart} | {nominal:g} | {lowest:.5f} – {highest:.5f} | {holds} "
                f"| {worst} (× {highest / nominal:.2f}) |"
            )
    if svg is not None:
        svg.write_text(qq_plot(curves), "utf-8")


def green_list(folders: dict[str, Sequence[Path]]) -> None:
    """How often human text looks as if green words had been pushed: each window of `GREEN_WINDOW` characters by itself."""
    print(
        "| language | characters | windows | pairs told of | nominal | share per key, least – most | keys of 10 whose interval holds it | worst key |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for language, places in folders.items():
        size = GREEN_WINDOW[language]
        text = "\n".join(each_line_once(documents(places, language, 1)))
        windows = [text[at : at + size] for at in range(0, len(text) - size, size)]
        told, first = np.array([told_pairs(window) for window in windows]).transpose(1, 0, 2)
        enough = told.sum(axis=1) >= FEWEST_GREEN
        told, first = told[enough], first[enough]
        counts = told.sum(axis=1)
        found = {}
        for kid in range(1, KEYS + 1):
            words = green_words(epoch_prf(KeyRing(MASTER, KEYS), kid))
            heads = np.array([word == pair[0] for word, pair in zip(words, PAIRS, strict=True)])
            fits = (told & (first == heads)).sum(axis=1)
            found[kid] = np.array([binomial_tail(int(a), int(b)) for a, b in zip(fits, counts, strict=True)])
        for nominal in (1e-2, 1e-3):
            shares = {kid: int((p < math.log10(nominal)).sum()) for kid, p in found.items()}
            worst = max(shares, key=lambda kid: shares[kid])
            # Coins come in steps: what is admitted is at most the nominal.
            holds = sum(wilson(n, len(told))[0] <= nominal for n in shares.values())
            print(
                f"| {language} | {size} | {len(told)} | {counts.mean():.0f} | {nominal:g} | {min(shares.values()) / len(told):.4f} – "
                f"{max(shares.values()) / len(told):.4f} | {holds} | {worst} (× {max(shares.values()) / len(told) / nominal:.1f}) |"
            )


def messages(folders: dict[str, Sequence[Path]], seconds: float) -> None:
    """What comes under a nominal rate by the tests of marks with a message alone, where a thousand answers are known: in words, and in
    tokens of o200k_base, both ways to draw, which share the error with marks without one (four tests).
    """
    chance = random.Random(2)
    issued = [chance.randrange(1 << 24) for _ in range(1000)]
    answers = Answers(frozenset({7}), lambda: issued)
    tokenizer = Packaged("o200k_base")
    keys = {kid: KeyRing(bytes([kid]) * 32, producers=["X"]) for kid in range(1, 6)}
    print("| language | by | windows × keys | nominal | share |")
    print("|---|---|---|---|---|")
    for language, places in folders.items():
        step = {"zh": 600, "en": 2_400}[language]
        whole = [text for text in documents(places, language, 1) if len(text) >= step]
        windows = [text[at : at + step] for text in whole for at in range(0, len(text) - step + 1, step)]
        chance.shuffle(windows)
        tried, found = 0, dict[str, list[float]](words=[], tokens=[])
        end = time.monotonic() + seconds / len(folders)
        for text in windows:
            units = read_units(text)
            grams, row = grams_of(units), read_row(tokenizer, text)
            for ring in keys.values():
                words = _by_payload(1, epoch_prf(ring, 1), units, grams, answers, 0.0)
                found["words"] += [one.log10_p for one in words]
                tokens = by_tokens({1: engine_key(ring, 1)}, tokenizer, row, 0.0, answers)
                found["tokens"].append(
                    min((one.log10_p for one in tokens if "message" in one.scheme), default=0.0)
                )
            tried += len(keys)
            if time.monotonic() > end:
                break
        for by, values in found.items():
            for nominal in (-2.0, -3.0):
                hits = sum(value < nominal for value in values)
                low, high = wilson(hits, tried)
                print(
                    f"| {language} | {by} | {tried} | {10**nominal:g} | {hits / tried:.5f} [{low:.5f}, {high:.5f}] |"
                )


def told_pairs(text: str) -> tuple[list[bool], list[bool]]:
    """Of each pair of words whether the text holds one of both alone, and whether it holds the first."""
    text = text.lower()
    said = {f" {word}" for word in re.findall("[a-z]+", text)}
    said |= {run[at : at + 2] for run in re.findall("[\u4e00-\u9fff]+", text) for at in range(len(run) - 1)}
    return [(one in said) != (two in said) for one, two in PAIRS], [one in said for one, _ in PAIRS]


def qq_plot(curves: dict[str, dict[int, Any]]) -> str:
    """Observed against expected −log10 p, a line a key; on the diagonal where p-values are honest."""
    size, most = 320, 5.0
    parts = []
    for at, (language, keys) in enumerate(curves.items()):
        left = 50 + at * (size + 60)

        def x(value: float, left: int = left) -> float:
            return left + value / most * size

        def y(value: float) -> float:
            return 20 + size - min(value, most) / most * size

        parts.append(f'<rect x="{left}" y="20" width="{size}" height="{size}" fill="none" stroke="#999"/>')
        parts.append(
            f'<path d="M{x(0):.1f} {y(0):.1f}L{x(most):.1f} {y(most):.1f}" stroke="#c33" stroke-dasharray="4"/>'
        )
        for p in keys.values():
            count = len(p)
            ranks = np.unique(np.geomspace(1, count, 80).astype(int))
            points = [
                (-math.log10((rank - 0.5) / count), -math.log10(max(p[rank - 1], 1e-12))) for rank in ranks
            ]
            line = "L".join(f"{x(a):.1f} {y(b):.1f}" for a, b in points if a <= most)
            parts.append(f'<path d="M{line}" fill="none" stroke="#246" stroke-opacity=".5"/>')
        for tick in range(int(most) + 1):
            parts.append(f'<text x="{x(tick):.0f}" y="{size + 36}" text-anchor="middle">{tick}</text>')
            parts.append(f'<text x="{left - 8}" y="{y(tick) + 4:.0f}" text-anchor="end">{tick}</text>')
        parts.append(
            f'<text x="{left + size / 2}" y="{size + 54}" text-anchor="middle">expected −log10 p, {language}, '
            f"{len(keys)} keys</text>"
        )
    width = 50 + len(curves) * (size + 60)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {size + 66}" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def edited(text: str, rate: float, seed: int) -> str:
    """So many of the units replaced by units from elsewhere in the text, deleted or doubled, a third each."""
    chance = random.Random(seed)
    units = read_units(text)
    words = units_text(text, units)
    out, at = [], 0
    for word, start, end in zip(words, units.starts.tolist(), units.ends.tolist(), strict=True):
        out.append(text[at:start])
        if chance.random() < rate:
            joint = " " if word.isascii() else ""
            out.append(chance.choice([chance.choice(words), "", word + joint + chance.choice(words)]))
        else:
            out.append(word)
        at = end
    return "".join([*out, text[at:]])


def log10_p(prf: Prf, text: str) -> tuple[float, int]:
    """log10 p of the whole text under one key, uncorrected, and the units scored."""
    blocks = grams_of(read_units(text)).blocks
    return log10_tail(float(prf.scores(blocks).sum()) / math.sqrt(max(1, len(blocks)))), len(blocks)


def texts(files: Sequence[Path]) -> None:
    prf = epoch_prf(KeyRing(MASTER), 1)
    rows = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    rows = [row for row in rows if not row.get("cut")]
    print(
        "| n : language : tokens | texts | units | log10 p, median | TPR at 1e-2 | at 1e-6 | 10 % edits, 1e-2 | 20 % | 30 % |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for cell in sorted({row["cell"] for row in rows}):
        found = [row["text"] for row in rows if row["cell"] == cell]
        scored = [log10_p(prf, text) for text in found]
        p = [one for one, _ in scored]
        line = [
            cell,
            str(len(found)),
            f"{np.mean([units for _, units in scored]):.0f}",
            f"{np.median(p):.1f}",
        ]
        line += [share(sum(one < level for one in p), len(p)) for level in (-2.0, -6.0)]
        for rate in (0.1, 0.2, 0.3):
            hits = [log10_p(prf, edited(text, rate, seed))[0] < -2 for text in found for seed in range(4)]
            line.append(share(sum(hits), len(hits)))
        print(f"| {' | '.join(line)} |")
    print()
    print(
        "| n : language : tokens | calls | tokens reported for each kept | continuations' tokens for each kept | first chunk, share of the whole time |"
    )
    print("|---|---|---|---|---|")
    for cell in sorted({row["cell"] for row in rows}):
        own = [row for row in rows if row["cell"] == cell and row["statistical"]]
        kept = sum(row["statistical"]["kept_tokens"] for row in own)
        if not kept:
            continue
        calls = sum(row["statistical"]["calls"] for row in own)
        billed = sum(row["statistical"]["billed"]["completion_tokens"] for row in own)
        written = sum(row["statistical"]["continuations"] * row["k"] for row in own)
        wait = np.mean([row["first_seconds"] / row["seconds"] for row in own])
        print(f"| {cell} | {calls} | {billed / kept:.2f} | {written / kept:.2f} | {wait:.3f} |")


def substitution(folders: dict[str, Sequence[Path]], answers: dict[str, Path | None]) -> None:
    """Texts run through the scheme: how long they must be for the places to show, and what chance shows.

    Human text of the folders' second halves, and model answers: a JSON list of texts for a language.
    """
    ring = KeyRing(MASTER, 2)
    own, other = epoch_prf(ring, 1), epoch_prf(ring, 2)
    print("| texts | characters | number | words | marks | fit | 1e-3 | 1e-6 | 1e-2 under another key |")
    print("|---|---|---|---|---|---|---|---|---|")
    for language, places in folders.items():
        human = [p for text in documents(places, language, 1) for p in text.split("\n") if len(p) > 40]
        sources = {f"{language}, human": human}
        if (path := answers[language]) is not None:
            sources[f"{language}, answers"] = [
                t for t in json.loads(path.read_text("utf-8")) if "```" not in t
            ]
        for name, paragraphs in sources.items():
            chance = random.Random(1)
            for length in LENGTHS[language]:
                found, p, others = [], [], []
                for seed in range(PER_LENGTH):
                    at, text = chance.randrange(len(paragraphs)), ""
                    while len(text) < length:
                        text += paragraphs[at % len(paragraphs)] + "\n\n"
                        at += 1
                    transform = Substitution(ring).new_transform(Provenance("X", seed, key_id=1))
                    here = read_places(transform.feed(text[:length]) + transform.flush())
                    found += here
                    p.append(_tail(own, here))
                    others.append(_tail(other, here))
                weak = sum(place.weak for place in found)
                line = [name, str(length), str(PER_LENGTH), f"{(len(found) - weak) / PER_LENGTH:.1f}"]
                line += [f"{weak / PER_LENGTH:.1f}", f"{count_fits(own, found) / max(1, len(found)):.2f}"]
                line += [share(sum(one < level for one in p), PER_LENGTH) for level in (-3.0, -6.0)]
                print(
                    f"| {' | '.join([*line, share(sum(one < -2 for one in others), PER_LENGTH)])} |",
                    flush=True,
                )


def _tail(prf: Prf, places: Sequence[Place]) -> float:
    """log10 p of the words alone or of words and marks, whichever says more, paid for."""
    words = [place for place in places if not place.weak]
    one, both = (binomial_tail(count_fits(prf, some), len(some)) for some in (words, places))
    return min(0.0, min(one, both) + math.log10(2)) if len(words) < len(places) else one


def speed() -> None:
    chance = random.Random(1)
    words = ["".join(chance.choices("etaoinshrdlu", k=chance.randint(1, 9))) for _ in range(20_000)]
    han = "".join(chr(0x4E00 + at) for at in range(3000))
    zh = "".join(chance.choice(han) + chance.choice(["", "", "", "", "", "，"]) for _ in range(330_000))
    print("| text, 1 MB | units, MB/s | first key, MB/s | each further key, MB/s |")
    print("|---|---|---|---|")
    for name, text in (("English", " ".join(chance.choices(words, k=170_000))), ("Chinese", zh)):
        size = len(text.encode()) / 1e6
        best = [math.inf] * 3
        for _ in range(7):
            began = time.thread_time()
            units = read_units(text)
            read = time.thread_time()
            blocks = grams_of(units).blocks
            grams = time.thread_time()
            np.cumsum(epoch_prf(KeyRing(MASTER), 1).scores(blocks), dtype=np.float64)
            end = time.thread_time()
            best = [min(pair) for pair in zip(best, (read - began, end - began, end - grams), strict=True)]
        print(f"| {name} | {size / best[0]:.0f} | {size / best[1]:.0f} | {size / best[2]:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    fp = commands.add_parser("false-positives")
    fp.add_argument("--zh", type=Path, nargs="+", required=True)
    fp.add_argument("--en", type=Path, nargs="+", required=True)
    fp.add_argument("--svg", type=Path)
    common = commands.add_parser("common")
    said = commands.add_parser("messages")
    said.add_argument("--seconds", type=float, default=240)
    for one in (common, said, commands.add_parser("green-list"), commands.add_parser("substitution")):
        one.add_argument("--zh", type=Path, nargs="+", required=True)
        one.add_argument("--en", type=Path, nargs="+", required=True)
        if one.prog.endswith("substitution"):
            one.add_argument("--zh-answers", type=Path)
            one.add_argument("--en-answers", type=Path)
    commands.add_parser("texts").add_argument(
        "files", type=Path, nargs="*", default=[HERE / "best_of_n.jsonl"]
    )
    commands.add_parser("speed")
    args = parser.parse_args()
    if args.command == "false-positives":
        false_positives({"zh": args.zh, "en": args.en}, args.svg)
    elif args.command == "substitution":
        substitution({"zh": args.zh, "en": args.en}, {"zh": args.zh_answers, "en": args.en_answers})
    elif args.command == "green-list":
        green_list({"zh": args.zh, "en": args.en})
    elif args.command == "messages":
        messages({"zh": args.zh, "en": args.en}, args.seconds)
    elif args.command == "common":
        common_grams({"zh": args.zh, "en": args.en})
    elif args.command == "texts":
        texts(args.files)
    else:
        speed()


if __name__ == "__main__":
    main()
