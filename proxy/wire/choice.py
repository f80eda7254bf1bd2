"""One choice of a stream of choices: its lane, its other channels, and what of it waits.

Every string of a delta beside the text is a channel with a reviewer of its own and may go out as it passes. Tool
calls are withheld until their arguments are whole, and log-probabilities until the text that they spell is out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from labelers.explicit import Text
from proxy.lane import Lane, Piece
from proxy.review.reviewer import Finding
from proxy.wire.answer import AnswerPolicy, channel_lane, review_text
from proxy.wire.arguments import ARGUMENTS, review_arguments
from proxy.wire.jsonedit import JsonPath
from proxy.wire.strings import is_name, spelt_arguments, spelt_strings, string_leaves, with_strings

__all__ = ["Choice"]

_TOOL_KEYS = ("tool_calls", "function_call")
# Leaves inside a channel that name or number it: as long as they are names, they are reviewed as they stand and
# never held back.
_LEAF_META = frozenset({"id", "type", "format", "name", "role", "signature", "object", "status", "data"})


class Choice:
    """One choice of a streamed answer. `text`: the key of a delta under which the answer's text stands."""

    __slots__ = (
        "_policy",
        "_text",
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

    def __init__(self, index: int, policy: AnswerPolicy, text: str) -> None:
        self.index = index
        self.lane = policy.lane(index)
        self._policy, self._text = policy, text
        # `listed`: its content comes as lists of parts.
        self.opened = self.ended = self.role = self.listed = False
        self.channels: dict[JsonPath, Lane] = {}
        self.tools: dict[tuple[Any, ...], list[str]] = {}
        self.withheld: list[dict[str, Any]] = []
        # Where log-probabilities were asked for: characters fed to the lane, sent by it, and what waits.
        self.fed = self.sent = 0
        self.logprobs: list[tuple[int, dict[str, Any]]] = []

    def take_channels(self, delta: dict[str, Any]) -> tuple[dict[str, Any], bool, Finding | None]:
        """All of a delta but its text: what of it may go out now, whether that differs, what blocks."""
        lead: dict[str, Any] = {}
        changed = False
        for key, value in delta.items():
            if key in _TOOL_KEYS:
                if value:
                    self._withhold(key, value)
                    changed = True
                continue
            if key == self._text and (value is None or type(value) is str):
                continue
            self.role = self.role or key == "role"
            released: dict[JsonPath, str] = {}
            for path, text in string_leaves(value):
                channel = self.channels.get((key, *path))
                if channel is None and is_name(text) and _names_something(key, path):
                    finding = review_text(self._policy, text, self.lane)
                else:
                    if channel is None:
                        channel = self.channels[(key, *path)] = channel_lane(self._policy, self.lane)
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

    def _withhold(self, key: str, value: Any) -> None:
        self.withheld.append({key: value})
        for number, call in _numbered(value):
            for path, text in string_leaves(call):
                self.tools.setdefault((key, number, *path), []).append(text)
            for text in spelt_arguments(call, ARGUMENTS):
                self.tools.setdefault((key, number, "spelt"), []).append(text + "\n")

    def take_logprobs(self, logprobs: Any, content: str, pieces: Sequence[Piece]) -> bool:
        """Log-probabilities spell the answer: they wait for its text. True if the chunk must be taken apart."""
        if not logprobs and not self.fed:
            return False
        self.fed += len(content)
        if not logprobs:
            return bool(self.logprobs)
        if type(logprobs) is not dict or review_text(self._policy, "\n".join(spelt_strings(logprobs))):
            return True  # they are left out
        held = "".join(p.text for p in pieces if type(p) is Text) != content
        whole = len(pieces) == 1 or (not content and self.sent + len(content) == self.fed)
        if not held and not self.logprobs and whole:
            self.sent += len(content)
            return False
        self.logprobs.append((self.fed, logprobs))
        return True

    def spelt(self, text: str) -> dict[str, Any] | None:
        """`text` goes out now: the log-probabilities that have waited for it."""
        self.sent += len(text)
        if self.lane.rewritten:
            # They would spell what was masked.
            self.logprobs = []
        due = [entry for end, entry in self.logprobs if end <= self.sent]
        if not due:
            return None
        self.logprobs = self.logprobs[len(due) :]
        merged = dict(due[0])
        for entry in due[1:]:
            for key, value in entry.items():
                if type(value) is list:
                    merged[key] = [*(merged.get(key) or []), *value]
        return merged

    def drain_channels(self) -> Iterator[tuple[JsonPath, str, Finding | None]]:
        """The choice has ended: what each channel still held, or what blocks it."""
        for path, channel in self.channels.items():
            text = "".join(piece.text for piece in channel.flush() if type(piece) is Text)
            yield path, text, channel.blocked

    def review_tools(self) -> Finding | None:
        """Reviews the withheld calls, whole; where words are masked, the first fragment says it all."""
        masked: dict[tuple[Any, ...], str] = {}
        for path, parts in self.tools.items():
            text = "".join(parts)
            if not ARGUMENTS.intersection(path):
                finding = review_text(self._policy, text, self.lane)
            else:
                delivered, finding = review_arguments(self._policy, self.lane, text)
                if delivered != text:
                    masked[path] = delivered
            if finding is not None:
                return finding
        if masked:
            for fragment in self.withheld:
                for key, value in fragment.items():
                    fragment[key] = _with_masked(key, value, masked)
        return None


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
