"""The walk over HTTP: contract tests against the shapes that llama.cpp's server and vLLM answer in."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from detectors.detection import Outcome
from detectors.statistical import StatisticalDetector
from proxy.sampling.drafts import read_draft
from proxy.upstreams import UpstreamRequest, replies
from proxy.upstreams.replies import Reply
from proxy.upstreams.scripted import Scripted
from tests.helpers import serving
from tests.test_sampling import streamed

WORDS = [f" {a}{b}{c}{d}" for a in "bdfgklmn" for b in "aeiou" for c in "rstvz" for d in "aeiou"]


class Model:
    """Says for each position, which it knows by the words before, some words with their probabilities."""

    def __init__(self, shape: str = "chat", length: int = 10_000) -> None:
        self.asked: list[dict[str, Any]] = []
        self.shape = shape
        self.length = length

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
            words = chance.sample(WORDS, 20)
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


def walking(folder: Path, model: Model) -> Any:
    can = {
        "n": 1,
        "prefix": "continue_final_message",
        "repeats_prefix": False,
        "top_logprobs": 20,
        "logit_bias": 0,
    }
    return serving(
        folder,
        Scripted(model, name="main"),
        watermarks={"statistical": {"scheme": "logprob_walk"}, "carrier": {"enabled": False}},
        upstreams=[{"name": "main", "kind": "scripted", "capabilities": can}],
        labels={"positions": ["end"]},
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
