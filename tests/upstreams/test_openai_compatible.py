"""What goes over the wire to an OpenAI-compatible server, and what does not."""

from __future__ import annotations

import pytest

from proxy.upstreams.openai_compatible import OpenAICompatible
from proxy.upstreams.upstream import UpstreamRequest
from tests.upstreams.raw_server import Settings, answering, ask, head, post, serve, upstream_at

OK = head(length=2) + b"ok"


async def test_the_request_carries_our_key_and_framing_and_the_callers_other_headers() -> None:
    async with serve(answering(OK)) as server, upstream_at(server, headers={"X-Team": "a"}) as upstream:
        await ask(
            upstream,
            body=b'{"a":1}',
            path="/chat/completions?x=y",
            Authorization="Bearer sk-caller",
            Accept_Encoding="gzip",
            Content_Length="999",
            Transfer_Encoding="chunked",
            Connection="close",
            Host="elsewhere",
            x_team="b",
            x_trace="t 1",
        )
        line, headers, body = server.visits[0].requests[0]
    assert line == "POST /v1/chat/completions?x=y HTTP/1.1"
    assert body == b'{"a":1}'
    assert headers == {
        "host": f"127.0.0.1:{server.port}",
        "accept-encoding": "identity",
        "authorization": "Bearer sk-upstream",
        "x-team": "a",
        "content-type": "application/json",
        "content-length": "7",
        "x-trace": "t 1",
    }


async def test_without_a_key_no_authorization_is_sent() -> None:
    async with serve(answering(OK)) as server, upstream_at(server, api_key="") as upstream:
        await ask(upstream, Authorization="Bearer sk-caller")
        assert "authorization" not in server.visits[0].requests[0][1]


async def test_an_authorization_among_the_settings_headers_wins_over_the_key() -> None:
    async with (
        serve(answering(OK)) as server,
        upstream_at(server, headers={"Authorization": "Basic eA=="}) as upstream,
    ):
        await ask(upstream)
        assert server.visits[0].requests[0][1]["authorization"] == "Basic eA=="


@pytest.mark.parametrize(("method", "length"), [("GET", None), ("POST", "0"), ("DELETE", "0")])
async def test_an_empty_body_has_a_length_where_one_is_expected(method: str, length: str | None) -> None:
    async with serve(answering(OK)) as server, upstream_at(server) as upstream:
        async with upstream.open(UpstreamRequest(method, "/files/1", (), b"")) as response:
            assert response.status == 200
        line, headers, _ = server.visits[0].requests[0]
    assert line == f"{method} /v1/files/1 HTTP/1.1"
    assert headers.get("content-length") == length


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]
)
async def test_redirects_are_answers_and_are_not_followed(status: str) -> None:
    data = head(status, "location: http://127.0.0.1:9/", length=0)
    async with serve(answering(data)) as server, upstream_at(server) as upstream:
        answered, headers, _ = await ask(upstream)
        assert answered == int(status[:3])
        assert headers["location"] == "http://127.0.0.1:9/"
        assert len(server.visits) == 1


@pytest.mark.parametrize(
    "status", ["400 Bad Request", "404 Not Found", "429 Slow Down", "500 Oops", "503 Busy"]
)
async def test_error_statuses_are_answers_with_their_bodies(status: str) -> None:
    data = head(status, "retry-after: 3", length=2) + b"no"
    async with serve(answering(data)) as server, upstream_at(server) as upstream:
        assert await ask(upstream) == (int(status[:3]), {"retry-after": "3", "content-length": "2"}, b"no")


async def test_proxies_in_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serve(answering(OK)) as server, upstream_at(server) as upstream:
        assert (await ask(upstream))[2] == b"ok"


@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized", "404 Not Found", "503 Busy"])
async def test_any_http_answer_means_ready(status: str) -> None:
    async with serve(answering(head(status, length=0))) as server, upstream_at(server) as upstream:
        assert await upstream.ready()
        assert server.visits[0].requests[0][0] == "GET /v1/models HTTP/1.1"


async def test_no_http_answer_means_not_ready(unused_tcp_port: int) -> None:
    upstream = OpenAICompatible(Settings(base_url=f"http://127.0.0.1:{unused_tcp_port}/v1"))
    await upstream.start()
    assert not await upstream.ready()
    await upstream.close()


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "127.0.0.1:9000/v1",
        "ftp://host/v1",
        "http:///v1",
        "http://host/v1?a=b",
        "http://host/#x",
        "http://u:p@host/v1",
    ],
)
def test_a_base_url_that_cannot_work_is_refused(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url must be"):
        OpenAICompatible(Settings(base_url=base_url))


@pytest.mark.parametrize(
    "settings",
    [{"api_key": "sk\r\nx: y"}, {"headers": {"x": "a\nb"}}, {"headers": {"x\0": "a"}}, {"api_key": "密钥"}],
)
def test_settings_that_would_break_the_message_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        OpenAICompatible(Settings(**settings))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "request_",
    [
        UpstreamRequest("POST", "/x", [("a", "b\r\nc: d")], b""),
        UpstreamRequest("POST", "/x", [("a\n", "b")], b""),
        UpstreamRequest("POST", "/x y", (), b""),
        UpstreamRequest("POST", "/x\r\n", (), b""),
        UpstreamRequest("POST", "/文", (), b""),
        UpstreamRequest("POST /", "/x", (), b""),
        UpstreamRequest("HEAD", "/x", (), b""),
    ],
)
async def test_a_request_that_would_become_another_is_refused(request_: UpstreamRequest) -> None:
    upstream = OpenAICompatible(Settings())
    await upstream.start()
    with pytest.raises(ValueError):
        upstream.open(request_)
    await upstream.close()


async def test_an_upstream_that_was_not_started_says_so() -> None:
    upstream = OpenAICompatible(Settings())
    with pytest.raises(RuntimeError, match="not started"):
        upstream.open(post())
    await upstream.close()


def test_ports_and_paths_follow_the_base_url() -> None:
    upstream = OpenAICompatible(Settings(base_url="https://api.example.com/v1/"))
    assert (upstream._host, upstream._port, upstream._base_path) == ("api.example.com", 443, "/v1")
    assert OpenAICompatible(Settings(base_url="http://[::1]:8000"))._host == "::1"
