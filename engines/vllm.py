"""vLLM: a logits processor that pip brings along (entry point `vllm.logits_processors`).

vLLM has two interfaces: that of its V1 model runner, whose rows are requests and which tells of every change of the
batch, and that of Model Runner V2, whose rows are not requests and whose tokens stay on the device. The class here is
both: which one is in use shows in what it is given. Requests that ask for no mark (`vllm_xargs`) are left alone.

V1's runner, where it schedules asynchronously (as it does on GPUs), tells plug-ins what it drew only if one is named when it starts:
`--logits-processors engines.vllm:InksealLogitsProcessor`, beside the entry point. Without that answers stay unmarked,
and the log says so.
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import torch

from engines.drawing import mark
from engines.marking import HISTORY, Asked, Sampling, TokenMarker, vocabulary_of

__all__ = ["InksealLogitsProcessor"]

log = logging.getLogger("vllm.inkseal")  # below vLLM's own, so that it is seen where vLLM's log is


def _interfaces() -> tuple[type, ...]:
    """The base classes of this vLLM; older ones know the first alone."""
    found: list[type] = []
    try:
        from vllm.v1.worker.gpu.sample.logits_processor.interface import LogitsProcessor as OfTheSecondRunner

        found.append(OfTheSecondRunner)
    except ImportError:
        pass
    try:
        from vllm.v1.sample.logits_processor import LogitsProcessor as OfTheFirstRunner

        found.append(OfTheFirstRunner)
    except ImportError:
        pass
    return tuple(found) or (object,)


class InksealLogitsProcessor(*_interfaces()):  # type: ignore[misc]  # vLLM's own classes, where it is installed
    """Draws the tokens of requests with `vllm_xargs: {"inkseal_key": …}` by that key."""

    # By the configuration of its engine the one that marks there: named and by the entry point there would be two.
    _at_work: ClassVar[WeakValueDictionary[int, InksealLogitsProcessor]] = WeakValueDictionary()

    def __init__(self, vllm_config: Any, place: Any, is_pin_memory: bool = False) -> None:
        """`place`: the device (V1), or the state of the requests, which names it (V2)."""
        self._second = hasattr(place, "all_token_ids")
        self._device = place.device if self._second else place
        self._states = place
        self._vocabulary = _vocabulary(vllm_config.model_config)
        self._markers: dict[Asked, TokenMarker] = {}
        self._asked: dict[int, tuple[Asked, Sampling]] = {}  # by row (V1), by slot (V2)
        self._answers: dict[int, Any] = {}
        self._config = vllm_config  # held, so that its id stays its own
        self._is_told = True
        self._is_second_here = self._at_work.setdefault(id(vllm_config), self) is not self

    @classmethod
    def validate_params(cls, sampling_params: Any) -> None:
        """ValueError for a key that is none: the request is refused."""
        Asked.of(sampling_params.extra_args)

    def is_argmax_invariant(self) -> bool:
        """Must run before the temperature: it decides which token is drawn."""
        return False

    # -- V1: rows are requests

    def update_state(self, batch_update: Any) -> None:
        """The changes of the batch, in vLLM's order: removed, added, moved."""
        if batch_update is None or self._is_second_here:
            return
        for row in batch_update.removed:
            self._forget(row)
        for row, params, _, answer in batch_update.added:
            self._forget(row)
            if (asked := Asked.of(params.extra_args)) is not None:
                self._asked[row], self._answers[row] = (asked, _sampling(params, asked)), answer
        for source, target, direction in batch_update.moved:
            held: dict[int, Any]
            for held in (self._asked, self._answers):
                here, there = held.pop(source, None), held.pop(target, None)
                if here is not None:
                    held[target] = here
                if there is not None and direction.name == "SWAP":
                    held[source] = there

    def _forget(self, row: int) -> None:
        self._asked.pop(row, None)
        self._answers.pop(row, None)

    # -- V2: slots are requests

    def add_request(self, req_idx: int, sampling_params: Any) -> bool:
        """Whether the request in this slot is marked. The slot may have been another's."""
        self._forget(req_idx)
        asked = None if self._is_second_here else Asked.of(sampling_params.extra_args)
        if asked is not None:
            self._asked[req_idx] = asked, _sampling(sampling_params, asked)
        return asked is not None

    # -- both

    def apply(self, logits: torch.Tensor, ctx: Any = None) -> torch.Tensor:
        """The logits (rows, vocabulary) to sample from, changed in place."""
        slots = range(len(logits)) if ctx is None else sorted(set(ctx.idx_mapping_np.tolist()))
        here = {slot: self._asked[slot] for slot in slots if slot in self._asked}
        if not here:
            return logits
        for asked in dict.fromkeys(asked for asked, _ in here.values()):
            mine = {slot: sampling for slot, (own, sampling) in here.items() if own == asked}
            drawn = (
                self._by_row(asked, logits, mine) if ctx is None else self._by_slot(asked, logits, mine, ctx)
            )
            logits.copy_(drawn)
        return logits

    def _marker(self, asked: Asked) -> TokenMarker:
        if asked not in self._markers:
            self._markers[asked] = TokenMarker(torch, asked, self._vocabulary, device=self._device)
        return self._markers[asked]

    def _by_row(self, asked: Asked, logits: torch.Tensor, mine: dict[int, Sampling]) -> Any:
        rows = range(len(logits))
        answers = [list(self._answers[row][-HISTORY:]) if row in mine else [] for row in rows]
        if self._is_told and any(answer and answer[-1] < 0 for answer in answers):
            self._is_told = False
            log.error(
                "vLLM does not tell which tokens it drew, so answers stay unmarked: start it with "
                "--logits-processors engines.vllm:InksealLogitsProcessor, or with --no-async-scheduling"
            )
        return self._marker(asked).mark(logits, answers, [mine.get(row) for row in rows])

    def _by_slot(self, asked: Asked, logits: torch.Tensor, mine: dict[int, Sampling], ctx: Any) -> Any:
        """Rows of requests and of drafts, without a word to the host."""
        slots, states = ctx.expanded_idx_mapping.long(), self._states
        back = torch.arange(min(HISTORY, int(ctx.seq_lens_upper_bound_np.max())), device=self._device).flip(0)
        places = (
            ctx.pos.long()[:, None] - back
        )  # of each token before the one to come; the last column is its own row's
        drafts = back < ctx.expanded_local_pos.long()[:, None]
        rows = torch.arange(len(logits), device=self._device)[:, None] - back
        ids = torch.where(
            drafts,
            ctx.input_ids.long()[rows.clamp(min=0)],
            states.all_token_ids.gpu[slots[:, None], places.clamp(min=0)].long(),
        )
        ids = torch.where(places >= states.prompt_len.gpu[slots].long()[:, None], ids, -1)
        told = {name: torch.zeros(states.max_num_reqs, dtype=torch.float64) for name in Sampling.__slots__}
        for slot, sampling in mine.items():
            for name, values in told.items():
                values[slot] = getattr(sampling, name)
        column = {name: values.to(self._device, non_blocking=True)[slots] for name, values in told.items()}
        return mark(
            torch,
            logits,
            ids,
            self._marker(asked).table(logits.shape[-1]),
            column["temperature"] > 0,
            column["temperature"].to(torch.float32),
            column["top_p"],
            column["top_k"].long(),
            column["min_p"],
            asked.tournament,
            column["message"].long() if any(one.message >= 0 for one in mine.values()) else None,
        )


def _sampling(params: Any, asked: Asked) -> Sampling:
    return Sampling(params.temperature, params.top_p, max(0, params.top_k), params.min_p, asked.message)


def _vocabulary(model_config: Any) -> list[bytes]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        model_config.tokenizer,
        revision=model_config.tokenizer_revision,
        trust_remote_code=model_config.trust_remote_code,
    )
    return vocabulary_of(tokenizer.convert_ids_to_tokens(list(range(len(tokenizer)))))
