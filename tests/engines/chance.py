"""What the theory says of tokens drawn by key, worked out the slow way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from engines.drawing import mark
from labelers.token_marks import token_hashes

KEY = b"an engine's key!"
EULER = 0.5772156649015329


def tokens(count: int) -> list[bytes]:
    return [f" w{at}".encode() for at in range(count)]


def harmonic(x: float) -> float:
    """The harmonic number of a real x, psi(x + 1) + gamma: by its recurrence, and from 1,000 on by its asymptotic series."""
    steps = 0.0
    while x < 1000:
        x += 1
        steps += 1 / x
    return math.log(x) + EULER + 1 / (2 * x) - 1 / (12 * x * x) - steps


def expected_score(chances: Sequence[float]) -> float:
    """The mean exponential score of a token drawn by Gumbel noise: sum of p · H(1 / p); 1 where nothing is marked."""
    return sum(p * harmonic(1 / p) for p in chances if p > 0)


def entropy(chances: Sequence[float]) -> float:
    """Nats."""
    return -sum(p * math.log(p) for p in chances if p > 0)


def write(
    logits: Any,
    length: int,
    *,
    key: bytes = KEY,
    seed: int = 1,
    tournament: bool = False,
    temperature: float = 1.0,
    top_p: float = 1.0,
    marked: bool = True,
    message: int = -1,
) -> list[int]:
    """A text of token ids: at every place the same logits (vocabulary,), drawn by an ordinary sampler behind `mark`."""
    chance = np.random.default_rng(seed)
    table = np.array(token_hashes(key, tokens(len(logits))), np.int64)
    row = np.asarray(logits, np.float32)[None, :]
    said: list[int] = []
    for _ in range(length):
        drawn = row
        if marked:
            drawn = mark(
                np,
                row,
                np.array([said], np.int64).reshape(1, -1),
                table,
                np.array([True]),
                np.array([temperature]),
                np.array([top_p]),
                np.array([0]),
                np.array([0.0]),
                tournament,
                np.array([message]),
            )
        said.append(int(chance.choice(len(logits), p=softmax(drawn[0] / temperature))))
    return said


def softmax(logits: Any) -> Any:
    weights = np.exp(np.asarray(logits, np.float64) - np.max(logits))
    return weights / weights.sum()
