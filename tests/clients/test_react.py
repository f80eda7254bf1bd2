"""The React component of docs/hints.md, built as an app would build it, in a real browser. `scripts/test --clients`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser import conftest
from tests.browser.hints import snippets
from tests.clients.test_clients import HERE, installed

pytestmark = [pytest.mark.clients, pytest.mark.browser, pytest.mark.slow]

browser = conftest.browser
HINT = "本内容由人工智能生成"
APP = """
import { createRoot } from "react-dom/client";
import { Answer } from "./Answer.jsx";

const hint = { text: "%s", locale: "zh" };
createRoot(document.getElementById("root")).render(
  <>
    <Answer hint={hint}><p id="answer">春江潮水连海平</p></Answer>
    <Answer hint={null}><p id="unlabelled">海上明月共潮生</p></Answer>
    <p id="own">我写的</p>
  </>,
);
"""


def bundle(folder: Path) -> str:
    """The component and a small app, bundled with esbuild."""
    node = installed("react", "react")[0]
    for name, code in {**snippets(), "app.jsx": APP % HINT}.items():
        (folder / name).write_text(code, "utf-8")
    modules = HERE / "react" / "node_modules"
    (folder / "node_modules").symlink_to(modules)
    built = folder / "app.js"
    build = (
        'import * as esbuild from "esbuild";'
        'await esbuild.build({entryPoints: ["app.jsx"], bundle: true, outfile: "app.js", jsx: "automatic",'
        "define: {'process.env.NODE_ENV': '\"production\"'}});"
    )
    command = [node, "--input-type=module", "--eval", build]
    environment = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return built.read_text("utf-8")


async def test_the_component_shows_the_label_and_labels_what_is_copied(
    tmp_path: Path, browser: Browser
) -> None:
    context = await browser.new_context()
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = await context.new_page()
    code = bundle(tmp_path)
    html = '<!doctype html><meta charset="utf-8"><div id="root"></div><script src="/app.js"></script>'
    await page.route(
        "**/app.js", lambda route: route.fulfill(body=code, content_type="text/javascript; charset=utf-8")
    )
    await page.route(
        "http://localhost/", lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8")
    )
    await page.goto("http://localhost/")
    await page.locator("#answer").wait_for()
    assert await page.get_by_role("note").all_inner_texts() == [HINT]
    assert await page.get_by_role("note").get_attribute("lang") == "zh"
    for element, expected in (
        ("#answer", f"春江潮水连海平\n\n{HINT}"),
        ("#unlabelled", "海上明月共潮生"),
        ("#own", "我写的"),
    ):
        await page.evaluate("id => getSelection().selectAllChildren(document.querySelector(id))", element)
        await page.keyboard.press("Control+c")
        assert (await page.evaluate("navigator.clipboard.readText()")).strip() == expected
    await context.close()
