"""Objects of the shapes that engines document, as far as the plug-ins use them. No engine is behind them.

vLLM: `vllm/v1/sample/logits_processor/interface.py` (V1) and `vllm/v1/worker/gpu/sample/logits_processor/interface.py`
(Model Runner V2); SGLang: `python/sglang/srt/sampling/custom_logit_processor.py` and `layers/sampler.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

VOCABULARY = [f"Ġw{at}" for at in range(120)]


class Tokenizer:
    """As a tokenizer of transformers."""

    def __len__(self) -> int:
        return len(VOCABULARY)

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        return [VOCABULARY[at] for at in ids]


@dataclass
class SamplingParams:
    """Of vLLM; `top_k` -1 or 0 is off."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    extra_args: dict[str, Any] | None = None


class Move(Enum):
    UNIDIRECTIONAL = auto()
    SWAP = auto()


@dataclass
class BatchUpdate:
    batch_size: int
    removed: list[int] = field(default_factory=list)
    added: list[tuple[int, SamplingParams, list[int] | None, list[int]]] = field(default_factory=list)
    moved: list[tuple[int, int, Move]] = field(default_factory=list)


@dataclass
class OnDevice:
    """A buffer of Model Runner V2."""

    gpu: Any


@dataclass
class RequestStates:
    device: Any
    max_num_reqs: int
    vocab_size: int
    all_token_ids: OnDevice
    prompt_len: OnDevice
    prefill_len: OnDevice
    total_len: OnDevice


@dataclass
class LogitsContext:
    expanded_idx_mapping: Any
    idx_mapping: Any
    idx_mapping_np: Any
    expanded_local_pos: Any
    input_ids: Any
    pos: Any
    seq_lens_upper_bound_np: Any


@dataclass
class SglangParams:
    """Of SGLang, normalised: top_k off is 1 << 30, greedy is temperature 1 and top_k 1."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 1 << 30
    min_p: float = 0.0


@dataclass(eq=False)
class SglangRequest:
    output_ids: list[int]
    sampling_params: SglangParams = field(default_factory=SglangParams)
    origin_input_ids: list[int] = field(default_factory=lambda: [1, 2, 3])
    tokenizer: Tokenizer = field(default_factory=Tokenizer)
