"""How the detector cuts texts: packaged vocabularies, tokenizer.json files, servers' own."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from detectors.token_marks import read_row
from proxy import tokenizing
from proxy.settings import SettingsError, UpstreamSettings
from proxy.tokenizing import FileTokenizer, Packaged, ServerTokenizer, tokenizers_of
from proxy.upstreams.tokenize import read_tokens
from tests.helpers import settings_in

TEXT = "The old harbour 小镇的港口 🦆 naïve"
HAS_LIBRARY = find_spec("tokenizers") is not None


@pytest.mark.parametrize("name", ["o200k_base", "cl100k_base"])
def test_packaged_vocabularies_cut_a_text_into_its_bytes_without_the_network(name: str) -> None:
    tokenizer = Packaged(name)
    assert b"".join(tokenizer.tokens(TEXT)) == TEXT.encode()
    assert b" harbour" in tokenizer.tokens(TEXT)
    row = read_row(tokenizer, TEXT)
    assert [TEXT[a:b] for a, b in zip(row.starts, row.ends, strict=True)][:3] == ["The", " old", " harbour"]


def vocabulary_file(folder: Path) -> Path:
    """A byte-level BPE of the smallest kind, as the library writes it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    made = Tokenizer(models.BPE({"Ġ": 0, "a": 1, "b": 2, "Ġa": 3, "ä": 4, "½": 5, "ł": 6}, [("Ġ", "a")]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    path = folder / "tokenizer.json"
    made.save(str(path))
    return path


@pytest.mark.skipif(not HAS_LIBRARY, reason="the library tokenizers is not installed (extra `tokenizers`)")
def test_a_tokenizer_file_cuts_as_its_model_does(tmp_path: Path) -> None:
    tokenizer = FileTokenizer(vocabulary_file(tmp_path))
    assert tokenizer.name == tmp_path.name
    assert tokenizer.tokens("b a你") == [b"b", b" a", b"\xe4", b"\xbd", b"\xa0"]
    assert tokenizer.single_tokens(["b", " a", "ab"]) == {"b": 1, " a": 3}


@pytest.mark.skipif(not HAS_LIBRARY, reason="the library tokenizers is not installed (extra `tokenizers`)")
@pytest.mark.parametrize(("text", "why"), [(None, "no such file"), ("{}", "is no tokenizer.json")])
def test_a_file_that_is_none_is_told_at_the_start(tmp_path: Path, text: str | None, why: str) -> None:
    if text is not None:
        (tmp_path / "tokenizer.json").write_text(text)
    settings = settings_in(tmp_path, detection={"tokenizers": [str(tmp_path / "tokenizer.json")]})
    with pytest.raises(ValueError, match=why):
        tokenizers_of(settings)


def test_a_tokenizer_file_without_the_library_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenizing, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install 'inkseal\\[tokenizers\\]'"):
        FileTokenizer(tmp_path / "tokenizer.json")


@pytest.mark.parametrize("name", ["gpt2", "upstream:", "upstream:nobody"])
def test_tokenizers_that_are_none_are_refused_with_their_place(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="tokenizers"):
        settings_in(tmp_path, detection={"tokenizers": [name]})


def test_the_embedded_model_has_no_address_to_be_asked_at(tmp_path: Path) -> None:
    upstream = {"name": "model", "kind": "local"}
    with pytest.raises(SettingsError, match="has no address of its own"):
        settings_in(tmp_path, upstreams=[upstream], detection={"tokenizers": ["upstream:model"]})


@contextmanager
def answering(reply: Any, status: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that answers so; its address below /v1, and what it was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            asked.append({"path": self.path, "key": self.headers["authorization"], **json.loads(body)})
            said = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


LLAMA = {"tokens": [{"id": 5, "piece": "The"}, {"id": 6, "piece": " old"}, {"id": 7, "piece": [228, 189]}]}
VLLM = {"count": 3, "tokens": [5, 6, 7], "token_strs": ["The", "Ġold", "ä½"]}


@pytest.mark.parametrize("reply", [LLAMA, VLLM])
def test_a_server_is_asked_beside_its_api_in_either_dialect(tmp_path: Path, reply: dict[str, Any]) -> None:
    assert read_tokens(reply) == [(5, b"The"), (6, b" old"), (7, b"\xe4\xbd")]
    with answering(reply) as (address, asked):
        upstream = {"name": "main", "base_url": address, "api_key": "sk-1", "models": ["m", "*"]}
        settings = settings_in(
            tmp_path, upstreams=[upstream], detection={"tokenizers": ["upstream:main", "o200k_base"]}
        )
        server, packaged = tokenizers_of(settings)
        assert [server.name, packaged.name] == ["upstream:main", "o200k_base"]
        assert server.tokens(TEXT) == [b"The", b" old", b"\xe4\xbd"]
    (one,) = asked
    assert (one["path"], one["key"], one["model"]) == ("/tokenize", "Bearer sk-1", "m")
    assert one["content"] == one["prompt"] == TEXT


@pytest.mark.parametrize(
    ("reply", "status"), [({"error": "no"}, 404), ({"tokens": [{"id": "x"}]}, 200), ([], 200)]
)
def test_a_server_that_does_not_cut_is_logged_and_cuts_nothing(
    reply: Any, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with answering(reply, status) as (address, _), caplog.at_level(logging.WARNING, "inkseal"):
        tokenizer = ServerTokenizer(UpstreamSettings(name="main", base_url=address))
        assert list(tokenizer.tokens(TEXT)) == []
    assert "upstream:main does not cut texts" in caplog.text
