"""The weakest mark, for an upstream that takes `logit_bias` and nothing else: of pairs of words one is favoured.

Which word of a pair is green is a coin of the key; the green ones get a bias, always the same, in every text: a fixed list
(Kirchenbauer et al., arXiv:2301.10226, without its context). So it pushes the same words every time, which readers may
come to see, and costs quality. It is off by default, and its reader never takes it for proof: under one key all
texts of a topic share their luck, since each word counts once a text and no context makes it new.

The list is of words, not of token ids: what the tokenizer of a model makes of them is asked when they are sent, and the
reader needs none. Of a pair, only texts that hold one of both tell anything.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from labelers.provenance import KeyRing, Provenance
from labelers.transform import Passthrough, TextTransform
from labelers.watermarks.green_words import EN, ZH
from labelers.watermarks.units import Prf, epoch_prf

__all__ = ["PAIRS", "GreenList", "biases", "count_green", "green_words"]

Body = TypeVar("Body")


def _pairs() -> tuple[tuple[str, str], ...]:
    """Neighbours in frequency, the commonest first, both languages in turn: any beginning of it serves both."""
    pairs = []
    english, chinese = EN.split(), ZH.split()
    for at in range(0, min(len(english), len(chinese)) - 1, 2):
        pairs += [(f" {english[at]}", f" {english[at + 1]}"), (chinese[at], chinese[at + 1])]
    return tuple(pairs)


PAIRS = _pairs()
_WORD = re.compile(r"[a-z]+")
_HAN = re.compile("[\u4e00-\u9fff]+")


def _heads(prf: Prf) -> list[bool]:
    """The coin of each pair: whether its first word is the green one."""
    digests = b"".join(hashlib.blake2b("\0".join(pair).encode(), digest_size=16).digest() for pair in PAIRS)
    bits = prf.bits(np.frombuffer(digests, np.uint64).reshape(-1, 2))
    return [bool(one) for one in (bits[:, 0] >> np.uint64(63)).tolist()]


def green_words(prf: Prf) -> list[str]:
    """The green word of each pair, as tokens are spelt: English ones with the space before them."""
    return [pair[0] if head else pair[1] for pair, head in zip(PAIRS, _heads(prf), strict=True)]


def biases(words: Sequence[str], ids: Mapping[str, int], bias: float, limit: int) -> dict[str, float]:
    """The member `logit_bias`: at most `limit` of the words, those that are one token for the model."""
    return {str(ids[word]): bias for word in [word for word in words if word in ids][:limit]}


def count_green(prf: Prf, text: str) -> tuple[int, int]:
    """How many pairs the text tells of, by holding one word of both, and in how many that is the green one."""
    text = text.lower()
    said = {f" {word}" for word in _WORD.findall(text)}
    said |= {run[at : at + 2] for run in _HAN.findall(text) for at in range(len(run) - 1)}
    told = [
        (first in said) == head
        for (first, second), head in zip(PAIRS, _heads(prf), strict=True)
        if (first in said) != (second in said)
    ]
    return len(told), sum(told)


class GreenList:
    """The scheme. `bias`: what is added to the log-odds of each green word."""

    name = "green_list"

    def __init__(self, keys: KeyRing, bias: float = 2.0) -> None:
        self._keys = keys
        self.bias = bias

    def mark_request(self, body: Body) -> Body:
        """The request as it is: ids of words depend on the upstream's tokenizer."""
        return body

    def new_transform(self, provenance: Provenance) -> TextTransform:
        """Nothing is left to do to the finished text."""
        return Passthrough()

    def words(self, kid: int) -> list[str]:
        """The green words of a key epoch, the commonest first."""
        return green_words(epoch_prf(self._keys, kid))
