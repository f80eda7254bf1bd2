"""Content-encodings: round trips at any split, damage, cuts, bombs."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.upstreams import decoding
from proxy.upstreams.decoding import PIECE, Decoder, DecodingError, Inflate, TooLargeError, new_decoder


def raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data, wbits=-zlib.MAX_WBITS)


ENCODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "two members": ("GZIP ", lambda data: gzip.compress(data[:3]) + gzip.compress(data[3:])),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
}


def run(decoder: Decoder, pieces: list[bytes]) -> list[bytes]:
    out = [piece for data in pieces for piece in decoder.feed(data)]
    decoder.finish()
    return out


def decoder_for(encoding: str) -> Decoder:
    decoder = new_decoder(encoding)
    assert decoder is not None
    return decoder


@given(st.sampled_from(sorted(ENCODERS)), st.binary(max_size=500), st.integers(1, 50))
def test_a_round_trip_gives_the_text_at_any_split(name: str, data: bytes, size: int) -> None:
    encoding, encode = ENCODERS[name]
    packed = encode(data)
    pieces = [packed[i : i + size] for i in range(0, len(packed), size)]
    assert b"".join(run(decoder_for(encoding), pieces)) == data


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_no_piece_is_larger_than_the_bound(name: str, size: int) -> None:
    encoding, encode = ENCODERS[name]
    pieces = run(decoder_for(encoding), [encode(bytes(size))])
    assert sum(map(len, pieces)) == size
    assert max(map(len, pieces)) <= PIECE


@pytest.mark.parametrize("name", ENCODERS)
def test_a_cut_body_is_an_error_wherever_it_is_cut(name: str) -> None:
    encoding, encode = ENCODERS[name]
    packed = encode(b"hello, world")
    whole_member = len(gzip.compress(b"hel")) if name == "two members" else None
    for end in range(1, len(packed)):
        if end != whole_member:
            with pytest.raises(DecodingError):
                run(decoder_for(encoding), [packed[:end]])


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", b"not gzip at all"),
        ("gzip", gzip.compress(b"x") + b"behind"),
        ("deflate", zlib.compress(b"x") + b"behind"),
        ("deflate", raw_deflate(b"x") + b"behind"),
        ("deflate", zlib.compress(b"hello")[:-4] + b"\0\0\0\0"),
    ],
)
def test_damage_is_an_error(encoding: str, data: bytes) -> None:
    with pytest.raises(DecodingError):
        run(decoder_for(encoding), [data])


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_bomb_ends_at_the_limit(encoding: str) -> None:
    packed = gzip.compress(bytes(10**6)) if encoding == "gzip" else zlib.compress(bytes(10**6))
    decoder = Inflate(encoding, limit=10**6 - 1)
    with pytest.raises(TooLargeError):
        run(decoder, [packed])
    assert sum(map(len, run(Inflate(encoding, limit=10**6), [packed]))) == 10**6


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_identity_needs_no_decoder(encoding: str) -> None:
    assert new_decoder(encoding) is None


@pytest.mark.parametrize("encoding", ["zstd", "gzip, gzip", "compress", "nonsense"])
def test_what_cannot_be_read_is_refused(encoding: str) -> None:
    with pytest.raises(DecodingError, match="not asked for"):
        new_decoder(encoding)


def test_without_the_package_brotli_is_refused_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> None:
        raise ImportError

    monkeypatch.setattr(decoding, "import_module", missing)
    with pytest.raises(DecodingError, match="pip install brotli"):
        new_decoder("br")


class FakeBrotli:
    """The package's interface over zlib: enough to see how it is driven where it is not installed."""

    class error(Exception):  # noqa: N801, N818  the package's name
        pass

    class Decompressor:
        def __init__(self) -> None:
            self._inflater = zlib.decompressobj()
            self._rest = b""

        def process(self, data: bytes, output_buffer_limit: int) -> bytes:
            try:
                out = self._inflater.decompress(self._rest + data, output_buffer_limit)
            except zlib.error as error:
                raise FakeBrotli.error from error
            self._rest = self._inflater.unconsumed_tail
            return out

        def is_finished(self) -> bool:
            return self._inflater.eof


@pytest.mark.parametrize("size", [1, 7, 10**6])
def test_brotli_is_driven_in_bounded_pieces_and_its_faults_are_told(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(decoding, "import_module", lambda _name: FakeBrotli)
    text = bytes(range(256)) * 1000
    packed = zlib.compress(text)
    pieces = [packed[i : i + size] for i in range(0, len(packed), size)]
    out = run(decoder_for("br"), pieces)
    assert b"".join(out) == text
    assert max(map(len, out)) <= PIECE
    with pytest.raises(DecodingError, match="cut"):
        run(decoder_for("br"), pieces[:-1])
    with pytest.raises(DecodingError, match="damaged"):
        run(decoder_for("br"), [b"nonsense"])
    with pytest.raises(TooLargeError):
        run(decoding.Brotli(limit=len(text) - 1), pieces)
