"""An OpenAI-compatible server of the embedded model's weights (bench/model.py) that answers many requests as one batch.

    python bench/model_server.py DIR --port-file FILE

`/v1/completions` with n, temperature, top_p, top_k, max_tokens, logprobs and logit_bias, streamed or not; `/tokenize` and `/v1/models`.
Every answer has as many tokens as were asked for. Log-probabilities are of what is sampled from (DRY applied, at temperature 1),
as vLLM's `processed_logprobs`. `seed` is not looked at: requests are drawn together.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.model import Ask, Model, Said

NAME = "gemma-3-270m"
ROWS = 1536  # continuations in one batch


class Batches:
    """What waits is answered together: what asks for as many tokens as the first one."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._waiting: list[tuple[Ask, int, asyncio.Future[list[Said]]]] = []
        self._some = asyncio.Event()

    async def said(self, ask: Ask, tokens: int) -> list[Said]:
        future: asyncio.Future[list[Said]] = asyncio.get_running_loop().create_future()
        self._waiting.append((ask, tokens, future))
        self._some.set()
        return await future

    async def work(self) -> None:
        while True:
            await self._some.wait()
            await asyncio.sleep(0.005)
            tokens, rows = self._waiting[0][1], 0
            batch, left = [], []
            for one in self._waiting:
                fits = one[1] == tokens and rows + one[0].n <= max(ROWS, one[0].n)
                rows += one[0].n if fits else 0
                (batch if fits else left).append(one)
            self._waiting = left
            if not left:
                self._some.clear()
            try:
                found = await asyncio.to_thread(self.model.continued, [ask for ask, _, _ in batch], tokens)
            except Exception as error:
                for _, _, future in batch:
                    future.set_exception(error)
                raise
            for (_, _, future), said in zip(batch, found, strict=True):
                if not future.done():
                    future.set_result(said)


def logprobs(model: Model, said: Said) -> dict[str, Any]:
    """In the form of completions."""

    def spelt(token: int) -> str:
        return model.bytes[token].decode("utf-8", "replace")

    return {
        "tokens": [spelt(token) for token in said.ids],
        "token_logprobs": [dict(told).get(token) for token, told in zip(said.ids, said.told, strict=True)],
        "top_logprobs": [{spelt(token): value for token, value in reversed(told)} for told in said.told],
    }


async def completions(request: Request) -> Response:
    body = await request.json()
    batches: Batches = request.app.state.batches
    ask = Ask(
        body["prompt"],
        body.get("n") or 1,
        body.get("temperature", 1.0),
        body.get("top_p", 1.0),
        body.get("logprobs") or 0,
        {int(token): bias for token, bias in (body.get("logit_bias") or {}).items()},
        body.get("top_k") or 0,
    )
    tokens = body.get("max_tokens", 16)
    found = await batches.said(ask, tokens)
    model = batches.model
    choices = [
        {
            "index": at,
            "text": model.text(said.ids),
            "finish_reason": "length",
            "logprobs": logprobs(model, said) if ask.alternatives else None,
        }
        for at, said in enumerate(found)
    ]
    asked = len(model.cut([ask.prompt])[0])
    usage = {
        "prompt_tokens": asked,
        "completion_tokens": tokens * ask.n,
        "total_tokens": asked + tokens * ask.n,
    }
    reply = {"id": "cmpl", "object": "text_completion", "created": 1, "model": NAME, "choices": choices}
    if body.get("stream"):
        pieces = [reply, reply | {"choices": [], "usage": usage}]
        lines = [f"data: {json.dumps(piece)}\n\n" for piece in pieces] + ["data: [DONE]\n\n"]
        return StreamingResponse(iter(lines), media_type="text/event-stream")
    return JSONResponse(reply | {"usage": usage})


async def tokenize(request: Request) -> Response:
    model: Model = request.app.state.batches.model
    content = (await request.json())["content"]
    ids = model.tokenizer(content, add_special_tokens=False).input_ids
    # In llama.cpp's form; what is no text, in bytes.
    spelt = [(at, model.bytes[at]) for at in ids]
    return JSONResponse(
        {"tokens": [{"id": at, "piece": raw.decode() if raw.isascii() else list(raw)} for at, raw in spelt]}
    )


async def models(_: Request) -> Response:
    return JSONResponse({"object": "list", "data": [{"id": NAME, "object": "model"}]})


@asynccontextmanager
async def working(app: Starlette) -> AsyncIterator[None]:
    task = asyncio.create_task(app.state.batches.work())
    yield
    task.cancel()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port-file", type=Path, required=True, help="the address is written here")
    args = parser.parse_args()
    model = Model(args.folder)
    routes = [
        Route("/v1/completions", completions, methods=["POST"]),
        Route("/tokenize", tokenize, methods=["POST"]),
        Route("/v1/models", models),
    ]
    app = Starlette(routes=routes, lifespan=working)
    app.state.batches = Batches(model)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        args.port_file.write_text(f"http://127.0.0.1:{listening.getsockname()[1]}", "utf-8")
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listening])


if __name__ == "__main__":
    main()
