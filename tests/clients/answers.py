"""One model server, written down: what it answers hangs on the request alone.

The same replies are served twice: as an upstream behind the proxy (`make`), and by a bare ASGI app of a few lines
(`app`), which is the direct connection. Where the proxy answers by itself (an unknown model, a blocked request) the
bare server says what a server of OpenAI's would say in its place, so that the two may be compared.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

from proxy.upstreams import UpstreamRequest, UpstreamSettings, replies
from proxy.upstreams.replies import Reply
from proxy.upstreams.scripted import Scripted
from tests.wire.responses_events import USAGE, answer_events, call, message_events, numbered

MODEL = "gpt-4o-mini"
POEM = "春江潮水连海平，海上明月共潮生。滟滟随波千万里，何处春江无月明！江流宛转绕芳甸，月照花林皆似霰。"
WEATHER = "杭州今天晴，二十二度，微风。"
ARGUMENTS = '{"city":"杭州","days":2}'
CITY = '{"city":"杭州","population":12000000}'
BLOCKED = "违禁甲乙丙"
COUNT = "数一数"
REFUSAL = "换个话题吧。"
ERROR_KEY = "sk-error"

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


def make(settings: UpstreamSettings) -> Scripted:
    return Scripted(lambda request: _answer(request.path, json.loads(request.body)), name=settings.name)


def _answer(path: str, body: dict[str, Any]) -> Reply:
    return _responses(body) if path == "/responses" else _chat(body)


def _chat(body: dict[str, Any]) -> Reply:
    messages = body["messages"]
    if COUNT in _texts(messages[-1]):
        return _said(body, _counted(messages))
    if body.get("tools") and messages[-1]["role"] != "tool":
        return _chat_call(body)
    if messages[-1]["role"] == "tool":
        return _said(body, WEATHER)
    return _said(body, CITY if body.get("response_format") else POEM)


def _counted(messages: list[dict[str, Any]]) -> str:
    """How long the answers are that the model is shown again: as long as it gave them."""
    own = [_texts(message.get("content")) for message in messages if message.get("role") == "assistant"]
    return f"前面的回答共{len(''.join(own))}字。"


def _texts(value: Any) -> str:
    """All strings of a message, whatever parts it is made of."""
    if isinstance(value, dict):
        return "".join(_texts(value.get(key)) for key in ("content", "text"))
    return "".join(map(_texts, value)) if isinstance(value, list) else value or ""


def _said(body: dict[str, Any], text: str, finish: str = "stop") -> Reply:
    request = UpstreamRequest("POST", "/chat/completions", (), json.dumps(body).encode())
    return _recent(replies.answer(request, _cut(text), finish=finish))


def _recent(reply: Reply) -> Reply:
    # Some clients compare `created` with their clock; it is all that differs from the bytes that others test with.
    old, new = str(replies.CREATED).encode(), str(int(time.time())).encode()
    steps = [step.replace(old, new) if isinstance(step, bytes) else step for step in reply.steps]
    return Reply(steps, reply.status, reply.headers)


def _chat_call(body: dict[str, Any]) -> Reply:
    function = {"name": "get_weather", "arguments": ARGUMENTS}
    made = {"id": "call_1", "type": "function", "function": function}
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    head = {"id": "chatcmpl-1", "created": int(time.time()), "model": body["model"]}
    if not body.get("stream"):
        message = {"role": "assistant", "content": None, "tool_calls": [made]}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}
        return replies.json(head | {"object": "chat.completion", "choices": [choice], "usage": usage})
    first = {"index": 0, **made, "function": {"name": "get_weather", "arguments": ""}}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None, "tool_calls": [first]}]
    deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in _cut(ARGUMENTS)]
    head["object"] = "chat.completion.chunk"
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
    frames = [head | {"choices": [choice]} for choice in choices]
    if (body.get("stream_options") or {}).get("include_usage"):
        frames.append(head | {"choices": [], "usage": usage})
    return replies.events(frames)


def _responses(body: dict[str, Any]) -> Reply:
    items = body["input"] if isinstance(body["input"], list) else []
    if items and COUNT in _texts(items[-1]):
        return _response_of(body, message_events(_cut(_counted(items))))
    answered = any(item.get("type") == "function_call_output" for item in items)
    if body.get("tools") and not answered:
        made = {**call("function_call", ARGUMENTS), "name": "get_weather"}
        return _response_of(body, _call_events(made))
    as_json = (body.get("text") or {}).get("format", {}).get("type") == "json_schema"
    return _response_of(body, message_events(_cut(WEATHER if answered else CITY if as_json else POEM)))


def _call_events(made: dict[str, Any]) -> list[dict[str, Any]]:
    place = {"item_id": made["id"], "output_index": 0}
    kind = "response.function_call_arguments"
    begun = {**made, "arguments": "", "status": "in_progress"}
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": begun},
        *({"type": f"{kind}.delta", **place, "delta": piece} for piece in _cut(ARGUMENTS)),
        {"type": f"{kind}.done", **place, "arguments": ARGUMENTS},
        {"type": "response.output_item.done", "output_index": 0, "item": made},
    ]


def _response_of(body: dict[str, Any], item: list[dict[str, Any]], last: str = "completed") -> Reply:
    incomplete: dict[str, Any] = {}
    if last == "incomplete":
        incomplete = {"incomplete_details": {"reason": "content_filter"}, "usage": USAGE}
    fields = {"model": body["model"], "created_at": int(time.time()), **incomplete}
    events = answer_events(item, last=last, **fields)
    if not body.get("stream"):
        return replies.json(events[-1]["response"])
    return Reply([numbered(events)], headers=replies.SSE_HEADERS)


def _direct(path: str, body: dict[str, Any], key: str) -> Reply:
    """What the bare server answers: the proxy's own words where the proxy would not ask the model."""
    if body.get("model") != MODEL:
        message = f"The model `{body.get('model')}` does not exist or you do not have access to it."
        return _refused(404, message, None, "model_not_found")
    if BLOCKED not in json.dumps(body, ensure_ascii=False):
        return _answer(path, body)
    if key == ERROR_KEY:
        message = "The response was filtered due to the prompt triggering the content management policy."
        return _refused(400, message, "messages", "content_filter")
    if path == "/responses":
        return _free(_response_of(body, message_events([REFUSAL]), "incomplete"))
    return _free(_said(body, REFUSAL, "content_filter"))


def _free(reply: Reply) -> Reply:
    # A request that is blocked costs no tokens.
    steps = [
        re.sub(rb'(_tokens": ?)\d+', rb"\g<1>0", step) for step in reply.steps if isinstance(step, bytes)
    ]
    return Reply(steps, reply.status, reply.headers)


def _refused(status: int, message: str, param: str | None, code: str) -> Reply:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return replies.json({"error": error}, status=status)


def _cut(text: str, size: int = 3) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """The direct connection, for uvicorn: the same replies, and nothing in between."""
    if scope["type"] != "http":
        return
    raw = b""
    while (event := await receive()).get("more_body"):
        raw += event["body"]
    raw += event.get("body", b"")
    key = dict(scope["headers"]).get(b"authorization", b"").decode().removeprefix("Bearer ")
    reply = _direct(scope["path"].removeprefix("/v1"), json.loads(raw or b"{}"), key)
    headers = [(name.encode(), value.encode()) for name, value in reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    for step in reply.steps:
        assert isinstance(step, bytes)
        await send({"type": "http.response.body", "body": step, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
