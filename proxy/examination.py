"""One text or file handed in to be examined: by the API, the page, the official SDK or the command line."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from detectors import files
from detectors.files import UNREADABLE, FileReading
from detectors.panel import Panel
from detectors.verdict import Report
from proxy.errors import ApiError
from proxy.files.bounded import read_bounded
from proxy.wire.form import form_parts, is_form

__all__ = ["FORMATS", "MAX_TEXT", "Examined", "Submission", "examine", "submission_of"]

_TRUE = frozenset({"true", "1", "on", "yes"})

MAX_TEXT = 1_000_000  # characters
FORMATS = ("docx", "pptx", "xlsx", "odt", "pdf", "epub", "html", "md", "txt", "json", "png", "jpg")

# Each reads in a process of its own that may take much memory.
_READERS = threading.BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class Submission:
    """`text` as pasted, or the bytes of a file and its `name`. `declared`: whoever gave it says it is AI-generated."""

    text: str | None = None
    data: bytes = b""
    name: str = ""
    declared: bool = False


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found, and what it was found in: `name` and `reading` of the file ("" and None for a pasted text),
    its size in bytes, SHA-256.
    """

    report: Report
    name: str
    size: int
    sha256: str
    reading: FileReading | None = None

    def to_json(self, *, public: bool) -> dict[str, Any]:
        """The report of the interface; of a file, with its name, its hash and how its labels stand."""
        shown = self.report.to_json(public=public)
        if self.reading is not None:
            about = {"name": self.name, "bytes": self.size, "sha256": self.sha256}
            shown["file"] = about | self.reading.to_json()
        return shown


def examine(
    panel: Panel, submission: Submission, pinned_keys: Mapping[str, Sequence[str]] | None = None
) -> Examined:
    """`pinned_keys`: whose signatures of metadata are authentic. Raises ApiError (422) for what cannot be read."""
    text, data = submission.text, submission.data
    if text is not None:
        if not text.strip():
            raise _unreadable("it holds no text")
        _check_length(text)
        data = text.encode("utf-8", "surrogatepass")
        report = panel.examine(text, declared=submission.declared)
        return Examined(report, "", len(data), hashlib.sha256(data).hexdigest())
    with _READERS:
        reading = read_bounded(data, submission.name, panel.roots)
    if reading.verdict == UNREADABLE:
        raise _unreadable(reading.reason)
    _check_length(reading.text)
    report = files.examine(reading, panel, declared=submission.declared, pinned_keys=pinned_keys)
    return Examined(report, submission.name, len(data), hashlib.sha256(data).hexdigest(), reading)


def _check_length(text: str) -> None:
    if len(text) > MAX_TEXT:
        raise _unreadable(f"it holds {len(text)} characters; at most {MAX_TEXT} are examined at once")


def submission_of(raw: bytes, content_type: str) -> Submission:
    """A form with the parts `file` and, if it is declared, `declared`. Raises ApiError (400, 422)."""
    if not is_form(content_type):
        raise ApiError(415, "send the file as multipart/form-data, in the part 'file'", code="invalid_form")
    parts = form_parts(raw, content_type)
    files = [part for part in parts if part.name == "file" and part.filename is not None]
    if len(files) != 1:
        raise ApiError(
            422, f"the form holds {len(files)} parts 'file' with a file name; send one", code="invalid_form"
        )
    declared = any(part.name == "declared" and part.data.decode("latin-1").lower() in _TRUE for part in parts)
    return Submission(data=files[0].data, name=_base_name(files[0].filename or ""), declared=declared)


def _base_name(name: str) -> str:
    """Without folders: some clients send the whole path, which is nobody's business."""
    return name.replace("\\", "/").rpartition("/")[2] or "file"


def _unreadable(why: str) -> ApiError:
    return ApiError(422, why, param="file", code="file_unreadable")
