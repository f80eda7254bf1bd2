"""Makes the pictures of the verify page in docs/: `python -m bench.screenshots docs` (needs chromium and Pillow)."""

from __future__ import annotations

import asyncio
import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Browser, async_playwright

from proxy.upstreams import replies
from proxy.upstreams.scripted import Scripted
from tests.browser.conftest import FLAGS
from tests.helpers import Running, serving

ZH = (
    "春天来了，公园里的花都开了。桃花粉红，梨花雪白，迎春花金黄，一阵风吹过，花瓣像雨点一样落下来。孩子们在草地上奔跑，老人们坐在"
    "长椅上晒太阳，年轻人拿着相机到处拍照。湖边的柳树抽出了新芽，细长的枝条垂到水面上，小鸭子从下面游过，留下一道道水纹。"
)
EN = (
    "Spring has come to the park, and everything is in bloom. Children run across the lawn, old people sit on the benches in "
    "the sun, and somebody tunes a guitar under the plane trees. Along the lake the willows have put out their first leaves; "
    "ducklings pass beneath them and leave thin lines on the water. By evening the paths grow quiet."
)
TENANTS = [{"name": "app", "key": "sk-app"}]


async def answer(run: Running, asked: str) -> str:
    messages: Any = [{"role": "user", "content": asked}]
    made = await run.client.chat.completions.create(model="m", messages=messages)
    return made.choices[0].message.content or ""


async def picture(
    run: Running,
    browser: Browser,
    text: str | None,
    language: str,
    *,
    size: tuple[int, int],
    dark: bool,
    ratio: int = 1,
) -> Image.Image:
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        device_scale_factor=ratio,
        locale="en-GB" if language == "en" else "zh-CN",
    )
    page = await context.new_page()
    await page.goto(f"{run.url}/verify?lang={language}")
    if text is not None:
        await page.fill("#text", text)
        await page.click("button[type=submit]")
        await page.wait_for_selector("#result .verdict")
        await page.evaluate("document.activeElement.blur()")
        await page.wait_for_timeout(600)
    shot = await page.screenshot()
    await context.close()
    return Image.open(io.BytesIO(shot))


async def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as data:
        upstream = Scripted(
            lambda request: replies.answer(request, [EN if b"spring" in request.body else ZH])
        )
        async with serving(Path(data), upstream, tenants=TENANTS, key="sk-app") as run:
            zh, en = await answer(run, "写一段春天"), await answer(run, "Write about spring")
            await asyncio.to_thread(run.house.fingerprints.flush)
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=FLAGS
                )
                desktop, phone = (1040, 1240), (390, 844)
                for name, text, language, size, dark, ratio in (
                    ("verify-zh", zh, "zh", desktop, False, 1),
                    ("verify-en-dark", en, "en", desktop, True, 1),
                    ("verify-start", None, "en", (1040, 760), False, 1),
                    ("verify-phone", ZH[20:110], "zh", phone, False, 2),
                    ("verify-phone-dark", "The river was quiet.", "en", phone, True, 2),
                ):
                    made = await picture(run, browser, text, language, size=size, dark=dark, ratio=ratio)
                    made.convert("RGB").quantize(96).save(folder / f"{name}.png", optimize=True)
                await browser.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
