"""An answer is recognised after every mark and label is gone; not where the tenant or the operator said no."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from proxy import worker
from proxy.upstreams.scripted import Scripted
from tests.detectors.test_fingerprint import chinese
from tests.helpers import Running, serving

TENANTS = [
    {"name": "logged", "key": "sk-logged"},
    {"name": "private", "key": "sk-private", "fingerprints": {"enabled": False}},
]


async def ask(run: Running, key: str, *, stream: bool = False) -> str:
    client = run.client.with_options(api_key=key)
    messages: Any = [{"role": "user", "content": "你好"}]
    if not stream:
        answer = await client.chat.completions.create(model="m", messages=messages)
        return answer.choices[0].message.content or ""
    chunks = await client.chat.completions.create(model="m", messages=messages, stream=True)
    return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks if chunk.choices])


async def look(run: Running, text: str) -> dict[str, Any]:
    assert await asyncio.to_thread(run.house.fingerprints.flush)
    report = (await run.http.post("/api/v1/detect", json={"text": text})).json()
    return {one["detector"]: one for one in report["detections"]} | {"report": report}


async def test_an_excerpt_without_any_mark_is_traced_to_its_record(tmp_path: Path) -> None:
    text = chinese(1)
    async with serving(
        tmp_path, Scripted.answer([text[:100], text[100:]]), tenants=TENANTS, key="sk-logged"
    ) as run:
        await ask(run, "sk-logged", stream=True)
        seen = await look(run, text[50:120])
        record = (await run.last()).record
    assert seen["report"]["verdict"] == "suspected"
    assert seen["report"]["statutory"]["label"] == "3"
    assert "logged by this service" in seen["report"]["notice"]
    assert seen["carrier"]["outcome"] == "absent"
    assert seen["fingerprint"]["outcome"] == "present"
    assert record.content_id
    # Whose answer it was is nobody's business who is not known here.
    assert "content_id" not in seen["fingerprint"]["provenance"]


async def test_tenants_and_operators_learn_which_answer_it_was(tmp_path: Path) -> None:
    text = chinese(1)
    async with serving(tmp_path, Scripted.answer([text]), tenants=TENANTS, key="sk-logged") as run:
        await ask(run, "sk-logged")
        run.http.headers["authorization"] = "Bearer sk-private"
        seen = await look(run, text[50:120])
        record = (await run.last()).record
    assert seen["fingerprint"]["provenance"]["content_id"] == record.content_id


async def test_answers_of_a_tenant_that_opted_out_are_not_kept(tmp_path: Path) -> None:
    text = chinese(2)
    async with serving(tmp_path, Scripted.answer([text]), tenants=TENANTS, key="sk-private") as run:
        await ask(run, "sk-private")
        assert (await look(run, text))["fingerprint"]["outcome"] == "absent"
        await ask(run, "sk-logged")
        assert (await look(run, text))["fingerprint"]["outcome"] == "present"


async def test_what_is_switched_off_leaves_no_file(tmp_path: Path) -> None:
    text = chinese(3)
    async with serving(tmp_path, Scripted.answer([text]), fingerprints={"enabled": False}) as run:
        await ask(run, "sk-any")
        assert (await look(run, text))["fingerprint"]["outcome"] == "absent"
    assert not (tmp_path / "data/fingerprints").exists()


async def test_what_was_put_out_right_before_the_stop_is_kept(tmp_path: Path) -> None:
    text = chinese(4)
    async with serving(tmp_path, Scripted.answer([text])) as run:
        await ask(run, "sk-any")
    async with serving(tmp_path, Scripted.answer([text])) as run:
        assert (await look(run, text))["fingerprint"]["outcome"] == "present"


async def test_no_text_is_in_the_files(tmp_path: Path) -> None:
    text = chinese(5)
    async with serving(tmp_path, Scripted.answer([text])) as run:
        await ask(run, "sk-any")
    files = list((tmp_path / "data/fingerprints").iterdir())
    assert files
    for path in files:
        held = path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0
        for at in range(0, len(text) - 4, 3):
            for encoding in ("utf-8", "utf-16-le", "utf-32-le"):
                assert text[at : at + 4].encode(encoding) not in held


async def test_every_choice_is_kept(tmp_path: Path) -> None:
    text = chinese(6)
    async with serving(tmp_path, Scripted.answer([text]), tenants=TENANTS, key="sk-logged") as run:
        messages: Any = [{"role": "user", "content": "你好"}]
        both = await run.client.chat.completions.create(model="m", messages=messages, n=2)
        assert len(both.choices) == 2
        run.http.headers["authorization"] = "Bearer sk-logged"
        seen = await look(run, text)
        ids = (await run.last()).record.fields["content_ids"]
        store = worker.fingerprint_store(run.settings)
        assert store.count() == 2
        store.close()
    assert seen["fingerprint"]["provenance"]["content_id"] in ids
