"""`/v1/responses` with the official SDK against the whole proxy: create, stream and the stream helper."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from proxy.upstreams import replies
from proxy.upstreams.scripted import Scripted
from proxy.upstreams.upstream import UpstreamRequest
from tests.helpers import Running, keyword, serving
from tests.wire.responses_events import (
    Event,
    answer_events,
    call_events,
    message_events,
    numbered,
    reasoning_events,
    response,
    stream,
)

START, END = "【本内容由AI生成】\n\n", "\n\n（以上内容由AI生成）"
POEM = (
    "春江潮水连海平，海上明月共潮生。滟滟随波千万里，何处春江无月明！江流宛转绕芳甸，月照花林皆似霰；"
    "空里流霜不觉飞，汀上白沙看不见。江天一色无纤尘，皎皎空中孤月轮。江畔何人初见月？江月何年初照人？"
)
WORD = "违禁甲乙丙"


def cut(text: str, size: int = 3) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def bare(text: str) -> str:
    """Without labels and grains."""
    text = "".join(c for c in text if not "\ufe00" <= c <= "\ufe0f")
    return text.removeprefix(START).removesuffix(END)


def events_reply(raw: bytes, *more: replies.Step) -> replies.Reply:
    frames = [frame + b"\n\n" for frame in raw.split(b"\n\n") if frame]
    return replies.Reply([*frames, *more], headers=replies.SSE_HEADERS)


def server(*items: Sequence[Event], last: str = "completed") -> Scripted:
    """An OpenAI server that answers with these items, streamed or whole as asked."""

    def script(request: UpstreamRequest) -> replies.Reply:
        assert request.path == "/responses"
        events = answer_events(*items, last=last)
        if json.loads(request.body).get("stream"):
            return events_reply(numbered(events))
        return replies.json(events[-1]["response"])

    return Scripted(script)


def poem() -> Scripted:
    return server(message_events(cut(POEM)))


async def streamed(run: Running, **options: Any) -> list[Any]:
    events = await run.client.responses.create(model="m", input="背一首诗", stream=True, **options)
    return [event async for event in events]


def joined(events: list[Any]) -> str:
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


async def test_streamed_and_whole_answers_carry_the_same_labels_and_text(tmp_path: Path) -> None:
    async with serving(tmp_path, poem()) as run:
        whole = await run.client.responses.create(model="m", input="背一首诗")
        events = await streamed(run)
        for text in (whole.output_text, joined(events), events[-1].response.output_text):
            assert text.startswith(START)
            assert text.endswith(END)
            assert bare(text) == POEM
        assert joined(events) == events[-1].response.output_text
        assert events[-1].type == "response.completed"
        assert whole.usage is not None
        assert events[-1].response.usage.total_tokens == whole.usage.total_tokens == 12
        assert [event.sequence_number for event in events] == list(range(len(events)))
        record = (await run.last()).record
        assert (record.status, record.fields["usage"]["total_tokens"]) == ("closed", 12)


async def test_the_aigc_object_and_the_headers_tell_the_same_story(tmp_path: Path) -> None:
    async with serving(tmp_path, poem()) as run:
        raw = await run.client.responses.with_raw_response.create(model="m", input="背一首诗")
        aigc = raw.parse().model_extra["aigc"]  # type: ignore[index]
        assert raw.headers["x-aigc"] == f"label=1; producer=UNSET; id={aigc['ProduceID']}"
        assert aigc["label"] == {"positions": ["start", "end"], "skipped_reason": None}
        last = await run.last()
        assert last.record.content_id == aigc["ProduceID"]
        events = await streamed(run)
        first, final = events[0].response.model_extra["aigc"], events[-1].response.model_extra["aigc"]
        assert (first["review"]["decision"], final["review"]["decision"]) == ("reviewing", "pass")
        assert first["ProduceID"] == final["ProduceID"]
        assert not any("aigc" in (e.response.model_extra or {}) for e in events[1:2])


async def test_the_mark_in_the_answer_is_found_by_the_detector(tmp_path: Path) -> None:
    async with serving(tmp_path, poem()) as run:
        events = await streamed(run)
        report = (await run.http.post("/api/v1/detect", json={"text": joined(events)})).json()
        carrier = next(d for d in report["detections"] if d["detector"] == "carrier")
        assert (report["verdict"], carrier["outcome"]) == ("confirmed", "present")


async def test_the_stream_helper_of_the_sdk_puts_everything_together(tmp_path: Path) -> None:
    upstream = server(
        reasoning_events(["先想", "一想"]),
        call_events(['{"城', '市":"杭州"}'], index=1),
        message_events(cut(POEM), 2),
    )
    async with serving(tmp_path, upstream, [keyword(WORD)]) as run:
        async with run.client.responses.stream(model="m", input="背一首诗") as events:
            snapshots = [e.snapshot async for e in events if e.type == "response.output_text.delta"]
            final = await events.get_final_response()
        thought, call, message = final.output
        assert thought.summary[0].text == "先想一想"  # type: ignore[union-attr]
        assert call.arguments == '{"城市":"杭州"}'  # type: ignore[union-attr]
        assert message.content[0].text == snapshots[-1] == final.output_text  # type: ignore[union-attr]
        assert bare(final.output_text) == POEM


async def test_the_synchronous_client_works_too(tmp_path: Path) -> None:
    async with serving(tmp_path, poem()) as run:

        def ask() -> list[str]:
            with openai.OpenAI(base_url=f"{run.url}/v1", api_key="k", max_retries=0) as client:
                whole = client.responses.create(model="m", input="背").output_text
                pieces = client.responses.create(model="m", input="背", stream=True)
                text = "".join(e.delta for e in pieces if e.type == "response.output_text.delta")
                with client.responses.stream(model="m", input="背") as events:
                    return [whole, text, events.get_final_response().output_text]

        assert [bare(text) for text in await asyncio.to_thread(ask)] == [POEM] * 3


class Place(BaseModel):
    city: str


async def test_structured_output_is_parsed_unlabelled(tmp_path: Path) -> None:
    async with serving(tmp_path, server(message_events(['{"city":', '"杭州"}']))) as run:
        parsed = await run.client.responses.parse(model="m", input="哪里？", text_format=Place)
        assert parsed.output_parsed == Place(city="杭州")
        assert parsed.model_extra["aigc"]["label"] == {"positions": [], "skipped_reason": "json"}  # type: ignore[index]
        async with run.client.responses.stream(model="m", input="哪里？", text_format=Place) as events:
            final = await events.get_final_response()
        assert final.output_parsed == Place(city="杭州")


async def test_a_blocked_stream_is_closed_as_incomplete_and_cancels_the_model(tmp_path: Path) -> None:
    raw = numbered(answer_events(message_events(["开头", "违禁甲", "乙丙"]))[:-4])
    upstream = Scripted(events_reply(raw, replies.STALL))
    async with serving(tmp_path, upstream, [keyword(WORD)]) as run:
        async with run.client.responses.stream(model="m", input="背一首诗") as stream:
            events = [event async for event in stream]
        assert joined(events) == START + "开头" + END + "\n\n换个话题吧。"
        last: Any = events[-1]
        assert (last.type, last.response.status) == ("response.incomplete", "incomplete")
        assert last.response.incomplete_details.reason == "content_filter"
        assert last.response.output_text == joined(events)
        assert last.response.usage.output_tokens > 0
        aigc = last.response.model_extra["aigc"]
        assert (aigc["event"], aigc["from_char"], aigc["usage_estimated"]) == ("retract", len(START), True)
        await asyncio.wait_for(upstream.played[0].closed(), 1)
        assert upstream.played[0].cancelled
        record = (await run.last()).record
        assert (record.status, record.fields["reason"]) == ("blocked", "output: A.1.a")
        assert record.fields["usage_estimated"] is True
        assert record.fields["usage"]["output_tokens"] > 0


async def test_a_blocked_answer_that_is_not_streamed_is_replaced(tmp_path: Path) -> None:
    upstream = server(call_events(["{}"]), message_events([f"开头{WORD}尾"], 1))
    async with serving(tmp_path, upstream, [keyword(WORD)]) as run:
        answer = await run.client.responses.create(model="m", input="背一首诗")
        assert answer.output_text == "换个话题吧。"
        assert [item.type for item in answer.output] == ["message"]
        assert answer.status == "incomplete"
        assert answer.incomplete_details is not None
        assert answer.incomplete_details.reason == "content_filter"
        assert answer.usage is not None
        assert (await run.last()).record.status == "blocked"


@pytest.mark.parametrize("format_", [None, {"type": "json_object"}])
@pytest.mark.parametrize("way", ["whole", "streamed", "helper"])
async def test_a_blocked_request_never_reaches_the_model(
    tmp_path: Path, way: str, format_: dict[str, str] | None
) -> None:
    upstream = poem()
    options: Any = {"model": "m", "input": f"请说{WORD}"}
    if format_:
        options["text"] = {"format": format_}
    async with serving(tmp_path, upstream, [keyword(WORD)]) as run:
        if way == "whole":
            answer: Any = await run.client.responses.create(**options)
        elif way == "streamed":
            answer = [e async for e in await run.client.responses.create(**options, stream=True)][-1].response
        else:
            async with run.client.responses.stream(**options) as events:
                answer = [event async for event in events][-1].response  # type: ignore[union-attr]
        assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "content_filter")
        (part,) = answer.output[0].content
        assert (part.refusal if format_ else part.text) == "换个话题吧。"
        assert answer.usage.total_tokens == 0
        assert upstream.requests == []
        assert (await run.last()).record.status == "blocked"


async def test_a_blocked_request_as_an_error_is_400_and_names_the_input(tmp_path: Path) -> None:
    async with serving(tmp_path, poem(), [keyword(WORD)], review={"on_block": "error"}) as run:
        with pytest.raises(openai.BadRequestError) as caught:
            await run.client.responses.create(model="m", input=WORD)
        assert (caught.value.code, caught.value.param) == ("content_filter", "input")


STORED: list[tuple[dict[str, Any], str, str]] = [
    ({"previous_response_id": "resp_0"}, "resend_input", "previous_response_id"),
    ({"conversation": "conv_1"}, "resend_input", "conversation"),
    ({"prompt": {"id": "pmpt_1"}}, "inline_prompt", "prompt"),
    ({"background": True}, "foreground_only", "background"),
    ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "resend_input", "input[0]"),
    ({"input": [{"id": "msg_1"}]}, "resend_input", "input[0]"),
    ({"tools": [{"type": "image_generation"}]}, "unsupported_modality", "tools"),
]


@pytest.mark.parametrize(("options", "code", "param"), STORED)
async def test_what_makes_the_model_read_what_nobody_reviewed_is_refused(
    tmp_path: Path, options: dict[str, Any], code: str, param: str
) -> None:
    upstream = poem()
    async with serving(tmp_path, upstream) as run:
        with pytest.raises(openai.BadRequestError) as caught:
            await run.client.responses.create(**{"model": "m", "input": "x", **options})
        assert (caught.value.code, caught.value.param) == (code, param)
        assert upstream.requests == []


async def test_stored_responses_cannot_be_fetched(tmp_path: Path) -> None:
    async with serving(tmp_path, poem()) as run:
        await run.client.responses.create(model="m", input="x", store=True)
        calls: list[Callable[[], Any]] = [
            lambda: run.client.responses.retrieve("resp_1"),
            lambda: run.client.responses.input_items.list("resp_1"),
            lambda: run.client.responses.input_tokens.count(model="m", input="x"),
            lambda: run.client.responses.compact(model="gpt-5.1", input="x"),
        ]
        for call in calls:
            with pytest.raises(openai.NotFoundError) as caught:
                await call()
            assert caught.value.code == "endpoint_not_covered"


async def test_our_labels_and_marks_do_not_come_back_to_the_model(tmp_path: Path) -> None:
    upstream = poem()
    async with serving(tmp_path, upstream) as run:
        items: list[Any] = [{"role": "user", "content": "背一首诗"}]
        for _ in range(20):
            answer = await run.client.responses.create(model="m", input=items)
            items += [item.to_dict() for item in answer.output] + [{"role": "user", "content": "再来"}]
        sent = json.loads(upstream.requests[-1].body)["input"]
        assert [i["content"][0]["text"] for i in sent if i["role"] == "assistant"] == [POEM] * 19


async def test_an_upstream_that_breaks_off_raises_in_the_sdk(tmp_path: Path) -> None:
    raw = numbered(answer_events(message_events(cut(POEM)))[:-4])
    async with serving(tmp_path, Scripted(events_reply(raw))) as run:
        events = await run.client.responses.create(model="m", input="背一首诗", stream=True)
        seen: list[Any] = []

        async def read() -> None:
            async for event in events:
                seen.append(event)

        with pytest.raises(openai.APIError, match="closed the stream"):
            await read()
        assert bare(joined(seen)) == POEM
        assert (await run.last()).record.status == "aborted"


async def test_an_error_event_of_the_upstream_raises_in_the_sdk(tmp_path: Path) -> None:
    error = {"type": "error", "code": "server_error", "message": "overloaded", "param": None}
    raw = numbered([*answer_events(message_events(cut(POEM)))[:6], error])
    async with serving(tmp_path, Scripted(events_reply(raw))) as run:
        with pytest.raises(openai.APIError, match="overloaded"):
            await streamed(run)


async def test_json_in_answer_to_a_stream_request_becomes_the_stream_it_should_be(tmp_path: Path) -> None:
    whole = answer_events(
        reasoning_events(["想"]), call_events(["{}"], index=1), message_events(cut(POEM), 2)
    )[-1]["response"]
    async with serving(tmp_path, Scripted(replies.json(whole)), [keyword(WORD)]) as run:
        async with run.client.responses.stream(model="m", input="背一首诗") as events:
            text = joined([event async for event in events])
            final = await events.get_final_response()
        assert bare(text) == POEM
        assert final.output_text == text
        assert [item.type for item in final.output] == ["reasoning", "function_call", "message"]


async def test_a_done_marker_of_the_upstream_is_tolerated_and_not_passed_on(tmp_path: Path) -> None:
    upstream = Scripted(events_reply(stream(message_events(cut(POEM))) + b"data: [DONE]\n\n"))
    async with serving(tmp_path, upstream) as run:
        answer = await run.http.post("/v1/responses", json={"model": "m", "input": "x", "stream": True})
        assert b"[DONE]" not in answer.content
        assert answer.content.count(b"event: response.completed\n") == 1


async def test_a_failed_response_stays_one(tmp_path: Path) -> None:
    error = {"code": "server_error", "message": "out of memory"}
    failed = response(status="failed", error=error)
    events = [*answer_events()[:2], {"type": "response.failed", "response": failed}]
    async with serving(tmp_path, Scripted(events_reply(numbered(events)))) as run:
        last = (await streamed(run))[-1]
        assert (last.type, last.response.error.message) == ("response.failed", "out of memory")
