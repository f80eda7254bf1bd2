"""The frame around every stream: frames in, frames out, a tail that waits, and an end that says how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import WireError
from proxy.wire.rewriter import StreamRewriter, clean_frame, error_frame
from proxy.wire.sse import MAX_FRAME, PING, frame_data, frame_of
from tests.helpers import splits, sse_events


class Echo:
    """Says each event again; `stop` completes, `block` cancels, `bad` fails."""

    terminator = b"data: [DONE]\n\n"
    failure = staticmethod(error_frame)

    def __init__(self) -> None:
        self.complete = self.cancelled = False
        self.seen: list[dict[str, Any]] = []

    def event(self, frame: bytes, data: bytes, event: dict[str, Any]) -> Iterable[bytes]:
        if "bad" in event:
            raise WireError("bad event")
        self.seen.append(event)
        self.complete = self.complete or "stop" in event or "block" in event
        self.cancelled = self.cancelled or "block" in event
        return [clean_frame(frame, data)]

    def end(self) -> Iterable[bytes]:
        return [b'data: {"end":1}\n\n']


A, B, STOP, BLOCK, BAD = (b'data: {"%s":1}\n\n' % name for name in (b"a", b"b", b"stop", b"block", b"bad"))
DONE = b"data: [DONE]\n\n"
END = b'data: {"end":1}\n\n'


def through(
    *pieces: bytes, failure: str = "", extra: Iterable[bytes] = ()
) -> tuple[bytes, bytes, StreamRewriter]:
    """What left at once, what left with `close`, and the rewriter."""
    rewriter = StreamRewriter(Echo())
    early = b"".join(rewriter.feed(piece) for piece in pieces)
    rewriter.flush()
    return early, rewriter.close(failure, extra), rewriter


BROKEN = "the upstream closed the stream before the answer was complete"

# stream, what leaves at once, what waits for the record, how it failed
STREAMS = [
    (A + STOP + DONE, A, STOP + DONE, ""),
    (A + STOP + B + DONE, A, STOP + B + DONE, ""),
    (A + DONE, A, END + DONE, ""),
    (DONE, b"", END + DONE, ""),
    (A + STOP + DONE + B, A, STOP + DONE, ""),
    (A + STOP, A, STOP, ""),
    (A + b"data: [DONE] \n\n", A, END + DONE, ""),
    (A + b"data:[DONE]\n\n", A, END + DONE, ""),
    # blocked: nothing more is read
    (A + BLOCK + B + DONE, A, BLOCK + DONE, ""),
    # the last frame without its blank line is read like any other
    (A + STOP[:-2], A, STOP, ""),
    (A + STOP + DONE[:-2], A, STOP + DONE, ""),
    (A + STOP + b"\n", A, STOP, ""),
    # broken off: closed, an error, no [DONE]
    (b"", b"", END + error_frame(BROKEN), BROKEN),
    (A, A, END + error_frame(BROKEN), BROKEN),
    (A + BAD[:-2], A, END + error_frame("bad event"), "bad event"),
    (A + B[:9], A, END + error_frame("the upstream sent an event that is not JSON"), "the upstream sent an event that is not JSON"),
    # what cannot be read
    (A + BAD + B + STOP + DONE, A, END + error_frame("bad event"), "bad event"),
    (A + STOP + BAD + DONE, A, STOP + error_frame("bad event"), "bad event"),
    (A + b"data: [1]\n\n" + B, A, END + error_frame("the upstream sent an event that is not an object"), "the upstream sent an event that is not an object"),
    (A + b"data: \xff\n\n", A, END + error_frame("the upstream sent an event that is not JSON"), "the upstream sent an event that is not JSON"),
    # comments keep the connection open; once the answer is complete nothing leaves early
    (b": hi\n\n" + A + b"event: ping\n\n" + STOP + b": hi\n\n" + DONE, PING + A + PING, STOP + DONE, ""),
    (b"\n\n" + b"data:\n\n" + b"data:  \n\n" + A + STOP + DONE, PING + PING + A, STOP + DONE, ""),
]  # fmt: skip


@pytest.mark.parametrize(("stream", "early", "late", "failed"), STREAMS)
def test_streams_at_every_split(stream: bytes, early: bytes, late: bytes, failed: str) -> None:
    for pieces in ([stream], *splits(stream), [stream[i : i + 1] for i in range(len(stream))]):
        out, tail, rewriter = through(*pieces)
        assert (out, tail, rewriter.failed) == (early, late, failed)
        assert rewriter.complete
        assert rewriter.close() == rewriter.close()


def test_when_nothing_more_of_the_upstream_would_be_delivered() -> None:
    for stream, complete, finished in [
        (A, False, False), (A + STOP, True, False), (A + DONE, True, True), (BLOCK, True, True), (BAD, True, True),
    ]:  # fmt: skip
        rewriter = StreamRewriter(Echo())
        rewriter.feed(stream)
        assert (rewriter.complete, rewriter.finished) == (complete, finished)


def test_after_the_answer_is_finished_nothing_is_read() -> None:
    for stream in (DONE, BLOCK, BAD):
        echo = Echo()
        rewriter = StreamRewriter(echo)
        rewriter.feed(stream)
        seen = list(echo.seen)
        assert rewriter.feed(A + STOP) == b""
        rewriter.flush()
        assert echo.seen == seen


def test_a_failure_of_the_connection_is_told_after_what_is_closed_and_without_done() -> None:
    assert through(A, STOP, DONE, failure="broke off")[1] == STOP + error_frame("broke off")
    assert through(A, failure="broke off")[1] == END + error_frame("broke off")


def test_extra_frames_come_before_the_terminator() -> None:
    extra = [b'data: {"usage":1}\n\n']
    assert through(BLOCK, extra=extra)[1] == BLOCK + extra[0] + DONE
    assert through(A, extra=extra)[1] == END + extra[0] + error_frame(BROKEN)


def test_an_event_that_is_too_long_ends_the_stream() -> None:
    rewriter = StreamRewriter(Echo())
    assert rewriter.feed(A) == A
    assert rewriter.feed(b"data: " + b"x" * MAX_FRAME) == b""
    assert "more than" in rewriter.failed
    assert sse_events(rewriter.close())[-1]["error"]["code"] == "upstream_error"


def test_an_error_frame_has_the_four_keys_that_sdks_read() -> None:
    assert sse_events(error_frame("春", "other")) == [
        {"error": {"message": "春", "type": "upstream_error", "param": None, "code": "other"}}
    ]


@pytest.mark.parametrize(
    ("frame", "clean"),
    [
        (b'data: {"a":1}\n\n', b'data: {"a":1}\n\n'),
        (b'data:{"a":1}\n\n', b'data:{"a":1}\n\n'),
        (b'data: {"a":1}\r\n\r\n', b'data: {"a":1}\r\n\r\n'),
        (b'data: {"a":1}\r\r', b'data: {"a":1}\r\r'),
        (b'id: 7\ndata: {"a":1}\n\n', b'data: {"a":1}\n\n'),
        (b'data: {"a":1}\nid: 7\n\n', b'data: {"a":1}\n\n'),
        (b'data: {"a":1}\rretry: 7\r\r', b'data: {"a":1}\n\n'),
        (b'event: x\r\ndata: {"a":1}\r\n\r\n', b'data: {"a":1}\n\n'),
        (b'data: {\ndata: "a":1}\n\n', b'data: { "a":1}\n\n'),
        (b'\xef\xbb\xbfdata: {"a":1}\n\n', b'data: {"a":1}\n\n'),
    ],
)
def test_a_frame_of_one_data_line_stays_and_any_other_becomes_one(frame: bytes, clean: bytes) -> None:
    data = frame_data(frame)
    assert data is not None
    assert clean_frame(frame, data) == clean


@given(
    st.lists(
        st.sampled_from([A, B, STOP, BLOCK, BAD, DONE, b": c\n\n", b"\n", b"data: ", b"id: 1\n"]), max_size=8
    )
)
def test_the_output_does_not_depend_on_the_splits_and_ends_well(parts: list[bytes]) -> None:
    out, tail, rewriter = through(b"".join(parts))
    assert through(*parts)[:2] == (out, tail)
    events = sse_events(out + tail)
    assert "[DONE]" not in events[:-1]
    if rewriter.failed:
        assert "error" in events[-1]
    assert frame_of(b"[DONE]") not in out
