"""Content without an explicit label: only while an application is in force, and still with the implicit label."""

from __future__ import annotations

import hashlib
import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import openai
import pytest

from detectors.panel import Panel
from proxy.upstreams.scripted import Scripted
from tests.e2e.processes import inkseal, write_settings
from tests.helpers import Running, serving

POEM = "春江潮水连海平，海上明月共潮生。滟滟随波千万里，何处春江无月明！江流宛转绕芳甸，月照花林皆似霰；" * 3
ASK: list[Any] = [{"role": "user", "content": "背一首诗"}]
ADMIN = {"authorization": "Bearer t"}
GRANT = {
    "tenant": "press",
    "applicant": "某出版社",
    "purpose": "排版",
    "agreement": "2026-03",
    "recipient": "编辑部",
    "ends": "2099-01-01",
    "granted_by": "alice",
}


def press(folder: Path, **labels: Any) -> AbstractAsyncContextManager[Running]:
    tenants = [
        {"name": "press", "key": "sk-press", "labels": {"mode": "unlabelled", **labels}},
        {"name": "app", "key_sha256": hashlib.sha256(b"sk-app").hexdigest()},
    ]
    return serving(
        folder,
        Scripted.answer([POEM]),
        key="sk-press",
        tenants=tenants,
        admin={"token": "t"},
        provider={"code": "ACME"},
    )


async def create(run: Running, **options: Any) -> Any:
    return await run.client.chat.completions.with_raw_response.create(model="m", messages=ASK, **options)


async def granted(run: Running, **more: str) -> str:
    answer = await run.http.post("/api/v1/unlabelled", json=GRANT | more, headers=ADMIN)
    assert answer.status_code == 201, answer.text
    assert answer.json()["state"] == "live"
    return str(answer.json()["id"])


@pytest.mark.parametrize("streamed", [False, True])
async def test_without_a_grant_the_call_is_refused_with_what_to_do(tmp_path: Path, streamed: bool) -> None:
    async with press(tmp_path) as run:
        with pytest.raises(openai.PermissionDeniedError) as caught:
            await create(run, stream=streamed)
        assert caught.value.code == "unlabelled_not_granted"
        assert "标识办法 art. 9" in caught.value.message
        assert await run.records(kind="request") == []


async def test_with_a_grant_no_label_and_no_hint_go_out_but_the_implicit_label_does(tmp_path: Path) -> None:
    async with press(tmp_path) as run:
        grant = await granted(run)
        raw = await create(run)
        answer = raw.parse()
        content = answer.choices[0].message.content
        assert "生成" not in content
        assert "x-aigc-hint" not in raw.headers
        aigc = answer.model_extra["aigc"]
        assert aigc["Label"] == "1"
        assert aigc["ContentProducer"] == "ACME"
        assert raw.headers["x-aigc"] == f"label=1; producer=ACME; id={aigc['ProduceID']}"
        assert aigc["hint"] is None
        assert aigc["label"] == {"positions": [], "skipped_reason": "unlabelled"}
        report = Panel(run.house.ring, ()).examine(content)
        assert report.verdict == "confirmed"  # the carrier is an implicit label too, and stays
        accepted, closed = [stored.record for stored in await run.records(kind="request")]
        assert accepted.fields["unlabelled_grant"] == grant
        assert closed.fields["outputs"][0]["skipped_reason"] == "unlabelled"


async def test_a_stream_tells_the_same_in_its_first_and_last_chunk(tmp_path: Path) -> None:
    async with press(tmp_path) as run:
        await granted(run)
        stream = await run.client.chat.completions.create(model="m", messages=ASK, stream=True)
        chunks = [chunk async for chunk in stream]
        objects = [c.model_extra["aigc"] for c in chunks if c.model_extra and "aigc" in c.model_extra]
        assert len(objects) == 2
        assert all(a["hint"] is None and a["label"]["positions"] == [] for a in objects)
        assert "生成" not in "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


async def test_revoking_ends_it_with_the_next_call_and_both_steps_are_in_the_chain(tmp_path: Path) -> None:
    async with press(tmp_path) as run:
        grant = await granted(run)
        await create(run)
        ended = await run.http.post(
            f"/api/v1/unlabelled/{grant}/revoke", json={"revoked_by": "bob", "reason": "over"}, headers=ADMIN
        )
        assert (ended.status_code, ended.json()["state"]) == (200, "revoked")
        with pytest.raises(openai.PermissionDeniedError):
            await create(run)
        listed = await run.http.get("/api/v1/unlabelled", headers=ADMIN)
        assert [(g["id"], g["state"]) for g in listed.json()["grants"]] == [(grant, "revoked")]
        events = [stored.record.fields for stored in await run.records(kind="unlabelled")]
        assert [(e["event"], e["id"]) for e in events] == [("grant", grant), ("revoke", grant)]
        again = await run.http.post(
            f"/api/v1/unlabelled/{grant}/revoke", json={"revoked_by": "bob", "reason": "over"}, headers=ADMIN
        )
        assert (again.status_code, again.json()["error"]["code"]) == (404, "grant_not_found")


async def test_a_grant_for_one_end_user_covers_nobody_else(tmp_path: Path) -> None:
    async with press(tmp_path) as run:
        await granted(run, user="u1")
        await create(run, extra_headers={"X-AIGC-User": "u1"})
        with pytest.raises(openai.PermissionDeniedError):
            await create(run, extra_headers={"X-AIGC-User": "u2"})


async def test_other_tenants_are_labelled_and_a_header_changes_nothing(tmp_path: Path) -> None:
    async with press(tmp_path) as run:
        await granted(run, tenant="app")
        headers = {"authorization": "Bearer sk-app"}
        body = {"model": "m", "messages": ASK}
        answer = await run.http.post("/v1/chat/completions", json=body, headers=headers)
        assert answer.json()["choices"][0]["message"]["content"].startswith("【本内容由AI生成】")
        assert answer.json()["aigc"]["hint"]["text"]


async def test_embeddings_need_no_grant_because_nothing_is_generated(tmp_path: Path) -> None:
    async with press(tmp_path) as run:
        run.house.upstreams = [(run.settings.upstreams[0], Scripted.json({"data": []}))]
        headers = {"authorization": "Bearer sk-press"}
        answer = await run.http.post("/v1/embeddings", json={"model": "m", "input": "你好"}, headers=headers)
        assert answer.status_code == 200
        assert "unlabelled_grant" not in (await run.records(kind="request"))[0].record.fields


async def test_only_the_operator_may_read_and_change_the_register(tmp_path: Path) -> None:
    async with press(tmp_path) as run:
        for headers in ({}, {"authorization": "Bearer sk-press"}, {"authorization": "Bearer"}):
            for answer in (
                await run.http.get("/api/v1/unlabelled", headers=headers),
                await run.http.post("/api/v1/unlabelled", json=GRANT, headers=headers),
                await run.http.post(
                    "/api/v1/unlabelled/u-1/revoke", json={"revoked_by": "x", "reason": "x"}, headers=headers
                ),
            ):
                assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_operator_token")
        assert await run.records(kind="unlabelled") == []


async def test_once_there_are_operators_they_decide_by_their_roles_and_in_their_own_names(
    tmp_path: Path,
) -> None:
    async with press(tmp_path) as run:
        tokens = {}
        for name, role in (("ada", "approver"), ("ben", "auditor")):
            made = await run.http.post(
                "/api/v1/library/operators", json={"name": name, "roles": [role]}, headers=ADMIN
            )
            assert made.status_code == 201, made.text
            tokens[name] = {"authorization": f"Bearer {made.json()['token']}"}
        for headers in (ADMIN, tokens["ben"]):
            refused = await run.http.post("/api/v1/unlabelled", json=GRANT, headers=headers)
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
            assert (await run.http.get("/api/v1/unlabelled", headers=headers)).status_code == 200
        assert await run.records(kind="unlabelled") == []
        answer = await run.http.post("/api/v1/unlabelled", json=GRANT, headers=tokens["ada"])
        assert (answer.status_code, answer.json()["granted_by"]) == (201, "ada")
        ended = await run.http.post(
            f"/api/v1/unlabelled/{answer.json()['id']}/revoke", json={"reason": "over"}, headers=tokens["ada"]
        )
        assert (ended.status_code, ended.json()["revoked_by"]) == (200, "ada")


async def test_whoever_ends_a_grant_is_named(tmp_path: Path) -> None:
    async with press(tmp_path) as run:
        grant = await granted(run)
        answer = await run.http.post(
            f"/api/v1/unlabelled/{grant}/revoke", json={"reason": "x"}, headers=ADMIN
        )
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "revoked_by")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"ends": "never"}, "ends: 'never'"),
        ({"applicant": " "}, "applicant: say"),
        ({"tenant": "x"}, "no tenant 'x'"),
    ],
)
async def test_an_application_with_a_mistake_is_refused_and_leaves_no_trace(
    tmp_path: Path, body: dict[str, str], says: str
) -> None:
    async with press(tmp_path) as run:
        answer = await run.http.post("/api/v1/unlabelled", json=GRANT | body, headers=ADMIN)
        assert answer.status_code == 400
        assert says in answer.json()["error"]["message"]
        assert await run.records(kind="unlabelled") == []


async def test_a_register_that_was_tampered_with_stops_unlabelled_content(tmp_path: Path) -> None:
    async with press(tmp_path) as run:
        await granted(run)
        path = tmp_path / "data/unlabelled.sqlite"
        path.write_bytes(path.read_bytes().replace(b"2099", b"2199"))
        with pytest.raises(openai.InternalServerError) as caught:
            await create(run)
        assert caught.value.code == "register_unusable"
        listed = await run.http.get("/api/v1/unlabelled", headers=ADMIN)
        assert (listed.status_code, listed.json()["error"]["code"]) == (503, "register_unusable")


async def test_at_start_a_grant_that_the_records_do_not_bear_out_counts_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "data/unlabelled.sqlite"
    async with press(tmp_path) as run:
        revoked, kept = await granted(run), await granted(run, applicant="乙社")
        older = path.read_bytes()
        for identifier in (revoked, kept):
            ended = await run.http.post(
                f"/api/v1/unlabelled/{identifier}/revoke",
                json={"revoked_by": "bob", "reason": "x"},
                headers=ADMIN,
            )
            assert ended.status_code == 200, ended.text
    path.write_bytes(older)  # put back by hand: good MACs, and both grants in force again
    async with press(tmp_path) as run:
        assert f"grant {revoked} counts, although its revocation is recorded" in caplog.text
        with pytest.raises(openai.PermissionDeniedError):
            await create(run)
        made = await granted(run, applicant="丙社")
        assert (await create(run)).http_response.status_code == 200
    caplog.clear()
    path.write_bytes(path.read_bytes().replace(b"2099", b"2199"))
    async with press(tmp_path) as run:
        assert "changed by other hands" in caplog.text
        assert made


async def test_the_undertaking_of_an_app_that_shows_the_hint_is_recorded_at_start(tmp_path: Path) -> None:
    labels = {"mode": "interface", "undertaking": "合同 7 第 3 条：页面持续显示"}
    async with serving(tmp_path, Scripted.answer(["好"]), labels=labels) as run:
        (event,) = [stored.record.fields for stored in await run.records(kind="labels")]
        assert event["undertaking"] == labels["undertaking"]
        assert event["hints"]["zh"] == "本内容由人工智能生成"
    async with serving(tmp_path, Scripted.answer(["好"])) as run:
        assert len(await run.records(kind="labels")) == 1


def test_the_command_line_grants_lists_and_revokes(tmp_path: Path) -> None:
    write_settings(tmp_path, tenants=[{"name": "press", "key": "k", "labels": {"mode": "unlabelled"}}])
    assert inkseal(tmp_path, "keys", "new").returncode == 0
    said = ["--tenant", "press", "--applicant", "某出版社", "--purpose", "排版", "--agreement", "2026-03",
            "--recipient", "编辑部", "--to", "2099-01-01", "--as", "alice"]  # fmt: skip
    made = inkseal(tmp_path, "unlabelled", "grant", *said, "--json")
    assert made.returncode == 0, made.stderr
    grant = json.loads(made.stdout)
    assert (grant["granted_by"], grant["state"]) == ("alice", "live")
    ended = inkseal(tmp_path, "unlabelled", "revoke", grant["id"], "--reason", "over", "--as", "bob")
    assert ended.returncode == 0, ended.stderr
    listed = inkseal(tmp_path, "unlabelled", "list")
    assert listed.returncode == 0, listed.stderr
    assert f"{grant['id']}  revoked press until 2099-01-01" in listed.stdout.decode()
