"""What an upstream can do beyond a plain answer, as far as statistical marks hang on it.

Declared in the settings (`upstreams[].capabilities`), or found out by asking (`probe.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal

__all__ = [
    "PREFIX_DIALECTS",
    "Capabilities",
    "Choice",
    "Prefix",
    "choose_scheme",
    "draws_tokens",
    "with_prefix",
]

Prefix = Literal["none", "trailing", "continue_final_message", "prefix", "partial"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`n`: continuations that one request may ask for. `prefix`: how a chat goes on with a given beginning
    of the answer (a key of `PREFIX_DIALECTS`, or "none"). `repeats_prefix`: whether the reply says that
    beginning again. `top_logprobs`: how many alternatives a position tells. `logit_bias`: how many tokens may
    be biased. `engine`: whose plug-in marks there, or "none". `tokenizer`: how the model cuts words ("": not known).
    `extra`: members that every such request gets besides.
    """

    n: int = 1
    prefix: Prefix = "none"
    repeats_prefix: bool = False
    top_logprobs: int = 0
    logit_bias: int = 0
    engine: str = "none"
    tokenizer: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "extra"}


def _trailing(messages: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    return messages, {}


def _continue_final(messages: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    return messages, {"continue_final_message": True, "add_generation_prompt": False}


def _flagged(flag: str) -> Callable[[list[dict[str, Any]]], tuple[list[dict[str, Any]], dict[str, Any]]]:
    def dialect(messages: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        return [*messages[:-1], {**messages[-1], flag: True}], {}

    return dialect


PREFIX_DIALECTS: Mapping[
    str, Callable[[list[dict[str, Any]]], tuple[list[dict[str, Any]], dict[str, Any]]]
] = MappingProxyType(
    {
        "trailing": _trailing,  # llama.cpp's server: a last message of the assistant is gone on with
        "continue_final_message": _continue_final,  # vLLM, SGLang
        "prefix": _flagged("prefix"),  # DeepSeek (beta), Mistral
        "partial": _flagged("partial"),  # Alibaba's DashScope, Moonshot
    }
)


def with_prefix(body: dict[str, Any], prefix: str, dialect: str) -> dict[str, Any]:
    """The chat request that goes on with `prefix`. One of the caller's own at its end is kept before it."""
    messages = list(body["messages"])
    if messages[-1]["role"] == "assistant":
        messages[-1] = {**messages[-1], "content": (messages[-1].get("content") or "") + prefix}
    else:
        messages.append({"role": "assistant", "content": prefix})
    messages, members = PREFIX_DIALECTS[dialect](messages)
    return {**body, "messages": messages, **members}


@dataclass(frozen=True, slots=True)
class Choice:
    """The scheme that was taken for an upstream ("" for none), and why, in words for the operator."""

    scheme: str
    why: str


def choose_scheme(wanted: str, can: Capabilities) -> Choice:
    """The scheme for an upstream. "auto" takes the strongest that it allows; substitution needs nothing."""
    if wanted in ("auto", "engine") and can.engine != "none":
        return Choice("engine", f"its engine marks while it samples ({can.engine})")
    if wanted == "engine":
        return Choice("", "engine needs an engine that marks (capabilities.engine); this upstream has none")
    if wanted == "green_list" and not (can.logit_bias and can.tokenizer):
        return Choice(
            "",
            f"green_list needs logit_bias and a tokenizer; this upstream has {can.logit_bias}, {can.tokenizer or 'none'}",
        )
    if wanted == "auto":
        if can.prefix != "none" and can.n >= 2:
            return Choice(
                "best_of_n", f"it samples {can.n} continuations and goes on with a prefix ({can.prefix})"
            )
        lacking = " and ".join(
            what
            for what, lacks in (
                ("goes on with no given prefix", can.prefix == "none"),
                ("gives one continuation a request", can.n < 2),
            )
            if lacks
        )
        return Choice("substitution", f"the upstream {lacking}, so words are chosen in its finished clauses")
    if wanted == "best_of_n" and (can.prefix == "none" or can.n < 2):
        return Choice(
            "", f"best_of_n needs n ≥ 2 and a prefix dialect; this upstream has n {can.n}, {can.prefix}"
        )
    if wanted == "logprob_walk" and (can.prefix == "none" or can.top_logprobs < 2):
        return Choice(
            "",
            f"logprob_walk needs top_logprobs and a prefix dialect; this upstream has {can.top_logprobs}, {can.prefix}",
        )
    return Choice("" if wanted == "none" else wanted, "set in watermarks.statistical.scheme")


def draws_tokens(upstream: str, can: Capabilities, tokenizers: Collection[str]) -> bool:
    """Whether the detector (`tokenizers`) can cut texts as this upstream's model does, so that a walk may mark tokens."""
    return f"upstream:{upstream}" in tokenizers or can.tokenizer in tokenizers
