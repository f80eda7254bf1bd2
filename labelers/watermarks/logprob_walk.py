"""A walk along log-probabilities: a mark of full strength through a server that only tells them and continues a text.

The server drafts a few tokens, greedily, and tells for each position the likeliest tokens with their log-probabilities.
At each position the key draws one of them by the Gumbel trick (Aaronson 2022): to each log-probability, at the
caller's own temperature, Gumbel noise is added that the key makes of the candidate's words, and the greatest wins.
Over keys that is sampling from just these probabilities. As long as the draw is the drafted token, the draft goes on;
at the first other one the draft ends with it, and the server is asked anew from there.

The noise is made of the same scores of grams that all schemes here use (`units`): the winner's score is high, and the
reader adds scores up without knowing any tokenizer. Candidates that complete no new gram draw by lot.

Here is the choosing alone: `proxy.sampling` asks the questions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import NormalDist
from typing import TypeVar

from labelers.provenance import KeyRing, Provenance
from labelers.transform import Passthrough, TextTransform
from labelers.watermarks.best_of_n import Selection, payload_of
from labelers.watermarks.units import epoch_prf

__all__ = ["Drafted", "LogprobWalk", "Walked", "draw", "walk"]

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
    """What a draft became: its text, how many tokens that is, and whether an end of the answer was drawn.

    `as_drafted`: it begins with half a character, and is taken as it was drafted.
    """

    text: str
    tokens: int
    ended: bool = False
    as_drafted: bool = False


def draw(
    selection: Selection, said: str, candidates: Sequence[tuple[str, float]], temperature: float, top_p: float
) -> int:
    """The index of the candidate that the key draws after the text of the selection and `said`."""
    kept = _nucleus(candidates, temperature, top_p)
    scores = selection.scores([said + candidates[at][0] for at in kept])
    best, top = kept[0], -math.inf
    for at, score in zip(kept, scores, strict=True):
        uniform = min(max(_NORMAL.cdf(score), _EDGE), 1 - _EDGE)
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


def walk(selection: Selection, draft: Sequence[Drafted], temperature: float, top_p: float) -> Walked:
    """Draws at each position of a draft until one is not what was drafted; the text does not grow by it yet."""
    said, tokens = "", 0
    for position in draft:
        if not position.whole:  # what follows in the draft completes the character
            return Walked(said, tokens) if tokens else Walked("", len(draft), as_drafted=True)
        chosen = position.candidates[draw(selection, said, position.candidates, temperature, top_p)][0]
        tokens += 1
        if not chosen:
            return Walked(said, tokens, ended=True)
        said += chosen
        if chosen != position.text:
            break
    return Walked(said, tokens)


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

    def new_selection(self, provenance: Provenance) -> Selection:
        """The state of choosing one text."""
        return Selection(
            epoch_prf(self._keys, provenance.key_id),
            payload_of(self._keys, provenance) if self._payload else None,
        )
