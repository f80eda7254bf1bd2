"""What the exchange needs of one wire: where text lives in its requests, answers and events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from proxy.lane import Lane
from proxy.review.reviewer import Finding
from proxy.wire.answer import AnswerPolicy
from proxy.wire.jsonedit import JsonPath
from proxy.wire.rewriter import Dialect

__all__ = ["AnswerStream", "Asks", "Endpoint", "WholeAnswer"]


@dataclass(frozen=True, slots=True)
class Asks:
    """What a request asks for, as far as a decision hangs on it.

    `json_output`: JSON or a grammar, in which a label would break something. `prefix`: the model
    goes on with a text whose start the client has already shown. `unlabelled`: why a label in
    the text would break this answer ("fim", "json"), or "". `echo`: for each choice the text of the
    caller that the answer repeats before it goes on; empty where nothing is repeated. `moderation`: the
    answer is to tell what review found; the member of that name is taken out of the request.
    """

    model: str
    streamed: bool = False
    n: int = 1
    include_usage: bool = False
    json_output: bool = False
    logprobs: bool = False
    prefix: bool = False
    unlabelled: str = ""
    last_user: str = ""
    echo: tuple[str, ...] = ()
    moderation: bool = False


class AnswerStream(Dialect, Protocol):
    """The dialect of one streamed answer, and what the record wants to know of it."""

    usage: dict[str, Any] | None

    @property
    def lanes(self) -> Sequence[Lane]: ...

    def estimate(self, usage: dict[str, Any]) -> bytes:
        """The frames that tell the usage of an answer that was cut; b"" if the client did not ask."""
        ...


class WholeAnswer(Protocol):
    """One unstreamed answer."""

    usage: dict[str, Any] | None

    @property
    def lanes(self) -> Sequence[Lane]: ...

    def rewrite(self, raw: bytes) -> bytes:
        """The body for the client. Raises WireError for one that cannot be read."""
        ...


class Endpoint(Protocol):
    """One wire. Stateless; one literal table in `proxy.wire` names them all."""

    path: str
    """Below the base URL: "/chat/completions"."""

    param: str
    """The request member that a refused input is blamed on: "messages"."""

    generates: bool
    """Whether the answer is generated text: labelled, marked and reviewed. Else it is relayed."""

    def check(self, body: dict[str, Any]) -> None:
        """Refuses what cannot be reviewed or is malformed. Raises ApiError (400)."""
        ...

    def asks(self, body: dict[str, Any]) -> Asks: ...

    def texts(self, body: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """(role, text) of everything that the model would read."""
        ...

    def history(
        self, body: dict[str, Any], strip_labels: Callable[[str], str], strip_marks: Callable[[str], str]
    ) -> Mapping[JsonPath, str]:
        """Where our own labels and marks stand in what clients send back, with the text without them."""
        ...

    def stream(self, policy: AnswerPolicy) -> AnswerStream: ...

    def whole(self, policy: AnswerPolicy) -> WholeAnswer: ...

    def refusal(self, policy: AnswerPolicy, text: str, blocked: Finding, created: int) -> bytes:
        """A blocked request, not streamed. `created`: Unix seconds."""
        ...

    def refusal_stream(self, policy: AnswerPolicy, text: str, blocked: Finding, created: int) -> bytes: ...

    def as_stream(self, raw: bytes) -> bytes:
        """A whole answer as the events it should have been. Raises WireError."""
        ...

    def as_whole(self, raw: bytes) -> bytes:
        """A streamed answer as the body it should have been. Raises WireError."""
        ...
