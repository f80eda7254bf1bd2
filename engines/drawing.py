"""Drawing tokens by key: logits in, logits out with which any sampler draws what the key draws.

Works on numpy and torch arrays alike (`xp` is the module) and on whole batches, without waiting for the device. Nothing
but `labelers.token_marks` is used, so that both files can be sent to an engine.
"""

from __future__ import annotations

import math
from typing import Any

from labelers.token_marks import (
    CONTEXT,
    LAYERS,
    contexts,
    said_bits,
    symbol_seed,
    symbols_of,
    token_bits,
    uniforms,
)

__all__ = ["CANDIDATES", "mark"]

CANDIDATES = 1024  # the likeliest tokens, which are drawn among; all others together are one more candidate
GREEDY = 1e-3  # temperatures below are none
_BEYOND = 0x6A09E667F3BCC909  # what the chance for all other tokens is made with


def mark(
    xp: Any,
    logits: Any,
    ids: Any,
    table: Any,
    wanted: Any,
    temperature: Any,
    top_p: Any,
    top_k: Any,
    min_p: Any,
    tournament: bool = False,
    message: Any = None,
) -> Any:
    """The logits (rows, vocabulary) to sample from; those given are not changed.

    `ids` (rows, L), int64: the tokens of each answer so far, without its prompt, at the right, -1 before them; `table`
    (vocabulary,), int64: the token hashes; `wanted` (rows,), bool: which rows to mark at all; `temperature`, `top_p`,
    `top_k` (0: off), `min_p` (rows,): what the sampler will apply after this; `message` (rows,), int64: what each mark says,
    -1 where nothing; None: nowhere. Rows without chance, and those with a context that is too short or was there before, stay as they are.
    """
    rows, width = ids.shape
    if not rows or width < CONTEXT:
        return logits
    known = ids >= 0
    found = contexts(table[xp.where(known, ids, 0)])
    whole = known[:, :-2] & known[:, 1:-1] & known[:, 2:]
    again = ((found[:, :-1] == found[:, -1:]) & whole[:, :-1]).any(-1)
    marked = wanted & whole[:, -1] & ~again & (temperature > GREEDY) & (top_k != 1) & (top_p > 0)
    context, heat = found[:, -1:], xp.where(temperature > GREEDY, temperature, 1.0)[:, None]
    values, order = _top(xp, logits, min(CANDIDATES, logits.shape[-1]))
    highest = values[:, :1]
    others = _put(xp, logits, order, -math.inf)
    weights = xp.asarray(xp.exp((values - highest) / heat), dtype=xp.float64)
    rest = xp.asarray(xp.exp((others - highest) / heat).sum(-1), dtype=xp.float64)
    total = weights.sum(-1) + rest
    chances = weights / total[:, None]
    rank = (chances * 0 + 1).cumsum(-1) - 1
    kept = (chances.cumsum(-1) - chances < top_p[:, None]) | (top_p[:, None] >= 1)
    kept = kept & (chances >= min_p[:, None] * chances[:, :1])
    kept = kept & ((rank < top_k[:, None]) | (top_k[:, None] <= 0)) & (chances > 0)
    if tournament:
        bits = _bits(xp, context, table[order], message)
        drawn = _tournament(xp, logits, heat, chances, kept, order, bits)
    else:
        # With one more for all others, so that few operations do: on a GPU each costs its launch, whatever its size.
        hashes = xp.concatenate([table[order], context * 0 + _BEYOND], -1)
        chance = uniforms(xp, _bits(xp, context, hashes, message))
        drawn = _gumbel(xp, logits, chances, kept, order, chance[:, :-1])
        open_ended = (top_p >= 1) & (top_k <= 0) & (min_p <= 0)
        beyond = open_ended & (chance[:, -1] < rest / total)
        drawn = xp.where(beyond[:, None], others, drawn)
    return xp.where(marked[:, None], drawn, logits)


def _bits(xp: Any, context: Any, hashes: Any, message: Any) -> Any:
    """The random bits of the candidates (rows, n) after contexts (rows, 1), under what each row's mark says."""
    bits = token_bits(context, hashes)
    if message is None:
        return bits
    symbol, says = symbols_of(xp, context), message[:, None]
    value = xp.where(symbol == 0, says >> 16, says & 0xFFFF)
    return xp.where((symbol >= 0) & (says >= 0), said_bits(bits, symbol_seed(symbol, value)), bits)


def _gumbel(xp: Any, logits: Any, chances: Any, kept: Any, order: Any, chance: Any) -> Any:
    """Only the token with the greatest log-probability + noise is left: that of the least exponential by its chance."""
    values = xp.where(kept, xp.log(chance) / xp.where(kept, chances, 1.0), -math.inf)
    token = _pick(xp, order, values.argmax(-1)[:, None])
    return _put(xp, xp.full_like(logits, -math.inf), token, 0.0)


def _tournament(xp: Any, logits: Any, heat: Any, chances: Any, kept: Any, order: Any, bits: Any) -> Any:
    """The probabilities of the winner of a tournament of 2^LAYERS draws, as logits before the temperature."""
    chances = xp.where(kept, chances, 0.0)
    chances = chances / chances.sum(-1)[:, None]
    layers = xp.arange(LAYERS, dtype=xp.int64, **({"device": bits.device} if hasattr(xp, "topk") else {}))
    wins = xp.asarray((bits[None] >> layers[:, None, None]) & 1, dtype=xp.float64)
    for layer in wins:
        chances = chances * (1 + layer - xp.linalg.vecdot(chances, layer)[:, None])
    some = chances > 0
    scaled = xp.where(some, xp.log(xp.where(some, chances, 1.0)) * heat, -math.inf)
    return _put(xp, xp.full_like(logits, -math.inf), order, xp.asarray(scaled, dtype=logits.dtype))


def _top(xp: Any, logits: Any, count: int) -> tuple[Any, Any]:
    """The greatest values of each row, falling, and where they stand."""
    if hasattr(xp, "topk"):
        values, order = xp.topk(logits, count)
        return values, order
    order = xp.argpartition(logits, -count, -1)[:, -count:]
    values = xp.take_along_axis(logits, order, 1)
    falling = xp.argsort(-values, -1, kind="stable")
    return xp.take_along_axis(values, falling, 1), xp.take_along_axis(order, falling, 1)


def _pick(xp: Any, values: Any, at: Any) -> Any:
    return values.gather(1, at) if hasattr(xp, "topk") else xp.take_along_axis(values, at, 1)


def _put(xp: Any, values: Any, order: Any, new: Any) -> Any:
    """A copy with `new` at the places `order` of each row."""
    if hasattr(xp, "topk"):
        return values.scatter(1, order, new)
    copy = values.copy()
    xp.put_along_axis(copy, order, new, 1)
    return copy
