"""Drives a model server in rounds: many small questions, one answer that looks like the server's own.

Each round asks for `n` continuations of `k` tokens of what stands so far (best of n), or for a draft with
log-probabilities (the walk), lets the scheme choose, and sends that on at once as a chunk. To the exchange all this is an ordinary response:
events if a stream was asked for, else one JSON body. What cannot be driven goes the ordinary way, unmarked, and
`Sampled.unmarked` tells the record why.

A seam between rounds stands between words: white space at the end of a chunk is left for the next round to
write, because chat templates trim it; half a character is dropped.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from labelers.provenance import Provenance
from labelers.watermarks.best_of_n import BestOfN, Selection
from labelers.watermarks.logprob_walk import Drafted, LogprobWalk, walk
from labelers.watermarks.substitution import Substitution
from proxy.fallback import Resting, Route, open_first
from proxy.upstreams import Upstream, UpstreamError, UpstreamRequest, UpstreamResponse
from proxy.upstreams.capabilities import Capabilities, with_prefix

__all__ = [
    "MAX_EMPTY",
    "Sampled",
    "Steering",
    "StopStrings",
    "cannot_drive",
    "cannot_reword",
    "open_sampled",
    "read_draft",
]

CHAT, COMPLETIONS = "/chat/completions", "/completions"
MAX_EMPTY = 4  # rounds without a visible character, each asking for twice as many tokens, before giving up
MAX_REPLY = 4 * 1024 * 1024
SHOWN = 24  # so many characters of the beginning are not said again by accident
TOP_LOGPROBS = 20
# How servers that spell special tokens out write the end of an answer.
ENDS = frozenset(
    ["</s>", "<eos>", "<|im_end|>", "<|eot_id|>", "<|endoftext|>", "<end_of_turn>", "<|end|>", "<|return|>"]
)
MAX_TOKENS_KEYS = ("max_completion_tokens", "max_tokens")


@dataclass(slots=True)
class Sampled:
    """What driving one answer took, for the record and the AIGC object.

    `billed`: the sum of what the upstream's replies say; some servers count one continuation of n alone.
    `kept`: tokens of what was delivered, as far as the replies tell. `unmarked`: why the answer, or the rest
    of it, is not marked.
    """

    scheme: str
    calls: int = 0
    continuations: int = 0
    billed: dict[str, int] = field(default_factory=lambda: {"prompt_tokens": 0, "completion_tokens": 0})
    kept: int = 0
    first_chunk_ms: int = 0
    unmarked: str = ""

    def fields(self) -> dict[str, Any]:
        return {
            "scheme": self.scheme,
            "calls": self.calls,
            "continuations": self.continuations,
            "billed": dict(self.billed),
            "kept_tokens": self.kept,
            "first_chunk_ms": self.first_chunk_ms,
            "unmarked": self.unmarked or None,
        }


@dataclass(frozen=True, slots=True)
class Steering:
    """How to mark one answer: by driving the upstream in rounds, or by `rewording` what it answers."""

    scheme: BestOfN | LogprobWalk
    can: Capabilities
    rounds: asyncio.Semaphore
    sampled: Sampled
    rewording: Substitution | None = None

    @property
    def drives(self) -> bool:
        return self.rewording is None and not self.sampled.unmarked


def cannot_reword(body: Mapping[str, Any]) -> str:
    """Why the words of this answer stay as the upstream chose them; "" if they may be changed."""
    for key in ("logprobs", "echo", "suffix"):
        if body.get(key):
            return f"the request has {key}"
    return _is_to_be_parsed(body)


def _is_to_be_parsed(body: Mapping[str, Any]) -> str:
    for place in (body, body.get("text")):  # the Responses API has it one level down
        said = place.get("response_format") or place.get("format") if isinstance(place, dict) else None
        if type(said) is dict and said.get("type") not in (None, "text"):
            return "the answer is to be JSON"
    for key in (
        "json_schema",
        "grammar",
        "guided_json",
        "guided_regex",
        "guided_grammar",
        "structured_outputs",
    ):
        if body.get(key):
            return "the answer is to follow a grammar"
    return ""


def cannot_drive(path: str, body: Mapping[str, Any], can: Capabilities) -> str:
    """Why this request goes the ordinary way; "" if it can be driven."""
    if path not in (CHAT, COMPLETIONS):
        return f"{path} is not driven"
    if path == CHAT and can.prefix == "none":
        return "the upstream goes on with no given prefix"
    for key in ("tools", "functions", "logprobs", "logit_bias", "audio", "echo", "suffix", "best_of"):
        if body.get(key):
            return f"the request has {key}"
    if parsed := _is_to_be_parsed(body):
        return parsed
    if body.get("temperature") == 0 or body.get("top_p") == 0 or body.get("top_k") == 1:
        return "without chance (temperature 0) there is nothing to choose from"
    if path == COMPLETIONS:
        return "" if type(body.get("prompt")) is str else "the prompt is no single text"
    last = body["messages"][-1]
    if last["role"] == "assistant" and type(last.get("content")) not in (str, type(None)):
        return "the beginning of the answer is given in parts"
    return ""


class StopStrings:
    """Ends a text before the first stop string, also one that two rounds share."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.stopped = False

    def feed(self, text: str) -> str:
        """What is safe to send. `stopped` tells that a stop string came."""
        text = self._held + text
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        keep = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def flush(self) -> str:
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """How much of the end of `text` may be the beginning of `stop`."""
    return next(
        (size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0
    )


@dataclass(frozen=True, slots=True)
class _Candidate:
    text: str
    finish: str | None


class _RefusedError(Exception):
    """The upstream does not do what driving needs; the message is for the record."""


class _Writer:
    """One choice of the answer."""

    def __init__(self, drive: _Drive, index: int, selection: Selection) -> None:
        self._drive = drive
        self._selection = selection
        self._stops = StopStrings(drive.stops)
        self._left = drive.max_tokens
        self._given = drive.given  # the caller's own beginning of the answer
        self._tokens = drive.steering.scheme.k
        self._empty = 0
        self.index = index
        self.kept = 0
        self.finish: str | None = None

    async def round(self) -> str:
        """One question; the text to send, which may be "". Raises _RefusedError, UpstreamError."""
        drive, selection = self._drive, self._selection
        tokens = self._tokens if self._left is None else min(self._tokens, self._left)
        body = drive.question(selection.text, tokens, self.index)
        reply, wrote = await drive.ask(body)
        if isinstance(drive.steering.scheme, LogprobWalk):
            chosen, cost = self._walk(reply[0])
        else:
            chosen, cost = self._best(reply, tokens, wrote)
        ends = chosen.finish not in (None, "length")
        text = chosen.text if ends or self._left == cost else chosen.text.rstrip()
        self.kept += cost
        drive.steering.sampled.kept += cost
        if self._left is not None:
            self._left -= cost
        selection.take(text)
        if text or ends:
            self._tokens, self._empty = drive.steering.scheme.k, 0
        else:
            self._tokens, self._empty = self._tokens * 2, self._empty + 1
        said = self._stops.feed(text)
        if self._stops.stopped:
            self.finish = "stop"
        elif ends:
            self.finish = chosen.finish
        elif self._left == 0:
            self.finish = "length"
        elif self._empty > MAX_EMPTY:
            self.finish = "stop"
        return said + self._stops.flush() if self.finish is not None else said

    def _best(self, reply: Sequence[dict[str, Any]], tokens: int, wrote: int) -> tuple[_Candidate, int]:
        """The best of the continuations, and about how many tokens it has."""
        found = [self._without_prefix(self._drive.candidate(choice)) for choice in reply]
        chosen = found[self._selection.choose([one.text for one in found])]
        whole = sum(one.finish in (None, "length") for one in found)
        if chosen.finish in (None, "length"):
            return chosen, tokens
        # Some servers tell the tokens of all continuations, some those of one.
        mean = (wrote - whole * tokens) // (len(found) - whole) if wrote > tokens else wrote
        return chosen, max(0, min(tokens, mean))

    def _walk(self, choice: dict[str, Any]) -> tuple[_Candidate, int]:
        """What the key makes of a draft, and how many tokens that is."""
        try:
            draft = read_draft(choice)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _RefusedError("the upstream's log-probabilities cannot be read") from error
        drafted = self._drive.candidate(choice)
        if not draft:
            return _Candidate("", drafted.finish), 0
        temperature, top_p = (self._drive.body.get(key) for key in ("temperature", "top_p"))
        walked = walk(self._selection, draft, temperature or 1.0, 1.0 if top_p is None else top_p)
        if walked.as_drafted:
            return self._without_prefix(drafted), walked.tokens
        to_its_end = walked.text == "".join(one.text for one in draft)
        ended = walked.ended or (to_its_end and drafted.finish not in (None, "length"))
        return _Candidate(walked.text, "stop" if ended else "length"), walked.tokens

    def _without_prefix(self, candidate: _Candidate) -> _Candidate:
        text = candidate.text
        before = self._given + self._selection.text
        if self._drive.repeats and before:
            if not text.startswith(before):
                raise _RefusedError("the upstream does not repeat the prefix as it was given")
            text = text[len(before) :]
        elif len(before) >= SHOWN and text.startswith(before[:SHOWN]):
            raise _RefusedError("the upstream begins anew instead of going on")
        return _Candidate(text.rstrip("\ufffd"), candidate.finish)


class _Drive:
    """One request: what its questions have in common."""

    def __init__(self, upstream: Upstream, request: UpstreamRequest, steering: Steering) -> None:
        self.steering = steering
        self.body: dict[str, Any] = orjson.loads(request.body)
        self._request = request
        self._upstream = upstream
        self._chat = request.path == CHAT
        stop = self.body.get("stop")
        self.stops = [stop] if type(stop) is str else [s for s in stop or () if type(s) is str]
        self._max_key = next((k for k in MAX_TOKENS_KEYS if type(self.body.get(k)) is int), "max_tokens")
        self.max_tokens: int | None = self.body.get(self._max_key)
        self.given = ""
        if self._chat and self.body["messages"][-1]["role"] == "assistant":
            self.given = self.body["messages"][-1].get("content") or ""
        self.repeats = self._chat and steering.can.repeats_prefix
        self.prompt_tokens = 0
        self.model: str = self.body["model"]

    def question(self, text: str, tokens: int, index: int) -> dict[str, Any]:
        """The request for the continuations of `text`."""
        n = min(self.steering.scheme.n, self.steering.can.n)
        body = {key: value for key, value in self.body.items() if key not in ("stream", "stream_options")}
        for key in MAX_TOKENS_KEYS:
            body.pop(key, None)
        body |= {"n": n, self._max_key: tokens, **self.steering.can.extra}
        if isinstance(self.steering.scheme, LogprobWalk):
            # The draft is greedy; temperature and top_p are the key's to apply.
            body |= {"temperature": 0, "top_p": 1, **self._asks_logprobs()}
        if type(seed := body.get("seed")) is int:
            # Else all rounds would draw alike.
            body["seed"] = (seed + 7919 * (len(text) + 1) + index) & 0x7FFFFFFF
        if not self._chat:
            return body | {"prompt": body["prompt"] + text}
        return with_prefix(body, text, self.steering.can.prefix) if text or self.given else body

    def _asks_logprobs(self) -> dict[str, Any]:
        top = min(TOP_LOGPROBS, self.steering.can.top_logprobs)
        return {"logprobs": True, "top_logprobs": top} if self._chat else {"logprobs": top}

    async def ask(self, body: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
        """The continuations, as choices, and how many tokens the upstream says that it wrote."""
        request = UpstreamRequest("POST", self._request.path, self._request.headers, orjson.dumps(body))
        async with self.steering.rounds, self._upstream.open(request) as response:
            raw = b""
            async for piece in response.body:
                raw += piece
                if len(raw) > MAX_REPLY:
                    raise _RefusedError("the upstream sent more than was asked for")
            status = response.status
        if status != 200:
            raise _RefusedError(f"the upstream answered a round with status {status}")
        return self._read(raw, body["n"])

    def _read(self, raw: bytes, n: int) -> tuple[list[dict[str, Any]], int]:
        try:
            reply = orjson.loads(raw)
            found = [choice for choice in reply["choices"] if self.candidate(choice)]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _RefusedError("the upstream's reply to a round cannot be read") from error
        sampled = self.steering.sampled
        sampled.calls += 1
        sampled.continuations += len(found)
        usage = reply.get("usage")
        usage = usage if type(usage) is dict else {}
        asked, wrote = (_count(usage.get(key)) for key in ("prompt_tokens", "completion_tokens"))
        sampled.billed["prompt_tokens"] += asked
        sampled.billed["completion_tokens"] += wrote
        self.prompt_tokens = self.prompt_tokens or asked
        if not found:
            raise _RefusedError("the upstream's reply to a round holds no continuation")
        if len(found) < n:
            sampled.unmarked = f"the upstream gave {len(found)} of {n} continuations"
        return found, wrote

    def candidate(self, choice: dict[str, Any]) -> _Candidate:
        """What a choice of a reply says. Raises what a reply raises that is none."""
        message = choice["message"] if self._chat else choice
        if self._chat and (message.get("tool_calls") or message.get("reasoning_content")):
            raise _RefusedError("the upstream answers with tool calls or reasoning")
        text = message.get("content" if self._chat else "text") or ""
        if type(text) is not str:
            raise TypeError("text that is none")
        return _Candidate(text, choice.get("finish_reason"))


def read_draft(choice: dict[str, Any]) -> list[Drafted]:
    """The positions of a choice with log-probabilities, in the form of chat or of either completions dialect.

    Raises KeyError, TypeError or AttributeError for what is none.
    """
    said = choice["logprobs"]
    if "content" in said:
        return [
            Drafted(
                _token(one),
                tuple(
                    (_token(top), float(top["logprob"]))
                    for top in one["top_logprobs"]
                    if _is_whole(_token(top))
                )
                or ((_token(one), 0.0),),
                _is_whole(_token(one)),
            )
            for one in said["content"]
        ]
    return [
        Drafted(
            _ended(token),
            tuple((_ended(text), float(p)) for text, p in top.items() if _is_whole(text)),
            _is_whole(token),
        )
        for token, top in zip(said["tokens"], said["top_logprobs"], strict=True)
    ]


def _token(said: dict[str, Any]) -> str:
    """A token's text; its bytes count where they are told."""
    spelt = said.get("bytes")
    return (
        bytes(spelt).decode("utf-8", "replace")
        if spelt and said["token"] not in ENDS
        else _ended(said["token"])
    )


def _ended(text: str) -> str:
    return "" if text in ENDS else text


def _is_whole(text: str) -> bool:
    return "\ufffd" not in text


def _count(value: Any) -> int:
    return value if type(value) is int and value >= 0 else 0


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
        drive = _Drive(upstream, request, steering)
        writers = [
            _Writer(drive, index, steering.scheme.new_selection(one)) for index, one in enumerate(provenances)
        ]
        began = time.monotonic()
        try:
            firsts = await _together(writer.round() for writer in writers)
        except (_RefusedError, UpstreamError) as error:
            sampled.unmarked = str(error)
            yield await stack.enter_async_context(open_first(routes, request, attempts, resting))
            return
        sampled.first_chunk_ms = round((time.monotonic() - began) * 1000)
        attempts.append({"upstream": upstream.name, "status": 200})
        answer = _Answer(drive, now)
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


async def _more(writer: _Writer, sampled: Sampled) -> str:
    """The next round. What a server refuses in mid-answer (a full context, mostly) ends the text there."""
    try:
        return await writer.round()
    except _RefusedError as error:
        sampled.unmarked = sampled.unmarked or f"after {writer.kept} tokens: {error}"
        writer.finish = "length"
        return writer._stops.flush()


async def _whole(writer: _Writer, first: str, sampled: Sampled) -> str:
    said = [first]
    while writer.finish is None:
        said.append(await _more(writer, sampled))
    return "".join(said)


async def _stream(
    writers: Sequence[_Writer],
    firsts: Sequence[str],
    answer: _Answer,
    queue: asyncio.Queue[bytes | BaseException | None],
    sampled: Sampled,
) -> None:
    async def write(writer: _Writer, first: str) -> None:
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


class _Answer:
    """Spells the answer as the upstream would have."""

    def __init__(self, drive: _Drive, now: int) -> None:
        self._drive = drive
        self._chat = drive._chat
        kind = "chat.completion" if self._chat else "text_completion"
        self._head: dict[str, Any] = {
            "id": f"{'chatcmpl' if self._chat else 'cmpl'}-{drive.steering.scheme.name}-{now:x}{id(self):x}",
            "object": kind,
            "created": now,
            "model": drive.model,
        }
        options = drive.body.get("stream_options")
        self._tells_usage = type(options) is dict and bool(options.get("include_usage"))

    def opening(self, index: int) -> bytes:
        return self._frame(index, {"role": "assistant", "content": ""}, None) if self._chat else b""

    def chunk(self, index: int, text: str) -> bytes:
        return self._frame(index, {"content": text}, None) if text else b""

    def closing(self, index: int, finish: str) -> bytes:
        return self._frame(index, {}, finish)

    def end(self, writers: Sequence[_Writer]) -> bytes:
        frames = b""
        if self._tells_usage:
            frames = _frame({**self._stream_head(), "choices": [], "usage": self._usage(writers)})
        return frames + b"data: [DONE]\n\n"

    def whole(self, writers: Sequence[_Writer], texts: Sequence[str]) -> bytes:
        choices = []
        for writer, text in zip(writers, texts, strict=True):
            said: dict[str, Any] = {"text": text}
            if self._chat:
                said = {"message": {"role": "assistant", "content": text}}
            choices.append({"index": writer.index, **said, "logprobs": None, "finish_reason": writer.finish})
        return orjson.dumps({**self._head, "choices": choices, "usage": self._usage(writers)})

    def _usage(self, writers: Sequence[_Writer]) -> dict[str, int]:
        asked, said = self._drive.prompt_tokens, sum(writer.kept for writer in writers)
        return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}

    def _stream_head(self) -> dict[str, Any]:
        return {**self._head, "object": "chat.completion.chunk" if self._chat else "text_completion"}

    def _frame(self, index: int, delta: dict[str, Any], finish: str | None) -> bytes:
        said: dict[str, Any] = {"delta": delta} if self._chat else {"text": delta.get("content", "")}
        choice = {"index": index, **said, "logprobs": None, "finish_reason": finish}
        return _frame({**self._stream_head(), "choices": [choice]})


def _frame(event: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(event) + b"\n\n"
