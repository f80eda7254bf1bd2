"""What the rounds of one request ask, and what the replies say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from labelers.provenance import Provenance
from labelers.watermarks.best_of_n import Selection
from labelers.watermarks.logprob_walk import LogprobWalk, Noise
from proxy.sampling.reasons import CHAT
from proxy.sampling.sampled import Steering
from proxy.upstreams import Upstream, UpstreamRequest
from proxy.upstreams.capabilities import with_prefix

__all__ = ["Candidate", "Drive", "RefusedError"]

MAX_REPLY = 4 * 1024 * 1024
TOP_LOGPROBS = 20
MAX_TOKENS_KEYS = ("max_completion_tokens", "max_tokens")


@dataclass(frozen=True, slots=True)
class Candidate:
    text: str
    finish: str | None


class RefusedError(Exception):
    """The upstream does not do what driving needs; the message is for the record."""


class Drive:
    """One request: what its questions have in common."""

    def __init__(self, upstream: Upstream, request: UpstreamRequest, steering: Steering) -> None:
        self.steering = steering
        self.body: dict[str, Any] = orjson.loads(request.body)
        self._request = request
        self._upstream = upstream
        self.chat = request.path == CHAT
        stop = self.body.get("stop")
        self.stops = [stop] if type(stop) is str else [s for s in stop or () if type(s) is str]
        self._max_key = next((k for k in MAX_TOKENS_KEYS if type(self.body.get(k)) is int), "max_tokens")
        self.max_tokens: int | None = self.body.get(self._max_key)
        self.given = ""
        if self.chat and self.body["messages"][-1]["role"] == "assistant":
            self.given = self.body["messages"][-1].get("content") or ""
        self.repeats = self.chat and steering.can.repeats_prefix
        self.prompt_tokens = 0
        self.model: str = self.body["model"]

    def question(self, text: str, tokens: int, index: int) -> dict[str, Any]:
        """The request for the continuations of `text`."""
        n = min(self.steering.scheme.n, self.steering.can.n)
        body = {key: value for key, value in self.body.items() if key not in ("stream", "stream_options")}
        for key in MAX_TOKENS_KEYS:
            body.pop(key, None)
        body |= {"n": n, self._max_key: tokens, **self.steering.can.extra}
        if isinstance(self.steering.scheme, LogprobWalk):
            # The draft is greedy; temperature and top_p are the key's to apply.
            body |= {"temperature": 0, "top_p": 1, **self._asks_logprobs()}
        if type(seed := body.get("seed")) is int:
            # Else all rounds would draw alike.
            body["seed"] = (seed + 7919 * (len(text) + 1) + index) & 0x7FFFFFFF
        if not self.chat:
            return body | {"prompt": body["prompt"] + text}
        return with_prefix(body, text, self.steering.can.prefix) if text or self.given else body

    def choosing(self, provenance: Provenance, index: int) -> Selection | Noise:
        """What choice `index` is chosen by."""
        scheme = self.steering.scheme
        if not isinstance(scheme, LogprobWalk):
            return scheme.new_selection(provenance)
        seed = self.body.get("seed")
        about = seed if type(seed) is int else provenance.content_id
        return scheme.new_noise(provenance, f"{about} {index}", by_tokens=self.steering.by_tokens)

    def _asks_logprobs(self) -> dict[str, Any]:
        top = min(TOP_LOGPROBS, self.steering.can.top_logprobs)
        return {"logprobs": True, "top_logprobs": top} if self.chat else {"logprobs": top}

    async def ask(self, body: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
        """The continuations, as choices, and how many tokens the upstream says that it wrote."""
        request = UpstreamRequest("POST", self._request.path, self._request.headers, orjson.dumps(body))
        async with self.steering.rounds, self._upstream.open(request) as response:
            raw = b""
            async for piece in response.body:
                raw += piece
                if len(raw) > MAX_REPLY:
                    raise RefusedError("the upstream sent more than was asked for")
            status = response.status
        if status != 200:
            raise RefusedError(f"the upstream answered a round with status {status}")
        return self._read(raw, body["n"], body[self._max_key])

    def _read(self, raw: bytes, n: int, tokens: int) -> tuple[list[dict[str, Any]], int]:
        try:
            reply = orjson.loads(raw)
            found = [choice for choice in reply["choices"] if self.candidate(choice)]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RefusedError("the upstream's reply to a round cannot be read") from error
        sampled = self.steering.sampled
        sampled.calls += 1
        sampled.continuations += len(found)
        usage = reply.get("usage")
        told = usage if type(usage) is dict else {}
        asked, wrote = (_count(told.get(key)) for key in ("prompt_tokens", "completion_tokens"))
        if told:
            sampled.bill(asked, wrote)
        whole = sum(choice.get("finish_reason") in (None, "length") for choice in found)
        sampled.generated += max(wrote, whole * tokens)
        self.prompt_tokens = self.prompt_tokens or asked
        if not found:
            raise RefusedError("the upstream's reply to a round holds no continuation")
        if len(found) < n:
            sampled.unmarked = f"the upstream gave {len(found)} of {n} continuations"
        return found, wrote

    def candidate(self, choice: dict[str, Any]) -> Candidate:
        """What a choice of a reply says. Raises what a reply raises that is none."""
        message = choice["message"] if self.chat else choice
        if self.chat and (message.get("tool_calls") or message.get("reasoning_content")):
            raise RefusedError("the upstream answers with tool calls or reasoning")
        text = message.get("content" if self.chat else "text") or ""
        if type(text) is not str:
            raise TypeError("text that is none")
        return Candidate(text, choice.get("finish_reason"))


def _count(value: Any) -> int:
    return value if type(value) is int and value >= 0 else 0
