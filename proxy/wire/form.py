"""`multipart/form-data`: the texts of a form, for review. The form itself is forwarded as it came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from proxy.errors import ApiError

__all__ = ["FormPart", "form_parts", "form_texts", "is_form"]


@dataclass(frozen=True, slots=True)
class FormPart:
    """One part of a form; `filename` is None for a plain field, "" for a file input left empty."""

    name: str
    filename: str | None
    data: bytes


def is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "multipart/form-data"


def form_parts(raw: bytes, content_type: str) -> list[FormPart]:
    """Every part of a form, in order. Raises ApiError (400)."""
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise _malformed("the content type names no boundary")
    parts = _Parts()
    try:
        parser = MultipartParser(boundary, parts.callbacks())  # type: ignore[arg-type]
        parser.write(raw)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise _malformed(str(error)) from error
    if not parts.ended:
        raise _malformed("it has no end")
    return parts.found


def form_texts(raw: bytes, content_type: str) -> dict[str, Any]:
    """The text of each part by name; a list where a name stands more than once. Raises ApiError (400).

    A file is left out only if it is no text: a part does not get past review by calling itself a file.
    """
    fields: dict[str, Any] = {}
    for part in form_parts(raw, content_type):
        try:
            text = part.data.decode()
        except UnicodeDecodeError as error:
            if part.filename is not None:
                continue
            raise _malformed(f"the field {part.name!r} is not UTF-8") from error
        before = fields.get(part.name)
        fields[part.name] = (
            text if before is None else [*(before if type(before) is list else [before]), text]
        )
    return fields


class _Parts:
    """Collects the parts from the parser's callbacks."""

    def __init__(self) -> None:
        self.found: list[FormPart] = []
        self.ended = False
        self._headers: dict[bytes, bytes] = {}
        self._field = self._value = b""
        self._data = bytearray()

    def callbacks(self) -> dict[str, Any]:
        names = ("part_begin", "part_data", "part_end", "header_field", "header_value", "header_end", "end")
        return {f"on_{name}": getattr(self, name) for name in names}

    def part_begin(self) -> None:
        self._headers = {}
        self._data = bytearray()

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def part_data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def part_end(self) -> None:
        options = parse_options_header(self._headers.get(b"content-disposition", b""))[1]
        if b"name" not in options:
            raise ValueError("a part has no name")
        name = options[b"name"].decode("utf-8", "replace")
        file = options.get(b"filename")
        filename = None if file is None else file.decode("utf-8", "replace")
        self.found.append(FormPart(name, filename, bytes(self._data)))

    def end(self) -> None:
        self.ended = True


def _malformed(what: str) -> ApiError:
    return ApiError(400, f"the form cannot be read: {what}", code="invalid_form")
