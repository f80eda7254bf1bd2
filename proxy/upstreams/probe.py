"""Finds out what an upstream can do, with a handful of tiny requests (at most 12 tokens each).

Each question has an answer that a server cannot give by accident: that `n` is honoured shows in the number of
choices, that a prefix is gone on with shows in the other half of its last word, and that a server cuts texts in the
tokens, which are the text again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import orjson

from proxy.upstreams.capabilities import PREFIX_DIALECTS, Capabilities, Prefix, with_prefix
from proxy.upstreams.tokenize import ask_tokens
from proxy.upstreams.upstream import Upstream, UpstreamError, UpstreamRequest

__all__ = ["KNOWN", "Found", "declared", "probe"]

# What is known of a kind needs no question. llama.cpp's server goes on with a last message of the assistant and
# repeats it; `cache_prompt` keeps it from reading the whole text anew in every round.
KNOWN: Mapping[str, Capabilities] = MappingProxyType(
    {
        "local": Capabilities(
            n=8,
            prefix="trailing",
            repeats_prefix=True,
            top_logprobs=20,
            logit_bias=1024,
            tokenizer="upstream",
            extra={"cache_prompt": True},
        )
    }
)

JSON = (("content-type", "application/json"),)
MAX_REPLY = 1024 * 1024
WANTED_N = 8
WANTED_LOGPROBS = 20
# Whoever goes on with the beginning finishes its word; a new turn begins with one.
COUNT = "Write the words one, two, three, four, five, six in a row."
BEGUN = "(#) one two three fou"


class Declared(Protocol):
    """`upstreams[].capabilities` of the settings; None is unknown."""

    @property
    def n(self) -> int | None: ...
    @property
    def prefix(self) -> Prefix | None: ...
    @property
    def repeats_prefix(self) -> bool | None: ...
    @property
    def top_logprobs(self) -> int | None: ...
    @property
    def logit_bias(self) -> int | None: ...
    @property
    def engine(self) -> str | None: ...
    @property
    def tokenizer(self) -> str | None: ...


@dataclass(slots=True)
class Found:
    """`answered`: whether the upstream spoke at all. `notes`: a line for each question, for the operator."""

    can: Capabilities
    answered: bool = True
    notes: list[str] = field(default_factory=list)


def declared(said: Declared, known: Capabilities | None = None) -> Capabilities | None:
    """What the settings say, over what is known of the kind; None if something needs asking."""
    values = {
        "n": said.n,
        "prefix": said.prefix,
        "repeats_prefix": said.repeats_prefix,
        "top_logprobs": said.top_logprobs,
        "logit_bias": said.logit_bias,
        "engine": said.engine,
        "tokenizer": said.tokenizer,
    }
    told = {name: value for name, value in values.items() if value is not None}
    if known is not None:
        return Capabilities(**(known.told() | told), extra=known.extra)
    marks_itself = said.engine not in (None, "none")
    if not marks_itself and (said.n is None or said.prefix is None):
        return None
    return Capabilities(**told)  # type: ignore[arg-type]  # the values of the fields of that name


async def probe(upstream: Upstream, models: Sequence[str], said: Declared) -> Found:
    """Asks what the settings do not say. The first model of `models` that is no pattern is asked, else "default"."""
    model = next((name for name in models if "*" not in name and "?" not in name), "") or await _first_model(
        upstream
    )
    asking = _Asking(upstream, model)
    found = Found(Capabilities())
    n, prefix, repeats = said.n, said.prefix, said.repeats_prefix
    top, bias = said.top_logprobs, said.logit_bias
    plain = await asking.chat({"max_tokens": 4})
    if plain is None:
        return Found(Capabilities(), answered=False, notes=[f"did not answer: {asking.trouble}"])
    if n is None:
        # With chance: vLLM refuses several continuations without it.
        choices = await asking.chat({"max_tokens": 2, "n": WANTED_N, "temperature": 1}) or []
        n = max(1, min(len(choices), WANTED_N))
        found.notes.append(f"n: {n}" + (f" ({asking.trouble})" if n == 1 and asking.trouble else ""))
    if prefix is None:
        prefix, repeats = await asking.prefix()
        found.notes.append(f"prefix: {prefix}" + (", repeated in the reply" if repeats else ""))
    if top is None:
        top = await asking.top_logprobs()
        found.notes.append(f"top_logprobs: {top}")
    if bias is None:
        ok = await asking.chat({"max_tokens": 1, "logit_bias": {"1000": 0}}) is not None
        bias = 300 if ok else 0
        found.notes.append(f"logit_bias: {'taken' if ok else 'refused'}")
    tokenizer = said.tokenizer
    if tokenizer is None:
        tokenizer = "upstream" if await asking.cuts() else ""
        found.notes.append(f"tokenizer: {'its own /tokenize' if tokenizer else 'not told'}")
    found.can = Capabilities(n, prefix, bool(repeats), top, bias, said.engine or "none", tokenizer)
    return found


async def _first_model(upstream: Upstream) -> str:
    try:
        async with upstream.open(UpstreamRequest("GET", "/models", (), b"")) as response:
            listing = orjson.loads(b"".join([piece async for piece in response.body]))
        return str(listing["data"][0]["id"])
    except (UpstreamError, ValueError, KeyError, IndexError, TypeError):
        return "default"


class _Asking:
    def __init__(self, upstream: Upstream, model: str) -> None:
        self._upstream = upstream
        self._model = model
        self.trouble = ""

    async def chat(self, members: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """The choices of one small chat; None, with `trouble`, if there are none."""
        body = {
            "model": self._model,
            "messages": [{"role": "user", "content": COUNT}],
            "temperature": 0,
            **members,
        }
        request = UpstreamRequest("POST", "/chat/completions", JSON, orjson.dumps(body))
        self.trouble = ""
        try:
            raw = b""
            async with self._upstream.open(request) as response:
                async for piece in response.body:
                    raw += piece
                    if len(raw) > MAX_REPLY:
                        break
            choices = orjson.loads(raw)["choices"] if response.status == 200 else None
            if type(choices) is list and choices and all(type(one.get("message")) is dict for one in choices):
                return choices
            self.trouble = f"status {response.status}"
        except UpstreamError as error:
            self.trouble = error.kind
        except (ValueError, KeyError, TypeError, AttributeError):
            self.trouble = "no chat completion"
        return None

    async def prefix(self) -> tuple[Prefix, bool]:
        """The first dialect in which the reply goes on with `BEGUN`, and whether it repeats that."""
        for dialect in PREFIX_DIALECTS:
            body = with_prefix({"messages": [{"role": "user", "content": COUNT}]}, BEGUN, dialect)
            choices = await self.chat({"max_tokens": 16, **body})
            text = (choices[0]["message"].get("content") or "") if choices else ""
            if type(text) is str and (went_on := _went_on(text)) is not None:
                return dialect, went_on  # type: ignore[return-value]  # the keys of the table are the names
        return "none", False

    async def cuts(self) -> bool:
        """Whether the server tells how its model cuts a text (`/tokenize`)."""
        try:
            tokens = await ask_tokens(self._upstream, COUNT, self._model)
        except (UpstreamError, ValueError, KeyError, TypeError, AttributeError):
            return False
        return b"".join(token for _, token in tokens).strip() == COUNT.encode()

    async def top_logprobs(self) -> int:
        choices = await self.chat({"max_tokens": 1, "logprobs": True, "top_logprobs": WANTED_LOGPROBS})
        try:
            assert choices is not None
            return len(choices[0]["logprobs"]["content"][0]["top_logprobs"])
        except (AssertionError, KeyError, IndexError, TypeError):
            return 0


def _went_on(text: str) -> bool | None:
    """Whether a reply that goes on with the count repeats its beginning; None if it does not go on."""
    if text.startswith(BEGUN):  # half a word is not repeated by accident
        return True
    return False if re.match(r"r\b", text) else None
