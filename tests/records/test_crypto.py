from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.records.crypto import RecordCipher
from proxy.records.record import StoredRecord, encode_json
from tests.records.samples import Keys, record

SECRET = {"finding": "stand-in word", "text": "\ud800 标识"}


def test_what_is_sealed_opens_again_with_the_same_keys_and_request() -> None:
    cipher = RecordCipher(Keys())
    sealed = cipher.seal(encode_json(SECRET), "req-1")
    assert b"stand-in" not in sealed
    assert RecordCipher(Keys()).unseal(sealed, "req-1") == SECRET


def test_the_same_secret_never_looks_the_same_twice() -> None:
    cipher = RecordCipher(Keys())
    assert cipher.seal(b"{}", "r") != cipher.seal(b"{}", "r")


def test_another_request_other_keys_and_changed_bytes_do_not_open() -> None:
    sealed = RecordCipher(Keys()).seal(b"{}", "req-1")
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for keys, value, request in [
        (Keys(), sealed, "req-2"),
        (Keys("other"), sealed, "req-1"),
        (Keys(), changed, "req-1"),
        (Keys(), sealed[:5], "req-1"),
    ]:
        with pytest.raises(ValueError, match="cannot be opened"):
            RecordCipher(keys).unseal(value, request)


def test_an_unknown_version_is_named() -> None:
    sealed = RecordCipher(Keys()).seal(b"{}", "r")
    with pytest.raises(ValueError, match="unknown version 9"):
        RecordCipher(Keys()).unseal(b"\x09" + sealed[1:], "r")


def test_after_a_rotation_the_old_ones_still_open_and_the_new_ones_use_the_new_key() -> None:
    old, new = RecordCipher(Keys(current=1)), RecordCipher(Keys(current=2))
    assert new.unseal(old.seal(b"{}", "r"), "r") == {}
    sealed = new.seal(b"{}", "r")
    assert sealed[1:5] == b"\0\0\0\2"
    with pytest.raises(ValueError):
        new.unseal(sealed[:4] + b"\1" + sealed[5:], "r")


def test_a_stored_record_is_opened_and_one_without_secret_stays_as_it_is() -> None:
    cipher = RecordCipher(Keys())
    stored = StoredRecord(record(1), "w", 1, b"", b"", cipher.seal(encode_json(SECRET), "req-1"))
    assert cipher.opened(stored) == replace(record(1), secret=SECRET)
    assert cipher.opened(replace(stored, sealed=None)) == record(1)


def test_digests_are_keyed_and_take_any_text() -> None:
    cipher = RecordCipher(Keys())
    assert cipher.digest("标识") == RecordCipher(Keys()).digest("标识")
    assert cipher.digest("标识") != RecordCipher(Keys("other")).digest("标识")
    assert len({cipher.digest(text) for text in ["", "a", "标识", "\ud800"]}) == 4
    assert len(cipher.digest("\ud800")) == 64
