"""Green words in the detector: they add to what else is there, and alone prove nothing."""

from __future__ import annotations

from detectors.detection import Outcome
from detectors.statistical import StatisticalDetector
from labelers.provenance import KeyRing
from labelers.watermarks.green_list import PAIRS, green_words
from labelers.watermarks.units import epoch_prf
from tests.detectors.test_statistical import marked, plain

MASTER = b"a key of the tests, 32 bytes it is"
RING = KeyRing(MASTER)


def favoured() -> str:
    return "，".join(word.strip() for word in green_words(epoch_prf(RING, 1)))


def test_green_words_alone_are_weak_evidence_however_many() -> None:
    found = StatisticalDetector(RING, green_list=True).detect(favoured())
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "green list" in found.detail and "5 tests" in found.detail


def test_they_strengthen_a_mark_that_would_be_too_short() -> None:
    gained = 0
    for rounds in range(16, 32, 3):
        text = marked(RING, rounds) + "，" + favoured()
        alone = StatisticalDetector(RING).detect(text)
        found = StatisticalDetector(RING, green_list=True).detect(text)
        gained += alone.outcome is not Outcome.PRESENT and found.outcome is Outcome.PRESENT
        lost = alone.outcome is Outcome.PRESENT and found.outcome is not Outcome.PRESENT
        assert not lost
    assert gained


def test_without_the_words_or_with_the_others_there_is_nothing() -> None:
    detector = StatisticalDetector(RING, green_list=True)
    green = set(green_words(epoch_prf(RING, 1)))
    red = "，".join(word.strip() for pair in PAIRS for word in pair if word not in green)
    assert detector.detect(red).outcome is Outcome.ABSENT
    assert detector.detect(plain(300, 5)).outcome is Outcome.ABSENT
    assert detector.detect(" new more new").outcome is Outcome.ABSENT
