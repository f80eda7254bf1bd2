"""The official SDK's provenance check, on text files: our mark is detected, and nothing is claimed that is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openai
import pytest

from proxy.upstreams.scripted import Scripted
from tests.detectors.test_fingerprint import chinese
from tests.helpers import serving

TENANTS = [{"name": "app", "key": "sk-app"}]


async def test_an_answer_that_was_saved_to_a_file_is_recognised(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer([chinese(1)]), tenants=TENANTS, key="sk-app") as run:
        messages: Any = [{"role": "user", "content": "你好"}]
        answer = await run.client.chat.completions.create(model="m", messages=messages)
        saved = tmp_path / "answer.txt"
        saved.write_text(answer.choices[0].message.content or "", "utf-8")
        check = await run.client.content_provenance_checks.create(file=saved)
        assert check.object == "content_provenance_check"
        assert check.created_at > 1_700_000_000
        (c2pa,) = check.results
        assert c2pa.type == "c2pa"
        assert (c2pa.outcome, c2pa.validation_state) == ("not_detected", "not_present")
        record = (await run.last()).record
        shown: Any = check.to_dict()
        assert shown["inkseal"]["outcome"] == "detected"
        assert shown["inkseal"]["content_id"] == record.content_id
        assert shown["report"]["verdict"] == "confirmed"
        assert shown["report"]["file"]["name"] == "answer.txt"


async def test_a_text_without_mark_is_not_detected_and_a_key_is_needed(tmp_path: Path) -> None:
    async with serving(tmp_path, tenants=TENANTS, key="sk-app") as run:
        check = await run.client.content_provenance_checks.create(file=("a.md", "春江潮水连海平".encode()))
        assert [one.outcome for one in check.results] == ["not_detected"]
        unmarked: Any = check.to_dict()
        assert unmarked["inkseal"]["outcome"] == "not_detected"
        with pytest.raises(openai.AuthenticationError):
            await run.client.with_options(api_key="sk-wrong").content_provenance_checks.create(
                file=("a.md", b"x")
            )
        with pytest.raises(openai.UnprocessableEntityError, match="no png"):
            await run.client.content_provenance_checks.create(file=("a.png", b"\x89PNG\xff\xff"))
