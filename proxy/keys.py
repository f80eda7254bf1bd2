"""The key file: the one secret of an installation, and which of its epochs is in use.

Every other key is derived from the master (HKDF-SHA256, RFC 5869, no salt) under an `info` of its own, so
nothing but this file has to be kept safe. Several workers may start at once: the file appears whole or not
at all, and whoever comes second reads what the first one made.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["KeyEpoch", "KeyFile"]

MASTER_BYTES = 32
ACTIVE = "active"
VERIFY_ONLY = "verify"
_SHA256_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class KeyEpoch:
    """One key epoch: `kid` 1, 2, …; `created` ISO-8601 UTC; `state` "active" (writes) or "verify"."""

    kid: int
    created: str
    state: str


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What the key file says. A value: whatever changes the file returns the new value."""

    path: Path
    provider: str
    master: bytes = field(repr=False)
    current: int
    epochs: tuple[KeyEpoch, ...]
    admin_token_sha256: str | None = field(default=None, repr=False)

    @classmethod
    def load_or_create(cls, path: str | Path, *, now: str, provider: str = "UNSET") -> KeyFile:
        """The file at `path`, made with a fresh master if there is none; `now` dates the first epoch.

        Raises PermissionError when others can read it, ValueError when it is not a key file.
        """
        path = Path(path)
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = cls(path, provider, secrets.token_bytes(MASTER_BYTES), 1, (KeyEpoch(1, now, ACTIVE),))
            # Linking is the exclusive step: it fails if the name exists, and the name never shows a part of
            # the content, which O_EXCL on the name itself would.
            with _written_aside(path, fresh._to_json()) as aside, suppress(FileExistsError):
                os.link(aside, path)
        return cls.load(path)

    @classmethod
    def load(cls, path: str | Path) -> KeyFile:
        """Read the file; FileNotFoundError, PermissionError or ValueError say what is wrong with it."""
        path = Path(path)
        with path.open("rb") as stream:
            if os.fstat(stream.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise PermissionError(f"others can read the key file {path}: run `chmod 600 {path}`")
            text = stream.read()
        try:
            return cls._from_json(path, json.loads(text))
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
            raise ValueError(f"{path} is not a key file of version 1: {error!r}") from error

    @classmethod
    def _from_json(cls, path: Path, data: Mapping[str, Any]) -> KeyFile:
        if data["version"] != 1:
            raise ValueError(f"version {data['version']!r}")
        master = base64.b64decode(data["master"], validate=True)
        epochs = tuple(KeyEpoch(int(e["kid"]), str(e["created"]), str(e["state"])) for e in data["epochs"])
        current = int(data["current"])
        if len(master) != MASTER_BYTES:
            raise ValueError(f"master has {len(master)} bytes, not {MASTER_BYTES}")
        if [epoch.kid for epoch in epochs if epoch.state == ACTIVE] != [current]:
            raise ValueError(f"current is {current}, which is not the one active epoch")
        token = data.get("admin_token_sha256")
        if token is not None and not _SHA256_HEX.fullmatch(token):
            raise ValueError("admin_token_sha256 is not a SHA-256 in hex")
        return cls(path, str(data["provider"]), master, current, epochs, token)

    def _to_json(self) -> bytes:
        data: dict[str, Any] = {
            "version": 1,
            "provider": self.provider,
            "master": base64.b64encode(self.master).decode(),
            "current": self.current,
            "epochs": [{"kid": e.kid, "created": e.created, "state": e.state} for e in self.epochs],
        }
        if self.admin_token_sha256 is not None:
            data["admin_token_sha256"] = self.admin_token_sha256
        return json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"

    def derive(self, info: str) -> bytes:
        """32 bytes for one purpose: HKDF-SHA256(master, no salt, `info`)."""
        return HKDF(SHA256(), 32, None, info.encode()).derive(self.master)

    def rotate(self, *, now: str) -> KeyFile:
        """Begin a new epoch, written to disk; the older ones verify only from here on."""
        with _locked(self.path):
            held = self.load(self.path)
            older = tuple(replace(epoch, state=VERIFY_ONLY) for epoch in held.epochs)
            kid = max(epoch.kid for epoch in older) + 1
            return _stored(replace(held, current=kid, epochs=(*older, KeyEpoch(kid, now, ACTIVE))))

    def claim_admin_token(self, sha256_hex: str) -> tuple[KeyFile, bool]:
        """Note the digest of a new admin token unless there is one; True for whose token counts."""
        with _locked(self.path):
            held = self.load(self.path)
            if held.admin_token_sha256 is not None:
                return held, False
            return _stored(replace(held, admin_token_sha256=sha256_hex)), True


def _stored(keys: KeyFile) -> KeyFile:
    with _written_aside(keys.path, keys._to_json()) as aside:
        os.replace(aside, keys.path)
    return keys


@contextmanager
def _written_aside(path: Path, content: bytes) -> Iterator[Path]:
    """A durable private file beside `path`, for the caller to put in place; then the folder is synced."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        yield aside
    finally:
        aside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time changes the file. The folder is what is locked: the file itself gets replaced."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
