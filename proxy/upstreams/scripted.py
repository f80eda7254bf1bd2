"""The upstream of the tests: it plays written replies, and remembers what it was asked and when it was left.

upstream = Scripted.sse(["你", "好"], usage=True)               # every request gets this answer
upstream = Scripted.reply([b"data: {", STALL])                  # half a frame, then silence
upstream = Scripted([replies.json({...}, status=500), replies.sse(["ok"])])   # in turn; the last one repeats
upstream = Scripted(lambda request: replies.answer(request, ["你", "好"]))     # streamed or not, as asked
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from proxy.upstreams import replies
from proxy.upstreams.replies import Reply, Step, Texts
from proxy.upstreams.upstream import UpstreamError, UpstreamRequest, UpstreamResponse, UpstreamSettings

__all__ = ["Played", "Scripted"]

Script = Reply | Sequence[Reply] | Callable[[UpstreamRequest], Reply]

DEFAULT_TEXTS = ("这是", "一段", "固定的", "回答。", "This is ", "a fixed ", "answer.")


@dataclass(slots=True, eq=False)
class Played:
    """One request and what became of it. Times are the event loop's clock, in seconds.

    `finished`: the reply was read to its end, or to the error it ends with.
    """

    request: UpstreamRequest
    opened_at: float
    closed_at: float | None = None
    finished: bool = False
    _closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def cancelled(self) -> bool:
        """Left before the body's end was read; a real connection would have been closed."""
        return self.closed_at is not None and not self.finished

    async def closed(self) -> None:
        """Wait until the request was left, one way or the other."""
        await self._closed.wait()

    def close(self, now: float) -> None:
        self.closed_at = now
        self._closed.set()


class Scripted:
    """Plays `script`: one reply for all, several in turn (the last one repeats), or a function's choice.

    `played` holds one entry per request, in order. `is_ready` is what `ready` answers.
    """

    def __init__(self, script: Script, *, name: str = "scripted") -> None:
        self.name = name
        self.played: list[Played] = []
        self.is_ready = True
        self.started = False
        self._script = [script] if isinstance(script, Reply) else script

    @classmethod
    def from_settings(cls, settings: UpstreamSettings) -> Scripted:
        """`kind: scripted`: one fixed text for every chat, streamed or not, and the settings' models."""
        names = [name for name in settings.models if "*" not in name] or ["scripted"]

        def script(request: UpstreamRequest) -> Reply:
            if request.method == "GET":
                return replies.models(names)
            return replies.answer(request, DEFAULT_TEXTS)

        return cls(script, name=settings.name)

    @classmethod
    def reply(
        cls,
        chunks: Sequence[Step] = (),
        *,
        status: int = 200,
        headers: Sequence[tuple[str, str]] = replies.JSON_HEADERS,
        before: Sequence[Step] = (),
    ) -> Scripted:
        """Exact steps; `before` come before the headers. See `replies` for what a step can be."""
        return cls(Reply(chunks, status, headers, before))

    @classmethod
    def sse(cls, texts: Texts, **options: Any) -> Scripted:
        """A streamed chat completion; options as `replies.sse`."""
        return cls(replies.sse(texts, **options))

    @classmethod
    def json(cls, body: object, **options: Any) -> Scripted:
        """One JSON body; options as `replies.json`."""
        return cls(replies.json(body, **options))

    @classmethod
    def answer(cls, texts: Texts, **options: Any) -> Scripted:
        """A chat completion, streamed or not as each request asks; options as `replies.answer`."""
        return cls(lambda request: replies.answer(request, texts, **options))

    @classmethod
    def failing(cls, error: UpstreamError) -> Scripted:
        """No answer at all: the error comes before the headers."""
        return cls(Reply(before=[error]))

    @property
    def requests(self) -> list[UpstreamRequest]:
        return [played.request for played in self.played]

    @property
    def cancelled(self) -> list[Played]:
        return [played for played in self.played if played.cancelled]

    async def start(self) -> None:
        self.started = True

    async def close(self) -> None:
        self.started = False

    async def ready(self) -> bool:
        return self.is_ready

    @asynccontextmanager
    async def open(self, request: UpstreamRequest) -> AsyncIterator[UpstreamResponse]:
        loop = asyncio.get_running_loop()
        if request.pieces is not None:
            request = replace(request, body=b"".join([piece async for piece in request.pieces]))
        played = Played(request, loop.time())
        self.played.append(played)
        reply = self._next_reply(request)
        try:
            for step in reply.before:
                await _pass(step, played)
            async with aclosing(_body(reply, played)) as body:
                yield UpstreamResponse(reply.status, reply.headers, body)
        finally:
            played.close(loop.time())

    def _next_reply(self, request: UpstreamRequest) -> Reply:
        if callable(self._script):
            return self._script(request)
        return self._script[min(len(self.played), len(self._script)) - 1]


async def _body(reply: Reply, played: Played) -> AsyncGenerator[bytes, None]:
    for step in reply.steps:
        if isinstance(step, bytes):
            yield step
        else:
            await _pass(step, played)
    played.finished = True


async def _pass(step: Step, played: Played) -> None:
    """Let a step that sends nothing happen."""
    if isinstance(step, UpstreamError):
        played.finished = True
        raise step
    if isinstance(step, asyncio.Event):
        await step.wait()
    elif step == math.inf:
        await asyncio.get_running_loop().create_future()
    elif isinstance(step, int | float):
        await asyncio.sleep(step)
    else:
        raise TypeError("bytes cannot be sent before the headers")
