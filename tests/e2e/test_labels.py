"""Labels in every form, language and mode, as the official SDK sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detectors.panel import Panel
from proxy.upstreams.scripted import Scripted
from tests.helpers import Running, serving

CODE = "001191440300708461136T1XGW3"
JA = {"start": "【AI生成】", "inline": "（AI生成）", "end": "（以上はAI生成です）", "hint": "AI生成"}
DE = {
    "start": "[KI/AI 生成 - AI-generiert]",
    "inline": "(AI 生成)",
    "end": "(Der Text oben ist AI-generiert / AI生成)",
    "hint": "AI-generiert / AI生成",
}


def ask(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


async def said(run: Running, question: str, *, streamed: bool, **options: Any) -> str:
    if not streamed:
        answer = await run.client.chat.completions.create(model="m", messages=ask(question), **options)
        return answer.choices[0].message.content or ""
    stream = await run.client.chat.completions.create(
        model="m", messages=ask(question), stream=True, **options
    )
    return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("superscript", "mark"),
    [("markdown", "^AI^"), ("html", "<sup>AI</sup>"), ("plain", "[AI]"), ("〔AI〕", "〔AI〕")],
)
async def test_a_superscript_stands_where_words_would_and_history_loses_it_again(
    tmp_path: Path, streamed: bool, superscript: str, mark: str
) -> None:
    upstream = Scripted.answer(["春江", "潮水。"])
    labels = {"form": "superscript", "superscript": superscript}
    off = {"carrier": {"enabled": False}}
    async with serving(tmp_path, upstream, labels=labels, watermarks=off) as run:
        text = await said(run, "你好", streamed=streamed)
        assert text == f"{mark}\n\n春江潮水。\n\n{mark}"
        history = [{"role": "assistant", "content": text}, *ask("再来")]
        await run.client.chat.completions.create(model="m", messages=history)  # type: ignore[arg-type]
        assert upstream.requests[-1].body.count(mark.encode()) == 0


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("question", "start"),
    [
        ("春の詩を書いてください", JA["start"]),
        ("写一首诗", "【本内容由AI生成】"),
        ("Schreib bitte ein Gedicht über den Frühling", DE["start"]),
        ("Write a poem", "[AI-generated / AI生成]"),
    ],
)
async def test_labels_speak_the_language_of_the_last_user_message(
    tmp_path: Path, streamed: bool, question: str, start: str
) -> None:
    async with serving(
        tmp_path, Scripted.answer(["春江潮水。"]), labels={"strings": {"ja": JA, "de": DE}}
    ) as run:
        assert (await said(run, question, streamed=streamed)).startswith(f"{start}\n\n")


async def test_a_model_with_a_service_code_of_its_own_is_labelled_and_marked_with_it(tmp_path: Path) -> None:
    poem = (
        "春江潮水连海平，海上明月共潮生。滟滟随波千万里，何处春江无月明！江流宛转绕芳甸，月照花林皆似霰；" * 3
    )
    provider = {"code": CODE, "services": {"chat-*": "1CHAT"}}
    async with serving(tmp_path, Scripted.answer([poem]), provider=provider) as run:
        panel = Panel(run.house.ring, run.house.rules[""].own_labels)
        for model, code in (("chat-7b", CODE[:22] + "1CHAT"), ("other", CODE)):
            raw = await run.client.chat.completions.with_raw_response.create(model=model, messages=ask("诗"))
            answer = raw.parse()
            assert answer.model_extra is not None
            assert answer.model_extra["aigc"]["ContentProducer"] == code
            assert answer.model_extra["aigc"]["ContentPropagator"] == code
            assert f"producer={code};" in raw.headers["x-aigc"]
            report = panel.examine(answer.choices[0].message.content or "")
            (found,) = [d for d in report.detections if d.detector == "carrier"]
            assert found.provenance is not None
            assert found.provenance["producer"] == code
