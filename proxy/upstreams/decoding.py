"""Undoing a content-encoding that nobody asked for, in pieces of bounded size.

We send `accept-encoding: identity`, but some gateways compress all the same. A few kilobytes may unpack to
gigabytes, so a decoder yields pieces of about `PIECE` bytes, lazily, and gives up after `LIMIT` in all.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from importlib import import_module
from typing import Protocol

__all__ = ["LIMIT", "PIECE", "Brotli", "Decoder", "DecodingError", "Inflate", "TooLargeError", "new_decoder"]

PIECE = 64 * 1024
LIMIT = 256 * 1024 * 1024


class DecodingError(ValueError):
    """The body is not what its content-encoding says, or the encoding is unknown."""


class TooLargeError(DecodingError):
    """The body unpacks to more than the limit."""


class Decoder(Protocol):
    """One body's decoder. `feed` is lazy: memory is bounded by what the caller takes."""

    def feed(self, data: bytes) -> Iterator[bytes]: ...

    def finish(self) -> None:
        """The body has ended; raises `DecodingError` if it was cut."""
        ...


class Inflate:
    """gzip and deflate (RFC 1952, RFC 1950, and the raw RFC 1951 that some servers mean by deflate)."""

    def __init__(self, encoding: str, *, limit: int = LIMIT) -> None:
        self._gzip = encoding != "deflate"
        self._inflater = zlib.decompressobj(zlib.MAX_WBITS | 16) if self._gzip else None
        self._head = b""
        self._room = limit

    def feed(self, data: bytes) -> Iterator[bytes]:
        data = self._head + data
        if self._inflater is None:
            # Two bytes tell zlib from raw deflate (RFC 1950, 2.2: CMF and FLG).
            self._head = data if len(data) < 2 else b""
            if self._head:
                return
            wrapped = (
                len(data) > 1 and data[0] & 15 == zlib.DEFLATED and int.from_bytes(data[:2], "big") % 31 == 0
            )
            self._inflater = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        full = False
        while data or full:
            if self._inflater.eof:
                if not self._gzip:
                    raise DecodingError("bytes after the end of a deflate body")
                # Several gzip members in a row are one body (RFC 1952, 2.2).
                self._inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
            try:
                piece = self._inflater.decompress(data, PIECE)
            except zlib.error as error:
                raise DecodingError(f"the compressed body is damaged: {error}") from error
            data = self._inflater.unconsumed_tail or self._inflater.unused_data
            # A full piece may leave output behind even where all input was taken.
            full = len(piece) == PIECE and not self._inflater.eof
            self._room -= len(piece)
            if self._room < 0:
                raise TooLargeError("the compressed body unpacks to more than the limit")
            if piece:
                yield piece

    def finish(self) -> None:
        if self._head or (self._inflater is not None and not self._inflater.eof):
            raise DecodingError("the compressed body is cut")


class Brotli:
    """br (RFC 7932), where the package `brotli` is installed."""

    def __init__(self, *, limit: int = LIMIT) -> None:
        self._brotli = import_module("brotli")
        self._decompressor = self._brotli.Decompressor()
        self._room = limit

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            try:
                piece: bytes = self._decompressor.process(data, output_buffer_limit=PIECE)
            except self._brotli.error as error:
                raise DecodingError(f"the compressed body is damaged: {error}") from error
            data = b""
            self._room -= len(piece)
            if self._room < 0:
                raise TooLargeError("the compressed body unpacks to more than the limit")
            if not piece:
                return
            yield piece

    def finish(self) -> None:
        if not self._decompressor.is_finished():
            raise DecodingError("the compressed body is cut")


def new_decoder(encoding: str) -> Decoder | None:
    """The decoder for a content-encoding header; None where there is nothing to undo.

    Raises DecodingError for other encodings and for chains of them: we asked for none, and what cannot be read
    cannot be reviewed, so it must not be let through.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip", "deflate"):
        return Inflate(name)
    if name == "br":
        try:
            return Brotli()
        except ImportError:
            raise DecodingError("the answer is brotli-compressed, unasked; pip install brotli") from None
    raise DecodingError(f"content-encoding {encoding!r} was not asked for and is not supported")
