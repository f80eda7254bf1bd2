"""Streamed answers that are made of choices: chat and legacy completions, which differ only in where text lives.

Strategy: the chunk that makes up nearly all of a stream (one choice, one string of text)
goes through its lane and out again byte for byte, or with that one string replaced. A rarer
chunk is taken apart and, if anything in it has to change, sent as several: role and other
channels first, then text and labels, then what finishes the choice. Tool calls are withheld
whole until their arguments have passed. Every other string of a delta, known or not, is a
text channel with a reviewer of its own. A `Shape` says where in a choice all this stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import orjson

from labelers.explicit import SEPARATOR, Text
from proxy.errors import WireError
from proxy.lane import Lane, Piece, Refusal
from proxy.review.reviewer import Finding
from proxy.wire.answer import (
    AnswerPolicy,
    channel_lane,
    review_keys,
    review_names,
    review_strings,
    review_text,
)
from proxy.wire.arguments import ARGUMENTS, review_arguments
from proxy.wire.jsonedit import JsonPath, replace_string, set_members
from proxy.wire.parts import parted, split_parts
from proxy.wire.rewriter import clean_frame, error_frame
from proxy.wire.sse import DONE, frame_data, frame_of
from proxy.wire.strings import (
    is_name,
    names_only,
    spelt_arguments,
    spelt_strings,
    string_leaves,
    with_strings,
)

__all__ = ["ChoiceStream", "Shape"]

# What a chunk says about itself: identifiers and numbers, not text.
_TEMPLATE = frozenset({"id", "object", "created", "model", "system_fingerprint", "service_tier"})
_EVENT_META = _TEMPLATE | {"choices", "usage", "aigc", "obfuscation"}
# Those of them that are names, as long as nobody writes words there.
_NAMES = (*sorted(_TEMPLATE), "obfuscation")
_ELSEWHERE = frozenset({"choices", *_NAMES})
_TOOL_KEYS = ("tool_calls", "function_call")
# Leaves inside a channel that name or number it: as long as they are names, they are reviewed as they stand and
# never held back.
_LEAF_META = frozenset({"id", "type", "format", "name", "role", "signature", "object", "status", "data"})


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


class _Choice:
    """One choice of a streamed answer."""

    __slots__ = (
        "channels",
        "ended",
        "fed",
        "index",
        "lane",
        "listed",
        "logprobs",
        "opened",
        "role",
        "sent",
        "tools",
        "withheld",
    )

    def __init__(self, index: int, lane: Lane) -> None:
        self.index = index
        self.lane = lane
        # `listed`: its content comes as lists of parts.
        self.opened = self.ended = self.role = self.listed = False
        self.channels: dict[JsonPath, Lane] = {}
        self.tools: dict[tuple[Any, ...], list[str]] = {}
        self.withheld: list[dict[str, Any]] = []
        # Where log-probabilities were asked for: characters fed to the lane, sent by it, and what waits.
        self.fed = self.sent = 0
        self.logprobs: list[tuple[int, dict[str, Any]]] = []


class ChoiceStream:
    """The dialect of a `StreamRewriter`; `shape` says which wire's."""

    terminator = frame_of(DONE)
    failure = staticmethod(error_frame)

    def __init__(self, policy: AnswerPolicy, shape: Shape) -> None:
        self._policy = policy
        self._shape = shape
        self._quoted = orjson.dumps(shape.text)
        self._expected = policy.expected
        self._choices: dict[int, _Choice] = {}
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
            state = self._choices[index] = _Choice(index, self._policy.lane(index))
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

    def _text_chunk(self, state: _Choice, frame: bytes, data: bytes, content: str) -> list[bytes]:
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
        state: _Choice,
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
        lead, changed, blocked = self._channels(state, delta)
        if blocked is not None:
            return self._open(state, self._send(state, state.lane.block(blocked)))
        content = content if type(content) is str else ""
        pieces = state.lane.feed(content) if content else ()
        changed |= self._logprobs(state, choice, content, pieces)
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
        state: _Choice,
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

    def _rest_blocked(self, state: _Choice, event: dict[str, Any], choice: dict[str, Any]) -> Finding | None:
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

    def _channels(self, state: _Choice, delta: dict[str, Any]) -> tuple[dict[str, Any], bool, Finding | None]:
        """All of a delta but its content: what of it may go out now, whether that differs, what blocks."""
        lead: dict[str, Any] = {}
        changed = False
        for key, value in delta.items():
            if key in _TOOL_KEYS:
                if value:
                    self._withhold(state, key, value)
                    changed = True
                continue
            if key == self._shape.text and (value is None or type(value) is str):
                continue
            state.role = state.role or key == "role"
            released: dict[JsonPath, str] = {}
            for path, text in string_leaves(value):
                channel = state.channels.get((key, *path))
                if channel is None and is_name(text) and _names_something(key, path):
                    finding = review_text(self._policy, text, state.lane)
                else:
                    if channel is None:
                        channel = state.channels[(key, *path)] = channel_lane(self._policy, state.lane)
                    out = "".join(piece.text for piece in channel.feed(text) if type(piece) is Text)
                    finding = channel.blocked
                    if out != text:
                        released[path] = out
                if finding is not None:
                    return lead, changed, finding
            if released:
                changed = True
                value = with_strings(value, released)
            if value or not released:
                lead[key] = value
        return lead, changed, None

    def _withhold(self, state: _Choice, key: str, value: Any) -> None:
        state.withheld.append({key: value})
        for number, call in _numbered(value):
            for path, text in string_leaves(call):
                state.tools.setdefault((key, number, *path), []).append(text)
            for text in spelt_arguments(call, ARGUMENTS):
                state.tools.setdefault((key, number, "spelt"), []).append(text + "\n")

    def _logprobs(
        self, state: _Choice, choice: dict[str, Any], content: str, pieces: Sequence[Piece]
    ) -> bool:
        """Log-probabilities spell the answer: they wait for its text. True if the chunk must be taken apart."""
        logprobs = choice.get("logprobs")
        if not logprobs and not state.fed:
            return False
        state.fed += len(content)
        if not logprobs:
            return bool(state.logprobs)
        if type(logprobs) is not dict or review_text(self._policy, "\n".join(spelt_strings(logprobs))):
            return True  # they are left out
        held = "".join(p.text for p in pieces if type(p) is Text) != content
        whole = len(pieces) == 1 or (not content and state.sent + len(content) == state.fed)
        if not held and not state.logprobs and whole:
            state.sent += len(content)
            return False
        state.logprobs.append((state.fed, logprobs))
        return True

    def _drain(self, state: _Choice) -> tuple[list[bytes], Finding | None]:
        """The choice has ended: the rest of every channel, the end label, the withheld tool calls."""
        out: list[bytes] = []
        for path, channel in state.channels.items():
            text = "".join(piece.text for piece in channel.flush() if type(piece) is Text)
            if channel.blocked is not None:
                return out + self._send(state, state.lane.block(channel.blocked)), channel.blocked
            if text:
                out.append(self._chunk(state, _nested(path, text)))
        finding = self._tools(state)
        if finding is not None:
            return out + self._send(state, state.lane.block(finding)), finding
        out += self._send(state, state.lane.flush())
        if state.lane.blocked is None:
            out += [self._chunk(state, delta) for delta in state.withheld]
        state.withheld = []
        return out, state.lane.blocked

    def _tools(self, state: _Choice) -> Finding | None:
        """Reviews the withheld calls, whole; where words are masked, the first fragment says it all."""
        masked: dict[tuple[Any, ...], str] = {}
        for path, parts in state.tools.items():
            text = "".join(parts)
            if not ARGUMENTS.intersection(path):
                finding = review_text(self._policy, text, state.lane)
            else:
                delivered, finding = review_arguments(self._policy, state.lane, text)
                if delivered != text:
                    masked[path] = delivered
            if finding is not None:
                return finding
        if masked:
            for fragment in state.withheld:
                for key, value in fragment.items():
                    fragment[key] = _with_masked(key, value, masked)
        return None

    # -- frames of our own

    def _send(self, state: _Choice, pieces: Sequence[Piece]) -> list[bytes]:
        out: list[bytes] = []
        for piece in pieces:
            if type(piece) is Refusal:
                out += self._refused(state, piece)
                continue
            spelt: dict[str, Any] | None = None
            if type(piece) is Text:
                state.sent += len(piece.text)
                if state.logprobs:
                    spelt = self._due_logprobs(state)
            said: Any = parted(piece.text) if state.listed else piece.text
            out.append(self._chunk(state, {self._shape.text: said}, logprobs=spelt))
        return out

    def _due_logprobs(self, state: _Choice) -> dict[str, Any] | None:
        if state.lane.rewritten:
            # They would spell what was masked.
            state.logprobs = []
        due = [entry for end, entry in state.logprobs if end <= state.sent]
        if not due:
            return None
        state.logprobs = state.logprobs[len(due) :]
        merged = dict(due[0])
        for entry in due[1:]:
            for key, value in entry.items():
                if type(value) is list:
                    merged[key] = [*(merged.get(key) or []), *value]
        return merged

    def _refused(self, state: _Choice, refusal: Refusal) -> Iterable[bytes]:
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
        state: _Choice,
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

    def _open(self, state: _Choice, frames: list[bytes], *, last: bool = False) -> list[bytes]:
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

    def _aigc(self, state: _Choice, *, last: bool) -> dict[str, Any]:
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


def _numbered(calls: Any) -> Iterator[tuple[Any, Any]]:
    """Each call or fragment of one with the number that tells which call it belongs to."""
    for at, call in enumerate(calls if type(calls) is list else [calls]):
        yield (call.get("index", at) if type(call) is dict else at), call


def _with_masked(key: str, calls: Any, masked: dict[tuple[Any, ...], str]) -> Any:
    """The fragments of `calls` with each masked text in the first that speaks, and nothing in the others."""
    rewritten = []
    for number, call in _numbered(calls):
        here: dict[JsonPath, str] = {}
        for path, _ in string_leaves(call):
            whole = (key, number, *path)
            if whole in masked:
                here[path], masked[whole] = masked[whole], ""
        rewritten.append(with_strings(call, here) if here else call)
    return rewritten if type(calls) is list else rewritten[0]


def _names_something(key: str, path: JsonPath) -> bool:
    return key == "role" or (bool(path) and path[-1] in _LEAF_META)


def _nested(path: JsonPath, text: str) -> dict[str, Any]:
    """The smallest delta that holds `text` at `path`."""
    value: Any = text
    for step in reversed(path):
        value = {step: value} if type(step) is str else [value]
    assert type(value) is dict
    return value
