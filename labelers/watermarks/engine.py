"""The mark that the engine itself writes: the scheme's place in the table, and the key that the engine is given.

What is drawn and how it is read stands in `token_marks`; the plug-ins are in `engines/`.
"""

from __future__ import annotations

import hmac
from typing import TypeVar

from labelers.provenance import KeyRing, Provenance
from labelers.token_marks import NO_MESSAGE
from labelers.transform import Passthrough, TextTransform
from labelers.watermarks.payload import payload_of

__all__ = ["Engine", "engine_key"]

Body = TypeVar("Body")

_KEY_DOMAIN = b"inkseal|engine|1"


def engine_key(ring: KeyRing, kid: int) -> bytes:
    """The key of an epoch that engines draw with, 16 bytes: derived for this use alone, so it opens nothing else."""
    return hmac.digest(ring.key(kid), _KEY_DOMAIN, "sha256")[:16]


class Engine:
    """The scheme. `tournament`: tokens are drawn as SynthID-Text does, else by Gumbel noise; `payload`: the mark names the
    answer.
    """

    name = "engine"

    def __init__(self, keys: KeyRing, tournament: bool = False, payload: bool = False) -> None:
        self._keys = keys
        self._payload = payload
        self.tournament = tournament

    def mark_request(self, body: Body) -> Body:
        """The request as it is: what an engine is told depends on which one it is (`engines.sending`)."""
        return body

    def new_transform(self, provenance: Provenance) -> TextTransform:
        """Nothing is left to do to the finished text."""
        return Passthrough()

    def key(self, kid: int) -> bytes:
        """What the engine is told."""
        return engine_key(self._keys, kid)

    def message(self, provenance: Provenance) -> int:
        """What the engine is told to say: 32 bits, `NO_MESSAGE` for nothing."""
        return payload_of(self._keys, provenance).whole if self._payload else NO_MESSAGE
