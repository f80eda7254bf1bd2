"""The second stage, over real sockets: a moderation endpoint that confirms, denies, is slow, breaks or talks rubbish."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from proxy.review.entry import Entry
from proxy.upstreams import replies
from proxy.upstreams.scripted import Scripted
from tests.e2e.judges import Play, breaks, confirms, judged, never, says
from tests.helpers import Running, keyword, serving, sse_events, text_of

SUSPECT = "可疑词语"
FLAG = {"input": "flag", "output": "flag"}
ASK: dict[str, Any] = {"model": "scripted", "messages": [{"role": "user", "content": "说说看"}]}
SAID = ["第一句话。这里有可", "疑词", "语，", "很坏。", "第三句话。"]
WHOLE = "".join(SAID)
HELD = "第一句话。这里有"


def suspect(**fields: Any) -> Entry:
    return keyword(SUSPECT, category="A.4.a", action=FLAG, **fields)


async def streamed(run: Running, path: str = "chat/completions", **body: Any) -> tuple[list[Any], str]:
    """The events of a stream, and what it says without its labels."""
    asked = {**ASK, "stream": True, **body}
    if path != "chat/completions":
        asked = {
            "model": "scripted",
            "stream": True,
            **({"input": "说说看"} if path == "responses" else {"prompt": "说"}),
        }
    answer = await run.http.post(f"/v1/{path}", json=asked)
    assert answer.status_code == 200, answer.text
    return sse_events(answer.content), answer.text


def plain(text: str) -> str:
    """Without marks and labels."""
    kept = "".join(c for c in text if not 0xFE00 <= ord(c) <= 0xFE0F and not 0xE0100 <= ord(c) <= 0xE01EF)
    return kept.replace("【本内容由AI生成】", "").replace("（以上内容由AI生成）", "").strip()


async def stage_of(run: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await run.last()).record.fields["second_stage"]
    return found


NO_ANSWER: list[tuple[Play, str]] = [
    (never, "no answer within 0.4 seconds"),
    (breaks, "reset"),
    (says({"results": []}), "an answer without one result for each passage"),
    (says({"results": [{"flagged": "yes"}]}), "a result that does not say whether it is flagged"),
    (says({"results": [3]}), "a result that does not say whether it is flagged"),
    (says(b"<html>"), "an answer that is not JSON"),
    (says(b"[]"), "an answer without one result for each passage"),
    (says({"results": [{"flagged": False}]}, "503 Service Unavailable"), "status 503"),
    (says(b" " * (1024 * 1024 + 1)), "an answer of more than 1048576 bytes"),
]  # fmt: skip


async def test_what_the_stage_confirms_is_blocked_before_any_of_it_has_left(tmp_path: Path) -> None:
    async with judged(tmp_path, SAID, confirms("很坏"), [suspect()]) as (run, asked, _):
        events, raw = await streamed(run)
        assert plain(text_of(events)).startswith(HELD)
        assert "可" not in raw and "很坏" not in raw
        assert events[-2]["choices"][0]["finish_reason"] == "content_filter"
        assert asked == [[f"这里有{SUSPECT}，很坏。"]]
        record = (await run.last()).record
        assert record.status == "blocked"
        assert [f["action"] for f in record.fields["findings"]] == ["block"]
        (told,) = record.fields["second_stage"]
        assert told.pop("ms") > 0
        assert told == {
            "direction": "output", "entry": suspect().id, "category": "A.4.a", "stage": "moderations",
            "upstream": "judge", "answer": "yes", "why": "", "harms": ["violence"], "action": "block",
        }  # fmt: skip
        metrics = (await run.http.get("/metrics")).text
        assert "inkseal_second_stage_total{" in metrics and 'answer="yes",action="block"} 1' in metrics


async def test_what_the_stage_denies_goes_out_whole_and_is_only_logged(tmp_path: Path) -> None:
    async with judged(tmp_path, SAID, confirms("别的"), [suspect()]) as (run, asked, _):
        events, _ = await streamed(run)
        assert plain(text_of(events)) == WHOLE
        assert events[-2]["aigc"]["review"]["decision"] == "pass"
        answer = await run.http.post("/v1/chat/completions", json=ASK)
        assert plain(answer.json()["choices"][0]["message"]["content"]) == WHOLE
        record = (await run.last()).record
        assert record.status == "closed"
        assert [f["action"] for f in record.fields["findings"]] == ["log"]
        assert [told["answer"] for told in await stage_of(run)] == ["no"]
        assert len(asked) == 2


CONSEQUENCES = [(*NO_ANSWER[0], "flag"), (*NO_ANSWER[0], "release"), *((*one, "block") for one in NO_ANSWER)]


@pytest.mark.parametrize(
    ("play", "why", "consequence"), CONSEQUENCES, ids=[f"{w}, {c}" for _, w, c in CONSEQUENCES]
)
async def test_where_no_answer_comes_the_settings_say_what_happens(
    tmp_path: Path, play: Play, why: str, consequence: str
) -> None:
    unanswered = {"*": "release" if consequence == "block" else "block", "A.4.*": consequence}
    async with judged(tmp_path, SAID, play, [suspect()], unanswered=unanswered) as (run, _, _):
        began = time.monotonic()
        events, _ = await streamed(run)
        assert time.monotonic() - began < 5
        said = plain(text_of(events))
        assert said == WHOLE if consequence != "block" else said.startswith(HELD) and "可" not in said
        (told,) = await stage_of(run)
        expected = {"block": "block", "flag": "flag", "release": "log"}[consequence]
        assert (told["answer"], told["why"], told["action"]) == ("none", why, expected)
        assert told["ms"] > (390 if "seconds" in why else 0)


@pytest.mark.parametrize("path", ["chat/completions", "completions", "responses"])
@pytest.mark.parametrize("stream", [True, False])
async def test_every_endpoint_asks_streamed_and_not(tmp_path: Path, path: str, stream: bool) -> None:
    async with judged(tmp_path, _model(path), confirms("很坏"), [suspect()]) as (run, asked, _):
        body: dict[str, Any] = {"model": "scripted", "stream": stream}
        body |= {"responses": {"input": "说"}, "completions": {"prompt": "说"}}.get(path, ASK)
        answer = await run.http.post(f"/v1/{path}", json=body)
        assert answer.status_code == 200
        assert "很坏" not in answer.text and SUSPECT not in answer.text
        assert "换个话题吧。" in answer.text
        assert asked == [[f"这里有{SUSPECT}，很坏。"]]
        assert (await run.last()).record.status == "blocked"


def _model(path: str) -> Scripted:
    """Says WHOLE in the words of each wire."""
    from tests.e2e.failures import body, frames  # what another test plays, with its text changed

    def script(request: Any) -> Any:
        wanted = b'"stream":true' in request.body.replace(b" ", b"")
        if wanted:
            raw = [frame.replace("春江".encode(), WHOLE.encode()) for frame in frames(path)]
            return replies.Reply(raw, headers=replies.SSE_HEADERS)
        return replies.Reply([body(path).replace("春江".encode(), WHOLE.encode())])

    return Scripted(script)


async def test_an_input_is_asked_about_before_anything_is_forwarded(tmp_path: Path) -> None:
    async with judged(tmp_path, ["好。"], confirms("很坏"), [suspect()]) as (run, asked, _):
        upstream = run.house.upstreams[0][1]
        assert isinstance(upstream, Scripted)
        for text, blocked in ((f"说{SUSPECT}，很坏", True), (f"说{SUSPECT}，很好", False)):
            body = {**ASK, "messages": [{"role": "user", "content": text}]}
            answer = await run.http.post("/v1/chat/completions", json=body)
            finish = answer.json()["choices"][0]["finish_reason"]
            assert (finish == "content_filter") is blocked
            assert len(upstream.requests) == (0 if blocked else 1)
            (told,) = await stage_of(run)
            assert (told["direction"], told["answer"]) == ("input", "yes" if blocked else "no")
        assert asked == [[f"说{SUSPECT}，很坏"], [f"说{SUSPECT}，很好"]]


async def test_an_input_waits_one_timeout_however_many_suspicions_it_has(tmp_path: Path) -> None:
    texts = [{"role": "user", "content": f"第{n}句{SUSPECT}。"} for n in range(40)]
    body = {**ASK, "messages": texts}
    async with judged(tmp_path, SAID, never, [suspect()], unanswered={"*": "flag"}) as (run, asked, _):
        began = time.monotonic()
        answer = await run.http.post("/v1/chat/completions", json=body)
        assert answer.status_code == 200 and time.monotonic() - began < 3
        assert len(asked) == 1 and len(asked[0]) == 32
        told = await stage_of(run)
        assert {one["answer"] for one in told} == {"none"}
        output = [one for one in told if one["direction"] == "output"]
        assert [one["why"] for one in output] == ["not asked again: no answer within 0.4 seconds"]
        assert output[0]["ms"] == 0


async def test_a_blocked_input_is_not_asked_about(tmp_path: Path) -> None:
    body = {**ASK, "messages": [{"role": "user", "content": f"{SUSPECT}和违禁甲乙"}]}
    async with judged(tmp_path, SAID, confirms("x"), [suspect(), keyword("违禁甲乙")]) as (run, asked, _):
        answer = await run.http.post("/v1/chat/completions", json=body)
        assert answer.json()["choices"][0]["finish_reason"] == "content_filter"
        assert not asked and "second_stage" not in (await run.last()).record.fields


async def test_only_the_suspicions_that_the_settings_name_are_asked_about(tmp_path: Path) -> None:
    entries = [
        suspect(tags=["复审"]),
        keyword("另一词语", category="A.4.a", action=FLAG),
        keyword("外面词语", category="A.2.a", action=FLAG, tags=["复审"]),
    ]
    said = [f"{SUSPECT}一。另一词语二。外面词语三。"]
    stage: dict[str, Any] = {"categories": ["A.4.*"], "tags": ["复审"]}
    async with judged(tmp_path, said, confirms("x"), entries, **stage) as (run, asked, _):
        await streamed(run)
        assert asked == [[f"{SUSPECT}一。"]]
        actions = {f["category"]: f["action"] for f in (await run.last()).record.fields["findings"]}
        assert actions["A.2.a"] == "flag"


async def test_with_output_end_nothing_waits_and_what_is_confirmed_is_withdrawn(tmp_path: Path) -> None:
    async with judged(tmp_path, SAID, confirms("很坏"), [suspect()], output="end") as (run, asked, _):
        events, _ = await streamed(run)
        assert plain(text_of(events)).startswith(WHOLE)
        last = events[-2]
        assert last["choices"][0]["finish_reason"] == "content_filter"
        assert any(event.get("aigc", {}).get("event") == "retract" for event in events if type(event) is dict)
        assert asked == [[WHOLE]]
        assert (await run.last()).record.status == "blocked"


async def test_confirmed_flag_lets_it_out_and_says_so(tmp_path: Path) -> None:
    async with judged(tmp_path, SAID, confirms("很坏"), [suspect()], confirmed="flag") as (run, _, _):
        events, _ = await streamed(run)
        assert plain(text_of(events)) == WHOLE
        assert events[-2]["aigc"]["review"]["decision"] == "flag"


async def test_output_none_and_input_false_ask_nobody(tmp_path: Path) -> None:
    stage: dict[str, Any] = {"output": "none", "input": False}
    body = {**ASK, "messages": [{"role": "user", "content": SUSPECT}]}
    async with judged(tmp_path, SAID, confirms("很坏"), [suspect()], **stage) as (run, asked, _):
        answer = await run.http.post("/v1/chat/completions", json=body)
        assert answer.status_code == 200 and not asked


async def test_a_share_of_the_texts_without_findings_is_asked_about(tmp_path: Path) -> None:
    async with judged(
        tmp_path, ["很坏，", "一句话。"], confirms("坏", harm="hate/threatening"), [suspect()], share=1.0
    ) as (run, asked, _):
        events, _ = await streamed(run)
        assert asked == [["说说看"], ["很坏，一句话。"]]
        assert events[-2]["choices"][0]["finish_reason"] == "content_filter"
        record = (await run.last()).record
        (finding,) = record.fields["findings"]
        assert (finding["entry"], finding["category"], finding["action"]) == (
            "second-stage",
            "A.1.e",
            "block",
        )
        assert [told["answer"] for told in record.fields["second_stage"]] == ["no", "yes"]
        body = {**ASK, "messages": [{"role": "system", "content": "坏"}, {"role": "user", "content": "坏人"}]}
        answer = await run.http.post("/v1/chat/completions", json=body)
        assert answer.json()["choices"][0]["finish_reason"] == "content_filter"
        assert asked[2] == ["坏人"]


async def test_about_the_share_that_is_asked_for_is_asked_about(tmp_path: Path) -> None:
    async with judged(tmp_path, ["一句话。"], confirms("坏"), [suspect()], share=0.3) as (run, asked, _):
        for _ in range(40):
            await run.http.post("/v1/chat/completions", json=ASK)
        outputs = [one for one in asked if one == ["一句话。"]]
        assert 2 <= len(outputs) <= 25


@pytest.mark.parametrize("harm", ["something new", "A.3.b"])
async def test_an_unknown_harm_is_some_risk_of_the_31(tmp_path: Path, harm: str) -> None:
    async with judged(tmp_path, ["很坏。"], confirms("坏", harm=harm), [suspect()], share=1.0) as (run, _, _):
        await streamed(run)
        (finding,) = (await run.last()).record.fields["findings"]
        assert finding["category"] == ("A.1.h" if harm == "something new" else harm)


async def test_a_share_is_not_stopped_by_a_stage_that_is_silent(tmp_path: Path) -> None:
    async with judged(tmp_path, ["一句话。"], never, [suspect()], share=1.0, unanswered={"*": "block"}) as (
        run,
        _,
        _,
    ):
        events, _ = await streamed(run)
        assert plain(text_of(events)) == "一句话。"
        assert [told["answer"] for told in await stage_of(run)] == ["none", "none"]


async def test_the_similar_stage_confirms_by_the_examples_of_the_entry(tmp_path: Path) -> None:
    entries = [
        suspect(examples=[f"在家里自己制作{SUSPECT}的步骤"], threshold=0.5),
        keyword("另一词语", category="A.4.b", action=FLAG),
    ]
    review = {"second_stage": {"by": "similar", "unanswered": {"*": "release"}}}
    texts = iter(
        [f"下面是自己在家里制作{SUSPECT}的步骤。", f"{SUSPECT}是一本小说的名字，没有别的意思。", "另一词语。"]
    )
    upstream = Scripted(lambda request: replies.answer(request, [next(texts)]))
    async with serving(tmp_path, upstream, entries, review=review) as run:
        for decision, answer in (("block", "yes"), ("pass", "no"), ("pass", "none")):
            events, _ = await streamed(run)
            assert events[-2]["aigc"]["review"]["decision"] == decision
            (told,) = await stage_of(run)
            assert (told["stage"], told["answer"]) == ("similar", answer)
        assert told["why"] == "no examples to compare with"


async def test_other_requests_go_on_while_one_waits_for_the_stage(tmp_path: Path) -> None:
    async with judged(tmp_path, SAID, confirms("别的", after=1.0), [suspect()], timeout=5) as (run, asked, _):
        began = time.monotonic()
        waiting = asyncio.create_task(streamed(run))
        while not asked:  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.01)
        assert (await run.http.get("/healthz")).status_code == 200
        assert time.monotonic() - began < 0.9
        events, _ = await waiting
        assert plain(text_of(events)) == WHOLE


async def test_a_client_that_leaves_while_the_stage_is_asked_ends_the_question(tmp_path: Path) -> None:
    async with judged(tmp_path, SAID, never, [suspect()], timeout=30) as (run, asked, server):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await streamed(run)
        assert asked
        async with asyncio.timeout(5):
            await server.visits[-1].gone.wait()
        for _ in range(100):
            record = (await run.records(kind="request"))[-1].record
            if record.status != "accepted":
                break
            await asyncio.sleep(0.05)
        assert (record.status, record.fields["reason"]) == ("aborted", "the client left")


async def test_a_stage_whose_upstream_is_gone_gives_no_answer(tmp_path: Path) -> None:
    async with judged(tmp_path, SAID, confirms("x"), [suspect()]) as (run, _, _):
        assert isinstance(run.house.upstreams, list)
        del run.house.upstreams[1]
        await streamed(run)
        assert [told["why"] for told in await stage_of(run)] == ["there is no upstream judge"]


async def test_a_stream_that_waits_is_kept_alive(tmp_path: Path) -> None:
    async with judged(tmp_path, SAID, confirms("别的", after=0.8), [suspect()], timeout=5) as (run, _, _):
        run.house.settings = run.settings.model_copy(
            update={"server": run.settings.server.model_copy(update={"keepalive_seconds": 0.2})}
        )
        _, raw = await streamed(run)
        assert ": ping" in raw


async def test_a_tenant_has_a_second_stage_of_its_own(tmp_path: Path) -> None:
    review = {"second_stage": {"by": "similar", "unanswered": {"A.4.a": "block"}}}
    tenants = [{"name": "app", "key": "sk-app", "review": review}, {"name": "web", "key": "sk-web"}]
    async with serving(tmp_path, Scripted.answer(SAID), [suspect()], tenants=tenants) as run:
        for key, decision in (("sk-app", "block"), ("sk-web", "flag")):
            answer = await run.http.post(
                "/v1/chat/completions", json=ASK, headers={"authorization": f"Bearer {key}"}
            )
            assert answer.json()["aigc"]["review"]["decision"] == decision


async def test_words_in_tool_arguments_are_asked_about_too(tmp_path: Path) -> None:
    call = {
        "index": 0,
        "id": "c",
        "type": "function",
        "function": {"name": "f", "arguments": f'{{"q": "{SUSPECT}很坏"}}'},
    }
    frames = [
        {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [one]}
        for one in (
            {"index": 0, "delta": {"role": "assistant", "tool_calls": [call]}, "finish_reason": None},
            {"index": 0, "delta": {}, "finish_reason": "tool_calls"},
        )
    ]
    for word, told in (("很坏", "yes"), ("别的", "no")):
        upstream = Scripted([replies.events(frames)])
        (tmp_path / word).mkdir()
        async with judged(tmp_path / word, upstream, confirms(word), [suspect()]) as (run, asked, _):
            _, raw = await streamed(run)
            assert (SUSPECT in raw) is (told == "no")
            assert {one["answer"] for one in await stage_of(run)} == {told}
            assert len(asked) == len({tuple(one) for one in asked})


async def test_a_stage_that_keeps_failing_is_left_alone_and_tried_again_later(tmp_path: Path) -> None:
    plays: list[Play] = [breaks]

    async def play(visit: Any, passages: list[str]) -> None:
        await plays[0](visit, passages)

    rest = {"failures": 2, "seconds": 0.6}
    async with judged(tmp_path, Scripted.answer(SAID), play, [suspect()], rest=rest) as (run, asked, _):
        told = []
        for _ in range(4):
            await streamed(run)
            told += [one["why"] for one in await stage_of(run)]
        assert told == ["reset", "reset", "not asked: 2 failures in a row", "not asked: 2 failures in a row"]
        assert len(asked) == 2
        assert "inkseal_second_stage_spared_total" in (metrics := (await run.http.get("/metrics")).text)
        assert [
            line.split()[-1]
            for line in metrics.splitlines()
            if line.startswith("inkseal_second_stage_spared")
        ] == ["2"]
        plays[0] = confirms("很坏")
        await asyncio.sleep(0.7)
        for _ in range(2):
            await streamed(run)
            assert [one["answer"] for one in await stage_of(run)] == ["yes"]
        assert len(asked) == 4
