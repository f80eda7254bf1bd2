"""Profile eu: an exported file carries Content Credentials beside its labels and marks, and none of them breaks another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detectors import files as reader
from labelers import c2pa_manifest
from labelers.c2pa import PLACES
from labelers.c2pa_manifest import CONTAINERS, C2paError
from labelers.files import MEDIA_TYPES, WRITERS
from proxy import worker
from proxy.files import export as exporting
from tests.certificates import issued
from tests.files.test_export import answered, export
from tests.helpers import settings_in

CARRYING = sorted(
    kind for kind in WRITERS if MEDIA_TYPES[kind].partition(";")[0] in CONTAINERS | PLACES.keys()
)


def credentials(folder: Path) -> dict[str, Any]:
    made = issued()
    (folder / "chain.pem").write_bytes(made.chain)
    (folder / "key.pem").write_bytes(made.key)
    (folder / "key.pem").chmod(0o600)
    return {"certificate": str(folder / "chain.pem"), "private_key": str(folder / "key.pem")}


def test_every_format_but_json_has_a_place_for_a_manifest() -> None:
    assert set(WRITERS) - set(CARRYING) == {"json"}


@pytest.mark.parametrize("kind", sorted(WRITERS))
async def test_labels_marks_and_credentials_stand_beside_each_other(tmp_path: Path, kind: str) -> None:
    sealed = credentials(tmp_path)
    async with answered(tmp_path, profile="eu", content_credentials=sealed) as (run, said, number):
        answer = await export(run, said, kind)
        assert answer.status_code == 200, answer.text
        media_type = answer.headers["content-type"].partition(";")[0]
        if kind in CARRYING:
            manifest = c2pa_manifest.read(answer.content, media_type)
            assert manifest.valid, manifest
            assert manifest.generated
            created = (await run.records(kind="request"))[0].record.created
            assert manifest.signed_at[:16] == created[:16]  # the answer's time
        reading = reader.read(answer.content, f"a.{kind}")
        assert reading.verdict == "compliant", reading.problems
        assert reading.fields["ProduceID"] == number
        examined = await run.http.post("/api/v1/detect/file", files={"file": (f"a.{kind}", answer.content)})
        found = {d["detector"] for d in examined.json()["detections"] if d["outcome"] == "present"}
        assert {"metadata", "carrier"} <= found


@pytest.mark.parametrize("kind", ["docx", "txt"])
async def test_a_report_says_whether_the_signer_is_trusted(tmp_path: Path, kind: str) -> None:
    sealed = credentials(tmp_path)
    (tmp_path / "roots.pem").write_bytes(issued("Somebody else").root)
    for roots, state, says in (
        (None, "valid", "its signer is not trusted"),
        (tmp_path / "roots.pem", "valid", "its signer is not trusted"),
        (tmp_path / "chain.pem", "trusted", "its signer is one that this service trusts"),
    ):
        section = sealed | ({"trusted_roots": str(roots)} if roots else {})
        async with answered(tmp_path, profile="eu", content_credentials=section) as (run, said, _):
            made = (await export(run, said, kind)).content
            examined = await run.http.post("/api/v1/detect/file", files={"file": (f"a.{kind}", made)})
            report = examined.json()
            (found,) = [d for d in report["detections"] if d["detector"] == "c2pa"]
            assert found["provenance"]["signature"] == state
            assert says in report["notice"]
            if kind == "txt":  # a pasted text is read by the other implementation
                pasted = (await run.http.post("/api/v1/detect", json={"text": made.decode()})).json()
                assert says in pasted["notice"], pasted["notice"]
            unsigned = (await run.http.post("/api/v1/detect", json={"text": said})).json()
            (c2pa,) = [d for d in unsigned["detections"] if d["detector"] == "c2pa"]
            assert c2pa["detail"].startswith("Unsigned")


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_roots_that_cannot_be_read_stop_the_start(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "roots.pem"
    if content is not None:
        path.write_bytes(content)
    settings = settings_in(tmp_path, content_credentials={"trusted_roots": str(path)})
    worker.first_start(settings)
    with pytest.raises((ValueError, OSError), match=r"roots\.pem"):
        worker.build_house(settings)


async def test_in_profile_cn_no_manifest_is_written(tmp_path: Path) -> None:
    async with answered(tmp_path, content_credentials=credentials(tmp_path)) as (run, said, _):
        answer = await export(run, said, "html")
        assert not c2pa_manifest.read(answer.content, "text/html").present


async def test_where_the_manifest_cannot_be_signed_no_file_goes_out_and_nothing_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*arguments: Any, **more: Any) -> bytes:
        raise C2paError("the manifest cannot be signed: the certificate has expired")

    monkeypatch.setattr(exporting, "credentialed", failing)
    async with answered(tmp_path, profile="eu", content_credentials=credentials(tmp_path)) as (run, said, _):
        answer = await export(run, said, "html")
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "file_not_written")
        assert "certificate has expired" in answer.json()["error"]["message"]
        assert await run.records(kind="export") == []
