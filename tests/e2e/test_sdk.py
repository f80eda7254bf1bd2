"""The official SDK against the whole proxy: it sees nothing that it does not expect."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import openai
import pytest

from proxy.upstreams import replies
from proxy.upstreams.scripted import Scripted
from tests.helpers import Running, keyword, serving

START, END = "【本内容由AI生成】\n\n", "\n\n（以上内容由AI生成）"
POEM = (
    "春江潮水连海平，海上明月共潮生。滟滟随波千万里，何处春江无月明！江流宛转绕芳甸，月照花林皆似霰；"
    "空里流霜不觉飞，汀上白沙看不见。江天一色无纤尘，皎皎空中孤月轮。江畔何人初见月？江月何年初照人？"
    "人生代代无穷已，江月年年望相似。不知江月待何人，但见长江送流水。白云一片去悠悠，青枫浦上不胜愁。"
)
ASK: list[Any] = [{"role": "user", "content": "背一首诗"}]


def bare(text: str) -> str:
    """Without labels and grains."""
    text = "".join(c for c in text if not "\ufe00" <= c <= "\ufe0f")
    return text.removeprefix(START).removesuffix(END)


def deltas(text: str, size: int = 3) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


async def collect(run: Running, **options: Any) -> list[Any]:
    stream = await run.client.chat.completions.create(model="m", messages=ASK, stream=True, **options)
    return [chunk async for chunk in stream]


def joined(chunks: list[Any], index: int = 0) -> str:
    return "".join(
        choice.delta.content or "" for chunk in chunks for choice in chunk.choices if choice.index == index
    )


async def test_streamed_and_whole_answers_carry_the_same_labels_and_text(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer(deltas(POEM))) as run:
        whole = await run.client.chat.completions.create(model="m", messages=ASK)
        chunks = await collect(run)
        content = whole.choices[0].message.content or ""
        for text in (content, joined(chunks)):
            assert text.startswith(START)
            assert text.endswith(END)
            assert bare(text) == POEM
        assert len(content) == len(joined(chunks))
        assert whole.usage is not None
        assert whole.usage.total_tokens == 7 + len(deltas(POEM))


async def test_the_aigc_object_and_the_headers_tell_the_same_story(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer(deltas(POEM)), provider={"code": "acme"}) as run:
        raw = await run.client.chat.completions.with_raw_response.create(model="m", messages=ASK)
        answer = raw.parse()
        aigc = answer.model_extra["aigc"]  # type: ignore[index]
        assert raw.headers["x-aigc"] == f"label=1; producer=acme; id={aigc['ProduceID']}"
        assert unquote(raw.headers["x-aigc-hint"]) == aigc["hint"]["text"] == "本内容由人工智能生成"
        assert raw.headers["ai-disclosure"] == 'mode=ai-originated;provider="acme"'
        assert raw.headers["x-request-id"].startswith("req_")
        assert raw.headers["x-inkseal-review-id"] == aigc["review"]["id"] == raw.headers["x-request-id"]
        last = await run.last()
        assert last.record.request_id == raw.headers["x-request-id"]
        assert last.record.content_id == aigc["ProduceID"]


@pytest.mark.parametrize(
    ("headers", "body", "user"),
    [
        ({"x-aigc-user": "u1"}, {"user": "u2"}, "u1"),
        ({}, {"user": "u2", "safety_identifier": "u3"}, "u3"),
        ({}, {"user": "u2"}, "u2"),
        ({}, {"user": 7}, ""),
    ],
)
async def test_the_record_names_session_and_end_user(
    tmp_path: Path, headers: dict[str, str], body: dict[str, Any], user: str
) -> None:
    async with serving(tmp_path, Scripted.answer(["好"])) as run:
        sent = {**headers, "x-aigc-session": "s1", "x-request-id": "theirs"}
        await run.http.post(
            "/v1/chat/completions", json={"model": "m", "messages": ASK, **body}, headers=sent
        )
        (accepted,) = await run.records(status="accepted")
        fields = accepted.record.fields
        assert (fields["user"], fields["session"], fields["caller_request_id"]) == (user, "s1", "theirs")


async def test_two_choices_are_labelled_and_numbered_apart(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer(deltas(POEM))) as run:
        whole = await run.client.chat.completions.create(model="m", messages=ASK, n=2)
        assert [bare(choice.message.content or "") for choice in whole.choices] == [POEM, POEM]
        told = whole.model_extra["aigc"]["choices"]  # type: ignore[index]
        assert [(one["index"], one["review"]["decision"]) for one in told] == [(0, "pass"), (1, "pass")]
        assert len({one["ProduceID"] for one in told}) == 2
        chunks = await collect(run, n=2)
        assert [bare(joined(chunks, index)) for index in (0, 1)] == [POEM, POEM]
        ids = {c.model_extra["aigc"]["ProduceID"] for c in chunks if "aigc" in (c.model_extra or {})}
        assert len(ids) == 2
        last = await run.last()
        assert {output["content_id"] for output in last.record.fields["outputs"]} == ids


async def test_usage_comes_when_asked_for_and_the_stream_ends_properly(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer(deltas(POEM))) as run:
        chunks = await collect(run, stream_options={"include_usage": True})
        assert chunks[-1].choices == []
        assert chunks[-1].usage.completion_tokens == len(deltas(POEM))
        assert chunks[-2].choices[0].finish_reason == "stop"
        assert all(chunk.choices for chunk in await collect(run))


async def test_the_stream_helper_of_the_sdk_puts_the_answer_together(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer(deltas(POEM))) as run:
        async with run.client.chat.completions.stream(model="m", messages=ASK) as stream:
            async for _ in stream:
                pass
            final = await stream.get_final_completion()
        assert bare(final.choices[0].message.content or "") == POEM
        assert final.choices[0].message.role == "assistant"


async def test_the_synchronous_client_works_too(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer(deltas(POEM))) as run:

        def ask() -> tuple[str, str]:
            with openai.OpenAI(base_url=f"{run.url}/v1", api_key="k", max_retries=0) as client:
                whole = (
                    client.chat.completions.create(model="m", messages=ASK).choices[0].message.content or ""
                )
                with client.chat.completions.with_streaming_response.create(
                    model="m", messages=ASK, stream=True
                ) as raw:
                    text = raw.read().decode()
                return whole, text

        whole, streamed = await asyncio.to_thread(ask)
        assert bare(whole) == POEM
        assert streamed.endswith("data: [DONE]\n\n")


async def test_a_tool_call_passes_unlabelled_and_whole(tmp_path: Path) -> None:
    call = {
        "index": 0,
        "id": "t1",
        "type": "function",
        "function": {"name": "f", "arguments": '{"城市":"杭州"}'},
    }
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    reply = replies.events([
        {**chunk, "choices": [{"index": 0, "delta": {"role": "assistant", "tool_calls": [call]}, "finish_reason": None}]},
        {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
    ])  # fmt: skip
    async with serving(tmp_path, Scripted(reply), [keyword("违禁甲乙")]) as run:
        tools: Any = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
        async with run.client.chat.completions.stream(model="m", messages=ASK, tools=tools) as stream:
            final = await stream.get_final_completion()
        calls = final.choices[0].message.tool_calls
        assert calls is not None
        assert json.loads(calls[0].function.arguments) == {"城市": "杭州"}  # type: ignore[union-attr]
        assert not final.choices[0].message.content


async def test_unknown_fields_travel_both_ways(tmp_path: Path) -> None:
    body = {
        "id": "x", "object": "chat.completion", "created": 1, "model": "m", "vendor": {"a": [1.50, None]},
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "好", "vendor_note": "n"}, "finish_reason": "stop"}],
    }  # fmt: skip
    upstream = Scripted.json(body)
    async with serving(tmp_path, upstream) as run:
        answer = await run.client.chat.completions.create(
            model="m",
            messages=ASK,
            extra_body={"vendor_option": {"deep": [1, 2]}},
            extra_headers={"x-vendor": "v"},
        )
        assert answer.model_extra is not None
        assert answer.model_extra["vendor"] == {"a": [1.5, None]}
        assert answer.choices[0].message.model_extra == {"vendor_note": "n"}
        sent = upstream.requests[0]
        assert json.loads(sent.body)["vendor_option"] == {"deep": [1, 2]}
        assert dict(sent.headers)["x-vendor"] == "v"
        assert "authorization" not in dict(sent.headers)


async def test_what_the_client_sends_is_forwarded_byte_for_byte(tmp_path: Path) -> None:
    upstream = Scripted.answer(["好"])
    body = b'{ "model":"m", "messages":[{"role":"user","content":"\\u4f60\\u597d"}], "seed": 12345678901234567890123 }'
    async with serving(tmp_path, upstream) as run:
        await run.http.post("/v1/chat/completions", content=body)
        assert upstream.requests[0].body == body


async def test_our_labels_and_marks_do_not_come_back_to_the_model(tmp_path: Path) -> None:
    upstream = Scripted.answer(deltas(POEM))
    async with serving(tmp_path, upstream) as run:
        messages: list[Any] = list(ASK)
        for _ in range(20):
            answer = await run.client.chat.completions.create(model="m", messages=messages)
            messages += [{"role": "assistant", "content": answer.choices[0].message.content}, *ASK]
        sent = json.loads(upstream.requests[-1].body)["messages"]
        assert [m["content"] for m in sent if m["role"] == "assistant"] == [POEM] * 19


BLOCKED = "请说违禁甲乙丙"


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_blocked_request_never_reaches_the_model(tmp_path: Path, streamed: bool) -> None:
    upstream = Scripted.answer(["好"])
    async with serving(tmp_path, upstream, [keyword("违禁甲乙丙")]) as run:
        raw = await run.client.chat.completions.with_raw_response.create(
            model="m",
            messages=[{"role": "user", "content": BLOCKED}],
            stream=streamed,  # type: ignore[arg-type]
        )
        if streamed:
            chunks = [chunk async for chunk in raw.parse()]
            assert joined(chunks) == "换个话题吧。"
            assert chunks[-1].choices[0].finish_reason == "content_filter"
        else:
            answer = raw.parse()
            assert answer.choices[0].message.content == "换个话题吧。"
            assert answer.choices[0].finish_reason == "content_filter"
            assert answer.usage.total_tokens == 0
        assert upstream.requests == []
        record = (await run.last()).record
        assert (record.status, record.fields["reason"]) == ("blocked", "input: A.1.a")
        assert "违禁" not in json.dumps(record.fields, ensure_ascii=False)
        opened = run.house.cipher.opened(await run.last())
        assert opened.secret == {"findings": [
            {"direction": "input", "entry": opened.fields["findings"][0]["entry"], "text": "违禁甲乙丙", "start": 2, "end": 7}
        ]}  # fmt: skip


async def test_a_blocked_request_as_an_error_is_400_and_not_retried(tmp_path: Path) -> None:
    async with serving(
        tmp_path, Scripted.answer(["好"]), [keyword("违禁甲乙丙")], review={"on_block": "error"}
    ) as run:
        with pytest.raises(openai.BadRequestError) as caught:
            await run.client.with_options(max_retries=3).chat.completions.create(
                model="m", messages=[{"role": "user", "content": BLOCKED}]
            )
        error = caught.value
        assert (error.code, error.param, error.type) == (
            "content_filter",
            "messages",
            "invalid_request_error",
        )
        assert "违禁" not in str(error)
        assert error.response.headers["x-inkseal-review-id"] in str(error)
        assert len(await run.records(status="blocked")) == 1


async def test_a_word_over_two_user_messages_is_found(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer(["好"]), [keyword("违禁甲乙丙")]) as run:
        messages: Any = [
            {"role": "user", "content": "违禁甲"},
            {"role": "assistant", "content": "？"},
            {"role": "user", "content": "乙丙"},
        ]
        answer = await run.client.chat.completions.create(model="m", messages=messages)
        assert answer.choices[0].finish_reason == "content_filter"


@pytest.mark.parametrize("part", ["system", "tool", "schema"])
async def test_everything_the_model_would_read_is_reviewed(tmp_path: Path, part: str) -> None:
    word = "违禁甲乙丙"
    options: dict[str, Any] = {"messages": list(ASK)}
    if part == "system":
        options["messages"] = [{"role": "system", "content": word}, *ASK]
    elif part == "tool":
        options["tools"] = [{"type": "function", "function": {"name": "f", "description": word}}]
    else:
        options["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "s", "schema": {"description": word}},
        }
    upstream = Scripted.answer(["好"])
    async with serving(tmp_path, upstream, [keyword(word)]) as run:
        answer = await run.client.chat.completions.create(model="m", **options)
        assert answer.choices[0].finish_reason == "content_filter"
        assert upstream.requests == []


async def test_a_blocked_answer_is_replaced_choice_by_choice(tmp_path: Path) -> None:
    upstream = Scripted(lambda request: replies.chat([["好的。"], ["违禁甲乙丙"]], n=2))
    async with serving(tmp_path, upstream, [keyword("违禁甲乙丙")]) as run:
        answer = await run.client.chat.completions.create(model="m", messages=ASK, n=2)
        first, second = answer.choices
        assert bare(first.message.content or "") == "好的。"
        assert (second.message.content, second.finish_reason) == ("换个话题吧。", "content_filter")
        assert answer.usage is not None
        record = (await run.last()).record
        assert record.status == "blocked"
        assert [output["decision"] for output in record.fields["outputs"]] == ["pass", "block"]


async def test_a_blocked_stream_cancels_the_model_and_books_an_estimate(tmp_path: Path) -> None:
    reply = replies.events([*_chunks(["开头", "违禁甲", "乙丙"]), b": wait\n\n"], done=False)
    upstream = Scripted(replies.Reply([*reply.steps, replies.STALL], 200, reply.headers))
    async with serving(tmp_path, upstream, [keyword("违禁甲乙丙")]) as run:
        chunks = await collect(run, stream_options={"include_usage": True})
        assert joined(chunks) == START + "开头" + END + "\n\n换个话题吧。"
        assert chunks[-1].usage.completion_tokens > 0
        assert chunks[-1].model_extra["aigc"] == {"usage_estimated": True}
        await asyncio.wait_for(upstream.played[0].closed(), 1)
        assert upstream.played[0].cancelled
        assert (await run.last()).record.fields["usage_estimated"] is True


def _chunks(texts: list[str]) -> list[dict[str, Any]]:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    role = {"role": "assistant", "content": ""}
    all_deltas: list[dict[str, Any]] = [role, *({"content": text} for text in texts)]
    return [{**head, "choices": [{"index": 0, "delta": d, "finish_reason": None}]} for d in all_deltas]


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        (b"{", 400, "invalid_json", None),
        (b"[]", 400, "invalid_json", None),
        (b"{}", 400, "missing_required_parameter", "model"),
        (b'{"model":"m"}', 400, "invalid_type", "messages"),
        (b'{"model":"m","messages":[1]}', 400, "invalid_type", "messages[0]"),
        (b'{"model":"m","messages":[{"role":"user","content":"x"}],"n":0}', 400, "invalid_value", "n"),
        (b'{"model":"m","messages":[{"role":"user","content":"x"}],"stream":"yes"}', 400, "invalid_type", "stream"),
        (b'{"model":"m","messages":[{"role":"user","content":"x"}],"modalities":["text","audio"]}', 400, "unsupported_modality", "modalities"),
        (b'{"model":"other","messages":[{"role":"user","content":"x"}]}', 404, "model_not_found", "model"),
    ],
)  # fmt: skip
async def test_bad_requests_get_a_whole_openai_error(
    tmp_path: Path, body: bytes, status: int, code: str, param: str | None
) -> None:
    upstreams = [{"name": "main", "kind": "scripted", "models": ["m", "m-*"]}]
    async with serving(tmp_path, upstreams=upstreams) as run:
        response = await run.http.post("/v1/chat/completions", content=body)
        assert response.status_code == status
        error = response.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert (error["code"], error["param"]) == (code, param)
        assert response.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/responses/resp_1",
        "/v1/chat/completions/chatcmpl_1",
        "/v1/files",
        "/v1/files/file_1/content",
        "/v1/batches",
        "/v1/threads",
        "/v1/messages",
        "/v1/realtime",
        "/v1/anything",
    ],
)
async def test_there_is_no_side_door(tmp_path: Path, path: str) -> None:
    upstream = Scripted.answer(["未审"])
    async with serving(tmp_path, upstream) as run:
        for method in ("GET", "POST"):
            response = await run.http.request(method, path, json={"model": "m", "input": "x"})
            assert response.status_code == 404
            assert response.json()["error"]["code"] == "endpoint_not_covered"
        assert upstream.requests == []


async def test_models_are_listed_and_found(tmp_path: Path) -> None:
    upstreams = [{"name": "main", "kind": "scripted", "models": ["a", "b"]}]
    tenants = [{"name": "t", "key": "sk-t", "models": ["b*"]}]
    async with serving(tmp_path, upstreams=upstreams, tenants=tenants, key="sk-t") as run:
        assert [model.id async for model in run.client.models.list()] == ["b"]
        assert (await run.client.models.retrieve("b")).id == "b"
        with pytest.raises(openai.NotFoundError):
            await run.client.models.retrieve("a")


async def test_keys_open_the_door_to_their_tenant_only(tmp_path: Path) -> None:
    tenants = [
        {"name": "one", "key": "sk one two", "labels": {"positions": ["end"]}},
        {"name": "two", "key": "sk-2"},
    ]
    async with serving(tmp_path, Scripted.answer(["好"]), tenants=tenants, key="sk one two") as run:
        answer = await run.client.chat.completions.create(model="m", messages=ASK)
        assert answer.choices[0].message.content == "好" + END
        assert (await run.last()).record.fields["tenant"] == "one"
        for headers in (
            {},
            {"authorization": "Bearer nope"},
            {"authorization": "Basic sk-2"},
            {"authorization": "Bearer"},
        ):
            response = await run.http.post("/v1/chat/completions", json={}, headers=headers)
            assert response.status_code == 401
            assert response.json()["error"]["code"] == "invalid_api_key"


async def test_without_tenants_forwarded_callers_are_turned_away(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer(["好"])) as run:
        response = await run.http.get("/v1/models", headers={"x-forwarded-for": "10.0.0.1"})
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "tenants_required"


async def test_a_hint_in_place_of_a_label_needs_the_mode_for_it(tmp_path: Path) -> None:
    tenants = [
        {
            "name": "web",
            "key": "web",
            "labels": {"mode": "interface", "undertaking": "agreement 7, signed by A"},
        },
        {"name": "raw", "key": "raw"},
    ]
    async with serving(tmp_path, Scripted.answer(["好"]), tenants=tenants, key="web") as run:
        answer = await run.client.chat.completions.create(
            model="m", messages=ASK, extra_headers={"x-aigc-label": "hint"}
        )
        assert answer.choices[0].message.content == "好"
        assert answer.model_extra["aigc"]["hint"]["must_persist"] is True  # type: ignore[index]
        assert answer.model_extra["aigc"]["label"] == {"positions": [], "skipped_reason": "interface"}  # type: ignore[index]
        raw = run.client.with_options(api_key="raw")
        with pytest.raises(openai.BadRequestError, match="label mode 'interface'"):
            await raw.chat.completions.create(model="m", messages=ASK, extra_headers={"x-aigc-label": "hint"})


async def test_an_english_question_gets_english_labels(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer(["Good."])) as run:
        answer = await run.client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hi"}]
        )
        assert (answer.choices[0].message.content or "").startswith("[AI-generated / AI生成]\n\nGood.")


async def test_the_excerpt_of_a_streamed_answer_is_recognised_and_a_transplant_is_not(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer(deltas(POEM))) as run:
        text = joined(await collect(run))
        at, excerpt = 0, ""
        middle = len(START) + 10
        while len(bare(excerpt)) < 120:
            at += 1
            excerpt = text[middle : middle + at]

        async def verdict(text: str) -> tuple[str, str]:
            report = (await run.http.post("/api/v1/detect", json={"text": text})).json()
            carrier = next(d for d in report["detections"] if d["detector"] == "carrier")
            return report["verdict"], carrier["outcome"]

        assert await verdict(excerpt) == ("confirmed", "present")
        first_grain = next(at for at, c in enumerate(excerpt) if "\ufe00" <= c <= "\ufe0f")
        changed = excerpt[: first_grain - 3] + "改" + excerpt[first_grain - 2 :]
        assert await verdict(changed) == ("confirmed", "present")
        grains = [c for c in text if "\ufe00" <= c <= "\ufe0f"]
        human = "今天下午我们一家人去公园散步，孩子们在草地上放风筝，老人们坐在长椅上聊天，大家都很开心。" * 4
        moved, taken = "", 0
        for at, c in enumerate(human):
            moved += c
            if at % 24 == 23 and taken + 13 <= len(grains):
                moved += "".join(grains[taken : taken + 13])
                taken += 13
        assert (await verdict(moved))[0] == "suspected"
        assert (await verdict(moved))[1] == "tampered"
        assert await verdict(human) == ("not_found", "absent")


async def test_the_public_detector_is_rate_limited_and_tenants_are_not(tmp_path: Path) -> None:
    tenants = [{"name": "t", "key": "sk-t"}]
    async with serving(tmp_path, tenants=tenants, server={"detect_per_minute": 2}) as run:
        codes = [(await run.http.post("/api/v1/detect", json={"text": "你好"})).status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        known = await run.http.post(
            "/api/v1/detect", json={"text": "你好"}, headers={"authorization": "Bearer sk-t"}
        )
        assert known.status_code == 200
        assert "does not mean that a human" in known.json()["notice"]
        assert (await run.http.post("/api/v1/detect", json={"txt": "你好"})).status_code == 422


async def test_health_readiness_and_version(tmp_path: Path) -> None:
    upstream = Scripted.answer(["好"])
    async with serving(tmp_path, upstream, [keyword("违禁甲乙丙")]) as run:
        assert (await run.http.get("/healthz")).json() == {"status": "ok"}
        assert (await run.http.get("/readyz")).status_code == 200
        upstream.is_ready = False
        assert (await run.http.get("/readyz")).status_code == 503
        assert (await run.http.get("/version")).json()["library"] == run.house.library.current.version  # type: ignore[union-attr]


@pytest.mark.parametrize("stream", [False, True])
async def test_with_everything_off_the_bytes_out_are_the_bytes_in(tmp_path: Path, stream: bool) -> None:
    reply = replies.sse(deltas(POEM), usage=True) if stream else replies.chat([POEM])
    sent = b"".join(step for step in reply.steps if isinstance(step, bytes))
    off: dict[str, Any] = {
        "labels": {"mode": "interface", "undertaking": "test", "metadata": False},
        "watermarks": {"carrier": {"enabled": False}},
        "review": {"input": False, "output": False},
        "records": {"enabled": False},
    }
    async with serving(tmp_path, Scripted(reply), **off) as run:
        body = {"model": "m", "messages": ASK, "stream": stream, "stream_options": {"include_usage": True}}
        got = await run.http.post("/v1/chat/completions", json=body)
        assert got.content == sent
        assert not [name for name in got.headers if "aigc" in name or "disclosure" in name]


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("0.0.0.0", 503)])
async def test_without_a_library_only_loopback_is_served_and_nobody_is_told_ready(
    tmp_path: Path, host: str, status: int
) -> None:
    upstream = Scripted.answer(["好"])
    tenants = [{"name": "t", "key": "sk-t"}]
    sections: dict[str, Any] = {"server": {"host": host}, "provider": {"code": "acme"}, "tenants": tenants}
    async with serving(tmp_path, upstream, None, key="sk-t", **sections) as run:
        body = {"model": "m", "messages": ASK}
        got = await run.http.post("/v1/chat/completions", json=body, headers={"authorization": "Bearer sk-t"})
        assert got.status_code == status
        assert (await run.http.get("/readyz")).status_code == 503
        if status == 503:
            assert got.json()["error"]["code"] == "library_missing"
            assert upstream.requests == []
        else:
            assert (await run.last()).record.fields["reviewed"] == {"input": False, "output": False}
