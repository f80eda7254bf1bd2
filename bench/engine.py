"""Marks of engines: what is found against length and entropy, both ways to draw, and what a step and reading cost.

    python bench/engine.py power
    python bench/engine.py speed
    python bench/engine.py gpu
    python bench/engine.py vllm DIR      (in an environment of vLLM)

`power` needs no model: at each step a distribution is made at random (normal log-odds over 2,000 tokens) and scaled to the
entropy wanted, so the figures are those of the method, not of a model. An ordinary sampler draws behind the plug-in.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from detectors.token_marks import DRAWS, GUMBEL, TOURNAMENT, drawn_tokens, read_row
from engines.drawing import mark
from labelers.token_marks import token_hashes

KEY, OTHER = b"the bench's key!", b"another one's ke"
VOCABULARY, TEXTS = 2_000, 50
TOKENS = [f" w{at}".encode() for at in range(VOCABULARY)]


def wilson(hits: int, of: int) -> str:
    z, p = 1.96, hits / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return f"{p:.2f} [{max(0.0, middle - half):.2f}, {min(1.0, middle + half):.2f}]"


def heated(logits: Any, entropy: float) -> Any:
    """The logits scaled so that their distribution has this entropy, in nats."""
    low, high = 0.01, 50.0
    for _ in range(40):
        middle = math.sqrt(low * high)
        p = chances(logits * middle)
        found = float(-(p * np.log(p + 1e-300)).sum())
        low, high = (middle, high) if found > entropy else (low, middle)
    return logits * low


def chances(logits: Any) -> Any:
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def text(steps: Any, table: Any, chance: Any, tournament: bool) -> list[int]:
    said: list[int] = []
    ones = np.ones(1)
    for at in chance.permutation(len(steps)):
        ids = np.array([said], np.int64).reshape(1, -1)
        row = steps[at][None, :]
        drawn = mark(np, row, ids, table, ones > 0, ones, ones, np.zeros(1, np.int64), ones * 0, tournament)
        said.append(int(chance.choice(VOCABULARY, p=chances(drawn[0].astype(np.float64)))))
    return said


def log10_p(said: list[int], key: bytes, tournament: bool) -> float:
    drawn = drawn_tokens(key, [TOKENS[at] for at in said])
    return (TOURNAMENT if tournament else GUMBEL).log10_p(drawn.bits)


def power() -> None:
    chance = np.random.default_rng(1)
    table = np.array(token_hashes(KEY, TOKENS), np.int64)
    print(
        "| draw | entropy, nats | tokens | log10 p, median | TPR at 1e-2 | at 1e-6 | 1e-2 under another key |"
    )
    print("|---|---|---|---|---|---|---|")
    for entropy in (0.3, 0.5, 0.7, 0.9):
        # As in a language: most steps are nearly certain, some are wide open; their mean is what was asked for.
        wanted = chance.exponential(entropy, 400)
        wanted *= entropy / wanted.mean()
        steps = [heated(chance.normal(0, 1, VOCABULARY), min(one, 6.5)).astype(np.float32) for one in wanted]
        for tournament in (False, True):
            texts = [
                text([steps[at] for at in chance.integers(0, 400, 200)], table, chance, tournament)
                for _ in range(TEXTS)
            ]
            for length in (100, 200):
                p = [log10_p(said[:length], KEY, tournament) for said in texts]
                other = [log10_p(said[:length], OTHER, tournament) for said in texts]
                line = [
                    "tournament" if tournament else "gumbel",
                    f"{entropy}",
                    str(length),
                    f"{np.median(p):.1f}",
                ]
                line += [wilson(sum(one < level for one in p), TEXTS) for level in (-2, -6)]
                print(f"| {' | '.join([*line, wilson(sum(one < -2 for one in other), TEXTS)])} |", flush=True)


def speed() -> None:
    chance = np.random.default_rng(1)
    ones = np.ones(1)
    print("| vocabulary | gumbel, ms a step | tournament |")
    print("|---|---|---|")
    for size in (32_000, 151_936, 262_144):
        table = chance.integers(-(1 << 62), 1 << 62, size)
        logits = chance.normal(0, 3, (1, size)).astype(np.float32)
        ids = chance.integers(0, size, (1, 500))
        best = []
        for tournament in (False, True):
            took = []
            for _ in range(15):
                began = time.process_time()
                mark(
                    np,
                    logits,
                    ids,
                    table,
                    ones > 0,
                    ones * 0.8,
                    ones * 0.95,
                    np.zeros(1, int),
                    ones * 0,
                    tournament,
                )
                took.append(time.process_time() - began)
            best.append(min(took) * 1000)
        print(f"| {size} | {best[0]:.2f} | {best[1]:.2f} |")
    from proxy.tokenizing import Packaged

    letters = chance.choice(list("etaoinshrdlu"), 60_000)
    prose = " ".join("".join(letters[at : at + 5]) for at in range(0, 60_000, 5))
    tokenizer = Packaged("o200k_base")
    tokenizer.tokens("warm")
    row = read_row(tokenizer, prose)
    for name, work in (
        ("cutting", lambda: read_row(tokenizer, prose)),
        ("one key", lambda: [draw.log10_p(drawn_tokens(KEY, row.tokens).bits) for draw in DRAWS]),
    ):
        took = []
        for _ in range(7):
            began = time.process_time()
            work()
            took.append(time.process_time() - began)
        print(f"{name}: {min(took) / len(row.tokens) * 1e6:.2f} µs a token ({len(row.tokens)} tokens)")


def speed_on_gpu() -> None:
    """Milliseconds a step of a batch, between two waits for the device (median of 50), and of an ordinary draw beside it."""
    import torch

    print("| vocabulary | requests | gumbel, ms a step | tournament | top_p and a draw by torch alone |")
    print("|---|---|---|---|---|")
    for size, rows in ((151_936, 1), (151_936, 64), (262_144, 64), (151_936, 256)):
        table = torch.randint(-(1 << 62), 1 << 62, (size,), device="cuda")
        logits = torch.randn(rows, size, device="cuda") * 3
        ids = torch.randint(0, size, (rows, 500), device="cuda")
        ones, zeros = torch.ones(rows, device="cuda"), torch.zeros(rows, device="cuda")

        def drawn(
            tournament: bool,
            logits: Any = logits,
            ids: Any = ids,
            table: Any = table,
            ones: Any = ones,
            zeros: Any = zeros,
        ) -> None:
            asked = (ones > 0, ones * 0.8, ones * 0.95, zeros.long(), zeros)
            mark(torch, logits, ids, table, *asked, tournament)

        def plain(logits: Any = logits) -> None:
            chances = torch.softmax(logits / 0.8, -1).sort(descending=True).values
            kept = torch.where(chances.cumsum(-1) - chances >= 0.95, 0.0, chances)
            torch.multinomial(kept, 1)

        line = []
        for work in (lambda: drawn(False), lambda: drawn(True), plain):
            took = []
            for _ in range(55):
                torch.cuda.synchronize()
                began = time.perf_counter()
                work()
                torch.cuda.synchronize()
                took.append((time.perf_counter() - began) * 1000)
            line.append(f"{sorted(took[5:])[25]:.2f}")
        print(f"| {size} | {rows} | {' | '.join(line)} |", flush=True)


def speed_in_vllm(folder: str) -> None:
    """Milliseconds a step of vLLM itself (the second answer of 64 tokens a request), of which none or all are marked.

    `folder`: config.json and the tokenizer of a model; its weights are made up, and it runs eagerly.
    """
    os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "HF_HUB_OFFLINE": "1"}
    from vllm import LLM, SamplingParams

    how = json.loads(os.environ.get("VLLM_ARGUMENTS", "{}"))
    engine = LLM(folder, load_format="dummy", max_model_len=512, max_num_seqs=256, enforce_eager=True, **how)
    runner = "Model Runner V2" if engine.llm_engine.vllm_config.use_v2_model_runner else "V1's runner"
    key = "ab" * 16
    tokens = 64
    print("| runner | vocabulary | requests | unmarked, ms a step | gumbel | tournament |")
    print("|---|---|---|---|---|---|")
    for rows in (1, 64, 256):
        line = []
        for extra in (
            None,
            {"inkseal_key": key},
            {"inkseal_key": key, "inkseal_draw": "tournament"},
        ):
            asked = SamplingParams(
                temperature=0.8,
                top_p=0.95,
                max_tokens=tokens,
                min_tokens=tokens,
                ignore_eos=True,
                extra_args=extra,
            )
            prompts = [f"Question {at}" for at in range(rows)]
            for _ in range(2):
                began = time.perf_counter()
                engine.generate(prompts, asked, use_tqdm=False)
                took = (time.perf_counter() - began) / tokens * 1000
            line.append(f"{took:.2f}")
            print(f"{rows}: {line}", file=sys.stderr, flush=True)
        size = engine.llm_engine.vllm_config.model_config.get_vocab_size()
        print(f"| {runner} | {size} | {rows} | {' | '.join(line)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=("power", "speed", "gpu", "vllm"))
    parser.add_argument("folder", nargs="?", help="vllm: config.json and the tokenizer of a model")
    args = parser.parse_args()
    if args.command == "vllm":
        if args.folder is None:
            parser.error("vllm needs the folder of a model")
        speed_in_vllm(args.folder)
        return
    {"power": power, "speed": speed, "gpu": speed_on_gpu}[args.command]()


if __name__ == "__main__":
    main()
