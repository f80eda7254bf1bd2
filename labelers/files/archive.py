"""ZIP containers (docx, pptx, xlsx, odt, epub), read within bounds and rewritten without a trace of time.

Nothing is ever unpacked to disk. Sizes are counted while a part is inflated: the directory of a bomb lies.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence

from labelers.files.contents import FileError

__all__ = ["Archive", "pack"]

MAX_PARTS = 10_000
MAX_PART = 64 * 1024 * 1024  # bytes inflated, one part
MAX_TOTAL = 256 * 1024 * 1024  # bytes inflated, all that were asked for
_MAX_RATIO = 500  # DEFLATE reaches 1,032; real office files stay under 100
_RATIO_FROM = 4 * 1024 * 1024
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_OLE = b"\xd0\xcf\x11\xe0"


class Archive:
    """The parts of a ZIP file by name. Raises FileError for what cannot be read safely."""

    def __init__(self, data: bytes) -> None:
        if data.startswith(_OLE):
            raise FileError(
                "this is an encrypted or an old binary Office file; save it unprotected in the new format"
            )
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            self._infos = self._zip.infolist()
        except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, OSError) as error:
            raise FileError(f"the ZIP container is damaged or cut short ({error})") from None
        if len(self._infos) > MAX_PARTS:
            raise FileError(
                f"the ZIP container has {len(self._infos)} parts; more than {MAX_PARTS} are not read"
            )
        for info in self._infos:
            name = info.filename.replace("\\", "/")
            if name.startswith("/") or ".." in name.split("/") or ":" in name.split("/")[0]:
                raise FileError(f"the ZIP container holds a part with an unsafe name: {name[:80]!r}")
        self._inflated = 0

    @property
    def names(self) -> list[str]:
        """In the order of the directory; a name may stand twice."""
        return [info.filename for info in self._infos]

    def read(self, name: str) -> bytes:
        """The last part of that name, b"" if there is none."""
        parts = self.read_all(name)
        return parts[-1] if parts else b""

    def read_all(self, name: str) -> list[bytes]:
        """Every part of that name: a container may hold two, and readers differ in which they take."""
        return [self._inflate(info) for info in self._infos if info.filename == name]

    def parts(self) -> list[tuple[str, bytes]]:
        return [(info.filename, self._inflate(info)) for info in self._infos if not info.is_dir()]

    def _inflate(self, info: zipfile.ZipInfo) -> bytes:
        if info.flag_bits & 0x1:
            raise FileError("the ZIP container is encrypted; save it without a password")
        limit = min(MAX_PART, MAX_TOTAL - self._inflated)
        try:
            with self._zip.open(info) as stream:
                data = stream.read(limit + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
            raise FileError(f"{info.filename[:80]!r} in the ZIP container is damaged ({error})") from None
        self._inflated += len(data)
        bomb = len(data) > _RATIO_FROM and len(data) > _MAX_RATIO * max(1, info.compress_size)
        if len(data) > limit or bomb:
            raise FileError(
                f"{info.filename[:80]!r} inflates to far more than a document holds (a ZIP bomb?)"
            )
        return data


def pack(
    parts: Sequence[tuple[str, bytes]], *, stored: Sequence[str] = (), replace: Mapping[str, bytes] = {}
) -> bytes:
    """A ZIP file that depends on its parts alone: no times, no order but the given one.

    `stored`: parts that stand uncompressed (the `mimetype` of ODF and EPUB). `replace`: new bytes for
    parts, at the place of the old one or, where there is none, at the end.
    """
    whole: dict[str, bytes] = dict(parts) | dict(replace)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target:
        for name, data in whole.items():
            info = zipfile.ZipInfo(name, _FIXED_TIME)
            info.compress_type = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            info.create_system = 3
            target.writestr(info, data)
    return out.getvalue()
