"""The library's API on a running proxy: roles by token, four eyes, and every way around them refused."""

from __future__ import annotations

import asyncio
import io
import sqlite3
import sys
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest

from proxy.upstreams.scripted import Scripted
from tests.helpers import Running, keyword, serving

ADMIN = "ink-admin-of-the-test"
PEOPLE = {
    "ann": ["operator"],
    "bob": ["reviewer"],
    "cid": ["approver"],
    "dan": ["approver", "reviewer"],
    "eva": ["auditor"],
}
ENTRY = {"pattern": "测试词语甲", "category": "A.2.a", "severity": 2}


class Api:
    """Calls in the name of people."""

    def __init__(self, run: Running) -> None:
        self._run = run
        self.tokens: dict[str, str] = {"admin": ADMIN}

    async def call(
        self, method: str, path: str, by: str = "", json: Any = None, **more: Any
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.tokens.get(by, by)}"} if by else {}
        return await self._run.http.request(
            method, f"/api/v1/library{path}", json=json, headers=headers, **more
        )

    async def done(self, method: str, path: str, by: str, json: Any = None, **more: Any) -> Any:
        answer = await self.call(method, path, by, json, **more)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def refused(self, method: str, path: str, by: str, json: Any = None, **more: Any) -> str:
        answer = await self.call(method, path, by, json, **more)
        assert answer.status_code >= 400, answer.text
        return f"{answer.status_code} {answer.json()['error']['code']}"

    async def staff(self) -> None:
        for name, roles in PEOPLE.items():
            made = await self.done("POST", "/operators", "admin", {"name": name, "roles": roles})
            self.tokens[name] = made["token"]

    async def propose(self, **fields: Any) -> str:
        made = await self.done("POST", "/entries", "ann", {"entry": {**ENTRY, **fields}, "reason": "seen"})
        return str(made["entry"]["id"])

    async def approved(self, **fields: Any) -> str:
        one = await self.propose(**fields)
        await self.done("POST", "/steps/review", "bob", {"ids": [one]})
        await self.done("POST", "/steps/approve", "cid", {"ids": [one]})
        return one


def proxy(folder: Path, **sections: Any) -> Any:
    return serving(folder, Scripted.answer(["好"]), [keyword("无关词语")], admin={"token": ADMIN}, **sections)


async def test_an_entry_goes_through_every_hand_and_into_every_worker(tmp_path: Path) -> None:
    async with proxy(tmp_path) as run:
        api = Api(run)
        await api.staff()
        one = await api.approved()
        done = await api.done("POST", "/publish", "cid", {"reason": "weekly"})
        assert done["added"] == [one]
        async with asyncio.timeout(10):
            while not (told := await api.done("GET", "/workers", "eva"))["converged"]:  # noqa: ASYNC110 - another process may be the one to wait for
                await asyncio.sleep(0.05)
        assert told["live"] == done["version"]
        assert [worker["version"] for worker in told["workers"]] == [done["version"]]
        found = await api.done("POST", "/test", "eva", {"text": "有测试词语甲吗"})
        assert {(hit["entry"], hit["view"], tuple(hit["span"])) for hit in found["hits"]} == {
            (one, "safe", (1, 6))
        }
        shown = await api.done("GET", f"/entries/{one}", "eva")
        assert [(e["action"], e["actor"], e["how"]) for e in shown["events"]] == [
            ("publish", "cid", "token"),
            ("approve", "cid", "token"),
            ("review", "bob", "token"),
            ("propose", "ann", "token"),
        ]
        records = [s.record.fields for s in await run.records(kind="library")]
        assert [r["event"] for r in records] == ["adopt", "propose", "review", "approve", "publish"]
        stats = await api.done("GET", "/stats", "eva")
        assert stats["by_status"] == {"published": 2}
        assert (await api.done("GET", "/due", "eva"))["waiting"] == []
        assert len((await api.done("GET", "/versions", "eva"))["versions"]) == 2
        back = await api.done("POST", "/rollback", "dan", {"reason": "false alarms"})
        assert back["removed"] == [one]
        assert (await api.done("GET", "/diff", "eva", params={"old": done["version"]}))["removed"] == [one]


async def test_where_a_command_prints_the_master_the_library_is_served_too(tmp_path: Path) -> None:
    keys = {"command": [sys.executable, "-c", f"print('{'ab' * 32}')"]}
    async with proxy(tmp_path, keys=keys) as run:
        api = Api(run)
        await api.staff()
        one = await api.approved()
        assert (await api.done("POST", "/publish", "cid", {"reason": "weekly"}))["added"] == [one]


async def test_a_canary_for_a_tenant_alone_is_taken_up(tmp_path: Path) -> None:
    tenants = [{"name": name, "key": f"sk-{name}"} for name in ("app", "web")]
    async with proxy(tmp_path, tenants=tenants) as run:
        api = Api(run)
        await api.staff()
        await api.approved(pattern="说说看看")
        trial = {"state": "canary", "tenants": ["web"], "reason": "try"}
        version = (await api.done("POST", "/publish", "cid", trial))["version"]
        async with asyncio.timeout(10):
            while (told := (await api.done("GET", "/workers", "eva"))["workers"][0])["trial"] != version:  # noqa: ASYNC110 - another process may be the one to wait for
                await asyncio.sleep(0.05)
        assert (told["trial_state"], told["failure"]) == ("canary", "")
        for name, status in (("web", "blocked"), ("app", "closed")):
            asked = {"model": "m", "messages": [{"role": "user", "content": "说说看看"}]}
            headers = {"authorization": f"Bearer sk-{name}"}
            await run.http.post("/v1/chat/completions", json=asked, headers=headers)
            assert (await run.last()).record.status == status


async def test_nobody_gets_around_the_four_eyes(tmp_path: Path) -> None:
    async with proxy(tmp_path) as run:
        api = Api(run)
        await api.staff()
        one = await api.propose()
        step = {"ids": [one]}
        # The admin sets up people and reads.
        for path, body in (
            ("/entries", {"entry": ENTRY}),
            ("/steps/review", step),
            ("/steps/approve", step),
            ("/publish", {}),
            ("/publish", {"emergency": [one], "reason": "r"}),
            ("/rollback", {"reason": "r"}),
            ("/recategorise", {**step, "category": "A.1.a"}),
        ):
            assert await api.refused("POST", path, "admin", body) == "403 forbidden", path
        # Nobody and strangers do nothing at all; a tenant's key, or a digest out of the database, is no token.
        digest = next(
            iter(
                sqlite3.connect(tmp_path / "data/records/governance.sqlite").execute(
                    "SELECT data FROM operators"
                )
            )
        )[0]
        for token in ("", "sk-any", "ink-op-guessed", digest.split('"token_sha256":"')[1][:64]):
            assert await api.refused("POST", "/steps/review", token, step) == "401 invalid_operator_token"
            assert await api.refused("GET", "/stats", token) == "401 invalid_operator_token"
        # Roles hold; whoever wrote it, reviewed it or approved it once does not do the next step as well.
        assert await api.refused("POST", "/steps/review", "ann", step) == "403 forbidden"
        assert await api.refused("POST", "/steps/review", "eva", step) == "403 forbidden"
        assert await api.refused("POST", "/steps/approve", "cid", step) == "409 wrong_state"
        await api.done("POST", "/steps/review", "dan", step)
        assert await api.refused("POST", "/steps/approve", "dan", step) == "403 four_eyes"
        assert await api.refused("POST", "/steps/publish", "cid", step) == "400 invalid_step"
        assert (
            await api.refused("POST", "/steps/emergency", "cid", {**step, "reason": "r"})
            == "400 invalid_step"
        )
        # Only the admin makes people, and no second one of the same look.
        assert (
            await api.refused("POST", "/operators", "cid", {"name": "zed", "roles": ["approver"]})
            == "403 forbidden"
        )
        assert (
            await api.refused("POST", "/operators", "admin", {"name": "Cid", "roles": ["approver"]})
            == "409 name_taken"
        )
        # Who proposes is not for the row to say.
        row = {
            **ENTRY,
            "pattern": "测试词语乙",
            "author": "cid",
            "status": "approved",
            "approvers": ["cid", "dan"],
        }
        made = await api.done("POST", "/entries", "ann", {"entry": row})
        assert (made["entry"]["author"], made["entry"]["status"], made["entry"].get("approvers")) == (
            "ann",
            "proposed",
            None,
        )
        # A revoked operator is a stranger.
        await api.done("POST", "/operators/cid/revoke", "admin", {"reason": "left"})
        assert await api.refused("POST", "/steps/approve", "cid", step) == "401 invalid_operator_token"
        listed = await api.done("GET", "/operators", "admin")
        assert "token" not in str(listed)


async def test_a_database_that_somebody_changed_is_told_and_not_published(tmp_path: Path) -> None:
    async with proxy(tmp_path) as run:
        api = Api(run)
        await api.staff()
        await api.propose()
        with sqlite3.connect(tmp_path / "data/records/governance.sqlite") as connection:
            connection.execute("UPDATE revisions SET status = 'approved' WHERE status = 'proposed'")
        connection.close()
        assert await api.refused("POST", "/publish", "cid", {"reason": "r"}) == "503 library_tampered"


async def test_files_come_in_and_go_out(tmp_path: Path) -> None:
    async with proxy(tmp_path) as run:
        api = Api(run)
        await api.staff()
        rows = "pattern,category,severity\n测试词语甲,A.2.a,2\n=测试词语乙,A.2.b,1\n".encode("gb18030")
        name = {"filename": "a.csv"}
        seen = await api.done("POST", "/import", "ann", content=rows, params={**name, "preview": "true"})
        assert (seen["new"], seen["event"]) == (2, "")
        done = await api.done("POST", "/import", "ann", content=rows, params={**name, "reason": "list 7"})
        found = await api.done("GET", "/entries", "eva", params={"origin": done["event"]})
        assert {e["pattern"] for e in found["entries"]} == {"测试词语甲", "=测试词语乙"}
        await api.done("POST", "/steps/review", "bob", {"origin": done["event"]})
        await api.done("POST", "/steps/approve", "cid", {"origin": done["event"]})
        csv = await api.call("GET", "/export", "eva", params={"format": "csv", "status": "approved"})
        assert "'=测试词语乙" in csv.text
        xlsx = await api.call("GET", "/export", "eva", params={"format": "xlsx", "status": "approved"})
        assert openpyxl.load_workbook(io.BytesIO(xlsx.content)).active.max_row == 3
        assert '"无关词语"' in (await api.call("GET", "/export", "eva")).text
        assert (
            await api.refused("POST", "/import", "ann", content=b"x", params={"filename": "../../a.exe"})
            == "422 invalid_entry"
        )
        assert await api.refused("POST", "/import", "eva", content=rows, params=name) == "403 forbidden"


@pytest.mark.parametrize(
    ("method", "path", "body", "refused"),
    [
        ("GET", "/entries/e-none", None, "404 unknown_entry"),
        ("POST", "/steps/fly", {"ids": ["x"]}, "400 invalid_step"),
        ("POST", "/steps/review", {}, "400 invalid_value"),
        ("POST", "/steps/review", {"origin": "evt_none"}, "404 unknown_entry"),
        ("GET", "/entries?status=publised", None, "400 invalid_value"),
        ("GET", "/export?status=publised", None, "400 invalid_value"),
        ("POST", "/entries", {"entry": {"pattern": "x"}}, "422 invalid_entry"),
        ("POST", "/entries", {"entry": {**ENTRY, "expires": "2020-01-01"}}, "422 invalid_entry"),
        ("GET", "/diff?old=zz", None, "400 invalid_value"),
        ("POST", "/test", {"text": "x", "version": "zz"}, "400 invalid_value"),
        ("PUT", "/refusals", ["no mapping"], "422 invalid_entry"),
        ("POST", "/rollback", {"reason": "r"}, "404 unknown_version"),
        ("POST", "/publish", {"percent": 5}, "400 invalid_step"),
        ("POST", "/publish", {"state": "shadow", "tenants": ["app"]}, "400 invalid_step"),
        ("POST", "/publish", {"state": "canary"}, "400 invalid_step"),
        ("POST", "/publish", {"state": "canary", "tenants": ["nobody"]}, "400 invalid_step"),
        ("POST", "/end-trial", {}, "409 wrong_state"),
        ("POST", "/lookback", {"since": "yesterday"}, "400 invalid_value"),
        ("POST", "/import?filename=a.csv", None, "422 invalid_entry"),
    ],
)
async def test_wrong_calls_are_told(tmp_path: Path, method: str, path: str, body: Any, refused: str) -> None:
    async with proxy(tmp_path) as run:
        api = Api(run)
        made = await api.done(
            "POST", "/operators", "admin", {"name": "all", "roles": ["operator", "reviewer", "approver"]}
        )
        assert await api.refused(method, path, made["token"], body) == refused


async def test_trials_texts_and_variants(tmp_path: Path) -> None:
    async with proxy(tmp_path, tenants=[{"name": "app", "key": "sk-app"}]) as run:
        api = Api(run)
        await api.staff()
        one = await api.approved()
        shadow = await api.done("POST", "/publish", "cid", {"state": "shadow", "reason": "try"})
        assert shadow["state"] == "shadow"
        canary = await api.done(
            "POST", "/publish", "cid", {"state": "canary", "percent": 5, "tenants": ["app"]}
        )
        assert canary["version"] == shadow["version"]
        assert await api.done("POST", "/end-trial", "cid", {"reason": "enough"}) == {"trial": None}
        texts = await api.done(
            "PUT", "/refusals", "cid", content="default: {zh: 换个话题。}".encode(), params={"reason": "r"}
        )
        assert texts == {"texts": 1}
        assert await api.done("GET", "/refusals", "eva") == {"refusals": {"default": {"zh": "换个话题。"}}}
        audit = await api.done("GET", "/verify", "eva")
        assert (audit["ok"], audit["faults"]) == (True, [])
        assert audit["events"] > 5
        found = await api.done("GET", "/variants", "eva", params={"pattern": "测试词语"})
        assert {"way": "pinyin", "text": "ceshiciyu", "found": True, "acts": True} in found["variants"]
        moved = await api.call(
            "POST", "/recategorise", "ann", {"ids": [one], "category": "A.2.c", "reason": "r"}
        )
        assert moved.json()["error"]["code"] == "in_procedure"
        back = await api.done("POST", "/lookback", "eva", {"version": "next"})
        assert back["caught"] == []


async def test_an_entry_for_a_role_that_is_none_is_refused_and_one_for_an_unknown_tenant_remarked(
    tmp_path: Path,
) -> None:
    async with serving(
        tmp_path, Scripted.answer(["好"]), key="sk-app", tenants=[{"name": "app", "key": "sk-app"}],
        admin={"token": ADMIN},
    ) as run:  # fmt: skip
        api = Api(run)
        await api.staff()
        answer = await api.call("POST", "/entries", "ann", {"entry": {**ENTRY, "roles": ["usr"]}})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["param"]) == (422, "invalid_entry", "roles")
        assert "the roles are system, developer, user" in error["message"]
        made = await api.done("POST", "/entries", "ann", {"entry": {**ENTRY, "tenants": ["ap"]}})
        assert [remark["code"] for remark in made["remarks"]] == ["unknown_tenant"]
        assert (await api.done("GET", "/stats", "eva"))["strays"] == []
