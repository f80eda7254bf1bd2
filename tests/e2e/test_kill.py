"""kill -9 in the middle of 50 streams: nothing that was accepted is lost, and the chain still holds."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.e2e.processes import inkseal, server, write_settings

BODY = {"model": "m", "messages": [{"role": "user", "content": "你好"}], "stream": True}
STREAMS = 50


@pytest.mark.parametrize("workers", [1, 2])
async def test_after_kill_9_every_accepted_request_has_an_end(tmp_path: Path, workers: int) -> None:
    write_settings(tmp_path, upstreams=[{"name": "slow", "kind": "tests.e2e.slow_upstream:make"}])
    seen: list[str] = []
    all_streaming = asyncio.Event()
    with server(tmp_path, "--workers", str(workers)) as (url, process):
        limits = httpx.Limits(max_connections=STREAMS)
        async with httpx.AsyncClient(base_url=url, limits=limits, timeout=30) as http:

            async def ask() -> None:
                try:
                    async with http.stream("POST", "/v1/chat/completions", json=BODY) as response:
                        seen.append(response.headers["x-request-id"])
                        if len(seen) == STREAMS:
                            all_streaming.set()
                        async for _ in response.aiter_raw():
                            pass
                except httpx.HTTPError:
                    pass

            asked = [asyncio.create_task(ask()) for _ in range(STREAMS)]
            await asyncio.wait_for(all_streaming.wait(), 30)
            await asyncio.sleep(0.5)
            for victim in _processes(process.pid):
                os.kill(victim, signal.SIGKILL)
            await asyncio.gather(*asked)
    with server(tmp_path):
        pass
    done = inkseal(tmp_path, "records", "export")
    assert done.returncode == 0, done.stderr
    rows = [row for row in map(json.loads, done.stdout.splitlines()) if row["kind"] == "request"]
    statuses: dict[str, list[str]] = {}
    for row in rows:
        statuses.setdefault(row["request_id"], []).append(row["status"])
    assert set(seen) == set(statuses)
    ends = Counter(tuple(sorted(found)) for found in statuses.values())
    assert set(ends) == {("aborted", "accepted"), ("accepted", "closed")}
    assert ends["aborted", "accepted"] >= STREAMS // 2
    verified = inkseal(tmp_path, "records", "verify")
    assert verified.returncode == 0, verified.stdout
    assert b"whole and unchanged" in verified.stdout
    assert b"0 requests still open" in verified.stdout


def _processes(pid: int) -> list[int]:
    """The process and its children, parents first so that none is restarted."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(int(child) for child in children)]
