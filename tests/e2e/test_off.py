"""With every feature off the proxy is a wire: the bytes out are the bytes in, however oddly a server spells its JSON.

What differs anyway is told here: headers (ids, hop-by-hop), comments, which become pings, and frames that SDKs fail
on (`id:`, `retry:`, several data lines), which become one data line.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.upstreams import replies
from proxy.upstreams.replies import Reply
from proxy.upstreams.scripted import Scripted
from tests.e2e.failures import ENDPOINTS, _input, body, frames
from tests.helpers import serving

OFF: dict[str, Any] = {
    "labels": {"mode": "interface", "undertaking": "test", "metadata": False},
    "watermarks": {"carrier": {"enabled": False}},
    "review": {"input": False, "output": False},
    "records": {"enabled": False},
}
# Big integers, floats as they were written, escapes, white space, keys that stand twice, unknown members.
ODD = '"big": 123456789012345678901234567890, "num": 1.50, "e": 2E-3, "u": "\\u6625\\/\\ud83d\\ude00", "num": [ ],  "x" :{"b":1,"a":2}, '


def spelt(document: bytes) -> bytes:
    """The same with odd members in front, and with the text as escapes."""
    assert document.startswith(b"{")
    return b"{ " + ODD.encode() + document[1:].replace("春江".encode(), b"\\u6625\\u6c5f")


def odd_frames(path: str) -> list[bytes]:
    out = []
    for frame in frames(path):
        head, _, data = frame.partition(b"data: ")
        out.append(head + b"data: " + (spelt(data) if data.startswith(b"{") else data))
    return out


async def sent_back(folder: Path, path: str, reply: Reply, stream: bool) -> tuple[bytes, Any]:
    async with serving(folder, Scripted(reply), **OFF) as run:
        asked = {"model": "m", "stream": stream, **_input(path)}
        asked["stream_options"] = {"include_usage": True}
        got = await run.http.post(f"/v1/{path}", json=asked)
        return got.content, got.headers


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_a_stream_goes_out_byte_for_byte(tmp_path: Path, path: str) -> None:
    for number, steps in enumerate((frames(path), odd_frames(path), [b"".join(odd_frames(path))])):
        folder = tmp_path / str(number)
        folder.mkdir()
        got, headers = await sent_back(folder, path, Reply(steps, headers=replies.SSE_HEADERS), True)
        assert got == b"".join(steps)
        assert not [name for name in headers if "aigc" in name or "disclosure" in name]
        assert headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_a_whole_answer_goes_out_byte_for_byte(tmp_path: Path, path: str) -> None:
    for number, sent in enumerate((body(path), spelt(body(path)), b"\n " + spelt(body(path)) + b"\r\n")):
        folder = tmp_path / str(number)
        folder.mkdir()
        got, _ = await sent_back(folder, path, Reply([sent]), False)
        assert got == sent


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_of_other_line_ends_and_fields_the_data_stays_byte_for_byte(tmp_path: Path, path: str) -> None:
    odd = [b": hello\r\n\r\n"]
    for number, frame in enumerate(odd_frames(path)):
        odd.append(b"id: %d\r\nretry: 5\r\n" % number + frame.replace(b"\n", b"\r\n"))
    got, _ = await sent_back(tmp_path, path, Reply(odd, headers=replies.SSE_HEADERS), True)
    wanted = [line for frame in odd_frames(path) for line in frame.split(b"\n") if line.startswith(b"data: ")]
    assert [line for line in got.split(b"\n") if line.startswith(b"data: ")] == wanted
    assert got.startswith(b": ping\n")
    assert b"id:" not in got.replace(b'"id":', b"") and b"retry:" not in got


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_the_request_goes_up_byte_for_byte(tmp_path: Path, path: str) -> None:
    upstream = Scripted(Reply([body(path)]))
    sent = spelt(json.dumps({"model": "m", **_input(path)}, ensure_ascii=False).encode())
    async with serving(tmp_path, upstream, **OFF) as run:
        await run.http.post(f"/v1/{path}", content=sent)
    assert upstream.requests[0].body == sent
