"""SSE bytes in, SSE bytes out: the frame around every streamed answer, whatever its dialect.

Strategy: `SseDecoder` cuts frames; a dialect (chat, completions, responses) turns each into
the frames that may go out. Once a dialect says that its answer is complete, all further
output is kept back in the tail: the caller first makes its record durable, then lets the
tail go with `close`. What cannot be read is not delivered: the stream ends with an error
frame and without [DONE].
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import orjson

from proxy.errors import WireError, error_body
from proxy.wire.sse import DONE, PING, SseDecoder, frame_data, frame_of

__all__ = ["Dialect", "StreamRewriter", "clean_frame", "error_frame"]


class Dialect(Protocol):
    """One wire's events. Stateful, for one answer."""

    terminator: bytes
    """The frame that ends a whole stream, b"" if the dialect has none of its own."""

    complete: bool
    """Every choice has ended; what follows is usage at most."""

    cancelled: bool
    """Every choice was blocked: the upstream has nothing more to say."""

    def event(self, frame: bytes, data: bytes, event: dict[str, Any]) -> Iterable[bytes]:
        """The frames that go out for one that came in. Raises WireError."""
        ...

    def end(self) -> Iterable[bytes]:
        """The frames that close what is still open; the stream ends here."""
        ...

    def failure(self, message: str) -> bytes:
        """The frame that says why a stream breaks off, so that SDKs raise on it."""
        ...


class StreamRewriter:
    """A filter over one streamed answer. `failed` holds the reason once it failed closed."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._decoder = SseDecoder()
        self._tail: list[bytes] = []
        self._terminated = False
        self.failed = ""

    @property
    def complete(self) -> bool:
        return self._terminated or self._dialect.complete or bool(self.failed)

    @property
    def finished(self) -> bool:
        """Nothing that still comes from the upstream would be delivered."""
        # A dialect whose last event is the end has nothing to come behind it.
        ended = self._dialect.complete and not self._dialect.terminator
        return self._terminated or self._dialect.cancelled or ended or bool(self.failed)

    def feed(self, data: bytes) -> bytes:
        """What may leave now. Empty once the answer is complete: the rest is in the tail."""
        out: list[bytes] = []
        try:
            for frame in self._decoder.feed(data):
                if self.finished:
                    break
                self._take(frame, out)
        except WireError as error:
            self.failed = str(error)
        return b"".join(out)

    def flush(self) -> None:
        """The upstream has closed. An unterminated last frame is read like any other."""
        if self.finished:
            return
        rest = self._decoder.flush()
        try:
            if rest.strip():
                self._take(rest + b"\n\n", self._tail)
        except WireError as error:
            self.failed = str(error)
        if not self.complete:
            self.failed = "the upstream closed the stream before the answer was complete"

    def close(self, failure: str = "", extra: Iterable[bytes] = ()) -> bytes:
        """The last bytes. `failure`: why the upstream failed; `extra`: frames before the terminator."""
        failure = failure or self.failed
        frames = [*self._tail]
        if not self._dialect.complete:
            frames += self._dialect.end()
        frames += extra
        if failure:
            frames.append(self._dialect.failure(failure))
        elif self._terminated or self._dialect.cancelled:
            frames.append(self._dialect.terminator)
        self._tail = []
        return b"".join(frames)

    def _take(self, frame: bytes, out: list[bytes]) -> None:
        data = frame_data(frame)
        if not data or data.isspace():
            if not self._dialect.complete and b":" in frame:
                out.append(PING)
            return
        if data.strip() == DONE:
            # Where the dialect has a last event of its own, [DONE] in its stead completes nothing.
            self._terminated = bool(self._dialect.terminator) or self._dialect.complete
            return
        try:
            event = orjson.loads(data)
        except ValueError as error:
            raise WireError("the upstream sent an event that is not JSON") from error
        if not isinstance(event, dict):
            raise WireError("the upstream sent an event that is not an object")
        frames = self._dialect.event(frame, data, event)
        (self._tail if self._dialect.complete else out).extend(frames)


def error_frame(message: str, code: str = "upstream_error") -> bytes:
    """The one frame that may hold the key `error`: SDKs raise on it."""
    return frame_of(orjson.dumps(error_body(message, "upstream_error", None, code)))


def clean_frame(frame: bytes, data: bytes) -> bytes:
    """The frame as it came if it is one data line (any line ends); else rewritten as one.

    `id:` and `retry:` lines and comments make some SDKs fail; JSON loses nothing when its
    line breaks become spaces.
    """
    if (
        frame.startswith(b"data:")
        and frame.rstrip(b"\r\n").find(b"\n") < 0
        and b"\r" not in frame.rstrip(b"\r\n")
    ):
        return frame
    return frame_of(data.replace(b"\n", b" "))
