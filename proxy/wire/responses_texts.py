"""All text of one response, streamed or not: what was reviewed and what became of it.

Strategy. The same words stand in a Responses answer up to five times (deltas, the part's done
events, the item, the final response). Each distinct string is reviewed once and remembered, so
repetitions come out alike and cost nothing. Text of the model for the reader (`output_text`) is
a `Part`: the lane puts marks and labels into it, and the lane's result is the same however the
text was cut, so a done event equals its deltas. The first finding that blocks is kept in
`blocked`; whoever edits values looks there before sending anything.

Source: OpenAI API reference, the Response object and its output items.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from labelers.explicit import Text
from proxy.errors import WireError
from proxy.lane import Lane, Refusal
from proxy.review.reviewer import Finding
from proxy.wire.answer import AnswerPolicy, review_text
from proxy.wire.arguments import ARGUMENTS, review_arguments
from proxy.wire.jsonedit import JsonPath
from proxy.wire.responses_part import Part
from proxy.wire.strings import is_name, keys_in, spelt_arguments, spelt_strings, string_leaves
from proxy.wire.whole import spells_blocked

__all__ = ["FindPart", "Texts", "check_media", "figures", "is_call", "known_members"]

# What tells the client that an answer was cut, and of which request it is.
_KEPT = frozenset({"id", "object", "created_at", "completed_at", "status", "model", "usage"})
# What a response repeats of its request. A hit there empties the copy; it does not block the answer.
_ECHOES: Mapping[str, Any] = {
    "instructions": None,
    "tools": [],
    "metadata": {},
    "text": None,
    "tool_choice": "auto",
    "prompt": None,
    "reasoning": None,
    "user": None,
    "safety_identifier": None,
    "prompt_cache_key": None,
    "aigc": None,
}
_IDENTIFIERS = frozenset(
    {
        "id",
        "model",
        "type",
        "status",
        "object",
        "role",
        "phase",
        "encrypted_content",
        "fingerprint",
        "obfuscation",
    }
)
# Hosted searches bring no arguments for anybody to act on; their text is reviewed as it comes.
_SEARCHES = frozenset({"web_search_call", "file_search_call", "image_generation_call"})
_CALL_EVENT = re.compile(r"response\.(\w+?_call)(?:[._]|\Z)")
_UNLABELLED_MEDIA = re.compile(r"audio|image|video")


def is_call(kind: object) -> bool:
    """Whether an item or event type belongs to a tool call, which is withheld until it has passed."""
    if type(kind) is not str:
        return False
    event = _CALL_EVENT.match(kind)
    kind = event.group(1) if event else kind
    return (kind.endswith("_call") and kind not in _SEARCHES) or kind in ("mcp_approval_request", "program")


def check_media(kind: object) -> None:
    """Raises WireError for content that is no text: it can be neither reviewed nor labelled here."""
    if type(kind) is str and _UNLABELLED_MEDIA.search(kind):
        raise WireError(f"the upstream sent {kind}, which can be neither reviewed nor labelled here")


def figures(usage: object) -> dict[str, Any] | None:
    """A usage object that holds figures and no text; None if there is none."""
    return usage if type(usage) is dict and next(string_leaves(usage), None) is None else None


def known_members(response: dict[str, Any]) -> dict[str, Any]:
    """A Response object without the members that hold text and are not known here."""
    known = {key: value for key, value in response.items() if key in _ECHOES or key == "output"}
    for key, value in response.items():
        if key in _KEPT or type(value) in (int, float, bool):
            words = [text for path, text in string_leaves({key: value}) if not _is_identifier(path, text)]
            if not words:
                known[key] = value
    return known


FindPart = Callable[[int], Part | None]


class Texts:
    """The texts of one response. Edits go into a mapping from path to new value, as `replace_values` takes it."""

    def __init__(self, policy: AnswerPolicy) -> None:
        self._policy = policy
        self._main = policy.lane(0)
        self._main_taken = False
        self.lanes: list[Lane] = [self._main]
        self.parts: list[Part] = []
        self.blocked: Finding | None = None
        # The position of the blocked item, if it was found in the final output.
        self.blocked_at: int | None = None
        self._known: dict[str, str] = {}
        self._passed: set[str] = set()
        self._arguments: dict[str, str] = {}
        self._echoes: dict[str, Any] = {}
        self._emptied: set[str] = set()
        self._told: list[str] = []

    # -- lanes

    def part(self) -> Part:
        """A new text for the reader. All parts of a response bear one content id: they are one answer."""
        lane = self._main
        if self._main_taken:
            lane = self._policy.lane(0)
            self.lanes.append(lane)
        self._main_taken = True
        part = Part(lane)
        self.parts.append(part)
        return part

    def end(self) -> None:
        """The response has ended; an answer without text says so in its lane."""
        if not self._main_taken:
            self._main.flush()

    def block(self) -> Refusal:
        """Ends a lane with what blocked, so that the record knows; the refusal for it."""
        assert self.blocked is not None
        for lane in self.lanes:
            if lane.blocked is not None:
                return Refusal(self._policy.refusal(self.blocked), 0, False)
        lane = self._main
        if lane.ended or self._main_taken:
            lane = self._policy.lane(0)
            self.lanes.append(lane)
        self._main_taken = True
        lane.block(self.blocked)
        return Refusal(self._policy.refusal(self.blocked), 0, False)

    @property
    def telling(self) -> Lane:
        """The lane that the AIGC object speaks of: the blocked one, else one that is labelled."""
        for lane in self.lanes:
            if lane.blocked is not None:
                return lane
        for lane in self.lanes:
            if lane.label is not None and lane.label.placed:
                return lane
        return self._main

    # -- strings

    def string(self, text: str) -> str:
        """A complete string as it may be delivered, without marks and labels."""
        known = self._known.get(text)
        if known is None:
            lane = Lane(self._policy.reviewer(), self._policy.refusal)
            known = "".join(p.text for p in (*lane.feed(text), *lane.flush()) if type(p) is Text)
            self._main.elsewhere += lane.findings
            self._main.aside[known] = None
            self.found(lane.blocked)
            self._known[text] = known
        return known

    def remember(self, came: str, delivered: str) -> None:
        """A string that was reviewed piece by piece."""
        self._known[came] = delivered

    def passes(self, text: str) -> None:
        """Reviews a string that is delivered as it is or not at all."""
        if text not in self._passed:
            self._passed.add(text)
            self.found(review_text(self._policy, text, self._main))

    def arguments(self, text: str) -> str:
        """What a tool is called with, as it may be delivered: masked, or not at all."""
        known = self._arguments.get(text)
        if known is None:
            known, finding = review_arguments(self._policy, self._main, text)
            self.found(finding)
            self._arguments[text] = known
        return known

    def found(self, finding: Finding | None) -> None:
        if self.blocked is None:
            self.blocked = finding

    # -- values

    def leaves(
        self, value: Any, path: JsonPath, edits: dict[JsonPath, Any], skip: frozenset[str] = frozenset()
    ) -> None:
        """Reviews every string under `value` but identifiers and the members that `skip` names; and the keys."""
        self.keys({key: None if key in skip else item for key, item in value.items()} if skip else value)
        for below, text in string_leaves(value):
            if (below and below[0] in skip) or _is_identifier(below, text):
                continue
            delivered = self.string(text)
            if delivered != text:
                edits[(*path, *below)] = delivered

    def call(self, value: Any, path: JsonPath, edits: dict[JsonPath, Any]) -> None:
        """Reviews a tool call: it passes, with what is to be masked masked, or is withheld."""
        self.keys(value)
        for text in spelt_arguments(value, ARGUMENTS):
            self.passes(text)
        for below, text in string_leaves(value):
            if _is_identifier(below, text):
                continue
            if not any(key in ARGUMENTS for key in below):
                self.passes(text)
            elif (delivered := self.arguments(text)) != text:
                edits[(*path, *below)] = delivered

    def keys(self, value: Any) -> None:
        """Reviews the keys of all objects in `value` that are more than names."""
        for key in keys_in(value):
            if not is_name(key):
                self.passes(key)

    def item(self, item: Any, path: JsonPath, edits: dict[JsonPath, Any], find: FindPart) -> None:
        """Reviews one output item. `find`: the part of its content that is known already, by index."""
        if type(item) is not dict:
            raise WireError("the upstream sent an output item that is not an object")
        kind = item.get("type")
        if kind == "image_generation_call" and item.get("result"):
            raise WireError("the upstream sent an image, which can be neither reviewed nor labelled here")
        if is_call(kind):
            self.call(item, path, edits)
            return
        content = item.get("content")
        if kind != "message" or type(content) is not list:
            self.leaves(item, path, edits)
            return
        self.leaves(item, path, edits, frozenset({"content"}))
        for at, value in enumerate(content):
            self.content(value, (*path, "content", at), edits, find(at))

    def content(
        self, value: Any, path: JsonPath, edits: dict[JsonPath, Any], part: Part | None = None
    ) -> None:
        """Reviews one content part of a message, labels its text and moves its annotations."""
        if type(value) is not dict:
            raise WireError("the upstream sent a content part that is not an object")
        kind = value.get("type")
        check_media(kind)
        if kind != "output_text" or type(value.get("text")) is not str:
            self.leaves(value, path, edits)
            return
        text = value["text"]
        if part is None:
            part = next((p for p in self.parts if p.ended and p.came == text), None) or self.part()
        part.finish(text)
        self.found(part.lane.blocked)
        self._told.append(part.text)
        if part.text != text:
            edits[(*path, "text")] = part.text
        annotations = value.get("annotations")
        if annotations:
            moved = self.annotations(annotations, part)
            if moved != annotations:
                edits[(*path, "annotations")] = moved
        logprobs = value.get("logprobs")
        if logprobs and (part.lane.rewritten or self.spells_blocked(logprobs)):
            edits[(*path, "logprobs")] = []
        self.leaves(value, path, edits, frozenset({"text", "annotations", "logprobs"}))

    def annotations(self, annotations: Any, part: Part) -> list[Any]:
        """Those annotations that can be moved to where their words stand now, moved."""
        listed = annotations if type(annotations) is list else []
        return [moved for moved in (self.annotation(a, part) for a in listed) if moved is not None]

    def annotation(self, annotation: Any, part: Part) -> Any:
        """One annotation with its indices moved; None if it must be dropped."""
        if type(annotation) is not dict:
            return None
        edits: dict[JsonPath, Any] = {}
        self.leaves(annotation, (), edits)
        if edits:
            return None
        moved = dict(annotation)
        for key in ("start_index", "end_index", "index"):
            index = annotation.get(key)
            if type(index) is not int or annotation.get("type") == "file_path":
                continue  # a file path is numbered among the files, not placed in the text
            place = part.place(index, end=key != "start_index")
            if place is None:
                return None
            moved[key] = place
        return moved

    def spells_blocked(self, logprobs: Any) -> bool:
        """Whether what the model might have said instead would be blocked; the answer stays."""
        return spells_blocked(self._policy, logprobs)

    def response(
        self,
        response: dict[str, Any],
        path: JsonPath,
        edits: dict[JsonPath, Any],
        find: Callable[[int, Any], FindPart],
    ) -> None:
        """Reviews a Response object. `find(position, item)`: how the parts of that item are found."""
        self._told = []
        for key, value in response.items():
            if not value or key in ("output", "output_text"):
                continue
            if key == "error":
                if not self._clean(value):
                    edits[(*path, "error")] = {
                        "code": "server_error",
                        "message": "the upstream reported an error",
                    }
            elif key in _ECHOES:
                self._echo(key, value, path, edits)
            else:
                self.leaves({key: value}, path, edits)
        output = response.get("output") or []
        if type(output) is not list:
            raise WireError("the upstream's output is not a list")
        for at, item in enumerate(output):
            if self.blocked is not None:
                return
            self.item(item, (*path, "output", at), edits, find(at, item))
            if self.blocked is not None:
                self.blocked_at = at
        if response.get("output_text"):
            # Some servers repeat all text in one string, as SDKs do for themselves.
            edits[(*path, "output_text")] = "".join(self._told)

    def _echo(self, key: str, value: Any, path: JsonPath, edits: dict[JsonPath, Any]) -> None:
        if self._echoes.get(key) != value:
            self._echoes[key] = value
            self._emptied.discard(key)
            if not self._clean(value):
                self._emptied.add(key)
        if key in self._emptied:
            edits[(*path, key)] = _ECHOES[key]

    def _clean(self, value: Any) -> bool:
        return all(review_text(self._policy, text) is None for text in spelt_strings(value))


def _is_identifier(path: JsonPath, text: str) -> bool:
    """Names and numbers of things, and ciphertext: no words for a reader, and random enough to hit a keyword."""
    key = path[-1] if path else ""
    named = type(key) is str and (key in _IDENTIFIERS or key.endswith("_id"))
    return named and text.isascii() and " " not in text
