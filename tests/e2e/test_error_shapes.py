"""Every error of the proxy's own has the four keys of the API, its code, and the headers that tell SDKs what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.records.record import Record, RecordError
from proxy.upstreams import UpstreamError, replies
from proxy.upstreams.replies import Reply
from proxy.upstreams.scripted import Scripted
from tests.helpers import keyword, serving

CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "你好"}]}
WORD = "违禁甲乙丙"
FORM = {"content-type": "application/x-www-form-urlencoded"}  # what curl calls a body
KEY = {"authorization": "Bearer sk-app"}
TENANTS = [
    {
        "name": "app",
        "key": "sk-app",
        "models": ["m", "slow", "locked", "text-*"],
        "review": {"on_block": "error"},
    },
    {"name": "few", "key": "sk-few", "limits": {"requests_per_minute": 1}},
]


def answering(request: Any) -> Reply:
    if request.method == "GET":
        return replies.models(["m"])
    model = json.loads(request.body).get("model")
    if model == "slow":
        return Reply(before=[UpstreamError("timeout_first_byte", "slow")])
    if model == "locked":
        return replies.json({"error": {"message": "bad key"}}, status=401)
    return replies.answer(request, ["好"])


# method, path, what is sent (str: as it is), more headers; status, code, type, param, headers that must come back
CASES: list[tuple[str, str, Any, dict[str, str], int, str, str, str | None, dict[str, str]]] = [
    ("POST", "/v1/chat/completions", CHAT, {"authorization": ""}, 401, "invalid_api_key", "authentication_error", None, {}),
    ("POST", "/v1/chat/completions", CHAT, {"authorization": "Bearer no"}, 401, "invalid_api_key", "authentication_error", None, {}),
    ("POST", "/v1/chat/completions", "{", {}, 400, "invalid_json", "invalid_request_error", None, {}),
    ("POST", "/v1/chat/completions", "[]", {}, 400, "invalid_json", "invalid_request_error", None, {}),
    ("POST", "/v1/chat/completions", {"model": "m"}, {}, 400, "invalid_type", "invalid_request_error", "messages", {}),
    ("POST", "/v1/chat/completions", {"messages": []}, {}, 400, "missing_required_parameter", "invalid_request_error", "model", {}),
    ("POST", "/v1/chat/completions", {**CHAT, "n": 0}, {}, 400, "invalid_value", "invalid_request_error", "n", {}),
    ("POST", "/v1/chat/completions", {**CHAT, "modalities": ["audio"]}, {}, 400, "unsupported_modality", "invalid_request_error", "modalities", {}),
    ("POST", "/v1/chat/completions", {**CHAT, "model": "other"}, {}, 404, "model_not_found", "invalid_request_error", "model", {}),
    ("POST", "/v1/chat/completions", {**CHAT, "messages": [{"role": "user", "content": WORD}]}, {}, 400, "content_filter", "invalid_request_error", "messages", {"x-should-retry": "false"}),
    ("POST", "/v1/completions", {"model": "m", "prompt": WORD}, {}, 400, "content_filter", "invalid_request_error", "prompt", {"x-should-retry": "false"}),
    ("POST", "/v1/responses", {"model": "m", "input": WORD}, {}, 400, "content_filter", "invalid_request_error", "input", {"x-should-retry": "false"}),
    ("POST", "/v1/embeddings", {"model": "m", "input": WORD}, {}, 400, "content_filter", "invalid_request_error", "input", {"x-should-retry": "false"}),
    ("POST", "/v1/completions", {"model": "m", "prompt": [1]}, {}, 400, "unsupported_token_input", "invalid_request_error", "prompt", {}),
    ("POST", "/v1/responses", {"model": "m", "input": "x", "background": True}, {}, 400, "foreground_only", "invalid_request_error", "background", {}),
    ("POST", "/v1/chat/completions", CHAT, {"x-aigc-label": "hint"}, 400, "label_mode", "invalid_request_error", "X-AIGC-Label", {}),
    ("PUT", "/v1/chat/completions", CHAT, {}, 405, "method_not_allowed", "invalid_request_error", None, {"allow": "POST"}),
    ("GET", "/v1/embeddings", None, {}, 405, "method_not_allowed", "invalid_request_error", None, {"allow": "POST"}),
    ("POST", "/v1/threads", {}, {}, 404, "endpoint_not_covered", "invalid_request_error", None, {}),
    ("GET", "/v1/models/other", None, {}, 404, "model_not_found", "invalid_request_error", "model", {}),
    ("POST", "/chat/completions", CHAT, {}, 404, "not_found", "invalid_request_error", None, {}),
    ("POST", "/healthz", CHAT, {}, 405, "method_not_allowed", "invalid_request_error", None, {"allow": "GET"}),
    ("GET", "/api/v1/nothing", None, {}, 404, "not_found", "invalid_request_error", None, {}),
    ("DELETE", "/api/v1/library/entries", None, {}, 405, "method_not_allowed", "invalid_request_error", None, {"allow": "GET"}),
    ("POST", "/api/v1/library/entries", "{", {}, 400, "invalid_json", "invalid_request_error", None, {}),
    ("POST", "/api/v1/library/entries", {}, {}, 422, "missing_required_parameter", "invalid_request_error", "entry", {}),
    ("POST", "/api/v1/library/entries", {"entry": {}, "x": 1}, {}, 422, "invalid_value", "invalid_request_error", "x", {}),
    ("POST", "/api/v1/library/entries", {"entry": {}}, FORM, 401, "invalid_operator_token", "authentication_error", None, {}),
    ("POST", "/api/v1/library/entries", "x" * 5000, {}, 413, "body_too_large", "invalid_request_error", None, {}),
    ("GET", "/api/v1/library/entries?limit=0", None, {}, 422, "invalid_value", "invalid_request_error", "limit", {}),
    ("GET", "/api/v1/library/diff", None, {}, 422, "missing_required_parameter", "invalid_request_error", "old", {}),
    ("POST", "/api/v1/export", {"text": "x", "format": "doc"}, FORM, 422, "invalid_value", "invalid_request_error", "format", {}),
    ("POST", "/api/v1/unlabelled", {}, {}, 422, "missing_required_parameter", "invalid_request_error", "tenant", {}),
    ("POST", "/v1/chat/completions", "x" * 5000, {}, 413, "body_too_large", "invalid_request_error", None, {}),
    ("POST", "/v1/chat/completions", {**CHAT, "model": "slow"}, {}, 504, "upstream_error", "upstream_error", None, {}),
    ("POST", "/v1/chat/completions", {**CHAT, "model": "locked"}, {}, 502, "upstream_refused", "upstream_error", None, {"x-should-retry": "false"}),
]  # fmt: skip


async def test_every_error_has_the_four_keys_and_says_what_to_do(tmp_path: Path) -> None:
    wrong = []
    async with serving(
        tmp_path, Scripted(answering), [keyword(WORD)], tenants=TENANTS, server={"max_body_bytes": 4096}
    ) as run:
        for method, path, sent, more, status, code, kind, param, headers in CASES:
            content = sent if isinstance(sent, str) else json.dumps(sent)
            got = await run.http.request(method, path, content=content, headers={**KEY, **more})
            error = got.json().get("error", {})
            seen = (got.status_code, error.get("code"), error.get("type"), error.get("param"))
            if seen != (status, code, kind, param) or set(error) != {"message", "type", "param", "code"}:
                wrong.append((method, path, content[:60], seen))
            if not error.get("message") or WORD in got.text:
                wrong.append((method, path, content[:60], got.text))
            if headers.items() - got.headers.items() or (
                "x-request-id" not in got.headers and path.startswith("/v1/")
            ):
                wrong.append((method, path, content[:60], dict(got.headers)))
        few = {"authorization": "Bearer sk-few"}
        assert (await run.http.post("/v1/chat/completions", json=CHAT, headers=few)).status_code == 200
        got = await run.http.post("/v1/chat/completions", json=CHAT, headers=few)
        assert (got.status_code, got.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert set(got.json()["error"]) == {"message", "type", "param", "code"}
        assert 1 <= int(got.headers["retry-after"]) <= 60
    assert wrong == []


@pytest.mark.parametrize(
    ("what", "status", "code", "kind"),
    [
        ("the store is full", 503, "records_unavailable", "server_error"),
        ("a fault of ours", 500, "internal_error", "server_error"),
        ("it is stopping", 503, "draining", "server_error"),
    ],
)
async def test_what_fails_on_our_side_is_told_in_the_same_shape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, status: int, code: str, kind: str
) -> None:
    async with serving(tmp_path, Scripted(answering)) as run:

        async def failing(record: Record) -> None:
            raise RecordError("disk full") if status == 503 else ZeroDivisionError

        if what == "it is stopping":
            monkeypatch.setattr(run.house, "draining", True)
        else:
            monkeypatch.setattr(run.house.records, "append", failing)
        got = await run.http.post("/v1/chat/completions", json=CHAT)
        error = got.json()["error"]
        assert (got.status_code, error["code"], error["type"]) == (status, code, kind)
        assert set(error) == {"message", "type", "param", "code"}
        monkeypatch.undo()
