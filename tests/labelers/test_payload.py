"""A message in the choice of words: written, read from any part, and never read where there is none."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from detectors.detection import Outcome
from detectors.messages import Answers, read_said
from detectors.statistical import StatisticalDetector
from labelers.provenance import KeyRing, Provenance
from labelers.watermarks.best_of_n import BestOfN, Selection
from labelers.watermarks.payload import (
    Payload,
    Sums,
    payload_of,
    payload_scores,
    pilot_scores,
    read_issued,
    read_message,
    symbol_sums,
)
from labelers.watermarks.units import Prf, grams_of, log10_tail, read_units

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
        reading = read_message(symbol_sums(PRF, grams_of(read_units(part)).blocks))
        assert reading.payload == MESSAGE
        assert max(reading.log10_p) < -6


def test_whose_text_it_is_takes_less_of_it_where_few_may_have_written_it() -> None:
    text = written(Selection(PRF, MESSAGE), 40)
    sums = symbol_sums(PRF, grams_of(read_units(text)).blocks)
    plain, known = read_message(sums), read_message(sums, [MESSAGE.producer, 0x11])
    assert known.payload.producer == MESSAGE.producer
    assert plain.log10_p[0] - known.log10_p[0] == pytest.approx(math.log10(65536 / 512) - math.log10(2))
    assert known.log10_p[1] == plain.log10_p[1]
    strange = read_message(sums, [0x11, 0x12])  # another wrote it: that is read too, and the try is paid for
    assert strange.payload == plain.payload
    assert strange.log10_p[0] == pytest.approx(plain.log10_p[0] + math.log10(2))


def test_without_the_key_or_without_a_mark_chance_reads_nothing_clearly() -> None:
    plain = "".join(random.Random(5).choices(HAN, k=1200))
    for text, prf in ((written(Selection(PRF, MESSAGE), 60), Prf(b"another key, 16b")), (plain, PRF)):
        sums = symbol_sums(prf, grams_of(read_units(text)).blocks)
        assert min(read_message(sums).log10_p) > -3
        assert min(read_message(sums, [MESSAGE.producer]).log10_p) > -3
        issued = read_issued(sums, [MESSAGE.producer], range(0, 1 << 24, 999))
        assert issued is not None and min(issued.log10_p) > -3


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
    sums = symbol_sums(PRF, np.empty((0, 2), np.uint64))
    reading = read_message(sums)
    assert (reading.log10_p, reading.total, reading.count) == ((0.0, 0.0), 0.0, 0)
    issued = read_issued(sums, [1], [2])
    assert issued is not None and (issued.total, issued.count) == (0.0, 0)
    assert issued.log10_p == (pytest.approx(math.log10(0.5)),)


def naive(sums: Any, messages: Sequence[Payload]) -> tuple[Payload, float]:
    """The message under which both symbols together score highest."""
    totals = {one: sum(float(sums.by_value[at][one.symbols[at]]) for at in (0, 1)) for one in messages}
    best = max(totals, key=totals.__getitem__)
    return best, totals[best]


def test_among_the_answers_that_were_issued_far_less_text_names_one() -> None:
    chance, named = random.Random(8), {"issued": 0, "all": 0}
    for seed in range(6):
        number = chance.randrange(1 << 24)
        numbers = [*(chance.randrange(1 << 24) for _ in range(3000)), number + (7 << 24)]
        text = written(Selection(PRF, Payload(0xA7, number)), 45, seed)
        sums = symbol_sums(PRF, grams_of(read_units(text)).blocks)
        issued, among_all = read_issued(sums, [0xA7, 0x11], numbers), read_message(sums, [0xA7, 0x11])
        assert issued is not None
        messages = [Payload(code, one & 0xFFFFFF) for code in (0xA7, 0x11) for one in numbers]
        assert naive(sums, messages) == (issued.payload, pytest.approx(issued.total))
        assert issued.log10_tried == pytest.approx(math.log10(len(set(messages))))
        named["issued"] += issued.payload.number == number and max(issued.log10_p) < -6 and issued.beside < -3
        named["all"] += max(among_all.log10_p) < -6
    assert named["issued"] >= 5 and named["all"] == 0, named


def told(first: Mapping[int, float], second: Mapping[int, float]) -> Sums:
    """Sums of 100 scores a symbol: so many deviations for some values, none for all others."""
    values = np.zeros((2, 1 << 16))
    for at, some in enumerate((first, second)):
        for value, z in some.items():
            values[at][value] = 10 * z
    return Sums((values[0], values[1]), (100, 100), lambda total, count: log10_tail(total / count**0.5))


def test_each_half_of_a_message_has_to_speak_for_itself() -> None:
    """A text that says (0xA700, something unknown): ten issued answers share the first half, one of them the luckiest second."""
    numbers = range(10)
    for second, named in ((1.0, None), (5.0, Payload(0xA7, 3))):
        sums = told({0xA700: 10.0}, {3: second})
        issued = read_issued(sums, [0xA7], numbers)
        assert issued is not None and issued.payload == Payload(0xA7, 3)
        assert issued.log10_p == (pytest.approx(log10_tail((10 + second) / 2**0.5) + 1),)
        assert issued.log10_p[0] < -6
        assert issued.beside == pytest.approx(log10_tail(second) + 1)
        assert min(read_message(sums, [0xA7]).log10_p) < -6 < max(read_message(sums, [0xA7]).log10_p)
        assert read_said(0.0, 50, sums, Answers([0xA7], lambda: numbers), 0.0).payload == named


def test_all_ways_to_read_a_message_are_paid_for() -> None:
    sums = told({0xA700: 10.0}, {3: 10.0})
    alone = read_said(30.0, 100, sums, Answers([0xA7]), 0.5)
    whole = log10_tail(230 / 300**0.5)
    assert alone.log10_p == pytest.approx(whole + math.log10(512 * 65536) + math.log10(2) + 0.5)
    among = read_said(30.0, 100, sums, Answers([0xA7], lambda: range(10)), 0.5)
    assert among.log10_p == pytest.approx(whole + 1 + math.log10(3) + 0.5)
    assert (among.payload, among.total, among.count) == (Payload(0xA7, 3), 230.0, 300)
    # Pilots that speak louder than the whole count alone.
    loud = read_said(300.0, 100, told({}, {}), Answers([0xA7]), 0.5)
    assert loud.log10_p == pytest.approx(log10_tail(30.0) + math.log10(2) + 0.5)


def test_without_issued_answers_or_producers_none_is_looked_for() -> None:
    sums = symbol_sums(PRF, grams_of(read_units(HAN)).blocks)
    assert read_issued(sums, [0xA7], []) is None
    assert read_issued(sums, [], [1, 2]) is None


def test_an_answer_that_shares_a_symbol_with_what_the_text_says_is_not_taken_for_it() -> None:
    """The first symbol fits so well that both together are beyond chance; the second does not speak for itself."""
    text = written(Selection(PRF, MESSAGE), 120)
    sums = symbol_sums(PRF, grams_of(read_units(text)).blocks)
    beside = [MESSAGE.number ^ low for low in range(1, 200)]
    issued = read_issued(sums, [MESSAGE.producer], beside)
    assert issued is not None
    assert issued.payload.symbols[0] == MESSAGE.symbols[0]
    assert max(issued.log10_p) < -6 and issued.beside > -3
    said = read_said(50.0, 100, sums, Answers([MESSAGE.producer], lambda: beside), 0.0)
    assert said.payload == MESSAGE  # as the symbols alone say it

    def unreadable() -> list[int]:
        raise OSError

    assert read_said(50.0, 100, sums, Answers([MESSAGE.producer], unreadable), 0.0).payload == MESSAGE
    short = symbol_sums(PRF, grams_of(read_units(text[:260])).blocks)
    assert read_said(50.0, 100, short, Answers([MESSAGE.producer], lambda: beside), 0.0).payload is None


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
