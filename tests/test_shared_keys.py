"""Keys of single epochs, handed from one provider to another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labelers.provenance import KeyRing, Provenance
from proxy.keys import KeyFile
from proxy.shared_keys import read_shared, share
from proxy.worker import key_ring

NOW = "2026-05-04T03:02:01.000Z"
NUMBER = 0x1122334455667788


@pytest.fixture
def theirs(tmp_path: Path) -> KeyFile:
    """Another provider's keys: epoch 1 verifies only, 2 is leaked, 3 signs."""
    keys = KeyFile.load_or_create(tmp_path / "theirs.json", now=NOW, provider="theirs")
    keys.rotate(now=NOW)
    return keys.leak(2, not_after=f"{NUMBER:016x}", now=NOW)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def signed(keys: KeyFile, kid: int, number: int = NUMBER) -> bytes:
    return KeyRing(keys.master, kid).pack(Provenance("theirs", number, key_id=kid))


def test_shared_keys_read_the_marks_of_their_epochs_and_no_others(tmp_path: Path, theirs: KeyFile) -> None:
    path = written(tmp_path / "shared.json", share(theirs, [1, 2], ["theirs"]))
    ours = key_ring(KeyFile.load_or_create(tmp_path / "ours.json", now=NOW), ["ours"], [path])
    assert ours.verify(signed(theirs, 1)) == Provenance("theirs", NUMBER, key_id=1)
    assert ours.verify(signed(theirs, 2)) == Provenance("theirs", NUMBER, key_id=2)
    assert ours.verify(signed(theirs, 2, NUMBER + 1)) is None
    assert ours.verify(signed(theirs, 3)) is None
    assert ours.verify(ours.pack(Provenance("ours", NUMBER))) == Provenance("ours", NUMBER)
    assert any(head[1] == 2 for head in ours.headers())


def test_nobody_signs_with_shared_keys(tmp_path: Path, theirs: KeyFile) -> None:
    ring = read_shared(written(tmp_path / "shared.json", share(theirs, [1], ["theirs"])))
    with pytest.raises(ValueError, match="does not sign"):
        ring.pack(Provenance("theirs", NUMBER))
    assert ring.kids() == (1,)


def test_the_master_is_not_in_what_is_shared(theirs: KeyFile) -> None:
    content = share(theirs, [1, 2], ["theirs"])
    assert theirs.master.hex().encode() not in content
    assert b"master" not in content


@pytest.mark.parametrize(("kid", "said"), [(3, "still signs"), (9, "no key epoch 9")])
def test_an_epoch_that_signs_or_is_unknown_is_not_shared(theirs: KeyFile, kid: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        share(theirs, [1, kid], ["theirs"])


@pytest.mark.parametrize("change", [{"epochs": [{}]}, {"epochs": 3}, {"producers": None}])
def test_what_is_no_file_of_shared_keys_is_refused(
    tmp_path: Path, theirs: KeyFile, change: dict[str, object]
) -> None:
    data = json.loads(share(theirs, [1], ["theirs"])) | change
    with pytest.raises(ValueError, match="keys share"):
        read_shared(written(tmp_path / "shared.json", json.dumps(data).encode()))


@pytest.mark.parametrize("entry", [{"kid": 300}, {"key": "00"}, {"state": "leaked", "not_after": "x"}])
def test_an_epoch_that_cannot_be_is_refused(
    tmp_path: Path, theirs: KeyFile, entry: dict[str, object]
) -> None:
    data = json.loads(share(theirs, [1], ["theirs"]))
    data["epochs"][0] |= entry
    with pytest.raises(ValueError, match="keys share"):
        read_shared(written(tmp_path / "shared.json", json.dumps(data).encode()))


def test_shared_keys_that_others_can_read_are_refused(tmp_path: Path, theirs: KeyFile) -> None:
    path = written(tmp_path / "shared.json", share(theirs, [1], ["theirs"]))
    path.chmod(0o644)
    with pytest.raises(PermissionError, match="chmod 600"):
        read_shared(path)
