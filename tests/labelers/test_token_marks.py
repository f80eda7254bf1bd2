"""What writer and reader of engine marks share: hashes, exact tails, the spelling of tokens."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelers.provenance import KeyRing, Provenance
from labelers.token_marks import (
    contexts,
    log10_binomial_tail,
    log10_gamma_tail,
    raw_token,
    spelling,
    token_bits,
    token_hashes,
    uniforms,
)
from labelers.watermarks.engine import Engine, engine_key

KEY = b"an engine's key!"


def slow_mixed(value: int) -> int:
    """The finalizer of splitmix64 as its authors write it, on unsigned integers."""
    mask = (1 << 64) - 1
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & mask
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & mask
    return value ^ (value >> 31)


@given(st.lists(st.integers(-(1 << 63), (1 << 63) - 1), min_size=4, max_size=4))
def test_contexts_and_bits_are_those_of_unsigned_arithmetic(hashes: list[int]) -> None:
    mask = (1 << 64) - 1
    a, b, c, token = (value & mask for value in hashes)
    context = slow_mixed(slow_mixed(slow_mixed((a + 0x9E3779B97F4A7C15) & mask) ^ b) ^ c)
    found = contexts(np.array(hashes[:3], np.int64))
    assert [int(one) & mask for one in found] == [context]
    bits = slow_mixed(slow_mixed(context ^ token) ^ context)
    assert int(token_bits(found, np.array([hashes[3]], np.int64))[0]) & mask == bits
    uniform = float(uniforms(np, np.array([bits - (1 << 64) if bits >> 63 else bits], np.int64))[0])
    assert uniform == ((bits >> 12) + 0.5) / 2**52


def test_random_numbers_of_tokens_are_uniform_and_never_their_ends() -> None:
    hashes = np.array(token_hashes(KEY, [str(at).encode() for at in range(50_000)]), np.int64)
    found = np.sort(uniforms(np, token_bits(contexts(hashes[:3]), hashes)))
    assert found[0] > 0 and found[-1] < 1
    # Kolmogorov and Smirnov: 1.95 / sqrt(n) is exceeded once in a thousand.
    ranks = np.arange(1, len(found) + 1) / len(found)
    assert np.abs(found - ranks).max() < 1.95 / math.sqrt(len(found))
    edges = np.array([0, -1, (1 << 63) - 1, -(1 << 63)], np.int64)
    assert ((uniforms(np, edges) > 0) & (uniforms(np, edges) < 1)).all()


def test_hashes_hang_on_key_and_string() -> None:
    assert token_hashes(KEY, [b" the"]) == token_hashes(KEY, [b" the"])
    assert len({*token_hashes(KEY, [b" the", b"the", b""]), *token_hashes(b"another", [b" the"])}) == 4


@pytest.mark.parametrize("count", [1, 2, 7, 40])
@pytest.mark.parametrize("total", [0.5, 3.0, 40.0, 90.0])
def test_the_gamma_tail_is_the_integral_of_its_density(count: int, total: float) -> None:
    steps = np.linspace(total, total + 40 + 4 * count, 400_001)
    density = np.exp((count - 1) * np.log(steps) - steps - math.lgamma(count))
    assert log10_gamma_tail(total, count) == pytest.approx(
        math.log10(float(np.trapezoid(density, steps))), abs=1e-5
    )


def test_the_gamma_tail_is_told_where_no_float_holds_it() -> None:
    assert log10_gamma_tail(5000.0, 100) < -1500
    assert log10_gamma_tail(10.0, 0) == log10_gamma_tail(0.0, 5) == 0.0


@pytest.mark.parametrize(("ones", "count"), [(0, 10), (5, 10), (10, 10), (37, 60), (60, 60)])
def test_the_binomial_tail_is_the_sum_of_its_terms(ones: int, count: int) -> None:
    exact = sum(math.comb(count, at) for at in range(ones, count + 1)) / 2**count
    assert log10_binomial_tail(ones, count) == pytest.approx(math.log10(exact), abs=1e-9)


@pytest.mark.parametrize(
    ("token", "byte_level", "raw"),
    [
        ("Ġthe", True, b" the"),
        ("ä½ł", True, "你".encode()),
        ("ä", True, b"\xe4"),  # part of a character
        ("Ċ", True, b"\n"),
        ("<|im_end|>", True, b"<|im_end|>"),
        ("特殊", True, "特殊".encode()),  # an added token is no spelling of bytes
        ("▁the", False, b" the"),
        ("<0xE4>", False, b"\xe4"),
        ("你好", False, "你好".encode()),
    ],
)
def test_tokens_are_the_bytes_that_stand_in_a_text(token: str, byte_level: bool, raw: bytes) -> None:
    assert raw_token(token, byte_level) == raw


def test_the_spelling_of_a_vocabulary_shows_in_its_spaces() -> None:
    assert spelling(["Ġ", "Ġthe", "a"]) is True
    assert spelling(["▁the", "a", "Ġ"]) is False
    assert spelling(["a"]) is False


def test_the_scheme_leaves_request_and_text_to_the_engine() -> None:
    ring = KeyRing(b"a key of the tests, 32 bytes it is", 2)
    scheme = Engine(ring, tournament=True)
    transform = scheme.new_transform(Provenance("X", 1, key_id=1))
    assert scheme.mark_request({"a": 1}) == {"a": 1}
    assert transform.feed("words") + transform.flush() == "words"
    assert scheme.key(1) == engine_key(ring, 1) != engine_key(ring, 2)
    assert scheme.tournament and len(scheme.key(1)) == 16
