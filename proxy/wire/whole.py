"""Answers made of choices, not streamed: what chat and legacy completions have in common.

Only the values that change are edited; every other byte of the upstream's body stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from proxy.errors import WireError
from proxy.lane import Lane
from proxy.review.reviewer import Finding
from proxy.wire.answer import AnswerPolicy, review_keys, review_strings, review_text
from proxy.wire.jsonedit import JsonPath, remove_member, replace_string, replace_values, set_members
from proxy.wire.strings import names_only, spelt_strings

__all__ = ["choices_of", "rewrite_choices", "spells_blocked"]

# What an answer says about itself: names, as long as nobody writes words there.
_NAMES = frozenset({"id", "object", "created", "model", "system_fingerprint", "service_tier"})

EditChoice = Callable[[int, dict[str, Any], Finding | None], Mapping[JsonPath, Any]]


def choices_of(raw: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The answer and its choices. Raises WireError for a body that is none."""
    try:
        answer = orjson.loads(raw)
    except ValueError as error:
        raise WireError("the upstream's answer is not JSON") from error
    choices = answer.get("choices") if type(answer) is dict else None
    if type(choices) is not list or not choices:
        raise WireError("the upstream's answer has no choices")
    if not all(type(choice) is dict for choice in choices):
        raise WireError("the upstream's answer has a choice that is not an object")
    return answer, choices


def rewrite_choices(
    policy: AnswerPolicy, raw: bytes, answer: dict[str, Any], lanes: Sequence[Lane], edit: EditChoice
) -> bytes:
    """The body for the client; `answer` is what `raw` says.

    `edit` gives the edits of one choice and puts its lane into `lanes`.
    """
    choices = answer["choices"]
    blocked: Finding | None = None
    edits: dict[JsonPath, Any] = {}
    refused: list[str] = []
    for key, value in answer.items():
        if key == "choices" or (key in _NAMES and names_only(value)):
            continue
        finding = review_strings(policy, {key: value}, frozenset()) or review_keys(policy, value)
        if finding is not None:
            edits[(key,)] = None
        named = review_keys(policy, {key: None})
        if named is not None:
            refused.append(key)
        blocked = blocked or finding or named
    for at, choice in enumerate(choices):
        edits |= edit(at, choice, blocked)
    raw = _edited(raw, answer, edits)
    for key in refused:
        raw = remove_member(raw, key)
    for at, choice in enumerate(choices):
        more = policy.choice_members(lanes[at])
        present = () if ("choices", at) in edits else choice
        raw = set_members(raw, more, present, ("choices", at))
    aigc = _aigc_of_all(policy, lanes)
    ours = {**policy.prompt_members(), **policy.answer_members(lanes)}
    return set_members(raw, ours if aigc is None else {"aigc": aigc, **ours}, answer)


def _edited(raw: bytes, answer: dict[str, Any], edits: Mapping[JsonPath, Any]) -> bytes:
    """The body with its edits: mostly one text, under a key that stands there once, and then found at once."""
    if len(edits) == 1:
        ((path, new),) = edits.items()
        old: Any = answer
        for step in path:
            old = old[step]
        key = orjson.dumps(path[-1])
        # A key may be spelt with escapes; then the one that is found could be another.
        if type(old) is str and type(new) is str and raw.count(key) == 1 and b"\\u00" not in raw:
            quick = replace_string(raw, key, old, new)
            if quick is not None:
                return quick
    return replace_values(raw, edits)


def _aigc_of_all(policy: AnswerPolicy, lanes: Sequence[Lane]) -> dict[str, Any] | None:
    """The object of the first choice; where there are more, with what differs for each of them."""
    objects = [policy.aigc(lane, last=True) for lane in lanes]
    first = objects[0]
    if first is None or len(objects) == 1:
        return first
    differing = ("ProduceID", "label", "review")
    each = [
        {"index": at, **{key: one[key] for key in differing}}
        for at, one in enumerate(objects)
        if one is not None
    ]
    return {**first, "choices": each}


def spells_blocked(policy: AnswerPolicy, logprobs: Any) -> bool:
    """Whether what the model might have said instead would be blocked; the answer stays."""
    return review_text(policy, "\n".join(spelt_strings(logprobs))) is not None
