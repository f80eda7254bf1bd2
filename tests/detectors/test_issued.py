"""Fragments of marks, looked up among the numbers that were issued."""

from __future__ import annotations

import random

import pytest

from detectors.carrier import CarrierDetector
from detectors.detection import Outcome
from detectors.issued import IssuedMarks
from labelers.provenance import Epoch, KeyRing, KeyState, Provenance, content_number
from labelers.watermarks.carrier import CarrierScheme
from labelers.watermarks.carrier_codec import GRAIN_RUN, encode
from tests.labelers.documents import zh_sentence

EPOCHS = {1: Epoch(KeyState.VERIFY_ONLY), 2: Epoch()}
KEYS = KeyRing(b"m" * 32, 2, epochs=EPOCHS, producers=["tester"])
RNG = random.Random(1)
NUMBERS = [content_number(1_790_000_000_000 + n * 60_000, RNG.randrange(1 << 24)) for n in range(300)]
ISSUED = IssuedMarks(KEYS, ["tester"], lambda: NUMBERS)
OURS = Provenance("tester", NUMBERS[123], key_id=2)
CHUNKS = encode(KEYS.pack(OURS))


@pytest.mark.parametrize("index", range(1, 11))
def test_one_grain_of_any_index_but_the_first_names_its_answer(index: int) -> None:
    assert ISSUED([(index, CHUNKS[index])]) == OURS


def test_marks_of_an_older_epoch_are_found_as_well() -> None:
    old = Provenance("tester", NUMBERS[5], key_id=1)
    chunks = encode(KeyRing(b"m" * 32).pack(old))
    assert ISSUED([(7, chunks[7]), (2, chunks[2])]) == old


@pytest.mark.parametrize(
    "grains",
    [[], [(0, CHUNKS[0])], [(4, bytes(10))], [(1, bytes(10)), (2, bytes(10))], [(1, CHUNKS[2])]],
)
def test_what_was_not_issued_names_nobody(grains: list[tuple[int, bytes]]) -> None:
    assert ISSUED(grains) is None


def test_grains_of_two_answers_name_neither_unless_one_has_more() -> None:
    other = encode(KEYS.pack(Provenance("tester", NUMBERS[9], key_id=2)))
    assert ISSUED([(4, CHUNKS[4]), (5, other[5])]) is None
    assert ISSUED([(4, CHUNKS[4]), (5, other[5]), (6, CHUNKS[6])]) == OURS


def test_only_numbers_that_can_fit_are_marked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    signed = KeyRing.signed
    monkeypatch.setattr(KeyRing, "signed", lambda ring, one: made.append(one) or signed(ring, one))
    assert ISSUED([(1, CHUNKS[1]), (2, CHUNKS[2])]) == OURS
    assert len(made) < 10


def test_the_detector_gives_a_verdict_on_two_grains_in_place() -> None:
    rng = random.Random(3)
    text = "".join(zh_sentence(rng) for _ in range(40))
    transform = CarrierScheme(KEYS).new_transform(OURS)
    marked = transform.feed(text) + transform.flush()
    runs = list(GRAIN_RUN.finditer(marked))
    detector = CarrierDetector(KEYS, lookup=ISSUED)
    one, two = marked[runs[3].end() : runs[4].end()], marked[runs[3].end() : runs[5].end()]
    hint, found = detector.detect(one), detector.detect(two)
    assert (hint.outcome, found.outcome) == (Outcome.INCONCLUSIVE, Outcome.PRESENT)
    for detection in (hint, found):
        assert detection.provenance is not None
        assert detection.provenance["content_id"] == OURS.content_id
    leaked = KeyRing(b"m" * 32, 3, epochs={2: Epoch(KeyState.LEAKED), 3: Epoch()}, producers=["tester"])
    lookup = IssuedMarks(leaked, ["tester"], lambda: NUMBERS)
    assert CarrierDetector(leaked, lookup=lookup).detect(two).provenance is None
