"""PDF: the key /AIGC of the Info dictionary, the bare JSON (TC260-PG-20258A 6.3); XMP is read too.

The same label in both places counts once: writers keep Info and XMP alike.
"""

from __future__ import annotations

import io
from typing import Any

from labelers.files.contents import MAX_TEXT, FileContents, FileError, ImplicitLabel
from labelers.files.encoding import decode
from labelers.files.value import looks_like_label, parse
from labelers.files.xmp import labels_in_xmp

__all__ = ["open_pdf", "read_pdf"]

MAX_PAGES = 2_000


def read_pdf(data: bytes) -> FileContents:
    notes: list[str] = []
    reader = open_pdf(data)
    try:
        labels = _in_info(reader)
        for label in labels_in_xmp(_metadata(reader)):
            if any(label.fields == known.fields for known in labels):
                notes.append("the label stands in Info and, alike, in XMP")
            else:
                labels.append(label)
        text = _text(reader, notes)
    except FileError:
        raise
    except Exception as error:  # whatever a broken PDF makes the parser raise
        raise FileError(f"the PDF is damaged ({type(error).__name__}: {str(error)[:200]})") from None
    return FileContents("pdf", tuple(labels), text, tuple(notes))


def open_pdf(data: bytes) -> Any:
    """A `pypdf.PdfReader`. Raises FileError for a PDF that is damaged or needs a password."""
    import pypdf

    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        locked = reader.is_encrypted and not reader.decrypt("")
        if not locked:
            len(reader.pages)
    except Exception as error:  # see above
        raise FileError(f"the PDF is damaged ({type(error).__name__}: {str(error)[:200]})") from None
    if locked:
        raise FileError("the PDF is encrypted; save it without a password")
    return reader


def _in_info(reader: Any) -> list[ImplicitLabel]:
    info = reader.trailer.get("/Info")
    info = info.get_object() if info is not None else None
    found: list[ImplicitLabel] = []
    for key, value in info.items() if isinstance(info, dict) else ():
        text = _string(value.get_object())
        if "AIGC" in str(key).upper():
            notes = [] if key == "/AIGC" else [f"the key is {str(key)[:40]}, not /AIGC"]
            found.append(parse(text, f"Info {str(key)[:40]}", notes=notes))
        elif looks_like_label(text):
            found.append(parse(text, f"Info {str(key)[:40]}", own_place=False))
    return found


def _string(value: Any) -> str:
    return decode(bytes(value))[0] if isinstance(value, bytes) else str(value)


def _metadata(reader: Any) -> bytes:
    stream = reader.trailer["/Root"].get_object().get("/Metadata")
    data = stream.get_object().get_data() if stream is not None else b""
    return data if isinstance(data, bytes) else b""


def _text(reader: Any, notes: list[str]) -> str:
    texts = []
    size = 0
    for at, page in enumerate(reader.pages):
        if at == MAX_PAGES or size > MAX_TEXT:
            notes.append(f"the text behind page {at} was not read")
            break
        try:
            text = page.extract_text().strip()
        except Exception as error:  # one page that cannot be read does not hide the others
            notes.append(f"the text of page {at + 1} could not be read ({type(error).__name__})")
            continue
        texts.append(text)
        size += len(text)
    return "\n".join(filter(None, texts))
