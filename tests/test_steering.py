"""Which statistical mark an answer gets, and why."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from proxy import steering
from proxy.upstreams import replies
from proxy.upstreams.scripted import Scripted
from tests.helpers import serving
from tests.upstreams.test_probe import server

QUESTION = [{"role": "user", "content": "Tell me something."}]


def statistical(**settings: Any) -> dict[str, Any]:
    return {"statistical": {"scheme": "auto", **settings}, "carrier": {"enabled": False}}


async def told(run: Any, key: str = "sk-any") -> dict[str, Any]:
    client = run.client.with_options(api_key=key)
    answer = await client.chat.completions.create(model="the-model", messages=QUESTION, max_tokens=8)
    watermark: dict[str, Any] = answer.model_extra["aigc"]["watermark"]
    return watermark


async def test_an_upstream_is_explored_in_the_background_and_then_driven(tmp_path: Path) -> None:
    upstreams = [{"name": "main", "kind": "scripted", "models": ["the-model"]}]
    async with serving(tmp_path, watermarks=statistical(), upstreams=upstreams) as run:
        upstream = Scripted(server("trailing", n=8), name="main")
        run.house.upstreams = [(run.settings.upstreams[0], upstream)]
        run.house.statistical.can.clear()
        run.house.statistical.unknown["main"] = run.settings.upstreams[0]
        assert (await told(run))["statistical"]["unmarked"] == "what the upstream can do is not known yet"
        await asyncio.wait_for(run.house.statistical.explore(run.house.upstreams), 5)
        watermark = await told(run)
        assert watermark["schemes"] == ["best_of_n"]
        assert watermark["statistical"]["unmarked"] is None


async def test_an_upstream_that_does_not_answer_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steering, "EXPLORE_AGAIN", 0.01)
    upstreams = [{"name": "main", "kind": "scripted", "models": ["the-model"]}]
    async with serving(tmp_path, watermarks=statistical(), upstreams=upstreams) as run:
        down = replies.json({"error": {}}, status=500)
        works = server("prefix", n=8)
        asked = 0

        def script(request: Any) -> Any:
            nonlocal asked
            asked += 1
            return down if asked < 3 else works(request)

        upstream = Scripted(script, name="main")
        marks = run.house.statistical
        marks.can.clear()
        marks.unknown["main"] = run.settings.upstreams[0]
        await asyncio.wait_for(marks.explore([(run.settings.upstreams[0], upstream)]), 5)
        assert marks.can["main"].prefix == "prefix"


async def test_an_upstream_that_lacks_what_it_takes_answers_unmarked_with_the_reason(tmp_path: Path) -> None:
    can = {"n": 1, "prefix": "none"}
    upstreams = [{"name": "main", "kind": "scripted", "models": ["the-model"], "capabilities": can}]
    async with serving(tmp_path, watermarks=statistical(scheme="best_of_n"), upstreams=upstreams) as run:
        watermark = await told(run)
        assert watermark["schemes"] == []
        assert "needs n ≥ 2" in watermark["statistical"]["unmarked"]


async def test_a_tenant_may_have_it_while_others_do_not(tmp_path: Path) -> None:
    can = {"n": 8, "prefix": "trailing"}
    upstreams = [{"name": "main", "kind": "scripted", "models": ["the-model"], "capabilities": can}]
    tenants = [
        {"name": "with", "key": "sk-with", "watermarks": {"statistical": {"scheme": "best_of_n"}}},
        {"name": "without", "key": "sk-without"},
    ]
    upstream = Scripted(server("trailing", n=8), name="main")
    async with serving(
        tmp_path, upstream, upstreams=upstreams, tenants=tenants, watermarks={"carrier": {"enabled": False}}
    ) as run:
        assert (await told(run, "sk-with"))["schemes"] == ["best_of_n"]
        watermark = await told(run, "sk-without")
        assert watermark["schemes"] == []
        assert "statistical" not in watermark


async def test_where_no_mark_is_wanted_nothing_is_asked(tmp_path: Path) -> None:
    async with serving(tmp_path) as run:
        assert run.house.statistical.schemes == {}
        assert run.house.statistical.unknown == {}
