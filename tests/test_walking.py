"""The walk over HTTP: contract tests against the shapes that llama.cpp's server and vLLM answer in."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from detectors.detection import Outcome
from detectors.statistical import StatisticalDetector
from proxy.sampling.drafts import read_draft
from proxy.tokenizing import Packaged
from proxy.upstreams import UpstreamRequest, replies
from proxy.upstreams.replies import Reply
from proxy.upstreams.scripted import Scripted
from tests.helpers import serving
from tests.test_sampling import streamed

WORDS = [f" {a}{b}{c}{d}" for a in "bdfgklmn" for b in "aeiou" for c in "rstvz" for d in "aeiou"]


class Model:
    """Says for each position, which it knows by the words before, some words with their probabilities."""

    def __init__(self, shape: str = "chat", length: int = 10_000, words: Sequence[str] = WORDS) -> None:
        self.asked: list[dict[str, Any]] = []
        self.shape = shape
        self.length = length
        self.words = words

    def __call__(self, request: UpstreamRequest) -> Reply:
        body = json.loads(request.body)
        self.asked.append(body)
        if body.get("stream"):
            return replies.sse(["An ordinary ", "answer."])
        chat = "messages" in body
        before = body["prompt"].removeprefix("Once") if not chat else ""
        if chat and body["messages"][-1]["role"] == "assistant":
            before = body["messages"][-1]["content"]
        positions, at = [], len(before.split())
        finish = "length"
        for step in range(body["max_tokens"]):
            if at + step >= self.length:
                finish = "stop"
                break
            chance = random.Random(at + step)
            words = chance.sample(self.words, 20)
            weights = sorted((chance.random() ** 3 for _ in words), reverse=True)
            positions.append(
                [(word, math.log(weight / sum(weights))) for word, weight in zip(words, weights, strict=True)]
            )
        text = "".join(position[0][0] for position in positions)
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish, "logprobs": self.logprobs(positions)}
        choice |= {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
        return replies.json(
            {"choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": len(positions)}}
        )

    def logprobs(self, positions: list[list[tuple[str, float]]]) -> dict[str, Any]:
        if self.shape == "vllm completions":
            return {
                "tokens": [position[0][0] for position in positions],
                "token_logprobs": [position[0][1] for position in positions],
                "top_logprobs": [dict(position) for position in positions],
            }
        told = [
            [{"token": word, "logprob": p, "bytes": list(word.encode())} for word, p in position]
            for position in positions
        ]
        return {"content": [{**position[0], "top_logprobs": position} for position in told]}


def walking(folder: Path, model: Any, tokenizers: Sequence[str] = (), k: int = 8, **can: Any) -> Any:
    can = {
        "n": 1,
        "prefix": "continue_final_message",
        "repeats_prefix": False,
        "top_logprobs": 20,
        "logit_bias": 0,
        **can,
    }
    return serving(
        folder,
        Scripted(model, name="main"),
        watermarks={"statistical": {"scheme": "logprob_walk", "k": k}, "carrier": {"enabled": False}},
        upstreams=[{"name": "main", "kind": "scripted", "capabilities": can}],
        labels={"positions": ["end"]},
        detection={"tokenizers": list(tokenizers)},
    )


async def test_a_chat_is_walked_token_by_token_and_bears_the_mark(tmp_path: Path) -> None:
    model = Model()
    async with walking(tmp_path, model) as run:
        text, finish, told, _ = await streamed(run, max_tokens=150, temperature=0.9, top_p=0.95)
        assert (len(text.split()), finish) == (150, "length")
        assert told["schemes"] == ["logprob_walk"]
        assert told["statistical"]["kept_tokens"] == 150
        assert 30 < told["statistical"]["calls"] < 150
        assert StatisticalDetector(run.house.ring).detect(text).outcome is Outcome.PRESENT
    first, second = model.asked[:2]
    assert (first["n"], first["temperature"], first["top_p"]) == (1, 0, 1)
    assert (first["logprobs"], first["top_logprobs"]) == (True, 20)
    assert second["continue_final_message"] is True


@pytest.mark.parametrize("shape", ["vllm completions", "chat"])
async def test_a_completion_is_walked_in_either_shape_of_log_probabilities(
    tmp_path: Path, shape: str
) -> None:
    model = Model(shape)
    async with walking(tmp_path, model) as run:
        answer = await run.client.completions.create(model="m", prompt="Once", max_tokens=120)
        text = answer.choices[0].text.partition("\n\n(")[0]
        assert len(text.split()) == 120
        assert StatisticalDetector(run.house.ring).detect(text).outcome is Outcome.PRESENT
    assert model.asked[0]["logprobs"] == 20


async def test_the_end_of_the_draft_that_was_walked_is_the_end_of_the_answer(tmp_path: Path) -> None:
    async with walking(tmp_path, Model(length=20)) as run:
        text, finish, *_ = await streamed(run)
        assert (len(text.split()), finish) == (20, "stop")


async def test_log_probabilities_that_cannot_be_read_leave_the_answer_unmarked(tmp_path: Path) -> None:
    model = Model()
    model.logprobs = lambda positions: {"content": [{"token": 5}]}  # type: ignore[method-assign]
    async with walking(tmp_path, model) as run:
        text, _, told, _ = await streamed(run)
        assert text == "An ordinary answer."
        assert "log-probabilities cannot be read" in told["statistical"]["unmarked"]


async def test_half_characters_are_taken_as_the_server_wrote_them(tmp_path: Path) -> None:
    halves = "🦆".encode()

    def model(request: UpstreamRequest) -> Reply:
        body = json.loads(request.body)
        done = len(body["messages"]) > 1
        told = [
            {"token": "\ufffd", "logprob": 0.0, "bytes": list(part), "top_logprobs": []}
            for part in (halves[:2], halves[2:])
        ]
        choice = {
            "message": {"role": "assistant", "content": "" if done else "🦆"},
            "finish_reason": "stop" if done else "length",
            "logprobs": {"content": [] if done else told},
        }
        return replies.json({"choices": [choice]})

    async with walking(tmp_path, model) as run:  # type: ignore[arg-type]
        text, finish, *_ = await streamed(run)
        assert (text, finish) == ("🦆", "stop")


def test_special_tokens_end_an_answer_and_half_characters_are_no_candidates() -> None:
    top = [
        {"token": "<|im_end|>", "logprob": -1.0, "bytes": list(b"<|im_end|>")},
        {"token": "\ufffd", "logprob": -2.0, "bytes": [0xE6]},
        {"token": " a", "logprob": -3.0},
    ]
    (drafted,) = read_draft({"logprobs": {"content": [{**top[2], "top_logprobs": top}]}})
    assert drafted.candidates == (("", -1.0), (" a", -3.0))
    assert drafted.whole


def single_tokens() -> list[str]:
    """Words that are one token of o200k_base each, wherever they stand among others."""
    found = {
        f" {word}" for word in (Path(__file__).parent / "helpers.py").read_text().split() if word.isalpha()
    }
    return sorted(word for word in found if len(Packaged("o200k_base").tokens(word)) == 1)


@pytest.mark.parametrize("tokenizer", [None, "o200k_base", "cl100k_base"])
async def test_where_the_detector_has_the_models_tokenizer_tokens_are_drawn_as_engines_do(
    tmp_path: Path, tokenizer: str | None
) -> None:
    can = {} if tokenizer is None else {"tokenizer": tokenizer}
    async with walking(tmp_path, Model(words=single_tokens()), ["o200k_base"], **can) as run:
        text, finish, told, _ = await streamed(run, max_tokens=120)
        assert (finish, told["statistical"]["kept_tokens"]) == ("length", 120)
        ring = run.house.ring
        by_tokens = StatisticalDetector(ring, tokenizers=[Packaged("o200k_base")]).detect(text)
        assert by_tokens.outcome is Outcome.PRESENT
        is_listed = tokenizer == "o200k_base"
        assert ("tokens drawn by key" in by_tokens.detail) is is_listed
        assert (StatisticalDetector(ring).detect(text).outcome is Outcome.PRESENT) is not is_listed


async def test_choices_of_one_answer_differ_and_a_seed_makes_them_again(tmp_path: Path) -> None:
    async with walking(tmp_path, Model(words=single_tokens()), ["o200k_base"], tokenizer="o200k_base") as run:

        async def said(**members: Any) -> list[str]:
            question = [{"role": "user", "content": "Hello"}]
            answer = await run.client.chat.completions.create(
                model="m", messages=question, max_tokens=12, **members
            )
            return [(one.message.content or "").partition("\n\n(")[0] for one in answer.choices]

        assert len(set(await said(n=4))) == 4
        assert await said(seed=5) == await said(seed=5)
        assert await said() != await said()


class Lines(Model):
    """At every place a line may end as well as go on, and the draft says either."""

    def __call__(self, request: UpstreamRequest) -> Reply:
        body = json.loads(request.body)
        self.asked.append(body)
        before = body["messages"][-1]["content"] if body["messages"][-1]["role"] == "assistant" else ""
        positions = []
        for step in range(body["max_tokens"]):
            at = len(before) + step  # what is drafted hangs on what stands there
            pair = [(f" {'abcdefgh'[at % 8]}ou", math.log(0.55)), ("\n", math.log(0.45))]
            positions.append(pair if at % 3 else pair[::-1])
        text = "".join(position[0][0] for position in positions)
        choice = {"index": 0, "finish_reason": "length", "logprobs": self.logprobs(positions)}
        return replies.json({"choices": [choice | {"message": {"role": "assistant", "content": text}}]})


@pytest.mark.parametrize("tokenizer", ["o200k_base", "cl100k_base"])
async def test_an_answer_goes_on_where_lines_end(tmp_path: Path, tokenizer: str) -> None:
    """A line end that ended a round was left out, drawn again and left out again, until the answer was given up."""
    model = Lines()
    # With two tokens a draft a round often ends with the line.
    async with walking(tmp_path, model, ["o200k_base"], 2, tokenizer=tokenizer) as run:
        answer = await run.client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hello"}], max_tokens=60
        )
        assert answer.choices[0].finish_reason == "length"
        told = answer.model_extra["aigc"]["watermark"]["statistical"]
        assert told["kept_tokens"] == 60
        assert "\n" in (answer.choices[0].message.content or "").partition("\n\n(")[0]
    begun = [body["messages"][-1]["content"] for body in model.asked if len(body["messages"]) > 1]
    assert len(begun) > 10
    assert all(text == text.rstrip() for text in begun)
