"""Files made to hurt: a clear error, bounded memory and time, nothing written.

Each is read by a process of its own that may use little memory and few seconds.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pypdf
import pytest

from labelers.files import FileError, read
from labelers.files.contents import MAX_FILE
from labelers.files.encoding import decode
from tests.labelers.files import samples as s

MEMORY = 1024 * 1024 * 1024
SECONDS = 20
CHILD = f"""
import resource, sys, json
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
from detectors.files import read
reading = read(open(sys.argv[1], "rb").read(), sys.argv[2])
print(json.dumps([reading.verdict, reading.reason, len(reading.text), len(reading.labels)]))
"""


def read_in_a_cell(data: bytes, name: str, folder: Path) -> tuple[str, str, int, int]:
    """Verdict, reason, characters and labels, from a process that cannot write a byte."""
    path = folder / "given"
    path.write_bytes(data)
    before = sorted(folder.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), name], capture_output=True, text=True, cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).parents[3])}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert sorted(folder.rglob("*")) == before
    verdict, reason, characters, labels = json.loads(done.stdout)
    return verdict, reason, characters, labels


def ratio_bomb() -> bytes:
    return s.docx(**{"docProps/custom.xml": b" " * (60 * 1024 * 1024)})


def total_bomb() -> bytes:
    """No part and no ratio is beyond its bound; their sum is."""
    row = b"<c/>" + bytes(range(33, 59)) * 40 + b"\n"
    slide = b"<s>" + row * (60 * 1024 * 1024 // len(row)) + b"</s>"
    parts: dict[str, bytes | str] = {f"ppt/slides/slide{n}.xml": slide.replace(b"&", b".") for n in range(5)}
    return s.zipped({"ppt/presentation.xml": "<p/>"} | parts, level=1)


def lying_directory() -> bytes:
    """The directory says 10 bytes, the stream holds 100 MiB."""
    data = bytearray(s.zipped({"word/document.xml": b"a" * (100 * 1024 * 1024)}))
    size = (100 * 1024 * 1024).to_bytes(4, "little")
    while (at := data.find(size)) >= 0:
        data[at : at + 4] = (10).to_bytes(4, "little")
    return bytes(data)


def many_parts() -> bytes:
    return s.zipped({f"p{n}": b"" for n in range(20_000)})


def laughs(entities: str) -> bytes:
    return s.docx(**{"docProps/custom.xml": f"<!DOCTYPE x [{entities}]><x>&a9;</x>"})


BILLION = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
QUADRATIC = f'<!ENTITY a9 "{"x" * 100_000}">'
EXTERNAL = '<!ENTITY a9 SYSTEM "file:///etc/passwd">'
REMOTE = '<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;'


def nested_pdf(depth: int) -> bytes:
    return s.pdf(b"/AIGC " + b"[" * depth + b"]" * depth)


def encrypted_pdf(password: str = "secret") -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(s.pdf()))
    writer.encrypt(password, "owner", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def flate_bomb_pdf() -> bytes:
    body = zlib.compress(b" " * (300 * 1024 * 1024), 9)
    return s.pdf(metadata=b"X").replace(
        b"<< /Type /Metadata /Subtype /XML /Length 1 >>\nstream\nX",
        b"<< /Type /Metadata /Subtype /XML /Filter /FlateDecode /Length %d >>\nstream\n" % len(body) + body,
    )


def looping_pages() -> bytes:
    return s.pdf().replace(b"/Kids [3 0 R]", b"/Kids [2 0 R]")


def encrypted_zip() -> bytes:
    data = bytearray(s.docx())
    for magic, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = data.find(magic)
        while at >= 0:
            data[at + flags] |= 1
            at = data.find(magic, at + 4)
    return bytes(data)


def deep_xml() -> bytes:
    return s.docx(body="<w:p>" * 100_000 + "</w:p>" * 100_000)


def many_tags() -> bytes:
    return s.docx(body="".join(f"<b>{n}</b>" for n in range(1_000_100)))


def png_bomb() -> bytes:
    return s.png(s.png_xmp(b" " * (100 * 1024 * 1024), compressed=True))


REFUSED: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "zip bomb by ratio": (ratio_bomb, "a.docx", "ZIP bomb"),
    "zip bomb in sum": (total_bomb, "a.pptx", "ZIP bomb"),
    "zip directory that lies": (lying_directory, "a.docx", "damaged|ZIP bomb|well-formed"),
    "20,000 parts": (many_parts, "a.docx", "20000 parts"),
    "zip cut short": (lambda: s.docx(s.BARE)[:-40], "a.docx", "damaged or cut short"),
    "zip cut in the middle": (lambda: s.docx(s.BARE)[:300], "a.docx", "damaged or cut short"),
    "zip of a password": (encrypted_zip, "a.docx", "encrypted"),
    "old or encrypted Office file": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.docx", "encrypted"),
    "path traversal": (lambda: s.docx(**{"../../etc/cron.d/x": "x"}), "a.docx", "unsafe name"),
    "absolute name": (lambda: s.docx(**{"/tmp/x": "x"}), "a.docx", "unsafe name"),
    "backslashes": (lambda: s.docx(**{"..\\x": "x"}), "a.docx", "unsafe name"),
    "drive": (lambda: s.docx(**{"C:/x": "x"}), "a.docx", "unsafe name"),
    "billion laughs": (lambda: laughs(BILLION), "a.docx", "entities|well-formed"),
    "quadratic blowup": (lambda: laughs(QUADRATIC), "a.docx", "entities"),
    "external entity": (lambda: laughs(EXTERNAL), "a.docx", "entities"),
    "parameter entity": (lambda: laughs(REMOTE), "a.docx", "entities|well-formed"),
    "XML 100,000 deep": (deep_xml, "a.docx", "well-formed"),
    "millions of tags": (many_tags, "a.docx", "tags"),
    "a page of millions of tags": (lambda: b"<b>" * 3_000_000, "a.html", "tags"),
    "JSON 100,000 deep": (lambda: b"[" * 100_000 + b"]" * 100_000, "a.json", "nested too deep"),
    "JSON lines 100,000 deep": (lambda: b"1\n" + b'{"a":' * 100_000, "a.json", "nested too deep"),
    "a million objects": (lambda: b"[" + b"{}," * 1_000_000 + b"{}]", "a.json", "far more values"),
    "PDF array 100,000 deep": (lambda: nested_pdf(100_000), "a.pdf", "damaged"),
    "PDF with a password": (encrypted_pdf, "a.pdf", "encrypted"),
    "PDF stream that inflates to 300 MiB": (flate_bomb_pdf, "a.pdf", "damaged"),
    "PDF of nothing": (lambda: b"%PDF-1.7\n", "a.pdf", "damaged"),
    "PNG text that inflates to 100 MiB": (png_bomb, "a.png", "ZIP bomb"),
    "PNG text that is damaged": (lambda: s.png(s.chunk(b"zTXt", b"AIGC\0\0no")), "a.png", "damaged"),
    "200 MB": (lambda: bytes(200_000_000), "a.txt", f"more than {MAX_FILE}"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_hostile_file_is_refused_in_one_clear_sentence(what: str, tmp_path: Path) -> None:
    make, name, reason = REFUSED[what]
    verdict, said, characters, labels = read_in_a_cell(make(), name, tmp_path)
    assert (verdict, characters, labels) == ("unreadable", 0, 0)
    assert re.search(reason, said), said
    assert "\n" not in said
    assert len(said) < 500


BORNE: dict[str, tuple[Callable[[], bytes], str]] = {
    "pages that contain themselves": (looping_pages, "a.pdf"),
    "a PDF that only its owner may change": (lambda: encrypted_pdf(""), "a.pdf"),
    "HTML 100,000 deep": (lambda: b"<div>" * 100_000 + b"x", "a.html"),
    "20 MB of open brackets": (lambda: b"{" * 20_000_000, "a.txt"),
    "5 MB of rules": (lambda: b"---\nAIGC:\n" * 500_000, "a.md"),
    "one front matter of 5 MB": (lambda: b"---\nAIGC:\n" + b"  - [x]\n" * 600_000 + b"---\n", "a.md"),
    "YAML aliases": (lambda: b"---\nAIGC: &a [*a,*a]\nb: {<<: [*a,*a]}\n---\n", "a.md"),
    "60 KB of braces in EXIF": (lambda: s.jpg(s.segment(0xE1, b"Exif\0\0" + b"{" * 60_000)), "a.jpg"),
    "10,000 labels": (lambda: f"AIGC: {s.BARE}\n".encode() * 10_000, "a.txt"),
    "comments without end": (lambda: b"<!--" * 1_000_000, "a.html"),
}  # fmt: skip


@pytest.mark.parametrize("what", BORNE)
def test_a_strange_file_is_read_within_its_bounds(what: str, tmp_path: Path) -> None:
    make, name = BORNE[what]
    verdict, said, _, _ = read_in_a_cell(make(), name, tmp_path)
    assert verdict in ("compliant", "non_compliant", "not_found") or said


def test_nothing_outside_the_file_is_read() -> None:
    # An entity that would show the host's name is neither followed nor kept.
    data = s.docx(**{"docProps/custom.xml": f"<!DOCTYPE x [{EXTERNAL}]><x>&a9;</x>"})
    with pytest.raises(FileError, match="declares XML entities"):
        read(data, "a.docx")
    doctype = '<!DOCTYPE x SYSTEM "file:///etc/passwd">' + s.custom_xml(s.BARE).partition("\n")[2]
    assert read(s.docx(**{"docProps/custom.xml": doctype}), "a.docx").labels[0].fields == s.FIELDS


def test_a_part_that_is_damaged_or_no_xml_is_named() -> None:
    with pytest.raises(FileError, match=r"docProps/custom\.xml is not well-formed"):
        read(s.docx(**{"docProps/custom.xml": "<x"}), "a.docx")
    with pytest.raises(FileError, match="XMP holds no XML"):
        read(s.png(s.png_xmp(b"no")), "a.png")
    whole = s.docx(s.BARE)
    at = whole.find(b"docProps/custom.xml") + len("docProps/custom.xml") + 20
    broken = whole[:at] + bytes(8) + whole[at + 8 :]
    with pytest.raises(FileError, match=r"'docProps/custom\.xml' in the ZIP container is damaged"):
        read(broken, "a.docx")


def test_a_zip_that_uses_an_unknown_compression_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        target.writestr("word/document.xml", "<w/>")
    data = bytearray(out.getvalue())
    for magic, field in ((b"PK\x01\x02", 10), (b"PK\x03\x04", 8)):
        at = data.find(magic)
        data[at + field : at + field + 2] = (98).to_bytes(2, "little")
    with pytest.raises(FileError, match="damaged"):
        read(bytes(data), "a.docx")


def test_text_with_nul_bytes_is_no_text() -> None:
    with pytest.raises(FileError, match="no text"):
        decode(b"a\0b")


@pytest.mark.parametrize(
    "what",
    [
        *(
            "zip bomb by ratio",
            "20,000 parts",
            "zip cut short",
            "zip of a password",
            "old or encrypted Office file",
        ),
        *("path traversal", "PDF with a password", "JSON 100,000 deep", "a million objects", "200 MB"),
        *("JSON lines 100,000 deep", "PNG text that inflates to 100 MiB", "PNG text that is damaged"),
    ],
)
def test_refusing_takes_no_process_of_its_own(what: str) -> None:
    make, name, reason = REFUSED[what]
    with pytest.raises(FileError, match=reason):
        read(make(), name)


@pytest.mark.parametrize(
    ("module", "name", "data"),
    [
        ("office", "a.docx", s.docx()),
        ("json", "a.json", b'["xxxxxxxxxx"]'),
    ],
)
def test_there_is_a_bound_to_the_text_of_one_file(
    module: str, name: str, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"labelers.files.{module}.MAX_TEXT", 5)
    with pytest.raises(FileError, match="more than 5 characters of text"):
        read(data, name)


@pytest.mark.parametrize("name", ["a.docx", "a.html"])
def test_there_is_a_bound_to_the_tags_of_one_part(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelers.files.markup.MAX_TAGS", 5)
    monkeypatch.setattr("labelers.files.html.MAX_TAGS", 5)
    with pytest.raises(FileError, match="more than 5 tags"):
        read(s.docx() if name == "a.docx" else b"<b>" * 6, name)


def test_pages_behind_the_bound_are_not_read_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelers.files.pdf.MAX_PAGES", 0)
    contents = read(s.pdf(), "a.pdf")
    assert (contents.text, contents.notes) == ("", ("the text behind page 0 was not read",))


def test_a_page_that_cannot_be_read_does_not_hide_the_label() -> None:
    data = s.pdf(b"/AIGC " + s.pdf_string(s.BARE)).replace(b"/Contents 4 0 R", b"/Contents 99 0 ")
    contents = read(data, "a.pdf")
    assert contents.labels[0].fields == s.FIELDS


def test_a_hostile_packet_inside_a_pdf_is_told_as_such() -> None:
    packet = f"<!DOCTYPE x [{QUADRATIC}]><x>&a9;</x>".encode()
    with pytest.raises(FileError, match="declares XML entities"):
        read(s.pdf(metadata=packet), "a.pdf")
