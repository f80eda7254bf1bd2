"""The official `moderation` object of an answer, from our own review.

A request asks for it with a `moderation` member, which is ours to answer and is not forwarded. What
is flagged and what is blocked the operator's feature library decides, whatever policy the request
names. Categories are those of the library; scores are 1 or 0, for review gives verdicts and no
probabilities. What is merely logged is between the library and its operator.

Source: the types of openai-python 3.54, `ChatCompletion.moderation`, `ChatCompletionChunk.moderation` and
`Response.moderation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from proxy.review.entry import CATEGORIES, Action
from proxy.review.reviewer import Finding

__all__ = ["moderation_error", "moderation_result", "moderation_results"]


def moderation_results(model: str, texts: Sequence[Iterable[Finding]]) -> dict[str, Any]:
    """One result for each text. `model`: what reviewed it, and by which version of the library."""
    return {
        "type": "moderation_results",
        "model": model,
        "results": [_result(model, found) for found in texts],
    }


def moderation_result(moderation: dict[str, Any]) -> dict[str, Any]:
    """The object as a Response bears it: for input and output one result each, whatever the number of texts."""
    return {side: _merged(said) for side, said in moderation.items()}


def _merged(said: dict[str, Any]) -> dict[str, Any]:
    if said["type"] == "error":
        return said
    results = said["results"]
    found = {category for result in results for category, hit in result["categories"].items() if hit}
    return _told(said["model"], found)


def moderation_error(code: str, message: str) -> dict[str, Any]:
    """In place of results that there are none of."""
    return {"type": "error", "code": code, "message": message}


def _result(model: str, findings: Iterable[Finding]) -> dict[str, Any]:
    return _told(model, {finding.category for finding in findings if finding.action is not Action.LOG})


def _told(model: str, found: set[str]) -> dict[str, Any]:
    return {
        "type": "moderation_result",
        "model": model,
        "flagged": bool(found),
        "categories": {category: category in found for category in CATEGORIES},
        "category_scores": {category: float(category in found) for category in CATEGORIES},
        "category_applied_input_types": {category: ["text"] for category in CATEGORIES},
    }
