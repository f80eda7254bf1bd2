"""Head files: the end of each chain noted outside the databases, and who is still writing.

`heads/<writer>` holds the writer's last head, written after every commit. A head file ahead of its database
means that rows were cut off, or a file or its write-ahead log lost. The contents are not synced (the first
ones are): after a power failure the head file may be behind, never ahead.

The writer holds a lock on its head file as long as it lives. The kernel drops the lock with the process,
however that ends, so liveness needs no process table and works across containers on one volume.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from proxy.records.chain import Head, Writer, format_heads, heads_from_json, tips
from proxy.records.monthly import connect_read_only, month_files
from proxy.records.record import decode_json

__all__ = [
    "FolderLock",
    "HeadFile",
    "SignedHead",
    "current_writer",
    "head",
    "is_gone",
    "latest_heads",
    "read_head_files",
    "referenced_heads",
    "remove_head_files",
    "signed_heads",
    "snapshot",
]

_FOLDER = "heads"


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head, the month (YYYYMM) of the file in which its row stands, and its signature."""

    head: Head
    month: str
    mac: bytes


class HeadFile:
    """The head file of a live writer."""

    def __init__(self, folder: Path, writer: str) -> None:
        (folder / _FOLDER).mkdir(mode=0o700, exist_ok=True)
        self._path = folder / _FOLDER / writer
        self._descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        self._synced = False
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def write(self, signed: SignedHead) -> None:
        # Every line has the same length, so it is replaced in place.
        line = f"{signed.head.seq:015d} {signed.head.hash.hex()} {signed.month} {signed.mac.hex()}\n"
        os.pwrite(self._descriptor, line.encode(), 0)
        if not self._synced:
            os.fsync(self._descriptor)
            _sync_folder(self._path.parent)
            self._synced = True

    def close(self) -> None:
        """Give up the lock: this writer is gone."""
        os.close(self._descriptor)


class FolderLock:
    """One process at a time makes files, sweeps or removes. The holder may enter again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._depth = 0
        self._descriptor = -1

    def __enter__(self) -> None:
        if self._depth == 0:
            self._descriptor = os.open(self._folder, os.O_RDONLY)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self._depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            os.close(self._descriptor)


def current_writer() -> Writer:
    """This process as a writer; boot id and start stay empty where there is no /proc."""
    try:
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        # The name in the second field may hold spaces and parentheses: count from behind it.
        started = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        boot_id, started = "", 0
    return Writer(boot_id, os.getpid(), started, secrets.token_hex(8))


def is_gone(folder: Path, writer: str) -> bool:
    """Whether the process behind a chain no longer lives. A writer without head file counts as gone."""
    try:
        descriptor = os.open(folder / _FOLDER / writer, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)


def read_head_files(folder: Path) -> dict[str, SignedHead | None]:
    """The noted heads by writer; None for a file that cannot be understood. No rows yet, no entry."""
    found: dict[str, SignedHead | None] = {}
    for path in sorted((folder / _FOLDER).glob("*")):
        text = path.read_text(errors="replace")
        while (again := path.read_text(errors="replace")) != text:
            text = again  # it is being written just now
        if text:
            found[path.name] = _parse(path.name, text)
    return found


def _parse(writer: str, text: str) -> SignedHead | None:
    try:
        seq, digest, month, mac = text.split()
        return SignedHead(Head(writer, int(seq), bytes.fromhex(digest)), month, bytes.fromhex(mac))
    except ValueError:
        return None


def remove_head_files(folder: Path, writers: list[str]) -> None:
    """Forget writers of whom no row is left."""
    for writer in writers:
        (folder / _FOLDER / writer).unlink(missing_ok=True)


@contextmanager
def snapshot(folder: Path) -> Iterator[dict[str, sqlite3.Connection]]:
    """All monthly files by month, oldest first, each frozen at one moment for reading.

    The newest is frozen first: what a row refers to was committed before it, so later snapshots hold it.
    """
    connections: dict[str, sqlite3.Connection] = {}
    try:
        for month, path in reversed(month_files(folder).items()):
            connection = connections[month] = connect_read_only(path)
            connection.execute("BEGIN")
            if not connection.execute("PRAGMA user_version").fetchone()[0]:
                connections.pop(month).close()  # just being made by a writer
        yield dict(sorted(connections.items()))
    finally:
        for connection in connections.values():
            connection.close()


def signed_heads(connection: sqlite3.Connection, month: str) -> list[SignedHead]:
    """The heads that a monthly file holds, without writers that have no row in it."""
    rows = connection.execute("SELECT id, seq, hash, mac FROM writers WHERE seq > 0 ORDER BY id")
    return [SignedHead(Head(writer, seq, digest), month, mac) for writer, seq, digest, mac in rows]


def latest_heads(connections: dict[str, sqlite3.Connection]) -> dict[str, Head]:
    """The head of every chain over all months."""
    latest: dict[str, Head] = {}
    for month, connection in connections.items():
        for signed in signed_heads(connection, month):
            held = latest.get(signed.head.writer)
            if held is None or signed.head.seq > held.seq:
                latest[signed.head.writer] = signed.head
    return latest


def referenced_heads(connection: sqlite3.Connection, kind: str) -> list[Head]:
    """The heads named in the store's own events: kind "writer" (witnessed) or "retention" (removed)."""
    rows = connection.execute("SELECT fields FROM records WHERE kind = ? AND kind <> 'request'", (kind,))
    return [named for (fields,) in rows for named in heads_from_json(decode_json(fields)["heads"])]


def head(folder: Path) -> str:
    """The string to note elsewhere: with it a later `verify` notices that the whole folder was replaced.

    `writer:seq:hash` of every chain that no other chain has witnessed, joined by commas.
    """
    with snapshot(folder) as connections:
        witnessed = [named for c in connections.values() for named in referenced_heads(c, "writer")]
        return format_heads(tips(latest_heads(connections), witnessed))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
