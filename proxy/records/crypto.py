"""Keys of the records: findings are sealed, texts are kept as keyed digests, heads are signed.

All keys come from the master key of the installation (`proxy.keys.KeyFile.derive`), each under its own info.
"""

from __future__ import annotations

import hmac
import os
import struct
from dataclasses import replace
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proxy.records.record import Record, StoredRecord, decode_json

__all__ = ["KeySource", "RecordCipher"]

_VERSION = 1
_PREFIX = struct.Struct(">BI12s")  # version, key epoch, nonce


class KeySource(Protocol):
    """What the records need of a key file."""

    @property
    def current(self) -> int:
        """The key epoch that writes."""
        ...

    def derive(self, info: str) -> bytes:
        """32 bytes for one purpose."""
        ...


class RecordCipher:
    """Seals what was found and opens it again: AES-256-GCM, one key an epoch, bound to the request id.

    A sealed value is version (1 byte), epoch (4 bytes, big-endian), nonce (12 bytes), ciphertext and tag.
    The nonce is random, which NIST SP 800-38D (8.3) allows for 2^32 values under one key: rotate before.
    """

    def __init__(self, keys: KeySource) -> None:
        self._keys = keys
        self._epoch = keys.current
        self._by_epoch: dict[int, AESGCM] = {}
        self._digest_key = keys.derive("inkseal|digest|1")
        self.head_key = keys.derive("inkseal|heads|1")

    def _cipher(self, epoch: int) -> AESGCM:
        cipher = self._by_epoch.get(epoch)
        if cipher is None:
            cipher = self._by_epoch[epoch] = AESGCM(self._keys.derive(f"inkseal|records|{epoch}"))
        return cipher

    def seal(self, secret: bytes, request_id: str) -> bytes:
        """Encrypt under the current epoch, bound to the request."""
        nonce = os.urandom(12)
        sealed = self._cipher(self._epoch).encrypt(nonce, secret, request_id.encode())
        return _PREFIX.pack(_VERSION, self._epoch, nonce) + sealed

    def unseal(self, sealed: bytes, request_id: str) -> dict[str, Any]:
        """The findings in clear; ValueError when the bytes, the request id or the key do not fit."""
        try:
            version, epoch, nonce = _PREFIX.unpack_from(sealed)
            if version != _VERSION:
                raise ValueError(f"sealed with unknown version {version}")
            clear = self._cipher(epoch).decrypt(nonce, sealed[_PREFIX.size :], request_id.encode())
        except (InvalidTag, struct.error) as error:
            raise ValueError(
                f"what was found in request {request_id!r} cannot be opened with these keys"
            ) from error
        value: dict[str, Any] = decode_json(clear)
        return value

    def opened(self, stored: StoredRecord) -> Record:
        """The record with its `secret` in clear, if it has one."""
        if stored.sealed is None:
            return stored.record
        return replace(stored.record, secret=self.unseal(stored.sealed, stored.record.request_id))

    def digest(self, text: str) -> str:
        """HMAC-SHA256 of a text, 64 hex digits: nobody without the key can guess at the text."""
        return hmac.digest(self._digest_key, text.encode("utf-8", "surrogatepass"), "sha256").hex()
