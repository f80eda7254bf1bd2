"""The way back: an upstream's answer, reviewed, marked and labelled, to the client.

However it comes (streamed, whole, as the other of the two, as an error) it goes out as what was asked for.
The record is closed before its last frame or byte leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from time import perf_counter
from typing import TypeVar

import orjson

from proxy.call import Reply
from proxy.errors import ApiError
from proxy.house import House
from proxy.lane import Lane
from proxy.outcome import Outcome
from proxy.policy import Plan
from proxy.records.record import BLOCKED, CLOSED
from proxy.review.entry import Action, Direction
from proxy.review.reviewer import Finding
from proxy.second_stage import Inquiry
from proxy.suspended import suspended
from proxy.tokens import estimate_usage
from proxy.upstreams import UpstreamError, UpstreamResponse
from proxy.wire.echo import EchoReview
from proxy.wire.endpoint import AnswerStream, Endpoint
from proxy.wire.headers import body_headers, returned_headers
from proxy.wire.inputs import InputEndpoint
from proxy.wire.rewriter import StreamRewriter
from proxy.wire.strings import spelt_strings

__all__ = ["Answering", "Texts", "content_filter", "send_through"]

Texts = Sequence[tuple[str, str]]
T = TypeVar("T")

MAX_ANSWER = 64 * 1024 * 1024
# How much of an answer that is no text waits for its end.
MAX_WAITING = 4 * 1024 * 1024
# After its last finish chunk an upstream that never sends [DONE] is not waited for any longer.
TRAILER_SECONDS = 2.0


class Answering:
    """One answer. What became of it stands in `outcome`; `close` writes the closing record, once."""

    def __init__(
        self,
        house: House,
        endpoint: Endpoint | InputEndpoint,
        reply: Reply,
        outcome: Outcome,
        close: Callable[[], Awaitable[None]],
        inquiry: Inquiry | None = None,
    ) -> None:
        self._house = house
        self._endpoint = endpoint
        self._reply = reply
        self._outcome = outcome
        self._close = close
        self._inquiry = inquiry

    async def carry(self, plan: Plan, texts: Texts, response: UpstreamResponse) -> None:
        """To the end. Raises ApiError while nothing was sent, WireError and UpstreamError for what cannot be read."""
        headers = returned_headers(response.headers)
        self._outcome.upstream_request_id = dict(response.headers).get("x-request-id", "")
        headers.append(("x-inkseal-review-id", plan.request_id))
        self._outcome.http_status = response.status
        kind = dict(response.headers).get("content-type", "").partition(";")[0].strip().lower()
        if response.status != 200:
            await self._upstream_refused(plan, response, headers)
            return
        self._outcome.answered = True
        endpoint = self._endpoint
        if isinstance(endpoint, InputEndpoint):
            headers += body_headers(response.headers)
            if kind in ("", "application/json") and plan.reviews_output:
                await self._echo(plan, response, headers)
                return
            await self._reply.start(200, headers)
            await send_through(response, self._reply, self._finish)
            return
        headers += plan.headers()
        if plan.streamed:
            pieces = response.body
            if kind == "application/json":
                # Some servers answer stream:true with one body: reviewed and sent as the stream it should be.
                pieces = _once(endpoint.as_stream(await _whole(response)))
            elif kind != "text/event-stream":
                raise ApiError(
                    502,
                    "the model server answered a stream request with neither events nor JSON",
                    type_="upstream_error",
                    code="upstream_protocol",
                )
            await self._stream(endpoint.stream(plan), plan, texts, pieces, headers)
            return
        await self._whole_answer(endpoint, plan, response, headers, streamed=kind == "text/event-stream")

    async def _echo(self, plan: Plan, response: UpstreamResponse, headers: list[tuple[str, str]]) -> None:
        """An answer that is no text goes out as it came, if no string in it is to be blocked.

        What is small is sent when all of it was seen, so that a block can still be told as an error.
        """
        self._outcome.echoed = True
        echo = EchoReview(lambda text: self._review_echo(plan, text))
        ready = b""
        async for data in response.body:
            if len(ready) > MAX_WAITING:
                if not self._reply.started:
                    await self._reply.start(200, headers)
                await self._reply.send(ready)
                ready = b""
            ready += echo.feed(data)
            if echo.blocked is not None:
                break
        if echo.blocked is None:
            echo.flush()
        if echo.blocked is not None:
            self._outcome.status = BLOCKED
            self._outcome.reason = f"output: {echo.blocked.category}"
            raise content_filter(plan, "answer", echo.blocked, None)
        await self._finish()
        if not self._reply.started:
            await self._reply.start(200, headers)
        await self._reply.send(ready, more=False)

    def _review_echo(self, plan: Plan, text: str) -> Finding | None:
        assert plan.library is not None  # else nothing is reviewed
        found = plan.library.review(text, plan.scope(Direction.OUTPUT, "assistant"))
        self._outcome.findings += [(Direction.OUTPUT, finding) for finding in found]
        return next((finding for finding in found if finding.action is Action.BLOCK), None)

    async def _finish(self) -> None:
        """The answer of an endpoint whose output is not text is about to end."""
        self._settle(())
        await self._close()

    async def _whole_answer(
        self,
        endpoint: Endpoint,
        plan: Plan,
        response: UpstreamResponse,
        headers: list[tuple[str, str]],
        *,
        streamed: bool,
    ) -> None:
        answer = endpoint.whole(plan)
        try:
            raw = await _whole(response)
            # Some servers stream whatever was asked: put together, reviewed and sent as the body it should be.
            whole = endpoint.as_whole(raw) if streamed else raw
            data = await self._step(lambda: answer.rewrite(whole))
        finally:
            self._outcome.lanes = answer.lanes
        self._outcome.usage = answer.usage
        self._settle(answer.lanes)
        await self._close()
        await self._reply.start(200, [("content-type", "application/json"), *headers])
        await self._reply.send(data, more=False)

    async def _stream(
        self,
        dialect: AnswerStream,
        plan: Plan,
        texts: Texts,
        pieces: AsyncIterator[bytes],
        headers: list[tuple[str, str]],
    ) -> None:
        reply = self._reply
        rewriter = StreamRewriter(dialect)
        await reply.start(
            200,
            [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"), *headers],
        )
        failure = ""
        loop = asyncio.get_running_loop()
        metrics, inquiry = self._house.metrics, self._inquiry
        metrics.streams.add(dialect)
        try:
            async for data in pieces:
                began = perf_counter()
                if inquiry is None:
                    out = rewriter.feed(data)
                    metrics.path(perf_counter() - began)
                else:
                    waited = inquiry.seconds
                    out = await suspended(partial(rewriter.feed, data))
                    metrics.path(perf_counter() - began - (inquiry.seconds - waited))
                if out:
                    self._outcome.sent_at = loop.time()
                    await reply.send(out)
                if rewriter.complete:
                    break
            if not rewriter.finished:
                await self._trailer(pieces, rewriter)
        except UpstreamError as error:
            failure = f"the model server broke off: {error.kind}"
            self._outcome.reason = f"upstream: {error.kind}: {error}"
        finally:
            metrics.streams.discard(dialect)
            self._outcome.lanes = dialect.lanes
        extra = []
        if dialect.cancelled and dialect.usage is None:
            self._outcome.usage_estimated = True
            said = ["".join(lane.generated) for lane in dialect.lanes]
            usage = await asyncio.to_thread(estimate_usage, plan.model, [text for _, text in texts], said)
            dialect.usage = usage
            extra.append(dialect.estimate(usage))
        last = await self._step(lambda: rewriter.close(failure, extra))
        self._outcome.usage = dialect.usage
        if failure or rewriter.failed:
            if not failure:
                self._outcome.reason = f"upstream: protocol: {rewriter.failed}"
        else:
            self._settle(dialect.lanes)
        await self._close()
        await reply.send(last, more=False)

    async def _trailer(self, pieces: AsyncIterator[bytes], rewriter: StreamRewriter) -> None:
        """Usage and [DONE] after the last finish chunk. They are kept back, so nobody waits for nothing.

        An upstream that breaks off here has said all there was to say.
        """
        if rewriter.complete:
            with suppress(TimeoutError, UpstreamError):
                async with asyncio.timeout(TRAILER_SECONDS):
                    async for data in pieces:
                        await self._step(partial(rewriter.feed, data))
                        if rewriter.finished:
                            return
        await self._step(rewriter.flush)

    async def _step(self, step: Callable[[], T]) -> T:
        """A step of the answer's way, in which a second stage may have to be asked."""
        return step() if self._inquiry is None else await suspended(step)

    async def _upstream_refused(
        self, plan: Plan, response: UpstreamResponse, headers: list[tuple[str, str]]
    ) -> None:
        """The upstream's own error goes to the client, reviewed like everything else."""
        self._outcome.reason = f"upstream: status {response.status}"
        if response.status in (401, 403) or 300 <= response.status < 400 or response.status < 200:
            raise ApiError(
                502,
                f"the model server refused this proxy (status {response.status}); the operator must check its address and key",
                type_="upstream_error",
                code="upstream_refused",
                headers=(("x-should-retry", "false"),),
            )
        raw = await _whole(response)
        try:
            texts = list(spelt_strings(orjson.loads(raw)))
        except ValueError:
            texts = [raw.decode("utf-8", "replace")]
            raw = b""
        library = plan.library
        seen = any(
            finding.action is Action.BLOCK
            for text in texts
            for finding in (
                library.review(text, plan.scope(Direction.OUTPUT, "assistant"))
                if library and plan.rules.review.output
                else ()
            )
        )
        if seen or not raw:
            raise ApiError(
                response.status if response.status >= 400 else 502,
                f"the model server answered with status {response.status}",
                type_="upstream_error",
                code="upstream_error",
                headers=tuple(headers),
            )
        self._outcome.status = CLOSED
        await self._close()
        await self._reply.start(response.status, [("content-type", "application/json"), *headers])
        await self._reply.send(raw, more=False)

    def _settle(self, lanes: Sequence[Lane]) -> None:
        """How an answer that came whole ended."""
        blocked = next((lane.blocked for lane in lanes if lane.blocked is not None), None)
        self._outcome.status = CLOSED if blocked is None else BLOCKED
        self._outcome.reason = "" if blocked is None else f"output: {blocked.category}"


def content_filter(plan: Plan, what: str, blocked: Finding, param: str | None) -> ApiError:
    """The error in place of a blocked request or answer: its category, never the word."""
    return ApiError(
        400,
        f"The {what} was blocked by content review (category {blocked.category}). Review id: {plan.request_id}",
        param=param,
        code="content_filter",
        headers=(("x-inkseal-review-id", plan.request_id), ("x-should-retry", "false")),
        inner=plan.inner_error() if what == "request" else None,
    )


async def _whole(response: UpstreamResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.body:
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER:
            raise UpstreamError("too_large", f"an answer of more than {MAX_ANSWER} bytes")
    return b"".join(parts)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def send_through(
    response: UpstreamResponse, reply: Reply, finish: Callable[[], Awaitable[None]]
) -> None:
    """An upstream's body as it comes. `finish` is called before its end leaves; it makes the record durable.

    The last piece waits for that. Events are not kept back, for each would wait for the next one:
    there the end of the stream waits. Raises UpstreamError in mid-body: what is cut must look cut.
    """
    held = b""
    events = dict(response.headers).get("content-type", "").startswith("text/event-stream")
    async for data in response.body:
        if events:
            await reply.send(data)
            continue
        if held:
            await reply.send(held)
        held = data
    await finish()
    await reply.send(held, more=False)
