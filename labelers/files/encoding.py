"""Bytes to text, as text files in China come: UTF-8 with or without BOM, UTF-16, GB18030."""

from __future__ import annotations

import codecs

from labelers.files.contents import FileError

__all__ = ["decode"]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: it begins alike
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(data: bytes, declared: str = "") -> tuple[str, list[str]]:
    """The text and what is notable about its encoding. `declared`: what the file says of itself.

    Raises FileError for bytes that are no text.
    """
    for bom, name in _BOMS:
        if data.startswith(bom):
            try:
                return data[len(bom) :].decode(name), [f"it begins with a byte order mark ({name})"]
            except UnicodeDecodeError as error:
                raise FileError(
                    f"the text is not the {name} that its first bytes say ({error.reason})"
                ) from None
    if b"\0" in data:
        raise FileError("these bytes are no text, and no format that is known here")
    try:
        return data.decode(), []
    except UnicodeDecodeError:
        pass
    for name in (declared, "gb18030"):
        try:
            text = data.decode(name) if name else None
        except (UnicodeDecodeError, LookupError):
            continue
        if text is not None:
            return text, [f"its encoding is {name.lower()}"]
    raise FileError("the text is neither UTF-8 nor GB18030; save it as UTF-8")
