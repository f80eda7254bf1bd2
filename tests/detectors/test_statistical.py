"""The statistical detector: what it finds, what it must not, and what it tells."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable

import numpy as np
import pytest

from detectors.detection import Outcome
from detectors.evidence import Evidence
from detectors.panel import Panel
from detectors.statistical import HAN_SPREAD, StatisticalDetector
from labelers.provenance import Epoch, KeyRing, KeyState, Provenance
from labelers.watermarks.best_of_n import BestOfN
from labelers.watermarks.carrier import CarrierScheme
from labelers.watermarks.substitution import Substitution, read_places
from labelers.watermarks.units import grams_of, log10_tail, read_units
from tests.labelers.test_marks import ZH as SPACED
from tests.labelers.test_substitution import EN, ZH

MASTER = b"a key of the tests, 32 bytes it is"
RING = KeyRing(MASTER)
HAN = "".join(chr(0x4E00 + 7 * at) for at in range(2000))


def marked(ring: KeyRing, rounds: int, seed: int = 1, kid: int = 1, n: int = 8) -> str:
    chance = random.Random(seed)
    selection = BestOfN(ring, n).new_selection(Provenance("X", 1, key_id=kid))
    for _ in range(rounds):
        candidates = ["".join(chance.choices(HAN, k=10)) + "，" for _ in range(n)]
        selection.take(candidates[selection.choose(candidates)])
    return selection.text


def plain(characters: int, seed: int) -> str:
    return "".join(random.Random(seed).choices(HAN, k=characters))


def test_a_marked_text_is_present_with_its_numbers() -> None:
    found = StatisticalDetector(RING).detect(marked(RING, 40))
    assert found.outcome is Outcome.PRESENT
    assert found.p_value is not None and found.p_value < 1e-6
    assert found.z_score is not None and found.z_score > 6
    assert found.num_units_scored is not None and found.num_units_scored > 350
    assert found.provenance == {"key_epoch": "1"}
    assert "was output by this service" in found.detail


def test_with_another_key_there_is_no_evidence() -> None:
    found = StatisticalDetector(KeyRing(b"somebody else's key, 32 bytes it is")).detect(marked(RING, 40))
    assert found.outcome is Outcome.ABSENT
    assert found.spans == ()


def test_a_marked_passage_is_found_in_a_long_text_and_shown_where_it_stands() -> None:
    before, inside, after = plain(6000, 101), marked(RING, 40), plain(6000, 102)
    found = StatisticalDetector(RING).detect(before + inside + after)
    assert found.outcome is Outcome.PRESENT
    ((start, end),) = found.spans
    overlap = min(end, len(before) + len(inside)) - max(start, len(before))
    assert overlap > 150
    assert end - start < 1000


def test_a_short_marked_text_is_weak_evidence() -> None:
    states = [StatisticalDetector(RING).detect(marked(RING, 9, seed)).outcome for seed in range(12)]
    assert Outcome.INCONCLUSIVE in states


def test_a_text_too_short_to_tell_says_so() -> None:
    found = StatisticalDetector(RING).detect("春江潮水")
    assert found.outcome is Outcome.ABSENT
    assert "Too short" in found.detail
    assert found.num_units_scored == 3


def test_p_values_of_other_texts_are_honest_after_all_corrections() -> None:
    ring = KeyRing(MASTER, 5)
    detector = StatisticalDetector(ring)
    found = []
    for seed in range(500):
        text = plain(700, seed)
        units = read_units(text)
        found.append(detector.evidence(text, units, grams_of(units)))
    p = np.array([10**one.log10_p for one in found if one is not None])
    assert len(p) == 500
    for level in (0.1, 0.01):
        assert (p < level).sum() <= 500 * level + 4 * math.sqrt(500 * level)


def test_the_epoch_that_wrote_is_named_and_more_epochs_cost_some_evidence() -> None:
    ring = KeyRing(MASTER, 4)
    text = marked(ring, 40, kid=3)
    found = StatisticalDetector(ring).detect(text)
    assert found.provenance == {"key_epoch": "3"}
    alone = StatisticalDetector(KeyRing(MASTER, 3, epochs={3: Epoch()})).detect(text)
    assert alone.p_value is not None and found.p_value is not None
    assert found.p_value == pytest.approx(4 * alone.p_value)


def test_a_leaked_epoch_proves_nothing() -> None:
    text = marked(KeyRing(MASTER, 1), 40)
    ring = KeyRing(MASTER, 2, epochs={1: Epoch(KeyState.LEAKED), 2: Epoch()})
    assert StatisticalDetector(ring).detect(text).outcome is Outcome.ABSENT


def test_own_labels_are_no_part_of_the_text() -> None:
    label = "（以上内容由AI生成）"
    text = marked(RING, 20)
    bare = StatisticalDetector(RING, [label]).detect(text)
    labelled = StatisticalDetector(RING, [label]).detect(f"{label}\n\n{text}\n\n{label}")
    assert labelled.num_units_scored == bare.num_units_scored
    assert labelled.z_score == bare.z_score


def test_heat_gives_each_scored_unit_its_place_and_score() -> None:
    text = marked(RING, 40)
    found = StatisticalDetector(RING).detect(text)
    ((start, end),) = found.spans
    assert (start, end) == (0, len(text) - 1)
    assert len(found.heat) == found.num_units_scored
    assert all(len(text[a:b]) == 1 and text[a:b] in HAN for a, b, _ in found.heat)
    total = sum(score for *_, score in found.heat) / math.sqrt(len(found.heat))
    assert total == pytest.approx(found.z_score, abs=0.05)


def test_without_evidence_no_heat_is_told() -> None:
    assert StatisticalDetector(RING).detect(plain(300, 7)).heat == ()


def test_heat_of_a_passage_is_that_of_the_passage() -> None:
    before, inside, after = plain(6000, 101), marked(RING, 40), plain(6000, 102)
    found = StatisticalDetector(RING).detect(before + inside + after)
    ((start, end),) = found.spans
    assert all(start <= a < b <= end for a, b, _ in found.heat)
    assert sum(score for *_, score in found.heat) > 5 * math.sqrt(len(found.heat))


def test_heat_of_a_message_is_scored_by_what_it_spells() -> None:
    text, plain_heat = marked_with_message(), []
    detector = StatisticalDetector(RING)
    found = detector.detect(text)
    assert "with a message" in found.detail and found.provenance is not None
    assert "content_id_end" in found.provenance
    plain_heat = detector.heat(text, Evidence(1, "choice of words", -9.0, 9.0, 0, len(text), 1))
    assert sum(score for *_, score in found.heat) > sum(score for *_, score in plain_heat)


def marked_with_message() -> str:
    chance = random.Random(4)
    selection = BestOfN(RING, 8, payload=True).new_selection(Provenance("X", 1234, key_id=1))
    for _ in range(220):
        candidates = ["".join(chance.choices(HAN, k=6)) + "，" for _ in range(8)]
        selection.take(candidates[selection.choose(candidates)])
    return selection.text


def test_heat_of_substitution_is_a_coin_a_place() -> None:
    text = ""
    for language in (ZH, EN):
        transform = Substitution(RING).new_transform(Provenance("X", 1, key_id=1))
        text += transform.feed(language * 4) + transform.flush()
    found = StatisticalDetector(RING).detect(text)
    assert "by substitution" in found.detail
    assert {score for *_, score in found.heat} <= {1.0, -1.0}
    assert sum(score for *_, score in found.heat) > 0.8 * len(found.heat)


def test_a_mark_under_our_key_is_ours_and_the_public_sees_the_state_only() -> None:
    report = Panel(RING).examine(marked(RING, 40))
    assert (report.verdict, report.label) == ("confirmed", "3")
    (shown,) = [d for d in report.to_json(public=True)["detections"] if d["detector"] == "statistical"]
    assert shown["outcome"] == "present"
    assert [shown[key] for key in ("z_score", "p_value", "num_units_scored", "detail")] == [
        None,
        None,
        None,
        "",
    ]


def test_weak_evidence_alone_accuses_nobody() -> None:
    text = next(
        text
        for text in (marked(RING, 9, seed) for seed in range(50))
        if StatisticalDetector(RING).detect(text).outcome is Outcome.INCONCLUSIVE
    )
    assert Panel(RING).examine(text).verdict == "not_found"


@pytest.mark.parametrize("size", [16, 49, 50, 51, 60, 101, 799, 1000])
def test_texts_of_every_length_are_tested_to_their_last_unit(size: int) -> None:
    text = "春"
    for code in range(0x4E00, 0x9000):
        if len(grams_of(read_units(text[-1] + chr(code)))):  # not too common to count
            text += chr(code)
        if len(text) > size:
            break
    found = StatisticalDetector(RING).detect(text)
    assert found.num_units_scored == size
    assert found.p_value is not None and 0 < found.p_value <= 1


def test_substituted_words_are_a_test_of_their_own() -> None:
    transform = Substitution(RING).new_transform(Provenance("X", 1))
    text = ZH * 1 + EN
    out = transform.feed(text) + transform.flush()
    found = StatisticalDetector(RING).detect(out)
    assert found.outcome is Outcome.PRESENT
    assert "by substitution" in found.detail
    assert found.z_score is not None and found.z_score > 4
    assert StatisticalDetector(RING).detect(text).outcome is Outcome.ABSENT


def reworded(text: str) -> str:
    transform = Substitution(RING).new_transform(Provenance("X", 1))
    return transform.feed(text) + transform.flush()


def places_of(text: str) -> tuple[int, float]:
    """How many places the detector counts, and log10 p."""
    units = read_units(text)
    found = StatisticalDetector(RING).evidence(text, units, grams_of(units))
    assert found is not None and found.scheme == "substitution"
    return found.scored, found.log10_p


def test_spacing_and_commas_add_to_the_words_and_cannot_hide_them() -> None:
    out = reworded(f"{ZH}\n\n{EN}\n\n{SPACED}")
    counted, p = places_of(out)
    words = [place for place in read_places(out) if not place.weak]
    assert counted == len(read_places(out)) > len(words)
    alike = re.sub("(?<=[\u4e00-\u9fff]) (?=[A-Za-z])|(?<=[A-Za-z]) (?=[\u4e00-\u9fff])", "", out)
    without, weaker = places_of(alike)
    assert p < weaker < -6
    assert without == len(words)


def test_labels_and_grains_that_came_later_hide_no_place() -> None:
    ring = KeyRing(b"k" * 32, producers=("X",))
    text = reworded(f"{ZH}\n\n{EN}\n\n{SPACED}")
    carrier = CarrierScheme(ring, "dense").new_transform(Provenance("X", 1))
    label = "（AI生成）"
    grained = carrier.feed(text) + carrier.flush()
    assert grained != text
    at = grained.index("。", 40) + 1
    labelled = f"{label}\n\n{grained[:at]}{label}{grained[at:]}"
    units = read_units(labelled)
    found = StatisticalDetector(RING, [label]).evidence(labelled, units, grams_of(units))
    assert found is not None
    assert found.scored >= places_of(text)[0] - 2
    assert labelled[found.start] == text[min(place.start for place in read_places(text))]


def latin(words: int, seed: int) -> str:
    chance = random.Random(seed)
    return " ".join("".join(chance.choices("abcdefgh", k=5)) for _ in range(words))


@pytest.mark.parametrize(("write", "spread"), [(plain, HAN_SPREAD), (latin, 1.0)])
def test_p_values_of_chinese_allow_for_the_idioms_that_texts_share(
    write: Callable[[int, int], str], spread: float
) -> None:
    lowest = 0.0
    for seed in range(40):
        units = read_units(text := write(45, seed))
        found = StatisticalDetector(RING).evidence(text, units, grams_of(units))
        assert found is not None
        assert found.log10_p == pytest.approx(min(0.0, log10_tail(found.z / spread) + math.log10(4)))
        lowest = min(lowest, found.log10_p)
    assert lowest < -0.3
