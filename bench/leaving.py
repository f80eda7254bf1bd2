"""How soon the model server's connection is closed once the client has left, at each stage of an answer.

    python bench/leaving.py [--times 20]

Real sockets on both sides, all in one process on one event loop; wall-clock time.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.e2e.failures import ENDPOINTS
from tests.e2e.test_leaving import STAGES, leave, modelled


async def main(times: int) -> None:
    print("| the client leaves | times | median, ms | most, ms |\n|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        async with modelled(Path(folder)) as (run, model):
            for stage in STAGES:
                took = []
                for path in ENDPOINTS:
                    # A complete answer's connection is closed before the client leaves: that counts as at once.
                    took += [max(0, await leave(run, model, path, stage) * 1000) for _ in range(times)]
                print(f"| {stage} | {len(took)} | {statistics.median(took):.1f} | {max(took):.1f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=20)
    asyncio.run(main(parser.parse_args().times))
