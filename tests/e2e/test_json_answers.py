"""Answers that are asked for as JSON: escapes hide no word, and masks leave JSON behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxy.upstreams import replies
from proxy.upstreams.scripted import Scripted
from tests.e2e.failures import body, frames
from tests.helpers import keyword, serving, sse_events


def says(text: str, path: str) -> Scripted:
    """A model that says this, in the words of each wire."""
    spelt = json.dumps(text, ensure_ascii=False)[1:-1].encode()

    def script(request: Any) -> Any:
        if b'"stream":true' in request.body.replace(b" ", b""):
            raw = [frame.replace("春江".encode(), spelt) for frame in frames(path)]
            return replies.Reply(raw, headers=replies.SSE_HEADERS)
        return replies.Reply([body(path).replace("春江".encode(), spelt)])

    return Scripted(script)


HIDDEN = json.dumps({"a": "违禁词语", "b": "好"})
MASKED = r'{"a": "\u906e\u76d6\u8bcd\u4e59", "b": "替换词丙", "n": [1, 2]}'
ENTRIES = [
    keyword("违禁词语"),
    keyword("遮盖词乙", action="mask"),
    keyword("替换词丙", action="replace", replacement='说"好"'),
]
FORMAT = {"type": "json_object"}
ASKED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "说"}], "response_format": FORMAT},
    "/v1/completions": {"prompt": "说", "response_format": FORMAT},
    "/v1/responses": {"input": "说", "text": {"format": FORMAT}},
}


def said(answer: httpx.Response, stream: bool) -> str:
    """What the client reads as the text of the answer."""
    events = sse_events(answer.content) if stream else [answer.json()]
    out = ""
    for event in events:
        if event == "[DONE]":
            continue
        if event.get("type") == "response.output_text.delta":
            out += event["delta"]
        for choice in event.get("choices", ()):
            part = choice.get("delta") or choice.get("message") or choice
            out += part.get("content") or part.get("text") or ""
        if not stream:
            for item in event.get("output", ()):
                out += "".join(one.get("text", "") for one in item.get("content", ()))
    return out


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ASKED)
async def test_masks_leave_the_json_that_it_was(tmp_path: Path, path: str, stream: bool) -> None:
    async with serving(tmp_path, says(MASKED, path.removeprefix("/v1/")), ENTRIES) as run:
        answer = await run.http.post(path, json={"model": "m", "stream": stream, **ASKED[path]})
        assert json.loads(said(answer, stream)) == {"a": "＊＊＊＊", "b": "＊＊＊＊", "n": [1, 2]}
        assert "906e" not in answer.text and "替换词丙" not in answer.text
        found = (await run.last()).record.fields["findings"]
        assert [one["action"] for one in found] == ["mask", "replace"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ASKED)
async def test_a_word_spelt_in_escapes_blocks(tmp_path: Path, path: str, stream: bool) -> None:
    async with serving(tmp_path, says(HIDDEN, path.removeprefix("/v1/")), ENTRIES) as run:
        answer = await run.http.post(path, json={"model": "m", "stream": stream, **ASKED[path]})
        assert "\\u8fdd" not in said(answer, stream)
        record = (await run.last()).record
        assert (record.status, record.fields["findings"][0]["action"]) == ("blocked", "block")
