"""The mark that an engine writes while it samples: tokens drawn by a keyed chance, and read by the same.

Strategy. Each token of an answer is drawn with pseudo-random numbers that a key makes of the three tokens before it
and of every token that may come, all by their *strings*, so that models which share no vocabulary ids share a
reader. Two ways to draw, both of which leave the distribution over keys as it is:

- Gumbel (Aaronson 2022; the default): the token with the greatest log-probability + Gumbel noise. The reader adds up
  -log(1 - u) of the tokens that stand there: for text written without the key a sum of `n` standard exponentials,
  that is exactly Gamma(n).
- a tournament (SynthID-Text, Dathathri et al., Nature 634, 2024) of 30 layers of two, in its closed form: each layer lifts
  the tokens whose bit is 1. The reader counts the ones: for other text exactly Binomial(30 n, 1/2).

A context of three tokens that came before in the answer is left alone, and counted once by the reader: drawn with
the same numbers twice, answers would repeat themselves, and honest p-values need each number once.

A mark may say 32 bits (`labelers.watermarks.payload`): by its own randomness a context is one of the pilots, a quarter of all, which are
drawn as ever, or belongs to one of two symbols of 16 bits, whose value is mixed into its numbers.

Here is what writer (`engines`) and reader (`detectors.token_marks`) share. It works on numpy and torch arrays alike (`xp`),
on 64-bit integers that wrap, and imports the standard library alone: to an engine that runs code that comes with a
request, this file is sent as it stands.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = [
    "CONTEXT",
    "LAYERS",
    "NO_MESSAGE",
    "contexts",
    "log10_binomial_tail",
    "log10_gamma_tail",
    "raw_token",
    "said_bits",
    "spelling",
    "symbol_seed",
    "symbols_of",
    "token_bits",
    "token_hashes",
    "uniforms",
]

CONTEXT = 3  # tokens
LAYERS = 30  # of the tournament
NO_MESSAGE = -1

_MIX_1, _MIX_2 = 0xBF58476D1CE4E5B9 - (1 << 64), 0x94D049BB133111EB - (1 << 64)
_STEP = 0x9E3779B97F4A7C15 - (1 << 64)
_UNIT = 2.0**-52


def token_hashes(key: bytes, tokens: Iterable[bytes]) -> list[int]:
    """64 secret bits for each token, as signed integers. `key`: up to 64 bytes."""
    return [
        int.from_bytes(hashlib.blake2b(token, digest_size=8, key=key).digest(), "little", signed=True)
        for token in tokens
    ]


def _mixed(values: Any) -> Any:
    """A bijection of 64-bit numbers that spreads every bit (the finalizer of splitmix64), on signed ones."""
    values = (values ^ ((values >> 30) & ((1 << 34) - 1))) * _MIX_1
    values = (values ^ ((values >> 27) & ((1 << 37) - 1))) * _MIX_2
    return values ^ ((values >> 31) & ((1 << 33) - 1))


def contexts(hashes: Any) -> Any:
    """Of a row of token hashes (..., L) the contexts (..., L - 2); the last one is that of the token to come."""
    found = _mixed(hashes[..., :-2] + _STEP)
    found = _mixed(found ^ hashes[..., 1:-1])
    return _mixed(found ^ hashes[..., 2:])


def token_bits(context: Any, hashes: Any) -> Any:
    """64 random bits for a token after a context; the shapes broadcast."""
    return _mixed(_mixed(context ^ hashes) ^ context)


def symbols_of(xp: Any, context: Any) -> Any:
    """Which symbol of a message each context belongs to, 0 or 1; -1: it is a pilot."""
    return xp.where((context & 3) == 0, -1, (context >> 2) & 1)


def symbol_seed(symbol: Any, value: Any) -> Any:
    """What the value of a symbol, 16 bits, is mixed in by."""
    return _mixed((symbol << 16 | value) + _STEP)


def said_bits(bits: Any, seed: Any) -> Any:
    """The bits of a token whose context belongs to a symbol, under one value of it; the shapes broadcast."""
    return _mixed(bits ^ seed)


def uniforms(xp: Any, bits: Any) -> Any:
    """Random numbers inside (0, 1) of those bits, float64."""
    return (xp.asarray((bits >> 12) & ((1 << 52) - 1), dtype=xp.float64) + 0.5) * _UNIT


def log10_gamma_tail(total: float, count: int) -> float:
    """log10 P(Gamma(count) > total): that `count` exponentials of mean 1 add up to more. Exact.

    It is the chance that a Poisson variable of mean `total` stays below `count`.
    """
    if count == 0 or total <= 0:
        return 0.0
    logs = [at * math.log(total) - math.lgamma(at + 1) for at in range(count)]
    return min(0.0, (_log_sum(logs) - total) / math.log(10))


def log10_binomial_tail(ones: int, count: int) -> float:
    """log10 P(Binomial(count, 1/2) >= ones). Exact."""
    if ones <= 0:
        return 0.0
    whole = math.lgamma(count + 1)
    logs = [whole - math.lgamma(at + 1) - math.lgamma(count - at + 1) for at in range(ones, count + 1)]
    return min(0.0, (_log_sum(logs) - count * math.log(2)) / math.log(10))


def _log_sum(logs: Sequence[float]) -> float:
    highest = max(logs)
    return highest + math.log(math.fsum(math.exp(one - highest) for one in logs))


def _byte_alphabet() -> dict[str, int]:
    """The characters by which byte-level vocabularies write bytes (GPT-2's), and the bytes."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + at): byte for at, byte in enumerate(others)}


_BYTES = _byte_alphabet()


def spelling(vocabulary: Iterable[str]) -> bool:
    """Whether a vocabulary is written in the byte alphabet; else it is SentencePiece's, with ▁ for a space."""
    tokens = list(vocabulary)
    return any("\u0120" in one for one in tokens) and not any("\u2581" in one for one in tokens)


def raw_token(token: str, byte_level: bool) -> bytes:
    """The bytes of a token, of the spelling in its vocabulary: those that stand in a text."""
    if byte_level:
        if all(char in _BYTES for char in token):
            return bytes(_BYTES[char] for char in token)
        return token.encode()
    if len(token) == 6 and token.startswith("<0x") and token.endswith(">"):
        return bytes([int(token[3:5], 16)])
    return token.replace("\u2581", " ").encode()
