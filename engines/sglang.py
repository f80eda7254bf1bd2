"""SGLang: a custom logit processor, which the proxy sends along with each request (`engines.sending`).

The server must be started with `--enable-custom-logit-processor`. It calls the processor with the logits of the rows that
asked for it and with their `custom_params`, among which it puts the running request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from engines.marking import Asked, Sampling, TokenMarker, vocabulary_of

__all__ = ["InksealLogitProcessor"]

NO_LIMIT = 1 << 20  # SGLang writes a top_k that is off as a very large one, and greedy sampling as top_k 1


class InksealLogitProcessor:
    """As SGLang's `CustomLogitProcessor`: made anew for every batch, so what is costly is kept with the class."""

    _markers: ClassVar[dict[Any, TokenMarker]] = {}

    def __call__(
        self, logits: Any, custom_param_list: Sequence[Mapping[str, Any] | None] | None = None
    ) -> Any:
        rows = list(custom_param_list or ())
        requests: list[Any] = [(params or {}).get("__req__") for params in rows]
        asked = [Asked.of(params) for params in rows]
        for one in dict.fromkeys(filter(None, asked)):
            # Rows of one request are drafts that build on each other: what stands before each is not told.
            mine = [
                a == one and r is not None and requests.count(r) == 1
                for a, r in zip(asked, requests, strict=True)
            ]
            if not any(mine):
                continue
            pairs = list(zip(mine, requests, strict=True))
            tokenizer = next(request.tokenizer for wanted, request in pairs if wanted)
            answers = [list(request.output_ids) if wanted else [] for wanted, request in pairs]
            samplings = [
                _sampling(request.sampling_params, own) if wanted and own is not None else None
                for (wanted, request), own in zip(pairs, asked, strict=True)
            ]
            logits.copy_(self._marker(one, tokenizer, logits.device).mark(logits, answers, samplings))
        return logits

    def _marker(self, asked: Asked, tokenizer: Any, device: Any) -> TokenMarker:
        found = self._markers.get((asked, device))
        if found is None:
            import torch

            tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
            found = TokenMarker(torch, asked, vocabulary_of(tokens), device=device)
            self._markers[asked, device] = found
        return found


def _sampling(told: Any, asked: Asked) -> Sampling:
    top_k = told.top_k if 0 < told.top_k < NO_LIMIT else 0
    return Sampling(told.temperature, told.top_p, top_k, told.min_p, asked.message)
