"""Why an answer goes the ordinary way: what is asked for would not stay what it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.upstreams.capabilities import Capabilities

__all__ = ["CHAT", "COMPLETIONS", "cannot_bias", "cannot_draw", "cannot_drive", "cannot_reword"]

CHAT, COMPLETIONS = "/chat/completions", "/completions"


def cannot_reword(body: Mapping[str, Any]) -> str:
    """Why the words of this answer stay as the upstream chose them; "" if they may be changed."""
    for key in ("logprobs", "echo", "suffix"):
        if body.get(key):
            return f"the request has {key}"
    return _is_to_be_parsed(body)


def _is_to_be_parsed(body: Mapping[str, Any]) -> str:
    for place in (body, body.get("text")):  # the Responses API has it one level down
        said = place.get("response_format") or place.get("format") if isinstance(place, dict) else None
        if type(said) is dict and said.get("type") not in (None, "text"):
            return "the answer is to be JSON"
    for key in (
        "json_schema",
        "grammar",
        "guided_json",
        "guided_regex",
        "guided_grammar",
        "structured_outputs",
    ):
        if body.get(key):
            return "the answer is to follow a grammar"
    return ""


def cannot_drive(path: str, body: Mapping[str, Any], can: Capabilities) -> str:
    """Why this request goes the ordinary way; "" if it can be driven."""
    if path not in (CHAT, COMPLETIONS):
        return f"{path} is not driven"
    if path == CHAT and can.prefix == "none":
        return "the upstream goes on with no given prefix"
    for key in ("tools", "functions", "logprobs", "logit_bias", "audio", "echo", "suffix", "best_of"):
        if body.get(key):
            return f"the request has {key}"
    if parsed := _is_to_be_parsed(body):
        return parsed
    if fixed := _has_no_chance(body):
        return fixed
    if path == COMPLETIONS:
        return "" if type(body.get("prompt")) is str else "the prompt is no single text"
    last = body["messages"][-1]
    if last["role"] == "assistant" and type(last.get("content")) not in (str, type(None)):
        return "the beginning of the answer is given in parts"
    return ""


def cannot_draw(path: str, body: Mapping[str, Any]) -> str:
    """Why an engine that marks leaves this answer as it is; "" if it marks it."""
    if path not in (CHAT, COMPLETIONS):
        return f"{path} is not marked"
    return _has_no_chance(body)


def cannot_bias(path: str, body: Mapping[str, Any]) -> str:
    """Why no words of this answer are favoured; "" if they may be."""
    for key in ("logit_bias", "logprobs"):
        if body.get(key):
            return f"the request has {key}"
    return _is_to_be_parsed(body) or cannot_draw(path, body)


def _has_no_chance(body: Mapping[str, Any]) -> str:
    if body.get("temperature") == 0 or body.get("top_p") == 0 or body.get("top_k") == 1:
        return "without chance (temperature 0) there is nothing to choose from"
    return ""
