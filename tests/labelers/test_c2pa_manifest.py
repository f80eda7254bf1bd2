"""C2PA manifests are signed into text, HTML, Markdown and containers, read back, and found tampered with."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from labelers import c2pa_manifest
from labelers.c2pa import PLACES, encode_selectors
from labelers.c2pa_manifest import C2paError, C2paReading, C2paSigner, read, sign
from tests.certificates import Issued, issued

WHEN = "2026-11-27T12:00:00Z"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PDF = "application/pdf"
TEXTS = {
    "text/plain": "春江潮水连海平，海上明月共潮生。 cafe\u0301".encode(),
    "text/html": "<!doctype html><html><head><title>春</title></head><body>春江</body></html>".encode(),
    "text/markdown": "---\nAIGC:\n  Label: '1'\n---\n# 春江\n".encode(),
}


def archive() -> bytes:
    """The least that is a docx."""
    types = (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/></Types>'
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as whole:
        whole.writestr("[Content_Types].xml", types)
        whole.writestr("word/document.xml", "<x>春江</x>")
    return out.getvalue()


def page() -> bytes:
    """The least that is a pdf."""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
    )
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    return out + b"xref\n0 4\n0000000000 65535 f \n" + table + end


@pytest.fixture(scope="module")
def pki() -> Issued:
    return issued()


@pytest.fixture
def signer(pki: Issued) -> C2paSigner:
    return C2paSigner(pki.chain, pki.key)


def signed(kind: str, signer: C2paSigner) -> bytes:
    data = TEXTS.get(kind) or (page() if kind == PDF else archive())
    return sign(data, kind, signer, generator="Inkseal/0.1.0", when=WHEN, title="answer")


@pytest.mark.parametrize("kind", [*TEXTS, DOCX, PDF])
def test_what_was_signed_is_valid_and_says_that_ai_made_it_and_who_when(
    kind: str, signer: C2paSigner, pki: Issued
) -> None:
    data = signed(kind, signer)
    reading = read(data, kind)
    assert reading.valid and reading.generated and reading.codes == ()
    assert not reading.trusted  # nobody said whom to trust
    assert not reading.stamped
    assert (reading.signer, reading.signed_at) == ("Acme", WHEN)
    assert reading.generator == "Inkseal/0.1.0"
    assert read(data, kind, roots=pki.root).trusted
    assert not read(data, kind, roots=issued().root).trusted


@pytest.mark.parametrize("kind", list(TEXTS))
def test_a_changed_word_is_noticed(kind: str, signer: C2paSigner) -> None:
    reading = read(signed(kind, signer).replace("春江".encode(), "秋江".encode()), kind)
    assert reading.present and not reading.valid and not reading.trusted
    assert reading.codes == ("assertion.dataHash.mismatch",)


def test_a_changed_container_is_noticed(signer: C2paSigner) -> None:
    with zipfile.ZipFile(io.BytesIO(signed(DOCX, signer))) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as changed:
        for name, part in parts.items():
            changed.writestr(name, part.replace("春".encode(), "秋".encode()))
    assert not read(out.getvalue(), DOCX).valid


@pytest.mark.parametrize("kind", list(TEXTS))
def test_a_manifest_moved_to_another_text_or_damaged_is_not_valid(kind: str, signer: C2paSigner) -> None:
    place = PLACES[kind]
    (carriage,) = place.find(signed(kind, signer))
    assert carriage.store is not None
    moved = place.insert(TEXTS[kind].replace("春江".encode(), "夏江".encode()), carriage.store)
    assert not read(moved, kind).valid
    damaged = bytearray(carriage.store)
    damaged[-40] ^= 1
    assert not read(place.insert(place.prepare(TEXTS[kind]), bytes(damaged)), kind).valid
    assert read(place.insert(TEXTS[kind], b"no jumbf"), kind).codes == ("manifest.malformed",)


def test_text_in_another_normal_form_is_still_the_same_text(signer: C2paSigner) -> None:
    text = signed("text/plain", signer).decode()
    assert "caf\u00e9" in text
    assert read(text.replace("\u00e9", "e\u0301").encode(), "text/plain").codes == (
        "assertion.dataHash.mismatch",
    )
    # The excluded place counts bytes of the stored text: a form of other length is another text to C2PA 2.4.


def test_a_text_carries_one_manifest_and_no_second(signer: C2paSigner) -> None:
    data = signed("text/plain", signer)
    with pytest.raises(ValueError, match="carries a C2PA manifest already"):
        sign(data, "text/plain", signer, generator="x/1", when=WHEN)
    twice = data + encode_selectors(b"x").encode()
    assert read(twice, "text/plain") == C2paReading(True, codes=("manifest.multipleManifests",))


def test_what_has_no_manifest_or_no_place_for_one_is_told(signer: C2paSigner) -> None:
    assert read(b"text", "text/plain") == C2paReading(False)
    assert read(archive(), DOCX) == C2paReading(False)
    assert read(b"GIF89a", "image/gif") == C2paReading(False)
    armour = b"-----BEGIN C2PA MANIFEST----- https://example.org/m -----END C2PA MANIFEST-----"
    assert read(armour, "text/markdown") == C2paReading(True, codes=("manifest.inaccessible",))
    with pytest.raises(ValueError, match="no place for a C2PA manifest in text/csv"):
        sign(b"a,b", "text/csv", signer, generator="x/1", when=WHEN)


def test_an_algorithm_other_than_sha256_is_not_taken_on_trust(signer: C2paSigner, monkeypatch: Any) -> None:
    data = signed("text/plain", signer)
    whole = c2pa_manifest.json.loads

    def forged(text: str) -> Any:
        value = whole(text)
        for manifest in value.get("manifests", {}).values():
            manifest.get("assertion_store", {}).get("c2pa.hash.data", {})["alg"] = "sha1"
        return value

    monkeypatch.setattr(c2pa_manifest.json, "loads", forged)
    assert read(data, "text/plain").codes == ("assertion.dataHash.mismatch",)


@pytest.mark.parametrize("kind", ["text/plain", DOCX])
def test_a_key_or_certificate_that_does_not_do_is_told(kind: str, pki: Issued) -> None:
    with pytest.raises(C2paError, match="cannot be signed"):
        signed(kind, C2paSigner(b"no certificate", pki.key))
    with pytest.raises(C2paError, match="cannot be signed"):
        signed(kind, C2paSigner(pki.chain, pki.key, algorithm="rot13"))


def test_a_signature_that_fails_half_way_is_told(signer: C2paSigner, monkeypatch: pytest.MonkeyPatch) -> None:
    library = c2pa_manifest._functions()
    for name in ("c2pa_builder_sign_data_hashed_embeddable", "c2pa_builder_data_hashed_placeholder"):
        with monkeypatch.context() as patch:
            patch.setattr(library, name, lambda *arguments: -1)
            with pytest.raises(C2paError):
                signed("text/plain", signer)


@pytest.mark.parametrize("kind", ["text/plain", DOCX])
def test_without_the_package_the_error_says_what_to_install(
    kind: str, signer: C2paSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = signed(kind, signer)
    monkeypatch.setitem(sys.modules, "c2pa", None)
    c2pa_manifest._functions.cache_clear()
    for work in (lambda: signed(kind, signer), lambda: read(data, kind)):
        with pytest.raises(C2paError, match=r"inkseal\[c2pa\]"):
            work()
    assert read(b"plain", "text/plain") == C2paReading(False)


@pytest.fixture
def stamper(tmp_path: Path) -> Iterator[str]:
    """A time stamp service (RFC 3161) on loopback, made of openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("the test's time stamp service is made of the openssl command, which is not here")
    service = issued("Time stamps", stamping=True)
    certificate, root = service.chain[: -len(service.root)], service.root
    for name, content in (
        ("tsa.pem", certificate),
        ("tsa.key", service.key),
        ("root.pem", root),
        ("serial", b"01\n"),
    ):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "tsa.cnf").write_text(
        f"[tsa]\ndefault_tsa = t\n[t]\nserial = {tmp_path}/serial\nsigner_cert = {tmp_path}/tsa.pem\n"
        f"certs = {tmp_path}/root.pem\nsigner_key = {tmp_path}/tsa.key\nsigner_digest = sha256\n"
        "default_policy = 1.2.3.4\ndigests = sha256, sha384, sha512\nordering = yes\ness_cert_id_alg = sha256\n"
    )

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            with tempfile.NamedTemporaryFile(dir=tmp_path) as query:
                query.write(self.rfile.read(int(self.headers["content-length"])))
                query.flush()
                command = [
                    "openssl",
                    "ts",
                    "-reply",
                    "-queryfile",
                    query.name,
                    "-config",
                    str(tmp_path / "tsa.cnf"),
                ]
                reply = subprocess.run(command, capture_output=True, check=True).stdout
            self.send_response(200)
            self.send_header("content-type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("kind", ["text/html", DOCX])
def test_a_time_stamp_service_dates_the_manifest(kind: str, pki: Issued, stamper: str) -> None:
    reading = read(signed(kind, C2paSigner(pki.chain, pki.key, tsa_url=stamper)), kind)
    assert reading.valid
    assert reading.stamped
    assert reading.signed_at != WHEN
