"""A client that does not read: the proxy stops reading too, and what waits in it is bounded."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

from proxy.settings import UpstreamSettings
from proxy.upstreams.openai_compatible import OpenAICompatible
from tests.e2e.failures import until_text
from tests.helpers import serving
from tests.upstreams.raw_server import CHUNKED, Visit, chunk, serve

FRAME = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"' + b"spring river " * 1000 + b'"}}]}\n\n'
BOUND = 12 * 1024 * 1024


async def test_a_client_that_does_not_read_stops_the_model_server_too(tmp_path: Path) -> None:
    taken = 0

    async def endless(visit: Visit) -> None:
        nonlocal taken
        await visit.request()
        await visit.send(CHUNKED + b"".join(map(chunk, until_text("chat/completions"))))
        while True:
            await visit.send(chunk(FRAME))
            taken += len(FRAME)

    async with serve(endless) as server, serving(tmp_path) as run:
        settings = UpstreamSettings(name="main", base_url=server.url())
        upstream = OpenAICompatible(settings)
        await upstream.start()
        run.house.upstreams = [(settings, upstream)]
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", int(run.url.rpartition(":")[2])))
        body = json.dumps(
            {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}
        ).encode()
        client.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )
        before = -1
        # Until nothing moves any more: buffers of the system, of both connections, and nothing of ours.
        for _ in range(100):
            await asyncio.sleep(0.2)
            if taken == before and taken:
                break
            before = taken
        assert taken == before
        assert 0 < taken < BOUND
        client.close()
        for _ in range(200):
            if run.house.live == 0:
                break
            await asyncio.sleep(0.02)
        assert run.house.live == 0
        await upstream.close()
        assert (await run.last()).record.fields["reason"] == "the client left"
