"""The leak suite: every place where an answer can hold text, every way to cut it, and how much of a word came out.

A `Channel` writes a text into the events of one endpoint; a `Coding` turns events into an upstream's bytes.
`leaked` reads what came out with nothing but a JSON parser: it joins all strings that stand in the same place,
takes our grains out, undoes escapes, and tells how many characters of the word follow its lead. Used by
test_leaks.py, which takes some of the words, and by bench/leaks.py, which takes all of them.
"""

from __future__ import annotations

import codecs
import itertools
import json
import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from proxy import policy
from proxy.policy import Plan, Rules
from proxy.review.entry import Action, Direction, Entry
from proxy.review.interchange import read_entries
from proxy.review.library import Library
from proxy.tokens import encoding_for
from proxy.wire import ENDPOINTS
from proxy.wire.endpoint import Endpoint
from proxy.wire.inputs import InputEndpoint
from proxy.wire.rewriter import StreamRewriter
from proxy.wire.strings import is_name
from tests.helpers import REFUSALS, keyword
from tests.wire.plans import NUMBERS, rules
from tests.wire.responses_events import (
    CALLS,
    answer_events,
    call,
    call_events,
    message,
    message_events,
    reasoning,
    reasoning_events,
    response,
    text_delta,
    text_part,
)

SAMPLE = Path(__file__).parents[2] / "config/library/sample.jsonl"
# Words that change under NFD: Hangul syllables fall apart into letters, accents become characters of their own.
COMPOSED = [keyword("금지견본어"), keyword("진짜아닌말"), keyword("créme-sample"), keyword("señal prohibida")]
SAMPLED = [
    entry for entry in read_entries(SAMPLE.read_bytes(), SAMPLE.name).entries if entry.kind == "keyword"
]
ENTRIES = [*SAMPLED, *COMPOSED]
HELD = [
    entry for entry in ENTRIES if (action := entry.action_for(Direction.OUTPUT)) is not None and action.holds
]
LIBRARY = Library.compile(ENTRIES, REFUSALS)
RULES = rules(carrier=True)
# What stands before the word: its last character stands nowhere else.
BEFORE, LEAD, AFTER = "前面说了一句话", "：", "。后面还有一句话。"
CLEAN = "这里没有什么可看的，往下走吧。"

Event = dict[str, Any]


def nfd(word: str) -> str:
    return unicodedata.normalize("NFD", word)


def text_with(word: str) -> str:
    return BEFORE + LEAD + word + AFTER


# -- where text can stand


@dataclass(frozen=True, slots=True)
class Channel:
    """`events` writes the text, given in pieces, into one answer. `escaped`: the pieces are the inside of JSON."""

    endpoint: str
    name: str
    events: Callable[[Sequence[str]], list[Event]]
    as_it_stands: bool = False
    """It goes out or it does not: words are blocked in it and not masked."""
    joined: bool = False
    """The text comes in one piece, however it is cut."""
    named: bool = False
    """Names belong there: ASCII without a space is taken for one, so those words are not tried."""


def _chunk(delta: Event, index: int = 0, finish: str | None = None, **more: Any) -> Event:
    choice = {"index": index, "delta": delta, "finish_reason": finish, **more}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def _chat(write: Callable[[str], Event], *, finish: str = "stop") -> Callable[[Sequence[str]], list[Event]]:
    """An answer in which each piece is one delta."""

    def events(pieces: Sequence[str]) -> list[Event]:
        said = [_chunk(write(piece)) for piece in pieces]
        return [_chunk({"role": "assistant", "content": ""}), *said, _chunk({}, finish=finish)]

    return events


def _arguments(pieces: Sequence[str]) -> list[str]:
    return (
        ['{"a":"' + pieces[0], *pieces[1:-1], pieces[-1] + '"}']
        if len(pieces) > 1
        else [f'{{"a":"{pieces[0]}"}}']
    )


def _tool(pieces: Sequence[str]) -> list[Event]:
    first = {"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": ""}}
    parts = [{"index": 0, "function": {"arguments": piece}} for piece in _arguments(pieces)]
    deltas = [_chunk({"role": "assistant", "content": None, "tool_calls": [first]})]
    return [*deltas, *(_chunk({"tool_calls": [part]}) for part in parts), _chunk({}, finish="tool_calls")]


def _function(pieces: Sequence[str]) -> list[Event]:
    named = _chunk({"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}})
    parts = [_chunk({"function_call": {"arguments": piece}}) for piece in _arguments(pieces)]
    return [named, *parts, _chunk({}, finish="function_call")]


def _object_keys(pieces: Sequence[str]) -> list[Event]:
    call = {
        "index": 0,
        "id": "t",
        "type": "function",
        "function": {"name": "f", "arguments": {"".join(pieces): 1}},
    }
    return [_chunk({"role": "assistant", "tool_calls": [call]}), _chunk({}, finish="tool_calls")]


def _two_choices(pieces: Sequence[str]) -> list[Event]:
    clean = [CLEAN[at : at + 3] for at in range(0, len(CLEAN), 3)]
    events = [_chunk({"role": "assistant", "content": ""}, index) for index in (0, 1)]
    for one, other in itertools.zip_longest(clean, pieces):
        events += [_chunk({"content": one})] if one else []
        events += [_chunk({"content": other}, 1)] if other else []
    return [*events, _chunk({}, 0, "stop"), _chunk({}, 1, "stop")]


def _both_in_one_chunk(pieces: Sequence[str]) -> list[Event]:
    events = []
    for piece in pieces:
        said = _chunk({"content": "好"})
        said["choices"].append({"index": 1, "delta": {"content": piece}, "finish_reason": None})
        events.append(said)
    return [*events, _chunk({}, 0, "stop"), _chunk({}, 1, "stop")]


def _spelt(pieces: Sequence[str]) -> list[Event]:
    """The text, and the tokens that spell it."""
    events = [_chunk({"role": "assistant", "content": ""})]
    for piece in pieces:
        entry = {"token": piece, "logprob": -0.1, "bytes": None, "top_logprobs": []}
        events.append(_chunk({"content": piece}, logprobs={"content": [entry]}))
    return [*events, _chunk({}, finish="stop")]


def _trailing(where: Callable[[str], Event]) -> Callable[[Sequence[str]], list[Event]]:
    """The word comes behind the finish chunk, all at once."""

    def events(pieces: Sequence[str]) -> list[Event]:
        begin = [_chunk({"role": "assistant", "content": "好。"}), _chunk({}, finish="stop")]
        return [*begin, where("".join(pieces))]

    return events


def _usage(text: str) -> Event:
    return {**_chunk({}), "choices": [], "usage": {"total_tokens": 3, "note": text}, "note": text}


def _begun_in_the_role_chunk(pieces: Sequence[str]) -> list[Event]:
    first, *rest = pieces
    said = [_chunk({"content": piece}) for piece in rest]
    return [_chunk({"role": "assistant", "content": first}), *said, _chunk({}, finish="stop")]


def _ended_in_the_finish_chunk(pieces: Sequence[str]) -> list[Event]:
    *begin, last = pieces
    said = [_chunk({"content": piece}) for piece in begin]
    return [_chunk({"role": "assistant", "content": ""}), *said, _chunk({"content": last}, finish="stop")]


def _open(pieces: Sequence[str]) -> list[Event]:
    """It never says that it is finished."""
    return [_chunk({"role": "assistant", "content": ""}), *(_chunk({"content": piece}) for piece in pieces)]


def _whole_chunk(write: Callable[[str], Event]) -> Callable[[Sequence[str]], list[Event]]:
    """One chunk that holds the text whole, between others."""
    return lambda pieces: [_chunk({"content": "好"}), write("".join(pieces)), _chunk({}, finish="stop")]


def _member(key: str) -> Channel:
    write = _whole_chunk(lambda text: {**_chunk({"content": "好"}), key: text})
    return Channel("chat", f"{key} of the chunk", write, as_it_stands=True, joined=True, named=True)


def _escaped_tool(pieces: Sequence[str]) -> list[Event]:
    """The arguments spell every character as an escape, and are cut within the escapes."""
    spelt = "".join(escapes(piece)[1:-1] for piece in pieces)
    return _tool([spelt[at : at + 4] for at in range(0, len(spelt), 4)])


def _named_tool(pieces: Sequence[str]) -> list[Event]:
    parts = [{"index": 0, "function": {"name": piece}} for piece in pieces]
    return [*(_chunk({"tool_calls": [part]}) for part in parts), _chunk({}, finish="tool_calls")]


CHAT = [
    Channel("chat", "content", _chat(lambda text: {"content": text})),
    Channel("chat", "content, begun in the role chunk", _begun_in_the_role_chunk),
    Channel("chat", "content, ended in the finish chunk", _ended_in_the_finish_chunk),
    Channel("chat", "content, never finished", _open),
    Channel("chat", "content as a list of parts", _chat(lambda text: {"content": [{"type": "text", "text": text}]})),
    Channel("chat", "two choices, interleaved", _two_choices),
    Channel("chat", "two choices in one chunk", _both_in_one_chunk),
    Channel("chat", "content with log-probabilities", _spelt),
    Channel("chat", "reasoning_content", _chat(lambda text: {"reasoning_content": text})),
    Channel("chat", "reasoning", _chat(lambda text: {"reasoning": text})),
    Channel("chat", "reasoning_details", _chat(lambda text: {"reasoning_details": [{"type": "reasoning.text", "text": text}]})),
    Channel("chat", "refusal", _chat(lambda text: {"refusal": text})),
    Channel("chat", "audio transcript", _chat(lambda text: {"audio": {"id": "a", "transcript": text}})),
    Channel("chat", "unknown member of the delta", _chat(lambda text: {"x_notes": {"deep": [text]}})),
    Channel("chat", "unknown member that is called a name", _chat(lambda text: {"x": {"name": text}}), named=True),
    Channel("chat", "tool arguments", _tool),
    Channel("chat", "function_call arguments", _function),
    Channel("chat", "key of tool arguments that are an object", _object_keys, as_it_stands=True, joined=True),
    Channel("chat", "unknown member of the choice, whole", _whole_chunk(lambda text: _chunk({}, note=text)), as_it_stands=True, joined=True),
    Channel("chat", "unknown member of the chunk, whole", _whole_chunk(lambda text: {**_chunk({"content": "好"}), "note": text}), as_it_stands=True, joined=True),
    Channel("chat", "tool arguments, escaped", _escaped_tool),
    Channel("chat", "name of the tool", _named_tool, as_it_stands=True),
    *(_member(key) for key in ("id", "model", "system_fingerprint", "obfuscation")),
    Channel("chat", "finish_reason", _whole_chunk(lambda text: _chunk({}, finish=text)), as_it_stands=True, joined=True, named=True),
    Channel("chat", "usage of a chunk with text", _whole_chunk(lambda text: {**_chunk({"content": "好"}), "usage": {"note": text}}), as_it_stands=True, joined=True),
    Channel("chat", "aigc object of a model server", _whole_chunk(lambda text: {**_chunk({"content": "好"}), "aigc": {"note": text}}), as_it_stands=True, joined=True),
    Channel("chat", "key of an unknown member", _whole_chunk(lambda text: _chunk({"content": "好", "x": {text: 1}})), as_it_stands=True, joined=True, named=True),
    Channel("chat", "usage chunk", _trailing(_usage), as_it_stands=True, joined=True),
    Channel("chat", "text behind the finish chunk", _trailing(lambda text: _chunk({"content": text})), as_it_stands=True, joined=True),
    Channel("chat", "error event", lambda pieces: [_chunk({"content": "好"}), {"error": {"message": "".join(pieces), "type": "".join(pieces), "code": "x"}}], as_it_stands=True, joined=True),
]  # fmt: skip


def _completion(text: Any, index: int = 0, finish: str | None = None, **more: Any) -> Event:
    choice = {"text": text, "index": index, "logprobs": None, "finish_reason": finish, **more}
    return {"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}


def _text(pieces: Sequence[str]) -> list[Event]:
    return [*(_completion(piece) for piece in pieces), _completion("", finish="stop")]


def _two_texts(pieces: Sequence[str]) -> list[Event]:
    clean = [CLEAN[at : at + 3] for at in range(0, len(CLEAN), 3)]
    events = []
    for one, other in itertools.zip_longest(clean, pieces):
        events += [_completion(one)] if one else []
        events += [_completion(other, 1)] if other else []
    return [*events, _completion("", 0, "stop"), _completion("", 1, "stop")]


def _spelt_text(pieces: Sequence[str]) -> list[Event]:
    events = [
        _completion(piece, logprobs={"tokens": [piece], "token_logprobs": [-0.1], "text_offset": [0]})
        for piece in pieces
    ]
    return [*events, _completion("", finish="stop")]


COMPLETIONS = [
    Channel("completions", "text", _text),
    Channel("completions", "text, never finished", lambda pieces: [_completion(piece) for piece in pieces]),
    Channel("completions", "text, ended in the finish chunk", lambda pieces: [*(_completion(piece) for piece in pieces[:-1]), _completion(pieces[-1], finish="stop")]),
    Channel("completions", "two choices, interleaved", _two_texts),
    Channel("completions", "text with log-probabilities", _spelt_text),
    Channel("completions", "reasoning", lambda pieces: [*(_completion("", reasoning=piece) for piece in pieces), _completion("好", finish="stop")]),
    Channel("completions", "unknown member of the choice", lambda pieces: [*(_completion("", x={"deep": [piece]}) for piece in pieces), _completion("好", finish="stop")]),
    Channel("completions", "unknown member of the chunk, whole", lambda pieces: [{**_completion("好"), "note": "".join(pieces)}, _completion("", finish="stop")], as_it_stands=True, joined=True),
    Channel("completions", "usage chunk", lambda pieces: [_completion("好", finish="stop"), {**_completion(""), "choices": [], "usage": {"total_tokens": 3, "note": "".join(pieces)}, "note": "".join(pieces)}], as_it_stands=True, joined=True),
    Channel("completions", "text behind the finish chunk", lambda pieces: [_completion("好", finish="stop"), _completion("".join(pieces))], as_it_stands=True, joined=True),
    Channel("completions", "id of the chunk", lambda pieces: [{**_completion("好"), "id": "".join(pieces)}, _completion("", finish="stop")], as_it_stands=True, joined=True, named=True),
    Channel("completions", "error event", lambda pieces: [_completion("好"), {"error": {"message": "".join(pieces)}}], as_it_stands=True, joined=True),
]  # fmt: skip


def _deltas(kind: str, place: Event, key: str = "delta") -> Callable[[Sequence[str]], list[Event]]:
    """Deltas of one type in a message, then the message's usual end."""

    def events(pieces: Sequence[str]) -> list[Event]:
        said = [
            {"type": kind, "item_id": "msg_1", "output_index": 0, **place, key: piece} for piece in pieces
        ]
        return _with(said)

    return events


def _with(said: Sequence[Event]) -> list[Event]:
    began, part, *rest = message_events(["好。"])
    return answer_events([began, part, *said, *rest])


def _refusal_events(pieces: Sequence[str]) -> list[Event]:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    said = {"type": "refusal", "refusal": "".join(pieces)}
    item = message(said)
    return answer_events(
        [
            {"type": "response.output_item.added", "output_index": 0, "item": message(status="in_progress")},
            {"type": "response.content_part.added", **place, "part": {**said, "refusal": ""}},
            *({"type": "response.refusal.delta", **place, "delta": piece} for piece in pieces),
            {"type": "response.refusal.done", **place, "refusal": "".join(pieces)},
            {"type": "response.content_part.done", **place, "part": said},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
        ]
    )


def _thoughts(pieces: Sequence[str]) -> list[Event]:
    place = {"item_id": "rs_1", "output_index": 0, "content_index": 0}
    item = {"id": "rs_1", "type": "reasoning", "summary": []}
    whole = {"type": "reasoning_text", "text": "".join(pieces)}
    return answer_events(
        [
            {"type": "response.output_item.added", "output_index": 0, "item": item},
            *({"type": "response.reasoning_text.delta", **place, "delta": piece} for piece in pieces),
            {"type": "response.reasoning_text.done", **place, "text": "".join(pieces)},
            {"type": "response.output_item.done", "output_index": 0, "item": {**item, "content": [whole]}},
        ]
    )


def _two_items(pieces: Sequence[str]) -> list[Event]:
    clean = [CLEAN[at : at + 3] for at in range(0, len(CLEAN), 3)]
    one, other = message_events(clean), message_events(pieces, 1, "msg_2")
    mixed = [event for pair in itertools.zip_longest(one, other) for event in pair if event is not None]
    return answer_events(mixed)


def _two_parts(pieces: Sequence[str]) -> list[Event]:
    """Two texts of one message whose deltas take turns."""
    clean = [CLEAN[at : at + 3] for at in range(0, len(CLEAN), 3)]
    began, *one, _ = message_events(clean)
    _, *other, done = message_events(pieces, part=1)
    other = [{**event, "content_index": 1} for event in other]
    done = {**done, "item": message(text_part("".join(clean)), text_part("".join(pieces)))}
    mixed = [event for pair in itertools.zip_longest(one, other) for event in pair if event is not None]
    return answer_events([began, *mixed, done])


def _spelt_response(pieces: Sequence[str]) -> list[Event]:
    events = message_events(pieces)
    for event in events:
        if event["type"] == "response.output_text.delta":
            event["logprobs"] = [{"token": event["delta"], "logprob": -0.1, "top_logprobs": []}]
    return answer_events(events)


def _code(pieces: Sequence[str]) -> list[Event]:
    return answer_events(call_events(pieces, "code_interpreter_call"))


def _whole_at(put: Callable[[str], list[Event]]) -> Callable[[Sequence[str]], list[Event]]:
    return lambda pieces: put("".join(pieces))


def _last_event_only(text: str) -> list[Event]:
    began = response(status="in_progress")
    return [
        {"type": "response.created", "response": began},
        {"type": "response.completed", "response": response([message(text)])},
    ]


def _call_with(arguments: Any) -> list[Event]:
    began, *_, done = call_events(["{}"])
    return answer_events([began, {**done, "item": {**done["item"], "arguments": arguments}}])


RESPONSES = [
    Channel("responses", "output_text", lambda pieces: answer_events(message_events(pieces))),
    Channel("responses", "output_text, never finished", lambda pieces: answer_events(message_events(pieces))[: 4 + len(pieces)]),
    Channel("responses", "output_text without announcements", lambda pieces: [text_delta(piece) for piece in pieces]),
    Channel("responses", "two messages, interleaved", _two_items),
    Channel("responses", "two parts of one message, interleaved", _two_parts),
    Channel("responses", "output_text with log-probabilities", _spelt_response),
    Channel("responses", "reasoning summary", lambda pieces: answer_events(reasoning_events(pieces), message_events(["好。"], 1))),
    Channel("responses", "reasoning text", _thoughts),
    Channel("responses", "refusal", _refusal_events),
    Channel("responses", "unknown event with a delta", _deltas("response.x_notes.delta", {"content_index": 0})),
    Channel("responses", "unknown member of a delta", lambda pieces: _with([{**text_delta("好"), "x": {"deep": [piece]}} for piece in pieces])),
    Channel("responses", "unknown member of an unknown delta", lambda pieces: _with([{"type": "response.x_notes.delta", "output_index": 0, "delta": "好", "x": [piece]} for piece in pieces])),
    Channel("responses", "log-probabilities of an unknown delta", lambda pieces: _with([{"type": "response.x_notes.delta", "output_index": 0, "delta": "好", "logprobs": [{"token": piece}]} for piece in pieces])),
    Channel("responses", "function_call arguments", lambda pieces: answer_events(call_events(_arguments(pieces)))),
    Channel("responses", "mcp_call arguments", lambda pieces: answer_events(call_events(_arguments(pieces), "mcp_call"))),
    Channel("responses", "custom_tool_call input", lambda pieces: answer_events(call_events(pieces, "custom_tool_call"))),
    Channel("responses", "code_interpreter_call code", _code),
    Channel("responses", "text in the done event alone", _whole_at(lambda text: _with([{"type": "response.output_text.done", "item_id": "msg_1", "output_index": 0, "content_index": 0, "text": text}])), as_it_stands=True, joined=True),
    Channel("responses", "text in the last event alone", _whole_at(_last_event_only), as_it_stands=True, joined=True),
    Channel("responses", "unknown event, whole", _whole_at(lambda text: _with([{"type": "response.x_notes.done", "output_index": 0, "notes": [text]}])), as_it_stands=True, joined=True),
    Channel("responses", "key of an unknown member", _whole_at(lambda text: _with([{"type": "response.x_notes.done", "output_index": 0, "notes": {text: 1}}])), as_it_stands=True, joined=True, named=True),
    Channel("responses", "id of an item", _whole_at(lambda text: answer_events(message_events(["好。"], name=text))), as_it_stands=True, joined=True, named=True),
    Channel("responses", "key of arguments that are an object", _whole_at(lambda text: _call_with({text: 1})), as_it_stands=True, joined=True),
    Channel("responses", "annotation", _whole_at(lambda text: _with([{"type": "response.output_text.annotation.added", "item_id": "msg_1", "output_index": 0, "content_index": 0, "annotation_index": 0, "annotation": {"type": "url_citation", "title": text, "url": "https://example.org", "start_index": 0, "end_index": 1}}])), as_it_stands=True, joined=True),
    Channel("responses", "text behind the last event", _whole_at(lambda text: [*answer_events(message_events(["好。"])), text_delta(text)]), as_it_stands=True, joined=True),
    Channel("responses", "error event", _whole_at(lambda text: [*answer_events(message_events(["好。"]))[:-1], {"type": "error", "message": text, "code": "x", "param": None}]), as_it_stands=True, joined=True),
]  # fmt: skip

CHANNELS = [*CHAT, *COMPLETIONS, *RESPONSES]


@dataclass(frozen=True, slots=True)
class Body:
    """A whole answer that holds the text somewhere: `document` writes it."""

    endpoint: str
    name: str
    document: Callable[[str], Event]
    as_it_stands: bool = False
    named: bool = False


def _message(write: Callable[[str], Event], **choice: Any) -> Callable[[str], Event]:
    def document(text: str) -> Event:
        said = {"role": "assistant", "content": "好。", **write(text)}
        return _answer({"index": 0, "message": said, "finish_reason": "stop", **choice})

    return document


def _answer(*choices: Event, **more: Any) -> Event:
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": list(choices),
        **more,
    }


_SAID = {"index": 0, "message": {"role": "assistant", "content": "好。"}, "finish_reason": "stop"}
_FUNCTION = {"id": "t", "type": "function"}


def _written(text: str, index: int = 0, **more: Any) -> Event:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": "stop", **more}


BODIES = [
    Body("chat", "content", _message(lambda text: {"content": text})),
    Body("chat", "second choice", lambda text: _answer(_SAID, {**_SAID, "index": 1, "message": {"role": "assistant", "content": text}})),
    *(Body("chat", key, _message(lambda text, key=key: {key: text})) for key in ("reasoning_content", "reasoning", "refusal")),
    Body("chat", "content as a list of parts", _message(lambda text: {"content": [{"type": "text", "text": text}]})),
    Body("chat", "reasoning_details", _message(lambda text: {"reasoning_details": [{"type": "reasoning.text", "text": text}]})),
    Body("chat", "unknown member of the message", _message(lambda text: {"x": {"deep": [text]}})),
    Body("chat", "key of an unknown member", _message(lambda text: {"x": {text: 1}}), as_it_stands=True, named=True),
    Body("chat", "tool arguments", _message(lambda text: {"tool_calls": [{**_FUNCTION, "function": {"name": "f", "arguments": _plain({"a": text})}}]})),
    Body("chat", "tool arguments, escaped", _message(lambda text: {"tool_calls": [{**_FUNCTION, "function": {"name": "f", "arguments": _escaped({"a": text})}}]})),
    Body("chat", "key of tool arguments that are an object", _message(lambda text: {"tool_calls": [{**_FUNCTION, "function": {"name": "f", "arguments": {text: 1}}}]}), as_it_stands=True),
    Body("chat", "function_call arguments", _message(lambda text: {"function_call": {"name": "f", "arguments": _plain({"a": text})}})),
    Body("chat", "log-probabilities", lambda text: _answer({**_SAID, "logprobs": {"content": [{"token": text, "logprob": -1, "top_logprobs": []}]}}), as_it_stands=True),
    Body("chat", "finish_reason", lambda text: _answer({**_SAID, "finish_reason": text}), as_it_stands=True, named=True),
    Body("chat", "unknown member of the choice", lambda text: _answer({**_SAID, "note": text}), as_it_stands=True),
    *(Body("chat", f"{key} of the answer", lambda text, key=key: _answer(_SAID, **{key: text}), as_it_stands=True, named=True) for key in ("id", "model", "system_fingerprint")),
    Body("chat", "usage", lambda text: _answer(_SAID, usage={"total_tokens": 1, "note": text}), as_it_stands=True),
    Body("chat", "unknown member of the answer", lambda text: _answer(_SAID, note=[text]), as_it_stands=True),
    Body("chat", "key of the answer", lambda text: _answer(_SAID, **{text: 1}), as_it_stands=True, named=True),
    Body("completions", "text", lambda text: _answer(_written(text))),
    Body("completions", "second choice", lambda text: _answer(_written("好。"), _written(text, 1))),
    Body("completions", "reasoning", lambda text: _answer(_written("好。", reasoning=text))),
    Body("completions", "unknown member of the choice", lambda text: _answer(_written("好。", x={"deep": [text]}))),
    Body("completions", "finish_reason", lambda text: _answer({**_written("好。"), "finish_reason": text}), as_it_stands=True, named=True),
    Body("completions", "index of the choice", lambda text: _answer({**_written("好。"), "index": text}), as_it_stands=True, named=True),
    Body("completions", "key of the choice", lambda text: _answer(_written("好。", **{text: 1})), as_it_stands=True, named=True),
    Body("completions", "log-probabilities", lambda text: _answer(_written("好。", logprobs={"tokens": [text]})), as_it_stands=True),
    Body("completions", "unknown member of the answer", lambda text: _answer(_written("好。"), note=[text]), as_it_stands=True),
    Body("responses", "output_text", lambda text: response([message(text)])),
    Body("responses", "second part", lambda text: response([message("好。", text)])),
    Body("responses", "output_text of the whole", lambda text: response([message("好。")], output_text=text), as_it_stands=True),
    Body("responses", "refusal", lambda text: response([message({"type": "refusal", "refusal": text})])),
    Body("responses", "reasoning summary", lambda text: response([reasoning(text), message("好。")])),
    Body("responses", "reasoning text", lambda text: response([{**reasoning("好"), "content": [{"type": "reasoning_text", "text": text}]}])),
    *(Body("responses", f"{kind}", lambda text, kind=kind: response([call(kind, _plain({"a": text}))])) for kind in CALLS),
    Body("responses", "function_call, escaped", lambda text: response([call("function_call", _escaped({"a": text}))])),
    Body("responses", "annotation", lambda text: response([message(text_part("好。", annotations=[{"type": "url_citation", "title": text, "url": "https://example.org", "start_index": 0, "end_index": 1}]))]), as_it_stands=True),
    Body("responses", "unknown item", lambda text: response([{"type": "x_note", "id": "x", "notes": [text]}])),
    Body("responses", "unknown member of the response", lambda text: response([message("好。")], note=[text]), as_it_stands=True),
    Body("responses", "metadata that is echoed", lambda text: response([message("好。")], metadata={"a": text}), as_it_stands=True),
    Body("responses", "key of metadata", lambda text: response([message("好。")], metadata={text: "a"}), as_it_stands=True),
    Body("responses", "error", lambda text: response([message("好。")], error={"code": "x", "message": text}), as_it_stands=True),
]  # fmt: skip

# -- how an upstream spells it


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _escaped(value: Any) -> str:
    r"""JSON in which every character of every string is `\uXXXX`."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_escaped(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_escaped, value)) + "]"
    return escapes(value) if isinstance(value, str) else json.dumps(value)


def escapes(text: str) -> str:
    raw = text.encode("utf-16-be")
    return '"' + "".join(f"\\u{raw[at : at + 2].hex()}" for at in range(0, len(raw), 2)) + '"'


@dataclass(frozen=True, slots=True)
class Coding:
    """`line`: what ends a line; `end`: the frame that ends a stream; `cut`: bytes missing at its end."""

    name: str
    spell: Callable[[Any], str] = _plain
    line: str = "\n"
    done: bool = True
    lines: int = 1
    cut: int = 0

    def frames(self, channel: Channel, pieces: Sequence[str]) -> list[bytes]:
        """One for each event; [DONE] where the wire has it."""
        out = []
        for event in channel.events(pieces):
            text = self.spell(event)
            data = [text]
            if self.lines > 1:
                # JSON may break its lines wherever it has a space of its own.
                data = json.dumps(event, ensure_ascii=False, indent=1).split("\n")
            head = [f"event: {event['type']}"] if channel.endpoint == "responses" else []
            out.append(self.line.join([*head, *(f"data: {line}" for line in data), "", ""]).encode())
        if self.done and channel.endpoint != "responses":
            out.append(f"data: [DONE]{self.line}{self.line}".encode())
        if self.cut:
            out[-1] = out[-1][: -self.cut]
        return out


PLAIN = Coding("UTF-8")
CODINGS = [
    PLAIN,
    Coding("CRLF", line="\r\n"),
    Coding("CR", line="\r"),
    Coding("every character as \\uXXXX", spell=_escaped),
    Coding("JSON over many data lines", lines=2),
    Coding("unterminated tail", done=False, cut=2),
]

# -- how it is cut


def halves(word: str) -> Iterator[list[str]]:
    """Every way to cut the text in two, within the word and at both its ends."""
    text, at = text_with(word), len(BEFORE + LEAD)
    for cut in range(at, at + len(word) + 1):
        yield [text[:cut], text[cut:]]


def characters(word: str) -> Iterator[list[str]]:
    yield list(text_with(word))


def tokens(word: str) -> Iterator[list[str]]:
    """As a model of OpenAI's says it: the bytes of each token, decoded as they come."""
    encoding = encoding_for("gpt-4o")
    decoder = codecs.getincrementaldecoder("utf-8")()
    said = [
        decoder.decode(encoding.decode_single_token_bytes(token))
        for token in encoding.encode(text_with(word))
    ]
    yield [piece for piece in said if piece]


def at_random(word: str, ways: int = 4) -> Iterator[list[str]]:
    text, chance = text_with(word), random.Random(word)
    for _ in range(ways):
        cuts = sorted(chance.sample(range(1, len(text)), chance.randint(1, 6)))
        yield [text[a:b] for a, b in itertools.pairwise([0, *cuts, len(text)])]


def whole(word: str) -> Iterator[list[str]]:
    yield [text_with(word)]


CUTS = {"whole": whole, "in two": halves, "characters": characters, "tokens": tokens, "at random": at_random}

# -- through the wire, and what came out

_BODIES: dict[str, Event] = {
    "chat": {"messages": [{"role": "user", "content": "你好"}], "n": 1},
    "completions": {"prompt": "从前"},
    "responses": {"input": "你好"},
}
_PATHS = {"chat": "/v1/chat/completions", "completions": "/v1/completions", "responses": "/v1/responses"}


def endpoint_of(channel: Channel | Body) -> Endpoint:
    found = ENDPOINTS[_PATHS[channel.endpoint]]
    assert not isinstance(found, InputEndpoint)
    return found


def decided(
    channel: Channel | Body, *, of: Rules = RULES, library: Library = LIBRARY, stream: bool = True
) -> Plan:
    body = {"model": "m", "stream": stream, **_BODIES[channel.endpoint]}
    if "two choices" in channel.name:
        body["n"] = 2
    if "log-prob" in channel.name:
        body |= {"logprobs": True, "include": ["message.output_text.logprobs"]}
    if "usage" in channel.name:
        body["stream_options"] = {"include_usage": True}
    asks = endpoint_of(channel).asks(body)
    return policy.plan(of, asks, request_id="req_1", library=library, content_numbers=NUMBERS[: asks.n])


def through(channel: Channel | Body, plan: Plan, pieces: Sequence[bytes]) -> bytes:
    """A stream in these pieces, as the client gets it."""
    rewriter = StreamRewriter(endpoint_of(channel).stream(plan))
    out = [rewriter.feed(piece) for piece in pieces]
    rewriter.flush()
    return b"".join(out) + rewriter.close()


def whole_answers(body: Body, text: str, spell: Callable[[Any], str] = _plain) -> tuple[bytes, bytes]:
    """One answer of the upstream as the client gets it: asked for whole, and asked for as a stream."""
    raw = spell(body.document(text)).encode()
    endpoint = endpoint_of(body)
    plain = endpoint.whole(decided(body, stream=False)).rewrite(raw)
    return plain, through(body, decided(body), [endpoint.as_stream(raw)])


_GRAIN = re.compile("[\ufe00-\ufe0f]")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def _walk(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every string with its place, keys of objects too; a choice's place is its index, not its position."""
    if isinstance(value, dict):
        place = (*path, value["index"]) if isinstance(value.get("index"), int) else path
        for key, item in value.items():
            yield (*place, "key"), f"\n{key}\n"
            yield from _walk(item, (*place, key))
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item, path)
    elif isinstance(value, str):
        yield path, value


def strings_of(out: bytes) -> list[str]:
    """All strings of a stream or of a body, those of the same place joined; escapes undone, without our grains."""
    joined: dict[tuple[Any, ...], list[str]] = {}
    documents: list[Any] = []
    if out.lstrip().startswith(b"{"):
        documents.append(json.loads(out))
    for line in re.split(rb"\r\n|\n|\r", out):
        if line.startswith(b"data: ") and line != b"data: [DONE]":
            documents.append(json.loads(line[6:]))
    for event in documents:
        about = tuple(event.get(key) for key in ("type", "output_index", "content_index", "summary_index"))
        for path, text in _walk(event, about):
            joined.setdefault(path, []).append(text)
    texts = (_GRAIN.sub("", "".join(parts)) for parts in joined.values())
    return [_ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) for text in texts]


def leaked(out: bytes, word: str) -> int:
    """How many characters of `word` came out behind its lead; all of them if it stands anywhere."""
    most = 0
    for text in strings_of(out):
        if word in text:
            return len(word)
        while most < len(word) and LEAD + word[: most + 1] in text:
            most += 1
    return most


def fits(channel: Channel | Body, entry: Entry) -> bool:
    """Whether this word must not come out there, or not as it is."""
    if channel.named and is_name(entry.pattern):
        return False
    return not channel.as_it_stands or entry.action_for(Direction.OUTPUT) is Action.BLOCK


def ways(channel: Channel, word: str) -> Iterator[tuple[str, list[str]]]:
    """Every way to cut it, by name."""
    for name, cut in CUTS.items():
        if name == "whole" or not channel.joined:
            for pieces in cut(word):
                yield name, pieces


def unlabelled(plan: Plan) -> Plan:
    """The same without labels and marks, so that what is held back is review's alone."""
    return replace(plan, positions=(), carrier=False)
