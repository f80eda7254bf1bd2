"""The key that signs implicit labels, and signed answers of the whole proxy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labelers.metadata import aigc_fields
from labelers.reserved_code import public_key, verify
from labelers.sm2 import Sm2Error
from proxy import worker
from proxy.keys import KeyFile
from proxy.settings import SettingsError
from proxy.signature import label_signer, signing_key
from proxy.upstreams.scripted import Scripted
from tests.helpers import NOW, serving, settings_in
from tests.labelers.test_reserved_code import STEPFUN, STEPFUN_FILES, STEPFUN_KEY

ASK: list[Any] = [{"role": "user", "content": "你好"}]


def test_the_signing_key_comes_from_the_key_file_and_outlives_key_epochs(tmp_path: Path) -> None:
    keys = KeyFile.load_or_create(tmp_path / "a.json", now=NOW)
    key = public_key(signing_key(keys))
    assert public_key(signing_key(KeyFile.load(tmp_path / "a.json").rotate(now=NOW))) == key
    assert public_key(signing_key(KeyFile.load_or_create(tmp_path / "b.json", now=NOW))) != key


def test_what_is_asked_for_twice_is_signed_once(tmp_path: Path) -> None:
    key = signing_key(KeyFile.load_or_create(tmp_path / "a.json", now=NOW))
    signer = label_signer(key, prehash=True)
    fields = aigc_fields("ACME", "1")
    assert signer(fields) == signer(fields)
    assert verify(fields, signer(fields)).convention == "SM3(M)"
    assert signer(fields | {"ProduceID": "2"}) != signer(fields)


@pytest.mark.parametrize("streamed", [False, True])
async def test_answers_are_signed_where_the_operator_wants_it(tmp_path: Path, streamed: bool) -> None:
    async with serving(
        tmp_path, Scripted.answer(["你", "好"]), signature={"api": True}, provider={"code": "ACME"}
    ) as run:
        pinned = {"ACME": [public_key(signing_key(KeyFile.load(run.settings.keys.file)))]}
        if streamed:
            stream = await run.client.chat.completions.create(model="m", messages=ASK, stream=True)
            objects = [c.model_extra["aigc"] async for c in stream if "aigc" in (c.model_extra or {})]
        else:
            answer = await run.client.chat.completions.create(model="m", messages=ASK)
            assert answer.model_extra is not None
            objects = [answer.model_extra["aigc"]]
        for aigc in objects:
            reading = verify(aigc, aigc["ReservedCode1"], pinned)
            assert reading.valid and reading.authentic
        assert len({aigc["ReservedCode1"] for aigc in objects}) == 1


async def test_answers_are_not_signed_unless_asked_and_the_signer_is_there_for_exports(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, Scripted.answer(["好"])) as run:
        answer = await run.client.chat.completions.create(model="m", messages=ASK)
        assert answer.model_extra is not None
        aigc = answer.model_extra["aigc"]
        assert aigc["ReservedCode1"] == ""
        assert run.house.sign_label is not None
        assert verify(aigc, run.house.sign_label(aigc)).valid


@pytest.mark.parametrize("api", [False, True])
def test_without_sm2_answers_cannot_be_signed_but_everything_else_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: bool
) -> None:
    settings = settings_in(tmp_path, signature={"api": api})
    worker.first_start(settings)

    def missing(keys: KeyFile) -> None:
        raise Sm2Error("this OpenSSL has no SM2")

    monkeypatch.setattr(worker, "signing_key", missing)
    if api:
        with pytest.raises(ValueError, match=r"signature\.api: this OpenSSL has no SM2"):
            worker.build_house(settings)
    else:
        assert worker.build_house(settings).sign_label is None


def test_a_trusted_key_that_is_none_is_refused_with_its_owner(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ACME: 'abcd' is not a public SM2 key"):
        settings_in(tmp_path, signature={"trusted": {"ACME": ["abcd"]}})
    keys = KeyFile.load_or_create(tmp_path / "a.json", now=NOW)
    settings_in(tmp_path, signature={"trusted": {"ACME": [public_key(signing_key(keys))]}})


# A Markdown file as StepFun's assistant exports it: the fields and the signature are those of a published file.
VENDOR_FILE = f"""---
AIGC:
  Label: '1'
  ContentProducer: '{STEPFUN}'
  ProduceID: '{STEPFUN_FILES[0][0]}'
  ReservedCode1: '{{"SecurityData":{{"Type":"TC260PG","Version":1,"PubSD":[{{"Type":"DS","AlgID":"1.2.156.10197.1.501","TBSData":{{"Type":"LabelMataData"}},"Signature":"{STEPFUN_FILES[0][1]}"}},{{"Type":"PubKey","AlgID":"1.2.156.10197.1.501","KeyValue":"{STEPFUN_KEY}"}}]}}}}'
  ContentPropagator: '{STEPFUN}'
  PropagateID: '{STEPFUN_FILES[0][0]}'
---

# 报告

春江潮水连海平。
"""


@pytest.mark.parametrize(
    ("trusted", "number", "state"),
    [
        ({}, STEPFUN_FILES[0][0], "valid"),
        ({STEPFUN: [STEPFUN_KEY]}, STEPFUN_FILES[0][0], "trusted"),
        ({STEPFUN: [STEPFUN_KEY]}, "142569260085903361", "invalid"),
    ],
)
async def test_a_file_of_another_vendor_is_checked_against_the_keys_that_the_operator_trusts(
    tmp_path: Path, trusted: dict[str, list[str]], number: str, state: str
) -> None:
    async with serving(tmp_path, Scripted.answer(["好"]), signature={"trusted": trusted}) as run:
        data = VENDOR_FILE.replace(STEPFUN_FILES[0][0], number).encode()
        answer = await run.http.post("/api/v1/detect/file", files={"file": ("报告.md", data)})
        report = answer.json()
        (found,) = [d for d in report["detections"] if d["detector"] == "metadata"]
        assert found["provenance"]["producer"] == STEPFUN
        assert found["provenance"]["signature"] == state
        assert report["statutory"]["label"] == "1"
