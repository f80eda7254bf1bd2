"""What our own path costs: one 3-character delta, and one whole answer of 340 characters, everything on.

    python bench/path.py

Everything between the upstream's bytes and the client's: SSE, JSON, review against 10,000 entries in all views,
carrier, label, AIGC object. No sockets. CPU time of this thread, the best of several rounds.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from labelers.provenance import KeyRing
from labelers.watermarks import SCHEMES
from proxy.policy import Plan, Rules, plan
from proxy.review.entry import Entry
from proxy.review.library import Library
from proxy.settings import Labels, Review
from proxy.upstreams import replies
from proxy.wire.chat import ChatStream
from proxy.wire.chat_answer import ChatAnswer
from proxy.wire.chat_endpoint import ChatEndpoint
from proxy.wire.rewriter import StreamRewriter

TEXT = (
    "春江潮水连海平，海上明月共潮生。滟滟随波千万里，何处春江无月明！江流宛转绕芳甸，月照花林皆似霰；"
    "空里流霜不觉飞，汀上白沙看不见。江天一色无纤尘，皎皎空中孤月轮。江畔何人初见月？江月何年初照人？"
) * 4
TEXT = TEXT[:340]
ROUNDS = 15
REPEAT = 20


def library(size: int, views: tuple[str, ...]) -> Library:
    chance = random.Random(1)
    han = [chr(c) for c in range(0x4E00, 0x9FA5)]
    common = list(dict.fromkeys(TEXT.replace("，", "").replace("。", "")))
    entries = []
    seen = set()
    while len(entries) < size:
        # A third begins with characters of the text, so that live prefixes are common.
        first = chance.choice(common) if chance.random() < 0.33 else chance.choice(han)
        pattern = first + "".join(chance.choice(han) for _ in range(chance.randint(2, 4)))
        if pattern not in seen:
            seen.add(pattern)
            entries.append(Entry(pattern=pattern, category="A.1.a", views=views))
    return Library.compile(entries, {})


def decided(of: Library | None, *, marks: bool, stream: bool) -> Plan:
    labels = Labels() if marks else Labels(metadata=False)
    ring = KeyRing(b"k" * 32, producers=("UNSET",))
    rules = Rules(
        tenant="",
        producer="UNSET",
        labels=labels,
        review=Review(),
        strings=labels.wording(),
        own_labels=labels.own(),
        carrier=SCHEMES["carrier"](ring, "default") if marks else None,
        key_id=1,
    )
    asks = ChatEndpoint().asks(
        {"model": "m", "stream": stream, "messages": [{"role": "user", "content": "你好"}]}
    )
    made = plan(rules, asks, request_id="r", library=of, content_numbers=[0x0693D21B6D4266EF])
    if marks:
        return made
    return Plan(
        **{name: getattr(made, name) for name in Plan.__slots__} | {"positions": (), "carrier": False}
    )


def cpu(work: Callable[[], None], repeat: int) -> float:
    """Seconds of thread CPU time for one call, the best round."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.thread_time()
        for _ in range(repeat):
            work()
        best = min(best, (time.thread_time() - start) / repeat)
    return best


def main() -> None:
    deltas = [TEXT[at : at + 3] for at in range(0, len(TEXT), 3)]
    frames = [step for step in replies.sse(deltas).steps if isinstance(step, bytes)]
    body = replies.chat([TEXT]).steps[0]
    assert isinstance(body, bytes)
    safe, every = library(10_000, ("safe",)), library(10_000, ("safe", "evasion"))
    rows = [
        ("nothing on", None, False),
        ("review, safe view, 10,000 entries", safe, False),
        ("review, safe and evasion views", every, False),
        ("labels and carrier", None, True),
        ("everything", every, True),
    ]
    print(
        f"| {len(TEXT)} characters | a 3-character delta, µs | whole stream of {len(frames)} frames, µs | unstreamed answer, µs |"
    )
    print("|---|---|---|---|")
    for name, of, marks in rows:
        streamed, whole = decided(of, marks=marks, stream=True), decided(of, marks=marks, stream=False)

        def one_stream(of_plan: Plan = streamed) -> None:
            rewriter = StreamRewriter(ChatStream(of_plan))
            for frame in frames:
                rewriter.feed(frame)
            rewriter.flush()
            rewriter.close()

        def one_answer(of_plan: Plan = whole) -> None:
            ChatAnswer(of_plan).rewrite(body)

        stream_us = cpu(one_stream, REPEAT) * 1e6
        answer_us = cpu(one_answer, REPEAT) * 1e6
        print(f"| {name} | {stream_us / len(deltas):.1f} | {stream_us:.0f} | {answer_us:.0f} |")


if __name__ == "__main__":
    main()
