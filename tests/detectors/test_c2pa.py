"""C2PA manifests as evidence: only what says that AI made a content is a finding."""

from __future__ import annotations

import sys

import pytest

from detectors import files
from detectors.c2pa import c2pa_detections, reading_of
from detectors.detection import Outcome
from detectors.panel import Panel
from labelers.c2pa import encode_selectors
from labelers.c2pa_manifest import C2paReading, C2paSigner, sign
from labelers.provenance import KeyRing
from proxy.files.bounded import read_bounded
from tests.certificates import Issued, issued
from tests.labelers.test_c2pa_manifest import DOCX, TEXTS, WHEN, archive

PANEL = Panel(KeyRing(b"k" * 32))


@pytest.fixture(scope="module")
def pki() -> Issued:
    return issued()


def signed(kind: str, pki: Issued) -> bytes:
    signer = C2paSigner(pki.chain, pki.key)
    return sign(TEXTS.get(kind) or archive(), kind, signer, generator="Inkseal/0.1.0", when=WHEN)


@pytest.mark.parametrize(
    ("reading", "outcome", "says"),
    [
        (C2paReading(True, valid=True, generated=True), Outcome.PRESENT, "signer's own clock"),
        (C2paReading(True, valid=True, generated=True, stamped=True), Outcome.PRESENT, "time stamp service"),
        (C2paReading(True, valid=True), Outcome.ABSENT, "does not say that AI"),
        (C2paReading(True, codes=("manifest.malformed",)), Outcome.ABSENT, "manifest.malformed"),
        (
            C2paReading(True, generated=True, codes=("assertion.dataHash.mismatch",)),
            Outcome.TAMPERED,
            "dataHash",
        ),
        (
            C2paReading(True, generated=True, codes=("claimSignature.mismatch",)),
            Outcome.INCONCLUSIVE,
            "claimSig",
        ),
    ],
)
def test_only_what_speaks_of_ai_is_a_finding(reading: C2paReading, outcome: Outcome, says: str) -> None:
    (found,) = c2pa_detections(reading)
    assert found.outcome is outcome
    assert says in found.detail


def test_no_manifest_is_no_finding_at_all() -> None:
    assert c2pa_detections(C2paReading(False)) == []
    assert not reading_of(b"c2pa", "image/png").present
    assert not reading_of(b"text", "text/plain").present
    assert not reading_of(archive(), DOCX).present


def test_who_signed_and_when_is_told(pki: Issued) -> None:
    (found,) = c2pa_detections(reading_of(signed("text/html", pki), "text/html"))
    assert found.provenance == {
        "issuer": "Acme",
        "created": WHEN,
        "model": "Inkseal/0.1.0",
        "signature": "valid",
    }
    trusted = C2paReading(True, valid=True, trusted=True, generated=True)
    assert c2pa_detections(trusted)[0].provenance == {"signature": "trusted"}


@pytest.mark.parametrize(("kind", "name"), [("text/plain", "a.txt"), ("text/html", "a.html"),
                                            ("text/markdown", "a.md"), (DOCX, "a.docx")])  # fmt: skip
def test_a_file_is_read_with_its_manifest_also_in_a_process_of_its_own(
    kind: str, name: str, pki: Issued
) -> None:
    data = signed(kind, pki)
    for reading in (files.read(data, name), read_bounded(data, name)):
        assert reading.credentials is not None
        assert reading.credentials.valid, reading
        report = files.examine(reading, PANEL)
        (found,) = [d for d in report.detections if d.detector == "c2pa"]
        assert (found.outcome, found.provenance and found.provenance["issuer"]) == (Outcome.PRESENT, "Acme")


def test_without_the_library_a_manifest_is_told_as_unchecked(
    pki: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = signed("text/plain", pki)
    monkeypatch.setitem(sys.modules, "c2pa", None)
    (found,) = c2pa_detections(reading_of(data, "text/plain"))
    assert found.outcome is Outcome.ABSENT
    assert "inkseal[c2pa]" in found.detail


def test_a_file_that_only_has_the_shape_of_a_manifest_accuses_nobody() -> None:
    reading = files.read(("我写的" + encode_selectors(b"no manifest at all")).encode(), "a.txt")
    found = [d for d in files.examine(reading, PANEL).detections if d.detector == "c2pa"]
    assert [d.outcome for d in found] == [Outcome.ABSENT]
