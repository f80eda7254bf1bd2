"""Indexes what was put out, beside the event loop: it waits in memory for a moment and goes.

The same for every index by month: of fingerprints, made of the text, and of issued marks, made of their provenance.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from detectors.sketch import Values
from proxy.fingerprints.store import Fingerprint, FingerprintStore

__all__ = ["IndexWriter", "Maker"]

_GATHER_SECONDS = 0.2  # many texts in one go cost a third each
_BATCH = 64
_MAX_QUEUED = 20_000
_log = logging.getLogger("inkseal.fingerprints")

Said = TypeVar("Said")
Noted = TypeVar("Noted", contravariant=True)


class Maker(Protocol[Noted]):
    """Turns what was noted of each answer into its values."""

    def values_of(self, noted: Sequence[Noted], /) -> list[Values]: ...


class IndexWriter(Generic[Said]):
    """One thread that makes values and stores them. What cannot be kept is told to the log and left out: an index
    is a convenience, the record is the law's. `what` names the values in the log.
    """

    def __init__(self, maker: Maker[Said], store: FingerprintStore, what: str = "fingerprints") -> None:
        self._maker = maker
        self._store = store
        self._what = what
        self._queue: queue.SimpleQueue[tuple[int, Said] | threading.Event] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self.dropped = 0

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=f"inkseal-{self._what}", daemon=True)
        self._thread.start()

    def note(self, content_number: int, said: Said) -> None:
        """An answer: its text as it was released, or its provenance. Returns at once."""
        if self._thread is None or not said:
            return
        if self._queue.qsize() >= _MAX_QUEUED:
            self.dropped += 1
            return
        self._queue.put((content_number, said))

    def flush(self, seconds: float = 10.0) -> bool:
        """Waits until everything noted so far is stored. False: it was not, in that time."""
        if self._thread is None:
            return True
        done = threading.Event()
        self._queue.put(done)
        return done.wait(seconds)

    def expire(self, now_ms: int) -> list[str]:
        """Forgets what is past the retention; the names of the files that went."""
        return self._store.expire(now_ms)

    def close(self) -> None:
        """Stores what is queued and stops."""
        if self._thread is not None:
            self.flush()
            self._thread = None
            self._store.close()

    def _run(self) -> None:
        while True:
            items = [self._queue.get()]
            if not isinstance(items[0], threading.Event):
                time.sleep(_GATHER_SECONDS)
            while len(items) < _BATCH and not self._queue.empty():
                items.append(self._queue.get())
            self._write([item for item in items if not isinstance(item, threading.Event)])
            for item in items:
                if isinstance(item, threading.Event):
                    item.set()

    def _write(self, items: Sequence[tuple[int, Said]]) -> None:
        try:
            values = self._maker.values_of([said for _, said in items]) if items else []
            self._store.add(
                [
                    Fingerprint(number, held)
                    for (number, _), held in zip(items, values, strict=True)
                    if held.size
                ]
            )
        except Exception:
            self.dropped += len(items)
            _log.exception("%d %s are lost", len(items), self._what)
