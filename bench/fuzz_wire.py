"""Coverage-guided fuzzing of the wire, with atheris: streams, whole answers and requests of all three endpoints.

    python3 -m venv fuzz && fuzz/bin/pip install -e . openai==3.54.0 atheris==3.0.0
    fuzz/bin/python bench/fuzz_wire.py [--target chat] [--runs 1000000] [--corpus DIR]

Targets: `chat`, `completions`, `responses` (streams), `answers` (whole answers, also as the stream that was asked for,
and streams as the whole answer that was), `requests` (checks, texts, history), `echo` (answers that are no text).

Each input of a stream is a plan (labels or none, one choice or two, JSON asked for, log-probabilities), a way to cut,
and the bytes of an upstream. What has to hold for every one of them:

- nothing but WireError comes out of `feed`, `flush` and `close`, and the decoder gives back the very bytes it got;
- what comes out is a whole number of frames, each a comment, [DONE] or a JSON object, with one error at most;
- any way to cut gives the same bytes;
- the word that is blocked never stands in the text of a choice;
- memory: libFuzzer ends the run where the process grows beyond --memory MiB.

Of a whole answer: JSON or WireError comes out, and the word in no string. Of a request: ApiError, or texts, and a
history that has nothing more to take out when it is taken out once. The first input that breaks one is kept in the corpus folder and shown. `--replay FILE` runs one again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

WORD = "违禁甲"
HEAD = '{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":['
TOKENS = [
    'data: ', '\\n\\n', '\\r\\n\\r\\n', 'event: x\\n', ': ping\\n', '[DONE]', '"choices":[', '"index":0', '"index":1',
    '"delta":{', '"content":"', '"role":"assistant"', '"reasoning_content":"', '"refusal":"', '"tool_calls":[',
    '"function":{', '"arguments":"', '"name":"f"', '"finish_reason":"stop"', '"finish_reason":null', '"logprobs":{',
    '"usage":{', '"error":{', '"message":"', '"aigc":{', 'null', 'true', '1e999', '\\\\u8fdd', '\\\\u7981', '\\\\u7532',
    '\\\\ud800', '违', '禁', '甲', '{', '}', '[', ']', '\\"', '```', 'data:', '\\xef\\xbb\\xbf',
]  # fmt: skip


def seeds() -> Iterator[bytes]:
    """Streams as they come from servers: plain, two choices, tools, reasoning, usage, errors, CRLF."""

    def frame(choice: str, more: str = "") -> str:
        return f"data: {HEAD}{choice}]{more}}}\n\n"

    def delta(inner: str, index: int = 0, finish: str = "null") -> str:
        return frame(f'{{"index":{index},"delta":{{{inner}}},"finish_reason":{finish}}}')

    role, stop = '"role":"assistant","content":""', '"stop"'
    text = delta(role) + delta('"content":"春江"') + delta('"content":"潮水。"')
    done = "data: [DONE]\n\n"
    usage = f'data: {HEAD}],"usage":{{"total_tokens":3}}}}\n\n'
    call = '"tool_calls":[{"index":0,"id":"t","type":"function","function":{"name":"f","arguments":"%s"}}]'
    whole = text + delta("", finish=stop) + usage + done
    samples = [
        whole,
        whole.replace("\n", "\r\n"),
        text + done,
        text,
        text + 'data: {"error":{"message":"boom"}}\n\n',
        text + delta(f'"content":"{WORD}"') + delta("", finish=stop) + done,
        delta(role) + delta('"content":"违禁"') + delta('"content":"甲乙"', finish=stop) + done,
        delta(role)
        + delta(role, 1)
        + delta('"content":"a"', 1)
        + delta("", finish=stop)
        + delta("", 1, stop)
        + done,
        delta(call % '{\\"a\\":') + delta(call % "1}") + delta("", finish='"tool_calls"') + done,
        delta('"reasoning_content":"想"') + delta('"content":"{\\"a\\":1}"') + delta("", finish=stop) + done,
        delta('"content":"```py\\nx\\n```"') + delta("", finish=stop) + done,
        ": comment\n\nevent: x\nid: 1\n" + whole,
        frame('{"index":0,"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":0}]}}')
        + whole,
        "data: {}\n\ndata: []\n\n" + whole,
    ]
    for number in range(8):
        for sample in samples:
            yield bytes([number, 16 * number]) + sample.encode()


def seeds_of(target: str) -> Iterator[bytes]:
    """Where a target begins: what the tests of the wire are made of."""
    if target == "chat":
        yield from seeds()
        return
    from tests.wire.leaks import BODIES, CHANNELS, CODINGS, PLAIN

    pieces = ["春江", "违禁", "乙。"]
    if target in ("completions", "responses"):
        for number, channel in enumerate(c for c in CHANNELS if c.endpoint == target):
            for coding in (PLAIN, CODINGS[1]):
                yield bytes([number, 16]) + b"".join(coding.frames(channel, pieces))
    elif target == "answers":
        for number, body in enumerate(BODIES):
            which = ("chat", "completions", "responses").index(body.endpoint)
            for way in (0, 1):
                yield bytes([which, number, way]) + PLAIN.spell(body.document("春江违禁乙")).encode()
        for number, channel in enumerate(CHANNELS):
            which = ("chat", "completions", "responses").index(channel.endpoint)
            yield bytes([which, number, 2]) + b"".join(PLAIN.frames(channel, pieces))
    elif target == "requests":
        for body in REQUESTS:
            for which in range(9):
                yield bytes([which]) + json.dumps({"model": "m", **body}, ensure_ascii=False).encode()
    else:
        for document in (
            {"data": [{"embedding": [0.1, 2e-3]}]},
            {"note": "春江", "b64": "AA=="},
            ["违禁", "\n"],
        ):
            yield b"\3" + json.dumps(document, ensure_ascii=False).encode()


LABELLED = "【本内容由AI生成】\n\n春江\ufe01潮水。\n\n（以上内容由AI生成）"
REQUESTS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": "你好"}, {"role": "assistant", "content": LABELLED}], "n": 2},
    {"messages": [{"role": "assistant", "content": [{"type": "text", "text": LABELLED}], "tool_calls": [{"id": "t", "function": {"name": "f", "arguments": "{\"a\":1}"}}]}, {"role": "tool", "content": "x"}]},
    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}], "moderation": {"model": "x"}, "stream": True},
    {"prompt": ["从前", LABELLED], "suffix": "x", "echo": True, "n": 1, "logprobs": 2},
    {"prompt": [1, 2, 3]}, {"input": [[1], [2]]}, {"input": LABELLED, "instructions": LABELLED},
    {"input": [{"role": "assistant", "content": [{"type": "output_text", "text": LABELLED}]}, {"type": "function_call", "arguments": "{}", "name": "f", "call_id": "c"}, {"type": "reasoning", "summary": [], "encrypted_content": "AA=="}], "text": {"format": {"type": "json_object"}}},
    {"input": [{"type": "item_reference", "id": "x"}]}, {"input": "x", "previous_response_id": "y", "background": True, "tools": [{"type": "image_generation"}]},
]  # fmt: skip


class BrokenError(AssertionError):
    """An input that breaks what has to hold."""


class Target:
    """One stream after the other through the decoder and the rewriter of one endpoint."""

    def __init__(self, name: str) -> None:
        from proxy.wire import ENDPOINTS
        from proxy.wire.rewriter import StreamRewriter
        from proxy.wire.sse import DONE, SseDecoder, frame_data

        path = {"chat": "/v1/chat/completions"}.get(name, f"/v1/{name}")
        self.endpoint: Any = ENDPOINTS[path]
        self.done, self.rewriter, self.decoder, self.data = DONE, StreamRewriter, SseDecoder, frame_data
        self.plans = plans(self.endpoint, name)

    def __call__(self, raw: bytes) -> None:
        if len(raw) < 2:
            return
        stream = raw[2:]
        # Whole, then eight single bytes somewhere, then the rest: every split comes up, at the price of ten pieces.
        at = raw[1] * len(stream) // 256
        cuts = [0, *range(at, min(at + 8, len(stream))), len(stream)]
        pieces = [stream[begin:end] for begin, end in itertools.pairwise(cuts)]
        self._decode(stream, pieces)
        decided = self.plans[raw[0] % len(self.plans)]
        out = self._rewrite(decided, pieces)
        self._check(out)
        if raw[0] >= 128 and self._rewrite(decided, [stream]) != out:
            raise BrokenError("another cut gives another stream")

    def _decode(self, stream: bytes, pieces: list[bytes]) -> None:
        decoder = self.decoder()
        frames = [frame for piece in pieces for frame in decoder.feed(piece)]
        if b"".join(frames) + decoder.flush() != stream:
            raise BrokenError("the decoder loses bytes")

    def _rewrite(self, decided: Any, pieces: list[bytes]) -> bytes:
        # A WireError ends inside the rewriter, as an error frame: none is expected here.
        rewriter = self.rewriter(self.endpoint.stream(decided))
        out = [rewriter.feed(piece) for piece in pieces]
        rewriter.flush()
        return b"".join(out) + rewriter.close()

    def _check(self, out: bytes) -> None:
        decoder = self.decoder()
        frames = decoder.feed(out)
        if decoder.flush().strip(b": ping\n"):
            raise BrokenError("the stream ends within a frame")
        joined: dict[Any, str] = {}
        errors = 0
        for frame in frames:
            data = self.data(frame)
            if data is None or data == self.done:
                continue
            event = json.loads(data)
            if not isinstance(event, dict):
                raise BrokenError("an event is not an object")
            # SDKs raise on an error that is one; `"error": null` is a member like any other.
            errors += bool(event.get("error")) and not event.get("choices")
            for place, text in texts_of(event):
                joined[place] = joined.get(place, "") + text
        if errors > 1:
            raise BrokenError("more than one error")
        if any(WORD in text for text in joined.values()):
            raise BrokenError("a blocked word came out")


def texts_of(event: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    """The texts that readers put together, with the place at which they do."""
    for choice in event.get("choices") or ():
        delta = choice.get("delta", choice)
        for key in ("content", "text", "reasoning", "reasoning_content", "refusal"):
            if type((delta or {}).get(key)) is str:
                yield (choice.get("index", 0), key), delta[key]
    if type(event.get("delta")) is str:
        place = [event.get(key) for key in ("type", "output_index", "content_index", "summary_index")]
        yield tuple(map(str, place)), event["delta"]


def plans(endpoint: Any, name: str) -> list[Any]:
    """Labels or none, marks, one choice or more, JSON asked for, log-probabilities, usage."""
    from proxy import policy
    from proxy.review.library import Library
    from tests.helpers import REFUSALS, keyword
    from tests.wire.plans import NUMBERS, rules

    bodies: dict[str, Any] = {
        "chat": {"messages": [{"role": "user", "content": "你好"}]},
        "completions": {"prompt": "从前"},
        "responses": {"input": "你好"},
    }
    options: list[dict[str, Any]] = [
        {}, {"n": 2}, {"response_format": {"type": "json_object"}, "text": {"format": {"type": "json_object"}}},
        {"logprobs": True, "top_logprobs": 1}, {"stream_options": {"include_usage": True}}, {"n": 3, "logprobs": True},
        {"suffix": "x"}, {"echo": True},
    ]  # fmt: skip
    library = Library.compile([keyword(WORD)], REFUSALS)
    made = []
    for at, option in enumerate(options):
        asks = endpoint.asks({"model": "m", "stream": True, **bodies[name], **option})
        of = rules(carrier=at % 2 == 1)
        numbers = NUMBERS[: asks.n]
        made.append(policy.plan(of, asks, request_id="req_1", library=library, content_numbers=numbers))
    return made


class Answers:
    """Whole answers: as they are, as the stream that was asked for, and streams in their place."""

    def __init__(self) -> None:
        from proxy.errors import WireError

        self.error = WireError
        self.streams = [Target(name) for name in ("chat", "completions", "responses")]

    def __call__(self, raw: bytes) -> None:
        if len(raw) < 3:
            return
        target = self.streams[raw[0] % 3]
        decided = target.plans[raw[1] % len(target.plans)]
        body = raw[3:]
        try:
            if raw[2] % 3 == 2:
                body = target.endpoint.as_whole(body)
            if raw[2] % 3 == 1:
                target._check(target._rewrite(decided, [target.endpoint.as_stream(body)]))
                return
            out = target.endpoint.whole(decided).rewrite(body)
        except self.error:
            return
        answer = json.loads(out)
        spelt = [text for _, text in leaves(answer)]
        if any(WORD in text for text in spelt):
            raise BrokenError("a blocked word came out")


class Requests:
    """Requests: what is malformed is refused, and history has nothing left to take out."""

    def __init__(self) -> None:
        from labelers.explicit import strip_labels
        from labelers.watermarks.carrier import strip_own
        from proxy.errors import ApiError
        from proxy.wire import ENDPOINTS
        from proxy.wire.jsonedit import remove_member, replace_values
        from tests.wire.plans import rules

        own = rules().own_labels
        self.endpoints = list(ENDPOINTS.values())
        self.error, self.replace, self.remove = ApiError, replace_values, remove_member
        self.labels, self.marks = (lambda text: strip_labels(text, own)), strip_own

    def __call__(self, raw: bytes) -> None:
        import orjson

        if len(raw) < 2:
            return
        endpoint = self.endpoints[raw[0] % len(self.endpoints)]
        try:
            body = orjson.loads(raw[1:])
        except ValueError:
            return
        if type(body) is not dict:
            return
        try:
            endpoint.check(body)
            edits = endpoint.history(body, self.labels, self.marks)
            edited = orjson.loads(self.replace(raw[1:], edits))
            endpoint.asks(edited)
            for role, text in endpoint.texts(edited):
                if type(role) is not str or type(text) is not str:
                    raise BrokenError("a text is not a string")
        except self.error:
            return
        if endpoint.history(edited, self.labels, self.marks):
            raise BrokenError("what was taken out once is there again")
        if "moderation" in body:
            rest = orjson.loads(self.remove(raw[1:], "moderation"))
            if rest != {key: value for key, value in body.items() if key != "moderation"}:
                raise BrokenError("another member went with it")


class Echo:
    """Answers that are no text: byte for byte, or an error, or a block."""

    def __init__(self) -> None:
        from proxy.errors import WireError
        from proxy.review.entry import Direction
        from proxy.review.library import Library
        from proxy.wire.echo import EchoReview
        from tests.helpers import REFUSALS, keyword

        library = Library.compile([keyword(WORD)], REFUSALS)
        self.error = WireError
        self.make = lambda: EchoReview(lambda text: next(iter(library.review(text, Direction.OUTPUT)), None))

    def __call__(self, raw: bytes) -> None:
        if not raw:
            return
        size, body, out, echo = raw[0] % 16 + 1, raw[1:], b"", self.make()
        try:
            for at in range(0, len(body), size):
                out += echo.feed(body[at : at + size])
            if echo.blocked is None:
                echo.flush()
        except self.error:
            return
        if echo.blocked is None and out != body:
            raise BrokenError("bytes were lost")
        if WORD.encode() in out and b'"' in body:
            spelt = re.findall(rb'"((?:[^"\\\\]|\\\\.)*)"', out, re.DOTALL)
            if any(WORD.encode() in text for text in spelt):
                raise BrokenError("a blocked word came out")


def leaves(value: Any) -> Iterator[tuple[Any, str]]:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield None, item
        elif isinstance(item, dict):
            stack += item.values()
        elif isinstance(item, list):
            stack += item


TARGETS: dict[str, Callable[[], Callable[[bytes], None]]] = {
    "chat": lambda: Target("chat"),
    "completions": lambda: Target("completions"),
    "responses": lambda: Target("responses"),
    "answers": Answers,
    "requests": Requests,
    "echo": Echo,
}


def child(name: str, arguments: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["proxy.wire", "proxy.lane", "labelers.explicit"]):
        target = TARGETS[name]()
    atheris.Setup([sys.argv[0], *arguments], target)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", choices=sorted(TARGETS), default="chat")
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=0, help="stop after these, however many runs are left")
    parser.add_argument("--corpus", type=Path, help="kept from run to run; a temporary folder without it")
    parser.add_argument("--memory", type=int, default=512, help="MiB")
    parser.add_argument("--replay", type=Path)
    options = parser.parse_args()
    if options.replay:
        TARGETS[options.target]()(options.replay.read_bytes())
        return 0
    folder = options.corpus or Path(tempfile.mkdtemp(prefix="fuzz-wire-"))
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds_of(options.target)):
        (folder / f"seed-{number}").write_bytes(seed)
    words = folder.parent / f"{folder.name}.dict"
    words.write_text("".join(f'"{escaped(token)}"\n' for token in TOKENS), encoding="ascii")
    command = [
        sys.executable, __file__, "--child", options.target, str(folder), f"-runs={options.runs}", f"-max_total_time={options.seconds}", f"-dict={words}", "-max_len=768",
        f"-rss_limit_mb={options.memory}", "-timeout=10", "-print_final_stats=1", f"-artifact_prefix={folder}/",
    ]  # fmt: skip
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, check=False)
    told = done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace")
    stats = dict(re.findall(r"stat::(\w+):\s+(\d+)", told))
    print("| target | inputs | seconds | corpus | peak memory, MiB | findings |")
    print("|---|---:|---:|---:|---:|---:|")
    inputs, peak = int(stats.get("number_of_executed_units", 0)), stats.get("peak_rss_mb", "?")
    kept = sum(1 for _ in folder.glob("*"))
    print(
        f"| {options.target} | {inputs:,} | {time.monotonic() - began:.0f} | {kept} | {peak} | {int(done.returncode != 0)} |"
    )
    if done.returncode:
        print(told[-4000:], file=sys.stderr)
    return done.returncode


def escaped(token: str) -> str:
    """A token as libFuzzer's dictionaries want it: bytes in hexadecimal."""
    raw = token.encode().decode("unicode_escape").encode("latin-1")
    return "".join(f"\\x{byte:02x}" for byte in raw)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(main())
