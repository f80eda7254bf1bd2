"""Two marks of a long answer are enough for a verdict, once it was put out here; not where the tenant said no."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from labelers.watermarks.carrier import strip_own
from labelers.watermarks.carrier_codec import GRAIN_RUN, SECOND_RUN
from proxy import worker
from proxy.keys import KeyFile
from proxy.upstreams.scripted import Scripted
from tests.helpers import Running, serving
from tests.labelers.documents import zh_sentence

TENANTS = [
    {"name": "kept", "key": "sk-kept"},
    {"name": "private", "key": "sk-private", "watermarks": {"carrier": {"index": False}}},
    {"name": "bare", "key": "sk-bare", "watermarks": {"carrier": {"enabled": False}}},
]


def chinese(seed: int, sentences: int = 30) -> str:
    rng = random.Random(seed)
    return "".join(zh_sentence(rng) for _ in range(sentences))


async def ask(run: Running, key: str = "sk-kept", *, stream: bool = False, **more: Any) -> str:
    client = run.client.with_options(api_key=key)
    messages: Any = [{"role": "user", "content": "你好"}]
    if not stream:
        answer = await client.chat.completions.create(model="m", messages=messages, **more)
        return answer.choices[-1].message.content or ""
    chunks = await client.chat.completions.create(model="m", messages=messages, stream=True, **more)
    return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks if chunk.choices])


def part(said: str, count: int) -> str:
    """What ends with so many marks from the fifth on, with the words before them."""
    runs = list(GRAIN_RUN.finditer(said))
    return said[runs[3].end() : runs[3 + count].end()]


async def look(run: Running, text: str, key: str = "") -> dict[str, Any]:
    assert await asyncio.to_thread(run.house.marks.flush)
    headers = {"authorization": f"Bearer {key}"} if key else {}
    report = (await run.http.post("/api/v1/detect", json={"text": text}, headers=headers)).json()
    (carrier,) = [one for one in report["detections"] if one["detector"] == "carrier"]
    return {"verdict": report["verdict"], **carrier}


@pytest.mark.parametrize("stream", [False, True])
async def test_two_marks_confirm_an_answer_and_name_its_record(tmp_path: Path, stream: bool) -> None:
    upstream = Scripted.answer([chinese(1)[at : at + 50] for at in range(0, 500, 50)])
    async with serving(tmp_path, upstream, tenants=TENANTS, key="sk-kept") as run:
        said = await ask(run, stream=stream)
        seen = await look(run, part(said, 2))
        record = (await run.last()).record
    assert (seen["verdict"], seen["outcome"]) == ("confirmed", "present")
    assert seen["provenance"]["content_id"] == record.content_id
    assert (seen["detail"], seen["p_value"]) == ("", None)


async def test_one_mark_is_a_hint_that_only_tenants_and_operators_can_follow(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer([chinese(2)]), tenants=TENANTS, key="sk-kept") as run:
        said = await ask(run)
        public, known = await look(run, part(said, 1)), await look(run, part(said, 1), "sk-private")
        record = (await run.last()).record
    for seen in (public, known):
        assert (seen["verdict"], seen["outcome"]) == ("suspected", "inconclusive")
    assert public["provenance"] == {"producer": "UNSET"}
    assert known["provenance"]["content_id"] == record.content_id


async def test_two_marks_on_other_words_confirm_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer([chinese(3)]), tenants=TENANTS, key="sk-kept") as run:
        said = await ask(run)
        marks = GRAIN_RUN.findall(part(said, 2))
        seen = await look(run, "".join(f"这句话是一个人写的，没有人问过模型{mark}" for mark in marks))
    assert (seen["verdict"], seen["outcome"]) == ("suspected", "inconclusive")


@pytest.mark.parametrize("stream", [False, True])
async def test_every_tenant_has_the_profiles_that_were_chosen_for_it(tmp_path: Path, stream: bool) -> None:
    carriers: dict[str, dict[str, Any]] = {
        "sk-default": {},
        "sk-dense": {"profile": "dense"},
        "sk-final": {"profile": "final-only"},
        "sk-quotes": {"profile": "off", "kinds": {"quote": "default"}},
        "sk-twice": {"second": True},
        "sk-sms": {"enabled": False},
    }
    tenants = [{"name": key, "key": key, "watermarks": {"carrier": one}} for key, one in carriers.items()]
    quoted = chinese(7)
    text = f"{chinese(8)}\n\n> {quoted}\n\n{chinese(9)}"
    answer = Scripted.answer([text[at : at + 7] for at in range(0, len(text), 7)])
    async with serving(tmp_path, answer, tenants=tenants, key="sk-default") as run:
        said = {key: await ask(run, key, stream=stream) for key in carriers}
    places = {key: len(GRAIN_RUN.findall(one)) for key, one in said.items()}
    assert places["sk-dense"] > 1.4 * places["sk-default"] > 20
    assert (places["sk-final"], places["sk-sms"]) == (1, 0)
    assert places["sk-twice"] == places["sk-default"]
    assert [len(SECOND_RUN.findall(said[key])) for key in ("sk-twice", "sk-default")] == [
        places["sk-twice"],
        0,
    ]
    # Only the quotation bears marks, and all of it does.
    before, _, rest = said["sk-quotes"].partition("\n> ")
    quotation, _, after = rest.partition("\n\n")
    assert not GRAIN_RUN.search(before + after)
    assert len(GRAIN_RUN.findall(quotation)) > len(quoted) / 40
    assert all(text in strip_own(one) for one in said.values())


@pytest.mark.parametrize("key", ["sk-private", "sk-bare"])
async def test_the_marks_of_a_tenant_that_opted_out_are_not_kept(tmp_path: Path, key: str) -> None:
    async with serving(tmp_path, Scripted.answer([chinese(4)]), tenants=TENANTS, key=key) as run:
        said = await ask(run, key)
        if key == "sk-private":
            assert (await look(run, part(said, 2)))["outcome"] == "inconclusive"
        assert not (tmp_path / "data/marks").exists()
        said = await ask(run, "sk-kept")
        assert (await look(run, part(said, 2)))["outcome"] == "present"


async def test_without_records_or_without_marks_nothing_is_kept(tmp_path: Path) -> None:
    for at, sections in enumerate(
        ({"records": {"enabled": False}}, {"watermarks": {"carrier": {"profile": "off"}}}, {})
    ):
        folder = tmp_path / str(at)
        folder.mkdir()
        text = chinese(5) if sections else '{"no": "marks in here, though they are on, for it is JSON"}'
        async with serving(folder, Scripted.answer([text]), **sections) as run:
            await ask(run, "sk-any")
        assert not (folder / "data/marks").exists()


async def test_every_choice_is_kept_over_a_restart_and_across_a_key_rotation(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer([chinese(6)])) as run:
        said = await ask(run, "sk-any", n=2)
        keys = KeyFile.load(run.settings.keys.file)
    keys.rotate(now="2027-01-01T00:00:00.000Z")
    store = worker.mark_store(run.settings)
    assert store.count() == 2
    store.close()
    (path,) = (tmp_path / "data/marks").glob("marks-*.sqlite")
    assert path.stat().st_mode & 0o077 == 0
    async with serving(tmp_path, Scripted.answer([chinese(6)])) as run:
        seen = await look(run, part(said, 2))
    assert (seen["outcome"], seen["provenance"]["key_epoch"]) == ("present", "1")


async def test_fragments_count_against_the_limit_of_strangers(tmp_path: Path) -> None:
    """Who could try at will would find places on other words where two marks happen to fit."""
    async with serving(
        tmp_path,
        Scripted.answer([chinese(7)]),
        tenants=TENANTS,
        key="sk-kept",
        server={"detect_per_minute": 2},
    ) as run:
        fragment = part(await ask(run), 2)
        codes = [
            (await run.http.post("/api/v1/detect", json={"text": fragment})).status_code for _ in range(3)
        ]
        page = await run.http.post("/verify", data={"text": fragment})
    assert codes == [200, 200, 429]
    assert page.status_code == 429


async def test_the_page_judges_fragments_too(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer([chinese(8)]), tenants=TENANTS, key="sk-kept") as run:
        fragment = part(await ask(run), 2)
        assert await asyncio.to_thread(run.house.marks.flush)
        record = (await run.last()).record
        page = await run.http.post("/verify", data={"text": fragment}, headers={"accept-language": "en"})
    assert page.status_code == 200
    assert record.content_id in page.text
