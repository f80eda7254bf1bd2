"""The pages of the API say what the OpenAPI document says."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from proxy.upstreams.scripted import Scripted
from tests.helpers import serving


class _Page(HTMLParser):
    """What a reader sees; complains about scripts and about tags that are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert tag not in ("script", "img", "link", "iframe")
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.seen.append(data)


async def test_every_call_stands_on_the_page_with_its_fields_and_no_script(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer(["好"])) as run:
        document = (await run.http.get("/api/openapi.json")).json()
        got = await run.http.get("/api/docs")
        assert (got.status_code, got.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "script" not in got.headers["content-security-policy"]
        assert (await run.http.get("/api/docs")).text == got.text
    page = _Page()
    page.feed(got.text)
    assert page.open == []
    text = " ".join(page.seen)
    for path, methods in document["paths"].items():
        assert path in text
        for call in methods.values():
            assert call.get("summary", "") in text
            for one in call.get("parameters", ()):
                assert one["name"] in text
    for schema in ("ProposeRequest", "PublishRequest", "LookbackRequest", "DetectRequest"):
        for field in document["components"]["schemas"].get(schema, {}).get("properties", {}):
            assert field in text
    assert "live or shadow or canary, else live" in text
    assert "list of string" in text
    assert "string or null" in text
