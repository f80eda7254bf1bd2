"""Verifies the text manifest of C2PA (2.4, Annex A.8): who signed a text, and whether it is still the one signed.

The work is done by c2patxt (Apache-2.0), where it is installed: it asks for an older `cryptography` than ours, though it
runs with it, so it can be no dependency (`scripts/install` gives it). Without it, `detectors.foreign` names the manifest and no more.
A valid signature says who made the claim, not whether it is true; whether the signer is to be trusted only anchors
that an operator gives can say.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.x509 import BasicConstraints, Certificate, ExtensionNotFound, KeyUsage

from detectors.detection import Detection, Outcome
from detectors.foreign import C2PA, FOREIGN_MARKS

__all__ = ["C2paTextDetector", "available"]

_DETAILS = {
    "trusted": "Signed, unchanged since, and the signer is one of those trusted here.",
    "valid": "Signed and unchanged since; who the signer is nobody vouches for.",
    "invalid": "A manifest that does not fit this text, or that is damaged.",
}


def available() -> bool:
    """Whether c2patxt is installed."""
    return importlib.util.find_spec("c2patxt") is not None


class C2paTextDetector:
    """`now` tells the time, in UTC: certificates are judged by it. `anchors_pem`: certificates of trusted issuers."""

    name = "c2pa"

    def __init__(self, now: Callable[[], datetime], anchors_pem: bytes | None = None) -> None:
        self._library: Any = importlib.import_module("c2patxt")
        self._now = now
        self._anchors = anchors_pem

    def detect(self, text: str) -> Detection:
        """`provenance`: signature (trusted or valid), issuer, model and created, as the manifest has them."""
        places = () if text.isascii() else FOREIGN_MARKS[C2PA](text)
        if not places:
            return Detection(self.name, Outcome.ABSENT, C2PA, detail="Unsigned: there is no C2PA manifest.")
        now = self._now()
        context = self._library.VerifyContext(
            anchors_pem=self._anchors, trust_evaluator=_Issuers(now), now=now
        )
        verdict = self._library.verify(text, context=context)
        state = str(verdict.state.value)
        valid = state in ("trusted", "valid")
        told = {"signature": state} if valid else {}
        if verdict.manifest is not None:
            told |= _told(verdict.manifest)
        outcome = Outcome.PRESENT if valid else Outcome.TAMPERED
        return Detection(self.name, outcome, C2PA, places, told, detail=_DETAILS[state])


class _Issuers:
    """How the library asks whether a chain of certificates, the signer's first, leads to one that is trusted."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def is_trusted(self, chain: Sequence[Certificate], anchors: Sequence[Certificate]) -> bool:
        current, others = chain[0], list(chain[1:])
        while not any(self._issued(current, anchor) for anchor in anchors):
            issuer = next((other for other in others if self._issued(current, other)), None)
            if issuer is None:
                return False
            others.remove(issuer)
            current = issuer
        return True

    def _issued(self, certificate: Certificate, issuer: Certificate) -> bool:
        if not issuer.not_valid_before_utc <= self._now <= issuer.not_valid_after_utc:
            return False
        try:
            certificate.verify_directly_issued_by(issuer)
            usage = issuer.extensions.get_extension_for_class(KeyUsage).value
            constraints = issuer.extensions.get_extension_for_class(BasicConstraints).value
        except (ValueError, TypeError, InvalidSignature, ExtensionNotFound):
            return False
        return constraints.ca and usage.key_cert_sign


def _told(manifest: Any) -> dict[str, str]:
    """What the claim says of its maker. Of an invalid one it says what somebody wrote."""
    told = {
        "issuer": _member(_member(manifest.claim, "claim_generator_info"), "name"),
        "model": _member(manifest.assertions.get("c2pa.ai-disclosure"), "modelName"),
        "created": _created(manifest.assertions.get("c2pa.actions.v2")),
    }
    return {key: value for key, value in told.items() if isinstance(value, str) and value}


def _member(found: object, key: str) -> object:
    return found.get(key) if isinstance(found, Mapping) else None


def _created(actions: object) -> object:
    listed = _member(actions, "actions")
    when = _member(listed[0], "when") if isinstance(listed, list) and listed else None
    return getattr(when, "value", when)
