"""The embedded model's weights in torch, many texts at a time, which makes tens of times as many tokens a second as one at a time.

    python bench/model.py DIR [GGUF]

writes the weights that llama.cpp runs (extra `local`) into DIR in the form of transformers (dependency group `engines`), which
vLLM reads too; everything here reads such a folder. Transformers' own reader of such files leaves Gemma's norms as llama.cpp keeps
them (one too large) and says nothing about it. Sampling is what an OpenAI-compatible server does: temperature, then top_p, over the whole vocabulary; before them DRY against the loops of a
small model, as llama.cpp has it (multiplier 0.8, base 1.75, two tokens allowed, line breaks end a repetition).
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

sys.path.insert(0, str(Path(__file__).parent.parent))

from engines.marking import vocabulary_of

__all__ = ["Ask", "Model", "Said", "export"]

GGUF = Path.home() / ".cache/inkseal/gemma-3-270m-q4_k_m.gguf"

# Texts are English or Chinese: tokens of other scripts, of bytes, of no text, and those that look like ends are never drawn.
_PLAIN = re.compile(r"[\x20-\x7e\n\u2581\u2010-\u2027\u3000-\u303f\uff01-\uff65\u4e00-\u9fff]+")
_BYTES = frozenset(f"<0x{at:02X}>" for at in range(256))
ENDS = frozenset(["</s>", "<eos>"])  # what clients take for the end of an answer
ROWS, BLOCK = 16, 512
NUCLEUS = 4096  # tokens; nearly every nucleus has fewer
READ = 256  # prompts of which keys and values are kept
DRY_MULTIPLIER, DRY_BASE, DRY_ALLOWED, DRY_LONGEST = 0.8, 1.75, 2, 40


@dataclass(frozen=True, slots=True)
class Ask:
    """One prompt, and how it is gone on with. `alternatives`: of how many tokens each position tells the log-probability.
    `top_k`: 0 is off.
    """

    prompt: str
    n: int = 1
    temperature: float = 1.0
    top_p: float = 1.0
    alternatives: int = 0
    bias: Mapping[int, float] = field(default_factory=dict)
    top_k: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """One continuation. `told`: of each position, the tokens' ids and log-probabilities, likeliest first."""

    ids: list[int]
    told: list[list[tuple[int, float]]]


class Model:
    """`folder`: what `export` wrote."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.network: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()
        tokens = self.tokenizer.convert_ids_to_tokens(list(range(len(self.tokenizer))))
        self.bytes = vocabulary_of(tokens)
        added = {*self.tokenizer.all_special_ids, *self.tokenizer.get_added_vocab().values()}
        plain = [
            at
            for at, one in enumerate(tokens)
            if at not in added and _PLAIN.fullmatch(one) and one not in _BYTES | ENDS
        ]
        self.open = torch.tensor(plain)  # the ids of the tokens that may be drawn
        self._head = self.network.lm_head.weight[self.open].contiguous()
        self.breakers = torch.tensor([b"\n" in one for one in self.bytes], dtype=torch.bool)
        self._read: dict[str, tuple[list[int], Any]] = {}
        self.chance = np.random.default_rng(1)
        self.place = {token: at for at, token in enumerate(plain)}
        self._blocks = np.arange(0, len(plain), BLOCK)

    def text(self, ids: Sequence[int]) -> str:
        """What tokens spell; half a character at the end is left out."""
        return b"".join(self.bytes[at] for at in ids).decode("utf-8", "ignore")

    def cut(self, texts: Sequence[str]) -> list[list[int]]:
        """Texts in tokens, each behind the token that begins a document."""
        found: list[list[int]] = self.tokenizer(list(texts)).input_ids
        return found

    @torch.inference_mode()
    def continued(
        self, asks: Sequence[Ask], tokens: int, processor: Callable[[Any, Any], Any] | None = None
    ) -> list[list[Said]]:
        """`n` continuations of each prompt, of so many tokens: never fewer, for no token ends an answer.

        `processor`: what changes the logits before the temperature, of a few rows at a time: (ids of the answers so far,
        logits of the tokens `open`, numpy both) -> logits. ValueError: prompt and text do not fit the window of the layers that see
        the last 512 tokens alone, of which what was read before could not be kept.
        """
        rows = [at for at, ask in enumerate(asks) for _ in range(ask.n)]
        ids, mask, hidden, cache = self._begun([ask.prompt for ask in asks])
        order = torch.tensor(rows)
        cache.batch_select_indices(order)
        ids, mask, hidden = ids[order], mask[order], hidden[order]
        if ids.shape[1] + tokens > self.network.config.sliding_window:
            raise ValueError(f"prompts of {ids.shape[1]} tokens and {tokens} more are too long")
        start, most = ids.shape[1], max(ask.alternatives for ask in asks)
        told: list[list[list[tuple[int, float]]]] = [[] for _ in rows]
        for step in range(tokens):
            drawn = []
            whole = torch.nn.functional.linear(hidden, self._head)
            # In float32 logits of all rows would be gigabytes; those of a few stay in a cache.
            for first in range(0, len(rows), ROWS):
                some = slice(first, first + ROWS)
                logits = whole[some].float().numpy()
                self._hold(logits, ids[some])
                if processor is not None:
                    logits = processor(ids[some, start:].numpy(), logits)
                for row, values in enumerate(logits, first):
                    ask = asks[rows[row]]
                    for token, bias in ask.bias.items():
                        values[self.place[token]] += bias
                    told[row].append(self._likeliest(values, ask.alternatives) if most else [])
                    drawn.append([self._drawn(values, ask)])
            new = self.open[torch.tensor(drawn)]
            ids = torch.cat([ids, new], 1)
            mask = torch.cat([mask, torch.ones_like(new)], 1)
            if step + 1 < tokens:
                hidden = self._hidden(new, mask, cache)
        said = ids[:, start:].tolist()
        found: list[list[Said]] = [[] for _ in asks]
        for row, at in enumerate(rows):
            found[at].append(Said(said[row], told[row]))
        return found

    def _likeliest(self, values: Any, count: int) -> list[tuple[int, float]]:
        """The likeliest tokens with their log-probabilities, falling."""
        if not count:
            return []
        total = log_sum(values)
        some = np.argpartition(values, -count)[-count:]
        some = some[np.argsort(-values[some])]
        return list(zip(self.open[some].tolist(), (values[some] - total).tolist(), strict=True))

    def _hold(self, logits: Any, ids: Any) -> None:
        """Makes what would go on with a repetition less likely."""
        length = ids.shape[1]
        # How long the end of the text is that stands before each token as well.
        again = torch.zeros((len(ids), length - 1), dtype=torch.long)
        alive = ids[:, :-1] >= 0
        for back in range(min(DRY_LONGEST, length - 1)):
            own = ids[:, length - 1 - back]
            then = torch.full_like(ids[:, :-1], -1)
            then[:, back:] = ids[:, : length - 1 - back]
            alive = alive & (then == own[:, None]) & ~self.breakers[own][:, None]
            if not alive.any():
                break
            again += alive
        longest: dict[tuple[int, int], int] = {}
        for row, place in (again >= DRY_ALLOWED).nonzero().tolist():
            which = row, int(ids[row, place + 1])
            if which[1] not in self.place:
                continue
            longest[which] = max(longest.get(which, 0), int(again[row, place]))
        for (row, token), repeated in longest.items():
            logits[row, self.place[token]] -= DRY_MULTIPLIER * DRY_BASE ** (repeated - DRY_ALLOWED)

    def _begun(self, prompts: Sequence[str]) -> tuple[Any, Any, Any, Any]:
        """The prompts read, each a row: ids (-1 before them), mask, the state at the last token, and the cache.

        A prompt that goes on with one that was read before is read from there on: of it only keys and values are kept, which
        stand left of the new tokens with a gap between, masked; the places by which they were turned stay their own.
        """
        cut = self.cut(prompts)
        known = [self._known(prompt, ids) for prompt, ids in zip(prompts, cut, strict=True)]
        news = [ids[size:] for ids, (size, _) in zip(cut, known, strict=True)]
        width, wide = max(map(len, news)), max(size for size, _ in known)
        pad = self.tokenizer.pad_token_id or 0
        ids = torch.tensor([[pad] * (width - len(new)) + new for new in news])
        fresh = torch.tensor([[0] * (width - len(new)) + [1] * len(new) for new in news])
        old = torch.tensor([[0] * (wide - size) + [1] * size for size, _ in known]).reshape(len(cut), wide)
        mask = torch.cat([old, fresh], 1)
        cache = DynamicCache(config=self.network.config)
        layers = self.network.config.num_hidden_layers
        if wide:
            some = next(held for size, held in known if size)
            for layer in range(layers):
                sides = []
                for side in range(2):
                    whole = torch.zeros(
                        (len(cut), some[layer][side].shape[0], wide, some[layer][side].shape[2])
                    )
                    whole = whole.to(some[layer][side].dtype)
                    for row, (size, held) in enumerate(known):
                        if size:
                            whole[row, :, wide - size :] = held[layer][side][:, :size]
                    sides.append(whole)
                cache.update(*sides, layer)
        hidden = self._hidden(ids, mask, cache)
        stands = mask.bool()
        for row, (prompt, own) in enumerate(zip(prompts, cut, strict=True)):
            kept = [
                (layer.keys[row][:, stands[row]].clone(), layer.values[row][:, stands[row]].clone())
                for layer in cache.layers
            ]
            self._read[prompt] = own, kept
        while len(self._read) > READ:
            del self._read[next(iter(self._read))]
        full = torch.tensor([[-1] * (wide + width - len(own)) + own for own in cut])
        return full, mask, hidden, cache

    def _known(self, prompt: str, ids: Sequence[int]) -> tuple[int, Any]:
        """How many of the first tokens were read before, and their keys and values by layer."""
        best, held = 0, None
        for before in self._read:
            if prompt.startswith(before):
                own, kept = self._read[before]
                size = next((at for at, (a, b) in enumerate(zip(own, ids, strict=False)) if a != b), len(own))
                size = min(size, len(ids) - 1)  # one is left to be asked what follows
                if size > best:
                    best, held = size, kept
        return best, held

    def _hidden(self, ids: Any, mask: Any, cache: Any) -> Any:
        """The last layer's state at the last token of each row."""
        places = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        how = {"attention_mask": mask, "position_ids": places, "past_key_values": cache, "use_cache": True}
        return self.network.model(input_ids=ids, **how).last_hidden_state[:, -1]

    def _drawn(self, values: Any, ask: Ask) -> int:
        """The place of a token among those that may be drawn; temperature 0 takes the likeliest.

        Without sorting: a token is drawn from all, and drawn again where it is none of the nucleus, which is where the
        likelier ones together have `top_p` already.
        """
        best = int(values.argmax())
        if ask.temperature <= 0:
            return best
        if ask.top_k:
            values = np.where(values < np.partition(values, -ask.top_k)[-ask.top_k], -np.inf, values)
        weights = np.exp((values - values[best]) * np.float32(1 / ask.temperature))
        blocks = np.add.reduceat(weights, self._blocks, dtype=np.float64).cumsum()
        while True:
            aim = self.chance.random() * blocks[-1]
            block = int(np.searchsorted(blocks, aim, side="right"))
            first = self._blocks[block]
            inside = weights[first : first + BLOCK].cumsum(dtype=np.float64) + (
                blocks[block - 1] if block else 0.0
            )
            token = int(first + min(np.searchsorted(inside, aim, side="right"), len(inside) - 1))
            likelier = weights[weights > weights[token]].sum(dtype=np.float64)
            if likelier < ask.top_p * blocks[-1] and weights[token] > 0:
                return token

    @torch.inference_mode()
    def judged(
        self, pairs: Sequence[tuple[str, str]], temperature: float, top_p: float
    ) -> list[tuple[float, float, int]]:
        """Of each prompt with its text: the mean of -log p of the text's tokens (nats, temperature 1, nothing cut off), the
        mean entropy of what was sampled from (at `temperature` and `top_p`), and how many tokens that is.
        """
        found = []
        for prompt, text in pairs:
            before, ids = self.cut([prompt, prompt + text])
            first = len(before)
            states = self.network.model(input_ids=torch.tensor([ids])).last_hidden_state[0, first - 1 : -1]
            nats, entropies = [], []
            for token, row in zip(ids[first:], torch.nn.functional.linear(states, self._head), strict=True):
                values = row.float().numpy()
                if token in self.place:
                    nats.append(log_sum(values) - float(values[self.place[token]]))
                entropies.append(nucleus_entropy(values / np.float32(temperature), top_p))
            found.append((float(np.mean(nats)), float(np.mean(entropies)), len(nats)))
        return found


def log_sum(values: Any) -> float:
    """log of the sum of exp."""
    most = values.max()
    return float(most) + math.log(float(np.exp(values - most).sum(dtype=np.float64)))


def nucleus_entropy(values: Any, top_p: float) -> float:
    """The entropy, in nats, of the likeliest tokens that together have `top_p` of the chance."""
    count = min(NUCLEUS, len(values))
    some = -np.sort(-np.partition(values, -count)[-count:])
    chances = np.exp(some - log_sum(values)).astype(np.float64)
    before = chances.cumsum() - chances
    if before[-1] + chances[-1] < top_p and count < len(values):
        chances = np.exp(-np.sort(-values) - log_sum(values)).astype(np.float64)
        before = chances.cumsum() - chances
    kept = chances[before < top_p]
    kept /= kept.sum()
    return float(-(kept * np.log(kept)).sum())


# llama.cpp's names of the parts of a layer, and transformers'.
PARTS = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_norm": "input_layernorm",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def export(gguf: Path, folder: Path) -> None:
    """Writes config.json, model.safetensors (bfloat16) and the tokenizer."""
    from gguf import GGUFReader, dequantize
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    reader = GGUFReader(str(gguf))

    def told(name: str) -> Any:
        return reader.fields[f"gemma3.{name}"].contents()

    layers = told("block_count")
    config = {
        "architectures": ["Gemma3ForCausalLM"],
        "model_type": "gemma3_text",
        "torch_dtype": "bfloat16",
        "vocab_size": 262_144,
        "hidden_size": told("embedding_length"),
        "intermediate_size": told("feed_forward_length"),
        "num_hidden_layers": layers,
        "num_attention_heads": told("attention.head_count"),
        "num_key_value_heads": told("attention.head_count_kv"),
        "head_dim": told("attention.key_length"),
        "query_pre_attn_scalar": told("attention.key_length"),
        "max_position_embeddings": told("context_length"),
        "sliding_window": told("attention.sliding_window"),
        # Every sixth layer sees everything, the others a window with a rope of their own: llama.cpp knows it by heart too.
        "layer_types": ["sliding_attention" if (at + 1) % 6 else "full_attention" for at in range(layers)],
        "rope_theta": told("rope.freq_base"),
        "rope_local_base_freq": 10_000.0,
        "rms_norm_eps": 1e-6,
        "hidden_activation": "gelu_pytorch_tanh",
        "attention_bias": False,
        "tie_word_embeddings": True,
        "bos_token_id": 2,
        "eos_token_id": 1,
        "pad_token_id": 0,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1), "utf-8")
    tensors = {}
    for one in reader.tensors:
        value = torch.from_numpy(dequantize(one.data, one.tensor_type).copy())
        if one.name.endswith("norm.weight"):
            value -= 1  # transformers adds it back while it runs
        where = one.name.removesuffix(".weight").split(".")
        if where[0] == "blk":
            name = f"model.layers.{where[1]}.{PARTS[where[2]]}.weight"
        else:
            name = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}[where[0]] + ".weight"
        tensors[name] = value.to(torch.bfloat16).contiguous()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    if not (folder / "tokenizer.json").exists():
        AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder)


if __name__ == "__main__":
    export(Path(sys.argv[2]) if len(sys.argv) > 2 else GGUF, Path(sys.argv[1]))
