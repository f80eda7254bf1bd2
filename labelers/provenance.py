"""Who put a text out, when, and under which key: the message that a watermark carries.

Twenty bytes, big-endian, as the carrier frame lays them down:

    0   version (4 bits) | attribute (4 bits)
    1   key id (epoch)
    2   provider short code, 16 bits
    4   content number, 64 bits: 40-bit milliseconds since 2026-01-01 UTC | 24 random bits
    12  tag, 64 bits: HMAC-SHA256 over bytes 0..11 under the key of the epoch

Anyone can read the first twelve; only a holder of the key can verify the last eight.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

__all__ = [
    "ATTRIBUTES",
    "MESSAGE_BYTES",
    "Epoch",
    "KeyRing",
    "KeyState",
    "Provenance",
    "content_number",
    "header",
    "short_code",
    "tag",
]

MESSAGE_BYTES = 20
VERSION = 1
ATTRIBUTES: Mapping[int, str] = MappingProxyType({1: "属于", 2: "可能", 3: "疑似", 8: "AI-edited"})
_EPOCH_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
_HEADER_BYTES = 12
_TAG_DOMAIN = b"ZWM1|msg|"


def content_number(unix_ms: int, random24: int) -> int:
    """The 64-bit number of one text: when it was made, and 24 random bits to tell its twins apart.

    ValueError: a time before 2026 or after 2060, or more than 24 random bits.
    """
    since = unix_ms - _EPOCH_MS
    if not 0 <= since < 1 << 40:
        raise ValueError(f"time outside the 40-bit range since 2026-01-01: {unix_ms} ms")
    if not 0 <= random24 < 1 << 24:
        raise ValueError("random24 needs 0 <= n < 2**24")
    return since << 24 | random24


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who, what and when of one text.

    `producer` is a provider code (27 characters) or an ASCII name, `attribute` a key of `ATTRIBUTES`,
    `key_id` the epoch (0..255) that signs. ValueError: a field out of its range.
    """

    producer: str
    content_number: int
    attribute: int = 1
    key_id: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.content_number < 1 << 64:
            raise ValueError("content_number needs 64 bits")
        if self.attribute not in ATTRIBUTES:
            raise ValueError(f"attribute must be one of {sorted(ATTRIBUTES)}: {self.attribute}")
        if not 0 <= self.key_id < 256:
            raise ValueError(f"key_id needs 8 bits: {self.key_id}")

    @property
    def content_id(self) -> str:
        """16 lower-case hex digits; the ProduceID of the implicit label."""
        return f"{self.content_number:016x}"

    @property
    def created_ms(self) -> int:
        """Unix time in milliseconds."""
        return (self.content_number >> 24) + _EPOCH_MS


def short_code(producer: str) -> int:
    """The 16-bit code of a producer that has no registry id: the start of its SHA-256."""
    return int.from_bytes(hashlib.sha256(producer.encode()).digest()[:2], "big")


def header(provenance: Provenance, provider: int) -> bytes:
    """Bytes 0..11 of the message."""
    first = bytes((VERSION << 4 | provenance.attribute, provenance.key_id))
    return first + provider.to_bytes(2, "big") + provenance.content_number.to_bytes(8, "big")


def tag(key: bytes, head: bytes) -> bytes:
    """Bytes 12..19 of the message: what only a key holder can make."""
    return hmac.digest(key, _TAG_DOMAIN + head, "sha256")[:8]


class KeyState(StrEnum):
    """`active` signs and verifies; `verify_only` is retired; `leaked` verifies up to its not-after."""

    ACTIVE = "active"
    VERIFY_ONLY = "verify_only"
    LEAKED = "leaked"


@dataclass(frozen=True, slots=True)
class Epoch:
    """One key's life. `not_after`: the last content number that a leaked key still vouches for.

    A leaked epoch without one vouches for nothing: whoever has the key can date a forgery back.
    """

    state: KeyState = KeyState.ACTIVE
    not_after: int | None = None


class KeyRing:
    """The keys of one provider, and those of others beside it that are read but never signed with.

    `master`: at least 16 secret bytes. `current`: the epoch that signs. `epochs`: the known epochs; by
    default all from 1 to the current one, older ones for verifying only. `producers`: names that a read
    short code is turned back into. `registry`: registered 16-bit ids of producers, instead of the hash.
    K_kid = HKDF-SHA256(master, no salt, info "zwm1|<kid>", 32 bytes) (RFC 5869).
    ValueError: a short master, or a current epoch that is not active.
    """

    def __init__(
        self,
        master: bytes,
        current: int = 1,
        *,
        epochs: Mapping[int, Epoch] | None = None,
        producers: Iterable[str] = (),
        registry: Mapping[str, int] | None = None,
        others: Sequence[KeyRing] = (),
    ) -> None:
        if len(master) < 16:
            raise ValueError("the master secret needs at least 16 bytes")
        if epochs is None:
            epochs = {kid: Epoch(KeyState.VERIFY_ONLY) for kid in range(1, current)} | {current: Epoch()}
        if current not in epochs or epochs[current].state is not KeyState.ACTIVE:
            raise ValueError(f"the current key epoch {current} is not active")
        if not all(0 <= kid < 256 for kid in epochs):
            raise ValueError("a key epoch needs 8 bits")
        self._extract = hmac.digest(bytes(32), master, "sha256")
        self._epochs = dict(epochs)
        self._codes = {name: short_code(name) for name in producers} | dict(registry or {})
        self._names = {code: name for name, code in self._codes.items()}
        self._others = tuple(others)
        self._keys: dict[int, bytes] = {}
        self.current = current

    @classmethod
    def verifying(
        cls,
        keys: Mapping[int, bytes],
        *,
        epochs: Mapping[int, Epoch] | None = None,
        producers: Iterable[str] = (),
    ) -> KeyRing:
        """A ring that only reads: the keys K_kid that another provider shared, without its master."""
        ring = cls(bytes(32), 0, epochs={0: Epoch()}, producers=producers)
        shared = epochs or {kid: Epoch(KeyState.VERIFY_ONLY) for kid in keys}
        ring._epochs = {kid: epoch for kid, epoch in shared.items() if epoch.state is not KeyState.ACTIVE}
        ring._keys = dict(keys)
        return ring

    def key(self, kid: int) -> bytes:
        """K_kid, 32 bytes."""
        if kid not in self._keys:
            self._keys[kid] = hmac.digest(self._extract, f"zwm1|{kid}".encode() + b"\x01", "sha256")
        return self._keys[kid]

    def kids(self) -> tuple[int, ...]:
        """The known epochs, ascending."""
        return tuple(sorted(self._epochs))

    def state(self, kid: int) -> KeyState:
        """KeyError: an epoch that is not known."""
        return self._epochs[kid].state

    def code(self, producer: str) -> int:
        """The 16 bits that stand for this producer in a message."""
        code = self._codes.get(producer)
        return short_code(producer) if code is None else code

    def codes(self) -> tuple[int, ...]:
        """Those of the producers that are known by name, without those of other providers."""
        return tuple(self._names)

    def headers(self) -> Iterator[bytes]:
        """Every start (bytes 0..3) of a message that a known producer can have, the likely ones first."""
        for attribute in ATTRIBUTES:
            for ring in (self, *self._others):
                for kid in reversed(ring.kids()):
                    for code in ring._names:
                        yield bytes((VERSION << 4 | attribute, kid)) + code.to_bytes(2, "big")

    def starts(self) -> frozenset[bytes]:
        """The first four nibbles of every message that a key known here can have signed."""
        kids = {kid for ring in (self, *self._others) for kid in ring._epochs}
        return frozenset(
            bytes((VERSION, attribute, kid >> 4, kid & 15)) for attribute in ATTRIBUTES for kid in kids
        )

    def pack(self, provenance: Provenance) -> bytes:
        """The signed message, 20 bytes. ValueError: an epoch that does not sign."""
        epoch = self._epochs.get(provenance.key_id)
        if epoch is None or epoch.state is not KeyState.ACTIVE:
            raise ValueError(f"key epoch {provenance.key_id} does not sign")
        return self.signed(provenance)

    def signed(self, provenance: Provenance) -> bytes:
        """The message as its key signed it once, whatever has become of the epoch: for comparing, not for writing."""
        head = header(provenance, self.code(provenance.producer))
        return head + tag(self.key(provenance.key_id), head)

    def vouches_for(self, provenance: Provenance) -> bool:
        """Whether the epoch is one of ours and its key still says anything about this number."""
        epoch = self._epochs.get(provenance.key_id)
        return epoch is not None and _vouches(epoch, provenance.content_number)

    def unpack(self, message: bytes) -> Provenance | None:
        """What a message says of itself, unverified; None where it is not one of ours.

        A producer whose name nobody told us is given by its short code, four hex digits.
        """
        if len(message) != MESSAGE_BYTES or message[0] >> 4 != VERSION or message[0] & 15 not in ATTRIBUTES:
            return None
        code = int.from_bytes(message[2:4], "big")
        number = int.from_bytes(message[4:_HEADER_BYTES], "big")
        return Provenance(self._names.get(code, f"{code:04x}"), number, message[0] & 15, message[1])

    def verify(self, message: bytes) -> Provenance | None:
        """The provenance, if a known key signed it and still vouches for it; else None."""
        opened = self.open(message)
        return opened[0] if opened else None

    def open(self, message: bytes) -> tuple[Provenance, bytes] | None:
        """As `verify`, with the key that signed."""
        # The tag first: a detector tries thousands of messages, and nearly none of them is one.
        if len(message) == MESSAGE_BYTES:
            epoch = self._epochs.get(message[1])
            if epoch is not None:
                key = self.key(message[1])
                if hmac.compare_digest(tag(key, message[:_HEADER_BYTES]), message[_HEADER_BYTES:]):
                    provenance = self.unpack(message)
                    if provenance is not None and _vouches(epoch, provenance.content_number):
                        return provenance, key
        for ring in self._others:
            if opened := ring.open(message):
                return opened
        return None


def _vouches(epoch: Epoch, number: int) -> bool:
    if epoch.state is not KeyState.LEAKED:
        return True
    return epoch.not_after is not None and number <= epoch.not_after
