"""The verify page in a real browser: copied, dropped, on a phone, by keyboard, without scripts, read by a screen reader."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from proxy.console.words import Words, words
from proxy.examination import FORMATS
from proxy.upstreams.scripted import Scripted
from tests.helpers import Running, serving
from tests.labelers.files import samples as s

pytestmark = pytest.mark.browser

POEM = (
    "春天来了，公园里的花都开了。桃花粉红，梨花雪白，迎春花金黄，一阵风吹过，花瓣像雨点一样落下来。孩子们在草地上奔跑，"
    "老人们坐在长椅上晒太阳，年轻人拿着相机到处拍照。湖边的柳树抽出了新芽，细长的枝条垂到水面上，小鸭子从下面游过，留下一道道水纹。"
)
TENANTS = [{"name": "app", "key": "sk-app"}]
ZH, EN = words("zh"), words("en")

# What an app would do: read the stream and show it.
CHAT = """<!doctype html><meta charset="utf-8"><div id="answer"></div><script>
async function ask() {
  const answer = await fetch("/v1/chat/completions", {method: "POST",
    headers: {"content-type": "application/json", authorization: "Bearer sk-app"},
    body: JSON.stringify({model: "m", stream: true, messages: [{role: "user", content: "写一段春天"}]})});
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const {done, value} = await reader.read();
    if (done) break;
    const frames = (rest + value).split("\\n\\n");
    rest = frames.pop();
    for (const frame of frames) {
      if (!frame.startsWith("data: {")) continue;
      const choice = JSON.parse(frame.slice(6)).choices[0];
      for (const line of ((choice && choice.delta.content) || "").split(/(\\n)/)) {
        document.getElementById("answer").append(line === "\\n" ? document.createElement("br") : line);
      }
    }
  }
  document.body.dataset.done = "yes";
}
ask();
</script>"""


class Visit:
    """One page, and everything that must not happen on it."""

    def __init__(self, run: Running, page: Page) -> None:
        self.run, self.page = run, page
        self.complaints: list[str] = []
        page.set_default_timeout(120_000)  # other tests may run beside this one
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((run.url, "data:", "blob:"))
                else self.complaints.append(f"asked {request.url}")
            ),
        )

    async def open(self, language: str = "zh") -> None:
        await self.page.goto(f"{self.run.url}/verify?lang={language}")

    async def submit(self, text: str) -> None:
        await self.page.fill("#text", text)
        await self.page.click("button[type=submit]")
        await self.settled()

    async def settled(self) -> None:
        await self.page.wait_for_selector("#result .focus")

    async def headline(self) -> str:
        return await self.page.inner_text("#result .focus")


@asynccontextmanager
async def visiting(
    folder: Path, browser: Browser, *, permissions: tuple[str, ...] = (), **context: Any
) -> AsyncIterator[Visit]:
    upstream = Scripted.answer([POEM[at : at + 7] for at in range(0, len(POEM), 7)])
    async with serving(folder, upstream, tenants=TENANTS, key="sk-app") as run:
        made = await browser.new_context(**context)
        if permissions:
            await made.grant_permissions(list(permissions), origin=run.url)
        visit = Visit(run, await made.new_page())
        yield visit
        await made.close()
        assert visit.complaints == []


async def answer(run: Running) -> str:
    messages: Any = [{"role": "user", "content": "写一段春天"}]
    made = await run.client.chat.completions.create(model="m", messages=messages)
    return made.choices[0].message.content or ""


async def test_a_streamed_answer_copied_from_a_page_is_confirmed(tmp_path: Path, browser: Browser) -> None:
    async with visiting(tmp_path, browser, permissions=("clipboard-read", "clipboard-write")) as visit:
        page = visit.page

        async def chat(route: Any) -> None:
            await route.fulfill(body=CHAT, content_type="text/html")

        await page.route("**/chat", chat)
        await page.goto(f"{visit.run.url}/chat")
        await page.wait_for_selector("body[data-done]")
        await page.evaluate("getSelection().selectAllChildren(document.getElementById('answer'))")
        await page.keyboard.press("Control+C")
        await visit.open()
        await page.focus("#text")
        await page.keyboard.press("Control+V")
        pasted = await page.input_value("#text")
        assert pasted.startswith("【本内容由AI生成】")
        await page.click("button[type=submit]")
        await visit.settled()
        assert await visit.headline() == ZH.verdicts["confirmed"]
        await expect(page.locator(".card.present")).to_contain_text([ZH.detectors["carrier"]])
        shown = await page.inner_text(".map")
        assert "公园里的花" in shown


FILES = {
    "a.docx": s.docx(s.BARE),
    "a.pptx": s.pptx(s.BARE),
    "a.xlsx": s.xlsx(s.BARE),
    "a.odt": s.odt(s.odt_property(s.BARE)),
    "a.epub": s.epub(f'<meta name="AIGC" content="{s.BARE.replace(chr(34), "&quot;")}"/>'),
    "a.pdf": s.pdf(b"/AIGC " + s.pdf_string(s.BARE)),
    "a.png": s.png(s.png_xmp(s.xmp_label(s.BARE))),
    "a.jpg": s.jpg(s.jpg_xmp(s.xmp_label(s.BARE))),
    "a.html": f"<meta name='AIGC' content='{s.BARE}'><p>春江".encode(),
    "a.md": f"---\nAIGC: '{s.BARE}'\n---\n春江".encode(),
    "a.json": json.dumps({"AIGC": json.loads(s.BARE), "text": "春江"}).encode(),
}


async def test_every_kind_of_file_can_be_chosen(tmp_path: Path, browser: Browser) -> None:
    async with visiting(tmp_path, browser) as visit:
        for name, data in FILES.items():
            await visit.open()
            await visit.page.set_input_files(
                "#file", {"name": name, "mimeType": "application/octet-stream", "buffer": data}
            )
            await visit.page.click("button[type=submit]")
            await visit.settled()
            assert await visit.headline() == ZH.verdicts["confirmed"], name
            assert name in await visit.page.inner_text(".verdict .facts")
            assert "元数据未签名" in await visit.page.inner_text(".verdict"), name
        await visit.open()
        plain = {"name": "a.txt", "mimeType": "text/plain", "buffer": "春江".encode()}
        await visit.page.set_input_files("#file", plain)
        await visit.page.click("button[type=submit]")
        await visit.settled()
        assert await visit.headline() == ZH.verdicts["not_found"]


async def drop(page: Page, name: str, data: bytes) -> None:
    """The file let fall on the text field, as a browser tells it."""
    await page.evaluate(
        """([name, data]) => {
          const bytes = Uint8Array.from(atob(data), char => char.charCodeAt(0));
          const dropped = new DataTransfer();
          dropped.items.add(new File([bytes], name));
          for (const kind of ["dragenter", "dragover", "drop"]) {
            document.getElementById("text").dispatchEvent(
              new DragEvent(kind, {dataTransfer: dropped, bubbles: true, cancelable: true}));
          }
        }""",
        [name, base64.b64encode(data).decode()],
    )


@pytest.mark.parametrize(("language", "w", "width"), [("zh", ZH, 1280), ("en", EN, 390)])
async def test_every_kind_of_file_can_be_dropped_anywhere_on_the_form(
    tmp_path: Path, browser: Browser, language: str, w: Words, width: int
) -> None:
    async with visiting(tmp_path, browser, viewport={"width": width, "height": 800}) as visit:
        dropped = FILES | {"a.txt": (await answer(visit.run)).encode()}
        assert {name.partition(".")[2] for name in dropped} == set(FORMATS)
        for name, data in dropped.items():
            await visit.open(language)
            await drop(visit.page, name, data)
            await visit.page.click("button[type=submit]")
            await visit.settled()
            assert await visit.headline() == w.verdicts["confirmed"], name
            assert name in await visit.page.inner_text(".verdict .facts")


@pytest.mark.parametrize("width", [320, 390, 768])
async def test_nothing_is_cut_off_on_a_phone(tmp_path: Path, browser: Browser, width: int) -> None:
    viewport = {"width": width, "height": 740}
    async with visiting(tmp_path, browser, viewport=viewport, is_mobile=True, has_touch=True) as visit:
        await visit.open()
        text = await answer(visit.run)
        await visit.submit(text)
        assert await visit.headline() == ZH.verdicts["confirmed"]
        too_wide = await visit.page.evaluate(
            """() => [...document.querySelectorAll("body *")].filter(one =>
                 one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".table") && !one.closest(".vh"))
               .map(one => one.className || one.tagName)"""
        )
        assert too_wide == []
        small = await visit.page.evaluate(
            """() => [...document.querySelectorAll("button, summary, .top a, input[type=checkbox]")]
               .filter(one => one.checkVisibility()).map(one => [one.textContent, one.getBoundingClientRect()])
               .filter(([_, box]) => box.height < 24 && box.width < 24).map(([text]) => text)"""
        )
        assert small == []
        # Who has submitted sees the verdict, not the form again.
        top = await visit.page.evaluate("document.querySelector('.verdict').getBoundingClientRect().top")
        assert 0 <= top < 200


async def test_both_languages_are_one_click_apart(tmp_path: Path, browser: Browser) -> None:
    async with visiting(tmp_path, browser, locale="en-GB") as visit:
        await visit.page.goto(f"{visit.run.url}/verify")
        assert await visit.page.inner_text("h1") == EN["title"]
        await visit.page.click("text=中文")
        assert await visit.page.inner_text("h1") == ZH["title"]
        assert await visit.page.get_attribute("html", "lang") == "zh-CN"
        await visit.submit("春江潮水")
        assert await visit.headline() == ZH.verdicts["not_found"]
        await visit.page.click("text=English")
        await visit.submit("A river in spring.")
        assert await visit.headline() == EN.verdicts["not_found"]


async def test_everything_can_be_done_by_keyboard(tmp_path: Path, browser: Browser) -> None:
    async with visiting(tmp_path, browser, permissions=("clipboard-read", "clipboard-write")) as visit:
        page = visit.page
        await visit.open("en")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
        order = []
        for _ in range(8):
            await page.keyboard.press("Tab")
            order.append(await page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        assert order == ["A", "A", "text", "file", "INPUT", "SUMMARY", "BUTTON", "DIV"]
        await page.focus("#text")
        await page.keyboard.type("[AI-generated / AI生成]")
        await page.focus("button[type=submit]")
        await page.keyboard.press("Enter")
        await visit.settled()
        # The verdict is read out, and the next Tab goes on from there.
        assert await page.evaluate("document.activeElement.textContent") == EN.verdicts["suspected"]
        copy = page.locator("[data-copy]")
        await copy.focus()
        await page.keyboard.press("Enter")
        await expect(copy).to_have_text(EN["copied"])
        evidence = await page.evaluate("navigator.clipboard.readText()")
        assert evidence.startswith(EN.verdicts["suspected"])
        assert "SHA-256" in evidence


async def test_the_signed_report_is_downloaded_and_verifies(tmp_path: Path, browser: Browser) -> None:
    async with visiting(tmp_path, browser) as visit:
        await visit.open()
        await visit.submit("春江潮水")
        async with visit.page.expect_download() as coming:
            await visit.page.click("button[name=format][value=json]")
        saved = tmp_path / "report.json"
        await (await coming.value).save_as(saved)
        async with visit.page.expect_download() as printed:
            await visit.page.click("button[name=format][value=pdf]")
        assert (await printed.value).suggested_filename == "inkseal-report.pdf"
        told = await visit.run.http.post("/api/v1/detect/report/verify", content=saved.read_bytes())
        assert told.json() == {"valid": True}


async def test_it_works_without_scripts(tmp_path: Path, browser: Browser) -> None:
    async with visiting(tmp_path, browser, java_script_enabled=False) as visit:
        await visit.open("en")
        await visit.submit(await answer(visit.run))
        assert await visit.headline() == EN.verdicts["confirmed"]
        assert await visit.page.inner_text("h1") == EN["title"]
        assert not await visit.page.is_visible("[data-copy]")
        await visit.page.set_input_files(
            "#file", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"A river."}
        )
        await visit.page.click("button[type=submit]")
        await visit.page.wait_for_selector(".verdict.not_found")


async def test_a_tenant_sees_characters(tmp_path: Path, browser: Browser) -> None:
    async with visiting(tmp_path, browser) as visit:
        await visit.open()
        await visit.page.click(".known summary")
        await visit.page.fill("#key", "sk-app")
        await visit.submit(await answer(visit.run))
        assert "◇" in await visit.page.inner_text(".map")
        assert ZH["map_exact"] in await visit.page.inner_text("#result")


async def test_a_mistake_is_told_where_the_result_would_be(tmp_path: Path, browser: Browser) -> None:
    async with visiting(tmp_path, browser) as visit:
        await visit.open()
        await visit.page.click("button[type=submit]")
        await visit.settled()
        assert ZH["nothing_given"] in await visit.page.inner_text("#result [role=alert]")
        visit.complaints.clear()  # the browser tells of every 422


AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_has_nothing_to_complain_of(
    tmp_path: Path, browser: Browser, language: str, scheme: Any
) -> None:
    async with visiting(tmp_path, browser, color_scheme=scheme, reduced_motion="reduce") as visit:
        page = visit.page
        await visit.open(language)
        texts = [
            None,
            await answer(visit.run),
            "【本内容由AI生成】\n\n春江",
            "春\u200b\u034f\u2060\u200b江",
            "春",
        ]
        for text in texts:
            if text is not None:
                await visit.submit(text)
                await page.wait_for_timeout(100)
            await page.evaluate(AXE)
            told = await page.evaluate("rules => axe.run({runOnly: rules})", RULES)
            found = [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in told["violations"]]
            assert found == [], text
            assert len(told["passes"]) > 15
