"""Snapshots of published libraries on disk: immutable, named by their content, checked when loaded.

    <dir>/versions/<version>/  entries.jsonl  refusals.json  tables.json  words.bin  labels.bin  manifest.json
    <dir>/live, rollout.json   the version in force, and one on trial beside it (`pointers`)

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
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.review.entry import Entry, EntryError
from proxy.review.failures import LibraryError
from proxy.review.interchange import read_entries, read_jsonl
from proxy.review.library import Library, content_hash
from proxy.review.pointers import go_live, live_at, live_version
from proxy.review.standard import Remark, examine
from proxy.review.stored import StoredEntries, columns_of
from proxy.review.tables import Tables, builtin_tables, parse_tables

__all__ = [
    "PublishReport",
    "entries_of",
    "import_and_publish",
    "load_live",
    "load_version",
    "make_snapshot",
    "publish",
    "refusals_of",
    "renew",
    "stored_of",
]


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What a bootstrap did: the version, how many entries, and what the entry standard would say of them."""

    version: str
    entries: int
    remarks: tuple[Remark, ...]


def load_live(directory: Path | str, key: bytes | None = None) -> Library | None:
    """The library in force, None if none was published. LibraryError if it is damaged."""
    version = live_at(directory, key).version
    return load_version(directory, version, key) if version else None


def load_version(directory: Path | str, version: str, key: bytes | None = None) -> Library:
    """One published library. LibraryError if it is missing or not what was published."""
    files, manifest = _checked_files(directory, version, key)
    try:
        return _loaded(files, manifest, version)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise LibraryError(f"library {version[:12]} is damaged: {error}") from error


def renew(directory: Path | str, version: str, key: bytes | None = None) -> None:
    """Compile a version of another release's compiler anew, under its name, so that nobody who loads it has to.

    LibraryError as above; OSError where the folder cannot be written, then it is as it was.
    """
    files, manifest = _checked_files(directory, version, key)
    if manifest.get("compiler") == _COMPILER:
        return
    try:
        library = _loaded(files, manifest, version)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise LibraryError(f"library {version[:12]} is damaged: {error}") from error
    if content_hash(library.raw, library.refusals, library.tables) == version:
        about = {name: str(manifest.get(name, "")) for name in ("author", "reason", "created")}
        _write_snapshot(Path(directory) / "versions" / version, library, library.tables, about, key)


def entries_of(directory: Path | str, version: str, key: bytes | None = None) -> tuple[Entry, ...]:
    """The entries of a published library, without what it takes to match them. LibraryError as above."""
    files, _ = _checked_files(directory, version, key)
    try:
        return _entries(files)
    except ValueError as error:
        raise LibraryError(f"library {version[:12]} is damaged: {error}") from error


def stored_of(directory: Path | str, version: str, key: bytes | None = None) -> StoredEntries:
    """The same as they are kept: whole, signed and not looked at. LibraryError for files that were changed."""
    files, _ = _checked_files(directory, version, key)
    return StoredEntries(files["entries.jsonl"])


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


def _loaded(files: Mapping[str, bytes], manifest: Mapping[str, Any], version: str) -> Library:
    tables = builtin_tables()
    if files["tables.json"] != tables.raw:
        tables = parse_tables(files["tables.json"])
    refusals = json.loads(files["refusals.json"])
    # What another compiler worked out is worked out anew, as far as it may differ.
    if manifest.get("compiler") == _COMPILER:
        library = Library.of_compiled(StoredEntries(files["entries.jsonl"]), refusals, tables, files)
        found = library.version
    else:
        library = Library.of_columns(
            columns_of(StoredEntries(files["entries.jsonl"])), refusals, tables=tables
        )
        found = library.version if library.version == version else _first_version(library, tables)
    if found != version:
        raise ValueError(f"its content has the hash {found[:12]}")
    library.version = version
    return library


_COMPILER = "words 5"
_AT_ONCE = (
    4  # files that are written and hashed at once: the disk and the hash leave the interpreter to others
)


def _first_version(library: Library, tables: Tables) -> str:
    """How versions were named before the words were kept with them: by their entries with sorted fields."""
    digest = hashlib.sha256()
    for entry in library.entries:
        digest.update(json.dumps(entry.to_row(), sort_keys=True, ensure_ascii=False).encode("utf-8") + b"\n")
    digest.update(
        json.dumps(dict(library.refusals), sort_keys=True, ensure_ascii=False).encode("utf-8") + b"\n"
    )
    digest.update(tables.digest.encode("ascii"))
    return digest.hexdigest()


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
    go_live(directory, version, key)
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
    """Compile these entries into a version that is not in force yet. EntryError as for `publish`.

    Nothing is compiled where the version is there already, whole and of this compiler.
    """
    tables, root = builtin_tables(), Path(directory)
    if isinstance(entries, StoredEntries):
        version = content_hash(entries.raw, refusals or {}, tables)
        if _is_whole(root, version, key):
            return version
        library = Library.of_columns(columns_of(entries), refusals, tables=tables)
    else:
        library = Library.compile(entries, refusals, tables=tables)
    if not _is_whole(root, library.version, key):
        about = {"author": author, "reason": reason, "created": now}
        _write_snapshot(root / "versions" / library.version, library, tables, about, key)
    return library.version


def _is_whole(root: Path, version: str, key: bytes | None) -> bool:
    try:
        files, manifest = _checked_files(root, version, key)
        current = manifest.get("compiler") == _COMPILER
        return current and _loaded(files, manifest, version).version == version
    except (LibraryError, ValueError, KeyError, IndexError, TypeError):
        return False


def _write_snapshot(
    target: Path, library: Library, tables: Tables, about: Mapping[str, str], key: bytes | None
) -> None:
    files = {
        "entries.jsonl": library.raw,
        "refusals.json": json.dumps(dict(library.refusals), sort_keys=True, ensure_ascii=False).encode(
            "utf-8"
        ),
        "tables.json": tables.raw,
        **library.compiled,
    }
    with ThreadPoolExecutor(_AT_ONCE) as aside:
        found = aside.map(_digest, files.values())
        digests = dict(sorted(zip(files, found, strict=True)))
    manifest = {"version": library.version, "compiler": _COMPILER, **about, "files": digests}
    files["manifest.json"] = json.dumps(manifest, ensure_ascii=False, indent=1).encode("utf-8")
    if key is not None:
        files["manifest.sig"] = (
            hmac.new(key, files["manifest.json"], hashlib.sha256).hexdigest().encode("ascii")
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".making-", dir=target.parent))
    try:
        with ThreadPoolExecutor(_AT_ONCE) as aside:
            list(aside.map(_write, map(staging.joinpath, files), files.values()))
        shutil.rmtree(target, ignore_errors=True)  # only ever a damaged one
        staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _write(path: Path, raw: bytes) -> None:
    with path.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())


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
    look: Callable[[Entry], Sequence[Remark]] = lambda entry: (),
) -> PublishReport:
    """The bootstrap: a file becomes the first library in force. Syntax is enforced, the standard only
    reported. `look`: what else is said of an entry; its EntryError makes the row a bad one.

    LibraryError if there is a library already, or with the bad rows; then nothing has changed.
    """
    if live_version(directory) is not None:
        raise LibraryError("the library is not empty; propose the entries instead (inkseal library propose)")
    try:
        read = read_entries(raw, filename)
    except EntryError as error:
        raise LibraryError(str(error), (error,)) from error
    if not read.entries and not read.problems:
        raise LibraryError(f"{filename} holds no entries; nothing was imported")
    problems, remarks = list(read.problems), list[Remark]()
    for entry, line in zip(read.entries, read.lines, strict=True):
        try:
            remarks += look(entry)
        except EntryError as error:
            problems.append(error.at(f"line {line}"))
    if problems:
        raise LibraryError(
            f"{filename}: {len(problems)} rows cannot be taken; nothing was imported", tuple(problems)
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
    return PublishReport(version, len(read.entries), (*remarks, *examine(read.entries)))
