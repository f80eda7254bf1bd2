"""The public detector: open to all within a limit, exact only for those who are known."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import FastAPI

from detectors.c2pa_text import available
from labelers.provenance import Provenance
from labelers.watermarks import SCHEMES
from proxy import worker
from proxy.api.callers import Callers, RateLimit
from proxy.api.detect import detect_router
from proxy.examination import MAX_TEXT
from proxy.governance.people import Operator
from proxy.governance.store import open_governance
from proxy.house import House
from tests.helpers import settings_in

PROSE = "".join(
    f"这是第{n}段，春江潮水连海平，海上明月共潮生，滟滟随波千万里，何处春江无月明。"
    for n in "一二三四五六七八九十"
)
LABEL = "【本内容由AI生成】"


def test_a_caller_may_spend_its_minute_at_once_and_then_waits() -> None:
    limit = RateLimit(3)
    assert [limit.take("a", 100.0) for _ in range(3)] == [0, 0, 0]
    assert limit.take("a", 100.0) == pytest.approx(20)
    assert limit.take("a", 110.0) == pytest.approx(10)
    assert limit.take("a", 120.001) == 0
    assert limit.take("a", 120.001) > 0


def test_being_refused_costs_nothing() -> None:
    limit = RateLimit(1)
    assert limit.take("a", 0) == 0
    for second in range(1, 60):
        assert limit.take("a", float(second)) > 0
    assert limit.take("a", 60.001) == 0


def test_callers_do_not_spend_each_others_calls_and_nobody_saves_more_than_a_minute() -> None:
    limit = RateLimit(2)
    assert [limit.take("a", 0), limit.take("a", 0), limit.take("b", 0)] == [0, 0, 0]
    assert limit.take("a", 0) > 0
    assert [limit.take("a", 1e6) for _ in range(3)][:2] == [0, 0]
    assert limit.take("a", 1e6) > 0


def test_the_callers_seen_longest_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.api.callers.MAX_CALLERS", 2)
    limit = RateLimit(1)
    assert [limit.take(caller, 0) for caller in "ab"] == [0, 0]
    assert limit.take("a", 0) > 0  # seen again: now b is the oldest
    assert limit.take("c", 0) == 0
    assert limit.take("a", 0) > 0
    assert limit.take("b", 0) == 0


def house_in(folder: Path, **sections: Any) -> House:
    settings = settings_in(folder, **sections)
    worker.first_start(settings)
    return worker.make_app(settings).house


@asynccontextmanager
async def calling(house: House) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(detect_router(house, Callers(house)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy") as client:
        yield client


async def detect(
    client: httpx.AsyncClient, text: str, *, authorization: str = "", **more: Any
) -> httpx.Response:
    headers = {"authorization": authorization} if authorization else {}
    return await client.post("/api/v1/detect", json={"text": text, **more}, headers=headers)


async def test_the_report_names_verdict_detections_and_statutory_label(tmp_path: Path) -> None:
    async with calling(house_in(tmp_path)) as client:
        report = (await detect(client, f"{LABEL}\n\n春江")).json()
        assert report["verdict"] == "suspected"
        assert report["statutory"]["label"] == "3"
        assert report["propagation"] == {"AIGC": {"Label": "3"}}
        assert [d["detector"] for d in report["detections"]] == [
            "explicit",
            "carrier",
            "fingerprint",
            "foreign",
            "statistical",
            *(["c2pa"] if available() else []),
        ]
        assert (await detect(client, "春江", declared=True)).json()["verdict"] == "possible"
        assert "does not mean" in (await detect(client, "春江")).json()["notice"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": " \n"},
        {"text": 3},
        {"text": "x" * (MAX_TEXT + 1)},
        {"text": "x", "declaerd": True},
        [],
    ],
)
async def test_what_is_no_such_request_is_refused(tmp_path: Path, body: Any) -> None:
    async with calling(house_in(tmp_path)) as client:
        assert (await client.post("/api/v1/detect", json=body)).status_code == 422


async def test_an_operators_own_token_is_known_until_it_is_revoked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = house_in(tmp_path, tenants=[{"name": "t", "key": "k"}], server={"detect_per_minute": 1})
    keys = worker.key_file(house.settings)
    people = open_governance(house.settings.records.url, keys.derive("inkseal|governance|1"))
    token = "ink-op-" + "x" * 32
    ann = Operator("ann", ("auditor",), hashlib.sha256(token.encode()).hexdigest(), "2026-11-27", "boss")
    with people.changing() as ledger:
        ledger.put_operator(ann)
    text = f"{LABEL}\n\n{PROSE}"
    async with calling(house) as client:
        for _ in range(3):
            known = await detect(client, text, authorization=f"Bearer {token}")
            (explicit,) = [d for d in known.json()["detections"] if d["outcome"] == "present"]
            assert explicit["spans"] == [[0, len(LABEL)]]
        assert (await detect(client, text, authorization="Bearer ink-op-other")).status_code == 200
        assert (await detect(client, text, authorization="Bearer ink-op-other")).status_code == 429
        monkeypatch.setattr("proxy.api.callers._OPERATORS_SECONDS", -1.0)
        with people.changing() as ledger:
            ledger.put_operator(replace(ann, revoked="2026-11-28"))
        assert (await detect(client, text, authorization=f"Bearer {token}")).status_code == 429
        with sqlite3.connect(tmp_path / "data/records/governance.sqlite") as connection:
            connection.execute("UPDATE operators SET mac = x'00'")
        connection.close()
        assert (await detect(client, text, authorization=f"Bearer {token}")).status_code == 429


async def test_scores_and_exact_spans_are_for_tenants_and_operators(tmp_path: Path) -> None:
    house = house_in(
        tmp_path,
        tenants=[{"name": "t", "key": "sk a b"}],
        admin={"token": "secret"},
        server={"detect_per_minute": 1},
    )
    transform = SCHEMES["carrier"](house.ring, "dense").new_transform(
        Provenance("UNSET", 7 << 24, key_id=house.ring.current)
    )
    text = transform.feed(PROSE) + transform.flush()
    async with calling(house) as client:
        for authorization in ("Bearer sk a b", "Bearer secret", "bearer secret"):
            for _ in range(2):
                full = (await detect(client, text, authorization=authorization)).json()
                assert full["verdict"] == "confirmed"
                assert full["detections"][0]["p_value"] < 1e-6
                assert "grains" in full["detections"][0]["detail"]
        public = (await detect(client, text)).json()
        assert public["verdict"] == "confirmed"
        found = public["detections"][0]
        assert (found["p_value"], found["num_units_scored"], found["detail"]) == (None, None, "")
        assert "grains" not in str(public)
        for start, end in found["spans"]:
            assert start == 0 or text[start - 1] == "。"
            assert end == len(text) or text[end - 1] == "。"
        for wrong in ("", "Bearer", "Bearer ", "Bearer sk", "Bearer sk a b c", "Basic sk a b", "secret"):
            limited = await detect(client, text, authorization=wrong)
            assert limited.status_code == 429
            assert 1 <= int(limited.headers["retry-after"]) <= 60
            assert limited.json()["error"]["code"] == "rate_limited"


async def test_without_tenants_a_key_makes_nobody_known(tmp_path: Path) -> None:
    async with calling(house_in(tmp_path, server={"detect_per_minute": 1})) as client:
        assert (await detect(client, "春", authorization="Bearer any")).status_code == 200
        assert (await detect(client, "春", authorization="Bearer any")).status_code == 429


async def test_a_body_beyond_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    house = house_in(tmp_path, server={"max_body_bytes": 2000})
    async with calling(house) as client:
        told = await client.post("/api/v1/detect", content=b"x" * 2001)
        assert (told.status_code, told.json()["error"]["code"]) == (413, "body_too_large")

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(30):
                yield b"x" * 100

        assert (await client.post("/api/v1/detect", content=chunks())).status_code == 413


async def test_a_batch_answers_line_by_line_in_order_and_counts(tmp_path: Path) -> None:
    lines = [
        {"text": f"{LABEL}\n\n春江", "id": "a"},
        {"text": "春"},
        {"txt": "x"},
        {"text": "春", "declared": True},
    ]
    body = "\n\n".join(map(json.dumps, lines)) + "\nnot json\n"
    async with calling(house_in(tmp_path)) as client:
        told = await client.post("/api/v1/detect/batch", content=body)
        assert told.headers["content-type"].startswith("application/jsonl")
        *rows, last = map(json.loads, told.text.splitlines())
        assert [row.get("report", row.get("error", {})).get("verdict") for row in rows] == [
            "suspected",
            "not_found",
            None,
            "possible",
            None,
        ]
        assert rows[0]["id"] == "a"
        assert [(row["line"], row["done"], row["of"]) for row in rows] == [(n, n, 5) for n in range(1, 6)]
        assert [row["error"]["code"] for row in rows if "error" in row] == ["invalid_value"] * 2
        assert last == {"summary": {"lines": 5, "suspected": 1, "not_found": 1, "possible": 1, "errors": 2}}
        assert (await client.post("/api/v1/detect/batch", content=b"\n \n")).status_code == 422


async def test_each_text_of_a_strangers_batch_counts_and_a_tenants_does_not(tmp_path: Path) -> None:
    house = house_in(tmp_path, server={"detect_per_minute": 2}, tenants=[{"name": "t", "key": "sk"}])
    body = '{"text": "春"}\n' * 4
    async with calling(house) as client:
        rows = [
            json.loads(line)
            for line in (await client.post("/api/v1/detect/batch", content=body)).text.splitlines()
        ]
        assert [row["error"]["code"] for row in rows if "error" in row] == ["rate_limited"] * 2
        known = await client.post(
            "/api/v1/detect/batch", content=body, headers={"authorization": "Bearer sk"}
        )
        assert '"errors"' not in known.text


async def test_a_signed_report_verifies_and_a_changed_one_does_not(tmp_path: Path) -> None:
    house = house_in(tmp_path, tenants=[{"name": "t", "key": "sk"}])
    transform = SCHEMES["carrier"](house.ring, "dense").new_transform(
        Provenance("UNSET", 7 << 24, key_id=house.ring.current)
    )
    text = transform.feed(PROSE) + transform.flush()
    async with calling(house) as client:
        told = await client.post(
            "/api/v1/detect/report", json={"text": text}, headers={"authorization": "Bearer sk"}
        )
        assert "attachment" in told.headers["content-disposition"]
        report = told.json()
        document = report["document"]
        assert document["subject"]["sha256"] == hashlib.sha256(text.encode()).hexdigest()
        assert document["report"]["verdict"] == "confirmed"
        assert document["detectors"]["carrier"]["version"] == document["service"]["software"].split()[1]
        assert isinstance(document["report"]["detections"][0]["p_value"], str)
        assert (await client.post("/api/v1/detect/report/verify", content=told.content)).json() == {
            "valid": True
        }
        document["report"]["verdict"] = "not_found"
        for wrong in (report, {}, [], {"document": {}, "signature": {"value": "zz"}}):
            answer = await client.post("/api/v1/detect/report/verify", json=wrong)
            assert answer.json() == {"valid": False}


async def test_a_report_comes_as_pdf_where_asked(tmp_path: Path) -> None:
    async with calling(house_in(tmp_path)) as client:
        told = await client.post("/api/v1/detect/report?format=pdf&lang=en", json={"text": "春江"})
        assert told.content.startswith(b"%PDF-")
        assert told.headers["content-type"] == "application/pdf"
        assert (await client.post("/api/v1/detect/report?format=doc", json={"text": "春"})).status_code == 422


async def test_a_report_can_be_verified_by_anybody_with_the_public_key_and_any_json_writer(
    tmp_path: Path,
) -> None:
    async with calling(house_in(tmp_path)) as client:
        data = "春江潮水".encode()
        report = (await client.post("/api/v1/detect/report", files={"file": ("a.txt", data)})).json()
    signature = report["signature"]
    plain = json.dumps(report["document"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signature["public_key"]))
    key.verify(bytes.fromhex(signature["value"]), plain)
    assert report["document"]["subject"]["name"] == "a.txt"
