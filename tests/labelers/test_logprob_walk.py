"""Drawing along log-probabilities: as the model would sample over keys, and to be seen under the key."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from detectors.detection import Outcome
from detectors.statistical import StatisticalDetector
from detectors.token_marks import GUMBEL, drawn_tokens
from labelers.provenance import KeyRing, Provenance
from labelers.watermarks.best_of_n import Selection
from labelers.watermarks.engine import engine_key
from labelers.watermarks.logprob_walk import (
    Drafted,
    LogprobWalk,
    Noise,
    TokenNoise,
    UnitNoise,
    Walked,
    draw,
    walk,
)
from labelers.watermarks.units import Prf

RING = KeyRing(b"a key of the tests, 32 bytes it is")
COLOURS = ["purple", "violet", "crimson", "scarlet", "amber", "ochre"]
HAN = [chr(0x4E00 + 11 * at) for at in range(1500)]


def logs(*shares: float) -> list[tuple[str, float]]:
    return [(f" {word}", math.log(share)) for word, share in zip(COLOURS, shares, strict=False)]


def of_units(key: int) -> Noise:
    noise = UnitNoise(Selection(Prf(key.to_bytes(16, "big"))))
    noise.take(["A velvet"])
    return noise


def of_tokens(key: int) -> Noise:
    noise = TokenNoise(key.to_bytes(16, "big"), "")
    noise.take(["A", " vel", "vet"])
    return noise


def by_lot(key: int) -> Noise:
    """The context was there before."""
    noise = TokenNoise(bytes(16), str(key))
    noise.take(["A", " vel", "vet", "A", " vel", "vet"])
    return noise


def too_short(key: int) -> Noise:
    noise = TokenNoise(bytes(16), str(key))
    noise.take(["A", " velvet"])
    return noise


NOISES = [of_units, of_tokens, by_lot, too_short]


def shares_of(
    noise: Callable[[int], Noise],
    candidates: list[tuple[str, float]],
    temperature: float,
    top_p: float,
    keys: int = 1500,
) -> list[float]:
    counts = [0] * len(candidates)
    for key in range(keys):
        counts[draw(noise(key), [], candidates, temperature, top_p)] += 1
    return [count / keys for count in counts]


def close(found: list[float], expected: list[float], keys: int = 1500) -> bool:
    return all(
        abs(share - wanted) < 4 * math.sqrt(max(wanted * (1 - wanted), 1e-4) / keys)
        for share, wanted in zip(found, expected, strict=True)
    )


@pytest.mark.parametrize("noise", NOISES)
def test_over_keys_tokens_are_drawn_with_their_probabilities(noise: Callable[[int], Noise]) -> None:
    assert close(shares_of(noise, logs(0.6, 0.3, 0.1), 1.0, 1.0), [0.6, 0.3, 0.1])


@pytest.mark.parametrize("noise", NOISES)
def test_a_lower_temperature_sharpens_as_sampling_would(noise: Callable[[int], Noise]) -> None:
    weights = [0.6**2, 0.3**2, 0.1**2]
    assert close(shares_of(noise, logs(0.6, 0.3, 0.1), 0.5, 1.0), [one / sum(weights) for one in weights])


def test_top_p_leaves_the_likeliest_that_reach_it() -> None:
    assert close(shares_of(of_units, logs(0.6, 0.3, 0.1), 1.0, 0.7), [2 / 3, 1 / 3, 0.0])
    assert close(shares_of(of_tokens, logs(0.6, 0.3, 0.1), 1.0, 0.1), [1.0, 0.0, 0.0])


def test_candidates_without_words_are_drawn_with_their_probabilities_too() -> None:
    candidates = [(" purple", math.log(0.5)), ("!", math.log(0.3)), ("", math.log(0.2))]
    assert close(shares_of(of_units, candidates, 1.0, 1.0), [0.5, 0.3, 0.2])


def language(position: int) -> list[tuple[str, float]]:
    """A model with 2 nats of entropy that says something else at each position."""
    chance = random.Random(position)
    words = chance.sample(HAN, 12)
    weights = [chance.random() ** 2 for _ in words]
    order = sorted(zip(words, weights, strict=True), key=lambda pair: -pair[1])
    return [(word, math.log(weight / sum(weights))) for word, weight in order]


def written(noise: Noise, tokens: int, draft: int = 8) -> tuple[list[str], int]:
    said: list[str] = []
    calls = 0
    while len(said) < tokens:
        positions = [language(len(said) + step) for step in range(draft)]
        walked = walk(noise, [Drafted(one[0][0], tuple(one)) for one in positions], 1.0, 1.0)
        noise.take(walked.said)
        said += walked.said
        calls += 1
    assert noise.text == "".join(said)
    return said, calls


def test_a_walked_text_is_marked_under_its_key_and_under_no_other() -> None:
    noise = LogprobWalk(RING).new_noise(Provenance("X", 1), "", by_tokens=False)
    said, calls = written(noise, 150)
    text = "".join(said)
    found = StatisticalDetector(RING).detect(text)
    assert found.outcome is Outcome.PRESENT
    assert len(text) / calls > 1.2
    other = StatisticalDetector(KeyRing(b"another key, which is 32 bytes ok")).detect(text)
    assert other.outcome is Outcome.ABSENT


class Characters:
    """Each character is a token."""

    name = "characters"

    def tokens(self, text: str) -> list[bytes]:
        return [char.encode() for char in text]


def test_a_walk_by_tokens_writes_the_mark_of_an_engine() -> None:
    noise = LogprobWalk(RING).new_noise(Provenance("X", 1), "", by_tokens=True)
    said, _ = written(noise, 120)
    found = StatisticalDetector(RING, tokenizers=[Characters()]).detect("".join(said))
    assert found.outcome is Outcome.PRESENT
    assert "tokens drawn by key (gumbel, characters)" in found.detail
    drawn = drawn_tokens(engine_key(RING, 1), [one.encode() for one in said])
    assert GUMBEL.scores(drawn.bits).mean() > 1.5  # 1 without the key
    assert StatisticalDetector(RING).detect("".join(said)).outcome is Outcome.ABSENT


def test_a_walk_by_tokens_draws_the_same_however_the_drafts_were_cut() -> None:
    """The walk of one token a round is the naive one."""
    scheme = LogprobWalk(RING)
    texts = {
        tuple(written(scheme.new_noise(Provenance("X", 1), "lot", by_tokens=True), 40, draft)[0][:40])
        for draft in (1, 2, 8)
    }
    assert len(texts) == 1


@pytest.mark.parametrize("by_tokens", [True, False])
def test_answers_to_one_question_differ_and_the_same_lot_draws_the_same(by_tokens: bool) -> None:
    scheme = LogprobWalk(RING)

    def beginning(lot: str) -> str:
        noise = scheme.new_noise(Provenance("X", 1), lot, by_tokens=by_tokens)
        return "".join(written(noise, 12)[0][:12])

    assert beginning("1 0") == beginning("1 0")
    assert len({beginning(f"1 {index}") for index in range(8)}) > 4


def test_a_walk_by_tokens_says_which_answer_it_is() -> None:
    scheme = LogprobWalk(RING, payload=True)
    said, _ = written(scheme.new_noise(Provenance("X", 0x0123456789ABCDEF), "", by_tokens=True), 150)
    found = StatisticalDetector(RING, tokenizers=[Characters()]).detect("".join(said))
    assert found.outcome is Outcome.PRESENT
    assert found.provenance == {
        "key_epoch": "1",
        "content_id_end": "abcdef",
        "producer_code_end": f"{RING.code('X') & 0xFF:02x}",
    }


def test_a_context_that_comes_again_inside_a_draft_draws_by_lot() -> None:
    noise = TokenNoise(bytes(16), "")
    context = ["a", "b", "c"]
    noise.take(context)
    keyed = noise.uniforms([], ["x", "y"])
    assert noise.uniforms([], ["x", "y"]) == keyed
    assert noise.uniforms(["x", *context], ["x", "y"]) != keyed
    noise.take(["x"])
    noise.take(context)
    assert noise.uniforms([], ["x", "y"]) != keyed


def test_the_walk_ends_at_the_first_token_that_is_not_the_drafted_one() -> None:
    sure, other = (" violet", 0.0), (" crimson", 0.0)
    draft = [Drafted(" violet", (sure,)), Drafted(" amber", (other,)), Drafted(" ochre", (sure,))]
    walked = walk(of_units(0), draft, 1.0, 1.0)
    assert (walked.text, walked.tokens, walked.ended) == (" violet crimson", 2, False)


def test_a_drawn_end_ends_the_answer() -> None:
    walked = walk(of_units(0), [Drafted(" violet", (("", 0.0),))], 1.0, 1.0)
    assert (walked.text, walked.tokens, walked.ended) == ("", 1, True)


LINE, WORD = (
    Drafted("\n", (("\n", -0.1), (" violet", -3.0))),
    Drafted(" violet", ((" violet", -2.0), ("\n", -0.1))),
)


def test_where_the_beginning_is_trimmed_white_space_is_drawn_only_as_drafted() -> None:
    walks = [walk(of_tokens(key), [WORD, LINE, WORD], 1.0, 1.0, trims=True).text for key in range(100)]
    assert set(walks) == {" violet violet", " violet\n violet"}
    taken_as_it_is = [walk(of_tokens(key), [WORD], 1.0, 1.0).text for key in range(100)]
    assert set(taken_as_it_is) == {" violet", "\n"}
    only = Drafted(" violet", (("\n", 0.0),))  # there is nothing else
    assert walk(of_tokens(0), [only], 1.0, 1.0, trims=True).text == "\n"


def test_a_seam_stands_before_white_space() -> None:
    assert Walked((" violet", "\n", " ")).to_seam().said == (" violet",)
    assert Walked((" violet.\n",)).to_seam().said == (" violet.",)
    assert Walked(("\n",)).to_seam().said == ()


def test_half_a_character_is_left_to_the_draft() -> None:
    half = Drafted("\ufffd", ((" violet", 0.0),), whole=False)
    sure = Drafted(" violet", ((" violet", 0.0),))
    assert walk(of_units(0), [sure, half], 1.0, 1.0).text == " violet"
    alone = walk(of_units(0), [half, sure], 1.0, 1.0)
    assert (alone.as_drafted, alone.tokens) == (True, 2)


def test_a_whole_draft_may_be_walked() -> None:
    sure = Drafted(" violet", ((" violet", 0.0),))
    assert walk(of_units(0), [sure, sure], 1.0, 1.0).tokens == 2


@pytest.mark.parametrize("k", [1, 65])
def test_a_draft_out_of_range_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match="k must be"):
        LogprobWalk(RING, k)


def test_the_scheme_changes_neither_request_nor_finished_text() -> None:
    scheme = LogprobWalk(RING)
    assert scheme.mark_request({"a": 1}) == {"a": 1}
    assert scheme.new_transform(Provenance("X", 1)).feed("x") == "x"
    assert 0 < scheme.new_noise(Provenance("X", 1), "", by_tokens=False).uniforms([], ["..."])[0] < 1
