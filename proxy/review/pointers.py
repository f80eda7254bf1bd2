"""What is in force and what is on trial: two small files in the folder of the published versions.

    <dir>/live           the version in force, its serial number, a signature; a line each
    <dir>/rollout.json   the version on trial beside it, or that there is none

A version that was published once stays good for ever, so its own signature does not tell whether it is to be in force.
With a key each pointer is signed (HMAC-SHA256), and numbered: a later one has the greater serial, which is the time
it was written (Unix milliseconds) unless the clock went back. Who puts an old pointer back, takes one away or
writes another is refused by everybody who has seen a later one (`Pointers`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from proxy.review.failures import LibraryError

__all__ = [
    "PointerAt",
    "Pointers",
    "Rollout",
    "go_live",
    "live_age_days",
    "live_at",
    "live_version",
    "rollout",
    "rollout_at",
    "set_rollout",
]

_LIVE, _TRIAL = "live", "rollout.json"


@dataclass(frozen=True, slots=True)
class Rollout:
    """A version on trial: "shadow" only matches and records, "canary" judges the requests of some callers.

    A canary is for these tenants, and for so many percent of all others.
    """

    version: str
    state: str
    percent: float = 0.0
    tenants: tuple[str, ...] = ()

    def takes(self, tenant: str, caller: str) -> bool:
        """Whether this caller gets the canary: always the same answer for the same caller."""
        if tenant in self.tenants:
            return True
        digest = hashlib.sha256(f"{self.version}|{tenant}|{caller}".encode("utf-8", "replace")).digest()
        return int.from_bytes(digest[:4]) < self.percent / 100 * 2**32


@dataclass(frozen=True, slots=True)
class PointerAt:
    """The version in force, "" for none; `serial` 0 where nothing is signed."""

    version: str
    serial: int = 0


def live_version(directory: Path | str) -> str | None:
    """The version that the pointer names, None if there is none; not checked, for showing.

    One small read: cheap enough to ask twenty times a second.
    """
    try:
        return (Path(directory) / _LIVE).read_text("utf-8", "replace").partition("\n")[0].strip() or None
    except FileNotFoundError:
        return None


def live_at(directory: Path | str, key: bytes | None = None) -> PointerAt:
    """The pointer, checked. LibraryError for one that is not signed with our key."""
    try:
        text = (Path(directory) / _LIVE).read_text("utf-8", "replace")
    except FileNotFoundError:
        return PointerAt("")
    version, *rest = text.split() or [""]
    if key is None:
        return PointerAt(version)
    if len(rest) != 2 or not rest[0].isdecimal() or not _is_signed(key, _LIVE, rest[0], version, rest[1]):
        raise LibraryError(_refusal(directory, _LIVE))
    return PointerAt(version, int(rest[0]))


def go_live(directory: Path | str, version: str, key: bytes | None = None, serial: int = 0) -> int:
    """Put a version that stands in the folder in force: workers load it within a second or so.

    Returns the serial of the pointer; `serial`: an earlier one that it must exceed.
    """
    if key is None:
        _replace(Path(directory) / _LIVE, version + "\n")
        return 0
    number = _next_serial(lambda: live_at(directory, key).serial, serial)
    signature = _signature(key, _LIVE, str(number), version)
    _replace(Path(directory) / _LIVE, f"{version}\n{number}\n{signature}\n")
    return number


def live_age_days(directory: Path | str, now_ms: int) -> float | None:
    """Days since a version was put in force, None if none is. `now_ms`: Unix milliseconds."""
    try:
        return max(0.0, now_ms / 1000 - (Path(directory) / _LIVE).stat().st_mtime) / 86400
    except FileNotFoundError:
        return None


def rollout(directory: Path | str, key: bytes | None = None) -> Rollout | None:
    """The version on trial, None if there is none. LibraryError for a file that says something else."""
    return rollout_at(directory, key)[0]


def rollout_at(directory: Path | str, key: bytes | None = None) -> tuple[Rollout | None, int]:
    """The same with its serial, 0 where there is no file or nothing is signed."""
    try:
        raw = (Path(directory) / _TRIAL).read_bytes()
    except FileNotFoundError:
        return None, 0
    try:
        data = json.loads(raw)
        tenants = tuple(str(name) for name in data["tenants"])
        trial = Rollout(str(data["version"]), str(data["state"]), float(data["percent"]), tenants)
        serial, signature = data.get("serial", 0), str(data.get("signature", ""))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LibraryError(f"{directory}/{_TRIAL} cannot be read ({error!r})") from error
    if key is not None and not (
        type(serial) is int and _is_signed(key, _TRIAL, str(serial), _spelt(trial), signature)
    ):
        raise LibraryError(_refusal(directory, _TRIAL))
    if trial.state == "none":
        return None, serial
    if trial.state not in ("shadow", "canary"):
        raise LibraryError(f"{directory}/{_TRIAL}: {trial.state!r} is neither shadow nor canary")
    return trial, serial


def set_rollout(
    directory: Path | str, trial: Rollout | None, key: bytes | None = None, serial: int = 0
) -> int:
    """Begin a trial, or end it. Returns the serial of the pointer; `serial`: an earlier one that it must exceed."""
    path = Path(directory) / _TRIAL
    if key is None:
        if trial is None:
            path.unlink(missing_ok=True)
        else:
            _replace(path, json.dumps(asdict(trial)))
        return 0
    told = trial or Rollout("", "none")
    number = _next_serial(lambda: rollout_at(directory, key)[1], serial)
    signature = _signature(key, _TRIAL, str(number), _spelt(told))
    _replace(path, json.dumps({**asdict(told), "serial": number, "signature": signature}))
    return number


class Pointers:
    """The pointers as one process follows them: what is older than what it has seen is refused.

    `live_floor` and `trial_floor`: serials that are known from elsewhere.
    """

    def __init__(
        self, directory: Path | str, key: bytes | None, live_floor: int = 0, trial_floor: int = 0
    ) -> None:
        self._directory, self._key = directory, key
        self._live, self._trial = live_floor, trial_floor

    def live(self) -> str | None:
        """The version in force. LibraryError for a pointer that was tampered with; nothing has changed then."""
        at = live_at(self._directory, self._key)
        if at.serial < self._live:
            raise LibraryError(_replay(self._directory, _LIVE, at.version))
        self._live = at.serial
        return at.version or None

    def trial(self) -> Rollout | None:
        """The version on trial. LibraryError as above."""
        trial, serial = rollout_at(self._directory, self._key)
        if serial < self._trial:
            raise LibraryError(_replay(self._directory, _TRIAL, trial.version if trial is not None else ""))
        self._trial = serial
        return trial


def _refusal(directory: Path | str, name: str) -> str:
    return (
        f"{directory}/{name} is not signed with our key: somebody else wrote it, or an Inkseal that did not sign yet; what was in force stays. "
        "Look who can write there, then publish again (inkseal library publish)"
    )


def _replay(directory: Path | str, name: str, version: str) -> str:
    what = f"names {version[:12]} again, which is an older pointer put back" if version else "was taken away"
    return (
        f"{directory}/{name} {what}; what was in force stays. "
        "Look who can write there, then publish again (inkseal library publish)"
    )


def _next_serial(previous: Callable[[], int], floor: int) -> int:
    try:
        before = previous()
    except LibraryError:
        before = 0  # what was tampered with is replaced
    return max(before + 1, floor + 1, time.time_ns() // 1_000_000)


def _spelt(trial: Rollout) -> str:
    # As it is read again: 5 and 5.0 are the same share and would be signed otherwise.
    return json.dumps([trial.version, trial.state, float(trial.percent), list(trial.tenants)])


def _signature(key: bytes, name: str, serial: str, said: str) -> str:
    return hmac.new(key, f"pointer|{name}|{serial}|{said}".encode(), hashlib.sha256).hexdigest()


def _is_signed(key: bytes, name: str, serial: str, said: str, signature: str) -> bool:
    return hmac.compare_digest(_signature(key, name, serial, said).encode(), signature.encode())


def _replace(path: Path, text: str) -> None:
    """Swap a small file for another in one step, so that a reader sees the old or the new text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    staging = Path(name)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())
    staging.chmod(0o644)
    staging.replace(path)
