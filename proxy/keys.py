"""The key file: the one secret of an installation, and which of its epochs is in use.

Every other key is derived from the master (HKDF-SHA256, RFC 5869, no salt) under an `info` of its own, so
nothing but this file has to be kept safe. Several workers may start at once: the file appears whole or not
at all, and whoever comes second reads what the first one made.

Where a command prints the master (of a key management service, say), the file holds a digest of it instead: what
the command prints some day may not be another secret unnoticed.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["ACTIVE", "LEAKED", "VERIFY_ONLY", "KeyEpoch", "KeyFile", "printed_master"]

MASTER_BYTES = 32
COMMAND_SECONDS = 20.0
ACTIVE = "active"
VERIFY_ONLY = "verify"
LEAKED = "leaked"
_STATES = frozenset({ACTIVE, VERIFY_ONLY, LEAKED})
_SHA256_HEX = re.compile(r"[0-9a-f]{64}")
_CONTENT_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class KeyEpoch:
    """One key epoch: `kid` 1, 2, …; `created` ISO-8601 UTC; `state` "active" (writes), "verify" or "leaked".

    `not_after`: the last content id (16 hex digits) that a leaked key vouches for; "": it vouches for none.
    """

    kid: int
    created: str
    state: str
    not_after: str = ""

    def to_json(self) -> dict[str, Any]:
        told = {"kid": self.kid, "created": self.created, "state": self.state}
        return told | {"not_after": self.not_after} if self.not_after else told


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What the key file says. A value: whatever changes the file returns the new value."""

    path: Path
    provider: str
    master: bytes = field(repr=False)
    current: int
    epochs: tuple[KeyEpoch, ...]
    admin_token_sha256: str | None = field(default=None, repr=False)
    command: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def load_or_create(
        cls, path: str | Path, *, now: str, provider: str = "UNSET", command: Sequence[str] = ()
    ) -> KeyFile:
        """The file at `path`, made if there is none: with a fresh master, or with what `command` prints.

        `now` dates the first epoch. Raises PermissionError when others can read it, ValueError when it is not a key
        file or the command gives no master.
        """
        path = Path(path)
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            master = printed_master(command) if command else secrets.token_bytes(MASTER_BYTES)
            fresh = cls(path, provider, master, 1, (KeyEpoch(1, now, ACTIVE),), command=tuple(command))
            # Linking is the exclusive step: it fails if the name exists, and the name never shows a part of
            # the content, which O_EXCL on the name itself would.
            with _written_aside(path, fresh._to_json()) as aside, suppress(FileExistsError):
                os.link(aside, path)
        return cls.load(path, command)

    @classmethod
    def load(cls, path: str | Path, command: Sequence[str] = ()) -> KeyFile:
        """Read the file; FileNotFoundError, PermissionError or ValueError say what is wrong with it.

        `command` prints the master of a file that was made with one.
        """
        path = Path(path)
        with path.open("rb") as stream:
            if os.fstat(stream.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise PermissionError(f"others can read the key file {path}: run `chmod 600 {path}`")
            text = stream.read()
        try:
            data = json.loads(text)
            master = cls._master(path, data, command)
            return replace(cls._from_json(path, data, master), command=tuple(command))
        except _CommandError as error:
            raise ValueError(str(error)) from None
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
            raise ValueError(f"{path} is not a key file of version 1: {error!r}") from error

    @staticmethod
    def _master(path: Path, data: Mapping[str, Any], command: Sequence[str]) -> bytes:
        digest = data.get("master_sha256")
        if digest is None:
            if command:
                raise _CommandError(
                    f"{path} holds a master itself, so keys.command would not be used; remove one of the two"
                )
            return base64.b64decode(data["master"], validate=True)
        if not command:
            raise _CommandError(f"{path} was made with keys.command, which prints its master; set it again")
        master = printed_master(command)
        if not hmac.compare_digest(hashlib.sha256(master).hexdigest(), str(digest)):
            raise _CommandError(
                f"what keys.command prints is not the master that {path} was made with; marks and records made with "
                "that one cannot be verified with another"
            )
        return master

    @classmethod
    def _from_json(cls, path: Path, data: Mapping[str, Any], master: bytes) -> KeyFile:
        if data["version"] != 1:
            raise ValueError(f"version {data['version']!r}")
        epochs = tuple(
            KeyEpoch(int(e["kid"]), str(e["created"]), str(e["state"]), str(e.get("not_after", "")))
            for e in data["epochs"]
        )
        current = int(data["current"])
        if len(master) != MASTER_BYTES:
            raise ValueError(f"master has {len(master)} bytes, not {MASTER_BYTES}")
        for epoch in epochs:
            if epoch.state not in _STATES or (epoch.not_after and not _CONTENT_ID.fullmatch(epoch.not_after)):
                raise ValueError(f"epoch {epoch.kid}: state {epoch.state!r}, not_after {epoch.not_after!r}")
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
            **(
                {"master_sha256": hashlib.sha256(self.master).hexdigest()}
                if self.command
                else {"master": base64.b64encode(self.master).decode()}
            ),
            "current": self.current,
            "epochs": [epoch.to_json() for epoch in self.epochs],
        }
        if self.admin_token_sha256 is not None:
            data["admin_token_sha256"] = self.admin_token_sha256
        return json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"

    def derive(self, info: str) -> bytes:
        """32 bytes for one purpose: HKDF-SHA256(master, no salt, `info`)."""
        return HKDF(SHA256(), 32, None, info.encode()).derive(self.master)

    def rotate(self, *, now: str) -> KeyFile:
        """Begin a new epoch, written to disk; the one before verifies only from here on.

        ValueError: there have been 255 of them.
        """
        with _locked(self.path):
            return _stored(self.load(self.path, self.command)._rotated(now))

    def _rotated(self, now: str) -> KeyFile:
        older = tuple(replace(e, state=VERIFY_ONLY) if e.state == ACTIVE else e for e in self.epochs)
        kid = max(epoch.kid for epoch in older) + 1
        if kid > 255:
            raise ValueError("a mark names its key epoch with 8 bits, and 255 are used up")
        return replace(self, current=kid, epochs=(*older, KeyEpoch(kid, now, ACTIVE)))

    def leak(self, kid: int, *, not_after: str, now: str) -> KeyFile:
        """Note that the key of an epoch is known to others, written to disk.

        It vouches for content ids up to `not_after` from here on, for none if that is "". The epoch that signs is
        followed by a new one. ValueError: no such epoch, or no content id.
        """
        if not_after and not _CONTENT_ID.fullmatch(not_after):
            raise ValueError(f"not a content id of 16 hex digits: {not_after!r}")
        with _locked(self.path):
            held = self.load(self.path, self.command)
            if kid not in [epoch.kid for epoch in held.epochs]:
                raise ValueError(f"there is no key epoch {kid}; see: inkseal keys list")
            if kid == held.current:
                held = held._rotated(now)
            epochs = tuple(
                replace(epoch, state=LEAKED, not_after=not_after) if epoch.kid == kid else epoch
                for epoch in held.epochs
            )
            return _stored(replace(held, epochs=epochs))

    def claim_admin_token(self, sha256_hex: str) -> tuple[KeyFile, bool]:
        """Note the digest of a new admin token unless there is one; True for whose token counts."""
        with _locked(self.path):
            held = self.load(self.path, self.command)
            if held.admin_token_sha256 is not None:
                return held, False
            return _stored(replace(held, admin_token_sha256=sha256_hex)), True


class _CommandError(ValueError):
    """The master that a command should print is not to be had. Says nothing of what it printed."""


def printed_master(command: Sequence[str]) -> bytes:
    """The 32 bytes that `command` (a program and its arguments, no shell) prints, in hex or base64.

    ValueError: it fails, takes longer than `COMMAND_SECONDS` or prints something else. Neither its output nor its
    arguments stand in the message: both may hold secrets.
    """
    name = command[0]
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own command, from the settings
            list(command), stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise _CommandError(f"keys.command ({name}) gave no answer in {COMMAND_SECONDS:g} seconds") from None
    except OSError as error:
        raise _CommandError(f"keys.command ({name}) cannot be run: {error.strerror}") from None
    if done.returncode:
        raise _CommandError(f"keys.command ({name}) failed with exit code {done.returncode}")
    printed = done.stdout.strip()
    for decode in (binascii.unhexlify, lambda text: base64.b64decode(text, validate=True)):
        with suppress(ValueError):
            master = decode(printed)
            if len(master) == MASTER_BYTES:
                return master
    raise _CommandError(
        f"keys.command ({name}) printed no {MASTER_BYTES} bytes in hex or base64 ({len(printed)} characters)"
    )


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
