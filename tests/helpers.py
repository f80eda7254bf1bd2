"""What most tests need: a proxy with real sockets, real records and a scripted model server."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import uvicorn
import yaml

from proxy import worker
from proxy.house import House
from proxy.keys import KeyFile
from proxy.records.record import Query, StoredRecord
from proxy.review.entry import Entry
from proxy.review.store import publish
from proxy.settings import Settings, load_settings
from proxy.upstreams import Upstream

NOW = "2026-11-23T00:00:00.000Z"
REFUSALS = {"default.zh": "换个话题吧。", "default.en": "Let us talk about something else."}


def splits(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every way to cut `data` in two."""
    for at in range(len(data) + 1):
        yield data[:at], data[at:]


def settings_in(folder: Path, **sections: Any) -> Settings:
    """Settings with everything stored under `folder`."""
    base: dict[str, Any] = {
        "server": {"data_dir": str(folder / "data"), "port": 0},
        "keys": {"file": str(folder / "data/keys.json")},
        "review": {"library": str(folder / "data/library")},
        "records": {"url": f"sqlite:///{folder}/data/records", "durability": "group"},
        "upstreams": [{"name": "main", "kind": "scripted"}],
    }
    for name, section in sections.items():
        if isinstance(section, Mapping):
            base.setdefault(name, {}).update(section)
        else:
            base[name] = section
    path = folder / "inkseal.yaml"
    path.write_text(yaml.safe_dump(base, allow_unicode=True), encoding="utf-8")
    return load_settings(path, {})


def keyword(pattern: str, **fields: Any) -> Entry:
    """An entry that blocks both ways."""
    return Entry(pattern=pattern, category=fields.pop("category", "A.1.a"), **fields)


def publish_library(settings: Settings, entries: Iterable[Entry]) -> str:
    worker.first_start(settings)
    keys = KeyFile.load(settings.keys.file, settings.keys.command)
    return publish(
        settings.review.library,
        list(entries),
        author="test",
        reason="test",
        now=NOW,
        refusals=REFUSALS,
        key=worker.library_key(keys),
    )


@dataclass
class Running:
    """A proxy that listens."""

    url: str
    house: House
    settings: Settings
    client: openai.AsyncOpenAI
    http: httpx.AsyncClient
    server: uvicorn.Server
    stopped: asyncio.Task[None]

    async def records(self, **query: Any) -> list[StoredRecord]:
        return [record async for record in self.house.records.read(Query(**query))]

    async def last(self) -> StoredRecord:
        """The newest record of a request."""
        return [r for r in await self.records(kind="request") if r.record.status != "accepted"][-1]


@asynccontextmanager
async def serving(
    folder: Path,
    upstream: Upstream | None = None,
    entries: Sequence[Entry] | None = (),
    *,
    key: str = "sk-any",
    **sections: Any,
) -> AsyncIterator[Running]:
    """A proxy in this event loop, on a free port, with `upstream` behind it. `entries` None: no library."""
    settings = settings_in(folder, **sections)
    if entries is None:
        worker.first_start(settings)
    else:
        publish_library(settings, entries)
    app = worker.make_app(settings)
    house = app.house
    if upstream is not None:
        house.upstreams = [(settings.upstreams[0], upstream)]
    server = uvicorn.Server(
        uvicorn.Config(
            app, log_level="error", loop="asyncio", http="httptools", ws="none", timeout_graceful_shutdown=1
        )
    )
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.005)
        if running.done():
            running.result()
    client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=20)
    http = httpx.AsyncClient(base_url=url, timeout=20)
    try:
        yield Running(url, house, settings, client, http, server, running)
    finally:
        await client.close()
        await http.aclose()
        server.should_exit = True
        await running


def sse_events(raw: bytes) -> list[Any]:
    """The data of each frame, decoded; "[DONE]" as a string."""
    events: list[Any] = []
    for frame in raw.split(b"\n\n"):
        for line in frame.splitlines():
            if line.startswith(b"data: "):
                data = line[6:]
                events.append("[DONE]" if data == b"[DONE]" else json.loads(data))
    return events


def text_of(events: Iterable[Any], index: int = 0) -> str:
    """The content of one choice, all deltas joined."""
    out = []
    for event in events:
        for choice in event.get("choices", ()) if isinstance(event, dict) else ():
            if choice.get("index", 0) == index:
                out.append(choice.get("delta", {}).get("content") or "")
    return "".join(out)
