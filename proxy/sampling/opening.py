"""An answer in rounds, as an ordinary response."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from labelers.provenance import Provenance
from proxy.fallback import Resting, Route, open_first
from proxy.sampling.questions import Drive, RefusedError
from proxy.sampling.sampled import Sampled, Steering
from proxy.sampling.spoken import Answer
from proxy.sampling.writing import Writer
from proxy.upstreams import UpstreamError, UpstreamRequest, UpstreamResponse

__all__ = ["open_sampled"]


@asynccontextmanager
async def open_sampled(
    routes: Sequence[Route],
    request: UpstreamRequest,
    attempts: list[dict[str, str | int]],
    resting: Resting,
    steering: Steering,
    provenances: Sequence[Provenance],
    now: int,
) -> AsyncIterator[UpstreamResponse]:
    """As `open_first`, driven. `provenances`: one for each choice. `now`: Unix seconds. Raises UpstreamError.

    Until the first round of every choice has come nothing is lost: whatever goes wrong there, the request
    goes the ordinary way to all routes in turn.
    """
    async with AsyncExitStack() as stack:
        sampled = steering.sampled
        upstream = routes[0][1]
        drive = Drive(upstream, request, steering)
        writers = [Writer(drive, index, drive.choosing(one, index)) for index, one in enumerate(provenances)]
        began = time.monotonic()
        try:
            firsts = await _together(writer.round() for writer in writers)
        except (RefusedError, UpstreamError) as error:
            sampled.unmarked = str(error)
            yield await stack.enter_async_context(open_first(routes, request, attempts, resting))
            return
        sampled.first_chunk_ms = round((time.monotonic() - began) * 1000)
        attempts.append({"upstream": upstream.name, "status": 200})
        answer = Answer(drive, now)
        if drive.body.get("stream"):
            queue: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue(4)
            task = asyncio.create_task(_stream(writers, firsts, answer, queue, sampled))
            stack.push_async_callback(_cancel, task)
            headers = (("content-type", "text/event-stream; charset=utf-8"),)
            yield UpstreamResponse(200, headers, _drain(queue))
            return
        texts = await _together(
            _whole(writer, first, sampled) for writer, first in zip(writers, firsts, strict=True)
        )
        body = answer.whole(writers, texts)
        yield UpstreamResponse(200, (("content-type", "application/json"),), _once(body))


async def _together(rounds: Iterable[Coroutine[Any, Any, str]]) -> list[str]:
    """All at once; where one fails the others are cancelled, for their tokens would be paid for nothing."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in rounds]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


async def _more(writer: Writer, sampled: Sampled) -> str:
    """The next round. What a server refuses in mid-answer (a full context, mostly) ends the text there."""
    try:
        return await writer.round()
    except RefusedError as error:
        sampled.unmarked = sampled.unmarked or f"after {writer.kept} tokens: {error}"
        writer.finish = "length"
        return writer.rest()


async def _whole(writer: Writer, first: str, sampled: Sampled) -> str:
    said = [first]
    while writer.finish is None:
        said.append(await _more(writer, sampled))
    return "".join(said)


async def _stream(
    writers: Sequence[Writer],
    firsts: Sequence[str],
    answer: Answer,
    queue: asyncio.Queue[bytes | BaseException | None],
    sampled: Sampled,
) -> None:
    async def write(writer: Writer, first: str) -> None:
        await queue.put(answer.opening(writer.index) + answer.chunk(writer.index, first))
        while writer.finish is None:
            if said := await _more(writer, sampled):
                await queue.put(answer.chunk(writer.index, said))
        await queue.put(answer.closing(writer.index, writer.finish))

    try:
        async with asyncio.TaskGroup() as group:
            for writer, first in zip(writers, firsts, strict=True):
                group.create_task(write(writer, first))
    except BaseExceptionGroup as errors:
        await queue.put(errors.exceptions[0])
        return
    await queue.put(answer.end(writers))
    await queue.put(None)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _drain(queue: asyncio.Queue[bytes | BaseException | None]) -> AsyncIterator[bytes]:
    while (item := await queue.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
