"""What a tool is called with: reviewed decoded, and masked so that it stays the JSON it was.

A blocking word withholds the call. A word to be masked is masked inside the string that holds it. So is
one that would be replaced in a text: another word there would call the tool with something else. Names
of members are schema, not text: a hit in one is recorded and blocks if it is to block, but is not masked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from proxy.errors import WireError
from proxy.lane import Lane
from proxy.review.entry import Action
from proxy.review.reviewer import MASK, Finding
from proxy.wire.answer import AnswerPolicy, review_text
from proxy.wire.jsonedit import JsonPath, replace_values
from proxy.wire.strings import decoded_arguments, string_leaves

__all__ = ["ARGUMENTS", "review_arguments"]

ARGUMENTS = frozenset({"arguments", "input", "code"})
"""The members of a call that hold what the tool is called with."""


def review_arguments(policy: AnswerPolicy, lane: Lane, text: str) -> tuple[str, Finding | None]:
    """`text` as it may be delivered, and what blocks it. All that is found is remembered in `lane`."""
    decoded = decoded_arguments(text)
    found = review_text(policy, decoded, lane)
    if found is None and decoded != text:
        found = review_text(policy, text)
    if found is not None:
        return text, found
    try:
        value = orjson.loads(text)
        if type(value) in (dict, list):
            return _masked_json(policy, text, value), None
    except (ValueError, WireError):
        pass  # no JSON: a tool with free text, or a model that lost its thread
    return _masked(policy, text), None


def _masked_json(policy: AnswerPolicy, text: str, value: Any) -> str:
    edits: dict[JsonPath, Any] = {}
    for path, said in string_leaves(value):
        masked = _masked(policy, said)
        if masked != said:
            edits[path] = masked
    return replace_values(text.encode(), edits).decode() if edits else text


def _masked(policy: AnswerPolicy, text: str) -> str:
    reviewer = policy.reviewer()
    if reviewer is None:
        return text
    reviewer.feed(text)
    reviewer.flush()
    return _cover(text, reviewer.findings)


def _cover(text: str, findings: Sequence[Finding]) -> str:
    covered = [f for f in findings if f.action in (Action.MASK, Action.REPLACE)]
    if not covered:
        return text
    characters = list(text)
    for finding in covered:
        characters[finding.start : finding.end] = MASK * (finding.end - finding.start)
    return "".join(characters)
