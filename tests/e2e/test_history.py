"""A conversation of twenty turns through the proxy: it does not grow, and the model never sees a label or a mark.

The app sends back what it was given, as apps do. What reaches the model server is compared with what the same app
would send without the proxy, byte for byte: so prompts stay cached.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labelers.watermarks.carrier import strip_own
from proxy.upstreams import UpstreamRequest, replies
from proxy.upstreams.replies import Reply
from proxy.upstreams.scripted import Scripted
from tests.helpers import Running, serving
from tests.wire.responses_events import answer_events, message_events, numbered

TURNS = 20
LABELS = ("AI生成", "由AI", "AI-generated")
# Long enough to bear marks; a list, a fence and a heading, where labels and marks have their own rules.
ANSWERS = (
    "春江潮水连海平，海上明月共潮生。滟滟随波千万里，何处春江无月明！江流宛转绕芳甸，月照花林皆似霰。",
    "# 诗\n\n- 空里流霜不觉飞，汀上白沙看不见。\n- 江天一色无纤尘，皎皎空中孤月轮。\n\n江畔何人初见月？江月何年初照人？",
    "```python\nprint('春')\n```\n\n这段代码打印一个字，它没有别的用处，但是足够说明问题。",
)


def said(number: int) -> str:
    return f"第{number}轮。\n\n{ANSWERS[number % len(ANSWERS)]}"


class Model:
    """Answers turn after turn, and remembers the bytes that it was sent."""

    def __init__(self, wire: str) -> None:
        self.wire = wire
        self.bodies: list[bytes] = []

    def __call__(self, request: UpstreamRequest) -> Reply:
        text = said(len(self.bodies))
        self.bodies.append(request.body)
        if self.wire != "responses":
            return replies.answer(request, [text[at : at + 5] for at in range(0, len(text), 5)])
        events = answer_events(message_events([text[at : at + 5] for at in range(0, len(text), 5)]))
        if json.loads(request.body)["stream"]:
            return Reply([numbered(events)], headers=replies.SSE_HEADERS)
        return replies.json(events[-1]["response"])


async def _chat(run: Running, turns: list[Any], stream: bool) -> str:
    call: Any = run.client.chat.completions
    answer = await call.create(model="m", messages=turns, stream=stream)
    if not stream:
        return str(answer.choices[0].message.content)
    return "".join([c.delta.content or "" async for chunk in answer for c in chunk.choices])


async def _parts(run: Running, turns: list[Any], stream: bool) -> str:
    return await _chat(
        run, [{**turn, "content": [{"type": "text", "text": turn["content"]}]} for turn in turns], stream
    )


async def _responses(run: Running, turns: list[Any], stream: bool) -> str:
    items = [turn if turn["role"] == "user" else _item(turn["content"]) for turn in turns]
    answer = await run.client.responses.create(model="m", input=items, stream=stream)  # type: ignore[call-overload]
    if not stream:
        return str(answer.output_text)
    return "".join([e.delta async for e in answer if e.type == "response.output_text.delta"])


def _item(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "role": "assistant", "status": "completed", "content": [part]}


WIRES = {"chat": _chat, "chat, content in parts": _parts, "responses": _responses}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("wire", WIRES)
async def test_twenty_turns_do_not_grow_and_reach_the_model_as_it_said_them(
    tmp_path: Path, wire: str, stream: bool
) -> None:
    model, plain = Model(wire), Model(wire)
    off = {
        "labels": {"mode": "interface", "undertaking": "test", "metadata": False},
        "watermarks": {"carrier": {"enabled": False}},
        "review": {"input": False, "output": False},
        "records": {"enabled": False},
    }
    for folder in ("on", "off"):
        (tmp_path / folder).mkdir()
    async with (
        serving(tmp_path / "on", Scripted(model)) as run,
        serving(tmp_path / "off", Scripted(plain), **off) as bare,
    ):
        shown: list[Any] = []
        straight: list[Any] = []
        for number in range(TURNS):
            for turns, by in ((shown, run), (straight, bare)):
                turns.append({"role": "user", "content": f"第{number}个问题"})
                text = await WIRES[wire](by, turns, stream)
                assert said(number) in strip_own(text)
                turns.append({"role": "assistant", "content": text})
    assert all("AI生成" in turn["content"] for turn in shown[1::2])
    assert any(strip_own(turn["content"]) != turn["content"] for turn in shown[1::2])
    assert straight[1]["content"] == said(0)
    # The same bytes as without labels and marks.
    assert model.bodies == plain.bodies
    last = model.bodies[-1].decode()
    assert not any(label in last for label in LABELS)
    assert not any("\ufe00" <= character <= "\ufe0f" for character in last)
