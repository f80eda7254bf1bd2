"""The wires: bytes and JSON in, bytes and JSON out. Nothing here waits.

A new endpoint is its files and one line of the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from proxy.tokens import decode_tokens
from proxy.wire.chat_endpoint import ChatEndpoint
from proxy.wire.completions_endpoint import CompletionsEndpoint
from proxy.wire.endpoint import Endpoint
from proxy.wire.inputs import InputEndpoint
from proxy.wire.responses_endpoint import ResponsesEndpoint

__all__ = ["ENDPOINTS"]

ENDPOINTS: Mapping[str, Endpoint | InputEndpoint] = MappingProxyType(
    {
        "/v1/chat/completions": ChatEndpoint(),
        "/v1/completions": CompletionsEndpoint(decode_tokens),
        "/v1/embeddings": InputEndpoint("/embeddings", "input", decode_tokens),
        "/v1/moderations": InputEndpoint("/moderations", "input", decode_tokens, "omni-moderation-latest"),
        "/v1/images/generations": InputEndpoint(
            "/images/generations", "prompt", decode_tokens, "gpt-image-1", media=True
        ),
        "/v1/images/edits": InputEndpoint(
            "/images/edits", "prompt", decode_tokens, "gpt-image-1", form=True, media=True
        ),
        "/v1/images/variations": InputEndpoint(
            "/images/variations", "prompt", decode_tokens, "dall-e-2", form=True, media=True
        ),
        "/v1/audio/speech": InputEndpoint("/audio/speech", "input", decode_tokens, media=True),
        "/v1/responses": ResponsesEndpoint(),
    }
)
