"""The embedded model as an upstream: started, asked, cancelled, killed, restarted."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from proxy.upstreams import local, local_server
from proxy.upstreams.local import Local
from proxy.upstreams.upstream import UpstreamError, UpstreamResponse
from tests.upstreams.raw_server import Limits, Settings, post

SETTINGS = Settings(
    name="small",
    kind="local",
    models=[local_server.MODEL],
    timeouts=Limits(first_byte=120, idle=60, total=240),
)

# A child that behaves like local_server.py, without a model: it answers every request with its process id.
CHILD = """
import http.server, os, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        data = b'{"pid": %d, "asked": %s}' % (os.getpid(), body)
        self.send_response(200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def do_GET(self):
        self.send_response(404)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"http://127.0.0.1:{server.server_port}", flush=True)
sys.stdin.buffer.read()
os._exit(0)
"""


Write = Callable[[str], object]


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes the program that is run as the child."""
    file = tmp_path / "child.py"
    file.write_text(CHILD)
    monkeypatch.setattr(local_server, "__file__", str(file))
    monkeypatch.setattr(local, "find_spec", lambda _name: object())
    monkeypatch.setattr(local, "FIRST_PAUSE", 0.05)
    return file.write_text


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[Local]:
    upstream = Local(SETTINGS, **options)
    await upstream.start()
    try:
        yield upstream
    finally:
        await upstream.close()


async def ask(upstream: Local, body: dict[str, Any]) -> Any:
    async with upstream.open(post(orjson.dumps(body))) as response:
        assert response.status == 200
        return orjson.loads(await read(response))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  nothing tells
            await asyncio.sleep(0.01)


async def read(response: UpstreamResponse) -> bytes:
    return b"".join([piece async for piece in response.body])


@pytest.mark.usefixtures("child")
async def test_the_child_is_asked_and_ends_with_the_upstream() -> None:
    async with running() as upstream:
        answer = await ask(upstream, {"a": 1})
        assert answer == {"pid": upstream.pid, "asked": {"a": 1}}
        assert await upstream.ready()
    assert upstream.pid is None
    assert not await upstream.ready()
    with pytest.raises(ProcessLookupError):
        os.kill(answer["pid"], 0)


@pytest.mark.usefixtures("child")
async def test_a_killed_child_is_started_again() -> None:
    async with running() as upstream:
        first = (await ask(upstream, {}))["pid"]
        os.kill(first, signal.SIGKILL)
        await until(lambda: upstream.pid != first)
        assert (await ask(upstream, {}))["pid"] != first


async def test_a_child_that_cannot_start_again_is_tried_with_pauses_and_told(
    child: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "LONGEST_PAUSE", 0.1)
    async with running() as upstream:
        pid = (await ask(upstream, {}))["pid"]
        child("import sys; sys.exit('no memory')")
        upstream._settings = local._Child("small", Limits(connect=0.5), 8, headers={})
        os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.3)
        with pytest.raises(UpstreamError, match="not running") as caught:
            await ask(upstream, {})
        assert (caught.value.kind, caught.value.retryable) == ("connect", True)
        child(CHILD)
        await until(lambda: upstream._up.is_set())


async def test_a_child_that_fails_at_the_start_is_quoted(child: Write) -> None:
    child("import sys; sys.stderr.write('x' * 100_000 + 'the last words'); sys.exit(1)")
    with pytest.raises(UpstreamError, match=r"did not start:\n.*the last words") as caught:
        await Local(SETTINGS).start()
    assert caught.value.kind == "connect"
    assert len(caught.value.message) < 5000


async def test_a_child_that_says_nothing_is_given_up(child: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    child("import signal, sys; signal.pause()")
    monkeypatch.setattr(local, "START_LIMIT", 0.3)
    monkeypatch.setattr(local, "STOP_LIMIT", 0.1)
    upstream = Local(SETTINGS)
    with pytest.raises(UpstreamError, match="did not start") as caught:
        await upstream.start()
    assert caught.value.kind == "timeout_connect"
    assert upstream.pid is None
    await upstream.close()


async def test_a_start_that_is_given_up_leaves_no_child(child: Write) -> None:
    child("import signal; signal.pause()")
    upstream = Local(SETTINGS)
    start = asyncio.create_task(upstream.start())
    await until(lambda: upstream.pid is not None)
    pid = upstream.pid
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert upstream.pid is None
    assert pid is not None
    assert not alive(pid)


async def test_a_child_that_talks_on_stderr_is_not_blocked(child: Write) -> None:
    child("import sys; sys.stderr.write('x' * 1_000_000)\n" + CHILD)
    async with running() as upstream:
        assert await ask(upstream, {})


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
async def test_the_child_dies_with_a_killed_parent(child: Write) -> None:
    parent = textwrap.dedent(f"""
        import asyncio
        from proxy.upstreams import local, local_server
        from tests.upstreams.test_local import SETTINGS
        local_server.__file__ = {local_server.__file__!r}
        local.find_spec = lambda name: object()
        async def main():
            upstream = local.Local(SETTINGS)
            await upstream.start()
            print(upstream.pid, flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
    """)
    child(
        f"import sys; sys.path.insert(0, {os.getcwd()!r})\n"
        "from proxy.upstreams.local_server import die_with_parent; die_with_parent()\n" + CHILD
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", parent, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    pid = int(await process.stdout.readline())
    process.kill()
    await process.wait()
    await until(lambda: not alive(pid))


def alive(pid: int) -> bool:
    """A zombie that nobody collects is not alive."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_missing_extra_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "find_spec", lambda name: None if name == "xllamacpp" else object())
    with pytest.raises(ValueError, match=r"not installed \(xllamacpp\); run: pip install 'inkseal\[local\]'"):
        Local(SETTINGS)


@pytest.mark.usefixtures("child")
@pytest.mark.parametrize(
    ("stop", "sent"),
    [("x", ["x", *local_server.STOP]), (["x", "y"], ["x", "y", *local_server.STOP]), (None, None), ([], [])],
)
async def test_a_callers_stop_strings_join_ours(stop: Any, sent: Any) -> None:
    async with running() as upstream:
        assert (await ask(upstream, {"stop": stop}))["asked"]["stop"] == sent


@pytest.mark.parametrize("body", [b'"stop"', b'{"stop"'])
def test_a_body_that_is_no_object_is_left_alone(body: bytes) -> None:
    assert local._with_our_stops(body) is body


CHAT = {
    "model": local_server.MODEL,
    "messages": [{"role": "user", "content": "茶是怎么做成的？"}],
    "max_tokens": 24,
    "temperature": 0.6,
    "seed": 7,
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests of this module keep the assembled weights."""
    pytest.importorskip("xllamacpp")
    return tmp_path_factory.mktemp("weights")


@pytest.mark.model
async def test_the_model_answers_streams_repeats_itself_and_stops_when_left(weights: Path) -> None:
    async with running(cache=weights) as upstream:
        # The same seed gives the same text, streamed or not.
        whole = await ask(upstream, CHAT)
        assert whole["model"] == local_server.MODEL
        text = whole["choices"][0]["message"]["content"]
        assert text
        assert whole == whole | {"choices": (await ask(upstream, CHAT))["choices"]}
        async with upstream.open(post(orjson.dumps(CHAT | {"stream": True}))) as response:
            lines = (await read(response)).decode().split("\n\n")
        frames = [orjson.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]
        assert "".join(frame["choices"][0]["delta"].get("content") or "" for frame in frames) == text
        assert "data: [DONE]" in lines
        # Several choices and logprobs.
        several = await ask(upstream, CHAT | {"n": 2, "logprobs": True, "max_tokens": 4})
        assert [choice["index"] for choice in several["choices"]] == [0, 1]
        assert len(several["choices"][0]["logprobs"]["content"]) == 4
        # Base models run on: the stop strings end the answer before the next question.
        long = await ask(upstream, CHAT | {"max_tokens": 60, "stop": ["，"]})
        assert "，" not in long["choices"][0]["message"]["content"]
        # Left in the middle: the next request does not wait for the rest.
        async with upstream.open(post(orjson.dumps(CHAT | {"stream": True, "max_tokens": 4000}))) as response:
            await anext(response.body)
        assert await ask(upstream, CHAT | {"max_tokens": 2})
