"""`/v1/responses`, streamed: where text lives in its events.

Strategy: a delta of the reader's text goes through its part's lane and out again as it came, or
with that one string replaced; labels are deltas of their own. Every other delta (reasoning,
refusal, unknown) has a lane without labels. A tool call is withheld, all its events, until the
item is done and has passed. Events that repeat text in full (done, item, response) are edited
to say what the deltas said; what they alone say is reviewed before it goes out. A finding in
any of them ends the response: what is open is closed, the notice is the last delta, and
`response.incomplete` with the reason `content_filter` is the last event.

Deltas are told apart by position, never by item id: some servers change the ids as they go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labelers.explicit import Text
from proxy.errors import WireError, error_body
from proxy.lane import Lane
from proxy.wire.answer import AnswerPolicy, review_text
from proxy.wire.jsonedit import JsonPath, replace_string
from proxy.wire.responses_blocked import close_blocked, incomplete
from proxy.wire.responses_channels import place_of
from proxy.wire.responses_frames import Came
from proxy.wire.responses_state import Delivered, State
from proxy.wire.responses_texts import check_media, is_call
from proxy.wire.strings import string_leaves

__all__ = ["ResponsesStream"]

_TEXT_META = frozenset(
    [
        "type",
        "sequence_number",
        "item_id",
        "output_index",
        "content_index",
        "delta",
        "logprobs",
        "obfuscation",
    ]
)
_TERMINAL = frozenset(["response.completed", "response.incomplete", "response.failed", "response.cancelled"])
# How the type of an event ends whose strings are whole, each by itself.
_WHOLE = frozenset(
    ["added", "compacting", "completed", "created", "done", "failed", "generating", "in_progress",
     "interpreting", "queued", "searching"]
)  # fmt: skip
_MEDIA = frozenset(["response.audio.delta", "response.image_generation_call.partial_image"])
# Content that may begin with text: its member, and the deltas that go on with it.
_BEGUN = {
    "refusal": ("refusal", "response.refusal.delta"),
    "reasoning_text": ("text", "response.reasoning_text.delta"),
    "summary_text": ("text", "response.reasoning_summary_text.delta"),
}


class ResponsesStream:
    """The Responses dialect of a `StreamRewriter`."""

    def __init__(self, policy: AnswerPolicy) -> None:
        self._policy = policy
        self._state = State(policy)
        self._texts = self._state.texts
        self._frames = self._state.frames
        self._withheld: dict[int, list[Came]] = {}
        self._last_number: int | None = None
        self.terminator = b""
        self.usage: dict[str, Any] | None = None
        self.complete = False
        self.cancelled = False
        self._handlers: dict[str, Callable[[Came], list[bytes]]] = {
            "response.output_text.delta": self._text_delta,
            "response.output_text.done": self._text_done,
            "response.output_text.annotation.added": self._annotation,
            "response.content_part.added": self._part_added,
            "response.reasoning_summary_part.added": self._part_added,
            "response.content_part.done": self._part_done,
            "response.output_item.added": self._item_added,
            "response.output_item.done": self._item_done,
        }

    @property
    def lanes(self) -> list[Lane]:
        return self._texts.lanes

    def event(self, frame: bytes, data: bytes, event: dict[str, Any]) -> list[bytes]:
        if self.complete:
            return []
        if event.get("type") == "error" or event.get("error"):
            raise WireError(self._error_text(event))
        if "type" not in event and next(string_leaves(event), None) is None:
            return []
        came = Came.of(frame, data, event)
        if came.type in _MEDIA:
            raise WireError("the upstream sent audio or an image, which can be neither reviewed nor labelled")
        index = event.get("output_index")
        if type(index) is int and (index in self._withheld or self._is_call(came)):
            return self._or_blocked(self._withhold(index, came))
        handler = self._handlers.get(came.type)
        if handler is None:
            if type(event.get("response")) is dict:
                handler = self._lifecycle
            elif "delta" in event:
                handler = self._delta
            else:
                handler = self._other
        return self._or_blocked(handler(came))

    def end(self) -> list[bytes]:
        """The stream ends without its last event: what is held goes out, closed by its label."""
        self._withheld.clear()
        out = self._or_blocked(self._state.finish_all())
        self._texts.end()
        return out

    def estimate(self, usage: dict[str, Any]) -> bytes:
        """Puts the usage of an answer that was cut into its last event, in the words of this wire."""
        self.usage = {
            "input_tokens": usage.get("prompt_tokens", 0),
            "output_tokens": usage.get("completion_tokens", 0),
            "total_tokens": usage.get("total_tokens", 0),
        }
        self.terminator = incomplete(self._state, self.usage, self._last_number, estimated=True)
        return b""

    def failure(self, message: str) -> bytes:
        """The event that ends a stream whose upstream failed.

        It has the key `error`, on which openai-python raises, and the flat members of the API's own event.
        """
        body = error_body(message, "upstream_error", None, "upstream_error")
        flat = {key: body["error"][key] for key in ("code", "message", "param")}
        return self._frames.own("error", {**flat, **body})

    def _or_blocked(self, out: list[bytes]) -> list[bytes]:
        """The frames of an event, followed by those that end the response if it was blocked."""
        if self._texts.blocked is None or self.complete:
            return out
        self._withheld.clear()
        self.complete = self.cancelled = True
        out += close_blocked(self._state)
        self._last_number = self._frames.take()
        self.terminator = incomplete(self._state, self.usage, self._last_number)
        return out

    def _error_text(self, event: dict[str, Any]) -> str:
        error = event.get("error") or event
        text = error.get("message") if type(error) is dict else error
        if type(text) is not str or not text or review_text(self._policy, text) is not None:
            return "the upstream reported an error"
        return text

    def _passed(self, came: Came, edits: dict[JsonPath, Any]) -> list[bytes]:
        """The event, unless something in it was blocked."""
        return [self._frames.passed(came, edits)] if self._texts.blocked is None else []

    # -- the response as a whole

    def _lifecycle(self, came: Came) -> list[bytes]:
        response: dict[str, Any] = came.event["response"]
        last = came.type in _TERMINAL
        out: list[bytes] = []
        if last:
            if type(response.get("usage")) is dict:
                self.usage = response["usage"]
            for index in sorted(self._withheld):
                out += self._release(index)
            out += self._state.finish_all()
        edits: dict[JsonPath, Any] = {}
        self._texts.leaves(came.event, (), edits, frozenset({"response"}))
        self._texts.response(response, ("response",), edits, self._state.finder)
        if self._texts.blocked is not None:
            return out
        appended: dict[JsonPath, Any] = {}
        if last:
            self._texts.end()
            self.complete = True
        else:
            self._state.response = Delivered(came, dict(edits), "response")
        aigc = self._policy.aigc(self._texts.telling, last=last)
        if aigc is not None and (last or came.type == "response.created"):
            (edits if "aigc" in response else appended)[("response", "aigc")] = aigc
        return [*out, self._frames.passed(came, edits, appended=appended)]

    # -- the reader's text

    def _text_delta(self, came: Came) -> list[bytes]:
        event = came.event
        item, index, part = self._state.part(event)
        text = event.get("delta")
        if type(text) is not str:
            raise WireError("the upstream sent a text delta without text")
        if part.ended:
            self._frames.dropped(came)
            return []
        edits: dict[JsonPath, Any] = {}
        if not event.keys() <= _TEXT_META:
            self._texts.leaves(event, (), edits, _TEXT_META)
        if self._texts.blocked is not None or not text:
            return self._passed(came, edits)
        spelt = event.get("logprobs") or []
        if spelt and (type(spelt) is not list or self._texts.spells_blocked(spelt)):
            spelt = []
        pieces = part.feed(text)
        due = part.due_logprobs(spelt)
        if due != (event.get("logprobs") or []):
            edits[("logprobs",)] = due
        if len(pieces) == 1 and type(piece := pieces[0]) is Text:
            data = came.data
            if piece.text != text:
                edited = replace_string(data, b'"delta"', text, piece.text) if not edits else None
                if edited is None:
                    edits[("delta",)] = piece.text
                else:
                    data = edited
            return [self._frames.passed(came, edits, data=data)] if self._texts.blocked is None else []
        self._frames.dropped(came)
        return self._state.say(item, index, pieces, due)

    def _text_done(self, came: Came) -> list[bytes]:
        item, index, part = self._state.part(came.event)
        out = self._state.finish(item, index, came.event.get("text"))
        edits: dict[JsonPath, Any] = {}
        self._texts.content({"type": "output_text", **_without(came.event, "type")}, (), edits, part)
        if self._texts.blocked is None:
            item.closed.add(index)
        return out + self._passed(came, edits)

    def _annotation(self, came: Came) -> list[bytes]:
        item, index, part = self._state.part(came.event)
        annotation = came.event.get("annotation")
        moved = self._texts.annotation(annotation, part)
        if moved is None:
            self._frames.dropped(came)
            if not part.ended:
                item.waiting.setdefault(index, []).append(came)
            return []
        if self._texts.blocked is None:
            part.annotations.append(moved)
        return self._passed(came, {("annotation",): moved} if moved != annotation else {})

    # -- content parts and items

    def _part_added(self, came: Came) -> list[bytes]:
        value = came.event.get("part")
        if type(value) is not dict:
            raise WireError("the upstream sent a content part that is not an object")
        kind = value.get("type")
        check_media(kind)
        edits: dict[JsonPath, Any] = {}
        if kind == "output_text":
            item, index, part = self._state.part(came.event)
            item.shown.add(index)
            text = value.get("text")
            if text:
                edits[("part", "text")] = ""
            if value.get("annotations"):
                edits[("part", "annotations")] = []
            self._texts.leaves(value, ("part",), edits, frozenset({"text", "annotations"}))
            out = self._passed(came, edits)
            return out + (self._state.say(item, index, part.feed(text)) if type(text) is str and text else [])
        key, deltas = _BEGUN.get(str(kind), ("", ""))
        text = value.get(key)
        if type(text) is not str or not text:
            self._texts.leaves(value, ("part",), edits)
            return self._passed(came, edits)
        edits[("part", key)] = ""
        self._texts.leaves(value, ("part",), edits, frozenset({key}))
        out = self._passed(came, edits)
        begun = {**_without(came.event, "part"), "type": deltas, "delta": text}
        released = self._state.channels.feed(begun, ("delta",), text)
        about = {k: v for k, v in begun.items() if k not in ("type", "sequence_number")}
        return out + ([self._frames.own(deltas, {**about, "delta": released})] if released else [])

    def _part_done(self, came: Came) -> list[bytes]:
        value = came.event.get("part")
        edits: dict[JsonPath, Any] = {}
        if type(value) is dict and value.get("type") == "output_text":
            item, index, part = self._state.part(came.event)
            out = self._state.finish(item, index, value.get("text"))
            self._texts.content(value, ("part",), edits, part)
            if self._texts.blocked is None:
                item.sealed.add(index)
        else:
            out = self._flush(came)
            self._texts.leaves(came.event, (), edits)
        return out + self._passed(came, edits)

    def _item_added(self, came: Came) -> list[bytes]:
        item = self._state.item(came.event)
        value = came.event.get("item")
        edits: dict[JsonPath, Any] = {}
        if type(value) is not dict:
            raise WireError("the upstream sent an output item that is not an object")
        begun = {key: value.get(key) for key in ("content", "summary")}
        if value.get("type") in ("message", "reasoning") and any(
            path[-1] in ("text", "refusal") for path, _ in string_leaves(begun)
        ):
            raise WireError("the upstream sent text before the part that it belongs to")
        item.id = value["id"] if type(value.get("id")) is str else item.id
        self._texts.leaves(value, ("item",), edits)
        item.announced = Delivered(came, edits, "item")
        return self._passed(came, edits)

    def _item_done(self, came: Came) -> list[bytes]:
        item = self._state.item(came.event)
        value = came.event.get("item")
        content = value.get("content") if type(value) is dict else None
        out: list[bytes] = []
        for index, part in enumerate(content if type(content) is list else []):
            if index in item.parts and type(part) is dict:
                out += self._state.finish(item, index, part.get("text"))
        out += self._state.finish_item(item)
        edits: dict[JsonPath, Any] = {}
        self._texts.item(value, ("item",), edits, item.parts.get)
        if self._texts.blocked is None:
            item.done = Delivered(came, edits, "item")
        return out + self._passed(came, edits)

    # -- everything else

    def _delta(self, came: Came) -> list[bytes]:
        edits: dict[JsonPath, Any] = {}
        delta = came.event["delta"]
        if type(came.event.get("output_index")) is int:
            self._state.item(came.event)
        released = self._state.channels.leaves(came.event, ("delta",), delta, edits)
        self._texts.leaves(came.event, (), edits, frozenset({"delta", "obfuscation"}))
        if not released:
            self._frames.dropped(came)
            return []
        return self._passed(came, edits)

    def _other(self, came: Came) -> list[bytes]:
        edits: dict[JsonPath, Any] = {}
        if came.type.rpartition(".")[2] in _WHOLE:
            out = self._flush(came) if came.type.endswith(".done") else []
            self._texts.leaves(came.event, (), edits)
            return out + self._passed(came, edits)
        # Unknown: its strings may be pieces of longer ones.
        value = {k: v for k, v in came.event.items() if k not in ("type", "item_id")}
        if not self._state.channels.leaves(came.event, (), value, edits):
            self._frames.dropped(came)
            return []
        return self._passed(came, edits)

    def _flush(self, came: Came) -> list[bytes]:
        """The rest of the text that a done event ends."""
        kinds = [came.type.removesuffix(".done") + ".delta"]
        if came.type == "response.content_part.done":
            kinds = [deltas for _, deltas in _BEGUN.values()]
        channels = self._state.channels
        place = place_of(came.event)
        return [frame for kind in kinds for frame in self._state.rest(channels.flush(kind, place))]

    # -- tool calls

    def _is_call(self, came: Came) -> bool:
        item = came.event.get("item")
        return is_call(item.get("type") if type(item) is dict else came.type)

    def _withhold(self, index: int, came: Came) -> list[bytes]:
        self._state.item(came.event)
        self._withheld.setdefault(index, []).append(came)
        self._frames.dropped(came)
        return self._release(index) if came.type == "response.output_item.done" else []

    def _release(self, index: int) -> list[bytes]:
        """The events of a call whose every string, whole and decoded, has passed."""
        events = self._withheld.pop(index)
        texts: dict[tuple[Any, ...], list[str]] = {}
        for came in events:
            for path, text in string_leaves(came.event.get("delta")):
                texts.setdefault((came.type, place_of(came.event), *path), []).append(text)
            self._texts.call(_without(came.event, "delta"))
        for parts in texts.values():
            self._texts.passes("".join(parts), arguments=True)
        if self._texts.blocked is not None:
            return []
        item = self._state.items[index]
        for came in events:
            if type(came.event.get("item")) is dict:
                delivered = Delivered(came, {}, "item")
                item.announced = item.announced or delivered
                if came.type == "response.output_item.done":
                    item.done = delivered
        return [self._frames.passed(came, late=True) for came in events]


def _without(event: dict[str, Any], key: str) -> dict[str, Any]:
    return {k: v for k, v in event.items() if k != key}
