"""Which version each worker has: a small file a worker, renewed every few seconds, in the library's folder."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["SECONDS_ALIVE", "Heartbeat", "convergence", "heartbeats"]

SECONDS_ALIVE = 15.0


class Heartbeat:
    """What one worker tells of itself."""

    def __init__(self, library: Path, worker: str) -> None:
        self._folder = library / "workers"
        self._path = self._folder / f"{worker}.json"

    def beat(self, told: Mapping[str, Any]) -> None:
        """Replace what was told before, whole. OSError if the folder cannot be written."""
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".beat-", dir=self._folder)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(dict(told), file)
        Path(name).replace(self._path)

    def stop(self) -> None:
        self._path.unlink(missing_ok=True)


def heartbeats(library: Path, now_ms: int) -> list[dict[str, Any]]:
    """What the live workers told last, by worker. The files of those long gone are removed."""
    found = []
    for path in sorted((library / "workers").glob("*.json")):
        with suppress(OSError, ValueError):
            told = json.loads(path.read_bytes())
            age = (now_ms - told["seen_ms"]) / 1000
            if age <= SECONDS_ALIVE:
                found.append(told | {"age_seconds": round(age, 1)})
            elif age > 20 * SECONDS_ALIVE:
                path.unlink()
    return found


def convergence(told: list[dict[str, Any]], live: str | None) -> dict[str, Any]:
    """Whether all workers judge new requests with the live version."""
    return {
        "live": live,
        "converged": bool(told) and all(one["version"] == live for one in told),
        "workers": told,
    }
