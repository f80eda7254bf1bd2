"""Which answers must carry a watermark, where a rule asks for one."""

from __future__ import annotations

import pytest

from labelers.watermarks.due import estimated_tokens, is_due
from proxy.tokens import encoding_for

ZH = "春江潮水连海平，海上明月共潮生。"
EN = "The river rises with the tide, and the bright moon rises with it over the sea. "


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("", False),
        (ZH * 12, False),
        (ZH * 18, True),
        (EN * 9, False),
        (EN * 13, True),
        (f"```python\n{EN * 40}\n```", False),
        (f"{EN}\n\n```\n{EN * 40}\n```\n\n{EN}", False),
        (f"{EN * 13}\n\n```\nx = 1\n```", True),
        ("{" + EN * 40, False),
        ("  [" + EN * 40, False),
        ("<p>" + EN * 40, False),
    ],
)
def test_long_free_text_is_due_and_code_data_and_short_texts_are_not(text: str, due: bool) -> None:
    assert is_due(text, 200) is due


@pytest.mark.parametrize("text", [ZH * 20, EN * 20])
def test_the_estimate_comes_near_to_a_real_tokenizer(text: str) -> None:
    encoding = encoding_for("gpt-4o")
    assert encoding is not None
    real = len(encoding.encode(text))
    assert real * 0.8 < estimated_tokens(text) < real * 1.5
