"""What is put out is fingerprinted beside the event loop: all of it, at the latest when the writer closes."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest

from detectors.sketch import Fingerprinter
from proxy.fingerprints import writer as module
from proxy.fingerprints.store import Fingerprint, MemoryFingerprints
from proxy.fingerprints.writer import IndexWriter
from tests.detectors.test_fingerprint import chinese

MAKER = Fingerprinter(bytes(32))


def test_everything_noted_is_stored_when_flushed_and_when_closed() -> None:
    store = MemoryFingerprints()
    writer = IndexWriter(MAKER, store)
    writer.start()
    for at in range(150):
        writer.note(at, chinese(at, 60))
    assert writer.flush()
    assert store.count() == 150
    values = MAKER.values(chinese(77, 60))
    hits = store.lookup(values)
    assert sorted({store.content_number(answer) for answer in hits.answers.tolist()}) == [77]
    writer.note(1000, chinese(1000))
    writer.close()
    assert store.count() == 151
    writer.close()


def test_texts_without_a_gram_are_not_stored() -> None:
    store = MemoryFingerprints()
    writer = IndexWriter(MAKER, store)
    writer.start()
    writer.note(1, "")
    writer.note(2, "春。")
    writer.close()
    assert store.count() == 0


def test_a_writer_that_was_not_started_takes_nothing() -> None:
    writer = IndexWriter(MAKER, MemoryFingerprints())
    writer.note(1, chinese(1))
    assert writer.flush()
    writer.close()
    assert writer.dropped == 0


class Broken(MemoryFingerprints):
    broken = True

    def add(self, fingerprints: Sequence[Fingerprint]) -> None:
        if self.broken:
            raise OSError("disk full")
        super().add(fingerprints)

    def expire(self, now_ms: int) -> list[str]:
        return [str(now_ms)]


def test_what_cannot_be_kept_is_counted_and_logged_without_text_and_the_writer_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Broken()
    writer = IndexWriter(MAKER, store)
    writer.start()
    with caplog.at_level(logging.ERROR):
        writer.note(1, chinese(1))
        assert writer.flush()
    assert writer.dropped == 1
    assert chinese(1)[:6] not in caplog.text
    store.broken = False
    writer.note(2, chinese(2))
    writer.close()
    assert store.count() == 1
    assert writer.expire(5) == ["5"]


def test_a_queue_that_grows_too_long_drops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_QUEUED", 0)
    writer = IndexWriter(MAKER, MemoryFingerprints())
    writer.start()
    writer.note(1, chinese(1))
    writer.close()
    assert writer.dropped == 1
