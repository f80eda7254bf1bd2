"""The webhook: what is sent, signed, tried again and given up."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from proxy.governance.webhook import post


@contextmanager
def hook(*statuses: int) -> Iterator[tuple[str, list[tuple[bytes, str]]]]:
    got: list[tuple[bytes, str]] = []
    answers = list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((body, self.headers.get("x-inkseal-signature", "")))
            self.send_response(answers.pop(0))
            self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            return None

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_notice_is_sent_as_signed_json() -> None:
    with hook(204) as (url, got):
        assert post(url, {"说": 1}, "geheim") == ""
    body, signature = got[0]
    assert json.loads(body) == {"说": 1}
    assert signature == hmac.new(b"geheim", body, hashlib.sha256).hexdigest()


def test_it_is_tried_three_times_and_redirects_are_not_followed() -> None:
    with hook(500, 503, 200) as (url, got):
        assert post(url, {}, pauses=(0, 0)) == ""
        assert [signature for _, signature in got] == ["", "", ""]
    with hook(500, 302, 302) as (url, got):
        assert post(url, {}, pauses=(0, 0)) == "status 302"
        assert len(got) == 3


def test_an_address_that_nobody_answers_is_told() -> None:
    with hook() as (url, _):
        pass
    assert "ConnectError" in post(url, {}, pauses=(0, 0))
    assert "Unsupported" in post("ftp://x", {}, pauses=(0, 0))
