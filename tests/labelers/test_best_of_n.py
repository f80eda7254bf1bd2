"""Choosing among continuations: unbiased, and to be seen by whoever has the key."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from labelers.provenance import KeyRing, Provenance
from labelers.watermarks.best_of_n import BestOfN, Selection
from labelers.watermarks.units import Prf, grams_of, read_units

RING = KeyRing(b"a key of the tests, 32 bytes it is")
WORDS = [f"{a}{b}{c}" for a in "bdfgklmn" for b in "aeiou" for c in "rstvz"]


def written(prf: Prf, n: int, rounds: int, seed: int) -> str:
    chance = random.Random(seed)
    selection = Selection(prf)
    for _ in range(rounds):
        candidates = [" " + " ".join(chance.choices(WORDS, k=6)) for _ in range(n)]
        selection.take(candidates[selection.choose(candidates)])
    return selection.text


def z_of(prf: Prf, text: str) -> float:
    scores = prf.scores(grams_of(read_units(text)).blocks)
    return float(scores.sum()) / math.sqrt(max(1, len(scores)))


@pytest.mark.parametrize(("n", "mean_win"), [(2, 0.564), (4, 1.029), (8, 1.424)])
def test_a_text_scores_as_theory_says(n: int, mean_win: float) -> None:
    prf = Prf(b"0123456789abcdef")
    rounds = 25
    found = np.mean([z_of(prf, written(prf, n, rounds, seed)) for seed in range(24)])
    # The mean of the greatest of n normal numbers, once a round; the seams' grams count too.
    assert found == pytest.approx(mean_win * math.sqrt(rounds), rel=0.15)


def test_without_the_key_nothing_is_seen() -> None:
    found = [
        z_of(Prf(b"another key, 16b"), written(Prf(b"0123456789abcdef"), 8, 25, seed)) for seed in range(30)
    ]
    assert abs(np.mean(found)) < 4 / math.sqrt(30)
    assert 0.3 < np.var(found) < 2.2


def test_over_keys_every_candidate_wins_as_often_long_short_or_without_words() -> None:
    candidates = [" one two three four five", " six", " ...", " seven eight"]
    wins = [0] * len(candidates)
    for key in range(1200):
        selection = Selection(Prf(key.to_bytes(16, "big")))
        selection.take("A beginning")
        wins[selection.choose(candidates)] += 1
    assert all(abs(count - 300) < 4 * math.sqrt(225) for count in wins), wins


def test_grams_that_the_text_already_has_do_not_count_again() -> None:
    prf = Prf(b"0123456789abcdef")
    pairs = {word: z_of(prf, f"start {word}") for word in WORDS}
    best = max(pairs, key=lambda word: pairs[word])
    fresh = Selection(prf)
    fresh.take("start")
    others = [f" {word}" for word in WORDS if 0 < pairs[word] < pairs[best]]
    candidates = [f" {best}", *others[:6]]
    assert fresh.choose(candidates) == 0
    again = Selection(prf)
    again.take(f"start {best}. start")
    counts = {again.choose([f" {best}", other]) for other in others}
    assert 1 in counts  # by lot now: it wins against some only


def test_code_is_chosen_by_lot() -> None:
    candidates = ["x = purple + violet\n", "for crimson in amber:\n"]
    wins = 0
    for key in range(400):
        selection = Selection(Prf(key.to_bytes(16, "big")))
        selection.take("Look:\n```py\n")
        wins += selection.choose(candidates)
    assert abs(wins - 200) < 4 * 10
    prf = Prf(b"0123456789abcdef")
    selection = Selection(prf)
    selection.take("Look:\n```py\n")
    assert abs(selection.scores(candidates)[0] - z_of(prf, candidates[0])) > 1e-3


def test_a_selection_is_made_from_the_epoch_of_the_provenance() -> None:
    scheme = BestOfN(KeyRing(b"a key of the tests, 32 bytes it is", 2))
    candidates = [f" {a} {b} {c}" for a, b, c in zip(WORDS, WORDS[40:], WORDS[90:], strict=False)]
    chosen = {
        kid: scheme.new_selection(Provenance("X", 1, key_id=kid)).choose(candidates) for kid in (1, 2, 1)
    }
    assert len(set(chosen.values())) == 2
    assert scheme.mark_request({"n": 1}) == {"n": 1}
    assert scheme.new_transform(Provenance("X", 1)).feed("text") == "text"


@pytest.mark.parametrize("wrong", [{"n": 1}, {"n": 65}, {"k": 1}, {"k": 65}])
def test_numbers_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be 2 to 64"):
        BestOfN(RING, **wrong)
