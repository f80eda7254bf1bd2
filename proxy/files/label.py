"""Who spreads a file labels it (标识办法 art. 6): examined first, then the propagation elements, then what to show.

The label written is the one that the evidence gives, 属于, 可能 or 疑似: nobody raises it above what was found
without a declaration of whoever uploaded the file, and nobody lowers what its metadata says (art. 10).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from detectors.detection import Outcome
from detectors.files import FileReading
from detectors.verdict import Report
from labelers.metadata import AIGC_FIELDS, provider_code_problems

__all__ = ["CLAIMS", "SHOWN", "EvidenceError", "Labelling", "decide", "label_record"]

CLAIMS: Mapping[str, str] = MappingProxyType({"confirmed": "1", "possible": "2", "suspected": "3"})
_NAMES = {label: claim for claim, label in CLAIMS.items()}
# What a platform shows beside the content, by Label: Chinese and English.
SHOWN: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "1": ("该内容属于人工智能生成合成内容", "This content is AI-generated."),
        "2": (
            "该内容可能为人工智能生成合成内容",
            "This content may be AI-generated, as its uploader declares.",
        ),
        "3": ("该内容疑似为人工智能生成合成内容", "This content is suspected to be AI-generated."),
    }
)
_WRITABLE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")
_CODE_LENGTH = 27


class EvidenceError(Exception):
    """The evidence does not carry this label, or more than it. `label`: the one that it gives, None for none."""

    def __init__(self, message: str, label: str | None) -> None:
        super().__init__(message)
        self.label = label


@dataclass(frozen=True, slots=True)
class Labelling:
    """`fields`: what is to stand in the file; `label`: its Label; `basis`: the article that gives it."""

    fields: Mapping[str, str]
    label: str
    basis: str

    @property
    def shown(self) -> tuple[str, str]:
        """The text to show beside the content, Chinese and English."""
        return SHOWN[self.label]


def decide(reading: FileReading, report: Report, *, claim: str, propagator: str, number: str) -> Labelling:
    """`claim`: confirmed, possible or suspected, "" for whatever the evidence gives; `propagator`: name or code of
    who spreads the file; `number`: theirs for it. `report` counts a declaration already.

    Producer, number and signature of the first writer stay. Raises ValueError for a code or number that Annex E
    has no characters for, EvidenceError where the evidence gives another label.
    """
    _check(propagator, number)
    label = report.label
    if label is None:
        raise EvidenceError(
            "nothing in the file says or shows that it is AI-generated, so it gets no label; where its uploader declares "
            "it, say so (declared)",
            None,
        )
    if claim and CLAIMS[claim] != label:
        raise EvidenceError(_mismatch(claim, label), label)
    origin = _origin(reading, report, label)
    fields = dict.fromkeys(AIGC_FIELDS, "") | origin
    fields |= {"Label": label, "ContentPropagator": propagator, "PropagateID": number, "ReservedCode2": ""}
    if origin.get("Label") != label:
        fields["ReservedCode1"] = ""  # what it signed said something else
    return Labelling({name: fields[name] for name in AIGC_FIELDS}, label, report.basis)


def _check(propagator: str, number: str) -> None:
    for what, value in (("propagator", propagator), ("number", number)):
        if not _WRITABLE.fullmatch(value):
            raise ValueError(
                f"{what}: {value[:40]!r} needs 1 to 200 characters, ASCII without space, quote and backslash (Annex E)"
            )
    if len(propagator) == _CODE_LENGTH and (problems := provider_code_problems(propagator)):
        raise ValueError(f"propagator: {'; '.join(problems)}")


def _mismatch(claim: str, label: str) -> str:
    if CLAIMS[claim] < label:
        declare = (
            "; without the uploader's declaration (declared) it is not possible"
            if claim == "possible"
            else ""
        )
        return f"what was found makes the file {_NAMES[label]}, not {claim}{declare}"
    return f"what was found makes the file {_NAMES[label]}; labelling it {claim} would lower what its metadata or mark says"


def _origin(reading: FileReading, report: Report, label: str) -> dict[str, str]:
    """The elements of the first writer: as the file names them, else as a genuine carrier does."""
    named = [
        one.fields
        for one in reading.labels
        if one.fields.get("ContentProducer") or one.fields.get("ProduceID")
    ]
    if named:
        return dict(next((fields for fields in named if fields.get("Label") == label), named[0]))
    for found in report.detections:
        if found.detector == "carrier" and found.outcome is Outcome.PRESENT and found.provenance:
            return {
                "ContentProducer": found.provenance["producer"],
                "ProduceID": found.provenance["content_id"],
            }
    return {}


def label_record(labelling: Labelling, before: bytes, after: bytes) -> dict[str, object]:
    """What is kept of a labelling: no text."""
    return {
        "label": labelling.label,
        "basis": labelling.basis,
        "propagator": labelling.fields["ContentPropagator"],
        "number": labelling.fields["PropagateID"],
        "sha256_before": hashlib.sha256(before).hexdigest(),
        "sha256": hashlib.sha256(after).hexdigest(),
    }
