"""The SSE decoder cuts where the standard says, at every split, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import WireError
from proxy.wire.sse import MAX_FRAME, SseDecoder, frame_data, frame_of
from tests.helpers import splits

STREAMS = [
    b"data: a\n\ndata: b\n\n",
    b"data: a\r\n\r\ndata: b\r\n\r\n",
    b"data: a\r\rdata: b\r\r",
    b"data: a\n\r\ndata: b\r\n\n",
    b": ping\n\ndata:a\ndata: b\n\nevent: x\ndata: c\n\n",
    "data: 春\u2028江\u0085\n\ndata: 花\n\n".encode(),
    b"\xef\xbb\xbfdata: a\n\n\n\ndata: b\n\n",
]


def whole(stream: bytes) -> tuple[list[bytes], bytes]:
    decoder = SseDecoder()
    frames = decoder.feed(stream)
    return frames, decoder.flush()


def data_of(frames: list[bytes]) -> list[bytes]:
    return [data for frame in frames if (data := frame_data(frame)) is not None]


@pytest.mark.parametrize("stream", STREAMS)
def test_bytes_in_are_bytes_out_at_every_split(stream: bytes) -> None:
    expected = data_of(whole(stream)[0])
    for first, second in splits(stream):
        decoder = SseDecoder()
        frames = decoder.feed(first) + decoder.feed(second)
        assert b"".join(frames) + decoder.flush() == stream
        assert data_of(frames) == expected


@pytest.mark.parametrize("stream", STREAMS)
def test_one_byte_at_a_time_gives_the_same_data(stream: bytes) -> None:
    decoder = SseDecoder()
    frames = [frame for at in range(len(stream)) for frame in decoder.feed(stream[at : at + 1])]
    assert data_of(frames) == data_of(whole(stream)[0])


@pytest.mark.parametrize(
    ("frame", "data"),
    [
        (b"data: x\n\n", b"x"),
        (b"data:x\n\n", b"x"),
        (b"data:  x\n\n", b" x"),
        (b"data: x\r\n\r\n", b"x"),
        (b"data: x\ndata: y\n\n", b"x\ny"),
        (b"event: e\ndata: x\n\n", b"x"),
        (b"data\n\n", b""),
        (b": comment\n\n", None),
        (b"\n\n", None),
        (b"dataset: x\n\n", None),
    ],
)
def test_data_of_a_frame(frame: bytes, data: bytes | None) -> None:
    assert frame_data(frame) == data


def test_line_separators_of_unicode_are_text() -> None:
    assert whole("data: a\u2028b\u2029c\x0bd\x85\n\n".encode("latin-1", "xmlcharrefreplace"))[1] == b""
    frames, _ = whole("data: a\u2028b\n\n".encode())
    assert data_of(frames) == ["a\u2028b".encode()]


def test_an_unfinished_frame_is_kept_for_flush() -> None:
    assert whole(b"data: a\n\ndata: b") == ([b"data: a\n\n"], b"data: b")


def test_a_frame_that_never_ends_is_refused() -> None:
    decoder = SseDecoder()
    for _ in range(MAX_FRAME // 65536):
        decoder.feed(b"x" * 65536)
    with pytest.raises(WireError, match="more than"):
        decoder.feed(b"x")


def test_a_frame_of_our_own_reads_back() -> None:
    assert frame_data(frame_of(b'{"a":1}')) == b'{"a":1}'


@given(st.lists(st.binary(max_size=12), max_size=12))
def test_any_bytes_in_any_pieces_come_out_whole(pieces: list[bytes]) -> None:
    decoder = SseDecoder()
    frames = [frame for piece in pieces for frame in decoder.feed(piece)]
    assert b"".join(frames) + decoder.flush() == b"".join(pieces)


@given(st.lists(st.text(alphabet="ab:\r\n dat", max_size=20)), st.randoms(use_true_random=False))
def test_data_does_not_depend_on_the_split(lines: list[str], random: object) -> None:
    stream = "".join(f"data: {line}\n\n" for line in lines).encode()
    decoder = SseDecoder()
    frames = []
    at = 0
    while at < len(stream):
        step = random.randint(1, 7)  # type: ignore[attr-defined]
        frames += decoder.feed(stream[at : at + step])
        at += step
    assert data_of(frames) == data_of(whole(stream)[0])
