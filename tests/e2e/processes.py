"""The real command in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

ROOT = Path(__file__).parents[2]
INKSEAL = Path(sys.executable).parent / "inkseal"


def inkseal(folder: Path, *arguments: str, input_: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Runs one command with the settings in `folder`."""
    return subprocess.run(
        [INKSEAL, *arguments],
        cwd=folder,
        env=_environment(),
        input=input_,
        capture_output=True,
        timeout=60,
        check=False,
    )


def write_settings(folder: Path, **sections: Any) -> None:
    document = {"upstreams": [{"name": "main", "kind": "scripted"}], **sections}
    (folder / "inkseal.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@contextmanager
def server(folder: Path, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`inkseal serve` on a free port; its address and process. Ended with SIGTERM if it still runs."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [INKSEAL, "serve", "--port", str(port), *arguments],
            cwd=folder,
            env=_environment(),
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process, folder)
        yield url, process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)


def _wait(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            httpx.get(f"{url}/healthz")
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the server did not start:\n{(folder / 'server.log').read_text()}")
