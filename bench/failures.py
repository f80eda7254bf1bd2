"""The table of docs/failures.md: everything in tests/e2e/failures.py, played over real sockets and looked at.

    python bench/failures.py

A row tells what a raw HTTP client, the official SDK (openai-python) and the closing record say; one row for all three
endpoints where they agree.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.e2e.failures import CASES, ENDPOINTS, Seen, failing, observe


def told(seen: Seen) -> str:
    reason = ": ".join(seen.reason.split(": ")[:2])
    record = f"`{seen.record}`" + (f", {reason}" if reason else "")
    return f"{seen.status} | {seen.end} | {seen.sdk} | {record}"


async def main() -> None:
    rows: dict[tuple[bool, str], dict[str, list[str]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with failing(Path(folder)) as run:
            for number, case in enumerate(CASES):
                for path in ENDPOINTS:
                    seen, _ = await observe(run, number, path)
                    row = rows.setdefault((case.stream, case.name), {})
                    row.setdefault(told(seen), []).append(path)
    for stream in (True, False):
        print("\nA stream was asked for.\n" if stream else "\nA whole answer was asked for.\n")
        print(
            "| the model server | endpoints | status | the answer ends | official SDK | record |\n|---|---|---|---|---|---|"
        )
        for (streamed, name), found in rows.items():
            if streamed is stream:
                for what, paths in found.items():
                    print(
                        f"| {name} | {'all' if len(paths) == len(ENDPOINTS) else ', '.join(paths)} | {what} |"
                    )


if __name__ == "__main__":
    asyncio.run(main())
