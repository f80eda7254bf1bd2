"""Content that comes as a list of parts: some servers speak so, streamed or not.

A part that holds a text and nothing else is the answer's text, and goes the way that a string would; every
other part (a thought, a reference) is a channel like any unknown one.

Source: Mistral's API reference (content chunks); OpenAI API reference (content parts of a message).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labelers.explicit import Label
from proxy.lane import Piece

__all__ = ["is_text_part", "labelled_parts", "parted", "split_parts"]

_MEMBERS = frozenset({"type", "text", "index"})


def is_text_part(part: Any) -> bool:
    return (
        type(part) is dict
        and part.get("type", "text") in ("text", "output_text")
        and type(part.get("text")) is str
        and part.keys() <= _MEMBERS
    )


def split_parts(parts: list[Any]) -> tuple[str, list[Any]]:
    """The text of the text parts, and the other parts."""
    text = "".join(part["text"] for part in parts if is_text_part(part))
    return text, [part for part in parts if not is_text_part(part)]


def parted(text: str) -> list[dict[str, str]]:
    """A text as a list of one part."""
    return [{"type": "text", "text": text}]


def labelled_parts(parts: list[Any], said: Sequence[Sequence[Piece]], rest: Sequence[Piece]) -> list[Any]:
    """The parts with what became of each one's text; labels are parts of their own.

    `said`: for each text part its pieces; `rest`: what came when the text had ended, behind the last of them.
    """
    out: list[Any] = []
    texts = iter(said)
    last = max((at for at, part in enumerate(parts) if is_text_part(part)), default=-1)
    for at, part in enumerate(parts):
        if not is_text_part(part):
            out.append(part)
            continue
        pieces = [*next(texts), *(rest if at == last else ())]
        for piece in pieces:
            if type(piece) is Label:
                out += parted(piece.text)
            elif out and out[-1] is part:
                out[-1] = part = {**part, "text": part["text"] + piece.text}
            else:
                part = {**part, "text": piece.text}
                out.append(part)
    return out
