"""PDF: the key /AIGC of the Info dictionary, the bare JSON (TC260-PG-20258A 6.3); XMP is read too.

The same label in both places counts once: writers keep Info and XMP alike.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from labelers.files.contents import MAX_TEXT, FileContents, FileError, ImplicitLabel
from labelers.files.encoding import decode
from labelers.files.value import looks_like_label, parse
from labelers.files.xmp import labels_in_xmp, relabelled_xmp
from labelers.metadata import aigc_json

__all__ = ["embed_pdf", "read_pdf"]

MAX_PAGES = 2_000


def read_pdf(data: bytes) -> FileContents:
    notes: list[str] = []
    reader = _open(data)
    try:
        labels = _in_info(reader)
        for label in labels_in_xmp(_metadata(reader)):
            if any(label.fields == known.fields for known in labels):
                notes.append("the label stands in Info and, alike, in XMP")
            else:
                labels.append(label)
        text = _text(data, notes)
    except FileError:
        raise
    except Exception as error:  # whatever a broken PDF makes the parser raise
        raise FileError(f"the PDF is damaged ({type(error).__name__}: {str(error)[:200]})") from None
    return FileContents("pdf", tuple(labels), text, tuple(notes))


def _open(data: bytes) -> Any:
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
    return decode(bytes(value)).text if isinstance(value, bytes) else str(value)


def _metadata(reader: Any) -> bytes:
    stream = reader.trailer["/Root"].get_object().get("/Metadata")
    data = stream.get_object().get_data() if stream is not None else b""
    return data if isinstance(data, bytes) else b""


def _text(data: bytes, notes: list[str]) -> str:
    """By PDFium, which keeps what stands behind a glyph as its actual text, variation selectors too."""
    import pypdfium2

    texts = []
    size = 0
    document = pypdfium2.PdfDocument(data)
    try:
        for at in range(len(document)):
            if at == MAX_PAGES or size > MAX_TEXT:
                notes.append(f"the text behind page {at} was not read")
                break
            page = document[at]
            text = str(page.get_textpage().get_text_range()).replace("\r\n", "\n").strip()
            page.close()
            texts.append(text)
            size += len(text)
    finally:
        document.close()
    return "\n".join(filter(None, texts))


def embed_pdf(data: bytes, fields: Mapping[str, str]) -> bytes:
    """The file with this label and no other: in Info, and in XMP where one stands there already.

    Written anew, not appended to: an older label does not stay behind in the bytes. Raises FileError for a
    PDF that is damaged, encrypted or signed.
    """
    import pypdf
    from pypdf.generic import NameObject, TextStringObject

    reader = _open(data)
    try:
        if _is_signed(reader):
            raise FileError(
                "the PDF is digitally signed; a label would break the signature. Label it before signing"
            )
        writer: Any = pypdf.PdfWriter(clone_from=reader)
        packet = _metadata(reader)
        if labels_in_xmp(packet):
            writer.root_object["/Metadata"].get_object().set_data(relabelled_xmp(packet, fields))
        info = writer._info.get_object() if writer._info is not None else {}
        about = {
            key: value
            for key, value in info.items()
            if "AIGC" not in str(key).upper() and not looks_like_label(_string(value.get_object()))
        }
        about[NameObject("/AIGC")] = TextStringObject(aigc_json(fields, wrapped=False))
        writer.metadata = about
        out = io.BytesIO()
        writer.write(out)
    except FileError:
        raise
    except Exception as error:  # see above
        raise FileError(
            f"the PDF cannot be written anew ({type(error).__name__}: {str(error)[:200]})"
        ) from None
    return out.getvalue()


def _is_signed(reader: Any) -> bool:
    form = reader.trailer["/Root"].get_object().get("/AcroForm")
    return form is not None and bool(int(form.get_object().get("/SigFlags", 0)) & 1)
