"""Fingerprints what was put out, beside the event loop: texts wait in memory for a moment and go."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Sequence

from detectors.fingerprint import Fingerprinter
from proxy.fingerprints.store import Fingerprint, FingerprintStore

__all__ = ["FingerprintWriter"]

_GATHER_SECONDS = 0.2  # many texts in one go cost a third each
_BATCH = 64
_MAX_QUEUED = 20_000
_log = logging.getLogger("inkseal.fingerprints")

_Item = tuple[int, str] | threading.Event


class FingerprintWriter:
    """One thread that fingerprints and stores. What cannot be kept is told to the log and left out: a
    fingerprint is a convenience, the record is the law's.
    """

    def __init__(self, fingerprinter: Fingerprinter, store: FingerprintStore) -> None:
        self._fingerprinter = fingerprinter
        self._store = store
        self._queue: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self.dropped = 0

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="inkseal-fingerprints", daemon=True)
        self._thread.start()

    def note(self, content_number: int, text: str) -> None:
        """An answer, as it was released. Returns at once."""
        if self._thread is None or not text:
            return
        if self._queue.qsize() >= _MAX_QUEUED:
            self.dropped += 1
            return
        self._queue.put((content_number, text))

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

    def _write(self, items: Sequence[tuple[int, str]]) -> None:
        try:
            values = self._fingerprinter.values_of([text for _, text in items]) if items else []
            self._store.add(
                [
                    Fingerprint(number, held)
                    for (number, _), held in zip(items, values, strict=True)
                    if held.size
                ]
            )
        except Exception:
            self.dropped += len(items)
            _log.exception("%d fingerprints are lost", len(items))
