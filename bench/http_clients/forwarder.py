"""A raw ASGI app that forwards every POST through the client that BENCH_CLIENT names, and does nothing else."""

from __future__ import annotations

import os
from typing import Any

from bench.http_clients.clients import CLIENTS

client = CLIENTS[os.environ["BENCH_CLIENT"]](os.environ["BENCH_TARGET"])


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await client.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await client.close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    streamed = b'"stream":true' in body
    async with client.post(body) as (status, pieces):
        content_type = b"text/event-stream" if streamed else b"application/json"
        if not streamed:
            data = b"".join([piece async for piece in pieces])
            fields = [(b"content-type", content_type), (b"content-length", str(len(data)).encode())]
            await send({"type": "http.response.start", "status": status, "headers": fields})
            await send({"type": "http.response.body", "body": data})
            return
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type)]}
        )
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
