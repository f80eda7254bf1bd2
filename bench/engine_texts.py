"""Texts of the embedded model with marks that are written while it samples, by transformers' logits processors.

    python bench/engine_texts.py write DIR --out FILE [--texts 64 --tokens 400 --schemes gumbel tournament synthid kgw none] [--payload]
    python bench/engine_texts.py judge DIR FILE...     what the model itself thinks of the texts, added to each
    python bench/engine_texts.py read DIR FILE...      the table: what is found in how long a text, and after edits

`DIR` is what bench/model.py exported. Ours is the core that all plug-ins share, both ways to draw; beside it SynthID-Text
(30 layers, five tokens) and KGW (a quarter green, bias 2, one token of context) as transformers has them. All sample alike:
temperature 0.8, top_p 0.95, the DRY of bench/model.py, prompts in turns, no end of text. Everything is read from the text, cut into
tokens again; `read` reads what bench/statistical_generate.py wrote as well. p-values are of one key and the whole text, uncorrected.
Marks that say which text it is (`--payload`) are read by the detector alone: among all messages, and among a thousand or a hundred
thousand answers that were put out, the text's own and others made up.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.model import Ask, Model
from bench.statistical import edited, log10_p, share
from detectors.detection import Outcome
from detectors.statistical import StatisticalDetector
from detectors.token_marks import GUMBEL, TOURNAMENT, drawn_tokens, token_sums
from engines.marking import Asked, Sampling, TokenMarker
from labelers.provenance import KeyRing, Provenance, content_number
from labelers.token_marks import NO_MESSAGE
from labelers.watermarks.engine import engine_key
from labelers.watermarks.green_list import count_green
from labelers.watermarks.payload import Payload, payload_of, read_message, symbol_sums
from labelers.watermarks.substitution import binomial_tail, count_fits, read_places
from labelers.watermarks.units import epoch_prf, grams_of, log10_tail, read_units

HERE = Path(__file__).parent / "texts"
MASTER = b"Inkseal, the benchmark's own key"
KEY = b"the bench's key!"
NOW_MS = 1_795_000_000_000
ISSUED = (1_000, 100_000)  # answers that were put out, among which a message is read
TEMPERATURE, TOP_P = 0.8, 0.95
SYNTHID: dict[str, Any] = {
    "ngram_len": 5,
    "keys": random.Random(7).sample(range(1 << 30), 30),
    "sampling_table_size": 1 << 16,
    "sampling_table_seed": 0,
    "context_history_size": 1024,
}
KGW: dict[str, Any] = {"greenlist_ratio": 0.25, "bias": 2.0, "seeding_scheme": "lefthash", "context_width": 1}
LENGTHS = (100, 200, 400, 800, 1200)
RATES = (0.1, 0.2, 0.3)
TOKENS = ("walk", "gumbel", "tournament")  # read by tokens; all others by words


class Ours:
    """The core of all plug-ins, over the tokens that may be drawn. `messages`: what the mark of each row says."""

    def __init__(
        self, model: Model, tournament: bool, top_k: int, messages: Sequence[int], key: bytes = KEY
    ) -> None:
        self._samplings = [Sampling(TEMPERATURE, TOP_P, top_k, message=one) for one in messages]
        self._row = 0  # of all, the first that comes next
        spelt = [model.bytes[token] for token in model.open.tolist()]
        self._marker = TokenMarker(np, Asked(key, tournament), spelt)
        self._place = np.full(len(model.bytes), -1, np.int64)
        self._place[model.open.numpy()] = np.arange(len(spelt))

    def __call__(self, answers: Any, logits: Any) -> Any:
        own = self._samplings[self._row : self._row + len(logits)]
        self._row = (self._row + len(logits)) % len(self._samplings)
        return self._marker.mark_ids(logits, self._place[answers], own)


class SynthID:
    """SynthID-Text by transformers' processor, over the likeliest tokens as its authors' own code has it: transformers goes over the
    whole vocabulary, which takes seconds a step on a CPU.
    """

    def __init__(self, model: Model, count: int = 1024) -> None:
        from transformers import SynthIDTextWatermarkLogitsProcessor

        self._processor = SynthIDTextWatermarkLogitsProcessor(**SYNTHID, device=torch.device("cpu"))
        self._open, self._count = model.open, count

    def __call__(self, answers: Any, logits: Any) -> Any:
        n = SYNTHID["ngram_len"]
        if answers.shape[1] < n - 1:
            return logits
        order = np.argpartition(logits, -self._count, 1)[:, -self._count :]
        values = np.take_along_axis(logits, order, 1)
        falling = np.argsort(-values, 1)
        order, values = np.take_along_axis(order, falling, 1), np.take_along_axis(values, falling, 1)
        weights = np.exp((values - values[:, :1]) / TEMPERATURE)
        chances = weights / weights.sum(1, keepdims=True)
        beyond = chances.cumsum(1) - chances >= TOP_P
        own = torch.from_numpy(answers)
        keys, _ = self._processor._compute_keys(own[:, 1 - n :], self._open[torch.from_numpy(order)])
        g = self._processor.sample_g_values(keys)
        # Of the token to come, whatever it is: whether its context is new.
        new = self._processor.compute_context_repetition_mask(torch.cat([own, own[:, :1]], 1))[:, -1].bool()
        scores = torch.from_numpy(np.where(beyond, -1e12, values / TEMPERATURE).astype(np.float32))
        changed = self._processor.update_scores(scores, g).numpy() * TEMPERATURE
        marked = np.full_like(logits, -np.inf)
        np.put_along_axis(marked, order, changed, 1)
        return np.where(new.numpy()[:, None], marked, logits)


class Kgw:
    """KGW's green lists by transformers' processor."""

    def __init__(self, model: Model) -> None:
        from transformers import WatermarkLogitsProcessor

        self._processor = WatermarkLogitsProcessor(len(model.bytes), torch.device("cpu"), **KGW)
        self._open = model.open.numpy()
        self._size = len(model.bytes)

    def __call__(self, answers: Any, logits: Any) -> Any:
        if not answers.shape[1]:
            return logits
        for row, ids in zip(logits, torch.from_numpy(answers), strict=True):
            green = np.zeros(self._size, np.float32)
            green[self._processor._get_greenlist_ids(ids).numpy()] = KGW["bias"]
            row += green[self._open]
        return logits


def marking(scheme: str, model: Model, top_k: int, messages: Sequence[int], key: bytes) -> Any:
    """What changes the logits in a scheme."""
    made: dict[str, Callable[[], Any]] = {
        "gumbel": lambda: Ours(model, False, top_k, messages, key),
        "tournament": lambda: Ours(model, True, top_k, messages, key),
        "synthid": lambda: SynthID(model),
        "kgw": lambda: Kgw(model),
        "none": lambda: None,
    }
    return made[scheme]()


def write(
    model: Model,
    schemes: Sequence[str],
    languages: Sequence[str],
    count: int,
    tokens: int,
    out: Path,
    top_k: int = 0,
    payload: bool = False,
) -> None:
    ring = KeyRing(MASTER)
    prompts = json.loads((HERE / "prompts.json").read_text("utf-8"))
    for language in languages:
        for scheme in schemes:
            model.chance = np.random.default_rng(len(scheme))
            asks = [
                Ask(prompts[language][at % len(prompts[language])], 1, TEMPERATURE, TOP_P, top_k=top_k)
                for at in range(count)
            ]
            ids = [content_number(NOW_MS, random.Random(at).randrange(1 << 24)) for at in range(count)]
            says = [payload_of(ring, Provenance("UNSET", one)).whole for one in ids]
            messages = says if payload else [NO_MESSAGE] * count
            # What the detector reads whole is written with the key that it derives.
            key = engine_key(ring, 1) if payload else KEY
            found = model.continued(asks, tokens, marking(scheme, model, top_k, messages, key))
            with out.open("a", encoding="utf-8") as lines:
                for ask, number, (said,) in zip(asks, ids, found, strict=True):
                    more = (f":k{top_k}" if top_k else "") + (":payload" if payload else "")
                    cell = f"{scheme}:{language}:{tokens}{more}"
                    line = {"cell": cell, "prompt": ask.prompt, "text": model.text(said.ids)}
                    line |= {"content_id": f"{number:016x}"} if payload else {}
                    lines.write(json.dumps(line, ensure_ascii=False) + "\n")
            print(f"{scheme}:{language}: {count} texts", flush=True)


def judge(model: Model, files: Sequence[Path]) -> None:
    for file in files:
        rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        told = model.judged([(row["prompt"], row["text"]) for row in rows], TEMPERATURE, TOP_P)
        for row, (surprise, entropy, tokens) in zip(rows, told, strict=True):
            row["judged"] = {"nats": round(surprise, 4), "entropy": round(entropy, 4), "tokens": tokens}
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def readers(model: Model) -> dict[str, Callable[[str], float]]:
    """log10 p of a text, by scheme."""
    from transformers import SynthIDTextWatermarkLogitsProcessor, WatermarkLogitsProcessor

    prf = epoch_prf(KeyRing(MASTER), 1)
    synthid = SynthIDTextWatermarkLogitsProcessor(**SYNTHID, device=torch.device("cpu"))
    kgw = WatermarkLogitsProcessor(len(model.bytes), torch.device("cpu"), **KGW)

    @cache
    def green(before: int) -> Any:
        """The green tokens behind one, as bits."""
        found = np.zeros(len(model.bytes), np.bool_)
        found[kgw._get_greenlist_ids(torch.tensor([before])).numpy()] = True
        return np.packbits(found)

    def ids_of(text: str) -> list[int]:
        found: list[int] = model.tokenizer(text, add_special_tokens=False).input_ids
        return found

    def ours(tournament: bool, key: bytes = KEY) -> Callable[[str], float]:
        def read(text: str) -> float:
            drawn = drawn_tokens(key, [model.bytes[at] for at in ids_of(text)])
            return (TOURNAMENT if tournament else GUMBEL).log10_p(drawn.bits)

        return read

    def by_synthid(text: str) -> float:
        """The weighted mean of the paper's g-values (weights falling from 10 to 1), normal under other keys."""
        ids = torch.tensor([ids_of(text)])
        g = synthid.compute_g_values(ids)[0].double()
        new = synthid.compute_context_repetition_mask(ids)[0].bool()
        weights = torch.linspace(10, 1, g.shape[1]).double()
        total = float(((g[new] - 0.5) * weights).sum())
        return log10_tail(total / math.sqrt(float((weights**2).sum()) * max(1, int(new.sum())) / 4))

    def by_kgw(text: str) -> float:
        """As transformers' WatermarkDetector: each pair of tokens once, z of the share that is green."""
        ids = ids_of(text)
        pairs = set(itertools.pairwise(ids))
        part = KGW["greenlist_ratio"]
        hits = sum(int(green(before)[token >> 3] >> (7 - (token & 7))) & 1 for before, token in pairs)
        spread = math.sqrt(max(1, len(pairs)) * part * (1 - part))
        return log10_tail((hits - part * len(pairs)) / spread)

    def by_units(text: str) -> float:
        return log10_p(prf, text)[0]

    def by_green(text: str) -> float:
        count, green = count_green(prf, text)
        return binomial_tail(green, count)

    def by_places(text: str) -> float:
        places = read_places(text)
        return binomial_tail(count_fits(prf, places), len(places))

    units = dict.fromkeys(("words", "1", *map(str, range(2, 65))), by_units)
    units |= {"green": by_green, "substitution": by_places}
    units |= {"walk": ours(False, engine_key(KeyRing(MASTER), 1))}
    return units | {"gumbel": ours(False), "tournament": ours(True), "synthid": by_synthid, "kgw": by_kgw}


class Cutting:
    """The model's tokenizer, for the detector."""

    name = "the model's"

    def __init__(self, model: Model) -> None:
        self._model = model

    def tokens(self, text: str) -> list[bytes]:
        ids = self._model.tokenizer(text, add_special_tokens=False).input_ids
        return [self._model.bytes[at] for at in ids]


def read(model: Model, files: Sequence[Path]) -> None:
    lines = (line for file in files for line in file.read_text("utf-8").splitlines())
    groups: dict[tuple[str, str], list[Any]] = {}
    for row in map(json.loads, lines):
        if row.get("cut"):
            continue
        scheme, language, tokens, *more = row["cell"].split(":")
        groups.setdefault((":".join([scheme, *more]), language), []).append(row | {"most": int(tokens)})
    by = readers(model)

    def cut(rows: Sequence[Any], length: int) -> list[str]:
        some = [row["text"] for row in rows if row["most"] >= length]
        return [
            model.text(model.tokenizer(text, add_special_tokens=False).input_ids[:length]) for text in some
        ]

    print(
        "| scheme | language | tokens | texts | log10 p, median | 1e-2 | 1e-6 | 10 % edits, 1e-2 | 20 % | 30 % |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for (scheme, language), rows in groups.items():
        kind, *more = scheme.split(":")
        reader = None if more == ["payload"] else by.get(kind)  # a message is for the detector to read
        for length in LENGTHS if reader is not None else ():
            texts = cut(rows, length)
            if not texts or reader is None:
                continue
            p = [reader(text) for text in texts]
            line = [scheme, language, str(length), str(len(texts)), f"{sorted(p)[len(p) // 2]:.1f}"]
            line += [share(sum(one < level for one in p), len(p)) for level in (-2.0, -6.0)]
            for rate in RATES:
                hits = [reader(edited(text, rate, seed)) < -2 for text in texts for seed in range(2)]
                line.append(share(sum(hits), len(hits)))
            print(f"| {' | '.join(line)} |", flush=True)
    print("\nAs the detector says it, all tests paid for: marked / weak evidence.\n")
    print("| scheme | language | tokens | texts | one key | thirty keys |")
    print("|---|---|---|---|---|---|")
    for (scheme, language), rows in groups.items():
        if scheme.partition(":")[0] in OWN and not scheme.endswith("payload"):
            continue
        detectors = [detector_of(model, scheme, keys) for keys in (1, 30)]
        for length in LENGTHS:
            texts = cut(rows, length)
            if not texts:
                continue
            line = [scheme, language, str(length), str(len(texts))]
            for detector in detectors:
                found = [detector.detect(text).outcome for text in texts]
                told = [found.count(one) / len(texts) for one in (Outcome.PRESENT, Outcome.INCONCLUSIVE)]
                line.append(" / ".join(f"{one:.2f}" for one in told))
            print(f"| {' | '.join(line)} |", flush=True)
    print(
        "\nThe message read, with one key: the likeliest of all is right; so clear that an answer is named, among all"
        " and among so many that were put out; named wrongly.\n"
    )
    print(
        f"| scheme | language | tokens | texts | right | all | {' | '.join(f'{one:,}' for one in ISSUED)} | wrong |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for (scheme, language), rows in groups.items():
        own = [row for row in rows if row.get("content_id")]
        if not scheme.endswith("payload") or not own:
            continue
        for length in LENGTHS:
            texts = cut(own, length)
            ids = [row["content_id"] for row in own if row["most"] >= length]
            if not texts:
                continue
            pairs = zip(texts, ids, strict=True)
            likeliest = sum(
                likeliest_message(model, scheme, text) == written(number) for text, number in pairs
            )
            line, wrong = [scheme, language, str(length), str(len(texts)), share(likeliest, len(texts))], 0
            for count in (0, *ISSUED):
                right = 0
                for at, (text, number) in enumerate(zip(texts, ids, strict=True)):
                    named = message_of(model, scheme, text, number, count, at)
                    right += named == number[-6:]
                    wrong += named not in (None, number[-6:])
                line.append(share(right, len(texts)))
            print(f"| {' | '.join([*line, str(wrong)])} |", flush=True)
    print("\n| scheme | language | texts | entropy, nats a token | nats a token | perplexity ÷ unmarked |")
    print("|---|---|---|---|---|---|")
    for (scheme, language), rows in groups.items():
        own = [row for row in rows if "judged" in row]
        if not own:
            continue
        # Beside unmarked texts of the same way: through HTTP, or in the engine.
        kind, *more = scheme.split(":")
        heat = [one for one in more if one != "payload"]
        plain = groups.get((":".join(["none" if kind in OWN else "1", *heat]), language), [])
        plain = [row["judged"]["nats"] for row in plain if "judged" in row]
        nats = [row["judged"]["nats"] for row in own]
        entropy = sum(row["judged"]["entropy"] for row in own) / len(own)
        told = ratio(nats, plain) if plain else "–"
        print(
            f"| {scheme} | {language} | {len(own)} | {entropy:.2f} | {sum(nats) / len(nats):.2f} | {told} |"
        )


def detector_of(model: Model, scheme: str, keys: int, **more: Any) -> StatisticalDetector:
    kind = scheme.partition(":")[0]
    cutting = [Cutting(model)] if kind in TOKENS else []
    ring = KeyRing(MASTER, keys, producers=("UNSET",))
    return StatisticalDetector(ring, tokenizers=cutting, green_list=kind == "green", **more)


def message_of(model: Model, scheme: str, text: str, number: str, count: int, seed: int) -> str | None:
    """Which answer the detector names where `count` were put out, this one among them."""
    chance = random.Random(seed)
    issued = [int(number, 16), *(chance.randrange(1 << 24) for _ in range(count - 1))] if count else []
    found = detector_of(model, scheme, 1, issued=lambda: issued).detect(text)
    return (found.provenance or {}).get("content_id_end")


def written(number: str) -> Payload:
    """What the mark of an answer says."""
    ring = KeyRing(MASTER, producers=("UNSET",))
    return payload_of(ring, Provenance("UNSET", int(number, 16)))


def likeliest_message(model: Model, scheme: str, text: str) -> Payload:
    """Of all messages, the known producer's tried apart, the one that the text fits best, however little."""
    ring, kind = KeyRing(MASTER, producers=("UNSET",)), scheme.partition(":")[0]
    if kind in TOKENS:
        drawn = drawn_tokens(engine_key(ring, 1), Cutting(model).tokens(text))
        sums = token_sums(drawn, TOURNAMENT if kind == "tournament" else GUMBEL)
    else:
        sums = symbol_sums(epoch_prf(ring, 1), grams_of(read_units(text)).blocks)
    return read_message(sums, {written("0").producer}).payload


OWN = ("gumbel", "tournament", "synthid", "kgw", "none")


def ratio(nats: Sequence[float], plain: Sequence[float]) -> str:
    """exp of the difference of the means, with a 95 % interval over texts."""

    def mean(values: Sequence[float]) -> tuple[float, float]:
        middle = sum(values) / len(values)
        return middle, sum((one - middle) ** 2 for one in values) / len(values) / max(1, len(values) - 1)

    (a, va), (b, vb) = mean(nats), mean(plain)
    half = 1.96 * math.sqrt(va + vb)
    return f"{math.exp(a - b):.2f} [{math.exp(a - b - half):.2f}, {math.exp(a - b + half):.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=("write", "judge", "read"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--texts", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=400)
    parser.add_argument(
        "--top-k", type=int, default=0, help="what the sampler leaves, as a walk does; 0: all"
    )
    parser.add_argument("--payload", action="store_true", help="the mark says which text it is")
    parser.add_argument("--schemes", nargs="+", default=["gumbel", "tournament", "synthid", "kgw", "none"])
    parser.add_argument("--languages", nargs="+", default=["en", "zh"])
    args = parser.parse_args()
    model = Model(args.folder)
    if args.command == "write":
        if args.out is None:
            parser.error("write needs --out FILE")
        how = (args.texts, args.tokens, args.out, args.top_k, args.payload)
        write(model, args.schemes, args.languages, *how)
    else:
        {"judge": judge, "read": read}[args.command](model, args.files)


if __name__ == "__main__":
    main()
