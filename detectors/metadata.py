"""Reads implicit labels 隐式标识 of files as evidence: what metadata says of the origin.

Metadata can be written by anyone. The statute takes it at its word (标识办法 art. 6 (一)); whether a signature
in it holds is told beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

from detectors.detection import Detection, Outcome
from labelers.files.contents import ImplicitLabel

__all__ = ["metadata_detections"]

_KNOWN = {
    "producer": "ContentProducer",
    "content_id": "ProduceID",
    "label": "Label",
    "propagator": "ContentPropagator",
    "propagate_id": "PropagateID",
}


def metadata_detections(labels: Sequence[ImplicitLabel]) -> list[Detection]:
    """One detection a label; a single absent one where there is none.

    Present: Label is 1, 2 or 3. Inconclusive: a label that does not say so much is a trace.
    """
    if not labels:
        return [
            Detection(
                "metadata", Outcome.ABSENT, "implicit label", detail="The file holds no implicit label."
            )
        ]
    return [_detection(label) for label in labels]


def _detection(label: ImplicitLabel) -> Detection:
    says = label.fields.get("Label") in ("1", "2", "3")
    provenance = {key: label.fields[name] for key, name in _KNOWN.items() if label.fields.get(name)}
    return Detection(
        "metadata",
        Outcome.PRESENT if says else Outcome.INCONCLUSIVE,
        f"implicit label (GB 45438-2025 §6.1) in {label.place}",
        provenance=provenance or None,
        detail="; ".join((*label.problems, *label.notes)),
    )
