"""Snapshots: what was published comes back, and nothing else does."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from proxy.review import store
from proxy.review.arrays import pack, unpack
from proxy.review.columns import Columns
from proxy.review.entry import Direction, Entry, EntryError
from proxy.review.failures import LibraryError
from proxy.review.interchange import write_jsonl
from proxy.review.pointers import live_version
from proxy.review.store import (
    entries_of,
    import_and_publish,
    load_live,
    load_version,
    make_snapshot,
    publish,
    renew,
)
from proxy.review.stored import StoredEntries, columns_of, lines_of
from proxy.review.tables import builtin_tables

ENTRIES = [Entry("甲乙丙", "A.1.a"), Entry("丁戊己", "A.1.b", exceptions=("丁戊己庚",))]
NOW = "2026-01-02T03:04:05Z"
KEY = b"k" * 32


def put(folder: Path, entries: list[Entry] = ENTRIES, key: bytes | None = None) -> str:
    return publish(folder, entries, author="a", reason="r", now=NOW, refusals={"default.en": "No."}, key=key)


def test_an_empty_folder_has_no_library(tmp_path: Path) -> None:
    assert live_version(tmp_path) is None
    assert load_live(tmp_path) is None


def test_what_was_published_is_loaded(tmp_path: Path) -> None:
    version = put(tmp_path)
    assert live_version(tmp_path) == version
    library = load_live(tmp_path)
    assert library is not None
    assert (library.version, set(library.entries)) == (version, set(ENTRIES))
    assert library.refusal("A.1.a", "en") == "No."
    assert [f.text for f in library.review("x甲乙丙", Direction.OUTPUT)] == ["甲乙丙"]


def test_a_new_version_replaces_the_old_one_and_both_stay(tmp_path: Path) -> None:
    first = put(tmp_path)
    second = put(tmp_path, ENTRIES[:1])
    assert live_version(tmp_path) == second != first
    assert load_version(tmp_path, first).version == first
    assert put(tmp_path) == first
    assert live_version(tmp_path) == first


FILES = ["entries.jsonl", "refusals.json", "tables.json", "words.bin", "labels.bin", "manifest.json"]


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "versions" / put(tmp_path) / name
    path.write_bytes(path.read_bytes().replace(b"a", b"b", 1) + b" ")
    with pytest.raises(LibraryError):
        load_live(tmp_path, KEY if name == "manifest.json" else None)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "versions" / put(tmp_path) / name).unlink()
    with pytest.raises(LibraryError, match="damaged"):
        load_live(tmp_path)


@pytest.mark.parametrize("line", ['{"pattern": "甲", "category": "A.1.a"}\n', "{oops\n"])
def test_a_forged_snapshot_with_a_fitting_manifest_is_refused(tmp_path: Path, line: str) -> None:
    folder = tmp_path / "versions" / put(tmp_path)
    (folder / "entries.jsonl").write_text(line, "utf-8")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"]["entries.jsonl"] = hashlib.sha256(line.encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(LibraryError, match="damaged"):
        load_live(tmp_path)


def test_with_a_key_only_signed_snapshots_are_taken(tmp_path: Path) -> None:
    put(tmp_path)
    with pytest.raises(LibraryError, match="not signed with our key"):
        load_live(tmp_path, KEY)
    put(tmp_path, key=KEY)
    assert load_live(tmp_path, KEY) is not None
    with pytest.raises(LibraryError, match="not signed"):
        load_live(tmp_path, b"another")


def rewritten(folder: Path, files: dict[str, bytes | None], **manifest: str) -> None:
    """A snapshot with other files, None for none, and a manifest that fits."""
    told = json.loads((folder / "manifest.json").read_bytes()) | manifest
    for name, raw in files.items():
        if raw is None:
            (folder / name).unlink()
            del told["files"][name]
        else:
            (folder / name).write_bytes(raw)
            told["files"][name] = hashlib.sha256(raw).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(told), "utf-8")


def test_what_another_compiler_made_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "versions" / put(tmp_path)
    rewritten(folder, {"words.bin": b"of another kind"}, compiler="another")
    library = load_live(tmp_path)
    assert library is not None
    assert library.review("甲乙丙", Direction.INPUT)


def test_a_snapshot_whose_lines_were_written_otherwise_is_loaded_under_its_name(tmp_path: Path) -> None:
    version = put(tmp_path)
    raw = write_jsonl(sorted(ENTRIES, key=lambda entry: entry.id)).encode()
    digest = hashlib.sha256(b"library 2\n" + raw)
    digest.update(b'{"default.en": "No."}\n' + builtin_tables().digest.encode())
    folder = tmp_path / "versions" / digest.hexdigest()
    (tmp_path / "versions" / version).rename(folder)
    for compiler in ("daachorse 0.5, words 1", "another"):
        rewritten(folder, {"entries.jsonl": raw}, compiler=compiler)
        library = load_version(tmp_path, folder.name)
        assert library.version == folder.name
        assert list(library.entries) == sorted(ENTRIES, key=lambda entry: entry.id)


def test_a_version_that_is_there_is_not_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[StoredEntries] = []

    def counting(entries: StoredEntries) -> Columns:
        compiled.append(entries)
        return columns_of(entries)

    monkeypatch.setattr(store, "columns_of", counting)
    entries = StoredEntries(lines_of(sorted(ENTRIES, key=lambda entry: entry.id)))
    about: dict[str, Any] = {"author": "a", "reason": "r", "now": NOW}
    version = make_snapshot(tmp_path, entries, **about)
    assert make_snapshot(tmp_path, entries, **about) == version
    assert len(compiled) == 1
    folder = tmp_path / "versions" / version
    rewritten(folder, {}, compiler="another")  # workers would compile it each time
    assert make_snapshot(tmp_path, entries, **about) == version
    (folder / "words.bin").write_bytes(b"damaged")
    assert make_snapshot(tmp_path, entries, **about) == version
    assert len(compiled) == 3
    assert list(load_version(tmp_path, version).entries) == list(entries)


def test_after_an_upgrade_a_version_is_compiled_once_and_keeps_its_name(tmp_path: Path) -> None:
    version = put(tmp_path, key=KEY)
    folder = tmp_path / "versions" / version
    rewritten(folder, {"words.bin": b"of another kind"}, compiler="another")
    raw = (folder / "manifest.json").read_bytes()
    (folder / "manifest.sig").write_text(hmac.new(KEY, raw, hashlib.sha256).hexdigest(), "ascii")
    renew(tmp_path, version, KEY)
    told = json.loads((folder / "manifest.json").read_bytes())
    assert (told["compiler"], told["author"], told["created"]) == (store._COMPILER, "a", NOW)
    library = load_version(tmp_path, version, KEY)
    assert (library.version, list(library.entries)) == (version, sorted(ENTRIES, key=lambda one: one.id))
    made = (folder / "words.bin").stat()
    renew(tmp_path, version, KEY)
    assert (folder / "words.bin").stat() == made
    (folder / "entries.jsonl").write_bytes(b"")
    with pytest.raises(LibraryError, match="was changed after publishing"):
        renew(tmp_path, version, KEY)
    rewritten(folder, {"entries.jsonl": b"{oops\n"}, compiler="another")
    with pytest.raises(LibraryError, match="is damaged"):
        renew(tmp_path, version)


def test_a_snapshot_from_before_the_words_were_kept_is_loaded_under_its_name(tmp_path: Path) -> None:
    version = put(tmp_path)
    digest = hashlib.sha256()
    for entry in sorted(ENTRIES, key=lambda entry: entry.id):
        row = json.dumps(entry.to_row(), sort_keys=True, ensure_ascii=False)
        digest.update(row.encode("utf-8") + b"\n")
    digest.update(b'{"default.en": "No."}\n' + builtin_tables().digest.encode())
    folder = tmp_path / "versions" / digest.hexdigest()
    (tmp_path / "versions" / version).rename(folder)
    rewritten(folder, {"words.bin": None, "labels.bin": None}, compiler="daachorse 0.5, sieves 1")
    library = load_version(tmp_path, folder.name)
    assert library.version == folder.name
    assert [f.text for f in library.review("x甲乙丙", Direction.OUTPUT)] == ["甲乙丙"]
    renew(tmp_path, folder.name)  # its name is of another kind: it stays as it is
    assert not (folder / "words.bin").exists()
    rewritten(folder, {"entries.jsonl": write_jsonl(ENTRIES[:1]).encode()})
    with pytest.raises(LibraryError, match="its content has the hash"):
        load_version(tmp_path, folder.name)


def test_entries_that_are_none_are_told_as_damage_though_the_manifest_fits(tmp_path: Path) -> None:
    version = put(tmp_path)
    rewritten(tmp_path / "versions" / version, {"entries.jsonl": b'{"pattern": ""}\n'})
    with pytest.raises(LibraryError, match="is damaged"):
        entries_of(tmp_path, version)


def numbers(*values: int) -> NDArray[Any]:
    return np.array(values, np.uint32)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("words.bin", {"safe.first": numbers(1, 2)}),
        ("words.bin", {"safe.first": numbers(*[0] * 8)}),
        ("words.bin", {"safe.owned": None}),
        ("words.bin", {"safe.owners": numbers(1 << 20, 0)}),
        ("words.bin", {"safe.below": numbers(1)}),
        ("words.bin", {"safe.parted": None}),
        ("words.bin", {"safe.parted": np.zeros(1, np.uint8)}),
        ("words.bin", {"letters.threes": np.zeros(7, np.uint8)}),
        ("words.bin", {"letters.wholes": None}),
        ("labels.bin", {"safe": np.array([1], np.uint8)}),
        ("labels.bin", {"about": np.frombuffer(b"{}", np.uint8)}),
        ("words.bin", b"PK oops"),
        ("labels.bin", b""),
        ("labels.bin", b"{oops\n"),
        ("labels.bin", b'{"about": ["<f8", 0, 1]}\n' + bytes(16)),
        ("labels.bin", b'{"about": ["|u1", 8, 16]}\n' + bytes(16)),
        ("labels.bin", b'{"about": ["|u1", -8, 16]}\n' + bytes(16)),
    ],
)
def test_words_that_are_none_are_refused_though_the_manifest_fits(
    tmp_path: Path, name: str, changed: bytes | dict[str, NDArray[Any] | None]
) -> None:
    folder = tmp_path / "versions" / put(tmp_path)
    if not isinstance(changed, bytes):
        arrays = unpack((folder / name).read_bytes()) | changed
        changed = pack({key: value for key, value in arrays.items() if value is not None})
    rewritten(folder, {name: changed})
    with pytest.raises(LibraryError, match="damaged"):
        load_live(tmp_path)


def test_a_snapshot_keeps_the_tables_it_was_made_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = put(tmp_path)
    from proxy.review.tables import parse_tables

    newer = parse_tables(builtin_tables().raw + b"\n")
    monkeypatch.setattr("proxy.review.store.builtin_tables", lambda: newer)
    library = load_live(tmp_path)
    assert library is not None
    assert library.version == version


@pytest.mark.parametrize("version", ["../../etc", "", "0" * 63, "0" * 64])
def test_a_version_that_is_none_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(LibraryError):
        load_version(tmp_path, version)


def test_entries_that_do_not_compile_change_nothing(tmp_path: Path) -> None:
    version = put(tmp_path)
    with pytest.raises(EntryError):
        put(tmp_path, [Entry("\u200b", "A.1.a")])
    assert live_version(tmp_path) == version
    assert not list((tmp_path / "versions").glob(".making-*"))


def bootstrap(folder: Path, raw: bytes, name: str = "a.jsonl") -> object:
    return import_and_publish(folder, raw, name, author="a", reason="r", now=NOW)


def test_a_bootstrap_makes_the_first_version_and_tells_the_remarks(tmp_path: Path) -> None:
    report = import_and_publish(
        tmp_path,
        write_jsonl([*ENTRIES, Entry("甲", "A.1.a")]).encode(),
        "a.jsonl",
        author="a",
        reason="r",
        now=NOW,
    )
    assert (report.version, report.entries) == (live_version(tmp_path), 3)
    assert {remark.code for remark in report.remarks} == {"short", "shadowed"}


def test_a_second_bootstrap_is_refused(tmp_path: Path) -> None:
    put(tmp_path)
    with pytest.raises(LibraryError, match="not empty"):
        bootstrap(tmp_path, b"")


@pytest.mark.parametrize(
    ("raw", "name", "message"),
    [(b"{oops\n", "a.jsonl", "1 rows cannot be taken"), (b"", "a.txt", "must end in"),
     ('\n{"pattern": "\u200b", "category": "A.1.a"}\n'.encode(), "a.jsonl", "line 2: pattern")],
)  # fmt: skip
def test_a_bad_file_is_refused_whole_with_its_rows(
    tmp_path: Path, raw: bytes, name: str, message: str
) -> None:
    with pytest.raises(LibraryError, match=message) as caught:
        bootstrap(tmp_path, raw, name)
    assert caught.value.problems
    assert live_version(tmp_path) is None
