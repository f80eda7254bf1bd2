"""Server-sent events as bytes: cut a stream into frames, read and write one frame.

Strategy: a frame is kept as the very bytes that came, blank line included, so that one that
needs no change goes out byte for byte. Lines end at LF, CR or CRLF and nowhere else (U+2028
is text). The decoder holds at most one unfinished frame, bounded by `MAX_FRAME`.

Source: WHATWG HTML §9.2.6 (event stream interpretation).
"""

from __future__ import annotations

import re

from proxy.errors import WireError

__all__ = ["DONE", "MAX_FRAME", "PING", "SseDecoder", "frame_data", "frame_of"]

MAX_FRAME = 8 * 1024 * 1024
DONE = b"[DONE]"
# A comment with a single newline: some SDKs fail on an event without data, which two would make.
PING = b": ping\n"

_BLANK_LINE = re.compile(rb"\r\n(?:\r\n|\n|\r)|\n(?:\r\n|\n|\r)|\r(?!\n)(?:\r\n|\n|\r)")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


class SseDecoder:
    """Bytes in, whole frames out. Raises WireError for a frame over `MAX_FRAME` bytes."""

    def __init__(self) -> None:
        # Grown in place and searched from where the last search ended, so that a long frame in
        # tiny pieces costs no more than one in large ones.
        self._buffer = bytearray()
        self._searched = 0
        self._has_cr = False

    def feed(self, data: bytes) -> list[bytes]:
        self._has_cr = self._has_cr or b"\r" in data
        source: bytes | bytearray = data
        if self._buffer:
            self._buffer += data
            source = self._buffer
        # A blank line that began in the old bytes ends at most three bytes later.
        ends = self._ends(source, max(self._searched - 3, 0))
        frames: list[bytes] = []
        start = 0
        for end in ends:
            frames.append(bytes(source[start:end]))
            start = end
        if source is self._buffer:
            del self._buffer[:start]
        else:
            self._buffer += data[start:]
        self._searched = len(self._buffer)
        if self._searched > MAX_FRAME:
            raise WireError(f"the upstream sent an event of more than {MAX_FRAME} bytes")
        return frames

    def _ends(self, source: bytes | bytearray, at: int) -> list[int]:
        if self._has_cr:
            return [match.end() for match in _BLANK_LINE.finditer(source, at)]
        ends = []
        while (at := source.find(b"\n\n", at)) >= 0:
            at += 2
            ends.append(at)
        return ends

    def flush(self) -> bytes:
        """What came after the last blank line: an unterminated frame, or nothing."""
        rest, self._searched = bytes(self._buffer), 0
        self._buffer.clear()
        return rest


def frame_data(frame: bytes) -> bytes | None:
    """The data of one frame, its lines joined by LF; None if it has no data line (a comment)."""
    # What nearly every upstream sends: one line, one space.
    if frame.startswith(b"data: ") and frame.find(b"\n") == len(frame) - 2 and b"\r" not in frame:
        return frame[6:-2]
    lines = []
    for line in _LINE_END.split(frame.removeprefix(_BOM)):
        field, _, value = line.partition(b":")
        if field == b"data":
            lines.append(value.removeprefix(b" "))
    return b"\n".join(lines) if lines else None


def frame_of(data: bytes) -> bytes:
    """One frame with one data line; `data` holds no line break."""
    return b"data: " + data + b"\n\n"
