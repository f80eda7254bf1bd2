"""Heartbeats: who is alive, and whether all have the live version."""

from __future__ import annotations

from pathlib import Path

from proxy.governance.workers import Heartbeat, convergence, heartbeats


def test_workers_are_seen_while_they_beat(tmp_path: Path) -> None:
    assert heartbeats(tmp_path, 0) == []
    one, other = Heartbeat(tmp_path, "1-a"), Heartbeat(tmp_path, "2-b")
    one.beat({"worker": "1-a", "version": "v1", "seen_ms": 1000})
    one.beat({"worker": "1-a", "version": "v2", "seen_ms": 9000})
    other.beat({"worker": "2-b", "version": "v1", "seen_ms": 2000})
    (tmp_path / "workers/3-c.json").write_text("{")
    told = heartbeats(tmp_path, 10_000)
    assert [(t["worker"], t["version"], t["age_seconds"]) for t in told] == [
        ("1-a", "v2", 1.0),
        ("2-b", "v1", 8.0),
    ]
    assert not convergence(told, "v2")["converged"]
    assert [t["worker"] for t in heartbeats(tmp_path, 20_000)] == ["1-a"]
    assert convergence(heartbeats(tmp_path, 20_000), "v2")["converged"]
    one.stop()
    one.stop()
    assert heartbeats(tmp_path, 1_000_000) == []
    assert not (tmp_path / "workers/2-b.json").exists()
    assert not convergence([], None)["converged"]
