"""Bytes to text and back, as text files in China come: UTF-8 with or without BOM, UTF-16, GB18030."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from labelers.files.contents import FileError

__all__ = ["Decoded", "decode"]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: it begins alike
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text and how it was written; `bom`: the byte order mark before it, b"" without one."""

    text: str
    encoding: str = "utf-8"
    bom: bytes = b""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is notable about the encoding."""
        if self.bom:
            return (f"it begins with a byte order mark ({self.encoding})",)
        return () if self.encoding == "utf-8" else (f"its encoding is {self.encoding}",)

    def encode(self, text: str) -> bytes:
        """Another text, written the same way."""
        return self.bom + text.encode(self.encoding)


def decode(data: bytes, declared: str = "") -> Decoded:
    """The text of a file. `declared`: the encoding that it says of itself.

    Raises FileError for bytes that are no text.
    """
    for bom, name in _BOMS:
        if data.startswith(bom):
            try:
                return Decoded(data[len(bom) :].decode(name), name, bom)
            except UnicodeDecodeError as error:
                raise FileError(
                    f"the text is not the {name} that its first bytes say ({error.reason})"
                ) from None
    if b"\0" in data:
        raise FileError("these bytes are no text, and no format that is known here")
    for name in ("utf-8", declared.lower(), "gb18030"):
        try:
            return Decoded(data.decode(name or "utf-8"), name or "utf-8")
        except (UnicodeDecodeError, LookupError):
            continue
    raise FileError("the text is neither UTF-8 nor GB18030; save it as UTF-8")
