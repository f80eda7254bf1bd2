"""A moderation endpoint over a real socket that says what a test wants, or nothing, or rubbish."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from proxy.review.entry import Entry
from proxy.upstreams.scripted import Scripted
from tests.helpers import Running, serving
from tests.upstreams.raw_server import Server, Visit, head, serve

Play = Callable[[Visit, list[str]], Awaitable[None]]
JSON = "content-type: application/json"


def says(results: Any, status: str = "200 OK") -> Play:
    """These bytes or this JSON, whatever was asked."""

    async def play(visit: Visit, passages: list[str]) -> None:
        raw = results if type(results) is bytes else json.dumps(results).encode()
        await visit.send(head(status, JSON, length=len(raw)) + raw)

    return play


def confirms(word: str, *, after: float = 0.0, harm: str = "violence") -> Play:
    """Flags the passages with this word in them, as the official endpoint would say it."""

    async def play(visit: Visit, passages: list[str]) -> None:
        await asyncio.sleep(after)
        results = [
            {"flagged": word in one, "categories": {harm: word in one, "hate": False}, "category_scores": {}}
            for one in passages
        ]
        await says({"id": "modr-1", "model": "omni-moderation-latest", "results": results})(visit, passages)

    return play


async def never(visit: Visit, passages: list[str]) -> None:
    await visit.left()


async def breaks(visit: Visit, passages: list[str]) -> None:
    visit.reset()


@asynccontextmanager
async def judged(
    folder: Path, answer: Sequence[str] | Scripted, play: Play, entries: Sequence[Entry], **stage: Any
) -> AsyncIterator[tuple[Running, list[list[str]], Server]]:
    """A proxy whose model says `answer` and whose second stage `play` is; with what the stage was asked."""
    asked: list[list[str]] = []

    async def handler(visit: Visit) -> None:
        while True:
            line, _, body = await visit.request()
            if not line.startswith("POST /v1/moderations "):
                await visit.send(head("404 Not Found", length=0))
                continue
            wanted = json.loads(body)
            assert wanted["model"] == "omni-moderation-latest"
            asked.append(wanted["input"])
            await play(visit, wanted["input"])

    async with serve(handler) as server:
        upstreams = [
            {"name": "main", "kind": "scripted"},
            {"name": "judge", "base_url": server.url(), "models": []},
        ]
        second = {"by": "moderations", "upstream": "judge", "timeout": 0.4, **stage}
        async with serving(
            folder, None, entries, upstreams=upstreams, review={"second_stage": second}
        ) as run:
            assert isinstance(run.house.upstreams, list)
            upstream = answer if isinstance(answer, Scripted) else Scripted.answer(answer)
            run.house.upstreams[0] = (run.settings.upstreams[0], upstream)
            yield run, asked, server
