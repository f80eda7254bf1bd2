"""Statistical marks with a real model behind the whole proxy: the embedded one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from labelers.watermarks.green_list import count_green
from labelers.watermarks.units import epoch_prf, grams_of, read_units
from proxy.upstreams.local_server import MODEL
from tests.helpers import serving

pytestmark = [pytest.mark.model, pytest.mark.slow]


# The small model may end an answer with its stop string at any token: then the next seed is asked.
SEEDS = range(1, 9)
PATIENT = {"connect": 300, "first_byte": 300, "idle": 300, "total": 900}


def marking(folder: Path, **statistical: Any) -> Any:
    return serving(
        folder,
        None,
        watermarks={"statistical": statistical, "carrier": {"enabled": False}},
        labels={"positions": ["end"]},
        # A busy machine may take minutes for what takes a second.
        upstreams=[{"name": "model", "kind": "local", "models": [MODEL], "timeouts": PATIENT}],
    )


async def test_best_of_two_goes_on_with_its_own_prefix_in_chat_and_completions(tmp_path: Path) -> None:
    async with marking(tmp_path, scheme="best_of_n", n=2) as run:
        client = run.client.with_options(timeout=900)
        question = [{"role": "user", "content": "Tell me about the sea."}]
        for seed in SEEDS:
            answer = await client.chat.completions.create(
                model=MODEL,
                messages=question,
                max_tokens=16,
                temperature=0.8,
                seed=seed,
                extra_body={"ignore_eos": True},
            )
            if answer.choices[0].finish_reason == "length":
                break
        told = answer.model_extra["aigc"]["watermark"]["statistical"]
        assert (told["unmarked"], told["kept_tokens"], told["calls"]) == (None, 16, 2)
        said = (answer.choices[0].message.content or "").partition("\n\n(")[0]
        assert len(said) > 16
        assert "Tell me" not in said[:20]
        completion = await client.completions.create(
            model=MODEL, prompt="很多人第一次在家里做饭的时候，", max_tokens=8, temperature=0.8
        )
        assert completion.model_extra["aigc"]["watermark"]["schemes"] == ["best_of_n"]


async def test_a_walk_keeps_several_tokens_a_round_and_scores_high(tmp_path: Path) -> None:
    async with marking(tmp_path, scheme="logprob_walk") as run:
        client = run.client.with_options(timeout=900)
        for seed in SEEDS:
            answer = await client.completions.create(
                model=MODEL, prompt="The old harbour of the town", max_tokens=20, temperature=1.0, seed=seed
            )
            if answer.choices[0].finish_reason == "length":
                break
        told = answer.model_extra["aigc"]["watermark"]["statistical"]
        assert told["unmarked"] is None
        assert told["kept_tokens"] / told["calls"] > 1
        text = answer.choices[0].text.partition("\n\n(")[0]
        blocks = grams_of(read_units(text)).blocks
        scores = epoch_prf(run.house.ring, 1).scores(blocks)
        assert scores.sum() > 0  # by chance under another key in one of two texts, here in nearly all


async def test_green_words_are_cut_by_the_models_own_tokenizer_and_favoured(tmp_path: Path) -> None:
    async with marking(tmp_path, scheme="green_list", green_bias=6.0) as run:
        marks = run.house.statistical
        await asyncio.wait_for(marks.explore(run.house.upstreams), 300)
        assert len(marks.ids["model"]) > 250
        client = run.client.with_options(timeout=900)
        stream = await client.completions.create(
            model=MODEL,
            prompt="The old harbour of the town",
            max_tokens=32,
            temperature=0.8,
            seed=1,
            stream=True,
        )
        text, watermark = "", {}
        async for chunk in stream:
            watermark = (chunk.model_extra or {}).get("aigc", {}).get("watermark", watermark)
            text += chunk.choices[0].text if chunk.choices else ""
        assert (watermark["schemes"], watermark["statistical"]["unmarked"]) == (["green_list"], None)
        told, green = count_green(epoch_prf(run.house.ring, 1), text)
        assert told >= 4 and green > 0.8 * told
