"""Which headers travel: the upstream learns nothing of who calls, the caller gets limits and retry advice."""

from __future__ import annotations

import pytest

from proxy.wire.headers import forwarded_headers, returned_headers


@pytest.mark.parametrize(
    "name",
    [
        "accept", "content-type", "user-agent", "x-stainless-lang", "x-stainless-retry-count", "openai-beta",
        "idempotency-key", "traceparent", "x-custom", "prefer",
    ],
)  # fmt: skip
def test_what_the_sdk_says_of_itself_and_the_request_goes_upstream(name: str) -> None:
    assert forwarded_headers({name: "v"}) == [(name, "v")]


@pytest.mark.parametrize(
    "name",
    [
        # hop by hop, and our own connection (RFC 9110 §7.6.1)
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade", "host", "content-length", "content-encoding", "accept-encoding", "expect",
        # the caller's credentials
        "authorization", "api-key", "x-api-key", "cookie",
        # who calls, and over what
        "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-original-forwarded-for",
        "x-real-ip", "true-client-ip", "x-client-ip", "x-cluster-client-ip", "cf-connecting-ip", "cf-ray", "cdn-loop",
        "fastly-client-ip", "x-amzn-trace-id", "x-amz-cf-id", "x-envoy-external-address",
        # ours
        "x-request-id", "x-aigc-session", "x-aigc-user", "x-aigc-label", "x-inkseal-anything",
    ],
)  # fmt: skip
def test_what_tells_who_calls_or_belongs_to_our_connection_stays_here(name: str) -> None:
    assert forwarded_headers({name: "v", "accept": "*/*"}) == [("accept", "*/*")]


def test_headers_named_by_connection_stay_here() -> None:
    headers = {"connection": "close, X-Secret , ", "x-secret": "v", "x-other": "w"}
    assert forwarded_headers(headers) == [("x-other", "w")]


def test_order_and_values_are_kept() -> None:
    headers = {"b": " 1 ", "host": "h", "a": "2"}
    assert forwarded_headers(headers) == [("b", " 1 "), ("a", "2")]
    assert forwarded_headers({}) == []


@pytest.mark.parametrize(
    ("name", "returned"),
    [
        ("retry-after", "retry-after"),
        ("retry-after-ms", "retry-after-ms"),
        ("x-should-retry", "x-should-retry"),
        ("x-ratelimit-remaining-tokens", "x-ratelimit-remaining-tokens"),
        ("openai-processing-ms", "openai-processing-ms"),
        ("x-request-id", "x-upstream-request-id"),
        ("content-type", None),
        ("content-length", None),
        ("content-encoding", None),
        ("set-cookie", None),
        ("server", None),
        ("x-aigc", None),
        ("x-upstream-request-id", None),
        ("connection", None),
        ("transfer-encoding", None),
    ],
)
def test_what_comes_back_and_under_which_name(name: str, returned: str | None) -> None:
    assert returned_headers([(name, "v")]) == ([(returned, "v")] if returned else [])


def test_a_header_that_stands_twice_comes_back_twice() -> None:
    twice = [("openai-x", "1"), ("date", "d"), ("openai-x", "2")]
    assert returned_headers(twice) == [("openai-x", "1"), ("openai-x", "2")]
