"""Azure-style content filter results, for clients that were written against Azure OpenAI.

Azure knows four categories of harm; the feature library knows the 31 risks of the norm. Where a risk is
one of the four it is told there, and every finding is told under `custom_blocklists` by its category,
never by its word. What is merely logged is between the library and its operator.

Source: Azure OpenAI REST API reference, `contentFilterChoiceResults`, `promptFilterResult`,
`contentFilterResultsForResponsesAPI`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proxy.review.entry import Action
from proxy.review.reviewer import Finding

__all__ = ["filter_results", "inner_error", "prompt_filter_results", "response_filters"]

_SEVERITIES = ("safe", "low", "low", "medium", "high")
"""By the severity of an entry, 1 to 4."""

# 宣扬暴力、淫秽色情 is one risk of the norm and two categories there.
_HARMS = {
    "hate": ("A.1.e", "A.2."),
    "self_harm": ("A.4.a",),
    "sexual": ("A.1.f",),
    "violence": ("A.1.d", "A.1.f"),
}


def filter_results(findings: Iterable[Finding]) -> dict[str, Any]:
    """`content_filter_results` of one text: what was found and whether it was filtered."""
    told = [finding for finding in findings if finding.action is not Action.LOG]
    results: dict[str, Any] = {}
    for harm, categories in _HARMS.items():
        found = [finding for finding in told if finding.category.startswith(categories)]
        worst = max((finding.severity for finding in found), default=0)
        results[harm] = {"filtered": _filtered(found), "severity": _SEVERITIES[worst]}
    by_category: dict[str, list[Finding]] = {}
    for finding in told:
        by_category.setdefault(finding.category, []).append(finding)
    if by_category:
        details = [{"filtered": _filtered(found), "id": category} for category, found in by_category.items()]
        results["custom_blocklists"] = {"filtered": _filtered(told), "details": details}
    return results


def prompt_filter_results(results: dict[str, Any]) -> list[dict[str, Any]]:
    """`prompt_filter_results` of an answer: the whole prompt is one text here."""
    return [{"prompt_index": 0, "content_filter_results": results}]


def inner_error(results: dict[str, Any]) -> dict[str, Any]:
    """`innererror` of a request that was refused."""
    return {"code": "ResponsibleAIPolicyViolation", "content_filter_result": results}


def response_filters(prompt: dict[str, Any], completion: dict[str, Any] | None) -> list[dict[str, Any]]:
    """`content_filters` of a Response. `completion`: None if nothing was generated."""
    said = [("prompt", prompt), *([("completion", completion)] if completion is not None else ())]
    return [
        {
            "blocked": any(told["filtered"] for told in results.values()),
            "source_type": source,
            "content_filter_results": results,
        }
        for source, results in said
    ]


def _filtered(findings: list[Finding]) -> bool:
    return any(finding.action is not Action.FLAG for finding in findings)
