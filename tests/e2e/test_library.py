"""A running proxy and its library: new versions, versions on trial, and what it tells of itself."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.following import workers
from proxy.review.pointers import Rollout, go_live, set_rollout
from proxy.review.store import make_snapshot
from proxy.upstreams.scripted import Scripted
from tests.helpers import NOW, Running, keyword, publish_library, serving

ASK = {"model": "scripted", "messages": [{"role": "user", "content": "说说看"}]}


async def until(ready: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not ready():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.02)


def snapshot(run: Running, *patterns: str) -> str:
    return make_snapshot(
        run.settings.review.library,
        [keyword(pattern) for pattern in patterns],
        author="t",
        reason="t",
        now=NOW,
        key=run.house.library_key,
    )


async def said(run: Running, **headers: str) -> str:
    answer = await run.http.post("/v1/chat/completions", json=ASK, headers=headers)
    return str(answer.json()["choices"][0]["message"]["content"])


async def test_a_new_version_is_taken_up_and_a_damaged_one_is_not(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer(["样例", "甲乙"]), [keyword("无关词语")]) as run:
        assert "样例甲乙" in await said(run)
        version = publish_library(run.settings, [keyword("样例甲乙")])
        await until(
            lambda: run.house.library.current is not None and run.house.library.current.version == version
        )
        assert "样例甲乙" not in await said(run)
        broken = publish_library(run.settings, [keyword("别的词语")])
        await until(
            lambda: run.house.library.current is not None and run.house.library.current.version == broken
        )
        path = tmp_path / "data/library/versions" / version / "words.bin"
        path.write_bytes(b"x" + path.read_bytes()[1:])
        go_live(tmp_path / "data/library", version, run.house.library_key)
        await until(lambda: run.house.library.failure)
        assert run.house.library.current is not None
        assert run.house.library.current.version == broken
        assert "was changed after publishing" in workers(run.house)[0]["failure"]


async def test_a_pointer_that_was_tampered_with_is_refused_and_the_last_good_version_stays(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data/library"
    async with serving(tmp_path, Scripted.answer(["样例", "甲乙"]), [keyword("无关词语")]) as run:
        stolen = (folder / "live").read_text()
        weak = run.house.library.current
        assert weak is not None
        strict = publish_library(run.settings, [keyword("样例甲乙")])

        def in_force(version: str) -> bool:
            return run.house.library.current is not None and run.house.library.current.version == version

        await until(lambda: in_force(strict))
        good = (folder / "live").read_text()
        serial = good.splitlines()[1]
        for pointer, why in (
            (stolen, "names " + weak.version[:12] + " again, which is an older pointer put back"),
            (weak.version + "\n", "is not signed with our key"),
            (good.replace(strict, weak.version), "is not signed with our key"),
            (good.replace(serial, str(int(serial) + 1)), "is not signed with our key"),
            (stolen.replace(stolen.splitlines()[1], str(int(serial) + 1)), "is not signed with our key"),
            ("", "is not signed with our key"),
            (None, "was taken away"),
        ):
            if pointer is None:
                (folder / "live").unlink()
            else:
                (folder / "live").write_text(pointer)
            await until(lambda: why in run.house.library.failure)  # noqa: B023 - waited for in this turn
            assert in_force(strict)
            assert "样例甲乙" not in await said(run)
            assert why in workers(run.house)[0]["failure"]
            assert (
                f'inkseal_library_refused{{worker="{run.house.worker}"}} 1'
                in (await run.http.get("/metrics")).text
            )
            (folder / "live").write_text(good)
            await until(lambda: not run.house.library.failure)
        assert publish_library(run.settings, [keyword("无关词语")]) == weak.version
        await until(lambda: in_force(weak.version))


async def test_a_trial_that_was_put_back_or_taken_away_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "data/library"
    async with serving(tmp_path, Scripted.answer(["样例", "甲乙"]), [keyword("样例甲乙")]) as run:
        key, library = run.house.library_key, run.house.library
        weak = snapshot(run, "无关词语")
        set_rollout(folder, Rollout(weak, "canary", 100.0), key)
        await until(lambda: library.candidate)
        canary = (folder / "rollout.json").read_text()
        set_rollout(folder, None, key)
        await until(lambda: library.candidate is None)
        for text in (canary, json.dumps({"version": weak, "state": "canary", "percent": 100, "tenants": []})):
            (folder / "rollout.json").write_text(text)
            await until(lambda: library.failure)
            assert library.candidate is None and "样例甲乙" not in await said(run)
            set_rollout(folder, None, key)
            await until(lambda: not library.failure)
        strict = snapshot(run, "样例甲乙", "别的词语")
        set_rollout(folder, Rollout(strict, "canary", 100.0), key)
        await until(lambda: library.candidate)
        (folder / "rollout.json").unlink()
        await until(lambda: "was taken away" in library.failure)
        assert library.candidate is not None and library.candidate.version == strict


async def test_a_canary_judges_its_tenant_and_nobody_else(tmp_path: Path) -> None:
    tenants = [{"name": "app", "key": "sk-app"}, {"name": "web", "key": "sk-web"}]
    async with serving(
        tmp_path, Scripted.answer(["样例", "甲乙"]), [keyword("无关词语")], tenants=tenants
    ) as run:
        version = snapshot(run, "样例甲乙")
        set_rollout(
            run.settings.review.library, Rollout(version, "canary", 0.0, ("app",)), run.house.library_key
        )
        await until(lambda: run.house.library.candidate)
        assert "样例甲乙" not in await said(run, authorization="Bearer sk-app")
        assert (await run.last()).record.library_version == version
        assert "样例甲乙" in await said(run, authorization="Bearer sk-web")
        assert (await run.last()).record.library_version != version
        set_rollout(run.settings.review.library, None, run.house.library_key)
        await until(lambda: not run.house.library.candidate)
        assert "样例甲乙" in await said(run, authorization="Bearer sk-app")


async def test_a_share_of_the_users_gets_a_canary_each_user_always_the_same(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer(["样例", "甲乙"]), [keyword("无关词语")]) as run:
        trial = Rollout(snapshot(run, "样例甲乙"), "canary", 50.0)
        set_rollout(run.settings.review.library, trial, run.house.library_key)
        await until(lambda: run.house.library.candidate)
        users = [f"user-{n}" for n in range(8)]
        for user in [*users, *users]:
            blocked = "样例甲乙" not in await said(run, **{"x-aigc-user": user})
            assert blocked == trial.takes("", user)
        assert 0 < sum(trial.takes("", user) for user in users) < 8


async def test_a_version_in_the_shadow_changes_nothing_and_is_recorded(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer(["样例", "甲乙"]), [keyword("说说")]) as run:
        version = snapshot(run, "样例甲乙", "说说")
        set_rollout(run.settings.review.library, Rollout(version, "shadow"), run.house.library_key)
        await until(lambda: run.house.library.candidate)
        other = {**ASK, "messages": [{"role": "user", "content": "讲讲"}]}
        answer = (await run.http.post("/v1/chat/completions", json=other)).json()
        assert "样例甲乙" in answer["choices"][0]["message"]["content"]
        assert answer["aigc"]["review"]["decision"] == "pass"
        await said(run)
        await until(lambda: run.house.metrics.shadowed == 2)
        records = [stored.record for stored in await run.records(kind="shadow")]
        assert [(f["direction"], f["action"], f["new"]) for r in records for f in r.fields["findings"]] == [
            ("output", "block", True),
            ("input", "block", False),
        ]
        assert {record.fields["version"] for record in records} == {version}


async def test_in_the_shadow_too_entries_look_only_where_they_are_to_look(tmp_path: Path) -> None:
    tenants = [{"name": name, "key": f"sk-{name}"} for name in ("app", "web")]
    async with serving(tmp_path, Scripted.answer(["好"]), [keyword("无关词语")], tenants=tenants) as run:
        limited = [keyword("说说", tenants=("web",)), keyword("样例甲乙", endpoints=("/v1/responses",))]
        folder, key = run.settings.review.library, run.house.library_key
        version = make_snapshot(folder, limited, author="t", reason="t", now=NOW, key=key)
        set_rollout(folder, Rollout(version, "shadow"), key)
        await until(lambda: run.house.library.candidate)
        for name in ("app", "web"):
            asked = await run.http.post(
                "/v1/chat/completions", json=ASK, headers={"authorization": f"Bearer sk-{name}"}
            )
            assert asked.json()["aigc"]["review"]["decision"] == "pass"
        await until(lambda: run.house.metrics.shadowed == 2)
        records = [stored.record for stored in await run.records(kind="shadow")]
        assert [f["entry"] for record in records for f in record.fields["findings"]] == [limited[0].id]


async def test_shadow_reviews_that_find_no_room_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path, Scripted.answer(["好"]), [keyword("无关词语")]) as run:
        monkeypatch.setattr(run.house.shadow, "_queue", asyncio.Queue(1))
        set_rollout(
            run.settings.review.library, Rollout(snapshot(run, "样例甲乙"), "shadow"), run.house.library_key
        )
        await until(lambda: run.house.library.candidate)
        for _ in range(3):
            await said(run)
        # One waits in the new queue, for the reviewing task listens to the old one.
        assert run.house.metrics.shadow_dropped == 2


async def test_metrics_tell_requests_findings_and_versions(tmp_path: Path) -> None:
    async with serving(
        tmp_path, Scripted.answer(["样例", "甲乙"]), [keyword("样例甲乙", category="A.2.b")]
    ) as run:
        await said(run)
        async with run.http.stream("POST", "/v1/chat/completions", json={**ASK, "stream": True}) as stream:
            assert [line async for line in stream.aiter_lines()]
        await asyncio.sleep(0)
        run.house.fingerprints.dropped = 3
        answer = await run.http.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        text = answer.text
        worker = run.house.worker
        current = run.house.library.current
        assert current is not None
        assert (
            f'inkseal_requests_total{{worker="{worker}",endpoint="/v1/chat/completions",status="blocked"}} 2'
            in text
        )
        finding = f'inkseal_findings_total{{worker="{worker}",direction="output",action="block",category="A.2.b"}} 2'
        assert finding in text
        assert f'inkseal_library_info{{worker="{worker}",version="{current.version}",trial=""}} 1' in text
        assert f'inkseal_fingerprints_dropped_total{{worker="{worker}"}} 3' in text
        assert "inkseal_library_converged 1" in text
        assert 'inkseal_library_entries{category="A.2.b"} 1\n' in text
        assert 'inkseal_library_entries{category="A.1.a"} 0\n' in text
        assert re.search(r'inkseal_path_seconds_count\{worker="[^"]+"\} [1-9]', text)
        assert f'inkseal_streams{{worker="{worker}"}} 0' in text
        assert f'inkseal_held_characters{{worker="{worker}"}} 0' in text
        assert re.search(r"inkseal_library_age_days 0\.\d+", text)
        for line in text.splitlines():
            assert re.fullmatch(r"# (HELP|TYPE) .+|[a-z_]+(\{[^{}]*\})? [0-9.e+-]+", line), line
