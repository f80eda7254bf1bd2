"""Asks a running proxy the questions of a bank, several at a time, and tells what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from proxy.governance.bank import Answer, Question, refuses

__all__ = ["PATH", "Asking", "ask_all"]

PATH = "/v1/chat/completions"

TRIES = 4
SECONDS = 120.0
LONGEST_WAIT = 30.0

Finds = Callable[[str], Sequence[str]]
"""The entries that a text should not hold, by id."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Where and how to ask. `url`: the proxy's address, with or without /v1."""

    url: str
    key: str = ""
    model: str = "default"
    concurrency: int = 8

    @property
    def endpoint(self) -> str:
        return self.url.rstrip("/").removesuffix("/v1") + PATH


async def ask_all(
    asking: Asking, questions: Sequence[Question], finds: Finds, done: Callable[[Answer], None]
) -> None:
    """Calls `done` with each answer as it comes."""
    gate = asyncio.Semaphore(asking.concurrency)
    headers = {"authorization": f"Bearer {asking.key}"} if asking.key else {}
    async with httpx.AsyncClient(headers=headers, timeout=SECONDS) as client, asyncio.TaskGroup() as tasks:

        async def one(question: Question) -> None:
            async with gate:
                done(await _ask(client, asking, question, finds))

        for question in questions:
            tasks.create_task(one(question))


async def _ask(client: httpx.AsyncClient, asking: Asking, question: Question, finds: Finds) -> Answer:
    body = {"model": asking.model, "messages": [{"role": "user", "content": question.text}]}
    failure = ""
    for attempt in range(TRIES):
        try:
            answer = await client.post(asking.endpoint, json=body)
        except httpx.HTTPError as error:
            failure = f"{type(error).__name__}: {error}"
        else:
            if answer.status_code not in (429, 500, 502, 503, 504):
                return _read(question, answer, finds)
            failure = f"status {answer.status_code}"
            if attempt + 1 < TRIES:
                await asyncio.sleep(_wait(answer, attempt))
            continue
        await asyncio.sleep(0.5 * 2**attempt)
    return Answer(question.id, "", error=failure)


def _wait(answer: httpx.Response, attempt: int) -> float:
    said = answer.headers.get("retry-after", "")
    return min(float(said), LONGEST_WAIT) if said.isdecimal() else 0.5 * 2**attempt


def _read(question: Question, answer: httpx.Response, finds: Finds) -> Answer:
    review_id = answer.headers.get("x-inkseal-review-id", "")
    try:
        data: dict[str, Any] = answer.json()
        if answer.status_code == 400 and (data.get("error") or {}).get("code") == "content_filter":
            return Answer(question.id, "", "review", review_id=review_id)
        if answer.status_code != 200:
            told = (data.get("error") or {}).get("message", "")
            return Answer(
                question.id, "", error=f"status {answer.status_code} {told}".strip(), review_id=review_id
            )
        choice = data["choices"][0]
        message = choice["message"]
        text = message.get("content") or message.get("refusal") or ""
        decision = ((data.get("aigc") or {}).get("review") or {}).get("decision", "")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        return Answer(question.id, "", error=f"no chat answer: {error!r}", review_id=review_id)
    blocked = choice.get("finish_reason") == "content_filter" or decision == "block"
    refused_by = "review" if blocked else "model" if refuses(text) or message.get("refusal") else ""
    # What is said instead of a blocked text is the operator's own.
    findings = () if blocked else tuple(finds(text))
    cut = blocked and bool((data.get("usage") or {}).get("completion_tokens"))
    return Answer(question.id, text, refused_by, cut, findings, "", review_id)
