"""The texts of a Responses stream that come in deltas and bear no label: reasoning, refusals, what is unknown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labelers.explicit import Text
from proxy.lane import Lane
from proxy.wire.answer import AnswerPolicy, channel_lane
from proxy.wire.jsonedit import JsonPath
from proxy.wire.responses_frames import INDICES
from proxy.wire.responses_texts import Texts
from proxy.wire.strings import nested, string_leaves

__all__ = ["Channel", "Channels", "place_of"]


def place_of(event: dict[str, Any]) -> tuple[Any, ...]:
    """Which text of the response an event speaks of. Ids are asked only where there is no position."""
    place = tuple(event.get(key) for key in INDICES)
    return place if place[0] is not None else (*place, event.get("item_id"))


class Channel:
    """One such text. `path`: where it stands in its events; `about`: what they say besides."""

    __slots__ = ("_came", "_lane", "_said", "about", "kind", "path", "place")

    def __init__(self, lane: Lane, event: dict[str, Any], path: JsonPath) -> None:
        self._lane = lane
        self._came: list[str] = []
        self._said: list[str] = []
        self.kind: str = event["type"]
        self.place = place_of(event)
        self.about = {k: v for k, v in event.items() if k in INDICES or k == "item_id"}
        self.path = path

    @property
    def said(self) -> str:
        return "".join(self._said)

    def feed(self, text: str, texts: Texts) -> str:
        self._came.append(text)
        return self._keep(self._lane.feed(text), texts)

    def flush(self, texts: Texts) -> str:
        ended = self._lane.ended
        rest = self._keep(self._lane.flush(), texts)
        if not ended and self._lane.blocked is None:
            texts.remember("".join(self._came), self.said)
        return rest

    def _keep(self, pieces: Any, texts: Texts) -> str:
        texts.found(self._lane.blocked)
        released = "".join(piece.text for piece in pieces if type(piece) is Text)
        self._said.append(released)
        return released


class Channels:
    """All of them. A text goes on as long as type, position and path of its deltas are the same."""

    def __init__(self, policy: AnswerPolicy, texts: Texts) -> None:
        self._policy = policy
        self._texts = texts
        self._all: dict[tuple[Any, ...], Channel] = {}

    def feed(self, event: dict[str, Any], path: JsonPath, text: str, lead: JsonPath = ()) -> str:
        """What may be released of a text that stands at `path` below `lead` in its event."""
        key = (event["type"], place_of(event), *lead, *path)
        channel = self._all.get(key)
        if channel is None:
            lane = channel_lane(self._policy, self._texts.lanes[0])
            channel = self._all[key] = Channel(lane, event, (*lead, *path))
        return channel.feed(text, self._texts)

    def leaves(self, event: dict[str, Any], lead: JsonPath, value: Any, edits: dict[JsonPath, Any]) -> bool:
        """Feeds every string under `value`, which stands at `lead`. False if nothing of them is released."""
        spoke = released = False
        self._texts.keys(value)
        for path, text in string_leaves(value):
            spoke = True
            out = self.feed(event, path, text, lead)
            released = released or bool(out)
            if out != text:
                edits[(*lead, *path)] = out
        return released or not spoke

    def flush(
        self, kind: str = "", place: tuple[Any, ...] = (), index: int | None = None
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Ends those of one type and place, or of one output item, or all; type and members of the last events."""
        for channel in self._all.values():
            if kind and (channel.kind, channel.place) != (kind, place):
                continue
            if index is not None and channel.place[0] != index:
                continue
            rest = channel.flush(self._texts)
            if rest:
                # Where the text stood beside a delta, its readers still look for that.
                delta = {"delta": ""} if channel.kind.endswith(".delta") else {}
                yield channel.kind, {**channel.about, **delta, **nested(channel.path, rest)}

    def of(self, index: int, kind: str) -> Iterator[Channel]:
        """The texts of one output item that come in deltas of one type."""
        return (c for c in self._all.values() if c.place[0] == index and c.kind == kind)
