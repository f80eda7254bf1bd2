"""The hash chain of one writer, its head, and the short string that names the heads of all chains. Pure.

hash_i = SHA-256(hash_(i-1) || canonical row i). Anybody can recompute that, so each head is also signed
(HMAC-SHA256): whoever rewrites rows without the key cannot sign the new head. A cut back to an older signed
head is noticed through the head file, through chains that witnessed a later one, or through a head that was
noted elsewhere.

Chains witness each other: the first row of a writer names the heads that it found. So the heads that
nobody has witnessed yet, the tips, stand for everything, and the string that an operator notes stays short.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Head",
    "NotedHead",
    "Writer",
    "format_heads",
    "genesis",
    "heads_from_json",
    "heads_to_json",
    "link",
    "parse_heads",
    "sign_head",
    "tips",
]

_NOTED_HASH_DIGITS = 32
_NOTED = re.compile(rf"([0-9a-f]{{16}}):([0-9]{{1,15}}):([0-9a-f]{{{_NOTED_HASH_DIGITS}}})")


@dataclass(frozen=True, slots=True)
class Writer:
    """One process that writes: boot id, process id, its start (clock ticks after boot) and a random part."""

    boot_id: str
    pid: int
    started: int
    nonce: str

    @property
    def id(self) -> str:
        """16 hex digits that stand for the four."""
        identity = f"{self.boot_id}|{self.pid}|{self.started}|{self.nonce}"
        return hashlib.sha256(identity.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Head:
    """The last row of a chain: `seq` 1, 2, …, `hash` 32 bytes."""

    writer: str
    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class NotedHead:
    """A head as somebody noted it; `hash_start` is the first half of the hash, in hex."""

    writer: str
    seq: int
    hash_start: str


def genesis(writer: str) -> bytes:
    """What stands before the first row of a chain."""
    return hashlib.sha256(f"inkseal|chain|1|{writer}".encode()).digest()


def link(prev: bytes, row: bytes) -> bytes:
    """The hash of a row that follows the row with hash `prev`."""
    return hashlib.sha256(prev + row).digest()


def sign_head(key: bytes, head: Head, month: str) -> bytes:
    """HMAC-SHA256 over the head and the monthly file in which its row stands."""
    text = f"{head.writer}|{head.seq}|{head.hash.hex()}|{month}"
    return hmac.digest(key, text.encode(), "sha256")


def heads_to_json(heads: Iterable[Head]) -> dict[str, list[Any]]:
    """Heads as they stand in the fields of a record: writer to [seq, hash in hex]."""
    return {head.writer: [head.seq, head.hash.hex()] for head in heads}


def heads_from_json(value: Mapping[str, Any]) -> list[Head]:
    """Read what `heads_to_json` wrote."""
    return [Head(writer, int(seq), bytes.fromhex(digest)) for writer, (seq, digest) in value.items()]


def tips(heads: Mapping[str, Head], witnessed: Iterable[Head]) -> list[Head]:
    """The heads that no other chain has witnessed at their present length, by writer."""
    known: dict[str, int] = {}
    for head in witnessed:
        known[head.writer] = max(known.get(head.writer, 0), head.seq)
    return [heads[writer] for writer in sorted(heads) if heads[writer].seq > known.get(writer, 0)]


def format_heads(heads: Iterable[Head]) -> str:
    """The string to note down: writer:seq:hash, joined by commas; "" when there are no rows."""
    return ",".join(f"{head.writer}:{head.seq}:{head.hash.hex()[:_NOTED_HASH_DIGITS]}" for head in heads)


def parse_heads(text: str) -> tuple[NotedHead, ...]:
    """Read what `format_heads` wrote; ValueError names the part that is none."""
    noted = []
    for part in text.strip().split(","):
        match = _NOTED.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"not a noted head (writer:seq:hash): {part.strip()!r}")
        noted.append(NotedHead(match[1], int(match[2]), match[3]))
    return tuple(noted)
