"""A report for people: says what was signed, in both languages, and carries the signed JSON."""

from __future__ import annotations

import io

import pypdf
import pytest

from detectors.panel import Panel
from labelers.provenance import KeyRing
from proxy.console.report_pdf import report_pdf
from proxy.console.words import words
from proxy.examination import Submission, examine
from proxy.signed import report_key, sign_report, verify_report

KEY = report_key(b"k" * 32)
LABEL = "【本内容由AI生成】"


def made(language: str, submission: Submission) -> pypdf.PdfReader:
    seen = examine(Panel(KeyRing(b"k" * 32), (LABEL,)), submission)
    signed = sign_report(seen, key=KEY, producer="P", created="2026-11-27T13:00:00.000Z", public=True)
    pdf = report_pdf(signed, language)
    assert pdf == report_pdf(signed, language)
    return pypdf.PdfReader(io.BytesIO(pdf))


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_verdict_its_grounds_and_its_limits_can_be_read(language: str) -> None:
    w = words(language)
    reader = made(language, Submission(text=f"{LABEL}\n\n春江潮水"))
    text = squeezed(reader.pages[0].extract_text())
    assert squeezed(w.verdicts["suspected"]) in text
    assert squeezed(w.detectors["explicit"]) in text
    assert "Label3" in text
    assert squeezed(w["attached"]) in text


def test_the_attached_report_verifies() -> None:
    reader = made("en", Submission(data="春江".encode(), name='#eval("a").txt'))
    assert '#eval("a").txt' in reader.pages[0].extract_text()
    (attached,) = reader.attachments["inkseal-report.json"]
    assert verify_report(attached, KEY.public_key())
    assert not verify_report(attached.replace(b"not_found", b"confirmed"), KEY.public_key())
