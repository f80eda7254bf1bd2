"""What a second stage costs a stream that it is not asked about: CPU time a delta of three characters.

python bench/second_stage.py
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from proxy.review.doubts import Doubts
from proxy.review.entry import Action, Direction, Entry
from proxy.review.library import Library
from proxy.suspended import suspended

TEXT = "今天天气很好我们去公园散步吃饭看书。" * 200
PIECES = [TEXT[at : at + 3] for at in range(0, len(TEXT), 3)]


def best(work: Callable[[], object], times: int = 9) -> float:
    """Microseconds a piece, process CPU time."""
    found = float("inf")
    for _ in range(times):
        begun = time.process_time()
        work()
        found = min(found, time.process_time() - begun)
    return found / len(PIECES) * 1e6


def review(library: Library, doubts: Doubts | None) -> None:
    reviewer = library.reviewer(Direction.OUTPUT, doubts)
    for piece in PIECES:
        reviewer.feed(piece)


async def aside() -> None:
    step = partial(len, TEXT)
    for _ in PIECES:
        await suspended(step)


def main() -> None:
    library = Library.compile([Entry("甲乙丙", "A.1.f", action="flag"), Entry("丁戊己", "A.1.f")])
    doubts = Doubts(lambda entry, action: action is Action.FLAG, lambda entry, passages: Action.LOG)
    print(f"reviewer {best(lambda: review(library, None)):.1f} µs, with a second stage "
          f"{best(lambda: review(library, doubts)):.1f} µs; a step set aside {best(lambda: asyncio.run(aside())):.1f} µs")  # fmt: skip


if __name__ == "__main__":
    main()
