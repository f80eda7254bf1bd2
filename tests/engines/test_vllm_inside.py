"""The plug-in inside vLLM itself, with a tiny model of random weights, from the entry point on.

Needs an environment with vLLM in it (engines/README.md says how one is made); elsewhere this file is skipped. On a CPU V1's model
runner is used; on a GPU the one that `VLLM_USE_V2_MODEL_RUNNER` (0 or 1) says. `VLLM_ARGUMENTS`: further arguments of
`vllm.LLM`, as JSON.
"""

from __future__ import annotations

import json
import os
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("vllm", reason="vLLM is not installed (an environment of its own)")

from engines.sending import members
from engines.vllm import InksealLogitsProcessor
from labelers.token_marks import NO_MESSAGE

pytestmark = [
    pytest.mark.engines,
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # vLLM and torch warn of their own ways
]

KEY = b"an engine's key!"
OTHER = b"another one's ke"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("model")
    write_model(made)
    return made


def started(folder: Path, **how: Any) -> Any:
    os.environ |= {
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    import torch
    from vllm import LLM

    if torch.cuda.is_available():
        how["gpu_memory_utilization"] = 0.1
        if os.environ.get("VLLM_USE_V2_MODEL_RUNNER") == "0":
            how["logits_processors"] = ["engines.vllm:InksealLogitsProcessor"]
    how |= json.loads(os.environ.get("VLLM_ARGUMENTS", "{}"))
    return LLM(
        str(folder), max_model_len=256, max_num_seqs=4, enforce_eager=True, dtype="float32", seed=1, **how
    )


@pytest.fixture(scope="module")
def engine(folder: Path) -> Any:
    return started(folder)


def is_second(engine: Any) -> bool:
    """Whether Model Runner V2 is at work."""
    return bool(engine.llm_engine.vllm_config.use_v2_model_runner)


def write_model(folder: Path) -> None:
    """Two layers of random weights over the bytes as tokens."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: at for at, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=letters[0]).save_pretrained(folder)
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=256,
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=1,
        num_key_value_heads=1,
        max_position_embeddings=256,
        bos_token_id=None,
        eos_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)


def drawn_by(engine: Any, ids: list[int], key: bytes) -> Any:
    """The tokens as the engine wrote them."""
    from detectors.token_marks import drawn_tokens
    from engines.marking import vocabulary_of

    tokenizer = engine.get_tokenizer()
    spelt = vocabulary_of(tokenizer.convert_ids_to_tokens(list(range(len(tokenizer)))))
    return drawn_tokens(key, [spelt[one] for one in ids])


def log10_p(engine: Any, ids: list[int], key: bytes = KEY, tournament: bool = False) -> float:
    from detectors.token_marks import GUMBEL, TOURNAMENT

    return (TOURNAMENT if tournament else GUMBEL).log10_p(drawn_by(engine, ids, key).bits)


def message(engine: Any, ids: list[int], tournament: bool = False) -> int:
    """The likeliest of all."""
    from detectors.token_marks import GUMBEL, TOURNAMENT, token_sums
    from labelers.watermarks.payload import read_message

    sums = token_sums(drawn_by(engine, ids, KEY), TOURNAMENT if tournament else GUMBEL)
    return read_message(sums).payload.whole


def written(
    engine: Any, prompts: list[str], extra: list[dict[str, Any] | None], **how: Any
) -> list[list[int]]:
    from vllm import SamplingParams

    asked = {
        "temperature": 0.9,
        "top_p": 0.95,
        "max_tokens": 120,
        "ignore_eos": True,
        "min_tokens": 120,
    } | how
    params = [SamplingParams(extra_args=one, **asked) for one in extra]
    return [list(out.outputs[0].token_ids) for out in engine.generate(prompts, params, use_tqdm=False)]


def test_the_entry_point_is_what_vllm_loads() -> None:
    (found,) = entry_points(group="vllm.logits_processors", name="inkseal")
    assert found.load() is InksealLogitsProcessor


def test_the_runner_is_the_one_that_was_asked_for(engine: Any) -> None:
    asked = os.environ.get("VLLM_USE_V2_MODEL_RUNNER")
    assert asked is None or is_second(engine) is (asked == "1")


def test_requests_that_ask_are_marked_beside_others_that_come_and_go(engine: Any) -> None:
    """Seven requests for four places: rows move while they are written."""
    asked = members("vllm", KEY, False, {})["vllm_xargs"]
    drawn = members("vllm", KEY, True, {})["vllm_xargs"]
    elsewhere = members("vllm", OTHER, False, {})["vllm_xargs"]
    extra = [asked, None, drawn, elsewhere, None, asked, drawn]
    said = written(engine, [f"Question {at}" for at in range(len(extra))], extra)
    found = [log10_p(engine, ids) for ids in said]
    assert max(found[0], found[5]) < -20
    assert min(found[1], found[3], found[4]) > -4
    assert log10_p(engine, said[3], OTHER) < -20
    assert max(log10_p(engine, said[at], tournament=True) for at in (2, 6)) < -10


def test_each_request_says_its_own_message(engine: Any) -> None:
    """Beside others that say another, or none."""
    says = [0x12345678, NO_MESSAGE, 0xFEDCBA98, 0, 0x00C0FFEE]
    draws = [False, False, True, False, True]
    extra = [
        members("vllm", KEY, draw, {}, said)["vllm_xargs"] for said, draw in zip(says, draws, strict=True)
    ]
    found = written(engine, [f"Question {at}" for at in range(len(says))], extra)
    read = [message(engine, ids, draw) for ids, draw in zip(found, draws, strict=True)]
    assert [one for one, said in zip(read, says, strict=True) if said != NO_MESSAGE] == [
        said for said in says if said != NO_MESSAGE
    ]
    assert log10_p(engine, found[1]) < -20


def test_what_the_sampler_would_never_draw_is_not_drawn(engine: Any) -> None:
    asked = members("vllm", KEY, False, {})["vllm_xargs"]
    greedy = written(engine, ["Once", "Once"], [asked, None], temperature=0.0)
    assert greedy[0] == greedy[1]
    one = written(engine, ["Once", "Once"], [asked, None], top_k=1)
    assert one[0] == one[1]


def test_a_key_that_is_none_is_refused_before_anything_is_written(engine: Any) -> None:
    from vllm.exceptions import VLLMValidationError

    with pytest.raises(VLLMValidationError, match="16 to 64 bytes"):
        written(engine, ["Once"], [{"inkseal_key": "00"}])


def test_the_second_runners_classes_are_those_that_the_contract_tests_copy() -> None:
    interface = pytest.importorskip("vllm.v1.worker.gpu.sample.logits_processor.interface")
    from tests.engines import shapes

    assert issubclass(InksealLogitsProcessor, interface.LogitsProcessor)
    assert not InksealLogitsProcessor.__abstractmethods__
    for copy, original in (
        (shapes.LogitsContext, interface.LogitsContext),
        (shapes.RequestStates, interface.LogitsProcRequestState),
    ):
        assert set(copy.__dataclass_fields__) == set(original.__dataclass_fields__), json.dumps(
            sorted(original.__dataclass_fields__)
        )


def test_drafts_of_tokens_are_marked_in_the_second_runner(engine: Any, folder: Path) -> None:
    """Drafts of what stood there before: with one byte to go by there is one nearly always. Last, for two engines in one
    process are in each other's way.
    """
    if not is_second(engine):
        pytest.skip("V1's runner allows no drafts together with logits processors")
    drafts = {"method": "ngram", "num_speculative_tokens": 3, "prompt_lookup_max": 1, "prompt_lookup_min": 1}
    drafting = started(folder, speculative_config=drafts)
    asked = members("vllm", KEY, False, {})["vllm_xargs"]
    said = written(drafting, [f"Question {at}" for at in range(6)], [asked, None] * 3)
    found = [log10_p(drafting, ids) for ids in said]
    assert max(found[::2]) < -20
    assert min(found[1::2]) > -4
