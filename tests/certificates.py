"""Certificates for tests: a root, a signer of claims below it, and a time stamp service."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

CLAIM_SIGNING = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")  # c2pa-kp-claimSigning
_USAGES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
           "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip


@dataclass(frozen=True)
class Issued:
    """PEM: the chain with its own certificate first, its private key, and the root."""

    chain: bytes
    key: bytes
    root: bytes


def issued(common_name: str = "Signer", *, stamping: bool = False) -> Issued:
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate("Root", root_key.public_key(), "Root", root_key, root_key, start, authority=True)
    purposes = (
        [ExtendedKeyUsageOID.TIME_STAMPING]
        if stamping
        else [CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]
    )
    own = _certificate(common_name, key.public_key(), "Root", root_key, root_key, start, purposes=purposes)
    pem = Encoding.PEM
    return Issued(
        own.public_bytes(pem) + root.public_bytes(pem),
        key.private_bytes(pem, PrivateFormat.PKCS8, NoEncryption()),
        root.public_bytes(pem),
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _certificate(
    subject: str,
    public: ec.EllipticCurvePublicKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    signing: ec.EllipticCurvePrivateKey,
    start: datetime.datetime,
    *,
    authority: bool = False,
    purposes: list[ObjectIdentifier] | None = None,
) -> x509.Certificate:
    allowed = {"key_cert_sign", "crl_sign"} if authority else {"digital_signature"}
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=365))
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(x509.KeyUsage(**{usage: usage in allowed for usage in _USAGES}), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if purposes:
        stamping = ExtendedKeyUsageOID.TIME_STAMPING in purposes
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=stamping)
    return builder.sign(signing, hashes.SHA256())
