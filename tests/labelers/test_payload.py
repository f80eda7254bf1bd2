"""A message in the choice of words: written, read from any part, and never read where there is none."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from detectors.detection import Outcome
from detectors.statistical import StatisticalDetector
from labelers.provenance import KeyRing, Provenance
from labelers.watermarks.best_of_n import BestOfN, Selection, payload_of
from labelers.watermarks.payload import Payload, payload_scores, pilot_scores, read_payload
from labelers.watermarks.units import Prf, grams_of, read_units

RING = KeyRing(b"a key of the tests, 32 bytes it is")
PRF = Prf(b"0123456789abcdef")
HAN = "".join(chr(0x4E00 + 7 * at) for at in range(2000))
MESSAGE = Payload(0xA7, 0x00BEEF)


def written(selection: Selection, rounds: int, seed: int = 1, n: int = 8) -> str:
    chance = random.Random(seed)
    for _ in range(rounds):
        candidates = ["".join(chance.choices(HAN, k=10)) + "，" for _ in range(n)]
        selection.take(candidates[selection.choose(candidates)])
    return selection.text


def test_a_message_is_read_as_it_was_written_also_from_a_part() -> None:
    text = written(Selection(PRF, MESSAGE), 120)
    for part in (text, text[200:1200]):
        reading = read_payload(PRF, grams_of(read_units(part)).blocks)
        assert reading.payload == MESSAGE
        assert max(reading.log10_p) < -6


def test_whose_text_it_is_takes_less_of_it_where_few_may_have_written_it() -> None:
    text = written(Selection(PRF, MESSAGE), 40)
    blocks = grams_of(read_units(text)).blocks
    plain, known = read_payload(PRF, blocks), read_payload(PRF, blocks, [MESSAGE.producer, 0x11])
    assert known.payload.producer == MESSAGE.producer
    assert plain.log10_p[0] - known.log10_p[0] == pytest.approx(math.log10(65536 / 512) - math.log10(2))
    assert known.log10_p[1] == plain.log10_p[1]
    strange = read_payload(
        PRF, blocks, [0x11, 0x12]
    )  # another wrote it: that is read too, and the try is paid for
    assert strange.payload == plain.payload
    assert strange.log10_p[0] == pytest.approx(plain.log10_p[0] + math.log10(2))


def test_without_the_key_or_without_a_mark_chance_reads_nothing_clearly() -> None:
    plain = "".join(random.Random(5).choices(HAN, k=1200))
    for text, prf in ((written(Selection(PRF, MESSAGE), 60), Prf(b"another key, 16b")), (plain, PRF)):
        blocks = grams_of(read_units(text)).blocks
        assert min(read_payload(prf, blocks).log10_p) > -3
        assert min(read_payload(prf, blocks, [MESSAGE.producer]).log10_p) > -3


def test_a_quarter_of_the_grams_are_pilots_and_the_scores_of_all_are_standard_normal() -> None:
    blocks = grams_of(read_units("".join(random.Random(9).choices(HAN, k=20_000)))).blocks
    pilots = pilot_scores(PRF, blocks)
    assert abs(len(pilots) / len(blocks) - 0.25) < 0.02
    scores = payload_scores(PRF, blocks, MESSAGE)
    assert abs(scores.mean()) < 0.04 and abs(scores.var() - 1) < 0.05
    other = payload_scores(PRF, blocks, Payload(0xA7, 0x00BEEE))
    assert 0.5 < np.mean(scores == other) < 0.75  # one symbol of two differs
    assert abs(np.corrcoef(scores[scores != other], other[scores != other])[0, 1]) < 0.1


def test_an_empty_text_reads_as_nothing() -> None:
    reading = read_payload(PRF, np.empty((0, 2), np.uint64))
    assert (reading.log10_p, reading.total, reading.count) == ((0.0, 0.0), 0.0, 0)


@pytest.mark.parametrize(("producer", "number"), [(256, 0), (-1, 0), (0, 1 << 24)])
def test_a_message_too_long_is_refused(producer: int, number: int) -> None:
    with pytest.raises(ValueError, match="8 bits"):
        Payload(producer, number)


def test_the_detector_names_the_answer_where_it_can_be_read_and_says_where_not() -> None:
    provenance = Provenance("X", 0x0123456789ABCDEF)
    scheme = BestOfN(RING, payload=True)
    found = StatisticalDetector(RING).detect(written(scheme.new_selection(provenance), 160))
    assert found.outcome is Outcome.PRESENT
    assert found.provenance == {
        "key_epoch": "1",
        "content_id_end": "abcdef",
        "producer_code_end": f"{RING.code('X') & 0xFF:02x}",
    }
    assert payload_of(RING, provenance) == Payload(RING.code("X") & 0xFF, 0xABCDEF)
    details = [
        StatisticalDetector(RING).detect(written(scheme.new_selection(provenance), 62, seed)).detail
        for seed in range(4)
    ]
    assert any("id unreadable" in detail for detail in details), details


def test_a_mark_without_a_message_is_read_as_such() -> None:
    found = StatisticalDetector(RING).detect(written(BestOfN(RING).new_selection(Provenance("X", 1)), 60))
    assert found.provenance == {"key_epoch": "1"}


def test_texts_with_few_pilots_are_not_searched_for_a_message() -> None:
    text = written(BestOfN(RING, payload=True).new_selection(Provenance("X", 1)), 4)
    assert "message" not in StatisticalDetector(RING).detect(text).detail
