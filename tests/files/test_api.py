"""Files over HTTP: where one comes from, and what is said of one that cannot be read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx
import pytest

from labelers.reserved_code import sign
from proxy.keys import KeyFile
from proxy.signature import signing_key
from tests.helpers import serving
from tests.labelers.files import samples as s


async def test_a_file_is_examined_and_its_label_told(tmp_path: Path) -> None:
    data = s.docx(s.BARE)
    async with serving(tmp_path) as run:
        answer = await run.http.post("/api/v1/detect/file", files={"file": ("a.docx", data)})
        report = answer.json()
        assert answer.status_code == 200
        assert report["verdict"] == "confirmed"
        assert report["statutory"] == {"label": "1", "basis": "标识办法第六条（一）：文件元数据中的隐式标识"}
        assert [d["detector"] for d in report["detections"] if d["outcome"] == "present"] == [
            "metadata",
            "explicit",
        ]
        assert report["file"]["verdict"] == "compliant"
        assert report["file"]["name"] == "a.docx"
        assert report["file"]["sha256"] == hashlib.sha256(data).hexdigest()
        assert report["file"]["labels"][0]["fields"] == s.FIELDS
        plain = await run.http.post(
            "/api/v1/detect/file", files={"file": ("a.txt", "春江".encode())}, data={"declared": "true"}
        )
        assert plain.json()["verdict"] == "possible"


async def test_our_own_signature_is_trusted(tmp_path: Path) -> None:
    async with serving(tmp_path) as run:
        key = signing_key(KeyFile.load(run.settings.keys.file))
        fields = s.FIELDS | {"ContentProducer": "UNSET"}
        signed = fields | {"ReservedCode1": sign(fields, key)}
        page = "---\nAIGC:\n" + "".join(f"  {name}: '{value}'\n" for name, value in signed.items()) + "---\nx"
        report = (await run.http.post("/api/v1/detect/file", files={"file": ("a.md", page.encode())})).json()
        assert report["detections"][0]["provenance"]["signature"] == "trusted"


@pytest.mark.parametrize(
    ("kwargs", "status", "code"),
    [
        ({"files": {"file": ("a.docx", b"no")}}, 422, "file_unreadable"),
        ({"files": {"other": ("a.txt", b"x")}}, 400, "missing_required_parameter"),
        ({"json": {"file": "x"}}, 415, "unsupported_media_type"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "invalid_multipart"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=b"}}, 400, None),
        ({"files": [("file", ("a", b"x")), ("file", ("b", b"x"))]}, 400, "invalid_multipart"),
        ({"files": {"file": ("a.txt", b"x")}, "data": {"declared": "perhaps"}}, 400, "invalid_value"),
        ({"files": {"file": ("a.txt", b"x" * 5000)}}, 413, "body_too_large"),
    ],
)
async def test_what_cannot_be_examined_is_refused_with_its_reason(
    tmp_path: Path, kwargs: dict[str, object], status: int, code: str | None
) -> None:
    async with serving(tmp_path, server={"max_body_bytes": 4096}) as run:
        answer = await run.http.post("/api/v1/detect/file", **kwargs)
        assert answer.status_code == status
        assert code in (None, answer.json()["error"]["code"])
        assert answer.json()["error"]["message"]


async def test_the_public_is_limited_and_tenants_are_not(tmp_path: Path) -> None:
    tenants = [{"name": "t", "key": "sk-t"}]
    async with serving(tmp_path, tenants=tenants, server={"detect_per_minute": 1}) as run:

        async def ask(**headers: str) -> httpx.Response:
            return await run.http.post(
                "/api/v1/detect/file", files={"file": ("a.txt", b"x")}, headers=headers
            )

        assert (await ask()).status_code == 200
        assert (await ask()).status_code == 429
        assert (await run.http.post("/api/v1/detect", json={"text": "x"})).status_code == 429
        assert (await ask(authorization="Bearer sk-t")).status_code == 200
