"""Other filters of words beside our review, in one run: speed, recall on the frozen blind texts, streaming.

    python -m venv G && G/bin/pip install --no-deps llm-guard==0.3.16 && G/bin/pip install structlog
    python -m venv L && L/bin/pip install litellm==VERSION fastapi pyahocorasick==2.3.1
    python bench/review_rivals.py --llm-guard G/bin/python --litellm L/bin/python [--texts 1500]

Each runs in its own process with its own packages and gets the same job: the keywords of the blind texts for recall
and streaming, 10,000 others for speed. CPU time of the process, the best of three. LLM Guard's package imports
torch for scanners that are not looked at here; its one module is loaded alone. Streaming: pieces of three
characters, through what the product has for streams; a product that has nothing sees each piece alone. A text is
"found" there if it is stopped, and "leaks" if any of the keyword was delivered before.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BLIND = Path(__file__).parent / "review_blind.jsonl"
OPT_IN = ("initials", "reversed", "filler")
PIECE = 3
STREAMED = 60  # texts with the keyword as it stands
Filter = tuple[Callable[[str], set[str]], Callable[[list[str]], tuple[bool, str]]]


# -- the products: keywords -> (what is found in a text, (stopped, delivered) of a stream)


def alone(find: Callable[[str], set[str]]) -> Filter:
    """Each piece by itself, for what has nothing for streams."""

    def stream(pieces: list[str]) -> tuple[bool, str]:
        delivered = ""
        for piece in pieces:
            if find(piece):
                return True, delivered
            delivered += piece
        return False, delivered

    return find, stream


def pyahocorasick(keywords: list[str]) -> Filter:
    import ahocorasick

    automaton = ahocorasick.Automaton()
    for word in keywords:
        automaton.add_word(word, word)
    automaton.make_automaton()
    return alone(lambda text: {word for _, word in automaton.iter(text)})


def ahocorasick_rs(keywords: list[str]) -> Filter:
    import ahocorasick_rs as rust

    automaton = rust.AhoCorasick(keywords)
    return alone(
        lambda text: {keywords[i] for i, _, _ in automaton.find_matches_as_indexes(text, overlapping=True)}
    )


def llm_guard(keywords: list[str]) -> Filter:
    import importlib.util
    import logging
    import types

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    known: Any = sys.modules.get("llm_guard") or importlib.util.find_spec("llm_guard")
    folder = Path((getattr(known, "submodule_search_locations", None) or known.__path__)[0])
    for name, path in (("llm_guard", folder), ("llm_guard.input_scanners", folder / "input_scanners")):
        package = types.ModuleType(name)
        package.__path__ = [str(path)]
        sys.modules[name] = package
    from llm_guard.input_scanners.ban_substrings import BanSubstrings

    scanner = BanSubstrings(substrings=keywords, match_type="str", case_sensitive=False)
    return alone(lambda text: set() if scanner.scan(text)[1] else {"?"})


def litellm(keywords: list[str]) -> Filter:
    import logging

    from fastapi import HTTPException
    from litellm.proxy.guardrails.guardrail_hooks.litellm_content_filter.content_filter import (
        ContentFilterGuardrail,
    )
    from litellm.types.guardrails import BlockedWord
    from litellm.types.utils import Delta, ModelResponseStream, StreamingChoices

    logging.disable(logging.CRITICAL)
    guard = ContentFilterGuardrail(
        guardrail_name="g", blocked_words=[BlockedWord(keyword=w, action="BLOCK") for w in keywords]
    )

    def find(text: str) -> set[str]:
        try:
            guard._filter_single_text(text)
        except HTTPException:
            return {"?"}
        return set()

    async def streamed(pieces: list[str]) -> tuple[bool, str]:
        async def chunks() -> Any:
            for at, piece in enumerate(pieces):
                last = "stop" if at + 1 == len(pieces) else None
                choice = StreamingChoices(index=0, delta=Delta(content=piece), finish_reason=last)
                yield ModelResponseStream(choices=[choice])

        delivered = ""
        try:
            async for item in guard.async_post_call_streaming_iterator_hook(None, chunks(), {}):
                delivered += item.choices[0].delta.content or ""
        except HTTPException:
            return True, delivered
        return False, delivered

    return find, lambda pieces: asyncio.run(streamed(pieces))


def inkseal(keywords: list[str], views: tuple[str, ...]) -> Filter:
    from proxy.review.entry import Direction, Entry
    from proxy.review.library import Library

    library = Library.compile([Entry(word, "A.1.f", views=views) for word in keywords])
    patterns = {entry.id: entry.pattern for entry in library.entries}

    def find(text: str) -> set[str]:
        return {patterns[finding.entry_id] for finding in library.review(text, Direction.OUTPUT)}

    def stream(pieces: list[str]) -> tuple[bool, str]:
        reviewer = library.reviewer(Direction.OUTPUT)
        delivered = "".join([*map(reviewer.feed, pieces), reviewer.flush()])
        return reviewer.blocked is not None, delivered

    return find, stream


PRODUCTS: dict[str, Callable[[list[str]], Filter]] = {
    "pyahocorasick, scanning alone": pyahocorasick,
    "ahocorasick_rs, scanning alone": ahocorasick_rs,
    "LLM Guard BanSubstrings": llm_guard,
    "LiteLLM content filter": litellm,
    "Inkseal, safe": lambda words: inkseal(words, ("safe",)),
    "Inkseal, safe + evasion": lambda words: inkseal(words, ("safe", "evasion")),
    "Inkseal, safe + evasion + pinyin": lambda words: inkseal(words, ("safe", "evasion", "pinyin")),
}


# -- the job


def cpu(work: Callable[[], object], times: int = 3) -> float:
    best = float("inf")
    for _ in range(times):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return best


def measured(product: str, job: dict[str, Any]) -> dict[str, Any]:
    make = PRODUCTS[product]
    find, stream = make(job["keywords"])
    hits = [bool(find(row["text"]) & {row["keyword"], "?"}) for row in job["rows"]]
    streamed = []
    for row in job["streamed"]:
        text, start = row["text"], row["text"].index(row["keyword"])
        stopped, delivered = stream([text[at : at + PIECE] for at in range(0, len(text), PIECE)])
        streamed.append((stopped, stopped and len(delivered) > start))
    begun = time.process_time()
    find, stream = make(job["many"])
    built = time.process_time() - begun
    speed = job["speed"]
    find(speed[:2000])
    size = 2000
    took = cpu(lambda: find(speed[:size]))
    if took < 0.05:
        size = len(speed)
        took = cpu(lambda: find(speed[:size]))
    pieces = [speed[at : at + PIECE] for at in range(0, 300 if took < 0.5 else 9, PIECE)]
    return {
        "hits": hits,
        "streamed": streamed,
        "built": built,
        "rate": len(speed[:size].encode()) / took / 1e6,
        "delta": cpu(lambda: stream(pieces), 2) / len(pieces) * 1e6,
    }


def job_of(texts: int) -> dict[str, Any]:
    from review import VIEWS, entries

    rows = [json.loads(line) for line in BLIND.read_text("utf-8").splitlines()]
    rows = [row for row in rows if row["family"] not in OPT_IN]
    plain = [row for row in rows if row["keyword"] in row["text"] and len(row["keyword"]) > PIECE]
    chance = random.Random(7)
    streamed = chance.sample(plain, min(STREAMED, len(plain)))
    rows = chance.sample(rows, texts) if texts else rows
    keywords = sorted({row["keyword"] for row in (*rows, *streamed)})
    speed = "".join(row["text"] for row in rows)
    # Letters only: to some of them a `*` is more than itself.
    many = sorted({e.pattern for e in entries(10_000, VIEWS[0], speed) if e.pattern.isalnum()})
    return {
        "keywords": keywords,
        "rows": rows,
        "streamed": streamed,
        "many": many,
        "speed": speed[:60_000],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--llm-guard", default="")
    parser.add_argument("--litellm", default="")
    parser.add_argument("--texts", type=int, default=0, help="a sample of so many; 0: all")
    parser.add_argument("--product", default="")
    options = parser.parse_args()
    if options.product:
        json.dump(measured(options.product, json.load(sys.stdin)), sys.stdout)
        return
    job = job_of(options.texts)
    single = [at for at, row in enumerate(job["rows"]) if " + " not in row["family"]]
    stacked = [at for at, row in enumerate(job["rows"]) if " + " in row["family"]]
    print(f"{len(job['rows']):,} texts, {len(job['keywords']):,} keywords; {len(job['streamed'])} streamed; "
          f"speed with {len(job['many']):,} keywords\n")  # fmt: skip
    print(
        "| | recall, single ways | stacked | streamed: found | of these leak | built | long text | 3-character delta |"
    )
    print("|---|---|---|---|---|---|---|---|")
    pythons = {"pyahocorasick": options.litellm, "LLM": options.llm_guard, "LiteLLM": options.litellm}
    for product in PRODUCTS:
        python = next((path for start, path in pythons.items() if product.startswith(start)), sys.executable)
        if not python:
            continue
        command = [python, str(Path(__file__)), "--product", product]
        done = subprocess.run(command, input=json.dumps(job).encode(), capture_output=True, check=False)
        if done.returncode:
            print(f"| {product} | failed: {done.stderr.decode()[-300:]} |")
            continue
        told = json.loads(done.stdout[done.stdout.index(b"{") :])
        found = [stopped for stopped, _ in told["streamed"]]
        leaked = sum(leak for _, leak in told["streamed"])
        rates = [sum(told["hits"][at] for at in group) / max(1, len(group)) for group in (single, stacked)]
        print(f"| {product} | {rates[0]:.3f} | {rates[1]:.3f} | {sum(found) / len(found):.3f} | "
              f"{leaked / max(1, sum(found)):.3f} | {told['built']:.2f} s | {told['rate']:.3f} MB/s | {told['delta']:,.1f} µs |",
              flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
