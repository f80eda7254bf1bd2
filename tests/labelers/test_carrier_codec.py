"""Chunks, grains and binds, against the published vectors and a naive field."""

from __future__ import annotations

import functools
import hashlib
import itertools
import operator
import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelers.watermarks.carrier_codec import (
    CHUNKS,
    GRAIN_RUN,
    SECOND_RUN,
    START_NIBBLES,
    Binder,
    bind_letters,
    chunk_of,
    encode,
    first_of,
    grain_heads,
    has_grains,
    restore,
    second_of,
    split_run,
    start_parts,
)

KEY = b"k" * 32
NUMBER = 0x1122334455667788
MESSAGE = bytes.fromhex("11071234112233445566778885298323798f2abc")
GRAINS = [
    "1107123411",
    "2233445566",
    "7788852983",
    "23798f2abc",
    "a5342a9427",
    "6f4ebe3451",
    "941a7e391d",
    "592fd657fc",
    "94dcea627f",
    "6d54bcf81c",
    "f7c0d72655",
]
BEFORE = "春天来了，公园里的花都开了，"


def hexed(chunk: bytes) -> str:
    return "".join(f"{value:x}" for value in chunk)


def multiply(a: int, b: int) -> int:
    """Schoolbook product in GF(16) modulo x^4 + x + 1."""
    product = 0
    for bit in range(4):
        if b >> bit & 1:
            product ^= a << bit
    for bit in (6, 5, 4):
        if product >> bit & 1:
            product ^= 0b10011 << (bit - 4)
    return product


def naive_nibble(data: list[int], j: int) -> int:
    """The value at alpha^j of the one polynomial of degree 3 through four nibbles: all 65,536 are tried."""
    powers = [1]
    for _ in range(14):
        powers.append(multiply(powers[-1], 2))
    products = [[multiply(a, b) for b in range(16)] for a in range(16)]

    def at(c: tuple[int, ...], x: int) -> int:
        square = products[x][x]
        return c[0] ^ products[c[1]][x] ^ products[c[2]][square] ^ products[c[3]][products[square][x]]

    fits = [
        c
        for c in itertools.product(range(16), repeat=4)
        if at(c, 1) == data[0] and [at(c, x) for x in powers[1:4]] == data[1:]
    ]
    assert len(fits) == 1
    return at(fits[0], powers[j])


def test_chunks_equal_the_published_vector() -> None:
    assert [hexed(chunk) for chunk in encode(MESSAGE)] == GRAINS


@pytest.mark.parametrize("j", [4, 9, 10])
def test_a_parity_nibble_equals_brute_force_interpolation(j: int) -> None:
    data = [int(chunk[0], 16) for chunk in GRAINS[:4]]
    assert encode(MESSAGE)[j][0] == naive_nibble(data, j)


@pytest.mark.parametrize("message", [MESSAGE, bytes(20), bytes(range(20)), b"\xff" * 20])
def test_any_four_chunks_restore_the_message(message: bytes) -> None:
    chunks = encode(message)
    for four in itertools.combinations(range(CHUNKS), 4):
        assert restore({index: chunks[index] for index in four}) == message


def test_any_four_chunks_tell_how_the_message_begins() -> None:
    chunks, others = encode(MESSAGE), encode(bytes(range(20)))
    for four in itertools.combinations(range(CHUNKS), 4):
        parts = start_parts({index: [chunks[index], others[index]] for index in four})
        for message, which in ((MESSAGE, 0), (bytes(range(20)), 1)):
            start = functools.reduce(operator.xor, (part[which] for part in parts))
            assert hexed(start.to_bytes(START_NIBBLES, "big")) == message.hex()[:START_NIBBLES]


@pytest.mark.parametrize("count", [0, 3, 5])
def test_restore_takes_exactly_four_chunks(count: int) -> None:
    with pytest.raises(ValueError):
        restore(dict(enumerate(encode(MESSAGE)[:count])))


def grain(digits: str) -> str:
    """`digits`: index, ten data and two bind nibbles as the vectors print them."""
    return chr(0xFE03 + int(digits[0], 16)) + "".join(chr(0xFE00 + int(digit, 16)) for digit in digits[1:])


@pytest.mark.parametrize(("index", "digits"), [(0, "01107123411bb"), (4, "4a5342a9427a7")])
def test_grain_and_bind_equal_the_published_vector(index: int, digits: str) -> None:
    binder = Binder(KEY, NUMBER)
    head = grain_heads(MESSAGE)[index]
    assert head + binder.chars(bind_letters(BEFORE), index) == grain(digits)


def test_a_grain_gives_back_its_chunk() -> None:
    chunks = encode(MESSAGE)
    assert [chunk_of(head + "\ufe00\ufe00") for head in grain_heads(MESSAGE)] == list(enumerate(chunks))


@given(st.binary(min_size=20, max_size=20))
def test_the_heads_of_the_writer_hold_the_chunks_of_the_code(message: bytes) -> None:
    heads = grain_heads(message)
    assert [chunk_of(head + "\ufe00\ufe00") for head in heads] == list(enumerate(encode(message)))


def naive_letters(before: str) -> bytes:
    folded = unicodedata.normalize("NFKC", before).lower()
    return "".join(char for char in folded if char.isalnum())[-12:].encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    "before",
    [
        BEFORE,
        "",
        "a",
        "Hello, World! This is IT.",
        "ＦＵＬＬ　ｗｉｄｔｈ，全角",
        "ﬁn ½ ㎏ ①②③ Ⅳ",
        "cafe\u0301 au lait dore\u0301 e\u0301te\u0301",
        "한국어 문장입니다, 그리고",
        "が\u3099か\u3099",
        "中文_and_English 混排 v2.0",
        "ΟΔΟΣ ΣΑΣ",
        "\ud800 lone",
    ],
)
def test_bind_letters_are_the_last_twelve_letters_or_digits(before: str) -> None:
    assert bind_letters(before) == naive_letters(before)


@given(st.text(st.characters(codec="utf-8"), max_size=64))
def test_bind_letters_equal_the_naive_reading_of_any_short_text(before: str) -> None:
    assert bind_letters(before) == naive_letters(before)


@given(st.text("abc ,，。中文字0é", min_size=64, max_size=200))
def test_bind_letters_look_back_no_further_than_their_window(before: str) -> None:
    assert bind_letters(before) == naive_letters(before[-64:])


def test_bind_is_the_first_byte_of_a_keyed_blake2b() -> None:
    secret = hashlib.sha256(b"ZWM1|bind|" + KEY + NUMBER.to_bytes(8, "big")).digest()
    for index in range(CHUNKS):
        digest = hashlib.blake2b(b"abc" + bytes([index]), digest_size=4, key=secret).digest()
        assert Binder(KEY, NUMBER).byte(b"abc", index) == digest[0]


G1, G2 = grain("01107123411bb"), grain("4a5342a9427a7")


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        (f"a{G1}b", [G1]),
        (f"{G1}", [G1]),
        (f"a{G1}{G2}", [G1 + G2]),
        (f"a{G1}b{G2}", [G1, G2]),
        (f"a{G1[:-1]}b", []),
        (f"a{G1}\ufe00b", []),
        (f"a\ufe00{G1}b", []),
        (f"\ufe0f{G1}b", []),
        (f"a{G1}\U000e0100b", []),
        (f"a\U000e0100{G1}b", []),
        ("a" + "\ufe00" * 13, []),
        ("a\ufe0e" + G1[1:], []),
        ("❤️ 葛\U000e0100城市 ⛄︎", []),
    ],
)
def test_sync_finds_runs_of_whole_grains_only(text: str, runs: list[str]) -> None:
    assert [run[0] for run in GRAIN_RUN.finditer(text)] == runs


def test_a_run_is_split_into_its_grains() -> None:
    assert split_run(G1 + G2) == [G1, G2]


def test_text_without_index_characters_is_passed_over() -> None:
    assert not has_grains("plain")
    assert not has_grains("❤️ 中文")
    assert has_grains(f"中{G1}文")


@given(st.binary(min_size=20, max_size=20), st.integers(1, 4))
def test_the_second_spelling_says_the_same(message: bytes, count: int) -> None:
    grains = "".join(head + "\ufe05\ufe0a" for head in grain_heads(message)[-count:])
    second = second_of(grains)
    assert len(second) == 26 * count
    assert SECOND_RUN.fullmatch(second)
    assert first_of(second) == grains
    assert has_grains(f"中{second}")


@pytest.mark.parametrize(
    "run", ["\u2061" * 25, "\u2061" * 27, "\u2063\u2064" + "\u2061" * 24, "\u2064" + "\u2061" * 25]
)
def test_what_is_no_whole_second_grain_is_none(run: str) -> None:
    assert SECOND_RUN.search(f"a{run}b") is None


def test_no_grain_starts_with_a_standard_variant() -> None:
    rng = random.Random(1)
    for _ in range(50):
        assert all("\ufe03" <= head[0] <= "\ufe0d" for head in grain_heads(rng.randbytes(20)))
