"""Keys that one provider gives to another, so that each reads the other's marks.

What is shared are the keys of single epochs, never the master: they verify marks of those epochs and nothing else.
Whoever holds one could also sign with it, so share what verifies only, and only with whom you trust that far.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from labelers.provenance import Epoch, KeyRing, KeyState
from proxy.keys import ACTIVE, LEAKED, KeyEpoch, KeyFile

__all__ = ["epoch_state", "read_shared", "share"]

_KEY = re.compile(r"[0-9a-f]{64}")


def epoch_state(epoch: KeyEpoch) -> Epoch:
    """What an epoch of the key file is to those who sign and verify."""
    if epoch.state == LEAKED:
        return Epoch(KeyState.LEAKED, int(epoch.not_after, 16) if epoch.not_after else None)
    return Epoch(KeyState.ACTIVE if epoch.state == ACTIVE else KeyState.VERIFY_ONLY)


def share(keys: KeyFile, kids: Sequence[int], producers: Sequence[str]) -> bytes:
    """The file to hand over: JSON with the keys of these epochs. ValueError: one that is unknown or still signs."""
    known = {epoch.kid: epoch for epoch in keys.epochs}
    for kid in kids:
        if kid not in known:
            raise ValueError(f"there is no key epoch {kid}; see: inkseal keys list")
        if known[kid].state == ACTIVE:
            raise ValueError(
                f"key epoch {kid} still signs: whoever holds its key could sign in your name. Run inkseal keys rotate first"
            )
    ring = KeyRing(keys.master, keys.current, epochs={e.kid: epoch_state(e) for e in keys.epochs})
    epochs = [known[kid].to_json() | {"key": ring.key(kid).hex()} for kid in kids]
    told = {"version": 1, "kind": "inkseal shared keys", "producers": list(producers), "epochs": epochs}
    return json.dumps(told, ensure_ascii=False, indent=1).encode() + b"\n"


def read_shared(path: Path) -> KeyRing:
    """A ring that reads marks of another provider. OSError or ValueError say what is wrong with the file."""
    with path.open("rb") as stream:
        if os.fstat(stream.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise PermissionError(f"others can read the shared keys {path}: run `chmod 600 {path}`")
        text = stream.read()
    try:
        data = json.loads(text)
        keys: dict[int, bytes] = {}
        epochs: dict[int, Epoch] = {}
        for entry in data["epochs"]:
            epoch = KeyEpoch(
                int(entry["kid"]), str(entry["created"]), "verify", str(entry.get("not_after", ""))
            )
            if not 0 <= epoch.kid < 256 or not _KEY.fullmatch(entry["key"]):
                raise ValueError(f"epoch {entry['kid']!r}")
            keys[epoch.kid] = bytes.fromhex(entry["key"])
            leaked = entry["state"] == LEAKED
            epochs[epoch.kid] = epoch_state(
                KeyEpoch(epoch.kid, "", LEAKED if leaked else "verify", epoch.not_after)
            )
        return KeyRing.verifying(keys, epochs=epochs, producers=[str(name) for name in data["producers"]])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a file made by `inkseal keys share`: {error!r}") from error
