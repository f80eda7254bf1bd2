"""Azure-style annotations are a tenant's own: one key gets them, with the error too, and another does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from proxy.upstreams import replies
from proxy.upstreams.scripted import Scripted
from tests.helpers import Running, keyword, serving

SECRET = "违禁甲乙丙"


async def ask(run: Running, key: str, said: str) -> httpx.Response:
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": said}]}
    return await run.http.post("/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"})


async def test_only_the_tenant_that_wants_them_gets_annotations(tmp_path: Path) -> None:
    model = Scripted(lambda request: replies.answer(request, ["好"]))
    tenants = [
        {"name": "azure", "key": "sk-a", "review": {"annotations": "azure", "on_block": "error"}},
        {"name": "plain", "key": "sk-p", "review": {"on_block": "error"}},
    ]
    async with serving(tmp_path, model, [keyword(SECRET)], key="sk-a", tenants=tenants) as run:
        told, plain = (await ask(run, "sk-a", "你好")).json(), (await ask(run, "sk-p", "你好")).json()
        assert told["choices"][0]["content_filter_results"]["hate"] == {"filtered": False, "severity": "safe"}
        assert "prompt_filter_results" in told
        assert "prompt_filter_results" not in plain
        assert "content_filter_results" not in plain["choices"][0]
        refused, bare = await ask(run, "sk-a", SECRET), await ask(run, "sk-p", SECRET)
        assert (refused.status_code, bare.status_code) == (400, 400)
        error = refused.json()["error"]
        assert error["innererror"]["code"] == "ResponsibleAIPolicyViolation"
        assert error["innererror"]["content_filter_result"]["custom_blocklists"]["filtered"] is True
        assert set(bare.json()["error"]) == {"message", "type", "param", "code"}
        assert SECRET not in refused.text
