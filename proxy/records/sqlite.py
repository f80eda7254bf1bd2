"""Records in a folder of monthly SQLite files, with group commit.

One writer thread a process. `append` encodes, queues and waits; the thread takes everything that is queued,
commits it as one statement with one fsync, and wakes all waiters with one call into the event loop. While one
fsync runs the next batch gathers, so the batch grows with the load and nobody waits for a timer. The event
loop never touches SQLite, and everything that counts entries runs in the loop, so no lock is needed.

Durability: "strict" commits every record by itself, "group" as above, "relaxed" returns when the record is
queued and commits it within 200 ms; what then fails is kept and tried again, and new records are refused.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from proxy.records.chain import Writer
from proxy.records.chain_writer import ChainWriter, Entry
from proxy.records.crypto import KeySource, RecordCipher
from proxy.records.heads import current_writer
from proxy.records.monthly import MAX_BATCH, read_records
from proxy.records.record import Query, Record, RecordError, StoredRecord
from proxy.records.retention import remove

__all__ = ["SqliteStore"]

_PAGE = 200
_RELAXED_SECONDS = 0.1  # gathering; leaves as much again for the commit
_RETRY_SECONDS = 0.2
_log = logging.getLogger("inkseal.records")

_Waiting = tuple[Entry, "asyncio.Future[None] | None"]


@dataclass(frozen=True, slots=True)
class _Job:
    """Something else for the writer thread to do; after the `last` one the thread ends."""

    run: Callable[[], Any]
    answer: asyncio.Future[Any]
    last: bool


class SqliteStore:
    """A RecordStore on SQLite. Use it from one event loop."""

    def __init__(
        self,
        folder: Path,
        *,
        keys: KeySource,
        durability: str,
        retention_days: int,
        clock: Callable[[], str],
        max_queued: int,
        writer: Writer | None = None,
    ) -> None:
        self._folder = folder
        self._strict = durability == "strict"
        self._relaxed = durability == "relaxed"
        self._max_queued = max_queued
        self._chain = ChainWriter(
            folder, RecordCipher(keys), writer or current_writer(), clock, retention_days
        )
        self._queue: queue.SimpleQueue[_Waiting | _Job] = queue.SimpleQueue()
        self._queued = 0
        self._failure: str | None = None
        self._is_open = False
        self._thread = threading.Thread(target=self._run, name="inkseal-records", daemon=True)

    @property
    def queued(self) -> int:
        return self._queued

    async def open(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        try:
            await self._ask(self._chain.start)
        except BaseException:
            await self._stop()
            raise
        self._is_open = True

    async def append(self, record: Record) -> None:
        if not self._is_open:
            raise RecordError("the records are not open")
        if self._queued >= self._max_queued:
            raise RecordError(f"{self._queued} records wait to be written")
        entry = Entry.of(record)
        if self._relaxed:
            if self._failure is not None:
                raise RecordError(self._failure)
            self._queued += 1
            self._queue.put((entry, None))
            return
        done: asyncio.Future[None] = self._loop.create_future()
        self._queued += 1
        self._queue.put((entry, done))
        await done

    async def read(self, query: Query) -> AsyncIterator[StoredRecord]:
        rows = read_records(self._folder, query)
        try:
            while page := await asyncio.to_thread(lambda: list(islice(rows, _PAGE))):
                for row in page:
                    yield row
        finally:
            rows.close()

    async def ready(self) -> bool:
        if not self._is_open:
            return False
        # Only a failure is tested by writing: a probe a second on a healthy disk would be wear for nothing.
        return self._failure is None or bool(await self._ask(self._probe))

    async def expire(self) -> list[str]:
        removal = await self._ask(self._chain.plan_removal)
        # Unlinking a big file takes long: not in the writer thread, where requests wait.
        return [] if removal is None else await asyncio.to_thread(remove, self._folder, removal)

    async def close(self) -> None:
        if self._is_open:
            self._is_open = False
            await self._stop()

    async def _stop(self) -> None:
        await self._ask(self._chain.close, last=True)
        self._thread.join()

    async def _ask(self, run: Callable[[], Any], *, last: bool = False) -> Any:
        """Run something in the writer thread, after everything queued before it."""
        job = _Job(run, self._loop.create_future(), last)
        self._queue.put(job)
        return await job.answer

    def _resolve(self, finished: Sequence[tuple[asyncio.Future[None] | None, Exception | None]]) -> None:
        self._queued -= len(finished)
        for done, error in finished:
            if done is None or done.done():  # nobody waits, or the waiting was cancelled
                continue
            if error is None:
                done.set_result(None)
            else:
                # One exception object must not be raised in many tasks.
                done.set_exception(RecordError(str(error)) if isinstance(error, RecordError) else error)

    # From here on: what runs in the writer thread.

    def _run(self) -> None:
        kept: list[_Waiting] = []
        while True:
            batch, job = self._take(kept)
            kept = self._write(batch)
            if job is None:
                continue
            if job.last and kept:
                _log.error("%d records are lost: %s", len(kept), self._failure)
            self._answer(job)
            if job.last:
                return

    def _take(self, kept: list[_Waiting]) -> tuple[list[_Waiting], _Job | None]:
        """What to commit next, and the job that came after it, if one did. Blocks while there is nothing."""
        batch = kept
        try:
            item = self._queue.get(timeout=_RETRY_SECONDS if kept else None)
            if self._relaxed and not isinstance(item, _Job):
                time.sleep(_RELAXED_SECONDS)
            limit = len(kept) + (1 if self._strict else MAX_BATCH)
            while not isinstance(item, _Job):
                batch.append(item)
                if len(batch) >= limit:
                    return batch, None
                item = self._queue.get_nowait()
        except queue.Empty:
            return batch, None
        return batch, item

    def _write(self, batch: Sequence[_Waiting]) -> list[_Waiting]:
        """Commit and wake whoever waits; returns what nobody waits for and could not be written yet."""
        if not batch:
            return []
        errors = self._chain.write([entry for entry, _ in batch])
        self._failure = next((str(error) for error in errors if isinstance(error, RecordError)), None)
        finished: list[tuple[asyncio.Future[None] | None, Exception | None]] = []
        kept: list[_Waiting] = []
        for waiting, error in zip(batch, errors, strict=True):
            done = waiting[1]
            if done is None and isinstance(error, RecordError):
                kept.append(waiting)
                continue
            if done is None and error is not None:
                _log.error("a record was dropped: %s", error)
            finished.append((done, error))
        self._call_loop(self._resolve, finished)
        return kept

    def _probe(self) -> bool:
        if not self._chain.ready():
            return False
        self._failure = None
        return True

    def _answer(self, job: _Job) -> None:
        try:
            result = job.run()
        except Exception as error:
            self._call_loop(_settle, job.answer, None, error)
        else:
            self._call_loop(_settle, job.answer, result, None)

    def _call_loop(self, callback: Callable[..., None], *arguments: Any) -> None:
        # The loop may be closed by now: then nobody waits any more.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *arguments)


def _settle(answer: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)
