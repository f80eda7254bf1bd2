"""Content Credentials by the settings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from labelers.c2pa_manifest import read
from proxy.content_credentials import content_signer, credentialed
from proxy.serve import notices
from proxy.settings import ContentCredentials, Settings
from tests.certificates import issued

WHEN = "2026-11-27T12:00:00Z"


def files(folder: Path, key: bytes | None = None, certificate: bytes | None = None) -> ContentCredentials:
    made = issued()
    (folder / "chain.pem").write_bytes(made.chain if certificate is None else certificate)
    (folder / "key.pem").write_bytes(made.key if key is None else key)
    (folder / "key.pem").chmod(0o600)
    return ContentCredentials(enabled=True, certificate=folder / "chain.pem", private_key=folder / "key.pem")


def pem(key: Any) -> bytes:
    raw: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return raw


def test_an_exported_text_gets_a_manifest_and_what_has_no_place_stays_as_it_is(tmp_path: Path) -> None:
    signer = content_signer(files(tmp_path))
    page = b"<html><head></head><body>x</body></html>"
    reading = read(credentialed(page, "text/html", signer, when=WHEN, title="x"), "text/html")
    assert reading.valid and reading.generated
    assert reading.generator.startswith("Inkseal/")
    assert credentialed(b"{}", "application/json", signer, when=WHEN) == b"{}"
    assert credentialed(page, "text/html", None, when=WHEN) == page


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (ec.generate_private_key(ec.SECP384R1()), "es384"),
        (ec.generate_private_key(ec.SECP521R1()), "es512"),
        (ed25519.Ed25519PrivateKey.generate(), "ed25519"),
        (rsa.generate_private_key(65537, 2048), "ps256"),
    ],
)
def test_the_algorithm_is_that_of_the_key(tmp_path: Path, key: Any, algorithm: str) -> None:
    signer = content_signer(files(tmp_path, pem(key)))
    assert signer is not None
    assert signer.algorithm == algorithm


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (b"nonsense", "no unencrypted private key"),
        (pem(dsa.generate_private_key(2048)), "none of P-256"),
        (pem(ec.generate_private_key(ec.SECP256K1())), "none of P-256"),
    ],
)
def test_a_key_that_does_not_do_is_told(tmp_path: Path, key: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        content_signer(files(tmp_path, key))


def test_a_certificate_that_is_none_and_a_key_for_everybody_to_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no certificate in PEM"):
        content_signer(files(tmp_path, certificate=b"nothing"))
    settings = files(tmp_path)
    (tmp_path / "key.pem").chmod(0o640)
    with pytest.raises(PermissionError, match="chmod 600"):
        content_signer(settings)


def test_without_the_package_the_server_does_not_start_and_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    with pytest.raises(ValueError, match=r"inkseal\[c2pa\]"):
        content_signer(files(tmp_path))


def test_switched_off_or_without_a_certificate_nobody_signs_and_the_operator_is_told(tmp_path: Path) -> None:
    assert content_signer(files(tmp_path).model_copy(update={"enabled": False})) is None
    assert content_signer(ContentCredentials(enabled=True)) is None
    told = notices(Settings(content_credentials=ContentCredentials(enabled=True)))
    assert any("no certificate" in notice for notice in told)
    assert not any("no certificate" in notice for notice in notices(Settings()))
