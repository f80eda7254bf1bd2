"""One text or file handed in to be examined: by the API, the page, the official SDK or the command line."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from detectors.panel import Panel
from detectors.verdict import Report
from proxy.errors import ApiError
from proxy.wire.form import form_parts, is_form

__all__ = ["FORMATS", "MAX_TEXT", "Examined", "Submission", "examine", "submission_of"]

_TRUE = frozenset({"true", "1", "on", "yes"})

MAX_TEXT = 1_000_000  # characters
FORMATS = ("txt", "md")


@dataclass(frozen=True, slots=True)
class Submission:
    """`text` as pasted, or the bytes of a file and its `name`. `declared`: whoever gave it says it is AI-generated."""

    text: str | None = None
    data: bytes = b""
    name: str = ""
    declared: bool = False


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found, and what it was found in: `name` of the file ("" for a pasted text), its size in bytes, SHA-256."""

    report: Report
    name: str
    size: int
    sha256: str

    def to_json(self, *, public: bool) -> dict[str, Any]:
        """The report of the interface; of a file, with its name and hash."""
        shown = self.report.to_json(public=public)
        if self.name:
            shown["file"] = {"name": self.name, "bytes": self.size, "sha256": self.sha256}
        return shown


def examine(panel: Panel, submission: Submission) -> Examined:
    """Raises ApiError (422) for what cannot be read."""
    data, text = submission.data, submission.text
    if text is None:
        text = _read(data, submission.name)
    else:
        data = text.encode("utf-8", "surrogatepass")
    if not text.strip():
        raise _unreadable("it holds no text")
    if len(text) > MAX_TEXT:
        raise _unreadable(f"it holds {len(text)} characters; at most {MAX_TEXT} are examined at once")
    report = panel.examine(text, declared=submission.declared)
    return Examined(report, submission.name, len(data), hashlib.sha256(data).hexdigest())


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


def _read(data: bytes, name: str) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _unreadable(f"{name!r} is no text")


def _unreadable(why: str) -> ApiError:
    return ApiError(422, f"this cannot be examined: {why}", code="unreadable")
