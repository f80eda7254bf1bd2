"""A platform labels what it spreads: the evidence decides, the first writer's elements stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from detectors import files as reader
from detectors.panel import Panel
from labelers import files
from labelers.provenance import KeyRing, Provenance
from labelers.watermarks import SCHEMES
from proxy.files.bounded import embed_bounded
from proxy.files.label import EvidenceError, Labelling, decide
from proxy.records.record import RecordError
from tests.helpers import serving
from tests.labelers.files import samples as s

RING = KeyRing(b"k" * 32, producers=("Ours",))
PANEL = Panel(RING)
PLAIN = s.docx(body="<w:p><w:r><w:t>人写的</w:t></w:r></w:p>")
TRACED = s.docx()  # with a visible label
PROSE = "".join(
    f"这是第{n}段，春江潮水连海平，海上明月共潮生，何处春江无月明。\n" for n in "一二三四五六七八九十"
)


def marked() -> bytes:
    transform = SCHEMES["carrier"](RING, "default").new_transform(Provenance("Ours", 5 << 24))
    return (transform.feed(PROSE) + transform.flush()).encode()


def decided(
    data: bytes, name: str = "a.docx", *, declared: bool = False, claim: str = "", **more: Any
) -> Labelling:
    reading = reader.read(data, name)
    report = reader.examine(reading, PANEL, declared=declared)
    codes = {"propagator": "Platform", "number": "42"} | more
    return decide(reading, report, claim=claim, **codes)


@pytest.mark.parametrize(
    ("data", "name", "declared", "label", "shown"),
    [
        (s.docx(s.BARE), "a.docx", False, "1", "该内容属于人工智能生成合成内容"),
        (marked(), "a.txt", False, "1", "该内容属于人工智能生成合成内容"),
        (PLAIN, "a.docx", True, "2", "该内容可能为人工智能生成合成内容"),
        (TRACED, "a.docx", True, "2", "该内容可能为人工智能生成合成内容"),
        (TRACED, "a.docx", False, "3", "该内容疑似为人工智能生成合成内容"),
        (
            s.docx(json.dumps(s.FIELDS | {"Label": "3"})),
            "a.docx",
            True,
            "3",
            "该内容疑似为人工智能生成合成内容",
        ),
    ],
)
def test_the_evidence_decides_the_label(
    data: bytes, name: str, declared: bool, label: str, shown: str
) -> None:
    labelling = decided(data, name, declared=declared)
    assert labelling.label == label == labelling.fields["Label"]
    assert labelling.shown[0] == shown
    made = files.embed(data, name, labelling.fields)
    after = reader.read(made, name)
    assert (len(after.labels), after.fields, after.verdict) == (1, labelling.fields, "compliant")
    assert after.fields["ContentPropagator"] == "Platform"
    assert after.fields["PropagateID"] == "42"


def test_the_elements_of_the_first_writer_stay() -> None:
    before = s.FIELDS | {"ReservedCode1": "signed", "ReservedCode2": "theirs"}
    fields = decided(s.docx(json.dumps(before))).fields
    assert fields == before | {"ContentPropagator": "Platform", "PropagateID": "42", "ReservedCode2": ""}


def test_a_carrier_names_the_producer_where_no_metadata_does() -> None:
    fields = decided(marked(), "a.txt").fields
    assert (fields["ContentProducer"], fields["ProduceID"]) == ("Ours", f"{5 << 24:016x}")


def test_of_two_labels_the_one_that_counts_is_kept_and_the_other_goes() -> None:
    two = f"---\nAIGC: {json.dumps(s.FIELDS | {'Label': '3', 'ProduceID': 'x'})}\n---\n---\nAIGC: {s.BARE}\n---\nx".encode()
    labelling = decided(two, "a.md")
    assert (labelling.label, labelling.fields["ProduceID"]) == ("1", s.FIELDS["ProduceID"])
    assert len(reader.read(files.embed(two, "a.md", labelling.fields), "a.md").labels) == 1


def test_a_signature_of_another_label_does_not_stay() -> None:
    broken = json.dumps(s.FIELDS | {"Label": "AIGC", "ReservedCode1": "signed"})
    fields = decided(s.docx(broken)).fields
    assert (fields["Label"], fields["ReservedCode1"], fields["ContentProducer"]) == ("3", "", s.CODE)


@pytest.mark.parametrize(
    ("data", "claim", "declared", "why", "label"),
    [
        (PLAIN, "suspected", False, "nothing in the file says or shows", None),
        (PLAIN, "", False, "nothing in the file says or shows", None),
        (PLAIN, "confirmed", True, "makes the file possible, not confirmed", "2"),
        (TRACED, "confirmed", False, "makes the file suspected, not confirmed", "3"),
        (TRACED, "possible", False, "without the uploader's declaration", "3"),
        (s.docx(s.BARE), "possible", True, "labelling it possible would lower", "1"),
        (s.docx(s.BARE), "suspected", False, "would lower", "1"),
        (PLAIN, "suspected", True, "would lower", "2"),
    ],
)
def test_a_label_is_neither_raised_nor_lowered(
    data: bytes, claim: str, declared: bool, why: str, label: str | None
) -> None:
    with pytest.raises(EvidenceError, match=why) as caught:
        decided(data, claim=claim, declared=declared)
    assert caught.value.label == label


@pytest.mark.parametrize(
    ("codes", "why"),
    [
        ({"propagator": ""}, "propagator: '' needs 1 to 200"),
        ({"propagator": "某平台"}, "ASCII"),
        ({"number": "a b"}, "number: 'a b'"),
        ({"number": 'a"b'}, "number"),
        ({"propagator": s.CODE[:-6] + "A" + s.CODE[-5:]}, "check digit"),
    ],
)
def test_codes_that_annex_e_cannot_hold_are_refused(codes: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        decided(s.docx(s.BARE), **codes)
    assert decided(s.docx(s.BARE), propagator=s.CODE).fields["ContentPropagator"] == s.CODE


def test_labelling_is_bounded_as_reading_is() -> None:
    data = s.docx(s.WRAPPED)
    assert embed_bounded(data, "a.docx", s.FIELDS) == files.embed(data, "a.docx", s.FIELDS)
    with pytest.raises(files.FileError, match="carries a C2PA manifest"):
        embed_bounded(s.png(s.chunk(b"caBX", b"x")), "a.png", s.FIELDS)


def test_a_labelling_that_takes_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.files.bounded._child", lambda *_: b"")
    with pytest.raises(files.FileError, match="more memory or time"):
        embed_bounded(b"x", "a.txt", s.FIELDS)


async def label(http: httpx.AsyncClient, data: bytes, name: str = "a.docx", **form: str) -> httpx.Response:
    return await http.post(
        "/api/v1/label", files={"file": (name, data)}, data={"propagator": "Platform"} | form
    )


async def test_over_http_the_file_comes_back_labelled_with_what_to_show(tmp_path: Path) -> None:
    async with serving(tmp_path) as run:
        answer = await label(run.http, s.docx(s.BARE), **{"as": "confirmed", "number": "7"})
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-aigc"] == f"label=1; producer={s.CODE}; id={s.FIELDS['ProduceID']}"
        assert unquote(answer.headers["x-aigc-hint"]).startswith("该内容属于人工智能生成合成内容")
        assert answer.headers["content-type"] == files.MEDIA_TYPES["docx"]
        assert reader.read(answer.content, "a.docx").fields["PropagateID"] == "7"
        made = await label(run.http, "人写的".encode(), "a.txt", declared="true")
        assert len(reader.read(made.content, "a.txt").fields["PropagateID"]) == 16
        first, second = [stored.record for stored in await run.records(kind="label")]
        assert (first.content_id, first.fields["label"], first.fields["declared"]) == ("7", "1", False)
        assert (second.fields["label"], second.fields["basis"]) == ("2", "标识办法第六条（二）：用户声明")
        assert "人写的" not in str(second)


@pytest.mark.parametrize(
    ("data", "name", "form", "status", "code"),
    [
        (PLAIN, "a.docx", {"as": "suspected"}, 409, "label_not_supported"),
        (s.docx(s.BARE), "a.docx", {"as": "perhaps"}, 400, "invalid_value"),
        (s.docx(s.BARE), "a.docx", {"propagator": "某"}, 400, "invalid_value"),
        (s.docx(s.BARE), "a.docx", {"declared": "perhaps"}, 400, "invalid_value"),
        (b"x", "a.docx", {}, 422, "file_unreadable"),
        (
            s.png(s.png_xmp(s.xmp_label(s.BARE)) + s.chunk(b"caBX", b"x")),
            "a.png",
            {},
            422,
            "file_not_written",
        ),
    ],
)
async def test_what_cannot_be_labelled_is_refused_and_not_recorded(
    tmp_path: Path, data: bytes, name: str, form: dict[str, str], status: int, code: str
) -> None:
    async with serving(tmp_path) as run:
        answer = await label(run.http, data, name, **form)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        assert await run.records(kind="label") == []


async def test_a_labelling_needs_a_key_and_a_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(tmp_path, tenants=[{"name": "t", "key": "sk-t"}]) as run:
        assert (await label(run.http, s.docx(s.BARE))).status_code == 401

        async def full(record: object) -> None:
            raise RecordError("the disk is full")

        monkeypatch.setattr(run.house.records, "append", full)
        run.http.headers["authorization"] = "Bearer sk-t"
        answer = await label(run.http, s.docx(s.BARE))
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "records_unavailable")
