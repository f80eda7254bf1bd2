"""A whole file: its implicit label judged by GB 45438-2025, the visible one found, its text examined.

`read` is for everybody and never raises: a file that cannot be read gives a reading that says why.
`examine` adds the detectors of texts and gives the report of the interface.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from detectors.c2pa import c2pa_detections, reading_of
from detectors.detection import Outcome
from detectors.explicit import ExplicitDetector
from detectors.metadata import metadata_detections
from detectors.panel import Panel
from detectors.verdict import Report, judge
from labelers import files
from labelers.c2pa_manifest import C2paReading
from labelers.files import MEDIA_TYPES, FileError, ImplicitLabel

__all__ = ["COMPLIANT", "NON_COMPLIANT", "NOT_FOUND", "UNREADABLE", "FileReading", "examine", "read"]

COMPLIANT = "compliant"
NON_COMPLIANT = "non_compliant"
NOT_FOUND = "not_found"
UNREADABLE = "unreadable"

_MAX_RAW = 4_000
_EMPHASIS = re.compile(r"^[ \t]*(?:>[ \t]*)*[*_~`]{0,3}|[*_~`]{1,3}[ \t]*$", re.MULTILINE)
_MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class FileReading:
    """What a file says of its origin.

    `verdict` is about the implicit label alone: compliant, non_compliant (`problems` name the clauses),
    not_found or unreadable (`reason`). `explicit`: the visible labels found, in the order of the text. `credentials`:
    what its C2PA manifest says, if it has one. `notes`: what is unusual and allowed.
    """

    format: str
    labels: tuple[ImplicitLabel, ...]
    explicit: tuple[str, ...]
    text: str
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    verdict: str
    reason: str = ""
    credentials: C2paReading | None = None

    @property
    def fields(self) -> Mapping[str, str]:
        """The Annex E pairs of the first label; {} if there is none."""
        return self.labels[0].fields if self.labels else {}

    @classmethod
    def from_json(cls, shown: Mapping[str, Any]) -> FileReading:
        """What `to_json` showed, with the text beside it under "text"."""
        labels = (
            ImplicitLabel(
                label["place"],
                label["raw"],
                label["fields"],
                tuple(label["problems"]),
                tuple(label["notes"]),
                label["own_place"],
            )
            for label in shown["labels"]
        )
        manifest = shown.get("credentials")
        credentials = C2paReading(**{**manifest, "codes": tuple(manifest["codes"])}) if manifest else None
        return cls(
            shown["format"],
            tuple(labels),
            tuple(shown["explicit"]),
            shown["text"],
            tuple(shown["notes"]),
            tuple(shown["problems"]),
            shown["verdict"],
            shown["reason"],
            credentials,
        )

    def to_json(self) -> dict[str, Any]:
        """All but the text; of very many labels the first ones."""
        return {
            "format": self.format,
            "verdict": self.verdict,
            "labels": [
                {
                    "place": label.place,
                    "own_place": label.own_place,
                    "raw": label.raw[:_MAX_RAW],
                    "fields": dict(label.fields),
                    "problems": list(label.problems),
                    "notes": list(label.notes),
                }
                for label in self.labels[:_MAX_SHOWN]
            ],
            "explicit": list(self.explicit[:_MAX_SHOWN]),
            "problems": list(self.problems),
            "notes": list(self.notes),
            "reason": self.reason,
        } | ({"credentials": asdict(self.credentials)} if self.credentials is not None else {})


def read(data: bytes, name: str, roots: bytes = b"") -> FileReading:
    """Reads a file, `name` with its suffix. Never raises for what is in it. `roots`: whose C2PA certificates are
    trusted, PEM.
    """
    try:
        contents = files.read(data, name)
    except FileError as error:
        return FileReading("", (), (), "", (), (), UNREADABLE, str(error))
    labels = contents.labels
    problems = list(dict.fromkeys(problem for label in labels for problem in label.problems))
    if len(labels) > 1:
        places = ", ".join(dict.fromkeys(label.place for label in labels[:_MAX_SHOWN]))
        problems.insert(
            0, f"GB 45438-2025 §6.1 c): {len(labels)} implicit labels, where one may stand ({places})"
        )
    notes = list(contents.notes)
    for label in labels:
        if not label.own_place:
            notes.append(f"the label stands in {label.place}, where nobody looks for it")
        notes += label.notes
    # In Markdown a label is often emphasised or quoted; a heading is about something.
    visible = _EMPHASIS.sub("", contents.text) if contents.format in ("md", "txt", "json") else contents.text
    spans = ExplicitDetector().detect(visible).spans
    credentials = reading_of(data, MEDIA_TYPES.get(contents.format, "").partition(";")[0], roots)
    verdict = NON_COMPLIANT if problems else COMPLIANT if labels else NOT_FOUND
    return FileReading(
        format=contents.format,
        labels=labels,
        explicit=tuple(visible[start:end] for start, end in spans),
        text=contents.text,
        notes=tuple(dict.fromkeys(notes)),
        problems=tuple(problems),
        verdict=verdict,
        credentials=credentials if credentials.present else None,
    )


def examine(
    reading: FileReading,
    panel: Panel,
    *,
    declared: bool = False,
    pinned_keys: Mapping[str, Sequence[str]] | None = None,
) -> Report:
    """The report of a file that could be read: its metadata and the marks in its text, judged together.

    `pinned_keys`: public SM2 keys by producer, which make a signature authentic.
    """
    report = panel.examine(reading.text, declared=declared)
    found = [
        *metadata_detections(reading.labels, pinned_keys),
        *c2pa_detections(reading.credentials or C2paReading(False)),
    ]
    # A manifest is bound to the file, not to the text that was taken out of it.
    found += [one for one in report.detections if reading.credentials is None or one.detector != "c2pa"]
    found.sort(key=lambda detection: detection.outcome is Outcome.ABSENT)
    return judge(reading.text, found, declared=declared)
