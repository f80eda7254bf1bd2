"""llama-cpp-python's plug-in, called with an object of the documented shape: the library itself is not in this test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detectors.token_marks import GUMBEL, TOURNAMENT, drawn_tokens
from engines.llama_cpp import InksealLogitsProcessor
from tests.engines.chance import KEY, softmax, tokens

SIZE = 300
LOGITS = np.random.default_rng(3).normal(0, 2, SIZE).astype(np.float32)


class Llama:
    """What the plug-in asks of `llama_cpp.Llama`."""

    def n_vocab(self) -> int:
        return SIZE

    def detokenize(self, ids: list[int], special: bool = False) -> bytes:
        return tokens(SIZE)[ids[0]] if special else b""


def completed(processor: Any, length: int) -> list[int]:
    """As the library does: the whole row of ids and the scores of the last position, in C's types."""
    chance = np.random.default_rng(1)
    ids = [7, 8, 9, 10]  # the prompt
    for _ in range(length):
        scores = processor(np.array(ids, np.intc), LOGITS.copy())
        assert scores.dtype == np.float32 and scores.shape == (SIZE,)
        ids.append(int(chance.choice(SIZE, p=softmax(scores / 0.8))))
    return ids[4:]


@pytest.mark.parametrize("tournament", [False, True])
def test_a_completion_bears_the_mark_and_keeps_to_the_samplers_limits(tournament: bool) -> None:
    processor = InksealLogitsProcessor(KEY, Llama(), temperature=0.8, top_p=0.9, tournament=tournament)
    said = completed(processor, 150)
    drawn = drawn_tokens(KEY, [tokens(SIZE)[at] for at in said])
    assert (TOURNAMENT if tournament else GUMBEL).log10_p(drawn.bits) < -6


def test_the_first_tokens_of_an_answer_are_left_to_the_sampler() -> None:
    processor = InksealLogitsProcessor(KEY, Llama())
    assert (processor(np.array([7, 8, 9, 10], np.intc), LOGITS.copy()) == LOGITS).all()
    assert (processor(np.array([7, 8, 9, 10, 1], np.intc), LOGITS.copy()) == LOGITS).all()
