"""Any server that speaks OpenAI's protocol over HTTP/1.1, through the small client of connection.py.

Chosen by measurement over aiohttp and httpx: bench/http_client.py, docs/benchmarks.md. No redirects are
followed, no cookies kept, no proxies or netrc taken from the environment.
"""

from __future__ import annotations

import ssl
from contextlib import AbstractAsyncContextManager
from urllib.parse import urlsplit

from proxy.upstreams.exchange import Exchange, Upload
from proxy.upstreams.pool import Pool
from proxy.upstreams.upstream import UpstreamError, UpstreamRequest, UpstreamResponse, UpstreamSettings

__all__ = ["OpenAICompatible"]

# Ours to set, whatever the caller sent: the key, what the connection needs, and no compression.
OWN_HEADERS = frozenset(
    (
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


class OpenAICompatible:
    """`kind: openai_compatible`. Raises ValueError for settings that cannot work.

    `tls` replaces the system's trust, for tests and private authorities.
    """

    def __init__(self, settings: UpstreamSettings, *, tls: ssl.SSLContext | None = None) -> None:
        url = urlsplit(settings.base_url.rstrip("/"))
        if (
            url.scheme not in ("http", "https")
            or not url.hostname
            or url.query
            or url.fragment
            or url.username
        ):
            raise ValueError(
                f"upstream {settings.name!r}: base_url must be http(s)://host[:port][/path], without user or query"
            )
        secure = url.scheme == "https"
        self.name = settings.name
        self._host, self._port = url.hostname, url.port or (443 if secure else 80)
        self._where = f"upstream {settings.name!r} at {url.netloc}"
        self._base_path = url.path
        self._settings = settings
        self._tls = (tls or ssl.create_default_context()) if secure else None
        own = [("host", url.netloc), ("accept-encoding", "identity"), *settings.headers.items()]
        if settings.api_key and "authorization" not in {name.lower() for name, _ in own}:
            own.append(("authorization", f"Bearer {settings.api_key}"))
        self._own_names = OWN_HEADERS | {name.lower() for name, _ in own}
        self._own_lines = [f"{name}: {value}" for name, value in own]
        # The key and the headers of the settings are refused now, not at the first request.
        _message([f"GET {url.path or '/'} HTTP/1.1", *self._own_lines], b"")
        self._pool: Pool | None = None

    async def start(self) -> None:
        self._pool = Pool(
            self._host,
            self._port,
            where=self._where,
            limit=self._settings.max_connections,
            connect_limit=self._settings.timeouts.connect,
            tls=self._tls,
        )

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def ready(self) -> bool:
        try:
            async with self.open(UpstreamRequest("GET", "/models", (), b"")):
                return True
        except UpstreamError:
            return False

    def open(self, request: UpstreamRequest) -> AbstractAsyncContextManager[UpstreamResponse]:
        """As the protocol says; ValueError for a request that no valid HTTP message can hold."""
        if self._pool is None:
            raise RuntimeError(f"{self._where} was not started")
        target = request.path if request.rooted else self._base_path + request.path
        if not target.isascii() or not target.isprintable() or " " in target or not request.method.isalpha():
            raise ValueError("method or path cannot stand in a request line")
        if request.method in ("HEAD", "CONNECT"):
            # Their answers end differently (RFC 9112, 6.3); no OpenAI endpoint has them.
            raise ValueError(f"{request.method} is not supported")
        lines = [f"{request.method} {target} HTTP/1.1", *self._own_lines]
        lines += [
            f"{name}: {value}" for name, value in request.headers if name.lower() not in self._own_names
        ]
        upload = None
        if request.pieces is not None:
            known = request.length is not None
            lines.append(f"content-length: {request.length}" if known else "transfer-encoding: chunked")
            upload = Upload(request.pieces, chunked=not known)
        elif request.body or request.method != "GET":
            lines.append(f"content-length: {len(request.body)}")
        message = _message(lines, request.body)
        return Exchange(self._pool, message, self._settings.timeouts, self._where, upload)


def _message(lines: list[str], body: bytes) -> bytes:
    """The request's bytes. A line break or NUL within a line would be another header, or another request."""
    head = "\r\n".join(lines)
    if head.count("\r") != len(lines) - 1 or head.count("\n") != len(lines) - 1 or "\0" in head:
        raise ValueError("a header holds a line break or NUL")
    return b"%s\r\n\r\n%s" % (head.encode("latin-1"), body)
