"""What an exchange decided about one answer, as the wire sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from proxy.lane import Lane
from proxy.review.reviewer import Finding, Reviewer
from proxy.wire.strings import string_leaves

__all__ = ["AnswerPolicy", "review_strings", "review_text"]


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

    def moderation(self, lanes: Sequence[Lane] | None) -> dict[str, Any] | None:
        """The official moderation object of the whole answer; None if the request did not ask for one.

        `lanes`: one for each choice; None if the request was blocked and nothing was generated.
        """
        ...

    def aigc(self, lane: Lane, *, last: bool, retract: int | None = None) -> dict[str, Any] | None:
        """The object for a choice's first and last chunk, None if metadata is off.

        `retract`: where, in what was delivered, the withdrawn text begins.
        """
        ...


def review_text(policy: AnswerPolicy, text: str) -> Finding | None:
    """The finding that blocks `text`, which is complete; None if it may be delivered."""
    reviewer = policy.reviewer()
    if reviewer is None:
        return None
    reviewer.feed(text)
    reviewer.flush()
    return reviewer.blocked


def review_strings(policy: AnswerPolicy, value: Mapping[str, Any], known: frozenset[str]) -> Finding | None:
    """Reviews each string under the keys that are not `known`, as it stands."""
    for key in [key for key in value if key not in known]:
        for _, text in string_leaves(value[key]):
            finding = review_text(policy, text)
            if finding is not None:
                return finding
    return None
