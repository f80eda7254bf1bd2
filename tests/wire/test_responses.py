"""The streamed Responses API: labels in their own deltas, nothing unreviewed out, done events equal to their deltas."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelers.explicit import strip_labels
from proxy.errors import WireError
from proxy.wire.responses import ResponsesStream
from proxy.wire.responses_answer import ResponsesAnswer, answer_frames
from proxy.wire.rewriter import StreamRewriter
from tests.helpers import keyword, splits, sse_events
from tests.wire.plans import rules
from tests.wire.responses_events import (
    CALLS,
    USAGE,
    Event,
    answer_events,
    call,
    call_events,
    deltas,
    message,
    message_events,
    numbered,
    plan,
    raw_through,
    reasoning_events,
    response,
    stream,
    text_delta,
    text_part,
    through,
)

START, END = "【本内容由AI生成】\n\n", "\n\n（以上内容由AI生成）"
REFUSAL = "换个话题吧。"
NOTICE = "\n\n" + REFUSAL  # behind text that was delivered
TEXT = ["春江潮水", "连海平，", "海上明月", "共潮生。"]
SECRET = "违禁甲乙丙"
MASKED = keyword("遮住", action={"input": "log", "output": "mask"})
REPLACED = keyword("换掉", action={"input": "log", "output": "replace"}, replacement="改后的词")


def kinds(events: Sequence[Event]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def of(events: Sequence[Event], kind: str) -> list[Event]:
    return [event for event in events if event["type"] == f"response.{kind}"]


def texts_of(events: Sequence[Event]) -> list[list[str]]:
    """What the deltas and each kind of event that repeats them say of each message of a complete answer."""
    final = events[-1]["response"]["output"]
    return [
        ["".join(deltas(events, event["output_index"])) for event in of(events, "output_text.done")],
        [event["text"] for event in of(events, "output_text.done")],
        [event["part"]["text"] for event in of(events, "content_part.done")],
        [e["item"]["content"][0]["text"] for e in of(events, "output_item.done") if e["item"].get("content")],
        [item["content"][0]["text"] for item in final if item.get("content")],
    ]


# -- labels, numbers, bytes


def test_labels_are_deltas_of_their_own_and_done_events_say_what_the_deltas_said() -> None:
    events = through(stream(message_events(TEXT)), plan())
    assert deltas(events) == [START, *TEXT, END]
    assert kinds(events) == [
        "created", "in_progress", "output_item.added", "content_part.added",
        *["output_text.delta"] * 6,
        "output_text.done", "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip
    assert texts_of(events) == [[START + "".join(TEXT) + END]] * 5
    assert events[-1]["response"]["usage"] == USAGE


def test_each_message_of_an_answer_is_labelled_and_they_bear_one_content_id() -> None:
    items = message_events(["先说"], 0), message_events(["再说"], 1, "msg_2", logprobs=[])
    events = through(stream(*items), plan())
    assert texts_of(events) == [[START + "先说" + END, START + "再说" + END]] * 5
    aigc = [e["response"]["aigc"] for e in events if "aigc" in e.get("response", {})]
    assert [a["ProduceID"] for a in aigc] == ["0693d21b6d4266ef"] * 2
    assert aigc[-1]["label"] == {"positions": ["start", "end"], "skipped_reason": None}


def test_events_before_the_first_label_go_out_byte_for_byte() -> None:
    raw = stream(message_events(TEXT)).replace(b'"sequence_number": 1,', b'"sequence_number":1,"n":1.50,')
    out = raw_through(raw, plan())
    frames = raw.split(b"\n\n")
    assert all(frame + b"\n\n" in out for frame in frames[1:4])
    assert b'n":1.50' in out


def test_an_answer_without_additions_goes_out_byte_for_byte() -> None:
    decided = plan(of=rules(metadata=False), text={"format": {"type": "json_object"}})
    for items in (message_events(['{"a":', "1}"]), reasoning_events(["想", "想"])):
        raw = stream(items)
        assert raw_through(raw, decided) == raw


def test_only_the_number_changes_in_events_without_text() -> None:
    search = {"type": "response.web_search_call.searching", "item_id": "ws_1", "output_index": 1}
    raw = stream(message_events(TEXT), [search])
    before = next(f for f in raw.split(b"\n\n") if b"searching" in f)
    after = next(f for f in raw_through(raw, plan()).split(b"\n\n") if b"searching" in f)
    assert after == before.replace(b'"sequence_number": 11', b'"sequence_number":13')


def test_a_number_inside_another_object_is_left_alone() -> None:
    odd = {"type": "response.web_search_call.searching", "x": {"sequence_number": 5}}
    events = through(stream(message_events(TEXT), [odd]), plan())
    assert of(events, "web_search_call.searching")[0]["x"] == {"sequence_number": 5}


def test_a_stream_without_numbers_gets_none() -> None:
    raw = b"".join(
        f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode()
        for e in answer_events(message_events(TEXT), call_events(["{}"], index=1))
    )
    assert b"sequence_number" not in raw_through(raw, plan())
    blocked = plan([keyword("潮水")])
    assert b"sequence_number" not in raw_through(raw, blocked)


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r", b"\n"])
def test_event_lines_are_kept_or_made_whatever_the_upstream_sends(line_end: bytes) -> None:
    raw = stream(message_events(TEXT))
    bare = b"".join(f.partition(b"\n")[2] + b"\n\n" for f in raw.split(b"\n\n") if f)
    wrong = raw.replace(b"event: response.", b"event: secret.")
    for data in (raw, bare, wrong):
        events = through(data.replace(b"\n", line_end), plan())
        assert texts_of(events)[0] == [START + "".join(TEXT) + END]
        assert b"secret" not in raw_through(data, plan())


def test_a_done_marker_is_dropped_and_completes_nothing() -> None:
    raw = stream(message_events(TEXT))
    assert raw_through(raw + b"data: [DONE]\n\n", plan()) == raw_through(raw, plan())
    cut = numbered(answer_events(message_events(TEXT))[:-1])
    assert through(cut + b"data: [DONE]\n\n", plan())[-1]["type"] == "error"


def test_nothing_is_delivered_after_the_last_event() -> None:
    raw = stream(message_events(TEXT))
    late = numbered([text_delta("迟到")])
    assert raw_through(raw + late, plan()) == raw_through(raw, plan())


def test_a_snapshot_of_what_is_under_way_brings_no_text() -> None:
    snapshot = {"type": "response.in_progress", "response": response([message("春")], "in_progress")}
    made = message_events(TEXT)
    events = through(stream([*made[:4], snapshot, *made[4:]]), plan())
    assert of(events, "in_progress")[1]["response"]["output"] == []
    assert texts_of(events) == [[START + "".join(TEXT) + END]] * 5


def test_a_cut_answer_that_comes_back_as_history_loses_its_labels() -> None:
    said = deltas(through(stream(message_events(["开头", SECRET])), plan([keyword(SECRET)])))
    assert strip_labels("".join(said), [START.strip(), END.strip()]) == "开头" + NOTICE


def test_the_usage_of_a_cut_answer_is_told_in_the_words_of_this_wire() -> None:
    dialect = ResponsesStream(plan([keyword(SECRET)]))
    rewriter = StreamRewriter(dialect)
    raw = numbered(answer_events(message_events(["开头", SECRET])))
    out = rewriter.feed(raw)
    assert dialect.cancelled and dialect.usage is None
    extra = [dialect.estimate({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5})]
    events = sse_events(out + rewriter.close(extra=extra))
    assert events[-1]["response"]["usage"] == {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    assert events[-1]["response"]["aigc"]["usage_estimated"] is True
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


def test_metadata_that_is_off_adds_nothing_to_a_cut_answer() -> None:
    events = through(stream(message_events([SECRET])), plan([keyword(SECRET)], of=rules(metadata=False)))
    assert "aigc" not in events[-1]["response"]


def test_the_aigc_object_of_an_upstream_is_replaced() -> None:
    events = through(stream(message_events(TEXT), aigc={"Label": "x"}), plan())
    assert events[0]["response"]["aigc"]["Label"] == events[-1]["response"]["aigc"]["Label"] == "1"


def test_an_answer_without_text_says_that_there_was_none_to_label() -> None:
    events = through(stream(call_events(["{}"])), plan())
    assert events[-1]["response"]["aigc"]["label"] == {"positions": [], "skipped_reason": "empty"}


@pytest.mark.parametrize("last", ["incomplete", "failed", "cancelled"])
def test_the_end_label_also_comes_where_the_answer_was_cut(last: str) -> None:
    raw = numbered([*answer_events(message_events(TEXT), last=last)[:-4], response_event(last)])
    events = through(raw, plan())
    assert deltas(events)[-1] == END
    assert events[-1]["type"] == f"response.{last}"


def response_event(last: str, *output: Event, **fields: Any) -> Event:
    return {"type": f"response.{last}", "response": response(output, last, **fields)}


def test_text_that_comes_after_the_end_of_its_part_is_dropped() -> None:
    items = message_events(TEXT)
    events = through(stream([*items[:-1], text_delta("迟到"), items[-1]]), plan())
    assert texts_of(events) == [[START + "".join(TEXT) + END]] * 5


def test_text_that_a_done_event_alone_brings_gets_its_deltas_before_it() -> None:
    items = [e for e in message_events(TEXT) if "delta" not in e]
    events = through(stream(items), plan())
    assert deltas(events) == [START, "".join(TEXT), END]
    assert texts_of(events) == [[START + "".join(TEXT) + END]] * 5


@pytest.mark.parametrize("missing", ["output_text.done", "content_part.done", "output_item.done"])
def test_a_done_event_that_is_missing_loses_no_label(missing: str) -> None:
    items = [e for e in message_events(TEXT) if e["type"] != f"response.{missing}"]
    whole = response_event("completed", message("".join(TEXT)))
    events = through(numbered([*answer_events(items)[:-1], whole]), plan())
    assert "".join(deltas(events)) == START + "".join(TEXT) + END
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == START + "".join(TEXT) + END


def test_a_done_event_that_says_something_else_is_made_to_say_what_the_deltas_said() -> None:
    raw = stream(message_events(TEXT)).replace("".join(TEXT).encode(), "另一种说法".encode())
    assert texts_of(through(raw, plan())) == [[START + "".join(TEXT) + END]] * 5


def test_a_text_that_only_the_final_response_holds_is_labelled_there() -> None:
    raw = numbered([*answer_events()[:-1], response_event("completed", message("春江"), output_text="春江")])
    final = through(raw, plan())[-1]["response"]
    assert final["output"][0]["content"][0]["text"] == START + "春江" + END
    assert final["output_text"] == START + "春江" + END


def test_item_ids_that_change_as_they_go_do_not_break_a_text_apart() -> None:
    items = [
        {**e, "item_id": f"msg_{at}"} if "item_id" in e else e
        for at, e in enumerate(message_events(list("前违禁甲乙丙")))
    ]
    out = raw_through(stream(items), plan([keyword(SECRET)])).decode()
    assert "违" not in out
    assert "response.incomplete" in out


def test_text_that_a_part_begins_with_is_its_first_delta() -> None:
    items = message_events(["江潮水"])
    items[1]["part"]["text"] = "春"
    items[1]["part"]["annotations"] = [{"type": "file_path", "file_id": "f", "index": 0}]
    for event in items[3:]:
        if "text" in event:
            event["text"] = "春江潮水"
    events = through(stream(items), plan())
    assert of(events, "content_part.added")[0]["part"] == text_part("")
    assert deltas(events) == [START, "春", "江潮水", END]


def test_empty_deltas_pass() -> None:
    events = through(stream(message_events(["", "春", ""])), plan())
    assert deltas(events) == ["", START, "春", "", END]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ("```py\nx", "```py\nx\n```" + END),
        ("[1] 见下文", "[1] 见下文" + END),
        ("`x` 是", START + "`x` 是" + END),
        ("  ", "  "),
    ],
)
def test_text_that_a_label_would_break_is_decided_alike_at_every_split(text: str, expected: str) -> None:
    for at in range(len(text)):
        assert texts_of(through(stream(message_events([text[:at], text[at:]])), plan())) == [[expected]] * 5


# -- leaks: a word at every split of every channel

Cut = Callable[[list[str]], list[list[Event]]]


def refusal_events(texts: list[str]) -> list[Event]:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part = {"type": "refusal", "refusal": "".join(texts)}
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": message()},
        {"type": "response.content_part.added", **place, "part": {"type": "refusal", "refusal": ""}},
        *({"type": "response.refusal.delta", **place, "delta": text} for text in texts),
        {"type": "response.refusal.done", **place, "refusal": "".join(texts)},
        {"type": "response.content_part.done", **place, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": message(part)},
    ]


def thought_events(texts: list[str]) -> list[Event]:
    place = {"item_id": "rs_1", "output_index": 0, "content_index": 0}
    part = {"type": "reasoning_text", "text": "".join(texts)}
    item = {"id": "rs_1", "type": "reasoning", "summary": [], "content": [part]}
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
        *({"type": "response.reasoning_text.delta", **place, "delta": text} for text in texts),
        {"type": "response.reasoning_text.done", **place, "text": "".join(texts)},
        {"type": "response.content_part.done", **place, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
    ]


def begun(make: Callable[[list[str]], list[Event]], key: str) -> Cut:
    """The first piece stands in the event that adds the part."""

    def events(texts: list[str]) -> list[list[Event]]:
        made = make(texts)
        made[1]["part"][key] = texts[0]
        return [made[:2] + made[3:]]

    return events


def shell_events(texts: list[str]) -> list[Event]:
    place = {"item_id": "sh_1", "output_index": 0, "command_index": 0}
    item = {"id": "sh_1", "type": "shell_call", "call_id": "c", "action": {"commands": ["".join(texts)]}}
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "action": {"commands": []}}},
        {"type": "response.shell_call_command.added", **place, "command": texts[0]},
        *({"type": "response.shell_call_command.delta", **place, "delta": text} for text in texts[1:]),
        {"type": "response.shell_call_command.done", **place, "command": "".join(texts)},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
    ]  # fmt: skip


def output_events(texts: list[str]) -> list[Event]:
    """What a shell said: deltas that are objects, in an item that is not a call."""
    place = {"item_id": "so_1", "output_index": 0, "command_index": 0}
    item = {"id": "so_1", "type": "shell_call_output", "output": [{"stdout": "".join(texts)}]}
    kind = "response.shell_call_output_content"
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "output": []}},
        *({"type": f"{kind}.delta", **place, "delta": {"stdout": text, "n": 1}} for text in texts),
        {"type": f"{kind}.done", **place, "output": item["output"]},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
    ]


def escaped(texts: list[str]) -> list[str]:
    return [json.dumps(text)[1:-1] for text in texts]


def interleaved(texts: list[str]) -> list[list[Event]]:
    """Two messages whose deltas alternate; the second one is harmless."""
    one, two = message_events(texts), message_events(["春", "江"], 1, "msg_2")
    return [one[:2], two[:2], one[2:3], two[2:3], one[3:4], two[3:4], one[4:], two[4:]]


def quoted(texts: list[str]) -> list[str]:
    return ['{"q":"', *texts, '"}']


def only(make: Callable[[list[str]], list[Event]], kind: str) -> Cut:
    """Of the events with text only those of one kind, which bring it whole."""

    def events(texts: list[str]) -> list[list[Event]]:
        made = make(texts)
        kept = [e for e in made if e["type"].endswith((".added", kind))]
        return [kept]

    return events


CHANNELS: dict[str, Cut] = {
    "text": lambda t: [message_events(t)],
    "text_begun_with_its_part": begun(message_events, "text"),
    "text_of_two_messages": interleaved,
    "second_message": lambda t: [message_events(["春"]), message_events(t, 1, "msg_2")],
    "reasoning_summary": lambda t: [reasoning_events(t)],
    "reasoning_summary_begun_with_its_part": begun(reasoning_events, "text"),
    "reasoning_text": lambda t: [thought_events(t)],
    "reasoning_before_text": lambda t: [reasoning_events(t), message_events(["春"], 1)],
    "refusal": lambda t: [refusal_events(t)],
    "refusal_begun_with_its_part": begun(refusal_events, "refusal"),
    **{f"{kind}": lambda t, k=kind: [call_events(quoted(t), k)] for kind in CALLS},  # type: ignore[misc]
    **{f"{kind}_escaped": lambda t, k=kind: [call_events(quoted(escaped(t)), k)] for kind in CALLS},  # type: ignore[misc]
    "call_after_text": lambda t: [message_events(["春"]), call_events(quoted(t), index=1)],
    "shell_call": lambda t: [shell_events(t)],
    "shell_output": lambda t: [output_events(t)],
    "unknown_delta": lambda t: [[{"type": "response.new.delta", "output_index": 3, "delta": x} for x in t]],
    "unknown_delta_object": lambda t: [[{"type": "response.new.delta", "delta": {"a": [x]}} for x in t]],
    "unknown_event": lambda t: [[{"type": "response.new.piece", "said": {"so": x}} for x in t]],
    "unknown_event_in_one": lambda t: [[{"type": "response.new.done", "said": "".join(t)}]],
    "text_done_only": only(message_events, "output_text.done"),
    "part_done_only": only(message_events, "content_part.done"),
    "item_done_only": only(message_events, "output_item.done"),
    "summary_done_only": only(reasoning_events, "text.done"),
    "summary_part_done_only": only(reasoning_events, "part.done"),
    "reasoning_item_done_only": only(reasoning_events, "item.done"),
    "refusal_done_only": only(refusal_events, "refusal.done"),
    "call_done_only": only(lambda t: call_events(quoted(t)), "item.done"),
    "call_arguments_done_only": only(lambda t: call_events(quoted(t)), "arguments.done"),
    "final_response_only": lambda t: [[response_event("completed", message("".join(t)))]],
    "final_call_only": lambda t: [[response_event("completed", call("function_call", "".join(quoted(t))))]],
    "final_unknown_item_only": lambda t: [[response_event("completed", {"type": "x", "y": {"z": "".join(t)}})]],
    "annotation": lambda t: [[*message_events(["春"])[:3], annotation_event(0, 1, title="".join(t))]],
    "extra_member_of_a_delta": lambda t: [[*message_events(["春"])[:2], text_delta("江", note="".join(t))]],
    "unknown_member_of_the_response": lambda t: [[response_event("completed", note="".join(t))]],
    "unknown_content": lambda t: [[*message_events([])[:1], part_event({"type": "new", "x": "".join(t)})]],
    "item_added": lambda t: [[{"type": "response.output_item.added", "output_index": 0, "item": {"type": "web_search_call", "action": {"query": "".join(t)}}}]],
}  # fmt: skip


def annotation_event(start: int, end: int, index: int = 0, **fields: Any) -> Event:
    place = {"item_id": "msg_1", "output_index": index, "content_index": 0, "annotation_index": 0}
    return {
        "type": "response.output_text.annotation.added",
        **place,
        "annotation": citation(start, end, **fields),
    }


def citation(start: int, end: int, **fields: Any) -> Event:
    return {
        "type": "url_citation",
        "start_index": start,
        "end_index": end,
        "url": "https://a.example",
        **fields,
    }


def part_event(part: Event) -> Event:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    return {"type": "response.content_part.added", **place, "part": part}


@pytest.mark.parametrize("name", CHANNELS)
def test_a_blocked_word_never_leaks_wherever_it_is_cut(name: str) -> None:
    text = f"前文{SECRET}后文"
    decided = plan([keyword(SECRET)])
    for at in range(1, len(text)):
        items = CHANNELS[name]([text[:at], text[at:]])
        out = raw_through(stream(*items), decided)
        assert not set(SECRET) & set(out.decode()), out.decode()
        assert "后文" not in out.decode()
        events = through(stream(*items), decided)
        last = events[-1]
        assert last["type"] == "response.incomplete"
        assert last["response"]["status"] == "incomplete"
        assert last["response"]["incomplete_details"] == {"reason": "content_filter"}
        assert last["response"]["aigc"]["review"]["decision"] == "block"
        assert REFUSAL in json.dumps(last["response"]["output"], ensure_ascii=False)
        assert_well_formed(events)


@pytest.mark.parametrize("name", CHANNELS)
def test_the_same_text_without_the_word_arrives_whole(name: str) -> None:
    text = "前文无害的词后文"
    for at in range(1, len(text)):
        items = CHANNELS[name]([text[:at], text[at:]])
        events = through(stream(*items), plan([keyword(SECRET), keyword("无害而长的词")]))
        assert events[-1]["type"] == "response.completed"
        once = json.dumps(text)[1:-1]
        held = json.dumps(events, ensure_ascii=False) + pieces_of(events)
        assert text in held or once in held or json.dumps(once)[1:-1] in held


def pieces_of(events: list[Event]) -> str:
    """The strings of deltas and of unknown events, joined."""
    out = []
    for event in events:
        delta = event.get("delta", event.get("said"))
        for text in delta.values() if type(delta) is dict else [delta]:
            out.append(text[0] if type(text) is list else text)
    return "".join(text for text in out if type(text) is str)


def assert_well_formed(events: list[Event]) -> None:
    """As the SDK's stream helper wants it: items are added once, before their content, and closed."""
    added: dict[int, Event] = {}
    parts: dict[tuple[int, int], str] = {}
    done: dict[int, Event] = {}
    for event in events:
        kind, index = event["type"].removeprefix("response."), event.get("output_index", -1)
        if kind == "output_item.added":
            assert index not in added
            added[index] = event["item"]
        elif kind == "content_part.added":
            parts[index, event["content_index"]] = ""
        elif kind == "output_text.delta":
            parts[index, event["content_index"]] += event["delta"]
        elif kind == "output_text.done":
            assert parts[index, event["content_index"]] == event["text"]
        elif kind == "output_item.done":
            assert index not in done
            assert event["item"].get("id") == added.get(index, event["item"]).get("id")
            done[index] = event["item"]
    assert set(added) <= set(done)
    for item in events[-1]["response"]["output"]:
        assert item in done.values()


def test_a_block_closes_the_open_text_behind_its_end_label() -> None:
    events = through(stream(message_events(["开头违禁", "甲乙丙尾"])), plan([keyword(SECRET)]))
    assert deltas(events) == [START, "开头", END, NOTICE]
    said = START + "开头" + END + NOTICE
    assert kinds(events)[-4:] == ["output_text.done", "content_part.done", "output_item.done", "incomplete"]
    assert [events[-4]["text"], events[-3]["part"]["text"]] == [said, said]
    assert events[-2]["item"] == message(text_part(said), status="incomplete")
    final = events[-1]["response"]
    assert final["output"] == [events[-2]["item"]]
    assert (final["aigc"]["event"], final["aigc"]["from_char"]) == ("retract", len(START))
    assert (final["aigc"]["output_index"], final["aigc"]["content_index"]) == (0, 0)


def test_a_block_before_any_text_sends_the_notice_alone() -> None:
    events = through(stream(message_events([SECRET])), plan([keyword(SECRET)]))
    assert deltas(events) == [REFUSAL]
    assert "event" not in events[-1]["response"]["aigc"]


def test_items_that_were_done_before_the_block_stay_as_they_were_delivered() -> None:
    raw = stream(
        message_events(["春江"]),
        call_events(["{}"], index=1),
        message_events(["海", SECRET], 2, "msg_2"),
    )
    events = through(raw, plan([keyword(SECRET)]))
    one, two, three = events[-1]["response"]["output"]
    assert one["content"][0]["text"] == START + "春江" + END
    assert two["arguments"] == "{}"
    assert three["content"][0]["text"] == START + "海" + END + NOTICE


def test_a_block_in_a_tool_call_withholds_all_of_it_and_tells_in_a_message() -> None:
    raw = stream(message_events(["春江"]), call_events(['{"q":"', SECRET], index=1))
    events = through(raw, plan([keyword(SECRET)]))
    assert not any("function_call" in kind for kind in kinds(events))
    text, notice = events[-1]["response"]["output"]
    assert text["content"][0]["text"] == START + "春江" + END
    assert notice == message(text_part(REFUSAL), name="msg_req_1", status="incomplete")


def test_a_reasoning_that_was_cut_keeps_what_was_delivered() -> None:
    raw = stream(reasoning_events(["想一", "想违禁甲", "乙丙"]))
    thought, notice = through(raw, plan([keyword(SECRET)]))[-1]["response"]["output"]
    assert thought["summary"] == [{"type": "summary_text", "text": "想一想"}]
    assert thought["status"] == "incomplete"
    raw = stream(thought_events(["想一", "想违禁甲", "乙丙"]))
    thought, notice = through(raw, plan([keyword(SECRET)]))[-1]["response"]["output"]
    assert thought["content"] == [{"type": "reasoning_text", "text": "想一想"}]
    assert notice["content"][0]["text"] == REFUSAL


def test_a_refusal_that_was_cut_keeps_what_was_delivered() -> None:
    final = through(stream(refusal_events(["不行", SECRET])), plan([keyword(SECRET)]))[-1]["response"]
    assert final["output"][0]["content"] == [{"type": "refusal", "refusal": "不行"}]
    assert final["output"][1]["content"][0]["text"] == REFUSAL


def test_two_open_messages_are_both_closed_by_a_block_in_one() -> None:
    events = through(stream(*interleaved(["前违禁", "甲乙丙"])), plan([keyword(SECRET)]))
    assert "".join(deltas(events, 0)) == START + "前" + END + NOTICE
    assert "".join(deltas(events, 1)) == START + "春" + END
    assert [item["status"] for item in events[-1]["response"]["output"]] == ["incomplete"] * 2


def test_a_block_in_json_output_is_told_in_a_refusal_part() -> None:
    asked = plan([keyword(SECRET)], text={"format": {"type": "json_schema", "name": "s", "schema": {}}})
    events = through(stream(message_events(['{"a":"', SECRET, '"}'])), asked)
    assert deltas(events) == ['{"a":"']
    assert [e["delta"] for e in of(events, "refusal.delta")] == [REFUSAL]
    assert events[-1]["response"]["output"][0]["content"] == [
        text_part('{"a":"'),
        {"type": "refusal", "refusal": REFUSAL},
    ]
    events = through(stream(reasoning_events([SECRET])), asked)
    assert events[-1]["response"]["output"][1]["content"] == [{"type": "refusal", "refusal": REFUSAL}]
    assert_well_formed(events)


def test_a_block_found_in_the_last_event_still_tells_the_usage() -> None:
    raw = numbered([*answer_events()[:-1], response_event("completed", message(SECRET))])
    final = through(raw, plan([keyword(SECRET)]))[-1]["response"]
    assert final["usage"] == USAGE


def test_words_that_only_block_as_output_are_taken_from_what_echoes_the_request() -> None:
    tools = [{"type": "function", "name": "f", "description": SECRET}]
    raw = stream(message_events(TEXT), instructions=f"别说{SECRET}", tools=tools, metadata={"a": "b"})
    events = through(raw, plan([keyword(SECRET)]))
    for event in (events[0], events[1], events[-1]):
        assert event["response"]["instructions"] is None
        assert event["response"]["tools"] == []
        assert event["response"]["metadata"] == {"a": "b"}
    assert events[-1]["type"] == "response.completed"


def test_identifiers_and_ciphertext_are_not_taken_for_words() -> None:
    item = {"id": "rs_bad", "type": "reasoning", "summary": [], "encrypted_content": "xxbadxx"}
    raw = stream([{"type": "response.output_item.done", "output_index": 0, "item": item}])
    events = through(raw, plan([keyword("bad")]))
    assert events[-1]["response"]["output"] == [item]


# -- masks and replacements


@pytest.mark.parametrize("name", ["text", "reasoning_summary", "reasoning_text", "refusal"])
def test_masked_words_are_masked_in_deltas_and_in_what_repeats_them(name: str) -> None:
    raw = stream(*CHANNELS[name](["前遮", "住后"]))
    out = raw_through(raw, plan([MASKED])).decode()
    assert "遮" not in out
    said = "".join(e["delta"] for e in through(raw, plan([MASKED])) if "delta" in e)
    assert said.removeprefix(START).removesuffix(END) == "前＊＊后"
    assert out.count("前＊＊后") >= 4


def test_what_a_channel_holds_back_comes_before_its_done_event() -> None:
    raw = stream(reasoning_events(["想", "违禁"]), message_events(TEXT, 1))
    events = through(raw, plan([keyword(SECRET)]))
    at = kinds(events).index("reasoning_summary_text.done")
    assert events[at - 1]["delta"] == "违禁"
    assert events[at]["text"] == "想违禁"


def test_what_a_part_begins_with_can_be_held_back() -> None:
    events = through(stream(*begun(refusal_events, "refusal")(["违", "禁无关"])), plan([keyword(SECRET)]))
    assert [e["delta"] for e in of(events, "refusal.delta")] == ["违禁无关"]


def test_what_a_channel_holds_back_comes_even_where_no_done_event_ends_it() -> None:
    made = [e for e in reasoning_events(["想", "违禁"]) if not e["type"].endswith(".done")]
    events = through(stream(made), plan([keyword(SECRET)]))
    assert [e["delta"] for e in events if "delta" in e] == ["想", "违禁"]


# -- tool calls


@pytest.mark.parametrize("kind", CALLS)
def test_a_call_that_passes_goes_out_whole_and_as_it_came(kind: str) -> None:
    made = call_events(['{"q":', '"春江"}'], kind)
    raw = stream(made)
    frames = raw.split(b"\n\n")[2:6]
    assert b"\n\n".join(frames) in raw_through(raw, plan([keyword(SECRET)]))


def test_a_call_is_withheld_until_its_item_is_done() -> None:
    events = answer_events(call_events(["{", "}"]))
    rewriter = StreamRewriter(ResponsesStream(plan([keyword(SECRET)])))
    frames = numbered(events).split(b"\n\n")
    out = [rewriter.feed(frame + b"\n\n") for frame in frames[:-2]]
    assert [b"function_call" in data for data in out] == [False] * 6 + [True]


def test_events_of_other_items_pass_while_a_call_is_withheld() -> None:
    one, two = call_events(["{", "}"]), message_events(TEXT, 1)
    events = through(stream(one[:2], two[:3], one[2:], two[3:]), plan([keyword(SECRET)]))
    order = kinds(events)
    assert order.index("output_text.delta") < order.index("function_call_arguments.delta")
    assert_well_formed(events)


def test_a_call_that_is_never_done_goes_out_before_the_last_event() -> None:
    made = call_events(["{", "}"])[:-1]
    events = through(stream(made), plan())
    assert kinds(events)[2:-1] == [e["type"].removeprefix("response.") for e in made]
    assert "error" in kinds(through(numbered(answer_events(made)[:-1]), plan()))


def test_hosted_searches_are_not_withheld() -> None:
    item = {"id": "ws_1", "type": "web_search_call", "status": "in_progress"}
    raw = stream([
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.web_search_call.in_progress", "output_index": 0, "item_id": "ws_1"},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
    ])  # fmt: skip
    decided = plan(of=rules(metadata=False))
    assert raw_through(raw, decided) == raw


# -- annotations and log-probabilities


def place_in(events: list[Event], annotation: Event, index: int = 0) -> str:
    text = next(e["text"] for e in of(events, "output_text.done") if e["output_index"] == index)
    return str(text[annotation["start_index"] : annotation["end_index"]])


def annotated(texts: list[str], *annotations: Event) -> bytes:
    made = message_events(texts, annotations=list(annotations))
    extra = [{**annotation_event(0, 0), "annotation": a} for a in annotations]
    return stream([*made[:-3], *extra, *made[-3:]])


@pytest.mark.parametrize("carrier", [False, True])
@pytest.mark.parametrize("word", ["春江", "月共", "生。"])
def test_citations_move_with_their_words(carrier: bool, word: str) -> None:
    text = "".join(TEXT) * 6
    at = text.rindex(word)
    raw = annotated([text[i : i + 5] for i in range(0, len(text), 5)], citation(at, at + len(word)))
    events = through(raw, plan(of=rules(carrier=carrier)))
    found = [
        of(events, "output_text.annotation.added")[0]["annotation"],
        of(events, "content_part.done")[0]["part"]["annotations"][0],
        of(events, "output_item.done")[0]["item"]["content"][0]["annotations"][0],
        events[-1]["response"]["output"][0]["content"][0]["annotations"][0],
    ]
    for annotation in found:
        assert annotation == found[0]
        assert place_in(events, annotation).replace("\ufe0f", "")[0] == word[0]
        assert bare(place_in(events, annotation)) == word
    assert found[0]["start_index"] >= at + len(START)


def bare(text: str) -> str:
    return "".join(c for c in text if not "\ufe00" <= c <= "\ufe0f")


def test_a_citation_in_text_without_labels_stays_where_it_was() -> None:
    raw = annotated(['{"a":', "1}"], citation(0, 2))
    assert raw_through(raw, plan(of=rules(metadata=False), text={"format": {"type": "json_object"}})) == raw


def test_a_citation_behind_the_last_word_stands_before_the_end_label() -> None:
    events = through(stream(message_events(TEXT, annotations=[citation(16, 16)])), plan())
    (moved,) = events[-1]["response"]["output"][0]["content"][0]["annotations"]
    assert "".join(deltas(events))[moved["start_index"] :] == END


def test_a_file_citation_moves_and_the_number_of_a_file_does_not() -> None:
    cited = {"type": "file_citation", "file_id": "f", "index": 4}
    path = {"type": "file_path", "file_id": "f", "index": 0}
    events = through(annotated(TEXT, cited, path), plan())
    assert [e["annotation"]["index"] for e in of(events, "output_text.annotation.added")] == [
        4 + len(START),
        0,
    ]


def test_a_citation_of_words_that_are_still_held_back_waits_for_them() -> None:
    made = message_events(["春江违", "禁"], annotations=[citation(2, 4)])
    raw = stream([*made[:3], {**annotation_event(2, 4), "note": "遮住"}, *made[3:]])
    events = through(raw, plan([keyword(SECRET), MASKED]))
    assert of(events, "output_text.annotation.added")[0]["note"] == "＊＊"
    order = kinds(events)
    assert order.index("output_text.annotation.added") == order.index("output_text.done") - 1
    assert place_in(events, of(events, "output_text.annotation.added")[0]["annotation"]) == "违禁"


@pytest.mark.parametrize(
    ("text", "annotation"),
    [
        ("春换掉江", citation(3, 4)),
        ("春江", citation(0, 9)),
        ("春江", citation(-5, 1)),
        ("春江", "odd"),
        ("春江", citation(0, 1, title="遮住")),
    ],
)
def test_a_citation_that_cannot_be_moved_is_dropped(text: str, annotation: Any) -> None:
    events = through(annotated([text], annotation), plan([REPLACED, MASKED]))
    assert of(events, "output_text.annotation.added") == []
    assert events[-1]["response"]["output"][0]["content"][0]["annotations"] == []


def test_a_citation_that_comes_after_its_text_and_fits_nowhere_is_dropped() -> None:
    made = message_events(TEXT)
    events = through(stream([*made[:-2], annotation_event(0, 99), *made[-2:]]), plan())
    assert of(events, "output_text.annotation.added") == []


def test_citations_of_a_part_that_was_cut_stay_with_it() -> None:
    made = message_events(["春江", SECRET])
    raw = stream([*made[:3], annotation_event(0, 2), *made[3:]])
    part = through(raw, plan([keyword(SECRET)]))[-1]["response"]["output"][0]["content"][0]
    assert part["annotations"] == [citation(len(START), len(START) + 2)]


def spelt(*tokens: str, alternatives: Sequence[str] = ()) -> list[Event]:
    top = [{"token": token, "logprob": -2.0} for token in alternatives]
    return [{"token": token, "logprob": -0.1, "top_logprobs": top} for token in tokens]


def spelt_stream(texts: Sequence[str], **more: Any) -> bytes:
    made = message_events(texts, logprobs=spelt(*texts, **more))
    for event in made:
        if "delta" in event:
            event["logprobs"] = spelt(event["delta"], **more)
        elif event["type"] == "response.output_text.done":
            event["logprobs"] = spelt(*texts, **more)
    return stream(made)


def tokens(events: Sequence[Event]) -> list[str]:
    return [e["token"] for event in events if "delta" in event for e in event["logprobs"]]


def test_log_probabilities_wait_for_the_text_they_spell() -> None:
    events = through(spelt_stream(["春", "违禁", "无关"]), plan([keyword(SECRET)], top_logprobs=2))
    assert tokens(events) == ["春", "违禁", "无关"]
    shown = spelled = ""
    for event in events:
        if "delta" in event:
            shown += event["delta"]
            spelled += "".join(tokens([event]))
            assert len(spelled) <= len(shown.removeprefix(START))
    events = through(spelt_stream(["春", "违禁"]), plan([keyword(SECRET)], top_logprobs=2))
    assert tokens(events) == ["春", "违禁"]
    assert events[-1]["response"]["output"][0]["content"][0]["logprobs"] == spelt("春", "违禁")


def test_log_probabilities_come_also_while_a_label_is_not_decided_yet() -> None:
    events = through(spelt_stream(["`", "x` 是"]), plan(top_logprobs=2))
    assert tokens(events) == ["`", "x` 是"]
    assert "".join(deltas(events)) == START + "`x` 是" + END


@pytest.mark.parametrize("texts", [["春", "违禁", "甲乙丙"], ["春", "遮住"], ["春", "遮", "住"]])
def test_log_probabilities_never_spell_what_was_taken_out(texts: list[str]) -> None:
    out = raw_through(spelt_stream(texts), plan([keyword(SECRET), MASKED], top_logprobs=2)).decode()
    assert not {"违", "禁", "遮", "住"} & set(out)


def test_alternatives_that_would_be_blocked_are_dropped_and_the_answer_stays() -> None:
    events = through(spelt_stream(["春"], alternatives=[SECRET]), plan([keyword(SECRET)], top_logprobs=2))
    assert tokens(events) == []
    assert SECRET not in json.dumps(events, ensure_ascii=False)
    assert "".join(deltas(events)) == START + "春" + END


# -- what cannot be read


BAD: list[Any] = [
    {"type": "response.refusal.delta", "output_index": "江", "delta": "x"},
    {"type": "response.refusal.delta", "output_index": 0, "summary_index": ["江"], "delta": "x"},
    {"type": "response.refusal.delta", "output_index": 0, "delta": "x", "item_id": "江"},
    {"type": "response.refusal.delta", "output_index": 0, "delta": "x", "obfuscation": ["江"]},
    {"type": "response.refusal.delta", "output_index": 0, "delta": "x", "sequence_number": "江"},
    {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "delta": "江"},
    {"type": "bad\ntype"},
    {"type": 3, "x": "text"},
    {"choices": [{"delta": {"content": "x"}}]},
    {"type": "response.output_text.delta", "delta": "x"},
    {"type": "response.output_text.delta", "output_index": 0, "delta": "x"},
    {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": {"a": "b"}},
    {"type": "response.output_item.added", "output_index": 0, "item": "x"},
    {"type": "response.output_item.done", "output_index": 0, "item": "x"},
    {"type": "response.output_item.added", "output_index": 0, "item": message("春")},
    {"type": "response.content_part.added", "output_index": 0, "content_index": 0, "part": "x"},
    {"type": "response.content_part.added", "output_index": 0, "content_index": 0, "part": {"type": "output_audio"}},
    {"type": "response.audio.delta", "delta": "AAAA"},
    {"type": "response.image_generation_call.partial_image", "partial_image_b64": "AAAA"},
    {"type": "response.completed", "response": {"output": "x"}},
    {"type": "response.completed", "response": {"output": ["x"]}},
    {"type": "response.completed", "response": {"output": [message(3)]}},  # type: ignore[arg-type]
    {"type": "response.completed", "response": {"output": [message({"type": "output_image"})]}},
    {"type": "response.completed", "response": {"output": [{"type": "image_generation_call", "result": "AAAA"}]}},
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_what_cannot_be_read_or_reviewed_ends_the_stream_with_an_error(bad: Event) -> None:
    raw = numbered(answer_events(message_events(["春"]))[:5])
    raw += f"event: x\ndata: {json.dumps(bad)}\n\n".encode()
    events = through(raw + numbered([text_delta("江")]), plan())
    assert "".join(deltas(events)) == START + "春" + END
    assert events[-1]["type"] == "error"
    assert events[-1]["error"]["type"] == "upstream_error"
    assert {"code", "message", "param"} <= set(events[-1])
    assert "江" not in json.dumps(events, ensure_ascii=False)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"type": "error", "message": "overloaded", "code": "x", "param": None}, "overloaded"),
        ({"type": "error", "error": {"message": "overloaded"}}, "overloaded"),
        ({"error": "overloaded"}, "overloaded"),
        ({"type": "error"}, "the upstream reported an error"),
        ({"type": "error", "message": f"bad {SECRET}"}, "the upstream reported an error"),
    ],
)
def test_an_error_of_the_upstream_ends_the_stream_as_an_error(error: Event, said: str) -> None:
    raw = stream()[:0] + f"data: {json.dumps(error)}\n\n".encode()
    events = through_unnumbered(raw, [keyword(SECRET)])
    assert [events[-1]["message"], events[-1]["error"]["message"]] == [said, said]


def through_unnumbered(raw: bytes, entries: Any = ()) -> list[Event]:
    return sse_events(raw_through(raw, plan(entries)))


def test_events_without_type_and_text_are_dropped() -> None:
    raw = b"event: ping\ndata: {}\n\n" + stream(message_events(TEXT))
    assert raw_through(raw, plan()) == raw_through(stream(message_events(TEXT)), plan())


def test_an_error_of_the_final_response_is_reviewed() -> None:
    failed = response_event("failed", error={"code": "server_error", "message": f"bad {SECRET}"})
    final = through(numbered([*answer_events()[:2], failed]), plan([keyword(SECRET)]))[-1]
    assert final["type"] == "response.failed"
    assert final["response"]["error"]["message"] == "the upstream reported an error"


def test_a_stream_that_breaks_off_is_closed_by_its_label_and_says_so() -> None:
    for at in range(4, 8):
        events = through(
            numbered(answer_events(message_events(TEXT), call_events(["{}"], index=1))[:at]), plan()
        )
        assert events[-1]["type"] == "error"
        assert "response.completed" not in kinds(events)
        said = "".join(deltas(events))
        assert said in (START + "".join(TEXT[: at - 4]) + END, "")


def test_a_word_that_ends_where_the_stream_breaks_off_is_found() -> None:
    raw = numbered(answer_events(message_events(["前面", "违禁甲乙丙"]))[:6])
    assert SECRET not in raw_through(raw, plan([keyword(SECRET)])).decode()
    tail = numbered(answer_events(message_events(["前面", "违禁甲"]))[:6])
    assert "".join(deltas(through(tail, plan([keyword(SECRET)])))) == START + "前面违禁甲" + END


def test_a_stream_without_announcements_is_reviewed_and_labelled_too() -> None:
    raw = numbered(
        [
            *answer_events()[:1],
            text_delta("春"),
            text_delta("违禁"),
            response_event("completed", message("春违禁")),
        ]
    )
    assert "".join(deltas(through(raw, plan([keyword(SECRET)])))) == START + "春违禁" + END
    raw = numbered([text_delta("春"), text_delta(SECRET), response_event("completed")])
    events = through(raw, plan([keyword(SECRET)]))
    assert "".join(deltas(events)) == START + "春" + END + NOTICE
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == START + "春" + END + NOTICE


# -- properties


@settings(max_examples=120, deadline=None)
@given(st.lists(st.text(alphabet="春江违禁甲乙丙。 \n", max_size=5), max_size=8), st.integers(0, 2**32))
def test_the_answer_does_not_depend_on_how_bytes_and_deltas_are_cut(texts: list[str], seed: int) -> None:
    random = Random(seed)
    raw = stream(message_events(texts))
    decided = plan(
        [keyword(SECRET), keyword("江违", action={"input": "log", "output": "mask"})], of=rules(carrier=True)
    )
    events = through(raw, decided)
    pieces = []
    at = 0
    while at < len(raw):
        step = random.randint(1, 60)
        pieces.append(raw[at : at + step])
        at += step
    assert through(raw, decided, pieces) == events
    whole = "".join(texts)
    said = "".join(deltas(events))
    assert "".join(deltas(through(stream(message_events([whole])), decided))) == said
    assert SECRET not in said
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == said


ODD: list[Any] = [None, 0, -1, True, 1.5, "", SECRET, [], {}, [SECRET], {"a": [SECRET]}, "function_call"]


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value but the whole."""
    children = value.items() if type(value) is dict else enumerate(value) if type(value) is list else ()
    for key, child in children:
        yield (*path, key)
        yield from places_in(child, (*path, key))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(CHANNELS)), st.integers(1, 8), st.integers(0, 2**32))
def test_no_odd_value_anywhere_leaks_or_breaks_anything(name: str, at: int, seed: int) -> None:
    random = Random(seed)
    text = random.choice([f"前文{SECRET}后文", "前文无害的词后文"])
    events = answer_events(*CHANNELS[name]([text[:at], text[at:]]), message_events(["春", "江"], 5, "msg_5"))
    events = copy.deepcopy([{"sequence_number": n, **event} for n, event in enumerate(events)])
    for _ in range(random.randint(1, 2)):
        *lead, key = random.choice([place for place in places_in(events) if len(place) > 1])
        held: Any = events
        for step in lead:
            held = held[step]
        held[key] = copy.deepcopy(random.choice(ODD))
    raw = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    decided = plan([keyword(SECRET), MASKED])
    assert SECRET not in json.dumps(sse_events(raw_through(raw, decided)), ensure_ascii=False)
    whole = json.dumps(events[-1].get("response")).encode()
    with suppress(WireError):
        assert SECRET not in json.dumps(
            json.loads(ResponsesAnswer(decided).rewrite(whole)), ensure_ascii=False
        )
    with suppress(WireError):
        raw_through(answer_frames(whole), decided)


def test_every_split_of_the_bytes_gives_the_same_events() -> None:
    raw = stream(message_events(["春江违", "禁无关"]), call_events(["{}"], index=1))
    decided = plan([keyword(SECRET)])
    expected = raw_through(raw, decided)
    for head, tail in list(splits(raw))[::7]:
        assert raw_through(raw, decided, [head, tail]) == expected


EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["response.output_text.delta", "response.output_text.done", "response.content_part.added",
             "response.content_part.done", "response.output_item.added", "response.output_item.done",
             "response.function_call_arguments.delta", "response.reasoning_text.delta", "response.completed",
             "response.output_text.annotation.added", "response.new", "error"]
        )
    },
    optional={
        "output_index": st.integers(0, 1) | st.none(),
        "content_index": st.integers(0, 1),
        "item_id": st.sampled_from(["a", "b"]),
        "delta": st.sampled_from(["违", "禁甲", "乙丙", "春"]) | st.none(),
        "text": st.sampled_from(["违禁甲乙丙", "春"]),
        "sequence_number": st.integers(0, 9),
        "part": st.sampled_from([text_part("违禁甲乙丙"), {"type": "refusal", "refusal": "违"}, {}, None]),
        "item": st.sampled_from([message("春违禁甲乙丙"), call("function_call", "违禁甲乙丙"), {}, None]),
        "response": st.sampled_from([response([message("违禁甲乙丙")]), {}, None]),
        "annotation": st.sampled_from([citation(0, 1), None]),
    },
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(EVENTS, max_size=8))
def test_no_order_of_events_leaks_or_breaks_the_dialect(events: list[Event]) -> None:
    raw = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    out = raw_through(raw, plan([keyword(SECRET)]))
    assert SECRET not in out.decode()
    assert out.endswith(b"\n\n")


def test_behind_the_last_event_nothing_is_waited_for() -> None:
    rewriter = StreamRewriter(ResponsesStream(plan()))
    rewriter.feed(stream(message_events(["春"])))
    assert rewriter.complete and rewriter.finished
