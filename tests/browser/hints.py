"""The code of docs/hints.md as files, and a page that uses it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def snippets() -> dict[str, str]:
    """Name of the file, as its first line says, to the code."""
    page = (ROOT / "docs/hints.md").read_text("utf-8")
    found = re.findall(r"```jsx?\n// (\S+)\n(.*?)```", page, re.DOTALL)
    assert [name for name, _ in found] == ["aigc.js", "chat.js", "Answer.jsx"]
    return dict(found)


def style() -> str:
    page = (ROOT / "docs/hints.md").read_text("utf-8")
    (rules,) = re.findall(r"```css\n(.*?)```", page, re.DOTALL)
    return rules
