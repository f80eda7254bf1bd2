"""SM2 and SM3 against the vectors of the standards, in every spelling of keys and signatures."""

from __future__ import annotations

import gc
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from labelers import sm2
from labelers.sm2 import ORDER, SigningKey, Sm2Error, der_signature, points, sm3, spki, verify

# GB/T 32918.5-2017 annex A.2: the recommended curve, ID 1234567812345678.
SECRET = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8
POINT = bytes.fromhex(
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
MESSAGE = b"message digest"
R = bytes.fromhex("F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3")
S = bytes.fromhex("B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA")
DER = b"\x30\x46\x02\x21\x00" + R + b"\x02\x21\x00" + S


@pytest.fixture
def fresh() -> Iterator[None]:
    """The functions of OpenSSL are looked up anew, and again after the test."""
    sm2._openssl.cache_clear()
    yield
    sm2._openssl.cache_clear()


def test_sm3_gives_the_digest_of_the_standard() -> None:
    # GB/T 32905-2016 annex A.1
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_the_signature_of_the_standard_verifies_and_no_other_does() -> None:
    assert verify(POINT, MESSAGE, DER)
    assert not verify(POINT, MESSAGE + b".", DER)
    assert not verify(SigningKey(5).point, MESSAGE, DER)
    assert not verify(POINT, MESSAGE, DER[:-1] + b"\x00")


def test_the_public_key_of_the_standard_comes_from_its_private_key() -> None:
    assert SigningKey(SECRET).point == POINT


@settings(max_examples=25, deadline=None)
@given(st.integers(1, ORDER - 2), st.binary(max_size=200))
def test_what_a_key_signs_its_public_half_verifies(secret: int, message: bytes) -> None:
    key = SigningKey(secret)
    signature = key.sign(message)
    assert verify(key.point, message, signature)
    assert not verify(key.point, message + b"\0", signature)
    assert points(spki(key.point)) == (key.point,)


@pytest.mark.parametrize("secret", [0, -1, ORDER - 1, ORDER])
def test_a_private_key_outside_of_the_group_is_refused(secret: int) -> None:
    with pytest.raises(ValueError, match="between 1"):
        SigningKey(secret)


X, Y = POINT[:32], POINT[32:]
CERTIFICATE = (
    bytes.fromhex(
        "308201ff308201a5a003020102020100300a06082a811ccf55018375301f"
    )  # its own signature algorithm first
    + bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
    + b"\x04"
    + POINT
    + bytes.fromhex("300a06082a811ccf550183750348003045022100")
    + bytes(32)
)


@pytest.mark.parametrize(
    "encoded",
    [POINT, b"\x04" + POINT, spki(POINT), CERTIFICATE, bytes([2 + (Y[-1] & 1)]) + X],
    ids=["x||y", "04||x||y", "SPKI", "certificate", "compressed"],
)
def test_a_public_key_is_read_in_every_spelling(encoded: bytes) -> None:
    assert points(encoded) == (POINT,)


@pytest.mark.parametrize("encoded", [X, b"\x00" + X])
def test_a_bare_x_stands_for_two_points(encoded: bytes) -> None:
    both = points(encoded)
    assert POINT in both
    assert len(both) == 2
    assert {point[:32] for point in both} == {X}


@pytest.mark.parametrize(
    "encoded",
    [b"", b"\x04", POINT[:-1], POINT[:-1] + b"\x00", b"\x05" + POINT, b"\xff" * 64, b"\x06" + X, (2).to_bytes(32),
     spki(POINT)[:-1], bytes.fromhex("3003") + bytes.fromhex("06082a811ccf5501822d"), spki(POINT[:-1] + b"\x00"),
     spki(POINT).replace(bytes.fromhex("034200"), bytes.fromhex("034100")), b"0" * 40],
)  # fmt: skip
def test_what_is_no_point_of_the_curve_is_no_key(encoded: bytes) -> None:
    assert points(encoded) == ()


def test_a_key_off_the_curve_verifies_nothing() -> None:
    assert not verify(b"\x01" * 64, MESSAGE, DER)


def test_a_signature_is_read_as_der_and_as_two_numbers() -> None:
    assert der_signature(DER) == DER
    assert der_signature(R + S) == DER
    # Without the zero that keeps a number positive, and with more zeros than needed.
    assert der_signature(b"\x30\x44\x02\x20" + R + b"\x02\x20" + S) == DER
    assert der_signature(b"\x30\x4a\x02\x23\0\0\0" + R + b"\x02\x23\0\0\0" + S) == DER


@pytest.mark.parametrize(
    "encoded",
    [b"", b"\x30\x00", DER[:-1], DER + b"\0", b"\x31" + DER[1:], b"\x30\x06\x02\x01\x01\x03\x01\x01",
     b"\x30\x09" + b"\x02\x01\x01" * 3, b"\x30\x06\x02\x01\x01\x02\x04\x01", R],
)  # fmt: skip
def test_what_is_no_signature_is_told(encoded: bytes) -> None:
    assert der_signature(encoded) is None


@given(st.binary(max_size=90))
def test_no_bytes_make_the_readers_raise(data: bytes) -> None:
    points(data)
    signature = der_signature(data)
    assert signature is None or not verify(POINT, MESSAGE, signature)


def test_several_threads_sign_with_one_key() -> None:
    key = SigningKey(SECRET)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(key.sign, [b"%d" % n for n in range(40)]))
    assert all(verify(POINT, b"%d" % n, signature) for n, signature in enumerate(made))
    assert len({decode_dss_signature(signature)[0] for signature in made}) == 40


def test_a_failed_check_leaves_no_error_for_tls_to_trip_over() -> None:
    assert not verify(POINT, MESSAGE, b"\x30\x06\x02\x01\x01\x02\x01\x01")
    assert not verify(b"\x02" * 64, MESSAGE, DER)
    outgoing = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="example.org")
    with pytest.raises(ssl.SSLWantReadError):  # and no other error of OpenSSL
        tls.do_handshake()


def test_a_key_that_nobody_holds_is_freed() -> None:
    freed: list[int] = []
    table = sm2._openssl()
    real = table["EVP_PKEY_free"]
    table["EVP_PKEY_free"] = lambda pkey: (freed.append(pkey), real(pkey))
    try:
        SigningKey(7)
        gc.collect()
    finally:
        table["EVP_PKEY_free"] = real
    assert len(freed) == 1


class _Old:
    """A libcrypto of 1.1.1."""

    class OpenSSL_version_num:  # noqa: N801 - a function of OpenSSL
        def __new__(cls) -> int:  # type: ignore[misc] - called like a function
            return 0x1010117F


def test_an_openssl_before_3_is_named_as_the_reason(monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    monkeypatch.setattr(sm2.ctypes, "CDLL", lambda name: _Old)
    with pytest.raises(Sm2Error, match="OpenSSL 3 or newer"):
        verify(POINT, MESSAGE, DER)


def test_a_libcrypto_that_cannot_be_opened_is_named_as_the_reason(
    monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    def closed(name: str) -> Any:
        raise OSError("no such library")

    monkeypatch.setattr(sm2.ctypes, "CDLL", closed)
    with pytest.raises(Sm2Error, match="no SM2: no such library"):
        SigningKey(SECRET)


@pytest.mark.parametrize(
    ("function", "answer", "call"),
    [
        ("EVP_PKEY_CTX_set1_id", 0, lambda: verify(POINT, MESSAGE, DER)),
        ("EVP_DigestVerifyInit", 0, lambda: verify(POINT, MESSAGE, DER)),
        ("d2i_AutoPrivateKey", None, lambda: SigningKey(SECRET)),
        ("EVP_DigestSign", 0, lambda: SigningKey(SECRET).sign(MESSAGE)),
    ],
)
def test_an_openssl_built_without_sm2_is_told_apart_from_a_wrong_signature(
    monkeypatch: pytest.MonkeyPatch, function: str, answer: Any, call: Any
) -> None:
    monkeypatch.setitem(sm2._openssl(), function, lambda *arguments: answer)
    with pytest.raises(Sm2Error):
        call()
