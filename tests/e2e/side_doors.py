"""Every way that is known to bring text back unreviewed or unlabelled, and what becomes of it: one table.

Used by test_side_doors.py and printed by bench/leaks.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

WORD = "违禁甲乙丙"
CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "你好"}]}
RESPOND: dict[str, Any] = {"model": "m", "input": "你好"}


@dataclass(frozen=True, slots=True)
class Door:
    """One request, and how it is answered. `asked`: the model server gets it, and its answer is reviewed."""

    name: str
    method: str
    path: str
    status: int
    code: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    asked: bool = False


def _closed(name: str, *requests: str, body: Any = None) -> list[Door]:
    doors = []
    for request in requests:
        method, path = request.split(" ", 1)
        doors.append(Door(name, method, path, 404, "endpoint_not_covered", body))
    return doors


DOORS = [
    *_closed("stored responses", "GET /v1/responses/resp_1", "DELETE /v1/responses/resp_1", "GET /v1/responses/resp_1/input_items", "GET /v1/responses/resp_1?stream=true"),
    *_closed("stored responses", "POST /v1/responses/resp_1/cancel", "POST /v1/responses/compact", body={"model": "m"}),
    *_closed("stored chats", "GET /v1/chat/completions/c1", "GET /v1/chat/completions/c1/messages"),
    *_closed("stored chats", "POST /v1/chat/completions/c1", body={"metadata": {}}),
    Door("stored chats", "GET", "/v1/chat/completions?limit=1", 405, "method_not_allowed"),
    *_closed("batches", "GET /v1/batches", "GET /v1/batches/b1"),
    *_closed("batches", "POST /v1/batches", body={"input_file_id": "f1", "endpoint": "/v1/chat/completions", "completion_window": "24h"}),
    *_closed("files", "GET /v1/files", "GET /v1/files/f1/content", "GET /v1/containers/c/files/f/content"),
    *_closed("files", "POST /v1/files", "POST /v1/uploads", "POST /v1/vector_stores/v/search", body={"query": "x"}),
    *_closed("threads and assistants", "GET /v1/threads/t/messages", "GET /v1/threads/t/runs/r/steps"),
    *_closed("threads and assistants", "POST /v1/threads", "POST /v1/threads/runs", "POST /v1/threads/t/runs", "POST /v1/assistants", body={"assistant_id": "a", "model": "m"}),
    *_closed("conversations", "GET /v1/conversations/c/items"),
    *_closed("conversations", "POST /v1/conversations", body={"items": []}),
    *_closed("other vendors' endpoints", "POST /v1/messages", "POST /v1/complete", "POST /v1/messages/batches", "POST /v1/rerank", "POST /v1/engines/m/completions", "POST /v1/edits", "POST /v1/tokenize", "POST /v1/detokenize", "POST /v1/chat", "POST /v1/generate", body={**CHAT, "prompt": "x", "max_tokens": 9}),
    *_closed("sound, pictures, films", "POST /v1/audio/transcriptions", "POST /v1/audio/translations", "POST /v1/audio/speech", "POST /v1/images/generations", "POST /v1/videos", body={"model": "m", "input": "x", "prompt": "x"}),
    *_closed("evaluations and tuning", "GET /v1/evals/e/runs/r/output_items", "GET /v1/fine_tuning/jobs/j/events"),
    *_closed("realtime", "POST /v1/realtime/sessions", "POST /v1/realtime/client_secrets", "POST /v1/realtime/calls", body={"model": "m"}),
    Door("realtime", "GET", "/v1/realtime?model=m", 404, "endpoint_not_covered", headers={"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13", "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA=="}),
    Door("background", "POST", "/v1/responses", 400, "foreground_only", {**RESPOND, "background": True}),
    Door("previous_response_id", "POST", "/v1/responses", 400, "resend_input", {**RESPOND, "previous_response_id": "resp_1"}),
    Door("conversation", "POST", "/v1/responses", 400, "resend_input", {**RESPOND, "conversation": "conv_1"}),
    Door("item references", "POST", "/v1/responses", 400, "resend_input", {"model": "m", "input": [{"type": "item_reference", "id": "msg_1"}]}),
    Door("stored prompts", "POST", "/v1/responses", 400, "inline_prompt", {**RESPOND, "prompt": {"id": "pmpt_1"}}),
    Door("token arrays", "POST", "/v1/completions", 400, "unsupported_token_input", {"model": "m", "prompt": [1, 2]}),
    Door("token arrays", "POST", "/v1/embeddings", 400, "unsupported_token_input", {"model": "m", "input": [[1, 2]]}),
    Door("prompts as embeddings", "POST", "/v1/completions", 400, "unsupported_parameter", {"model": "m", "prompt_embeds": "AAAA"}),
    Door("answers as token ids", "POST", "/v1/chat/completions", 400, "unsupported_parameter", {**CHAT, "return_token_ids": True}),
    Door("answers as token ids", "POST", "/v1/completions", 400, "unsupported_parameter", {"model": "m", "prompt": "x", "return_tokens_as_token_ids": True}),
    Door("sound and pictures in a chat", "POST", "/v1/chat/completions", 400, "unsupported_modality", {**CHAT, "modalities": ["text", "audio"], "audio": {"voice": "a", "format": "wav"}}),
    Door("sound and pictures in a chat", "POST", "/v1/chat/completions", 400, "unsupported_modality", {**CHAT, "modalities": ["image", "text"]}),
    Door("sound and pictures in a chat", "POST", "/v1/responses", 400, "unsupported_modality", {**RESPOND, "tools": [{"type": "image_generation"}]}),
    Door("path spellings", "POST", "/v1/chat/completions?api-version=2024", 200, "", CHAT, asked=True),
    Door("path spellings", "POST", "/v1/%63hat/completions", 200, "", CHAT, asked=True),
    *_closed("path spellings", "POST /v1/chat/completions/", "POST /v1//chat/completions", "POST /v1/Chat/Completions", "POST /v1/chat/completions;x=1", "POST /v1/./chat/completions", "POST /v1/x/../chat/completions", "POST /v1/%2e%2e/v1/chat/completions", "POST /v1/chat/completions%20", "POST /v1/chat/completions%00", "POST /v1/", body=CHAT),
    Door("path spellings", "POST", "//v1/chat/completions", 404, "not_found", CHAT),
    Door("path spellings", "POST", "/V1/chat/completions", 404, "not_found", CHAT),
    Door("path spellings", "POST", "/v1", 404, "not_found", CHAT),
    Door("path spellings", "POST", "/chat/completions", 404, "not_found", CHAT),
    Door("path spellings", "POST", "/openai/deployments/m/chat/completions?api-version=2024", 404, "not_found", CHAT),
    Door("other methods", "PUT", "/v1/chat/completions", 405, "method_not_allowed", CHAT),
    Door("other methods", "GET", "/v1/embeddings", 405, "method_not_allowed", headers={"x-http-method-override": "POST"}),
    Door("a plain answer", "POST", "/v1/chat/completions", 200, "", CHAT, asked=True),
    Door("a plain answer", "POST", "/v1/completions", 200, "", {"model": "m", "prompt": "x"}, asked=True),
    Door("a plain answer", "POST", "/v1/responses", 200, "", RESPOND, asked=True),
    Door("echoes of embeddings and moderations", "POST", "/v1/embeddings", 400, "content_filter", {"model": "m", "input": "x"}, asked=True),
    Door("echoes of embeddings and moderations", "POST", "/v1/moderations", 400, "content_filter", {"input": "x"}, asked=True),
]  # fmt: skip
