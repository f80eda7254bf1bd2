"""The plug-ins of engines. transformers runs for real, with a tiny model of random weights; vLLM and SGLang are called with
objects of the documented shape (vLLM itself: test_vllm_inside.py).
"""

from __future__ import annotations

import json
import pickle
import weakref
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (dependency group `engines`)")

from detectors.token_marks import GUMBEL, drawn_tokens  # noqa: E402 - torch may be missing
from engines.drawing import mark  # noqa: E402 - as above
from engines.sending import members, sglang_processor  # noqa: E402 - as above
from labelers.token_marks import raw_token, token_hashes  # noqa: E402 - as above
from tests.engines import shapes  # noqa: E402 - as above
from tests.engines.shapes import VOCABULARY, SamplingParams  # noqa: E402 - as above

pytestmark = pytest.mark.engines

KEY = b"an engine's key!"
ASKED = {"inkseal_key": KEY.hex()}
SIZE = len(VOCABULARY)
TABLE = np.array(token_hashes(KEY, [raw_token(one, True) for one in VOCABULARY]), np.int64)


def logits_of(rows: int, seed: int = 1) -> Any:
    return torch.tensor(np.random.default_rng(seed).normal(0, 2, (rows, SIZE)), dtype=torch.float32)


def drawn(
    logits: Any, answer: list[int], temperature: float = 1.0, top_p: float = 1.0, message: int = -1
) -> int:
    """The token that the numpy core draws after an answer."""
    columns = [np.array([one]) for one in (temperature, top_p, 0, 0.0)]
    ids = np.array([answer], np.int64)
    says = np.array([message])
    out = mark(np, logits.numpy()[None, :], ids, TABLE, np.array([True]), *columns, message=says)
    assert np.isfinite(out).sum() == 1
    return int(out.argmax())


def test_numpy_and_torch_draw_alike() -> None:
    logits, ids = logits_of(50), np.random.default_rng(2).integers(0, SIZE, (50, 7))
    for tournament in (False, True):
        columns = [np.full(50, one) for one in (0.7, 0.9, 0, 0.0)]
        says = np.arange(50) * 0x5123457 - 1
        here = mark(np, logits.numpy(), ids, TABLE, np.full(50, True), *columns, tournament, says)
        there = mark(
            torch,
            logits,
            torch.tensor(ids),
            torch.tensor(TABLE),
            torch.full((50,), True),
            *map(torch.tensor, columns),
            tournament,
            torch.tensor(says),
        ).numpy()
        # Chances that rounding may leave at nought are as good as nought.
        assert np.allclose(np.exp(here / 0.7), np.exp(there / 0.7), atol=1e-5)


# -- transformers


def test_a_model_of_transformers_writes_a_text_that_the_reader_finds() -> None:
    transformers = pytest.importorskip("transformers", reason="dependency group `engines`")
    from engines.transformers import InksealLogitsProcessor

    torch.manual_seed(1)
    config = transformers.GPT2Config(vocab_size=SIZE, n_positions=256, n_embd=16, n_layer=1, n_head=1)
    model = transformers.GPT2LMHeadModel(config).eval()
    prompt = torch.tensor([[5, 6, 7], [8, 9, 10]])
    how = {"do_sample": True, "temperature": 0.9, "top_p": 0.95, "top_k": 0, "max_new_tokens": 120}
    for marked in (True, False):
        marking = InksealLogitsProcessor(KEY, shapes.Tokenizer(), temperature=0.9, top_p=0.95)
        out = model.generate(
            prompt, pad_token_id=0, eos_token_id=None, logits_processor=[marking] if marked else [], **how
        )
        for row in out[:, 3:].tolist():
            p = log10_p(row)
            assert p < -20 if marked else p > -4


def log10_p(said: list[int]) -> float:
    return GUMBEL.log10_p(drawn_tokens(KEY, [raw_token(VOCABULARY[at], True) for at in said]).bits)


# -- vLLM, by contract


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> Any:
    import engines.vllm

    monkeypatch.setattr(engines.vllm, "_vocabulary", lambda _: [raw_token(one, True) for one in VOCABULARY])
    return engines.vllm


CONFIG = SimpleNamespace(model_config=None)


def test_v1_marks_the_rows_that_asked_through_every_change_of_the_batch(vllm: Any) -> None:
    processor = vllm.InksealLogitsProcessor(CONFIG, torch.device("cpu"), False)
    assert processor.is_argmax_invariant() is False
    first, second, plain = [1, 2, 3], [4, 5, 6, 7], [8, 9, 10]
    asked, cooler = SamplingParams(extra_args=ASKED), SamplingParams(0.6, 0.8, extra_args=ASKED)
    added = [(0, asked, [1], first), (1, SamplingParams(), None, plain), (2, cooler, [1], second)]
    processor.update_state(shapes.BatchUpdate(3, added=added))
    processor.update_state(None)
    logits = logits_of(3)
    out = processor.apply(logits.clone())
    assert int(out[0].argmax()) == drawn(logits[0], first)
    assert (out[1] == logits[1]).all()
    assert int(out[2].argmax()) == drawn(logits[2], second, 0.6, 0.8)
    first.append(int(out[0].argmax()))  # the list is the engine's, and grows
    assert int(processor.apply(logits.clone())[0].argmax()) == drawn(logits[0], first)
    processor.update_state(shapes.BatchUpdate(3, moved=[(0, 1, shapes.Move.SWAP)]))
    out = processor.apply(logits.clone())
    assert (out[0] == logits[0]).all()
    assert int(out[1].argmax()) == drawn(logits[1], first)
    processor.update_state(shapes.BatchUpdate(2, removed=[1], moved=[(2, 1, shapes.Move.UNIDIRECTIONAL)]))
    out = processor.apply(logits[:2].clone())
    assert (out[0] == logits[0]).all()
    assert int(out[1].argmax()) == drawn(logits[1], second, 0.6, 0.8)
    processor.update_state(shapes.BatchUpdate(1, removed=[1]))
    assert (processor.apply(logits[:1].clone()) == logits[:1]).all()


def test_rows_of_one_key_that_say_different_things_are_marked_together(vllm: Any) -> None:
    processor = vllm.InksealLogitsProcessor(CONFIG, torch.device("cpu"))
    messages = [0xA7000000 + row for row in range(8)] + [-1]
    # Contexts that are no pilots draw differently under each.
    answers = [[row, 2 * row + 1, 50 + row] for row in range(9)]
    params = [
        SamplingParams(extra_args=members("vllm", KEY, False, {}, one)["vllm_xargs"]) for one in messages
    ]
    added = [(row, params[row], None, answers[row]) for row in range(9)]
    processor.update_state(shapes.BatchUpdate(9, added=added))
    logits = logits_of(1).repeat(9, 1)
    out = processor.apply(logits.clone()).argmax(-1).tolist()
    assert out == [
        drawn(logits[0], answer, message=one) for answer, one in zip(answers, messages, strict=True)
    ]
    assert out != [drawn(logits[0], answer) for answer in answers]


def test_v1_says_once_that_it_is_not_told_what_was_drawn(vllm: Any, caplog: pytest.LogCaptureFixture) -> None:
    """As vLLM 0.32 does on a GPU with a plug-in that it was not started with by name."""
    processor = vllm.InksealLogitsProcessor(CONFIG, torch.device("cpu"))
    params = SamplingParams(extra_args=ASKED)
    processor.update_state(shapes.BatchUpdate(1, added=[(0, params, [1], [1, 2, 3, -1])]))
    logits = logits_of(1)
    for _ in range(2):
        assert (processor.apply(logits.clone()) == logits).all()
    (said,) = caplog.messages
    assert "--logits-processors engines.vllm:InksealLogitsProcessor" in said


def test_an_engine_that_loads_the_plug_in_twice_marks_once(vllm: Any) -> None:
    first = vllm.InksealLogitsProcessor(CONFIG, torch.device("cpu"))
    second = vllm.InksealLogitsProcessor(CONFIG, torch.device("cpu"))
    params = SamplingParams(extra_args=ASKED)
    logits = logits_of(1)
    for processor in (first, second):
        processor.update_state(shapes.BatchUpdate(1, added=[(0, params, [1], [1, 2, 3])]))
    assert (second.apply(logits.clone()) == logits).all()
    assert int(first.apply(logits.clone())[0].argmax()) == drawn(logits[0], [1, 2, 3])
    assert (first.add_request(0, params), second.add_request(0, params)) == (True, False)
    del first
    assert vllm.InksealLogitsProcessor(CONFIG, torch.device("cpu")).add_request(0, params)


@pytest.mark.parametrize(
    "said",
    [
        {"inkseal_key": "xyz"},
        {"inkseal_key": "00"},
        {**ASKED, "inkseal_draw": "dice"},
        {**ASKED, "inkseal_message": "12345"},
        {**ASKED, "inkseal_message": 12345678},
    ],
)
def test_a_request_with_a_key_or_a_message_that_is_none_is_refused(vllm: Any, said: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="inkseal_"):
        vllm.InksealLogitsProcessor.validate_params(SamplingParams(extra_args=said))
    vllm.InksealLogitsProcessor.validate_params(SamplingParams())


@pytest.mark.parametrize("message", [-1, 0, 0xFEDCBA98])
def test_v2_finds_the_tokens_of_rows_that_are_not_requests_and_of_drafts(vllm: Any, message: int) -> None:
    """Three slots, of which the last two are in this step's batch: slot 2 with two drafts, slot 1 unmarked."""
    tokens = torch.zeros((3, 32), dtype=torch.int32)
    answer, drafts = [11, 12, 13, 14], [15, 16]
    tokens[2, :9] = torch.tensor([90, 91, 92, 93, 94, *answer])  # a prompt of five tokens
    tokens[1, :4] = torch.tensor([1, 2, 3, 4])
    states = shapes.RequestStates(
        torch.device("cpu"),
        3,
        SIZE,
        shapes.OnDevice(tokens),
        *(shapes.OnDevice(torch.tensor(one)) for one in ([0, 1, 5], [0, 1, 5], [0, 4, 9])),
    )
    processor = vllm.InksealLogitsProcessor(CONFIG, states)
    told = members("vllm", KEY, False, {}, message)["vllm_xargs"]
    assert processor.add_request(2, SamplingParams(0.8, 0.9, extra_args=told)) is True
    assert processor.add_request(1, SamplingParams(extra_args=ASKED)) is True
    assert processor.add_request(1, SamplingParams()) is False  # the slot is another's now
    context = shapes.LogitsContext(
        expanded_idx_mapping=torch.tensor([2, 2, 2, 1]),
        idx_mapping=torch.tensor([2, 1]),
        idx_mapping_np=np.array([2, 1]),
        expanded_local_pos=torch.tensor([0, 1, 2, 0]),
        input_ids=torch.tensor([14, *drafts, 4]),
        pos=torch.tensor([8, 9, 10, 3]),
        seq_lens_upper_bound_np=np.array([11, 4]),
    )
    logits = logits_of(4)
    out = processor.apply(logits.clone(), context)
    for row in range(3):
        assert int(out[row].argmax()) == drawn(logits[row], [*answer, *drafts[:row]], 0.8, 0.9, message)
    assert (out[3] == logits[3]).all()
    elsewhere = shapes.LogitsContext(**{**vars(context), "idx_mapping_np": np.array([0, 1])})
    assert (processor.apply(logits.clone(), elsewhere) == logits).all()


def test_what_the_proxy_adds_for_vllm_is_what_the_plugin_reads(vllm: Any) -> None:
    told = members("vllm", KEY, False, {})["vllm_xargs"]
    processor = vllm.InksealLogitsProcessor(CONFIG, torch.device("cpu"))
    processor.update_state(
        shapes.BatchUpdate(1, added=[(0, SamplingParams(extra_args=told), None, [1, 2, 3])])
    )
    logits = logits_of(1)
    assert int(processor.apply(logits.clone())[0].argmax()) == drawn(logits[0], [1, 2, 3])


# -- SGLang, by contract


@pytest.mark.parametrize("message", [-1, 0x89ABCDEF])
def test_the_processor_that_is_sent_needs_nothing_of_ours_and_marks_as_the_core_does(message: int) -> None:
    """As the server does: the string is loaded, the class called without arguments, with the requests in the parameters."""
    made = pickle.loads(bytes.fromhex(json.loads(sglang_processor())["callable"]))
    assert made.__module__ == "inkseal_sglang"
    told = members("sglang", KEY, False, {"custom_params": {"own": 1}}, message)["custom_params"]
    assert told["own"] == 1
    first = shapes.SglangRequest([1, 2, 3])
    cooler = shapes.SglangRequest([4, 5, 6, 7], shapes.SglangParams(0.6, 0.8))
    greedy = shapes.SglangRequest([4, 5, 6, 7], shapes.SglangParams(1.0, 1.0, 1))
    draft = shapes.SglangRequest([4, 5, 6])
    # SGLang gives weak references, so that requests end when they are done.
    held = [weakref.proxy(one) for one in (first, cooler, greedy, draft, draft)]
    params: list[Any] = [{**told, "__req__": one} for one in held]
    logits = logits_of(6)
    out = made()(logits.clone(), [*params, None])
    assert int(out[0].argmax()) == drawn(logits[0], [1, 2, 3], message=message)
    assert int(out[1].argmax()) == drawn(logits[1], [4, 5, 6, 7], 0.6, 0.8, message)
    assert (out[2:] == logits[2:]).all()  # greedy, two drafts of one request, and one that asked for nothing
    assert (made()(logits.clone(), None) == logits).all()
    assert (made()(logits.clone(), params[3:5]) == logits[:6]).all()
