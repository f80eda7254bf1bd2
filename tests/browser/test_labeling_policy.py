"""The labelling policy in a real browser: readable for everybody, on a phone, in light and dark."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from proxy.upstreams.scripted import Scripted
from tests.helpers import serving

pytestmark = pytest.mark.browser

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LABELS = {"positions": ["start", "inline", "end"]}
TENANTS = [
    {"name": "a", "key": "k", "labels": LABELS},
    {"name": "b", "key": "l", "labels": {"mode": "interface", "undertaking": "合同 7"}},
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_has_nothing_to_complain_of_and_a_phone_shows_all_of_it(
    tmp_path: Path, browser: Browser, scheme: Any
) -> None:
    async with serving(tmp_path, Scripted.answer(["好"]), tenants=TENANTS) as run:
        context = await browser.new_context(
            color_scheme=scheme, bypass_csp=True, viewport={"width": 320, "height": 640}
        )
        page = await context.new_page()
        failures: list[str] = []
        page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
        for language, other in (("zh", "English"), ("en", "中文")):
            await page.goto(f"{run.url}/labeling-policy?lang={language}")
            assert await page.evaluate("document.documentElement.scrollWidth") <= 320
            await page.evaluate(AXE)
            told = await page.evaluate("rules => axe.run({runOnly: rules})", RULES)
            assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in told["violations"]] == []
            assert len(told["passes"]) > 10
            await page.get_by_role("link", name=other).click()
            assert await page.locator("html").get_attribute("lang") != language
        assert failures == []
        await context.close()


async def test_without_scripts_the_page_is_the_same_and_its_style_applies(
    tmp_path: Path, browser: Browser
) -> None:
    async with serving(tmp_path, Scripted.answer(["好"])) as run:
        context = await browser.new_context(java_script_enabled=False)
        page = await context.new_page()
        await page.goto(f"{run.url}/labeling-policy?lang=zh")
        assert await page.get_by_role("heading", level=1).inner_text() == "生成合成内容标识说明"
        assert await page.get_by_text("仔细阅读并理解").is_visible()
        box = await page.locator("main").bounding_box()
        assert box is not None
        assert box["width"] < 800  # the policy of the page lets its own style through
        await page.get_by_role("link", name="/verify").click()
        assert page.url.endswith("/verify")
        await context.close()
