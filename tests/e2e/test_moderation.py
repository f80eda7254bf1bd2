"""The official `moderation` request field: ours to answer, and not the upstream's to see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from proxy.upstreams.scripted import Scripted
from tests.helpers import keyword, serving

SECRET = "违禁甲乙丙"
WANTED: Any = {"model": "omni-moderation-latest", "policy": {"input": {"mode": "score"}}}


async def test_the_field_is_answered_from_our_review_and_not_forwarded(tmp_path: Path) -> None:
    flag = keyword("提一提", category="A.2.b", action={"input": "flag", "output": "flag"})
    upstream = Scripted.answer(["好，", "提一提。"])
    async with serving(tmp_path, upstream, [keyword(SECRET), flag]) as run:
        messages: Any = [{"role": "user", "content": "提一提"}]
        answer = await run.client.chat.completions.create(model="m", messages=messages, moderation=WANTED)
        assert answer.moderation is not None
        for told in (answer.moderation.input, answer.moderation.output):
            assert told.type == "moderation_results"
            assert told.results[0].flagged
            assert [key for key, value in told.results[0].categories.items() if value] == ["A.2.b"]
        assert b"moderation" not in upstream.requests[0].body
        stream = await run.client.chat.completions.create(
            model="m", messages=messages, moderation=WANTED, stream=True
        )
        told_of = [chunk async for chunk in stream if chunk.moderation is not None]
        assert len(told_of) == 1
        assert told_of[0].choices[0].finish_reason == "stop"
        assert b"moderation" not in upstream.requests[1].body


async def test_a_blocked_request_tells_why(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer(["好"]), [keyword(SECRET)]) as run:
        messages: Any = [{"role": "user", "content": SECRET}]
        answer = await run.client.chat.completions.create(model="m", messages=messages, moderation=WANTED)
        assert answer.moderation is not None
        assert answer.moderation.input.type == "moderation_results"
        assert answer.moderation.input.results[0].categories["A.1.a"] is True
        assert answer.moderation.output.type == "error"
        assert answer.moderation.output.code == "not_generated"
