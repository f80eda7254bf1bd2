"""One key over one vocabulary: what every plug-in marks its rows with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engines.drawing import mark
from labelers.token_marks import NO_MESSAGE, raw_token, spelling, token_hashes

__all__ = ["Asked", "Sampling", "TokenMarker", "vocabulary_of"]

_MESSAGE = re.compile("[0-9a-f]{8}")
HISTORY = 8192  # tokens of an answer in which a context that repeats itself is looked for


@dataclass(frozen=True, slots=True)
class Sampling:
    """What the sampler does after the plug-in. `top_k`: 0 or less is off; temperature 0: not marked. And what the mark of this
    row says (`message`).
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    message: int = NO_MESSAGE


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says to the plug-in. `key`: 16 to 64 bytes. `message`: 32 bits, which the mark is to say; requests
    that differ in it alone are marked together.
    """

    key: bytes
    tournament: bool = False
    message: int = field(default=NO_MESSAGE, compare=False)

    @classmethod
    def of(cls, members: Mapping[str, Any] | None) -> Asked | None:
        """Of `vllm_xargs` or `custom_params`; None where they ask for no mark. ValueError: a key that is none."""
        said = (members or {}).get("inkseal_key")
        if not said:
            return None
        try:
            key = bytes.fromhex(said)
        except (TypeError, ValueError):
            raise ValueError("inkseal_key must be a key in hex, as `inkseal keys engine` prints it") from None
        if not 16 <= len(key) <= 64:
            raise ValueError(f"inkseal_key must have 16 to 64 bytes, not {len(key)}")
        kind = (members or {}).get("inkseal_draw", "gumbel")
        if kind not in ("gumbel", "tournament"):
            raise ValueError(f"inkseal_draw must be gumbel or tournament, not {kind!r}")
        message = (members or {}).get("inkseal_message", "")
        if message and not (isinstance(message, str) and _MESSAGE.fullmatch(message)):
            raise ValueError(f"inkseal_message must be 8 hex digits, not {message!r}")
        return cls(key, kind == "tournament", int(message, 16) if message else NO_MESSAGE)


class TokenMarker:
    """`xp`: numpy or torch. `vocabulary`: the bytes of each token, by id. `place`: where torch puts tensors (`device`)."""

    def __init__(self, xp: Any, asked: Asked, vocabulary: Sequence[bytes], **place: Any) -> None:
        self._xp = xp
        self._asked = asked
        self._place = place
        self._table = xp.asarray(token_hashes(asked.key, vocabulary), dtype=xp.int64, **place)

    def table(self, size: int) -> Any:
        """The token hashes, for logits that are wider than the vocabulary too (engines pad them)."""
        lacking = size - len(self._table)
        if lacking > 0:
            padding = token_hashes(self._asked.key, [b""]) * lacking
            more = self._xp.asarray(padding, dtype=self._xp.int64, **self._place)
            self._table = self._xp.concatenate([self._table, more])
        return self._table

    def mark(
        self, logits: Any, answers: Sequence[Sequence[int]], samplings: Sequence[Sampling | None]
    ) -> Any:
        """The logits (rows, vocabulary) to sample from. `answers`: the tokens of each so far, without its prompt.

        None of `samplings`: that row is not marked. Tokens that are not known yet (-1) end what is known.
        """
        xp, place = self._xp, self._place
        width = min(HISTORY, max(map(len, answers), default=0))
        padded = [[*[-1] * (width - len(one)), *one[-width:]] if width else [] for one in answers]
        ids = xp.asarray(padded, dtype=xp.int64, **place).reshape(len(answers), width)
        return self.mark_ids(logits, ids, samplings)

    def mark_ids(self, logits: Any, ids: Any, samplings: Sequence[Sampling | None]) -> Any:
        """The same of padded rows of ids."""
        xp, place = self._xp, self._place
        told = [one or Sampling(0.0) for one in samplings]

        def column(name: str, dtype: Any) -> Any:
            return xp.asarray([getattr(one, name) for one in told], dtype=dtype, **place)

        return mark(
            xp,
            logits,
            ids,
            self.table(logits.shape[-1]),
            column("temperature", xp.float32) > 0,
            column("temperature", xp.float32),
            column("top_p", xp.float64),
            column("top_k", xp.int64),
            column("min_p", xp.float64),
            self._asked.tournament,
            column("message", xp.int64) if any(one.message >= 0 for one in told) else None,
        )


def vocabulary_of(tokens: Iterable[str | None]) -> list[bytes]:
    """The bytes of a vocabulary's tokens, as Hugging Face tokenizers spell them, by id."""
    raw = [token or "" for token in tokens]
    byte_level = spelling(raw)
    return [raw_token(token, byte_level) for token in raw]
