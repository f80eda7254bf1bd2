"""Tokens drawn by key: the distribution is left as it is, and the score is what theory says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from detectors.token_marks import GUMBEL, TOURNAMENT, drawn_tokens
from engines import drawing
from engines.drawing import mark
from labelers.token_marks import LAYERS, token_hashes
from tests.engines.chance import KEY, entropy, expected_score, harmonic, softmax, tokens, write


def spelt(said: list[int]) -> list[bytes]:
    return [f" w{at}".encode() for at in said]


def drawn(
    logits: Any,
    contexts: Any,
    key: bytes = KEY,
    *,
    tournament: bool = False,
    message: Any = None,
    **how: Any,
) -> tuple[Any, Any]:
    """What `mark` makes of one row of logits after many different contexts."""
    rows = len(contexts)
    given = np.tile(np.asarray(logits, np.float32), (rows, 1))
    table = np.array(token_hashes(key, tokens(len(logits))), np.int64)
    sampling = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0} | how
    columns = [np.full(rows, value) for value in sampling.values()]
    return given, mark(np, given, contexts, table, np.full(rows, True), *columns, tournament, message)


def three(rows: int, vocabulary: int, seed: int = 1) -> Any:
    """Contexts of three different tokens, each another one."""
    return np.random.default_rng(seed).permuted(np.tile(np.arange(vocabulary), (rows, 1)), axis=1)[:, :3]


def chi_square(counts: Any, chances: Any) -> float:
    expected = counts.sum() * chances
    return float(((counts - expected) ** 2 / expected).sum())


LOGITS = np.array([2.0, 1.5, 1.0, 0.5, 0.0, -0.5, -1.0, -2.0, *[-3.0] * 92])


@pytest.mark.parametrize(("temperature", "message"), [(0.6, -1), (1.0, -1), (1.4, -1), (1.0, 0xA7BEEF01)])
def test_over_contexts_gumbel_draws_are_distributed_as_the_model_says(
    temperature: float, message: int
) -> None:
    says = np.full(40_000, message)
    _, out = drawn(LOGITS, three(40_000, 100), message=says, temperature=temperature)
    counts = np.bincount(out.argmax(1), minlength=100)
    chances = softmax(LOGITS / temperature)
    # 99 degrees of freedom: the value that chance exceeds once in a thousand is 148.2.
    assert chi_square(counts, chances) < 148.2


def test_over_contexts_the_tournament_leaves_the_mean_distribution_as_it_is() -> None:
    _, out = drawn(LOGITS, three(20_000, 100), tournament=True)
    mean = softmax_rows(out).mean(0)
    spread = softmax_rows(out).std(0) / math.sqrt(20_000)
    assert np.abs((mean - softmax(LOGITS)) / spread).max() < 4.5


def softmax_rows(logits: Any) -> Any:
    weights = np.exp(logits - logits.max(1)[:, None])
    return weights / weights.sum(1)[:, None]


def test_a_wider_vocabulary_than_is_drawn_among_is_sampled_as_a_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drawing, "CANDIDATES", 4)
    given, out = drawn(LOGITS, three(40_000, 100))
    one = np.isfinite(out).sum(1) == 1
    chances = softmax(LOGITS)
    beyond = chances[4:].sum()
    assert abs((~one).mean() - beyond) < 4 * math.sqrt(beyond * (1 - beyond) / 40_000)
    assert (out[~one, 4:] == given[~one, 4:]).all() and np.isneginf(out[~one, :4]).all()
    counts = np.bincount(out[one].argmax(1), minlength=4)[:4]
    # Three degrees of freedom, once in a thousand.
    assert chi_square(counts, chances[:4] / chances[:4].sum()) < 16.27


@pytest.mark.parametrize(
    ("how", "kept"),
    [({"top_p": 0.7}, 2), ({"top_k": 3}, 3), ({"min_p": 0.3}, 3), ({"top_p": 0.7, "top_k": 1000}, 2)],
)
def test_what_the_sampler_would_cut_off_is_never_drawn(how: dict[str, Any], kept: int) -> None:
    logits = np.array([3.0, 2.4, 1.8, 0.2, -1.0, *[-5.0] * 30])
    for tournament in (False, True):
        _, out = drawn(logits, three(2_000, 35), tournament=tournament, **how)
        assert set(np.flatnonzero(np.isfinite(out).any(0)).tolist()) == set(range(kept))
    _, out = drawn(logits, three(20_000, 35), **how)
    counts = np.bincount(out.argmax(1), minlength=35)[:kept]
    assert chi_square(counts, softmax(logits[:kept])) < 16.27


@pytest.mark.parametrize(
    ("ids", "marked"),
    [
        ([[1, 2, 3]], True),
        ([[-1, 1, 2, 3]], True),
        ([[-1, -1, 2, 3]], False),  # fewer than three tokens
        ([[1, 2]], False),
        ([[1, 2, 3, 4, 1, 2, 3]], False),  # the context was there before
        ([[1, 2, 3, 4, 1, 2, 4]], True),
        ([[1, 2, 3, -1]], False),  # a token that is not known yet
        (np.empty((0, 3), np.int64), False),
    ],
)
def test_only_whole_and_new_contexts_are_marked(ids: Any, marked: bool) -> None:
    given, out = drawn(LOGITS, np.array(ids, np.int64))
    assert (out is given or (out == given).all()) is not marked


@pytest.mark.parametrize("how", [{"temperature": 0.0}, {"top_k": 1}, {"top_p": 0.0}])
def test_rows_without_chance_stay_as_they_are(how: dict[str, Any]) -> None:
    given, out = drawn(LOGITS, three(5, 100), **how)
    assert (out == given).all()


def test_rows_that_did_not_ask_stay_as_they_are_beside_those_that_did() -> None:
    table = np.array(token_hashes(KEY, tokens(100)), np.int64)
    given = np.tile(LOGITS.astype(np.float32), (2, 1))
    ones, zeros = np.ones(2), np.zeros(2, np.int64)
    out = mark(np, given, three(2, 100), table, np.array([True, False]), ones, ones, zeros, ones * 0)
    assert (out[1] == given[1]).all() and np.isfinite(out[0]).sum() == 1


@pytest.mark.parametrize("tournament", [False, True])
def test_tokens_that_a_grammar_forbids_are_never_drawn(tournament: bool) -> None:
    logits = np.where(np.arange(100) % 2, LOGITS, -np.inf)
    _, out = drawn(logits, three(500, 100), tournament=tournament)
    assert np.isneginf(out[:, ::2]).all() and not np.isnan(out).any()


@pytest.mark.parametrize("temperature", [0.4, 0.8, 1.2])
def test_the_mean_score_of_drawn_tokens_is_that_of_theory(temperature: float) -> None:
    contexts = three(6_000, 100)
    _, out = drawn(LOGITS, contexts, temperature=temperature)
    chances = softmax(LOGITS / temperature)
    said = [
        [*context, token] for context, token in zip(contexts.tolist(), out.argmax(1).tolist(), strict=True)
    ]
    scores = [float(GUMBEL.scores(drawn_tokens(KEY, spelt(one)).bits)[0]) for one in said]
    spread = float(np.std(scores)) / math.sqrt(len(scores))
    assert abs(float(np.mean(scores)) - expected_score(chances)) < 4 * spread
    # More room for choice, a stronger mark: between 1 (none) and what the entropy can give at most.
    assert 1 < expected_score(chances) < 1 + entropy(chances) + 1


def test_the_expected_score_grows_with_entropy() -> None:
    found = [(entropy(p), expected_score(p)) for p in (softmax(LOGITS / t) for t in (0.1, 0.3, 0.6, 1, 2))]
    assert found == sorted(found)
    assert expected_score([1.0]) == pytest.approx(1.0)
    assert harmonic(2.5) == pytest.approx(1.6803723, abs=1e-5)


def test_the_tournament_draws_more_ones_than_chance() -> None:
    said = write(LOGITS, 300, tournament=True)
    ones = TOURNAMENT.scores(drawn_tokens(KEY, spelt(said)).bits)
    assert ones.sum() > LAYERS * len(ones) / 2 + 4 * math.sqrt(LAYERS * len(ones) / 4)
    others = TOURNAMENT.scores(drawn_tokens(b"somebody else's!", spelt(said)).bits)
    assert abs(others.sum() - LAYERS * len(others) / 2) < 4 * math.sqrt(LAYERS * len(others) / 4)


@pytest.mark.parametrize("tournament", [False, True])
def test_a_message_changes_what_its_symbols_draw_and_leaves_the_pilots(tournament: bool) -> None:
    contexts, message = three(4_000, 100), np.full(4_000, 0x12345678)
    _, plain = drawn(LOGITS, contexts, tournament=tournament)
    for other, first, second in ((0x12345678, 0, 0), (0x12340000, 0, 1), (0x00005678, 1, 0)):
        _, here = drawn(LOGITS, contexts, tournament=tournament, message=message)
        _, there = drawn(LOGITS, contexts, tournament=tournament, message=np.full(4_000, other))
        symbols = np.array(
            [drawn_tokens(KEY, spelt([*one, 0])).symbols[0] for one in contexts.tolist()], np.int64
        )
        assert abs((symbols < 0).mean() - 0.25) < 0.03 and abs((symbols == 0).mean() - 0.375) < 0.03
        differs = (here != there).any(1)
        assert not differs[symbols < 0].any()
        assert (differs[symbols == 0].mean() > 0.3) == bool(first)
        assert (differs[symbols == 1].mean() > 0.3) == bool(second)
        assert (plain[symbols < 0] == here[symbols < 0]).all()


def test_rows_that_say_nothing_are_drawn_as_ever_beside_those_that_say_something() -> None:
    contexts = three(400, 100)
    says = np.where(np.arange(400) % 2, 0xFFFFFFFF, -1)
    _, plain = drawn(LOGITS, contexts)
    _, out = drawn(LOGITS, contexts, message=says)
    assert (out[::2] == plain[::2]).all()
    assert (out[1::2] != plain[1::2]).any()
