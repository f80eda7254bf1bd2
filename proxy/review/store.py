"""Snapshots of published libraries on disk: immutable, named by their content, checked when loaded.

    <dir>/versions/<version>/  entries.jsonl  refusals.json  tables.json  <sieve>.automaton  manifest.json
    <dir>/live                 the version in force; replaced by one atomic rename
    <dir>/rollout.json         another version on trial beside it (shadow or canary), if there is one

A snapshot carries its fold tables, so it gives the same verdicts under a later release. With a key the
manifest is signed (HMAC-SHA256), and then a snapshot without a good signature is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from proxy.review.entry import Entry, EntryError
from proxy.review.interchange import read_entries, read_jsonl, write_jsonl
from proxy.review.library import Library
from proxy.review.standard import Remark, examine
from proxy.review.tables import Tables, builtin_tables, parse_tables

__all__ = [
    "LibraryError",
    "PublishReport",
    "Rollout",
    "entries_of",
    "go_live",
    "import_and_publish",
    "live_age_days",
    "live_version",
    "load_live",
    "load_version",
    "make_snapshot",
    "publish",
    "refusals_of",
    "rollout",
    "set_rollout",
]


class LibraryError(Exception):
    """A library that cannot be loaded or published. `problems` lists bad rows where there are any."""

    def __init__(self, message: str, problems: tuple[EntryError, ...] = ()) -> None:
        self.problems = problems
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What a bootstrap did: the version, how many entries, and what the entry standard would say of them."""

    version: str
    entries: int
    remarks: tuple[Remark, ...]


def live_version(directory: Path | str) -> str | None:
    """The version in force, None if there is none. One small read: cheap enough to ask every second."""
    try:
        return (Path(directory) / "live").read_text("ascii").strip() or None
    except FileNotFoundError:
        return None


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


def rollout(directory: Path | str) -> Rollout | None:
    """The version on trial, None if there is none. LibraryError for a file that says something else."""
    try:
        raw = (Path(directory) / "rollout.json").read_bytes()
    except FileNotFoundError:
        return None
    try:
        data = json.loads(raw)
        tenants = tuple(str(name) for name in data["tenants"])
        trial = Rollout(str(data["version"]), str(data["state"]), float(data["percent"]), tenants)
    except (ValueError, KeyError, TypeError) as error:
        raise LibraryError(f"{directory}/rollout.json cannot be read ({error!r})") from error
    if trial.state not in ("shadow", "canary"):
        raise LibraryError(f"{directory}/rollout.json: {trial.state!r} is neither shadow nor canary")
    return trial


def set_rollout(directory: Path | str, trial: Rollout | None) -> None:
    """Begin a trial, or end it."""
    path = Path(directory) / "rollout.json"
    if trial is None:
        path.unlink(missing_ok=True)
    else:
        _replace(path, json.dumps(asdict(trial)))


def live_age_days(directory: Path | str, now_ms: int) -> float | None:
    """Days since a version was put in force, None if none is. `now_ms`: Unix milliseconds."""
    try:
        return max(0.0, now_ms / 1000 - (Path(directory) / "live").stat().st_mtime) / 86400
    except FileNotFoundError:
        return None


def load_live(directory: Path | str, key: bytes | None = None) -> Library | None:
    """The library in force, None if none was published. LibraryError if it is damaged."""
    version = live_version(directory)
    return load_version(directory, version, key) if version else None


def load_version(directory: Path | str, version: str, key: bytes | None = None) -> Library:
    """One published library. LibraryError if it is missing or not what was published."""
    files, manifest = _checked_files(directory, version, key)
    try:
        library = _compiled(files, manifest)
    except (ValueError, KeyError) as error:
        raise LibraryError(f"library {version[:12]} is damaged: {error}") from error
    if library.version != version:
        raise LibraryError(
            f"library {version[:12]} is damaged: its content has the hash {library.version[:12]}"
        )
    return library


def entries_of(directory: Path | str, version: str, key: bytes | None = None) -> tuple[Entry, ...]:
    """The entries of a published library, without what it takes to match them. LibraryError as above."""
    files, _ = _checked_files(directory, version, key)
    return _entries(files)


def refusals_of(directory: Path | str, version: str, key: bytes | None = None) -> dict[str, str]:
    """What a published library says instead of a blocked text 代答."""
    files, _ = _checked_files(directory, version, key)
    return dict(json.loads(files["refusals.json"]))


def _checked_files(
    directory: Path | str, version: str, key: bytes | None
) -> tuple[dict[str, bytes], dict[str, Any]]:
    if not (len(version) == 64 and set(version) <= set("0123456789abcdef")):
        raise LibraryError(f"{directory}: {version!r} is no library version")
    folder = Path(directory) / "versions" / version
    try:
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    except OSError as error:
        raise LibraryError(f"library {version[:12]} cannot be read: {error}") from error
    return files, _checked_manifest(files, version, key)


def _entries(files: Mapping[str, bytes]) -> tuple[Entry, ...]:
    read = read_jsonl(files["entries.jsonl"].decode("utf-8"))
    if read.problems:
        raise read.problems[0]
    return read.entries


def _checked_manifest(files: Mapping[str, bytes], version: str, key: bytes | None) -> dict[str, Any]:
    """The manifest, after every file was compared with it."""
    try:
        manifest: dict[str, Any] = json.loads(files["manifest.json"])
        expected = dict(manifest["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise LibraryError(
            f"library {version[:12]} is damaged: the manifest cannot be read ({error!r})"
        ) from error
    if key is not None:
        good = hmac.new(key, files["manifest.json"], hashlib.sha256).hexdigest()
        if not hmac.compare_digest(good.encode(), files.get("manifest.sig", b"")):
            raise LibraryError(f"library {version[:12]} is not signed with our key; publish it again")
    present = set(files) - {"manifest.json", "manifest.sig"}
    if present != set(expected):
        raise LibraryError(
            f"library {version[:12]} is damaged: files {sorted(present ^ set(expected))} differ"
        )
    for name, digest in expected.items():
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise LibraryError(f"library {version[:12]} is damaged: {name} was changed after publishing")
    return manifest


def _compiled(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> Library:
    tables = builtin_tables()
    if files["tables.json"] != tables.raw:
        tables = parse_tables(files["tables.json"])
    automata = {
        name.removesuffix(".automaton"): raw for name, raw in files.items() if name.endswith(".automaton")
    }
    # An automaton is only as good as the order of its patterns: another compiler makes its own.
    reuse = automata if manifest.get("compiler") == _COMPILER else None
    return Library.compile(_entries(files), json.loads(files["refusals.json"]), tables=tables, automata=reuse)


_COMPILER = "daachorse 0.5, sieves 1"


def publish(
    directory: Path | str,
    entries: Iterable[Entry],
    *,
    author: str,
    reason: str,
    now: str,
    refusals: Mapping[str, str] | None = None,
    key: bytes | None = None,
) -> str:
    """Make these entries the library in force; return its version. `now`: ISO 8601.

    EntryError for entries that do not compile; then nothing has changed.
    """
    version = make_snapshot(
        directory, entries, author=author, reason=reason, now=now, refusals=refusals, key=key
    )
    go_live(directory, version)
    return version


def make_snapshot(
    directory: Path | str,
    entries: Iterable[Entry],
    *,
    author: str,
    reason: str,
    now: str,
    refusals: Mapping[str, str] | None = None,
    key: bytes | None = None,
) -> str:
    """Compile these entries into a version that is not in force yet. EntryError as for `publish`."""
    tables = builtin_tables()
    library = Library.compile(entries, refusals, tables=tables)
    root = Path(directory)
    target = root / "versions" / library.version
    if not _is_whole(root, library.version, key):
        _write_snapshot(target, library, tables, {"author": author, "reason": reason, "created": now}, key)
    return library.version


def go_live(directory: Path | str, version: str) -> None:
    """Put a version that stands in the folder in force: workers load it within a second or so."""
    _replace(Path(directory) / "live", version + "\n")


def _is_whole(root: Path, version: str, key: bytes | None) -> bool:
    try:
        load_version(root, version, key)
    except LibraryError:
        return False
    return True


def _write_snapshot(
    target: Path, library: Library, tables: Tables, about: Mapping[str, str], key: bytes | None
) -> None:
    files = {
        "entries.jsonl": write_jsonl(library.entries).encode("utf-8"),
        "refusals.json": json.dumps(dict(library.refusals), sort_keys=True, ensure_ascii=False).encode(
            "utf-8"
        ),
        "tables.json": tables.raw,
        **{f"{sieve}.automaton": raw for sieve, raw in library.automata.items()},
    }
    digests = {name: hashlib.sha256(raw).hexdigest() for name, raw in sorted(files.items())}
    manifest = {"version": library.version, "compiler": _COMPILER, **about, "files": digests}
    files["manifest.json"] = json.dumps(manifest, ensure_ascii=False, indent=1).encode("utf-8")
    if key is not None:
        files["manifest.sig"] = (
            hmac.new(key, files["manifest.json"], hashlib.sha256).hexdigest().encode("ascii")
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".making-", dir=target.parent))
    try:
        for name, raw in files.items():
            _write(staging / name, raw)
        shutil.rmtree(target, ignore_errors=True)  # only ever a damaged one
        staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _write(path: Path, raw: bytes) -> None:
    with path.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())


def _replace(path: Path, text: str) -> None:
    """Swap a small file for another in one step, so that a reader sees the old or the new text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    os.close(descriptor)
    staging = Path(name)
    staging.chmod(0o644)
    _write(staging, text.encode("ascii"))
    staging.replace(path)


def import_and_publish(
    directory: Path | str,
    raw: bytes,
    filename: str,
    *,
    author: str,
    reason: str,
    now: str,
    refusals: Mapping[str, str] | None = None,
    key: bytes | None = None,
) -> PublishReport:
    """The bootstrap: a file becomes the first library in force. Syntax is enforced, the standard only
    reported.

    LibraryError if there is a library already, or with the bad rows; then nothing has changed.
    """
    if live_version(directory) is not None:
        raise LibraryError("the library is not empty; propose the entries instead (inkseal library propose)")
    try:
        read = read_entries(raw, filename)
    except EntryError as error:
        raise LibraryError(str(error), (error,)) from error
    if read.problems:
        raise LibraryError(
            f"{filename}: {len(read.problems)} rows cannot be taken; nothing was imported", read.problems
        )
    try:
        version = publish(
            directory, read.entries, author=author, reason=reason, now=now, refusals=refusals, key=key
        )
    except EntryError as error:
        place = next(
            (f"line {n}" for e, n in zip(read.entries, read.lines, strict=True) if e.id == error.place), ""
        )
        raise LibraryError(f"{filename}: {error.at(place)}", (error.at(place),)) from error
    return PublishReport(version, len(read.entries), tuple(examine(read.entries)))
