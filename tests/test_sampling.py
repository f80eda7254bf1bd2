"""Answers written in rounds: against a model server of the tests that samples n continuations of a prefix."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.detection import Detection, Outcome
from detectors.statistical import StatisticalDetector
from proxy.commands.detect import detectors_of
from proxy.sampling import cannot_drive
from proxy.sampling.stops import StopStrings
from proxy.sampling.writing import MAX_EMPTY
from proxy.upstreams import UpstreamError, UpstreamRequest, replies
from proxy.upstreams.capabilities import Capabilities
from proxy.upstreams.replies import Reply
from proxy.upstreams.scripted import Scripted
from tests.helpers import Running, keyword, serving

WORDS = [f"{a}{b}{c}" for a in "bdfgklmn" for b in "aeiou" for c in "rstvz"]
QUESTION = [{"role": "user", "content": "Tell me something."}]
CAN = {"n": 8, "prefix": "trailing", "repeats_prefix": False, "top_logprobs": 0, "logit_bias": 0}


class Model:
    """Writes words at random, one a token. `length`: after so many words it ends by itself."""

    def __init__(self, *, length: int = 10_000, repeats: bool = False, **changes: Any) -> None:
        self.asked: list[dict[str, Any]] = []
        self.length = length
        self.repeats = repeats
        self.changes = changes
        self.chance = random.Random(1)

    def __call__(self, request: UpstreamRequest) -> Reply:
        body = json.loads(request.body)
        self.asked.append(body)
        if body.get("stream"):
            return replies.sse(["An ordinary ", "answer."])
        chat = "messages" in body
        prefix = body["prompt"] if not chat else ""
        if chat and body["messages"][-1]["role"] == "assistant":
            prefix = body["messages"][-1]["content"]
        written = len(prefix.split()) if chat else len(prefix.removeprefix("Once").split())
        choices = []
        for index in range(body.get("n") or 1):
            tokens = min(body.get("max_tokens", 10), max(self.length - written, 0))
            text = " ".join(self.chance.choices(WORDS, k=tokens))
            text = f" {text}" if prefix and text else text
            if self.repeats and chat:
                text = prefix + text
            finish = "length" if tokens == body.get("max_tokens", 10) else "stop"
            said = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
            choices.append({"index": index, **said, "finish_reason": finish} | self.changes.get("choice", {}))
        n = self.changes.get("n")
        usage = {"prompt_tokens": 7 + written, "completion_tokens": len(choices) * 8}
        return replies.json({"choices": choices[:n], "usage": usage})


def driving(folder: Path, model: Callable[[UpstreamRequest], Reply], **sections: Any) -> Any:
    statistical = {"scheme": "best_of_n", **sections.pop("statistical", {})}
    can = {**CAN, **sections.pop("can", {})}
    return serving(
        folder,
        Scripted(model, name="main"),
        sections.pop("entries", ()),
        watermarks={"statistical": statistical, "carrier": {"enabled": False}},
        upstreams=[{"name": "main", "kind": "scripted", "capabilities": can}],
        labels={"positions": ["end"]},
        **sections,
    )


async def streamed(run: Running, **body: Any) -> tuple[str, str | None, dict[str, Any], Any]:
    """Text without its label, finish reason, the last AIGC object, usage."""
    stream = await run.client.chat.completions.create(
        model="m", messages=body.pop("messages", QUESTION), stream=True, **body
    )
    text, finish, aigc, usage = "", None, {}, None
    async for chunk in stream:
        aigc = (chunk.model_extra or {}).get("aigc", aigc)
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    return text.partition("\n\n(")[0], finish, aigc["watermark"], usage


@pytest.mark.parametrize("index", [True, False])
async def test_a_message_names_the_answer_among_those_that_were_put_out(
    tmp_path: Path, index: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long before it could be told from all 2^32; and not to the public."""
    # Whether a text of this length tells its message from all 2^32 hangs on the key and the message: always the same.
    numbers = (0x0193_C000_007E_D313 + 0x0F_4240 * at for at in range(3))
    monkeypatch.setattr("proxy.exchange.content_number", lambda *_: next(numbers))
    tenants = [{"name": "t", "key": "sk-t", "watermarks": {"carrier": {"index": index, "enabled": False}}}]
    statistical = {"payload": True}
    keys = {"command": ["printf", "07" * 32]}
    async with driving(
        tmp_path, Model(), statistical=statistical, tenants=tenants, key="sk-t", keys=keys
    ) as run:
        texts = [(await streamed(run, max_tokens=320))[0] for _ in range(3)]
        record = (await run.last()).record
        assert await asyncio.to_thread(run.house.marks.flush)
        seen = []
        for headers in ({"authorization": "Bearer sk-t"}, {}):
            report = await run.http.post("/api/v1/detect", json={"text": texts[-1]}, headers=headers)
            seen += [one for one in report.json()["detections"] if one["detector"] == "statistical"]
    tenant, public = seen
    assert tenant["outcome"] == public["outcome"] == "present"
    assert public["provenance"] == {"key_epoch": "1"}
    origin = tenant["provenance"]
    assert origin["key_epoch"] == "1"
    assert origin.get("content_id_end") == (record.content_id[-6:] if index else None)
    assert ("id unreadable" in tenant["detail"]) is not index

    # The command line looks through the records besides.
    def at_the_terminal() -> Detection:
        with detectors_of(run.settings) as (panel, _):
            return panel.statistical.detect(texts[-1])

    found = await asyncio.to_thread(at_the_terminal)
    assert (found.provenance or {})["content_id_end"] == record.content_id[-6:]


async def test_a_driven_stream_looks_like_any_other_and_bears_the_mark(tmp_path: Path) -> None:
    model = Model()
    async with driving(tmp_path, model) as run:
        text, finish, told, usage = await streamed(
            run, max_tokens=160, stream_options={"include_usage": True}
        )
        assert len(text.split()) == 160
        assert finish == "length"
        assert (usage.prompt_tokens, usage.completion_tokens) == (7, 160)
        assert told["schemes"] == ["best_of_n"]
        assert told["statistical"]["calls"] == 20
        assert told["statistical"]["continuations"] == 160
        assert told["statistical"]["billed"]["completion_tokens"] == 20 * 64
        assert told["statistical"]["kept_tokens"] == 160
        found = StatisticalDetector(run.house.ring).detect(text)
        assert found.outcome is Outcome.PRESENT
        record = (await run.last()).record.fields
        assert record["statistical"]["unmarked"] is None
        assert record["usage"]["completion_tokens"] == 160
    assert all(asked["n"] == 8 and asked["max_tokens"] == 8 for asked in model.asked)
    assert all("stream" not in asked for asked in model.asked)


@pytest.mark.parametrize(
    ("usage", "billed", "generated"),
    [
        ({"prompt_tokens": 7, "completion_tokens": 64}, 20 * 64, 1280),
        ({"prompt_tokens": 7, "completion_tokens": 8}, 20 * 8, 1280),  # llama.cpp's server counts one of n
        (None, None, 1280),
    ],
)
async def test_what_was_billed_and_what_was_written_are_told_apart(
    tmp_path: Path, usage: Any, billed: int | None, generated: int
) -> None:
    model = Model()

    def told(request: UpstreamRequest) -> Reply:
        reply = json.loads(b"".join(step for step in model(request).steps if isinstance(step, bytes)))
        return replies.json({**reply, "usage": usage})

    async with driving(tmp_path, told) as run:
        answer = await run.client.chat.completions.create(model="m", messages=QUESTION, max_tokens=160)
        statistical = answer.model_extra["aigc"]["watermark"]["statistical"]  # type: ignore[index]
        assert statistical["generated_tokens"] == generated
        said = statistical["billed"]
        assert (said and said["completion_tokens"]) == billed


async def test_each_chunk_leaves_as_soon_as_it_is_chosen(tmp_path: Path) -> None:
    model = Model()
    gate = asyncio.Event()

    def slow(request: UpstreamRequest) -> Reply:
        reply = model(request)
        return reply if len(model.asked) < 3 else Reply(reply.steps, before=[gate])

    async with driving(tmp_path, slow) as run:
        stream = await run.client.chat.completions.create(
            model="m", messages=QUESTION, stream=True, max_tokens=40
        )
        got = ""
        async for chunk in stream:
            got += chunk.choices[0].delta.content or ""
            if len(got.split()) == 16:
                break
        assert len(model.asked) == 3
        gate.set()
        await stream.close()


async def test_an_unstreamed_answer_is_one_body_with_every_choice(tmp_path: Path) -> None:
    async with driving(tmp_path, Model(length=30)) as run:
        answer = await run.client.chat.completions.create(model="m", messages=QUESTION, n=3)
        texts = [choice.message.content.partition("\n\n(")[0] for choice in answer.choices]
        assert [len(text.split()) for text in texts] == [30, 30, 30]
        assert len(set(texts)) == 3
        assert {choice.finish_reason for choice in answer.choices} == {"stop"}
        assert answer.usage is not None and answer.usage.completion_tokens == 3 * (24 + 8)


async def test_a_completion_goes_on_with_its_prompt(tmp_path: Path) -> None:
    model = Model()
    async with driving(tmp_path, model) as run:
        answer = await run.client.completions.create(model="m", prompt="Once", max_tokens=20)
        text = answer.choices[0].text.partition("\n\n(")[0]
        assert len(text.split()) == 20
        assert answer.choices[0].finish_reason == "length"
    assert model.asked[1]["prompt"].startswith("Once ")
    assert [asked["max_tokens"] for asked in model.asked] == [8, 8, 4]


@pytest.mark.parametrize(
    ("dialect", "last", "members"),
    [
        ("trailing", {}, {}),
        ("continue_final_message", {}, {"continue_final_message": True, "add_generation_prompt": False}),
        ("prefix", {"prefix": True}, {}),
        ("partial", {"partial": True}, {}),
    ],
)
async def test_every_dialect_of_going_on_is_spoken(
    tmp_path: Path, dialect: str, last: dict[str, Any], members: dict[str, Any]
) -> None:
    model = Model()
    async with driving(tmp_path, model, can={"prefix": dialect}) as run:
        text, *_ = await streamed(run, max_tokens=16)
    first, second = model.asked
    assert first["messages"] == QUESTION
    assert second["messages"] == [
        *QUESTION,
        {"role": "assistant", "content": second["messages"][1]["content"], **last},
    ]
    assert text.startswith(second["messages"][1]["content"])
    assert {key: second.get(key) for key in members} == members


async def test_a_repeated_prefix_is_taken_off_and_the_callers_own_beginning_kept(tmp_path: Path) -> None:
    model = Model(repeats=True)
    begun = [*QUESTION, {"role": "assistant", "content": "It was"}]
    async with driving(tmp_path, model, can={"repeats_prefix": True}) as run:
        text, *_ = await streamed(run, messages=begun, max_tokens=24)
        assert len(text.split()) == 24
        assert not text.startswith("It was")
    assert all(asked["messages"][-1]["content"].startswith("It was") for asked in model.asked)


async def test_a_stop_string_over_a_seam_ends_the_answer_before_it(tmp_path: Path) -> None:
    said = iter(["one two thr", "ee four", "never"])

    def model(request: UpstreamRequest) -> Reply:
        text = next(said)
        choices = [
            {"index": i, "message": {"role": "assistant", "content": text}, "finish_reason": "length"}
            for i in range(8)
        ]
        return replies.json({"choices": choices})

    async with driving(tmp_path, model) as run:
        text, finish, *_ = await streamed(run, max_tokens=80, stop="three")
        assert (text.rstrip(), finish) == ("one two", "stop")


@settings(deadline=None)
@given(st.text("ab", max_size=12), st.lists(st.text("ab", min_size=1, max_size=4), max_size=3), st.data())
def test_stop_strings_end_a_text_alike_at_every_split(text: str, stops: list[str], data: Any) -> None:
    ends = [at for stop in stops if (at := text.find(stop)) >= 0]
    stopper, at, said = StopStrings(stops), 0, ""
    while at < len(text) and not stopper.stopped:
        step = data.draw(st.integers(1, 4))
        said += stopper.feed(text[at : at + step])
        at += step
    assert stopper.stopped == bool(ends)
    if not stopper.stopped:
        said += stopper.flush()
    first = min((text.find(stop) + len(stop) for stop in stops if stop in text), default=0)
    # The stop that is complete first ends the text, as it does for a server that looks at each token.
    possible = {text[: text.find(stop)] for stop in stops if stop in text} if ends else {text}
    assert said in possible
    assert len(said) <= max(first, len(text))


async def test_white_space_at_a_seam_is_left_to_the_next_round(tmp_path: Path) -> None:
    said = iter(["One.\n\n", "\n\nTwo. ", " Three.", ""])
    asked: list[dict[str, Any]] = []

    def model(request: UpstreamRequest) -> Reply:
        asked.append(json.loads(request.body))
        text = next(said)
        choice = {
            "message": {"role": "assistant", "content": text},
            "finish_reason": "length" if text else "stop",
        }
        return replies.json({"choices": [choice | {"index": i} for i in range(8)]})

    async with driving(tmp_path, model) as run:
        text, finish, *_ = await streamed(run)
        assert (text, finish) == ("One.\n\nTwo. Three.", "stop")
    assert [one["messages"][-1]["content"] for one in asked[1:]] == [
        "One.",
        "One.\n\nTwo.",
        "One.\n\nTwo. Three.",
    ]


async def test_a_server_that_never_says_anything_visible_is_given_up(tmp_path: Path) -> None:
    asked: list[int] = []

    def model(request: UpstreamRequest) -> Reply:
        asked.append(json.loads(request.body)["max_tokens"])
        choice = {"message": {"role": "assistant", "content": " \n"}, "finish_reason": "length"}
        return replies.json({"choices": [choice | {"index": i} for i in range(8)]})

    async with driving(tmp_path, model) as run:
        text, finish, *_ = await streamed(run)
        assert (text.strip(), finish) == ("", "stop")
    assert asked == [8 * 2**at for at in range(MAX_EMPTY + 1)]


MISBEHAVING: list[tuple[Any, str]] = [
    (lambda body: replies.json({"error": "no n"}, status=400), "status 400"),
    (lambda body: replies.json({"choices": []}), "holds no continuation"),
    (lambda body: replies.json({"choices": [{"index": 0}]}), "cannot be read"),
    (lambda body: replies.json({"choices": [{"message": {"content": 5}}]}), "cannot be read"),
    (lambda body: replies.json({"choices": [{"message": {"reasoning_content": "hm"}}]}), "reasoning"),
    (lambda body: Reply(before=[UpstreamError("reset", "gone")]), "gone"),
    (lambda body: replies.json({"choices": [], "much": "x" * 5_000_000}), "more than was asked"),
]


@pytest.mark.parametrize(("reply", "reason"), MISBEHAVING, ids=[reason for _, reason in MISBEHAVING])
async def test_an_upstream_that_misbehaves_answers_unmarked_and_the_record_says_why(
    tmp_path: Path, reply: Any, reason: str
) -> None:
    def model(request: UpstreamRequest) -> Reply:
        body = json.loads(request.body)
        return replies.sse(["An ordinary ", "answer."]) if body.get("stream") else reply(body)

    async with driving(tmp_path, model) as run:
        text, finish, told, _ = await streamed(run)
        assert (text, finish) == ("An ordinary answer.", "stop")
        assert told["schemes"] == []
        assert reason in told["statistical"]["unmarked"]
        assert reason in (await run.last()).record.fields["statistical"]["unmarked"]


async def test_what_a_server_refuses_in_mid_answer_ends_it_there(tmp_path: Path) -> None:
    model = Model()

    def full(request: UpstreamRequest) -> Reply:
        return replies.json({"error": "context"}, status=400) if len(model.asked) == 3 else model(request)

    async with driving(tmp_path, full) as run:
        text, finish, told, _ = await streamed(run)
        assert (len(text.split()), finish) == (24, "length")
        assert (
            told["statistical"]["unmarked"]
            == "after 24 tokens: the upstream answered a round with status 400"
        )


async def test_a_server_that_breaks_off_in_mid_answer_is_an_error_of_the_stream(tmp_path: Path) -> None:
    model = Model()

    def broken(request: UpstreamRequest) -> Reply:
        return Reply(before=[UpstreamError("reset", "gone")]) if len(model.asked) == 3 else model(request)

    async with driving(tmp_path, broken) as run:
        with pytest.raises(openai.APIError, match="broke off"):
            await streamed(run)
        assert (await run.last()).record.fields["reason"] == "upstream: reset: gone"


async def test_a_server_that_begins_anew_is_found_out(tmp_path: Path) -> None:
    def model(request: UpstreamRequest) -> Reply:
        text = "The same beginning as ever, over and over again"
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "length"}
        return replies.json({"choices": [choice | {"index": i} for i in range(8)]})

    async with driving(tmp_path, model) as run:
        text, _, told, _ = await streamed(run)
        assert text == "The same beginning as ever, over and over again"
        assert "begins anew" in told["statistical"]["unmarked"]


async def test_fewer_continuations_than_asked_are_used_and_recorded(tmp_path: Path) -> None:
    async with driving(tmp_path, Model(n=1)) as run:
        text, _, told, _ = await streamed(run, max_tokens=16)
        assert len(text.split()) == 16
        assert told["statistical"]["unmarked"] == "the upstream gave 1 of 8 continuations"


async def test_a_seed_gives_every_round_and_choice_a_seed_of_its_own(tmp_path: Path) -> None:
    model = Model()
    async with driving(tmp_path, model) as run:
        await run.client.chat.completions.create(model="m", messages=QUESTION, n=2, max_tokens=16, seed=5)
    assert len({asked["seed"] for asked in model.asked}) == 4


async def test_review_sees_a_driven_answer_like_any_other(tmp_path: Path) -> None:
    def model(request: UpstreamRequest) -> Reply:
        choice = {"message": {"role": "assistant", "content": " a forbidden word"}, "finish_reason": "length"}
        return replies.json({"choices": [choice | {"index": i} for i in range(8)]})

    async with driving(tmp_path, model, entries=[keyword("forbidden")]) as run:
        text, finish, *_ = await streamed(run)
        assert "forbidden" not in text
        assert finish == "content_filter"


async def test_rounds_under_way_are_bounded(tmp_path: Path) -> None:
    now, most = 0, 0
    model = Model()

    class Counting(Scripted):
        def open(self, request: UpstreamRequest) -> Any:
            outer = super().open(request)

            class Counted:
                async def __aenter__(self) -> Any:
                    nonlocal now, most
                    now += 1
                    most = max(most, now)
                    await asyncio.sleep(0.01)
                    return await outer.__aenter__()

                async def __aexit__(self, *info: Any) -> Any:
                    nonlocal now
                    now -= 1
                    return await outer.__aexit__(*info)

            return Counted()

    async with driving(tmp_path, model, statistical={"rounds_at_once": 2}) as run:
        run.house.upstreams = [(run.settings.upstreams[0], Counting(model, name="main"))]
        await asyncio.gather(*(streamed(run, max_tokens=16) for _ in range(6)))
    assert most == 2


UNDRIVEN: list[tuple[str, dict[str, Any], str]] = [
    ("/chat/completions", {"tools": [{}]}, "tools"),
    ("/chat/completions", {"response_format": {"type": "json_object"}}, "JSON"),
    ("/chat/completions", {"response_format": {"type": "text"}}, ""),
    ("/chat/completions", {"temperature": 0}, "chance"),
    ("/chat/completions", {"logprobs": True}, "logprobs"),
    ("/chat/completions", {"guided_json": {}, "grammar": "root ::= x"}, "grammar"),
    ("/chat/completions", {"messages": [{"role": "assistant", "content": [{"type": "text"}]}]}, "parts"),
    ("/chat/completions", {}, ""),
    ("/completions", {"prompt": "a"}, ""),
    ("/completions", {"prompt": ["a", "b"]}, "no single text"),
    ("/completions", {"prompt": "a", "echo": True}, "echo"),
    ("/responses", {}, "not driven"),
]


@pytest.mark.parametrize(("path", "members", "reason"), UNDRIVEN)
def test_what_cannot_be_driven_is_told_with_its_reason(
    path: str, members: dict[str, Any], reason: str
) -> None:
    found = cannot_drive(path, {"messages": QUESTION, **members}, Capabilities(8, "trailing"))
    assert reason in found
    assert bool(found) == bool(reason)


def test_a_chat_needs_a_prefix_dialect_and_a_completion_does_not() -> None:
    assert "prefix" in cannot_drive("/chat/completions", {"messages": QUESTION}, Capabilities(8))
    assert cannot_drive("/completions", {"prompt": "a"}, Capabilities(8)) == ""


async def test_a_request_with_tools_goes_the_ordinary_way(tmp_path: Path) -> None:
    model = Model()
    async with driving(tmp_path, model) as run:
        tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
        text, _, told, _ = await streamed(run, tools=tools)
        assert text == "An ordinary answer."
        assert told["statistical"]["unmarked"] == "the request has tools"
    assert len(model.asked) == 1


async def test_a_client_that_leaves_stops_the_rounds(tmp_path: Path) -> None:
    model = Model()
    async with driving(tmp_path, model) as run:
        stream = await run.client.chat.completions.create(model="m", messages=QUESTION, stream=True)
        async for chunk in stream:
            if chunk.choices[0].delta.content:
                break
        await stream.close()
        for _ in range(100):
            if run.house.live == 0:
                break
            await asyncio.sleep(0.02)
        asked = len(model.asked)
        await asyncio.sleep(0.1)
        assert len(model.asked) == asked
        assert (await run.last()).record.status == "aborted"
