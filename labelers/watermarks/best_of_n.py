"""Best of n, chunk by chunk: a mark for any model server that samples several continuations of a text.

The server writes `n` continuations of `k` tokens; the one whose new grams score highest under the key is kept,
and the next round goes on from there. Each candidate comes from the model at the caller's own temperature, and
under the key all are equally likely to win, so that no wording is pushed; a reader who adds up the same
scores sees the wins. A mean win is worth m_n standard deviations (1.42 of 8), so about m_n·√(T/k) in T tokens.

Here is the choosing alone, without a server: `proxy.sampling` asks the questions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from labelers.provenance import KeyRing, Provenance
from labelers.transform import Passthrough, TextTransform
from labelers.watermarks.payload import Payload, payload_of, payload_scores
from labelers.watermarks.units import (
    Grams,
    Hashes,
    Prf,
    epoch_prf,
    grams_of,
    quantiles,
    read_units,
)

__all__ = ["BestOfN", "Selection"]

Body = TypeVar("Body")

_GOLDEN, _ODD = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)


class Selection:
    """One text as it grows. `text` is what was chosen so far. `lot`: tells answers apart where nothing else does."""

    def __init__(self, prf: Prf, payload: Payload | None = None, lot: str = "") -> None:
        self._prf = prf
        self._payload = payload
        self._salt = lot
        self._seen: Hashes = np.empty(0, np.uint64)
        self.text = ""

    def choose(self, candidates: Sequence[str]) -> int:
        """The index of the continuation to keep; the text does not grow by it yet (`take` does that)."""
        scores = self.scores(candidates)
        return scores.index(max(scores))

    def scores(self, candidates: Sequence[str]) -> list[float]:
        """A standard normal score for each continuation, of its new grams.

        One without new grams draws by lot, with the same odds as the rest: neither short nor repetitive
        continuations are favoured.
        """
        grams = [self._new_grams(candidate) for candidate in candidates]
        blocks = np.concatenate([new.blocks for new in grams])
        payload = self._payload
        scores = self._prf.scores(blocks) if payload is None else payload_scores(self._prf, blocks, payload)
        found, at = [], 0
        for candidate, new in zip(candidates, grams, strict=True):
            own = scores[at : at + len(new)]
            at += len(new)
            found.append(float(own.sum()) / len(own) ** 0.5 if len(own) else self._lot(candidate))
        return found

    def take(self, text: str) -> None:
        """The text goes on with this."""
        self.text += text
        self._seen = _names(grams_of(read_units(self.text)))

    def _new_grams(self, candidate: str) -> Grams:
        grams = grams_of(read_units(self.text + candidate))
        new = ~np.isin(_names(grams), self._seen)
        return Grams(grams.blocks[new], grams.units[new])

    def _lot(self, candidate: str) -> float:
        about = "\0".join((self._salt, self.text[-64:], candidate))
        said = hashlib.blake2b(about.encode("utf-8", "surrogatepass"))
        block = np.frombuffer(said.digest()[:16], np.uint64).reshape(1, 2)
        return float(quantiles()[int(self._prf.bits(block)[0, 1] & np.uint64(0xFFFF))])


def _names(grams: Grams) -> Hashes:
    """64 bits for each gram, to know it again."""
    return (grams.blocks[:, 0] * _GOLDEN) ^ (grams.blocks[:, 1] * _ODD)


class BestOfN:
    """The scheme. `n` continuations a round, of `k` tokens each; `payload`: the mark names the answer.

    ValueError: n or k out of range.
    """

    name = "best_of_n"

    def __init__(self, keys: KeyRing, n: int = 8, k: int = 8, payload: bool = False) -> None:
        if not 2 <= n <= 64:
            raise ValueError(f"n must be 2 to 64: {n}")
        if not 2 <= k <= 64:
            raise ValueError(f"k must be 2 to 64: {k}")
        self._keys = keys
        self._payload = payload
        self.n = n
        self.k = k

    def mark_request(self, body: Body) -> Body:
        """The request as it is: this scheme asks questions of its own."""
        return body

    def new_transform(self, provenance: Provenance) -> TextTransform:
        """Nothing is left to do to the finished text."""
        return Passthrough()

    def new_selection(self, provenance: Provenance) -> Selection:
        """The state of choosing one text."""
        return Selection(
            epoch_prf(self._keys, provenance.key_id),
            payload_of(self._keys, provenance) if self._payload else None,
        )
