"""Reads C2PA manifests of files as evidence: a signed statement of others, or of ours, that AI made a content.

A manifest says who signed what. One that does not speak of AI is no finding; one that does and no longer fits its
content is a trace. Manifests are read by the reference implementation, offline (`labelers.c2pa_manifest`); those in
pasted text by another one (`detectors.c2pa_text`).
"""

from __future__ import annotations

from detectors.detection import Detection, Outcome
from labelers.c2pa import PLACES
from labelers.c2pa_manifest import CONTAINERS, C2paError, C2paReading, read

__all__ = ["c2pa_detections", "reading_of"]

_TECHNIQUE = "C2PA manifest"
# What every manifest store holds in clear; a file without it need not be looked at more closely.
_SIGN = b"c2pa"


def reading_of(data: bytes, media_type: str, roots: bytes = b"") -> C2paReading:
    """What the manifest in a file says; `present` is False where there is none or the format has no place for one.

    `roots`: certificates of trusted issuers, PEM. Where the library is missing, a manifest that is there is told as one that could not be checked.
    """
    in_text = media_type in PLACES
    if media_type not in CONTAINERS and not in_text:
        return C2paReading(False)
    if in_text and not PLACES[media_type].find(data):
        return C2paReading(False)
    if not in_text and _SIGN not in data:
        return C2paReading(False)
    try:
        return read(data, media_type, roots=roots)
    except C2paError as error:
        return C2paReading(True, codes=(str(error),))


def c2pa_detections(reading: C2paReading) -> list[Detection]:
    """The finding; [] where there is no manifest."""
    if not reading.present:
        return []
    known = {"issuer": reading.signer, "created": reading.signed_at, "model": reading.generator}
    provenance = {key: value for key, value in known.items() if value}
    why = ", ".join(reading.codes)
    if not reading.generated:
        told = "it does not say that AI made the content" if reading.valid else f"it is not valid ({why})"
        return [Detection("c2pa", Outcome.ABSENT, _TECHNIQUE, detail=f"There is a C2PA manifest; {told}.")]
    if not reading.valid:
        return [
            Detection(
                "c2pa",
                Outcome.TAMPERED if "assertion.dataHash.mismatch" in reading.codes else Outcome.INCONCLUSIVE,
                _TECHNIQUE,
                provenance=provenance | {"signature": "invalid"},
                detail=f"A C2PA manifest says that AI made this, and is not valid: {why}.",
            )
        ]
    vouched = (
        "by a signer that is trusted here" if reading.trusted else "by a signer whom nobody here vouches for"
    )
    dated = "dated by a time stamp service" if reading.stamped else "dated by the signer's own clock"
    return [
        Detection(
            "c2pa",
            Outcome.PRESENT,
            _TECHNIQUE,
            provenance=provenance | {"signature": "trusted" if reading.trusted else "valid"},
            detail=f"A valid C2PA manifest says that AI made this; signed {vouched}; {dated}.",
        )
    ]
