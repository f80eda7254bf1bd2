"""Compiles a version in a process of its own: whatever becomes of it, the server goes on as it was.

    python -m proxy.governance.compiler < job

The job comes on standard input, so the signing key stands in no argument and no environment: a line of JSON, then what
stays in force, as the procedure keeps it, in pages: a line that names the revisions, then a line each. Nobody but the
process itself makes anything of these. The answer is one line of JSON.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from proxy.governance.store import Kept, TamperedError
from proxy.review.entry import Entry
from proxy.review.failures import LibraryError
from proxy.review.store import make_snapshot, stored_of
from proxy.review.stored import Difference, StoredEntries, difference, line_of

__all__ = ["Compiled", "answer", "compile_aside", "read_answer", "write_job"]

SECONDS = 1800.0
_NICE = 5
_PAGE = 1000  # revisions


class Compiled(NamedTuple):
    """A version that is not in force yet: of how many entries, and what distinguishes it from the one before."""

    version: str
    entries: int
    difference: Difference


def compile_aside(
    directory: Path,
    staying: Iterable[Kept],
    coming: Sequence[Entry] = (),
    *,
    previous: str,
    author: str,
    reason: str,
    now: str,
    refusals: Mapping[str, str],
    key: bytes,
    seconds: float = SECONDS,
) -> Compiled:
    """A snapshot that another process made, of the revisions that stay in force and the entries that come.

    LibraryError when it could not; nothing is in force. TamperedError for a revision that stands where it was not put.
    """
    job = {
        "directory": str(directory.absolute()),
        "previous": previous,
        "author": author,
        "reason": reason,
        "now": now,
        "refusals": dict(refusals),
        "key": key.hex(),
        "coming": [entry.to_row() for entry in coming],
    }
    command = [sys.executable, "-m", "proxy.governance.compiler"]
    pipe, late = subprocess.PIPE, threading.Event()

    def stop() -> None:
        late.set()
        process.kill()

    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:  # noqa: S603 - our own module
        watch = threading.Timer(seconds, stop)
        watch.start()
        try:
            assert process.stdin is not None
            with suppress(BrokenPipeError):  # it has ended, and its answer tells why
                write_job(process.stdin, job, staying)
            said, complaints = process.communicate()
        except BaseException:
            process.kill()
            raise
        finally:
            watch.cancel()
    if late.is_set():
        raise LibraryError(f"compiling took longer than {seconds:g} seconds and was stopped")
    try:
        told = orjson.loads(said)
    except ValueError:
        last = complaints.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
        raise LibraryError(
            f"the compiling process failed (exit code {process.returncode}): {last[0]}"
        ) from None
    return read_answer(told)


def read_answer(told: Mapping[str, Any]) -> Compiled:
    """What an answer says."""
    if "error" in told:
        raise (TamperedError if told["tampered"] else LibraryError)(str(told["error"]))
    return Compiled(told["version"], told["entries"], Difference(*map(tuple, told["difference"])))


def write_job(target: IO[bytes], job: Mapping[str, Any], staying: Iterable[Kept]) -> None:
    """Tell the process what to compile."""
    target.write(orjson.dumps(job, option=orjson.OPT_APPEND_NEWLINE))
    rest = iter(staying)
    while page := list(islice(rest, _PAGE)):
        target.write(orjson.dumps([(one.id, one.number) for one in page], option=orjson.OPT_APPEND_NEWLINE))
        target.write("".join([one.data + "\n" for one in page]).encode("utf-8"))


def answer(source: IO[bytes]) -> dict[str, Any]:
    """Do what a job says."""
    job = orjson.loads(source.readline())
    directory, key = Path(job["directory"]), bytes.fromhex(job["key"])
    about = {name: job[name] for name in ("author", "reason", "now", "refusals")}
    try:
        entries = StoredEntries(_lines(source, job["coming"]))
        version = make_snapshot(directory, entries, **about, key=key)
        changes = difference(_before(directory, job["previous"], key), entries)
    except (ValueError, TypeError, TamperedError, LibraryError, OSError) as error:
        return {"error": str(error), "tampered": isinstance(error, TamperedError)}
    return {"version": version, "entries": len(entries), "difference": list(changes)}


def _lines(source: IO[bytes], coming: Sequence[Mapping[str, Any]]) -> bytes:
    """The lines of all entries, in the order of their ids."""
    lines: dict[str, bytes] = {}
    newest: dict[str, int] = {}
    for entry_id, number, row in _staying(source):
        if number > newest.get(entry_id, 0):
            newest[entry_id], lines[entry_id] = number, line_of(row)
    lines |= {row["id"]: line_of(row) for row in coming}
    return b"".join([lines[entry_id] for entry_id in sorted(lines)])


def _staying(source: IO[bytes]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """The entries that stay, each compared with the row that it stands in."""
    for header in source:
        names = orjson.loads(header)
        revisions = orjson.loads(b"[" + b",".join(islice(source, len(names))) + b"]")
        for (entry_id, number), revision in zip(names, revisions, strict=True):
            row = revision["entry"]
            if (row["id"], row.get("version", 1), row.get("status")) != (entry_id, number, None):
                raise TamperedError(
                    f"entry {entry_id} in the governance database was moved or given another status"
                )
            yield entry_id, number, row


def _before(directory: Path, version: str, key: bytes) -> StoredEntries:
    """The entries of the version before. A damaged one is a reason to publish, not one against it."""
    try:
        return stored_of(directory, version, key) if version else StoredEntries(b"")
    except LibraryError:
        return StoredEntries(b"")


def _main() -> None:
    with suppress(OSError):
        os.nice(_NICE)
    gc.disable()  # the process ends with its one job
    sys.stdout.buffer.write(orjson.dumps(answer(sys.stdin.buffer)) + b"\n")


if __name__ == "__main__":
    _main()
