"""`inkseal check-config --probe`: what the upstreams can do, and which scheme they would get."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from click.testing import CliRunner

from proxy.__main__ import main
from proxy.commands import probe as command
from proxy.commands.probe import probe_upstreams
from proxy.upstreams import UpstreamError, replies
from proxy.upstreams.scripted import Scripted
from tests.helpers import settings_in
from tests.upstreams.test_probe import server


async def lines_of(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: Any,
    sections: Mapping[str, Any] = MappingProxyType({}),
    **upstream: Any,
) -> tuple[list[str], bool]:
    upstreams = [{"name": "main", "kind": "scripted", "models": ["the-model"], **upstream}]
    settings = settings_in(folder, upstreams=upstreams, **sections)
    monkeypatch.setattr(command, "build", lambda one: Scripted(script, name=one.name))
    return await probe_upstreams(settings)


async def test_an_upstream_is_asked_and_the_scheme_told_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, answered = await lines_of(tmp_path, monkeypatch, server("continue_final_message", n=8))
    assert answered
    assert "upstream main: prefix: continue_final_message" in lines
    assert any("scheme auto: best_of_n, because it samples 8 continuations" in line for line in lines)


async def test_what_is_declared_is_told_without_asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    can = {"n": 1, "prefix": "none"}
    lines, answered = await lines_of(tmp_path, monkeypatch, replies.json({}, status=500), capabilities=can)
    assert answered
    assert any("scheme auto: substitution" in line for line in lines)


async def test_the_schemes_of_tenants_are_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"name": "app", "key": "sk", "watermarks": {"statistical": {"scheme": "logprob_walk"}}}
    can = {"n": 1, "prefix": "none"}
    sections = {"tenants": [own], "watermarks": {"statistical": {"scheme": "best_of_n"}}}
    lines, _ = await lines_of(tmp_path, monkeypatch, replies.json({}), sections, capabilities=can)
    told = [line.split(": ")[1] for line in lines if ": scheme " in line]
    assert told == ["scheme best_of_n", "scheme logprob_walk", "scheme auto"]


@pytest.mark.parametrize(
    ("tokenizers", "payload", "draws"),
    [([], False, "words"), (["upstream:main"], False, "tokens"), (["upstream:main"], True, "words")],
)
async def test_it_is_told_what_a_walk_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizers: list[str], payload: bool, draws: str
) -> None:
    statistical = {"scheme": "logprob_walk", "payload": payload}
    sections = {"watermarks": {"statistical": statistical}, "detection": {"tokenizers": tokenizers}}
    can = {"n": 1, "prefix": "trailing", "top_logprobs": 20}
    lines, _ = await lines_of(tmp_path, monkeypatch, replies.json({}), sections, capabilities=can)
    assert any(line.startswith(f"upstream main: logprob_walk draws {draws}") for line in lines)


async def test_an_upstream_that_does_not_answer_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, answered = await lines_of(tmp_path, monkeypatch, replies.json({"error": {}}, status=500))
    assert not answered
    assert "did not answer" in lines[0]


async def test_an_upstream_that_does_not_start_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(self: Scripted) -> None:
        raise UpstreamError("connect", "no model here")

    monkeypatch.setattr(Scripted, "start", fails)
    lines, answered = await lines_of(tmp_path, monkeypatch, replies.json({}))
    assert not answered
    assert "no model here" in lines[0]


def test_the_command_prints_the_lines_and_its_exit_code_tells(tmp_path: Path) -> None:
    settings_in(tmp_path)
    done = CliRunner().invoke(main, ["check-config", "--probe", "--config", str(tmp_path / "inkseal.yaml")])
    assert done.exit_code == 0, done.output
    assert "upstream main: scheme auto: substitution" in done.output
    settings_in(tmp_path, upstreams=[{"name": "main", "base_url": "http://127.0.0.1:9/v1"}])
    done = CliRunner().invoke(main, ["check-config", "--probe", "--config", str(tmp_path / "inkseal.yaml")])
    assert done.exit_code == 1
    assert "did not answer" in done.output
