"""Token counts without the network, as tiktoken's own encodings count them."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from tiktoken import registry

from proxy.tokens import count_tokens, decode_tokens, encoding_for, estimate_usage


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4o", "o200k_base"),
        ("gpt-4o-mini-2024-07-18", "o200k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-3.5-turbo", "cl100k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("qwen2.5:7b", "o200k_base"),
        ("", "o200k_base"),
        # an encoding whose vocabulary is not at hand
        ("text-davinci-003", "o200k_base"),
    ],
)
def test_which_encoding_counts_for_a_model(model: str, name: str) -> None:
    assert encoding_for(model).name == name


@pytest.mark.parametrize(
    ("model", "text", "tokens"),
    [
        # Published examples: the cookbook "How to count tokens with tiktoken", and the encodings' documentation.
        ("gpt-4", "tiktoken is great!", [83, 1609, 5963, 374, 2294, 0]),
        ("gpt-4o", "tiktoken is great!", [83, 8251, 2488, 382, 2212, 0]),
        ("gpt-4", "hello world", [15339, 1917]),
        ("gpt-4o", "hello world", [24912, 2375]),
    ],
)
def test_texts_are_cut_as_the_encoding_does(model: str, text: str, tokens: list[int]) -> None:
    assert encoding_for(model).encode(text) == tokens
    assert count_tokens(model, [text]) == len(tokens)


def test_texts_are_counted_one_by_one() -> None:
    assert count_tokens("gpt-4o", []) == 0
    assert count_tokens("gpt-4o", ["", "hello world", "hello"]) == 3
    assert count_tokens("gpt-4o", (text for text in ["he", "llo"])) == 2


def test_control_tokens_in_a_text_are_plain_text() -> None:
    assert count_tokens("gpt-4o", ["<|endoftext|>"]) > 1


def test_any_text_is_decoded_to_itself() -> None:
    encoding = encoding_for("gpt-4o")
    for text in ("春江潮水连海平", "😀👨‍👩‍👧", "a\u0000\n\ufe00", "\u2028"):
        assert encoding.decode(encoding.encode(text)) == text


def test_token_ids_are_decoded_for_models_whose_vocabulary_is_at_hand() -> None:
    assert decode_tokens("gpt-4", [15339, 1917]) == "hello world"
    assert decode_tokens("gpt-4o", [24912, 2375]) == "hello world"
    assert decode_tokens("gpt-4o", []) == ""


@pytest.mark.parametrize("model", ["qwen2.5:7b", "text-davinci-003"])
def test_a_vocabulary_is_not_guessed(model: str) -> None:
    with pytest.raises(LookupError, match=model):
        decode_tokens(model, [1])


@pytest.mark.parametrize("tokens", [[-1], [1 << 31], [1 << 70], [200_100], ["1"]])
def test_ids_that_are_not_in_the_vocabulary_are_refused(tokens: list[Any]) -> None:
    with pytest.raises(ValueError, match="not in the model's vocabulary"):
        decode_tokens("gpt-4o", tokens)


def test_usage_is_estimated_in_the_shape_of_the_api() -> None:
    assert estimate_usage("gpt-4o", ["hello world", "hello"], ["hello world"]) == {
        "prompt_tokens": 3,
        "completion_tokens": 2,
        "total_tokens": 5,
    }


def test_vocabularies_come_without_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("no network")

    monkeypatch.setattr(registry, "ENCODINGS", {})
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert count_tokens("gpt-4", ["hello world"]) == 2
