"""Reads the mark that an engine wrote: were these tokens drawn under one of our keys?

The mark is in tokens, and a text no longer shows where those were: it is cut again by each tokenizer that the operator
lists, which finds nearly all boundaries as they were, and each tokenizer is one more test to be paid for. Each distinct
context of three tokens gives one random number (`labelers.token_marks`); the sums of both ways to draw
have exact distributions for every text that was not drawn with the key.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from detectors.evidence import FEWEST, Evidence, best_window, window_count
from detectors.messages import NOBODY, Answers, read_said
from labelers.token_marks import (
    CONTEXT,
    LAYERS,
    contexts,
    log10_binomial_tail,
    log10_gamma_tail,
    said_bits,
    symbol_seed,
    symbols_of,
    token_bits,
    token_hashes,
    uniforms,
)
from labelers.watermarks.payload import SYMBOLS, VALUES, Payload, Sums

__all__ = [
    "DRAWS",
    "GUMBEL",
    "MAX_TOKENS",
    "TOURNAMENT",
    "Draw",
    "Drawn",
    "TokenRow",
    "Tokenizer",
    "by_tokens",
    "drawn_tokens",
    "read_row",
    "token_heat",
    "token_scheme",
    "token_sums",
]

MAX_TOKENS = 20_000  # of a text that are read
MAX_CHARACTERS = 100_000
_NORMAL = NormalDist()
KINDS = 2  # of marks: with a message and without
FEWEST_PILOTS = 4
PILOT = -2.0  # log10 p of the pilots, from which on a message is looked for; looking costs time alone
MAX_MESSAGE = 1_500  # tokens that a message is read from: all its values are tried on each
VALUES_AT_ONCE = 1024  # so that what is worked on stays small

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


class Drawn(NamedTuple):
    """The tokens of a row that count: `places` (n,), indices into the row; 64 random `bits` (n,) of each, before any message; and
    the `symbols` (n,) that their contexts belong to.
    """

    places: npt.NDArray[np.int64]
    bits: npt.NDArray[np.int64]
    symbols: npt.NDArray[np.int64]

    def under(self, message: Payload) -> npt.NDArray[np.int64]:
        """The bits (n,) under a message."""
        values = np.array(message.symbols, np.int64)[self.symbols]
        return np.where(self.symbols >= 0, said_bits(self.bits, symbol_seed(self.symbols, values)), self.bits)


def drawn_tokens(key: bytes, tokens: Sequence[bytes]) -> Drawn:
    """Of each distinct context the first token behind it."""
    if len(tokens) <= CONTEXT:
        return Drawn(*(np.empty(0, np.int64) for _ in Drawn._fields))
    places: dict[bytes, int] = {}
    index = [places.setdefault(token, len(places)) for token in tokens]
    hashes = np.array(token_hashes(key, places), np.int64)[index]
    found = contexts(hashes)[:-1]
    _, firsts = np.unique(found, return_index=True)
    firsts.sort()
    bits = token_bits(found[firsts], hashes[firsts + CONTEXT])
    return Drawn(firsts + CONTEXT, bits, symbols_of(np, found[firsts]))


def exponentials(bits: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Gumbel's scores: standard exponentials."""
    scores: npt.NDArray[np.float64] = -np.log1p(-uniforms(np, bits))
    return scores


def ones_of(bits: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The tournament's scores: how many of `LAYERS` bits are 1."""
    scores: npt.NDArray[np.float64] = np.bitwise_count(bits & ((1 << LAYERS) - 1)).astype(np.float64)
    return scores


@dataclass(frozen=True, slots=True)
class Draw:
    """A way to draw: the scores of bits, their mean and deviation where no key drew, and log10 p of a sum of so many."""

    name: str
    scores: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float64]]
    mean: float
    spread: float
    tail: Callable[[float, int], float]

    def log10_p(self, bits: npt.NDArray[np.int64]) -> float:
        """Of all these together."""
        return self.tail(float(self.scores(bits).sum()), len(bits))


GUMBEL = Draw("gumbel", exponentials, 1.0, 1.0, log10_gamma_tail)
TOURNAMENT = Draw(
    "tournament",
    ones_of,
    LAYERS / 2,
    math.sqrt(LAYERS) / 2,
    lambda total, count: log10_binomial_tail(round(total), LAYERS * count),
)
DRAWS = (GUMBEL, TOURNAMENT)


def by_tokens(
    keys: Mapping[int, bytes],
    tokenizer: Tokenizer,
    row: TokenRow,
    correction: float,
    answers: Answers = NOBODY,
) -> Iterator[Evidence]:
    """For each way to draw the key that speaks loudest, whole text or window, and what is said with a message.

    `correction`: log10 of what else is paid.
    """
    drawn = {kid: drawn_tokens(key, row.tokens) for kid, key in keys.items()}
    paid = correction + math.log10(len(DRAWS) * KINDS)
    for draw in DRAWS:
        plain: list[tuple[float, int, _Sums]] = []
        for kid, tokens in drawn.items():
            if len(tokens.places) < FEWEST:
                return
            scores = draw.scores(tokens.bits)
            sums = _Sums(tokens.places, np.concatenate(([0.0], np.cumsum(scores))), draw)
            plain.append((max(sums.whole[0], sums.window[0]), kid, sums))
            yield from _with_message(kid, tokens, scores, draw, tokenizer, row, paid, answers)
        _, kid, sums = max(plain, key=lambda one: one[0])
        yield sums.evidence(kid, token_scheme(draw.name, tokenizer), row, paid)


def _with_message(
    kid: int,
    drawn: Drawn,
    scores: npt.NDArray[np.float64],
    draw: Draw,
    tokenizer: Tokenizer,
    row: TokenRow,
    paid: float,
    answers: Answers,
) -> Iterator[Evidence]:
    own = scores[drawn.symbols < 0]
    pilots, count = float(own.sum()), len(own)
    if count < FEWEST_PILOTS or draw.tail(pilots, count) > PILOT:
        return
    said = read_said(pilots, count, token_sums(drawn, draw), answers, paid)
    z = (said.total - draw.mean * said.count) / (draw.spread * math.sqrt(said.count))
    start, end = int(row.starts[drawn.places[0] - CONTEXT]), int(row.ends[drawn.places[-1]])
    scheme = token_scheme(draw.name, tokenizer) + said.how
    yield Evidence(kid, scheme, said.log10_p, z, start, end, len(scores), said.payload)


def token_sums(drawn: Drawn, draw: Draw) -> Sums:
    """The sums of every value of both symbols, of the first `MAX_MESSAGE` tokens that count."""
    symbols, found, counts = drawn.symbols[:MAX_MESSAGE], [], []
    for symbol in range(SYMBOLS):
        bits = drawn.bits[:MAX_MESSAGE][symbols == symbol]
        seeds = symbol_seed(np.int64(symbol), np.arange(VALUES, dtype=np.int64))
        parts = (
            draw.scores(said_bits(bits, seeds[at : at + VALUES_AT_ONCE, None])).sum(1)
            for at in range(0, VALUES, VALUES_AT_ONCE)
        )
        found.append(np.concatenate(list(parts)))
        counts.append(len(bits))
    return Sums((found[0], found[1]), (counts[0], counts[1]), draw.tail)


def token_scheme(draw: str, tokenizer: Tokenizer) -> str:
    """How a test of tokens is called in evidence."""
    return f"tokens drawn by key ({draw}, {tokenizer.name})"


def token_heat(
    key: bytes, row: TokenRow, draw: Draw, message: Payload | None = None
) -> list[tuple[int, int, float]]:
    """For each token that counts its place in the text, and its score as a standard normal one."""
    drawn = drawn_tokens(key, row.tokens)
    scores = draw.scores(drawn.bits if message is None else drawn.under(message))
    if draw is GUMBEL:
        values = [_NORMAL.inv_cdf(min(max(-math.expm1(-one), 1e-9), 1 - 1e-9)) for one in scores.tolist()]
    else:
        values = ((scores - draw.mean) / draw.spread).tolist()
    starts, ends = row.starts[drawn.places].tolist(), row.ends[drawn.places].tolist()
    return list(zip(starts, ends, values, strict=True))


class _Sums:
    """The running sums of one key's scores."""

    def __init__(self, places: npt.NDArray[np.int64], sums: npt.NDArray[np.float64], draw: Draw) -> None:
        size = len(places)
        centred = sums - draw.mean * np.arange(size + 1)
        self._places, self._sums, self._draw = places, sums, draw
        self.whole = (float(centred[-1]) / (draw.spread * math.sqrt(size)), 0, size)
        self.window = best_window(centred, draw.spread)

    def evidence(self, kid: int, scheme: str, row: TokenRow, correction: float) -> Evidence:
        found = []
        for (z, first, width), tried in ((self.whole, 1), (self.window, window_count(len(self._places)))):
            if not width:
                continue
            total = float(self._sums[first + width] - self._sums[first])
            start = int(row.starts[self._places[first] - CONTEXT])
            end = int(row.ends[self._places[first + width - 1]])
            p = min(0.0, self._draw.tail(total, width) + math.log10(tried) + correction)
            found.append(Evidence(kid, scheme, p, z, start, end, width))
        return min(found, key=lambda one: one.log10_p)
