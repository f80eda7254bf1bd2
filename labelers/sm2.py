"""SM3withSM2 signatures (GB/T 32918.2, GB/T 32905), through the libcrypto that Python itself runs with.

The package `cryptography` has SM3 but no SM2, and the packages that have it are slower by an order of
magnitude, unkept or without wheels (docs/benchmarks.md). OpenSSL 3 has both and is kept up to date by the
system, so it is called directly: the shared object of `hashlib` is the handle, hence no second library is
searched for. Builds without SM2 (Fedora, RHEL) raise `Sm2Error`, which says so.

Keys and signatures come in more spellings than one; `points` and `der_signature` read them all. A public key
is passed on as a point: x || y, 64 bytes, big-endian.
"""

from __future__ import annotations

import _hashlib
import ctypes
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_size_t, c_ulong, c_void_p
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SM3, Hash

__all__ = [
    "DEFAULT_ID",
    "ORDER",
    "SigningKey",
    "Sm2Error",
    "der_signature",
    "points",
    "sm3",
    "spki",
    "verify",
]

DEFAULT_ID = b"1234567812345678"  # GM/T 0009-2012, 10
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93

# SubjectPublicKeyInfo of an uncompressed point on the curve: id-ecPublicKey, 1.2.156.10197.1.301, BIT STRING.
_SPKI_HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")
_CURVE_OID = bytes.fromhex("06082a811ccf5501822d")
# ECPrivateKey (RFC 5915) without its public part.
_PRIVATE_HEAD = bytes.fromhex("30310201010420")
_PRIVATE_TAIL = bytes.fromhex("a00a") + _CURVE_OID
_OPENSSL_3 = 0x30000000
_MAX_SIGNATURE = 80

_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "d2i_AutoPrivateKey": (c_void_p, [c_void_p, POINTER(c_char_p), c_long]),
    "d2i_PUBKEY": (c_void_p, [c_void_p, POINTER(c_char_p), c_long]),
    "i2d_PUBKEY": (c_int, [c_void_p, c_void_p]),
    "ERR_clear_error": (None, []),
    "EVP_DigestSign": (c_int, [c_void_p, c_void_p, POINTER(c_size_t), c_char_p, c_size_t]),
    "EVP_DigestSignInit": (c_int, [c_void_p] * 5),
    "EVP_DigestVerify": (c_int, [c_void_p, c_char_p, c_size_t, c_char_p, c_size_t]),
    "EVP_DigestVerifyInit": (c_int, [c_void_p] * 5),
    "EVP_MD_CTX_free": (None, [c_void_p]),
    "EVP_MD_CTX_new": (c_void_p, []),
    "EVP_MD_CTX_set_pkey_ctx": (None, [c_void_p, c_void_p]),
    "EVP_PKEY_CTX_free": (None, [c_void_p]),
    "EVP_PKEY_CTX_new": (c_void_p, [c_void_p, c_void_p]),
    "EVP_PKEY_CTX_set1_id": (c_int, [c_void_p, c_char_p, c_int]),
    "EVP_PKEY_free": (None, [c_void_p]),
    "EVP_sm3": (c_void_p, []),
}


class Sm2Error(RuntimeError):
    """The libcrypto of this Python cannot do SM2."""


@lru_cache(maxsize=1)
def _openssl() -> dict[str, Callable[..., Any]]:
    """The functions used here, with their types. Raises Sm2Error."""
    try:
        library = ctypes.CDLL(_hashlib.__file__)
        version = library.OpenSSL_version_num
        version.restype = c_ulong
        if version() < _OPENSSL_3:
            raise Sm2Error("SM2 signatures need OpenSSL 3 or newer, which this Python does not use")
        found: dict[str, Callable[..., Any]] = {}
        for name, (restype, argtypes) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = restype, argtypes
            found[name] = function
    except (AttributeError, OSError) as error:
        raise Sm2Error(f"the OpenSSL of this Python has no SM2: {error}") from error
    return found


def sm3(data: bytes) -> bytes:
    """The SM3 digest, 32 bytes (GB/T 32905-2016)."""
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize()


def spki(point: bytes) -> bytes:
    """SubjectPublicKeyInfo, DER, of a point."""
    return _SPKI_HEAD + point


def points(encoded: bytes) -> tuple[bytes, ...]:
    """The points that an encoded public key may stand for; () if it is none on this curve.

    Read are SubjectPublicKeyInfo and X.509 certificates (DER), points as 04 || x || y and x || y, compressed
    points, and the bare x (also behind a zero byte, as MiniMax writes it), which stands for two points.
    """
    if encoded.startswith(b"0") and _CURVE_OID in encoded:
        # A certificate has further bit strings; the key's is the one behind the curve.
        _, _, behind = encoded.partition(_CURVE_OID)
        length = behind[1] if len(behind) > 3 and behind[0] == 3 else 0
        return points(behind[3 : 2 + length]) if length in (66, 34) else ()
    if len(encoded) == 65 and encoded[0] == 4:
        encoded = encoded[1:]
    if len(encoded) == 64:
        x, y = int.from_bytes(encoded[:32]), int.from_bytes(encoded[32:])
        return (encoded,) if max(x, y) < _P and (y * y - _cubic(x)) % _P == 0 else ()
    if len(encoded) == 33 and encoded[0] in (0, 2, 3):
        found = points(encoded[1:])
        return found if encoded[0] == 0 else tuple(p for p in found if p[63] & 1 == encoded[0] & 1)
    if len(encoded) == 32:
        x = int.from_bytes(encoded)
        y = pow(_cubic(x), (_P + 1) // 4, _P)
        return tuple(q for root in (y, _P - y) for q in points(encoded + root.to_bytes(32)))
    return ()


def _cubic(x: int) -> int:
    return (x * x * x - 3 * x + _B) % _P


def der_signature(encoded: bytes) -> bytes | None:
    """A signature as strict DER: from DER with loose integers or from r || s (64 bytes); None if it is neither."""
    if len(encoded) == 64:
        return encode_dss_signature(int.from_bytes(encoded[:32]), int.from_bytes(encoded[32:]))
    if len(encoded) < 8 or encoded[0] != 0x30 or encoded[1] != len(encoded) - 2:
        return None
    numbers, at = [], 2
    while at + 2 <= len(encoded) and encoded[at] == 2:
        end = at + 2 + encoded[at + 1]
        # Unsigned whatever its first bit: some writers leave the leading zero out.
        numbers.append(int.from_bytes(encoded[at + 2 : end]))
        at = end
    if len(numbers) != 2 or at != len(encoded):
        return None
    return encode_dss_signature(*numbers)


@contextmanager
def _digesting(pkey: int, init: str) -> Iterator[int]:
    """An EVP_MD_CTX for SM3withSM2 under the default id. Leaves no error in OpenSSL's queue: `ssl` reads it too."""
    lib = _openssl()
    md, ctx = lib["EVP_MD_CTX_new"](), lib["EVP_PKEY_CTX_new"](pkey, None)
    try:
        if lib["EVP_PKEY_CTX_set1_id"](ctx, DEFAULT_ID, len(DEFAULT_ID)) != 1:
            raise Sm2Error("the OpenSSL of this Python refuses SM2 keys")
        lib["EVP_MD_CTX_set_pkey_ctx"](md, ctx)
        if lib[init](md, None, lib["EVP_sm3"](), None, pkey) != 1:
            raise Sm2Error("the OpenSSL of this Python refuses SM3withSM2")
        yield md
    finally:
        lib["EVP_MD_CTX_free"](md)
        lib["EVP_PKEY_CTX_free"](ctx)
        lib["ERR_clear_error"]()


def verify(point: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a DER signature fits message and key. Raises Sm2Error."""
    lib = _openssl()
    encoded = spki(point)
    pkey = lib["d2i_PUBKEY"](None, byref(c_char_p(encoded)), len(encoded))
    if not pkey:
        lib["ERR_clear_error"]()
        return False
    try:
        with _digesting(pkey, "EVP_DigestVerifyInit") as md:
            verified: int = lib["EVP_DigestVerify"](md, signature, len(signature), message, len(message))
            return verified == 1
    finally:
        lib["EVP_PKEY_free"](pkey)


class SigningKey:
    """A private key; `point` is its public half. Signing draws its randomness in OpenSSL and is thread-safe."""

    def __init__(self, secret: int) -> None:
        """`secret`: 1 … ORDER - 2. ValueError outside of it. Raises Sm2Error."""
        if not 1 <= secret <= ORDER - 2:
            raise ValueError("a private SM2 key lies between 1 and the order of the curve - 2")
        lib = _openssl()
        encoded = _PRIVATE_HEAD + secret.to_bytes(32) + _PRIVATE_TAIL
        self._pkey = lib["d2i_AutoPrivateKey"](None, byref(c_char_p(encoded)), len(encoded))
        if not self._pkey:
            lib["ERR_clear_error"]()
            raise Sm2Error("the OpenSSL of this Python has no SM2")
        weakref.finalize(self, lib["EVP_PKEY_free"], self._pkey)
        buffer = ctypes.create_string_buffer(len(_SPKI_HEAD) + 64)
        lib["i2d_PUBKEY"](self._pkey, byref(c_void_p(ctypes.addressof(buffer))))
        self.point = buffer.raw[len(_SPKI_HEAD) :]

    def sign(self, message: bytes) -> bytes:
        """A DER signature, 70 to 72 bytes."""
        size = c_size_t(_MAX_SIGNATURE)
        buffer = ctypes.create_string_buffer(_MAX_SIGNATURE)
        with _digesting(self._pkey, "EVP_DigestSignInit") as md:
            if _openssl()["EVP_DigestSign"](md, buffer, byref(size), message, len(message)) != 1:
                raise Sm2Error("the OpenSSL of this Python made no SM2 signature")
        return buffer.raw[: size.value]
