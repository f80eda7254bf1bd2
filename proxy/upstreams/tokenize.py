"""How model servers cut texts: `/tokenize` beside the API, as llama.cpp's server and vLLM spell it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from labelers.token_marks import raw_token, spelling
from proxy.upstreams.upstream import Upstream, UpstreamRequest

__all__ = ["PATH", "ask_tokens", "read_tokens", "tokenize_body"]

PATH = "/tokenize"  # of the server itself, not below /v1
MAX_REPLY = 4 * 1024 * 1024


def tokenize_body(text: str, model: str | None) -> dict[str, Any]:
    """What is asked: llama.cpp reads `content`, vLLM `prompt`."""
    body = {"content": text, "with_pieces": True, "add_special": False}
    body |= {"prompt": text, "return_token_strs": True, "add_special_tokens": False}
    return body | ({"model": model} if model else {})


def read_tokens(said: Mapping[str, Any]) -> list[tuple[int, bytes]]:
    """Id and bytes of each token. Raises KeyError, TypeError or ValueError for what is no such reply."""
    if said.get("token_strs"):
        byte_level = spelling(said["token_strs"])
        raw = [raw_token(token, byte_level) for token in said["token_strs"]]
        return list(zip((int(one) for one in said["tokens"]), raw, strict=True))
    pieces = [(int(one["id"]), one["piece"]) for one in said["tokens"]]
    return [(at, piece.encode() if isinstance(piece, str) else bytes(piece)) for at, piece in pieces]


async def ask_tokens(upstream: Upstream, text: str, model: str | None) -> list[tuple[int, bytes]]:
    """The tokens of a text at a server. Raises UpstreamError, and what `read_tokens` raises."""
    body = orjson.dumps(tokenize_body(text, model))
    request = UpstreamRequest("POST", PATH, (("content-type", "application/json"),), body, rooted=True)
    raw = b""
    async with upstream.open(request) as response:
        async for piece in response.body:
            raw += piece
            if len(raw) > MAX_REPLY:
                raise ValueError("more than was asked for")
        if response.status != 200:
            raise ValueError(f"status {response.status}")
    return read_tokens(orjson.loads(raw))
