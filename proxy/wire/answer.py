"""What an exchange decided about one answer, as the wire sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from proxy.lane import Lane
from proxy.review.reviewer import Finding, Reviewer
from proxy.wire.strings import is_name, keys_in, names_only, string_leaves

__all__ = ["AnswerPolicy", "channel_lane", "review_keys", "review_names", "review_strings", "review_text"]


class AnswerPolicy(Protocol):
    """Makes the stateful parts of each choice; every decision was taken before."""

    @property
    def request_id(self) -> str:
        """Our id of the request, which is the review id too."""
        ...

    @property
    def model(self) -> str:
        """The model as the caller named it."""
        ...

    @property
    def expected(self) -> int:
        """How many choices the request asked for."""
        ...

    @property
    def refusal_field(self) -> bool:
        """JSON output was asked for: a refusal goes into `refusal`, and `content` is null."""
        ...

    @property
    def include_usage(self) -> bool:
        """The client asked for the usage chunk of a stream."""
        ...

    def lane(self, index: int) -> Lane:
        """A new lane for a text of choice `index`; all lanes of one choice bear its content id."""
        ...

    def reviewer(self) -> Reviewer | None:
        """A reviewer for one more text channel; None if output is not reviewed."""
        ...

    def refusal(self, finding: Finding) -> str:
        """The operator's text for what was found."""
        ...

    # What else review has to tell, by the name of the member that tells it; {} where nobody wants to know.
    # `lanes`: one for each choice; None if the request was blocked and nothing was generated.

    def prompt_members(self) -> dict[str, Any]:
        """Of the answer and the first chunk of a stream, on what was found in the request (Azure)."""
        ...

    def choice_members(self, lane: Lane) -> dict[str, Any]:
        """Of a choice that has ended (Azure)."""
        ...

    def answer_members(self, lanes: Sequence[Lane] | None) -> dict[str, Any]:
        """Of the whole answer and the last chunk of a stream: the official moderation object."""
        ...

    def response_members(self, lanes: Sequence[Lane] | None) -> dict[str, Any]:
        """The same of a Response, which has shapes of its own for them."""
        ...

    def aigc(self, lane: Lane, *, last: bool, retract: int | None = None) -> dict[str, Any] | None:
        """The object for a choice's first and last chunk, None if metadata is off.

        `retract`: where, in what was delivered, the withdrawn text begins.
        """
        ...


def channel_lane(policy: AnswerPolicy, lane: Lane) -> Lane:
    """The path of another text of the same choice (reasoning, refusal, …): reviewed, neither marked nor labelled."""
    channel = Lane(policy.reviewer(), policy.refusal)
    lane.beside.append(channel)
    return channel


def review_text(policy: AnswerPolicy, text: str, lane: Lane | None = None) -> Finding | None:
    """The finding that blocks `text`, which is complete; None if it may be delivered.

    `lane`: that of the choice which says it, to remember all that was found.
    """
    reviewer = policy.reviewer()
    if reviewer is None:
        return None
    reviewer.feed(text)
    reviewer.flush()
    if lane is not None:
        lane.elsewhere += reviewer.findings
        if reviewer.blocked is None:
            lane.aside[text] = None
    return reviewer.blocked


def review_strings(
    policy: AnswerPolicy, value: Mapping[str, Any], known: frozenset[str], lane: Lane | None = None
) -> Finding | None:
    """Reviews each string under the keys that are not `known`, as it stands."""
    for key in [key for key in value if key not in known]:
        for _, text in string_leaves(value[key]):
            finding = review_text(policy, text, lane)
            if finding is not None:
                return finding
    return None


def review_names(
    policy: AnswerPolicy, value: Mapping[str, Any], keys: Iterable[str], lane: Lane | None = None
) -> Finding | None:
    """Reviews what stands under `keys`, where names and numbers belong, if it is anything else."""
    words = {key: value[key] for key in keys if key in value and not names_only(value[key])}
    return review_strings(policy, words, frozenset(), lane) if words else None


def review_keys(policy: AnswerPolicy, value: Any, lane: Lane | None = None) -> Finding | None:
    """Reviews the keys of all objects in `value` that are more than names."""
    odd = [key for key in keys_in(value) if not is_name(key)]
    return review_text(policy, "\n".join(odd), lane) if odd else None
