"""Writes marked texts with the embedded model, end to end through HTTP, for bench/statistical.py to read.

    python bench/statistical_generate.py --cells 8:zh:200 8:en:200 --seconds 600

A proxy with the scheme switched on, the embedded base model behind it (or `--upstream`, where bench/model_server.py runs on a
GPU, many at once: `--parallel`), and the official client: one continuation of a prompt after the other (temperature 0.8 or
the cell's own, top_p 0.95), cell after cell (`scheme_of`), with DRY against loops as the embedded model has it, but one breaker: each costs 0.04 s a candidate. Texts that the
model's stop string cut are marked as such. They are appended to bench/texts/best_of_n.jsonl as soon as it is whole. Started again it goes on with the next prompts.
`--lock FILE` takes turns with other heavy work on the machine, round by round.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from labelers.provenance import KeyRing
from labelers.watermarks.best_of_n import BestOfN
from labelers.watermarks.green_list import GreenList
from labelers.watermarks.logprob_walk import LogprobWalk
from labelers.watermarks.substitution import Substitution
from proxy.upstreams import Upstream, UpstreamRequest, UpstreamResponse
from tests.helpers import Running, serving

HERE = Path(__file__).parent / "texts"
MASTER = b"Inkseal, the benchmark's own key"
MODEL = "gemma-3-270m"
TURN_SECONDS = 280.0


class TakingTurns:
    """An upstream that works only while it holds a lock file, and hands it on now and then."""

    def __init__(self, inner: Upstream, path: Path) -> None:
        self._inner = inner
        self._file = path.open("w")
        self._since = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @asynccontextmanager
    async def open(self, request: UpstreamRequest) -> AsyncIterator[UpstreamResponse]:
        if self._since and time.monotonic() - self._since > TURN_SECONDS:
            self.release()
            await asyncio.sleep(1)
        if not self._since:
            await asyncio.to_thread(fcntl.flock, self._file, fcntl.LOCK_EX)
            self._since = time.monotonic()
        async with self._inner.open(request) as response:
            yield response

    def release(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._since = 0.0


async def one_text(
    run: Running, prompt: str, tokens: int, seed: int, temperature: float, top_k: int
) -> dict[str, Any]:
    """One continuation through the proxy, and what the AIGC object tells of it."""
    client = run.client.with_options(timeout=7200)
    began, first, said, aigc = time.monotonic(), 0.0, "", {}
    stream = await client.completions.create(
        model=MODEL,
        prompt=prompt,
        max_tokens=tokens,
        temperature=temperature,
        top_p=0.95,
        seed=seed,
        stream=True,
        extra_body={
            "ignore_eos": True,
            "dry_sequence_breakers": ["\n"],
            "cache_prompt": True,
            **({"top_k": top_k} if top_k else {}),
        },
    )
    whole = False
    async for chunk in stream:
        whole = whole or any(choice.finish_reason == "length" for choice in chunk.choices)
        aigc = (chunk.model_extra or {}).get("aigc", aigc)
        said += chunk.choices[0].text if chunk.choices else ""
        first = first or (time.monotonic() - began if said else 0.0)
    text = said.rpartition("\n\n(")[0] or said.rpartition("\n\n（")[0]
    return {
        "prompt": prompt,
        "text": text if whole else "",
        "seconds": round(time.monotonic() - began, 1),
        "first_seconds": round(first, 1),
        "content_id": aigc.get("ProduceID"),
        "statistical": aigc.get("watermark", {}).get("statistical"),
    }


def scheme_of(cell: str, k: int) -> tuple[str, Any]:
    """The name and the scheme of a cell: `kind:language:tokens`, then `:payload` where the mark names the answer, `:t0.5`,
    the temperature, or `:k20`, its top_k.

    `kind`: best-of-n's n; 1: unmarked; walk (of tokens, where `--upstream` is given); words: a walk of words; substitution; green.
    """
    kind, _, _, *more = cell.split(":")
    ring, payload = KeyRing(MASTER), more == ["payload"]
    if kind in ("walk", "words"):
        return "logprob_walk", LogprobWalk(ring, k, payload)
    if kind == "substitution":
        return "substitution", Substitution(ring)
    if kind == "green":
        return "green_list", GreenList(ring)
    return "none" if kind == "1" else "best_of_n", BestOfN(ring, max(2, int(kind)), k, payload)


def sampling_of(cell: str) -> tuple[float, int]:
    """The temperature and the top_k of a cell."""
    *_, last = cell.split(":")
    return float(last[1:]) if last[0] == "t" else 0.8, int(last[1:]) if last[0] == "k" else 0


def upstream_of(address: str | None) -> dict[str, Any]:
    """The settings of the model: the embedded one, or a server that is up (bench/model_server.py)."""
    found = {
        "name": "model",
        "models": [MODEL],
        "timeouts": {"first_byte": 3600, "idle": 3600, "total": 7200},
    }
    if address is None:
        return found | {"kind": "local"}
    can = {"n": 64, "prefix": "trailing", "top_logprobs": 20, "repeats_prefix": False}
    can |= {"logit_bias": 1024, "tokenizer": "upstream"}
    return found | {"kind": "openai_compatible", "base_url": f"{address}/v1", "capabilities": can}


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", nargs="+", default=["8:zh:200", "8:en:200", "4:en:200", "4:zh:200"])
    parser.add_argument("--k", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=270)
    parser.add_argument("--texts", type=int, default=1000, help="texts a cell, then the end")
    parser.add_argument("--out", type=Path, default=HERE / "best_of_n.jsonl")
    parser.add_argument("--lock", type=Path)
    parser.add_argument(
        "--upstream", help="the address of a server that is up, instead of the embedded model"
    )
    parser.add_argument("--parallel", type=int, default=1, help="texts of one cell under way at once")
    args = parser.parse_args()
    end = time.monotonic() + args.seconds
    prompts = json.loads((HERE / "prompts.json").read_text("utf-8"))
    rows = args.out.read_text("utf-8").splitlines() if args.out.exists() else []
    written = [json.loads(line)["cell"] for line in rows]
    with tempfile.TemporaryDirectory() as folder:
        async with serving(
            Path(folder),
            None,
            server={"keepalive_seconds": 600},
            labels={"positions": ["end"]},
            watermarks={
                "statistical": {"scheme": "best_of_n", "rounds_at_once": max(32, args.parallel)},
                "carrier": {"enabled": False},
            },
            upstreams=[upstream_of(args.upstream)],
            detection={"tokenizers": ["upstream:model"] if args.upstream else []},
        ) as run:
            settings, upstream = run.house.upstreams[0]
            if args.lock:
                upstream = TakingTurns(upstream, args.lock)  # type: ignore[assignment]
                run.house.upstreams = [(settings, upstream)]
            rules = run.house.rules[""]
            tokenizers = run.house.statistical.tokenizers
            while time.monotonic() < end:
                cell = min(args.cells, key=lambda cell: (written.count(cell), args.cells.index(cell)))
                done = written.count(cell)
                if done >= args.texts:
                    break
                kind, language, tokens, *_ = cell.split(":")
                scheme, made = scheme_of(cell, args.k)
                marks = run.house.statistical
                if isinstance(made, Substitution):
                    marks.rewording = made
                elif isinstance(made, GreenList):
                    marks.greens[""] = made
                    await marks.explore(run.house.upstreams)
                else:
                    marks.schemes[""] = made
                marks.tokenizers = frozenset() if kind == "words" else tokenizers
                run.house.rules = {
                    "": replace(rules, statistical=rules.statistical.model_copy(update={"scheme": scheme}))
                }
                some = range(done, min(done + args.parallel, args.texts))

                async def kept(cell: str, prompt: str, tokens: int, seed: int) -> None:
                    row = await one_text(run, prompt, tokens, seed, *sampling_of(cell))
                    told = row if row["text"] else {**row, "cut": True}
                    line = json.dumps({"cell": cell, "k": args.k, **told}, ensure_ascii=False)
                    written.append(cell)
                    with args.out.open("a", encoding="utf-8") as out:
                        out.write(line + "\n")

                working = asyncio.gather(
                    *(
                        kept(
                            cell,
                            prompts[language][at % len(prompts[language])],
                            int(tokens),
                            1000 * len(kind) + at,
                        )
                        for at in some
                    )
                )
                try:
                    await asyncio.wait_for(working, end - time.monotonic())
                except TimeoutError:
                    break
            if isinstance(upstream, TakingTurns):
                upstream.release()


asyncio.run(main())
