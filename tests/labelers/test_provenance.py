"""The message of a carrier: fields, tag, key epochs."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelers.provenance import (
    ATTRIBUTES,
    Epoch,
    KeyRing,
    KeyState,
    Provenance,
    content_number,
    header,
    short_code,
    tag,
)

MASTER = b"m" * 32
NUMBER = 0x1122334455667788
START_2026 = 1_767_225_600_000


def test_message_equals_the_published_vector() -> None:
    head = header(Provenance("x", NUMBER, 1, 7), 0x1234)
    assert (head + tag(b"k" * 32, head)).hex() == "11071234112233445566778885298323798f2abc"


def test_content_number_is_milliseconds_since_2026_above_24_random_bits() -> None:
    assert content_number(START_2026, 0) == 0
    assert content_number(START_2026 + 5, 0xABCDEF) == 5 << 24 | 0xABCDEF


@pytest.mark.parametrize(
    ("unix_ms", "random24"),
    [(START_2026 - 1, 0), (START_2026 + (1 << 40), 0), (START_2026, -1), (START_2026, 1 << 24)],
)
def test_content_number_refuses_what_does_not_fit(unix_ms: int, random24: int) -> None:
    with pytest.raises(ValueError):
        content_number(unix_ms, random24)


def test_provenance_tells_content_id_and_time() -> None:
    provenance = Provenance("x", content_number(START_2026 + 1_234, 0xFF))
    assert provenance.content_id == "00000004d20000ff"
    assert provenance.created_ms == START_2026 + 1_234


@pytest.mark.parametrize(
    ("number", "attribute", "kid"), [(-1, 1, 1), (1 << 64, 1, 1), (0, 4, 1), (0, 1, 256), (0, 1, -1)]
)
def test_provenance_refuses_fields_out_of_range(number: int, attribute: int, kid: int) -> None:
    with pytest.raises(ValueError):
        Provenance("x", number, attribute, kid)


def test_keys_are_derived_by_hkdf_per_epoch() -> None:
    prk = hmac.digest(bytes(32), MASTER, "sha256")
    assert KeyRing(MASTER).key(3) == hmac.digest(prk, b"zwm1|3\x01", "sha256")
    assert KeyRing(MASTER).key(3) != KeyRing(MASTER).key(4)


@given(
    number=st.integers(0, 2**64 - 1),
    attribute=st.sampled_from(sorted(ATTRIBUTES)),
    name=st.text("ABC123", min_size=1, max_size=27),
)
def test_what_is_packed_verifies_as_itself(number: int, attribute: int, name: str) -> None:
    provenance = Provenance(name, number, attribute, 2)
    ring = KeyRing(MASTER, 2, producers=[name])
    message = ring.pack(provenance)
    assert len(message) == 20
    assert ring.verify(message) == ring.unpack(message) == provenance


@given(at=st.integers(0, 159))
def test_no_flipped_bit_verifies(at: int) -> None:
    ring = KeyRing(MASTER, producers=["x"])
    message = int.from_bytes(ring.pack(Provenance("x", NUMBER)), "big")
    assert ring.verify((message ^ 1 << at).to_bytes(20, "big")) is None


def test_another_master_does_not_verify() -> None:
    assert KeyRing(b"o" * 32).verify(KeyRing(MASTER).pack(Provenance("x", NUMBER))) is None


def test_a_wrong_length_is_no_message() -> None:
    assert KeyRing(MASTER).unpack(b"\x11" * 19) is None


def test_an_unknown_producer_is_named_by_its_short_code() -> None:
    found = KeyRing(MASTER).verify(KeyRing(MASTER).pack(Provenance("somebody", NUMBER)))
    assert found is not None
    assert found.producer == f"{short_code('somebody'):04x}"


def test_a_registry_id_takes_the_place_of_the_hash() -> None:
    ring = KeyRing(MASTER, registry={"somebody": 0x1234})
    message = ring.pack(Provenance("somebody", NUMBER))
    assert message[2:4] == b"\x12\x34"
    assert ring.verify(message) == Provenance("somebody", NUMBER)


def test_older_epochs_verify_and_do_not_sign() -> None:
    old = KeyRing(MASTER, 1).pack(Provenance("x", NUMBER, key_id=1))
    ring = KeyRing(MASTER, 3, producers=["x"])
    assert ring.kids() == (1, 2, 3)
    assert ring.verify(old) == Provenance("x", NUMBER)
    with pytest.raises(ValueError, match="does not sign"):
        ring.pack(Provenance("x", NUMBER, key_id=1))


def test_an_epoch_that_is_not_known_yet_neither_signs_nor_verifies() -> None:
    future = KeyRing(MASTER, 4).pack(Provenance("x", NUMBER, key_id=4))
    ring = KeyRing(MASTER, 3)
    assert ring.verify(future) is None
    with pytest.raises(ValueError, match="does not sign"):
        ring.pack(Provenance("x", NUMBER, key_id=4))


@pytest.mark.parametrize(
    ("not_after", "verified"), [(None, False), (NUMBER - 1, False), (NUMBER, True), (NUMBER + 1, True)]
)
def test_a_leaked_epoch_vouches_up_to_its_not_after(not_after: int | None, verified: bool) -> None:
    message = KeyRing(MASTER, 1).pack(Provenance("x", NUMBER))
    epochs = {1: Epoch(KeyState.LEAKED, not_after), 2: Epoch()}
    assert (KeyRing(MASTER, 2, epochs=epochs).verify(message) is not None) is verified


@pytest.mark.parametrize(
    ("master", "current", "epochs"),
    [
        (b"short", 1, None),
        (MASTER, 2, {1: Epoch()}),
        (MASTER, 1, {1: Epoch(KeyState.VERIFY_ONLY)}),
        (MASTER, 1, {1: Epoch(), 256: Epoch()}),
    ],
)
def test_a_ring_refuses_a_weak_master_and_epochs_that_cannot_work(
    master: bytes, current: int, epochs: dict[int, Epoch] | None
) -> None:
    with pytest.raises(ValueError):
        KeyRing(master, current, epochs=epochs)


def test_other_providers_keys_are_read_side_by_side() -> None:
    other = KeyRing(b"o" * 32, producers=["other"])
    ring = KeyRing(MASTER, producers=["own"], others=[other])
    message = other.pack(Provenance("other", NUMBER))
    opened = ring.open(message)
    assert opened == (Provenance("other", NUMBER), other.key(1))
    assert ring.verify(ring.pack(Provenance("own", NUMBER))) == Provenance("own", NUMBER)


def test_a_ring_of_shared_keys_reads_their_epochs_and_signs_nothing() -> None:
    theirs = KeyRing(MASTER, 2)
    shared = KeyRing.verifying({1: theirs.key(1)}, producers=["x"])
    assert shared.kids() == (1,)
    assert shared.verify(KeyRing(MASTER, 1).pack(Provenance("x", NUMBER))) == Provenance("x", NUMBER)
    assert shared.verify(theirs.pack(Provenance("x", NUMBER, key_id=2))) is None
    with pytest.raises(ValueError, match="does not sign"):
        shared.pack(Provenance("x", NUMBER))
    leaked = KeyRing.verifying({1: theirs.key(1)}, epochs={1: Epoch(KeyState.LEAKED, NUMBER - 1)})
    assert leaked.verify(KeyRing(MASTER, 1).pack(Provenance("x", NUMBER))) is None


@pytest.mark.parametrize("message", [b"", b"\x11", bytes(19), bytes(21)])
def test_what_is_no_message_opens_with_no_key(message: bytes) -> None:
    assert KeyRing(MASTER, others=[KeyRing(b"o" * 32)]).open(message) is None


def test_a_signed_message_of_another_version_says_nothing() -> None:
    ring = KeyRing(MASTER)
    head = bytes((0x21, 1)) + bytes(10)
    assert ring.open(head + tag(ring.key(1), head)) is None


def test_every_message_that_a_known_key_signed_has_one_of_the_starts() -> None:
    ring = KeyRing(MASTER, 2, producers=["x"], others=[KeyRing(b"o" * 32, producers=["y"])])
    nibbles = {start.hex()[1::2] for start in ring.starts()}
    assert len(nibbles) == len(ATTRIBUTES) * len({*ring.kids(), 1})
    for attribute in ATTRIBUTES:
        for kid in ring.kids():
            assert ring.signed(Provenance("nobody knows", NUMBER, attribute, kid)).hex()[:4] in nibbles


def test_headers_lists_how_messages_of_known_producers_start() -> None:
    ring = KeyRing(MASTER, 2, producers=["x"], others=[KeyRing(b"o" * 32, producers=["y"])])
    heads = set(ring.headers())
    assert len(heads) == len(ATTRIBUTES) * 3
    assert ring.pack(Provenance("x", NUMBER, 2, 2))[:4] in heads
