"""Coverage-guided fuzzing of the SSE decoder and the rewriter of streamed chats, with atheris.

    python3 -m venv fuzz && fuzz/bin/pip install -e . openai==3.54.0 atheris==3.0.0
    fuzz/bin/python bench/fuzz_wire.py [--runs 1000000] [--corpus DIR]

Each input is a plan (labels or none, one choice or two, JSON asked for, log-probabilities), a way to cut, and the
bytes of an upstream. What has to hold for every one of them:

- nothing but WireError comes out of `feed`, `flush` and `close`, and the decoder gives back the very bytes it got;
- what comes out is a whole number of frames, each a comment, [DONE] or a JSON object, with one error at most;
- any way to cut gives the same bytes;
- the word that is blocked never stands in the text of a choice;
- memory: libFuzzer ends the run where the process grows beyond --memory MiB.

The first input that breaks one is kept in the corpus folder and shown. `--replay FILE` runs one again.
"""

from __future__ import annotations

import argparse
import itertools
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
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


class BrokenError(AssertionError):
    """An input that breaks what has to hold."""


class Target:
    """One input after the other through the decoder and the rewriter."""

    def __init__(self) -> None:
        import orjson

        from proxy.errors import WireError
        from proxy.wire.chat import ChatStream
        from proxy.wire.rewriter import StreamRewriter
        from proxy.wire.sse import DONE, SseDecoder, frame_data
        from tests.helpers import keyword
        from tests.wire.plans import plan, rules

        self.loads, self.wire_error, self.done = orjson.loads, WireError, DONE
        self.chat, self.rewriter, self.decoder, self.data = ChatStream, StreamRewriter, SseDecoder, frame_data
        json_asked = {"response_format": {"type": "json_object"}}
        options: list[dict[str, Any]] = [
            {}, {"n": 2}, json_asked, {"logprobs": True}, {"stream_options": {"include_usage": True}},
            {"n": 3, "logprobs": True}, {"of": rules(carrier=True)}, {"of": rules(carrier=True), "n": 2},
        ]  # fmt: skip
        self.plans = [plan([keyword(WORD)], **each) for each in options]

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
        rewriter = self.rewriter(self.chat(decided))
        out = [rewriter.feed(piece) for piece in pieces]
        rewriter.flush()
        return b"".join(out) + rewriter.close()

    def _check(self, out: bytes) -> None:
        decoder = self.decoder()
        frames = decoder.feed(out)
        if decoder.flush().strip(b": ping\n"):
            raise BrokenError("the stream ends within a frame")
        texts: dict[int, str] = {}
        errors = 0
        for frame in frames:
            data = self.data(frame)
            if data is None or data == self.done:
                continue
            event = self.loads(data)
            if not isinstance(event, dict):
                raise BrokenError("an event is not an object")
            errors += "error" in event
            for choice in event.get("choices") or ():
                index = choice.get("index", 0)
                content = (choice.get("delta") or {}).get("content")
                if type(content) is str:
                    texts[index] = texts.get(index, "") + content
        if errors > 1:
            raise BrokenError("more than one error")
        if any(WORD in text for text in texts.values()):
            raise BrokenError("a blocked word came out")


def child(arguments: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["proxy.wire", "proxy.lane", "labelers.explicit"]):
        target = Target()
    atheris.Setup([sys.argv[0], *arguments], target)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=0, help="stop after these, however many runs are left")
    parser.add_argument("--corpus", type=Path, help="kept from run to run; a temporary folder without it")
    parser.add_argument("--memory", type=int, default=512, help="MiB")
    parser.add_argument("--replay", type=Path)
    options = parser.parse_args()
    if options.replay:
        Target()(options.replay.read_bytes())
        return 0
    folder = options.corpus or Path(tempfile.mkdtemp(prefix="fuzz-wire-"))
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (folder / f"seed-{number}").write_bytes(seed)
    words = folder.parent / f"{folder.name}.dict"
    words.write_text("".join(f'"{escaped(token)}"\n' for token in TOKENS), encoding="ascii")
    command = [
        sys.executable, __file__, "--child", str(folder), f"-runs={options.runs}", f"-max_total_time={options.seconds}", f"-dict={words}", "-max_len=768",
        f"-rss_limit_mb={options.memory}", "-timeout=10", "-print_final_stats=1", f"-artifact_prefix={folder}/",
    ]  # fmt: skip
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, check=False)
    told = done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace")
    stats = dict(re.findall(r"stat::(\w+):\s+(\d+)", told))
    print("| inputs | seconds | corpus | peak memory, MiB | findings |")
    print("|---:|---:|---:|---:|---:|")
    inputs, peak = int(stats.get("number_of_executed_units", 0)), stats.get("peak_rss_mb", "?")
    kept = sum(1 for _ in folder.glob("*"))
    print(f"| {inputs:,} | {time.monotonic() - began:.0f} | {kept} | {peak} | {int(done.returncode != 0)} |")
    if done.returncode:
        print(told[-4000:], file=sys.stderr)
    return done.returncode


def escaped(token: str) -> str:
    """A token as libFuzzer's dictionaries want it: bytes in hexadecimal."""
    raw = token.encode().decode("unicode_escape").encode("latin-1")
    return "".join(f"\\x{byte:02x}" for byte in raw)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2:])
    else:
        sys.exit(main())
