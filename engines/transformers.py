"""Hugging Face transformers: a logits processor for `generate`.

    marking = InksealLogitsProcessor(key, tokenizer, temperature=0.8, top_p=0.95)
    model.generate(**prompt, do_sample=True, temperature=0.8, top_p=0.95, logits_processor=[marking])

It stands before the temperature, so it must be told what `generate` is told. One for each call: it takes what it is
given first for the prompt.
"""

from __future__ import annotations

from typing import Any

import torch

from engines.marking import Asked, Sampling, TokenMarker, vocabulary_of
from labelers.token_marks import NO_MESSAGE

__all__ = ["InksealLogitsProcessor"]


class InksealLogitsProcessor:
    """`key`: as `inkseal keys engine` prints it, in bytes. `tournament`: SynthID's way to draw. `message`: 32 bits
    that the mark says, -1 for none. `device`: the model's.
    """

    def __init__(
        self,
        key: bytes,
        tokenizer: Any,
        *,
        temperature: float = 1.0,
        top_p: float = 1.0,
        top_k: int = 0,
        min_p: float = 0.0,
        tournament: bool = False,
        message: int = NO_MESSAGE,
        device: Any = "cpu",
    ) -> None:
        tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        self._marker = TokenMarker(torch, Asked(key, tournament), vocabulary_of(tokens), device=device)
        self._sampling = Sampling(temperature, top_p, top_k, min_p, message)
        self._prompt = -1

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        if self._prompt < 0:
            self._prompt = input_ids.shape[1]
        answers = input_ids[:, self._prompt :]
        marked: torch.Tensor = self._marker.mark_ids(scores, answers, [self._sampling] * len(scores))
        return marked
