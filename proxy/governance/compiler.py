"""Compiles a version in a process of its own: whatever becomes of it, the server goes on as it was.

    python -m proxy.governance.compiler < job

The job comes on standard input (a line of JSON, then the entries as JSON Lines), so the signing key stands in
no argument and no environment. The answer is one line of JSON.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from proxy.review.entry import Entry
from proxy.review.failures import LibraryError
from proxy.review.interchange import write_jsonl
from proxy.review.store import make_snapshot
from proxy.review.stored import StoredEntries

__all__ = ["compile_aside"]

SECONDS = 1800.0
_NICE = 5


def compile_aside(
    directory: Path,
    entries: Sequence[Entry],
    *,
    author: str,
    reason: str,
    now: str,
    refusals: Mapping[str, str],
    key: bytes,
    seconds: float = SECONDS,
) -> str:
    """The version of a snapshot that another process made. LibraryError when it could not; nothing is in force."""
    job = {
        "directory": str(directory.absolute()),
        "author": author,
        "reason": reason,
        "now": now,
        "refusals": dict(refusals),
        "key": key.hex(),
    }
    ordered = sorted(entries, key=lambda entry: entry.id)
    told = json.dumps(job).encode("ascii") + b"\n" + write_jsonl(ordered).encode("utf-8")
    command = [sys.executable, "-m", "proxy.governance.compiler"]
    try:
        done = subprocess.run(command, input=told, capture_output=True, timeout=seconds, check=False)  # noqa: S603 - our own module
    except subprocess.TimeoutExpired:
        raise LibraryError(f"compiling took longer than {seconds:g} seconds and was stopped") from None
    try:
        answer = json.loads(done.stdout)
        version, error = answer.get("version"), answer.get("error")
    except ValueError:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
        raise LibraryError(f"the compiling process failed (exit code {done.returncode}): {last[0]}") from None
    if error:
        raise LibraryError(str(error))
    return str(version)


def _main() -> None:
    with suppress(OSError):
        os.nice(_NICE)
    gc.disable()  # the process ends with its one job
    job = json.loads(sys.stdin.buffer.readline())
    try:
        version = make_snapshot(
            job["directory"],
            StoredEntries(sys.stdin.buffer.read()),
            author=job["author"],
            reason=job["reason"],
            now=job["now"],
            refusals=job["refusals"],
            key=bytes.fromhex(job["key"]),
        )
    except (ValueError, LibraryError, OSError) as error:
        answer = {"error": str(error)}
    else:
        answer = {"version": version}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    _main()
