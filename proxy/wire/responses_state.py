"""How far a Responses stream has come: its items and parts, and what was delivered of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from labelers.explicit import Text
from proxy.errors import WireError
from proxy.lane import Piece, Refusal
from proxy.wire.answer import AnswerPolicy
from proxy.wire.jsonedit import JsonPath, replace_values
from proxy.wire.responses_channels import Channels
from proxy.wire.responses_frames import Came, Frames
from proxy.wire.responses_part import Part
from proxy.wire.responses_texts import FindPart, Texts

__all__ = ["Delivered", "Item", "Notice", "State"]


@dataclass(frozen=True, slots=True)
class Delivered:
    """An object inside an event that went out, put together only if somebody asks."""

    came: Came
    edits: dict[JsonPath, Any]
    key: str

    def value(self) -> dict[str, Any]:
        value = orjson.loads(replace_values(self.came.data, self.edits))[self.key]
        assert type(value) is dict
        return value


@dataclass(slots=True)
class Item:
    """One output item. `shown`: the content parts that were announced; `closed`: those whose text is done,
    `sealed`: those that are done. `final`: the item as we closed it, `shows`: we announced it ourselves.
    """

    index: int
    id: str = ""
    announced: Delivered | None = None
    done: Delivered | None = None
    parts: dict[int, Part] = field(default_factory=dict)
    shown: set[int] = field(default_factory=set)
    closed: set[int] = field(default_factory=set)
    sealed: set[int] = field(default_factory=set)
    final: dict[str, Any] | None = None
    shows: bool = False
    waiting: dict[int, list[tuple[Came, dict[JsonPath, Any]]]] = field(default_factory=dict)
    """Annotations by part, whose words were not delivered yet; with what else is edited in their events."""


@dataclass(frozen=True, slots=True)
class Notice:
    """The words that tell of a block, and the part in which it was found."""

    item: Item
    content_index: int
    refusal: Refusal


class State:
    def __init__(self, policy: AnswerPolicy) -> None:
        self.policy = policy
        self.texts = Texts(policy)
        self.frames = Frames()
        self.channels = Channels(policy, self.texts)
        self.items: dict[int, Item] = {}
        self.response: Delivered | None = None
        self.notice: Notice | None = None

    def item(self, event: dict[str, Any]) -> Item:
        index = event.get("output_index")
        if type(index) is not int:
            raise WireError("the upstream sent an event without the index of its output item")
        item = self.items.get(index)
        if item is None:
            item = self.items[index] = Item(index)
        name = event.get("item_id")
        if type(name) is str and not item.id:
            item.id = name
        return item

    def part(self, event: dict[str, Any]) -> tuple[Item, int, Part]:
        item = self.item(event)
        index = event.get("content_index")
        if type(index) is not int:
            raise WireError("the upstream sent text without the index of its content part")
        part = item.parts.get(index)
        if part is None:
            part = item.parts[index] = self.texts.part()
        return item, index, part

    def finder(self, position: int, value: Any) -> FindPart:
        """How the parts of an item of the final response are found: by its id, or else by its position."""
        name = value.get("id") if type(value) is dict else None
        for item in self.items.values():
            if item.id and item.id == name:
                return item.parts.get
        there = self.items.get(position)
        return there.parts.get if there is not None and not (there.id and name) else _unknown

    def say(
        self, item: Item, index: int, pieces: Sequence[Piece], logprobs: Sequence[Any] = ()
    ) -> list[bytes]:
        """Pieces as deltas, each its own; a refusal is kept for the end."""
        out: list[bytes] = []
        for piece in pieces:
            if type(piece) is Refusal:
                self.notice = self.notice or Notice(item, index, piece)
                continue
            spelt, logprobs = (logprobs, ()) if type(piece) is Text else ((), logprobs)
            out.append(self.delta(item, index, piece.text, spelt))
        self.texts.found(item.parts[index].lane.blocked)
        return out

    def delta(self, item: Item, index: int, text: str, logprobs: Sequence[Any] = ()) -> bytes:
        place = {"item_id": item.id, "output_index": item.index, "content_index": index}
        return self.frames.own("response.output_text.delta", {**place, "delta": text, "logprobs": logprobs})

    def finish(self, item: Item, index: int, whole: Any = None) -> list[bytes]:
        """Ends one part: the rest of its text, its end label, the annotations that waited."""
        part = item.parts[index]
        if part.ended:
            return []
        out = self.say(item, index, part.finish(whole if type(whole) is str else None))
        due = part.due_logprobs([])
        if due:
            out.append(self.delta(item, index, "", due))
        for came, edits in item.waiting.pop(index, ()):
            moved = self.texts.annotation(came.event.get("annotation"), part)
            if moved is not None and self.texts.blocked is None:
                part.annotations.append(moved)
                out.append(self.frames.passed(came, {**edits, ("annotation",): moved}, late=True))
        return out

    def finish_item(self, item: Item) -> list[bytes]:
        out: list[bytes] = []
        for index in sorted(item.parts):
            out += self.finish(item, index)
        return out + self.rest(self.channels.flush(index=item.index))

    def finish_all(self) -> list[bytes]:
        out: list[bytes] = []
        for index in sorted(self.items):
            out += self.finish_item(self.items[index])
        return out + self.rest(self.channels.flush())

    def rest(self, events: Any) -> list[bytes]:
        return [self.frames.own(kind, fields) for kind, fields in events]


def _unknown(_: int) -> None:
    return None
