"""A walk along log-probabilities: a mark of full strength through a server that only tells them and continues a text.

The server drafts a few tokens, greedily, and tells for each position the likeliest tokens with their log-probabilities.
At each position the key draws one of them by the Gumbel trick (Aaronson 2022): to each log-probability, at the
caller's own temperature, Gumbel noise is added that the key makes, and the greatest wins. Over keys that is sampling
from just these probabilities. As long as the draw is the drafted token, the draft goes on; at the first other one the
draft ends with it, and the server is asked anew from there.

The noise is of one of two kinds:

- of tokens (`TokenNoise`), just as engines draw (`labelers.token_marks`): of the three tokens before and the candidate. As
  strong as a mark in the engine, and it leaves the wording alone; the reader must know the model's tokenizer.
- of words (`UnitNoise`), of the scores of grams that all other schemes use (`units`): no tokenizer is needed to read it. It
  hangs on one word before, so it is weaker, and texts repeat themselves more.

Both may say a message.

Here is the choosing alone: `proxy.sampling` asks the questions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import NormalDist
from typing import Protocol, TypeVar

import numpy as np

from labelers.provenance import KeyRing, Provenance
from labelers.token_marks import (
    CONTEXT,
    NO_MESSAGE,
    contexts,
    said_bits,
    symbol_seed,
    symbols_of,
    token_bits,
    token_hashes,
    uniforms,
)
from labelers.transform import Passthrough, TextTransform
from labelers.watermarks.best_of_n import Selection
from labelers.watermarks.engine import engine_key
from labelers.watermarks.payload import payload_of
from labelers.watermarks.units import epoch_prf

__all__ = ["Drafted", "LogprobWalk", "Noise", "TokenNoise", "UnitNoise", "Walked", "draw", "walk"]

Body = TypeVar("Body")

_NORMAL = NormalDist()
_EDGE = 1e-9  # keeps the logarithms finite


@dataclass(frozen=True, slots=True)
class Drafted:
    """One position of a draft: the token's text, and the candidates with their log-probabilities, likeliest first.

    `whole`: the text is complete; tokens that hold part of a character are not chosen among. A candidate
    with no text ends the answer.
    """

    text: str
    candidates: tuple[tuple[str, float], ...]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Walked:
    """What a draft became: its tokens, and whether an end of the answer was drawn, which costs a token too.

    `as_drafted`: it begins with half a character, and is taken as it was drafted.
    """

    said: tuple[str, ...]
    ended: bool = False
    as_drafted: bool = False

    @property
    def text(self) -> str:
        return "".join(self.said)

    @property
    def tokens(self) -> int:
        return len(self.said) + self.ended

    def to_seam(self) -> Walked:
        """Without the white space at its end, which chat templates would trim; the next draft writes it again."""
        said = list(self.said)
        while said and said[-1].isspace():
            said.pop()
        if said:
            said[-1] = said[-1].rstrip()
        return Walked(tuple(said))


class Noise(Protocol):
    """The keyed noise of one text as it grows. `text` is what was taken so far."""

    @property
    def text(self) -> str: ...

    def uniforms(self, said: Sequence[str], candidates: Sequence[str]) -> list[float]:
        """A number in (0, 1) for each token that may follow the text and, not taken yet, the tokens `said`."""
        ...

    def take(self, said: Sequence[str]) -> None:
        """The text goes on with these tokens."""
        ...


class UnitNoise:
    """Noise of words. Candidates that complete no new gram draw by lot."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection

    @property
    def text(self) -> str:
        return self._selection.text

    def uniforms(self, said: Sequence[str], candidates: Sequence[str]) -> list[float]:
        before = "".join(said)
        scores = self._selection.scores([before + candidate for candidate in candidates])
        return [min(max(_NORMAL.cdf(score), _EDGE), 1 - _EDGE) for score in scores]

    def take(self, said: Sequence[str]) -> None:
        self._selection.take("".join(said))


class TokenNoise:
    """Noise of tokens. `key`: the engine's, of the epoch. `lot`: tells answers apart where a context is too short, or was
    there before, so that the noise is of the place instead. `message`: 32 bits that the mark says.
    """

    def __init__(self, key: bytes, lot: str, message: int = NO_MESSAGE) -> None:
        self._key = key
        self._lot = lot
        self._symbols = (message >> 16, message & 0xFFFF) if message != NO_MESSAGE else ()
        self._last: list[int] = []  # the hashes of the last tokens, enough for a context
        self._seen: set[int] = set()  # contexts
        self._count = 0
        self.text = ""

    def uniforms(self, said: Sequence[str], candidates: Sequence[str]) -> list[float]:
        found = self._contexts(said)
        if found and found[-1] not in self._seen and found[-1] not in found[:-1]:
            context = found[-1]
        else:
            (context,) = self._hashes([f"lot\0{self._lot}\0{self._count + len(said)}"])
        at = np.array([context], np.int64)
        bits = token_bits(at, np.array(self._hashes(candidates), np.int64))
        symbol = int(symbols_of(np, at)[0])
        if self._symbols and symbol >= 0:
            bits = said_bits(bits, symbol_seed(np.array([symbol], np.int64), self._symbols[symbol]))
        drawn: list[float] = uniforms(np, bits).tolist()
        return drawn

    def take(self, said: Sequence[str]) -> None:
        self._seen.update(self._contexts(said)[:-1])  # the last is that of the token to come
        self._last = [*self._last, *self._hashes(said)][-CONTEXT:]
        self._count += len(said)
        self.text += "".join(said)

    def _hashes(self, tokens: Sequence[str]) -> list[int]:
        return token_hashes(self._key, [one.encode("utf-8", "surrogatepass") for one in tokens])

    def _contexts(self, said: Sequence[str]) -> list[int]:
        """Those before each of the tokens and behind the last one, as far as three tokens stand there."""
        row = [*self._last, *self._hashes(said)]
        if len(row) < CONTEXT:
            return []
        found: list[int] = contexts(np.array(row, np.int64)).tolist()
        return found


def draw(
    noise: Noise,
    said: Sequence[str],
    candidates: Sequence[tuple[str, float]],
    temperature: float,
    top_p: float,
) -> int:
    """The index of the candidate that the key draws after the text of the noise and `said`."""
    kept = _nucleus(candidates, temperature, top_p)
    chances = noise.uniforms(said, [candidates[at][0] for at in kept])
    best, top = kept[0], -math.inf
    for at, uniform in zip(kept, chances, strict=True):
        value = candidates[at][1] / temperature - math.log(-math.log(uniform))
        if value > top:
            best, top = at, value
    return best


def _nucleus(candidates: Sequence[tuple[str, float]], temperature: float, top_p: float) -> list[int]:
    """The likeliest candidates that together have `top_p` of the probability at this temperature."""
    order = sorted(range(len(candidates)), key=lambda at: -candidates[at][1])
    highest = candidates[order[0]][1]
    weights = [math.exp((candidates[at][1] - highest) / temperature) for at in order]
    goal = top_p * sum(weights)
    return order[: next((size for size, total in enumerate(accumulate(weights), 1) if total >= goal), None)]


def walk(
    noise: Noise, draft: Sequence[Drafted], temperature: float, top_p: float, *, trims: bool = False
) -> Walked:
    """Draws at each position of a draft until one is not what was drafted; the text does not grow by it yet.

    `trims`: the server trims the beginning that it is given. White space with which a round would end is then left to the
    draft: it is drawn only where it was drafted, for else every round would begin at the same place.
    """
    said: list[str] = []
    for position in draft:
        if not position.whole:  # what follows in the draft completes the character
            if said:
                return Walked(tuple(said))
            return Walked(tuple(one.text for one in draft), as_drafted=True)
        candidates = position.candidates
        if trims:
            able = tuple(one for one in candidates if one[0] == position.text or one[0] == one[0].rstrip())
            candidates = able or candidates
        chosen = candidates[draw(noise, said, candidates, temperature, top_p)][0]
        if not chosen:
            return Walked(tuple(said), ended=True)
        said.append(chosen)
        if chosen != position.text:
            break
    return Walked(tuple(said))


class LogprobWalk:
    """The scheme. `k` tokens are drafted at a time; `payload`: the mark names the answer. ValueError: k out of range."""

    name = "logprob_walk"
    n = 1

    def __init__(self, keys: KeyRing, k: int = 8, payload: bool = False) -> None:
        if not 2 <= k <= 64:
            raise ValueError(f"k must be 2 to 64: {k}")
        self._keys = keys
        self._payload = payload
        self.k = k

    def mark_request(self, body: Body) -> Body:
        """The request as it is: this scheme asks questions of its own."""
        return body

    def new_transform(self, provenance: Provenance) -> TextTransform:
        """Nothing is left to do to the finished text."""
        return Passthrough()

    def new_noise(self, provenance: Provenance, lot: str, *, by_tokens: bool) -> Noise:
        """The state of choosing one text. `by_tokens`: the detector has the model's tokenizer.

        `lot`: where the key says nothing, the same lot draws the same.
        """
        kid = provenance.key_id
        message = payload_of(self._keys, provenance) if self._payload else None
        if by_tokens:
            return TokenNoise(
                engine_key(self._keys, kid), lot, NO_MESSAGE if message is None else message.whole
            )
        return UnitNoise(Selection(epoch_prf(self._keys, kid), message, lot))
