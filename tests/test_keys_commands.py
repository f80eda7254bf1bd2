"""The commands that change or share keys: who, why and what, in the records."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from proxy.__main__ import main
from proxy.keys import KeyFile
from proxy.records.record import Query
from proxy.records.store import open_store
from proxy.settings import load_settings

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INKSEAL_OPERATOR_TOKEN", raising=False)
    (tmp_path / "inkseal.yaml").write_text(
        yaml.safe_dump({"upstreams": [{"name": "main", "kind": "scripted"}]})
    )

    def invoke(*arguments: str, code: int = 0) -> Result:
        done = CliRunner().invoke(main, arguments, catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done

    invoke("keys", "new")
    return invoke


def events(folder: Path) -> list[dict[str, Any]]:
    settings = load_settings(folder / "inkseal.yaml", {})
    keys = KeyFile.load(folder / "data/keys.json")

    async def read() -> list[dict[str, Any]]:
        store = open_store(settings.records.url, keys=keys, retention_days=200)
        return [dict(stored.record.fields) async for stored in store.read(Query(kind="keys"))]

    return asyncio.run(read())


def test_rotating_leaking_and_sharing_are_events_with_who_and_why(run: Run, tmp_path: Path) -> None:
    run("keys", "rotate", "--as", "ann", "--reason", "once a year")
    run(
        "keys", "leak", "1", "--not-after", "2026-01-01T00:00:00Z", "--as", "bob", "--reason", "a lost laptop"
    )
    run("keys", "share", "1", "2", "-o", "shared.json", "--as", "ann", "--reason", "agreement 7", code=2)
    run("keys", "rotate", "--as", "ann")
    run("keys", "share", "2", "-o", "shared.json", "--as", "ann", "--reason", "agreement 7")
    told = events(tmp_path)
    assert [(e["event"], e["operator"], e["reason"], e["authenticated"]) for e in told] == [
        ("rotate", "ann", "once a year", "claimed"),
        ("leak", "bob", "a lost laptop", "claimed"),
        ("rotate", "ann", "", "claimed"),
        ("share", "ann", "agreement 7", "claimed"),
    ]
    assert (told[0]["epoch"], told[1]["epoch"], told[1]["signs_now"], told[3]["epochs"]) == (2, 1, 2, [2])
    assert len(told[1]["not_after"]) == 16 and told[3]["file"] == "shared.json"
    secrets = json.loads((tmp_path / "shared.json").read_text())
    assert stat.S_IMODE((tmp_path / "shared.json").stat().st_mode) == 0o600
    assert secrets and not any(str(e) in json.dumps(told) for e in _keys_in(secrets))
    assert "whole and unchanged" in run("records", "verify").output


def _keys_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [key for inner in value.values() for key in _keys_in(inner)]
    if isinstance(value, list):
        return [key for inner in value for key in _keys_in(inner)]
    return [value] if isinstance(value, str) and len(value) >= 32 else []


def test_a_file_that_is_there_is_not_written_over_and_nothing_is_recorded(run: Run, tmp_path: Path) -> None:
    run("keys", "rotate")
    (tmp_path / "shared.json").write_text("mine")
    assert "exists already" in run("keys", "share", "1", "-o", "shared.json", code=2).output
    assert (tmp_path / "shared.json").read_text() == "mine"
    assert [event["event"] for event in events(tmp_path)] == ["rotate"]


def test_once_there_are_operators_keys_are_the_admins(run: Run, tmp_path: Path) -> None:
    run("operators", "add", "boss", "--role", "admin", "--as", "boss")
    run("operators", "add", "ann", "--role", "operator", "--as", "boss")
    for arguments in (("rotate",), ("leak", "1"), ("share", "1", "-o", "shared.json")):
        assert "admin" in run("keys", *arguments, "--as", "ann", code=1).output
        assert "is no operator" in run("keys", *arguments, "--as", "eve", code=2).output
    assert not events(tmp_path) and not (tmp_path / "shared.json").exists()
    assert KeyFile.load(tmp_path / "data/keys.json").current == 1
    run("keys", "rotate", "--as", "boss")
    assert [event["operator"] for event in events(tmp_path)] == ["boss"]


def test_with_records_switched_off_keys_still_rotate(run: Run, tmp_path: Path) -> None:
    settings = yaml.safe_load((tmp_path / "inkseal.yaml").read_text())
    (tmp_path / "inkseal.yaml").write_text(yaml.safe_dump({**settings, "records": {"enabled": False}}))
    run("keys", "rotate")
    assert KeyFile.load(tmp_path / "data/keys.json").current == 2
