"""Reads a file in a process of its own, with little memory and few seconds: whatever is in it, the proxy goes on.

The readers bound what they know of; the process bounds what they do not. It gets the bytes on standard input,
may write no file, and answers in JSON.
"""

from __future__ import annotations

import re
import subprocess
import sys

import orjson

from detectors.files import UNREADABLE, FileReading, read

__all__ = ["main", "read_bounded"]

MEMORY = 2 * 1024 * 1024 * 1024  # bytes of address space
CPU_SECONDS = 20
WALL_SECONDS = 60.0
_LIMITED = "reading this file takes more memory or time than one file may have here"


def read_bounded(data: bytes, name: str) -> FileReading:
    """As `detectors.files.read`. Blocks for as long as it takes, `WALL_SECONDS` at most."""
    # Of the name only the suffix tells anything; whatever else it holds stays out of the command.
    safe = re.sub(r"[^A-Za-z0-9.]", "_", name)[-100:]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "proxy.files.bounded", safe],
            input=data,
            capture_output=True,
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _unreadable(_LIMITED)
    try:
        return FileReading.from_json(orjson.loads(done.stdout))
    except (orjson.JSONDecodeError, KeyError):
        return _unreadable(_LIMITED)


def _unreadable(reason: str) -> FileReading:
    return FileReading("", (), (), "", (), (), UNREADABLE, reason)


def main() -> None:
    """The child: bounds itself, reads, answers."""
    import resource

    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    try:
        reading = read(sys.stdin.buffer.read(), sys.argv[1])
    except MemoryError:
        reading = _unreadable(_LIMITED)
    sys.stdout.buffer.write(orjson.dumps(reading.to_json() | {"text": reading.text}))


if __name__ == "__main__":
    main()
