"""An answer of ours as a file; and nobody's text under our name."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from detectors import files as reader
from labelers.files import WRITERS
from labelers.reserved_code import verify
from labelers.watermarks.carrier import strip_own
from proxy.records.record import RecordError
from proxy.upstreams.scripted import Scripted
from tests.helpers import Running, serving

PROSE = "".join(
    f"这是第{n}段，春江潮水连海平，海上明月共潮生，滟滟随波千万里，何处春江无月明。\n\n"
    for n in "一二三四五六七八九十"
).strip()
CODE = (
    "答案在这里：\n\n```python\n" + "x = 1  # 一行代码\n" * 40 + "```\n\n以上就是全部内容，希望对你有所帮助。"
)


@asynccontextmanager
async def answered(
    folder: Path, text: str = PROSE, **sections: Any
) -> AsyncIterator[tuple[Running, str, str]]:
    """A proxy, what it answered, and the content id of that."""
    async with serving(folder, Scripted.answer([text]), **sections) as run:
        answer = await run.client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "春天怎么样？"}]
        )
        said = answer.choices[0].message.content
        assert said is not None
        yield run, said, answer.model_extra["aigc"]["ProduceID"] if answer.model_extra else ""


async def export(run: Running, text: str, kind: str = "md", **more: Any) -> httpx.Response:
    return await run.http.post("/api/v1/export", json={"text": text, "format": kind, **more})


@pytest.mark.parametrize("kind", sorted(WRITERS))
async def test_an_answer_becomes_a_file_that_the_detector_confirms(tmp_path: Path, kind: str) -> None:
    async with answered(tmp_path) as (run, said, number):
        answer = await export(run, said, kind)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-disposition"] == f'attachment; filename="{number}.{kind}"'
        reading = reader.read(answer.content, f"a.{kind}")
        assert reading.verdict == "compliant"
        assert reading.explicit == ("【本内容由AI生成】", "（以上内容由AI生成）")
        assert reading.fields["ProduceID"] == number
        signature = verify(reading.fields, reading.fields["ReservedCode1"], run.house.pinned_keys)
        assert signature.authentic, signature.reason
        examined = await run.http.post("/api/v1/detect/file", files={"file": (f"a.{kind}", answer.content)})
        report = examined.json()
        assert report["verdict"] == "confirmed"
        assert {"metadata", "carrier", "explicit"} <= {
            d["detector"] for d in report["detections"] if d["outcome"] == "present"
        }
        assert (await export(run, said, kind)).content == answer.content


async def test_every_export_is_recorded(tmp_path: Path) -> None:
    async with answered(tmp_path) as (run, said, number):
        answer = await export(run, said, "html")
        (stored,) = await run.records(kind="export")
        record = stored.record
        assert (record.content_id, record.request_id) == (number, answer.headers["x-request-id"])
        assert record.fields["format"] == "html"
        assert record.fields["basis"] == "record"
        assert record.fields["bytes"] == len(answer.content)
        assert PROSE not in str(record)


@pytest.mark.parametrize("with_id", [True, False])
async def test_exactly_the_words_of_the_record_are_ours_without_any_mark(
    tmp_path: Path, with_id: bool
) -> None:
    async with answered(tmp_path) as (run, said, number):
        plain = strip_own(said)
        more = {"content_id": number.upper()} if with_id else {}
        assert (await export(run, plain, **more)).status_code == (200 if with_id else 422)
        assert (await export(run, PROSE, **more)).status_code == (200 if with_id else 422)


async def test_an_answer_with_much_code_is_ours_by_its_record(tmp_path: Path) -> None:
    async with answered(tmp_path, CODE) as (run, said, number):
        made = await export(run, said, "docx", content_id=number)
        assert made.status_code == 200
        assert "x = 1" in reader.read(made.content, "a.docx").text


VARIED = (
    "开春以后，河边的柳树先绿了，随后是坡上的杏花。老周每天清晨都去渡口看水位，回来把数字写在门后的木板上。镇里的学校开学晚了"
    "一个星期，因为桥还没有修好，孩子们要绕很远的路。面馆的老板娘说，今年的面粉涨了两成，她只好把碗换小一号。傍晚时分，收音机里"
    "播着外地的天气，谁也没有认真听，倒是那只黄狗，总在播音员说到降雨的时候抬起头来。"
)


@pytest.mark.parametrize("named", [True, False])
async def test_a_corrected_answer_is_ours_by_its_fingerprint_if_its_number_or_its_mark_names_it(
    tmp_path: Path, named: bool
) -> None:
    async with answered(tmp_path, VARIED) as (run, said, number):
        run.house.fingerprints.flush()
        corrected = (strip_own(said) if named else said).replace("黄狗", "老狗") + "\n\n谢谢阅读。"
        answer = await export(run, corrected, **({"content_id": number} if named else {}))
        assert answer.status_code == 200, answer.text
        assert (await run.records(kind="export"))[0].record.fields["basis"] == "fingerprint"
        assert number in answer.text
        nameless = await export(run, strip_own(corrected))
        assert nameless.status_code == 422
        assert "no genuine mark" in nameless.json()["error"]["message"]


async def test_a_file_says_whose_answer_it_is_also_where_no_record_tells_the_model(tmp_path: Path) -> None:
    off = {"records": {"enabled": False}}
    async with answered(tmp_path, VARIED, **off) as (run, said, number):
        run.house.fingerprints.flush()
        for text in (said, strip_own(said)):
            answer = await export(run, text, "json", content_id=number)
            assert answer.status_code == 200, answer.text
            assert run.settings.provider.code in answer.text


async def test_words_that_nothing_shows_to_be_ours_are_refused_with_what_is_missing(tmp_path: Path) -> None:
    off = {"fingerprints": {"enabled": False}}
    async with answered(tmp_path, VARIED, **off) as (run, said, number):
        assert (await export(run, said)).status_code == 200  # its record has these words
        for text, names in (
            (said.replace("黄狗", "老狗"), {}),
            (strip_own(said).replace("黄狗", "老狗"), {"content_id": number}),
        ):
            message = (await export(run, text, **names)).json()["error"]["message"]
            assert number in message
            assert "the record of that answer has other words" in message
            assert "no fingerprint" in message
        longer = (await export(run, said + FOREIGN * 2)).json()["error"]["message"]
        assert "longer than the answer" in longer


async def test_without_record_and_fingerprint_the_grains_must_be_tied_to_nearly_all_the_words(
    tmp_path: Path,
) -> None:
    text = "春江潮水连海平海上明月，" * 12  # eleven letters, and a place for a grain
    off = {"fingerprints": {"enabled": False}, "records": {"enabled": False}}
    dense = {"watermarks": {"carrier": {"profile": "dense"}}}
    for folder in ("dense", "usual"):
        (tmp_path / folder).mkdir()
    async with answered(tmp_path / "dense", text, **off, **dense) as (run, said, number):
        answer = await export(run, said)
        assert answer.status_code == 200, answer.text
        assert number in answer.text
        assert (await export(run, said, content_id="0" * 16)).status_code == 422
    async with answered(tmp_path / "usual", VARIED, **off) as (run, said, number):
        answer = await export(run, said)
        assert answer.status_code == 422
        message = answer.json()["error"]["message"]
        assert re.search(r"vouches for \d\d% of its letters, and no record of that answer is kept", message)


FOREIGN = "人写的文字，与机器毫无关系，只是想借用别人的名字来盖一个章而已，所以写得很长很长。"


async def test_two_marks_that_the_index_knows_are_too_few_to_stamp_a_text(tmp_path: Path) -> None:
    async with answered(tmp_path) as (run, said, _):
        run.house.marks.flush()
        runs = list(re.finditer("[\ufe00-\ufe0f]{13}", said))
        fragment = said[runs[3].end() : runs[5].end()]
        found = (await run.http.post("/api/v1/detect", json={"text": fragment})).json()
        assert found["verdict"] == "confirmed"
        assert (await export(run, fragment)).status_code == 422


@pytest.mark.parametrize("fingerprints", [True, False])
@pytest.mark.parametrize("original", [PROSE, VARIED])
async def test_text_that_is_not_ours_is_refused_and_nothing_is_stamped_or_recorded(
    tmp_path: Path, original: str, fingerprints: bool
) -> None:
    off = {"fingerprints": {"enabled": fingerprints}}
    async with answered(tmp_path, original, **off) as (run, said, number):
        run.house.fingerprints.flush()
        grains = said[:600]
        texts = {
            "foreign": FOREIGN,
            "foreign with our number": FOREIGN,
            "foreign under our label": f"【本内容由AI生成】\n\n{FOREIGN}\n\n（以上内容由AI生成）",
            "ours and as much again": said + "\n\n" + FOREIGN * 20,
            "stuffed behind each grain, where no bind notices": re.sub(
                "([\ufe00-\ufe0f]{13,})", rf"\1{FOREIGN}", said
            ),
            "stuffed with a little behind each grain": re.sub(
                "([\ufe00-\ufe0f]{13,})", rf"\1{FOREIGN[:15]}", said
            ),
            "stuffed between the grains": said.replace("，", f"，{FOREIGN}"),
            "a sentence slipped in": said.replace("。", f"。{FOREIGN}", 1),
            "what no bind notices replaced": re.sub(
                "([\ufe00-\ufe0f]{13,})(.{4})", rf"\1{FOREIGN[:4]}", said, flags=re.DOTALL
            ),
            "ours and foreign code": f"{said}\n\n```\n{FOREIGN}\n```\n",
            "marks moved": FOREIGN + "".join(c for c in grains if "\ufe00" <= c <= "\ufe0f"),
        }
        for name, text in texts.items():
            more = {"content_id": number} if "number" in name else {}
            answer = await export(run, text, **more)
            assert answer.status_code == 422, name
            assert answer.json()["error"]["code"] == "not_ours"
        other = await export(run, said, content_id="0" * 16)
        assert other.status_code == 422
        assert await run.records(kind="export") == []


async def test_a_key_is_needed(tmp_path: Path) -> None:
    async with answered(tmp_path, tenants=[{"name": "t", "key": "sk-any"}]) as (run, said, _):
        assert (await export(run, said)).status_code == 401
        asked = {"text": said, "format": "md"}
        answer = await run.http.post("/api/v1/export", json=asked, headers={"authorization": "Bearer sk-any"})
        assert answer.status_code == 200
        assert (await run.records(kind="export"))[0].record.fields["tenant"] == "t"


@pytest.mark.parametrize(
    "body",
    [{}, {"text": "x"}, {"text": "", "format": "md"}, {"text": "x", "format": "odt"},
     {"text": "x", "format": "md", "content_id": "12"}, {"text": "x", "format": "md", "more": 1}],
)  # fmt: skip
async def test_what_is_no_such_request_is_refused(tmp_path: Path, body: dict[str, Any]) -> None:
    async with serving(tmp_path) as run:
        assert (await run.http.post("/api/v1/export", json=body)).status_code == 422


async def test_what_cannot_be_recorded_is_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with answered(tmp_path) as (run, said, _):

        async def full(record: object) -> None:
            raise RecordError("the disk is full")

        monkeypatch.setattr(run.house.records, "append", full)
        answer = await export(run, said)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "records_unavailable")
        monkeypatch.undo()
        run.house.draining = True
        assert (await export(run, said)).json()["error"]["code"] == "draining"
        run.house.draining = False
        monkeypatch.setattr("labelers.files.typeset._FONT_PACKAGE", "none")
        from labelers.files import typeset

        typeset.font_folder.cache_clear()
        assert (await export(run, said, "pdf")).json()["error"]["code"] == "file_not_written"
        typeset.font_folder.cache_clear()
