"""`POST /v1/content_provenance_checks`: the official SDK's call, answered for text files by our own detectors.

The answer has the official shape: `object`, `created_at`, and one result a signal with `type` and `outcome`
(detected | not_detected). Of the official signals `c2pa` is the one that a text can have. Our own stand beside them, for
the official client knows no other types in `results`: `inkseal`, with the same `outcome`, which is detected where our own
watermark is genuine, and the whole `report`.
Source: openai-python 3, `types/content_provenance_check.py`.
"""

from __future__ import annotations

from typing import Any

from detectors.detection import Detection, Outcome
from proxy.examination import Examined

__all__ = ["PATH", "provenance_check"]

PATH = "/v1/content_provenance_checks"


def provenance_check(examined: Examined, created_at: int) -> dict[str, Any]:
    """The answer. `created_at`: Unix time in seconds."""
    found = examined.report.detections
    return {
        "object": "content_provenance_check",
        "created_at": created_at,
        "results": [_c2pa([one for one in found if one.detector == "c2pa"])],
        "inkseal": _inkseal([one for one in found if one.detector in ("carrier", "statistical")]),
        "report": examined.to_json(public=False),
    }


def _c2pa(found: list[Detection]) -> dict[str, Any]:
    """`validation_state`: trusted, valid, invalid or not_present."""
    seen = next((one for one in found if one.outcome is not Outcome.ABSENT), None)
    told = (seen.provenance if seen is not None else None) or {}
    state = "not_present"
    if seen is not None:
        signature = str(told.get("signature", ""))
        state = signature if signature in ("trusted", "valid") else "invalid"
    return {
        "type": "c2pa",
        "outcome": "detected" if seen is not None and seen.outcome is Outcome.PRESENT else "not_detected",
        "validation_state": state,
        "issuer": told.get("issuer"),
        "model": told.get("model"),
        "generated_at": told.get("created"),
    }


def _inkseal(found: list[Detection]) -> dict[str, Any]:
    seen = next((one for one in found if one.outcome is Outcome.PRESENT), None)
    told = (seen.provenance if seen is not None else None) or {}
    return {
        "outcome": "detected" if seen is not None else "not_detected",
        "issuer": told.get("producer"),
        "content_id": told.get("content_id"),
        "generated_at": told.get("created"),
    }
