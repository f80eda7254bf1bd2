"""Log-probabilities of a reply, in the forms of chat and of both completions dialects."""

from __future__ import annotations

from typing import Any

from labelers.watermarks.logprob_walk import Drafted

__all__ = ["read_draft"]

# How servers that spell special tokens out write the end of an answer.
ENDS = frozenset(
    ["</s>", "<eos>", "<|im_end|>", "<|eot_id|>", "<|endoftext|>", "<end_of_turn>", "<|end|>", "<|return|>"]
)


def read_draft(choice: dict[str, Any]) -> list[Drafted]:
    """The positions of a choice with log-probabilities, in the form of chat or of either completions dialect.

    Raises KeyError, TypeError or AttributeError for what is none.
    """
    said = choice["logprobs"]
    if "content" in said:
        return [
            Drafted(
                _token(one),
                tuple(
                    (_token(top), float(top["logprob"]))
                    for top in one["top_logprobs"]
                    if _is_whole(_token(top))
                )
                or ((_token(one), 0.0),),
                _is_whole(_token(one)),
            )
            for one in said["content"]
        ]
    return [
        Drafted(
            _ended(token),
            tuple((_ended(text), float(p)) for text, p in top.items() if _is_whole(text)),
            _is_whole(token),
        )
        for token, top in zip(said["tokens"], said["top_logprobs"], strict=True)
    ]


def _token(said: dict[str, Any]) -> str:
    """A token's text; its bytes count where they are told."""
    spelt = said.get("bytes")
    return (
        bytes(spelt).decode("utf-8", "replace")
        if spelt and said["token"] not in ENDS
        else _ended(said["token"])
    )


def _ended(text: str) -> str:
    return "" if text in ENDS else text


def _is_whole(text: str) -> bool:
    return "\ufffd" not in text
