"""Content Credentials (C2PA) for exported files, by the settings: who signs, and a file with its manifest."""

from __future__ import annotations

import stat
from importlib.metadata import version
from importlib.util import find_spec

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from labelers.c2pa import PLACES
from labelers.c2pa_manifest import CONTAINERS, C2paSigner, sign
from proxy.settings import ContentCredentials

__all__ = ["content_signer", "credentialed", "trusted_roots"]

_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


def content_signer(settings: ContentCredentials) -> C2paSigner | None:
    """Who signs exported files; None where that is switched off or there is no certificate.

    Raises OSError, PermissionError or ValueError for a certificate or key that does not do.
    """
    if not settings.enabled or settings.certificate is None or settings.private_key is None:
        return None
    if find_spec("c2pa") is None:
        raise ValueError(
            "content_credentials: signing needs the package c2pa-python: pip install 'inkseal[c2pa]'"
        )
    if settings.private_key.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise PermissionError(
            f"others can read the private key {settings.private_key}: run `chmod 600 {settings.private_key}`"
        )
    pem = settings.private_key.read_bytes()
    certificates = settings.certificate.read_bytes()
    if b"-----BEGIN CERTIFICATE-----" not in certificates:
        raise ValueError(
            f"content_credentials.certificate: {settings.certificate} holds no certificate in PEM"
        )
    return C2paSigner(certificates, pem, _algorithm(pem, str(settings.private_key)), settings.tsa_url)


def trusted_roots(settings: ContentCredentials) -> bytes:
    """The certificates whose C2PA signatures are trusted, PEM; b"" where none are. Raises OSError or ValueError."""
    if settings.trusted_roots is None:
        return b""
    pem = settings.trusted_roots.read_bytes()
    try:
        x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise ValueError(
            f"content_credentials.trusted_roots: {settings.trusted_roots} holds no certificates in PEM"
        ) from error
    return pem


def _algorithm(pem: bytes, place: str) -> str:
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"content_credentials.private_key: {place} is no unencrypted private key in PEM"
        ) from error
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    raise ValueError(
        f"content_credentials.private_key: {place} is none of P-256, P-384, P-521, Ed25519 and RSA"
    )


def credentialed(
    data: bytes, media_type: str, signer: C2paSigner | None, *, when: str, title: str = ""
) -> bytes:
    """`data` with its manifest, where somebody signs and the format has a place for one; else as it was.

    `when`: ISO 8601. Raises C2paError or ValueError for what cannot be signed. The last step of an export: whatever
    changes the file afterwards breaks the manifest.
    """
    if signer is None or media_type not in CONTAINERS | PLACES.keys():
        return data
    return sign(data, media_type, signer, generator=f"Inkseal/{version('inkseal')}", when=when, title=title)
