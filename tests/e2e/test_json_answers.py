"""Answers that are asked for as JSON: escapes hide no word, and masks leave JSON behind."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxy.commands.records import search_records
from proxy.desks import desk_of
from proxy.governance.lookback import LookBack
from proxy.lookups import look_back_at
from proxy.review.pointers import Rollout, set_rollout
from proxy.review.store import make_snapshot
from proxy.upstreams import replies
from proxy.upstreams.scripted import Scripted
from proxy.worker import key_file
from tests.e2e.failures import body, frames
from tests.e2e.test_library import until
from tests.helpers import NOW, Running, keyword, serving, sse_events


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


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ASKED)
async def test_a_version_on_trial_and_a_look_back_read_the_escapes_of_json_answers_as_live_review_does(
    tmp_path: Path, path: str, stream: bool
) -> None:
    async with serving(
        tmp_path,
        says(HIDDEN, path.removeprefix("/v1/")),
        [keyword("无关词语")],
        records={"store_text": "all"},
    ) as run:
        version = on_trial(run, "违禁词语")
        await until(lambda: run.house.library.candidate)
        plain = {
            name: value for name, value in ASKED[path].items() if name not in ("response_format", "text")
        }
        for asked in (ASKED[path], plain):
            answer = await run.http.post(path, json={"model": "m", "stream": stream, **asked})
            assert r"\u8fdd" in said(answer, stream)  # as the model spelt it
        await until(lambda: run.house.metrics.shadowed == 2)
        (record,) = [stored.record for stored in await run.records(kind="shadow")]
        (found,) = record.fields["findings"]
        assert json.loads(HIDDEN)["a"] == '{"a": "违禁词语"'[found["start"] : found["end"]]
        assert (found["part"], found["new"]) == ("answer 1", True)
        everything = dict.fromkeys(("request_id", "content_id", "content_id_end", "status", "since", "until"))
        rows = await asyncio.to_thread(
            partial(search_records, run.settings, kind="shadow", limit=5, decrypt=False, **everything)
        )
        assert [row["request_id"] for row in rows] == [record.request_id]
        report = await looked_back(run, version)
        assert [(d.request_id, d.part, d.start, d.end) for d in report.caught] == [
            (record.request_id, "answer 1", found["start"], found["end"])
        ]
        assert (report.requests, report.texts) == (2, 2)


async def test_tool_arguments_and_reasoning_are_read_along_and_looked_back_at(tmp_path: Path) -> None:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "f", "arguments": json.dumps({"q": "违禁词语"})},
    }
    message = {
        "role": "assistant",
        "content": "好",
        "reasoning_content": "想想样例词语",
        "tool_calls": [call],
    }
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    reply = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    upstream = Scripted(lambda request: replies.Reply([json.dumps(reply).encode()]))
    history = {"role": "assistant", "content": None, "tool_calls": [call]}
    asked = [
        {"role": "user", "content": "说"},
        history,
        {"role": "tool", "tool_call_id": "call_1", "content": "1"},
    ]
    async with serving(tmp_path, upstream, [keyword("无关词语")], records={"store_text": "all"}) as run:
        version = on_trial(run, "违禁词语", "样例词语")
        await until(lambda: run.house.library.candidate)
        answer = await run.http.post("/v1/chat/completions", json={"model": "m", "messages": asked})
        assert answer.status_code == 200
        await until(lambda: run.house.metrics.shadowed == 1)
        (record,) = [stored.record for stored in await run.records(kind="shadow")]
        places = {(f["direction"], f["part"], f["start"], f["end"]) for f in record.fields["findings"]}
        assert places == {
            ("input", "request, assistant", 2, 6),  # "q" stands before, on a line of its own
            ("output", "beside the answer", 2, 6),
        }
        assert len(record.fields["findings"]) == 3
        caught = (await looked_back(run, version)).caught
        assert {(d.direction, d.part, d.start, d.end) for d in caught} == places
        assert len(caught) == 3


def on_trial(run: Running, *patterns: str) -> str:
    """A version of these entries, in the shadow."""
    folder, key = run.settings.review.library, run.house.library_key
    entries = [keyword(pattern) for pattern in patterns]
    version = make_snapshot(folder, entries, author="t", reason="t", now=NOW, key=key)
    set_rollout(folder, Rollout(version, "shadow"), key)
    return version


async def looked_back(run: Running, version: str) -> LookBack:
    def work() -> LookBack:
        keys = key_file(run.settings)
        desk = desk_of(run.settings, keys, lambda records: None)
        return look_back_at(run.settings, desk, keys, version, None, 100)

    return await asyncio.to_thread(work)
