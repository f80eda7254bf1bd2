"""Entries that are limited to a role, a tenant, a model, an endpoint or a time, over the wire."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from proxy.review import library
from proxy.upstreams.scripted import Scripted
from tests.helpers import keyword, serving

LIMITED: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"roles": ["user"]}, True),
    ({"roles": ["system"]}, False),
    ({"tenants": ["app"]}, True),
    ({"tenants": ["web"]}, False),
    ({"models": ["m*"]}, True),
    ({"models": ["other"]}, False),
    ({"endpoints": ["/v1/chat/*"]}, True),
    ({"endpoints": ["/v1/responses"]}, False),
    ({"expires": "2020-01-01"}, False),
    ({"effective_from": "2020-01-01"}, True),
]
TENANTS = [{"name": "app", "key": "sk-app"}]


@pytest.mark.parametrize(("limits", "looks"), LIMITED, ids=str)
async def test_a_question_meets_the_entries_that_look_at_it(
    tmp_path: Path, limits: dict[str, Any], looks: bool
) -> None:
    entries = [keyword("甲乙丙", **limits)]
    async with serving(tmp_path, Scripted.answer(["好"]), entries, key="sk-app", tenants=TENANTS) as run:
        said = await run.client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "说甲乙丙"}]
        )
    assert (said.choices[0].finish_reason == "content_filter") is looks


@pytest.mark.parametrize(
    ("limits", "looks"),
    [*LIMITED[3:], ({"roles": ["assistant"]}, True), ({"roles": ["user"]}, False)],
    ids=str,
)
async def test_an_answer_meets_the_entries_that_look_at_it(
    tmp_path: Path, limits: dict[str, Any], looks: bool
) -> None:
    entries = [keyword("甲乙丙", **limits)]
    async with serving(
        tmp_path, Scripted.answer(["说甲", "乙丙"]), entries, key="sk-app", tenants=TENANTS
    ) as run:
        said = await run.client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "你好"}]
        )
    assert (said.choices[0].finish_reason == "content_filter") is looks


async def test_limited_entries_are_made_ready_beside_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [keyword("甲乙丙", roles=["user"]), keyword("丁戊己", roles=["assistant"])]
    async with serving(
        tmp_path, Scripted.answer(["说丁", "戊己"]), entries, key="sk-app", tenants=TENANTS
    ) as run:
        where: list[int] = []
        compile_kits = library.compile_kits

        def watched(*args: Any) -> Any:
            where.append(threading.get_ident())
            return compile_kits(*args)

        monkeypatch.setattr(library, "compile_kits", watched)
        said = await run.client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "你好"}]
        )
    assert said.choices[0].finish_reason == "content_filter"
    assert where
    assert threading.get_ident() not in where


async def test_a_word_over_two_turns_is_found(tmp_path: Path) -> None:
    messages: list[Any] = [
        {"role": "user", "content": "说甲"},
        {"role": "assistant", "content": "好"},
        {"role": "user", "content": "乙丙"},
    ]
    async with serving(tmp_path, Scripted.answer(["好"]), [keyword("甲乙丙")]) as run:
        said = await run.client.chat.completions.create(model="m", messages=messages)
    assert said.choices[0].finish_reason == "content_filter"
