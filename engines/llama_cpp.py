"""llama-cpp-python: a logits processor for `Llama.create_completion` and `create_chat_completion`.

    marking = InksealLogitsProcessor(key, llama, temperature=0.8, top_p=0.95)
    llama.create_completion(prompt, temperature=0.8, top_p=0.95, top_k=0, min_p=0,
                            logits_processor=LogitsProcessorList([marking]))

It stands before the samplers, so it must be told what they are told. One for each call: it takes what it is given first
for the prompt.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engines.marking import Asked, Sampling, TokenMarker
from labelers.token_marks import NO_MESSAGE

__all__ = ["InksealLogitsProcessor"]


class InksealLogitsProcessor:
    """`llama`: what is asked, for the spelling of its tokens. `tournament`: SynthID's way to draw. `message`: 32 bits that
    the mark says, -1 for none.
    """

    def __init__(
        self,
        key: bytes,
        llama: Any,
        *,
        temperature: float = 0.8,
        top_p: float = 0.95,
        top_k: int = 40,
        min_p: float = 0.05,
        tournament: bool = False,
        message: int = NO_MESSAGE,
    ) -> None:
        vocabulary = [llama.detokenize([token], special=True) for token in range(llama.n_vocab())]
        self._marker = TokenMarker(np, Asked(key, tournament), vocabulary)
        self._sampling = Sampling(temperature, top_p, top_k, min_p, message)
        self._prompt = -1

    def __call__(
        self, input_ids: npt.NDArray[np.intc], scores: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        if self._prompt < 0:
            self._prompt = len(input_ids)
        answer = input_ids[self._prompt :].astype(np.int64)[None, :]
        marked: npt.NDArray[np.float32] = self._marker.mark_ids(scores[None, :], answer, [self._sampling])[0]
        return marked
