"""The leak suite in full: every word of the sample library, every place that can hold text, every cut, every side door.

    python bench/leaks.py [--every K] [--part streams|bytes|bodies|doors|held]

Prints the tables of docs/leaks.md. `--every K`: one word in K. The places, cuts and the reading of what came out are
those of tests/wire/leaks.py and tests/e2e/side_doors.py; CPU time is that of this thread.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.review import entries  # noqa: E402
from proxy.policy import Plan  # noqa: E402
from proxy.review.entry import Action, Direction, Entry  # noqa: E402
from proxy.review.library import Library  # noqa: E402
from proxy.review.reviewer import Finding  # noqa: E402
from proxy.tokens import encoding_for  # noqa: E402
from proxy.wire.chat import ChatStream  # noqa: E402
from proxy.wire.rewriter import StreamRewriter  # noqa: E402
from tests.e2e import test_side_doors  # noqa: E402
from tests.e2e.side_doors import DOORS, WORD  # noqa: E402
from tests.helpers import REFUSALS, serving  # noqa: E402
from tests.wire.leaks import (  # noqa: E402
    BODIES,
    CHANNELS,
    CHAT,
    CODINGS,
    CUTS,
    HELD,
    LIBRARY,
    PLAIN,
    Channel,
    decided,
    fits,
    leaked,
    nfd,
    text_with,
    through,
    unlabelled,
    ways,
    whole_answers,
)


class Tally:
    """Streams tried and characters leaked, by row."""

    def __init__(self) -> None:
        self.tried: Counter[tuple[str, ...]] = Counter()
        self.leaked: Counter[tuple[str, ...]] = Counter()
        self.words: dict[tuple[str, ...], set[str]] = defaultdict(set)

    def add(self, row: tuple[str, ...], out: bytes, word: str) -> None:
        self.tried[row] += 1
        self.leaked[row] += leaked(out, word)
        self.words[row].add(word)

    def table(self, *heads: str) -> None:
        print(f"\n| {' | '.join(heads)} | words | answers | leaked characters |")
        print("|---" * len(heads) + "|---:|---:|---:|")
        for row, tried in self.tried.items():
            print(f"| {' | '.join(row)} | {len(self.words[row])} | {tried:,} | {self.leaked[row]} |")
        print(
            f"| {' | '.join(['**all**', *[''] * (len(heads) - 1)])} | | {sum(self.tried.values()):,} | {sum(self.leaked.values())} |"
        )


def spelt(entry: Entry) -> Iterator[str]:
    """The word, and the same with its letters taken apart where that changes it."""
    yield entry.pattern
    if nfd(entry.pattern) != entry.pattern:
        yield nfd(entry.pattern)


def streams(words: Sequence[Entry]) -> None:
    places, cuts, codings = Tally(), Tally(), Tally()
    for channel in CHANNELS:
        for entry in words:
            if not fits(channel, entry):
                continue
            for word in spelt(entry):
                for cut, pieces in ways(channel, word):
                    out = through(channel, decided(channel), PLAIN.frames(channel, pieces))
                    places.add((channel.endpoint, channel.name), out, word)
                    cuts.add((cut,), out, word)
            for coding in CODINGS[1:]:
                frames = coding.frames(channel, list(text_with(entry.pattern)))
                codings.add((coding.name,), through(channel, decided(channel), frames), entry.pattern)
    print(
        "\nPlaces. Each word whole, cut in two at every character, character by character, token by token, at random."
    )
    places.table("endpoint", "place")
    print("\nThe same by cut.")
    cuts.table("cut")
    print("\nHow the stream is spelt; the text character by character, in every place.")
    codings.table("spelling")


def cut_bytes(words: Sequence[Entry]) -> None:
    tally = Tally()
    for channel in CHANNELS:
        for entry in words:
            if fits(channel, entry):
                raw = b"".join(PLAIN.frames(channel, list(text_with(entry.pattern))))
                out = through(channel, decided(channel), [raw[at : at + 1] for at in range(len(raw))])
                tally.add((channel.endpoint, "one byte at a time, every place"), out, entry.pattern)
    for endpoint, channel in sorted(_texts().items()):
        for entry in words[::10]:
            raw = b"".join(PLAIN.frames(channel, [text_with(entry.pattern)]))
            for at in range(len(raw) + 1):
                out = through(channel, decided(channel), [raw[:at], raw[at:]])
                tally.add(
                    (endpoint, "in two at every byte, the answer's text, one word in ten"), out, entry.pattern
                )
    print("\nCuts between bytes.")
    tally.table("endpoint", "cut")


def _texts() -> dict[str, Channel]:
    """The answer's own text of each endpoint."""
    found: dict[str, Channel] = {}
    for channel in CHANNELS:
        found.setdefault(channel.endpoint, channel)
    return found


def bodies(words: Sequence[Entry]) -> None:
    tally = Tally()
    for body in BODIES:
        for entry in words:
            if not fits(body, entry):
                continue
            for coding in (PLAIN, CODINGS[3]):
                whole, as_stream = whole_answers(body, text_with(entry.pattern), coding.spell)
                tally.add((body.endpoint, body.name), whole, entry.pattern)
                tally.add((body.endpoint, body.name), as_stream, entry.pattern)
    print(
        "\nWhole answers, in UTF-8 and with every character escaped; asked for whole, and asked for as a stream."
    )
    tally.table("endpoint", "place")


async def doors() -> None:
    rows: dict[str, list[int]] = {}
    answers: dict[str, set[str]] = defaultdict(set)
    with tempfile.TemporaryDirectory() as folder:
        upstream = test_side_doors.Scripted(test_side_doors.talkative)
        async with serving(Path(folder), upstream, [test_side_doors.ENTRY]) as run:
            for door in DOORS:
                before = len(upstream.requests)
                status, body = await test_side_doors.raw(run, door)
                row = rows.setdefault(door.name, [0, 0, 0])
                row[0] += 1
                row[1] += len(upstream.requests) - before
                row[2] += leaked(body, WORD)
                answers[door.name].add(f"{status} `{door.code}`" if door.code else f"{status}, reviewed")
    print("\nSide doors, over real sockets: a model server that says the word to whatever it is asked.")
    print(
        "\n| door | requests | answered with | reached the model server | leaked characters |\n|---|---:|---|---:|---:|"
    )
    for name, (count, asked, out) in rows.items():
        print(f"| {name} | {count} | {', '.join(sorted(answers[name]))} | {asked} | {out} |")
    total = [sum(row[at] for row in rows.values()) for at in range(3)]
    print(f"| **all** | {total[0]} | | {total[1]} | {total[2]} |")


def held(words: Sequence[Entry]) -> None:
    """Characters that a delta leaves held back: received and not delivered, at the wire."""
    chinese = (ROOT / "README.zh.md").read_text("utf-8")
    english = (ROOT / "README.md").read_text("utf-8") + (ROOT / "docs/api.md").read_text("utf-8")
    large = Library.compile(_strangers(10_000, chinese, english), REFUSALS)
    texts = {"Chinese, README.zh.md": chinese, "English, README.md and docs/api.md": english}
    print(
        "\nWhat it costs: characters received and not delivered, after each delta that does not end the answer."
    )
    print("\n| text | library | deltas of | deltas | mean | p99 | most |\n|---|---|---|---:|---:|---:|---:|")
    for name, text in texts.items():
        for size, library in ((len(HELD), LIBRARY), (10_000, large)):
            plan = unlabelled(decided(CHAT[0], library=library))
            for how, pieces in _cuts(text):
                _row(name, f"{size:,} entries", how, waiting(plan, pieces))
    plan = unlabelled(decided(CHAT[0]))
    for cut, make in CUTS.items():
        behind = [n for entry in words for pieces in make(entry.pattern) for n in waiting(plan, pieces)]
        if behind:
            _row("one sentence around each word", f"{len(HELD)} entries", cut, behind)


def _strangers(count: int, *texts: str) -> list[Entry]:
    """Entries of which none stands in the texts, in whatever spelling: what is found would end the answer."""
    made = entries(count + 500, ("safe", "evasion"), "".join(texts))
    reviewed = [finding for text in texts for finding in _all_findings(made, text)]
    found = {finding.entry_id for finding in reviewed}
    return [entry for entry in made if entry.id not in found][:count]


def _all_findings(made: Sequence[Entry], text: str) -> list[Finding]:
    flags = [replace(entry, action={Direction.OUTPUT: Action.FLAG}) for entry in made]
    return Library.compile(flags, REFUSALS).review(text, Direction.OUTPUT)


def _cuts(text: str) -> Iterator[tuple[str, list[str]]]:
    yield "1 character", list(text)
    yield "3 characters", [text[at : at + 3] for at in range(0, len(text), 3)]
    encoding = encoding_for("gpt-4o")
    ids = encoding.encode(text)
    said = encoding.decode_with_offsets(ids)[1]
    yield "1 token", [text[a:b] for a, b in itertools.pairwise([*said, len(text)]) if a < b]


def waiting(plan: Plan, pieces: Sequence[str]) -> list[int]:
    """After each delta what is held back; up to the one that blocks."""
    rewriter = StreamRewriter(ChatStream(plan))
    rewriter.feed(PLAIN.frames(CHAT[0], ["x"])[0])
    came = out = 0
    behind = []
    for frame, piece in zip(PLAIN.frames(CHAT[0], pieces)[1:], pieces, strict=False):
        sent = rewriter.feed(frame)
        if b"content_filter" in sent or rewriter.complete:
            break
        came += len(piece)
        out += sum(map(len, _contents(sent)))
        behind.append(came - out)
    return behind


def _contents(sent: bytes) -> Iterator[str]:
    for line in sent.split(b"\n"):
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:])["choices"]:
                yield choice["delta"].get("content") or ""


def _row(*cells: object) -> None:
    *names, values = cells
    assert isinstance(values, list)
    values.sort()
    p99 = values[min(len(values) - 1, len(values) * 99 // 100)]
    print(
        f"| {' | '.join(map(str, names))} | {len(values):,} | {statistics.mean(values):.2f} | {p99} | {values[-1]} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--part", choices=["streams", "bytes", "bodies", "doors", "held"], action="append")
    options = parser.parse_args()
    words = HELD[:: options.every]
    parts = options.part or ["streams", "bytes", "bodies", "doors", "held"]
    for part in parts:
        began = time.thread_time()
        if part == "doors":
            asyncio.run(doors())
        else:
            {"streams": streams, "bytes": cut_bytes, "bodies": bodies, "held": held}[part](words)
        print(f"\n{part}: {len(words)} words, {time.thread_time() - began:.0f} s of CPU")


if __name__ == "__main__":
    main()
