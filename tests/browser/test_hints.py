"""The snippets of docs/hints.md in a real browser, against a real proxy: the label is shown, stays, and is copied."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route

from proxy.upstreams.scripted import Scripted
from tests.browser.hints import snippets, style
from tests.helpers import Running, keyword, serving

pytestmark = pytest.mark.browser

HINT = "本内容由人工智能生成"
POEM = "春江潮水连海平，海上明月共潮生。滟滟随波千万里，何处春江无月明！"
PAGE = """<!doctype html><html lang="zh"><meta charset="utf-8"><style>%s</style>
<p id="before">我自己写的话。</p><div id="answer"></div><p id="after">也是我写的。</p><textarea id="paste"></textarea>
<script type="module">
import { ask } from "./chat.js";
window.ask = (question, options = {}) => ask(question, document.getElementById("answer"), {key: "sk-app", model: "m", ...options});
window.ready = true;
</script></html>"""


@asynccontextmanager
async def chatting(run: Running, browser: Browser) -> AsyncIterator[Page]:
    """The page, on the proxy's own origin, as behind an app's own backend."""
    context = await browser.new_context()
    await context.grant_permissions(["clipboard-read", "clipboard-write"], origin=run.url)
    page = await context.new_page()
    files = snippets() | {"chat.html": PAGE % style()}

    async def serve(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        kind = "text/html" if name.endswith(".html") else "text/javascript"
        await route.fulfill(body=files[name], content_type=f"{kind}; charset=utf-8")

    await page.route("**/app/*", serve)
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    await page.goto(f"{run.url}/app/chat.html")
    await page.wait_for_function("window.ready")
    yield page
    assert failures == []
    await context.close()


def tenants(**labels: Any) -> dict[str, Any]:
    return {"tenants": [{"name": "app", "key": "sk-app", "labels": labels}], "admin": {"token": "t"}}


INTERFACE = tenants(mode="interface", undertaking="合同 7 第 3 条")


async def copied(page: Page, first: str, last: str) -> tuple[str, str]:
    """What the clipboard holds after everything from one element to another was selected and copied."""
    await page.evaluate(
        """([first, last]) => {
            const range = document.createRange();
            range.setStart(document.querySelector(first), 0);
            const end = document.querySelector(last);
            range.setEnd(end, end.childNodes.length);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
        }""",
        [first, last],
    )
    await page.keyboard.press("Control+c")
    text, html = await page.evaluate(
        """async () => {
            const [item] = await navigator.clipboard.read();
            const read = async (kind) => item.types.includes(kind) ? await (await item.getType(kind)).text() : "";
            return [await read("text/plain"), await read("text/html")];
        }"""
    )
    return str(text), str(html)


async def test_the_label_stands_beside_the_answer_and_is_legible(tmp_path: Path, browser: Browser) -> None:
    async with (
        serving(tmp_path, Scripted.answer(list(POEM)), **INTERFACE) as run,
        chatting(run, browser) as page,
    ):
        await page.evaluate("ask('写一首诗')")
        note = page.locator(".aigc-hint")
        assert await note.count() == 1
        assert await note.inner_text() == HINT
        assert await note.get_attribute("lang") == "zh"
        assert await note.is_visible()
        assert await page.get_by_role("note").count() == 1
        answer = await page.locator("#answer").bounding_box()
        beside = await note.bounding_box()
        assert answer is not None and beside is not None
        assert 0 <= answer["y"] - (beside["y"] + beside["height"]) < 12
        assert await note.evaluate("element => parseFloat(getComputedStyle(element).fontSize)") >= 14
        shown = await page.locator("#answer").inner_text()
        assert "生成" not in shown  # in this mode the text itself carries none
        await page.evaluate("ask('再来一首')")
        assert await note.count() == 1


async def test_the_label_is_there_before_the_first_word(tmp_path: Path, browser: Browser) -> None:
    async with (
        serving(tmp_path, Scripted.answer(list(POEM)), **INTERFACE) as run,
        chatting(run, browser) as page,
    ):
        order = await page.evaluate(
            """async () => {
                const seen = [];
                new MutationObserver((changes) => changes.forEach((change) => {
                    for (const node of change.addedNodes) {
                        if (node.className === "aigc-hint") seen.push("label");
                        else if (change.target.id === "answer" && !seen.includes("text")) seen.push("text");
                    }
                })).observe(document.body, {childList: true, subtree: true});
                await ask("写一首诗");
                return seen;
            }"""
        )
        assert order == ["label", "text"]


async def test_whatever_is_copied_of_an_answer_carries_the_label(tmp_path: Path, browser: Browser) -> None:
    async with serving(tmp_path, Scripted.answer([POEM]), **INTERFACE) as run, chatting(run, browser) as page:
        await page.evaluate("ask('写一首诗')")
        text, html = await copied(page, "#answer", "#answer")
        assert text.endswith(f"\n\n{HINT}")
        assert f"<p>{HINT}</p>" in html
        part, _ = await copied(page, "#before", "#answer")
        assert part.startswith("我自己写的话。")
        assert part.count(HINT) == 1  # the notice between the two was copied along
        await page.evaluate(
            """() => {
                const words = document.querySelector("#answer").firstChild;
                getSelection().setBaseAndExtent(words, 3, words, 9);
            }"""
        )
        await page.keyboard.press("Control+c")
        assert (await page.evaluate("navigator.clipboard.readText()")).endswith(f"\n\n{HINT}")
        await page.locator("#paste").focus()
        await page.keyboard.press("Control+v")
        assert (await page.locator("#paste").input_value()).endswith(f"\n\n{HINT}")


async def test_what_people_wrote_themselves_is_copied_as_it_is(tmp_path: Path, browser: Browser) -> None:
    async with serving(tmp_path, Scripted.answer([POEM]), **INTERFACE) as run, chatting(run, browser) as page:
        await page.evaluate("ask('写一首诗')")
        text, _ = await copied(page, "#after", "#after")
        assert text == "也是我写的。"


async def test_in_mode_text_a_part_of_an_answer_is_labelled_when_it_is_copied(
    tmp_path: Path, browser: Browser
) -> None:
    async with serving(tmp_path, Scripted.answer([POEM]), **tenants()) as run, chatting(run, browser) as page:
        await page.evaluate("ask('写一首诗')")
        assert (await page.locator("#answer").inner_text()).startswith("【本内容由AI生成】")
        await page.evaluate(
            """() => {
                const words = document.querySelector("#answer").firstChild;
                getSelection().setBaseAndExtent(words, 20, words, 30);
            }"""
        )
        await page.keyboard.press("Control+c")
        assert (await page.evaluate("navigator.clipboard.readText()")).endswith(f"\n\n{HINT}")


async def test_content_unlabelled_on_application_is_shown_and_copied_without_a_label(
    tmp_path: Path, browser: Browser
) -> None:
    grant = {"tenant": "app", "applicant": "a", "purpose": "b", "agreement": "c", "recipient": "d",
             "ends": "2099-01-01", "granted_by": "e"}  # fmt: skip
    async with (
        serving(tmp_path, Scripted.answer([POEM]), **tenants(mode="unlabelled")) as run,
        chatting(run, browser) as page,
    ):
        answer = await run.http.post("/api/v1/unlabelled", json=grant, headers={"authorization": "Bearer t"})
        assert answer.status_code == 201
        await page.evaluate("ask('写一首诗')")
        assert await page.locator(".aigc-hint").count() == 0
        text, _ = await copied(page, "#answer", "#answer")
        assert "生成" not in text


async def test_a_withdrawn_answer_is_taken_back_and_the_app_says_so(tmp_path: Path, browser: Browser) -> None:
    upstream = Scripted.answer(["春江潮水连海平，", "海上明月", "共坏词生。"])
    async with (
        serving(tmp_path, upstream, [keyword("坏词")], **INTERFACE) as run,
        chatting(run, browser) as page,
    ):
        await page.evaluate("ask('写一首诗', {withdrawn: '（已撤回）'})")
        assert await page.locator("#answer").inner_text() == "（已撤回）"


async def test_an_error_of_the_proxy_reaches_the_app(tmp_path: Path, browser: Browser) -> None:
    async with serving(tmp_path, Scripted.answer([POEM]), **INTERFACE) as run, chatting(run, browser) as page:
        said = await page.evaluate("ask('写一首诗', {key: 'wrong'}).catch((error) => error.message)")
        assert said == "incorrect API key"
