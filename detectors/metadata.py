"""Reads implicit labels 隐式标识 of files as evidence: what metadata says of the origin.

Metadata can be written by anyone. The statute takes it at its word (标识办法 art. 6 (一)); whether a signature
in it holds is told beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from detectors.detection import Detection, Outcome
from labelers.files.contents import ImplicitLabel
from labelers.reserved_code import verify

__all__ = ["metadata_detections"]

_KNOWN = {
    "producer": "ContentProducer",
    "content_id": "ProduceID",
    "label": "Label",
    "propagator": "ContentPropagator",
    "propagate_id": "PropagateID",
}


def metadata_detections(
    labels: Sequence[ImplicitLabel], pinned_keys: Mapping[str, Sequence[str]] | None = None
) -> list[Detection]:
    """One detection a label; a single absent one where there is none.

    Present: Label is 1, 2 or 3. Inconclusive: a label that does not say so much is a trace. What became of its
    signature stands in the provenance under "signature": missing, invalid, valid or, with a pinned key, trusted.
    """
    if not labels:
        return [
            Detection(
                "metadata", Outcome.ABSENT, "implicit label", detail="The file holds no implicit label."
            )
        ]
    return [_detection(label, pinned_keys) for label in labels]


def _detection(label: ImplicitLabel, pinned_keys: Mapping[str, Sequence[str]] | None) -> Detection:
    says = label.fields.get("Label") in ("1", "2", "3")
    provenance: dict[str, Any] = {
        key: label.fields[name] for key, name in _KNOWN.items() if label.fields.get(name)
    }
    signature = verify(label.fields, label.fields.get("ReservedCode1", ""), pinned_keys)
    if signature.authentic:
        provenance["signature"] = "trusted"
    elif signature.valid:
        provenance["signature"] = "valid"
    else:
        provenance["signature"] = "invalid" if signature.present else "missing"
    return Detection(
        "metadata",
        Outcome.PRESENT if says else Outcome.INCONCLUSIVE,
        f"implicit label (GB 45438-2025 §6.1) in {label.place}",
        provenance=provenance,
        detail="; ".join((*label.problems, *label.notes, signature.reason)),
    )
