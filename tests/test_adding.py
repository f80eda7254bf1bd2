"""Marks that the upstream writes by what its request is told: an engine's plug-in, and green words."""

from __future__ import annotations

import asyncio
import json
import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from engines.sending import members
from labelers.watermarks.engine import engine_key
from labelers.watermarks.green_list import PAIRS, green_words
from labelers.watermarks.units import epoch_prf
from proxy import worker
from proxy.upstreams import UpstreamRequest, replies
from proxy.upstreams.replies import Reply
from proxy.upstreams.scripted import Scripted
from tests.helpers import Running, serving

QUESTION = [{"role": "user", "content": "Tell me something."}]


def marking(folder: Path, upstream: Any, can: dict[str, Any], **statistical: Any) -> Any:
    return serving(
        folder,
        upstream,
        watermarks={"statistical": statistical, "carrier": {"enabled": False}},
        upstreams=[{"name": "main", "kind": "scripted", "models": ["m"], "capabilities": can}],
    )


async def ask(run: Running, **body: Any) -> dict[str, Any]:
    """The `watermark` of the AIGC object of one chat."""
    answer = await run.client.chat.completions.create(model="m", messages=QUESTION, **body)
    watermark: dict[str, Any] = answer.model_extra["aigc"]["watermark"]  # type: ignore[index]
    return watermark


def sent(upstream: Scripted) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(upstream.requests[-1].body)
    return body


@pytest.mark.parametrize("scheme", ["engine", "auto"])
async def test_vllm_is_told_the_key_of_the_epoch_beside_what_the_caller_says(
    tmp_path: Path, scheme: str
) -> None:
    upstream = Scripted.answer(["An answer."])
    async with marking(tmp_path, upstream, {"engine": "vllm"}, scheme=scheme) as run:
        watermark = await ask(run, extra_body={"vllm_xargs": {"own": 1}}, temperature=0.7)
        assert watermark["schemes"] == ["engine"]
        assert watermark["statistical"]["unmarked"] is None
        key = engine_key(run.house.ring, 1).hex()
        record = (await run.last()).record.fields["statistical"]
        assert (record["scheme"], record["unmarked"]) == ("engine", None)
    body = sent(upstream)
    assert body["vllm_xargs"] == {"own": 1, "inkseal_key": key}
    assert body["temperature"] == 0.7


async def test_an_engine_is_told_which_answer_the_mark_is_to_name(tmp_path: Path) -> None:
    upstream = Scripted.answer(["An answer."])
    async with marking(tmp_path, upstream, {"engine": "vllm"}, scheme="engine", payload=True) as run:
        # An engine marks all choices alike: they name the first.
        answer = await run.client.chat.completions.create(model="m", messages=QUESTION, n=2)
        told = answer.model_extra["aigc"]  # type: ignore[index]
        producer = run.house.ring.code(told["ContentProducer"]) & 0xFF
        await ask(run, temperature=0)  # goes unmarked, and is not looked for
        assert await asyncio.to_thread(run.house.marks.flush)
        numbers = worker.mark_store(run.settings).content_numbers()
    said = json.loads(upstream.requests[0].body)["vllm_xargs"]["inkseal_message"]
    assert said == f"{producer:02x}{told['ProduceID'][-6:]}"
    choices = [one["ProduceID"] for one in told["choices"]]
    assert len(choices) == 2 and choices[0] == told["ProduceID"]
    assert sorted(f"{number:016x}" for number in numbers) == sorted(choices)


async def test_sglang_gets_the_processor_itself_also_in_a_stream(tmp_path: Path) -> None:
    upstream = Scripted.answer(["An answer."])
    async with marking(tmp_path, upstream, {"engine": "sglang"}, scheme="engine", draw="tournament") as run:
        async for _ in await run.client.chat.completions.create(model="m", messages=QUESTION, stream=True):
            pass
        key = engine_key(run.house.ring, 1).hex()
    body = sent(upstream)
    assert body["custom_params"] == {"inkseal_key": key, "inkseal_draw": "tournament"}
    assert set(json.loads(body["custom_logit_processor"])) == {"callable"}


@pytest.mark.parametrize(("temperature", "scheme"), [(0, "engine"), (1, "engine"), (1, "none")])
async def test_callers_send_no_code_to_an_engine_that_would_run_it(
    tmp_path: Path, temperature: int, scheme: str
) -> None:
    upstream = Scripted.answer(["An answer."])
    own = {"model": "m", "messages": QUESTION, "temperature": temperature, "custom_logit_processor": "{}"}
    async with marking(tmp_path, upstream, {"engine": "sglang"}, scheme=scheme) as run:
        reply = await run.http.post("/v1/chat/completions", json=own)
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "engine_code")
    assert upstream.requests == []
    async with marking(tmp_path, upstream, {"engine": "vllm"}, scheme="engine") as run:
        reply = await run.http.post("/v1/chat/completions", json=own)
        assert reply.status_code == 200  # to an engine that knows no such member it is one like any other


@pytest.mark.parametrize("body", [{"temperature": 0}, {"extra_body": {"top_k": 1}}])
async def test_requests_without_chance_go_unmarked_and_say_so(tmp_path: Path, body: dict[str, Any]) -> None:
    upstream = Scripted.answer(["An answer."])
    async with marking(tmp_path, upstream, {"engine": "vllm"}, scheme="engine") as run:
        watermark = await ask(run, **body)
        assert watermark["schemes"] == []
        assert "without chance" in watermark["statistical"]["unmarked"]
    assert "vllm_xargs" not in sent(upstream)


async def test_an_upstream_without_an_engine_that_marks_answers_unmarked(tmp_path: Path) -> None:
    upstream = Scripted.answer(["An answer."])
    async with marking(tmp_path, upstream, {"n": 1, "prefix": "none"}, scheme="engine") as run:
        assert "needs an engine that marks" in (await ask(run))["statistical"]["unmarked"]


async def test_the_next_upstream_gets_no_key_and_its_answer_counts_as_unmarked(tmp_path: Path) -> None:
    async with serving(
        tmp_path,
        watermarks={"statistical": {"scheme": "engine"}, "carrier": {"enabled": False}},
        upstreams=[
            {"name": "main", "kind": "scripted", "models": ["m"], "capabilities": {"engine": "vllm"}},
            {"name": "other", "kind": "scripted", "models": ["m"]},
        ],
    ) as run:
        down = Scripted(replies.json({"error": {}}, status=503), name="main")
        other = Scripted.answer(["An answer."])
        other.name = "other"
        settings = run.settings.upstreams
        run.house.upstreams = [(settings[0], down), (settings[1], other)]
        watermark = await ask(run)
        assert watermark["statistical"]["unmarked"] == "the upstream that answered does not mark"
        assert watermark["schemes"] == []
    assert "vllm_xargs" in sent(down)
    assert "vllm_xargs" not in sent(other)


async def test_an_engine_that_refuses_is_passed_on_as_it_answered(tmp_path: Path) -> None:
    upstream = Scripted(replies.json({"error": {"message": "no such argument"}}, status=400))
    async with marking(tmp_path, upstream, {"engine": "vllm"}, scheme="engine") as run:
        reply = await run.http.post("/v1/chat/completions", json={"model": "m", "messages": QUESTION})
        assert reply.status_code == 400
        record = (await run.last()).record.fields["statistical"]
        assert record["unmarked"] == "the upstream refused, with status 400"


def test_only_engines_that_are_known_are_told() -> None:
    with pytest.raises(ValueError, match="known: vllm, sglang"):
        members("other", b"k" * 16, False, {})


GREEN = {"n": 1, "prefix": "none", "logit_bias": 100, "tokenizer": "o200k_base"}


async def test_green_words_are_favoured_by_their_ids_up_to_the_limit_of_the_upstream(tmp_path: Path) -> None:
    upstream = Scripted.answer(["An answer."])
    async with marking(tmp_path, upstream, GREEN, scheme="green_list", green_bias=1.5) as run:
        marks = run.house.statistical
        if marks.curious:
            await marks.explore(run.house.upstreams)
        watermark = await ask(run)
        assert watermark["schemes"] == ["green_list"]
        green = green_words(epoch_prf(run.house.ring, 1))
        ids = marks.ids["main"]
        expected = [str(ids[word]) for word in green if word in ids][:100]
    assert sent(upstream)["logit_bias"] == dict.fromkeys(expected, 1.5)
    assert len(ids) == 2 * len(PAIRS)
    from proxy.tokens import encoding_for

    assert encoding_for("gpt-4o").decode([ids[" because"]]) == " because"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"logprobs": True}, "logprobs"),
        ({"response_format": {"type": "json_object"}}, "JSON"),
        ({"temperature": 0}, "without chance"),
    ],
)
async def test_what_the_caller_biases_or_parses_keeps_its_words(
    tmp_path: Path, body: dict[str, Any], why: str
) -> None:
    upstream = Scripted.answer(["An answer."])
    async with marking(tmp_path, upstream, GREEN, scheme="green_list") as run:
        assert why in (await ask(run, **body))["statistical"]["unmarked"]
    assert sent(upstream).get("logit_bias") == body.get("logit_bias")


async def test_green_list_is_never_taken_by_auto_and_says_what_it_lacks(tmp_path: Path) -> None:
    upstream = Scripted.answer(["An answer."])
    async with marking(tmp_path, upstream, GREEN, scheme="auto") as run:
        assert (await ask(run))["schemes"] == ["substitution"]
    lacking = {"n": 1, "prefix": "none"}
    (tmp_path / "b").mkdir()
    async with marking(tmp_path / "b", upstream, lacking, scheme="green_list") as run:
        assert "needs logit_bias and a tokenizer" in (await ask(run))["statistical"]["unmarked"]


async def test_words_are_cut_by_the_servers_own_tokenizer_and_until_then_none_is_favoured(
    tmp_path: Path,
) -> None:
    asked: list[UpstreamRequest] = []

    def script(request: UpstreamRequest) -> Reply:
        if request.path != "/tokenize":
            return replies.answer(request, ["An answer."])
        asked.append(request)
        if len(asked) == 1:
            return replies.json({"error": {}}, status=404)
        lines = json.loads(request.body)["content"].split("\n")[1:]
        tokens = [{"id": 7 + at, "piece": word} for at, word in enumerate(lines) if at % 3]
        return replies.json({"tokens": [*tokens, {"id": 3, "piece": [228]}]})

    upstream = Scripted(script, name="main")
    can = {**GREEN, "tokenizer": "upstream"}
    async with marking(tmp_path, upstream, can, scheme="green_list") as run:
        marks = run.house.statistical
        marks.ids.clear()
        assert "not known yet" in (await ask(run))["statistical"]["unmarked"]
        asked.clear()
        await marks._ask_ids(*run.house.upstreams[0])  # refused, as by a server without the path
        assert marks.curious
        await marks.explore(run.house.upstreams)
        assert not marks.curious
        assert (await ask(run))["schemes"] == ["green_list"]
    assert all(request.rooted for request in asked)
    assert all(int(token) >= 7 for token in sent(upstream)["logit_bias"])


async def test_words_are_cut_by_a_tokenizer_file_and_without_it_none_is_favoured(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "tokenizer.json"
    upstream = Scripted.answer(["An answer."])
    async with marking(tmp_path, upstream, {**GREEN, "tokenizer": str(path)}, scheme="green_list") as run:
        marks = run.house.statistical
        assert "not known yet" in (await ask(run))["statistical"]["unmarked"]
        with caplog.at_level(logging.WARNING, "inkseal"):
            await marks._ask_ids(*run.house.upstreams[0])
        assert f"upstream main: its tokenizer: detection.tokenizers: {path}" in caplog.text
        assert marks.curious
        if find_spec("tokenizers") is None:
            return
        from tokenizers import Tokenizer, models

        words = [word for pair in PAIRS for word in pair]
        Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, "?")).save(str(path))
        await marks._ask_ids(*run.house.upstreams[0])
        assert (await ask(run))["schemes"] == ["green_list"]
    green = green_words(epoch_prf(run.house.ring, 1))
    assert set(sent(upstream)["logit_bias"]) <= {str(words.index(word)) for word in green}
