"""The verify page over HTTP: a whole page without scripts, a part for htmx, the same evidence as the API, nothing kept."""

from __future__ import annotations

import html
import json
import logging
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from labelers.provenance import KeyRing, Provenance
from labelers.watermarks import SCHEMES
from labelers.watermarks.best_of_n import BestOfN
from proxy.api.callers import Callers
from proxy.api.detect import detect_router
from proxy.console import verify as module
from proxy.console.verify import verify_router
from proxy.console.words import words
from proxy.house import House
from proxy.signed import verify_report
from tests.labelers.files import samples
from tests.test_api import LABEL, PROSE, house_in


@asynccontextmanager
async def browsing(house: House) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    callers = Callers(house)
    app.include_router(verify_router(house, callers))
    app.include_router(detect_router(house, callers))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy") as client:
        yield client


def marked(house: House) -> str:
    provenance = Provenance("UNSET", 7 << 24, key_id=house.ring.current)
    transform = SCHEMES["carrier"](house.ring, "dense").new_transform(provenance)
    return f"{LABEL}\n\n{transform.feed(PROSE)}{transform.flush()}"


async def submit(client: httpx.AsyncClient, text: str = "", **more: Any) -> httpx.Response:
    fields = {"lang": "zh", "text": text} | more.pop("fields", {})
    files = more.pop("files", {"file": ("", b"")})
    return await client.post("/verify", data=fields, files=files, **more)


@pytest.mark.parametrize(
    ("query", "wanted", "language"),
    [
        ("?lang=en", "zh-CN", "en"),
        ("?lang=zh", "en", "zh-CN"),
        ("?lang=xx", "en-GB,en;q=0.8", "en"),
        ("", "fr,en;q=0.5,zh;q=0.3", "en"),
        ("", "fr", "zh-CN"),
        ("", "", "zh-CN"),
    ],
)
async def test_the_page_is_in_the_language_that_was_asked_for(
    tmp_path: Path, query: str, wanted: str, language: str
) -> None:
    async with browsing(house_in(tmp_path)) as client:
        page = await client.get(f"/verify{query}", headers={"accept-language": wanted})
    assert page.status_code == 200
    assert f'<html lang="{language}">' in page.text
    assert words("en" if language == "en" else "zh")["title"] in page.text


async def test_the_page_loads_nothing_from_elsewhere_and_allows_nothing_inline(tmp_path: Path) -> None:
    async with browsing(house_in(tmp_path)) as client:
        page = await client.get("/verify?lang=en")
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)", page.text)
        loaded = re.findall(r'(?:src|href)="(/verify/static/[^"]+)"', page.text)
        assert len(loaded) == 4
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page.text)
        for place in loaded:
            file = await client.get(place)
            assert file.status_code == 200
            assert file.content
        assert (await client.get("/verify/static/verify.py")).status_code == 404
        assert (await client.get("/verify/static/..%2fverify.py")).status_code == 404


async def test_a_pasted_answer_of_ours_is_confirmed_with_its_evidence(tmp_path: Path) -> None:
    house = house_in(tmp_path)
    async with browsing(house) as client:
        page = await submit(client, marked(house))
    w = words("zh")
    assert page.status_code == 200
    assert w.verdicts["confirmed"] in page.text
    assert f"{7 << 24:016x}" in page.text
    assert "<html" in page.text
    shown = page.text.partition('class="map"')[2].partition("</div>")[0]
    assert "\ufe03" not in page.text
    assert '<mark class="carrier">' in shown
    assert "◇" not in shown
    assert "num_units_scored" not in page.text.partition('name="report"')[0]


async def test_htmx_gets_the_result_alone(tmp_path: Path) -> None:
    async with browsing(house_in(tmp_path)) as client:
        part = await submit(client, f"{LABEL}\n\n春江", headers={"hx-request": "true"})
    assert "<html" not in part.text
    assert words("zh").verdicts["suspected"] in part.text
    assert "hx-request" in part.headers["vary"]


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_every_verdict_has_its_sentence_and_its_reason(tmp_path: Path, language: str) -> None:
    house = house_in(tmp_path)
    w = words(language)
    cases = [
        ("confirmed", "carrier", {"text": marked(house)}),
        ("possible", "declared", {"text": "春江", "declared": "true"}),
        ("suspected", "traces", {"text": f"{LABEL}\n\n春江"}),
        ("not_found", "nothing", {"text": "春江"}),
    ]
    async with browsing(house) as client:
        for verdict, reason, fields in cases:
            page = html.unescape((await submit(client, fields=fields | {"lang": language})).text)
            assert w.verdicts[verdict] in page
            assert w.reasons[reason] in page
            assert f'class="verdict {verdict}"' in page


async def test_a_key_shows_exact_places_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    house = house_in(tmp_path, tenants=[{"name": "t", "key": "sk"}])
    async with browsing(house) as client:
        exact = (await submit(client, marked(house), fields={"key": "sk"})).text
        assert "◇" in exact
        assert "p_value" in exact
        wrong = (await submit(client, marked(house), fields={"key": "no"})).text
        assert "◇" not in wrong.partition("<h2>")[0].partition('class="map"')[2]
        assert words("zh")["wrong_key"] in wrong
        assert "sk" not in re.findall(r'name="key"[^>]*value="([^"]*)"', exact)


async def test_a_file_is_examined_as_a_text_is(tmp_path: Path) -> None:
    house = house_in(tmp_path)
    async with browsing(house) as client:
        page = await submit(client, files={"file": ("C:\\x\\a.txt", marked(house).encode())})
        assert words("zh").verdicts["confirmed"] in page.text
        assert "a.txt" in page.text
        assert "C:" not in page.text
        bad = await submit(client, files={"file": ("a.docx", b"no")}, headers={"hx-request": "true"})
        assert bad.status_code == 422
        assert 'role="alert"' in bad.text


async def test_the_label_of_a_file_is_shown_field_by_field_and_its_faults_told(tmp_path: Path) -> None:
    async with browsing(house_in(tmp_path)) as client:
        good = html.unescape(
            (await submit(client, files={"file": ("a.docx", samples.docx(samples.BARE))})).text
        )
        w = words("zh")
        assert w["compliant"] in good
        for name, value in samples.FIELDS.items():
            assert f"<code>{name}</code></dt><dd><code>{value or '–'}</code>" in good
        twice = f"---\nAIGC: '{samples.BARE}'\n---\n---\nAIGC: '{samples.BARE}'\n---\nx"
        bad = html.unescape((await submit(client, files={"file": ("a.md", twice.encode())})).text)
        assert w["non_compliant"] in bad
        assert "§6.1 c)" in bad


async def test_what_is_refused_is_explained_on_the_page(tmp_path: Path) -> None:
    house = house_in(tmp_path, server={"detect_per_minute": 1, "max_body_bytes": 5000})
    w = words("zh")
    async with browsing(house) as client:
        empty = await submit(client, " ")
        assert (empty.status_code, w["nothing_given"] in empty.text) == (422, True)
        large = await submit(client, "春" * 3000)
        assert (large.status_code, w["too_large"] in large.text) == (413, True)
        assert (await submit(client, "春")).status_code == 200
        many = await submit(client, "春")
        assert many.status_code == 429
        assert w["too_many"].partition("{")[0] in many.text
        assert int(many.headers["retry-after"]) > 0
        # One door for page and API.
        assert (await client.post("/api/v1/detect", json={"text": "春"})).status_code == 429
        broken = await client.post(
            "/verify", content=b"--x", headers={"content-type": "multipart/form-data; boundary=x"}
        )
        assert broken.status_code == 400


@pytest.mark.parametrize(
    ("headers", "fine"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site", "origin": "http://proxy"}, False),
        ({"origin": "http://proxy"}, True),
        ({"origin": "https://elsewhere.example"}, False),
        ({}, True),
    ],
)
async def test_other_sites_cannot_use_up_their_visitors_checks(
    tmp_path: Path, headers: dict[str, str], fine: bool
) -> None:
    async with browsing(house_in(tmp_path)) as client:
        page = await submit(client, "春", headers=headers)
        assert page.status_code == (200 if fine else 403)
        taken = await client.post("/verify/report", data={"report": "{}"}, headers=headers)
        assert taken.status_code == (422 if fine else 403)


async def test_the_page_holds_a_signed_report_and_gives_back_only_that(tmp_path: Path) -> None:
    house = house_in(tmp_path)
    async with browsing(house) as client:
        page = (await submit(client, marked(house))).text
        (held,) = re.findall(r'name="report" value="([^"]*)"', page)
        signed = html.unescape(held)
        taken = await client.post("/verify/report", data={"report": signed, "format": "json"})
        assert taken.status_code == 200
        assert "attachment" in taken.headers["content-disposition"]
        assert verify_report(taken.content, house.report_key.public_key())
        report = json.loads(taken.content)
        assert report["document"]["report"]["verdict"] == "confirmed"
        printed = await client.post("/verify/report", data={"report": signed, "format": "pdf", "lang": "en"})
        assert printed.content.startswith(b"%PDF-")
        assert 'filename="inkseal-report.pdf"' in printed.headers["content-disposition"]
        report["document"]["report"]["verdict"] = "not_found"
        forged = await client.post("/verify/report", data={"report": json.dumps(report)})
        assert forged.status_code == 422
        assert (await client.post("/verify/report", json={})).status_code == 422


async def test_nothing_of_the_text_is_logged_or_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house = house_in(tmp_path)
    with caplog.at_level(logging.DEBUG):
        async with browsing(house) as client:
            await submit(client, f"<b>{PROSE}</b>", fields={"key": "sk-secret"})
    assert "春江潮水" not in caplog.text
    assert "sk-secret" not in caplog.text
    for path in (tmp_path / "data").rglob("*"):
        if path.is_file():
            assert "春江潮水".encode() not in path.read_bytes()


async def test_markup_in_a_text_stays_text(tmp_path: Path) -> None:
    async with browsing(house_in(tmp_path)) as client:
        page = await submit(client, f"{LABEL}\n<script>alert(1)</script> & 春")
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; 春" in page.text


async def test_a_long_text_is_shown_in_part_and_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SHOWN", 5)
    async with browsing(house_in(tmp_path)) as client:
        page = await submit(client, f"{LABEL}\n春江潮水", fields={"lang": "en"})
    assert "Only the first 5 characters" in page.text


def test_both_languages_say_the_same_things() -> None:
    zh, en = words("zh"), words("en")
    for name in ("text", "verdicts", "reasons", "detectors", "about", "outcomes", "origin", "how", "fields"):
        mine, theirs = getattr(zh, name), getattr(en, name)
        assert list(mine) == list(theirs)
        for key, said in mine.items():
            if isinstance(said, str):
                assert re.findall(r"{\w+}", said) == re.findall(r"{\w+}", theirs[key]), key


async def test_those_who_are_known_see_how_each_word_speaks_and_the_public_its_sentences(
    tmp_path: Path,
) -> None:
    house = house_in(tmp_path, tenants=[{"name": "app", "key": "sk-app"}])
    text = words_chosen_by_key(house.ring, 60)
    async with browsing(house) as client:
        public = (await submit(client, text, fields={"lang": "en"})).text
        known = (await submit(client, text, fields={"lang": "en", "key": "sk-app"})).text
        told = await client.post(
            "/api/v1/detect", json={"text": text}, headers={"authorization": "Bearer sk-app"}
        )
        strangers = await client.post("/api/v1/detect", json={"text": text})
    assert "how each word speaks" not in public and "warm3" not in public
    assert "how each word speaks" in known
    assert known.count('class="warm3"') > 50
    # Also by shape and in words, not only by colour.
    assert "█" in known and "strongly for (+" in known and "scored)" in known

    def statistical(reply: Any) -> Any:
        return next(one for one in reply.json()["detections"] if one["detector"] == "statistical")

    heat = statistical(told)["heat"]
    assert len(heat) > 300 and sum(score for *_, score in heat) > 0
    assert "heat" not in statistical(strangers) and statistical(strangers)["z_score"] is None


async def test_which_answer_a_mark_names_is_told_to_those_who_are_known(tmp_path: Path) -> None:
    house = house_in(tmp_path, tenants=[{"name": "app", "key": "sk-app"}])
    text = words_chosen_by_key(house.ring, 160, payload=True)
    async with browsing(house) as client:
        public = (await submit(client, text, fields={"lang": "en"})).text
        known = (await submit(client, text, fields={"lang": "en", "key": "sk-app"})).text
    assert "Content number ends in" in known and "000001" in known
    assert "Content number ends in" not in public and "Key epoch" in public


def words_chosen_by_key(ring: KeyRing, rounds: int, *, payload: bool = False) -> str:
    chance = random.Random(3)
    selection = BestOfN(ring, 8, payload=payload).new_selection(Provenance("X", 1, key_id=ring.current))
    for at in range(rounds):
        candidates = ["".join(chr(0x4E00 + chance.randrange(3000)) for _ in range(8)) for _ in range(8)]
        selection.take(candidates[selection.choose(candidates)] + ("。" if at % 3 == 2 else "，"))
    return selection.text
