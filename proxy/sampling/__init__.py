"""Drives a model server in rounds: many small questions, one answer that looks like the server's own.

Each round asks for `n` continuations of `k` tokens of what stands so far (best of n), or for a draft with
log-probabilities (the walk), lets the scheme choose, and sends that on at once as a chunk. To the exchange all this is an ordinary response:
events if a stream was asked for, else one JSON body. What cannot be driven goes the ordinary way, unmarked, and
`Sampled.unmarked` tells the record why.

A seam between rounds stands between words: white space at the end of a chunk is left for the next round to
write, because chat templates trim it; half a character is dropped.
"""

from __future__ import annotations

from proxy.sampling.adding import open_added
from proxy.sampling.opening import open_sampled
from proxy.sampling.reasons import cannot_bias, cannot_draw, cannot_drive, cannot_reword
from proxy.sampling.sampled import Sampled, Steering

__all__ = [
    "Sampled",
    "Steering",
    "cannot_bias",
    "cannot_draw",
    "cannot_drive",
    "cannot_reword",
    "open_added",
    "open_sampled",
]
