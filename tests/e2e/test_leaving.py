"""A client that leaves, at any moment: the model server's connection is closed at once, and the record says so.

Real sockets on both sides. bench/leaving.py measures the same stages.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from proxy.records.record import Record
from proxy.settings import UpstreamSettings
from proxy.upstreams.openai_compatible import OpenAICompatible
from tests.e2e.failures import ENDPOINTS, SAID, _input, body, frames, until_text
from tests.helpers import Running, keyword, serving
from tests.upstreams.raw_server import CHUNKED, Visit, chunk, head, serve

HELD = "违禁"
STAGES = {
    "before the first byte": True,
    "in the stream": True,
    "while text is held back": True,
    "while the last frames wait for the record": True,
    "before an unstreamed answer": False,
    "within an unstreamed answer": False,
}


class Model:
    """A model server that plays one stage and notes when its client was gone."""

    def __init__(self) -> None:
        self.stage = ""
        self.said = asyncio.Event()
        self.left_at = 0.0
        self.left = asyncio.Event()

    async def __call__(self, visit: Visit) -> None:
        line, _, _ = await visit.request()
        await visit.send(self._answer(line.split(" ")[1].removeprefix("/v1/")))
        self.said.set()
        await visit.left()
        self.left_at = time.monotonic()
        self.left.set()

    def _answer(self, path: str) -> bytes:
        if self.stage == "in the stream":
            return CHUNKED + b"".join(map(chunk, until_text(path)))
        if self.stage == "while text is held back":
            held = [frame.replace(SAID.encode(), HELD.encode()) for frame in until_text(path)]
            return CHUNKED + b"".join(map(chunk, held))
        if self.stage == "while the last frames wait for the record":
            # All but the end of the chunked body: the connection is not done with.
            return CHUNKED + b"".join(map(chunk, frames(path)))
        if self.stage == "within an unstreamed answer":
            return head("200 OK", "content-type: application/json", length=99999) + body(path)
        return b""


@asynccontextmanager
async def modelled(folder: Path) -> AsyncIterator[tuple[Running, Model]]:
    model = Model()
    async with serve(model) as server, serving(folder, entries=[keyword("违禁甲乙丙")]) as run:
        settings = UpstreamSettings(name="main", base_url=server.url())
        upstream = OpenAICompatible(settings)
        await upstream.start()
        run.house.upstreams = [(settings, upstream)]
        try:
            yield run, model
        finally:
            await upstream.close()


async def leave(
    run: Running, model: Model, path: str, stage: str, record: asyncio.Event | None = None
) -> float:
    """Seconds from the client's closing of its connection to the model server's seeing it.

    `record`: set as soon as the client has closed; where an answer is complete, only its record is waited for.
    """
    model.stage, model.said, model.left = stage, asyncio.Event(), asyncio.Event()
    sent = json.dumps({"model": "m", "stream": STAGES[stage], **_input(path)}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(run.url.rpartition(":")[2]))
    writer.write(
        f"POST /v1/{path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(sent)}\r\n\r\n".encode() + sent
    )
    await asyncio.wait_for(model.said.wait(), 10)
    if stage == "in the stream":
        await asyncio.wait_for(reader.readuntil(SAID.encode()), 10)
    await asyncio.sleep(0.1)
    began = time.monotonic()
    writer.close()
    if record is not None:
        record.set()
    with suppress(OSError):
        await writer.wait_closed()
    await asyncio.wait_for(model.left.wait(), 10)
    return model.left_at - began


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_the_model_stops_within_a_tenth_of_a_second_and_the_record_tells(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with modelled(tmp_path) as (run, model):
        append, gate = run.house.records.append, asyncio.Event()

        async def slow(record: Record) -> None:
            if record.status == "closed":
                await gate.wait()
            await append(record)

        monkeypatch.setattr(run.house.records, "append", slow)
        for at, stage in enumerate(STAGES):
            # The best of three: the machine that tests this may be busy with something else.
            times = []
            for _ in range(3):
                gate.clear()
                times.append(await leave(run, model, path, stage, gate))
            assert min(times) < 0.1, (stage, times)
            for _ in range(200):
                if run.house.live == 0:
                    break
                await asyncio.sleep(0.01)
            assert run.house.live == 0
            done = [r.record for r in await run.records(kind="request") if r.record.status != "accepted"]
            assert len(done) == 3 * (at + 1)
            answered = stage == "while the last frames wait for the record"
            expected: Any = ("closed", "") if answered else ("aborted", "the client left")
            assert {(r.status, r.fields["reason"]) for r in done[-3:]} == {expected}
