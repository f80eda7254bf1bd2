"""What our own path costs: one 3-character delta, and one whole answer of 340 characters, everything on.

    python bench/path.py

Everything between the upstream's bytes and the client's: SSE, JSON, review against 10,000 entries in all views,
carrier, label, AIGC object. No sockets. CPU time of this thread, the best of several rounds. The last rows are another
text, prose with as many words to choose between as answers have (`labelers/watermarks/pairs.py`), without and with
`scheme: substitution`.
"""

from __future__ import annotations

import dataclasses
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from labelers.provenance import KeyRing
from labelers.watermarks import SCHEMES
from labelers.watermarks.substitution import Substitution
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
PROSE = (
    "想要养成阅读的习惯，其实并不困难。首先，每天晚上留出半小时，把手机放在另一个房间，免得通知打断思路。其次，挑几本自己真正感兴趣的书，"
    "例如游记、传记或者科普读物，这样更容易坚持下去。起初读得很慢也不必担心，速度会慢慢上来。此外，跟朋友一起讨论也很有帮助，"
    "大家的看法往往不同，聊一聊，理解就会更深一层。需要注意的是，不要只追求数量，读完之后写下几句感想，否则内容很快就会淡忘。"
    "这些方法看起来简单，但坚持一年以后，不少人都发现自己说话更有条理，写作时也不再觉得无话可说。最后，请记住，读书本来是一件快乐的事，"
    "今天很累的话，就放下书本早点休息，明天再接着读。桌上放一盏柔和的灯，旁边放一杯热茶，窗外下着小雨，这样的夜晚最适合打开一本好书，"
    "一页一页地读下去，直到困意慢慢袭来。"
)[:340]
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


def decided(of: Library | None, *, marks: bool, stream: bool, substitution: bool = False) -> Plan:
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
    if substitution:
        made = dataclasses.replace(made, rewording=Substitution(ring))
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
    safe, every = library(10_000, ("safe",)), library(10_000, ("safe", "evasion"))
    rows = [
        ("nothing on", TEXT, None, False, False),
        ("review, safe view, 10,000 entries", TEXT, safe, False, False),
        ("review, safe and evasion views", TEXT, every, False, False),
        ("labels and carrier", TEXT, None, True, False),
        ("everything", TEXT, every, True, False),
        ("everything, prose", PROSE, every, True, False),
        ("everything and substitution, prose", PROSE, every, True, True),
    ]
    print(f"| {len(TEXT)} characters | a 3-character delta, µs | whole stream, µs | unstreamed answer, µs |")
    print("|---|---|---|---|")
    for name, text, of, marks, substitution in rows:
        deltas = [text[at : at + 3] for at in range(0, len(text), 3)]
        frames = [step for step in replies.sse(deltas).steps if isinstance(step, bytes)]
        body = replies.chat([text]).steps[0]
        assert isinstance(body, bytes)
        streamed, whole = (
            decided(of, marks=marks, stream=stream, substitution=substitution) for stream in (True, False)
        )

        def one_stream(of_plan: Plan = streamed, frames: Sequence[bytes] = frames) -> None:
            rewriter = StreamRewriter(ChatStream(of_plan))
            for frame in frames:
                rewriter.feed(frame)
            rewriter.flush()
            rewriter.close()

        def one_answer(of_plan: Plan = whole, body: bytes = body) -> None:
            ChatAnswer(of_plan).rewrite(body)

        stream_us = cpu(one_stream, REPEAT) * 1e6
        answer_us = cpu(one_answer, REPEAT) * 1e6
        print(f"| {name} | {stream_us / len(deltas):.1f} | {stream_us:.0f} | {answer_us:.0f} |")


if __name__ == "__main__":
    main()
