"""Containers are written so that equal parts give equal bytes."""

from __future__ import annotations

import io
import zipfile

from labelers.files.archive import Archive, pack


def test_packing_depends_on_the_parts_alone_and_replaces_in_place() -> None:
    parts = [("mimetype", b"x/y"), ("a", b"1" * 100), ("b", b"2")]
    packed = pack(parts, stored=["mimetype"], replace={"a": b"3", "c": b"4"})
    assert packed == pack(parts, stored=["mimetype"], replace={"a": b"3", "c": b"4"})
    assert Archive(packed).parts() == [("mimetype", b"x/y"), ("a", b"3"), ("b", b"2"), ("c", b"4")]
    with zipfile.ZipFile(io.BytesIO(packed)) as opened:
        assert [info.compress_type for info in opened.infolist()] == [zipfile.ZIP_STORED] + [
            zipfile.ZIP_DEFLATED
        ] * 3
        assert {info.date_time for info in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert packed.startswith(b"PK\x03\x04")
    assert packed[30:38] == b"mimetype"


def test_a_part_that_is_not_there_is_empty() -> None:
    archive = Archive(pack([("a", b"1")]))
    assert (archive.read("a"), archive.read("b"), archive.names) == (b"1", b"", ["a"])
