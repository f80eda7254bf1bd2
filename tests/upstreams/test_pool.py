"""Connections: kept and reused, bounded in number, TLS, closed at the end."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from proxy.upstreams import pool
from proxy.upstreams.openai_compatible import OpenAICompatible
from proxy.upstreams.upstream import UpstreamError
from tests.upstreams.raw_server import (
    CHUNKED,
    Limits,
    Settings,
    Visit,
    answering,
    ask,
    chunk,
    head,
    post,
    serve,
    upstream_at,
)

OK = head(length=2) + b"ok"
KEEPS = answering(OK, then="keep")


async def test_one_connection_serves_one_request_after_the_other() -> None:
    async with serve(KEEPS) as server, upstream_at(server) as upstream:
        for _ in range(5):
            assert (await ask(upstream))[2] == b"ok"
        assert len(server.visits) == 1


async def test_requests_at_the_same_time_get_connections_of_their_own_and_leave_them_to_later_ones() -> None:
    async with serve(KEEPS) as server, upstream_at(server) as upstream:
        await asyncio.gather(*(ask(upstream) for _ in range(4)))
        await asyncio.gather(*(ask(upstream) for _ in range(4)))
        assert len(server.visits) <= 4


async def test_a_connection_that_the_server_closed_while_idle_is_not_used_again() -> None:
    async with serve(answering(OK)) as server, upstream_at(server) as upstream:
        await ask(upstream)
        await asyncio.sleep(0.05)
        await ask(upstream)
        assert [len(visit.requests) for visit in server.visits] == [1, 1]


async def test_a_connection_idle_for_too_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve(KEEPS) as server, upstream_at(server) as upstream:
        await asyncio.gather(*(ask(upstream) for _ in range(3)))
        monkeypatch.setattr(pool, "IDLE_LIMIT", -1.0)
        await ask(upstream)
        assert max(len(visit.requests) for visit in server.visits) == 1


async def test_more_requests_than_connections_wait_for_their_turn() -> None:
    async with serve(KEEPS) as server, upstream_at(server, max_connections=2) as upstream:
        answers = await asyncio.gather(*(ask(upstream) for _ in range(20)))
        assert [body for _, _, body in answers] == [b"ok"] * 20
        assert len(server.visits) == 2


async def test_a_request_that_finds_no_free_connection_in_time_is_told_so() -> None:
    settings = {"max_connections": 1, "timeouts": Limits(connect=0.1)}
    async with serve(answering(CHUNKED, then="hold")) as server, upstream_at(server, **settings) as upstream:
        async with upstream.open(post()):
            with pytest.raises(UpstreamError, match="none of 1 connections came free") as caught:
                await ask(upstream)
        assert (caught.value.kind, caught.value.retryable) == ("timeout_connect", True)


@pytest.mark.parametrize("data", [b"", b"garbage\r\n\r\n", CHUNKED + chunk(b"cut")])
async def test_failures_give_their_connections_back(data: bytes) -> None:
    async with serve(answering(data)) as server, upstream_at(server, max_connections=1) as upstream:
        for _ in range(3):
            with pytest.raises(UpstreamError) as caught:
                await ask(upstream)
            assert caught.value.kind in ("reset", "protocol")


async def test_cancelled_requests_give_their_connections_back() -> None:
    async with (
        serve(answering(b"", then="hold")) as server,
        upstream_at(server, max_connections=1) as upstream,
    ):
        for delay in (0.0, 0.001, 0.05, 0.05):
            task = asyncio.create_task(ask(upstream))
            await asyncio.sleep(delay)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        server.asked.clear()
        task = asyncio.create_task(ask(upstream))
        await server.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_refused_connection_is_told_each_time(unused_tcp_port: int) -> None:
    upstream = OpenAICompatible(
        Settings(base_url=f"http://127.0.0.1:{unused_tcp_port}/v1", max_connections=1)
    )
    await upstream.start()
    for _ in range(2):
        with pytest.raises(UpstreamError, match="cannot connect") as caught:
            await ask(upstream)
        assert (caught.value.kind, caught.value.retryable, caught.value.status) == ("connect", True, 502)
    await upstream.close()


async def test_closing_ends_what_is_under_way() -> None:
    async with (
        serve(answering(CHUNKED + chunk(b"x"), then="hold")) as server,
        upstream_at(server) as upstream,
    ):
        async with upstream.open(post()) as response:
            assert await anext(response.body) == b"x"
            await upstream.close()
            with pytest.raises(UpstreamError, match="closed by us"):
                await anext(response.body)
        await upstream.close()


async def test_a_server_that_never_finishes_the_handshake_meets_the_connect_limit() -> None:
    async def silent(visit: Visit) -> None:
        await visit.left()

    async with (
        serve(silent) as server,
        upstream_at(server, scheme="https", timeouts=Limits(connect=0.2)) as upstream,
    ):
        with pytest.raises(UpstreamError, match=r"no connection within 0\.2 s") as caught:
            await ask(upstream)
        assert (caught.value.kind, caught.value.retryable) == ("timeout_connect", True)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for 127.0.0.1, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    file: Path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=file)


async def test_tls_with_a_trusted_certificate_works_and_is_reused(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async with (
        serve(KEEPS, tls=tls[0]) as server,
        upstream_at(server, scheme="https", tls=tls[1]) as upstream,
    ):
        for _ in range(3):
            assert (await ask(upstream))[2] == b"ok"
        assert len(server.visits) == 1


async def test_an_untrusted_certificate_is_refused(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async with serve(KEEPS, tls=tls[0]) as server, upstream_at(server, scheme="https") as upstream:
        with pytest.raises(UpstreamError, match="certificate verify failed") as caught:
            await ask(upstream)
        assert caught.value.kind == "connect"
        assert not any(visit.requests for visit in server.visits)


async def test_a_tls_stream_that_is_left_is_closed_at_once(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async with (
        serve(answering(CHUNKED + chunk(b"x"), then="hold"), tls=tls[0]) as server,
        upstream_at(server, scheme="https", tls=tls[1]) as upstream,
    ):
        async with upstream.open(post()) as response:
            assert await anext(response.body) == b"x"
        await asyncio.wait_for(server.visits[0].gone.wait(), 5)


@pytest.mark.parametrize(
    "test",
    [
        test_one_connection_serves_one_request_after_the_other,
        test_requests_at_the_same_time_get_connections_of_their_own_and_leave_them_to_later_ones,
        test_a_connection_that_the_server_closed_while_idle_is_not_used_again,
        test_more_requests_than_connections_wait_for_their_turn,
        test_a_request_that_finds_no_free_connection_in_time_is_told_so,
        test_cancelled_requests_give_their_connections_back,
        test_closing_ends_what_is_under_way,
        test_a_server_that_never_finishes_the_handshake_meets_the_connect_limit,
    ],
)
def test_it_is_the_same_on_uvloop_as_served(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    uvloop.run(test())
