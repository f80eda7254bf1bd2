"""Streamed answers that are made of choices: chat and legacy completions, which differ only in where text lives.

Strategy: the chunk that makes up nearly all of a stream (one choice, one string of text)
goes through its lane and out again byte for byte, or with that one string replaced. A rarer
chunk is taken apart and, if anything in it has to change, sent as several: role and other
channels first, then text and labels, then what finishes the choice. Tool calls are withheld
whole until their arguments have passed. Every other string of a delta, known or not, is a
text channel with a reviewer of its own. A `Shape` says where in a choice all this stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import orjson

from labelers.explicit import SEPARATOR, Text
from proxy.errors import WireError
from proxy.lane import Lane, Piece, Refusal
from proxy.review.reviewer import Finding
from proxy.wire.answer import AnswerPolicy, review_keys, review_names, review_strings, review_text
from proxy.wire.choice import Choice
from proxy.wire.jsonedit import JsonPath, replace_string, set_members
from proxy.wire.parts import parted, split_parts
from proxy.wire.rewriter import clean_frame, error_frame
from proxy.wire.sse import DONE, frame_data, frame_of
from proxy.wire.strings import names_only, nested, string_leaves

__all__ = ["ChoiceStream", "Shape"]

# What a chunk says about itself: identifiers and numbers, not text.
_TEMPLATE = frozenset({"id", "object", "created", "model", "system_fingerprint", "service_tier"})
_EVENT_META = _TEMPLATE | {"choices", "usage", "aigc", "obfuscation"}
# Those of them that are names, as long as nobody writes words there.
_NAMES = (*sorted(_TEMPLATE), "obfuscation")
_ELSEWHERE = frozenset({"choices", *_NAMES})


class Shape(Protocol):
    """One wire's choice in a stream. A delta is its text and other channels, by key."""

    text: str
    """The key of a delta under which the answer's text stands."""

    known: frozenset[str]
    """The keys of a choice whose values are read elsewhere; strings under others are reviewed as they stand."""

    def delta(self, choice: dict[str, Any]) -> dict[str, Any]:
        """Raises WireError for a choice that is not one of a stream."""
        ...

    def emptied(self, choice: dict[str, Any]) -> dict[str, Any]:
        """The choice without its delta and log-probabilities."""
        ...

    def choice(
        self, index: int, delta: dict[str, Any], finish: str | None, logprobs: dict[str, Any] | None
    ) -> dict[str, Any]: ...

    def refused(self, text: str, in_field: bool) -> dict[str, Any]:
        """The delta of the operator's words. `in_field`: JSON was asked for."""
        ...

    opening: dict[str, Any]
    """The delta with which an answer of our own begins; {} if the wire has none."""


# Far more than any server offers; a number beyond it is no choice of ours.
MAX_CHOICES = 4096


class ChoiceStream:
    """The dialect of a `StreamRewriter`; `shape` says which wire's."""

    terminator = frame_of(DONE)
    failure = staticmethod(error_frame)

    def __init__(self, policy: AnswerPolicy, shape: Shape) -> None:
        self._policy = policy
        self._shape = shape
        self._quoted = orjson.dumps(shape.text)
        self._expected = policy.expected
        self._choices: dict[int, Choice] = {}
        self._template: dict[str, Any] = {}
        self._last_names: list[Any] = []
        self.usage: dict[str, Any] | None = None
        self.complete = False
        self.cancelled = False
        self._told_of_prompt = self._told_of_answer = False

    @property
    def lanes(self) -> list[Lane]:
        return [self._choices[index].lane for index in sorted(self._choices)]

    def event(self, frame: bytes, data: bytes, event: dict[str, Any]) -> list[bytes]:
        choices = event.get("choices")
        usage = event.get("usage")
        if type(usage) is dict:
            self.usage = usage
        if type(choices) is not list or not choices:
            return self._without_choice(frame, data, event)
        if not self._template:
            self._template = {k: v for k, v in event.items() if k in _TEMPLATE and self._named(event, k)}
        if len(choices) == 1:
            return self._one(frame, data, event, choices[0])
        out: list[bytes] = []
        for at, choice in enumerate(choices):
            alone = {**event, "choices": [choice]}
            if at < len(choices) - 1:
                alone.pop("usage", None)
            part = orjson.dumps(alone)
            out += self._one(frame_of(part), part, alone, choice)
        return out

    def end(self) -> list[bytes]:
        """The stream ends without a finish chunk: what is held goes out, closed by its label."""
        out: list[bytes] = []
        for state in self._choices.values():
            if not state.ended:
                state.ended = True
                out += self._open(state, self._drain(state)[0])
        return out

    def estimate(self, usage: dict[str, Any]) -> bytes:
        """The usage chunk of an answer that was cut, if the client asked for one."""
        if not self._policy.include_usage:
            return b""
        said = {"choices": [], "usage": usage, "aigc": {"usage_estimated": True}}
        return frame_of(orjson.dumps({**self._template, **said}))

    # -- chunks

    def _without_choice(self, frame: bytes, data: bytes, event: dict[str, Any]) -> list[bytes]:
        error = event.get("error")
        if error:
            message = error.get("message") if type(error) is dict else error
            text = message if type(message) is str else "the upstream reported an error"
            if review_text(self._policy, text) is not None:
                text = "the upstream reported an error"
            raise WireError(text)
        # `choices: []` goes out for the usage chunk alone: several SDKs index the first choice of any other.
        if type(event.get("usage")) is not dict or not self._policy.include_usage:
            return []
        return [] if self._beside(event) is not None else [clean_frame(frame, data)]

    def _one(self, frame: bytes, data: bytes, event: dict[str, Any], choice: Any) -> list[bytes]:
        if (
            type(choice) is not dict
            or type(index := choice.get("index", 0)) is not int
            or not 0 <= index < MAX_CHOICES
        ):
            raise WireError("the upstream sent a choice that is not an object with a number")
        state = self._choices.get(index)
        if state is None:
            state = self._choices[index] = Choice(index, self._policy, self._shape.text)
        delta = self._shape.delta(choice)
        if state.ended:
            # After its finish chunk a choice can bring figures, but no text that nobody reviewed.
            if state.lane.blocked is not None or next(string_leaves(delta), None) is not None:
                return []
            return [] if self._rest_blocked(state, event, choice) else [clean_frame(frame, data)]
        content = delta.get(self._shape.text)
        if (
            type(content) is str
            and state.opened
            and len(delta) == 1
            and choice.get("finish_reason") is None
            and choice.get("logprobs") is None
            and choice.keys() <= self._shape.known
            and event.keys() <= _EVENT_META
            and event.get("usage") is None
            and event.get("aigc") is None
            and not state.fed
            and self._only_named(event)
        ):
            return self._text_chunk(state, frame, data, content)
        return self._rare_chunk(state, frame, data, event, choice, delta)

    def _only_named(self, event: dict[str, Any]) -> bool:
        """Whether names stand where names belong; those that stood there in the last chunk are."""
        names = [*map(event.get, _TEMPLATE)]
        if names != self._last_names:
            if not all(map(names_only, names)):
                return False
            self._last_names = names
        return names_only(event.get("obfuscation"))

    def _text_chunk(self, state: Choice, frame: bytes, data: bytes, content: str) -> list[bytes]:
        pieces = state.lane.feed(content)
        if len(pieces) == 1 and type(piece := pieces[0]) is Text:
            if piece.text == content:
                return [clean_frame(frame, data)]
            edited = replace_string(data, self._quoted, content, piece.text)
            if edited is not None:
                return [frame_of(edited.replace(b"\n", b" "))]
        return self._open(state, self._send(state, pieces)) if pieces else []

    def _rare_chunk(
        self,
        state: Choice,
        frame: bytes,
        data: bytes,
        event: dict[str, Any],
        choice: dict[str, Any],
        delta: dict[str, Any],
    ) -> list[bytes]:
        blocked = self._rest_blocked(state, event, choice)
        if blocked is not None:
            return self._open(state, self._send(state, state.lane.block(blocked)))
        content = delta.get(self._shape.text)
        if type(content) is list:
            state.listed = True
            content, others = split_parts(content)
            delta = {**delta, self._shape.text: others or None}
        lead, changed, blocked = state.take_channels(delta)
        if blocked is not None:
            return self._open(state, self._send(state, state.lane.block(blocked)))
        content = content if type(content) is str else ""
        pieces = state.lane.feed(content) if content else ()
        changed |= state.take_logprobs(choice.get("logprobs"), content, pieces)
        finish = choice.get("finish_reason")
        rest: list[bytes] = []
        if finish is not None and not state.lane.ended:
            rest, blocked = self._drain(state)
        state.ended = state.ended or finish is not None
        if state.lane.blocked is not None:
            out = [self._chunk(state, lead)] if lead else []
            return self._open(state, [*out, *self._send(state, pieces), *rest])
        if not content and not changed:
            return self._open(state, [*rest, clean_frame(frame, data)], last=finish is not None)
        unchanged = len(pieces) == 1 and type(pieces[0]) is Text and pieces[0].text == content
        if unchanged and not changed and not rest and finish is None:
            return self._open(state, [clean_frame(frame, data)])
        return self._open(
            state, self._taken_apart(state, event, choice, lead, pieces, rest), last=finish is not None
        )

    def _taken_apart(
        self,
        state: Choice,
        event: dict[str, Any],
        choice: dict[str, Any],
        lead: dict[str, Any],
        pieces: Sequence[Piece],
        rest: list[bytes],
    ) -> list[bytes]:
        """The chunk as several: channels, text and labels, and last what was neither."""
        out: list[bytes] = []
        if lead:
            said = self._shape.delta(choice)
            if "role" in lead and "content" in said and "content" not in lead:
                # Text follows in chunks of its own; where there is none, null stays null.
                lead = {**lead, "content": None if said["content"] is None else ""}
            out.append(self._chunk(state, lead))
        out += self._send(state, pieces)
        out += rest
        remains = self._shape.emptied(choice)
        if (
            choice.get("finish_reason") is not None
            or event.get("usage") is not None
            or not event.keys() <= _EVENT_META
            or any(remains[key] is not None for key in remains.keys() - self._shape.known)
        ):
            out.append(frame_of(orjson.dumps({**event, "choices": [remains]})))
        return out

    # -- the parts of a chunk

    def _rest_blocked(self, state: Choice, event: dict[str, Any], choice: dict[str, Any]) -> Finding | None:
        policy, lane = self._policy, state.lane
        return (
            self._beside(event, lane)
            or review_names(policy, choice, ("finish_reason",), lane)
            or review_strings(policy, self._shape.emptied(choice), self._shape.known, lane)
            or review_keys(policy, {**choice, "logprobs": None}, lane)
        )

    def _beside(self, event: dict[str, Any], lane: Lane | None = None) -> Finding | None:
        """What a chunk says besides its choices, and under which keys it says anything."""
        return (
            review_strings(self._policy, event, _ELSEWHERE, lane)
            or review_names(self._policy, event, _NAMES, lane)
            or review_keys(self._policy, {**event, "choices": None}, lane)
        )

    def _named(self, event: dict[str, Any], key: str) -> bool:
        return review_names(self._policy, event, (key,)) is None

    def _drain(self, state: Choice) -> tuple[list[bytes], Finding | None]:
        """The choice has ended: the rest of every channel, the end label, the withheld tool calls."""
        out: list[bytes] = []
        for path, text, finding in state.drain_channels():
            if finding is not None:
                return out + self._send(state, state.lane.block(finding)), finding
            if text:
                out.append(self._chunk(state, nested(path, text)))
        finding = state.review_tools()
        if finding is not None:
            return out + self._send(state, state.lane.block(finding)), finding
        out += self._send(state, state.lane.flush())
        if state.lane.blocked is None:
            out += [self._chunk(state, delta) for delta in state.withheld]
        state.withheld = []
        return out, state.lane.blocked

    # -- frames of our own

    def _send(self, state: Choice, pieces: Sequence[Piece]) -> list[bytes]:
        out: list[bytes] = []
        for piece in pieces:
            if type(piece) is Refusal:
                out += self._refused(state, piece)
                continue
            spelt = state.spelt(piece.text) if type(piece) is Text else None
            said: Any = parted(piece.text) if state.listed else piece.text
            out.append(self._chunk(state, {self._shape.text: said}, logprobs=spelt))
        return out

    def _refused(self, state: Choice, refusal: Refusal) -> Iterable[bytes]:
        out: list[bytes] = []
        if self._shape.opening and not state.role:
            state.role = True
            out.append(self._chunk(state, self._shape.opening))
        text = refusal.text
        if refusal.partial and not self._policy.refusal_field:
            # The end label before it keeps a line of its own.
            text = SEPARATOR + text
        out.append(self._chunk(state, self._shape.refused(text, self._policy.refusal_field)))
        retract = refusal.from_char if refusal.partial else None
        aigc = self._policy.aigc(state.lane, last=True, retract=retract)
        out.append(self._chunk(state, {}, finish="content_filter", aigc=aigc))
        state.ended = True
        state.withheld = []
        return out

    def _chunk(
        self,
        state: Choice,
        delta: dict[str, Any],
        *,
        finish: str | None = None,
        logprobs: dict[str, Any] | None = None,
        aigc: dict[str, Any] | None = None,
    ) -> bytes:
        choice = self._shape.choice(state.index, delta, finish, logprobs)
        event = {**self._template, "choices": [choice]}
        if aigc is not None:
            event["aigc"] = aigc
        return frame_of(orjson.dumps(event))

    def _open(self, state: Choice, frames: list[bytes], *, last: bool = False) -> list[bytes]:
        """Puts the AIGC object into the choice's first and last frame, and keeps the books."""
        if frames and not state.opened:
            state.opened = True
            members = self._aigc(state, last=False)
            if not self._told_of_prompt:
                self._told_of_prompt = True
                members |= self._policy.prompt_members()
            frames[0] = _with_members(frames[0], members)
        if frames and last:
            frames[-1] = _with_members(frames[-1], self._aigc(state, last=True))
        if state.ended:
            choices = self._choices.values()
            self.complete = len(choices) >= self._expected and all(c.ended for c in choices)
            self.cancelled = self.complete and all(c.lane.blocked is not None for c in choices)
            if frames:
                frames[-1] = _with_members(
                    frames[-1], self._policy.choice_members(state.lane), of_choice=True
                )
            if self.complete and frames and not self._told_of_answer:
                self._told_of_answer = True
                frames[-1] = _with_members(frames[-1], self._policy.answer_members(self.lanes))
        return frames

    def _aigc(self, state: Choice, *, last: bool) -> dict[str, Any]:
        aigc = self._policy.aigc(state.lane, last=last)
        return {} if aigc is None else {"aigc": aigc}


def _with_members(frame: bytes, members: dict[str, Any], *, of_choice: bool = False) -> bytes:
    """The frame with more members of its event, or of its one choice."""
    data = frame_data(frame) if members else None
    if data is None:
        return frame
    event = orjson.loads(data)
    path: JsonPath = ("choices", 0) if of_choice else ()
    return frame_of(set_members(data, members, event["choices"][0] if of_choice else event, path))
