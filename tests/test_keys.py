from __future__ import annotations

import base64
import hashlib
import json
import multiprocessing
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from proxy.keys import KeyEpoch, KeyFile
from proxy.records.crypto import KeySource, RecordCipher

NOW = "2026-05-04T03:02:01.000Z"
LATER = "2026-08-04T03:02:01.000Z"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "keys.json"


def test_the_first_start_makes_a_private_file_in_a_private_folder(path: Path) -> None:
    keys = KeyFile.load_or_create(path, now=NOW, provider="ABC")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert (keys.provider, keys.current, keys.epochs) == ("ABC", 1, (KeyEpoch(1, NOW, "active"),))
    assert len(keys.master) == 32
    assert list(path.parent.iterdir()) == [path]


def test_the_second_start_reads_what_the_first_made(path: Path) -> None:
    first = KeyFile.load_or_create(path, now=NOW, provider="ABC")
    assert KeyFile.load_or_create(path, now=LATER, provider="XYZ") == first
    assert KeyFile.load(path) == first


def test_two_installations_have_different_masters(tmp_path: Path) -> None:
    one, two = (KeyFile.load_or_create(tmp_path / name, now=NOW) for name in ("one", "two"))
    assert one.master != two.master


def _create(path: Path, results: Any) -> None:
    results.put(KeyFile.load_or_create(path, now=NOW).master)


def test_workers_that_start_at_once_agree_on_one_master(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    workers = [context.Process(target=_create, args=(path, results)) for _ in range(4)]
    for worker in workers:
        worker.start()
    masters = {results.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join()
    results.close()
    results.join_thread()
    assert masters == {KeyFile.load(path).master}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_can_touch_is_refused_with_the_remedy(path: Path, mode: int) -> None:
    KeyFile.load_or_create(path, now=NOW)
    path.chmod(mode)
    with pytest.raises(PermissionError, match=f"chmod 600 {path}"):
        KeyFile.load_or_create(path, now=NOW)


def _edit(path: Path, **changes: Any) -> None:
    data = json.loads(path.read_text())
    data.update(changes)
    path.write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": 2}, "version 2"),
        ({"master": "AAAA"}, "master has 3 bytes"),
        ({"master": "?"}, "not a key file"),
        ({"current": 2}, "not the one active epoch"),
        ({"epochs": []}, "not the one active epoch"),
        ({"epochs": [{"kid": 1}]}, "created"),
        ({"epochs": None}, "not a key file"),
        ({"admin_token_sha256": "abc"}, "admin_token_sha256"),
        ({"admin_token_sha256": 7}, "not a key file"),
    ],
)
def test_a_damaged_file_is_refused_and_says_where(path: Path, changes: dict[str, Any], said: str) -> None:
    KeyFile.load_or_create(path, now=NOW)
    _edit(path, **changes)
    with pytest.raises(ValueError, match=said):
        KeyFile.load(path)


@pytest.mark.parametrize("text", ["", "[]", "nonsense"])
def test_what_is_no_key_file_is_refused_and_not_overwritten(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ValueError, match="not a key file"):
        KeyFile.load_or_create(path, now=NOW)
    assert path.read_text() == text


def test_loading_what_is_not_there_is_a_file_not_found_error(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        KeyFile.load(path)


def test_rotating_begins_a_new_epoch_keeps_the_master_and_the_mode(path: Path) -> None:
    first = KeyFile.load_or_create(path, now=NOW)
    second = first.rotate(now=LATER)
    assert (second.master, second.current) == (first.master, 2)
    assert second.epochs == (KeyEpoch(1, NOW, "verify"), KeyEpoch(2, LATER, "active"))
    assert KeyFile.load(path) == second
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_rotating_a_stale_value_does_not_lose_a_rotation(path: Path) -> None:
    stale = KeyFile.load_or_create(path, now=NOW)
    stale.rotate(now=LATER)
    assert stale.rotate(now=LATER).current == 3


def test_the_first_admin_token_counts(path: Path) -> None:
    keys = KeyFile.load_or_create(path, now=NOW)
    with_token, claimed = keys.claim_admin_token("a" * 64)
    assert (claimed, with_token.admin_token_sha256) == (True, "a" * 64)
    again, claimed_again = keys.claim_admin_token("b" * 64)
    assert (claimed_again, again.admin_token_sha256) == (False, "a" * 64)
    assert KeyFile.load(path).rotate(now=LATER).admin_token_sha256 == "a" * 64


def test_derived_keys_are_hkdf_sha256_of_the_master_and_differ_by_purpose(path: Path) -> None:
    keys = KeyFile.load_or_create(path, now=NOW)
    assert keys.derive("one") == HKDF(SHA256(), 32, None, b"one").derive(keys.master)
    assert keys.derive("one") != keys.derive("two")


def test_a_key_file_is_what_the_records_need_of_keys(path: Path) -> None:
    keys: KeySource = KeyFile.load_or_create(path, now=NOW)
    sealed = RecordCipher(keys).seal(b"{}", "r")
    rotated: KeySource = KeyFile.load(path).rotate(now=LATER)
    assert RecordCipher(rotated).unseal(sealed, "r") == {}


def test_secrets_do_not_show_in_the_repr(path: Path) -> None:
    keys, _ = KeyFile.load_or_create(path, now=NOW).claim_admin_token("a" * 64)
    assert repr(keys.master) not in repr(keys)
    assert "a" * 64 not in repr(keys)


def test_a_failed_rotation_leaves_the_file_and_no_litter(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = KeyFile.load_or_create(path, now=NOW)

    def fail(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        keys.rotate(now=LATER)
    assert KeyFile.load(path) == keys
    assert list(path.parent.iterdir()) == [path]


def test_a_leaked_epoch_vouches_up_to_a_content_id_or_for_nothing(path: Path) -> None:
    KeyFile.load_or_create(path, now=NOW).rotate(now=LATER)
    leaked = KeyFile.load(path).leak(1, not_after="00000000000000ff", now=LATER)
    assert leaked.epochs == (KeyEpoch(1, NOW, "leaked", "00000000000000ff"), KeyEpoch(2, LATER, "active"))
    assert KeyFile.load(path) == leaked
    assert leaked.leak(1, not_after="", now=LATER).epochs[0] == KeyEpoch(1, NOW, "leaked")
    # A rotation does not make it trusted again.
    assert KeyFile.load(path).rotate(now=LATER).epochs[0].state == "leaked"


def test_leaking_the_epoch_that_signs_begins_a_new_one(path: Path) -> None:
    leaked = KeyFile.load_or_create(path, now=NOW).leak(1, not_after="", now=LATER)
    assert leaked.current == 2
    assert [epoch.state for epoch in leaked.epochs] == ["leaked", "active"]


@pytest.mark.parametrize(
    ("kid", "not_after", "said"), [(7, "", "no key epoch 7"), (1, "yesterday", "content id")]
)
def test_leaking_what_is_not_there_is_refused(path: Path, kid: int, not_after: str, said: str) -> None:
    keys = KeyFile.load_or_create(path, now=NOW)
    with pytest.raises(ValueError, match=said):
        keys.leak(kid, not_after=not_after, now=LATER)
    assert KeyFile.load(path) == keys


def test_a_mark_names_at_most_255_epochs(path: Path) -> None:
    KeyFile.load_or_create(path, now=NOW)
    _edit(path, current=255, epochs=[{"kid": 255, "created": NOW, "state": "active"}])
    with pytest.raises(ValueError, match="255"):
        KeyFile.load(path).rotate(now=LATER)


@pytest.mark.parametrize(
    "epoch",
    [
        {"kid": 1, "created": NOW, "state": "lost"},
        {"kid": 1, "created": NOW, "state": "leaked", "not_after": "x"},
    ],
)
def test_an_epoch_of_an_unknown_state_is_refused(path: Path, epoch: dict[str, Any]) -> None:
    KeyFile.load_or_create(path, now=NOW)
    _edit(path, epochs=[epoch, {"kid": 2, "created": NOW, "state": "active"}], current=2)
    with pytest.raises(ValueError, match="epoch 1"):
        KeyFile.load(path)


MASTER = bytes(range(32))


def printing(text: str) -> list[str]:
    return [sys.executable, "-c", f"print({text!r})"]


@pytest.mark.parametrize("text", [MASTER.hex(), MASTER.hex().upper(), base64.b64encode(MASTER).decode()])
def test_a_command_prints_the_master_and_the_file_holds_only_its_digest(path: Path, text: str) -> None:
    command = printing(text)
    keys = KeyFile.load_or_create(path, now=NOW, command=command)
    assert keys.master == MASTER
    assert hashlib.sha256(MASTER).hexdigest() in path.read_text()
    assert text not in path.read_text()
    assert 'master"' not in path.read_text()
    rotated = KeyFile.load(path, command).rotate(now=LATER)
    assert (rotated.master, rotated.current) == (MASTER, 2)
    assert KeyFile.load(path, command).claim_admin_token("a" * 64)[1]
    assert 'master"' not in path.read_text()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ([], "set it again"),
        (printing(bytes(32).hex()), "not the master"),
        (printing("top-secret"), "no 32 bytes"),
        ([sys.executable, "-c", "print('top-secret'); exit(3)"], "exit code 3"),
        (["no-such-program", "top-secret"], "cannot be run"),
        ([sys.executable, "-c", "import time; time.sleep(60)", "top-secret"], "no answer in 0.5 seconds"),
    ],
)
def test_a_command_that_gives_no_master_is_told_without_what_it_printed(
    path: Path, command: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    KeyFile.load_or_create(path, now=NOW, command=printing(MASTER.hex()))
    if "time.sleep" in str(command):
        monkeypatch.setattr("proxy.keys.COMMAND_SECONDS", 0.5)
    with pytest.raises(ValueError, match=said) as told:
        KeyFile.load(path, command)
    assert "top-secret" not in str(told.value)
    assert told.value.__cause__ is None


def test_a_file_with_a_master_of_its_own_does_not_take_a_command_as_well(path: Path) -> None:
    KeyFile.load_or_create(path, now=NOW)
    with pytest.raises(ValueError, match="remove one of the two"):
        KeyFile.load(path, printing(MASTER.hex()))
