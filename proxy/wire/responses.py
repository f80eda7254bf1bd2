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

from collections.abc import Callable, Iterator
from typing import Any

from labelers.explicit import Text
from proxy.errors import WireError, error_body
from proxy.lane import Lane, Piece
from proxy.wire.answer import AnswerPolicy, review_text
from proxy.wire.jsonedit import JsonPath, replace_string
from proxy.wire.responses_blocked import close_blocked, incomplete
from proxy.wire.responses_channels import place_of
from proxy.wire.responses_frames import Came
from proxy.wire.responses_state import Delivered, State
from proxy.wire.responses_texts import check_media, figures, is_call
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
    "output_text": ("text", "response.output_text.delta"),
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
        # Frames that were ready when an event turned out to be unreadable; they close what is open.
        self._lost: list[bytes] = []
        self.terminator = b""
        self.usage: dict[str, Any] | None = None
        self.complete = False
        self.cancelled = False
        self._handlers: dict[str, Callable[[Came], Iterator[bytes]]] = {
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
        if event.get("type") == "error" or event.get("error"):
            raise WireError(self._error_text(event))
        if "type" not in event and next(string_leaves(event), None) is None:
            return []
        came = Came.of(frame, data, event)
        if came.type in _MEDIA:
            raise WireError("the upstream sent audio or an image, which can be neither reviewed nor labelled")
        self._frames.saw(came)
        out: list[bytes] = []
        try:
            out += self._handler(came)(came)
        except WireError:
            self._lost = out
            raise
        return self._or_blocked(out)

    def _handler(self, came: Came) -> Callable[[Came], Iterator[bytes]]:
        index = came.event.get("output_index")
        if (type(index) is int and index in self._withheld) or self._is_call(came):
            return self._withhold
        handler = self._handlers.get(came.type)
        if handler is not None:
            return handler
        if type(came.event.get("response")) is dict:
            return self._lifecycle
        return self._delta if "delta" in came.event else self._other

    def end(self) -> list[bytes]:
        """The stream ends without its last event: what is held goes out, closed by its label."""
        self._withheld.clear()
        out = self._or_blocked([*self._lost, *self._state.finish_all()])
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

    def _passed(self, came: Came, edits: dict[JsonPath, Any]) -> Iterator[bytes]:
        """The event, unless something in it was blocked."""
        if self._texts.blocked is None:
            yield self._frames.passed(came, edits)

    # -- the response as a whole

    def _lifecycle(self, came: Came) -> Iterator[bytes]:
        response: dict[str, Any] = came.event["response"]
        last = came.type in _TERMINAL
        if last:
            self.usage = figures(response.get("usage"))
            for index in sorted(self._withheld):
                yield from self._release(index)
            yield from self._state.finish_all()
        edits: dict[JsonPath, Any] = {}
        self._texts.leaves(came.event, (), edits, frozenset({"response"}))
        if not last and response.get("output"):
            # A snapshot of what is still under way; the items' own events bring it.
            edits[("response", "output")] = []
            response = _without(response, "output")
        self._texts.response(response, ("response",), edits, self._state.finder)
        if self._texts.blocked is not None:
            return
        appended: dict[JsonPath, Any] = {}
        if last:
            self._texts.end()
            self.complete = True
        else:
            self._state.response = Delivered(came, dict(edits), "response")
        more = self._policy.response_members(self._texts.lanes) if last else {}
        aigc = self._policy.aigc(self._texts.telling, last=last)
        if aigc is not None and (last or came.type == "response.created"):
            more["aigc"] = aigc
        for key, value in more.items():
            (edits if key in response else appended)[("response", key)] = value
        yield self._frames.passed(came, edits, appended=appended)

    # -- the reader's text

    def _text_delta(self, came: Came) -> Iterator[bytes]:
        event = came.event
        item, index, part = self._state.part(event)
        text = event.get("delta")
        if type(text) is not str:
            raise WireError("the upstream sent a text delta without text")
        if part.ended:
            self._frames.dropped(came)
            return
        edits: dict[JsonPath, Any] = {}
        more = not event.keys() <= _TEXT_META
        if more:
            self._beside(came, edits, _TEXT_META)
        if self._texts.blocked is not None or not text:
            yield from self._passed(came, edits)
            return
        spelt = event.get("logprobs") or []
        if spelt and (type(spelt) is not list or self._texts.spells_blocked(spelt)):
            spelt = []
        pieces = part.feed(text)
        due = part.due_logprobs(spelt)
        if due != (event.get("logprobs") or []) and "logprobs" in event:
            edits[("logprobs",)] = due
        said = [at for at, piece in enumerate(pieces) if type(piece) is Text]
        if not said:
            if more or due:
                yield self._frames.passed(came, {**edits, ("delta",): ""})
            else:
                self._frames.dropped(came)
            yield from self._state.say(item, index, pieces)
            return
        # The upstream's own event carries the last of the text: what else it holds comes along.
        yield from self._state.say(item, index, pieces[: said[-1]])
        yield self._edited_text(came, text, pieces[said[-1]], edits)
        yield from self._state.say(item, index, pieces[said[-1] + 1 :])

    def _edited_text(self, came: Came, text: str, piece: Piece, edits: dict[JsonPath, Any]) -> bytes:
        data = None
        if piece.text != text:
            if not edits:
                data = replace_string(came.data, b'"delta"', text, piece.text)
            if data is None:
                edits[("delta",)] = piece.text
        return self._frames.passed(came, edits, data=data)

    def _text_done(self, came: Came) -> Iterator[bytes]:
        item, index, part = self._state.part(came.event)
        yield from self._state.finish(item, index, came.event.get("text"))
        edits: dict[JsonPath, Any] = {}
        self._texts.content({**came.event, "type": "output_text"}, (), edits, part)
        if self._texts.blocked is None:
            item.closed.add(index)
        yield from self._passed(came, edits)

    def _annotation(self, came: Came) -> Iterator[bytes]:
        item, index, part = self._state.part(came.event)
        annotation = came.event.get("annotation")
        edits: dict[JsonPath, Any] = {}
        self._texts.leaves(came.event, (), edits, frozenset({"annotation"}))
        moved = self._texts.annotation(annotation, part)
        if moved is None:
            self._frames.dropped(came)
            if not part.ended:
                item.waiting.setdefault(index, []).append((came, edits))
            return
        part.annotations.append(moved)
        if moved != annotation:
            edits[("annotation",)] = moved
        yield from self._passed(came, edits)

    # -- content parts and items

    def _part_added(self, came: Came) -> Iterator[bytes]:
        value = came.event.get("part")
        if type(value) is not dict:
            raise WireError("the upstream sent a content part that is not an object")
        kind = value.get("type")
        check_media(kind)
        edits: dict[JsonPath, Any] = {}
        key, deltas = _BEGUN.get(str(kind), ("", ""))
        text = value.get(key)
        begun = type(text) is str and text
        if begun:
            edits[("part", key)] = ""
        if kind == "output_text":
            item, index, part = self._state.part(came.event)
            item.shown.add(index)
            if value.get("annotations"):
                edits[("part", "annotations")] = []
            known = frozenset({"annotations", key}) if begun else frozenset({"annotations"})
            self._texts.leaves(value, ("part",), edits, known)
            self._texts.leaves(came.event, (), edits, frozenset({"part"}))
            yield from self._passed(came, edits)
            if begun:
                yield from self._state.say(item, index, part.feed(str(text)))
            return
        self._texts.leaves(value, ("part",), edits, frozenset({key}) if begun else frozenset())
        self._texts.leaves(came.event, (), edits, frozenset({"part"}))
        yield from self._passed(came, edits)
        if begun:
            first = {**_without(came.event, "part"), "type": deltas, "delta": text}
            released = self._state.channels.feed(first, ("delta",), str(text))
            if released:
                yield self._frames.own(
                    deltas, {**_without(first, "type", "sequence_number"), "delta": released}
                )

    def _part_done(self, came: Came) -> Iterator[bytes]:
        value = came.event.get("part")
        edits: dict[JsonPath, Any] = {}
        if type(value) is dict and value.get("type") == "output_text":
            item, index, part = self._state.part(came.event)
            yield from self._state.finish(item, index, value.get("text"))
            self._texts.content(value, ("part",), edits, part)
            self._texts.leaves(came.event, (), edits, frozenset({"part"}))
            if self._texts.blocked is None:
                item.sealed.add(index)
        else:
            yield from self._flush(came)
            self._texts.leaves(came.event, (), edits)
        yield from self._passed(came, edits)

    def _item_added(self, came: Came) -> Iterator[bytes]:
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
        self._texts.leaves(came.event, (), edits)
        if self._texts.blocked is None:
            item.id = value["id"] if type(value.get("id")) is str else item.id
            item.announced = Delivered(came, edits, "item")
        yield from self._passed(came, edits)

    def _item_done(self, came: Came) -> Iterator[bytes]:
        item = self._state.item(came.event)
        value = came.event.get("item")
        content = value.get("content") if type(value) is dict else None
        for index, part in enumerate(content if type(content) is list else []):
            if index in item.parts and type(part) is dict:
                yield from self._state.finish(item, index, part.get("text"))
        yield from self._state.finish_item(item)
        edits: dict[JsonPath, Any] = {}
        self._texts.item(value, ("item",), edits, item.parts.get)
        self._texts.leaves(came.event, (), edits, frozenset({"item"}))
        if self._texts.blocked is None:
            item.done = Delivered(came, edits, "item")
        yield from self._passed(came, edits)

    # -- everything else

    def _delta(self, came: Came) -> Iterator[bytes]:
        edits: dict[JsonPath, Any] = {}
        if type(came.event.get("output_index")) is int:
            self._state.item(came.event)
        released = self._state.channels.leaves(came.event, ("delta",), came.event["delta"], edits)
        self._beside(came, edits, _TEXT_META - {"logprobs"})
        if released:
            yield from self._passed(came, edits)
        else:
            self._frames.dropped(came)

    def _beside(self, came: Came, edits: dict[JsonPath, Any], known: frozenset[str]) -> None:
        """What a delta's event says besides: its strings may be pieces of longer ones, too."""
        said = _without(came.event, *known)
        if said:
            self._state.channels.leaves(came.event, (), said, edits)

    def _other(self, came: Came) -> Iterator[bytes]:
        edits: dict[JsonPath, Any] = {}
        if came.type.rpartition(".")[2] in _WHOLE:
            if came.type.endswith(".done"):
                yield from self._flush(came)
            self._texts.leaves(came.event, (), edits)
            yield from self._passed(came, edits)
            return
        # Unknown: its strings may be pieces of longer ones.
        value = _without(came.event, "type", "item_id")
        if self._state.channels.leaves(came.event, (), value, edits):
            yield from self._passed(came, edits)
        else:
            self._frames.dropped(came)

    def _flush(self, came: Came) -> Iterator[bytes]:
        """The rest of the text that a done event ends."""
        kinds = [came.type.removesuffix(".done") + ".delta"]
        if came.type == "response.content_part.done":
            kinds = [deltas for _, deltas in _BEGUN.values()]
        place = place_of(came.event)
        for kind in kinds:
            yield from self._state.rest(self._state.channels.flush(kind, place))

    # -- tool calls

    def _is_call(self, came: Came) -> bool:
        item = came.event.get("item")
        return is_call(item.get("type") if type(item) is dict else came.type)

    def _withhold(self, came: Came) -> Iterator[bytes]:
        index = self._state.item(came.event).index
        self._withheld.setdefault(index, []).append(came)
        self._frames.dropped(came)
        if came.type == "response.output_item.done":
            yield from self._release(index)

    def _release(self, index: int) -> Iterator[bytes]:
        """The events of a call whose every string, whole and decoded, has passed."""
        events = [(came, dict[JsonPath, Any]()) for came in self._withheld.pop(index)]
        texts: dict[tuple[Any, ...], list[str]] = {}
        for came, edits in events:
            for place, text, _ in _spoken(came):
                texts.setdefault(place, []).append(text)
            self._texts.call(_without(came.event, "delta"), (), edits)
        said = {place: "".join(parts) for place, parts in texts.items()}
        masked = {place: self._texts.arguments(text) for place, text in said.items()}
        if self._texts.blocked is not None:
            return
        changed = {place: text for place, text in masked.items() if text != said[place]}
        item = self._state.items[index]
        for came, edits in events:
            for place, _, path in _spoken(came):
                if place in changed:
                    # The first delta says it all, and the others nothing.
                    edits[path], changed[place] = changed[place], ""
            if type(came.event.get("item")) is dict:
                delivered = Delivered(came, edits, "item")
                item.announced = item.announced or delivered
                if came.type == "response.output_item.done":
                    item.done = delivered
            yield self._frames.passed(came, edits, late=True)


def _spoken(came: Came) -> Iterator[tuple[tuple[Any, ...], str, JsonPath]]:
    """Each string of a delta: which text of the response it goes on with, the string, its path in the event."""
    for path, text in string_leaves(came.event.get("delta")):
        yield (came.type, place_of(came.event), *path), text, ("delta", *path)


def _without(event: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {k: v for k, v in event.items() if k not in keys}
