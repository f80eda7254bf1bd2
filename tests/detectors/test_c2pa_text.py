"""Content credentials in text (C2PA A.8), signed and verified by c2patxt, which shares no code with us."""

from __future__ import annotations

import datetime
from typing import Any, TypeAlias

import c2patxt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

from detectors.c2pa_text import C2paTextDetector, available
from detectors.detection import Outcome
from detectors.foreign import C2PA, ForeignDetector
from detectors.panel import Panel
from labelers.provenance import KeyRing

Key: TypeAlias = ed25519.Ed25519PrivateKey

NOW = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)
TEXT = "海上生明月，天涯共此时。 The moon rises over the sea."
DETECTOR = C2paTextDetector(lambda: NOW)


def signed(text: str, *, model: str | None = "M1") -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")])
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    leaf = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - datetime.timedelta(days=1))
        .not_valid_after(NOW + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([c2patxt.C2PA_CLAIM_SIGNING_EKU]), critical=False)
        .sign(key, None)
    )
    signer = c2patxt.Signer(private_key=key, certificates=(leaf,))
    disclosure = c2patxt.Disclosure(
        media_type="text/plain", model_type=c2patxt.ModelType.GENERIC, model_name=model
    )
    return str(c2patxt.embed(text, signer, disclosure, context=c2patxt.EmbedContext(when=NOW)))


SIGNED = signed(TEXT)


def test_a_signed_text_is_valid_and_says_what_its_manifest_says() -> None:
    found = DETECTOR.detect(SIGNED)
    assert (found.detector, found.outcome, found.technique) == ("c2pa", Outcome.PRESENT, C2PA)
    assert found.provenance is not None
    assert found.provenance["signature"] == "valid"
    assert found.provenance["model"] == "M1"
    assert found.provenance["issuer"]
    assert found.provenance["created"].startswith("2026-11-01")
    assert found.spans == ((len(TEXT), len(SIGNED)),)


def test_a_manifest_without_a_model_names_none() -> None:
    found = DETECTOR.detect(signed(TEXT, model=None))
    assert found.provenance is not None
    assert "model" not in found.provenance


@pytest.mark.parametrize(
    "text",
    [
        SIGNED.replace("明月", "明日"),
        "前面加了一句。" + SIGNED,
        SIGNED[:-1] + chr(0xE0100 if SIGNED[-1] != chr(0xE0100) else 0xE0101),
        SIGNED[:-40],
    ],
)
def test_a_manifest_that_does_not_fit_is_told_as_such(text: str) -> None:
    found = DETECTOR.detect(text)
    assert found.outcome is Outcome.TAMPERED
    assert "signature" not in (found.provenance or {})


def test_an_expired_certificate_is_not_valid_any_more() -> None:
    later = C2paTextDetector(lambda: NOW + datetime.timedelta(days=365))
    assert later.detect(SIGNED).outcome is Outcome.TAMPERED


def certificate(
    subject: str, issuer: str, own: Key, by: Key, *, authority: bool, days: int = 30, signs: bool = True
) -> x509.Certificate:
    def name(of: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, of)])

    usage = x509.KeyUsage(not authority, False, False, False, False, authority and signs, False, False, False)
    made = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=40))
        .not_valid_after(NOW + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )
    if not authority:
        made = made.add_extension(x509.ExtendedKeyUsage([c2patxt.C2PA_CLAIM_SIGNING_EKU]), critical=False)
    else:
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
    return made.sign(by, None)


@pytest.mark.parametrize(
    ("root", "sent", "state"),
    [
        ({}, True, "trusted"),
        ({"days": -1}, True, "valid"),  # an authority that has expired
        ({"signs": False}, True, "valid"),  # that may not issue certificates
        ({"authority": False}, True, "valid"),  # somebody's certificate is no authority
        ({}, False, "valid"),  # a link is missing
    ],
)
def test_a_signer_is_trusted_whose_chain_leads_to_a_trusted_root(
    root: dict[str, Any], sent: bool, state: str
) -> None:
    above, between, own = (ed25519.Ed25519PrivateKey.generate() for _ in range(3))
    anchor = certificate("root", "root", above, above, **{"authority": True} | root)
    link = certificate("link", "root", between, above, authority=True)
    leaf = certificate("somebody", "link", own, between, authority=False)
    signer = c2patxt.Signer(private_key=own, certificates=(leaf, link) if sent else (leaf,))
    disclosure = c2patxt.Disclosure(
        media_type="text/plain", model_type=c2patxt.ModelType.GENERIC, model_name="M1"
    )
    text = str(c2patxt.embed(TEXT, signer, disclosure, context=c2patxt.EmbedContext(when=NOW)))
    detector = C2paTextDetector(lambda: NOW, anchor.public_bytes(serialization.Encoding.PEM))
    found = detector.detect(text)
    assert found.provenance is not None
    assert found.provenance["signature"] == state


@pytest.mark.parametrize("text", ["plain", "中文，没有标记。", "❤️", "葛\U000e0100城"])
def test_unsigned_text_is_not_for_the_library(text: str) -> None:
    assert DETECTOR.detect(text).outcome is Outcome.ABSENT


def test_the_panel_verifies_what_the_foreign_detector_would_only_name() -> None:
    assert available()
    assert ForeignDetector().detect(SIGNED).technique == C2PA
    found = Panel(KeyRing(b"k" * 32), c2pa=DETECTOR).examine(SIGNED).detections
    told = {one.detector: one.outcome for one in found}
    assert told["c2pa"] is Outcome.PRESENT
    assert told["foreign"] is Outcome.ABSENT
