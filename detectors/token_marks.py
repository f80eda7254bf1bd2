"""Reads the mark that an engine wrote: were these tokens drawn under one of our keys?

The mark is in tokens, and a text no longer shows where those were: it is cut again by each tokenizer that the operator
lists, which finds nearly all boundaries as they were, and each tokenizer is one more test to be paid for. Each distinct
context of three tokens gives one random number (`labelers.token_marks`); the sums of both ways to draw
have exact distributions for every text that was not drawn with the key.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

import numpy as np
import numpy.typing as npt

from detectors.evidence import FEWEST, Evidence, best_window, window_count
from labelers.token_marks import (
    CONTEXT,
    LAYERS,
    contexts,
    log10_binomial_tail,
    log10_gamma_tail,
    token_bits,
    token_hashes,
    uniforms,
)

__all__ = [
    "MAX_TOKENS",
    "TokenRow",
    "Tokenizer",
    "by_tokens",
    "read_row",
    "token_heat",
    "token_scheme",
    "token_scores",
]

MAX_TOKENS = 20_000  # of a text that are read
MAX_CHARACTERS = 100_000
_NORMAL = NormalDist()
DRAWS = 2  # ways to draw, each of which is a test

# Marks and joiners that other schemes put into a text, or that travel with it.
_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]+")


class Tokenizer(Protocol):
    """Cuts texts as a model does."""

    @property
    def name(self) -> str: ...

    def tokens(self, text: str) -> Sequence[bytes]:
        """The bytes of each token, in order; together they are the text in UTF-8, or nearly so."""
        ...


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A text in tokens. `starts`, `ends` (n,): where each stands in the text as given, in code points."""

    tokens: tuple[bytes, ...]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


def read_row(tokenizer: Tokenizer, text: str, skip: Sequence[tuple[int, int]] = ()) -> TokenRow:
    """The tokens of a text without its invisible characters and without `skip` (labels of our own)."""
    text = text[:MAX_CHARACTERS]
    kept = np.ones(len(text), bool)
    for start, end in (*skip, *(found.span() for found in _INVISIBLE.finditer(text))):
        kept[start:end] = False
    places = np.flatnonzero(kept)
    plain = text if len(places) == len(text) else "".join(text[at] for at in places.tolist())
    tokens = tuple(tokenizer.tokens(plain))[:MAX_TOKENS]
    if not tokens or not len(places):
        return TokenRow((), np.empty(0, np.int64), np.empty(0, np.int64))
    # Of each byte the character that it is part of; tokens may end inside one.
    widths = [len(char.encode("utf-8", "surrogatepass")) for char in plain]
    char_of = np.repeat(places, widths)
    last = len(char_of) - 1
    ends = np.cumsum([len(token) for token in tokens])
    starts = np.minimum(np.concatenate(([0], ends[:-1])), last)
    return TokenRow(tokens, char_of[starts], char_of[np.minimum(np.maximum(ends - 1, starts), last)] + 1)


def token_scores(
    key: bytes, row: TokenRow
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The tokens that count (indices into the row), and for each its exponential score and its ones of `LAYERS`."""
    if len(row.tokens) <= CONTEXT:
        return np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64)
    places: dict[bytes, int] = {}
    index = [places.setdefault(token, len(places)) for token in row.tokens]
    hashes = np.array(token_hashes(key, places), np.int64)[index]
    found = contexts(hashes)[:-1]
    _, firsts = np.unique(found, return_index=True)
    firsts.sort()
    bits = token_bits(found[firsts], hashes[firsts + CONTEXT])
    ones = np.bitwise_count(bits & ((1 << LAYERS) - 1)).astype(np.int64)
    return firsts + CONTEXT, -np.log1p(-uniforms(np, bits)), ones


def by_tokens(
    keys: Mapping[int, bytes], tokenizer: Tokenizer, row: TokenRow, correction: float
) -> Iterator[Evidence]:
    """For each way to draw the key that speaks loudest, whole text or window. `correction`: log10 of what else is paid."""
    gumbel: list[tuple[float, int, _Sums]] = []
    tournament: list[tuple[float, int, _Sums]] = []
    for kid, key in keys.items():
        places, scores, ones = token_scores(key, row)
        if len(places) < FEWEST:
            return
        for found, values, mean, spread in (
            (gumbel, scores, 1.0, 1.0),
            (tournament, ones.astype(np.float64), LAYERS / 2, math.sqrt(LAYERS) / 2),
        ):
            sums = _Sums(places, np.concatenate(([0.0], np.cumsum(values))), mean, spread)
            found.append((max(sums.whole[0], sums.window[0]), kid, sums))
    for found, draw in ((gumbel, "gumbel"), (tournament, "tournament")):
        _, kid, sums = max(found, key=lambda one: one[0])
        yield sums.evidence(kid, token_scheme(draw, tokenizer), row, draw, correction)


def token_scheme(draw: str, tokenizer: Tokenizer) -> str:
    """How a test of tokens is called in evidence."""
    return f"tokens drawn by key ({draw}, {tokenizer.name})"


def token_heat(key: bytes, row: TokenRow, draw: str) -> list[tuple[int, int, float]]:
    """For each token that counts its place in the text, and its score as a standard normal one."""
    places, scores, ones = token_scores(key, row)
    if draw == "gumbel":
        values = [_NORMAL.inv_cdf(min(max(-math.expm1(-one), 1e-9), 1 - 1e-9)) for one in scores.tolist()]
    else:
        values = ((ones - LAYERS / 2) / (math.sqrt(LAYERS) / 2)).tolist()
    starts, ends = row.starts[places].tolist(), row.ends[places].tolist()
    return list(zip(starts, ends, values, strict=True))


class _Sums:
    """The running sums of one key's scores."""

    def __init__(
        self, places: npt.NDArray[np.int64], sums: npt.NDArray[np.float64], mean: float, spread: float
    ) -> None:
        size = len(places)
        centred = sums - mean * np.arange(size + 1)
        self._places, self._sums = places, sums
        self.whole = (float(centred[-1]) / (spread * math.sqrt(size)), 0, size)
        self.window = best_window(centred, spread)

    def evidence(self, kid: int, scheme: str, row: TokenRow, draw: str, correction: float) -> Evidence:
        found = []
        for (z, first, width), tried in ((self.whole, 1), (self.window, window_count(len(self._places)))):
            if not width:
                continue
            total = float(self._sums[first + width] - self._sums[first])
            tail = (
                log10_gamma_tail(total, width)
                if draw == "gumbel"
                else log10_binomial_tail(round(total), LAYERS * width)
            )
            start = int(row.starts[self._places[first] - CONTEXT])
            end = int(row.ends[self._places[first + width - 1]])
            p = min(0.0, tail + math.log10(DRAWS * tried) + correction)
            found.append(Evidence(kid, scheme, p, z, start, end, width))
        return min(found, key=lambda one: one.log10_p)
