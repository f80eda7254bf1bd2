"""Which answers must carry a watermark where a rule asks for it: free text of more than so many tokens.

Out of scope are source code, configuration and other data, and short strings (EU Code of Practice on marking
AI-generated content, 2026-06-10). Tokens are estimated without a vocabulary: one for each Han, kana or Hangul
character, one for four others, which is what common tokenizers come near to.
"""

from __future__ import annotations

import re

from labelers.blocks import FenceTracker

__all__ = ["estimated_tokens", "is_due"]

_WIDE = re.compile(r"[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
_CHARS_PER_TOKEN = 4


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has."""
    wide = len(_WIDE.findall(text))
    return wide + -(-(len(text) - wide) // _CHARS_PER_TOKEN)


def is_due(text: str, above_tokens: int) -> bool:
    """Whether the text, its fenced code aside, is free text of more than `above_tokens` tokens."""
    if estimated_tokens(text) <= above_tokens or text.lstrip().startswith(("{", "[", "<")):
        return False
    fence = FenceTracker()
    prose = []
    for line in text.split("\n"):
        inside = fence.is_open
        fence.line(line)
        if not inside and not fence.is_open:
            prose.append(line)
    return estimated_tokens("\n".join(prose)) > above_tokens
