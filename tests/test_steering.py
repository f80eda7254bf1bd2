"""Which statistical mark an answer gets, and why."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from labelers.provenance import KeyRing
from labelers.watermarks.substitution import Substitution, count_fits, read_places
from labelers.watermarks.units import epoch_prf
from proxy import steering
from proxy.upstreams import replies
from proxy.upstreams.scripted import Scripted
from tests.helpers import keyword, serving
from tests.labelers.test_substitution import EN
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
        assert (await told(run))["schemes"] == ["substitution"]
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


async def test_a_named_scheme_waits_until_the_upstream_is_known(tmp_path: Path) -> None:
    async with serving(tmp_path, watermarks=statistical(scheme="best_of_n")) as run:
        run.house.statistical.can.clear()
        watermark = await told(run)
        assert watermark["schemes"] == []
        assert watermark["statistical"]["unmarked"] == "what the upstream can do is not known yet"


async def test_words_are_chosen_in_streams_before_review_sees_them(tmp_path: Path) -> None:
    parts = [EN[at : at + 7] for at in range(0, len(EN), 7)]
    upstream = Scripted(lambda request: replies.answer(request, parts), name="main")
    async with serving(
        tmp_path, upstream, [keyword("for instance")], watermarks=statistical(scheme="substitution")
    ) as run:
        run.house.statistical.rewording = Substitution(run.house.ring)
        blocked = 0
        for kid in range(1, 9):
            ring = KeyRing(kid.to_bytes(32, "big"))
            run.house.statistical.rewording = Substitution(ring)
            stream = await run.client.chat.completions.create(model="m", messages=QUESTION, stream=True)
            text, finish, aigc = "", None, {}
            async for chunk in stream:
                aigc = (chunk.model_extra or {}).get("aigc", aigc)
                for choice in chunk.choices:
                    text += choice.delta.content or ""
                    finish = choice.finish_reason or finish
            blocked += finish == "content_filter"
            assert "or instance" not in text
            if finish == "stop":
                body = text.split("\n\n", 1)[1].rpartition("\n\n")[0]
                found = read_places(body)
                assert count_fits(epoch_prf(ring, 1), found) > 0.9 * len(found) > 9
                assert aigc["watermark"]["schemes"] == ["substitution"]
        assert 0 < blocked < 8  # the key chose the blocked word in some


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"response_format": {"type": "json_object"}}, "JSON"),
        ({"logprobs": True}, "logprobs"),
        ({"extra_body": {"grammar": "root ::= x"}}, "grammar"),
    ],
)
async def test_what_must_stay_as_it_is_keeps_its_words(
    tmp_path: Path, members: dict[str, Any], reason: str
) -> None:
    upstream = Scripted(lambda request: replies.answer(request, [EN]), name="main")
    async with serving(tmp_path, upstream, watermarks=statistical(scheme="substitution")) as run:
        answer = await run.client.chat.completions.create(model="m", messages=QUESTION, **members)
        assert EN in (answer.choices[0].message.content or "")
        watermark = answer.model_extra["aigc"]["watermark"]  # type: ignore[index]
        assert reason in watermark["statistical"]["unmarked"]


async def test_a_request_that_cannot_be_driven_gets_the_next_best_mark(tmp_path: Path) -> None:
    can = {"n": 8, "prefix": "trailing"}
    upstreams = [{"name": "main", "kind": "scripted", "capabilities": can}]
    async with serving(
        tmp_path,
        Scripted(lambda request: replies.answer(request, [EN]), name="main"),
        upstreams=upstreams,
        watermarks=statistical(),
    ) as run:
        answer = await run.client.chat.completions.create(model="m", messages=QUESTION, temperature=0)
        assert answer.model_extra["aigc"]["watermark"]["schemes"] == ["substitution"]  # type: ignore[index]
        record = (await run.last()).record.fields["statistical"]
        assert (record["scheme"], record["unmarked"]) == ("substitution", None)
        assert record["why"] == "without chance (temperature 0) there is nothing to choose from"
        told = (await run.client.chat.completions.create(model="m", messages=QUESTION)).model_extra["aigc"]  # type: ignore[index]
        assert told["watermark"]["statistical"]["scheme"] == "best_of_n"
        assert "samples 8 continuations" in told["watermark"]["statistical"]["why"]


async def test_an_answer_that_another_proxy_labelled_is_not_marked_again(tmp_path: Path) -> None:
    can = {"n": 8, "prefix": "trailing"}
    upstreams = [{"name": "main", "kind": "scripted", "capabilities": can, "trusted_labels": True}]
    async with serving(
        tmp_path,
        Scripted(lambda request: replies.answer(request, [EN]), name="main"),
        upstreams=upstreams,
        watermarks=statistical(),
    ) as run:
        answer = await run.client.chat.completions.create(model="m", messages=QUESTION)
        assert answer.model_extra["aigc"]["watermark"]["schemes"] == []  # type: ignore[index]


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
