"""The frames of a Responses stream: its event lines and sequence numbers.

Each frame is `event: <type>`, `data: <json>`. Events that we add or keep back shift the numbers
of all that follow; where no number changes and nothing else does, the frame is the very bytes
that came.

Source: OpenAI API reference, Responses streaming events (`sequence_number`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from proxy.errors import WireError
from proxy.wire.jsonedit import JsonPath, append_member, replace_values

__all__ = ["INDICES", "Came", "Frames", "event_frame"]

# Where in the response an event's text stands.
INDICES = ("output_index", "content_index", "summary_index", "command_index")
# A type goes into a line of its own, so it must not hold a line break.
_TYPE = re.compile(r"[A-Za-z0-9_.:-]{1,200}")
_NUMBER = re.compile(rb'"sequence_number":[ ]?[0-9]+')


@dataclass(frozen=True, slots=True)
class Came:
    """One event of the upstream. Raises WireError if its type could not stand in a line."""

    frame: bytes
    data: bytes
    event: dict[str, Any]
    type: str

    @classmethod
    def of(cls, frame: bytes, data: bytes, event: dict[str, Any]) -> Came:
        kind = event.get("type")
        if type(kind) is not str or not _TYPE.fullmatch(kind):
            raise WireError("the upstream sent an event without a type")
        for key in INDICES:
            if type(event.get(key)) not in (int, type(None)):
                raise WireError(f"the upstream sent an event whose {key} is no number")
        if type(event.get("sequence_number", 0)) is not int:
            raise WireError("the upstream sent an event whose sequence_number is no number")
        for key in ("item_id", "obfuscation"):
            value = event.get(key, "")
            if type(value) is not str or not value.isascii():
                raise WireError(f"the upstream sent an event with text as its {key}")
        return cls(frame, data, event, kind)

    @property
    def number(self) -> int | None:
        number = self.event.get("sequence_number")
        return number if type(number) is int else None


class Frames:
    """Writes the events of one stream, numbered without a gap of our making."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._shift = 0

    def saw(self, came: Came) -> None:
        """Events of ours may go out before this one; they take its number."""
        if self._last is None and came.number is not None:
            self._last = came.number - 1

    def passed(
        self,
        came: Came,
        edits: Mapping[JsonPath, Any] | None = None,
        *,
        appended: Mapping[JsonPath, Any] | None = None,
        data: bytes | None = None,
        late: bool = False,
    ) -> bytes:
        """An event of the upstream with the values at `edits` replaced and members `appended`.

        `data`: its JSON, if a string in it was replaced already.
        `late`: it was counted as dropped when it came.
        """
        number = came.number
        data = came.data if data is None else data
        if number is not None:
            number = self._next(None if late else number)
            if number != came.number and not edits:
                data = _renumbered(data, number)
            elif number != came.number:
                edits = {**(edits or {}), ("sequence_number",): number}
        if edits:
            data = replace_values(data, edits)
        for path, value in (appended or {}).items():
            data = append_member(data, str(path[-1]), value, path[:-1])
        if data is came.data:
            standard = event_frame(came.type, data)
            return came.frame if came.frame == standard else event_frame(came.type, data.replace(b"\n", b" "))
        return event_frame(came.type, data.replace(b"\n", b" "))

    def dropped(self, came: Came) -> None:
        """The event does not go out, or not now."""
        if came.number is not None:
            self._shift -= 1

    def own(self, kind: str, fields: Mapping[str, Any]) -> bytes:
        """An event of ours; numbered if the upstream numbers its own."""
        event: dict[str, Any] = {"type": kind}
        if self._last is not None:
            event["sequence_number"] = self._next(None)
        return event_frame(kind, orjson.dumps({**event, **fields}))

    def take(self) -> int | None:
        """The next number, for an event that is put together later; None if the upstream numbers none."""
        return None if self._last is None else self._next(None)

    def _next(self, came: int | None) -> int:
        assert self._last is not None  # an event with a number was seen
        last = self._last
        if came is None:
            self._shift += 1
            number = last + 1
        else:
            number = max(last + 1, came + self._shift)
        self._last = number
        return number


def event_frame(kind: str, data: bytes) -> bytes:
    """`data` holds no line break."""
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


def _renumbered(data: bytes, number: int) -> bytes:
    # A quoted key cannot stand inside a string, so one match is the member itself.
    if len(_NUMBER.findall(data)) == 1:
        return _NUMBER.sub(b'"sequence_number":%d' % number, data)
    return replace_values(data, {("sequence_number",): number})
