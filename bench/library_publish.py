"""500 live streams while 20 versions are published: no stream dropped, none judged by two versions, all workers converge.

    python bench/library_publish.py [--streams 500] [--versions 20] [--workers 2] [--entries 10000]
                                    [--views safe] [--seconds 300]

A real server with its workers, a paced model server and the procedure over the API: each version is proposed,
reviewed, approved and published by three people. One entry replaces a marker word by the number of the version, and
every stream says that word all along, so a stream that saw two versions would say two numbers. When a stream ends,
another one begins, so that so many are always under way.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web
from review import COMMON

INKSEAL = Path(sys.executable).parent / "inkseal"
MARKER = "标记词语"
CHUNKS = 40
PAUSE = 1.0  # seconds between two chunks; --pause
ADMIN = "ink-admin-of-the-benchmark"


@dataclass
class Seen:
    """What the streams said."""

    whole: int = 0
    dropped: list[str] = field(default_factory=list)
    two_versions: list[list[str]] = field(default_factory=list)
    by_version: dict[str, int] = field(default_factory=dict)
    over_a_publication: int = 0
    live: int = 0
    least_live: int = 10**9


def background(number: int) -> str:
    """A Han word that nobody says, another one for each number: letters at random behind it, none of them twice."""
    return "底" + "".join(random.Random(number).sample(COMMON, 6))


async def model_server(pause: float) -> tuple[web.AppRunner, int]:
    """Says the marker in every fifth chunk, cut in two; a chunk each PAUSE seconds."""

    async def chat(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for n in range(CHUNKS):
            text = "说了标记" if n % 5 == 3 else "词语，然后" if n % 5 == 4 else f"第{n}句话。"
            delta = {"content": text} if n else {"role": "assistant", "content": text}
            event = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                     "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}  # fmt: skip
            await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
            await asyncio.sleep(pause)
        event["choices"] = [{"index": 0, "delta": {}, "finish_reason": "stop"}]
        await response.write(b"data: " + json.dumps(event).encode() + b"\n\ndata: [DONE]\n\n")
        return response

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    await web.SockSite(runner, listener).start()
    return runner, listener.getsockname()[1]


@contextmanager
def proxy(folder: Path, upstream: int, workers: int, entries: int, views: list[str]) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = {
        "server": {"port": port, "workers": workers},
        "upstreams": [
            {"name": "main", "base_url": f"http://127.0.0.1:{upstream}/v1", "max_connections": 4000}
        ],
        "admin": {"token": ADMIN},
    }
    (folder / "inkseal.yaml").write_text(yaml.safe_dump(settings))
    rows = [{"pattern": background(n), "category": "A.1.a", "views": views} for n in range(entries)]
    rows.append({"pattern": MARKER, "category": "A.2.a", "severity": 2, "id": "marker", "views": ["safe"],
                 "action": {"output": "replace"}, "replacement": "〔0〕"})  # fmt: skip
    (folder / "first.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    subprocess.run(
        [INKSEAL, "library", "import", "first.jsonl", "--publish"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    server = subprocess.Popen([INKSEAL, "serve"], cwd=folder, stderr=(folder / "log").open("wb"))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


async def stream(session: aiohttp.ClientSession, url: str, seen: Seen, state: dict[str, int]) -> None:
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "说说看"}]}
    said, began, ended = "", state["published"], False
    try:
        async with session.post(f"{url}/v1/chat/completions", json=body) as answer:
            seen.live += 1
            try:
                async for line in answer.content:
                    if line.startswith(b"data: [DONE]"):
                        ended = True
                    elif line.startswith(b"data: "):
                        for choice in json.loads(line[6:]).get("choices", ()):
                            said += choice["delta"].get("content") or ""
            finally:
                seen.live -= 1
    except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
        seen.dropped.append(repr(error))
        return
    if not ended:
        seen.dropped.append(f"no end: {said[-60:]}")
        return
    seen.whole += 1
    seen.over_a_publication += state["published"] > began
    numbers = re.findall(r"〔(\d+)〕", said)
    if len(numbers) != CHUNKS // 5 or MARKER in said:
        seen.dropped.append(f"{len(numbers)} markers of {CHUNKS // 5}")
    if len(set(numbers)) > 1:
        seen.two_versions.append(numbers)
    for number in set(numbers):
        seen.by_version[number] = seen.by_version.get(number, 0) + 1


async def keep_streaming(
    session: aiohttp.ClientSession, url: str, seen: Seen, state: dict[str, int], delay: float
) -> None:
    await asyncio.sleep(delay)
    while not state["over"]:
        await stream(session, url, seen, state)


async def call(session: aiohttp.ClientSession, url: str, token: str, path: str, body: Any = None) -> Any:
    headers = {"authorization": f"Bearer {token}"}
    method = "POST" if body is not None else "GET"
    async with session.request(method, f"{url}/api/v1/library{path}", json=body, headers=headers) as answer:
        told = await answer.json()
        assert answer.status < 300, told
        return told


async def publish_versions(
    url: str, options: argparse.Namespace, folder: Path, seen: Seen, state: dict[str, int]
) -> list[tuple[float, float]]:
    """Seconds that each publication took (compiling), and until all workers had it, after it was in force."""
    times = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=300)) as session:
        tokens = {}
        for name in ("ann", "bob", "cid"):
            body = {"name": name, "roles": ["operator", "reviewer", "approver"]}
            tokens[name] = (await call(session, url, ADMIN, "/operators", body))["token"]
        await call(session, url, tokens["ann"], "/stats")
        over = time.time() + options.seconds
        for number in range(1, options.versions + 1):
            if time.time() > over:
                break
            entry = {"pattern": MARKER, "category": "A.2.a", "severity": 2, "id": "marker", "views": ["safe"],
                     "action": {"output": "replace"}, "replacement": f"〔{number}〕"}  # fmt: skip
            await call(
                session, url, tokens["ann"], "/entries", {"entry": entry, "reason": f"version {number}"}
            )
            await call(session, url, tokens["bob"], "/steps/review", {"ids": ["marker"]})
            await call(session, url, tokens["cid"], "/steps/approve", {"ids": ["marker"]})
            began = time.time()
            done = await call(session, url, tokens["cid"], "/publish", {"reason": f"version {number}"})
            in_force = (folder / "data/library/live").stat().st_mtime
            state["published"] = number
            while True:
                told = await call(session, url, tokens["cid"], "/workers")
                if (
                    told["converged"]
                    and told["live"] == done["version"]
                    and len(told["workers"]) == options.workers
                ):
                    break
                await asyncio.sleep(0.05)
            loaded = max(worker["loaded_ms"] for worker in told["workers"]) / 1000
            times.append((in_force - began, loaded - in_force))
            seen.least_live = min(seen.least_live, seen.live)
            print(f"version {number}: {in_force - began:.2f} s to compile, {1000 * (loaded - in_force):.0f} ms to all "
                  f"{len(told['workers'])} workers, {seen.live} streams live, {seen.whole} whole, {len(seen.dropped)} dropped, "
                  f"{len(seen.two_versions)} with two versions", file=sys.stderr)  # fmt: skip
    return times


async def run(options: argparse.Namespace, folder: Path) -> int:
    runner, upstream = await model_server(options.pause)
    seen, state = Seen(), {"published": 0, "over": 0}
    with proxy(folder, upstream, options.workers, options.entries, options.views) as url:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(total=600)
        ) as session:
            for _ in range(600):
                try:
                    async with session.get(f"{url}/healthz"):
                        break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.1)
            spread = CHUNKS * options.pause
            streams = [
                asyncio.create_task(keep_streaming(session, url, seen, state, spread * n / options.streams))
                for n in range(options.streams)
            ]
            await asyncio.sleep(spread + 3)
            began = time.time()
            times = await publish_versions(url, options, folder, seen, state)
            took = time.time() - began
            state["over"] = 1
            await asyncio.gather(*streams)
    await runner.cleanup()
    compiled, spread_ms = [c for c, _ in times], [1000 * s for _, s in times]
    print(f"{len(times)} of {options.versions} versions of {options.entries + 1} entries in {took:.0f} s, {options.workers} workers, "
          f"at least {seen.least_live} streams live at each publication")  # fmt: skip
    print(f"streams: {seen.whole} whole, {len(seen.dropped)} dropped, {len(seen.two_versions)} with two versions; "
          f"{seen.over_a_publication} lived through a publication; {len(seen.by_version)} versions seen")  # fmt: skip
    print(
        f"compiled and put in force: median {statistics.median(compiled):.2f} s, most {max(compiled):.2f} s"
    )
    print(f"then in all workers: median {statistics.median(spread_ms):.0f} ms, most {max(spread_ms):.0f} ms")
    for problem in [*seen.dropped[:5], *map(str, seen.two_versions[:5])]:
        print("PROBLEM", problem)
    return int(bool(seen.dropped or seen.two_versions))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--versions", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument(
        "--views", nargs="+", default=["safe"], help="of the entries that only fill the library"
    )
    parser.add_argument("--seconds", type=float, default=300, help="no further version after that")
    parser.add_argument("--pause", type=float, default=PAUSE, help="seconds between two chunks of a stream")
    options = parser.parse_args()
    os.environ.pop("INKSEAL_CONFIG", None)
    with tempfile.TemporaryDirectory(prefix="inkseal-") as folder:
        code = asyncio.run(run(options, Path(folder)))
        verified = subprocess.run(
            [INKSEAL, "records", "verify"], cwd=folder, capture_output=True, text=True, check=False
        )
        print("records:", "; ".join(verified.stdout.splitlines()[:2]))
    sys.exit(code or verified.returncode)


if __name__ == "__main__":
    main()
