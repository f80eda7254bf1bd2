"""Drawing along log-probabilities: as the model would sample over keys, and to be seen under the key."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from detectors.detection import Outcome
from detectors.statistical import StatisticalDetector
from labelers.provenance import KeyRing, Provenance
from labelers.watermarks.best_of_n import Selection
from labelers.watermarks.logprob_walk import Drafted, LogprobWalk, draw, walk
from labelers.watermarks.units import Prf

RING = KeyRing(b"a key of the tests, 32 bytes it is")
COLOURS = ["purple", "violet", "crimson", "scarlet", "amber", "ochre"]
HAN = [chr(0x4E00 + 11 * at) for at in range(1500)]


def logs(*shares: float) -> list[tuple[str, float]]:
    return [(f" {word}", math.log(share)) for word, share in zip(COLOURS, shares, strict=False)]


def shares_of(
    candidates: list[tuple[str, float]], temperature: float, top_p: float, keys: int = 1500
) -> list[float]:
    counts = [0] * len(candidates)
    for key in range(keys):
        selection = Selection(Prf(key.to_bytes(16, "big")))
        selection.take("A velvet")
        counts[draw(selection, "", candidates, temperature, top_p)] += 1
    return [count / keys for count in counts]


def close(found: list[float], expected: list[float], keys: int = 1500) -> bool:
    return all(
        abs(share - wanted) < 4 * math.sqrt(max(wanted * (1 - wanted), 1e-4) / keys)
        for share, wanted in zip(found, expected, strict=True)
    )


def test_over_keys_tokens_are_drawn_with_their_probabilities() -> None:
    assert close(shares_of(logs(0.6, 0.3, 0.1), 1.0, 1.0), [0.6, 0.3, 0.1])


def test_a_lower_temperature_sharpens_as_sampling_would() -> None:
    weights = [0.6**2, 0.3**2, 0.1**2]
    assert close(shares_of(logs(0.6, 0.3, 0.1), 0.5, 1.0), [one / sum(weights) for one in weights])


def test_top_p_leaves_the_likeliest_that_reach_it() -> None:
    assert close(shares_of(logs(0.6, 0.3, 0.1), 1.0, 0.7), [2 / 3, 1 / 3, 0.0])
    assert close(shares_of(logs(0.6, 0.3, 0.1), 1.0, 0.1), [1.0, 0.0, 0.0])


def test_candidates_without_words_are_drawn_with_their_probabilities_too() -> None:
    candidates = [(" purple", math.log(0.5)), ("!", math.log(0.3)), ("", math.log(0.2))]
    assert close(shares_of(candidates, 1.0, 1.0), [0.5, 0.3, 0.2])


def language(position: int) -> list[tuple[str, float]]:
    """A model with 2 nats of entropy that says something else at each position."""
    chance = random.Random(position)
    words = chance.sample(HAN, 12)
    weights = [chance.random() ** 2 for _ in words]
    order = sorted(zip(words, weights, strict=True), key=lambda pair: -pair[1])
    return [(word, math.log(weight / sum(weights))) for word, weight in order]


def written(prf: Prf, tokens: int, draft: int = 8) -> tuple[str, int]:
    selection, calls, at = Selection(prf), 0, 0
    while at < tokens:
        positions = [language(at + step) for step in range(draft)]
        walked = walk(selection, [Drafted(one[0][0], tuple(one)) for one in positions], 1.0, 1.0)
        selection.take(walked.text)
        at += walked.tokens
        calls += 1
    return selection.text, calls


def test_a_walked_text_is_marked_under_its_key_and_under_no_other() -> None:
    scheme = LogprobWalk(RING)
    selection = scheme.new_selection(Provenance("X", 1))
    text, calls = written(selection._prf, 150)
    found = StatisticalDetector(RING).detect(text)
    assert found.outcome is Outcome.PRESENT
    assert len(text) / calls > 1.2
    other = StatisticalDetector(KeyRing(b"another key, which is 32 bytes ok")).detect(text)
    assert other.outcome is Outcome.ABSENT


def test_the_walk_ends_at_the_first_token_that_is_not_the_drafted_one() -> None:
    sure, other = (" violet", 0.0), (" crimson", 0.0)
    draft = [Drafted(" violet", (sure,)), Drafted(" amber", (other,)), Drafted(" ochre", (sure,))]
    walked = walk(Selection(Prf(bytes(16))), draft, 1.0, 1.0)
    assert (walked.text, walked.tokens, walked.ended) == (" violet crimson", 2, False)


def test_a_drawn_end_ends_the_answer() -> None:
    walked = walk(Selection(Prf(bytes(16))), [Drafted(" violet", (("", 0.0),))], 1.0, 1.0)
    assert (walked.text, walked.tokens, walked.ended) == ("", 1, True)


def test_half_a_character_is_left_to_the_draft() -> None:
    half = Drafted("\ufffd", ((" violet", 0.0),), whole=False)
    sure = Drafted(" violet", ((" violet", 0.0),))
    assert walk(Selection(Prf(bytes(16))), [sure, half], 1.0, 1.0).text == " violet"
    alone = walk(Selection(Prf(bytes(16))), [half, sure], 1.0, 1.0)
    assert (alone.as_drafted, alone.tokens) == (True, 2)


def test_a_whole_draft_may_be_walked() -> None:
    sure = Drafted(" violet", ((" violet", 0.0),))
    assert walk(Selection(Prf(bytes(16))), [sure, sure], 1.0, 1.0).tokens == 2


@pytest.mark.parametrize("k", [1, 65])
def test_a_draft_out_of_range_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match="k must be"):
        LogprobWalk(RING, k)


def test_the_scheme_changes_neither_request_nor_finished_text() -> None:
    scheme = LogprobWalk(RING)
    assert scheme.mark_request({"a": 1}) == {"a": 1}
    assert scheme.new_transform(Provenance("X", 1)).feed("x") == "x"
    assert np.isfinite(scheme.new_selection(Provenance("X", 1)).scores(["..."])[0])
