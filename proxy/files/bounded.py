"""Reads or labels a file in a process of its own, with little memory and few seconds: whatever is in it, the proxy goes on.

The readers bound what they know of; the process bounds what they do not. It gets the bytes on standard input,
may write no file, and answers in JSON. Before them stand the certificates whose C2PA signatures are trusted.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping

import orjson

from detectors.files import UNREADABLE, FileReading, read
from labelers.files import FileError, embed

__all__ = ["embed_bounded", "main", "read_bounded"]

MEMORY = 2 * 1024 * 1024 * 1024  # bytes of address space
CPU_SECONDS = 20
WALL_SECONDS = 60.0
_MADE, _REFUSED = b"+", b"-"
_LIMITED = "reading this file takes more memory or time than one file may have here"


def read_bounded(data: bytes, name: str, roots: bytes = b"") -> FileReading:
    """As `detectors.files.read`. Blocks for as long as it takes, `WALL_SECONDS` at most."""
    try:
        return FileReading.from_json(orjson.loads(_child(data, roots, name)))
    except (orjson.JSONDecodeError, KeyError):
        return _unreadable(_LIMITED)


def embed_bounded(data: bytes, name: str, fields: Mapping[str, str]) -> bytes:
    """As `labelers.files.embed`, within the same bounds. Raises FileError."""
    answer = _child(data, b"", name, orjson.dumps(dict(fields)).hex())
    if answer[:1] == _MADE:
        return answer[1:]
    raise FileError(answer[1:].decode() or _LIMITED)


def _child(data: bytes, roots: bytes, *arguments: str) -> bytes:
    """What the process answers; b"" if it was ended for what it took."""
    # Of the name only the suffix tells anything; whatever else it holds stays out of the command.
    safe = [re.sub(r"[^A-Za-z0-9.]", "_", argument) for argument in arguments]
    safe[0] = safe[0][-100:]
    try:
        return subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "proxy.files.bounded", *safe],
            input=b"%d\n%b%b" % (len(roots), roots, data),
            capture_output=True,
            timeout=WALL_SECONDS,
            check=False,
        ).stdout
    except subprocess.TimeoutExpired:
        return b""


def _unreadable(reason: str) -> FileReading:
    return FileReading("", (), (), "", (), (), UNREADABLE, reason)


def main() -> None:
    """The child: bounds itself, then reads, or with fields labels, and answers."""
    import resource

    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    roots = sys.stdin.buffer.read(int(sys.stdin.buffer.readline()))
    data, name = sys.stdin.buffer.read(), sys.argv[1]
    if len(sys.argv) > 2:
        answer = _embedded(data, name, orjson.loads(bytes.fromhex(sys.argv[2])))
    else:
        answer = _read(data, name, roots)
    sys.stdout.buffer.write(answer)


def _read(data: bytes, name: str, roots: bytes) -> bytes:
    try:
        reading = read(data, name, roots)
    except MemoryError:
        reading = _unreadable(_LIMITED)
    return orjson.dumps(reading.to_json() | {"text": reading.text})


def _embedded(data: bytes, name: str, fields: Mapping[str, str]) -> bytes:
    try:
        return _MADE + embed(data, name, fields)
    except MemoryError:
        return _REFUSED
    except FileError as error:
        return _REFUSED + str(error).encode("utf-8", "replace")


if __name__ == "__main__":
    main()
