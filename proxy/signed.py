"""Signed reports of detections: what was examined, when, by what, and what was found.

A report is a JSON object with two members: `document`, and beside it the detached `signature` (Ed25519,
RFC 8032) of the document as JSON with sorted keys, without white space, in UTF-8. The document holds no
fractions (they are written as strings), so that every language writes the same bytes. The key is derived from the
key file; whoever has its public half can verify a report without asking anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from proxy.examination import Examined

__all__ = ["canonical", "public_hex", "report_key", "report_seed", "sign_report", "verify_report"]

_OF = "the document as JSON with sorted keys, no white space, UTF-8"


def report_seed(derive: Callable[[str], bytes]) -> bytes:
    """`derive`: of the key file."""
    return derive("inkseal|report|1")


def report_key(seed: bytes) -> Ed25519PrivateKey:
    """The signing key of 32 derived bytes."""
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_hex(key: Ed25519PublicKey) -> str:
    """The 32 bytes of a public key, as hex."""
    return key.public_bytes_raw().hex()


def canonical(document: dict[str, Any]) -> bytes:
    """The bytes that are signed."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def sign_report(
    examined: Examined, *, key: Ed25519PrivateKey, producer: str, created: str, public: bool
) -> dict[str, Any]:
    """The signed report of one examination. `created`: ISO 8601 UTC. `public`: as strangers may see it."""
    software = version("inkseal")
    report = examined.report.to_json(public=public)
    document = {
        "kind": "inkseal detection report",
        "version": 1,
        "created": created,
        "service": {"producer": producer, "software": f"inkseal {software}"},
        "subject": {
            "name": examined.name,
            "bytes": examined.size,
            "sha256": examined.sha256,
            "characters": len(examined.report.text),
        },
        "detectors": {
            found.detector: {"version": software, "technique": found.technique}
            for found in examined.report.detections
        },
        "report": _without_fractions(report),
    }
    signature = {
        "algorithm": "Ed25519",
        "of": _OF,
        "public_key": public_hex(key.public_key()),
        "value": key.sign(canonical(document)).hex(),
    }
    return {"document": document, "signature": signature}


def verify_report(raw: bytes, key: Ed25519PublicKey) -> bool:
    """Whether these bytes are a report that `key` signed, unaltered. Never raises."""
    try:
        report = orjson.loads(raw)
        key.verify(bytes.fromhex(report["signature"]["value"]), canonical(report["document"]))
    except (InvalidSignature, ValueError, TypeError, KeyError):
        return False
    return True


def _without_fractions(value: Any) -> Any:
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return {key: _without_fractions(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_fractions(one) for one in value]
    return value
