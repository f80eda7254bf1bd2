"""Fragments of marks, looked up in the index of issued marks and among the numbers that were issued."""

from __future__ import annotations

import random
from collections.abc import Iterable

import numpy as np
import pytest

from detectors.carrier import CarrierDetector
from detectors.carrier_search import Fragment, Lookup
from detectors.detection import Detection, Outcome
from detectors.fingerprint import Hits
from detectors.issued import IssuedMarks, MarkValues, indexed_numbers
from detectors.sketch import Values
from labelers.provenance import Epoch, KeyRing, KeyState, Provenance, content_number
from labelers.watermarks.carrier import CarrierScheme
from labelers.watermarks.carrier_codec import CHUNKS as COUNT
from labelers.watermarks.carrier_codec import GRAIN_RUN, encode, split_run
from proxy.fingerprints.store import Fingerprint, MemoryFingerprints
from tests.labelers.documents import zh_sentence

EPOCHS = {1: Epoch(KeyState.VERIFY_ONLY), 2: Epoch()}
KEYS = KeyRing(b"m" * 32, 2, epochs=EPOCHS, producers=["tester"])
RNG = random.Random(1)
NUMBERS = [content_number(1_790_000_000_000 + n * 60_000, RNG.randrange(1 << 24)) for n in range(300)]
# Of the same millisecond, and alike in the first eight of its random bits: grain 1 cannot tell them apart.
TWINS = [content_number(1_795_000_000_000, 0x77_0000 + n) for n in (1, 2)]
ISSUED = [Provenance("tester", number, key_id=2) for number in (*NUMBERS, *TWINS)]
OURS = ISSUED[123]
CHUNKS = encode(KEYS.pack(OURS))


def index_of(issued: Iterable[Provenance], keys: KeyRing = KEYS) -> MemoryFingerprints:
    store, issued = MemoryFingerprints(), list(issued)
    values = MarkValues(keys).values_of(issued)
    store.add([Fingerprint(one.content_number, held) for one, held in zip(issued, values, strict=True)])
    return store


INDEX = index_of(ISSUED)
BY_INDEX = IssuedMarks(KEYS, ["tester"], indexed_numbers(INDEX))
BY_RECORDS = IssuedMarks(KEYS, ["tester"], lambda _: [*NUMBERS, *TWINS])
both_ways = pytest.mark.parametrize("lookup", [BY_INDEX, BY_RECORDS], ids=["index", "records"])


@both_ways
@pytest.mark.parametrize("index", range(2, 11))
def test_one_grain_of_any_index_names_its_answer(lookup: Lookup, index: int) -> None:
    assert lookup([(index, CHUNKS[index])]) == [OURS]


@both_ways
def test_a_grain_of_the_second_chunk_says_not_by_which_key(lookup: Lookup) -> None:
    assert lookup([(1, CHUNKS[1])]) == [
        Provenance("tester", OURS.content_number, key_id=kid) for kid in (1, 2)
    ]


def test_marks_of_an_older_epoch_are_found_as_well() -> None:
    old = Provenance("tester", NUMBERS[5], key_id=1)
    chunks = encode(KeyRing(b"m" * 32).pack(old))
    for lookup in (BY_RECORDS, IssuedMarks(KEYS, ["tester"], indexed_numbers(index_of([old])))):
        assert old in lookup([(7, chunks[7]), (2, chunks[2])])


@both_ways
@pytest.mark.parametrize(
    "grains",
    [[], [(0, CHUNKS[0])], [(4, bytes(10))], [(1, bytes(10)), (2, bytes(10))], [(1, CHUNKS[2])]],
)
def test_what_was_not_issued_names_nobody(lookup: Lookup, grains: Fragment) -> None:
    assert lookup(grains) == []


@both_ways
def test_grains_of_several_answers_name_them_all(lookup: Lookup) -> None:
    other = encode(KEYS.pack(ISSUED[9]))
    assert set(lookup([(4, CHUNKS[4]), (5, other[5])])) == {OURS, ISSUED[9]}


class Colliding(MemoryFingerprints):
    """Says of every value that the answers of three numbers hold it."""

    def lookup(self, values: Values) -> Hits:
        answers = np.arange(3, dtype=np.int64)
        return Hits(3, np.full(values.size, 3), np.zeros(3, np.int64), answers)


def test_an_answer_that_only_shares_a_value_is_not_named() -> None:
    store = Colliding()
    for number in (NUMBERS[1], OURS.content_number, NUMBERS[2]):
        store.add([Fingerprint(number, np.zeros(0, np.uint32))])
    assert IssuedMarks(KEYS, ["tester"], indexed_numbers(store))([(6, CHUNKS[6])]) == [OURS]


def test_a_value_for_each_grain_but_the_first_is_kept() -> None:
    (values,) = MarkValues(KEYS).values_of([OURS])
    assert values.dtype == np.uint32
    assert values.size == len(set(values.tolist())) == COUNT - 1
    assert values.tolist() == sorted(values.tolist())
    # The first is the same in all answers of weeks: a look-up of it would bring them all.
    assert INDEX.lookup(values).frequency.tolist().count(1) == COUNT - 1


def test_of_many_answers_only_those_that_share_most_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    signed = KEYS.signed
    counting = KeyRing(b"m" * 32, 2, epochs=EPOCHS, producers=["tester"])
    monkeypatch.setattr(counting, "signed", lambda one: made.append(one) or signed(one))
    grains = [(4, encode(KEYS.pack(one))[4]) for one in ISSUED] + [(5, CHUNKS[5])]
    found = IssuedMarks(counting, ["tester"], indexed_numbers(INDEX))(grains)
    assert OURS in found
    assert len(made) <= 2 * 64


def test_only_numbers_that_can_fit_are_marked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    signed = KeyRing.signed
    monkeypatch.setattr(KeyRing, "signed", lambda ring, one: made.append(one) or signed(ring, one))
    assert OURS in BY_RECORDS([(1, CHUNKS[1]), (2, CHUNKS[2])])
    assert len(made) < 10


def marked(provenance: Provenance, seed: int = 3) -> str:
    rng = random.Random(seed)
    text = "".join(zh_sentence(rng) for _ in range(40))
    transform = CarrierScheme(KEYS).new_transform(provenance)
    return transform.feed(text) + transform.flush()


def part(text: str, first: int, count: int) -> str:
    """What ends with so many grains from `first` on, with the words before them."""
    runs = list(GRAIN_RUN.finditer(text))
    return text[runs[first - 1].end() : runs[first + count - 1].end()]


def content_ids(found: list[Detection]) -> list[str]:
    return [one.provenance["content_id"] for one in found if one.provenance]


DETECTOR = CarrierDetector(KEYS, lookup=BY_INDEX)
TEXT = marked(OURS)


@both_ways
def test_one_grain_is_a_hint_and_two_in_place_are_a_verdict(lookup: Lookup) -> None:
    detector = CarrierDetector(KEYS, lookup=lookup)
    hint, found = detector.detect(part(TEXT, 4, 1)), detector.detect(part(TEXT, 4, 2))
    assert (hint.outcome, found.outcome) == (Outcome.INCONCLUSIVE, Outcome.PRESENT)
    assert content_ids([hint, found]) == [OURS.content_id] * 2
    assert (hint.num_units_scored, found.num_units_scored) == (1, 2)
    assert found.p_value is not None
    assert 1e-6 < found.p_value < 1e-4


def test_a_leaked_key_vouches_for_no_fragment() -> None:
    leaked = KeyRing(b"m" * 32, 3, epochs={2: Epoch(KeyState.LEAKED), 3: Epoch()}, producers=["tester"])
    lookup = IssuedMarks(leaked, ["tester"], indexed_numbers(INDEX))
    assert CarrierDetector(leaked, lookup=lookup).detect(part(TEXT, 4, 2)).provenance is None


def test_fragments_of_two_answers_are_told_apart() -> None:
    other = marked(ISSUED[9], 4)
    found = DETECTOR.detect_all(part(TEXT, 4, 2) + "。然后是另外一段，" + part(other, 6, 2))
    assert [one.outcome for one in found] == [Outcome.PRESENT] * 2
    assert sorted(content_ids(found)) == sorted([OURS.content_id, ISSUED[9].content_id])


def test_a_fragment_beside_a_whole_answer_is_told_too() -> None:
    other = marked(ISSUED[9], 4)
    found = DETECTOR.detect_all(part(TEXT, 4, 2) + "。\n\n" + other)
    assert content_ids(found) == [ISSUED[9].content_id, OURS.content_id]
    assert [one.outcome for one in found] == [Outcome.PRESENT] * 2


def test_a_damaged_grain_in_place_counts_with_a_whole_one() -> None:
    text = part(TEXT, 4, 2)
    second = list(GRAIN_RUN.finditer(text))[1].start()
    damaged = text[: second + 5] + text[second + 6 :]
    found = DETECTOR.detect(damaged)
    assert (found.outcome, found.num_units_scored) == (Outcome.PRESENT, 2)
    assert content_ids([found]) == [OURS.content_id]


def test_an_answer_whose_damaged_grains_are_explained_is_found_once() -> None:
    cut = GRAIN_RUN.search(TEXT, 200)
    assert cut is not None
    found = DETECTOR.detect_all(TEXT[: cut.start() + 4] + TEXT[cut.start() + 5 :])
    assert content_ids(found) == [OURS.content_id]


@pytest.mark.parametrize("twin", TWINS)
def test_of_two_answers_with_one_grain_the_bind_tells_which(twin: int) -> None:
    text = marked(Provenance("tester", twin, key_id=2))
    runs = list(GRAIN_RUN.finditer(text))
    whole = text[: runs[0].end()], text[runs[0].end() : runs[1].end()]
    assert split_run(runs[1][0])[0][0] == "\ufe04"  # the grain of chunk 1
    assert content_ids([DETECTOR.detect(whole[1])]) == [f"{twin:016x}"]
    moved = "完全不同的另外一段文字在这里写着" + runs[1][0]
    (found,) = DETECTOR.detect_all(moved)
    assert (found.outcome, found.provenance) == (Outcome.INCONCLUSIVE, None)


def test_an_unbound_grain_of_the_second_chunk_names_the_newest_epoch() -> None:
    grain = next(run for run in GRAIN_RUN.finditer(TEXT) if run[0][0] == "\ufe04")[0]
    (found,) = DETECTOR.detect_all("完全不同的另外一段文字在这里写着" + grain)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.provenance is not None
    assert (found.provenance["content_id"], found.provenance["key_epoch"]) == (OURS.content_id, "2")


def test_grains_copied_over_and_over_give_no_verdict_by_the_two_of_them_that_fit() -> None:
    """Who puts two grains at many places waits for chance; the more were tried, the more have to fit."""
    rng = random.Random(5)
    fitting = part(TEXT, 6, 2)
    grains = GRAIN_RUN.findall(fitting)
    host = "".join(zh_sentence(rng) + grains[at % 2] for at in range(6))
    found = DETECTOR.detect(fitting + "。" + host)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert content_ids([found]) == [OURS.content_id]


def test_grains_of_no_answer_beside_it_are_not_counted_as_its_own() -> None:
    rng = random.Random(7)
    noise = "".join(
        zh_sentence(rng) + "\ufe07" + "".join(chr(0xFE00 + rng.randrange(16)) for _ in range(12))
        for _ in range(40)
    )
    found = DETECTOR.detect_all(part(TEXT, 4, 2) + noise)
    assert found[0].outcome is Outcome.PRESENT
    assert found[0].num_units_scored == 2
    assert found[1].provenance is None


def test_of_a_text_full_of_grains_only_some_are_looked_up() -> None:
    rng = random.Random(8)
    asked: list[int] = []

    def lookup(grains: Fragment) -> list[Provenance]:
        asked.append(len(grains))
        return []

    noise = "".join(
        "春天来了"
        + chr(0xFE03 + rng.randrange(11))
        + "".join(chr(0xFE00 + rng.randrange(16)) for _ in range(12))
        for _ in range(500)
    )
    CarrierDetector(KEYS, lookup=lookup).detect(noise)
    assert asked == [64]


def test_where_the_index_cannot_be_read_the_finding_says_so() -> None:
    def broken(_: Fragment) -> list[Provenance]:
        raise OSError("disk")

    found = CarrierDetector(KEYS, lookup=broken).detect(part(TEXT, 4, 2))
    assert (found.outcome, found.provenance) == (Outcome.INCONCLUSIVE, None)
    assert "cannot be read now" in found.detail
    whole = CarrierDetector(KEYS, lookup=broken).detect(TEXT)
    assert whole.outcome is Outcome.PRESENT
