"""The labelling policy: what users read is what the settings do."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from proxy.console.labeling_policy import policy_page, policy_version, preferred_language
from proxy.console.policy_words import EN, ZH, Words
from proxy.settings import Settings
from proxy.upstreams.scripted import Scripted
from tests.helpers import serving

CODE = "001191440300708461136T1XGW3"


class _Text(HTMLParser):
    """What a reader sees; complains about tags that are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert tag not in ("script", "img", "iframe")
        if tag == "link":
            assert dict(attrs)["rel"] == "icon"
        elif tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.seen.append(data)


def shown(document: dict[str, Any], words: Words, key: str = "") -> str:
    parser = _Text()
    parser.feed(
        policy_page(
            Settings.model_validate(document, context={"profile": document.get("profile")}), key, words
        )
    )
    assert parser.open == []
    return " ".join("".join(parser.seen).split())


@pytest.mark.parametrize("words", [ZH, EN], ids=["zh", "en"])
def test_the_page_says_method_style_wording_duties_and_asks_to_be_read(words: Words) -> None:
    text = shown({"provider": {"code": CODE}}, words, "3059ABCD")
    assert words.read_this in text
    assert CODE in text
    for label in (
        "【本内容由AI生成】",
        "（以上内容由AI生成）",
        "[AI-generated / AI生成]",
        "本内容由人工智能生成",
    ):
        assert label in text
    assert "（AI生成）" not in text  # not in use: no inline position
    assert all(duty in text for duty in words.duties["cn"])
    assert words.application["cn"][0] in text
    assert words.metadata in text and words.watermark in text
    assert "3059ABCD" in text
    assert "200" in text


def test_every_law_that_asks_for_it_is_named_in_chinese() -> None:
    text = shown({}, ZH)
    for name in ("标识办法", "深度合成管理规定", "GB 45438-2025", "第九条", "第十条", "第十七条"):
        assert name in text
    assert "不得恶意删除、篡改、伪造、隐匿" in text
    assert "仔细阅读并理解" in text


@pytest.mark.parametrize(
    ("document", "there", "absent"),
    [
        ({"labels": {"form": "superscript", "superscript": "html"}}, "<sup>AI</sup>", "【本内容由AI生成】"),
        ({"labels": {"positions": ["end"]}}, "末尾", "开头"),
        ({"labels": {"positions": ["inline"], "inline_every_chars": 1234}}, "1234", "（以上内容由AI生成）"),
        ({"labels": {"mode": "interface", "undertaking": "秘密合同"}}, "持续显示提示", "秘密合同"),
        ({"labels": {"unsafe": "refuse"}}, "不提供此类回答", "改由应用"),
        ({"labels": {"metadata": False}}, "数字水印", "AIGC 标识"),
        ({"watermarks": {"carrier": {"enabled": False}}}, "不添加数字水印", "不可见的数字水印"),
        ({"profile": "eu"}, "欧盟《人工智能法》", "标识办法"),
        ({"records": {"retention_days": 400}}, "400 天", "200 天"),
        ({"provider": {"code": CODE, "services": {"chat-*": "1CHAT"}}}, "1CHAT", "没有"),
        ({"content_credentials": {"enabled": True, "certificate": "c", "private_key": "k"}}, "C2PA", "没有"),
        ({"content_credentials": {"enabled": True}}, "数字水印", "C2PA"),
    ],
)
def test_the_page_follows_the_settings(document: dict[str, Any], there: str, absent: str) -> None:
    text = shown(document, ZH)
    assert there in text
    assert absent not in text


def test_different_ways_are_told_each_once_and_without_names() -> None:
    document = {
        "tenants": [
            {"name": "secret-a", "key": "k1", "labels": {"positions": ["end"]}},
            {"name": "secret-b", "key": "k2", "labels": {"positions": ["end"], "former": ["旧 AI生成"]}},
            {"name": "secret-c", "key": "k3", "labels": {"mode": "unlabelled"}},
        ]
    }
    text = shown(document, ZH)
    assert "方式 1" in text and "方式 2" in text and "方式 3" not in text
    assert "secret" not in text and "旧 AI生成" not in text
    assert "仅对已提出申请并获准的用户" in text


def test_words_of_an_operator_cannot_become_markup() -> None:
    label = '<b onclick=x>AI生成</b>&"'
    strings = dict.fromkeys(("start", "inline", "end", "hint"), label)
    page = policy_page(
        Settings.model_validate({"labels": {"strings": {"zh": strings, "en": strings}}}), "", ZH
    )
    assert "<b " not in page
    assert shown({"labels": {"strings": {"zh": strings, "en": strings}}}, ZH).count(label) >= 2


def test_the_version_changes_with_every_setting_that_the_page_tells() -> None:
    documents: list[dict[str, Any]] = [
        {},
        {"labels": {"positions": ["end"]}},
        {"provider": {"code": CODE}},
        {"watermarks": {"carrier": {"enabled": False}}},
        {"records": {"retention_days": 400}},
    ]
    versions = [policy_version(Settings.model_validate(document)) for document in documents]
    assert len(set(versions)) == len(documents)
    assert versions[0] == policy_version(Settings.model_validate({"server": {"port": 9}}))


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "zh"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en;q=0.5, zh-TW;q=0.4", "en"),
        ("fr, de;q=0.5", "zh"),
        ("en;q=x", "zh"),
        ("en;q=0", "zh"),
    ],
)
def test_the_language_is_the_readers(accept: str, language: str) -> None:
    assert preferred_language(accept) == language


async def test_anybody_can_read_it_and_it_loads_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, Scripted.answer(["好"]), provider={"code": "ACME"}) as run:
        page = await run.http.get("/labeling-policy")
        assert (page.status_code, page.headers["content-language"]) == (200, "zh")
        assert page.headers["content-security-policy"].startswith(
            "default-src 'none'; img-src 'self'; style-src 'sha256-"
        )
        assert re.search(r"公钥：[0-9A-F]{182}", page.text)
        english = await run.http.get("/labeling-policy?lang=en", headers={"accept-language": "zh"})
        assert EN.title in english.text
        assert EN.title in (await run.http.get("/labeling-policy", headers={"accept-language": "en"})).text
        odd = await run.http.get("/labeling-policy?lang=%3Cscript%3E")
        assert "script" not in odd.text
