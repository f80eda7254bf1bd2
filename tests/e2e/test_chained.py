"""Two proxies in a row: the answer is labelled and marked once, by the first that wrote it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from detectors.panel import Panel
from proxy.upstreams import replies
from proxy.upstreams.openai_compatible import OpenAICompatible
from proxy.upstreams.scripted import Scripted
from proxy.upstreams.upstream import UpstreamRequest
from tests.helpers import Running, keyword, serving, sse_events, text_of

START, END = "【本内容由AI生成】\n\n", "\n\n（以上内容由AI生成）"
SAID = ["春天来了，", "公园里的花都开了。", "孩子们在草地上放风筝，老人们在树下喝茶。"]
ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "春天是什么样的？"}]}


@asynccontextmanager
async def chain(
    folder: Path, *, trusted: bool, script: Any = None
) -> AsyncIterator[tuple[Running, Running, Scripted]]:
    """(outer, inner, the model behind the inner one)."""
    model = script or Scripted(lambda request: replies.answer(request, SAID))
    (folder / "inner").mkdir()
    (folder / "outer").mkdir()
    async with serving(folder / "inner", model, provider={"code": "INNER"}) as inner:
        entry = {"name": "inner", "base_url": f"{inner.url}/v1", "trusted_labels": trusted}
        async with serving(
            folder / "outer", None, [keyword("违禁甲乙丙")], provider={"code": "OUTER"}, upstreams=[entry]
        ) as outer:
            assert isinstance(outer.house.upstreams[0][1], OpenAICompatible)
            yield outer, inner, model


async def ask(
    run: Running, stream: bool, body: dict[str, Any] | None = None
) -> tuple[str, dict[str, Any], Any]:
    response = await run.http.post("/v1/chat/completions", json={**(body or ASK), "stream": stream})
    assert response.status_code == 200
    if stream:
        events = sse_events(response.content)
        (last,) = [e for e in events[:-1] if e["choices"][0]["finish_reason"]]
        return text_of(events), last["aigc"], response.headers
    answer = response.json()
    return answer["choices"][0]["message"]["content"], answer["aigc"], response.headers


@pytest.mark.parametrize("stream", [False, True])
async def test_a_trusted_inner_proxy_labels_and_marks_and_the_outer_one_carries_on(
    tmp_path: Path, stream: bool
) -> None:
    async with chain(tmp_path, trusted=True) as (outer, inner, _):
        text, aigc, headers = await ask(outer, stream)
        assert text.count(START) == text.count(END) == 1
        assert text.startswith(START) and text.endswith(END)
        (report,) = [
            d for d in Panel(inner.house.ring, ()).examine(text).detections if d.detector == "carrier"
        ]
        assert report.outcome == "present"
        produced = report.provenance["content_id"] if report.provenance else ""
        assert (aigc["ContentProducer"], aigc["ProduceID"]) == ("INNER", produced)
        record = (await outer.last()).record
        assert (aigc["ContentPropagator"], aigc["PropagateID"]) == ("OUTER", record.content_id)
        assert headers["x-aigc"] == f"label=1; producer=INNER; id={produced}"
        assert aigc["label"] == {"positions": [], "skipped_reason": "labelled_upstream"}
        assert aigc["hint"]["must_persist"] is False
        assert record.fields["origin"] == {"label": "1", "producer": "INNER", "produce_id": produced}
        assert record.fields["outputs"][0]["skipped_reason"] == "labelled_upstream"


async def test_an_inner_proxy_that_is_not_trusted_is_labelled_over(tmp_path: Path) -> None:
    async with chain(tmp_path, trusted=False) as (outer, _, _):
        text, aigc, _ = await ask(outer, False)
        assert aigc["ContentProducer"] == "OUTER"
        assert text.startswith(START + START)


async def test_trust_counts_for_answers_that_say_they_are_labelled_only(tmp_path: Path) -> None:
    model = Scripted(lambda request: replies.answer(request, SAID))
    async with serving(
        tmp_path, model, upstreams=[{"name": "main", "kind": "scripted", "trusted_labels": True}]
    ) as run:
        text, aigc, _ = await ask(run, False)
        assert text.startswith(START)
        assert aigc["ContentProducer"] == aigc["ContentPropagator"] == "UNSET"


async def test_the_outer_one_reviews_what_the_inner_one_let_pass(tmp_path: Path) -> None:
    script = Scripted(lambda request: replies.answer(request, ["前面", "违禁甲", "乙丙"]))
    async with chain(tmp_path, trusted=True, script=script) as (outer, _, _):
        text, aigc, _ = await ask(outer, True)
        assert "违禁" not in text
        assert aigc["review"]["decision"] == "block"


async def test_a_conversation_through_both_does_not_grow_and_the_model_sees_no_label(tmp_path: Path) -> None:
    async with chain(tmp_path, trusted=True) as (outer, _, model):
        messages = list(ASK["messages"])
        for _ in range(5):
            text, _, _ = await ask(outer, False, {**ASK, "messages": messages})
            messages += [{"role": "assistant", "content": text}, {"role": "user", "content": "再说一遍。"}]
        last: UpstreamRequest = model.requests[-1]
        said = [m["content"] for m in json.loads(last.body)["messages"] if m["role"] == "assistant"]
        assert said == ["".join(SAID)] * 4
