"""Random libraries of all kinds, random texts, random cuts: a small run of bench/review_leaks.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def bench() -> ModuleType:
    path = Path(__file__).parents[2] / "bench/review_leaks.py"
    spec = importlib.util.spec_from_file_location("review_leaks", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", [5, 6])
def test_random_cuts_of_random_texts_leak_nothing(seed: int) -> None:
    _, counts, bad = bench().work((seed, 1000))
    assert counts["chunkings"] >= 1000
    assert (counts["differ"], counts["leak"]) == (0, 0), bad
